"""A RAID on paper: what paper_megacli, paper_storcli and paper_smartctl print of it.

The vendor tools are proprietary, and few of their outputs with faults are to be had. Theirs are made by hand after the
real ones: the same keys, spelling and layout, down to "Adapter #0" in one command and "Adapter 0 --" in the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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


BATTERY_FLAGS = (
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
