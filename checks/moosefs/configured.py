"""What this host says of MooseFS: its masters, its lists of disks, and which disks are starred for removal.

Sources: mounts of type fuse.mfs in /proc/self/mountinfo (the source is HOST:PORT, then "/" and a mounted subfolder;
"mfs#HOST:PORT" of old, where newer kernels write "#" as "\\043"), mfsmount.cfg(5) ("mfsmaster=HOST"),
mfschunkserver.cfg(5) and mfshdd.cfg(5), where a line is a path with flags before it ("*" marks for removal, "<" and ">"
steer balancing, "~" is for compressing file systems) and an optional limit after it.
"""

from __future__ import annotations

import re

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.unread import Reader

MASTER_PORT = 9421
CHUNKSERVER_FILES = ("/etc/mfs/mfschunkserver.cfg", "/etc/mfschunkserver.cfg")
CLIENT_FILES = ("/etc/mfs/mfsmount.cfg", "/etc/mfsmount.cfg")
DISK_FILES = ("/etc/mfs/mfshdd.cfg", "/etc/mfshdd.cfg")
# Patterns as text: most runs need none of them, and compiling takes a millisecond.
_MOUNT = r"(?m) - fuse(?:\.(?:mfs|moosefs) (?:mfs(?:#|\\043))?| mfs(?:#|\\043))([A-Za-z0-9._-]+):(\d{1,5})(?:[ /]|$)"
_CLIENT = r"(?:^|[\s,])mfs(master|port)=([A-Za-z0-9._-]+)"
_FLAGS = "*<>~"


class Endpoint(Record):
    """A master to ask."""

    host: str
    port: int = MASTER_PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_mounts(mountinfo: str) -> list[Endpoint]:
    """The masters of all mounted MooseFS file systems."""
    return [_endpoint(host, port) for host, port in re.findall(_MOUNT, mountinfo)]


def parse_client(text: str) -> list[Endpoint]:
    """The master that an mfsmount.cfg names, if it does."""
    found = dict(re.findall(_CLIENT, _without_comments(text)))
    return [_endpoint(found["master"], found.get("port", ""))] if "master" in found else []


def parse_chunkserver(text: str) -> tuple[list[Endpoint], list[str]]:
    """Master and list of disks that an mfschunkserver.cfg names, if it does. Clients have a port of their own."""
    found = {}
    for line in _without_comments(text).split("\n"):
        name, _, value = line.partition("=")
        if value.strip():
            found[name.strip()] = value.split()[0]
    masters = [Endpoint(found["MASTER_HOST"])] if "MASTER_HOST" in found else []
    return masters, [found["HDD_CONF_FILENAME"]] if "HDD_CONF_FILENAME" in found else []


def parse_starred(text: str) -> list[str]:
    """The paths in an mfshdd.cfg that are marked for removal, with one slash at their end as the master shows them."""
    paths = []
    for line in _without_comments(text).split("\n"):
        flags = line[: len(line) - len(line.lstrip(_FLAGS))]
        path = re.sub(r"\s+-?[0-9.]+(?:%|(?:[kMGTPE]|[KMGTPE]i)?B?)$", "", line[len(flags) :].strip())
        if "*" in flags and path.startswith("/"):
            paths.append(path.rstrip("/") + "/")
    return paths


def parse_local_addresses(fib_trie: str) -> set[str]:
    """This host's own IPv4 addresses, from /proc/net/fib_trie."""
    return set(re.findall(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL", fib_trie))


def masters(reader: Reader) -> list[Endpoint]:
    """Every master that this host is configured for, as far as the reader may read its files."""
    found = parse_mounts(reader.text("/proc/self/mountinfo"))
    for path in CLIENT_FILES:
        found += parse_client(reader.text(path))
    for path in CHUNKSERVER_FILES:
        found += parse_chunkserver(reader.text(path))[0]
    return list(dict.fromkeys(found))


def disk_files(reader: Reader) -> list[str]:
    """The lists of disks that a chunkserver on this host may use."""
    found = [name for path in CHUNKSERVER_FILES for name in parse_chunkserver(reader.text(path))[1]]
    return [path for path in dict.fromkeys([*found, *DISK_FILES]) if path.startswith("/")]


def starred_disks(reader: Reader, named: list[str]) -> set[str]:
    """Starred paths in the files ``named``, which should be there, or else in the usual ones."""
    starred: set[str] = set()
    for path in named or disk_files(reader):
        starred.update(parse_starred(reader.text(path, needed=bool(named))))
    return starred


def local_addresses(reader: Reader) -> set[str]:
    """See parse_local_addresses."""
    return parse_local_addresses(reader.text("/proc/net/fib_trie", needed=True))


def _endpoint(name: str, port: str) -> Endpoint:
    return Endpoint(name, int(port) if port.isdigit() and 0 < int(port) < 65536 else MASTER_PORT)


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
