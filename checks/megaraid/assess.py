"""From what the controllers say to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.megaraid import deltas
from checks.megaraid.progress import forecast
from checks.megaraid.readings import (
    BACKGROUND,
    BAD,
    CACHECADE,
    CHECK,
    COPYBACK,
    DEGRADED,
    ERASING,
    FAILED,
    GOOD,
    INITIALISE,
    JBOD,
    MISSING,
    OFFLINE,
    ONLINE,
    OPTIMAL,
    PARTIAL,
    REBUILD,
    RECONSTRUCT,
    RECOVERY,
    SHIELDED,
    SPARE,
    UNANSWERED,
    UNSUPPORTED,
    Battery,
    Controller,
    Disk,
    Operation,
    Readings,
    VirtualDrive,
)
from checks.megaraid.survey import Checkup, item_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series

# codes of facts; their states and words are in check.py
CONTROLLER_BAD, CONTROLLER_ATTENTION, SAFE_MODE = "controller_bad", "controller_attention", "controller_safe_mode"
ECC_UNCORRECTABLE, ECC_NEW = "ecc_uncorrectable", "ecc_new"
PRESERVED, PINNED, FOREIGN, MISSING_ROW = "cache_preserved", "cache_pinned", "foreign", "row_missing"
ROC_HOT, ROC_TOO_HOT = "roc_hot", "roc_too_hot"
VD_OFFLINE, VD_DEGRADED, VD_REBUILDING, VD_NO_REDUNDANCY = "vd_offline", "vd_degraded", "vd_rebuilding", "vd_last_copy"
VD_OPTIMAL = "vd_optimal"
VD_RECOVERY, VD_UNKNOWN, BAD_BLOCKS, RUNNING, RUNNING_TOLD = (
    "vd_recovery",
    "vd_unknown",
    "vd_bad_blocks",
    "running",
    "running_told",
)
WRITE_THROUGH, UNSAFE_CACHE, POLICY = "write_through", "unsafe_cache", "policy"
DISK_FINE = "disk_fine"
DISK_BAD, DISK_MISSING, DISK_UNANSWERED, DISK_UNKNOWN, DISK_SHIELDED = (
    "disk_bad",
    "disk_missing",
    "disk_unanswered",
    "disk_unknown",
    "disk_shielded",
)
DISK_UNSUPPORTED = "disk_unsupported"
DISK_REBUILDING, DISK_COPYBACK = "disk_rebuilding", "disk_copyback"
PREDICTED, PREDICTED_CRITICAL, NEW_ERRORS = "disk_predicted", "disk_predicted_critical", "new_errors"
BATTERY_BAD, LEARNING_OK, LEARNING_WARNING, LEARNING_CRITICAL = (
    "battery_bad",
    "learning_ok",
    "learning_warning",
    "learning_critical",
)
FEWER = "fewer_than_counted"
BAD_COUNTED, FAILED_COUNTED, SUSPECTS_COUNTED = "bad_volumes_counted", "failed_disks_counted", "suspect_disks_counted"

_LEARNING = {"ok": LEARNING_OK, "warning": LEARNING_WARNING, "critical": LEARNING_CRITICAL}
_GOOD_BATTERY = ("", "optimal", "operational", "ok", "good", "ready", "charged", "charging", "full")
_NOT_COUNTED = (MISSING, UNANSWERED, FAILED, OFFLINE, BAD)
_LOST = (REBUILD, OFFLINE, FAILED, MISSING, UNANSWERED, BAD)
# Degrees. Chips of the 92xx and 93xx run at 60 to 90; they are to stay below 105, throttle at 110 and stop at 116
# (Intel, "RAID Controllers Airflow Requirements and Thermal Operating Limits", for its own ones with these chips).
_ROC_WARNING, _ROC_CRITICAL = 105, 115
_PARITY = ("RAID5", "RAID6", "RAID50", "RAID60")


def of_volume(volume: VirtualDrive) -> str:
    """What a virtual drive is called; by its group where only that is known."""
    if volume.number is None and volume.group is not None:
        return f"c{volume.controller} dg{volume.group}"
    return f"c{volume.controller} v{'?' if volume.number is None else volume.number}"


def of_operation(operation: Operation) -> str:
    """What the thing that is being worked on is called."""
    return f"c{operation.controller} {operation.item}"


def controller_findings(
    controller: Controller, readings: Readings, settings: SimpleNamespace, history: Series | None
) -> Iterator[Finding]:
    """One controller itself."""
    item = f"c{controller.number}"
    status = controller.status.lower()
    if status in ("needs attention", "need attention"):
        yield fact(item, CONTROLLER_ATTENTION, status=controller.status)
    elif status not in ("", "optimal", "ok", "opt"):
        yield fact(item, CONTROLLER_BAD, status=controller.status)
    if controller.safe_mode:
        yield fact(item, SAFE_MODE)
    if controller.uncorrectable:
        yield fact(item, ECC_UNCORRECTABLE, count=controller.uncorrectable)
    new = deltas.increase(f"{item} {controller.serial}", "correctable", controller.correctable, history, settings)
    if new:
        yield fact(item, ECC_NEW, count=new)
    if controller.preserved and not any(number == controller.number for number, _ in readings.pinned):
        yield fact(item, PRESERVED)
    for name, degrees in (("roc_celsius", controller.roc), ("board_celsius", controller.temperature)):
        if degrees is None or degrees <= 0:
            continue
        yield Measure(item, name, degrees)
        if degrees > _ROC_CRITICAL and not settings.own_limits[name]:
            yield fact(item, ROC_TOO_HOT, degrees=degrees)
        elif degrees > _ROC_WARNING and not settings.own_limits[name]:
            yield fact(item, ROC_HOT, degrees=degrees)
    yield from _counted(controller, readings)
    listed = (
        ("disks", controller.disks, sum(1 for disk in readings.disks if disk.controller == controller.number)),
        ("virtual drives", controller.volumes, sum(1 for v in readings.volumes if v.controller == controller.number)),
    )
    for what, counted, seen in listed:
        # the faults that it counts itself vouch for a list that was not kept, not for one that was not read
        vouched = bool(settings.from_file) and not seen and controller.bad_volumes is not None
        if counted is not None and seen < counted and not vouched:
            yield fact(item, FEWER, what=what, seen=seen, counted=counted)


def _counted(controller: Controller, readings: Readings) -> Iterator[Finding]:
    """Faults that a controller counts, and that no list shows."""
    item = f"c{controller.number}"
    volumes = [v for v in readings.volumes if v.controller == controller.number and v.state not in ("", OPTIMAL)]
    disks = [disk for disk in readings.disks if disk.controller == controller.number]
    bad = [disk for disk in disks if disk.state in _LOST]
    suspects = [disk for disk in disks if disk.predictive or disk.smart_alert]
    for code, counted, seen in (
        (BAD_COUNTED, controller.bad_volumes, len(volumes)),
        (FAILED_COUNTED, controller.failed_disks, len(bad)),
        (SUSPECTS_COUNTED, controller.suspect_disks, len(suspects)),
    ):
        if counted and counted > seen:
            yield fact(item, code, count=counted - seen)


def apart_findings(readings: Readings) -> Iterator[Finding]:
    """What belongs to no drive."""
    for number, count in readings.foreign:
        yield fact(f"c{number}", FOREIGN, count=count)
    known = {number for number, _ in readings.foreign}
    for number in sorted({disk.controller for disk in readings.disks if disk.foreign} - known):
        count = sum(1 for disk in readings.disks if disk.foreign and disk.controller == number)
        yield fact(f"c{number}", FOREIGN, count=count)
    for number, where in readings.missing:
        yield fact(f"c{number}", MISSING_ROW, where=where)
    for number, volume in readings.pinned:
        yield fact(f"c{number} {volume}", PINNED)
    alike: dict[tuple[str, str], list[str]] = {}
    for controller, reason in readings.problems:
        item = "tool" if controller is None else f"c{controller}"
        alike.setdefault((item, reason.partition(":")[0]), []).append(reason)
    for (item, _), reasons in alike.items():
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        yield fact(item, UNREADABLE, reason=reasons[0] + more, next_step="")


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
    lost = sum(1 for disk in members if disk.state in _LOST)
    lost += sum(1 for number, _ in readings.missing if number == volume.controller)
    redundant = volume.state == PARTIAL or (volume.level in ("RAID6", "RAID60") and 0 < lost <= 1)
    if not rebuilding:
        return fact(item, VD_DEGRADED, state=volume.state)
    told = "rebuild" + _told(rebuilding[0], readings.operations)
    code = VD_REBUILDING if redundant or settings.rebuilding == "warning" else VD_NO_REDUNDANCY
    return fact(item, code, state=volume.state, progress=told)


def _told(disk: Disk, operations: tuple[Operation, ...]) -> str:
    """ " 37 %" of a disk's rebuild, where it is known."""
    for operation in operations:
        if (operation.controller, operation.item) == (disk.controller, disk.place) and operation.percent is not None:
            return f" {operation.percent} %"
    return ""


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
            owner = _degraded_owner(disk, readings) if disk is not None else None
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


