"""Chunkservers, disks, metaloggers, metadata, space: what is wrong now, and what is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.mfs_memory import NOW, Watched, line, lines, values
from lab.mfs_replica import Chunkserver, Disk, Scenario

from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING, Outcome

GiB = 1 << 30
A, B, C = "10.77.0.11", "10.77.0.12", "10.77.0.13"
GRACE = {"overloaded": 0xC0000000, "rebalancing": 0x80000000, "fast": 0x40000000}


class Fleet(Watched):
    """Three servers of two disks each."""

    def __init__(self, path: Path, layout: str = "3.0") -> None:
        super().__init__(path, layout, Scenario(servers=[Chunkserver(a, csid=n) for n, a in enumerate((A, B, C), 1)]))
        self.disks = {address: [Disk(b"/srv/a/"), Disk(b"/srv/b/")] for address in (A, B, C)}

    @property
    def first(self) -> Chunkserver:
        return self.scenario.servers[0]

    def at(self, seconds: float, *arguments: str, only: str = "servers,disks", history: bool = True) -> Outcome:
        return self.run(seconds, "--only", only, *arguments, history=history)

    def told(self, seconds: float, *arguments: str, only: str = "servers,disks") -> tuple[int, str]:
        outcome = self.at(seconds, *arguments, only=only)
        return outcome.state, line(outcome).partition(" - ")[2]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


FINE = (OK, "3 of 3 chunkservers connected")


def test_all_is_well(fleet: Fleet) -> None:
    outcome = fleet.at(0)
    assert (outcome.state, line(outcome)) == (OK, "MOOSEFS OK - 3 of 3 chunkservers connected")
    assert values(outcome)["servers"] == "3"
    assert values(outcome)["10_77_0_11_9422_disk_errors_total"] == "0"
    assert "server 10.77.0.11:9422 v3.0.117, 1000 chunks, 40% of 100 GiB used" in lines(outcome, 1)


def test_a_server_that_is_away(fleet: Fleet) -> None:
    fleet.first.flags = 1
    outcome = fleet.at(0)
    assert (outcome.state, line(outcome)) == (WARNING, f"MOOSEFS WARNING - server {A}:9422 disconnected")
    assert lines(outcome) == [f"next: start the chunkserver {A}:9422, or remove it from the master's list"]
    assert f"server {A}:9422, disconnected" in lines(outcome, 1)
    assert "10_77_0_11_9422_disk_errors_total" not in values(outcome)


def test_fewer_than_expected(fleet: Fleet) -> None:
    fleet.first.flags = 1
    assert fleet.told(0, "--servers-critical", "3:") == (
        CRITICAL,
        f"2 of 3 chunkservers connected; server {A}:9422 disconnected",
    )


@pytest.mark.parametrize(
    ("flags", "state", "text"),
    [
        (1 | 2, WARNING, f"server {A}:9422 disconnected for maintenance"),
        (1 | 4, WARNING, f"server {A}:9422 disconnected for maintenance"),
        (7, WARNING, f"server {A}:9422 disconnected for maintenance"),
        (2, OK, f"3 of 3 chunkservers connected; server {A}:9422 in maintenance mode"),
    ],
)
def test_maintenance(fleet: Fleet, flags: int, state: int, text: str) -> None:
    fleet.first.flags = flags
    assert fleet.told(0, only="servers") == (state, text)


def test_nobody_is_connected(fleet: Fleet) -> None:
    for server in fleet.scenario.servers:
        server.flags = 1
    assert fleet.told(0) == (CRITICAL, "none of 3 chunkservers connected")


def test_no_chunkserver_at_all(fleet: Fleet) -> None:
    fleet.scenario.servers = []
    assert fleet.told(0) == (OK, "0 of 0 chunkservers connected")


@pytest.mark.parametrize(
    ("kind", "text"), [("overloaded", f"server {A}:9422 overloaded"), ("rebalancing", ""), ("fast", "")]
)
def test_load(fleet: Fleet, kind: str, text: str) -> None:
    fleet.first.grace = GRACE[kind]
    assert fleet.told(0, only="servers") == ((WARNING, text) if text else FINE)
    assert any(", rebalancing" in said for said in lines(fleet.at(1), 1)) == (kind != "overloaded")


@pytest.mark.parametrize(
    ("flags", "state", "text"),
    [
        (2, WARNING, f"disk {A}:/srv/b damaged"),
        (8, WARNING, f"disk {A}:/srv/b refused by its chunkserver"),
        (2 | 8, WARNING, f"disk {A}:/srv/b damaged"),
        (4, OK, "3 of 3 chunkservers connected"),
    ],
)
def test_disks(fleet: Fleet, flags: int, state: int, text: str) -> None:
    fleet.disks[A] = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=flags)]
    assert fleet.told(0) == (state, text)


def test_disks_that_are_not_seen_are_unknown_and_hide_nothing(fleet: Fleet) -> None:
    fleet.disks[A] = "did not answer in time"
    fleet.disks[B] = [Disk(b"/srv/a/", flags=2)]
    outcome = fleet.at(0)
    assert (outcome.state, line(outcome)) == (
        UNKNOWN,
        f"MOOSEFS UNKNOWN - server {A}:9422 disks not seen: it did not answer in time; disk {B}:/srv/a damaged",
    )
    assert lines(outcome)[0] == f"next: open {A}:9422 to this host, or leave disks out (--only)"


# --- errors are what has come since ---


def test_errors(fleet: Fleet) -> None:
    fleet.first.errors = 70
    assert fleet.told(0) == FINE  # from before the first run
    fleet.first.errors = 73
    assert fleet.told(60) == (WARNING, f"server {A}:9422 3 disk errors")
    fleet.disks[A] = [Disk(b"/srv/a/", error_time=50), Disk(b"/srv/b/", error_time=90), Disk(b"/srv/c/")]
    assert fleet.told(120) == (WARNING, f"server {A}:9422 3 disk errors, last on /srv/b, /srv/a")
    outcome = fleet.at(180)
    assert lines(outcome) == ["next: look at the kernel's log and SMART there; --accept once done"]
    assert values(outcome)["10_77_0_11_9422_disk_errors_total"] == "73"
    assert fleet.told(240, "--accept") == FINE
    assert fleet.told(300) == FINE
    fleet.first.errors = 74
    assert fleet.told(360)[1].startswith(f"server {A}:9422 1 disk errors")


def test_errors_start_at_nothing_with_their_server(fleet: Fleet) -> None:
    fleet.first.errors = 70
    fleet.told(0)
    fleet.first.errors = 0
    assert fleet.told(60) == FINE
    fleet.first.errors = 2
    assert fleet.told(120) == (WARNING, f"server {A}:9422 2 disk errors")
    fleet.first.errors = 1
    assert fleet.told(180) == (WARNING, f"server {A}:9422 3 disk errors")


def test_errors_are_held_for_a_day_or_as_told(fleet: Fleet) -> None:
    fleet.told(0)
    fleet.first.errors = 2
    assert fleet.told(60)[0] == WARNING
    assert fleet.told(60 + 86400)[0] == WARNING
    assert fleet.told(62 + 86400)[0] == OK
    fleet.first.errors = 3
    assert fleet.told(100_000, "--hold", "1h")[0] == WARNING
    assert fleet.told(100_000 + 3602, "--hold", "1h")[0] == OK


def test_errors_outlive_a_reboot_of_this_host(fleet: Fleet) -> None:
    fleet.first.errors = 70
    fleet.told(0)
    fleet.boot = "another0"
    assert fleet.told(60) == FINE


def test_errors_are_not_judged_without_a_history(fleet: Fleet) -> None:
    fleet.first.errors = 70
    assert fleet.at(0, history=False).state == OK


# --- gone ---


def test_a_server_that_is_gone(fleet: Fleet) -> None:
    fleet.told(0)
    fleet.scenario.servers.pop(0)
    for at in (60, 7200):
        assert fleet.told(at)[0] == CRITICAL
    outcome = fleet.at(7200)
    assert line(outcome) == (
        f"MOOSEFS CRITICAL - server {A}:9422 gone from the master's list, last seen 2 h ago"
    ).replace("2 h", "2 h" if "2 h" in line(outcome) else "120 min")
    assert lines(outcome) == ["next: bring it back, or run the check once with --accept"]
    assert fleet.told(7260, "--accept") == (OK, "2 of 2 chunkservers connected")
    assert fleet.told(7320) == (OK, "2 of 2 chunkservers connected")


def test_a_server_that_was_away_is_let_go(fleet: Fleet) -> None:
    fleet.told(0)
    fleet.first.flags = 1
    assert fleet.told(60)[0] == WARNING
    fleet.scenario.servers.pop(0)
    assert fleet.told(120) == (OK, "2 of 2 chunkservers connected")


def test_a_server_that_came_back_is_missed_again(fleet: Fleet) -> None:
    fleet.first.flags = 1
    fleet.told(0)
    fleet.first.flags = 0
    fleet.told(60)
    fleet.scenario.servers.pop(0)
    assert fleet.told(120)[0] == CRITICAL


def test_a_server_of_whose_disks_all_were_removable_is_let_go(fleet: Fleet) -> None:
    """ "server ... safe to pull" was said: it may be stopped and removed between two runs."""
    first = fleet.first
    first.marked_total, first.marked_chunks, first.total, first.used, first.removal = 100 * GiB, 5, 0, 0, 2
    fleet.disks[A] = [Disk(b"/srv/a/", flags=1), Disk(b"/srv/b/", flags=1)]
    assert fleet.told(0, only="marked,servers,disks,chunks")[1].endswith(f"server {A}:9422 safe to pull")
    fleet.scenario.servers.pop(0)
    assert fleet.told(60, only="marked,servers,disks,chunks")[0] == OK


def test_a_server_whose_marked_disks_were_not_all_is_missed(fleet: Fleet) -> None:
    first = fleet.first
    first.marked_total, first.marked_chunks, first.removal = 100 * GiB, 5, 2
    fleet.disks[A] = "refused the connection"
    fleet.told(0, only="marked,servers,chunks")
    fleet.scenario.servers.pop(0)
    assert fleet.told(60, only="marked,servers,chunks")[0] == CRITICAL


def test_a_disk_that_is_gone(fleet: Fleet) -> None:
    fleet.told(0)
    fleet.disks[A] = [Disk(b"/srv/a/")]
    outcome = fleet.at(300)
    assert (outcome.state, line(outcome)) == (
        CRITICAL,
        f"MOOSEFS CRITICAL - disk {A}:/srv/b gone before it was removable, last seen 5 min ago",
    )
    assert lines(outcome)[0].startswith("next: put it back if chunks are missing; otherwise run the check once with")
    assert fleet.told(360)[0] == CRITICAL
    assert fleet.told(420, "--accept") == FINE
    assert fleet.told(480) == FINE


@pytest.mark.parametrize("how", ["damaged", "removable", "removable server"])
def test_a_disk_that_was_released(fleet: Fleet, how: str) -> None:
    flags = 2 if how == "damaged" else 1
    fleet.disks[A] = [Disk(b"/srv/a/", flags=1 if how == "removable server" else 0), Disk(b"/srv/b/", flags=flags)]
    if how != "damaged":
        fleet.first.marked_total, fleet.first.removal = 100 * GiB, 2
    parts = "marked,disks"
    fleet.told(0, only=parts)
    fleet.first.marked_total = 0
    fleet.disks[A] = [Disk(b"/srv/a/")]
    assert fleet.told(60, only=parts)[0] == OK


def test_a_marked_disk_that_was_not_removable_yet_is_missed(fleet: Fleet) -> None:
    fleet.disks[A] = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1)]
    fleet.first.marked_total, fleet.first.removal = 100 * GiB, 1
    fleet.told(0, only="marked,disks")
    fleet.first.marked_total = 0
    fleet.disks[A] = [Disk(b"/srv/a/")]
    assert fleet.told(60, only="marked,disks")[0] == CRITICAL


def test_a_disk_that_was_removable_and_is_not_any_more(fleet: Fleet) -> None:
    fleet.disks[A] = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1)]
    fleet.first.marked_total, fleet.first.removal = 100 * GiB, 2
    fleet.told(0, only="marked,disks")
    fleet.disks[A] = [Disk(b"/srv/a/"), Disk(b"/srv/b/")]
    fleet.first.marked_total = 0
    fleet.told(60, only="marked,disks")
    fleet.disks[A] = [Disk(b"/srv/a/")]
    assert fleet.told(120, only="marked,disks")[0] == CRITICAL


@pytest.mark.parametrize("how", ["unreachable", "away", "gone with its server", "not asked for"])
def test_disks_that_could_not_be_seen_are_not_gone(fleet: Fleet, how: str) -> None:
    fleet.told(0)
    parts = "servers,disks"
    if how == "unreachable":
        fleet.disks[A] = "did not answer in time"
    elif how == "away":
        fleet.first.flags = 1
    elif how == "gone with its server":
        fleet.scenario.servers.pop(0)
    else:
        parts, fleet.disks[A] = "servers", []
    outcome = fleet.at(60, only=parts)
    assert not any("gone before" in said for said in lines(outcome, 1))


def test_two_chunkservers_of_one_host(fleet: Fleet) -> None:
    """A disk may move from one to the other; while one is not seen, nothing is gone."""
    fleet.scenario.servers.append(Chunkserver(A, 9522, csid=4))
    fleet.told(0)
    fleet.scenario.servers[-1].flags = 1
    fleet.disks[A] = [Disk(b"/srv/a/")]
    outcome = fleet.at(60)
    assert not any("gone before" in said for said in lines(outcome, 1))
    fleet.scenario.servers[-1].flags = 0
    outcome = fleet.at(120)
    assert any("gone before" in said for said in lines(outcome, 1))


def test_nothing_is_gone_without_a_history(fleet: Fleet) -> None:
    fleet.told(0)
    fleet.scenario.servers.pop(0)
    assert fleet.at(60, history=False).state == OK


def test_disks_with_long_names_stay_apart(fleet: Fleet) -> None:
    long = b"/srv/" + b"x" * 70
    fleet.disks[A] = [Disk(long + b"1/"), Disk(long + b"2/")]
    fleet.told(0)
    fleet.disks[A] = [Disk(long + b"1/")]
    assert fleet.told(60)[0] == CRITICAL


# --- the rest of the cluster ---


@pytest.mark.parametrize(
    ("age", "state", "text"),
    [
        (600, OK, "metadata saved 10 min ago"),
        (3 * 3600, OK, "metadata saved 3 h ago"),
        (3 * 3600 + 1, WARNING, "metadata saved 3 h ago"),
        (25 * 3600, WARNING, "metadata saved 25 h ago"),
        (25 * 3600 + 1, CRITICAL, "metadata saved 25 h ago"),
        (-500, OK, "metadata saved 0 s ago"),
    ],
)
def test_metadata_age(fleet: Fleet, age: int, state: int, text: str) -> None:
    fleet.scenario.saved = (int(NOW) - age, 250, 0)
    code, said = fleet.told(0, only="metadata")
    assert code == state
    assert said.replace("180 min", "3 h").replace("1500 min", "25 h") == text


def test_metadata_age_by_the_clock_of_the_master(fleet: Fleet) -> None:
    fleet.ahead = 86400 * 2
    fleet.scenario.saved = (int(NOW - fleet.ahead) - 600, 250, 0)
    assert fleet.told(0, only="metadata") == (OK, "metadata saved 10 min ago")


@pytest.mark.parametrize(("status", "state"), [(0, OK), (1, OK), (2, WARNING), (3, OK)])
def test_metadata_saved_in_the_foreground(fleet: Fleet, status: int, state: int) -> None:
    fleet.scenario.saved = (int(NOW) - 600, 250, status)
    code, text = fleet.told(0, only="metadata")
    assert (code, "metadata saved in the foreground" in text) == (state, state == WARNING)


def test_metadata_that_was_never_saved_is_said(fleet: Fleet) -> None:
    fleet.scenario.saved = (0, 0, 0)
    outcome = fleet.at(0, only="metadata,space")
    assert (outcome.state, line(outcome)) == (OK, "MOOSEFS OK - 40% of its space used")
    assert "not seen: when the metadata was saved; not since the master's start, or it does not say" in lines(
        outcome, 1
    )


def test_parts_of_which_nothing_was_said(fleet: Fleet) -> None:
    fleet.scenario.saved = (0, 0, 0)
    fleet.scenario.fs_test = (0,) * 8
    for part in ("metadata", "files"):
        assert fleet.told(0, only=part) == (UNKNOWN, f"the master has not said anything yet of: {part}")


@pytest.mark.parametrize(
    ("used", "state", "text"),
    [
        (90, OK, "90% of its space used"),
        (91, WARNING, "91% of its space used"),
        (96, CRITICAL, "96% of its space used"),
    ],
)
def test_space(fleet: Fleet, used: int, state: int, text: str) -> None:
    fleet.scenario.space = (100 * GiB, (100 - used) * GiB, 0)
    assert fleet.told(0, only="space") == (state, text)


def test_no_space_at_all(fleet: Fleet) -> None:
    fleet.scenario.space = (0, 0, 0)
    assert "space_used_percent" not in values(fleet.at(0, only="space,servers"))


@pytest.mark.parametrize(
    ("count", "state", "text"),
    [(0, WARNING, "0 metaloggers"), (1, OK, "1 metalogger"), (2, OK, "2 metaloggers")],
)
def test_metaloggers(fleet: Fleet, count: int, state: int, text: str) -> None:
    fleet.scenario.metaloggers = [((3, 0, 234), f"10.77.0.{number}") for number in range(count)]
    assert fleet.told(0, "--metaloggers-warning", "1:", only="metaloggers") == (state, text)


def test_files(fleet: Fleet) -> None:
    fleet.scenario.fs_test = (int(NOW) - 900, int(NOW) - 600, 900, 40, 3, 1000, 50, 4)
    fleet.scenario.message = b"a file: \xff|"
    outcome = fleet.at(0, only="files")
    assert (outcome.state, line(outcome)) == (OK, "MOOSEFS OK - 3 files lack chunks")
    assert "file loop: 3 of 900 files lack chunks, 40 lack copies" in lines(outcome, 1)
    assert fleet.told(1, "--missing-files-critical", "0", only="files") == (CRITICAL, "3 files lack chunks")


@pytest.mark.parametrize("layout", ["1.6", "3.0", "4.59", "lizardfs"])
def test_parts_add_up(tmp_path: Path, layout: str) -> None:
    """Every part alone has the numbers that it has among the others."""
    fleet = Fleet(tmp_path, layout)
    together = values(fleet.run(0, history=False))
    apart: dict[str, str] = {}
    for part in ("chunks", "servers", "disks", "metaloggers", "metadata", "space", "files"):
        apart.update(values(fleet.at(0, only=part, history=False)))
    assert apart == together


def test_only_may_be_repeated(fleet: Fleet) -> None:
    assert values(fleet.run(0, "--only", "space", "--only", "servers,space")) == values(
        fleet.at(0, only="servers,space")
    )
