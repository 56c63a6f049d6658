"""What a plot of one measure shows: its frame of time and value, the marks on both axes, and the band of a forecast.

Drawn by terminal_plot.py and svg_plot.py. Times are seconds since the epoch and are shown in the local time zone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from perfdata.numbers import duration
from perfdata.record import Record

_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200)
_DAY = 86400
_DAY_STEPS = (1, 2, 7, 14, 28, 91, 364)
_INTERVALS = 5  # on the axis of values, more or less
_FUTURE_MAX = 3.0  # times the past: a forecast of days must not squeeze what was measured into one column
_PAST_MIN = 60.0  # seconds
_VALUE_MAX, _VALUE_MIN = 1e18, 1e-9
_GAP = 3.0  # a hole: this many times the usual time between samples, and between its neighbours


class Band(Record):
    """When the goal is reached: wall-clock times; ``upper`` is None when it may never be."""

    lower: float
    middle: float
    upper: float | None


class Plot(Record):
    """One picture."""

    title: str  # whose measure it is: "docker_bridge docker0"
    measure: str  # its title in the catalogue
    unit: str  # as in the catalogue: "" for a number of things, else "s", "B", "%" or "1/h"
    samples: Sequence[tuple[float, float]]  # (wall-clock time, value), oldest first
    now: float
    sentence: str = ""  # stands below
    band: Band | None = None
    goal: float = 0.0  # the value that the band ends at


class Frame(Record):
    """The part of time and value that is shown, and the marks of the values."""

    start: float
    end: float
    low: float
    high: float
    marks: tuple[float, ...]

    def across(self, at: float) -> float:
        """Where a time stands: 0 left, 1 right."""
        return min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))

    def down(self, value: float) -> float:
        """Where a value stands: 0 at the top, 1 at the bottom."""
        return min(1.0, max(0.0, (self.high - value) / (self.high - self.low)))


def frame(plot: Plot) -> Frame:
    """All samples and zero, and of the future what the band needs, at most three times the past."""
    start = min([at for at, _ in plot.samples] + [plot.now - _PAST_MIN])
    end = plot.now
    if plot.band is not None:
        lower, middle, upper = plot.band
        last = middle + (middle - lower) if upper is None else upper
        end = max(end, min(last, plot.now + _FUTURE_MAX * (plot.now - start)))
    values = [0.0, *(value for _, value in plot.samples), *([plot.goal] if plot.band else [])]
    lowest, highest = (min(_VALUE_MAX, max(-_VALUE_MAX, extreme)) for extreme in (min(values), max(values)))
    whole = plot.unit == "" and all(value == int(value) for value in values)
    step = _value_step((highest - lowest) / _INTERVALS, plot.unit, 1.0 if whole else _VALUE_MIN)
    first, last_mark = math.floor(lowest / step), max(math.ceil(highest / step), math.floor(lowest / step) + 1)
    return Frame(
        start, end, first * step, last_mark * step, tuple(number * step for number in range(first, last_mark + 1))
    )


def _value_step(about: float, unit: str, least: float) -> float:
    """The first round number that is not below ``about``: of bytes a power of two, of seconds a time span."""
    about = max(about, least)
    if unit == "B":
        return float(2 ** math.ceil(math.log2(max(1.0, about))))
    if unit == "s" and about > 1:
        steps = (*_TIME_STEPS, *(days * _DAY for days in _DAY_STEPS))
        return next((float(step) for step in steps if step >= about), math.ceil(about / _DAY) * float(_DAY))
    magnitude = 10.0 ** math.floor(math.log10(about))
    # of whole things there are no 2.5; the last factor is for what rounding makes of 10
    factors = (1, 2, 2.5, 5, 10) if magnitude >= 10 or least < 1 else (1, 2, 5, 10)
    return next((magnitude * factor for factor in factors if magnitude * factor >= about), magnitude * 10)


def time_marks(start: float, end: float, count: int) -> list[tuple[float, str]]:
    """At most about ``count`` round local times in a span, with what to write there; midnight is named by its date."""
    about = (end - start) / max(1, count)
    days = next((days for days in _DAY_STEPS if days * _DAY >= about), _DAY_STEPS[-1])
    step = next((step for step in _TIME_STEPS if step >= about), days * _DAY)
    marks: list[tuple[float, str]] = []
    at = _next_mark(start, step)
    while at <= end and len(marks) <= 2 * count:
        local = time.localtime(at)
        midnight = not (local.tm_hour or local.tm_min or local.tm_sec)
        form = "%d %b" if midnight or step >= _DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
        marks.append((at, time.strftime(form, local)))
        at = _next_mark(at + step / 2, step)
    return marks


def _next_mark(at: float, step: float) -> float:
    """The first local time that is a multiple of ``step`` and not before ``at``, in winter and summer time."""
    offset = time.localtime(at).tm_gmtoff
    mark = math.ceil((at + offset) / step) * step - offset
    shifted = mark + offset - time.localtime(mark).tm_gmtoff
    return shifted if shifted >= at else max(at, mark)  # the offset may swallow the last digits of ``at``


def value_words(value: float, unit: str) -> str:
    """A value for people, short: 12.5M, 3 GiB, 90 min, 5 %, 12/h."""
    if unit == "s":
        return "0" if value == 0 else duration(value) if value >= 1 else f"{value:g} s"
    if unit == "B":
        power = min(6, int(math.log2(max(1.0, abs(value)))) // 10)
        return f"{value / 1024**power:.4g} {('', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei')[power]}B"
    size, letter = next(
        ((size, letter) for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")) if abs(value) >= size), (1.0, "")
    )
    number = f"{value / size:.6g}{letter}"
    return f"{number} %" if unit == "%" else f"{number}/h" if unit == "1/h" else number


def clock_words(at: float, now: float) -> str:
    """A local time for people, as exact as it can be meant: 19:40, Tue 19:40, 2026-12-24."""
    local = time.localtime(at)
    if local[:3] == time.localtime(now)[:3]:
        return time.strftime("%H:%M", local)
    return time.strftime("%a %H:%M" if abs(at - now) < 6 * _DAY else "%Y-%m-%d", local)


def unbroken(samples: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The samples in pieces that may be joined by a line: nobody knows what was in a hole."""
    gaps = [later[0] - earlier[0] for earlier, later in zip(samples, samples[1:])]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    pieces: list[list[tuple[float, float]]] = []
    for place, sample in enumerate(samples):
        # the neighbours count too, as samples of long ago are kept one an hour
        beside = gaps[max(0, place - 2) : max(0, place - 1)] + gaps[place : place + 1]
        hole = place and beside and gaps[place - 1] > _GAP * max(usual, *beside)
        if hole or not pieces:
            pieces.append([])
        pieces[-1].append(sample)
    return pieces


def band_value(plot: Plot, end: float | None, at: float) -> float:
    """The value at a time on the straight way from the last sample to the goal at ``end``; None: it stays."""
    start, value = plot.samples[-1]
    if end is None:
        return value
    if at >= end or end <= start:
        return plot.goal
    return value + (plot.goal - value) * max(0.0, at - start) / (end - start)


def band_outline(plot: Plot, band: Band, limit: float) -> list[tuple[float, float]]:
    """The corners of the band as (time, value), cut off at the time ``limit``."""
    start = plot.samples[-1]
    last = limit if band.upper is None else min(band.upper, limit)
    corners = [start, (last, band_value(plot, band.upper, last))]
    if band.upper is None or band.upper > limit:
        corners.append((limit, band_value(plot, band.lower, limit)))
    if band.lower < limit:
        corners.append((max(start[0], band.lower), plot.goal))
    return corners
