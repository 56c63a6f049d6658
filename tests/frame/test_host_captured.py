"""A captured tree in the place of the machine."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from checks.frame import host as host_module
from checks.frame.bounded import Answer, HelperOverflow, HelperTimeout
from checks.frame.deadline import Deadline
from checks.frame.host import Host
from checks.frame.netlink import Link
from checks.frame.unix_http import HttpError, NotFound

FILES = {
    "proc/number": "1000\n",
    "proc/negative": "-1\n",
    "proc/silent": "1\n",
    "proc/silent.hang": "",
    "proc/text": "ten\n",
    "proc/long": "x" * 100_000,
    "proc/sys/kernel/random/boot_id": "0123abcd-ffff-ffff-ffff-ffffffffffff\n",
    "sys/class/net/docker0/ifindex": "5\n",
    "sys/class/net/docker0/bridge/root_id": "",
    "sys/class/net/docker0/brif.ls": "veth1\nveth2\nveth3\n",
    "sys/class/net/br0/ifindex": "6\n",
    "sys/class/net/br0/bridge.ls": "",
    "sys/class/net/br0/brif.ls": "",
    "sys/class/net/eth0/ifindex": "2\n",
    "sys/class/net/veth1/ifindex": "7\n",
    "sys/class/net/veth1/master/ifindex": "5\n",
    "run/docker.sock.replies/networks.json": "[]",
    "run/docker.sock.replies/networks_abc.json": '{"Id": "abc"}',
    "run/docker.sock.replies/containers_json.json": "[1]",
    "run/docker.sock.replies/info.hang": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def host(root: Path) -> Host:
    return Host(f"{root}/", Deadline(0.4))


def test_files(host: Host, root: Path) -> None:
    assert host.captured
    assert host.read("/proc/number") == b"1000\n"
    assert host.text("/proc/text") == "ten\n"
    assert host.read("/proc/long") == b"x" * 100_000
    assert host.read("/proc/long", 20_001) == b"x" * 20_001
    assert (host.number("/proc/number"), host.number("/proc/negative"), host.number("/proc/none")) == (1000, -1, None)
    with pytest.raises(ValueError, match="invalid literal"):
        host.number("/proc/text")
    with pytest.raises(FileNotFoundError):
        host.read("/proc/none")
    (root / "proc/odd").write_bytes(b"a\xffb")
    assert host.text("/proc/odd") == "a\udcffb"


def test_a_file_that_gives_no_answer(host: Host) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        host.number("/proc/silent")
    assert 0.2 < time.monotonic() - start < 0.4


def test_interface_indexes_are_those_of_this_process(host: Host) -> None:
    assert host.ifindex("docker0") is None  # nobody knows what they were
    assert Host().ifindex("lo") == 1
    assert Host().ifindex("\udcff") is None


def test_a_file_is_never_read_beyond_its_limit(host: Host, root: Path) -> None:
    (root / "proc/zero").symlink_to("/dev/zero")
    assert len(host.read("/proc/zero")) == host_module.FILE_MAX


def test_directories_and_listings(host: Host) -> None:
    assert host.entries("/sys/class/net/docker0/brif") == ["veth1", "veth2", "veth3"]
    assert host.entries("/sys/class/net/br0/brif") == []
    assert sorted(host.entries("/sys/class/net")) == ["br0", "docker0", "eth0", "veth1"]
    assert sorted(host.entries("/sys/class/net/docker0")) == ["bridge", "brif", "ifindex"]
    with pytest.raises(FileNotFoundError):
        host.entries("/sys/none")
    assert [host.exists(f"/sys/class/net/{name}") for name in ("br0", "br0/bridge", "br0/brif", "br1")] == [
        True,
        True,
        True,
        False,
    ]


def test_clock(host: Host, root: Path) -> None:
    moment = host.clock()
    assert moment.boot == "0123abcd"
    assert abs(moment.time - time.time()) < 5
    assert abs(moment.uptime - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
    (root / "proc/sys/kernel/random/boot_id").unlink()
    assert host.clock().boot == ""


def test_links(host: Host, root: Path) -> None:
    bridges = [Link(6, "br0", "bridge", True), Link(5, "docker0", "bridge", True)]
    assert sorted(host.links("bridge"), key=lambda link: link.name) == bridges
    assert sorted(link.name for link in host.links()) == ["br0", "docker0", "eth0", "veth1"]
    assert host.links(master=5) == [Link(7, "veth1", "", True)]
    assert Host(str(root / "run")).links() == []


def test_replies(host: Host) -> None:
    with closing(host.http("/run/docker.sock", 0.1)) as http:
        assert http.get("/networks") == b"[]"
        assert http.get("/networks/abc") == b'{"Id": "abc"}'
        assert http.get("/containers/json?all=1&limit=200") == b"[1]"
        with pytest.raises(NotFound):
            http.get("/networks/other")


def test_a_recorded_silence_lasts_until_the_deadline(host: Host) -> None:
    begin = time.monotonic()
    with pytest.raises(HttpError, match=r"^did not answer in time$"):
        host.http("/run/docker.sock", 0.1).get("/info")
    assert 0.1 < time.monotonic() - begin < 0.5


def test_sockets(host: Host, root: Path) -> None:
    assert host.has_socket("/run/docker.sock")
    assert not host.has_socket("/var/run/docker.sock")
    with pytest.raises(FileNotFoundError):
        host.http("/var/run/docker.sock", 0.1)
    assert not Host().has_socket(str(root / "none.sock"))
    assert Host().has_socket(str(root))


def test_other_namespace(host: Host, root: Path) -> None:
    assert host.other_namespace() == ""
    (root / "proc/self/ns").mkdir(parents=True)
    os.symlink("net:[4026532281]", root / "proc/self/ns/net")
    assert host.other_namespace() == "4026532281"
    (root / "proc/sys/net/core").mkdir(parents=True)
    (root / "proc/sys/net/core/netdev_max_backlog").write_text("1000\n")
    assert host.other_namespace() == ""


def test_commands(tmp_path: Path) -> None:
    """Captured by the name of the program and its words; what was not captured cannot be run."""
    place = tmp_path / "commands" / "tool"
    place.mkdir(parents=True)
    (place / "_call_show_all").write_text("said\n")
    (place / "broken").write_bytes(b"half")
    (place / "broken.status").write_text("-11\n")
    (place / "waits.hang").write_text("")
    (place / "odd").write_text("")
    (place / "odd.status").write_text("x")
    (place / "flood").symlink_to("/dev/zero")
    host = Host(str(tmp_path), Deadline(0.4))
    assert (host.has_command("/opt/x/tool"), host.has_command("/opt/x/other")) == (True, False)
    words = [["/call", "show", "all"], ["broken"], ["waits"], ["never"], ["odd"], ["flood"]]
    start = time.monotonic()
    said, broken, waits, never, odd, flood = host.run([["/opt/x/tool", *w] for w in words], 5)
    assert 0.1 < time.monotonic() - start < 1
    assert (said, broken) == (Answer(0, b"said\n"), Answer(-11, b"half"))
    assert isinstance(waits, HelperTimeout)
    assert isinstance(never, FileNotFoundError)
    assert isinstance(odd, OSError)
    assert isinstance(flood, HelperOverflow)


def test_commands_of_this_host(tmp_path: Path) -> None:
    host = Host()
    assert (host.has_command("/bin/true"), host.has_command("/etc/passwd"), host.has_command("/bin")) == (
        True,
        False,
        False,
    )
    assert host.run([["/bin/echo", "a b"], ["/bin/pwd"]], 5, 2, str(tmp_path)) == [
        Answer(0, b"a b\n"),
        Answer(0, f"{tmp_path}\n".encode()),
    ]
