"""What ``smartctl -j -x`` says of one disk, SATA, SAS or NVMe, as one record: no opinion in it.

Sources: smartctl(8), its section EXIT STATUS above all; ATA attributes by their numbers, which mean the same on nearly
all disks, and not by their names, which come from a database that knows only some.
"""

from __future__ import annotations

from checks.megaraid.readings import whole
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMAND_LINE, OPEN_FAILED, COMMAND_FAILED, FAILING = 1, 2, 4, 8  # bits of the exit status
_HOURS_WRAP = 65536  # self-test logs count in 16 bits
_REALLOCATED, _PENDING, _UNCORRECTABLE, _CRC = 5, 197, 198, 199
_REPORTED = 187
_WEAR = (177, 202, 231, 233)  # normalised 100 when new: wear levelling, percent lifetime, SSD life left, media wearout
TEMPERATURES = (190, 194)
OVER_TEMPERATURE = (0x0B, 1)  # asc, ascq


class Attribute(Record):
    """One ATA attribute at or below its threshold."""

    number: int
    name: str
    raw: int | None
    prefailure: bool


class Health(Record):
    """What one disk says of itself. None where it does not say."""

    reason: str = ""  # why there is nothing to judge: what smartctl said
    blocked: bool = False  # not asked: smartctl of an earlier run still is
    version: str = ""  # of smartctl: "7.3"
    serial: str = ""
    model: str = ""
    protocol: str = ""  # "ATA", "SCSI", "NVMe"
    solid: bool | None = None
    standby: bool = False  # asleep, and left so
    offers: bool = True  # False: it has no SMART
    passed: bool | None = None
    failing: tuple[Attribute, ...] = ()  # attributes at or below their thresholds now
    failed: tuple[Attribute, ...] = ()  # were so once
    asc: tuple[int, int] | None = None  # additional sense code and qualifier of a SCSI disk's own warning
    asc_words: str = ""
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    reported: int | None = None  # uncorrectable errors reported to the host, ever
    crc: int | None = None
    grown: int | None = None
    uncorrected: int | None = None  # errors that a SCSI disk could not correct, ever
    nvme_warning: int | None = None  # bits of NVMe's critical warning
    media_errors: int | None = None  # NVMe
    spare: int | None = None  # percent
    spare_threshold: int | None = None
    endurance: int | None = None  # percent used
    hours: int | None = None
    temperature: int | None = None
    trip: int | None = None
    selftest: str = ""  # how the last self-test failed, "" when it did not
    selftest_age: int | None = None  # hours since the last one that came to an end
    erc_off: bool | None = None  # error recovery control of reads or writes is off
    in_database: bool | None = None


def parse(output: bytes, status: int = 0) -> Health:
    """The answer of one call; never raises. ``status`` is smartctl's exit status, which old versions leave out."""
    import json

    text = output.decode("utf-8", "replace")
    start = text.find("{")
    try:
        found = json.JSONDecoder(strict=False).raw_decode(text[max(0, start) :])[0]
    except (ValueError, RecursionError):
        return Health(reason=_no_json(text))
    if not isinstance(found, dict) or not isinstance(found.get("smartctl"), dict):
        return Health(reason="answered something else than a report")
    return _health(_Report(found), status)


def _no_json(text: str) -> str:
    """Why there is no JSON: before 7.0 there was none."""
    first = text.strip().split("\n", 1)[0]
    if first.startswith(("smartctl 5", "smartctl 6")):
        return f"{' '.join(first.split()[:2])} is too old, it has no JSON (7.0 has)"
    return f"answered no JSON: {first[:60]}" if first else "answered nothing"


