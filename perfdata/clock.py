"""The moment of a run, as an argument of everything that judges over time."""

from __future__ import annotations

from perfdata.record import Record


class Clock(Record):
    """The moment of a run."""

    time: float  # wall clock, seconds since the epoch
    uptime: float  # seconds since boot, time asleep included; never steps
    boot: str  # the first digits of the kernel's boot_id
