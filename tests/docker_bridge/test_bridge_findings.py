"""From what was seen, and its history, to findings: growth, leaks, bridges that are gone, words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checks.docker_bridge import PLUGIN, assess
from checks.docker_bridge.addresses import DEFAULT_POOLS, Subnet
from checks.docker_bridge.bridges import Bridge, Neighbours, Port
from checks.docker_bridge.docker_api import DockerNetwork, DockerView, Refused
from checks.docker_bridge.survey import DockerSilence, Stray, Survey, matches
from checks.frame.command import Session, all_options
from checks.frame.options import parse
from checks.frame.readings import Measure, fact
from perfdata.clock import Clock
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING, Outcome
from perfdata.series import Seen, Series

BOOT = "b0071d00"
NOTHING_KNOWN = Neighbours(None, None)
NOW = 1_800_000_000.0
A, B = "a1" * 32, "b2" * 32
DOCKER0 = DockerNetwork(A, "bridge", "docker0", (Subnet("172.17.0.0/16"),))
WEB = DockerNetwork(B, "web", "br-b2b2b2b2b2b2", (Subnet("10.99.0.0/29"), Subnet("10.98.0.0/24")))


def near(value: float) -> Any:
    """A number that differs in rounding only."""
    return pytest.approx(value)


def view(*networks: DockerNetwork, refused: tuple[Refused, ...] = (), **endpoints: list[str]) -> DockerView:
    by_identity = {network.identity: endpoints.get(network.name, []) for network in networks}
    return DockerView("/run/docker.sock", networks, by_identity, refused, 0, DEFAULT_POOLS, ("172.17.0.0/16",))


def survey(
    *bridges: Bridge,
    docker: DockerView | None = None,
    neighbours: Neighbours = NOTHING_KNOWN,
    stray: dict[str, Stray | None] | None = None,
    **unreadable: str,
) -> Survey:
    silence = None if docker else DockerSilence("there is no Docker here")
    return Survey(bridges, unreadable, (), neighbours, docker, silence, (), stray or {})


def settings(*arguments: str) -> SimpleNamespace:
    return parse(all_options(PLUGIN), list(arguments))


@contextmanager
def history(path: Path, at: float) -> Iterator[Series]:
    """A run's history, saved at its end."""
    with Series(str(path / "h.sqlite"), Clock(NOW + at, at, BOOT)) as series:
        yield series
        series.save()


def test_ports_without_history() -> None:
    assert list(assess.bridge_findings(Bridge("docker0", 5, 7), "docker0", None)) == [
        Measure("docker0", "ports", 7, 0, 1023)
    ]


def test_growth_and_forecast_need_four_samples(tmp_path: Path) -> None:
    for run, ports in enumerate([100, 110, 120]):
        with history(tmp_path, run * 300.0) as series:
            found = list(assess.bridge_findings(Bridge("docker0", 5, ports), "docker0", series))
        assert found == [Measure("docker0", "ports", ports, 0, 1023)]
    with history(tmp_path, 900) as series:
        found = list(assess.bridge_findings(Bridge("docker0", 5, 130), "docker0", series))
    left = (1023 - 130) * 30.0
    assert found == [
        Measure("docker0", "ports", 130, 0, 1023),
        Measure("docker0", "growth_per_hour", near(120)),
        Measure("docker0", "until_full_lower_seconds", near(left * 0.8)),
        Measure("docker0", "until_full_seconds", near(left)),
        Measure("docker0", "until_full_upper_seconds", near(left * 1.5)),
    ]


def test_a_bridge_that_does_not_grow_has_no_forecast(tmp_path: Path) -> None:
    for run in range(4):
        with history(tmp_path, run * 300.0) as series:
            found = list(assess.bridge_findings(Bridge("docker0", 5, 50), "docker0", series))
    assert found == [Measure("docker0", "ports", 50, 0, 1023), Measure("docker0", "growth_per_hour", 0)]


@pytest.mark.parametrize(("backlog", "warned"), [(None, False), (1000, True), (1001, False), (4096, False)])
def test_backlog(backlog: int | None, warned: bool) -> None:
    seen = survey(Bridge("docker0", 5, 1001), Bridge("br0", 6, 3), neighbours=Neighbours(backlog, None))
    expected = [fact("docker0", assess.BACKLOG, backlog=backlog, ports=1001)] if warned else []
    assert list(assess.neighbour_findings(seen, {"docker0": "docker0", "br0": "br0"})) == expected


