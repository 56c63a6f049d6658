"""Files that are there and cannot be read, in every check that reads more than it must: said, never taken for absent.

Captured hosts as nobody sees them, with one file made 0600, a directory, or one that answers EIO; and this host's own
kernel files.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bond.captures import put
from bond.hosts import Bond
from bond.hosts import Host as BondHost
from conformance.black_box import AS_NOBODY
from lab.covered import as_nobody
from support import HOSTS, Ran, check, command, run

from checks import load
from checks.frame.host import Host
from checks.frame.unread import Reader, Unread, next_step, notes

ROOT = pytest.mark.needs("unshare", "setpriv")
BOND_FINE = "BOND OK - bond0 2/2 links up, 10 Gbit/s"
DOCKER_FINE = "DOCKER_BRIDGE OK - docker0 5/1023 ports"
INTERFACES, INCLUDED = "etc/network/interfaces", "etc/network/interfaces.d"


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that nobody may enter, unlike pytest's own."""
    with TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        yield Path(place)


def captured(check_name: str, place: Path) -> Path:
    root = place / "root"
    shutil.copytree(HOSTS / check_name / "ok", root)
    return root


def deny(path: Path) -> None:
    path.chmod(0o600)


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def seen_by_nobody(name: str, root: Path, *arguments: str) -> Ran:
    return run([*AS_NOBODY, *command(f"check_{name}"), "--root", str(root), "--no-history", *arguments], cwd="/")


def sudo_line(line: str, purpose: str) -> bool:
    return line.startswith(f"{purpose}, add to sudoers and call it with sudo -n: nobody ALL=(root) NOPASSWD: /")


# --- the reader itself ---


def test_absent_is_absent_and_all_else_is_said(tmp_path: Path) -> None:
    reader = Reader(Host(str(tmp_path)))
    (tmp_path / "dir").mkdir()
    (tmp_path / "text").write_text("x\n")
    assert [reader.text(path) for path in ("/text", "/nowhere", "/text/below", "/dir")] == ["x\n", "", "", ""]
    assert [reader.entries(path) for path in ("/dir", "/nowhere", "/text")] == [[], [], []]
    assert reader.unread == {"/dir": Unread("/dir", os.strerror(errno.EISDIR))}
    assert reader.text("/nowhere", needed=True) == ""
    assert list(map(str, reader.unread.values())) == ["/dir: Is a directory", "/nowhere: No such file or directory"]


def test_what_is_said_of_them() -> None:
    broken, denied = Unread("/a\nb", "Input/output error"), Unread("/c", "may not be read by me", True)
    assert next_step(broken) == "look at /a b"
    assert notes([]) == []
    assert [(note.verbosity, note.line) for note in notes([broken])] == [(0, "not seen: /a b: Input/output error")]
    lines = [note.line for note in notes([broken, denied])]
    assert lines[1] == "not seen: /c may not be read by me"
    assert lines[2].startswith("to see what is in them, add to sudoers and call it with sudo -n: ")


# --- bonds ---


@pytest.fixture
def bond(open_place: Path) -> BondHost:
    host = BondHost(open_place)
    host.has(Bond())
    return host


@ROOT
@pytest.mark.parametrize("path", ["proc/net/if_inet6", INTERFACES, f"{INCLUDED}/bond"])
def test_what_may_not_be_read_of_a_bond_is_said_beside_its_verdict(path: str, bond: BondHost) -> None:
    put(bond.root, INTERFACES, "source /etc/network/interfaces.d/*\n")
    put(bond.root, f"{INCLUDED}/bond", "")
    assert seen_by_nobody("bond", bond.root).rest == []
    deny(bond.root / path)
    ran = seen_by_nobody("bond", bond.root)
    assert (ran.code, ran.text) == (0, BOND_FINE)
    assert ran.rest[0] == f"not seen: /{path} may not be read by nobody"
    assert sudo_line(ran.rest[1], "to see what is in it")


@pytest.mark.parametrize("path", [INTERFACES, f"{INCLUDED}/a"])
def test_one_file_of_ifupdown_that_cannot_be_read_hides_no_other(path: str, bond: BondHost) -> None:
    put(bond.root, INTERFACES, "source /etc/network/interfaces.d/*\n")
    directory(bond.root / path)
    put(bond.root, f"{INCLUDED}/bond", "iface bond0 inet dhcp\n bond-slaves none\n")
    ran = check("bond", "--root", str(bond.root), "--no-history")
    words = "bond0 2/2 links up, MAC is that of whichever link comes first (ea now): any boot may change it"
    assert (ran.code, ran.text) == (1, f"BOND WARNING - {words}")
    assert f"not seen: /{path}: Is a directory" in ran.rest


def test_ifupdown_that_is_not_there_has_no_included_files_either(bond: BondHost) -> None:
    put(bond.root, f"{INCLUDED}/bond", "iface bond0 inet dhcp\n bond-slaves none\n")
    assert check("bond", "--root", str(bond.root), "--no-history").text == BOND_FINE


