"""Counters against a kept baseline: an increase stays reported until it is accepted or has been held long enough."""

from __future__ import annotations

from perfdata.record import Record


class CounterBaseline(Record):
    """What is kept of one counter between runs."""

    last: int  # its value at the last run
    boot: str  # the boot it was counted in
    increase: int  # reported since it was last accepted
    raised: float  # wall clock of the last increase


def advance(
    kept: CounterBaseline | None, value: int, boot: str, now: float, hold: float, accept: bool
) -> CounterBaseline:
    """The baseline after this run; its ``increase`` is what is to be reported.

    The first run takes the value as it is. A smaller value or another boot means that counting began anew, at 0. What
    was raised stays until accepted, or until ``hold`` seconds have passed without a further increase.
    """
    if kept is None or accept:
        return CounterBaseline(value, boot, 0, now)
    delta = value - kept.last if boot == kept.boot and value >= kept.last else value
    raised = now if delta else min(kept.raised, now)
    increase = kept.increase + delta
    return CounterBaseline(value, boot, 0 if now - raised > hold else increase, raised)


def as_note(kept: CounterBaseline) -> str:
    """The baseline as text for Series.keep."""
    return f"{kept.last} {kept.boot or '-'} {kept.increase} {kept.raised:.0f}"


def parse(note: str) -> CounterBaseline | None:
    """The baseline that ``as_note`` wrote, or None for anything else."""
    try:
        last, boot, increase, raised = note.split(" ")
        return CounterBaseline(int(last), "" if boot == "-" else boot, int(increase), float(raised))
    except ValueError:
        return None
