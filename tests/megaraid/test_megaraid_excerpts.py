"""What people keep of an output: some of its lines, a summary, a copy out of a document. None of it is good news alone.

Each of these was read as fine once, or as nothing at all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import check

HEAD = "Controller = 0\nStatus = Success\nDescription = None\n\n"
DASHES = "-" * 82
DRIVES = "EID:Slt DID State  DG     Size Intf Med SED PI SeSz Model              Sp Type"


def judged(tmp_path: Path, content: str) -> tuple[int, str]:
    """Exit code and the whole first line, performance data included."""
    file = tmp_path / "file"
    file.write_text(content)
    done = check("megaraid", "--no-history", "--from-file", str(file))
    assert done.stderr == b""
    return done.code, done.output.split("\n")[0].strip()


def drives(*rows: str) -> str:
    """A table of drives."""
    return "\n".join([DASHES, DRIVES, DASHES, *rows, DASHES, ""])


def answer(data: Any, **status: Any) -> str:
    """One answer in JSON."""
    head = {"Controller": "0", "Status": "Success", "Description": "None", **status}
    return json.dumps({"Controllers": [{"Command Status": head, "Response Data": data}]})


SUMMARY = """
System
        Operating System:  Linux version 4.19.0
        CLI Version: 8.07.14

Hardware
        Controller
                 ProductName       : PERC H700 Integrated(Bus 0, Dev 0)
                 Status            : {controller}
        BBU
                 BBU Type          : BBU
                 Status            : {battery}
        Enclosure
                 Product Id        : BACKPLANE
                 Status            : OK

        PD
                Connector          : 00<Internal><Encl Pos 1 >: Slot 0
                Vendor Id          : SEAGATE
                Product Id         : ST9900001SS
                State              : Online
                Disk Type          : SAS,Hard Disk Device
                Power State        : Active

                Connector          : 00<Internal><Encl Pos 1 >: Slot 1
                Vendor Id          : SEAGATE
                Product Id         : ST9900001SS
                State              : {disk}
                Disk Type          : SAS,Hard Disk Device
                Power State        : Active

                Connector          : 00<Internal>: Slot 0
                Vendor Id          : DP
                Product Id         : SAS2 EXP BP
                State              : Unconfigured Good
                Disk Type          : Unknown,Hard Disk Device
                Capacity           : 0 KB

Storage

       Virtual Drives
                Virtual drive      : Target Id 3 ,VD name data
                State              : {volume}
                RAID Level         : 1

Exit Code: 0x00
"""


@pytest.mark.parametrize(
    ("faults", "code", "line"),
    [
        (
            {},
            0,
            "MEGARAID OK - PERC H700 Integrated: 1 volume, 2 disks (1 file) | disks=2;;;0 virtual_drives=1;;;0"
            " spares=0;;;0",
        ),
        (
            {"volume": "Degraded", "disk": "Failed"},
            2,
            "MEGARAID CRITICAL - c0 v3 RAID1 degraded, not rebuilding; c0 s1 failed; 1 ok"
            " | disks=1;;;0 virtual_drives=1;;;0 spares=0;;;0",
        ),
        (
            {"controller": "Need Attention", "battery": "Replace Battery pack        PD"},
            1,
            "MEGARAID WARNING - c0 says Need Attention; c0 BBU replace battery pack; 2 ok"
            " | disks=2;;;0 virtual_drives=1;;;0 spares=0;;;0",
        ),
    ],
)
def test_summary(faults: dict[str, str], code: int, line: str, tmp_path: Path) -> None:
    healthy = {"controller": "Optimal", "battery": "Healthy", "disk": "Online", "volume": "Optimal"}
    assert judged(tmp_path, SUMMARY.format(**{**healthy, **faults})) == (code, line)


PREVIEW = """
Foreign configuration 0 on controller 0:
Number of DISK GROUPS: 1

DISK GROUP: 0
Number of Spans: 1
SPAN: 0
Virtual Drive Information:
Virtual Drive: 0 (Target Id: 0)
RAID Level          : Primary-1, Secondary-0, RAID Level Qualifier-0
State               : Degraded
Physical Disk Information:
Physical Disk: 0
Enclosure Device ID: 252
Slot Number: 7
Firmware state: Online, Spun Up
Foreign State: None

Physical Disk: 1
This Physical Disk is Missing.

Exit Code: 0x00
"""
ENCLOSURE = """
    Number of enclosures on adapter 0 -- 1

    Enclosure 0:
    Device ID                     : 252
    Number of Slots               : 8
    Status                        : {}
    Inquiry data                  :
        Vendor Identification     : LSI
        Product Identification    : SGPIO
