"""What MegaCli would print of a RAID on paper."""

from __future__ import annotations

from lab.paper_raid import BATTERY_FLAGS, PaperController, PaperDisk, PaperVolume

_DISKS = {
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
_VOLUMES = {"Optl": "Optimal", "Dgrd": "Degraded", "Pdgd": "Partially Degraded", "OfLn": "Offline"}
_LEVELS = {
    "RAID0": "Primary-0, Secondary-0, RAID Level Qualifier-0",
    "RAID1": "Primary-1, Secondary-0, RAID Level Qualifier-0",
    "RAID5": "Primary-5, Secondary-0, RAID Level Qualifier-3",
    "RAID6": "Primary-6, Secondary-0, RAID Level Qualifier-3",
    "RAID10": "Primary-1, Secondary-0, RAID Level Qualifier-0",
}
_END = "\nExit Code: 0x00\n"


def _words(cache: str, bad_bbu_ok: bool) -> str:
    """MegaCli's words for storcli's "NRWBD"."""
    read = "ReadAheadNone" if cache.startswith("NR") else "ReadAhead"
    write = "WriteThrough" if "WT" in cache else "WriteBack"
    io = "Cached" if cache.endswith("C") else "Direct"
    return f"{write}, {read}, {io}, {'Write Cache OK' if bad_bbu_ok else 'No Write Cache'} if Bad BBU"


def _disk(disk: PaperDisk) -> str:
    state = _DISKS[disk.state]
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


def _volume(volume: PaperVolume, disks: list[PaperDisk]) -> str:
    members = [disk for disk in disks if disk.group == volume.group]
    spans = 2 if volume.level in ("RAID10", "RAID50", "RAID60") else 1
    lines = [
        f"Virtual Drive: {volume.number} (Target Id: {volume.number})",
        "Name                :",
        f"RAID Level          : {_LEVELS[volume.level]}",
        "Size                : 10.913 TB",
        "Sector Size         : 512",
        f"State               : {_VOLUMES[volume.state]}",
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


def _battery(controller: PaperController) -> str:
    battery = controller.battery
    if battery is None:
        return f"\nAdapter {controller.number}: Get BBU Status Failed.\n\nFW error description:\n  not supported\n"
    flags = "\n".join(f"  {name:40}: {battery.flags.get(name, 'No')}" for name in BATTERY_FLAGS)
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
        answers["-LDInfo -Lall"] += "".join(_volume(volume, c.disks) for volume in c.volumes)
        if not c.volumes:
            answers["-LDInfo -Lall"] += f"Adapter {c.number}: No Virtual Drive Configured.\n"
        answers["-PDList"] += f"\nAdapter #{c.number}\n\n" + "".join(_disk(disk) for disk in c.disks)
        answers["-AdpAllInfo"] += _adapter(c)
        answers["-AdpBbuCmd"] += _battery(c)
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


def _adapter(c: PaperController) -> str:
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
