"""Sudden loss: how far something is below the most there was, reported until accepted or held for long enough.

The peak is kept, not the last value: two callers must not eat each other's finding, and a loss in small steps is one.
"""

from __future__ import annotations

from perfdata.record import Record


class Peak(Record):
    """What is kept of one number between runs."""

    value: int  # the most there was
    time: float  # wall clock of that
    lost: float  # wall clock of the first run that saw it lost; 0 for none


def advance(kept: Peak | None, value: int, now: float, share: float, floor: int, hold: float, accept: bool) -> Peak:
    """The peak after this run. Lost: more than ``share`` of it and at least ``floor`` less.

    Ordinary shrinking lowers the peak once in ``hold`` seconds, so that only what goes faster is a loss.
    """
    if kept is None or accept or value >= kept.value:
        return Peak(value, now, 0.0)
    if not is_loss(kept, value, share, floor):
        return Peak(value, now, 0.0) if now - kept.time > hold else kept._replace(time=min(kept.time, now), lost=0.0)
    since = min(kept.lost, now) if kept.lost else now
    return Peak(value, now, 0.0) if now - since > hold else kept._replace(lost=since)


def is_loss(peak: Peak, value: int, share: float, floor: int) -> bool:
    """Whether so much is missing."""
    missing = peak.value - value
    return missing > share * peak.value and missing >= floor


def as_note(peak: Peak) -> str:
    """The peak as text for Series.keep."""
    return f"{peak.value} {peak.time:.0f} {peak.lost:.0f}"


def parse(note: str) -> Peak | None:
    """The peak that ``as_note`` wrote, or None for anything else."""
    try:
        value, time, lost = note.split(" ")
        peak = Peak(int(value), float(time), float(lost))
    except ValueError:
        return None
    return peak if 0 <= peak.value < 1 << 63 and peak.time < 1e11 and peak.lost < 1e11 else None
