"""What is new since it was accepted, what is gone, and when a rebuild is done by its own record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lab.paper_raid import PaperController, PaperDisk, PaperVolume
from lab.paper_smartctl import smart, smart_words, smartctl
from lab.paper_storcli import storcli
from lab.replay_tool import capture
from support import Ran, check

from checks.megaraid.progress import LEFT, at_average_pace, forecast
from checks.megaraid.readings import Operation
from perfdata.clock import Clock
from perfdata.eta import Forecast
from perfdata.series import Series

NOW = 1_790_000_000
FINE = "MEGARAID OK - PERC H730P Mini: 1 volume, 3 disks (storcli64)"


class Host:
    """One captured host that changes between runs, with its history."""

    def __init__(self, place: Path) -> None:
        self.root = place / "host"
        self._state = place / "state"
        self._state.mkdir(mode=0o700)

    def run(self, controller: PaperController, hours: float, *options: str, **changed: int) -> Ran:
        """Run the check so many hours after the first time; ``changed``: SMART of the disk in slot 1."""
        if self.root.exists():
            shutil.rmtree(self.root)
        answers = smartctl([controller])
        second = next((disk for disk in controller.disks if disk.slot == 1), None)
        if second is not None:
            answers[smart_words(second)] = smart(second, **changed)
        capture(self.root, "storcli64", storcli([controller]), answers)
        (self.root / "clock").write_text(f"{NOW + int(hours * 3600)}\n")
        done = check("megaraid", "--root", str(self.root), "--state-dir", str(self._state), *options)
        assert done.stderr == b""
        return done


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def controller(*disks: PaperDisk, **changes: object) -> PaperController:
    """Three disks, some of them changed."""
    by_slot = {disk.slot: disk for disk in disks}
    return PaperController(disks=[by_slot.get(slot) or PaperDisk(slot) for slot in range(3)], **changes)  # type: ignore[arg-type]


def test_old_errors_are_history_and_new_ones_are_news(host: Host) -> None:
    assert host.run(controller(PaperDisk(1, media=7)), 0).text == FINE
    assert host.run(controller(PaperDisk(1, media=7)), 1).text == FINE
    news = "MEGARAID WARNING - c0 e252:s1 (Z1Z00001) 3 new media errors; 2 ok"
    assert host.run(controller(PaperDisk(1, media=10)), 2).text == news
    assert host.run(controller(PaperDisk(1, media=10)), 3).text == news  # also for the second reader
    assert host.run(controller(PaperDisk(1, media=11)), 4).text == news.replace("3 new", "4 new")
    assert host.run(controller(PaperDisk(1, media=11)), 27).text == news.replace("3 new", "4 new")
    assert host.run(controller(PaperDisk(1, media=11)), 29).text == FINE  # held for a day


def test_accepting_them(host: Host) -> None:
    host.run(controller(PaperDisk(1, media=7)), 0)
    assert host.run(controller(PaperDisk(1, media=10)), 1).code == 1
    done = host.run(controller(PaperDisk(1, media=10)), 2, "--accept")
    assert (done.code, done.text) == (0, FINE)
    assert host.run(controller(PaperDisk(1, media=10)), 3).text == FINE


def test_a_counter_that_began_anew(host: Host) -> None:
    """After a power cycle the controller counts from 0; what it counted since is new."""
    host.run(controller(PaperDisk(1, media=70)), 0)
    assert host.run(controller(PaperDisk(1, media=0)), 1).text == FINE
    assert "2 new media errors" in host.run(controller(PaperDisk(1, media=2)), 2).text


def test_another_disk_in_its_place_has_no_past(host: Host) -> None:
    host.run(controller(PaperDisk(1, media=7)), 0)
    assert host.run(controller(PaperDisk(1, media=500, serial="NEW00001")), 1).text == FINE


def test_errors_that_count_themselves(host: Host) -> None:
    """One or two more at each question, on healthy disks; a burst is something else."""
    for hour in range(12):
        assert host.run(controller(PaperDisk(1, other=556475 + 2 * hour)), hour).text == FINE
    burst = host.run(controller(PaperDisk(1, other=556475 + 22 + 500)), 13)
    assert burst.text == "MEGARAID WARNING - c0 e252:s1 (Z1Z00001) 500 new other errors; 2 ok"
    again = host.run(controller(PaperDisk(1, other=556475 + 24 + 500)), 14)
    assert again.text == burst.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("realloc", "4 new reallocated sectors"),
        ("reported", "4 new reported uncorrectable errors"),
        ("crc", "4 new CRC errors"),
    ],
)
def test_new_ones_of_a_disk_itself(name: str, words: str, host: Host) -> None:
    assert host.run(controller(), 0, **{name: 300}).text == FINE
    assert host.run(controller(), 1, **{name: 304}).text == f"MEGARAID WARNING - c0 e252:s1 (Z1Z00001) {words}; 2 ok"


def test_new_memory_errors(host: Host) -> None:
    assert host.run(controller(correctable=5), 0).text == FINE
    done = host.run(controller(correctable=6), 1)
    assert done.text == "MEGARAID WARNING - c0 1 new memory errors (corrected); 3 ok"


def test_a_disk_that_is_gone_is_missed_until_accepted(host: Host) -> None:
    host.run(controller(), 0)
    two = PaperController(disks=[PaperDisk(0), PaperDisk(2)])
    gone = host.run(two, 3)
    assert gone.code == 2
    assert gone.text == "MEGARAID CRITICAL - c0 e252:s1 gone, last seen 3 h ago; 2 ok"
    assert host.run(two, 100).text == "MEGARAID CRITICAL - c0 e252:s1 gone, last seen 4 d ago; 2 ok"
    assert host.run(two, 101, "--accept").code == 0
    assert host.run(two, 102).code == 0


def test_a_disk_that_was_replaced_or_moved_is_not_gone(host: Host) -> None:
    """Enclosures get new numbers at a boot: the serial number tells that it is the same disk."""
    host.run(controller(), 0)
    assert host.run(controller(PaperDisk(1, serial="NEW00001")), 1).text == FINE
    moved = PaperController(disks=[PaperDisk(slot, enclosure=245) for slot in (0, 2)] + [PaperDisk(1, enclosure=245)])
    moved.disks[2].serial = "NEW00001"
    assert host.run(moved, 2).text == FINE


def test_a_controller_that_is_gone_is_missed_alone(host: Host) -> None:
    first, second = (
        controller(),
        PaperController(number=1, serial="XYZ", pci="00:03:00:00", disks=[PaperDisk(0, serial="ABC")]),
    )
    capture(host.root, "storcli64", storcli([first, second]), smartctl([first, second]), hosts=2)
    (host.root / "clock").write_text(f"{NOW}\n")
    state = host.root.parent / "state"
    assert check("megaraid", "--root", str(host.root), "--state-dir", str(state)).code == 0
    assert host.run(first, 1).text == "MEGARAID CRITICAL - c1 gone, last seen 60 min ago; 3 ok"


def test_the_only_controller_is_gone(host: Host) -> None:
    """A card that fell off the bus: the tool says that there is none, and the driver has none either."""
    host.run(controller(), 0)
    shutil.rmtree(host.root / "sys")
    nothing = '{"Controllers": [{"Command Status": {"Status": "Failure", "Description": "No Controller found"}}]}'
    (host.root / "commands/storcli64/_call_show_all_nolog_J").write_text(nothing)
    (host.root / "clock").write_text(f"{NOW + 3600 * 2}\n")
    argv = ["--root", str(host.root), "--state-dir", str(host.root.parent / "state")]
    done = check("megaraid", *argv)
    assert (done.code, done.text) == (2, "MEGARAID CRITICAL - c0 gone, last seen 2 h ago")
    assert check("megaraid", *argv, "--accept").code == 3
    assert check("megaraid", *argv, "--absent-ok").code == 0


def test_nothing_is_gone_where_a_list_was_not_read(host: Host) -> None:
    host.run(controller(), 0)
    (host.root / "commands/storcli64/_call_show_all_nolog_J").write_text("Segmentation fault\n")
    (host.root / "commands/storcli64/_call_show_all_nolog_J.status").write_text("-11\n")
    state = host.root.parent / "state"
    done = check("megaraid", "--root", str(host.root), "--state-dir", str(state))
    assert (done.code, "gone" in done.output) == (3, False)


def test_an_average_pace_has_two_bounds() -> None:
    assert at_average_pace(8, 39) == Forecast(39 * 60 * 91 / 9, 39 * 60 * 92 / 8, 39 * 60 * 92 / 8)
    assert round(at_average_pace(8, 39).middle / 60) == 448  # type: ignore[union-attr]
    for percent, minutes in ((0, 30), (10, 0), (10, None), (100, 30), (101, 5)):
        assert at_average_pace(percent, minutes) is None


def test_the_record_sees_a_change_of_pace(tmp_path: Path) -> None:
    """Two percent an hour at first, then ten: the average would say 14 h."""
    left, at = 100.0, 0.0
    path = str(tmp_path / "series.sqlite")
    found = None
    for step in range(60):
        left -= 0.5 if step < 30 else 2.5
        at += 900.0
        with Series(path, Clock(1e9 + at, at, "boot")) as series:
            operation = Operation(0, "e252:s3", "rebuild", 100 - int(left + 0.999), int(at / 60))
            found = forecast(operation, "c0 v0", series)
            series.save()
        if left <= 30:
            break
    assert found is not None
    assert found.upper is not None
    truth = left / 10 * 3600
    assert found.lower <= truth <= found.upper
    average = at_average_pace(int(100 - left), int(at / 60))
    assert average is not None
    assert average.lower > truth
    with Series(path, Clock(1e9 + at, at, "boot")) as series:
        assert series.window("c0 v0", LEFT, 1e6)


def test_a_rebuild_that_goes_on(host: Host) -> None:
    rebuilding = controller(PaperDisk(2, state="Rbld", progress=(37, 97)), volumes=[PaperVolume(state="Pdgd")])
    done = host.run(rebuilding, 0)
    assert done.text == "MEGARAID WARNING - c0 v0 RAID6 partially degraded, rebuild 37 %; 3 ok"
