"""Marked disks over time: when each may go, and what must not be said too early."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.mfs_memory import NOW, Watched, line, lines, values
from lab.mfs_replica import Cells, Chunkserver, Disk, Scenario

from perfdata.outcome import OK, UNKNOWN, WARNING, Outcome

GiB = 1 << 30
A, B = "10.77.0.11", "10.77.0.12"
DISK = f"{A}:/srv/b"
VALIDATING, IN_PROGRESS, REMOVABLE = 0, 1, 2


def held(work: int, total: int = 6000) -> Cells:
    """Chunks of goal 2 that have one of their copies on a marked disk, and no other yet."""
    return {(2, 2): (total, total - work), (2, 1): (0, work)}


class Marked(Watched):
    """One of two disks of the first server is marked; loops of 100 s, the present one begun ``loop_age`` s ago."""

    def __init__(self, path: Path, layout: str = "3.0") -> None:
        first = Chunkserver(
            A, csid=1, marked_total=100 * GiB, marked_used=9 * GiB, marked_chunks=40, removal=IN_PROGRESS
        )
        super().__init__(
            path, layout, Scenario(servers=[first, Chunkserver(B, csid=2), Chunkserver("10.77.0.13", csid=3)])
        )
        self.first = first
        self.disks = {A: [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1)], B: [Disk(b"/srv/a/")], "10.77.0.13": [Disk()]}
        self.loop_age = 10.0

    def at(self, seconds: float, work: int, *arguments: str, only: str = "marked", history: bool = True) -> Outcome:
        self.scenario.cells = held(work)
        end = int(NOW + seconds - self.loop_age)
        self.scenario.loop = (end - 100, end)
        return self.run(seconds, "--only", only, *arguments, history=history)


@pytest.fixture
def watched(tmp_path: Path) -> Marked:
    return Marked(tmp_path)


def text(outcome: Outcome) -> str:
    return line(outcome).partition(" - ")[2]


def until(outcome: Outcome, item: str = "10_77_0_11__srv_b") -> tuple[float, ...]:
    """Lower, middle and upper bound, as far as they are told."""
    found = values(outcome)
    names = [f"{item}_until_removable_{bound}seconds" for bound in ("lower_", "", "upper_")]
    return tuple(float(found[name]) for name in names if name in found)


def test_copies_and_then_a_whole_loop(watched: Marked) -> None:
    for minute in range(3):
        outcome = watched.at(minute * 60, 1000 - 100 * minute)
        assert (outcome.state, text(outcome)) == (WARNING, f"disk {DISK} not yet removable")
    outcome = watched.at(180, 700)
    # 7 min at 100/min, 0.8 times that less a minute to 1.5 times that and a minute; then from one loop to two, the
    # next one a fifth longer
    assert until(outcome) == (276 + 100, 420 + 150, 690 + 220)
    assert text(outcome) == f"disk {DISK} not yet removable, in 6-15 min"
    assert lines(outcome)[0] == "next: leave it in: chunks on it still lack copies elsewhere"


@pytest.mark.parametrize(
    ("passed", "loop_age", "expected"),
    [
        pytest.param(30, 70, (130.0, 130.0, 150.0), id="made in this loop: the next one has to begin and end"),
        pytest.param(30, 20, (80.0, 130.0, 200.0), id="made in this loop or before: nobody knows"),
        pytest.param(90, 20, (80.0, 80.0, 100.0), id="made before this loop began"),
        pytest.param(90, 99, (101.0, 101.0, 121.0), id="made in this loop, long ago"),
        pytest.param(90, 130, (70.0, 70.0, 90.0), id="a loop that takes longer than the last"),
        pytest.param(250, 100, (0.0, 0.0, 20.0), id="due any moment"),
    ],
)
def test_after_the_last_copy(watched: Marked, passed: int, loop_age: float, expected: tuple[float, ...]) -> None:
    """The last copy was made between the run that still saw work, at 0 s, and the next one, at 30 s."""
    watched.at(0, 5)
    if passed > 30:
        watched.at(30, 0)
    watched.loop_age = loop_age
    outcome = watched.at(passed, 0)
    assert until(outcome) == expected
    assert text(outcome).startswith(f"disk {DISK} not yet removable, in ")


def test_long_after_the_last_copy_nobody_knows(watched: Marked) -> None:
    watched.at(0, 5)
    outcome = watched.at(400, 0)
    assert (text(outcome), until(outcome)) == (f"disk {DISK} not yet removable", ())


def test_when_the_master_has_said_so(watched: Marked) -> None:
    watched.at(0, 5)
    watched.first.removal = REMOVABLE
    outcome = watched.at(200, 0, only="chunks,marked")
    assert (outcome.state, text(outcome)) == (OK, f"no undergoal chunks; disk {DISK} safe to pull")
    outcome = watched.at(260, 0)
    assert (outcome.state, text(outcome)) == (OK, f"disk {DISK} safe to pull")


def test_the_word_of_the_master_is_as_old_as_its_loop(watched: Marked) -> None:
    """A server may have died since: the disk holds copies that are to be made elsewhere."""
    watched.first.removal = REMOVABLE
    outcome = watched.at(0, 7)
    assert (outcome.state, text(outcome)) == (WARNING, f"disk {DISK} not yet removable")


@pytest.mark.parametrize("progress", [1, 2, 3])
def test_nothing_is_safe_while_the_master_counts(watched: Marked, progress: int) -> None:
    watched.first.removal = REMOVABLE
    watched.scenario.progress = progress
    assert text(watched.at(0, 0)) == f"disk {DISK} not yet removable"


def test_the_only_copies(watched: Marked) -> None:
    watched.first.removal = REMOVABLE
    watched.scenario.cells = {(1, 1): (100, 64), (1, 0): (0, 36)}
    outcome = watched.run(0, "--only", "marked")
    assert text(outcome) == f"disk {DISK} not yet removable"
    assert lines(outcome)[0] == "next: 36 chunks have no other copy: pulling it loses data"


def test_without_history_there_is_no_time(watched: Marked) -> None:
    outcome = watched.at(0, 500, history=False)
    assert (text(outcome), until(outcome)) == (f"disk {DISK} not yet removable", ())


def test_thresholds(watched: Marked) -> None:
    for minute in range(4):
        outcome = watched.at(minute * 60, 1000 - 100 * minute, "--until-removable-critical", "15m")
    assert outcome.state == 2
    assert text(outcome) == f"disk {DISK} not yet removable, in 6-15 min"


@pytest.mark.parametrize("layout", ["1.6", "2.0", "3.0.32"])
def test_masters_that_do_not_confirm(tmp_path: Path, layout: str) -> None:
    watched = Marked(tmp_path, layout)
    assert text(watched.at(0, 3)) == f"disk {DISK} not yet removable"
    outcome = watched.at(60, 0)
    assert text(outcome).startswith(f"disk {DISK} has no copies left to make, but master ")
    assert text(outcome).endswith(" does not confirm removal")
    assert lines(outcome)[0] == "next: wait for a whole chunk loop to begin and end before it is pulled"


@pytest.mark.parametrize("layout", ["1.5.13", "lizardfs"])
def test_masters_that_do_not_count_apart_know_even_less(tmp_path: Path, layout: str) -> None:
    """Straight after it was marked their numbers look as if all was done."""
    outcome = Marked(tmp_path, layout).at(0, 3)
    assert outcome.state == WARNING
    assert "no copies left" not in text(outcome)
    assert text(outcome).endswith(" does not confirm removal")


# --- which disks ---


def test_two_disks_and_a_whole_server(watched: Marked) -> None:
    watched.disks[A] = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1), Disk(b"/srv/c", flags=1)]
    second = watched.scenario.servers[1]
    second.marked_total, second.total, second.used, second.removal = 100 * GiB, 0, 0, REMOVABLE
    watched.disks[B] = [Disk(b"/srv/a/", flags=1)]
    outcome = watched.at(0, 0)
    assert text(outcome) == f"disk {DISK} not yet removable; disk {A}:/srv/c not yet removable"
    assert f"OK: server {B}:9422 safe to pull" in lines(outcome, 1)


def test_disks_that_cannot_be_asked_for(watched: Marked) -> None:
    watched.disks[A] = "did not answer in time"
    outcome = watched.at(0, 5)
    assert (outcome.state, text(outcome)) == (WARNING, f"marked disks of {A}:9422 not yet removable")
    assert f"not seen: disks of {A}:9422, which did not answer in time" in lines(outcome, 1)
    outcome = watched.at(60, 5, only="marked,disks")
    assert outcome.state == UNKNOWN


def test_a_server_that_is_away_has_no_marked_disks(watched: Marked) -> None:
    watched.first.flags = 1
    outcome = watched.at(0, 0, only="chunks,marked")
    assert (outcome.state, text(outcome)) == (OK, "no undergoal chunks")


def test_damaged_and_marked(watched: Marked) -> None:
    watched.disks[A][1] = Disk(b"/srv/b/", flags=3)  # type: ignore[index]
    outcome = watched.at(0, 5, only="marked,disks")
    assert text(outcome) == f"disk {DISK} not yet removable, damaged"


def test_no_disk_is_marked(watched: Marked) -> None:
    """A service for marked disks alone has to be OK when there are none."""
    watched.first.marked_total = watched.first.marked_chunks = watched.first.marked_used = 0
    watched.disks[A] = [Disk(b"/srv/a/")]
    outcome = watched.at(0, 0)
    assert (outcome.state, text(outcome)) == (OK, "no disks marked for removal")


def test_a_disk_that_its_server_lists_as_marked_no_more(watched: Marked) -> None:
    """Unmarked or pulled a moment ago: the master still says that there is one."""
    watched.disks[A] = [Disk(b"/srv/a/")]
    outcome = watched.at(0, 5)
    assert (outcome.state, text(outcome)) == (OK, "no disks marked for removal")


def test_long_names_of_disks_differ_at_their_ends(watched: Marked) -> None:
    paths = [b"/srv/" + b"x" * 200 + end for end in (b"1", b"2")]
    watched.disks[A] = [Disk(b"/srv/a/"), *(Disk(path + b"/", flags=1) for path in paths)]
    told = [said for said in lines(watched.at(0, 5), 1) if "not yet removable" in said]
    assert told == [f"WARNING: disk {A}:{path.decode()} not yet removable" for path in paths]


# --- checked too rarely ---


@pytest.mark.parametrize(("interval", "rare"), [(100, False), (110, False), (120, True), (3600, True)])
def test_checked_less_often_than_the_loop_turns(watched: Marked, interval: int, rare: bool) -> None:
    for run in range(4):
        outcome = watched.at(run * interval, 50)
        assert "checked every" not in text(outcome)
    outcome = watched.at(4 * interval, 50)
    told = [said for said in lines(outcome, 1) if "checked every" in said]
    words = "120 s" if interval == 120 else "60 min"
    assert told == ([f"WARNING: checked every {words}, loop 100 s"] if rare else [])
    step = "next: set the check interval to 100 s or less: removals change once per loop"
    assert (step in lines(outcome)) == rare


def test_the_interval_does_not_matter_once_they_are_removable(watched: Marked) -> None:
    watched.first.removal = REMOVABLE
    for run in range(6):
        outcome = watched.at(run * 600, 0)
    assert (outcome.state, text(outcome)) == (OK, f"disk {DISK} safe to pull")
