"""A RAID on paper, and what MegaCli, storcli, storcli2 and smartctl would print of it.

The vendor tools are proprietary, and few of their outputs with faults are to be had. These are made by hand after the
real ones: the same keys, spelling and layout, down to "Adapter #0" in one command and "Adapter 0 --" in the next.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass
class PaperDisk:
    """One disk."""

    slot: int
    enclosure: int | None = 252
    device: int = -1  # -1: as the slot
    state: str = "Onln"  # storcli's word
    group: int | None = 0
    serial: str = ""
    model: str = "ST3000NM0033-9ZM178"
    sas: bool = False
    solid: bool = False
    media: int = 0
    other: int = 0
    predictive: int = 0
    alert: bool = False
    celsius: int | None = 34
    foreign: bool = False
    down: bool = False
    progress: tuple[int, int] | None = None  # percent, minutes
    left: str = ""  # storcli's estimate

    def __post_init__(self) -> None:
        self.device = self.slot if self.device < 0 else self.device
        self.serial = self.serial or f"Z1Z{self.slot:05}"


@dataclass
class PaperVolume:
    """One virtual drive."""

    number: int = 0
    group: int = 0
    level: str = "RAID6"
    state: str = "Optl"  # storcli's word
    cache: str = "RWBD"  # storcli's word, current
    default: str = "WriteBack"
    bad_bbu_ok: bool = False
    disk_cache: str = "Disabled"
    operation: tuple[str, int, int] | None = None  # name, percent, minutes


@dataclass
class PaperBattery:
    """A battery or CacheVault."""

    kind: str = "CacheVault"
    state: str = "Optimal"
    celsius: int = 30
    flags: dict[str, str] = field(default_factory=dict)  # MegaCli's names: "Learn Cycle Active": "Yes"


@dataclass
class PaperController:
    """One controller with all that hangs on it."""

    number: int = 0
    model: str = "PERC H730P Mini"
    serial: str = "58L01AB"
    status: str = "Optimal"
    pci: str = "00:02:00:00"
    roc: int = 60
    correctable: int = 0
    uncorrectable: int = 0
    cache_mb: int = 2048
    preserved: bool = False
    foreign: int = 0
    missing: tuple[tuple[int, int], ...] = ()  # array, row
    pinned: tuple[int, ...] = ()
    battery: PaperBattery | None = field(default_factory=PaperBattery)
    volumes: list[PaperVolume] = field(default_factory=lambda: [PaperVolume()])
    disks: list[PaperDisk] = field(default_factory=lambda: [PaperDisk(slot) for slot in range(4)])


_MEGACLI_DISKS = {
    "Onln": "Online, Spun Up",
    "UGood": "Unconfigured(good), Spun Up",
    "UBad": "Unconfigured(bad)",
    "GHS": "Hotspare, Spun Up",
    "DHS": "Hotspare, Spun Up",
    "Offln": "Offline",
    "Failed": "Failed",
    "Rbld": "Rebuild",
    "Cpybck": "Copyback",
    "JBOD": "JBOD",
    "Msng": "Missing",
}
_MEGACLI_VOLUMES = {"Optl": "Optimal", "Dgrd": "Degraded", "Pdgd": "Partially Degraded", "OfLn": "Offline"}
_STORCLI2_DISKS = {
    "Onln": ("Conf", "Online"),
    "UGood": ("UConf", "Good"),
    "UBad": ("UConf", "Bad"),
    "GHS": ("GHS", "Good"),
    "DHS": ("DHS", "Good"),
    "Offln": ("Conf", "Offline"),
    "Failed": ("Conf", "Failed"),
    "Rbld": ("Conf", "Rebuild"),
    "Cpybck": ("Conf", "Copyback"),
    "JBOD": ("JBOD", "Online"),
}
_LEVELS = {
    "RAID0": "Primary-0, Secondary-0, RAID Level Qualifier-0",
    "RAID1": "Primary-1, Secondary-0, RAID Level Qualifier-0",
    "RAID5": "Primary-5, Secondary-0, RAID Level Qualifier-3",
    "RAID6": "Primary-6, Secondary-0, RAID Level Qualifier-3",
    "RAID10": "Primary-1, Secondary-0, RAID Level Qualifier-0",
}
_FLAGS = (
    "Learn Cycle Requested",
    "Learn Cycle Active",
    "Learn Cycle Timeout",
    "I2c Errors Detected",
    "Battery Pack Missing",
    "Battery Replacement required",
    "Remaining Capacity Low",
    "Pack is about to fail & should be replaced",
    "Module microcode update required",
)
_END = "\nExit Code: 0x00\n"


def _words(cache: str, bad_bbu_ok: bool) -> str:
    """MegaCli's words for storcli's "NRWBD"."""
    read = "ReadAheadNone" if cache.startswith("NR") else "ReadAhead"
    write = "WriteThrough" if "WT" in cache else "WriteBack"
    io = "Cached" if cache.endswith("C") else "Direct"
    return f"{write}, {read}, {io}, {'Write Cache OK' if bad_bbu_ok else 'No Write Cache'} if Bad BBU"


def _megacli_disk(disk: PaperDisk) -> str:
    state = _MEGACLI_DISKS[disk.state]
    if disk.down:
        state = state.replace("Spun Up", "Spun down")
    if disk.sas:
        inquiry = f"{'SEAGATE':8}{disk.model:16}000B{disk.serial:20}"
    else:
        inquiry = f"{disk.serial:>20}{disk.model:40}SN04    "
    position = "" if disk.group is None else f"Drive's postion: DiskGroup: {disk.group}, Span: 0, Arm: {disk.slot}\n"
    heat = "N/A" if disk.celsius is None else f"{disk.celsius}C ({disk.celsius * 1.8 + 32:.2f} F)"
    return f"""Enclosure Device ID: {"N/A" if disk.enclosure is None else disk.enclosure}
