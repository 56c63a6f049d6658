"""The Nagios line: text, performance data on line 1, long output after it.

Contract: monitoring-plugins' developer guidelines, and what Nagios 4, Icinga 2, NRPE and check_by_ssh were seen to do
with longer or stranger output (Nagios cuts anywhere beyond 8 kB, and loses performance data on a later line).
"""

from __future__ import annotations

import math
from collections.abc import Collection

from perfdata.catalogue import CATALOGUE, COUNTER
from perfdata.numbers import plain_number
from perfdata.outcome import STATE_WORDS, Outcome, Value

LINE_TEXT_MAX = 160  # characters of text on line 1, the service name and state included
OUTPUT_MAX = (4000, 8000, 8000, 8000)  # bytes in all, by verbosity
PERFDATA_MAX = 3400  # bytes of line 1 left for numbers: what is longer could be cut in the middle by NRPE or Nagios
_ENGINE_UNITS = {"s": "s", "B": "B", "%": "%"}  # others are dropped or refused by Icinga


def label_part(name: str) -> str:
    """A name reduced to [A-Za-z0-9_]: Checkmk's MRPE and Telegraf do not unquote labels."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


def labels(values: tuple[Value, ...]) -> list[str]:
    """One unique label per value, ``item_measure``; what looks alike once made safe gets a number."""
    safe: dict[str, str] = {}
    for item in sorted({value.item for value in values}):
        base = "root" if item == "/" else label_part(item).strip("_") or "_"
        safe[item] = _unused(base, safe.values())
    given: dict[tuple[str, str], str] = {}
    for item, measure in sorted({(value.item, value.measure) for value in values}):
        given[item, measure] = _unused(f"{safe[item]}_{measure}" if item else measure, given.values())
    return [given[value.item, value.measure] for value in values]


def _unused(base: str, taken: Collection[str]) -> str:
    candidate = base
    number = 2
    while candidate in taken:
        candidate = f"{base}_{number}"
        number += 1
    return candidate


def _token(label: str, value: Value) -> str:
    kind = CATALOGUE[value.measure]
    unit = "c" if kind.kind == COUNTER else _ENGINE_UNITS.get(kind.unit, "")
    fields = [f"{label}={plain_number(value.value)}{unit}", value.warning, value.critical]
    fields += ["" if bound is None else plain_number(bound) for bound in (value.minimum, value.maximum)]
    return ";".join(fields).rstrip(";")


def performance_data(values: tuple[Value, ...]) -> str:
    """All tokens that fit, in the order given: whole tokens only, and always the same ones for the same items."""
    kept: list[str] = []
    size = 0
    finite = tuple(value for value in values if math.isfinite(value.value))
    for label, value in zip(labels(finite), finite):
        token = _token(label, value)
        size += len(token) + 1
        if size > PERFDATA_MAX:
            break
        kept.append(token)
    return " ".join(kept)


def shorten(text: str, limit: int) -> str:
    """``text`` cut at ``limit`` characters, with an ellipsis when something was cut."""
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def render(outcome: Outcome, verbosity: int = 0) -> bytes:
    """The whole output of a check: line 1 with performance data, then the lines of this -v level."""
    head = f"{outcome.check.upper()} {STATE_WORDS[outcome.state]} - "
    line = head + shorten(outcome.text, LINE_TEXT_MAX - len(head))
    perfdata = performance_data(outcome.values)
    if perfdata:
        line += " | " + perfdata
    lines = [detail.line for detail in outcome.details if detail.verbosity <= verbosity]
    return _limited(line, lines, OUTPUT_MAX[min(verbosity, 3)])


def _limited(line: str, lines: list[str], limit: int) -> bytes:
    output = [line.encode()]
    size = len(output[0]) + 1
    for number, text in enumerate(lines):
        encoded = shorten(text, 300).encode()
        left = len(lines) - number
        more = b"... and %d more lines" % left
        if size + len(encoded) + 1 + (len(more) + 1 if left > 1 else 0) > limit:
            output.append(more)
            break
        output.append(encoded)
        size += len(encoded) + 1
    return b"\n".join(output) + b"\n"