def test_arp_overflows_stay_until_accepted(tmp_path: Path) -> None:
    def run(at: float, total: int, *arguments: str) -> list[object]:
        seen = survey(neighbours=Neighbours(None, total))
        with history(tmp_path, at) as series:
            return list(assess.arp_findings(seen, settings(*arguments), series.clock, series))

    count = Measure("", "arp_table_fulls_total", 5, 0)
    assert run(0, 5) == [count]
    assert run(60, 5) == [count]
    assert run(120, 8) == [count._replace(value=8), fact("", assess.ARP_OVERFLOW, count=3)]
    assert run(180, 8) == [count._replace(value=8), fact("", assess.ARP_OVERFLOW, count=3)]
    assert run(240, 8, "--accept") == [count._replace(value=8)]
    assert run(300, 8) == [count._replace(value=8)]
    assert run(360, 9) == [count._replace(value=9), fact("", assess.ARP_OVERFLOW, count=1)]
    assert run(361 + 86400, 9) == [count._replace(value=9)]


def test_addresses_of_the_subnet_that_is_fullest() -> None:
    docker = view(WEB, web=["10.99.0.2/29", "10.99.0.3/29", "10.98.0.2/24", ""])
    item = WEB.bridge
    assert list(assess.network_findings(WEB, Bridge(item, 6, 4), item, docker)) == [
        Measure(item, "endpoints", 4, 0, 1023),
        Measure(item, "addresses_left", 3, 0, 5),
        Measure(item, "addresses_used_percent", 40.0, 0, 100),
    ]


def test_leaks_need_two_sightings(tmp_path: Path) -> None:
    ports = tuple(Port(index, True) for index in (1, 2, 3))

    def run(at: float, stray: tuple[Port, ...], endpoints: list[str]) -> list[object]:
        docker = view(DOCKER0, bridge=endpoints)
        seen = survey(
            Bridge("docker0", 5, 3), docker=docker, stray={"docker0": Stray(stray, len(endpoints))} if stray else {}
        )
        with history(tmp_path, at) as series:
            return list(assess.leak_findings(seen.bridges[0], "docker0", seen, series.clock, series))

    def leaked(count: int) -> list[object]:
        return [Measure("docker0", "leaked_ports", count, 0)]

    assert run(0, ports, [""]) == leaked(0)
    assert run(119, ports, [""]) == leaked(0)
    assert run(120, ports, [""]) == leaked(2)
    assert run(180, (), ["", "", ""]) == leaked(0)
    assert run(240, ports, [""]) == leaked(0)


def test_pools() -> None:
    assert list(assess.pool_findings(survey(docker=view(DOCKER0)))) == [Measure("docker", "address_pools_free", 30, 0)]
    assert list(assess.pool_findings(survey())) == []


def test_refused_containers_by_bridge() -> None:
    refused = (
        *(Refused(f"web-{number}", "docker0") for number in range(5)),
        Refused("lost", "br-gone"),
        Refused("unknown", ""),
    )
    docker = view(DOCKER0, refused=refused)
    items = {"docker0": "docker0"}
    assert list(assess.refused_findings(docker, items, settings())) == [
        fact("docker0", assess.EXCHANGE_FULL, containers="web-0, web-1, web-2 and 2 more", first="web-0"),
        fact("docker", assess.EXCHANGE_FULL, containers="lost", first="lost"),
        fact("docker", assess.EXCHANGE_FULL, containers="unknown", first="unknown"),
    ]
    assert list(assess.refused_findings(docker, items, settings("--bridge", "br-*"))) == [
        fact("docker", assess.EXCHANGE_FULL, containers="lost", first="lost"),
        fact("docker", assess.EXCHANGE_FULL, containers="unknown", first="unknown"),
    ]