Slot Number: {disk.slot}
{position}Enclosure position: 1
Device Id: {disk.device}
WWN: 5000C500{disk.device:08X}
Sequence Number: 2
Media Error Count: {disk.media}
Other Error Count: {disk.other}
Predictive Failure Count: {disk.predictive}
Last Predictive Failure Event Seq Number: 0
PD Type: {"SAS" if disk.sas else "SATA"}

Raw Size: 2.728 TB [0x15d50a3b0 Sectors]
Firmware state: {state}
Device Firmware Level: SN04
Shield Counter: 0
Connected Port Number: 0(path0)
Inquiry Data: {inquiry}
Foreign State: {"Foreign" if disk.foreign else "None"}
Device Speed: 6.0Gb/s
Media Type: {"Solid State Device" if disk.solid else "Hard Disk Device"}
Drive:  Not Certified
Drive Temperature :{heat}
Port-0 :
Port status: Active
Drive has flagged a S.M.A.R.T alert : {"Yes" if disk.alert else "No"}



"""


def _megacli_volume(volume: PaperVolume, disks: list[PaperDisk]) -> str:
    members = [disk for disk in disks if disk.group == volume.group]
    spans = 2 if volume.level in ("RAID10", "RAID50", "RAID60") else 1
    lines = [
        f"Virtual Drive: {volume.number} (Target Id: {volume.number})",
        "Name                :",
        f"RAID Level          : {_LEVELS[volume.level]}",
        "Size                : 10.913 TB",
        "Sector Size         : 512",
        f"State               : {_MEGACLI_VOLUMES[volume.state]}",
        "Strip Size          : 64 KB",
        f"Number Of Drives    : {len(members) // spans}",
        f"Span Depth          : {spans}",
        f"Default Cache Policy: {volume.default}, ReadAhead, Direct, No Write Cache if Bad BBU",
        f"Current Cache Policy: {_words(volume.cache, volume.bad_bbu_ok)}",
        "Default Access Policy: Read/Write",
        "Current Access Policy: Read/Write",
        f"Disk Cache Policy   : {volume.disk_cache}",
    ]
    if volume.operation:
        name, percent, minutes = volume.operation
        lines += ["Ongoing Progresses:", f"  {name:25}: Completed {percent}%, Taken {minutes} min."]
    return "\n".join([*lines, "Encryption Type     : None", "Bad Blocks Exist: No", "Is VD Cached: No", "", ""])


def _megacli_battery(controller: PaperController) -> str:
    battery = controller.battery
    if battery is None:
        return f"\nAdapter {controller.number}: Get BBU Status Failed.\n\nFW error description:\n  not supported\n"
    flags = "\n".join(f"  {name:40}: {battery.flags.get(name, 'No')}" for name in _FLAGS)
    return f"""
