"""The outage for real: a dockerd, its bridges, and each fault that check_docker_bridge is there to name."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.dockerd import Dockerd
from lab.namespaces import Namespace
from support import Ran, command

pytestmark = pytest.mark.needs("dockerd", "docker", "busybox", "ip", "unshare", "nsenter", "setpriv")

CONTAINERS = 20
DOCKER0 = "docker0_ports={0};900;1000;0;1023 "


@pytest.fixture(scope="module")
def dockerd() -> Iterator[Dockerd]:
    daemon = Dockerd()
    try:
        daemon.sleepers([f"c{number}" for number in range(CONTAINERS)])
        yield daemon
    finally:
        daemon.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def age(state: Path, seconds: float) -> None:
    """Make everything in the history older, as if time had passed since."""
    (path,) = state.glob("*.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE sample SET uptime = uptime - ?, time = time - ?", (seconds, seconds))
        for item, content in database.execute("SELECT item, content FROM note WHERE name='stray'").fetchall():
            sightings = [[at - seconds, *rest] for at, *rest in json.loads(content)]
            database.execute("UPDATE note SET content=? WHERE item=? AND name='stray'", (json.dumps(sightings), item))
    database.close()


def test_a_healthy_daemon_is_ok_with_every_number(dockerd: Dockerd, state: Path) -> None:
    ran = dockerd.check(state=state)
    assert ran.line == (
        "DOCKER_BRIDGE OK - docker0 20/1023 ports | docker0_ports=20;900;1000;0;1023"
        " docker_address_pools_free=30;2:;;0 docker0_leaked_ports=0;0;;0 docker0_addresses_left=65513;;1:;0;65533"
        " docker0_addresses_used_percent=0.03%;90;;0;100 docker0_endpoints=20;;;0;1023"
    )
    assert (ran.code, ran.rest, ran.stderr) == (0, [], b"")


def test_ports_are_counted_and_judged_at_the_edges(dockerd: Dockerd) -> None:
    seen = []
    try:
        have = CONTAINERS
        for ports in (899, 900, 901, 1000, 1001, 1023):
            dockerd.namespace.fill("docker0", ports - have, "f")
            have = ports
            ran = dockerd.check()
            seen.append((ran.code, ran.text))
            assert DOCKER0.format(ports) in ran.line
    finally:
        dockerd.namespace.empty("f")
    assert seen == [
        (0, "DOCKER_BRIDGE OK - docker0 899/1023 ports"),
        (0, "DOCKER_BRIDGE OK - docker0 900/1023 ports"),
        (1, "DOCKER_BRIDGE WARNING - docker0 901/1023 ports"),
        (1, "DOCKER_BRIDGE WARNING - docker0 1000/1023 ports"),
        (2, "DOCKER_BRIDGE CRITICAL - docker0 1001/1023 ports"),
        (2, "DOCKER_BRIDGE CRITICAL - docker0 1023/1023 ports, full"),
    ]


def test_the_1024th_container_cannot_start_and_the_check_says_which(dockerd: Dockerd) -> None:
    dockerd.namespace.fill("docker0", 1023 - CONTAINERS, "f")
    try:
        refused = dockerd.sleeper("one-too-many")
        full = dockerd.check()
    finally:
        dockerd.namespace.empty("f")
    room_again = dockerd.check()
    dockerd.must("rm", "one-too-many")
    removed = dockerd.check()
    assert refused.code == 125
    assert b"exchange full" in refused.stderr
    words = "exchange full: one-too-many could not start"
    assert (full.code, full.text) == (2, f"DOCKER_BRIDGE CRITICAL - docker0 1023/1023 ports, full, {words}")
    assert full.rest == [
        "next: free ports (docker ps; stop or move containers), then docker start one-too-many"
        " (or docker rm one-too-many)"
    ]
    # the container is still not running, and no restart policy will try again
    assert (room_again.code, room_again.text) == (2, f"DOCKER_BRIDGE CRITICAL - docker0 20/1023 ports, {words}")
    assert (removed.code, removed.text) == (0, "DOCKER_BRIDGE OK - docker0 20/1023 ports")


def test_a_container_that_was_only_created_is_no_fault(dockerd: Dockerd) -> None:
    dockerd.must("create", "--name", "waiting", "undergoal-test:1", "/sleep", "1")
    try:
        ran = dockerd.check()
    finally:
        dockerd.must("rm", "waiting")
    assert (ran.code, ran.text) == (0, "DOCKER_BRIDGE OK - docker0 20/1023 ports")


def test_a_leak_is_reported_once_it_was_seen_twice_two_minutes_apart(dockerd: Dockerd, state: Path) -> None:
    dockerd.namespace.fill("docker0", 3, "leak")
    try:
        first, at_once = dockerd.check(state=state), dockerd.check(state=state)
        age(state, 115)
        too_early = dockerd.check(state=state)
        age(state, 10)
        seen_twice = dockerd.check(state=state)
    finally:
        dockerd.namespace.empty("leak")
    gone = dockerd.check(state=state)
    for ran in (first, at_once, too_early):
        assert (ran.code, ran.text) == (0, "DOCKER_BRIDGE OK - docker0 23/1023 ports")
    assert (seen_twice.code, seen_twice.text) == (1, "DOCKER_BRIDGE WARNING - docker0 23/1023 ports, 3 leaked")
    assert seen_twice.perfdata["docker0_leaked_ports"] == "3;0;;0"
    assert (gone.code, gone.text) == (0, "DOCKER_BRIDGE OK - docker0 20/1023 ports")


def test_without_history_nothing_is_called_a_leak(dockerd: Dockerd) -> None:
    dockerd.namespace.fill("docker0", 3, "leak")
    try:
        ran = dockerd.check()
    finally:
        dockerd.namespace.empty("leak")
    assert ran.code == 0
    assert "docker0_leaked_ports" not in ran.perfdata


def test_a_small_network_runs_out_of_addresses_before_ports(dockerd: Dockerd) -> None:
    dockerd.must("network", "create", "--subnet", "10.99.0.0/29", "tiny")
    names = [f"t{number}" for number in range(5)]
    try:
        dockerd.sleepers(names[:4], "tiny")
        one_left = dockerd.check()
        dockerd.sleepers(names[4:], "tiny")
        none_left = dockerd.check()
        refused = dockerd.sleeper("t5", "tiny")
    finally:
        dockerd.must("rm", "-f", *names, "t5")
        dockerd.must("network", "rm", "tiny")
    assert (one_left.code, one_left.text) == (0, "DOCKER_BRIDGE OK - 2 bridges, fullest docker0 20/1023 ports")
    assert b"no available IPv4 addresses" in refused.stderr
    assert (none_left.code, none_left.text) == (
        2,
        "DOCKER_BRIDGE CRITICAL - tiny 5/1023 ports, 0 of 5 addresses left; 1 ok",
    )


def test_address_pools_run_out_exactly_when_docker_says_so(dockerd: Dockerd) -> None:
    free = int(dockerd.check().perfdata["docker_address_pools_free"].split(";")[0])
    made = [f"n{number}" for number in range(free)]
    try:
        for name in made:
            dockerd.must("network", "create", name)
        ran = dockerd.check()
        refused = dockerd.docker("network", "create", "one-more")
    finally:
        dockerd.must("network", "rm", *made)
    assert free == 30
    assert b"non-overlapping IPv4 address pool" in refused.stderr
    assert (ran.code, ran.text) == (1, "DOCKER_BRIDGE WARNING - Docker has address pools for 0 more networks; 31 ok")
    assert ran.perfdata["docker_address_pools_free"] == "0;2:;;0"


def test_growth_gives_a_time_until_full_with_thresholds_of_its_own(dockerd: Dockerd, state: Path) -> None:
    leaks_are_fine = ("--leaked-ports-warning", "~:")
    thresholds = ("--until-full-warning", "24h:", "--until-full-critical", "1h:")
    try:
        for _ in range(6):
            dockerd.namespace.fill("docker0", 25, "g")
            grown = dockerd.check(*leaks_are_fine, state=state)
            age(state, 300)
        judged = dockerd.check(*leaks_are_fine, *thresholds, state=state)
    finally:
        dockerd.namespace.empty("g")
    # 25 ports every 5 minutes, 853 to go
    assert (grown.code, grown.text) == (0, "DOCKER_BRIDGE OK - docker0 170/1023 ports, full in 3 h")
    assert 295 <= float(grown.perfdata["docker0_growth_per_hour"].split(";")[0]) <= 301
    lower, middle, upper = (
        float(grown.perfdata[f"docker0_until_full{bound}_seconds"].split("s")[0]) for bound in ("_lower", "", "_upper")
    )
    assert lower < middle < upper
    assert lower < 853 / 300 * 3600 < upper
    # five minutes without growth later
    assert judged.code == 1
    assert judged.text.startswith("DOCKER_BRIDGE WARNING - docker0 170/1023 ports, full in ")
    assert judged.perfdata["docker0_until_full_lower_seconds"].endswith("s;86400:;3600:")


def test_no_forecast_with_too_few_samples_or_too_short_a_span(dockerd: Dockerd, state: Path) -> None:
    options = ("--until-full-critical", "1000d:", "--growth-per-hour-critical", "0", "--leaked-ports-warning", "~:")
    try:
        for step in range(5):
            dockerd.namespace.fill("docker0", 10, "g")
            ran = dockerd.check(*options, state=state)
            age(state, 100)
            assert (ran.code, ran.text) == (0, f"DOCKER_BRIDGE OK - docker0 {30 + 10 * step}/1023 ports")
    finally:
        dockerd.namespace.empty("g")


def test_a_removed_network_is_no_loss_but_a_lost_docker0_is_until_accepted(state: Path) -> None:
    daemon = Dockerd()
    try:
        daemon.must("network", "create", "shortlived")
        both = daemon.check(state=state)
        daemon.must("network", "rm", "shortlived")
        removed = daemon.check(state=state)
        daemon.namespace.must("ip", "link", "del", "docker0")
        lost, still_lost = daemon.check(state=state), daemon.check(state=state)
        accepted, afterwards = daemon.check("--accept", state=state), daemon.check(state=state)
    finally:
        daemon.close()
    assert (both.code, both.text) == (0, "DOCKER_BRIDGE OK - 2 bridges, fullest docker0 0/1023 ports")
    assert (removed.code, removed.text) == (0, "DOCKER_BRIDGE OK - docker0 0/1023 ports")
    for ran in (lost, still_lost):
        assert ran.code == 2
        assert ran.text.startswith("DOCKER_BRIDGE CRITICAL - docker0 gone, last seen ")
        assert ran.rest == ["next: bring docker0 back, or run the check once with --accept"]
    (path,) = state.glob("*.sqlite")
    assert accepted.rest[0] == f"accepted: what is seen now is the new baseline in {path}"
    assert afterwards.code != 2


def test_the_strays_of_a_killed_daemon_do_not_alarm(state: Path) -> None:
    daemon = Dockerd()
    try:
        daemon.sleepers([f"c{number}" for number in range(10)])
        healthy = daemon.check(state=state)
        daemon.kill()
        dead = daemon.check(state=state)
        strays = daemon.check("--no-docker")
        daemon.start()
        back = [daemon.check(state=state) for _ in range(3)]
    finally:
        daemon.close()
    assert healthy.text == "DOCKER_BRIDGE OK - docker0 10/1023 ports"
    assert (dead.code, dead.text) == (
        3,
        "DOCKER_BRIDGE UNKNOWN - Docker cannot be reached: Connection refused; 1 ok",
    )
    assert (strays.code, strays.text) == (0, "DOCKER_BRIDGE OK - docker0 10/1023 ports")
    for ran in back:
        assert ran.code == 0
        assert ran.text.startswith("DOCKER_BRIDGE OK - docker0 ")
        assert ran.perfdata["docker0_leaked_ports"] == "0;0;;0"


def test_who_may_not_ask_docker_is_told_what_is_missing_and_what_grants_it(dockerd: Dockerd) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    dockerd.directory.chmod(0o755)
    check = [*command("check_docker_bridge"), "--docker-socket", dockerd.socket, "--no-history"]
    ran = dockerd.namespace.run(*nobody, *check)
    assert ran.code == 3
    assert ran.text == "DOCKER_BRIDGE UNKNOWN - Docker may not be asked by nobody; 1 ok"
    assert DOCKER0.format(20) in ran.line + " "
    assert any("nobody ALL=(root) NOPASSWD: " in line and "as good as root" in line for line in ran.rest)


class Silent:
    """A socket that accepts and never answers."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self.path)
        self._server.listen(8)
        self._held: list[socket.socket] = []
        threading.Thread(target=self._hold, daemon=True).start()

    def _hold(self) -> None:
        try:
            while True:
                self._held.append(self._server.accept()[0])
        except OSError:
            return

    def close(self) -> None:
        for connection in self._held:
            connection.close()
        self._server.close()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Silent]:
    server = Silent(tmp_path / "docker.sock")
    yield server
    server.close()


