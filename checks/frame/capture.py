"""A captured tree of a host: what it answers in the machine's place, for tests and post-mortems.

- a file stands where it stood: DIR/proc/net/route;
- the time of the capture, in whole unix seconds, may be in DIR/clock: what is judged by its age needs it;
- PATH.hang stands for a file that gives no answer at all;
- a directory may be a text file NAME.ls with one entry per line (1023 ports need no 1023 files);
- a byte of a name that not every archive keeps (control, not ASCII, quotes, backslash ...) may be written as %XX;
- replies of a local HTTP socket are files in DIR/SOCKET.replies/, named after the request's path without its query, the
  slashes as underscores: "networks.json", "containers_json.json"; a file NAME.hang instead stands for no answer at all;
- extended attributes of a directory are lines NAME=VALUE in PATH.xattrs, its file system's size and what is left of it
  are two numbers in PATH.statfs; PATH.errno holds the name of the error it answers with instead, and PATH.hang stands
  for no answer at all;
- what a command printed is in DIR/commands/NAME/ARGUMENTS, the spaces and slashes between and in the arguments as
  underscores ("commands/storcli64/_call_show_all_nolog_J"); its exit status, if not 0, in ARGUMENTS.status (negative:
  the signal that ended it), and ARGUMENTS.hang stands for one that never ends;
- what a TCP service said is in DIR/tcp/ADDRESS-PORT.replies/, one file per request: named after the bytes sent in
  hexadecimal, holding those received in hexadecimal (line breaks do not count); NAME.hang as above;
- what the kernel answered on netlink is in DIR/netlink/NAME, one datagram in hexadecimal per line; NAME.hang as above.
"""

from __future__ import annotations

import errno
import os
import re
import time

from checks.frame.host import COMMAND_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.frame.bounded import Answer
    from checks.frame.host import Host
    from checks.frame.tcp import Talk

_NETWORK = "/sys/class/net"
_PORTABLE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+=@,/"
_PATIENCE = 0.3  # share of the whole time that is waited for what gives no answer


def escaped(path: str) -> bytes:
    """A path with the bytes that not every archive keeps as %XX."""
    raw = path.encode("utf-8", "surrogateescape")
    return b"".join(bytes([byte]) if byte in _PORTABLE else b"%%%02X" % byte for byte in raw)


def unescaped(name: bytes) -> bytes:
    """What ``escaped`` was given."""
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), name)


def place_of(host: Host, path: str) -> bytes:
    """Where a path of the host is to be found: by its name, or where that is not there, by its escaped one."""
    root = host.root.encode("utf-8", "surrogateescape")
    place = root + path.encode("utf-8", "surrogateescape")
    return place if os.path.lexists(place) else root + escaped(path)


def wait_for(host: Host, path: str) -> None:
    """Wait for long, then fail, if PATH.hang stands there."""
    if os.path.lexists((host.root + path + ".hang").encode("utf-8", "surrogateescape")):
        time.sleep(host.deadline.left(_PATIENCE * host.deadline.total))
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def entries(host: Host, path: str) -> list[str]:
    """The names in a directory, or in its list. Raises OSError."""
    try:
        return [name for name in host.text(path + ".ls").split("\n") if name]
    except FileNotFoundError:
        pass  # captured as a directory
    names = [unescaped(name).removesuffix(b".ls") for name in os.listdir(place_of(host, path))]
    return [name.decode("utf-8", "surrogateescape") for name in names]


def attributes(host: Host, path: str, names: Sequence[str]) -> list[bytes]:
    """Extended attributes of a directory. Raises OSError."""
    lines = dict(line.partition("=")[::2] for line in _answer(host, path, "xattrs").split("\n"))
    return [lines.get(name, "").encode("utf-8", "surrogateescape") for name in names]


def space(host: Host, path: str) -> tuple[int, int]:
    """(total, available) bytes of a file system. Raises OSError."""
    total, available = _answer(host, path, "statfs").split()
    return int(total), int(available)


def _answer(host: Host, path: str, kind: str) -> str:
    """The text of PATH.KIND; waits for long if PATH.hang stands there, raises the error that PATH.errno names."""
    wait_for(host, path)
    if host.exists(f"{path}.errno"):
        number = getattr(errno, host.text(f"{path}.errno").strip())
        raise OSError(number, os.strerror(number))
    return host.text(f"{path}.{kind}")


def links(host: Host, kind: str, master: int | None) -> list[tuple[int, str]]:
    """(index, name) of interfaces in sysfs: the kind is that of the directory in /sys/class/net/NAME."""
    names = host.entries(_NETWORK) if host.exists(_NETWORK) else []
    if master is not None:
        names = [name for name in names if _index(host, f"{name}/master") == master]
    if kind:
        names = [name for name in names if host.exists(f"{_NETWORK}/{name}/{kind}")]
    return [(_index(host, name), name) for name in names]


def _index(host: Host, name: str) -> int:
    """The interface index of a captured interface; 0, which no interface has, when it was not captured well."""
    try:
        return host.number(f"{_NETWORK}/{name}/ifindex") or 0
    except ValueError:
        return 0


def ports(host: Host, name: str) -> int:
    """How many ports a bridge had. Raises OSError."""
    try:
        return len(host.entries(f"{_NETWORK}/{name}/brif"))
    except FileNotFoundError:
        raise OSError(errno.EIO, "its ports were not captured") from None


def datagrams(host: Host, name: str, reserve: float) -> Iterator[bytes]:
    """What the kernel answered on netlink. Raises OSError, TimeoutError ``reserve`` seconds before the deadline."""
    path = f"/netlink/{name}"
    if host.exists(f"{path}.hang"):
        time.sleep(host.deadline.left(reserve))
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    for line in host.text(path).splitlines():
        try:
            yield bytes.fromhex(line)
        except ValueError:
            raise OSError(errno.EBADMSG, "was not captured as hexadecimal") from None


def replayed(host: Host, argv: Sequence[str], seconds: float) -> Answer | Exception:
    """What a command printed, as bounded.run_many has it."""
    from checks.frame import bounded

    words = "_".join(argv[1:]).replace("/", "_").replace(" ", "_")
    place = f"/commands/{os.path.basename(argv[0])}/{words}"
    try:
        if host.exists(f"{place}.hang"):
            time.sleep(min(seconds, _PATIENCE * host.deadline.total))
            return bounded.HelperTimeout("no answer in time")
        status = host.number(f"{place}.status") or 0
        output = host.read(place, COMMAND_MAX + 1)
    except (OSError, ValueError) as error:
        return error if isinstance(error, OSError) else OSError(errno.EINVAL, "its status was not captured well")
    if len(output) > COMMAND_MAX:
        return bounded.HelperOverflow(f"answered more than {COMMAND_MAX} bytes")
    return bounded.Answer(status, output)


def converse(host: Host, talk: Talk, seconds: float) -> None:
    """Say what a TCP service said."""
    directory = f"/tcp/{talk.address}-{talk.port}.replies"
    if not host.exists(directory):
        talk.fail("refused the connection")
    request = b"" if talk.over else talk.feed(b"")
    while not talk.over:
        name = f"{directory}/{request.hex()}"
        if host.exists(f"{name}.hang"):
            time.sleep(seconds)
            talk.fail("did not answer in time")
            break
        try:
            request = talk.feed(bytes.fromhex(host.text(name)))
        except (FileNotFoundError, ValueError):
            talk.fail("closed the connection")