BBU status for Adapter: {controller.number}

BatteryType: {"CVPM02" if battery.kind == "CacheVault" else "iBBU08"}
Voltage: 4041 mV
Current: 0 mA
Temperature: {battery.celsius} C
Battery State     : {battery.state}
BBU Firmware Status:

  Charging Status              : {battery.flags.get("Charging Status", "None")}
  Voltage                                 : {battery.flags.get("Voltage", "OK")}
  Temperature                             : OK
{flags}

GasGuageStatus:
  Fully Discharged        : No
  Relative State of Charge: 98 %

BBU Properties for Adapter: {controller.number}

  Auto Learn Period: 90 Days
  BBU Mode: Enabled
"""


def megacli(controllers: list[PaperController]) -> dict[str, str]:
    """Arguments -> output."""
    answers = dict.fromkeys(
        ("-LDInfo -Lall", "-PDList", "-AdpAllInfo", "-AdpBbuCmd", "-CfgForeign -Scan", "-PDGetMissing"), "\n"
    )
    answers["-GetPreservedCacheList"] = "\n"
    extra: dict[str, str] = {}
    for c in controllers:
        answers["-LDInfo -Lall"] += f"\nAdapter {c.number} -- Virtual Drive Information:\n"
        answers["-LDInfo -Lall"] += "".join(_megacli_volume(volume, c.disks) for volume in c.volumes)
        if not c.volumes:
            answers["-LDInfo -Lall"] += f"Adapter {c.number}: No Virtual Drive Configured.\n"
        answers["-PDList"] += f"\nAdapter #{c.number}\n\n" + "".join(_megacli_disk(disk) for disk in c.disks)
        answers["-AdpAllInfo"] += _megacli_adapter(c)
        answers["-AdpBbuCmd"] += _megacli_battery(c)
        count = f"are {c.foreign} foreign configuration(s)" if c.foreign else "is no foreign configuration"
        answers["-CfgForeign -Scan"] += f"\nThere {count} on controller {c.number}.\n"
        if c.missing:
            rows = "".join(
                f"    {n}     {array}       {row}     952720 MB\n" for n, (array, row) in enumerate(c.missing)
            )
            answers["-PDGetMissing"] += f"\n    Adapter {c.number} - Missing Physical drives\n\n"
            answers["-PDGetMissing"] += f"    No.   Array   Row   Size Expected\n{rows}"
        else:
            answers["-PDGetMissing"] += f"\nAdapter {c.number} - No Missing Drive is Found.\n"
        answers["-GetPreservedCacheList"] += f"\nAdapter #{c.number}\n" + (
            "".join(f"Virtual Drive(Target ID {number:02}): Missing.\n" for number in c.pinned)
            or f"\nAdapter #{c.number}: No Virtual Drive has Preserved Cache Data.\n"
        )
        for disk in c.disks:
            if disk.progress and disk.state in ("Rbld", "Cpybck"):
                percent, minutes = disk.progress
                word, name = ("-PDRbld", "Rebuild") if disk.state == "Rbld" else ("-PDCpyBk", "Copyback")
                extra[f"{word} -ShowProg -PhysDrv[{disk.enclosure}:{disk.slot}] -a{c.number} -NoLog"] = (
                    f"\n{name} Progress on Device at Enclosure {disk.enclosure}, Slot {disk.slot}"
                    f" Completed {percent}% in {minutes} Minutes.\n{_END}"
                )
    return {f"{words} -aALL -NoLog": text + _END for words, text in answers.items()} | extra


def _megacli_adapter(c: PaperController) -> str:
    return f"""
Adapter #{c.number}

==============================================================================
                    Versions
                ================
Product Name    : {c.model}
Serial No       : {c.serial}
FW Package Build: 25.5.9.0001

                HW Configuration
                ================
