"""Parts of storcli's answers: what a row or object says of a drive or a virtual drive, in both generations.

storcli2 and perccli2 (008.x) have other keys: PID for DID, State and Status for State, CurrentCache for Cache.
"""

from __future__ import annotations

import re

from checks.megaraid import words
from checks.megaraid.readings import CACHECADE, Battery, Controller, Disk, Operation, Readings, VirtualDrive, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PLACE = re.compile(r"(\d*|\?)\s*:(\d+)\Z")
PATH = re.compile(r"/c\d+(?:/e(\d+))?/s(\d+)")
_GROUP = re.compile(r"(\d+|-)/(\d+)\Z")
_ACTIVE = re.compile(r"\s*([^(]+?)\s*\((\d+)%?\)")


class Answer:
    """What one controller answered to one command."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.controller: dict[str, Any] = {}
        self.others: list[Controller] = []
        self.volumes: list[VirtualDrive] = []
        self.disks: list[Disk] = []
        self.groups: list[VirtualDrive] = []  # of a topology, for want of a list of virtual drives
        self.members: list[Disk] = []  # of a topology, for want of a list of drives
        self.battery: dict[str, Any] = {}
        self.operations: list[Operation] = []
        self.foreign = 0
        self.missing: list[tuple[int, str]] = []
        self.pinned: list[tuple[int, str]] = []
        self.problems: list[tuple[int | None, str]] = []
        self.understood = False
        self.shown = ""  # the kind of operation that was asked for

    def readings(self) -> Readings:
        """As immutable readings."""
        battery = self.battery
        complaints = tuple(dict.fromkeys(battery.pop("complaints", ())))
        if battery.get("learning"):
            complaints = tuple(complaint for complaint in complaints if complaint != "capacity low")
        batteries = (Battery(self.number, complaints=complaints, **battery),) if battery or complaints else ()
        return Readings(
            controllers=(*self.others, *([Controller(self.number, **self.controller)] if self.controller else [])),
            volumes=tuple(self.volumes),
            disks=tuple(self.disks),
            batteries=batteries,
            operations=tuple(self.operations),
            foreign=((self.number, self.foreign),) if self.foreign else (),
            missing=tuple(self.missing),
            pinned=tuple(self.pinned),
            problems=tuple(self.problems),
            understood=self.understood,
        )


def text_of(value: Any) -> str:
    """A value as text; "" for none."""
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def place_of(text: str) -> tuple[int | None, int] | None:
    """(enclosure, slot) of "252:3"; of ":3", " :3" and "?:3" without an enclosure."""
    found = _PLACE.match(text.strip())
    return (whole(found[1]), int(found[2])) if found else None


def disk(read: Answer, row: dict[str, Any]) -> None:
    """A row of "PD LIST" and the like."""
    place = place_of(text_of(row.get("EID:Slt")))
    if place is None:
        read.problems.append(
            (read.number, f"a drive cannot be read: {text_of(row.get('unread') or row.get('EID:Slt'))}")
        )
        return
    state, status = text_of(row.get("State")), text_of(row.get("Status"))
    group = row.get("DG")
    media = text_of(row.get("Med"))
    read.disks.append(
        Disk(
            read.number,
            *place,
            device=whole(row.get("DID", row.get("PID", ""))),
            state=words.disk_state(state, status),
            words=f"{state}/{status}" if status else state,
            group=whole(group) if group is not None else None,
            foreign=text_of(group) == "F",
            model=" ".join(text_of(row.get("Model")).split()),
            interface=text_of(row.get("Intf")),
            solid=media == "SSD" if media in ("SSD", "HDD") else None,
            spun_down=text_of(row.get("Sp")) == "D",
        )
    )


def _detail(read: Answer, name: str, **facts: Any) -> None:
    """Facts of a drive that is named by a path: "Drive /c0/e252/s0 State"."""
    path = PATH.search(name)
    if path:
        read.disks.append(Disk(read.number, whole(path[1]) if path[1] else None, int(path[2]), **facts))


def _lowered(pairs: dict[str, Any]) -> dict[str, Any]:
    return {key.strip().lower(): value for key, value in pairs.items()}


def _counters(pairs: dict[str, Any]) -> dict[str, Any]:
    found = _lowered(pairs)
    return {
        "media_errors": whole(found.get("media error count", "")),
        "other_errors": whole(found.get("other error count", "")),
        "predictive": whole(found.get("predictive failure count", "")),
        "smart_alert": text_of(found.get("s.m.a.r.t alert flagged by drive")).lower() == "yes",
        "temperature": whole(found.get("drive temperature", found.get("temperature(c)", ""))) or None,
    }


def disk_state(read: Answer, name: str, pairs: dict[str, Any]) -> None:
    """Counters: "Drive /c0/e252/s0 State"."""
    _detail(read, name, **_counters(pairs))


def disk_attributes(read: Answer, name: str, pairs: dict[str, Any]) -> None:
    """Serial number and model: "Drive /c0/e252/s0 Device attributes"."""
    found = _lowered(pairs)
    serial = text_of(found.get("sn", found.get("serial number")))
    _detail(read, name, serial=serial, identity=serial, model=" ".join(text_of(found.get("model number")).split()))


def second_generation(read: Answer, row: dict[str, Any]) -> None:
    """One of storcli2's "Drives List": a row, and what else is known, at any depth."""
    information = row.get("Drive Information")
    if not isinstance(information, dict):
        return
    disk(read, information)
    place = place_of(text_of(information.get("EID:Slt")))
    detail = row.get("Drive Detailed Information")
    if place is None or not isinstance(detail, dict):
        return
    flat = dict(_flat(detail))
    serial = text_of(flat.get("serial number", flat.get("sn")))
    read.disks.append(Disk(read.number, *place, serial=serial, identity=serial, **_counters(flat)))


