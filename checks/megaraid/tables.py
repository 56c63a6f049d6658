"""What each measure and each fact means: default ranges, states, words, and what to do about it."""

from __future__ import annotations

from checks.frame.readings import FactRule, Levels
from checks.megaraid import assess_controllers, assess_disks, assess_operations, assess_smart, assess_volumes
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING

GONE, ABSENT, TOOL_USED = "gone", "controller_absent", "tool_used"

LEVELS = {
    "disks": Levels("", "", "How many there should be, e.g. 12:12; failed and missing ones do not count."),
    "virtual_drives": Levels("", "", "How many there should be."),
    "spares": Levels("", "", "E.g. 1: for at least one hot spare."),
    "pending_sectors": Levels("0", "", "These could not be read."),
    "reallocated_sectors": Levels("1000", "", "Disks that replaced some and stopped are fine; new ones are told."),
    "uncorrectable_sectors": Levels("0", "", "These could not be read either."),
    "grown_defects": Levels("50", "", "SAS disks have some; new ones are told in any case."),
    "uncorrected_errors_total": Levels("10", "", "SAS; new ones are told in any case."),
    "integrity_errors_total": Levels("0", "", "NVMe; it has lost data each time."),
    "endurance_used_percent": Levels("90", "100", "Flash wears out."),
    "disk_celsius": Levels("", "", "Else against the disk's own trip point, or 55 and 65 degrees (SSD 70 and 80)."),
    "roc_celsius": Levels("", "", "Else 105 and 115 degrees; older chips stand more than newer ones."),
    "board_celsius": Levels("", "", "Else 105 and 115 degrees."),
    "battery_celsius": Levels("", "", "Off: the controller judges it."),
    "media_errors_total": Levels("", "", "Off: new ones are told in any case."),
    "crc_errors_total": Levels("", "", "Off: cables; new ones are told in any case."),
    "selftest_age_seconds": Levels("", "", "E.g. 35d. Off."),
    "power_on_seconds": Levels("", "", "E.g. 2000d. Off."),
    "until_done_upper_seconds": Levels("", "", "E.g. 24h, for a rebuild that takes too long. Off."),
}

_REPLACE = "replace it; its LED: storcli64 /cN/eE/sS start locate"
_CACHE = "look at the battery or CacheVault: storcli64 /call/cv show all; MegaCli -AdpBbuCmd -aALL"

