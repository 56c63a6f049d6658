"""What smartctl would print of a disk on paper, as JSON and as text."""

from __future__ import annotations

import json
from typing import Any

from lab.paper_raid import PaperController, PaperDisk


def smart(disk: PaperDisk, **changes: Any) -> str:
    """``smartctl -j -x`` of a disk; changes: exit_status, passed, realloc, pending, past, asc, grown, version, ..."""
    given = {"exit_status": 4, "passed": True, "realloc": 0, "pending": 0, "version": [7, 3], **changes}
    report: dict[str, Any] = {
        "json_format_version": [1, 0],
        "smartctl": {"version": given["version"], "exit_status": given["exit_status"]},
        "device": {"name": "/dev/bus/0", "type": f"megaraid,{disk.device}", "protocol": "SCSI" if disk.sas else "ATA"},
        "serial_number": given.get("serial", disk.serial),
        "rotation_rate": 0 if disk.solid else 7200,
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": given["passed"]},
        "temperature": {"current": disk.celsius or 34},
        "power_on_time": {"hours": given.get("hours", 24891)},
    }
    if "message" in given:
        report["smartctl"]["messages"] = [{"string": given["message"], "severity": "error"}]
    if "trip" in given:
        report["temperature"]["drive_trip"] = given["trip"]
    if disk.sas:
        report["scsi_grown_defect_list"] = given.get("grown", 0)
        report["scsi_error_counter_log"] = {"read": {"total_uncorrected_errors": given.get("uncorrected", 0)}}
        if "asc" in given:
            report["smart_status"]["scsi"] = {
                "asc": given["asc"][0],
                "ascq": given["asc"][1],
                "ie_string": given["asc"][2],
            }
        return json.dumps(report)
    rows = [
        (5, "Reallocated_Sector_Ct", given["realloc"], given.get("now") == 5, given.get("past") == 5, True),
        (187, "Reported_Uncorrect", given.get("reported", 0), False, False, False),
        (190, "Airflow_Temperature_Cel", 34, given.get("now") == 190, given.get("past") == 190, False),
        (197, "Current_Pending_Sector", given["pending"], given.get("now") == 197, given.get("past") == 197, False),
        (198, "Offline_Uncorrectable", given.get("uncorrectable", 0), False, False, False),
        (199, "UDMA_CRC_Error_Count", given.get("crc", 0), False, False, False),
    ]
    report["ata_smart_attributes"] = {
        "revision": 10,
        "table": [
            {
                "id": number,
                "name": name,
                "value": 1 if now else 100,
                "worst": 1 if now or past else 100,
                "thresh": 10,
                "when_failed": "now" if now else "past" if past else "",
                "flags": {"value": 51, "prefailure": prefailure},
                "raw": {"value": raw, "string": str(raw)},
            }
            for number, name, raw, now, past, prefailure in rows
        ],
    }
    if "selftest" in given:
        words, passed, hours = given["selftest"]
        row = {"type": {"value": 2, "string": "Extended offline"}, "status": {"string": words, "passed": passed}}
        report["ata_smart_self_test_log"] = {"standard": {"table": [{**row, "lifetime_hours": hours}]}}
    if "erc" in given:
        report["ata_sct_erc"] = {"read": {"enabled": given["erc"]}, "write": {"enabled": given["erc"]}}
    return json.dumps(report)


def smartctl(controllers: list[PaperController], hosts: dict[int, int] | None = None) -> dict[str, str]:
    """Arguments -> output of smartctl, every disk healthy."""
    return {
        smart_words(disk, (hosts or {}).get(c.number, c.number)): smart(disk) for c in controllers for disk in c.disks
    }


def smart_words(disk: PaperDisk, host: int = 0) -> str:
    """The arguments that ask for a disk."""
    return f"-j -x -d megaraid,{disk.device} /dev/bus/{host}"


_ATTRIBUTE_ROWS = (
    (5, "Reallocated_Sector_Ct", 0),
    (9, "Power_On_Hours", 24891),
    (187, "Reported_Uncorrect", 0),
    (194, "Temperature_Celsius", 34),
    (197, "Current_Pending_Sector", 0),
    (198, "Offline_Uncorrectable", 0),
    (199, "UDMA_CRC_Error_Count", 0),
)


def smart_text(disk: PaperDisk, version: str = "7.3", **raw: int) -> str:
    """``smartctl --all`` of a healthy SATA disk, for those who read text; ``raw``: of attributes, by name."""
    rows = "\n".join(
        f"{number:3} {name:23} 0x0032   100   100   010    Old_age   Always       -       {raw.get(name, value)}"
        for number, name, value in _ATTRIBUTE_ROWS
    )
    return f"""smartctl {version} 2022-02-28 r5338 [x86_64-linux-6.1.0] (local build)
Copyright (C) 2002-22, Bruce Allen, Christian Franke, www.smartmontools.org

=== START OF INFORMATION SECTION ===
Model Family:     Seagate Constellation ES.3
Device Model:     {disk.model}
Serial Number:    {disk.serial}
LU WWN Device Id: 5 000c50 000000001
Firmware Version: SN04
User Capacity:    3,000,592,982,016 bytes [3.00 TB]
Sector Size:      512 bytes logical/physical
Rotation Rate:    7200 rpm
Device is:        In smartctl database
SMART support is: Available - device has SMART capability.
SMART support is: Enabled

=== START OF READ SMART DATA SECTION ===
SMART overall-health self-assessment test result: PASSED

SMART Attributes Data Structure revision number: 10
Vendor Specific SMART Attributes with Thresholds:
ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
{rows}

SMART Error Log Version: 1
No Errors Logged

SMART Self-test log structure revision number 1
No self-tests have been logged.  [To run self-tests, use: smartctl -t]
"""
