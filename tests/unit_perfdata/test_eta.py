"""Rates and forecasts: exact, noisy, too little, changing, and on recorded resyncs."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import PROJECT

from perfdata.eta import (
    COUNTING,
    FALLING,
    GROWING,
    HORIZON,
    STALLED,
    Countdown,
    Forecast,
    Rate,
    countdown,
    rate,
    since_change_of_pace,
    since_other_mark,
    since_reset,
    theil_sen,
    until,
)

MOOSEFS = PROJECT.parent / "shared" / "corpus" / "moosefs"


def near(value: float) -> Any:
    """A number that differs in rounding only."""
    return pytest.approx(value)


def line(slope: float, count: int = 13, every: float = 60.0, start: float = 0.0) -> list[tuple[float, float]]:
    """Samples of a steady change."""
    return [(1000 + number * every, start + slope * number * every) for number in range(count)]


def test_steady_growth_is_exact() -> None:
    present = rate(line(0.5))
    assert present == Rate(0.5, 0.5, 0.5)
    assert until(100, present) == Forecast(160.0, 200.0, 300.0)


def test_steady_growth_of_many_samples_is_exact() -> None:
    present = rate(line(2, count=1000))
    assert present is not None
    assert list(present) == pytest.approx([2, 2, 2])


@pytest.mark.parametrize("seed", range(20))
def test_noise_stays_within_the_bounds(seed: int) -> None:
    noise = random.Random(seed)
    samples = [(at, value + noise.gauss(0, 4)) for at, value in line(0.1, count=72, every=300)]
    present = rate(samples)
    assert present is not None
    forecast = until(1000, present)
    assert forecast is not None
    assert forecast.upper is not None
    assert forecast.lower < 1000 / 0.1 < forecast.upper
    assert forecast.middle == pytest.approx(1000 / 0.1, rel=0.05)


def test_one_wild_sample_changes_nothing() -> None:
    samples = line(0.5, count=24)
    samples[12] = (samples[12][0], 1e6)
    assert theil_sen(samples) == 0.5


@pytest.mark.parametrize(
    ("samples", "known"),
    [
        ([], False),
        (line(1, count=3, every=1000), False),
        (line(1, count=4, every=200), True),
        (line(1, count=4, every=199.9), False),
        (line(1, count=100, every=6), False),
        (line(1, count=101, every=6), True),
        ([(5.0, float(number)) for number in range(9)], False),
    ],
)
def test_no_rate_of_too_little(samples: list[tuple[float, float]], known: bool) -> None:
    assert (rate(samples) is not None) == known


def test_a_shorter_span_when_asked_for() -> None:
    assert rate(line(1, count=4, every=1), span_min=3) == Rate(1, 1, 1)
    assert rate(line(1, count=3, every=1), span_min=2) is None
    assert rate([(5.0, float(number)) for number in range(9)], span_min=0) is None


def test_flat_is_no_growth_and_no_end() -> None:
    present = rate(line(0, start=37))
    assert present == Rate(0, 0, 0)
    assert until(10, present) is None


def test_shrinking_is_a_rate_and_no_end() -> None:
    present = rate(line(-0.5))
    assert present == Rate(-0.5, -0.5, -0.5)
    assert until(10, present) is None


@pytest.mark.parametrize("now", [0.1, 0.5, 3.0])
def test_bounds_hold_the_old_pace_and_the_new_one(now: float) -> None:
    before = line(1.0, count=30)
    at, value = before[-1]
    after = [(at + 60 * number, value + now * 60 * number) for number in range(1, 31)]
    present = rate([*before, *after])
    assert present is not None
    forecast = until(6000, present)
    assert forecast is not None
    assert forecast.upper is not None
    assert forecast.lower < 6000 / now < forecast.upper
    assert forecast.middle == pytest.approx(6000 / now, rel=0.02)


def test_growth_that_stopped_has_no_upper_bound() -> None:
    forecast = until(60, Rate(0.0, 0.1, 0.2))
    assert forecast == Forecast(near(240), near(600), None)


def test_growth_that_started_late_is_seen() -> None:
    quiet = line(0, count=30, start=100)
    at = quiet[-1][0]
    present = rate([*quiet, *((at + 60 * number, 100 + 6 * number) for number in range(1, 11))])
    assert present is not None
    assert present.upper == near(0.1)
    assert present.lower <= 0.05


@pytest.mark.parametrize("remaining", [0, -1, -1000.0])
@pytest.mark.parametrize("slope", [1.0, 0.0, -1.0])
def test_already_full(remaining: float, slope: float) -> None:
    assert until(remaining, Rate(slope, slope, slope)) == Forecast(0, 0, 0)


def test_horizon() -> None:
    steady = Rate(1.0, 1.0, 1.0)
    assert until(HORIZON / 1.5, steady) == Forecast(near(HORIZON / 1.5 * 0.8), HORIZON / 1.5, near(HORIZON))
    assert until(HORIZON, steady) == Forecast(near(HORIZON * 0.8), HORIZON, None)
    assert until(HORIZON * 1.0001, steady) is None


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 1023)), max_size=60),
    st.integers(-10, 2000),
)
def test_any_samples_give_ordered_finite_numbers(samples: list[tuple[int, int]], remaining: int) -> None:
    present = rate(sorted((float(at), float(value)) for at, value in samples))
    if present is None:
        return
    assert all(map(math.isfinite, present))
    assert present.lower <= present.middle <= present.upper
    forecast = until(remaining, present)
    if forecast is not None:
        assert 0 <= forecast.lower <= forecast.middle <= HORIZON
        assert forecast.upper is None or forecast.middle <= forecast.upper <= HORIZON


def resync(file: Path) -> tuple[list[tuple[float, float]], float]:
    """(time, what is left to do) from its peak on, every 5 s, and the time at which nothing was left."""
    with file.open() as rows:
        recorded = [(float(row["t"]), float(row["reg_deficit"])) for row in csv.DictReader(rows)]
    peak = max(range(len(recorded)), key=lambda place: recorded[place][1])
    end = next(place for place in range(peak, len(recorded)) if recorded[place][1] == 0)
    return recorded[peak:end:5], recorded[end][0]


@pytest.mark.parametrize("name", ["s1_mark_for_removal", "s3_kill_cs_5servers"])
@pytest.mark.parametrize("progress", [0.25, 0.5, 0.75])
def test_recorded_resyncs_end_within_the_bounds(name: str, progress: float) -> None:
    file = MOOSEFS / f"{name}.csv"
    if not file.exists():
        pytest.skip(f"no recording {file.name} beside this checkout")
    samples, end = resync(file)
    total = samples[0][1]
    so_far = [(at, -left) for at, left in samples if left >= total * (1 - progress)]
    present = rate(so_far, span_min=0)
    assert present is not None
    forecast = until(-so_far[-1][1], present)
    assert forecast is not None
    assert forecast.upper is not None
    assert forecast.lower < end - so_far[-1][0] < forecast.upper


# --- work that shrinks to nothing ---

PATIENCE = 600.0


def judged(samples: list[tuple[float, float]], passed: float = 0.0) -> Countdown:
    """The countdown at the last sample, or some seconds later."""
    return countdown(samples, (samples[-1][0] if samples else 0.0) + passed, PATIENCE)


def going_down(
    *legs: tuple[float, float], start: float = 10_000, every: float = 10, noise: float = 0, seed: int = 0
) -> list[tuple[float, float]]:
    """Work left, at each leg's pace (per second) down to its end; as whole numbers, which is what is counted."""
    scatter = random.Random(seed)
    samples, at, left = [], 1000.0, start
    for pace, end in legs:
        while left > end:
            samples.append((at, float(round(left + scatter.gauss(0, noise)))))
            at, left = at + every, left - pace * every
    return samples


