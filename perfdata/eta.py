"""Rates and forecasts from (time, value) samples: pure, the present is an argument.

Two questions: when is a limit reached by something that goes up and down (``rate``, ``until``), and when is work done
that shrinks to nothing (``countdown``).

The window matters more than the method: slopes are taken over the whole window, its last half and its last six samples,
and the three together make the bounds. No method foresees a change of pace, hence "at the present rate". The factors on
the bounds come from recorded resyncs, whose tails were longer than their beginnings.
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


# --- work that shrinks to nothing: a resync, a rebuild ---

COUNTING, GROWING, FALLING, STALLED = "counting", "growing", "falling", "stalled"
_RISE = 0.01  # share of the work that may come back without starting the count anew
_JUMP_DROP, _JUMP_PACE = 0.1, 4.0  # a step is a jump when it takes this share of the work, at this many usual paces
_STEPS_MIN = 5  # steps that make a pace: six samples
_STEPS_MAX = 400  # older ones are left out
_CHANGE, _CERTAIN = 0.1, 4.0  # a change of pace: this share of it, and this many standard errors


class Countdown(Record):
    """How work that should shrink to nothing is doing."""

    phase: str  # COUNTING: too early to tell; GROWING, FALLING, STALLED: none was done for the caller's patience
    flat: float  # seconds since it last became less
    pace: float | None = None  # per second, at present; only when FALLING
    forecast: Forecast | None = None  # seconds until nothing is left; only when FALLING
    since: float | None = None  # when the present pace began


def countdown(samples: Sequence[tuple[float, float]], now: float, patience: float) -> Countdown:
    """Judge (seconds, work left) samples, oldest first, taken under the same circumstances, the last one at present.

    What the caller knows to be another situation (a server came or went) is cut off before. A rise or a jump starts the
    count anew; of the rest, the tail that shares the present pace makes the forecast. ``patience``: seconds without any
    decrease after which it has stalled.
    """
    if not samples:
        return Countdown(COUNTING, 0.0)
    run = since_reset(samples)
    flat = now - _last_decrease(run)
    if len(samples) > 1 and samples[-1][1] > samples[-2][1]:
        return Countdown(GROWING, flat)
    if flat >= patience:
        return Countdown(STALLED, flat)
    if len(run) < SAMPLES_MIN:
        return Countdown(COUNTING, flat)
    tail = since_change_of_pace(_anchors(run)[-_STEPS_MAX:])
    pace = _slope(tail)
    if pace <= 0:
        return Countdown(COUNTING, flat)
    return Countdown(FALLING, flat, pace, _bounded(tail, pace, now, _resolution(run)), tail[0][0])


def since_reset(samples: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The samples since the work last grew, or fell by a jump that is no progress (files deleted, a server back)."""
    start = len(samples) - 1
    for place in range(len(samples) - 1, -1, -1):
        if samples[place][1] >= samples[start][1]:
            start = place
        elif samples[start][1] - samples[place][1] > max(1.0, _RISE * samples[start][1]):
            break
    run = samples[start:]
    paces = sorted(step for step in _steps(run) if step > 0)  # what moves in steps stands still most of the time
    usual = paces[(len(paces) - 1) // 2] if len(paces) > 1 else 0.0  # nothing is usual that happened once
    for place in range(len(run) - 1, 0, -1):
        (at, value), (later, left) = run[place - 1 : place + 1]
        if value - left > _JUMP_DROP * value and value - left > _JUMP_PACE * usual * (later - at):
            return run[place:]
    return run


def since_change_of_pace(samples: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The longest tail that goes at one pace, of at least six samples: cut where two different means fit best."""
    while True:
        steps = _steps(samples)
        cut = _best_cut(steps)
        if not cut:
            return samples
        samples = samples[cut:]


def _best_cut(steps: list[float]) -> int:
    """How many steps to leave out: those before the most significant change of their mean; 0 for none."""
    count = len(steps)
    total, squares = sum(steps), sum(step * step for step in steps)
    best, best_cut = _CERTAIN, 0
    before = before_squares = 0.0
    for place in range(1, count - _STEPS_MIN + 1):
        before += steps[place - 1]
        before_squares += steps[place - 1] * steps[place - 1]
        after_count = count - place
        mean, after_mean = before / place, (total - before) / after_count
        if abs(mean - after_mean) <= _CHANGE * abs(after_mean):
            continue
        scatter = before_squares - before * mean + (squares - before_squares) - (total - before) * after_mean
        variance = max(scatter, 1e-9 * squares, 1e-12) / max(1, count - 2)
        certainty = abs(mean - after_mean) / (variance * (1 / place + 1 / after_count)) ** 0.5
        if certainty > best:
            best, best_cut = certainty, place
    return best_cut


def _bounded(tail: Sequence[tuple[float, float]], pace: float, now: float, resolution: float) -> Forecast | None:
    """The present pace, between the slowest and fastest of tail, its last half and its last six samples."""
    at, remaining = tail[-1]
    windows = (tail, tail[len(tail) // 2 :], tail[-_STEPS_MIN - 1 :])
    slopes = [_slope(window) for window in windows if len(window) > _STEPS_MIN] or [pace]
    passed = now - at
    if remaining / pace > HORIZON:
        return None
    slowest = min(slopes)
    upper = max(0.0, remaining / slowest * _PESSIMIST + resolution - passed) if slowest > 0 else None
    return Forecast(
        max(0.0, remaining / max(slopes) * _OPTIMIST - resolution - passed),
        max(0.0, remaining / pace - passed),
        upper if upper is not None and upper <= HORIZON else None,
    )


def _anchors(samples: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The first sample of each value: what moves in steps has its pace from step to step. The last one is always kept
    when nothing has moved for longer than usual."""
    anchors = [sample for place, sample in enumerate(samples) if not place or sample[1] != samples[place - 1][1]]
    last, usual = samples[-1], (anchors[-1][0] - anchors[0][0]) / max(1, len(anchors) - 1)
    if last[0] - anchors[-1][0] > usual:
        anchors.append(last)
    return anchors


def _steps(samples: Sequence[tuple[float, float]]) -> list[float]:
    """Work done per second between neighbours."""
    return [(value - left) / (later - at) for (at, value), (later, left) in zip(samples, samples[1:]) if later > at]


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Work done per second, from the first to the last of these."""
    span = samples[-1][0] - samples[0][0]
    return (samples[0][1] - samples[-1][1]) / span if span > 0 else 0.0


def _last_decrease(samples: Sequence[tuple[float, float]]) -> float:
    for place in range(len(samples) - 1, 0, -1):
        if samples[place][1] < samples[place - 1][1]:
            return samples[place][0]
    return samples[0][0]


def _resolution(samples: Sequence[tuple[float, float]]) -> float:
    """Seconds between samples: nobody can see an end more exactly than that."""
    gaps = sorted(later[0] - earlier[0] for earlier, later in zip(samples, samples[1:]))
    return gaps[len(gaps) // 2]


def since_other_mark(
    samples: Sequence[tuple[float, float]], marks: Sequence[tuple[float, float]]
) -> Sequence[tuple[float, float]]:
    """The samples at the end that share the last one's mark: ``marks`` holds (seconds, number of a situation)."""
    situation = dict(marks)
    last = situation.get(samples[-1][0]) if samples else None
    start = len(samples)
    while start and situation.get(samples[start - 1][0]) == last:
        start -= 1
    return samples[start:]
