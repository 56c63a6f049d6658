"""What only the first network namespace shows: net.core.netdev_max_backlog and the ARP table's statistics."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.namespaces import Namespace
from support import Ran, check

pytestmark = pytest.mark.needs("ip", "unshare", "nsenter")

BRIDGE = "ugtest0"
GROUP = "4711"


def ip(*arguments: str, stdin: str = "") -> None:
    subprocess.run(["ip", *arguments], input=stdin.encode(), check=True, capture_output=True)


@pytest.fixture
def other() -> Iterator[Namespace]:
    with Namespace() as namespace:
        yield namespace


@pytest.fixture
def bridge() -> Iterator[str]:
    if not Path("/proc/sys/net/core/netdev_max_backlog").exists():
        pytest.skip("this is not the first network namespace, which alone has these settings")
    ip("link", "add", BRIDGE, "type", "bridge")
    yield BRIDGE
    ip("link", "del", BRIDGE)


def look(state: Path, *arguments: str) -> Ran:
    state.chmod(0o700)
    return check("docker_bridge", "--no-docker", "--bridge", BRIDGE, "--state-dir", str(state), *arguments)


def test_a_backlog_below_the_ports_loses_broadcast_arp(bridge: str, other: Namespace, tmp_path: Path) -> None:
    backlog = int(Path("/proc/sys/net/core/netdev_max_backlog").read_text())
    ports = min(backlog + 1, 1023)
    veths = "\n".join(
        f"link add ugt{n} group {GROUP} type veth peer name p{n} netns {other.pid}\nlink set ugt{n} master {bridge}"
        for n in range(ports)
    )
    try:
        ip("-batch", "-", stdin=veths)
        ran = look(tmp_path, "-w", "~:", "-c", "~:")
    finally:
        ip("link", "delete", "group", GROUP)
    after = look(tmp_path, "-w", "~:", "-c", "~:")
    if backlog >= 1023:
        assert (ran.code, ran.text) == (0, f"DOCKER_BRIDGE OK - {bridge} {ports}/1023 ports, full")
        return
    words = f"netdev_max_backlog {backlog} below its ports loses broadcast ARP"
    assert (ran.code, ran.text) == (1, f"DOCKER_BRIDGE WARNING - {bridge} {ports}/1023 ports, {words}")
    assert ran.rest == ["next: sysctl -w net.core.netdev_max_backlog=4096"]
    assert (after.code, after.text) == (0, f"DOCKER_BRIDGE OK - {bridge} 0/1023 ports")


def test_an_overflow_of_the_arp_table_is_reported_until_accepted(bridge: str, other: Namespace, tmp_path: Path) -> None:
    """The table is one for all namespaces: it is filled in one of our own."""
    limit = int(Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3").read_text())
    before = look(tmp_path)
    other.must("ip", "link", "add", "br0", "type", "bridge")
    other.must("ip", "link", "set", "br0", "up")
    other.must("ip", "addr", "add", "10.77.0.1/16", "dev", "br0")
    neighbours = "\n".join(
        f"neigh add 10.77.{n // 250}.{n % 250 + 2} lladdr 02:00:00:00:{n // 256:02x}:{n % 256:02x}"
        " dev br0 nud reachable"
        for n in range(limit + 200)
    )
    full = other.run("ip", "-batch", "-", input=neighbours.encode())
    other.must("ip", "link", "del", "br0")
    overflowed, again = look(tmp_path), look(tmp_path)
    accepted, afterwards = look(tmp_path, "--accept"), look(tmp_path)
    assert b"No buffer space available" in full.stderr
    assert (before.code, before.text) == (0, f"DOCKER_BRIDGE OK - {bridge} 0/1023 ports")
    for ran in (overflowed, again):
        assert ran.code == 1
        assert ran.text.startswith("DOCKER_BRIDGE WARNING - host ARP table overflowed ")
        assert ran.text.endswith(" times; 1 ok")
        assert ran.rest[0].startswith("next: raise net.ipv4.neigh.default.gc_thresh3 ")
    for ran in (accepted, afterwards):
        assert (ran.code, ran.text) == (0, f"DOCKER_BRIDGE OK - {bridge} 0/1023 ports")


@pytest.mark.needs("setpriv")
def test_root_accepts_what_another_user_keeps(bridge: str, tmp_path: Path) -> None:
    """The scheduler runs as nobody here; root reaches its history with --state-user."""
    import os

    state = Path("/tmp") / f"undergoal-test-{os.getpid()}"
    state.mkdir(mode=0o700)
    os.chown(state, 65534, 65534)
    arguments = ["--no-docker", "--bridge", BRIDGE, "--state-dir", str(state)]
    from support import command, run

    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command("check_docker_bridge")]
    try:
        first = run([*as_nobody, *arguments])
        ip("link", "set", BRIDGE, "name", f"{BRIDGE}x")
        gone = run([*as_nobody, *arguments])
        without = check("docker_bridge", *arguments, "--accept")
        accepted = check("docker_bridge", *arguments, "--state-user", "nobody", "--accept")
        files = {path.name: path.stat().st_uid for path in state.iterdir()}
        ip("link", "set", f"{BRIDGE}x", "name", BRIDGE)
        back = run([*as_nobody, *arguments])
    finally:
        subprocess.run(["ip", "link", "set", f"{BRIDGE}x", "name", BRIDGE], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", str(state)], check=True)
    assert (first.code, first.text) == (0, f"DOCKER_BRIDGE OK - {BRIDGE} 0/1023 ports")
    assert gone.code == 2
    assert gone.text.startswith(f"DOCKER_BRIDGE CRITICAL - {BRIDGE} gone, last seen ")
    # root without --state-user may not use nobody's directory, and says so instead of accepting elsewhere
    assert without.code == 3
    assert "state not saved" in without.text
    assert any("belongs to another user" in line for line in without.rest)
    assert (accepted.code, accepted.text) == (3, f"DOCKER_BRIDGE UNKNOWN - {BRIDGE} no such bridge")
    assert accepted.rest[0] == f"accepted: what is seen now is the new baseline in {state}/docker_bridge.sqlite"
    assert files == {"docker_bridge.sqlite": 65534}
    assert (back.code, back.text) == (0, f"DOCKER_BRIDGE OK - {BRIDGE} 0/1023 ports")