SAS Address      : 5782bcb02f0a7700
BBU              : {"Absent" if c.battery is None else "Present"}
Alarm            : Absent
Memory Size      : {c.cache_mb}MB
ROC temperature : {c.roc}  degree Celcius

                Device Present
                ================
Virtual Drives    : {len(c.volumes)}
  Degraded        : 0
  Offline         : 0
Physical Devices  : {len(c.disks) + 1}
  Disks           : {len(c.disks)}
  Critical Disks  : 0
  Failed Disks    : 0

                Error Counters
                ================
Memory Correctable Errors   : {c.correctable}
Memory Uncorrectable Errors : {c.uncorrectable}

                Status
                ================
ECC Bucket Count                 : 0
Any Offline VD Cache Preserved   : {"Yes" if c.preserved else "No"}
"""


def _place(disk: PaperDisk) -> str:
    return f"{'' if disk.enclosure is None else disk.enclosure}:{disk.slot}"


def _row(disk: PaperDisk, second: bool = False) -> dict[str, Any]:
    group = "F" if disk.foreign else "-" if disk.group is None else disk.group
    common = {
        "Size": "2.728 TB",
        "Intf": "SAS" if disk.sas else "SATA",
        "Med": "SSD" if disk.solid else "HDD",
        "SeSz": "512B",
        "Model": disk.model,
        "Sp": "D" if disk.down else "U",
    }
    if second:
        state, status = _STORCLI2_DISKS[disk.state]
        return {"EID:Slt": _place(disk), "PID": disk.device, "State": state, "Status": status, "DG": group, **common}
    return {"EID:Slt": _place(disk), "DID": disk.device, "State": disk.state, "DG": group, **common, "Type": "-"}


def _details(disk: PaperDisk, number: int) -> dict[str, Any]:
    path = f"/c{number}" + ("" if disk.enclosure is None else f"/e{disk.enclosure}") + f"/s{disk.slot}"
    heat = "N/A" if disk.celsius is None else f" {disk.celsius}C ({disk.celsius * 1.8 + 32:.2f} F)"
    return {
        f"Drive {path}": [_row(disk)],
        f"Drive {path} - Detailed Information": {
            f"Drive {path} State": {
                "Shield Counter": 0,
                "Media Error Count": disk.media,
                "Other Error Count": disk.other,
                "Drive Temperature": heat,
                "Predictive Failure Count": disk.predictive,
                "S.M.A.R.T alert flagged by drive": "Yes" if disk.alert else "No",
            },
            f"Drive {path} Device attributes": {
                "SN": f"{disk.serial:20}",
                "Manufacturer Id": "SEAGATE " if disk.sas else "ATA     ",
                "Model Number": disk.model,
                "WWN": f"5000C500{disk.device:08X}",
            },
        },
    }


def _answer(number: int, data: Any, **status: Any) -> dict[str, Any]:
    head = {"CLI Version": "007.1616.0000.0000 Dec 24, 2020", "Operating system": "Linux 6.1.0", "Controller": number}
    answer: dict[str, Any] = {"Command Status": {**head, "Status": "Success", "Description": "None", **status}}
    if data is not None:
        answer["Response Data"] = data
    return answer


def _document(answers: list[dict[str, Any]]) -> str:
    return json.dumps({"Controllers": answers}, indent=1)


def _volume_row(volume: PaperVolume) -> dict[str, Any]:
    return {
        "DG/VD": f"{volume.group}/{volume.number}",
        "TYPE": volume.level,
        "State": volume.state,
        "Access": "RW",
        "Consist": "Yes",
        "Cache": volume.cache.replace("WB", "AWB") if volume.bad_bbu_ok else volume.cache,
        "Cac": "-",
        "sCC": "ON",
        "Size": "10.913 TB",
        "Name": "",
    }


def _show_all(c: PaperController) -> dict[str, Any]:
    data: dict[str, Any] = {
        "Basics": {"Controller": c.number, "Model": c.model, "Serial Number": c.serial, "PCI Address": c.pci},
        "Version": {"Firmware Version": "4.680.00-8417", "Driver Name": "megaraid_sas"},
        "Status": {
            "Controller Status": c.status,
            "Memory Correctable Errors": c.correctable,
            "Memory Uncorrectable Errors": c.uncorrectable,
            "ECC Bucket Count": 0,
            "Any Offline VD Cache Preserved": "Yes" if c.preserved else "No",
        },
        "HwCfg": {
            "BBU": "Absent" if c.battery is None else "Present",
            "On Board Memory Size": f"{c.cache_mb}MB",
            "ROC temperature(Degree Celsius)": c.roc,
        },
        "Drive Groups": len({volume.group for volume in c.volumes}),
        "TOPOLOGY": [
            {"DG": 0, "Arr": array, "Row": row, "EID:Slot": "-", "DID": "-", "Type": "DRIVE", "State": "Msng"}
            for array, row in c.missing
        ],
        "Virtual Drives": len(c.volumes),
        "VD LIST": [_volume_row(volume) for volume in c.volumes],
        "Physical Drives": len(c.disks),
        "PD LIST": [_row(disk) for disk in c.disks],
    }
    if c.battery:
        name = "Cachevault_Info" if c.battery.kind == "CacheVault" else "BBU_Info"
        data[name] = [{"Model": "CVPM02", "State": c.battery.state, "Temp": f"{c.battery.celsius}C", "Mode": "-"}]
    return data


def _properties(volume: PaperVolume) -> dict[str, Any]:
    operation = f"{volume.operation[0]} ({volume.operation[1]}%)" if volume.operation else "None"
    return {
        "Strip Size": "64 KB",
        "Write Cache(initial setting)": volume.default,
        "Disk Cache Policy": volume.disk_cache,
        "Active Operations": operation,
        "Exposed to OS": "Yes",
    }


def storcli(controllers: list[PaperController]) -> dict[str, str]:
    """Arguments -> output, as JSON."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for c in controllers:
        drives: dict[str, dict[str, Any]] = {"eall/sall": {}, "sall": {}}
        progress: dict[str, dict[str, list[dict[str, Any]]]] = {
            "eall/sall": {"rebuild": [], "copyback": []},
            "sall": {"rebuild": [], "copyback": []},
        }
        for disk in c.disks:
            where = "sall" if disk.enclosure is None else "eall/sall"
            drives[where].update(_details(disk, c.number))
            for state, what in (("Rbld", "rebuild"), ("Cpybck", "copyback")):
                on = disk.state == state and disk.progress
                progress[where][what].append(
                    {
                        "Drive-ID": f"/c{c.number}"
                        + (f"/e{disk.enclosure}" if where != "sall" else "")
                        + f"/s{disk.slot}",
                        "Progress%": disk.progress[0] if on and disk.progress else "-",
                        "Status": "In progress" if on else "Not in progress",
                        "Estimated Time Left": disk.left or "-",
                    }
                )
        volumes: dict[str, Any] = {}
        for volume in c.volumes:
            volumes[f"/c{c.number}/v{volume.number}"] = [_volume_row(volume)]
            volumes[f"PDs for VD {volume.number}"] = [_row(disk) for disk in c.disks if disk.group == volume.group]
            volumes[f"VD{volume.number} Properties"] = _properties(volume)
        answers.setdefault("/call", []).append(_answer(c.number, _show_all(c)))
        answers.setdefault("/call/vall", []).append(_answer(c.number, volumes))
        for where, data in drives.items():
            answers.setdefault(f"/call/{where}", []).append(_answer(c.number, data))
            for what, rows in progress[where].items():
                answers.setdefault(f"/call/{where} {what}", []).append(_answer(c.number, rows))
        answers.setdefault("/call/fall", []).append(_foreign(c))
        for part in ("cv", "bbu"):
            answers.setdefault(f"/call/{part}", []).append(_battery(c, part))
    return {
        f"{path} show {what or 'all'} nolog J": _document(content)
        for key, content in answers.items()
        for path, _, what in [key.partition(" ")]
    }


