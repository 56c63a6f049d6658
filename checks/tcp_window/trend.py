"""Peers that lost window scaling: the share of each network against its best one, kept between runs. Pure."""

from __future__ import annotations

import json

from perfdata.record import Record

CONNECTIONS_LEAST = 10  # of a network, for a share that means something
POINTS = 30.0  # percent more than at best
_PREFIXES_MAX = 200


class Kept(Record):
    """What is remembered of a network."""

    best: float  # percent of its connections without scaling
    good: float  # epoch: when that was last about the case
    raised: float  # epoch: since when it is not; 0 when it is


class Loss(Record):
    """A network that is worse than it was."""

    percent: float
    best: float
    good: float  # epoch


def advance(
    kept: dict[str, Kept], now: dict[str, float], time: float, hold: float, accept: bool
) -> tuple[dict[str, Kept], dict[str, Loss]]:
    """What to remember after this run, and the losses to report.

    ``now`` is the share of each network with enough connections. A loss stays until accepted or held long enough, also
    while the network has too few connections to be judged; it ends at once when the share is good again.
    """
    after = {} if accept else dict(kept)
    losses = {}
    for prefix, percent in now.items():
        last = after.get(prefix)
        if last is None:
            after[prefix] = Kept(percent, time, 0.0)
            continue
        if percent < last.best + POINTS:
            after[prefix] = Kept(min(last.best, percent), time, 0.0)
            continue
        raised = min(last.raised or time, time)
        if time - raised > hold:
            after[prefix] = Kept(percent, time, 0.0)
        else:
            after[prefix] = last._replace(raised=raised)
            losses[prefix] = Loss(percent, last.best, last.good)
    newest = sorted(after, key=lambda prefix: (prefix in now, after[prefix].good), reverse=True)[:_PREFIXES_MAX]
    return {prefix: after[prefix] for prefix in sorted(newest)}, losses


def parse(note: str) -> dict[str, Kept]:
    """What ``as_note`` wrote; what makes no sense is left out."""
    try:
        document = json.loads(note) if note else {}
    except (ValueError, RecursionError):
        return {}
    kept = {}
    for prefix, row in document.items() if isinstance(document, dict) else ():
        if isinstance(row, list) and len(row) == 3 and all(type(x) in (int, float) and 0 <= x < 1e11 for x in row):
            kept[prefix] = Kept(*map(float, row))
    return kept


def as_note(kept: dict[str, Kept]) -> str:
    """For Series.keep."""
    return json.dumps({prefix: [round(k.best, 1), round(k.good), round(k.raised)] for prefix, k in kept.items()})