def _flat(content: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, (dict, list)):
                yield from _flat(value)
            else:
                yield key.strip().lower(), value
    elif isinstance(content, list):
        for entry in content:
            yield from _flat(entry)


def volume(read: Answer, row: dict[str, Any]) -> None:
    """A row of "VD LIST" and the like."""
    found = _GROUP.match(text_of(row.get("DG/VD")))
    if not found:
        read.problems.append((read.number, f"a virtual drive cannot be read: {text_of(row.get('DG/VD'))}"))
        return
    kind = text_of(row.get("TYPE"))
    if kind.lower().startswith(("cac", "nytro")):
        read.volumes.append(VirtualDrive(read.number, int(found[2]), level=CACHECADE))
        return
    current = words.storcli_policy(text_of(row.get("Cache", row.get("CurrentCache"))))
    default = words.storcli_policy(text_of(row.get("DefaultCache")))
    read.volumes.append(
        VirtualDrive(
            read.number,
            int(found[2]),
            group=whole(found[1]),
            level=kind,
            state=words.volume_state(text_of(row.get("State"))),
            write=current.get("write", ""),
            write_default=default.get("write", ""),
            read=current.get("read", ""),
            io=current.get("io", ""),
            bad_bbu_ok=current.get("write") == "awb",
        )
    )


def volume_properties(read: Answer, number: int | None, pairs: dict[str, Any]) -> None:
    """ "VD0 Properties"."""
    found = _lowered(pairs)
    read.volumes.append(
        VirtualDrive(
            read.number,
            number,
            write_default=words.write_policy(text_of(found.get("write cache(initial setting)"))),
            disk_cache=words.disk_cache(text_of(found.get("disk cache policy", found.get("drive write cache policy")))),
            bad_blocks=text_of(found.get("bad block exists", found.get("bad blocks exist"))).lower() == "yes",
        )
    )
    if text_of(found.get("cache preserved")).lower() == "yes":
        read.pinned.append((read.number, f"v{number}"))
    for part in text_of(found.get("active operations")).split(","):
        active = _ACTIVE.match(part)
        if active:
            kind = words.operation(active[1])
            read.operations.append(Operation(read.number, f"v{number}", kind, int(active[2])))


def second_volume(read: Answer, row: dict[str, Any]) -> None:
    """One of storcli2's "Virtual Drives"."""
    information = row.get("VD Info")
    if not isinstance(information, dict):
        return
    volume(read, information)
    members = row.get("PDs")
    for member in members if isinstance(members, list) else ():
        if isinstance(member, dict):
            disk(read, member)
    found = _GROUP.match(text_of(information.get("DG/VD")))
    properties = row.get("VD Properties")
    if found and isinstance(properties, dict):
        volume_properties(read, int(found[2]), properties)
