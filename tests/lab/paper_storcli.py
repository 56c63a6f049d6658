"""What storcli and storcli2, or perccli and perccli2, would print of a RAID on paper, as JSON."""

from __future__ import annotations

import json
from typing import Any

from lab.paper_raid import BATTERY_FLAGS, PaperController, PaperDisk, PaperVolume

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
    flags = [{"Property": name, "Value": c.battery.flags.get(name, "No")} for name in BATTERY_FLAGS]
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
