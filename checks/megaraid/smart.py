"""What ``smartctl -j -x`` says of one disk, SATA, SAS or NVMe, as one record: no opinion in it.

Sources: smartctl(8), its section EXIT STATUS above all; ATA attributes by their numbers, which mean the same on nearly
all disks, and not by their names, which come from a database that knows only some. Where it knows one to mean something
else, that counts: see means().
"""

from __future__ import annotations

from checks.megaraid import selftests
from checks.megaraid.readings import whole
from checks.megaraid.report import Report
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMAND_LINE, OPEN_FAILED, COMMAND_FAILED, FAILING = 1, 2, 4, 8  # bits of the exit status
_REALLOCATED, _PENDING, _UNCORRECTABLE, _CRC = 5, 197, 198, 199
_REPORTED = 187
_WEAR = (177, 202, 231, 233)  # normalised 100 when new: wear levelling, percent lifetime, SSD life left, media wearout
TEMPERATURES = (190, 194)
# part of a name in smartctl's database, where the number means what it means elsewhere
_NAMED = {197: "pend", 198: "unc", 199: "crc", 177: "wear", 202: "life", 231: "life", 233: "wear"}
_NAMELESS = ("", "unknown")
_MISLEADING = ("bogus", "wear range")  # firmware that counts nonsense; the spread of wear, not its amount
_NOT_MEASURED = 128  # degrees Celsius that no disk reaches: 255 stands for none
_SWITCHED_OFF = "SMART is switched off (smartctl -s on)"
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
    media_errors: int | None = None  # NVMe: data that could not be given back as it was written, ever
    spare: int | None = None  # percent
    spare_threshold: int | None = None
    endurance: int | None = None  # percent used
    hours: int | None = None
    temperature: int | None = None
    trip: int | None = None
    selftest: str = ""  # which self-test failed and how, "" when none did that counts
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
    if not isinstance(found, dict) or not any(isinstance(found.get(name), dict) for name in ("smartctl", "device")):
        return Health(reason="answered something else than a report")
    return _health(Report(found), status)


def is_report(content: bytes) -> bool:
    """Whether this is meant to be a report of smartctl's; some are kept without what it says of itself."""
    return b'"smartctl"' in content or (b'"device"' in content and b'"info_name"' in content)


def _no_json(text: str) -> str:
    """Why there is no JSON: before 7.0 there was none."""
    first = text.strip().split("\n", 1)[0]
    if first.startswith(("smartctl 5", "smartctl 6")):
        return f"{' '.join(first.split()[:2])} is too old, it has no JSON (7.0 has)"
    return f"answered no JSON: {first[:60]}" if first else "answered nothing"


def _health(report: Report, status: int) -> Health:
    numbers = report.at("smartctl", "version")
    version = ".".join(str(number) for number in numbers[:2]) if isinstance(numbers, list) else ""
    exit_status = report.number("smartctl", "exit_status")
    exit_status = status if exit_status is None else exit_status
    messages = [str(row.get("string", "")) for row in report.rows("smartctl", "messages")]
    said = "; ".join(messages)
    serial, protocol = report.text("serial_number"), report.text("device", "protocol")
    passed = report.at("smart_status", "passed")
    if passed is None and ("STANDBY" in said or "SLEEP mode" in said):
        return Health(version=version, serial=serial, standby=True)
    if exit_status & (COMMAND_LINE | OPEN_FAILED):
        said = said.partition(" failed: ")[2] or said if said.startswith("Smartctl open device") else said
        return Health(reason=said or f"not opened (exit status {exit_status})", version=version, serial=serial)
    if report.at("device") is None:
        return Health(reason=said or "this is no report of a disk", version=version)
    passed = False if exit_status & FAILING else passed if isinstance(passed, bool) else None
    attributes = {
        number: row for row in report.rows("ata_smart_attributes", "table") if (number := whole(row.get("id", "")))
    }
    warning = report.number("nvme_smart_health_information_log", "critical_warning")
    warning = report.number("smart_status", "nvme", "value") if warning is None else warning
    told = passed is not None or bool(attributes) or warning is not None
    reason = "" if told and passed is not None else _refusal(report, messages, told)
    if reason:
        return Health(reason=reason, version=version, serial=serial)
    hours = report.number("power_on_time", "hours")
    selftest, age = selftests.judged(report, hours)
    return Health(
        version=version,
        serial=serial,
        model=report.text("model_name") or report.text("scsi_model_name"),
        protocol=protocol,
        solid=_solid(report, protocol),
        offers=told,
        passed=passed,
        failing=tuple(_attribute(row) for row in attributes.values() if _when_failed(row) in ("now", "failing_now")),
        failed=tuple(_attribute(row) for row in attributes.values() if _when_failed(row) in ("past", "in_the_past")),
        asc=_asc(report),
        asc_words=report.text("smart_status", "scsi", "ie_string").lower(),
        reallocated=_count(attributes, _REALLOCATED),
        pending=_pending(report, attributes),
        uncorrectable=_count(attributes, _UNCORRECTABLE),
        reported=_count(attributes, _REPORTED),
        crc=_count(attributes, _CRC),
        grown=report.number("scsi_grown_defect_list"),
        uncorrected=_uncorrected(report),
        nvme_warning=warning,
        media_errors=report.number("nvme_smart_health_information_log", "media_errors"),
        spare=report.number("nvme_smart_health_information_log", "available_spare"),
        spare_threshold=report.number("nvme_smart_health_information_log", "available_spare_threshold"),
        endurance=_endurance(report, attributes),
        hours=hours,
        temperature=_degrees(report, _TEMPERATURE),
        trip=_degrees(report, _TRIP),
        selftest=selftest,
        selftest_age=age,
        erc_off=_erc_off(report),
        in_database=report.at("in_smartctl_database") if isinstance(report.at("in_smartctl_database"), bool) else None,
    )


