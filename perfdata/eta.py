"""Rates and forecasts from (time, value) samples: pure, the present is an argument.

The window matters more than the method: a slope is taken by Theil and Sen's median over the whole window, its last half
and its last six samples, and the three together make the bounds. No method foresees a change of pace, hence "at the
present rate". The factors on the bounds come from recorded resyncs, whose tails were longer than their beginnings.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfdata.record import Record

SAMPLES_MIN = 4
SPAN_MIN = 600.0  # seconds
_POINTS_MAX = 24  # per slope: 276 pairs, a fifth of a millisecond
_OPTIMIST, _PESSIMIST = 0.8, 1.5
HORIZON = 10 * 365 * 86400.0  # seconds; beyond it there is no forecast


class Rate(Record):
    """Change per second: the slowest and fastest of the slopes, and the one of the last half."""

    lower: float
    middle: float
    upper: float


class Forecast(Record):
    """Seconds until a limit is reached at the present rate; ``upper`` is None when it may never be."""

    lower: float
    middle: float
    upper: float | None


def theil_sen(samples: Sequence[tuple[float, float]]) -> float | None:
    """Median slope (value per second) over all pairs of at most 24 evenly chosen samples; None without a time span."""
    count = len(samples)
    if count > _POINTS_MAX:
        samples = [samples[round(i * (count - 1) / (_POINTS_MAX - 1))] for i in range(_POINTS_MAX)]
    # two samples taken at almost the same time (by the scheduler and by hand) say nothing of the pace
    apart = (samples[-1][0] - samples[0][0]) / 20 if samples else 0.0
    slopes = [
        (value - earlier_value) / (at - earlier)
        for place, (at, value) in enumerate(samples)
        for earlier, earlier_value in samples[:place]
        if at - earlier > apart
    ]
    if not slopes:
        return None
    slopes.sort()  # the statistics module would cost as much as a whole fork to import
    half = len(slopes) // 2
    return slopes[half] if len(slopes) % 2 else (slopes[half - 1] + slopes[half]) / 2


def rate(samples: Sequence[tuple[float, float]], span_min: float = SPAN_MIN) -> Rate | None:
    """The present rate of change, or None with fewer than 4 samples or less than ``span_min`` seconds between them."""
    if len(samples) < SAMPLES_MIN or samples[-1][0] - samples[0][0] < span_min:
        return None
    if len({value for _, value in samples}) == 1:
        return Rate(0.0, 0.0, 0.0)
    middle_time = (samples[0][0] + samples[-1][0]) / 2
    half = [sample for sample in samples if sample[0] >= middle_time]
    windows = [samples, half, samples[-6:]]
    slopes = [
        slope for window in windows if len(window) >= SAMPLES_MIN for slope in [theil_sen(window)] if slope is not None
    ]
    if not slopes:
        return None
    middle = theil_sen(half) if len(half) >= SAMPLES_MIN else slopes[0]
    return Rate(min(slopes), slopes[0] if middle is None else middle, max(slopes))


def until(remaining: float, present: Rate) -> Forecast | None:
    """When ``remaining`` (same unit, in the direction of a positive rate) is used up, or None: not in sight."""
    if remaining <= 0:
        return Forecast(0.0, 0.0, 0.0)
    if present.middle <= 0 or remaining / present.middle > HORIZON:
        return None
    upper = remaining / present.lower * _PESSIMIST if present.lower > 0 else None
    return Forecast(
        remaining / present.upper * _OPTIMIST,
        remaining / present.middle,
        upper if upper is not None and upper <= HORIZON else None,
    )
