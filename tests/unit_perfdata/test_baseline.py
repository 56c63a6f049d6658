"""Counters against a kept baseline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdata.baseline import CounterBaseline, advance, as_note, parse

DAY = 86400.0
NOW = 1_800_000_000.0
QUIET = CounterBaseline(7, "boot-a", 0, NOW - 5000)
RAISED = CounterBaseline(9, "boot-a", 2, NOW - 5000)


@pytest.mark.parametrize(
    ("kept", "value", "boot", "now", "expected"),
    [
        pytest.param(None, 7, "boot-a", NOW, CounterBaseline(7, "boot-a", 0, NOW), id="first run"),
        pytest.param(QUIET, 7, "boot-a", NOW, QUIET, id="nothing new"),
        pytest.param(QUIET, 9, "boot-a", NOW, CounterBaseline(9, "boot-a", 2, NOW), id="increase"),
        pytest.param(RAISED, 9, "boot-a", NOW, RAISED, id="stays reported"),
        pytest.param(RAISED, 12, "boot-a", NOW, CounterBaseline(12, "boot-a", 5, NOW), id="adds up"),
        pytest.param(
            RAISED, 9, "boot-a", RAISED.raised + DAY, CounterBaseline(9, "boot-a", 2, RAISED.raised), id="still held"
        ),
        pytest.param(
            RAISED, 9, "boot-a", RAISED.raised + DAY + 1, CounterBaseline(9, "boot-a", 0, RAISED.raised), id="held out"
        ),
        pytest.param(
            RAISED, 10, "boot-a", NOW + DAY * 2, CounterBaseline(10, "boot-a", 3, NOW + DAY * 2), id="held on by news"
        ),
        pytest.param(
            RAISED, 0, "boot-b", NOW, CounterBaseline(0, "boot-b", 2, RAISED.raised), id="alarm survives a reboot"
        ),
        pytest.param(RAISED, 3, "boot-b", NOW, CounterBaseline(3, "boot-b", 5, NOW), id="reboot and increase"),
        pytest.param(
            QUIET, 8, "boot-b", NOW, CounterBaseline(8, "boot-b", 8, NOW), id="higher after a reboot counts in full"
        ),
        pytest.param(QUIET, 2, "boot-a", NOW, CounterBaseline(2, "boot-a", 2, NOW), id="reset within a boot"),
        pytest.param(QUIET, 0, "boot-a", NOW, CounterBaseline(0, "boot-a", 0, QUIET.raised), id="reset to nothing"),
        pytest.param(
            RAISED, 9, "boot-a", NOW - 9000, CounterBaseline(9, "boot-a", 2, NOW - 9000), id="clock went backwards"
        ),
    ],
)
def test_advance(kept: CounterBaseline | None, value: int, boot: str, now: float, expected: CounterBaseline) -> None:
    assert advance(kept, value, boot, now, DAY, accept=False) == expected


@pytest.mark.parametrize("kept", [None, QUIET, RAISED])
def test_accept(kept: CounterBaseline | None) -> None:
    assert advance(kept, 12, "boot-b", NOW, DAY, accept=True) == CounterBaseline(12, "boot-b", 0, NOW)


def test_an_alarm_after_the_clock_went_backwards_is_held_no_longer_than_hold() -> None:
    back = advance(RAISED, 9, "boot-a", NOW - 400 * DAY, DAY, accept=False)
    assert advance(back, 9, "boot-a", NOW - 398 * DAY, DAY, accept=False).increase == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_nothing_counted_is_ever_lost(steps: list[tuple[int, bool]]) -> None:
    kept = advance(None, 0, "0", NOW, DAY, accept=False)
    value, boot, total = 0, 0, 0
    for number, (more, reboot) in enumerate(steps):
        boot += reboot
        value = more if reboot else value + more
        total += more
        kept = advance(kept, value, str(boot), NOW + number, DAY, accept=False)
        assert (kept.last, kept.boot, kept.increase) == (value, str(boot), total)


@given(
    st.builds(
        CounterBaseline,
        st.integers(0),
        st.text("0123456789abcdef-", min_size=2) | st.just(""),
        st.integers(0),
        st.integers(0, 10**12).map(float),
    )
)
def test_note_round_trip(kept: CounterBaseline) -> None:
    assert parse(as_note(kept)) == kept


@pytest.mark.parametrize("note", ["", "7", "7 a 0", "7 a 0 1 2", "x a 0 1", "7 a x 1", "7 a 0 x", "7.5 a 0 1", "[]"])
def test_what_is_no_note(note: str) -> None:
    assert parse(note) is None


@given(st.text())
def test_any_text_is_a_baseline_or_none(note: str) -> None:
    assert parse(note) is None or len(note.split(" ")) == 4