def _degraded_owner(disk: Disk, readings: Readings) -> str | None:
    """The degraded virtual drive that a disk's rebuild makes whole, where there is one and no other."""
    owners = [
        volume
        for volume in readings.volumes
        if volume.controller == disk.controller
        and volume.state in (PARTIAL, DEGRADED)
        and (volume.group is None or disk.group is None or volume.group == disk.group)
    ]
    return of_volume(owners[0]) if len(owners) == 1 else None


def disk_findings(
    disk: Disk, readings: Readings, settings: SimpleNamespace, history: Series | None
) -> Iterator[Finding]:
    """One disk as its controller sees it."""
    item = item_of(disk)
    yield from _state_findings(disk, item, readings)
    if disk.smart_alert or disk.predictive:
        reasons = ["SMART alert"] * disk.smart_alert
        reasons += [f"{disk.predictive} predictive failures"] if disk.predictive else []
        code = PREDICTED_CRITICAL if settings.predicted == "critical" else PREDICTED
        yield fact(item, code, reasons=", ".join(reasons))
    if sum(item_of(one) == item for one in readings.disks) > 1:
        return  # slots were not kept: nobody can tell whose count it is
    if disk.media_errors is not None:
        yield Measure(item, "media_errors_total", disk.media_errors, 0)
    key = disk.serial or item
    new = deltas.increase(key, "media errors", disk.media_errors, history, settings)
    if new:
        yield fact(item, NEW_ERRORS, count=new, what="media errors")
    new = deltas.increase(key, "other errors", disk.other_errors, history, settings, self_counting=True)
    if new:
        yield fact(item, NEW_ERRORS, count=new, what="other errors")


