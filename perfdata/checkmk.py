"""For Checkmk's agent: sections that its server judges, and local lines that carry the verdict.

A section is one JSON document a line: what the run was, then one document per item with its measures (and the levels of
this host) and its facts (with their states). Names in it may grow; FORMAT changes when one of them changes its meaning.
A local line is for sites without the extension: state, service, metrics, text (docs.checkmk.com, "Local checks").
"""

from __future__ import annotations

import json
import math

from perfdata.nagios import label_part
from perfdata.numbers import plain_number
from perfdata.outcome import OK, Item, Outcome, Value, worst
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
PREFIX = "undergoal_"  # of sections and of metrics, whose names are global there
AGENT = f"{PREFIX}agent"  # the section that speaks of the agent plugin itself
AGENT_SERVICE = "agent plugin"
_TOLD_MAX = 5


class Naming(Record):
    """How the services of a check are called."""

    called: str  # "Docker bridge"
    whole: str  # what the item "" is: "host"


class Cached(Record):
    """When a result was made that is shown again, and how long it is good for: seconds since the epoch, seconds."""

    at: int
    interval: int


def header(section: str, cached: Cached | None = None) -> str:
    """The line that begins a section; every line after it is one field."""
    again = f":cached({cached.at},{cached.interval})" if cached else ""
    return f"<<<{section}:sep(0){again}>>>"


def document(content: dict[str, Any]) -> str:
    """One line of a section: ASCII, and without the signs that begin a header, whatever is in it."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def error_section(section: str, reason: str) -> list[str]:
    """A section that says why there is nothing in it."""
    return [header(section), document({"format": FORMAT, "deployment_error": reason})]


def section(outcome: Outcome, naming: Naming, version: str, at: float, cached: Cached | None = None) -> list[str]:
    """The lines of a check's section. ``at``: when it was run, seconds since the epoch."""
    values: dict[str, dict[str, Any]] = {}
    for value in outcome.values:
        if math.isfinite(value.value):
            values.setdefault(value.item, {})[value.measure] = _measure(value)
    run = {
        "format": FORMAT,
        "version": version,
        "check": outcome.check,
        "time": round(at, 1),
        "state": outcome.state,
        "text": outcome.text,
        "notes": [detail.line for detail in outcome.details if not detail.verbosity and not _is_step(detail.line)],
    }
    return [
        header(PREFIX + outcome.check, cached),
        document(run),
        *(document(_item(item, values.get(item.item, {}), naming.whole)) for item in outcome.items),
    ]


def _measure(value: Value) -> dict[str, Any]:
    fields = value._asdict()
    del fields["item"], fields["measure"]
    return {name: field for name, field in fields.items() if field is not None}


def _item(item: Item, values: dict[str, Any], whole: str) -> dict[str, Any]:
    return {
        "service": service_item(item.item, whole),
        "whole": not item.item,
        "title": item.title,
        "lasting": item.lasting,
        "measures": values,
        "facts": [said._asdict() for said in item.said],
    }


def service_item(item: str, whole: str) -> str:
    """What an item is called in the name of a service."""
    if not item:
        return whole
    return f"{item} (item)" if item == whole else item


def _is_step(line: str) -> bool:
    return line.startswith("next: ")


def local(outcome: Outcome, naming: Naming, cached: Cached | None = None) -> list[str]:
    """The local lines of a check: one for the whole, and one for each item that is there to stay.

    The whole tells what no other line does: of the host itself, and of items that come and go or are gone.
    """
    lines = [_whole_line(outcome, naming, cached)]
    values: dict[str, list[Value]] = {}
    for value in outcome.values:
        values.setdefault(value.item, []).append(value)
    names: set[str] = set()
    for item in outcome.items:
        if item.item and item.lasting:
            base = name = _safe(service_item(item.item, naming.whole))
            number = 2
            while name in names:
                name, number = f"{base}#{number}", number + 1
            names.add(name)
            service = f"{naming.called} {name}"
            lines.append(
                local_line(item.state, service, values.get(item.item, []), item.sentence, _steps([item]), cached)
            )
    return lines


def _whole_line(outcome: Outcome, naming: Naming, cached: Cached | None) -> str:
    name = f"{naming.called} {naming.whole}"
    notes = [detail.line for detail in outcome.details if not detail.verbosity]
    if not outcome.items:
        return local_line(outcome.state, name, [], outcome.text, notes, cached)
    own = [item for item in outcome.items if not (item.item and item.lasting)]
    notes = [line for line in notes if not _is_step(line)]
    told = [item.sentence for item in own if item.state != OK or not item.item]
    text = "; ".join(told[:_TOLD_MAX]) + (f" and {len(told) - _TOLD_MAX} more" if told[_TOLD_MAX:] else "")
    values = [value for value in outcome.values if not value.item]
    state = worst([item.state for item in own]) if own else OK
    beside = len(outcome.items) - len(own)
    counted = f"{beside} with {'a service of its own' if beside == 1 else 'services of their own'}"
    return local_line(state, name, values, text or counted, [*_steps(own), *notes], cached)


def _steps(items: list[Item]) -> list[str]:
    steps = [said.next_step for item in items for said in item.said if said.state != OK and said.next_step]
    return [f"next: {step}" for step in dict.fromkeys(steps)]


def local_line(
    state: int, service: str, values: list[Value], text: str, details: list[str], cached: Cached | None = None
) -> str:
    """One line of the section "local"."""
    again = f"cached({cached.at},{cached.interval}) " if cached else ""
    name = f"undergoal {_safe(service)}"
    finite = [value for value in values if math.isfinite(value.value)]
    metrics = "|".join(_metric(value) for value in finite) or "-"
    words = "\\n".join(_one_line(line) for line in (text, *details))
    return f'{again}{state} "{name}" {metrics} {words}'


def _safe(name: str) -> str:
    """A name that can be quoted: neither quotation mark may be inside, whichever is around it, and none be escaped."""
    return _one_line(name).replace('"', "`").replace("'", "`")


def _one_line(text: str) -> str:
    """Text without line breaks, be they written out or as they are in this line."""
    return " ".join(text.replace("\\n", "/n").split())


def _metric(value: Value) -> str:
    """Name, value, levels and bounds; only upper levels, as the others mean something else there."""
    levels = ["" if ":" in level or "@" in level else level for level in (value.warning, value.critical)]
    bounds = ["" if bound is None else plain_number(bound) for bound in (value.minimum, value.maximum)]
    fields = [f"{PREFIX}{label_part(value.measure)}={plain_number(value.value)}", *levels, *bounds]
    return ";".join(fields).rstrip(";")
