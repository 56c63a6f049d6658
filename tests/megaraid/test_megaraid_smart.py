"""What disks say of themselves, through their controller or plain; and whether it is that disk at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk
from lab.paper_smartctl import smart, smart_words, smartctl
from lab.paper_storcli import storcli
from lab.replay_tool import capture, write_answers
from support import Ran, check

from checks.megaraid.smart import Health, parse, same_disk

SATA, SAS = PaperDisk(1), PaperDisk(1, sas=True, model="ST3300657SS", serial="6SJ17KP5")
FINE = "OK - PERC H730P Mini: 1 volume, 2 disks (storcli64)"


def run(place: Path, disk: PaperDisk, answer: str, *options: str, tool: str = "storcli64") -> Ran:
    """Two disks behind a controller, of which one gives this answer."""
    controller = PaperController(disks=[PaperDisk(0), disk])
    answers = smartctl([controller])
    answers[smart_words(disk)] = answer
    vendor = {"storcli64": storcli, "MegaCli64": megacli}[tool]([controller])
    root = capture(place / "host", tool, vendor, answers)
    done = check("megaraid", "--root", str(root), "--no-history", *options)
    assert done.stderr == b""
    return done


def line(ran: Ran) -> str:
    return ran.text.removeprefix("MEGARAID ")


NAME = "c0 e252:s1 (Z1Z00001)"
SAS_NAME = "c0 e252:s1 (6SJ17KP5)"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, 0, FINE),
        ({"exit_status": 4, "message": "Warning: This result is based on an Attribute check."}, 0, FINE),
        ({"exit_status": 0}, 0, FINE),
        ({"realloc": 387}, 0, FINE),
        ({"realloc": 1864, "exit_status": 68}, 1, f"WARNING - {NAME} reallocated 1864; 1 ok"),
        ({"pending": 24}, 1, f"WARNING - {NAME} pending 24; 1 ok"),
        ({"uncorrectable": 2}, 1, f"WARNING - {NAME} uncorrectable 2; 1 ok"),
        ({"crc": 300}, 0, FINE),
        ({"passed": False, "now": 5, "realloc": 65535, "exit_status": 92}, 2,
         f"CRITICAL - {NAME} failing: reallocated 65535; 1 ok"),
        ({"passed": False, "exit_status": 12}, 2, f"CRITICAL - {NAME} failing: it says so itself; 1 ok"),
        ({"passed": True, "now": 5, "realloc": 9}, 2, f"CRITICAL - {NAME} failing: reallocated 9; 1 ok"),
        ({"passed": True, "now": 197, "pending": 9}, 1,
         f"WARNING - {NAME} below its threshold: pending 9; 1 ok"),
        ({"passed": False, "now": 190, "exit_status": 12}, 1, f"WARNING - {NAME} says that it is too hot; 1 ok"),
        ({"past": 5, "realloc": 3, "exit_status": 36}, 1,
         f"WARNING - {NAME} was below its threshold once: reallocated 3; 1 ok"),
        ({"past": 190, "exit_status": 36}, 0, FINE),
        ({"selftest": ("Completed: read failure", False, 24000)}, 1,
         f"WARNING - {NAME} last self-test failed: completed: read failure; 1 ok"),
        ({"selftest": ("Completed without error", True, 24000)}, 0, FINE),
        ({"erc": False}, 0, FINE),
    ],
)  # fmt: skip
def test_sata(changes: dict[str, Any], code: int, words: str, tmp_path: Path) -> None:
    done = run(tmp_path, SATA, smart(SATA, **changes))
    assert (line(done), done.code) == (words, code)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, 0, FINE),
        ({"grown": 260, "uncorrected": 536, "exit_status": 0}, 1,
         f"WARNING - {SAS_NAME} grown defects 260, uncorrected errors 536; 1 ok"),
        ({"passed": False, "asc": (0x5D, 0x10, "HARDWARE IMPENDING FAILURE"), "exit_status": 12}, 2,
         f"CRITICAL - {SAS_NAME} failing: predicted by itself (asc 5d/10); 1 ok"),
        ({"passed": False, "asc": (0x0B, 1, "WARNING - SPECIFIED TEMPERATURE EXCEEDED"), "exit_status": 12}, 1,
         f"WARNING - {SAS_NAME} says that it is too hot; 1 ok"),
        ({"passed": False, "asc": (0x0B, 3, "WARNING - BACKGROUND SELF-TEST FAILED"), "exit_status": 12}, 2,
         f"CRITICAL - {SAS_NAME} failing: warning - background self-test failed (asc 0b/03); 1 ok"),
    ],
)  # fmt: skip
def test_sas(changes: dict[str, Any], code: int, words: str, tmp_path: Path) -> None:
    """Over-temperature is told as failure by the disk, and is none."""
    done = run(tmp_path, SAS, smart(SAS, **changes))
    assert (line(done), done.code) == (words, code)


@pytest.mark.parametrize(
    ("celsius", "trip", "code", "words"),
    [
        (60, 68, 1, f"WARNING - {SAS_NAME} 60 C; 1 ok"),
        (67, 68, 1, f"WARNING - {SAS_NAME} 67 C; 1 ok"),
        (69, 68, 2, f"CRITICAL - {SAS_NAME} 69 C; 1 ok"),
        (54, 50, 1, f"WARNING - {SAS_NAME} 54 C; 1 ok"),
        (54, 85, 0, FINE),
    ],
)
def test_its_own_trip_point(celsius: int, trip: int, code: int, words: str, tmp_path: Path) -> None:
    disk = PaperDisk(1, sas=True, model="ST3300657SS", serial="6SJ17KP5", celsius=celsius)
    done = run(tmp_path, disk, smart(disk, trip=trip))
    assert (line(done), done.code) == (words, code)


UNREADABLE = f"UNKNOWN - {NAME} SMART unreadable, "


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (smart(SATA, exit_status=2, passed=None, message="Smartctl open device: /dev/bus/0 failed: INQUIRY failed"),
         "smartctl 7.3: INQUIRY failed"),
        (smart(SATA, exit_status=1, passed=None, message="unrecognized option"), "smartctl 7.3: unrecognized option"),
        (smart(SAS, exit_status=4, passed=None, message="Log Sense failed, IE page [scsi response fails sanity test]"),
         "smartctl 7.3: Log Sense failed, IE page [scsi response fails sanity test]"),
        (smart(SATA, exit_status=2, passed=None, message="Read Device Identity failed: Input/output error"),
         "smartctl 7.3: Read Device Identity failed: Input/output error"),
        ("", "smartctl: answered nothing"),
        ("smartctl 6.6 2016-05-31 r4324 [x86_64-linux-3.10.0] (local build)\nUNRECOGNIZED OPTION: j\n",
         "smartctl 6.6 is too old, it has no JSON (7.0 has)"),
        ("Segmentation fault", "smartctl: answered no JSON: Segmentation fault"),
        (smart(SATA)[:300], "smartctl: answered no JSON: "),
        ("[]", "smartctl: answered something else than a report"),
        ('{"smartctl": 5}', "smartctl: answered something else than a report"),
        ('{"smartctl": {"version": [7, 1], "exit_status": 0}}', "smartctl 7.1: this is no report of a disk"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_unknown_with_the_tool(answer: str, words: str, tmp_path: Path) -> None:
    done = run(tmp_path, SATA, answer)
    assert done.code == 3
    assert line(done).startswith(UNREADABLE + words)
    assert line(done).endswith("; 1 ok")
    assert "next: try smartctl -x -d megaraid,1 /dev/bus/0" in done.rest


@pytest.mark.parametrize("tool", ["storcli64", "MegaCli64"])
def test_the_wrong_disk_is_no_disks_verdict(tool: str, tmp_path: Path) -> None:
    """megaraid,1280 is answered with disk 0's data and exit status 0: good news of another disk."""
    disk = PaperDisk(1, device=1280)
    done = run(tmp_path, disk, smart(disk, serial="Z1Z00000"), tool=tool)
    assert (line(done), done.code) == (f"UNKNOWN - {NAME} SMART unknown: smartctl answered for Z1Z00000; 1 ok", 3)
    assert "c0_e252_s1_pending_sectors" not in done.perfdata
    bad = run(tmp_path, disk, smart(disk, serial="Z1Z00000", passed=False, now=5), tool=tool)
    assert line(bad) == line(done)


