"""What the tools say, in one vocabulary: no opinion in it. Every parser of this package yields these.

Numbers that a tool does not give are None, texts are "". A controller is called by the number its tool gives it.
"""

from __future__ import annotations

from perfdata.record import Record

# states of virtual drives
OPTIMAL, PARTIAL, DEGRADED, OFFLINE, RECOVERY = "optimal", "partially degraded", "degraded", "offline", "recovery"
# states of disks
ONLINE, GOOD, BAD, SPARE, FAILED, REBUILD, COPYBACK = "online", "good", "bad", "spare", "failed", "rebuild", "copyback"
JBOD, MISSING, SHIELDED, UNANSWERED = "jbod", "missing", "shielded", "unanswered"
UNSUPPORTED, ERASING = "unsupported", "being erased"
LOST = (REBUILD, OFFLINE, FAILED, MISSING, UNANSWERED, BAD)  # of which no virtual drive has all the data
_FINE = ("", OPTIMAL, ONLINE, GOOD, SPARE, JBOD)
CACHECADE = "CacheCade"  # level of a virtual drive that is a cache for others: it has no state of its own
# operations that take hours
CHECK, INITIALISE, BACKGROUND, RECONSTRUCT = (
    "consistency check",
    "initialisation",
    "background initialisation",
    "reconstruction",
)


class Controller(Record):
    """One controller."""

    number: int
    model: str = ""
    serial: str = ""
    pci: str = ""  # "00:02:00:00": domain, bus, device, function
    status: str = ""  # the tool's own word
    roc: int | None = None  # degrees Celsius of the RAID-on-chip
    temperature: int | None = None  # degrees Celsius of the board
    correctable: int | None = None  # errors of its memory
    uncorrectable: int | None = None
    cache_mb: int | None = None
    battery: bool | None = None  # whether it says that it has a battery or CacheVault
    preserved: bool = False  # "Any Offline VD Cache Preserved"
    safe_mode: bool = False
    disks: int | None = None  # how many it counts itself, against which a list is compared
    volumes: int | None = None
    bad_volumes: int | None = None  # how many it counts that are degraded or offline
    failed_disks: int | None = None
    suspect_disks: int | None = None  # of which it predicts that they fail


class Operation(Record):
    """Work in progress on a virtual drive or a disk."""

    controller: int
    item: str  # "v0", "e252:s3"
    kind: str
    percent: int | None
    minutes: int | None = None  # since it began
    left: int | None = None  # minutes that the tool expects it to take


class VirtualDrive(Record):
    """One virtual drive. Policies are current and default: "wb", "wt", "awb"; "none", "ahead", "adaptive"; ..."""

    controller: int
    number: int | None
    group: int | None = None
    level: str = ""  # "RAID6"
    state: str = ""
    write: str = ""
    write_default: str = ""
    read: str = ""
    io: str = ""
    bad_bbu_ok: bool = False  # the write cache stays on without a working battery
    disk_cache: str = ""
    bad_blocks: bool = False


class Disk(Record):
    """One physical disk as its controller sees it."""

    controller: int
    enclosure: int | None
    slot: int | None
    device: int | None = None  # the N of smartctl -d megaraid,N
    state: str = ""
    group: int | None = None
    serial: str = ""
    identity: str = ""  # text that holds the serial number somewhere
    model: str = ""
    interface: str = ""  # "SAS", "SATA", "NVMe"
    solid: bool | None = None  # SSD
    media_errors: int | None = None
    other_errors: int | None = None
    predictive: int | None = None
    smart_alert: bool = False
    temperature: int | None = None
    foreign: bool = False
    spun_down: bool = False
    words: str = ""  # the tool's own word for a state that is not known here

    @property
    def place(self) -> str:
        """ "e252:s3", "s3" without an enclosure."""
        slot = "s?" if self.slot is None else f"s{self.slot}"
        return slot if self.enclosure is None else f"e{self.enclosure}:{slot}"