def _foreign(c: PaperController) -> dict[str, Any]:
    if c.foreign:
        rows = [{"DG": n, "EID:Slot": "-", "Type": "RAID5", "State": "Frgn", "NoVDs": 1} for n in range(c.foreign)]
        return _answer(c.number, {"FOREIGN CONFIGURATION": rows, "Total foreign Drive Groups": c.foreign})
    nothing = [{"Controller": c.number, "Status": "Failure", "ErrCd": 50, "ErrMsg": "No foreign configuration"}]
    return _answer(
        c.number, None, Status="Failure", Description="No foreign configuration found.", **{"Detailed Status": nothing}
    )


def _battery(c: PaperController, part: str) -> dict[str, Any]:
    kinds = {"cv": "CacheVault", "bbu": "BBU"}
    if c.battery is None or c.battery.kind != kinds[part]:
        code, message = (34, "Cachevault is absent!") if part == "cv" else (255, "use /cx/cv")
        detail = [{"Ctrl": c.number, "Status": "Failed", "Property": "-", "ErrMsg": message, "ErrCd": code}]
        return _answer(c.number, None, Status="Failure", **{"Detailed Status": detail})
    info = [("Type", "CVPM02"), ("Temperature", f"{c.battery.celsius} C"), ("State", c.battery.state)]
    name = "Cachevault_Info" if part == "cv" else "BBU_Info"
    flags = [{"Property": name, "Value": c.battery.flags.get(name, "No")} for name in _FLAGS]
    status = "Firmware_Status" if part == "cv" else "BBU_Firmware_Status"
    return _answer(c.number, {name: [{"Property": key, "Value": value} for key, value in info], status: flags})


