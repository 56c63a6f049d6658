"""Reports of smartctl as they are met: other versions, cut heads, logs that cannot be read, names that mislead.

Behind a controller or plain is the same here: each is judged from a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab.paper_raid import PaperDisk
from lab.paper_smartctl import smart
from support import Ran, check

from checks.megaraid.smart import means, parse

SATA, SAS = PaperDisk(1), PaperDisk(1, sas=True, serial="6SJ17KP5")
FLASH = PaperDisk(1, solid=True)
FINE = "OK - 1 disk (1 file)"
NAME, SAS_NAME, NVME_NAME = "/dev/bus/0 (Z1Z00001)", "/dev/bus/0 (6SJ17KP5)", "/dev/nvme0 (NV1)"
PASSED, FAILED = (0, "Completed without error", True), (121, "Completed: read failure", False)
ABORTED = (25, "Aborted by host", None)
SHORT, EXTENDED, CAPTIVE = 1, 2, 0x82


def report(disk: PaperDisk = SATA, changes: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """A healthy disk's, with other parts at its top; None takes one away."""
    found = json.loads(smart(disk, exit_status=0, **given))
    found["device"]["info_name"] = found["device"]["name"]
    return _changed(found, changes or {})


def nvme(changes: dict[str, Any] | None = None, **log: Any) -> dict[str, Any]:
    """Of a healthy NVMe disk; ``log``: in its health log."""
    found = {
        "json_format_version": [1, 0],
        "smartctl": {"version": [7, 4], "exit_status": 0},
        "device": {"name": "/dev/nvme0", "info_name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"},
        "serial_number": "NV1",
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": True, "nvme": {"value": 0}},
        "nvme_smart_health_information_log": {"critical_warning": 0, "percentage_used": 3, "media_errors": 0, **log},
        "temperature": {"current": 41},
        "power_on_time": {"hours": 5000},
    }
    return _changed(found, changes or {})


def _changed(found: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**found, **changes}.items() if value is not None}


def said(exit_status: int, *errors: str) -> dict[str, Any]:
    """What smartctl says of itself."""
    messages = [{"string": text, "severity": "error"} for text in errors]
    return {"version": [7, 4], "exit_status": exit_status, "messages": messages}


def judge(place: Path, content: dict[str, Any] | str) -> Ran:
    file = place / "report.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    done = check("megaraid", "--no-history", "-v", "--from-file", str(file))
    assert done.stderr == b""
    return done


def line(ran: Ran) -> tuple[str, int]:
    return ran.text.removeprefix("MEGARAID "), ran.code


def rows(*attributes: tuple[int, str, int, str]) -> dict[str, Any]:
    """A table of attributes: number, name, normalised value, raw value as printed."""
    table = [
        {"id": number, "name": name, "value": value, "raw": {"value": 3, "string": raw}, "when_failed": ""}
        for number, name, value, raw in attributes
    ]
    return {"ata_smart_attributes": {"revision": 1, "table": table}}