def _state_findings(disk: Disk, item: str, readings: Readings) -> Iterator[Finding]:
    if disk.state in (FAILED, OFFLINE, DEGRADED):
        yield fact(item, DISK_BAD, state=disk.state)
    elif disk.state == BAD:
        yield fact(item, DISK_BAD, state="unconfigured bad")
    elif disk.state == MISSING:
        yield fact(item, DISK_MISSING)
    elif disk.state == UNANSWERED:
        yield fact(item, DISK_UNANSWERED, words=disk.words)
    elif disk.state == SHIELDED:
        yield fact(item, DISK_SHIELDED)
    elif disk.state == UNSUPPORTED:
        yield fact(item, DISK_UNSUPPORTED)
    elif disk.state == ERASING:
        yield fact(item, RUNNING, what=ERASING)
    elif disk.state == REBUILD and _degraded_owner(disk, readings) is None:
        yield fact(item, DISK_REBUILDING, what=REBUILD + _told(disk, readings.operations))
    elif disk.state == COPYBACK:
        yield fact(item, DISK_COPYBACK, what=COPYBACK + _told(disk, readings.operations))
    elif disk.state in (ONLINE, GOOD, SPARE, JBOD):
        yield fact(item, DISK_FINE)
    elif disk.state != REBUILD and disk.words:
        yield fact(item, DISK_UNKNOWN, words=disk.words)


def battery_findings(battery: Battery, controller: Controller | None, settings: SimpleNamespace) -> Iterator[Finding]:
    """One battery or CacheVault. An old iBBU leaves its state empty, and is fine."""
    item = f"c{battery.controller} {battery.kind}"
    state = battery.state.lower()
    if battery.temperature:
        yield Measure(item, "battery_celsius", battery.temperature)
    learning = battery.learning or state in ("learning", "learn", "relearning", "discharging")
    if learning:
        yield fact(item, _LEARNING[settings.learn_cycle])
    missing = battery.complaints == ("pack missing",) and controller is not None and controller.battery is False
    for complaint in battery.complaints:
        if not missing:
            yield fact(item, BATTERY_BAD, words=complaint)
    if not learning and state not in _GOOD_BATTERY and not missing:
        yield fact(item, BATTERY_BAD, words=battery.state.lower())


def cache_works(readings: Readings, number: int, settings: SimpleNamespace) -> bool | None:
    """Whether a controller's battery keeps its cache: None where it has none, and never had."""
    for battery in readings.batteries:
        if battery.controller == number:
            controller = next((c for c in readings.controllers if c.number == number), None)
            return not any(
                getattr(finding, "code", "") == BATTERY_BAD
                for finding in battery_findings(battery, controller, settings)
            )
    return None


def count_findings(readings: Readings, checkups: Sequence[Checkup], problems: bool, kept: bool) -> Iterator[Finding]:
    """How many there are of each kind; no number where a list could not be read.

    ``kept``: only what was kept of an output is known, and without a list none is known to be empty.
    """
    problems = problems or bool(readings.problems) or (kept and not readings.disks and not readings.volumes)
    here = [disk for disk in readings.disks if disk.state not in _NOT_COUNTED]
    alone = sum(1 for checkup in checkups if checkup.disk is None)
    if readings.disks or alone or (readings.controllers and not problems):
        yield Measure("", "disks", len(here) + alone, 0)
    if readings.volumes or (readings.controllers and not problems):
        yield Measure("", "virtual_drives", sum(1 for volume in readings.volumes if volume.level != CACHECADE), 0)
    if readings.disks:
        yield Measure("", "spares", sum(1 for disk in here if disk.state == SPARE), 0)


_SOME_WORK = "work in progress"  # the tool does not say which
KINDS = (BACKGROUND, CHECK, INITIALISE, RECONSTRUCT, ERASING, _SOME_WORK)
