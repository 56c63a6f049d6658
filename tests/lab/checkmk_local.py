"""A parser of local checks, written from Checkmk's user guide ("Local checks"), for what a plugin prints."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(
    r"(?:cached\((?P<at>\d+),(?P<interval>\d+)\) )?"
    r"(?P<state>[0123P]) "
    r"(?:\"(?P<double>[^\"']+)\"|'(?P<single>[^\"']+)'|(?P<bare>[^\"' ]+)) "  # no quotation mark in a quoted name
    r"(?P<metrics>\S+)"
    r"(?: (?P<text>.*))?\Z"
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_METRIC = re.compile(rf"(?P<name>[^=]+)=(?P<value>{_NUMBER})(?P<unit>[^;\d.]*)(?P<rest>(?:;[^;]*)*)\Z")
_LEVEL = re.compile(rf"(?:(?:{_NUMBER}:)?{_NUMBER})?\Z")


class LocalService(NamedTuple):
    """One line."""

    state: str
    name: str
    metrics: dict[str, tuple[float, str, str, str, str]]  # value, warn, crit, min, max
    summary: str
    details: list[str]
    cached: tuple[int, int] | None


def parse_line(line: str) -> LocalService:
    """A line as a site takes it. Raises ValueError for what would become WARN or UNKNOWN there."""
    match = _LINE.match(line)
    if match is None:
        raise ValueError(f"not a local check: {line!r}")
    metrics: dict[str, tuple[float, str, str, str, str]] = {}
    for token in match["metrics"].split("|") if match["metrics"] != "-" else []:
        metric = _METRIC.match(token)
        if metric is None or set(metric["name"]) & set(":/\\ "):
            raise ValueError(f"not a metric: {token!r}")
        fields = [*metric["rest"].split(";")[1:], "", "", "", ""][:4]
        if len(metric["rest"].split(";")) > 5 or not all(_LEVEL.match(field) for field in fields):
            raise ValueError(f"not levels: {token!r}")
        if metric["name"] in metrics:
            raise ValueError(f"twice: {token!r}")
        metrics[metric["name"]] = (float(metric["value"]), *fields)
    summary, *details = (match["text"] or "").split("\\n")
    cached = (int(match["at"]), int(match["interval"])) if match["at"] else None
    name = match["double"] or match["single"] or match["bare"]
    return LocalService(match["state"], name, metrics, summary, details, cached)
