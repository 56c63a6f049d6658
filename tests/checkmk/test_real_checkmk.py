"""Real systems through the whole chain: the agent's plugin beside them, its sections, the services of a site."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.ceph import Ceph
from lab.checkmk_agent import Agent, Called
from lab.checkmk_local import parse_line
from lab.checkmk_site import Host, Shown, Site
from lab.dockerd import Dockerd
from lab.moosefs import ADDRESS, Cluster

from agent_plugins.mkp import build
from checks import CHECKS
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING

_PATIENCE = 30  # seconds for a system to notice


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(build()[1], tmp_path_factory.mktemp("site"))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    made = Agent(tmp_path)
    made.install()
    return made


def configure(agent: Agent, check: str, options: str, *lines: str) -> None:
    others = [f"{name}=off" for name in CHECKS if name != check]
    agent.configure(*others, "mode=both", f"{check}_options={options}", *lines)


def agree(host: Host, called: Called) -> dict[str, Shown]:
    """All services; those that local lines speak of too have the same states there."""
    host.receive(called)
    if not host.services:
        host.discover()
    shown = host.check_all()
    for line in called.lines("local"):
        found = parse_line(line)
        if found.name != "undergoal agent plugin":
            assert shown[found.name.removeprefix("undergoal ")].state == int(found.state), line
    return shown


def number(shown: Shown, measure: str) -> float | None:
    """A number of a service, if it has it at present."""
    metric = shown.metrics.get(f"undergoal_{measure}")
    return None if metric is None else float(metric.value)


def wait_for(look: Callable[[], Shown], seen: Callable[[Shown], bool]) -> Shown:
    """The first look at a service at which something is seen, or the last one."""
    end = time.monotonic() + _PATIENCE
    shown = look()
    while not seen(shown) and time.monotonic() < end:
        time.sleep(0.5)
        shown = look()
    return shown


@pytest.mark.needs("dockerd", "docker", "busybox", "unshare", "nsenter", "ip")
def test_docker(site: Site, agent: Agent) -> None:
    host = Host(site)
    daemon = Dockerd()
    try:
        daemon.sleepers(["one", "two", "three"])
        configure(agent, "docker_bridge", f"--docker-socket {daemon.socket} -w 2 -c 5")
        shown = agree(host, agent.call(*daemon.namespace.enter))
        assert list(shown) == [
            "Docker bridge host",
            "Docker bridge docker",
            "Docker bridge docker0",
            "Undergoal agent plugin",
        ]
        assert shown["Docker bridge docker0"][:2] == (
            WARNING,
            "Bridge ports: 3 of 1023 (warning above 2, critical above 5)(!)",
        )
        metrics = {name: found.value for name, found in shown["Docker bridge docker0"].metrics.items()}
        assert (metrics["undergoal_ports"], metrics["undergoal_endpoints"]) == (3, 3)
        assert host.check("Docker bridge docker0", {"ports": ("upper", ("fixed", (4.0, 5.0)))}).state == OK
        daemon.kill()
        shown = agree(host, agent.call(*daemon.namespace.enter))
        assert shown["Docker bridge docker"][:2] == (
            UNKNOWN,
            "Docker, cannot be reached: Connection refused(?)",
        )
        assert shown["Docker bridge docker0"].state == WARNING, "its ports are there all the same"
        daemon.start()
    finally:
        daemon.close()


@pytest.mark.needs("mfsmaster", "mfschunkserver", "mfsmount", "gcc", "ip", "unshare")
def test_moosefs(site: Site, agent: Agent) -> None:
    host = Host(site)
    with Cluster(2) as cluster:
        cluster.write_files(30, 2, "files")
        configure(agent, "moosefs", f"-H {ADDRESS} --grace 0")

        def look() -> Shown:
            return agree(host, agent.call(*cluster.namespace.enter))["MooseFS cluster"]

        shown = wait_for(look, lambda shown: shown.state == OK and number(shown, "chunks") == 30)
        assert shown[:2] == (OK, "Undergoal chunks: 0 of 30")
        assert list(host.services) == [
            "MooseFS cluster",
            "MooseFS 10.77.0.11:9422",
            "MooseFS 10.77.0.12:9422",
            "Undergoal agent plugin",
        ]
        cluster.kill_server(2)
        shown = wait_for(look, lambda shown: number(shown, "endangered") == 30)
        assert shown.state == WARNING
        assert "Endangered chunks: 30 of 30 (warning above 0)(!)" in shown.summary
        assert host.check("MooseFS 10.77.0.12:9422")[:2] == (WARNING, "disconnected(!)")
        cluster.kill_server(1)
        shown = wait_for(look, lambda shown: shown.state == CRITICAL)
        assert "none of 2 chunkservers connected(!!)" in shown.summary


@pytest.mark.needs("ceph", "ceph-mds", "ceph-osd", "ceph-fuse", "setfattr", "unshare", "nsenter")
def test_cephfs(site: Site, agent: Agent) -> None:
    host = Host(site)
    with Ceph() as ceph:
        ceph.write("backup", 1 << 20, 9, sparse=True)
        ceph.setquota("backup", size=10 << 20)
        ceph.settle()
        path = ceph.path("backup")
        configure(agent, "cephfs", f"--path {path} -t 4")
        name = f"CephFS {path}"
        shown = agree(host, agent.call(*ceph.namespace.enter))
        assert shown[name].state == WARNING
        assert shown[name].summary == "Size: 9.0 MiB, Quota used: 90% (warning above 80%, critical above 95%)(!)"
        metrics = {metric: found.value for metric, found in shown[name].metrics.items()}
        assert (metrics["undergoal_rbytes"], metrics["undergoal_rfiles"]) == (9 << 20, 9)
        rule: dict[str, object] = {"quota_used_percent": ("lower", ("fixed", (95.0, 92.0)))}
        assert host.check(name, rule).state == CRITICAL
        ceph.pause()
        try:
            called = agent.call(*ceph.namespace.enter)
            host.receive(called)
            states = {found.state for found in host.check_all().values()}
            assert called.seconds < 8
            assert UNKNOWN in states
            assert host.check(name).state in (UNKNOWN, -1), "nothing is known of it"
        finally:
            ceph.resume()
        again = wait_for(
            lambda: agree(host, agent.call(*ceph.namespace.enter))[name], lambda shown: shown.state == WARNING
        )
        assert again.summary == shown[name].summary