def counted(namespace: Namespace, *arguments: str) -> Ran:
    return namespace.run(*command("check_docker_bridge"), "--no-history", *arguments)


def test_a_daemon_that_never_answers_costs_its_time_and_hides_no_full_bridge(silent: Silent) -> None:
    with Namespace() as namespace:
        namespace.must("ip", "link", "add", "br0", "type", "bridge")
        namespace.fill("br0", 5, "p")
        fine = counted(namespace, "--docker-socket", silent.path, "-t", "2")
        namespace.fill("br0", 996, "q")
        full = counted(namespace, "--docker-socket", silent.path, "-t", "2")
    assert (fine.code, fine.text) == (
        3,
        "DOCKER_BRIDGE UNKNOWN - Docker did not answer in time; 1 ok",
    )
    assert fine.seconds < 3
    assert full.code == 2
    assert full.text == "DOCKER_BRIDGE CRITICAL - br0 1001/1023 ports; Docker did not answer in time"


def test_a_namespace_without_docker_is_counted_by_sysfs_and_by_netlink() -> None:
    with Namespace() as namespace:
        none = counted(namespace, "--no-docker")
        fine = counted(namespace, "--no-docker", "--absent-ok")
        namespace.must("ip", "link", "add", "br0", "type", "bridge")
        namespace.fill("br0", 901, "p")
        by_sysfs = counted(namespace, "--no-docker")
        foreign_sysfs = [word for word in namespace.enter if word != "--mount"]
        from support import run

        by_netlink = run([*foreign_sysfs, *command("check_docker_bridge"), "--no-docker", "--no-history"])
    assert (none.code, none.text) == (3, "DOCKER_BRIDGE UNKNOWN - no Linux bridge on this host")
    assert (fine.code, fine.text) == (0, "DOCKER_BRIDGE OK - no Linux bridge on this host")
    for ran in (by_sysfs, by_netlink):
        assert (ran.code, ran.line) == (
            1,
            "DOCKER_BRIDGE WARNING - br0 901/1023 ports | br0_ports=901;900;1000;0;1023",
        )


