"""Forecasts replayed over resyncs of a real MooseFS, which were recorded once a second."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from support import PROJECT

from perfdata.eta import FALLING, Countdown, countdown, since_other_mark
from perfdata.record import Record

MOOSEFS = PROJECT.parent / "shared" / "corpus" / "moosefs"
PATIENCE = 600.0
ONE_EVENT = ["s1_mark_for_removal", "s3_kill_cs_5servers"]
MANY_EVENTS = "s4_events"


class Second(Record):
    """One line of a recording."""

    at: float
    left: float  # copies to make
    regime: float  # numbers the servers' flags and which of them have marked disks
    counting: bool  # the master has not yet counted everything


def recorded(name: str) -> list[Second]:
    """A whole recording; the test is skipped where there is none beside this checkout."""
    file = MOOSEFS / f"{name}.csv"
    if not file.exists():
        pytest.skip(f"no recording {file.name} beside this checkout")
    return read(file)


def read(file: Path) -> list[Second]:
    numbers: dict[frozenset[tuple[str, str, bool]], float] = {}
    seconds = []
    with file.open() as rows:
        for row in csv.DictReader(rows):
            servers = (server.split(":") for server in row["chunks_per_cs"].split(";"))
            regime = frozenset((port, flags, int(chunks.split("/")[1]) > 0) for port, flags, chunks in servers)
            number = numbers.setdefault(regime, float(len(numbers)))
            seconds.append(Second(float(row["t"]), float(row["reg_deficit"]), number, row["progress"] != "0"))
    return seconds


def replayed(seconds: list[Second], every: int, offset: int) -> list[tuple[Second, Countdown]]:
    """What a check that looks every so many seconds would have said each time."""
    taken = seconds[offset::every]
    samples = [(second.at, second.left) for second in taken]
    marks = [(second.at, second.regime) for second in taken]
    return [
        (second, countdown(since_other_mark(samples[:count], marks[:count]), second.at, PATIENCE))
        for count, second in enumerate(taken, 1)
    ]


def span(seconds: list[Second]) -> tuple[float, float, float]:
    """When the only resync began and ended, and how much there was to do."""
    begin = max(seconds, key=lambda second: second.left)
    return begin.at, next(second.at for second in seconds if second.at > begin.at and not second.left), begin.left


every_sampling = pytest.mark.parametrize(
    ("every", "offset"), [(every, offset) for every in (5, 10) for offset in range(0, every, 2)]
)


@pytest.mark.parametrize("name", ONE_EVENT)
@pytest.mark.parametrize("progress", [0.25, 0.5, 0.75])
@every_sampling
def test_the_estimate_is_within_ten_percent(name: str, progress: float, every: int, offset: int) -> None:
    seconds = recorded(name)
    begin, end, total = span(seconds)
    now, forecast = next(
        (second.at, going.forecast)
        for second, going in replayed(seconds, every, offset)
        if second.at > begin and second.left <= total * (1 - progress) and going.forecast is not None
    )
    error = forecast.middle - (end - now)
    assert abs(error) <= 0.1 * (end - now)
    assert abs(error) <= 0.1 * (end - begin)


@pytest.mark.parametrize("name", ONE_EVENT)
@every_sampling
def test_the_bounds_hold_the_true_end(name: str, every: int, offset: int) -> None:
    seconds = recorded(name)
    begin, end, total = span(seconds)
    forecasts = [
        (second.at, going.forecast)
        for second, going in replayed(seconds, every, offset)
        if begin < second.at < end and second.left <= 0.75 * total and going.forecast is not None
    ]
    held = [
        forecast
        for at, forecast in forecasts
        if forecast.lower <= end - at and (forecast.upper is None or end - at <= forecast.upper)
    ]
    assert len(forecasts) >= (end - begin) * 0.6 / every  # it was not silent to be right
    assert len(held) >= 0.9 * len(forecasts)


@every_sampling
def test_nothing_is_foreseen_while_the_master_counts_or_the_work_grows(every: int, offset: int) -> None:
    before = None
    foreseen = 0
    for second, going in replayed(recorded(MANY_EVENTS), every, offset):
        grows = before is not None and second.left > before.left
        if second.counting or grows:
            assert going.forecast is None
        foreseen += going.phase == FALLING
        before = second
    assert foreseen


@every_sampling
def test_standing_still_in_maintenance_is_never_foreseen(every: int, offset: int) -> None:
    still = [going for second, going in replayed(recorded(MANY_EVENTS), every, offset) if 155 <= second.at <= 195]
    assert len(still) >= 4
    assert {going.forecast for going in still} == {None}
