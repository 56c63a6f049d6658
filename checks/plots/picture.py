"""From the recordings of a check to the plots of its items, with what was left out and what could not be read."""

from __future__ import annotations

from checks.frame.printable import printable
from checks.frame.state import surroundings
from checks.plots.recordings import Recording, directory, matching, recordings
from perfdata.catalogue import CATALOGUE
from perfdata.outlook import WINDOW, Subject, outlook, recorded_only
from perfdata.past import Past, PastError
from perfdata.plot import Plot, clock_words
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace

    from checks.frame.plugin import Plugin
    from perfdata.clock import Clock

ITEMS_MAX = 8
_SITUATION = "regime"  # the measure that numbers the situations in which another pace is to be expected
_NAME_MAX, _LINE_MAX = 100, 400


class Picture(Record):
    """All that will be shown."""

    plots: list[Plot]
    notes: list[str]  # what was left out, printable
    problems: list[str]  # what could not be read, printable


def collect(plugin: Plugin, settings: SimpleNamespace, clock: Clock) -> Picture:
    """Everything that is to be shown. Raises NothingRecorded."""
    place = directory(surroundings(inherited=not settings.state_user), settings.state_dir)
    picture = Picture([], [], [])
    for recording in matching(recordings(place, plugin.name), settings.target):
        try:
            _collect_from(recording, plugin, settings, clock, picture)
        except PastError as error:
            picture.problems.append(str(error))
    return Picture(
        picture.plots,
        [printable(note, _LINE_MAX) for note in picture.notes],
        [printable(problem, _LINE_MAX) for problem in picture.problems],
    )


def _collect_from(
    recording: Recording, plugin: Plugin, settings: SimpleNamespace, clock: Clock, picture: Picture
) -> None:
    measure = settings.measure or plugin.plotted or plugin.main_measure
    start = clock.time - settings.hours * 3600
    with Past(recording.path) as past:
        latest = past.latest(measure, start, clock.time)
        items = sorted(latest, key=lambda item: (-latest[item], item))
        if settings.item:
            items = [item for item in items if item in settings.item or printable(item) in settings.item]
        if not items:
            picture.notes.append(f"{recording.path}: {_why_nothing(past, measure, settings, latest, clock)}")
        for item in items[:ITEMS_MAX]:
            picture.plots.append(_plot(past, recording, plugin, measure, item, start, clock))
    if items[ITEMS_MAX:]:
        left_out = ", ".join(printable(item) for item in items[ITEMS_MAX:])
        picture.notes.append(f"{len(items) - ITEMS_MAX} more, each to be had with --item: {left_out}")


def _why_nothing(past: Past, measure: str, settings: SimpleNamespace, latest: dict[str, float], clock: Clock) -> str:
    """Why a readable history has nothing to show."""
    if latest:
        return f"no item {' or '.join(settings.item)}; {measure} has {', '.join(name or repr(name) for name in latest)}"
    measures = past.measures()
    if measure in measures:
        last = clock_words(measures[measure], clock.time)
        return f"no sample of {measure} in the last {settings.hours:g} hours; the last one is of {last} (--hours)"
    return f"no sample of {measure}; there is {', '.join(measures) or 'nothing yet'} (--measure)"


def _plot(
    past: Past, recording: Recording, plugin: Plugin, measure: str, item: str, start: float, clock: Clock
) -> Plot:
    kind = CATALOGUE.get(measure)
    title = kind.title if kind else printable(measure)
    # nobody knows whether another measure fills up or shrinks to nothing
    foreseeable = measure == (plugin.plotted or (plugin.plotted_limit is not None and plugin.main_measure))
    limit = plugin.plotted_limit if foreseeable else None
    subject = Subject(title, kind.unit if kind else "", plugin.plotted_things, limit)
    recorded = past.samples(item, measure, min(start, clock.time - WINDOW), clock.time)
    if foreseeable:
        marks = past.samples(item, _SITUATION, clock.time - WINDOW, clock.time)
        expected = outlook(subject, recorded, marks, clock)
    else:
        expected = recorded_only(subject, recorded, clock)
    of = " ".join(printable(name, _NAME_MAX) for name in (plugin.name, recording.target, item) if name)
    samples = [(sample.time, sample.value) for sample in recorded if sample.time >= start]
    return Plot(of, title, subject.unit, samples, clock.time, expected.sentence, expected.band, float(limit or 0))