def test_twenty_bridges_are_told_apart() -> None:
    with Namespace() as namespace:
        for number in range(20):
            namespace.must("ip", "link", "add", f"br{number:02}", "type", "bridge")
            namespace.fill(f"br{number:02}", 3, f"p{number}x")
        fine = counted(namespace, "--no-docker")
        namespace.fill("br07", 950, "q")
        namespace.fill("br13", 1000, "r")
        bad = counted(namespace, "--no-docker")
        some = counted(namespace, "--no-docker", "--bridge", "br0*", "--exclude", "br07")
        missing = counted(namespace, "--no-docker", "--bridge", "br99")
    assert (fine.code, fine.text) == (0, "DOCKER_BRIDGE OK - 20 bridges, fullest br00 3/1023 ports")
    assert len(fine.perfdata) == 20
    assert (bad.code, bad.text) == (
        2,
        "DOCKER_BRIDGE CRITICAL - br13 1003/1023 ports; br07 953/1023 ports; 18 ok",
    )
    assert (some.code, some.text) == (0, "DOCKER_BRIDGE OK - 9 bridges, fullest br00 3/1023 ports")
    assert (missing.code, missing.text) == (3, "DOCKER_BRIDGE UNKNOWN - br99 no such bridge")


def test_containers_that_come_and_go_are_no_leak(dockerd: Dockerd, state: Path) -> None:
    """Their endpoints go before their ports: for moments there are more ports than endpoints."""
    names = [f"brief{number}" for number in range(20)]
    dockerd.namespace.fill("docker0", 1, "leak")  # an earlier sighting, without which nothing is compared
    seen = []
    try:
        seen.append(dockerd.check(state=state))
        age(state, 130)
        dockerd.namespace.empty("leak")
        dockerd.sleepers(names)
        removal = threading.Thread(target=dockerd.docker, args=("rm", "-f", *names))
        removal.start()
        while removal.is_alive():
            seen.append(dockerd.check(state=state))
        removal.join()
    finally:
        dockerd.namespace.empty("leak")
        dockerd.docker("rm", "-f", *names)
    assert len(seen) > 1
    assert {(ran.code, ran.perfdata["docker0_leaked_ports"]) for ran in seen} == {(0, "0;0;;0")}
