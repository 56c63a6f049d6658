"""A cluster in memory over time: starting, counting, falling, stalled, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from lab.mfs_memory import NOW, Watched, line, lines, values
from lab.mfs_replica import Cells, Chunkserver, Scenario

from perfdata.outcome import CRITICAL, OK, WARNING, Outcome

MINUTE = 60.0


def servers(count: int = 4) -> list[Chunkserver]:
    return [Chunkserver(f"10.77.0.{number}", csid=number) for number in range(11, 11 + count)]


def left(work: int, total: int = 6000) -> Cells:
    """So many chunks of goal 2 with one copy that stays and one on a marked disk, or just a third copy to make."""
    return {(3, 3): (total - work, total - work), (3, 2): (work, work)}


class Resync(Watched):
    """Only the chunks, once a minute; loops take a minute and have just ended unless ``loops`` says otherwise."""

    def __init__(self, path: Path, count: int = 4, layout: str = "3.0") -> None:
        super().__init__(path, layout, Scenario(servers=servers(count)))
        self.loop_seconds: int | None = 60  # None: the first is not over

    def at(self, seconds: float, cells: Cells | None = None, *arguments: str, history: bool = True) -> Outcome:
        if cells is not None:
            self.scenario.cells = cells
        now = int(NOW + seconds - self.ahead)
        self.scenario.loop = (0, 0) if self.loop_seconds is None else (now - 10 - self.loop_seconds, now - 10)
        return self.run(seconds, "--only", "chunks", *arguments, history=history)

    def minutes(self, works: Sequence[int], start: float = 0.0) -> Outcome:
        for number, work in enumerate(works):
            outcome = self.at(start + number * MINUTE, left(work))
        return outcome


@pytest.fixture
def watched(tmp_path: Path) -> Resync:
    return Resync(tmp_path)


def text(outcome: Outcome) -> str:
    return line(outcome).partition(" - ")[2]


def test_a_forecast_needs_four_runs(watched: Resync) -> None:
    assert text(watched.minutes([1000, 900, 800])) == "800 of 6000 chunks undergoal"
    outcome = watched.at(3 * MINUTE, left(700))
    assert text(outcome).startswith("700 of 6000 chunks undergoal, 100/min, done in 5-12 min (")
    assert values(outcome) == {
        "undergoal": "700",
        "missing": "0",
        "endangered": "0",
        "work_left": "700",
        "chunks": "6000",
        "resync_per_hour": "6000",
        "until_done_lower_seconds": "276",
        "until_done_seconds": "420",
        "until_done_upper_seconds": "690",
    }
    [plan] = lines(outcome)
    assert plan.startswith("at the present rate of 100/min since ")
    assert " the 700 copies to make are done in 5-12 min, most likely at " in plan


def test_done(watched: Resync) -> None:
    assert text(watched.minutes([400, 300, 200, 100, 0])) == "no undergoal chunks"
    outcome = watched.at(5 * MINUTE, left(0))
    assert (outcome.state, lines(outcome)) == (OK, [])


def test_without_history(watched: Resync) -> None:
    watched.minutes([1000, 900, 800, 700])
    outcome = watched.at(4 * MINUTE, left(600), history=False)
    assert text(outcome) == "600 of 6000 chunks undergoal"
    assert "no history: no rate, no time until done" in lines(outcome, 1)


def test_thresholds_on_the_upper_bound(watched: Resync) -> None:
    watched.minutes([1000, 900, 800, 700])
    within = watched.at(4 * MINUTE, left(600), "-w", "1000", "--until-done-warning", "11m")
    assert within.state == OK
    beyond = watched.at(5 * MINUTE, left(500), "-w", "1000", "--until-done-critical", "1m")
    assert beyond.state == CRITICAL
    assert ", done in 3-" in text(beyond)


def test_growing(watched: Resync) -> None:
    outcome = watched.minutes([1000, 900, 800, 700, 750])
    assert text(outcome) == "750 of 6000 chunks undergoal, still growing"
    assert "resync_per_hour" not in values(outcome)


@pytest.mark.parametrize("progress", [1, 2, 3])
def test_counting(watched: Resync, progress: int) -> None:
    watched.minutes([1000, 900, 800, 700])
    watched.scenario.progress = progress
    assert text(watched.at(4 * MINUTE, left(600))) == "600 of 6000 chunks undergoal, still counting"
    watched.scenario.progress = 0
    assert text(watched.at(5 * MINUTE, left(500))) == "500 of 6000 chunks undergoal"


@pytest.mark.parametrize("change", ["away", "another", "marked", "maintenance"])
def test_another_situation_begins_anew(watched: Resync, change: str) -> None:
    watched.minutes([1000, 900, 800, 700])
    assert "done in" in text(watched.at(4 * MINUTE, left(600)))
    last = watched.scenario.servers[-1]
    if change == "another":
        watched.scenario.servers.append(Chunkserver("10.77.0.99", csid=99))
    elif change == "away":
        last.flags = 1
    elif change == "maintenance":
        last.flags = 2
    else:
        last.marked_total = 1 << 30
    assert "done in" not in text(watched.at(5 * MINUTE, left(500)))
    for minute in (6, 7):
        watched.at(minute * MINUTE, left(1000 - 100 * minute))
    assert "done in" in text(watched.at(8 * MINUTE, left(200)))


def test_the_order_of_servers_is_no_situation(watched: Resync) -> None:
    watched.minutes([1000, 900, 800, 700])
    watched.scenario.servers.reverse()
    assert "done in" in text(watched.at(4 * MINUTE, left(600)))


def test_a_reboot_of_this_host_begins_anew(watched: Resync) -> None:
    watched.minutes([1000, 900, 800, 700])
    watched.boot = "another0"
    assert text(watched.at(4 * MINUTE, left(600))) == "600 of 6000 chunks undergoal"


# --- why no copies are made ---


def test_maintenance_pauses_at_once(watched: Resync) -> None:
    watched.scenario.servers[0].flags = 1 | 2 | 4
    outcome = watched.at(0, left(500), history=False)
    assert text(outcome) == "500 of 6000 chunks undergoal, no copies made during maintenance"
    assert lines(outcome) == ["next: start the chunkserver again, or end its maintenance mode, so that copies are made"]


def test_maintenance_of_one_while_another_is_away_pauses_nothing(watched: Resync) -> None:
    watched.scenario.servers[0].flags = 1 | 2
    watched.scenario.servers[1].flags = 1
    assert "maintenance" not in text(watched.at(0, left(500)))


def test_maintenance_of_a_connected_server_pauses_nothing(watched: Resync) -> None:
    watched.scenario.servers[0].flags = 2
    assert text(watched.at(0, left(500))) == "500 of 6000 chunks undergoal"


@pytest.mark.parametrize("why", ["too few", "full", "marked", "away"])
def test_no_target(watched: Resync, why: str) -> None:
    if why == "too few":
        watched.scenario.servers = servers(2)
    for server in watched.scenario.servers[2:]:
        if why == "full":
            server.used = server.total
        elif why == "marked":
            server.total, server.used, server.marked_total = 0, 0, 1 << 30
        else:
            server.flags = 1
    outcome = watched.at(0, left(500))
    assert outcome.state == WARNING
    assert text(outcome) == "500 of 6000 chunks undergoal, no target server for 500 copies"
    assert lines(outcome)[0].startswith("next: add or start a chunkserver, or lower the goal (mfssetgoal)")


def test_a_part_without_target(watched: Resync) -> None:
    """Goal 4 on three servers: a third of the work will stay."""
    watched.scenario.servers = servers(3)

    def at(minute: int, work: int) -> Outcome:
        return watched.at(minute * MINUTE, {(2, 2): (3000 - work, 3000 - work), (2, 1): (work, work), (4, 3): (50, 50)})

    outcome = at(0, 1000)
    assert text(outcome) == "1000 of 3050 chunks endangered, 50 undergoal, 50 copies have no target server"
    assert outcome.state == WARNING
    for minute in (1, 2, 3):
        outcome = at(minute, 1000 - 100 * minute)
    assert text(outcome).startswith(
        "700 of 3050 chunks endangered, 50 undergoal, 50 copies have no target server, 100/min, done in 5-"
    )
    assert values(outcome)["until_done_seconds"] == "420"
    assert " the 700 copies to make are done " in lines(outcome)[-1]


def test_no_target_is_said_although_the_work_goes_down(watched: Resync) -> None:
    """Deleted files: what is left has nowhere to go."""
    watched.scenario.servers = servers(2)
    outcome = watched.minutes([1000, 900, 800, 700])
    assert text(outcome) == "700 of 6000 chunks undergoal, no target server for 700 copies"
    assert "until_done_seconds" not in values(outcome)


def test_copies_on_marked_disks_may_wait_for_another_loop(watched: Resync) -> None:
    watched.loop_seconds = 100

    def at(minute: int) -> Outcome:
        work = 1000 - 100 * minute
        return watched.at(minute * MINUTE, {(2, 2): (6000, 6000 - work), (2, 1): (0, work)})

    for minute in range(4):
        outcome = at(minute)
    told = values(outcome)
    bounds = [told[f"until_done_{bound}seconds"] for bound in ("lower_", "", "upper_")]
    assert bounds == ["276", "420", "790"]


def test_start_delay(watched: Resync) -> None:
    watched.loop_seconds = None
    watched.at(0, left(500))
    assert text(watched.at(59, left(500))) == "500 of 6000 chunks undergoal"
    outcome = watched.at(60, left(500))
    assert text(outcome) == "500 of 6000 chunks undergoal, no copies made yet: start delay"
    assert "start delay" not in text(watched.at(2 * MINUTE, left(400)))


def test_stalled_needs_two_loops(watched: Resync) -> None:
    watched.loop_seconds = 300
    assert text(watched.minutes([500] * 10)) == "500 of 6000 chunks undergoal"
    outcome = watched.at(10 * MINUTE, left(500))
    assert text(outcome) == "500 of 6000 chunks undergoal, no copies made for 10 min"
    assert lines(outcome) == [
        "next: look for full or overloaded chunkservers, labels that no server matches, and CHUNKS_WRITE_REP_LIMIT"
    ]
    assert "no copies made" not in text(watched.at(11 * MINUTE, left(490)))


def test_a_loop_that_does_not_end(watched: Resync) -> None:
    watched.minutes([500] * 4)
    watched.scenario.loop = (int(NOW) - 120, int(NOW) - 60)
    watched.scenario.cells = left(500)
    for minute in (4, 5, 6):
        outcome = watched.run(minute * MINUTE, "--only", "chunks")
    assert text(outcome) == "500 of 6000 chunks undergoal, no copies made for 6 min: the loop has not finished"
    assert lines(outcome)[0].startswith("next: look at the master's load and CHUNKS_LOOP_MAX_CPS")


def test_the_clock_of_the_master_counts(watched: Resync) -> None:
    """This host's may be an hour ahead."""
    watched.ahead = 3600
    assert text(watched.minutes([500] * 7)) == "500 of 6000 chunks undergoal, no copies made for 6 min"


