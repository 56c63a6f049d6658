"""A smartctl before 7.0 has no JSON: plain disks are read by pySMART then, from its text."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.paper_raid import PaperDisk
from lab.paper_smartctl import smart_text
from lab.replay_tool import ReplayTool, compile_replay_tool

from checks.megaraid.old_smartctl import read
from checks.megaraid.smart import Health

pytestmark = pytest.mark.needs("gcc")

DISK = PaperDisk(1)


@pytest.fixture
def smartctl() -> Iterator[ReplayTool]:
    place = Path(tempfile.mkdtemp(prefix="undergoal-raid-"))
    yield ReplayTool(place, "smartctl", compile_replay_tool(place))
    shutil.rmtree(place)


def test_a_plain_disk(smartctl: ReplayTool) -> None:
    text = smart_text(DISK, "6.6", Reallocated_Sector_Ct=12, Current_Pending_Sector=3)
    smartctl.says(dict.fromkeys(("-d sat --all /dev/sda", "-d sat -i /dev/sda", "-i /dev/sda"), text))
    smartctl.says({"-d ata --all /dev/sda": text, "--all /dev/sda": text, "-d test /dev/sda": _TEST})
    health = read(str(smartctl.path), "/dev/sda", "6.6", 10)
    assert health == Health(
        version="6.6",
        model=DISK.model,
        serial=DISK.serial,
        passed=True,
        reallocated=12,
        pending=3,
        uncorrectable=0,
        reported=0,
        crc=0,
    )


_TEST = """smartctl 6.6 2016-05-31 r4324 [x86_64-linux-3.10.0] (local build)
/dev/sda [SAT]: Device open changed type from 'scsi' to 'sat'
/dev/sda [SAT]: Device of type 'sat' [ATA] opened
"""


def test_one_that_pysmart_cannot_read_is_said(smartctl: ReplayTool) -> None:
    health = read(str(smartctl.path), "/dev/sda", "6.6", 10)
    assert health.reason == "smartctl 6.6 has no JSON, and pySMART could not read /dev/sda"


def test_one_that_hangs_is_said_in_time(smartctl: ReplayTool) -> None:
    smartctl.does("-d test /dev/sda", "hang")
    for words in ("-i /dev/sda", "--all /dev/sda"):
        smartctl.does(words, "hang")
    assert read(str(smartctl.path), "/dev/sda", "6.6", 0.5).reason