class Battery(Record):
    """A battery, CacheVault or energy pack."""

    controller: int
    kind: str = "BBU"  # or "CacheVault"
    state: str = ""  # the tool's own word; "" of an old iBBU is fine
    temperature: int | None = None
    learning: bool = False  # a learn cycle is active, or was asked for while it is being charged
    complaints: tuple[str, ...] = ()  # flags of its firmware that are set: "replacement required"


class Readings(Record):
    """All that one or several answers said."""

    controllers: tuple[Controller, ...] = ()
    volumes: tuple[VirtualDrive, ...] = ()
    disks: tuple[Disk, ...] = ()
    batteries: tuple[Battery, ...] = ()
    operations: tuple[Operation, ...] = ()
    foreign: tuple[tuple[int, int], ...] = ()  # (controller, number of foreign configurations or disks)
    missing: tuple[tuple[int, str], ...] = ()  # (controller, "array 0 row 1")
    pinned: tuple[tuple[int, str], ...] = ()  # (controller, virtual drive) with cache that was never written
    problems: tuple[tuple[int | None, str], ...] = ()  # (controller or None, what could not be read)
    none_here: bool = False  # the tool says that there is no controller
    understood: bool = False  # anything was recognised at all


def merged(readings: list[Readings]) -> Readings:
    """Several answers as one: what is told of the same thing in two of them is put together.

    A thing without a number, as where only some lines were kept of an output, is never taken for another.
    """

    def gathered(field: str) -> list[tuple[object, ...]]:
        return [entry for reading in readings for entry in getattr(reading, field)]

    def together(field: str, key: object) -> tuple[object, ...]:
        known: dict[object, object] = {}
        for entry in gathered(field):
            identity = key(entry)  # type: ignore[operator]
            if identity is None:
                identity = ("without a number", len(known))
            known[identity] = _joined(known[identity], entry) if identity in known else entry
        return tuple(known.values())

    return Readings(
        controllers=together("controllers", lambda c: c.number),  # type: ignore[arg-type]
        volumes=together("volumes", lambda v: None if v.number is None else (v.controller, v.number)),  # type: ignore[arg-type]
        disks=together("disks", lambda d: None if d.slot is None else (d.controller, d.enclosure, d.slot)),  # type: ignore[arg-type]
        batteries=together("batteries", lambda b: b.controller),  # type: ignore[arg-type]
        operations=together("operations", lambda o: (o.controller, o.item, o.kind)),  # type: ignore[arg-type]
        foreign=_largest(gathered("foreign")),
        missing=tuple(dict.fromkeys(gathered("missing"))),  # type: ignore[arg-type]
        pinned=tuple(dict.fromkeys(gathered("pinned"))),  # type: ignore[arg-type]
        problems=tuple(dict.fromkeys(gathered("problems"))),  # type: ignore[arg-type]
        none_here=bool(readings) and all(reading.none_here for reading in readings),
        understood=any(reading.understood for reading in readings),
    )


def _largest(entries: list[tuple[object, ...]]) -> tuple[tuple[int, int], ...]:
    most: dict[int, int] = {}
    for controller, count in entries:
        most[controller] = max(count, most.get(controller, 0))  # type: ignore[call-overload,index]
    return tuple(most.items())


def _joined(first: object, second: object) -> object:
    """Two readings of one thing: the first, its gaps filled from the second; of two states the one that is not fine."""
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    if getattr(first, "state", "") in _FINE and getattr(second, "state", "") not in _FINE:
        first, second = second, first
    return type(first)(*(other if _is_gap(mine) and other is not None else mine for mine, other in zip(first, second)))


def _is_gap(value: object) -> bool:
    return value is None or value is False or value in ("", ())  # 0 errors are no gap


def whole(text: object) -> int | None:
    """The number that a text begins with: "61C (141.80 F)", " 37 ", 4; None without one."""
    if isinstance(text, bool):
        return None
    if isinstance(text, (int, float)):
        return int(text) if abs(text) < 1e18 else None  # "not known" is all ones in 64 bits; JSON may hold NaN
    word = str(text).strip()
    digits = word[1:] if word[:1] == "-" else word
    count = 0
    while count < len(digits) and digits[count : count + 1] in "0123456789":
        count += 1
    if not 0 < count < 19:
        return None
    return int(word[: count + (word[:1] == "-")])
