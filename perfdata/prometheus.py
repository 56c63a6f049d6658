"""Prometheus' text format (version 0.0.4), as node_exporter's textfile collector and every scraper read it.

https://prometheus.io/docs/instrumenting/exposition_formats: families one after the other, HELP and TYPE before the
samples of each, no series twice.
"""

from __future__ import annotations

import math

from perfdata.catalogue import CATALOGUE
from perfdata.numbers import plain_number
from perfdata.outcome import Outcome
from perfdata.record import Record

PREFIX = "undergoal_"
STATE, DURATION, LAST_RUN = f"{PREFIX}check_state", f"{PREFIX}check_duration_seconds", f"{PREFIX}last_run_seconds"


# Prometheus counts in base units, bytes among them; the catalogue has what people call the thing. promtool insists.
_BITS, _BYTES = "_bits", "_bytes_per_second"


def metric(measure: str) -> str:
    """What a measure is called here: "undergoal_ports"."""
    name = measure[: -len(_BITS)] + _BYTES if measure.endswith(_BITS) else measure
    return PREFIX + name


def _in_base_units(measure: str, value: float) -> float:
    return value / 8 if measure.endswith(_BITS) else value


class Examined(Record):
    """What a check concluded, and how long it took."""

    service: str  # the check's name unless it was given another
    outcome: Outcome
    seconds: float


def series(name: str, labels: dict[str, str]) -> str:
    """A series' name with its labels, without the empty ones."""
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items() if value)
    return f"{name}{{{pairs}}}" if pairs else name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _family(name: str, kind: str, help_text: str, samples: dict[str, float]) -> list[str]:
    if not samples:
        return []
    lines = [f"# HELP {name} {help_text.replace(chr(92), chr(92) * 2)}", f"# TYPE {name} {kind}"]
    return lines + [f"{labelled} {plain_number(value)}" for labelled, value in samples.items()]


def render(found: list[Examined], now: float) -> bytes:
    """All of it: states and durations of the checks, then each measure. ``now`` is in unix seconds."""
    lines: list[str] = []
    names = {one.service: _names(one) for one in found}
    states = {series(STATE, names[one.service]): float(one.outcome.state) for one in found}
    times = {series(DURATION, names[one.service]): one.seconds for one in found}
    lines += _family(STATE, "gauge", "Verdict of a check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", states)
    lines += _family(DURATION, "gauge", "Time that a check took.", times)
    lines += _family(LAST_RUN, "gauge", "When the checks were run, in unix time.", {LAST_RUN: float(int(now))})
    for kind in CATALOGUE.values():
        name = metric(kind.name)
        samples = {
            series(name, {**names[one.service], "item": value.item}): _in_base_units(kind.name, value.value)
            for one in found
            for value in one.outcome.values
            if value.measure == kind.name and math.isfinite(value.value)
        }
        lines += _family(name, kind.kind, kind.help, samples)
    return ("\n".join(lines) + "\n").encode()


def _names(one: Examined) -> dict[str, str]:
    """The labels of a check; another service name is one more, so that two runs of a check are two series."""
    check = one.outcome.check
    return {"check": check, "service": one.service if one.service != check else ""}