@ROOT
def test_a_switch_of_ipv6_that_may_not_be_read_is_said(bond: BondHost) -> None:
    """Whether an address that does not fit the MAC tells of a change hangs on it."""
    put(bond.root, "proc/net/if_inet6", "fe80000000000000505400fffebbbbbb 05 40 20 80    bond0\n")
    mode = "proc/sys/net/ipv6/conf/bond0/addr_gen_mode"
    put(bond.root, mode, "0\n")
    assert seen_by_nobody("bond", bond.root).code == 1
    deny(bond.root / mode)
    ran = seen_by_nobody("bond", bond.root)
    assert (ran.code, ran.text, ran.rest[0]) == (0, BOND_FINE, f"not seen: /{mode} may not be read by nobody")


@ROOT
def test_a_card_outside_that_may_not_be_looked_at_is_said(bond: BondHost) -> None:
    bond.card("eth9", "52:54:00:aa:aa:aa")
    assert seen_by_nobody("bond", bond.root).text.startswith("BOND WARNING - bond0 2/2 links up, ea, eth9 were made")
    deny(bond.root / "sys/class/net/eth9/addr_assign_type")
    ran = seen_by_nobody("bond", bond.root)
    assert (ran.code, ran.text) == (0, BOND_FINE)
    assert ran.rest[0] == "not seen: /sys/class/net/eth9 may not be read by nobody"


def test_without_the_machine_id_no_baseline_is_taken_for_another(bond: BondHost) -> None:
    """What is kept of a bond is kept by it: a changed MAC would be that of a bond never seen."""
    assert bond.check().text == BOND_FINE
    directory(bond.root / "etc/machine-id")
    ran = bond.check()
    assert (ran.code, ran.text) == (3, "BOND UNKNOWN - host /etc/machine-id: Is a directory; 1 ok")
    assert ran.rest[0] == "next: look at /etc/machine-id"
    ran = check("bond", "--root", str(bond.root), "--no-history")
    assert (ran.code, ran.text) == (0, BOND_FINE)


# --- bridges ---


@ROOT
def test_limits_of_a_bridge_that_may_not_be_read_are_said(open_place: Path) -> None:
    root = captured("docker_bridge", open_place)
    paths = ["proc/sys/net/core/netdev_max_backlog", "proc/net/stat/arp_cache"]
    before = seen_by_nobody("docker_bridge", root)
    assert before.rest == []
    for path in paths:
        deny(root / path)
    ran = seen_by_nobody("docker_bridge", root)
    assert (ran.code, ran.text) == (0, before.text)
    assert ran.rest[:2] == [f"not seen: /{path} may not be read by nobody" for path in paths]
    assert sudo_line(ran.rest[2], "to see what is in them")
    assert not any("network namespace" in line for line in seen_by_nobody("docker_bridge", root, "-v").rest)


@pytest.mark.parametrize("content", [None, "head\n1 zz zz 0 0 0 0 zz\n"])
def test_without_routes_nobody_knows_which_pools_are_free(content: str | None, open_place: Path) -> None:
    root = captured("docker_bridge", open_place)
    arguments = ("docker_bridge", "--root", str(root), "--no-history")
    assert check(*arguments).perfdata["docker_address_pools_free"].startswith("30;")
    if content is None:
        directory(root / "proc/net/route")
    else:
        (root / "proc/net/route").write_text(content)
    ran = check(*arguments)
    assert ran.code == 0
    assert "docker_address_pools_free" not in ran.perfdata
    assert ran.rest == [f"not seen: /proc/net/route: {'makes no sense' if content else 'Is a directory'}"]


@ROOT
def test_this_kernels_own_limit_hidden_from_nobody() -> None:
    path = "/proc/sys/net/core/netdev_max_backlog"
    if not Path(path).exists():
        pytest.skip("this is not the first network namespace, which alone has this setting")
    subject = "ugunread0"
    run(["ip", "link", "add", subject, "type", "bridge"])
    try:
        ran = as_nobody("check_docker_bridge", "--no-docker", "--no-history", "--bridge", subject, hidden=[path])
    finally:
        run(["ip", "link", "del", subject])
    assert (ran.code, ran.text) == (0, f"DOCKER_BRIDGE OK - {subject} 0/1023 ports")
    assert ran.rest[0] == f"not seen: {path} may not be read by nobody"


# --- TCP ---


@ROOT
def test_settings_of_tcp_that_may_not_be_read() -> None:
    """The release decides how much of a buffer is window; tcp_rmem nearly all."""
    hidden = ["/proc/sys/kernel/osrelease", "/proc/sys/net/ipv4/tcp_rmem"]
    ran = as_nobody("check_tcp_window", "--no-history", hidden=hidden)
    denied = "may not be read by nobody"
    assert (ran.code, ran.text) == (3, f"TCP_WINDOW UNKNOWN - host tcp_rmem {denied}, osrelease {denied}")
    assert sudo_line(ran.rest[0], "next: to let it")


def test_settings_that_can_all_not_be_read_are_a_target(open_place: Path) -> None:
    """The agent plugin leaves out a check without any."""
    root = open_place / "root"
    directory(root / "proc/sys/net/ipv4/tcp_rmem")
    assert load("tcp_window").targets(Host(str(root))) == ["TCP settings"]
