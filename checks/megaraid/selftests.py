"""What the self-test logs of a disk say, SATA, SAS or NVMe.

Tests that somebody aborted, that a reset interrupted or that are running say nothing. As smartctl(8) has it in its
EXIT STATUS, a failure counts until a newer extended test has passed: a short one reads other sectors.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.megaraid.readings import whole
from checks.megaraid.report import Report
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOURS_WRAP = 65536  # the logs of SATA and SAS count in 16 bits
_CAPTIVE = 0x80  # bit of the type of an ATA test
_EXTENDED = {"ata": (2,), "scsi": (2, 6), "nvme": (2,)}
_SCSI_PASSED, _SCSI_FAILED = 0, range(3, 8)  # SPC: 1 and 2 are aborted, 15 is running
_NVME_PASSED, _NVME_FAILED = 0, range(5, 8)  # 1 to 4, 8 and 9 are aborted, 15 is an unused entry


class SelfTest(Record):
    """One test that came to an end."""

    passed: bool
    extended: bool
    words: str
    hours: int | None  # of power-on time, when it ended


def judged(report: Report, hours: int | None) -> tuple[str, int | None]:
    """How a self-test failed, "" when none did that counts; and how many hours ago the last one ended."""
    age, outdated, newest = None, False, True
    words = ""
    for test in (*_ata(report), *_scsi(report), *_nvme(report)):
        if newest and test.hours is not None and hours is not None:
            age = (hours - test.hours) % _HOURS_WRAP
        if not test.passed and not outdated and not words:
            words = f"last self-test failed: {test.words}" if newest else f"a self-test failed: {test.words}"
            words += "" if newest else "; no extended one has passed since"
        outdated = outdated or (test.passed and test.extended)
        newest = False
    return words, age


def _inner(row: dict[str, Any], name: str) -> dict[str, Any]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _ata(report: Report) -> Iterator[SelfTest]:
    rows = report.rows("ata_smart_self_test_log", "extended", "table")
    rows = rows or report.rows("ata_smart_self_test_log", "standard", "table")
    for row in rows:
        status = _inner(row, "status")
        passed = status.get("passed")  # left out where it was aborted or is running
        if isinstance(passed, bool):
            kind = (whole(_inner(row, "type").get("value", "")) or 0) & ~_CAPTIVE
            words = str(status.get("string", "failed")).lower()
            yield SelfTest(passed, kind in _EXTENDED["ata"], words, whole(row.get("lifetime_hours", "")))
    if not rows and report.at("ata_smart_data", "self_test", "status", "passed") is False:
        words = report.text("ata_smart_data", "self_test", "status", "string").lower()  # the log cannot be read
        yield SelfTest(False, False, words or "failed", None)


def _scsi(report: Report) -> Iterator[SelfTest]:
    for number in range(20):
        row = report.at(f"scsi_self_test_{number}")
        if not isinstance(row, dict):
            return
        result = _inner(row, "result")
        value = whole(result.get("value", ""))
        if value == _SCSI_PASSED or value in _SCSI_FAILED:
            extended = whole(_inner(row, "code").get("value", "")) in _EXTENDED["scsi"]
            words = str(result.get("string", "failed")).lower()
            yield SelfTest(value == _SCSI_PASSED, extended, words, whole(_inner(row, "power_on_time").get("hours", "")))


def _nvme(report: Report) -> Iterator[SelfTest]:
    for row in report.rows("nvme_self_test_log", "table"):
        result = _inner(row, "self_test_result")
        value = whole(result.get("value", ""))
        if value == _NVME_PASSED or value in _NVME_FAILED:
            extended = whole(_inner(row, "self_test_code").get("value", "")) in _EXTENDED["nvme"]
            words = str(result.get("string", "failed")).lower()
            yield SelfTest(value == _NVME_PASSED, extended, words, whole(row.get("power_on_hours", "")))