def test_what_was_lost_is_no_work(watched: Resync) -> None:
    """No copy is left to make others from: neither a forecast nor a stall is about them."""

    def cells(work: int) -> Cells:
        return {(2, 2): (5000 - work, 5000 - work), (2, 1): (work, work), (2, 0): (12, 12)}

    for minute in range(6):
        outcome = watched.at(minute * MINUTE, cells(500 - 100 * minute))
        assert outcome.state == CRITICAL
        if minute == 4:
            assert " the 100 copies to make are done " in lines(outcome)[-1]
            assert values(outcome)["until_done_seconds"] == "60"
    assert text(outcome) == "12 of 5012 chunks missing"
    for minute in range(6, 60, 6):
        outcome = watched.at(minute * MINUTE, cells(0))
    assert (text(outcome), lines(outcome)) == ("12 of 5012 chunks missing", [])


def test_lost_chunks_want_no_target(watched: Resync) -> None:
    watched.scenario.servers = servers(1)
    assert text(watched.at(0, {(1, 1): (10, 10), (3, 0): (5, 5)})) == "5 of 15 chunks missing"


# --- a master that was just started ---


def starting(watched: Resync, missing: int, connected: int = 0) -> None:
    watched.loop_seconds = None
    for number, server in enumerate(watched.scenario.servers):
        server.flags = 0 if number < connected else 1
    watched.scenario.cells = {(2, 2): (6000 - missing, 6000 - missing), (2, 0): (missing, missing)}


