"""Time until full and until done from the site's own memory, for hosts that have no history."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from agent_plugins.checkmk.rows import Check
from agent_plugins.checkmk.section import Entry, Measured
from perfdata import eta

WINDOW = 6 * 3600.0  # seconds of samples that make the present rate
_SPACING = WINDOW / 60  # seconds between samples that are kept; the newest is kept in any case
_PATIENCE = 600.0  # seconds without progress after which nothing is foreseen


def forecast(check: Check, entry: Entry, at: float, store: MutableMapping[str, Any]) -> Iterator[tuple[str, Measured]]:
    """Measures that the host did not send. ``at``: when the entry was measured, by the host's clock."""
    filling = [(name, limit) for name, limit in check.filling if name in entry.measures]
    samples = {name: _remember(name, entry.measures[name].value, at, store) for name, _ in filling}
    if not any(name.startswith(("until_full", "growth_")) for name in entry.measures):
        yield from _until_full(filling, samples, "growth_per_hour" in {row.measure for row in check.levels})
    work = entry.measures.get(check.shrinking)
    if work is not None:
        done = _remember(check.shrinking, work.value, at, store)
        if work.value and not any(name.startswith("until_done") for name in entry.measures):
            yield from _three("until_done", eta.countdown(done, at, _PATIENCE).forecast)


def _until_full(
    filling: list[tuple[str, float]], samples: dict[str, list[tuple[float, float]]], with_growth: bool
) -> Iterator[tuple[str, Measured]]:
    forecasts = []
    for name, limit in filling:
        rate = eta.rate(samples[name])
        if rate is None:
            continue
        if with_growth:
            yield "growth_per_hour", Measured(rate.middle * 3600)
        found = eta.until(limit - samples[name][-1][1], rate)
        if found is not None:
            forecasts.append(found)
    yield from _three("until_full", min(forecasts, key=lambda one: one.middle) if forecasts else None)


def _three(name: str, found: eta.Forecast | None) -> Iterator[tuple[str, Measured]]:
    if found is not None:
        yield f"{name}_lower_seconds", Measured(found.lower)
        yield f"{name}_seconds", Measured(found.middle)
        if found.upper is not None:
            yield f"{name}_upper_seconds", Measured(found.upper)


def _remember(measure: str, value: float, at: float, store: MutableMapping[str, Any]) -> list[tuple[float, float]]:
    """The samples of a measure with this one; a result that is shown again is not another sample."""
    key = f"samples_{measure}"
    try:
        kept = [(float(time), float(sample)) for time, sample in store.get(key, ())]
    except (TypeError, ValueError):
        kept = []
    if kept and at < kept[-1][0]:
        kept = []  # the host's clock went back
    if not kept or at > kept[-1][0]:
        if len(kept) > 1 and at - kept[-2][0] < _SPACING:
            kept.pop()
        kept = [*(sample for sample in kept if at - sample[0] <= WINDOW), (at, float(value))]
        store[key] = kept
    return kept
