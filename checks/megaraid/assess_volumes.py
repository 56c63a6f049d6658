"""What is wrong with virtual drives: findings, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.readings import Finding, fact
from checks.megaraid.readings import (
    DEGRADED,
    LOST,
    OFFLINE,
    OPTIMAL,
    PARTIAL,
    REBUILD,
    RECOVERY,
    Disk,
    Operation,
    Readings,
    VirtualDrive,
)

# codes of facts; their states and words are in tables.py
VD_OFFLINE, VD_DEGRADED, VD_REBUILDING, VD_NO_REDUNDANCY = "vd_offline", "vd_degraded", "vd_rebuilding", "vd_last_copy"
VD_OPTIMAL = "vd_optimal"
VD_RECOVERY, VD_UNKNOWN, BAD_BLOCKS = "vd_recovery", "vd_unknown", "vd_bad_blocks"
WRITE_THROUGH, UNSAFE_CACHE, POLICY = "write_through", "unsafe_cache", "policy"


def of_volume(volume: VirtualDrive) -> str:
    """What a virtual drive is called; by its group where only that is known."""
    if volume.number is None and volume.group is not None:
        return f"c{volume.controller} dg{volume.group}"
    return f"c{volume.controller} v{'?' if volume.number is None else volume.number}"


def volume_findings(
    volume: VirtualDrive, readings: Readings, settings: SimpleNamespace, cache_works: bool | None
) -> Iterator[Finding]:
    """One virtual drive. ``cache_works``: whether its controller's battery does; None where there is none."""
    item = of_volume(volume)
    if volume.state == OFFLINE:
        yield fact(item, VD_OFFLINE)
    elif volume.state == RECOVERY:
        yield fact(item, VD_RECOVERY)
    elif volume.state in (PARTIAL, DEGRADED):
        yield _degraded(volume, readings, settings)
    elif volume.state == OPTIMAL:
        yield fact(item, VD_OPTIMAL)
    elif volume.state:
        yield fact(item, VD_UNKNOWN, state=volume.state)
    if volume.bad_blocks:
        yield fact(item, BAD_BLOCKS)
    learning = any(b.learning for b in readings.batteries if b.controller == volume.controller)
    if volume.write == "wt" and volume.write_default in ("wb", "awb") and not learning:
        yield fact(item, WRITE_THROUGH)
    if volume.bad_bbu_ok and volume.write != "wt" and cache_works is False:
        yield fact(item, UNSAFE_CACHE)
    for name, wanted in settings.expect_policy:
        have = getattr(volume, name)
        if have and have != wanted:
            yield fact(item, POLICY, what=name.replace("_", "-"), have=have, wanted=wanted)


def _degraded(volume: VirtualDrive, readings: Readings, settings: SimpleNamespace) -> Finding:
    """Degraded: is it being rebuilt, and does it survive the next disk?"""
    item = of_volume(volume)
    members = [disk for disk in readings.disks if disk.controller == volume.controller]
    if volume.group is not None and any(disk.group == volume.group for disk in members):
        members = [disk for disk in members if disk.group == volume.group]
    rebuilding = [disk for disk in members if disk.state == REBUILD]
    lost = sum(1 for disk in members if disk.state in LOST)
    lost += sum(1 for number, _ in readings.missing if number == volume.controller)
    redundant = volume.state == PARTIAL or (volume.level in ("RAID6", "RAID60") and 0 < lost <= 1)
    if not rebuilding:
        return fact(item, VD_DEGRADED, state=volume.state)
    told = "rebuild" + progress_of(rebuilding[0], readings.operations)
    code = VD_REBUILDING if redundant or settings.rebuilding == "warning" else VD_NO_REDUNDANCY
    return fact(item, code, state=volume.state, progress=told)


def progress_of(disk: Disk, operations: tuple[Operation, ...]) -> str:
    """ " 37 %" of a disk's rebuild, where it is known."""
    for operation in operations:
        if (operation.controller, operation.item) == (disk.controller, disk.place) and operation.percent is not None:
            return f" {operation.percent} %"
    return ""


def degraded_owner(disk: Disk, readings: Readings) -> str | None:
    """The degraded virtual drive that a disk's rebuild makes whole, where there is one and no other."""
    owners = [
        volume
        for volume in readings.volumes
        if volume.controller == disk.controller
        and volume.state in (PARTIAL, DEGRADED)
        and (volume.group is None or disk.group is None or volume.group == disk.group)
    ]
    return of_volume(owners[0]) if len(owners) == 1 else None