UNREADABLE = "UNKNOWN - {name} SMART unreadable, smartctl 7.{minor}: {reason}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (report(SAS, {"smart_status": None}),
         UNREADABLE.format(name=SAS_NAME, minor=3, reason="it says nothing of its health")),
        (report(SATA, {"smart_status": None, "ata_smart_attributes": None,
                       "smartctl": said(4, "Read SMART Data failed: scsi error aborted command")}),
         UNREADABLE.format(name=NAME, minor=4, reason="Read SMART Data failed: scsi error aborted command")),
        (report(SATA, {"smart_status": None, "ata_smart_attributes": None,
                       "smart_support": {"available": True, "enabled": False}}),
         UNREADABLE.format(name=NAME, minor=3, reason="SMART is switched off (smartctl -s on)")),
        (nvme({"smart_status": None, "nvme_smart_health_information_log": None,
               "smartctl": said(4, "Read NVMe SMART/Health Information (0x02) failed: NVMe Status 0x4002")}),
         UNREADABLE.format(name=NVME_NAME, minor=4,
                           reason="Read NVMe SMART/Health Information (0x02) failed: NVMe Status 0x4002")),
        (nvme({"smart_status": None, "nvme_smart_health_information_log": None, "smart_support": None}),
         UNREADABLE.format(name=NVME_NAME, minor=4, reason="it says nothing of its health")),
        ({"smartctl": said(4, "/dev/sdx: Unknown USB bridge [0x0123:0x4567 (0x100)]")},
         UNREADABLE.format(name="report.json", minor=4, reason="/dev/sdx: Unknown USB bridge [0x0123:0x4567 (0x100)]")),
    ],
)  # fmt: skip
def test_a_disk_whose_health_could_not_be_read_is_not_fine(content: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert line(judge(tmp_path, content)) == (words, 3)


def test_of_a_verdict_that_was_not_asked_for_the_attributes_and_the_log_speak(tmp_path: Path) -> None:
    """Of smartctl -A."""
    assert line(judge(tmp_path, report(SATA, {"smart_status": None, "smart_support": None}))) == (FINE, 0)
    assert line(judge(tmp_path, nvme({"smart_status": None, "smart_support": None}))) == (FINE, 0)
    warned = nvme({"smart_status": None, "smart_support": None}, critical_warning=4)
    assert line(judge(tmp_path, warned)) == (f"CRITICAL - {NVME_NAME} failing: reliability is degraded", 2)


def test_a_report_without_its_head(tmp_path: Path) -> None:
    """Some are kept without what smartctl says of itself."""
    bare = report(SAS, {"smartctl": None, "json_format_version": None}, grown=60)
    assert line(judge(tmp_path, bare)) == (f"WARNING - {SAS_NAME} grown defects 60", 1)


def test_the_exit_status_says_failing_too(tmp_path: Path) -> None:
    failing = report(SAS, {"smartctl": said(8)})
    assert line(judge(tmp_path, failing)) == (f"CRITICAL - {SAS_NAME} failing: it says so itself", 2)


def test_a_temperature_warning_of_nvme_without_its_log(tmp_path: Path) -> None:
    hot = nvme({"smart_status": {"passed": False, "nvme": {"value": 2}}, "nvme_smart_health_information_log": None})
    assert line(judge(tmp_path, hot)) == (f"WARNING - {NVME_NAME} says that it is too hot", 1)


@pytest.mark.parametrize("words", ["FAILING_NOW", "now", "NOW"])
def test_failing_now_in_any_spelling(words: str, tmp_path: Path) -> None:
    content = report(SATA, realloc=9)
    content["ata_smart_attributes"]["table"][0]["when_failed"] = words
    assert line(judge(tmp_path, content)) == (f"CRITICAL - {NAME} failing: reallocated 9", 2)


def ata_log(*tests: tuple[int, tuple[int, str, bool | None], int]) -> dict[str, Any]:
    """Newest first: type, result, hours."""
    table = []
    for kind, (value, words, passed), hours in tests:
        status = {"value": value, "string": words, **({} if passed is None else {"passed": passed})}
        table.append({"type": {"value": kind}, "status": status, "lifetime_hours": hours})
    return {"ata_smart_self_test_log": {"extended": {"revision": 1, "table": table}}}


LAST = "WARNING - {} last self-test failed: {}"
OLDER = "WARNING - {} a self-test failed: {}; no extended one has passed since"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (ata_log((SHORT, PASSED, 24800), (EXTENDED, FAILED, 24700)), OLDER.format(NAME, "completed: read failure")),
        (ata_log((SHORT, ABORTED, 24800), (SHORT, FAILED, 24700)), LAST.format(NAME, "completed: read failure")),
        (ata_log((SHORT, PASSED, 24800), (EXTENDED, PASSED, 24750), (EXTENDED, FAILED, 24700)), FINE),
        (ata_log((CAPTIVE, PASSED, 24750), (SHORT, FAILED, 24700)), FINE),
        (ata_log((SHORT, ABORTED, 24800), (EXTENDED, ABORTED, 24750)), FINE),
        ({"ata_smart_data": {"self_test": {"status": {"value": 121, "string": "completed: read failure",
                                                      "passed": False}}}},
         LAST.format(NAME, "completed: read failure")),
    ],
)  # fmt: skip
def test_a_failed_self_test_counts_until_an_extended_one_passes(
    log: dict[str, Any], words: str, tmp_path: Path
) -> None:
    """As smartctl's exit status has it: a short test reads other sectors."""
    assert line(judge(tmp_path, report(SATA, log))) == (words, int(words != FINE))


