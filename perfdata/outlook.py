"""What a recorded measure will do, as a band to draw and a sentence to read: the words beside a plot."""

from __future__ import annotations

from collections.abc import Sequence

from perfdata import eta
from perfdata.clock import Clock
from perfdata.numbers import duration, plain_number, span
from perfdata.past import Recorded
from perfdata.plot import Band, clock_words, value_words
from perfdata.record import Record

WINDOW = 7 * 86400.0  # seconds of history that may count
_LIMIT_WINDOW = 6 * 3600.0  # what fills up goes up and down: only the present rate tells
_PATIENCE = 600.0  # seconds without progress, or without any sample; more when samples are rarer than that
_USUAL_GAPS = 4.0
_COUNTING = 0.0  # the mark of a situation in which the number means nothing yet


class Subject(Record):
    """What the sentence is about."""

    title: str  # "Work left"
    unit: str  # as in the catalogue
    things: str = ""  # what a number without a unit counts: "copies"
    limit: float | None = None  # what it fills up; None when it is work that shrinks to nothing


class Outlook(Record):
    """A forecast, where there is one, and the present in words in any case."""

    sentence: str
    band: Band | None = None


class _Present(Record):
    """The samples of this boot by uptime, and the wall-clock time of the last one by the present clock."""

    samples: list[tuple[float, float]]
    at: float


def recorded_only(subject: Subject, recorded: Sequence[Recorded], clock: Clock) -> Outlook:
    """The last value, for a measure that nobody can say anything else about. ``recorded`` is not empty."""
    last = recorded[-1]
    return Outlook(f"{_amount(subject, last.value)}, recorded at {clock_words(last.time, clock.time)}")


def outlook(subject: Subject, recorded: Sequence[Recorded], marks: Sequence[Recorded], clock: Clock) -> Outlook:
    """When the work is done, or the limit is reached, at the present rate. ``recorded`` is not empty.

    ``marks`` number the situation at the same instants; the pace of another situation says nothing of this one.
    """
    samples = sorted((r.uptime, r.value) for r in recorded if r.boot == clock.boot and r.uptime <= clock.uptime)
    patience = max(_PATIENCE, _USUAL_GAPS * _usual_gap(samples))
    if not samples or clock.uptime - samples[-1][0] > patience:
        last = recorded[-1]
        return Outlook(
            f"{_amount(subject, last.value)}, last recorded {duration(max(0.0, clock.time - last.time))} ago"
            f" ({clock_words(last.time, clock.time)}): no forecast"
        )
    present = _Present(samples, clock.time - (clock.uptime - samples[-1][0]))
    if subject.limit is not None:
        return _filling(subject, present, clock)
    situations = sorted((mark.uptime, mark.value) for mark in marks if mark.boot == clock.boot)
    return _shrinking(subject, present, situations, patience, clock)


def _shrinking(
    subject: Subject, present: _Present, marks: list[tuple[float, float]], patience: float, clock: Clock
) -> Outlook:
    at, left = present.samples[-1]
    amount = _amount(subject, left)
    if left <= 0:
        return Outlook(f"{amount}: nothing to do")
    if marks and dict(marks).get(at) == _COUNTING:
        return Outlook(f"{amount}, still being counted: no forecast")
    samples = eta.since_other_mark(present.samples, marks) if marks else present.samples
    going = eta.countdown(samples, at, patience)
    if going.phase == eta.GROWING:
        return Outlook(f"{amount}, growing: no forecast")
    if going.phase == eta.STALLED:
        return Outlook(f"{amount}, none done for {duration(going.flat)}: no forecast")
    if going.pace is None or going.forecast is None:
        return Outlook(f"{amount}, too early for a forecast")
    pace = f"{_pace(going.pace, subject.unit)} at the present rate"
    return _foreseen(f"{amount}, {pace}, done", present, going.forecast, clock)


def _filling(subject: Subject, present: _Present, clock: Clock) -> Outlook:
    assert subject.limit is not None
    at, value = present.samples[-1]
    amount = f"{_amount(subject, value)} of {_number(subject.limit, subject.unit)}"
    rate = eta.rate([sample for sample in present.samples if sample[0] >= at - _LIMIT_WINDOW])
    if rate is None:
        return Outlook(f"{amount}, too early for a forecast")
    if value >= subject.limit:
        return Outlook(f"{amount}: full")
    forecast = eta.until(subject.limit - value, rate)
    if forecast is None:
        return Outlook(f"{amount}, not growing" if rate.middle <= 0 else f"{amount}, not full in sight")
    pace = f"growing by {_pace(rate.middle, subject.unit)} at the present rate"
    return _foreseen(f"{amount}, {pace}, full", present, forecast, clock)


def _foreseen(words: str, present: _Present, forecast: eta.Forecast, clock: Clock) -> Outlook:
    """The forecast was made for the moment of the last sample; what has passed since is no longer to come."""
    band = Band(
        max(clock.time, present.at + forecast.lower),
        max(clock.time, present.at + forecast.middle),
        None if forecast.upper is None else max(clock.time, present.at + forecast.upper),
    )
    still = span(band.lower - clock.time, None if band.upper is None else band.upper - clock.time)
    return Outlook(f"{words} in {still} ({clock_words(band.middle, clock.time)})", band)


def _amount(subject: Subject, value: float) -> str:
    things = f" {subject.things}" if subject.things and not subject.unit else ""
    return f"{subject.title.lower()} {_number(value, subject.unit)}{things}"


def _number(value: float, unit: str) -> str:
    return value_words(value, unit) if unit else plain_number(round(value, 2))


def _pace(per_second: float, unit: str) -> str:
    """A pace in the shortest time in which anything happens: 310/min, 4/h."""
    sizes = ((60, "min"), (3600, "h"), (86400, "d"))
    size, name = next(((size, name) for size, name in sizes if per_second * size >= 1), sizes[-1])
    amount = per_second * size
    digits = f"{amount:.2g}" if amount < 10 else f"{amount:.0f}"
    return f"{value_words(float(digits), unit)}/{name}"


def _usual_gap(samples: Sequence[tuple[float, float]]) -> float:
    gaps = sorted(later[0] - earlier[0] for earlier, later in zip(samples, samples[1:]))
    return gaps[len(gaps) // 2] if gaps else 0.0
