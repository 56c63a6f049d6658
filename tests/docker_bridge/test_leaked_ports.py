"""Ports without an endpoint: leaked only when they stay."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker_bridge.bridges import Port
from checks.docker_bridge.leaks import Sighting, as_note, leaked, parse_sightings, remember, sight

BOOT = "b0071d00"


def seen(at: float, ports: list[int], local: list[int] | None = None, boot: str = BOOT, endpoints: int = 0) -> Sighting:
    return Sighting(at, boot, ports, local or [], endpoints)


@pytest.mark.parametrize(
    ("kept", "now", "endpoints", "count"),
    [
        pytest.param([], seen(500, [1, 2, 3]), 0, 0, id="first sighting"),
        pytest.param([seen(381, [1, 2, 3])], seen(500, [1, 2, 3]), 0, 0, id="not yet two minutes"),
        pytest.param([seen(380, [1, 2, 3])], seen(500, [1, 2, 3]), 0, 3, id="two minutes, no endpoint"),
        pytest.param([seen(380, [1, 2, 3])], seen(500, [1, 2, 3]), 2, 1, id="two have endpoints"),
        pytest.param([seen(380, [1, 2, 3])], seen(500, [1, 2, 3]), 3, 0, id="all have endpoints"),
        pytest.param([seen(380, [1, 2, 3])], seen(500, [4, 5, 6]), 0, 0, id="all are new"),
        pytest.param([seen(380, [1, 2, 3])], seen(500, [1, 4, 5, 6]), 0, 1, id="one stayed"),
        pytest.param([seen(380, [1, 2], boot="other")], seen(500, [1, 2]), 0, 0, id="another boot"),
        pytest.param([seen(380, [1, 2, 3], [3])], seen(500, [1, 2, 3], [3]), 2, 1, id="peer still here"),
        pytest.param([seen(380, [1, 9], [9])], seen(500, [1, 9, 10, 11], [9]), 3, 1, id="local one among new ones"),
        pytest.param([seen(380, [1, 9], [9])], seen(500, [1, 9], [9]), 2, 0, id="local, but everything is owned"),
        pytest.param([seen(380, [1, 9], [9])], seen(500, [1, 8, 9], [8]), 2, 0, id="another local one"),
        pytest.param([seen(100, [1]), seen(380, [2])], seen(500, [1, 2]), 0, 1, id="the younger old one counts"),
        pytest.param([seen(380, [1, 2, 3], endpoints=2)], seen(500, [1, 2, 3]), 0, 1, id="containers are stopping"),
    ],
)
def test_leaked(kept: list[Sighting], now: Sighting, endpoints: int, count: int) -> None:
    assert leaked(kept, now._replace(endpoints=endpoints)) == count


def test_sight() -> None:
    ports = [Port(3, True), Port(4, False), Port(5, True)]
    assert sight(7.5, BOOT, ports, 2) == Sighting(7.5, BOOT, [3, 4, 5], [4], 2)


@pytest.mark.parametrize(
    ("kept", "now", "left"),
    [
        ([], 100, [100]),
        ([100], 130, [100]),
        ([100], 160, [100, 160]),
        ([100, 160], 219, [100, 160]),
        ([100, 160], 220, [100, 160, 220]),
        ([100, 160, 220], 280, [160, 220, 280]),
        ([100, 160, 220], 1000, [220, 1000]),
        ([500], 100, [100]),
    ],
)
def test_remember(kept: list[float], now: float, left: list[float]) -> None:
    assert remember([seen(at, [1]) for at in kept], seen(now, [1])) == [seen(at, [1]) for at in left]


def test_another_boot_is_forgotten() -> None:
    assert remember([seen(1, [1], boot="other")], seen(500, [2])) == [seen(500, [2])]


@given(st.lists(st.floats(0, 90), min_size=1, max_size=60))
def test_runs_at_any_pace_keep_few_sightings_and_find_the_leak(pauses: list[float]) -> None:
    kept: list[Sighting] = []
    at = 0.0
    for pause in pauses:
        at += pause
        now = seen(at, [7])
        if at - pauses[0] >= 240:
            assert leaked(kept, now) == 1
        kept = remember(kept, now)
        assert len(kept) <= 4


@pytest.mark.parametrize("kept", [[], [seen(1.5, [1, 2], [2]), seen(70, [1])]])
def test_note_round_trip(kept: list[Sighting]) -> None:
    assert parse_sightings(as_note(kept)) == kept


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        ("", []),
        ("nonsense", []),
        ("{}", []),
        ("5", []),
        ("null", []),
        ("[1, null, [], [1, 2, 3]]", []),
        ('[["x", "b", [], [], 0], [1, "b", 5, [], 0], [1, "b", [], null, 0], [1, "b", [], [], "0"]]', []),
        ('[[1, "b", [3], [], 0], "cut', []),
        ('[[1, "b", [3], [], 0], [1, "b", [3], []], 7]', [Sighting(1, "b", [3], [], 0)]),
        ('[[1, "b", [[3], {}], [[]], 0]]', []),
    ],
)
def test_notes_that_are_damaged(note: str, kept: list[Sighting]) -> None:
    found = parse_sightings(note)
    leaked(found, seen(500, [1], boot="b"))
    assert found == kept


class Host:
    """A busy host: containers start and stop; a port comes a second before its endpoint and goes before it."""

    def __init__(self, seed: int, containers: int) -> None:
        self.random = random.Random(seed)
        self.next_port = 100
        self.containers = {self.port(): -1000.0 for _ in range(containers)}  # port -> start
        self.leaks: list[int] = []
        self.local = False  # whether the other end of a leaked port is in this namespace
        self.ending: list[float] = []  # when endpoints go whose ports are gone
        self.note = ""

    def port(self) -> int:
        self.next_port += 1
        return self.next_port

    def step(self, now: float, churn: int) -> None:
        for port in self.random.sample(sorted(self.containers), min(churn, len(self.containers))):
            del self.containers[port]
            self.ending.append(now + self.random.uniform(0, 2))
            self.containers[self.port()] = now

    def run(self, now: float) -> int:
        """One run of the check, some seconds after the last change."""
        self.ending = [end for end in self.ending if end > now]
        endpoints = len(self.ending) + sum(1 for started in self.containers.values() if now - started > 1)
        ports = [Port(index, True) for index in self.containers] + [Port(index, not self.local) for index in self.leaks]
        if len(ports) <= endpoints:
            self.note = ""
            return 0
        sighting = sight(now, BOOT, ports, endpoints)
        kept = parse_sightings(self.note)
        count = leaked(kept, sighting)
        self.note = as_note(remember(kept, sighting))
        return count


@pytest.mark.parametrize("churn", [0, 1, 5, 40])
@pytest.mark.parametrize("every", [10.0, 60.0, 300.0])
def test_healthy_churn_never_leaks(churn: int, every: float) -> None:
    host = Host(seed=churn, containers=40)
    for number in range(200):
        now = number * every
        host.step(now, churn)
        assert host.run(now + host.random.uniform(0, 1.9)) == 0


@pytest.mark.parametrize(("churn", "local"), [(0, False), (1, False), (0, True), (1, True), (5, True), (40, True)])
@pytest.mark.parametrize("every", [120.0, 300.0])
def test_a_leak_is_found_in_spite_of_churn_and_never_overstated(churn: int, local: bool, every: float) -> None:
    host = Host(seed=churn, containers=40)
    host.leaks, host.local = [1, 2, 3], local
    counts = []
    for number in range(60):
        host.step(number * every, churn)
        counts.append(host.run(number * every + 5))
    assert counts == [0] + [3 if local else 3 - churn] * 59


@pytest.mark.parametrize("churn", [5, 40])
def test_a_leak_that_churn_hides_is_found_as_soon_as_it_is_quiet(churn: int) -> None:
    host = Host(seed=churn, containers=40)
    host.leaks = [1, 2, 3]
    counts = []
    for number in range(30):
        host.step(number * 300.0, churn if number < 28 else 0)
        counts.append(host.run(number * 300.0 + 5))
    assert counts == [0] * 28 + [3, 3]


def test_strays_of_a_crashed_dockerd_that_go_after_80_s_are_never_reported() -> None:
    for every in (5.0, 20.0, 60.0):
        note, counts = "", []
        for number in range(60):
            now = number * every
            ports = [Port(index, True) for index in range(204)] if now <= 80 else []
            if not ports:
                note = ""
                continue
            sighting = sight(now, BOOT, ports, 0)
            counts.append(leaked(parse_sightings(note), sighting))
            note = as_note(remember(parse_sightings(note), sighting))
        assert set(counts) == {0}
