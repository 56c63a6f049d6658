"""What MegaCli -ShowSummary prints: names and states in short, each under the heading of its kind.

The check does not ask for it; people keep it. Its disks are told by their slots only, and it counts a backplane's
expander as a disk: of an unknown type, and of no size.
"""

from __future__ import annotations

from checks.megaraid import words
from checks.megaraid.readings import Battery, Controller, Disk, Readings, VirtualDrive, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEADINGS = {"controller": "controller", "bbu": "battery", "enclosure": "", "pd": "disk", "storage": ""}
_HEADINGS["virtual drives"] = "volume"
_BEGINS = {"productname": "controller", "bbu type": "battery", "connector": "disk", "virtual drive": "volume"}
_HEALTHY = ("healthy", "optimal")


def is_one(lines: list[str]) -> bool:
    """Whether this is a summary: no other command calls it "ProductName"."""
    return any(line.strip().startswith("ProductName ") for line in lines)


def parse(lines: list[str]) -> Readings:
    """Lines of one or several controllers."""
    things: list[tuple[str, int, dict[str, str]]] = []
    kind, number = "", -1
    for line in lines:
        key, colon, value = line.strip().partition(":")
        key = " ".join(key.lower().split())
        if not colon:
            kind = _HEADINGS.get(key, kind)
        elif _BEGINS.get(key) == kind:
            number += kind == "controller"
            things.append((kind, max(number, 0), {key: value.strip()}))
        elif things and kind == things[-1][0]:
            things[-1][2][key] = value.strip()
    made: dict[str, list[Any]] = {"controller": [], "battery": [], "disk": [], "volume": []}
    for kind, number, fields in things:
        if not (kind == "disk" and fields.get("disk type", "").lower().startswith("unknown")):
            made[kind].append(_MAKERS[kind](number, fields))
    return Readings(
        controllers=tuple(made["controller"]),
        volumes=tuple(made["volume"]),
        disks=tuple(made["disk"]),
        batteries=tuple(made["battery"]),
        understood=bool(things),
    )


def _controller(number: int, fields: dict[str, str]) -> Controller:
    return Controller(number, model=fields["productname"].partition("(Bus")[0].strip(), status=fields.get("status", ""))


def _battery(number: int, fields: dict[str, str]) -> Battery:
    state = fields.get("status", "").partition("  ")[0]  # the next heading can stand on the same line
    kind = "CacheVault" if fields["bbu type"].lower().startswith("cv") else "BBU"
    return Battery(number, kind, "Optimal" if state.lower() in _HEALTHY else state)


def _disk(number: int, fields: dict[str, str]) -> Disk:
    state = fields.get("state", "")
    return Disk(
        number,
        None,
        whole(fields["connector"].rpartition("Slot")[2]),
        state=words.disk_state(state),
        words=state,
        model=" ".join(f"{fields.get('vendor id', '')} {fields.get('product id', '')}".split()),
        interface=fields.get("disk type", "").partition(",")[0],
        spun_down="save" in fields.get("power state", "").lower(),
    )


def _volume(number: int, fields: dict[str, str]) -> VirtualDrive:
    target = whole(fields["virtual drive"].lower().removeprefix("target id"))
    level = fields.get("raid level", "")
    state = words.volume_state(fields.get("state", ""))
    return VirtualDrive(number, target, level=f"RAID{level}" if level else "", state=state)


_MAKERS = {"controller": _controller, "battery": _battery, "disk": _disk, "volume": _volume}