@pytest.mark.parametrize("state", ["Failed", "Msng"])
def test_a_dead_disk_is_not_asked(state: str, tmp_path: Path) -> None:
    disk = PaperDisk(1, state=state, celsius=None)
    done = run(tmp_path, disk, "", "-v")
    assert done.code == 2
    assert "not seen: SMART of c0 e252:s1: failed, missing or without a number" in done.rest


def test_without_the_driver_nobody_can_be_asked(tmp_path: Path) -> None:
    root = capture(tmp_path / "host", "storcli64", storcli([PaperController()]))
    done = check("megaraid", "--root", str(root), "--no-history", "-v")
    assert done.code == 0
    assert (
        "not seen: SMART of c0 e252:s0, c0 e252:s1, c0 e252:s2 and 1 more:"
        " no driver megaraid_sas to pass it through" in done.rest
    )


def test_without_smartctl_it_is_unknown(tmp_path: Path) -> None:
    root = capture(tmp_path / "host", "storcli64", storcli([PaperController()]), {"x": ""})
    for file in (root / "commands" / "smartctl").iterdir():
        file.unlink()
    (root / "commands" / "smartctl").rmdir()
    done = check("megaraid", "--root", str(root), "--no-history")
    assert (line(done), done.code) == ("UNKNOWN - smartctl is not here; 4 ok", 3)
    assert check("megaraid", "--root", str(root), "--no-history", "--no-smart").code == 0