@pytest.mark.parametrize(
    ("arguments", "name", "matched"),
    [
        ([], "anything", True),
        (["--bridge", "docker0"], "docker0", True),
        (["--bridge", "docker0"], "docker01", False),
        (["--bridge", "br-*", "--bridge", "docker?"], "docker0", True),
        (["--exclude", "br-lan"], "br-lan", False),
        (["--exclude", "br-lan"], "br-web", True),
        (["--bridge", "br-*", "--exclude", "br-l*"], "br-lan", False),
        (["--bridge", "BR-*"], "br-lan", False),
    ],
)
def test_patterns(arguments: list[str], name: str, matched: bool) -> None:
    assert matches(name, settings(*arguments)) == matched


MADE = "br-0123456789ab"
KNOWN = {
    "docker0": Seen(NOW - 60, "docker"),
    MADE: Seen(NOW - 50, "docker"),
    "virbr0": Seen(NOW - 40, ""),
}
MADE_NETWORK = DockerNetwork("0123456789ab" + "0" * 52, "web", MADE, ())


@pytest.mark.parametrize(
    ("docker", "arguments", "gone", "forgotten"),
    [
        pytest.param(
            view(DOCKER0),
            [],
            {"docker0": NOW - 60, "virbr0": NOW - 40},
            {MADE},
            id="Docker has no such network any more",
        ),
        pytest.param(
            view(DOCKER0, MADE_NETWORK),
            [],
            {"docker0": NOW - 60, MADE: NOW - 50, "virbr0": NOW - 40},
            set(),
            id="Docker still has the network",
        ),
        pytest.param(None, [], {"docker0": NOW - 60, "virbr0": NOW - 40}, {MADE}, id="Docker cannot be asked"),
        pytest.param(view(DOCKER0), ["--accept"], {}, {"docker0", MADE, "virbr0"}, id="accepted"),
        pytest.param(view(DOCKER0), ["--bridge", "virbr*"], {"virbr0": NOW - 40}, set(), id="only what is looked at"),
        pytest.param(view(DOCKER0), ["--exclude", "virbr0"], {"docker0": NOW - 60}, {MADE}, id="not what is excluded"),
    ],
)
def test_gone_bridges(
    tmp_path: Path, docker: DockerView | None, arguments: list[str], gone: dict[str, float], forgotten: set[str]
) -> None:
    with history(tmp_path, -60) as series:
        for item, last in KNOWN.items():
            series.see(item, last.origin, None)
    seen = survey(Bridge("br0", 9, 1), docker=docker)
    with history(tmp_path, 0) as series:
        assert assess.gone_bridges(seen, {"br0": "br0"}, KNOWN, settings(*arguments), series) == gone
    with history(tmp_path, 1) as series:
        assert set(series.seen()) == set(KNOWN) - forgotten


def test_bridges_are_noted_with_who_made_them(tmp_path: Path) -> None:
    bridges = (Bridge("docker0", 5, 1), Bridge("virbr0", 6, 1))
    items = {"docker0": "docker0", "virbr0": "virbr0"}
    with history(tmp_path, 0) as series:
        assess.note_bridges(survey(*bridges, docker=view(DOCKER0)), items, {}, series)
    with history(tmp_path, 10) as series:
        known = series.seen()
        assert known == {"docker0": Seen(NOW, "docker"), "virbr0": Seen(NOW, "")}
        assess.note_bridges(survey(*bridges), items, known, series)
    with history(tmp_path, 20) as series:
        assert series.seen() == known


class Tree:
    """A captured host whose bridges come and go, with its own history."""

    def __init__(self, path: Path) -> None:
        self.root = path / "root"
        self.state = path / "state"
        (self.root / "sys/class/net/lo").mkdir(parents=True)
        (self.root / "sys/class/net/lo/ifindex").write_text("1\n")
        self.state.mkdir(mode=0o700)

    def bridge(self, name: str, index: int, ports: int) -> None:
        place = self.root / "sys/class/net" / name
        (place / "bridge").mkdir(parents=True, exist_ok=True)
        (place / "ifindex").write_text(f"{index}\n")
        (place / "brif.ls").write_text("".join(f"v{index}x{port}\n" for port in range(ports)))

    def remove(self, name: str) -> None:
        (self.root / "sys/class/net" / name).rename(self.root / f"removed-{name}")

    def run(self, *arguments: str) -> Outcome:
        named = ["--root", str(self.root), "--state-dir", str(self.state), "--no-docker", *arguments]
        return Session(PLUGIN, settings(*named)).outcome()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_docker0_gone_is_critical_until_accepted(tree: Tree) -> None:
    tree.bridge("docker0", 5, 3)
    tree.bridge("br0", 6, 1)
    assert (tree.run().state, tree.run().text) == (OK, "2 bridges, fullest docker0 3/1023 ports")
    tree.remove("docker0")
    for _ in range(2):
        outcome = tree.run()
        assert (outcome.state, outcome.text) == (CRITICAL, "docker0 gone, last seen 0 s ago; 1 ok")
        assert outcome.details[0].line == "next: bring docker0 back, or run the check once with --accept"
    assert (tree.run("--accept").state, tree.run().state) == (OK, OK)
    assert tree.run().text == "br0 1/1023 ports"