def scsi_log(*tests: tuple[int, int, str]) -> dict[str, Any]:
    """Newest first: code, result, words."""
    return {
        f"scsi_self_test_{number}": {
            "code": {"value": code},
            "result": {"value": value, "string": words},
            "power_on_time": {"hours": 24000 - number},
        }
        for number, (code, value, words) in enumerate(tests)
    }


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (scsi_log((1, 2, "Aborted"), (1, 7, "Failed in segment")), LAST.format(SAS_NAME, "failed in segment")),
        (scsi_log((1, 0, "Completed"), (2, 7, "Failed in segment")), OLDER.format(SAS_NAME, "failed in segment")),
        (scsi_log((2, 0, "Completed"), (2, 7, "Failed in segment")), FINE),
        (scsi_log((1, 15, "Self test in progress ..."), (1, 0, "Completed")), FINE),
    ],
)
def test_self_tests_of_sas(log: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert line(judge(tmp_path, report(SAS, log))) == (words, int(words != FINE))


def nvme_log(*tests: tuple[int, int, str]) -> dict[str, Any]:
    """Newest first: code, result, words."""
    table = [
        {"self_test_code": {"value": code}, "self_test_result": {"value": v, "string": words}, "power_on_hours": 4900}
        for code, v, words in tests
    ]
    return {"nvme_self_test_log": {"current_self_test_operation": {"value": 0}, "table": table}}


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (nvme_log((1, 7, "Completed: failed segments")), LAST.format(NVME_NAME, "completed: failed segments")),
        (nvme_log((1, 2, "Aborted: Controller Reset"), (2, 0, "Completed without error")), FINE),
        (nvme_log((2, 0, "Completed without error"), (1, 7, "Completed: failed segments")), FINE),
    ],
)
def test_self_tests_of_nvme(log: dict[str, Any], words: str, tmp_path: Path) -> None:
    done = judge(tmp_path, nvme(log))
    assert line(done) == (words, int(words != FINE))
    assert done.perfdata["dev_nvme0_selftest_age_seconds"] == "360000s;;;0"


@pytest.mark.parametrize(
    ("count", "words", "code"),
    [(0, FINE, 0), (3, f"WARNING - {NVME_NAME} media errors 3", 1), (2**64 - 1, FINE, 0)],
)
def test_media_errors_of_nvme(count: int, words: str, code: int, tmp_path: Path) -> None:
    """All ones are no count."""
    assert line(judge(tmp_path, nvme(media_errors=count))) == (words, code)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (report(SAS, {"scsi_pending_defects": {"count": 4}}), f"WARNING - {SAS_NAME} pending 4"),
        (report(SAS, {"scsi_pending_defects": {"count": 0}}), FINE),
        (report(SATA, {**rows((5, "Reallocated_Sector_Ct", 100, "0")), "ata_pending_defects_log": {"count": 2}}),
         f"WARNING - {NAME} pending 2"),
    ],
)  # fmt: skip
def test_sectors_that_wait_to_be_reassigned(content: dict[str, Any], words: str, tmp_path: Path) -> None:
    """In logs of their own."""
    assert line(judge(tmp_path, content)) == (words, int(words != FINE))


def test_a_disk_that_makes_no_predictions_counts_all_the_same(tmp_path: Path) -> None:
    content = report(SAS, {"smart_support": {"available": False}, "smart_status": None}, grown=60)
    words = f"UNKNOWN - smartctl found no disk that offers SMART; {SAS_NAME} offers no SMART, grown defects 60"
    assert line(judge(tmp_path, content)) == (words, 3)


