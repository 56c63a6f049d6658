"""Rebuilds and other work in progress, and when it is done: findings, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.readings import Finding, Measure, fact
from checks.megaraid.assess_volumes import degraded_owner, of_volume
from checks.megaraid.progress import forecast
from checks.megaraid.readings import (
    BACKGROUND,
    CHECK,
    COPYBACK,
    ERASING,
    INITIALISE,
    REBUILD,
    RECONSTRUCT,
    Operation,
    Readings,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series

# codes of facts; their states and words are in tables.py
RUNNING, RUNNING_TOLD = "running", "running_told"
DISK_REBUILDING, DISK_COPYBACK = "disk_rebuilding", "disk_copyback"
_PARITY = ("RAID5", "RAID6", "RAID50", "RAID60")
_SOME_WORK = "work in progress"  # the tool does not say which
KINDS = (BACKGROUND, CHECK, INITIALISE, RECONSTRUCT, ERASING, _SOME_WORK)


def of_operation(operation: Operation) -> str:
    """What the thing that is being worked on is called."""
    return f"c{operation.controller} {operation.item}"


def operation_findings(readings: Readings, settings: SimpleNamespace, history: Series | None) -> Iterator[Finding]:
    """Work in progress, and when it is done. A rebuild is told with the drive that it makes whole."""
    states = {(disk.controller, disk.place): disk for disk in readings.disks}
    for operation in readings.operations:
        disk = states.get((operation.controller, operation.item))
        kind = operation.kind or (disk.state if disk is not None else _SOME_WORK)
        item = of_operation(operation)
        if kind in (REBUILD, COPYBACK):
            if disk is None or disk.state not in (REBUILD, COPYBACK):
                code = DISK_REBUILDING if kind == REBUILD else DISK_COPYBACK
                yield fact(item, code, what=kind + _percent(operation))
            owner = degraded_owner(disk, readings) if disk is not None else None
            item = owner or item
        else:
            volume = next((v for v in readings.volumes if of_volume(v) == item), None)
            parity = kind == BACKGROUND and (volume is None or volume.level in ("", *_PARITY))
            told = kind == RECONSTRUCT and settings.reconstruction == "warning"
            yield fact(
                item,
                RUNNING_TOLD if told else RUNNING,
                what=kind + _percent(operation) + (" (parity is not valid yet)" if parity else ""),
            )
        when = forecast(operation, item, history)
        if when is not None:
            yield Measure(item, "until_done_seconds", round(when.middle))
            yield Measure(item, "until_done_lower_seconds", round(when.lower))
            if when.upper is not None:
                yield Measure(item, "until_done_upper_seconds", round(when.upper))


def _percent(operation: Operation) -> str:
    return "" if operation.percent is None else f" {operation.percent} %"
