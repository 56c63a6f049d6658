"""On virtual hardware: QEMU's MegaRAID controller, the real driver and smartctl, and disks that fail (lab/).

The vendor tools are proprietary, so a program answers in their place; what it says of the disks is checked by smartctl
through the controller. The check runs in the guest. One boot, as a guest's Python is ten times slower.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from lab.iscsi_target import IscsiTarget, behind_megaraid
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk, PaperVolume
from lab.paper_storcli import storcli
from lab.played_disks import cast
from lab.replay_tool import ReplayTool, compile_replay_tool
from lab.virtual_machine import VirtualMachine
from support import Ran, command

pytestmark = pytest.mark.needs("kernel", "qemu-system-x86_64", "smartctl", "gcc")

SERIALS = ("Z1Z00001", "Z1Z00002", "Z1Z00003", "6SJ17KP5", "6SJ17KP6", "6SJ17KP7")
ABSENT = PaperDisk(6, device=9, serial="Z1Z00009")
TRAP = PaperDisk(7, device=1280, serial="Z1Z00777")  # smartctl keeps 8 bits of 1280, and answers with disk 0


def members(*slots: int) -> list[PaperDisk]:
    """Disks of the target, as a controller would list them."""
    return [PaperDisk(slot, serial=SERIALS[slot], sas=slot > 2, model="ST3300657SS", celsius=None) for slot in slots]


def degraded() -> PaperController:
    """All of them in a RAID6 that is being rebuilt onto the good SAS disk."""
    disks = [*members(*range(6)), ABSENT, TRAP]
    disks[3].state, disks[3].progress = "Rbld", (37, 100)
    return PaperController(disks=disks, volumes=[PaperVolume(state="Dgrd")])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Every run of the check, by name."""
    place = tmp_path_factory.mktemp("raid")
    program = compile_replay_tool(place)
    options = {
        "sick": f"--tool-path {ReplayTool(place, 'MegaCli64', program).says(megacli([degraded()])).path}",
        "good": f"--local --tool-path {_two_controllers(place, program)}",
        "unasked": "--tool none",
        "untold": "",
    }
    script = ["ls -d /sys/bus/pci/drivers/megaraid_sas/*/host0"]
    for name, words in options.items():
        argv = [*command("check_megaraid"), "--no-history", "-t60", "-v", *shlex.split(words)]
        script.append(f"echo @@{name}; {shlex.join(argv)}; echo @= $?")
    ahci, nvme = place / "ahci", place / "nvme"
    for file in (ahci, nvme):
        with open(file, "wb") as content:
            content.truncate(64 << 20)
    local = ["-drive", f"if=none,id=ahci,file={ahci},format=raw", "-device", "ide-hd,drive=ahci,serial=AHCI1,bus=ide.2"]
    local += ["-drive", f"if=none,id=nvme,file={nvme},format=raw", "-device", "nvme,drive=nvme,serial=NVME1"]
    modules = ("sd_mod", "sg", "megaraid_sas", "ahci", "nvme")
    with IscsiTarget(cast()) as target:
        devices = [*behind_megaraid(target, range(len(SERIALS))), *behind_megaraid(target, (0, 3), "megasas"), *local]
        with VirtualMachine(*modules, devices=devices, processors=2) as machine:
            done = machine.run("sh", "-c", "\n".join(script), seconds=170)
    assert done.stderr == b""
    driver, *parts = done.output.split("@@")
    assert driver.startswith("/sys/bus/pci/drivers/megaraid_sas/0000:")
    found = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        output, _, code = rest.rpartition("@= ")
        found[name] = Ran(int(code), output.encode(), b"", 0.0)
    assert list(found) == list(options)
    return found


def _two_controllers(place: Path, program: Path) -> Path:
    """Two good disks behind one, the same two behind another of the first generation, as its disks 0 and 1."""
    first, second = PaperController(disks=members(0, 3)), PaperController(1, "PERC 5/i", "X5", disks=members(0, 3))
    first.pci = second.pci = ""  # where they are here is QEMU's choice: their order tells
    second.disks[1].device = 1
    return ReplayTool(place, "storcli64", program).says(storcli([first, second])).path


