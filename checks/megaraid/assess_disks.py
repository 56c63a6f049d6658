"""What is wrong with disks, as their controller sees them: findings, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.readings import Finding, Measure, fact
from checks.megaraid import deltas
from checks.megaraid.assess_operations import DISK_COPYBACK, DISK_REBUILDING, RUNNING
from checks.megaraid.assess_volumes import degraded_owner, progress_of
from checks.megaraid.readings import (
    BAD,
    COPYBACK,
    DEGRADED,
    ERASING,
    FAILED,
    GOOD,
    JBOD,
    MISSING,
    OFFLINE,
    ONLINE,
    REBUILD,
    SHIELDED,
    SPARE,
    UNANSWERED,
    UNSUPPORTED,
    Disk,
    Readings,
)
from checks.megaraid.survey import item_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series

# codes of facts; their states and words are in tables.py
DISK_FINE = "disk_fine"
DISK_BAD, DISK_MISSING, DISK_UNANSWERED, DISK_UNKNOWN, DISK_SHIELDED = (
    "disk_bad",
    "disk_missing",
    "disk_unanswered",
    "disk_unknown",
    "disk_shielded",
)
DISK_UNSUPPORTED = "disk_unsupported"
PREDICTED, PREDICTED_CRITICAL, NEW_ERRORS = "disk_predicted", "disk_predicted_critical", "new_errors"


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
    elif disk.state == REBUILD and degraded_owner(disk, readings) is None:
        yield fact(item, DISK_REBUILDING, what=REBUILD + progress_of(disk, readings.operations))
    elif disk.state == COPYBACK:
        yield fact(item, DISK_COPYBACK, what=COPYBACK + progress_of(disk, readings.operations))
    elif disk.state in (ONLINE, GOOD, SPARE, JBOD):
        yield fact(item, DISK_FINE)
    elif disk.state != REBUILD and disk.words:
        yield fact(item, DISK_UNKNOWN, words=disk.words)