def test_starting_for_a_grace(watched: Resync) -> None:
    starting(watched, 6000)
    outcome = watched.at(0)
    assert (outcome.state, text(outcome)) == (
        WARNING,
        "starting: 0 of 4 chunkservers connected, 6000 of 6000 chunks not reported yet",
    )
    assert lines(outcome) == [
        "next: wait for the chunkservers to connect; judged as missing when the grace (--grace) is over"
    ]
    assert values(outcome) == {"chunks": "6000"}
    starting(watched, 900, connected=3)
    assert text(watched.at(59)) == "starting: 3 of 4 chunkservers connected, 900 of 6000 chunks not reported yet"
    outcome = watched.at(60)
    assert (outcome.state, text(outcome)) == (CRITICAL, "900 of 6000 chunks missing")


def test_starting_needs_a_history(watched: Resync) -> None:
    starting(watched, 6000)
    assert watched.at(0, history=False).state == CRITICAL


def test_the_grace_is_an_option(watched: Resync) -> None:
    starting(watched, 6000)
    assert watched.at(0, None, "--grace", "0").state == CRITICAL
    assert watched.at(1, None, "--grace", "0").state == CRITICAL
    assert watched.at(299, None, "--grace", "5m").state == WARNING
    assert watched.at(300, None, "--grace", "5m").state == CRITICAL


