"""Sudden loss against a kept peak: steps, drift, two callers, acceptance, clocks that step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.cephfs.loss import Peak, advance, as_note, is_loss, parse

DAY = 86400.0
NOW = 1_790_000_000.0


class Watch:
    """Runs one after the other with what the last one kept; the words are whether each sees a loss."""

    def __init__(self, hold: float = DAY, floor: int = 10) -> None:
        self.kept: Peak | None = None
        self.hold, self.floor = hold, floor

    def look(self, value: int, at: float, accept: bool = False) -> bool:
        peak = advance(self.kept, value, NOW + at, 0.1, self.floor, self.hold, accept)
        self.kept = parse(as_note(peak))  # as it is kept between runs
        assert self.kept == peak._replace(time=round(peak.time), lost=round(peak.lost))
        return is_loss(peak, value, 0.1, self.floor)


def test_more_than_the_share_and_more_than_the_floor() -> None:
    watch = Watch()
    assert [watch.look(value, 60.0 * n) for n, value in enumerate([1000, 900, 899, 1000, 889])] == [
        False,
        False,
        True,
        False,
        True,
    ]
    small = Watch(floor=100)
    assert [small.look(value, 60.0 * n) for n, value in enumerate([100, 1, 0])] == [False, False, True]


def test_a_loss_is_reported_until_the_hold_is_over() -> None:
    watch = Watch()
    assert not watch.look(1000, 0)
    assert watch.look(500, 3600)
    assert watch.look(500, 3600 + DAY)
    assert watch.look(400, 3600 + DAY)  # more is lost meanwhile: the first sighting counts
    assert not watch.look(400, 3601 + DAY)
    assert not watch.look(400, 3700 + DAY)
    assert watch.look(300, 3800 + DAY)


def test_two_callers_do_not_eat_each_others_finding() -> None:
    watch = Watch()
    watch.look(1000, 0)
    assert all(watch.look(500, 10.0 * n) for n in range(1, 20))


def test_accepted() -> None:
    watch = Watch()
    watch.look(1000, 0)
    assert watch.look(500, 60)
    assert not watch.look(500, 120, accept=True)
    assert not watch.look(500, 180)
    assert not watch.look(460, 240)
    assert watch.look(449, 300)


def test_small_steps_within_the_hold_add_up() -> None:
    watch = Watch()
    seen = [watch.look(1000 - 10 * n, 600.0 * n) for n in range(13)]
    assert seen == [False] * 11 + [True] * 2


def test_slow_drift_is_no_loss() -> None:
    watch = Watch()
    assert not any(watch.look(round(1e9 * 0.98**n), 43300.0 * n) for n in range(80))


def test_what_comes_back_is_found_again() -> None:
    watch = Watch()
    watch.look(1000, 0)
    assert watch.look(500, 60)
    assert not watch.look(950, 120)
    assert watch.kept == Peak(1000, NOW, 0.0)
    assert watch.look(500, DAY - 60)


def test_without_a_hold_it_is_reported_once() -> None:
    watch = Watch(hold=0)
    watch.look(1000, 0)
    assert watch.look(500, 60)
    assert not watch.look(500, 120)


def test_a_clock_that_was_ahead_does_not_hold_a_loss_for_years() -> None:
    watch = Watch()
    watch.look(1000, 10 * 365 * DAY)
    assert watch.look(500, 0)
    assert watch.look(500, DAY)
    assert not watch.look(500, DAY + 1)
    ahead = Watch()
    ahead.look(1000, 0)
    assert ahead.look(500, 10 * 365 * DAY)
    assert ahead.look(500, 60)
    assert ahead.look(500, 60 + DAY)
    assert not ahead.look(500, 61 + DAY)


def test_a_clock_that_steps_back_does_not_pin_an_old_peak() -> None:
    watch = Watch()
    watch.look(1000, 365 * DAY)
    assert not watch.look(950, 0)
    assert not watch.look(950, DAY + 1)
    assert watch.kept == Peak(950, NOW + DAY + 1, 0.0)


@pytest.mark.parametrize(
    "note", ["", "1", "1 2", "1 2 3 4", "x 2 3", "1 x 3", "-1 2 3", "1 nan 3", f"{1 << 63} 2 3", "1 1e300 3", "1 2 inf"]
)
def test_a_note_that_is_none_of_ours(note: str) -> None:
    assert parse(note) is None


@given(st.text(max_size=40))
def test_any_note_gives_a_peak_or_none(note: str) -> None:
    peak = parse(note)
    assert peak is None or advance(peak, 5, NOW, 0.1, 10, DAY, False).value >= 5


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(-86400, 3 * 86400)), min_size=1, max_size=30))
def test_no_loss_is_ever_held_for_longer_than_the_hold(steps: list[tuple[int, int]]) -> None:
    watch, at, since = Watch(), 0.0, None
    for value, step in steps:
        at += max(0, step)
        lost = watch.look(value, at)
        since = (at if since is None else since) if lost else None
        assert since is None or at - since <= DAY + 1
