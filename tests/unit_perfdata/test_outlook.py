"""The sentence and the band beside a plot: whole sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perfdata.clock import Clock
from perfdata.outlook import Outlook, Subject, outlook, recorded_only
from perfdata.past import Recorded
from perfdata.plot import Band

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
CLOCK = Clock(NOW, 100_000.0, "b1")
WORK = Subject("Work left", "", "copies")
PORTS = Subject("Bridge ports", "", "", 1023)


pytestmark = pytest.mark.usefixtures("utc")


def recorded(value: Callable[[int], float], count: int = 20, every: float = 60, boot: str = "b1") -> list[Recorded]:
    """One sample for each number, the last one (0) at present and the others so many steps ago."""
    return [
        Recorded(NOW - number * every, float(value(number)), CLOCK.uptime - number * every, boot)
        for number in range(count - 1, -1, -1)
    ]


def near(value: float) -> Any:
    """A number that differs in rounding only."""
    return pytest.approx(value, abs=1e-3)


def test_work_that_is_done() -> None:
    assert outlook(WORK, recorded(lambda ago: 9300 + 310 * ago), [], CLOCK) == Outlook(
        "work left 9300 copies, 310/min at the present rate, done in 23-46 min (08:30)",
        Band(near(NOW + 1380), near(NOW + 1800), near(NOW + 2760)),
    )


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (lambda ago: 0, "work left 0 copies: nothing to do"),
        (lambda ago: 500 - ago, "work left 500 copies, growing: no forecast"),
        (lambda ago: 500 + max(0, ago - 12), "work left 500 copies, none done for 12 min: no forecast"),
        (lambda ago: 500 + (9000 if ago > 1 else 0), "work left 500 copies, too early for a forecast"),
        (lambda ago: 6 + 0.05 * ago, "work left 6 copies, 3/h at the present rate, done in 95-181 min (10:00)"),
        (lambda ago: 5000 + 2000 * ago, "work left 5000 copies, 2000/min at the present rate, done in 1-5 min (08:02)"),
    ],
)
def test_work_in_words(value: Callable[[int], float], sentence: str) -> None:
    found = outlook(WORK, recorded(value), [], CLOCK)
    assert found.sentence == sentence
    assert (found.band is None) == ("present rate" not in sentence)


def test_the_pace_of_another_situation_does_not_count() -> None:
    samples = recorded(lambda ago: 1000 + (10 * ago if ago < 8 else 70 + 300 * (ago - 7)))
    marks = recorded(lambda ago: 2 if ago < 8 else 1)
    expected = "work left 1000 copies, 10/min at the present rate, done in 79-151 min (09:40)"
    assert outlook(WORK, samples, marks, CLOCK).sentence == expected
    new = recorded(lambda ago: 2 if ago < 2 else 1)
    assert outlook(WORK, samples, new, CLOCK).sentence == "work left 1000 copies, too early for a forecast"
    counting = recorded(lambda ago: 0 if ago < 2 else 1)
    assert outlook(WORK, samples, counting, CLOCK).sentence == (
        "work left 1000 copies, still being counted: no forecast"
    )


def test_only_this_boot_counts() -> None:
    before = recorded(lambda ago: 9000 + 1000 * ago, boot="b0")
    assert outlook(WORK, before, [], CLOCK).sentence == (
        "work left 9000 copies, last recorded 0 s ago (08:00): no forecast"
    )
    after = recorded(lambda ago: 900 - ago, count=2)
    assert outlook(WORK, [*before, *after], [], CLOCK).sentence == "work left 900 copies, growing: no forecast"


def test_a_stepped_wall_clock_changes_nothing() -> None:
    samples = recorded(lambda ago: 9300 + 310 * ago)
    stepped = [sample._replace(time=sample.time - 86400) if sample.value > 12000 else sample for sample in samples]
    assert outlook(WORK, stepped, [], CLOCK) == outlook(WORK, samples, [], CLOCK)


def test_what_has_passed_since_the_last_sample_is_over() -> None:
    samples = recorded(lambda ago: 9300 + 310 * ago)
    later = Clock(NOW + 300, CLOCK.uptime + 300, "b1")
    assert outlook(WORK, samples, [], later) == Outlook(
        "work left 9300 copies, 310/min at the present rate, done in 18-41 min (08:30)",
        Band(near(NOW + 1380), near(NOW + 1800), near(NOW + 2760)),
    )
    stopped = Clock(NOW + 3600, CLOCK.uptime + 3600, "b1")
    assert outlook(WORK, samples, [], stopped).sentence == (
        "work left 9300 copies, last recorded 60 min ago (08:00): no forecast"
    )


def test_rare_samples_are_given_more_patience() -> None:
    hourly = recorded(lambda ago: 9300 + 310 * ago, every=3600)
    assert outlook(WORK, hourly, [], Clock(NOW + 3500, CLOCK.uptime + 3500, "b1")).band is not None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (lambda ago: 900 - ago, "bridge ports 900 of 1023, growing by 1/min at the present rate, full in 98-184 min"),
        (lambda ago: 900, "bridge ports 900 of 1023, not growing"),
        (lambda ago: 900 + ago, "bridge ports 900 of 1023, not growing"),
        (lambda ago: 1023, "bridge ports 1023 of 1023: full"),
        (lambda ago: 900 - (0 if ago < 15 else 1), "bridge ports 900 of 1023, not growing"),
    ],
)
def test_what_fills_up_in_words(value: Callable[[int], float], sentence: str) -> None:
    found = outlook(PORTS, recorded(value), [], CLOCK)
    assert found.sentence.split(" (")[0] == sentence
    assert (found.band is None) == ("present rate" not in sentence)


def test_too_few_samples_of_what_fills_up() -> None:
    assert outlook(PORTS, recorded(lambda ago: 9 - ago, count=3), [], CLOCK) == Outlook(
        "bridge ports 9 of 1023, too early for a forecast"
    )


def test_what_may_never_be_full_has_no_last_moment() -> None:
    found = outlook(PORTS, recorded(lambda ago: 900 - max(0, ago - 6)), [], CLOCK)
    if found.band is not None:
        assert found.band.upper is None
        assert " or more (" in found.sentence


@pytest.mark.parametrize(
    ("subject", "value", "sentence"),
    [
        (Subject("Growth", "1/h"), 12.0, "growth 12/h, recorded at 08:00"),
        (Subject("Space left", "B", "copies"), 3.0 * 2**40, "space left 3 TiB, recorded at 08:00"),
        (Subject("Metadata age", "s"), 5400.0, "metadata age 90 min, recorded at 08:00"),
    ],
)
def test_other_measures_are_only_told(subject: Subject, value: float, sentence: str) -> None:
    assert recorded_only(subject, recorded(lambda _: value), CLOCK) == Outlook(sentence)