FACTS = {
    GONE: FactRule(CRITICAL, "gone, last seen {ago} ago", "bring it back, or run the check once with --accept"),
    ABSENT: FactRule(UNKNOWN, "no such controller", "correct --controller {number}; there is {present}"),
    TOOL_USED: FactRule(OK, "{tool}"),
    assess_controllers.CONTROLLER_BAD: FactRule(CRITICAL, "status {status}", "storcli64 /call show all"),
    assess_controllers.CONTROLLER_ATTENTION: FactRule(WARNING, "says {status}", "storcli64 /call show all"),
    assess_controllers.SAFE_MODE: FactRule(
        CRITICAL, "has booted into safe mode", "look at its events: storcli64 /call show events"
    ),
    assess_controllers.ECC_UNCORRECTABLE: FactRule(
        CRITICAL, "{count} uncorrectable memory errors", "back up, and replace the controller or its memory"
    ),
    assess_controllers.ECC_NEW: FactRule(
        WARNING, "{count} new memory errors (corrected)", "replace the controller's memory if it goes on; --accept"
    ),
    assess_controllers.PRESERVED: FactRule(
        CRITICAL, "keeps unwritten data of a lost virtual drive", "bring its disks back before anything else"
    ),
    assess_controllers.PINNED: FactRule(
        CRITICAL,
        "lost, with unwritten data in the cache",
        "bring its disks back, so that the cache is written; MegaCli -GetPreservedCacheList -aALL",
    ),
    assess_controllers.FOREIGN: FactRule(
        WARNING, "foreign configuration ({count})", "import or clear it: storcli64 /cN/fall show all"
    ),
    assess_controllers.MISSING_ROW: FactRule(CRITICAL, "disk missing in {where}", "put a disk in its place"),
    assess_controllers.ROC_HOT: FactRule(WARNING, "chip at {degrees} C", "look for a fan that stands still"),
    assess_controllers.ROC_TOO_HOT: FactRule(CRITICAL, "chip at {degrees} C", "look for a fan that stands still"),
    assess_controllers.FEWER: FactRule(
        UNKNOWN, "lists {seen} of its {counted} {what}", "run it again; the answer may have been cut"
    ),
    assess_controllers.BAD_COUNTED: FactRule(
        CRITICAL, "counts {count} degraded or offline virtual drives", "storcli64 /call/vall show all"
    ),
    assess_controllers.FAILED_COUNTED: FactRule(
        CRITICAL, "counts {count} failed disks", "storcli64 /call/eall/sall show all"
    ),
    assess_controllers.SUSPECTS_COUNTED: FactRule(
        WARNING, "counts {count} disks about to fail", "storcli64 /call/eall/sall show all"
    ),
    assess_volumes.VD_OFFLINE: FactRule(CRITICAL, "offline", "do not write to it; find the disks that are missing"),
    assess_volumes.VD_OPTIMAL: FactRule(OK, "optimal"),
    assess_volumes.VD_RECOVERY: FactRule(CRITICAL, "in recovery", "storcli64 /call/vall show all"),
    assess_volumes.VD_UNKNOWN: FactRule(UNKNOWN, "in an unknown state: {state}", "storcli64 /call/vall show all"),
    assess_volumes.VD_DEGRADED: FactRule(
        CRITICAL, "{state}, not rebuilding", "replace the failed disk; the rebuild then starts"
    ),
    assess_volumes.VD_REBUILDING: FactRule(WARNING, "{state}, {progress}"),
    assess_volumes.VD_NO_REDUNDANCY: FactRule(
        CRITICAL, "{state}, {progress}, no redundancy left", "have a backup; pull no disk before it is done"
    ),
    assess_volumes.BAD_BLOCKS: FactRule(
        WARNING, "has bad blocks", "run a consistency check, and read the files from a backup"
    ),
    assess_operations.RUNNING: FactRule(OK, "{what}"),
    assess_operations.RUNNING_TOLD: FactRule(WARNING, "{what}"),
    assess_volumes.WRITE_THROUGH: FactRule(WARNING, "write-back fell to write-through", _CACHE),
    assess_volumes.UNSAFE_CACHE: FactRule(
        WARNING, "caches writes without a working battery", f"{_CACHE}; or set NoCachedBadBBU"
    ),
    assess_volumes.POLICY: FactRule(
        WARNING, "{what} is {have}, not {wanted}", "set it back, or correct --expect-policy"
    ),
    assess_disks.DISK_FINE: FactRule(OK, ""),
    assess_disks.DISK_BAD: FactRule(CRITICAL, "{state}", _REPLACE),
    assess_disks.DISK_MISSING: FactRule(CRITICAL, "missing", "put a disk in its place"),
    assess_disks.DISK_UNANSWERED: FactRule(CRITICAL, "does not answer its controller ({words})", _REPLACE),
    assess_disks.DISK_UNKNOWN: FactRule(UNKNOWN, "in an unknown state: {words}", "storcli64 /call/eall/sall show"),
    assess_disks.DISK_SHIELDED: FactRule(WARNING, "shielded: being diagnosed after errors", "wait, or replace it"),
    assess_disks.DISK_UNSUPPORTED: FactRule(
        WARNING, "not supported by its controller", "look at the compatibility list, or update the firmware"
    ),
    assess_operations.DISK_REBUILDING: FactRule(WARNING, "{what}"),
    assess_operations.DISK_COPYBACK: FactRule(WARNING, "{what}"),
    assess_disks.PREDICTED: FactRule(WARNING, "about to fail: {reasons}", _REPLACE),
    assess_disks.PREDICTED_CRITICAL: FactRule(CRITICAL, "about to fail: {reasons}", _REPLACE),
    assess_disks.NEW_ERRORS: FactRule(
        WARNING, "{count} new {what}", "replace it if they go on; --accept once it is known"
    ),
    assess_controllers.BATTERY_BAD: FactRule(
        WARNING, "{words}", "have a new one ready; until then writes are slow or unsafe"
    ),
    assess_controllers.LEARNING_OK: FactRule(OK, "learn cycle"),
    assess_controllers.LEARNING_WARNING: FactRule(
        WARNING, "learn cycle", "wait some hours; the cache may be off meanwhile"
    ),
    assess_controllers.LEARNING_CRITICAL: FactRule(
        CRITICAL, "learn cycle", "wait some hours; the cache may be off meanwhile"
    ),
    assess_smart.FAILING: FactRule(CRITICAL, "failing: {why}", _REPLACE),
    assess_smart.ATTRIBUTE_NOW: FactRule(WARNING, "below its threshold: {why}", "smartctl -x; replace it soon"),
    assess_smart.ATTRIBUTE_PAST: FactRule(WARNING, "was below its threshold once: {why}", "smartctl -x"),
    assess_smart.WRONG_DISK: FactRule(UNKNOWN, "SMART unknown: smartctl answered for {serial}", "{next_step}"),
    assess_smart.SELFTEST: FactRule(WARNING, "{words}", "smartctl -l selftest; replace it"),
    assess_smart.SPARE_LOW: FactRule(WARNING, "{spare} % spare blocks left (limit {threshold})", "replace it soon"),
    assess_smart.NEW: FactRule(WARNING, "{count} new {what}", "replace it if they go on; --accept once it is known"),
    assess_smart.ERC_OFF: FactRule(
        WARNING,
        "error recovery control is off",
        "smartctl -l scterc,70,70: else it drops out of the RAID when it retries",
    ),
    assess_smart.NO_SMART: FactRule(OK, "offers no SMART"),
    assess_smart.TOO_WARM: FactRule(WARNING, "says that it is too hot", "look for a fan that stands still"),
    assess_smart.HOT: FactRule(WARNING, "{degrees} C", "look for a fan that stands still"),
    assess_smart.TOO_HOT: FactRule(CRITICAL, "{degrees} C", "look for a fan that stands still"),
}
