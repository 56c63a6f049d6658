"""The services of a check: which there are, and what is said of each, without Checkmk's own classes.

The whole ("Docker bridge host") is always there. It tells of the host itself, of what kept the check from working, and
of everything that has no service of its own yet: so nothing goes unseen until the next service discovery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from agent_plugins.checkmk.forecast import forecast
from agent_plugins.checkmk.judging import judgement, parameter_of
from agent_plugins.checkmk.rows import Check, is_middle, kind_of
from agent_plugins.checkmk.section import Entry, Measured, Section
from perfdata.levels import in_words
from perfdata.outcome import OK, UNKNOWN

KNOWN = "known"  # the parameter, set at discovery, that names the items with a service of their own
_NEW = " (no service of its own yet: run a service discovery)"


class Told(NamedTuple):
    """One line of a service; shown in its summary, or there only when not OK."""

    state: int
    text: str
    details: str = ""
    in_summary: bool = True


class Number(NamedTuple):
    """One number for the graphs."""

    measure: str
    value: float
    upper: tuple[float | None, float | None] | None
    bounds: tuple[float | None, float | None]


class Unseen(Exception):
    """Nothing is known of an item at present; the whole says why."""


def discover(check: Check, section: Section) -> Iterator[tuple[str, dict[str, object]]]:
    """(item, parameters) of each service."""
    items = sorted(entry.service for entry in section.entries.values() if entry.lasting and not entry.whole)
    yield check.whole, {KNOWN: items}
    for item in items:
        yield item, {}


def tell(
    check: Check, item: str, parameters: Mapping[str, object], section: Section, store: MutableMapping[str, Any]
) -> Iterator[Told | Number]:
    """All that a service says; nothing at all for an item that is not in the section. Raises Unseen."""
    entry = section.entries.get(item)
    if item == check.whole and (entry is None or entry.whole):
        yield from _whole(check, entry, parameters, section, store)
    elif entry is not None:
        if item not in entry.title:
            yield Told(OK, entry.title)
        yield from _item(check, entry, parameters, section.time, store)
    elif section.problem or not section.entries:
        raise Unseen(section.problem or section.text)


def _item(
    check: Check, entry: Entry, parameters: Mapping[str, object], at: float, store: MutableMapping[str, Any]
) -> Iterator[Told | Number]:
    measures = {**entry.measures, **dict(forecast(check, entry, at, store))}
    main = check.main_measure if check.main_measure in measures else next(iter(measures), "")
    for name, measured in measures.items():
        found = judgement(check, name, measured, parameter_of(parameters, name))
        in_summary = name == main or is_middle(name)
        yield Told(found.state, _words(name, measured) + _because(found.state, found.words), "", in_summary)
        yield Number(name, measured.value, found.upper, (measured.minimum, measured.maximum))
    for fact in entry.facts:
        step = f"\nnext: {fact.next_step}" if fact.state != OK and fact.next_step else ""
        yield Told(fact.state, fact.words, fact.words + step)
    if not measures and not entry.facts:
        yield Told(OK, "nothing to be said of it")


def _whole(
    check: Check,
    entry: Entry | None,
    parameters: Mapping[str, object],
    section: Section,
    store: MutableMapping[str, Any],
) -> Iterator[Told | Number]:
    if section.problem:
        yield Told(UNKNOWN, section.problem)
    if not section.entries:
        if not section.problem:
            yield Told(section.state, section.text or "nothing was measured")
    elif entry is not None:
        yield from _item(check, entry, parameters, section.time, store)
    others = [other for other in section.entries.values() if not other.whole]
    known = parameters.get(KNOWN)
    with_service = known if isinstance(known, (list, tuple)) else [other.service for other in others if other.lasting]
    names = set(with_service)
    for other in others:
        if other.service not in names:
            yield from _of_another(check, other, parameters)
    beside = sum(1 for other in others if other.service in names)
    if section.entries:
        yield Told(
            OK, f"{beside} with {'a service of its own' if beside == 1 else 'services of their own'}", "", entry is None
        )
    for note in section.notes:
        if not note.startswith("next: "):
            yield Told(OK, note, "", False)


def _of_another(check: Check, other: Entry, parameters: Mapping[str, object]) -> Iterator[Told]:
    """What is wrong with an item that has no service."""
    new = _NEW if other.lasting else ""
    for told in _item(check, other, parameters, 0.0, {}):
        if isinstance(told, Told) and (told.state != OK or not other.measures):
            details = f"{other.title}: {told.details or told.text}"
            yield Told(told.state, f"{other.title}: {told.text}{new}", details, told.state != OK)


def _words(measure: str, measured: Measured) -> str:
    kind = kind_of(measure)
    text = f"{kind.title}: {in_words(measured.value, kind.unit)}"
    return f"{text} of {in_words(measured.maximum, '')}" if measured.maximum is not None and not kind.unit else text


def _because(state: int, words: str) -> str:
    return f" ({words})" if state != OK and words else ""