def test_a_reboot_of_this_host_grants_another_grace(watched: Resync) -> None:
    starting(watched, 6000)
    watched.at(0)
    watched.boot = "another0"
    assert watched.at(3600).state == WARNING
    assert watched.at(3659).state == WARNING
    assert watched.at(3660).state == CRITICAL


def test_a_master_that_has_lived_for_longer_is_not_starting(watched: Resync) -> None:
    """Its first loop after another one's end has not begun: it lived before that."""
    starting(watched, 6000)
    watched.scenario.cells = {(2, 0): (6000, 6000)}
    for lived, state in ((60, WARNING), (61, CRITICAL)):
        watched.scenario.loop = (0, int(NOW) - lived)
        assert watched.run(0, "--only", "chunks").state == state


def test_the_grace_begins_anew_once_nothing_was_missing(watched: Resync) -> None:
    starting(watched, 6000)
    assert watched.at(0).state == WARNING
    starting(watched, 0, connected=4)
    assert watched.at(50).state == OK
    starting(watched, 6000)
    assert watched.at(100).state == WARNING
    assert watched.at(159).state == WARNING
    assert watched.at(160).state == CRITICAL


def test_a_loop_that_was_completed_ends_it(watched: Resync) -> None:
    starting(watched, 6000)
    watched.at(0)
    watched.loop_seconds = 60
    assert watched.at(10).state == CRITICAL
    watched.loop_seconds = None
    assert text(watched.at(3600)).startswith("starting: ")


def test_no_servers_connected_is_said_of_a_master_that_is_not_starting(watched: Resync) -> None:
    for server in watched.scenario.servers:
        server.flags = 1
    watched.scenario.cells = {(2, 0): (6000, 6000)}
    watched.scenario.loop = (int(NOW) - 90, int(NOW) - 30)
    outcome = watched.run(0, "--only", "chunks,servers")
    assert (outcome.state, text(outcome)) == (
        CRITICAL,
        "6000 of 6000 chunks missing, none of 4 chunkservers connected",
    )


def test_nobody_is_away_while_it_starts(watched: Resync) -> None:
    starting(watched, 6000, connected=1)
    outcome = watched.run(0, "--only", "chunks,servers")
    assert outcome.state == CRITICAL  # the loop of the scenario is an old one
    watched.scenario.loop = (0, 0)
    outcome = watched.run(10, "--only", "chunks,servers")
    assert (outcome.state, text(outcome)) == (
        WARNING,
        "starting: 1 of 4 chunkservers connected, 6000 of 6000 chunks not reported yet",
    )


# --- LizardFS ---


def test_lizardfs_says_that_it_does_not_count_apart(tmp_path: Path) -> None:
    watched = Resync(tmp_path, layout="lizardfs")
    outcome = watched.minutes([1000, 900, 800, 700])
    assert text(outcome).startswith("700 of 6000 chunks undergoal, 100/min, done in 5-12 min (")
    assert "not seen: this master does not count the copies on marked disks apart" in lines(outcome, 1)