class _Report:
    """Reading from nested objects of which any may be missing or of another kind."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def at(self, *path: str) -> Any:
        """What stands at a path, else None."""
        here: Any = self.content
        for name in path:
            here = here.get(name) if isinstance(here, dict) else None
        return here

    def number(self, *path: str) -> int | None:
        """A whole number at a path."""
        found = self.at(*path)
        return whole(found) if isinstance(found, (int, float, str)) else None

    def text(self, *path: str) -> str:
        """A text at a path."""
        found = self.at(*path)
        return " ".join(found.split()) if isinstance(found, str) else ""

    def rows(self, *path: str) -> list[dict[str, Any]]:
        """A list of objects at a path."""
        found = self.at(*path)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _health(report: _Report, status: int) -> Health:
    numbers = report.at("smartctl", "version")
    version = ".".join(str(number) for number in numbers[:2]) if isinstance(numbers, list) else ""
    exit_status = report.number("smartctl", "exit_status")
    exit_status = status if exit_status is None else exit_status
    messages = [str(row.get("string", "")) for row in report.rows("smartctl", "messages")]
    said = "; ".join(messages)
    serial, protocol = report.text("serial_number"), report.text("device", "protocol")
    if "STANDBY" in said or "SLEEP mode" in said:
        return Health(version=version, serial=serial, standby=True)
    if exit_status & (COMMAND_LINE | OPEN_FAILED):
        said = said.partition(" failed: ")[2] or said if said.startswith("Smartctl open device") else said
        return Health(reason=said or f"not opened (exit status {exit_status})", version=version, serial=serial)
    if report.at("device") is None:
        return Health(reason="this is no report of a disk", version=version)
    refusal = next((text for text in messages if "Log Sense failed" in text or "dentify Device failed" in text), "")
    passed = report.at("smart_status", "passed")
    passed = passed if isinstance(passed, bool) else not exit_status & FAILING if exit_status & FAILING else None
    if passed is None and refusal:
        return Health(reason=refusal, version=version, serial=serial)
    attributes = {
        number: row for row in report.rows("ata_smart_attributes", "table") if (number := whole(row.get("id", "")))
    }
    offers = passed is not None or bool(attributes)
    if not offers and report.at("smart_support", "available") is None and protocol != "NVMe":
        return Health(reason="it says nothing of its health", version=version, serial=serial)
    hours = report.number("power_on_time", "hours")
    selftest, age = _selftest(report, hours)
    return Health(
        version=version,
        serial=serial,
        model=report.text("model_name") or report.text("scsi_model_name"),
        protocol=protocol,
        solid=_solid(report, protocol),
        offers=offers or report.at("smart_support", "available") is True,
        passed=passed,
        failing=tuple(_attribute(row) for row in attributes.values() if row.get("when_failed") == "now"),
        failed=tuple(_attribute(row) for row in attributes.values() if row.get("when_failed") == "past"),
        asc=_asc(report),
        asc_words=report.text("smart_status", "scsi", "ie_string").lower(),
        reallocated=_raw(attributes.get(_REALLOCATED)),
        pending=_raw(attributes.get(_PENDING)),
        uncorrectable=_raw(attributes.get(_UNCORRECTABLE)),
        reported=_raw(attributes.get(_REPORTED)),
        crc=_raw(attributes.get(_CRC)),
        grown=report.number("scsi_grown_defect_list"),
        uncorrected=_uncorrected(report),
        nvme_warning=report.number("nvme_smart_health_information_log", "critical_warning"),
        media_errors=report.number("nvme_smart_health_information_log", "media_errors"),
        spare=report.number("nvme_smart_health_information_log", "available_spare"),
        spare_threshold=report.number("nvme_smart_health_information_log", "available_spare_threshold"),
        endurance=_endurance(report, attributes),
        hours=hours,
        temperature=report.number("temperature", "current") or None,
        trip=report.number("temperature", "drive_trip") or report.number("temperature", "op_limit_max") or None,
        selftest=selftest,
        selftest_age=age,
        erc_off=_erc_off(report),
        in_database=report.at("in_smartctl_database") if isinstance(report.at("in_smartctl_database"), bool) else None,
    )


def _solid(report: _Report, protocol: str) -> bool | None:
    rotation = report.number("rotation_rate")
    return True if protocol == "NVMe" else None if rotation is None else rotation == 0


def _attribute(row: dict[str, Any]) -> Attribute:
    flags = row.get("flags")
    name = str(row.get("name", "")).replace("_", " ").lower()
    prefailure = bool(flags.get("prefailure")) if isinstance(flags, dict) else True
    return Attribute(whole(row.get("id", "")) or 0, name, _raw(row), prefailure)


def _raw(row: dict[str, Any] | None) -> int | None:
    """The raw value as smartctl prints it: "180 (Average 187)" is 180, where the plain number is a mix of fields."""
    raw = row.get("raw") if row else None
    if not isinstance(raw, dict):
        return None
    text = raw.get("string")
    return whole(text) if isinstance(text, str) else whole(raw.get("value", ""))


def _asc(report: _Report) -> tuple[int, int] | None:
    asc, ascq = report.number("smart_status", "scsi", "asc"), report.number("smart_status", "scsi", "ascq")
    return None if asc is None or ascq is None else (asc, ascq)


def _uncorrected(report: _Report) -> int | None:
    counts = [
        report.number("scsi_error_counter_log", kind, "total_uncorrected_errors")
        for kind in ("read", "write", "verify")
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _endurance(report: _Report, attributes: dict[int, dict[str, Any]]) -> int | None:
    for path in (
        ("endurance_used", "current_percent"),
        ("nvme_smart_health_information_log", "percentage_used"),
        ("scsi_percentage_used_endurance_indicator",),
    ):
        used = report.number(*path)
        if used is not None:
            return used
    if report.number("rotation_rate") != 0:
        return None  # these numbers mean something else on disks that turn
    left = [value for number in _WEAR if number in attributes and (value := whole(attributes[number].get("value", "")))]
    return max(0, 100 - min(left)) if left and max(left) <= 100 else None


def _selftest(report: _Report, hours: int | None) -> tuple[str, int | None]:
    """How the last self-test failed, and how long ago the last one ended."""
    rows = report.rows("ata_smart_self_test_log", "extended", "table")
    rows = rows or report.rows("ata_smart_self_test_log", "standard", "table")
    for row in rows:
        status = row.get("status")
        passed = status.get("passed") if isinstance(status, dict) else None
        if not isinstance(status, dict) or not isinstance(passed, bool):
            continue  # aborted by the host, or running
        then = whole(row.get("lifetime_hours", ""))
        age = None if then is None or hours is None else (hours - then) % _HOURS_WRAP
        return ("" if passed else str(status.get("string", "failed")).lower()), age
    newest = report.at("scsi_self_test_0")
    if isinstance(newest, dict):
        result = newest.get("result")
        value = whole(result.get("value", "")) if isinstance(result, dict) else None
        at = newest.get("power_on_time")
        then = whole(at.get("hours", "")) if isinstance(at, dict) else None
        age = None if then is None or hours is None else (hours - then) % _HOURS_WRAP
        failed = value is not None and 3 <= value <= 7  # SPC: 1 and 2 are aborted, 15 is running
        return (str(result.get("string", "failed")).lower() if failed and isinstance(result, dict) else ""), age
    return "", None


def _erc_off(report: _Report) -> bool | None:
    states = [report.at("ata_sct_erc", kind, "enabled") for kind in ("read", "write")]
    known = [state for state in states if isinstance(state, bool)]
    return not all(known) if known else None


def same_disk(serial: str, expected: str, identity: str = "") -> bool:
    """Whether two serial numbers are of one disk: tools cut them, pad them, and put them into longer texts."""
    mine, other = ("".join(text.split()).upper() for text in (serial, expected))
    if not mine:
        return not other
    if mine in "".join(identity.split()).upper():
        return True
    shorter, longer = sorted((mine, other), key=len)
    return len(shorter) >= 6 and longer.startswith(shorter) if shorter != longer else True