def test_error_recovery_control_is_an_option(tmp_path: Path) -> None:
    done = run(tmp_path, SATA, smart(SATA, erc=False), "--require-erc")
    assert (line(done), done.code) == (f"WARNING - {NAME} error recovery control is off; 1 ok", 1)
    assert run(tmp_path, SATA, smart(SATA, erc=True), "--require-erc").code == 0


def test_age_of_the_last_self_test(tmp_path: Path) -> None:
    """The log counts hours in 16 bits."""
    answer = smart(SATA, hours=65592, selftest=("Completed without error", True, 65536 - 100))
    done = run(tmp_path, SATA, answer, "--selftest-age-warning", "6d")
    assert done.perfdata["c0_e252_s1_selftest_age_seconds"] == "561600s;518400;;0"
    assert (line(done), done.code) == (f"WARNING - {NAME} last self-test 6 d ago; 1 ok", 1)


NVME = {
    "smartctl": {"version": [7, 3], "exit_status": 0},
    "device": {"name": "/dev/nvme0", "type": "nvme", "protocol": "NVMe"},
    "serial_number": "NV1",
    "smart_status": {"passed": True},
    "temperature": {"current": 66},
    "nvme_smart_health_information_log": {
        "critical_warning": 0,
        "available_spare": 100,
        "available_spare_threshold": 10,
        "percentage_used": 3,
        "media_errors": 0,
    },
}


def nvme(**changes: Any) -> str:
    """smartctl of an NVMe disk."""
    log = {**NVME["nvme_smart_health_information_log"], **changes}  # type: ignore[dict-item]
    passed = not log["critical_warning"]
    return json.dumps({**NVME, "smart_status": {"passed": passed}, "nvme_smart_health_information_log": log})


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, 0, "OK - 2 disks"),
        ({"critical_warning": 16}, 2,
         "CRITICAL - /dev/nvme0 (NV1) failing: its backup of volatile memory failed; 1 ok"),
        ({"critical_warning": 2}, 1, "WARNING - /dev/nvme0 (NV1) says that it is too hot; 1 ok"),
        ({"critical_warning": 5}, 2,
         "CRITICAL - /dev/nvme0 (NV1) failing: spare blocks are used up, reliability is degraded; 1 ok"),
        ({"available_spare": 4}, 1, "WARNING - /dev/nvme0 (NV1) 4 % spare blocks left (limit 10); 1 ok"),
        ({"percentage_used": 95}, 1, "WARNING - /dev/nvme0 (NV1) 95 % of its endurance used; 1 ok"),
        ({"percentage_used": 104}, 2, "CRITICAL - /dev/nvme0 (NV1) 104 % of its endurance used; 1 ok"),
    ],
)  # fmt: skip
def test_plain_disks(changes: dict[str, Any], code: int, words: str, tmp_path: Path) -> None:
    """Without a controller; what a controller shows as sdX is left out."""
    done = local(tmp_path, {"/dev/nvme0": nvme(**changes), "/dev/sdb": smart(PaperDisk(5))})
    assert (line(done), done.code) == (words, code)