def verbose(ran: Ran) -> list[str]:
    """The lines of -v about items."""
    return [line for line in ran.rest if line.startswith(("OK: ", "WARNING: ", "CRITICAL: ", "UNKNOWN: "))]


def test_failing_disks_are_named(runs: dict[str, Ran]) -> None:
    """Failing disks first; a disk that is not there and one whose number wraps around are no disk's verdict."""
    sick = runs["sick"]
    assert (sick.code, sick.text) == (
        2,
        "MEGARAID CRITICAL - c0 e252:s2 (Z1Z00003) failing: reallocated 65535;"
        " c0 e252:s4 (6SJ17KP6) failing: predicted by itself (asc 5d/10) and 5 more; 2 ok",
    )
    assert verbose(sick) == [
        "CRITICAL: c0 e252:s2 (Z1Z00003) failing: reallocated 65535",
        "CRITICAL: c0 e252:s4 (6SJ17KP6) failing: predicted by itself (asc 5d/10)",
        "CRITICAL: c0 e252:s5 (6SJ17KP7) 71 C, says that it is too hot",
        "UNKNOWN: c0 e252:s6 (Z1Z00009) SMART unreadable, smartctl 7.3: INQUIRY failed",
        "UNKNOWN: c0 e252:s7 (Z1Z00777) SMART unknown: smartctl answered for Z1Z00001",
        "WARNING: c0 v0 RAID6 degraded, rebuild 37 %, done in 2.7-2.8 h",
        "WARNING: c0 e252:s1 (Z1Z00002) pending 24, reallocated 1864, uncorrectable 24",
        "OK: PERC H730P Mini: 1 volume, 8 disks (MegaCli64)",
        "OK: c0 e252:s0 (Z1Z00001) fine, 34 C",
        "OK: c0 e252:s3 (6SJ17KP5) fine, 36 C",
        "OK: c0 fine",
        "OK: c0 CacheVault fine",
    ]
    assert "next: try smartctl -x -d megaraid,9 /dev/bus/0" in sick.rest
    assert sick.perfdata["c0_e252_s4_grown_defects"] == "1934;50;;0"
    assert sick.perfdata["c0_e252_s4_uncorrected_errors_total"] == "72605c;10;;0"
    assert not [label for label in sick.perfdata if label.startswith(("c0_e252_s6_pending", "c0_e252_s7_pending"))]


def test_good_disks_and_plain_ones(runs: dict[str, Ran]) -> None:
    """AHCI and NVMe of QEMU beside the controller's; sda to sdh are its disks too, and are not told twice."""
    good = runs["good"]
    assert (good.code, good.text) == (0, "MEGARAID OK - 2 controllers: 2 volumes, 6 disks (storcli64)")
    assert verbose(good) == [
        "OK: 2 controllers: 2 volumes, 6 disks (storcli64)",
        "OK: /dev/nvme0 (NVME1) fine, 50 C",
        "OK: /dev/sdi (AHCI1) fine, 31 C",
        "OK: c0 e252:s0 (Z1Z00001) fine, 34 C",
        "OK: c0 e252:s3 (6SJ17KP5) fine, 36 C",
        "OK: c1 e252:s0 (Z1Z00001) fine, 34 C",
        "OK: c1 e252:s3 (6SJ17KP5) fine, 36 C",
        "OK: c0 fine",
        "OK: c0 CacheVault fine",
        "OK: c0 v0 RAID6 optimal",
        "OK: c1 fine",
        "OK: c1 CacheVault fine",
        "OK: c1 v0 RAID6 optimal",
    ]


def test_without_a_vendor_tool(runs: dict[str, Ran]) -> None:
    """The driver lists QEMU's disks as 0, 256 ... 1280, and smartctl would ask 0 each time: five false verdicts."""
    assert (runs["unasked"].code, runs["unasked"].text) == (
        3,
        "MEGARAID UNKNOWN - c0 d1024 SMART unreadable, smartctl: it keeps 8 bits of the number 1024,"
        " and would ask disk 0 and 5 more; 2 ok",
    )
    assert "OK: c0 d0 (Z1Z00001) fine, 34 C" in runs["unasked"].rest
    assert (runs["untold"].code, runs["untold"].text) == (
        3,
        "MEGARAID UNKNOWN - MegaRAID cannot be asked: no storcli, perccli or MegaCli here",
    )