"""
MEGACLI = {
    "slots and states": (
        "Slot Number: 4\nFirmware state: Online\nSlot Number: 5\nFirmware state: Unconfigured(bad)\n"
        "Slot Number: 6\nFirmware state: Online\n",
        2,
        "CRITICAL - c0 s5 unconfigured bad; 2 ok | disks=2;;;0 spares=0;;;0",
    ),
    "states of disks": (
        "Firmware state: Online, Spun Up\nFirmware state: Failed\nFirmware state: Online, Spun Up\n",
        2,
        "CRITICAL - c0 s? failed | disks=2;;;0 spares=0;;;0",
    ),
    "states of virtual drives": (
        "State               : Optimal\nState               : Degraded\nState               : Optimal\n",
        2,
        "CRITICAL - c0 v? degraded, not rebuilding | virtual_drives=3;;;0",
    ),
    "a state that somebody underlined": (
        "Slot Number: 0\nFIRMWARE STATE: UNCONFIGURED(BAD) ------\n",
        2,
        "CRITICAL - c0 s0 unconfigured bad | disks=0;;;0 spares=0;;;0",
    ),
    "counts with faults": (
        "Virtual Drives    : 16\n  Degraded        : 1\n  Offline         : 2\n"
        "  Disks           : 17\n  Critical Disks  : 1\n  Failed Disks    : 2\n",
        2,
        "CRITICAL - c0 counts 3 degraded or offline virtual drives, counts 2 failed disks,"
        " counts 1 disks about to fail",
    ),
    "counts without": (
        "Virtual Drives    : 16\n  Degraded        : 0\n  Offline         : 0\n"
        "  Disks           : 17\n  Critical Disks  : 0\n  Failed Disks    : 0\n",
        0,
        "OK - c0: nothing wrong in what was read (1 file)",
    ),
    "lines that xargs joined": (
        "Enclosure Device ID: 32 Slot Number: 0 Firmware state: Failed Inquiry Data: SEAGATE ST9900001SS\n"
        "Enclosure Device ID: 32 Slot Number: 1 Firmware state: Online, Spun Up Inquiry Data: SEAGATE ST9900001SS\n",
        2,
        "CRITICAL - c0 e32:s0 (ST9900001SS) failed; 1 ok | disks=1;;;0 spares=0;;;0",
    ),
    "all line ends were lost": (
        "Adapter #0Enclosure Device ID: 32Slot Number: 0Device Id: 0Media Error Count: 0Other Error Count: 0"
        "Predictive Failure Count: 0Last Predictive Failure Event Seq Number: 0PD Type: SASFirmware state: Online"
        "Enclosure Device ID: 32Slot Number: 1Device Id: 1Media Error Count: 0Other Error Count: 0"
        "Predictive Failure Count: 3Last Predictive Failure Event Seq Number: 9PD Type: SASFirmware state: Online\n",
        1,
        "WARNING - c0 e32:s1 about to fail: 3 predictive failures; 1 ok | disks=2;;;0"
        " c0_e32_s0_media_errors_total=0c;;;0 c0_e32_s1_media_errors_total=0c;;;0 spares=0;;;0",
    ),
    "counts of disks alone": (
        "Media Error Count: 0\nOther Error Count: 0\nPredictive Failure Count: 2\n"
        "Media Error Count: 0\nOther Error Count: 0\nPredictive Failure Count: 0\n",
        1,
        "WARNING - c0 s? about to fail: 2 predictive failures | disks=2;;;0 spares=0;;;0",
    ),
    "foreign states alone": (
        "Foreign State: None\nForeign State: Foreign\nForeign State: None\n",
        1,
        "WARNING - c0 foreign configuration (1) | disks=3;;;0 spares=0;;;0",
    ),
    "SMART alerts alone": (
        "Drive has flagged a S.M.A.R.T alert : Yes\nDrive has flagged a S.M.A.R.T alert : No\n",
        1,
        "WARNING - c0 s? about to fail: SMART alert | disks=2;;;0 spares=0;;;0",
    ),
    "a foreign configuration": (PREVIEW, 1, "WARNING - c0 foreign configuration (1)"),
    "a foreign configuration before the own": (
        PREVIEW + "Adapter 0 -- Virtual Drive Information:\nVirtual Drive: 0 (Target Id: 0)\n"
        "RAID Level : Primary-1, Secondary-0, RAID Level Qualifier-0\nState : Optimal\n",
        1,
        "WARNING - c0 foreign configuration (1) | virtual_drives=1;;;0",
    ),
    "names of virtual drives alone": (
        "Virtual Drive: 0 (Target Id: 0)\n",
        3,
        "UNKNOWN - c0 no state of a virtual drive | virtual_drives=1;;;0",
    ),
    "an event log": (
        "seqNum: 0x00000a01\nEvent Description: Unexpected sense: PD 05(e0x20/s5)\nEvent Data:\n===========\n"
        "Device ID: 5\nEnclosure Index: 32\nSlot Number: 5\n",
        3,
        "UNKNOWN - c0 no state of a disk",
    ),
    "an enclosure": (ENCLOSURE.format("Normal"), 0, "OK - nothing wrong in what was read (1 file)"),
    "an enclosure with a fault": (ENCLOSURE.format("Critical"), 3, "UNKNOWN - c0 enclosure 0 says Critical"),
    "a curly apostrophe": (
        "Virtual Drive: 0 (Target Id: 0)\nRAID Level : Primary-1, Secondary-0, RAID Level Qualifier-0\n"
        "State : Degraded\n"
        "Enclosure Device ID: 32\nSlot Number: 0\nDrive\u2019s postion: DiskGroup: 0, Span: 0, Arm: 0\n"
        "Firmware state: Online, Spun Up\n"
        "Enclosure Device ID: 32\nSlot Number: 1\nDrive\u2019s postion: DiskGroup: 0, Span: 0, Arm: 1\n"
        "Firmware state: Rebuild\n",
        2,
        "CRITICAL - c0 v0 RAID1 degraded, rebuild, no redundancy left; 1 ok"
        " | disks=2;;;0 virtual_drives=1;;;0 spares=0;;;0",
    ),
    "a hot battery": (
        "BBU status for Adapter: 0\n\nBatteryType: iBBU\nTemperature: 66 C\nBBU Firmware Status:\n"
        "  Charging Status : None\n  Temperature : High\nBattery State : Optimal\nGasGuageStatus:\n"
        "  Over Temperature : Yes\n  Over Charged : No\n",
        1,
        "WARNING - c0 BBU temperature high, over temperature | c0_BBU_battery_celsius=66",
    ),
}


@pytest.mark.parametrize("kept", MEGACLI)
def test_lines_of_megacli(kept: str, tmp_path: Path) -> None:
    text, code, line = MEGACLI[kept]
    assert judged(tmp_path, text) == (code, f"MEGARAID {line}")


GROUP = f"""TOPOLOGY :
========

