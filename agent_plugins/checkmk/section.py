"""A section as the agent plugin writes it (perfdata/checkmk.py), parsed: any text gives a Section."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

FORMAT = 1
_NEWER = "the agent plugin ({version}) is newer than this extension: update the extension"
_OLDER = "the agent plugin is older than this extension: update the agent plugin"


class Measured(NamedTuple):
    """A number with the levels of its host; None where it sent none."""

    value: float
    warning: str | None = None
    critical: str | None = None
    minimum: float | None = None
    maximum: float | None = None


class Fact(NamedTuple):
    """What the host found true, judged and worded there."""

    state: int
    words: str
    next_step: str


class Entry(NamedTuple):
    """What was found of one item."""

    service: str
    title: str
    whole: bool
    lasting: bool
    measures: Mapping[str, Measured]
    facts: Sequence[Fact]


class Section(NamedTuple):
    """One run of one check on a host."""

    problem: str  # why there is nothing, or not all
    state: int = 3
    text: str = ""
    time: float = 0.0  # of the run, by the host's clock
    version: str = ""
    notes: Sequence[str] = ()
    entries: Mapping[str, Entry] = {}  # by service
    checks: Sequence[str] = ()  # in the section of the agent plugin itself
    problems: Sequence[str] = ()


def parse(string_table: Sequence[Sequence[str]]) -> Section | None:
    """None for a section without a line."""
    lines = ["".join(row) for row in string_table]
    if not lines:
        return None
    try:
        run = _object(lines[0])
        if "deployment_error" in run:
            return Section(str(run["deployment_error"]) or "the agent plugin failed")
        if int(run.get("format", 0)) != FORMAT:
            newer = int(run.get("format", 0)) > FORMAT
            return Section((_NEWER if newer else _OLDER).format(version=run.get("version", "?")))
        section = Section(
            "",
            _state(run.get("state", 3)),
            str(run.get("text", "")),
            _finite(run.get("time", 0)),
            str(run.get("version", "")),
            [str(note) for note in run.get("notes", ())],
            {},
            [str(name) for name in run.get("checks", ())],
            [str(problem) for problem in run.get("problems", ())],
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        return Section("the section cannot be read: its first line is no JSON object of the agent plugin's")
    return _with_entries(section, lines[1:])


def _with_entries(section: Section, lines: Sequence[str]) -> Section:
    entries: dict[str, Entry] = {}
    unread = 0
    for line in lines:
        try:
            entry = _entry(_object(line))
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError):
            unread += 1
        else:
            entries[entry.service] = entry
    problem = f"{unread} of {len(lines)} items cannot be read: was the section cut off?" if unread else ""
    return section._replace(entries=entries, problem=problem)


def _object(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except RecursionError:
        raise ValueError from None
    if not isinstance(document, dict):
        raise TypeError
    return document


def _finite(number: Any) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value


def _state(number: object) -> int:
    if number not in (0, 1, 2, 3):
        raise ValueError
    return int(str(number))


def _entry(document: dict[str, Any]) -> Entry:
    service = document["service"]
    if not isinstance(service, str) or not service:
        raise ValueError
    return Entry(
        service,
        str(document.get("title") or service),
        bool(document.get("whole")),
        bool(document.get("lasting", True)),
        {_name(name): _measured(fields) for name, fields in document.get("measures", {}).items()},
        [
            Fact(_state(fact["state"]), str(fact.get("words") or fact.get("code", "?")), str(fact.get("next_step", "")))
            for fact in document.get("facts", ())
        ],
    )


def _name(measure: str) -> str:
    """A name that can be part of a metric's."""
    if not (measure.isascii() and measure.isidentifier()):
        raise ValueError
    return measure


def _measured(fields: dict[str, Any]) -> Measured:
    value = fields["value"]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    warning, critical, minimum, maximum = (fields.get(name) for name in Measured._fields[1:])
    return Measured(
        value,
        None if warning is None else str(warning),
        None if critical is None else str(critical),
        None if minimum is None else float(minimum),
        None if maximum is None else float(maximum),
    )