def _refusal(report: Report, messages: list[str], told: bool) -> str:
    """Why its own verdict is not here: "" for a disk without SMART, or where the attributes speak for it."""
    refusal = next((text for text in messages if "Log Sense failed" in text or "dentify Device failed" in text), "")
    if refusal or told:
        return refusal
    if report.at("smart_support", "available") is False:
        return ""
    if report.at("smart_support", "enabled") is False:
        return _SWITCHED_OFF
    errors = [str(row.get("string", "")) for row in report.rows("smartctl", "messages") if _is_error(row)]
    return "; ".join(errors) or "it says nothing of its health"


def _is_error(message: dict[str, Any]) -> bool:
    return message.get("severity") == "error"


_TEMPERATURE = (
    ("temperature", "current"),
    ("scsi_environmental_reports", "temperature_1", "current"),  # SAS since 7.4, where the older page is empty
    ("nvme_smart_health_information_log", "temperature"),
)
_TRIP = (
    ("temperature", "drive_trip"),
    ("scsi_temperature", "drive_trip"),  # 7.3 without the temperature page
    ("temperature", "op_limit_max"),
    ("nvme_composite_temperature_threshold", "warning"),
)


def _degrees(report: Report, paths: tuple[tuple[str, ...], ...]) -> int | None:
    """The first of these that was measured: 0 and 255 stand for none."""
    found = (report.number(*path) for path in paths)
    return next((degrees for degrees in found if degrees and degrees < _NOT_MEASURED), None)


def _solid(report: Report, protocol: str) -> bool | None:
    rotation = report.number("rotation_rate")
    return True if protocol == "NVMe" else None if rotation is None else rotation == 0


def _attribute(row: dict[str, Any]) -> Attribute:
    flags = row.get("flags")
    name = str(row.get("name", "")).replace("_", " ").lower()
    prefailure = bool(flags.get("prefailure")) if isinstance(flags, dict) else True
    return Attribute(whole(row.get("id", "")) or 0, name, _raw(row), prefailure)


def _when_failed(row: dict[str, Any]) -> str:
    return str(row.get("when_failed", "")).lower()


def _raw(row: dict[str, Any] | None) -> int | None:
    """The raw value as smartctl prints it: "180 (Average 187)" is 180, where the plain number is a mix of fields."""
    raw = row.get("raw") if row else None
    if not isinstance(raw, dict):
        return None
    text = raw.get("string")
    return whole(text) if isinstance(text, str) and not text.startswith("0x") else whole(raw.get("value", ""))


def means(number: int, name: str) -> bool:
    """Whether an attribute counts what its number counts elsewhere, by its name in smartctl's database.

    198 is also "Read_Sectors_Tot_Ct", 197 "ECC_Error_Count" or "Bogus_Current_Pend_Sect", 233 "Flash_Writes_GiB".
    """
    words = name.lower().replace("_", " ")
    if any(part in words for part in _MISLEADING):
        return False
    return words.partition(" ")[0] in _NAMELESS or _NAMED.get(number, "") in words


def _count(attributes: dict[int, dict[str, Any]], number: int) -> int | None:
    row = attributes.get(number)
    return _raw(row) if row is not None and means(number, str(row.get("name", ""))) else None


def _pending(report: Report, attributes: dict[int, dict[str, Any]]) -> int | None:
    """Sectors that cannot be read, of SAS and of SATA disks without the attribute from a log of their own."""
    count = _count(attributes, _PENDING)
    for log in ("scsi_pending_defects", "ata_pending_defects_log"):
        count = report.number(log, "count") if count is None else count
    return count


def _asc(report: Report) -> tuple[int, int] | None:
    asc, ascq = report.number("smart_status", "scsi", "asc"), report.number("smart_status", "scsi", "ascq")
    return None if asc is None or ascq is None else (asc, ascq)


def _uncorrected(report: Report) -> int | None:
    counts = [
        report.number("scsi_error_counter_log", kind, "total_uncorrected_errors")
        for kind in ("read", "write", "verify")
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _endurance(report: Report, attributes: dict[int, dict[str, Any]]) -> int | None:
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
    used = _statistic(report, "Percentage Used Endurance Indicator")
    if used is not None:
        return used
    rows = [attributes[n] for n in _WEAR if n in attributes and means(n, str(attributes[n].get("name", "")))]
    left = [value for row in rows if (value := whole(row.get("value", "")))]
    return max(0, 100 - min(left)) if left and max(left) <= 100 else None


def _statistic(report: Report, name: str) -> int | None:
    """A number of the device statistics of a SATA disk, whose meaning is a standard's."""
    for page in report.rows("ata_device_statistics", "pages"):
        for row in Report(page).rows("table"):
            if row.get("name") == name and Report(row).at("flags", "valid") is True:
                return Report(row).number("value")
    return None


def _erc_off(report: Report) -> bool | None:
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