@pytest.mark.parametrize("count", range(4, 40, 5))
def test_steady_work_is_exact(count: int) -> None:
    samples = going_down((10, 0))[:count]
    left = samples[-1][1]
    assert judged(samples) == Countdown(
        FALLING,
        0.0,
        near(10),
        Forecast(near(left / 10 * 0.8 - 10), near(left / 10), near(left / 10 * 1.5 + 10)),
        1000.0,
    )


def test_what_has_passed_since_the_last_sample_is_no_longer_to_come() -> None:
    samples = going_down((10, 0))[:50]  # 5100 left: 510 s
    assert judged(samples, 60).forecast == Forecast(near(510 * 0.8 - 10 - 60), near(450), near(510 * 1.5 + 10 - 60))
    assert judged(samples[:100], 599).forecast == Forecast(0, 0, near(510 * 1.5 + 10 - 599))


def test_an_end_that_has_passed_is_now() -> None:
    samples = going_down((10, 0))[:96]  # 500 left: 50 s
    assert judged(samples, 590).forecast == Forecast(0, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_hide_the_pace(seed: int) -> None:
    samples = going_down((22, 0), start=6000, noise=20, seed=seed)
    end = samples[0][0] + 6000 / 22
    for count in range(9, len(samples) - 3):
        going = judged(samples[:count])
        if going.phase == GROWING:
            continue
        assert going.forecast is not None
        assert going.forecast.upper is not None
        assert going.pace == pytest.approx(22, rel=0.2)
        assert going.forecast.lower < end - samples[count - 1][0] < going.forecast.upper


@pytest.mark.parametrize("every", [5, 10, 20])
@pytest.mark.parametrize("noise", [0, 5])
def test_three_regimes(every: float, noise: float) -> None:
    samples = going_down((44, 8000), (22, 3000), (7.7, 0), start=13940, every=every, noise=noise)
    for pace, began in ((22, 8000), (7.7, 3000)):
        first = next(place for place, (_, left) in enumerate(samples) if left <= began + 3 * noise)
        going = judged(samples[: first + 6])
        assert going.pace == pytest.approx(pace, rel=0.2)
        assert going.since is not None
        assert abs(going.since - samples[first][0]) <= 2 * every


def test_a_change_of_pace_is_cut_off_exactly() -> None:
    samples = going_down((44, 8000), (22, 0), start=13940)
    first = next(place for place, (_, left) in enumerate(samples) if left <= 8000)
    for after in range(6, 40):
        assert since_change_of_pace(samples[: first + after]) == samples[first : first + after]
    assert since_change_of_pace(samples[:first]) == samples[:first]
    assert since_change_of_pace([]) == []


@pytest.mark.parametrize("step", [1, 5, 50, 500])
@pytest.mark.parametrize("start", [0, 100])
def test_growth_never_gives_a_forecast(step: float, start: float) -> None:
    growing = [(1000 + 10.0 * number, float(start + step * number)) for number in range(60)]
    for count in range(2, 60):
        assert judged(growing[:count]) == Countdown(GROWING, judged(growing[:count]).flat)
    falling = going_down((10, 0))
    again = [(falling[-1][0] + at, left) for at, left in growing]
    for count in range(2, 60):
        assert judged([*falling, *again[:count]]).forecast is None


def test_a_rise_starts_the_count_anew() -> None:
    before = going_down((40, 5000))
    at = before[-1][0]
    after = [(at + 10 * number, 9000.0 - 100 * number) for number in range(1, 20)]
    phases = [judged([*before, *after[:count]]).phase for count in range(1, 7)]
    assert phases == [GROWING, COUNTING, COUNTING, FALLING, FALLING, FALLING]
    going = judged([*before, *after])
    assert (going.pace, going.since) == (near(10), after[0][0])


@pytest.mark.parametrize("rise", [1, 30])
def test_a_few_that_come_back_change_nothing(rise: float) -> None:
    samples = going_down((10, 5000))
    at, left = samples[-1]
    again = [(at + 10, left + rise), *((at + 10 * number, left + rise - 100 * (number - 1)) for number in range(2, 9))]
    assert since_reset([*samples, *again])[0] == samples[0]
    assert judged([*samples, *again]).pace == pytest.approx(10, rel=0.1)


def test_a_jump_is_no_progress() -> None:
    before = going_down((10, 7000))
    at = before[-1][0]
    after = [(at + 10 * number, 3000.0 - 100 * number) for number in range(1, 20)]
    assert since_reset([*before, *after]) == after
    assert [judged([*before, *after[:count]]).phase for count in range(1, 5)] == [COUNTING] * 3 + [FALLING]
    assert judged([*before, *after]).pace == near(10)


def test_a_jump_after_standing_still_is_no_progress() -> None:
    before = going_down((10, 7000))
    at, left = before[-1]
    still = [(at + 10.0 * number, left) for number in range(1, 40)]
    after = [(at + 390 + 10 * number, 3000.0 - 100 * number) for number in range(1, 20)]
    assert since_reset([*before, *still, *after]) == after


@pytest.mark.parametrize("after", range(6))
def test_a_jump_from_standing_still_is_no_progress(after: int) -> None:
    still = [(10.0 * number, 9500.0) for number in range(18)]
    samples = [(180 + 10.0 * number, 500.0 - 10 * number) for number in range(1 + after)]
    assert since_reset([*still, *samples]) == samples


def test_standing_still_is_a_stall_once_patience_is_over() -> None:
    samples = going_down((10, 5000))
    at, left = samples[-1]
    still = [(at + 10.0 * number, left) for number in range(1, 80)]
    for count in range(1, 60):
        going = judged([*samples, *still[:count]])
        assert (going.phase, going.flat) == (FALLING, 10.0 * count)
    for count in range(60, 80):
        assert judged([*samples, *still[:count]]) == Countdown(STALLED, 10.0 * count)
    assert judged(samples, PATIENCE) == Countdown(STALLED, PATIENCE)
    assert countdown([*samples, *still], still[-1][0], 1e4).phase == FALLING


def test_a_stall_ends_with_the_first_progress() -> None:
    samples = going_down((10, 5000))
    at, left = samples[-1]
    still = [(at + 10.0 * number, left) for number in range(1, 80)]
    going = judged([*samples, *still, (still[-1][0] + 10, left - 100)])
    assert (going.phase, going.flat) == (FALLING, 0.0)
    assert going.pace is not None
    assert going.pace < 10


@pytest.mark.parametrize("samples_per_step", [1, 2, 5, 12])
def test_what_moves_in_steps_has_its_pace_from_step_to_step(samples_per_step: int) -> None:
    """As with a number that the source makes anew every five minutes."""
    every = 300 / samples_per_step
    samples = [(every * number, 1000.0 - 50 * (number // samples_per_step)) for number in range(20 * samples_per_step)]
    for count in range(7 * samples_per_step, len(samples) + 1, 3):
        going = judged(samples[:count])
        assert going.pace == pytest.approx(50 / 300, rel=0.25)
        assert going.forecast is not None
        assert going.forecast.upper is not None
        assert going.forecast.lower <= 20 * 300 - samples[count - 1][0] <= going.forecast.upper


@pytest.mark.parametrize("count", range(4))
def test_no_countdown_of_too_few_samples(count: int) -> None:
    assert judged(going_down((10, 0))[:count]) == Countdown(COUNTING, 10.0 * 0)


def test_nothing_left() -> None:
    assert judged([(5.0, 0.0)]) == Countdown(COUNTING, 0.0)
    assert judged([(5.0 + number, 0.0) for number in range(9)]) == Countdown(COUNTING, 8.0)
    done = [*going_down((10, 0)), (2000.0, 0.0)]
    assert judged(done).forecast == Forecast(0, 0, near(10))
    assert judged(done, PATIENCE).phase == STALLED


def test_a_count_that_starts_anew_at_each_sample_never_gives_a_forecast() -> None:
    saw = [(10.0 * number, 1000.0 + 500 * (number % 2)) for number in range(50)]
    assert {judged(saw[:count]).forecast for count in range(1, 50)} == {None}


def test_samples_of_one_moment_say_nothing_of_the_pace() -> None:
    at_once = [(5.0, 100.0 - number) for number in range(20)]
    assert judged(at_once) == Countdown(COUNTING, 0.0)
    twice = [sample for sample in going_down((10, 5000)) for _ in range(2)]
    assert judged(twice)[:3] == judged(going_down((10, 5000)))[:3]
    disagreeing = [pair for at, left in going_down((10, 5000)) for pair in ((at, left + 2), (at, left))]
    assert judged(disagreeing).pace == pytest.approx(10, rel=0.05)


def test_an_end_beyond_the_horizon_is_none() -> None:
    slow = [(3600.0 * number, 1e6 - number) for number in range(50)]
    going = countdown(slow, slow[-1][0], 1e5)
    assert (going.phase, going.pace, going.forecast) == (FALLING, near(1 / 3600), None)
    near_it = [(at, left - 1e6 + HORIZON / 3600 / 1.2) for at, left in slow]
    forecast = countdown(near_it, near_it[-1][0], 1e5).forecast
    assert forecast is not None
    assert forecast.upper is None


def test_since_other_mark() -> None:
    samples = [(float(at), 100.0 - at) for at in range(10)]
    assert since_other_mark([], []) == []
    assert since_other_mark(samples, []) == samples
    assert since_other_mark(samples, [(float(at), 7.0) for at in range(10)]) == samples
    assert since_other_mark(samples, [(float(at), float(at > 5)) for at in range(10)]) == samples[6:]
    # a situation that was there before is another one: the pace of then is long ago
    assert since_other_mark(samples, [(float(at), float(at not in (3, 4))) for at in range(10)]) == samples[5:]
    assert since_other_mark(samples, [(float(at), 7.0) for at in range(10) if at != 6]) == samples[7:]
    assert since_other_mark(samples, [(9.0, 7.0)]) == samples[9:]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e9) | st.integers(0, 300).map(float) | st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 50).map(float) | st.floats(allow_nan=False, allow_infinity=False),
        ),
        max_size=60,
    ),
    st.floats(0, 1e5),
)
def test_any_samples_give_an_ordered_finite_forecast_or_none(samples: list[tuple[float, float]], passed: float) -> None:
    times = sorted(at for at, _ in samples)
    going = judged([(at, left) for at, (_, left) in zip(times, samples)], passed)
    assert going.phase in (COUNTING, GROWING, FALLING, STALLED)
    assert going.phase == FALLING or (going.pace, going.forecast, going.since) == (None, None, None)
    assert going.pace is None or going.pace > 0
    if going.forecast is not None:
        assert 0 <= going.forecast.lower <= going.forecast.middle < math.inf
        assert going.forecast.upper is None or going.forecast.middle <= going.forecast.upper <= HORIZON


def test_numbers_at_the_edge_of_floats() -> None:
    """Hypothesis finds these once in a long while."""
    assert judged([(float(number), 1e300 - number * 1e298) for number in range(20)]).forecast is not None
    assert judged([(number * 1e-300, 100.0 - number) for number in range(20)]).phase == FALLING
