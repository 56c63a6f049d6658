"""What MegaCli, MegaCli64 and CmdTool2 print (8.00 to 8.07): one reader for every command, line by line.

The tools have no machine-readable output. Their texts differ from version to version in spaces, case and spelling
("Adapter #0", "Adapter 0 --", "Adapter: 0"; "Drive's postion"), so keys are compared in lower case without them, and
which thing a line belongs to follows from the keys themselves. A block may begin anywhere: outputs get cut.
"""

from __future__ import annotations

import re

from checks.megaraid import megacli_fields, megacli_summary, words
from checks.megaraid.readings import (
    CACHECADE,
    COPYBACK,
    REBUILD,
    Battery,
    Controller,
    Disk,
    Operation,
    Readings,
    VirtualDrive,
    whole,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ADAPTER = re.compile(r"(?:^|\bfor |\bon )(?:ad[ap]+ter|controller)\s*[:#]?\s*(\d+)", re.IGNORECASE)
_VOLUME = re.compile(r"(cachecade )?virtual (?:drive|disk)\s*:\s*(\d+)\s*\(target id\s*:?\s*(\d+)\)", re.IGNORECASE)
_PINNED = re.compile(r"virtual (?:drive|disk)\s*\(target id\s*:?\s*(\d+)\)\s*:\s*(\w+)", re.IGNORECASE)
_SLOT_OF = re.compile(
    r"(rebuild|copy\s?back)\D*enclosure\s*[:#]?\s*(\S+?),?\s+slot\s*[:#]?\s*(\d+)\D+(\d+)\s*%\D+(\d+)\s*min", re.I
)
_VOLUME_PROGRESS = re.compile(
    r"^(.+?) on vd #(\d+)(?: \(target id #(\d+)\))? completed (\d+)% in (\d+) min", re.IGNORECASE
)
_PROGRESS = re.compile(r"^(.+?)\s*:\s*completed (\d+)%, taken (\d+) min", re.IGNORECASE)
_FOREIGN = re.compile(r"there (?:are|is) (\d+) foreign", re.IGNORECASE)
_FOREIGN_GROUPS = re.compile(r"foreign configuration \d+ on controller (\d+)\s*:\Z", re.IGNORECASE)
_MISSING_ROW = re.compile(r"^\d+\s+(\d+)\s+(\d+)\s+[\d.]+\s*[KMGT]?B", re.IGNORECASE)
_ENCLOSURE = re.compile(r"enclosure \d+\Z")
_CRASH = re.compile(r"segmentation fault|core dumped|bus error|\baborted\b", re.IGNORECASE)

_VOLUME_KEYS = ("raid level", "parity size", "mirror data", "current cache policy", "is vd cached", "span depth")
_DISK_KEYS = (
    *("firmware state", "media error count", "other error count", "inquiry data", "device id", "slot number"),
    *("foreign state", "drive has flagged a s.m.a.r.t alert"),
)
_BATTERY_KEYS = ("batterytype", "battery state", "learn cycle active", "learn cycle requested", "issohgood")
_ADAPTER_KEYS = (
    *("product name", "memory size", "roc temperature", "memory correctable errors", "ecc bucket count"),
    *("virtual drives", "critical disks", "failed disks"),
)
# keys that a disk has once: again, they are of another disk
_ONCE = {
    "slot number": "slot",
    "device id": "device",
    "firmware state": "state",
    "media error count": "media_errors",
    "other error count": "other_errors",
    "predictive failure count": "predictive",
    "foreign state": "foreign",
    "drive temperature": "temperature",
    "drive has flagged a s.m.a.r.t alert": "smart_alert",
}
# "grep ... | xargs -n" makes one line of several, and some copies have lost all line ends
_SEVERAL = re.compile(
    r"\s*(?=(?:enclosure device id|(?<!enclosure )device id|slot number|pd type|raw size|sas address\(0\)"
    r"|firmware state|(?:media error|other error|predictive failure) count|inquiry data|fde capable|foreign state"
    r"|media type):)",
    re.IGNORECASE,
)
_NAMES = {"controller", "enclosure", "slot", "device"}
_TAKERS = {
    "volume": megacli_fields.volume,
    "disk": megacli_fields.disk,
    "battery": megacli_fields.battery,
    "adapter": megacli_fields.controller,
}


class _Reader:
    """The state between lines: which adapter, and which thing of it."""

    def __init__(self) -> None:
        self.adapter = 0
        self.block = ""  # "volume", "disk", "battery", "adapter", "enclosure" or ""
        self.enclosure = ""
        self.fields: dict[str, Any] = {}
        self.controllers: dict[int, dict[str, Any]] = {}
        self.volumes: list[dict[str, Any]] = []
        self.disks: list[dict[str, Any]] = []
        self.batteries: list[dict[str, Any]] = []
        self.operations: list[Operation] = []
        self.foreign: dict[int, int] = {}  # counted
        self.previewed: dict[int, int] = {}  # listed
        # within a foreign configuration: its virtual drives are not here, and its disks are listed elsewhere too
        self.elsewhere = False
        self.missing: list[tuple[int, str]] = []
        self.pinned: list[tuple[int, str]] = []
        self.problems: list[tuple[int | None, str]] = []
        self.understood = self.none_here = False
        self.row = ""  # of CfgDsply: "Physical Disk: 2" with nothing under it yet
        self.rows = False  # a table of missing disks has begun

    def open(self, block: str, into: list[dict[str, Any]] | None = None, **fields: Any) -> None:
        """Begin a thing of the present adapter."""
        self.understood = True
        self.block = block
        if into is None:
            self.fields = self.controllers.setdefault(self.adapter, {"number": self.adapter})
        else:
            self.fields = {"controller": self.adapter, **fields}
            into.append(self.fields)

    def end_row(self) -> None:
        """A row of a disk group under which no disk stood."""
        if self.row:
            self.missing.append((self.adapter, self.row))
            self.row = ""

    def line(self, raw: str) -> None:
        """Take one line, or several that were made one."""
        for part in _SEVERAL.split(raw) if raw.count(":") > 1 else (raw,):
            self._one(part)

    def _one(self, raw: str) -> None:
        text = raw.strip()
        if not text or text.startswith("==="):
            return
        if self._sentence(text):
            return
        key, colon, value = text.partition(":")
        key = " ".join(key.lower().split())
        if not colon:
            if key in ("hw configuration", "versions", "error counters", "device present", "image versions in flash"):
                self.open("adapter")
            return
        self._pair(key, value.strip(), raw.partition(":")[2])

    def _sentence(self, text: str) -> bool:
        """Lines that mean something by themselves."""
        lower = text.lower()
        if self._of_elsewhere(text):
            return True
        if _CRASH.search(lower):
            self.problems.append((self.adapter, "the tool crashed"))
            return True
        volume = _VOLUME.match(text) if "irtual" in text or "irtual" in lower else None
        if volume:
            self.end_row()
            self.open("volume", self.volumes, number=int(volume[3]), cachecade=bool(volume[1]))
            return True
        if "%" in text and self._progress(text):
            return True
        pinned = _PINNED.match(text)
        if pinned:
            self.understood = True
            self.pinned.append((self.adapter, f"v{int(pinned[1])}"))
            return True
        if "physical drives" in lower and "missing" in lower:
            self.rows = True
        elif self.rows:
            row = _MISSING_ROW.match(text)
            if row:
                self.missing.append((self.adapter, f"array {int(row[1])} row {int(row[2])}"))
                return True
        if lower.startswith("controller count"):
            self.understood = True
            self.none_here = whole(text.partition(":")[2]) == 0
            return True
        if "dapter" in lower or "adpater" in lower or "controller" in lower:
            return self._adapter(text, lower)
        if "not in rebuild process" in lower or "not in progress" in lower or "not in copyback" in lower:
            self.understood = True
            return True
        return False

    def _of_elsewhere(self, text: str) -> bool:
        """A line of the foreign configurations, as -CfgForeign -Dsply lists them."""
        groups = _FOREIGN_GROUPS.match(text)
        if groups:
            self.end_row()
            self.adapter, self.understood, self.elsewhere = int(groups[1]), True, True
            self.previewed[self.adapter] = self.previewed.get(self.adapter, 0) + 1
        elif self.elsewhere and (_ADAPTER.search(text) or text.startswith("Exit Code")):
            self.elsewhere = False
            return False
        return self.elsewhere

    def _adapter(self, text: str, lower: str) -> bool:
        """A line that names an adapter: what follows is that one's."""
        found = _ADAPTER.search(text)
        if not found:
            return False
        self.end_row()
        self.adapter = int(found[1])
        self.understood = True
        self.rows = "missing" in lower and "no missing" not in lower
        foreign = _FOREIGN.search(text)
        if foreign and int(foreign[1]):
            self.foreign[self.adapter] = max(self.foreign.get(self.adapter, 0), int(foreign[1]))
        if "bbu status for" in lower:
            self.open("battery", self.batteries)
        elif "bbu" in lower and "fail" not in lower:
            if self.block != "battery":
                self.block = ""
        else:
            self.block = ""
        return True

    def _progress(self, text: str) -> bool:
        disk = _SLOT_OF.search(text)
        if disk:
            kind = REBUILD if disk[1].lower() == "rebuild" else COPYBACK
            place = f"e{disk[2]}:s{disk[3]}" if disk[2].isdigit() else f"s{disk[3]}"
            self.understood = True
            self.operations.append(Operation(self.adapter, place, kind, int(disk[4]), int(disk[5])))
            return True
        volume = _VOLUME_PROGRESS.match(text)
        if volume:
            self.understood = True
            item = f"v{int(volume[3] or volume[2])}"
            kind = words.operation(volume[1])
            self.operations.append(Operation(self.adapter, item, kind, int(volume[4]), int(volume[5])))
            return True
        within = _PROGRESS.match(text)
        if within and self.block in ("volume", "disk"):
            self.fields.setdefault("progress", []).append((words.operation(within[1]), int(within[2]), int(within[3])))
            return True
        return bool(within)

    def _is_a_volume(self, value: str) -> bool:
        """Whether a state that nothing announced is one of a virtual drive: "grep State" leaves no more of it."""
        announced = self.block in ("volume", "slot") and "state" not in self.fields
        return not announced and words.volume_state(value) in words.VOLUME_STATES

    def _begin(self, key: str, value: str) -> None:
        """A key that belongs to another thing than the present one begins that."""
        foreign_to_volumes = self.block not in ("volume", "slot") and key in _VOLUME_KEYS
        if foreign_to_volumes or (key == "state" and self._is_a_volume(value)):
            self.open("volume", self.volumes, number=None)
        elif self.block == "disk" and _ONCE.get(key) in self.fields:
            self.open("disk", self.disks, enclosure=None)
        elif self.block != "disk" and key in _DISK_KEYS:
            if self.block != "adapter":
                self.row = ""
                self.open("disk", self.disks, enclosure=None)
        elif self.block != "battery" and key in _BATTERY_KEYS:
            self.open("battery", self.batteries)
        elif self.block != "adapter" and key in _ADAPTER_KEYS:
            self.open("adapter")

    def _pair(self, key: str, value: str, raw: str) -> None:
        if key in ("physical disk", "pd"):
            self.end_row()
            self.row, self.block = f"disk {value.split(maxsplit=1)[0]}" if value else "", "slot"
            if key == "pd":
                self.row = ""
            return
        if key == "enclosure device id":
            self.row = ""
            self.open("disk", self.disks, enclosure=whole(value))
            return
        if key in ("disk group", "disk groups", "span", "number of spans"):
            self.end_row()
        if _ENCLOSURE.match(key) and not value:  # of -EncInfo, whose "Device ID" and "Inquiry data" are no disk's
            self.block, self.enclosure = "enclosure", key
        elif self.block != "enclosure":
            self._begin(key, value)
        elif key == "status" and value.lower() not in ("normal", "ok"):
            self.problems.append((self.adapter, f"{self.enclosure} says {value}"))
        take = _TAKERS.get(self.block)
        if take:
            take(self.fields, key, value, raw)
        elif key in ("operation mode", "patrol read mode", "current state", "number of iterations"):
            self.understood = True


def parse(output: bytes) -> Readings:
    """Any output of any command; never raises. Bytes that are no UTF-8 (a battery's version can be) do no harm."""
    reader = _Reader()
    lines = output.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if megacli_summary.is_one(lines):
        return megacli_summary.parse(lines)
    for line in lines:
        reader.line(line)
    reader.end_row()
    operations = list(reader.operations)
    for fields in reader.volumes:
        if "state" not in fields and not fields.get("cachecade"):
            reader.problems.append((fields["controller"], "no state of a virtual drive"))
        item = "v?" if fields["number"] is None else f"v{fields['number']}"
        operations += [Operation(fields["controller"], item, *done) for done in fields.pop("progress", [])]
    disks = []
    for fields in reader.disks:
        if fields.keys() <= _NAMES:  # an event log tells of disks too, and not how they are
            reader.problems.append((fields["controller"], "no state of a disk"))
            continue
        progress = fields.pop("progress", [])
        disk = Disk(**{"slot": None, **fields})
        disks.append(disk)
        operations += [Operation(disk.controller, disk.place, *done) for done in progress]
    return Readings(
        controllers=tuple(Controller(**fields) for fields in reader.controllers.values()),
        volumes=tuple(_volume_of(fields) for fields in reader.volumes),
        disks=tuple(disks),
        batteries=tuple(_battery_of(fields) for fields in reader.batteries),
        operations=tuple(operations),
        foreign=tuple({**reader.previewed, **reader.foreign}.items()),
        missing=tuple(reader.missing),
        pinned=tuple(reader.pinned),
        problems=tuple(reader.problems),
        none_here=reader.none_here,
        understood=reader.understood,
    )


def _volume_of(fields: dict[str, Any]) -> VirtualDrive:
    if fields.pop("cachecade", False):
        return VirtualDrive(fields["controller"], fields["number"], level=CACHECADE)
    primary, spans, word = fields.pop("primary", None), fields.pop("spans", None) or 1, fields.pop("word", "")
    level = word
    if primary is not None:  # several spans of RAID1, 5, 6 are RAID10, 50, 60
        level = f"RAID{primary}{'0' if spans > 1 and primary else ''}"
    return VirtualDrive(level=level, **fields)


def _battery_of(fields: dict[str, Any]) -> Battery:
    active, requested, charging = (fields.pop(name, False) for name in ("active", "requested", "charging"))
    learning = active or (requested and charging)
    complaints = tuple(
        complaint
        for complaint in dict.fromkeys(fields.pop("complaints", []))
        if not (learning and complaint in megacli_fields.LEARNING_EXPLAINS)
    )
    return Battery(learning=learning, complaints=complaints, **fields)
