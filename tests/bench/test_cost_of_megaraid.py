"""What check_megaraid costs against a naive check, and its SMART against pySMART: measured in pairs (-s).

The vendor tools are replayed; what the replaying costs is measured beside it and taken off.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from bench.measuring import HERE, NAIVE, Goal, measure, on_a_regular_installation
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk
from lab.paper_smartctl import smart_text, smart_words, smartctl
from lab.paper_storcli import storcli
from lab.replay_tool import ReplayTool, compile_replay_tool
from support import PLAIN_ENVIRONMENT, command

CHECK = command("check_megaraid")
TWELVE = [PaperController(disks=[PaperDisk(slot) for slot in range(12)])]
MANY = 24

pytestmark = [
    pytest.mark.needs("gcc"),
    on_a_regular_installation,
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def program(place: Path) -> Path:
    return compile_replay_tool(place)


def own(name: str, calls: int) -> Goal:
    """What the check costs without the calls of the tool of this name."""
    return Goal(
        f"{name}, its {calls} calls taken off, x first",
        lambda found: found[name].ratio - calls * found[f"{name} alone"].ratio,
        1.5,
    )


def test_twelve_disks(place: Path, program: Path, tmp_path: Path) -> None:
    """CPU of ours, without the tools' own, is at most 1.5 times the naive check's."""
    tmp_path.chmod(0o700)
    rows = [NAIVE]
    calls = {"MegaCli64": 7, "storcli64": 5}
    for name, answers in (("MegaCli64", megacli(TWELVE)), ("storcli64", storcli(TWELVE))):
        tool = ReplayTool(place, name, program).says(answers)
        rows.append((f"{name} alone", [str(tool.path), *next(iter(answers)).split(" ")]))
        rows.append((name, [*CHECK, "--tool-path", str(tool.path), "--state-dir", str(tmp_path), "--no-smart"]))
    found = measure(rows, goals=[own(name, count) for name, count in calls.items()])
    for name in calls:
        assert found[name].code == 0
        assert found[name].rss_mb <= found["naive check"].rss_mb + 16


def test_smart_of_many_disks(place: Path, program: Path) -> None:
    """Four times less CPU per disk than pySMART, and all of them within half a second at 100 ms each."""
    disks = [PaperDisk(slot) for slot in range(MANY)]
    controllers = [PaperController(disks=disks)]
    vendor = ReplayTool(place, "perccli64", program).says(storcli(controllers))
    (place / "ours").mkdir()
    (place / "theirs").mkdir()
    ours = ReplayTool(place / "ours", "smartctl", program).says(smartctl(controllers))
    theirs = ReplayTool(place / "theirs", "smartctl", program).says(
        {f"-d megaraid,{disk.device} --all /dev/bus/0": smart_text(disk) for disk in disks}
    )
    base = [*CHECK, "--no-history", "--tool-path", str(vendor.path)]
    pysmart = [sys.executable, str(HERE / "pysmart_24.py"), str(theirs.path.parent)]
    found = measure(
        [
            NAIVE,
            ("check without SMART", [*base, "--no-smart"]),
            (f"check, SMART of {MANY}", [*base, "--smartctl", str(ours.path)]),
            ("pySMART, none", [*pysmart, "0"]),
            (f"pySMART, {MANY}", [*pysmart, str(MANY)]),
        ],
        7,
    )
    assert [cost.code for cost in found.values()] == [0] * 5
    mine = (found[f"check, SMART of {MANY}"].cpu_ms - found["check without SMART"].cpu_ms) / MANY
    its = (found[f"pySMART, {MANY}"].cpu_ms - found["pySMART, none"].cpu_ms) / MANY
    print(f"per disk: {mine:.2f} ms here, {its:.2f} ms pySMART, {its / mine:.1f} x; smartctl is replayed")
    assert its >= 4 * mine
    for disk in disks:
        ours.does(smart_words(disk), "delay", "100")
    waits = []
    for options in (["--no-smart"], ["--smartctl", str(ours.path)]):
        taken = []
        for _ in range(5):
            start = time.monotonic()
            os.waitpid(os.posix_spawn(base[0], [*base, *options], PLAIN_ENVIRONMENT, file_actions=_QUIET), 0)
            taken.append(time.monotonic() - start)
        waits.append(min(taken))
    print(f"{MANY} disks at 100 ms: {waits[1] - waits[0]:.2f} s")
    assert waits[1] - waits[0] <= 0.5


_QUIET = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
