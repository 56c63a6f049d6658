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

from perfdata.eta import HORIZON, Forecast, Rate, rate, theil_sen, until

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
