"""The state of a number: by the levels of its host unless a rule sets others.

The ranges of the host and of rules are Nagios ranges and are judged by the host's own module (perfdata/levels.py), so a
service has the state that the check itself reports. Rules may use Checkmk's own kind of levels instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from agent_plugins.checkmk.rows import Check, kind_of
from agent_plugins.checkmk.section import Measured
from perfdata.levels import bounds, in_words, judge, range_in_words
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING

HOST, RANGE, UPPER, LOWER = "host", "range", "upper", "lower"


class Judgement(NamedTuple):
    """A state, when it would be another one, and the upper levels for graphs."""

    state: int
    words: str = ""
    upper: tuple[float | None, float | None] | None = None


def judgement(check: Check, measure: str, measured: Measured, parameter: object) -> Judgement:
    """Judge a measure by its parameter: (HOST, None), (RANGE, {...}), (UPPER or LOWER, levels of Checkmk's)."""
    unit = kind_of(measure).unit
    kind: Any
    value: Any
    kind, value = parameter if isinstance(parameter, tuple) and len(parameter) == 2 else (HOST, None)
    try:
        if kind in (UPPER, LOWER):
            return _by_levels(measured.value, unit, kind == UPPER, value)
        if kind == RANGE:
            return _by_ranges(measured.value, unit, value.get("warning", ""), value.get("critical", ""))
    except (ValueError, TypeError, AttributeError) as error:
        return Judgement(UNKNOWN, f"the rule for it cannot be used: {error}")
    row = next((row for row in check.levels if row.measure == measure), None)
    warning, critical = measured.warning, measured.critical
    if warning is None:
        warning = row.warning if row else ""
    if critical is None:
        critical = row.critical if row else ""
    try:
        return _by_ranges(measured.value, unit, warning, critical)
    except ValueError as error:
        return Judgement(UNKNOWN, f"its levels cannot be used: {error}")


def _by_ranges(value: float, unit: str, warning: str, critical: str) -> Judgement:
    state = judge(value, warning, critical, unit)
    words = [
        f"{name} {range_in_words(text, unit)}" for name, text in (("warning", warning), ("critical", critical)) if text
    ]
    upper = (_upper(warning, unit), _upper(critical, unit))
    return Judgement(state, ", ".join(words), None if upper == (None, None) else upper)


def _upper(text: str, unit: str) -> float | None:
    if not text:
        return None
    found = bounds(text, unit)
    return None if found.inverted or found.high == float("inf") else found.high


def _by_levels(value: float, unit: str, upper: bool, levels: Any) -> Judgement:
    """Checkmk's: upper levels from a value on, lower ones below it."""
    kind, pair = levels
    if kind == "no_levels":
        return Judgement(OK)
    if kind != "fixed":
        raise ValueError(f"levels of the kind {kind}")
    warning, critical = (float(level) for level in pair)
    reached = [value >= level if upper else value < level for level in (critical, warning)]
    state = CRITICAL if reached[0] else WARNING if reached[1] else OK
    place = "at" if upper else "below"
    words = f"warn/crit {place} {in_words(warning, unit)}/{in_words(critical, unit)}"
    return Judgement(state, words, (warning, critical) if upper else None)


def parameter_of(parameters: Mapping[str, object], measure: str) -> object:
    """What a rule, or the default, says of a measure."""
    return parameters.get(measure, (HOST, None))
