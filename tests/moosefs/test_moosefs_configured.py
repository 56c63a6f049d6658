"""What a host says of its MooseFS: mounts, clients, chunkservers, lists of disks, and own addresses."""

from __future__ import annotations

import pytest
from lab.mfs_memory import Watched
from lab.mfs_replica import Chunkserver, Disk

from checks.frame.command import Session, all_options
from checks.frame.host import Host
from checks.frame.options import UsageError, parse
from checks.frame.unread import Reader
from checks.moosefs import PLUGIN
from checks.moosefs.configured import (
    Endpoint,
    masters,
    parse_chunkserver,
    parse_client,
    parse_local_addresses,
    parse_mounts,
    parse_starred,
    starred_disks,
)
from perfdata.outcome import OK, UNKNOWN, WARNING, Outcome

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
MASTER = Endpoint("mfsmaster", 9421)


def mount(kind: str, source: str) -> str:
    return f"{ROOT}99 22 0:50 / /mnt/x rw,relatime shared:9 - {kind} {source} rw,user_id=0,group_id=0,allow_other\n"


@pytest.mark.parametrize(
    ("kind", "source", "expected"),
    [
        ("fuse.mfs", "mfsmaster:9421", [MASTER]),
        ("fuse.moosefs", "mfsmaster:9421", [MASTER]),
        ("fuse.mfs", "10.77.0.1:9521", [Endpoint("10.77.0.1", 9521)]),
        pytest.param("fuse.mfs", "mfsmaster:9421/home", [MASTER], id="a subfolder"),
        pytest.param("fuse.mfs", "mfsmaster:9421/with\\040space", [MASTER], id="a subfolder with a space"),
        pytest.param("fuse", "mfs#mfsmaster:9421", [MASTER], id="of old"),
        pytest.param("fuse", "mfs\\043mfsmaster:9421", [MASTER], id="of old on a new kernel"),
        ("fuse", "other:9421", []),
        ("fuse.mfs2", "mfsmaster:9421", []),
        ("fuse.mfsmeta", "mfsmaster:9421", []),
        ("fuse.sshfs", "user@mfsmaster:9421", []),
        ("fuse.glusterfs", "mfsmaster:9421", []),
        ("nfs4", "mfsmaster:9421", []),
        ("ext4", "mfs#mfsmaster:9421", []),
        ("fuse.mfs", "mfsmaster", []),
        ("fuse.mfs", "mfsmaster:", []),
        ("fuse.mfs", "mfs|master:9421", []),
    ],
)
def test_mounts(kind: str, source: str, expected: list[Endpoint]) -> None:
    assert parse_mounts(mount(kind, source)) == expected