@pytest.mark.parametrize(
    ("changes", "words", "code"),
    [
        ({"temperature": {"current": 0, "drive_trip": 0},
          "scsi_environmental_reports": {"temperature_1": {"parameter_code": 0, "current": 58}}},
         f"WARNING - {SAS_NAME} 58 C", 1),
        ({"temperature": None, "scsi_environmental_reports": {"temperature_1": {"current": 42}}}, FINE, 0),
        ({"temperature": {"current": 255}}, FINE, 0),
        ({"temperature": {"current": 67}, "scsi_temperature": {"drive_trip": 75}}, f"WARNING - {SAS_NAME} 67 C", 1),
    ],
)  # fmt: skip
def test_where_the_temperature_stands(changes: dict[str, Any], words: str, code: int, tmp_path: Path) -> None:
    assert line(judge(tmp_path, report(SAS, changes))) == (words, code)


def test_the_trip_point_of_nvme_in_an_older_place(tmp_path: Path) -> None:
    content = nvme({"temperature": {"current": 83}, "nvme_composite_temperature_threshold": {"warning": 90}})
    assert line(judge(tmp_path, content)) == (f"WARNING - {NVME_NAME} 83 C", 1)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ((197, "Current_Pending_Sector", 100, "3"), f"WARNING - {NAME} pending 3"),
        ((197, "Unknown_SSD_Attribute", 100, "3"), f"WARNING - {NAME} pending 3"),
        ((197, "Bogus_Current_Pend_Sect", 100, "1"), FINE),
        ((197, "ECC_Error_Count", 100, "4711"), FINE),
        ((198, "Offline_Uncorrectable", 100, "3"), f"WARNING - {NAME} uncorrectable 3"),
        ((198, "Read_Sectors_Tot_Ct", 100, "190283746"), FINE),
        ((231, "SSD_Life_Left", 6, "6"), f"WARNING - {NAME} 94 % of its endurance used"),
        ((233, "Media_Wearout_Indicator", 6, "0"), f"WARNING - {NAME} 94 % of its endurance used"),
        ((233, "Flash_Writes_GiB", 6, "1173"), FINE),
        ((177, "Wear_Range_Delta", 4, "4"), FINE),
        ((5, "Reallocated_Sector_Ct", 100, "0x000000000000"), FINE),
    ],
)
def test_the_name_of_an_attribute_can_deny_its_number(
    attribute: tuple[int, str, int, str], words: str, tmp_path: Path
) -> None:
    assert line(judge(tmp_path, report(FLASH, rows(attribute)))) == (words, int(words != FINE))


def test_names_as_texts_have_them() -> None:
    assert means(197, "current pending sector")
    assert not means(197, "bogus current pend sect")
    assert means(5, "anything")


def test_a_raw_value_in_hexadecimal_digits_is_read_from_the_number() -> None:
    assert parse(json.dumps(report(SATA, rows((5, "Reallocated_Sector_Ct", 100, "0x0003")))).encode()).reallocated == 3


@pytest.mark.parametrize(("valid", "words"), [(True, f"WARNING - {NAME} 93 % of its endurance used"), (False, FINE)])
def test_endurance_by_the_standard_before_the_vendors(valid: bool, words: str, tmp_path: Path) -> None:
    """Device statistics mean the same on all disks, attributes do not."""
    page = {
        "number": 7,
        "table": [{"name": "Percentage Used Endurance Indicator", "value": 93, "flags": {"valid": valid}}],
    }
    content = report(FLASH, {**rows((177, "Wear_Leveling_Count", 99, "5")), "ata_device_statistics": {"pages": [page]}})
    assert line(judge(tmp_path, content)) == (words, int(words != FINE))


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "18446744073709551615"])
def test_numbers_that_are_none(number: str, tmp_path: Path) -> None:
    content = json.dumps(report(SAS)).replace('"hours": 24891', f'"hours": {number}')
    content = content.replace('"scsi_grown_defect_list": 0', f'"scsi_grown_defect_list": {number}')
    assert line(judge(tmp_path, content)) == (FINE, 0)