def storcli2(controllers: list[PaperController]) -> dict[str, str]:
    """Arguments -> output of storcli2 and perccli2 (008.x)."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for c in controllers:
        data = _show_all(c)
        del data["HwCfg"]["ROC temperature(Degree Celsius)"], data["Basics"]["Model"]
        data["HwCfg"]["Chip temperature(C)"] = c.roc
        data["Basics"]["Product Name"] = c.model
        data["PD LIST"] = [_row(disk, second=True) for disk in c.disks]
        cache = {volume.number: ("NR" if volume.cache[0] == "N" else "R", volume.cache) for volume in c.volumes}
        rows = []
        for volume in c.volumes:
            row = _volume_row(volume)
            read, word = cache[volume.number]
            del row["Cache"], row["Cac"], row["sCC"], row["Consist"]
            row["CurrentCache"] = f"{read},{'WT' if 'WT' in word else 'WB'}"
            row["DefaultCache"] = f"{read},{'WT' if volume.default == 'WriteThrough' else 'WB'}"
            rows.append(row)
        data["VD LIST"] = rows
        for key in ("Cachevault_Info", "BBU_Info"):
            data.pop(key, None)
        pack = []
        if c.battery:
            pack = [
                {
                    "Type": "Supercap",
                    "SubType": "FBU345",
                    "Temperature(C)": c.battery.celsius,
                    "Status": c.battery.state,
                }
            ]
            data["Energy Pack Info"] = pack
        answers.setdefault("/call", []).append(_answer(c.number, data))
        drives = [
            {
                "Drive Information": _row(disk, second=True),
                "Drive Detailed Information": {
                    "Serial Number": disk.serial,
                    "Temperature(C)": disk.celsius,
                    "LU/NS Properties": [
                        {
                            "Media Error Count": disk.media,
                            "Other Error Count": disk.other,
                            "Predictive Failure Count": disk.predictive,
                        }
                    ],
                },
            }
            for disk in c.disks
        ]
        answers.setdefault("/call/eall/sall", []).append(_answer(c.number, {"Drives List": drives}))
        properties = [{"VD Info": row, "VD Properties": {"Drive Write Cache Policy": "Default"}} for row in rows]
        answers.setdefault("/call/vall", []).append(_answer(c.number, {"Virtual Drives": properties}))
        answers.setdefault("/call/fall", []).append(_foreign(c))
        answers.setdefault("/call/ep", []).append(_answer(c.number, {"Energy Pack Info": pack}))
    return {f"{path} show all nolog J": _document(content) for path, content in answers.items()}


def storcli_text(answers: dict[str, str]) -> dict[str, str]:
    """What storcli says when it is not asked for JSON, of some of its answers."""
    return {words.removesuffix(" J"): _as_text(json.loads(text)) for words, text in answers.items()}


def _as_text(document: dict[str, Any]) -> str:
    lines: list[str] = []
    for answer in document["Controllers"]:
        status = dict(answer["Command Status"])
        details = status.pop("Detailed Status", [])
        lines += [f"{key} = {value}" for key, value in status.items()] + ["", ""]
        if details:
            lines += ["Detailed Status :", "===============", "", *_table(details), ""]
        lines += _text_of(answer.get("Response Data", {}))
    return "\n".join(lines) + "\n"


def _text_of(data: Any) -> list[str]:
    lines: list[str] = []
    if isinstance(data, list):
        return [*_table(data), ""] if data else []
    for key, value in data.items():
        if isinstance(value, dict):
            nested = any(isinstance(inner, (dict, list)) for inner in value.values())
            lines += [f"{key} :", "=" * len(key), ""]
            lines += _text_of(value) if nested else [*(f"{k} = {v}" for k, v in value.items()), ""]
        elif isinstance(value, list):
            lines += [f"{key} :", "=" * len(key), "", *(_table(value) if value else []), ""]
        else:
            lines += [f"{key} = {value}", ""]
    return lines


def _table(rows: list[dict[str, Any]]) -> list[str]:
    columns = list(rows[0])
    width = {c: max([len(c), *(len(str(row.get(c, ""))) for row in rows)]) for c in columns}
    dashes = "-" * (sum(width.values()) + len(columns) - 1)
    body = [" ".join(f"{row.get(c, '')!s:{width[c]}}" for c in columns) + " " for row in rows]
    return [dashes, " ".join(f"{c:{width[c]}}" for c in columns), dashes, *body, dashes]


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


def file_name(words: str) -> str:
    """As Host and replay_tool.c name the file of a command's arguments."""
    return words.replace("/", "_").replace(" ", "_")