def test_a_mount_point_may_look_like_a_mount() -> None:
    text = "99 22 0:50 / /mnt/\\040-\\040fuse.mfs\\040a:1 rw - tmpfs tmpfs rw\n" + mount("fuse.mfs", "mfsmaster:9421")
    assert parse_mounts(text) == [MASTER]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("mfsmaster=mfsmaster\n", [MASTER]),
        ("mfsmaster=mfs.example.org,mfsport=9521\n/mnt/mfs\n", [Endpoint("mfs.example.org", 9521)]),
        ("nosuid,nodev,mfsmaster=10.0.0.1\nmfspassword=x\nmfsport=9521\n", [Endpoint("10.0.0.1", 9521)]),
        ("# mfsmaster=one\n  # mfsmaster=two\n", []),
        ("#mfsmaster=one\r\nmfsmaster=mfsmaster\r\n", [MASTER]),
        ("mfsmaster=a,mfsport=99999\n", [Endpoint("a", 9421)]),
        ("mfssubfolder=/x\nmfsport=9521\n", []),
        ("/mnt/mfs\n", []),
    ],
)
def test_clients(text: str, expected: list[Endpoint]) -> None:
    assert parse_client(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ([], [])),
        ("MASTER_HOST = mfsmaster\n", ([MASTER], [])),
        ("MASTER_HOST=mfsmaster\r\nMASTER_PORT=9420\r\n", ([MASTER], [])),
        ("# MASTER_HOST = other\n# HDD_CONF_FILENAME = /x\n", ([], [])),
        ("  MASTER_HOST\t=  10.0.0.1 \nHDD_CONF_FILENAME = /srv/hdd.cfg\n", ([Endpoint("10.0.0.1")], ["/srv/hdd.cfg"])),
        pytest.param("MASTER_HOST =\nMASTER_PORT = 9420\n", ([], []), id="nothing after it is not the next line"),
    ],
)
def test_chunkservers(text: str, expected: tuple[list[Endpoint], list[str]]) -> None:
    assert parse_chunkserver(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/mnt/d1", ["/mnt/d1/"]),
        ("*/mnt/d1/", ["/mnt/d1/"]),
        ("*/mnt/d1//", ["/mnt/d1/"]),
        ("/mnt/d1", []),
        ("</mnt/d1", []),
        ("~>/mnt/d1", []),
        ("*~/mnt/d1", ["/mnt/d1/"]),
        ("~*/mnt/d1", ["/mnt/d1/"]),
        ("<*/mnt/d1", ["/mnt/d1/"]),
        ("~>*/mnt/d1 100GiB", ["/mnt/d1/"]),
        ("*/mnt/d1 -5GiB", ["/mnt/d1/"]),
        ("*/mnt/d1\t1.5TiB", ["/mnt/d1/"]),
        ("*/mnt/d1 .5T", ["/mnt/d1/"]),
        ("*/mnt/d1 500kB", ["/mnt/d1/"]),
        ("*/mnt/d1 500KiB", ["/mnt/d1/"]),
        ("*/mnt/d1 1000000", ["/mnt/d1/"]),
        ("*/mnt/d1 100GiB  ", ["/mnt/d1/"]),
        ("*/mnt/d1\r", ["/mnt/d1/"]),
        ("*/mnt/d1 10G\r", ["/mnt/d1/"]),
        ("*/mnt/my disk", ["/mnt/my disk/"]),
        ("*/mnt/my disk 2 5GiB", ["/mnt/my disk 2/"]),
        ("*/mnt/5GiB", ["/mnt/5GiB/"]),
        ("#*/mnt/d1", []),
        ("# */mnt/d1", []),
        ("", []),
        ("   ", []),
        ("*", []),
        ("*relative", []),
        ("*/mnt/a#b", ["/mnt/a#b/"]),
    ],
)
def test_starred_lines(line: str, expected: list[str]) -> None:
    assert parse_starred(line) == expected
    assert parse_starred(f"# disks\n\n/mnt/before\n{line}\n/mnt/behind 5GiB\n") == expected


FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.77.0.0/24 2 0 2
        |-- 10.77.0.0
           /24 link UNICAST
        |-- 10.77.0.2
           /32 host LOCAL
        |-- 10.77.0.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
