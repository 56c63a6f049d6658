"""Networks whose peers lost window scaling."""

from __future__ import annotations

import pytest

from checks.tcp_window.trend import Kept, Loss, advance, as_note, parse

DAY = 86400.0
NET = "203.0.113.0/24"


def run(
    kept: dict[str, Kept], percent: float, time: float, accept: bool = False
) -> tuple[dict[str, Kept], dict[str, Loss]]:
    return advance(parse(as_note(kept)), {NET: percent}, time, DAY, accept)


def test_a_loss_stays_until_it_is_good_again() -> None:
    kept, losses = run({}, 0, 1000)
    assert losses == {}
    kept, losses = run(kept, 40, 2000)
    assert losses == {NET: Loss(40, 0, 1000)}
    kept, losses = run(kept, 45, 3000)
    assert losses == {NET: Loss(45, 0, 1000)}
    kept, losses = run(kept, 5, 4000)
    assert losses == {}
    kept, losses = run(kept, 40, 5000)
    assert losses == {NET: Loss(40, 0, 4000)}


def test_a_loss_ends_when_it_is_accepted_or_old() -> None:
    kept, _ = run({}, 0, 1000)
    kept, losses = run(kept, 40, 2000)
    accepted, losses = run(kept, 40, 3000, accept=True)
    assert losses == {}
    assert run(accepted, 50, 4000)[1] == {}
    assert run(accepted, 75, 4000)[1] == {NET: Loss(75, 40, 3000)}
    later, losses = run(kept, 40, 2000 + DAY + 1)
    assert losses == {}
    assert run(later, 40, 2000 + DAY + 300)[1] == {}


def test_a_slow_drift_is_measured_against_the_best() -> None:
    kept: dict[str, Kept] = {}
    found = []
    for step in range(10):
        kept, losses = run(kept, 5.0 * step, 1000.0 + step)
        found.append(bool(losses))
    assert found == [False] * 6 + [True] * 4


def test_a_clock_that_steps_back_prolongs_nothing() -> None:
    kept, _ = run({}, 0, 10_000_000)
    kept, _ = run(kept, 40, 10_000_100)
    kept, losses = run(kept, 40, 5000)
    assert losses
    assert run(kept, 40, 5000 + DAY + 1)[1] == {}


def test_networks_that_are_quiet_are_remembered_and_not_for_ever() -> None:
    kept, _ = run({}, 0, 1000)
    quiet, losses = advance(kept, {}, 2000, DAY, False)
    assert (quiet, losses) == (kept, {})
    many = {f"10.{n // 250}.{n % 250}.0/24": 0.0 for n in range(500)}
    assert len(advance(kept, many, 3000, DAY, False)[0]) == 200


@pytest.mark.parametrize(
    "note",
    [
        "",
        "x",
        "[]",
        "3",
        '"a"',
        "{",
        '{"a": 1}',
        '{"a": [1, 2]}',
        '{"a": [1, 2, "3"]}',
        '{"a": [NaN, 1, 2]}',
        '{"a": [-1, 1, 2]}',
        '{"a": [1e300, 1, 2]}',
        "[" * 5000,
        '{"a": [true, 1, 2]}',
    ],
)
def test_notes_that_make_no_sense(note: str) -> None:
    assert parse(note) == {}