{DASHES}
DG Arr Row EID:Slot DID Type  State BT     Size PDC  PI SED DS3  FSpace TR
{DASHES}
 1 -   -   -        -   RAID5 Dgrd  N  7.276 TB dflt N  N   dflt N      N
 1 0   -   -        -   RAID5 Dgrd  N  7.276 TB dflt N  N   dflt N      N
 1 0   0   32:1     1   DRIVE Onln  N  3.637 TB dflt N  N   dflt -      N
 1 0   1   32:4     4   DRIVE {{}}  Y  3.637 TB dflt N  N   dflt -      N
{DASHES}
"""
PROGRESS = f"""{{}}{DASHES}
Drive-ID   Progress% Status      Estimated Time Left
{DASHES}
{{}}
{DASHES}
"""
REBUILD = HEAD.replace("None", "Show Drive Rebuild Status Succeeded.")
GOOD = "32:1      1 Onln    0 1.089 TB SAS  HDD N   N  512B ST9900001SS        U  -"
BAD = "32:2      2 UBad    - 1.089 TB SAS  HDD N   N  512B ST9900001SS        U  -"
STORCLI = {
    "a topology": (
        HEAD + GROUP.format("Offln"),
        2,
        "CRITICAL - c0 dg1 RAID5 degraded, not rebuilding; c0 e32:s4 offline; 1 ok"
        " | disks=1;;;0 virtual_drives=1;;;0 spares=0;;;0",
    ),
    "a topology without its head": (
        GROUP.format("Rbld "),
        2,
        "CRITICAL - c0 dg1 RAID5 degraded, rebuild, no redundancy left; 1 ok"
        " | disks=2;;;0 virtual_drives=1;;;0 spares=0;;;0",
    ),
    "an old virtual drive, and rows apart": (
        HEAD
        + f"/c0/v0 :\n======\n{DASHES}\nDG/VD TYPE  State Access Consist Cache  sCC       Size Name\n{DASHES}\n"
        + f"0/0   RAID5 Optl  RW     Yes     RaAWBD -   446.125 GB\n{DASHES}\n"
        + drives(GOOD, "", BAD),
        2,
        "CRITICAL - c0 e32:s2 unconfigured bad; 1 ok | disks=1;;;0 virtual_drives=1;;;0 spares=0;;;0",
    ),
    "a document's indentation": (
        "".join(f"    {line}\n" for line in (HEAD + drives(GOOD, BAD)).split("\n")),
        2,
        "CRITICAL - c0 e32:s2 unconfigured bad; 1 ok | disks=1;;;0 spares=0;;;0",
    ),
    "dashes were lost": (
        f"{HEAD}{DRIVES}\n{GOOD}\n{BAD}\n",
        2,
        "CRITICAL - c0 e32:s2 unconfigured bad; 1 ok | disks=1;;;0 spares=0;;;0",
    ),
    "the columns were lost": (
        f"{HEAD}{BAD}\n",
        3,
        "UNKNOWN - c0 a drive cannot be read: 32:2 2 UBad - 1.089 TB SAS HDD N N 512B ST9900001SS U -",
    ),
    "equals signs were lost": (
        f"Drive Information :\n{drives(GOOD, BAD)}",
        2,
        "CRITICAL - c0 e32:s2 unconfigured bad; 1 ok | disks=1;;;0 spares=0;;;0",
    ),
    "foreign groups without a head": (
        f"FOREIGN CONFIGURATION :\n{DASHES}\nDG EID:Slot Type  State       Size NoVDs\n{DASHES}\n"
        f" 0 -        RAID5 Frgn   3.637 TB     1\n{DASHES}\n",
        1,
        "WARNING - c0 foreign configuration (1)",
    ),
    "a hot battery": (
        f"{HEAD}GasGaugeStatus :\n==============\n\n{DASHES}\nProperty                Value\n{DASHES}\n"
        f"Fully Discharged        No\nOver Temperature        Yes\nOver Charged            No\n{DASHES}\n",
        1,
        "WARNING - c0 BBU over temperature",
    ),
    "rebuild": (
        PROGRESS.format(REBUILD, "/c0/e32/s4         3 In progress 4 Hours 10 Minutes"),
        1,
        "WARNING - c0 e32:s4 rebuild 3 %, done in 2.8-6.2 h | c0_e32_s4_until_done_upper_seconds=22500s"
        " c0_e32_s4_until_done_seconds=15000s c0_e32_s4_until_done_lower_seconds=10000s",
    ),
    "rebuild, spaces were lost": (
        PROGRESS.format(REBUILD, "/c0/e252/s14 3 In progress -"),
        1,
        "WARNING - c0 e252:s14 rebuild 3 %",
    ),
    "work of some kind": (
        PROGRESS.format("", "/c0/e32/s4         3 In progress -"),
        0,
        "OK - nothing wrong in what was read (1 file); c0 e32:s4 work in progress 3 %",
    ),
    "a drive that is not supported": (
        HEAD + drives(GOOD, BAD.replace("UBad ", "UGUnsp")),
        1,
        "WARNING - c0 e32:s2 not supported by its controller; 1 ok | disks=2;;;0 spares=0;;;0",
    ),
    "a bad drive that is not supported": (
        HEAD + drives(GOOD, BAD.replace("UBad ", "UBUnsp")),
        2,
        "CRITICAL - c0 e32:s2 unconfigured bad; 1 ok | disks=1;;;0 spares=0;;;0",
    ),
    "a drive that is wiped": (
        HEAD + drives(GOOD, BAD.replace("UBad", "Sntze")),
        0,
        "OK - 2 disks (1 file); c0 e32:s2 being erased | disks=2;;;0 spares=0;;;0",
    ),
    "a battery with spaces in its row": (
        f"{HEAD}BBU_Info :\n========\n\n{DASHES}\nModel  State   RetentionTime Temp Mode MfgDate    Next Learn\n"
        f"{DASHES}\niBBU08 Optimal 48 hours +    27C  4    2011/12/14 2021/01/29  15:47:51\n{DASHES}\n",
        0,
        "OK - nothing wrong in what was read (1 file) | c0_BBU_battery_celsius=27",
    ),
    "an overview with a fault": (
        answer({"System Overview": [{"Ctl": 0, "Model": "9271-8i", "VNOpt": 1, "BBU": "Msng", "Hlth": "Opt"}]}),
        2,
        "CRITICAL - c0 counts 1 degraded or offline virtual drives",
    ),
    "an overview without": (
        answer({"System Overview": [{"Ctl": 0, "Model": "9361-8i", "VNOpt": 0, "BBU": "Msng", "Hlth": "Opt"}]}),
        0,
        "OK - 9361-8i: nothing wrong in what was read (1 file)",
    ),
}
SECOND = {"EID:Slt": "306:4", "PID": 297, "State": "Conf", "Status": "Online", "DG": 4, "Med": "HDD", "Model": "ST99"}
INFORMATION = {"DG/VD": "4/1", "TYPE": "RAID6", "State": "Dgrd", "CurrentCache": "NR,WB", "DefaultCache": "NR,WB"}
STORCLI2 = {
    "counts of faults": (
        answer(
            {
                "Status": {
                    "Controller Status": "Optimal",
                    "VD Degraded Count": 1,
                    "VD Offline Count": 1,
                    "Failed PD Drive Count": 1,
                    "Critical Predictive Failure PD Drive Count": 1,
                },
                "HwCfg": {"Board temperature(C)": 46},
            }
        ),
        2,
        "CRITICAL - c0 counts 2 degraded or offline virtual drives, counts 1 failed disks,"
        " counts 1 disks about to fail | c0_board_celsius=46",
    ),
    "preserved cache": (
        answer({"Status": {"Controller Status": "Optimal", "Preserved Cache Present": "Yes"}}),
        2,
        "CRITICAL - c0 keeps unwritten data of a lost virtual drive",
    ),
    "drives of a virtual drive": (
        answer({"Virtual Drives": [{"VD Info": INFORMATION, "PDs": [{**SECOND, "Status": "Rebuild"}]}]}),
        1,
        "WARNING - c0 v1 RAID6 degraded, rebuild | disks=1;;;0 virtual_drives=1;;;0 spares=0;;;0",
    ),
    "a degraded drive": (
        answer({"PD LIST": [{**SECOND, "State": "ConfDgrd"}], "Physical Drives": 1}),
        2,
        "CRITICAL - c0 e306:s4 degraded | disks=1;;;0 virtual_drives=0;;;0 spares=0;;;0",
    ),
    "a shielded drive that failed": (
        answer({"PD LIST": [{**SECOND, "State": "ConfShld", "Status": "Failed"}], "Physical Drives": 1}),
        2,
        "CRITICAL - c0 e306:s4 failed | disks=0;;;0 virtual_drives=0;;;0 spares=0;;;0",
    ),
    "a drive that is wiped": (
        answer({"PD LIST": [{**SECOND, "State": "UConfSntz", "Status": "Good"}], "Physical Drives": 1}),
        0,
        "OK - c0: 0 volumes, 1 disk (1 file); c0 e306:s4 being erased | disks=1;;;0 virtual_drives=0;;;0 spares=0;;;0",
    ),
    "a drive that is not supported": (
        answer({"PD LIST": [{**SECOND, "State": "UConfUnsp", "Status": "Good"}], "Physical Drives": 1}),
        1,
        "WARNING - c0 e306:s4 not supported by its controller | disks=1;;;0 virtual_drives=0;;;0 spares=0;;;0",
    ),
    "an energy pack as pairs": (
        answer({"Energy Pack Properties": {"Type": "Supercap", "Status": "Critical", "Temperature(C)": 23}}),
        1,
        "WARNING - c0 CacheVault critical | c0_CacheVault_battery_celsius=23",
    ),
    "no such controller": (
        answer(None, Controller=5, Status="Failure", Description="Controller 5 not found"),
        3,
        "UNKNOWN - c5 no such controller",
    ),
    "no such drive": (
        answer(
            None,
            Status="Failure",
            Description="No PD found.",
            **{"Detailed Status": [{"EID:Slt": "306:99", "ErrCd": 255, "ErrMsg": "Drive not found"}]},
        ),
        3,
        "UNKNOWN - c0 no such drive",
    ),
}


@pytest.mark.parametrize("kept", STORCLI)
def test_parts_of_storcli(kept: str, tmp_path: Path) -> None:
    text, code, line = STORCLI[kept]
    assert judged(tmp_path, text) == (code, f"MEGARAID {line}")


@pytest.mark.parametrize("kept", STORCLI2)
def test_parts_of_storcli2(kept: str, tmp_path: Path) -> None:
    text, code, line = STORCLI2[kept]
    assert judged(tmp_path, text) == (code, f"MEGARAID {line}")