"""


def test_own_addresses() -> None:
    assert parse_local_addresses(FIB_TRIE) == {"10.77.0.2", "127.0.0.1"}
    assert parse_local_addresses("") == set()


def test_masters_of_all_sources(watched: Watched) -> None:
    watched.file("/proc/self/mountinfo", mount("fuse.mfs", "a:9421") + mount("fuse.mfs", "b:9521"))
    watched.file("/etc/mfs/mfsmount.cfg", "mfsmaster=a\n")
    watched.file("/etc/mfsmount.cfg", "mfsmaster=c\n")
    watched.file("/etc/mfs/mfschunkserver.cfg", "MASTER_HOST = d\nMASTER_PORT = 9420\n")
    watched.file("/etc/mfschunkserver.cfg", "MASTER_HOST = a\n")
    assert masters(Reader(Host(str(watched.path / "root")))) == [
        Endpoint("a"), Endpoint("b", 9521), Endpoint("c"), Endpoint("d")
    ]  # fmt: skip


@pytest.fixture
def watched(tmp_path: object) -> Watched:
    return Watched(tmp_path)  # type: ignore[arg-type]


def alone(watched: Watched, *arguments: str) -> Outcome:
    """A run on the captured tree, without -H."""
    named = ["--root", str(watched.path / "root"), "--no-history", *arguments]
    return Session(PLUGIN, parse(all_options(PLUGIN), named)).outcome()


@pytest.mark.parametrize(("arguments", "state"), [([], UNKNOWN), (["--absent-ok"], OK)])
def test_nothing_here(watched: Watched, arguments: list[str], state: int) -> None:
    watched.file("/proc/self/mountinfo", ROOT)
    outcome = alone(watched, *arguments)
    assert (outcome.state, outcome.applies) == (state, False)
    assert outcome.text == "no MooseFS mount, client or chunkserver configured on this host; name the master with -H"


@pytest.mark.parametrize("arguments", [[], ["--absent-ok"]])
def test_several_masters_are_not_nothing(watched: Watched, arguments: list[str]) -> None:
    """Something is here, and it was not looked at: never OK."""
    watched.file("/proc/self/mountinfo", mount("fuse.mfs", "a:9421") + mount("fuse.mfs", "b:9521"))
    outcome = alone(watched, *arguments)
    assert outcome.state == UNKNOWN
    assert outcome.text == "several masters configured (a:9421, b:9521); name one with -H"


def test_the_one_that_is_configured_is_asked(watched: Watched) -> None:
    watched.file("/proc/self/mountinfo", mount("fuse.mfs", "10.77.0.1:9521"))
    outcome = alone(watched)
    assert (outcome.state, outcome.text) == (UNKNOWN, "10.77.0.1:9521 refused the connection")
    host = Host(str(watched.path / "root"))
    assert PLUGIN.targets(host) == ["10.77.0.1:9521"]
    assert PLUGIN.target(host, parse(all_options(PLUGIN), [])) == "10.77.0.1:9521"
    assert PLUGIN.target(host, parse(all_options(PLUGIN), ["-H", "x", "-p", "1"])) == "x:1"


@pytest.mark.parametrize(
    "words",
    [
        ["-H", ""], ["-H", "a b"], ["-H", "a/b"], ["-H", "a" * 254], ["-H", "\u00e9"], ["-p", "0"], ["-p", "65536"],
        ["-p", "9421x"], ["--only", "chunk"], ["--only", "chunks,"], ["--only", ""], ["--grace", "-1"],
        ["--hdd-config", "mfshdd.cfg"],
    ],
)  # fmt: skip
def test_wrong_options(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse(all_options(PLUGIN), words)


# --- disks starred in mfshdd.cfg that the chunkserver was not told about ---


@pytest.fixture
def local(watched: Watched) -> Watched:
    watched.scenario.servers = [Chunkserver("10.77.0.2"), Chunkserver("10.77.0.3", csid=2)]
    watched.disks = {"10.77.0.2": [Disk(b"/srv/a/"), Disk(b"/srv/b/")], "10.77.0.3": [Disk(b"/srv/b/")]}
    watched.file("/proc/net/fib_trie", FIB_TRIE)
    watched.file("/etc/mfs/mfschunkserver.cfg", "HDD_CONF_FILENAME = /etc/mfs/disks.cfg\n")
    watched.file("/etc/mfs/disks.cfg", "/srv/a\n~*/srv/b 5GiB\n")
    return watched


def test_a_forgotten_reload(local: Watched) -> None:
    outcome = local.run(0, "--only", "marked")
    assert (outcome.state, outcome.text) == (WARNING, "disk 10.77.0.2:/srv/b starred in mfshdd.cfg but not marked")
    assert outcome.details[0].line == "next: reload the chunkserver: mfschunkserver reload"


def test_a_star_in_another_file(local: Watched) -> None:
    local.file("/srv/hdd.cfg", "*/srv/a\n")
    outcome = local.run(0, "--only", "chunks,marked", "--hdd-config", "/srv/hdd.cfg")
    assert outcome.text == "disk 10.77.0.2:/srv/a starred in mfshdd.cfg but not marked"


def test_a_named_file_that_is_not_there_is_said(local: Watched) -> None:
    outcome = local.run(0, "--only", "chunks,marked", "--hdd-config", "/nowhere")
    assert outcome.state == OK
    shown = [detail.line for detail in outcome.details if not detail.verbosity]
    assert "not seen: /nowhere: No such file or directory" in shown


def test_a_star_that_was_reloaded(local: Watched) -> None:
    local.disks["10.77.0.2"] = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1)]
    local.scenario.servers[0].marked_total = 1
    outcome = local.run(0, "--only", "marked")
    assert (outcome.state, outcome.text) == (WARNING, "disk 10.77.0.2:/srv/b not yet removable")


def test_files_that_are_not_there(watched: Watched) -> None:
    reader = Reader(Host(str(watched.path / "root")))
    assert (starred_disks(reader, []), reader.unread) == (set(), {})
    assert (starred_disks(reader, ["/x"]), str(reader.unread["/x"])) == (set(), "/x: No such file or directory")
