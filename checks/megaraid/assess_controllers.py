"""What controllers say of themselves, their batteries, and of what belongs to no drive: findings, no wording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.megaraid import deltas
from checks.megaraid.readings import (
    BAD,
    CACHECADE,
    FAILED,
    LOST,
    MISSING,
    OFFLINE,
    OPTIMAL,
    SPARE,
    UNANSWERED,
    Battery,
    Controller,
    Readings,
)
from checks.megaraid.survey import Checkup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series

# codes of facts; their states and words are in tables.py
CONTROLLER_BAD, CONTROLLER_ATTENTION, SAFE_MODE = "controller_bad", "controller_attention", "controller_safe_mode"
ECC_UNCORRECTABLE, ECC_NEW = "ecc_uncorrectable", "ecc_new"
PRESERVED, PINNED, FOREIGN, MISSING_ROW = "cache_preserved", "cache_pinned", "foreign", "row_missing"
ROC_HOT, ROC_TOO_HOT = "roc_hot", "roc_too_hot"
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
# Degrees. Chips of the 92xx and 93xx run at 60 to 90; they are to stay below 105, throttle at 110 and stop at 116
# (Intel, "RAID Controllers Airflow Requirements and Thermal Operating Limits", for its own ones with these chips).
_ROC_WARNING, _ROC_CRITICAL = 105, 115


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
    bad = [disk for disk in disks if disk.state in LOST]
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