def local(place: Path, answers: dict[str, str], *options: str) -> Ran:
    """A host with plain disks: nvme0n1, sdb on host 4, sda behind a controller's host 0, a loop device."""
    block = place / "host" / "sys" / "block"
    block.mkdir(parents=True)
    block.with_name("block.ls").write_text("loop0\nnvme0n1\nsda\nsdb\nsr0\n")
    for name, where in (("sda", "0:0:0:0"), ("sdb", "4:0:0:0")):
        (block / name / "device").mkdir(parents=True)
        (block / name / "device" / "scsi_device.ls").write_text(f"{where}\n")
    driver = place / "host" / "sys/bus/pci/drivers/megaraid_sas"
    driver.mkdir(parents=True)
    driver.with_name("megaraid_sas.ls").write_text("0000:02:00.0\n")
    (driver / "0000:02:00.0.ls").write_text("host0\n")
    words = {f"-j -x -n standby {device}": text for device, text in answers.items()}
    write_answers(place / "host" / "commands" / "smartctl", {**words, "-j --scan": '{"devices": []}'})
    return check("megaraid", "--root", str(place / "host"), "--no-history", "--local", "--tool", "none", *options)


def test_a_sleeping_disk_is_left_asleep(tmp_path: Path) -> None:
    asleep = json.dumps(
        {
            "smartctl": {
                "version": [7, 3],
                "exit_status": 2,
                "messages": [{"string": "Device is in STANDBY mode, exit(2)", "severity": "information"}],
            },
            "device": {"name": "/dev/sdb"},
        }
    )
    done = local(tmp_path, {"/dev/nvme0": nvme(), "/dev/sdb": asleep})
    assert (line(done), done.code) == ("OK - 2 disks", 0)


def test_disks_without_smart_are_no_good_news(tmp_path: Path) -> None:
    nothing = json.dumps(
        {
            "smartctl": {"version": [7, 3], "exit_status": 4},
            "device": {"name": "/dev/sdb", "protocol": "SCSI"},
            "smart_support": {"available": False},
        }
    )
    done = local(tmp_path, {"/dev/nvme0": nothing, "/dev/sdb": nothing})
    assert (line(done), done.code) == ("UNKNOWN - smartctl found no disk that offers SMART", 3)


@pytest.mark.parametrize(
    ("told", "expected", "identity", "same"),
    [
        ("Z1Z00001", "Z1Z00001", "", True),
        ("Z1Z00001", "Z1Z00002", "", False),
        ("WD-WCC4N0000001", "WD-WCC4N0000001", "", True),
        ("Z4D2N2Y30000R550VMVN", "Z4D2N2Y3", "", True),
        ("Z4D2N2Y3", "Z4D2N2Y30000R550VMVN", "", True),
        ("z1z00001 ", " Z1Z00001", "", True),
        ("6SJ17KP5", "000B6SJ17KP5", "SEAGATE ST3300657SS 000B6SJ17KP5", True),
        ("6SJ17KP6", "000B6SJ17KP5", "SEAGATE ST3300657SS 000B6SJ17KP5", False),
        ("", "Z1Z00001", "", False),
        ("Z", "Z1Z00001", "", False),
    ],
)
def test_serial_numbers(told: str, expected: str, identity: str, same: bool) -> None:
    assert same_disk(told, expected, identity) is same


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"{}", b'{"smartctl": []}', b"[" * 100_000, b'{"smartctl": {"version": 7}}'],
)
def test_nonsense_is_no_health(content: bytes) -> None:
    health = parse(content)
    assert health.reason
    assert health == Health(reason=health.reason, version=health.version)


def test_any_field_may_be_of_another_kind() -> None:
    """Each value of a report in turn becomes a list, a text, a large number, nothing."""
    report = json.loads(smart(SATA, selftest=("x", False, 1), erc=True, message="m"))

    def changed(content: Any, value: object) -> list[Any]:
        if isinstance(content, dict):
            return [{**content, key: new} for key in content for new in (value, *changed(content[key], value))]
        if isinstance(content, list):
            return [
                [*content[:n], new, *content[n + 1 :]]
                for n in range(len(content))
                for new in changed(content[n], value)
            ]
        return []

    values: tuple[object, ...] = ([], "text", 10**30, None, {}, -1, 1.5, True)
    for value in values:
        for variant in changed(report, value):
            assert isinstance(parse(json.dumps(variant).encode()), Health)