def write_answers(directory: Path, answers: dict[str, str | bytes]) -> None:
    """Arguments -> output as files. A value of "hang" ... is made by the caller."""
    directory.mkdir(parents=True, exist_ok=True)
    for words, text in answers.items():
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        (directory / file_name(words)).write_bytes(content)


def capture(
    root: Path, tool: str, answers: dict[str, str], smart_answers: dict[str, str] | None = None, hosts: int = 1
) -> Path:
    """A captured host with a vendor tool, and with ``smart_answers`` also the driver and smartctl."""
    (root / "proc/sys/kernel/random").mkdir(parents=True, exist_ok=True)
    (root / "proc/sys/kernel/random/boot_id").write_text("5c1e7a90-0000-4000-8000-000000000000\n")
    write_answers(root / "commands" / tool, dict(answers))
    if smart_answers is not None:
        driver = root / "sys/bus/pci/drivers/megaraid_sas"
        driver.mkdir(parents=True, exist_ok=True)
        addresses = [f"0000:{2 + number:02x}:00.0" for number in range(hosts)]
        driver.with_name("megaraid_sas.ls").write_text("".join(f"{address}\n" for address in addresses))
        for number, address in enumerate(addresses):
            (driver / f"{address}.ls").write_text(f"host{number}\n")
        write_answers(root / "commands" / "smartctl", dict(smart_answers))
    return root


class ReplayTool:
    """A program that answers from files; see replay_tool.c."""

    def __init__(self, directory: Path, name: str, program: Path) -> None:
        self.path = directory / name
        self.answers = directory / f"{name}.d"
        shutil.copy(program, self.path)
        self.answers.mkdir()

    def says(self, answers: dict[str, str]) -> ReplayTool:
        """Add answers."""
        write_answers(self.answers, dict(answers))
        return self

    def does(self, words: str, suffix: str, content: str = "") -> ReplayTool:
        """Add a behaviour: "hang", "status", "signal", "endless", "delay", "log"."""
        (self.answers / f"{file_name(words)}.{suffix}").write_text(content)
        return self

    @property
    def calls(self) -> list[str]:
        """How it was called."""
        noted = self.answers / "calls"
        return noted.read_text().splitlines() if noted.exists() else []


def compile_replay_tool(directory: Path) -> Path:
    """The program, compiled; needs gcc."""
    program = directory / "replay_tool"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", str(program), str(HERE / "replay_tool.c")], check=True)
    return program