def test_a_bridge_that_docker_made_is_let_go_without_docker(tree: Tree) -> None:
    tree.bridge("docker0", 5, 3)
    tree.bridge(MADE, 6, 1)
    tree.run()
    tree.remove(MADE)
    outcome = tree.run()
    assert (outcome.state, outcome.text) == (OK, "docker0 3/1023 ports")


def test_the_last_bridge_gone_is_critical_and_not_nothing(tree: Tree) -> None:
    tree.bridge("docker0", 5, 3)
    tree.run()
    tree.remove("docker0")
    outcome = tree.run()
    assert (outcome.state, outcome.applies, outcome.text) == (CRITICAL, True, "docker0 gone, last seen 0 s ago")


@pytest.mark.parametrize(
    ("ports", "state", "text"),
    [
        (900, OK, "docker0 900/1023 ports"),
        (901, WARNING, "docker0 901/1023 ports"),
        (1000, WARNING, "docker0 1000/1023 ports"),
        (1001, CRITICAL, "docker0 1001/1023 ports"),
    ],
)
def test_default_thresholds(tree: Tree, ports: int, state: int, text: str) -> None:
    tree.bridge("docker0", 5, ports)
    outcome = tree.run("--no-history")
    assert (outcome.state, outcome.text) == (state, text)


def test_a_full_bridge_says_so_once_its_history_is_known(tree: Tree) -> None:
    tree.bridge("docker0", 5, 1023)
    assert tree.run("--no-history").text.startswith("docker0 1023/1023 ports")


@pytest.mark.parametrize(
    ("arguments", "state", "applies"),
    [([], UNKNOWN, False), (["--absent-ok"], OK, False), (["--bridge", "docker0"], UNKNOWN, True)],
)
def test_no_bridge_at_all(tree: Tree, arguments: list[str], state: int, applies: bool) -> None:
    outcome = tree.run(*arguments)
    assert (outcome.state, outcome.applies) == (state, applies)


def test_a_bridge_that_cannot_be_read_hides_no_other(tree: Tree) -> None:
    tree.bridge("docker0", 5, 3)
    tree.bridge("br0", 6, 1)
    (tree.root / "sys/class/net/br0/brif.ls").unlink()
    outcome = tree.run("--no-history")
    assert (outcome.state, outcome.text) == (UNKNOWN, "br0 its ports were not captured; 1 ok")


def test_names_that_look_alike_stay_apart(tree: Tree) -> None:
    tree.bridge("br|0", 5, 1)
    tree.bridge("br`0", 6, 2)
    tree.bridge("br'0", 7, 901)
    outcome = tree.run("--no-history")
    assert (outcome.state, len(outcome.values)) == (WARNING, 3)
    assert len({value.item for value in outcome.values}) == 3
    assert not set("|`") & set(outcome.text)


def test_without_a_second_look_no_leak_is_judged_and_no_sighting_lost(tmp_path: Path) -> None:
    ports = tuple(Port(index, True) for index in (1, 2, 3))
    docker = view(DOCKER0, bridge=[""])

    def run(at: float, stray: Stray | None) -> list[object]:
        seen = survey(Bridge("docker0", 5, 3), docker=docker, stray={"docker0": stray})
        with history(tmp_path, at) as series:
            return list(assess.leak_findings(seen.bridges[0], "docker0", seen, series.clock, series))

    assert run(0, Stray(ports, 1)) == [Measure("docker0", "leaked_ports", 0, 0)]
    assert run(60, None) == []
    assert run(120, Stray(ports, 1)) == [Measure("docker0", "leaked_ports", 2, 0)]
