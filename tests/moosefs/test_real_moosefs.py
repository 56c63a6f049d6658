"""A real MooseFS, and what the check says at every moment: a disk is removed, servers die, and all the small mishaps.

Four clusters live through their stories side by side (they mostly sleep); the tests look at what was collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from lab.mfs_watch import Look
from lab.moosefs import ADDRESS, Cluster
from lab.moosefs_story import Seen, Story
from support import Ran, command

pytestmark = [
    pytest.mark.needs("mfsmaster", "mfschunkserver", "mfsmount", "mfscli", "gcc", "ip", "unshare", "strace"),
    pytest.mark.alone,
]

PARTS = ("chunks", "marked", "servers", "disks", "metaloggers", "metadata", "space", "files")
INTERVAL = 5.0  # seconds between two runs of the check
LOOK = 0.5  # seconds between two looks at the master: nobody knows a moment more exactly
SERVERS = [f"10.77.0.{number}:9422" for number in (11, 12, 13, 14)]
DISK_1A, DISK_2A, DISK_3B = "10.77.0.11:/mfs/1a", "10.77.0.12:/mfs/2a", "10.77.0.13:/mfs/3b"
CLOCK = r"\((?:[A-Z][a-z]{2} )?\d\d:\d\d\)"
PACE = rf"\d+/(?:min|h), done in (?:\d+-)?\d+ (?:s|min) {CLOCK}"
START = "next: start the chunkserver {0}, or remove it from the master's list"


# --- the stories ---


def is_whole(look: Look) -> bool:
    return not look.counting and not look.work and not look.missing


def tell_removal(story: Story) -> None:
    """Two disks are marked for removal and pulled, one of them too early."""
    with story.cluster(4) as cluster:
        cluster.write_files(400, 2, "files")
        story.wait(cluster, "all is copied", lambda look: look.chunks == 400 and is_whole(look))
        story.check("healthy", cluster)
        cluster.star(1, "a")
        starred = ("--hdd-config", str(cluster.hdd_config(1)))
        story.check("starred", cluster, *starred)
        story.check("starred on another host", cluster, *starred, outside=True)
        cluster.slow_down(1.2)
        story.now("marked")
        cluster.reload(1)
        cluster.mark(2, "a")
        story.wait(cluster, "the marks are known", lambda look: len(look.removal) == 2 and look.work > 0)
        story.check("reloaded", cluster, *starred)
        story.follow("resync", cluster, INTERVAL, lambda look: set(look.removal.values()) == {2}, 250)
        story.check("removable", cluster, "-v")
        cluster.pull(1, "a")
        story.sleep(2)
        story.check("pulled", cluster)
        cluster.kill_server(4)
        story.now("killed")
        for _ in range(5):
            story.check("killed", cluster)
            story.sleep(0.5)
        cluster.pull(2, "a")
        story.sleep(2)
        story.check("pulled too early", cluster)
        story.check("still gone", cluster)
        story.check("accepted", cluster, "--accept")
        story.check("afterwards", cluster)


def tell_one_disk(story: Story) -> None:
    """One disk is marked, and its chunks leave at one pace for more than two minutes."""
    with story.cluster(4) as cluster:
        cluster.write_files(800, 2, "files")
        story.wait(cluster, "all is copied", lambda look: look.chunks == 800 and is_whole(look))
        cluster.slow_down(2.0)
        story.now("marked")
        cluster.mark(1, "a")
        story.wait(cluster, "it is counted", lambda look: not look.counting and look.work > 0)
        story.follow("resync", cluster, INTERVAL, is_whole, 240)


def tell_deaths(story: Story) -> None:
    """A server dies, then another one; both come back, and a goal is raised."""
    with story.cluster(4) as cluster:
        cluster.write_files(300, 2, "two")
        story.wait(cluster, "all is copied", lambda look: look.chunks == 300 and is_whole(look))
        story.check("healthy", cluster)
        story.sleep(2)
        cluster.pace(cluster.chunks()[4], 3, 130)
        cluster.kill_server(4)
        story.now("killed")
        story.check("counting", cluster)
        story.wait(cluster, "it is counted", lambda look: not look.counting and look.work > 0)
        story.follow("resync", cluster, INTERVAL, is_whole, 240)
        cluster.slow_down(0.05)
        cluster.write_files(30, 3, "three")
        story.wait(cluster, "all is copied", lambda look: look.chunks == 330 and is_whole(look))
        cluster.kill_server(3)
        story.wait(cluster, "it is counted", lambda look: not look.counting and look.work > 100)
        story.follow("two left", cluster, 2, lambda look: look.work == 30)
        for _ in range(3):
            story.check("homeless", cluster, "-v")
            story.sleep(2)
        for server in (3, 4):
            cluster.start_server(server)
        story.wait(cluster, "all is well again", is_whole)
        story.check("back", cluster)
        cluster.slow_down(0.5)
        cluster.setgoal(4, "three")
        story.wait(cluster, "the goal is known", lambda look: look.work > 0)
        story.follow("goal raised", cluster, 1, is_whole)
        cluster.setgoal(2, "three")
        story.sleep(1)
        story.check("goal lowered", cluster)


def tell_mishaps(story: Story) -> None:
    """What goes wrong beside resyncs."""
    with story.cluster(4, metalogger=True) as cluster:
        cluster.write_files(100, 2, "files")
        story.wait(cluster, "all is copied", lambda look: look.chunks == 100 and is_whole(look))
        story.check("healthy", cluster)
        story.check("in detail", cluster, "-v")
        story.check("without history", cluster, history=False)
        for part in PARTS:
            story.check(f"only {part}", cluster, "--only", part)
        for port in (9419, 9420, 9999):
            story.check(f"port {port}", cluster, "-p", str(port))
        trace_connections(story, cluster)
        cluster.cut_off(2)
        story.check("cut off", cluster, outside=True)
        story.check("cut off, chunks only", cluster, "--only", "chunks", outside=True)
        tell_absences(story, cluster)
        tell_starts(story, cluster)
        tell_disks(story, cluster)


def tell_absences(story: Story, cluster: Cluster) -> None:
    cluster.pause_master()
    story.check("silent", cluster, "-t", "2")
    cluster.resume_master()
    cluster.end_metalogger()
    story.check("no metalogger", cluster, "--metaloggers-warning", "1:")
    cluster.start_metalogger()
    cluster.stop_server(4)
    story.wait(cluster, "the stop is counted", lambda look: not look.counting and look.work > 0)
    story.check("stopped in order", cluster)
    cluster.start_server(4)
    story.wait(cluster, "it is back", is_whole)
    story.sleep(2)
    story.check("started again", cluster)
    cluster.mark(3, "b")
    story.wait(cluster, "the mark is known", lambda look: bool(look.removal) and look.work > 0)
    story.check("marked", cluster)
    cluster.unmark(3)
    story.wait(cluster, "the mark is gone", lambda look: not look.removal and is_whole(look))
    story.check("unmarked", cluster)
    for server in (2, 3, 4):  # the master may have paired two of them, or each with the first one: three hold a pair
        cluster.kill_server(server)
    story.wait(cluster, "it is counted", lambda look: look.missing > 0 and not look.counting)
    story.check("three killed", cluster, "-v", history=False)  # with one it is given its grace
    cluster.kill_server(1)
    story.wait(cluster, "it is counted", lambda look: look.missing == look.chunks and not look.counting)
    story.check("all killed", cluster, history=False)


def tell_starts(story: Story, cluster: Cluster) -> None:
    cluster.restart_master()
    story.check("started alone", cluster)
    story.sleep(2.5)
    story.check("alone for too long", cluster, "--grace", "2")
    for server in cluster.servers:
        cluster.start_server(server, wait=False)
    for _ in range(12):
        story.check("filling up", cluster)
    story.wait(cluster, "all is well again", is_whole)
    story.check("recovered", cluster)
    cluster.restart_master()
    for _ in range(8):
        story.check("restarted", cluster)
    story.wait(cluster, "all is well again", is_whole)


def tell_disks(story: Story, cluster: Cluster) -> None:
    cluster.fail_disk(2, "a")
    cluster.write_files(40, 2, "more")
    cluster.remove("more")  # what was written to a failing disk may be lost
    story.sleep(3)  # the master hears of the damage a second or two later
    story.wait(cluster, "all is copied", is_whole)
    story.sleep(1)
    story.check("disk failed", cluster, "-v")
    story.check("errors accepted", cluster, "--accept")
    story.check("after acceptance", cluster)
    cluster.lose_disk(3, "b")
    story.sleep(2)
    story.wait(cluster, "all is copied", is_whole)
    story.check("disk lost", cluster, "-v")


def trace_connections(story: Story, cluster: Cluster) -> None:
    """What is sent to whom, as the kernel sees it."""
    for moment, arguments in (("everything", []), ("chunks", ["--only", "chunks"])):
        trace = cluster.directory / "trace"
        check = [*command("check_moosefs"), "-H", ADDRESS, "--no-history", *arguments]
        ran = cluster.run("strace", "-f", "-qq", "-e", "trace=connect,sendto", "-o", str(trace), *check)
        assert ran.code == 0, ran
        story.texts[f"trace of {moment}"] = trace.read_text()


STORIES: dict[str, Callable[[Story], None]] = {
    "removal": tell_removal,
    "one_disk": tell_one_disk,
    "deaths": tell_deaths,
    "mishaps": tell_mishaps,
}


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Story]]:
    """Those that the chosen tests are about, all begun at once."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    told: dict[str, Story] = {}
    with ExitStack() as end:
        for name in wanted & STORIES.keys():
            state = tmp_path_factory.mktemp(name)
            state.chmod(0o700)
            told[name] = Story(STORIES[name], state)
            end.callback(told[name].hurry)
        yield told


@pytest.fixture(scope="module")
def removal(stories: dict[str, Story]) -> Story:
    return stories["removal"]


@pytest.fixture(scope="module")
def one_disk(stories: dict[str, Story]) -> Story:
    return stories["one_disk"]


@pytest.fixture(scope="module")
def deaths(stories: dict[str, Story]) -> Story:
    return stories["deaths"]


@pytest.fixture(scope="module")
def mishaps(stories: dict[str, Story]) -> Story:
    return stories["mishaps"]


# --- what they are asked ---


def says(ran: Ran, code: int, text: str) -> bool:
    """Whether a run ended with this code and this text, which is a regular expression."""
    if (ran.code, bool(re.fullmatch(f"MOOSEFS {text}", ran.text)), ran.stderr) == (code, True, b""):
        return True
    print(f"expected {code}, MOOSEFS {text}\nbut got {ran.code}, {ran.output}{ran.stderr.decode()}")
    return False


def values(ran: Ran) -> dict[str, float]:
    """The numbers of the performance data."""
    return {label: float(re.match(r"[-0-9.]+", data)[0]) for label, data in ran.perfdata.items()}  # type: ignore[index]


def test_a_healthy_cluster_is_ok_with_every_number(mishaps: Story) -> None:
    ran = mishaps["healthy"]
    assert says(ran, 0, "OK - no undergoal chunks")
    perfdata = ran.perfdata
    space = [perfdata.pop(label) for label in ("space_used_percent", "space_left_bytes")]
    assert perfdata == {
        "undergoal": "0;0;;0;100",
        "missing": "0;;0;0;100",
        "endangered": "0;0;;0;100",
        "servers": "4;;;0;4",
        "metaloggers": "1;;;0",
        "work_left": "0;;;0",
        "chunks": "100;;;0",
        **{f"{re.sub('[.:]', '_', server)}_disk_errors_total": "0c;;;0" for server in SERVERS},
        **{f"{re.sub('[.:]', '_', server)}_damaged_disks": "0;;;0;2" for server in SERVERS},
    }
    used, left = (re.fullmatch(form, text) for form, text in zip((r"(.*)%;90;95;0;100", r"(\d+)B;;;0;(\d+)"), space))
    assert used
    assert left
    assert abs(float(used[1]) - 100 * (1 - int(left[1]) / int(left[2]))) < 0.01
    assert ran.rest == []


def test_more_is_told_on_request(mishaps: Story) -> None:
    ran = mishaps["in detail"]
    assert says(ran, 0, "OK - no undergoal chunks")
    assert ran.rest[:2] == ["OK: no undergoal chunks", "none of 100 chunks of goal 2 lack replicas"]
    for server, line in zip(SERVERS, sorted(ran.rest[2:6])):
        assert re.fullmatch(rf"server {server} v3\.0\.\d+, \d+ chunks, \d+% of \d+ GiB used", line)
    assert re.fullmatch(rf"master {ADDRESS} MooseFS 3\.0\.\d+", ran.rest[6])
    assert ran.rest[7:] == [
        "chunk loop: the master has not completed a whole one since its start",
        "not seen: when the metadata was saved; not since the master's start, or it does not say",
    ]


def test_without_history_the_same_numbers(mishaps: Story) -> None:
    ran = mishaps["without history"]
    assert says(ran, 0, "OK - no undergoal chunks")
    assert ran.perfdata.keys() == mishaps["healthy"].perfdata.keys()


@pytest.mark.parametrize(
    ("part", "code", "text", "labels"),
    [
        ("chunks", 0, "OK - no undergoal chunks", "undergoal missing endangered work_left chunks"),
        ("marked", 0, "OK - no disks marked for removal", ""),
        ("servers", 0, "OK - 4 of 4 chunkservers connected", "servers"),
        (
            "disks",
            0,
            "OK - disks of 4 chunkservers fine",
            "damaged_disks disk_errors_total",
        ),
        ("metaloggers", 0, "OK - 1 metaloggers?(?: connected)?", "metaloggers"),
        ("metadata", 3, "UNKNOWN - .*metadata.*", ""),
        ("space", 0, r"OK - [\d.]+% of its space used", "space_used_percent space_left_bytes"),
        ("files", 3, "UNKNOWN - .*files.*", ""),
    ],
)
def test_each_part_alone(mishaps: Story, part: str, code: int, text: str, labels: str) -> None:
    """Of a master as young as this one nobody knows when it saves, nor has it looked at all files yet."""
    ran = mishaps[f"only {part}"]
    assert says(ran, code, text)
    found = [re.sub(r"^10_.*_9422_", "", label) for label in ran.perfdata]
    assert sorted(set(found)) == sorted(labels.split())


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        (9419, r"closed the connection; is 9419 its port for clients \(9421\)\?"),
        (9420, r"closed the connection; is 9420 its port for clients \(9421\)\?"),
        (9999, "refused the connection"),
    ],
)
def test_a_wrong_port_is_unknown_with_a_hint(mishaps: Story, port: int, reason: str) -> None:
    ran = mishaps[f"port {port}"]
    assert says(ran, 3, rf"UNKNOWN - {re.escape(ADDRESS)}:{port} {reason}")
    assert ran.rest == [
        "next: look at the master: is mfsmaster running there, and is its port for clients open to this host?"
    ]


def test_one_connection_to_the_master_and_one_to_each_server_with_few_requests(mishaps: Story) -> None:
    def traced(moment: str) -> tuple[list[str], int]:
        lines = mishaps.texts[f"trace of {moment}"].split("\n")
        ports = [match[1] for line in lines if (match := re.search(r"connect\(.*htons\((\d+)\)", line))]
        return sorted(ports), sum("sendto(" in line for line in lines)

    assert traced("chunks") == (["9421"], 4)
    connections, requests = traced("everything")
    assert connections == ["9421", *["9422"] * 4]
    assert requests <= 10 + 4


def test_who_cannot_be_reached_costs_only_its_own_and_in_time(mishaps: Story) -> None:
    ran = mishaps["cut off"]
    assert says(ran, 3, f"UNKNOWN - server {SERVERS[1]} disks not seen: it did not take the connection in time")
    assert ran.seconds < 8
    assert mishaps["healthy"].perfdata.keys() - ran.perfdata.keys() == {"10_77_0_12_9422_damaged_disks"}
    assert ran.rest == [f"next: open {SERVERS[1]} to this host, or leave disks out (--only)"]
    assert says(mishaps["cut off, chunks only"], 0, "OK - no undergoal chunks")


def test_a_master_that_is_silent_is_unknown_in_time(mishaps: Story) -> None:
    ran = mishaps["silent"]
    assert says(ran, 3, f"UNKNOWN - {ADDRESS}:9421 did not answer in time")
    assert ran.seconds < 2.5


def test_too_few_metaloggers(mishaps: Story) -> None:
    ran = mishaps["no metalogger"]
    assert says(ran, 1, "WARNING - no undergoal chunks, 0 metaloggers(?: connected)?")
    assert ran.perfdata["metaloggers"] == "0;1:;;0"


def test_a_server_that_was_stopped_in_order_is_in_maintenance(mishaps: Story) -> None:
    ran = mishaps["stopped in order"]
    assert says(
        ran,
        1,
        r"WARNING - \d+ of 100 chunks endangered, no copies made during maintenance;"
        f" server {SERVERS[3]} disconnected for maintenance",
    )
    assert ran.rest == [
        "next: start the chunkserver again, or end its maintenance mode, so that copies are made",
        "next: no copies are made meanwhile: bring it back, or end its maintenance",
    ]
    assert ran.perfdata["servers"] == "3;;;0;4"
    assert says(mishaps["started again"], 0, "OK - no undergoal chunks")


def test_a_mark_that_is_taken_back_leaves_nothing_behind(mishaps: Story) -> None:
    assert says(
        mishaps["marked"],
        1,
        r"WARNING - \d+ of 100 chunks undergoal(?:, still counting|, still growing)?;"
        f" disk {DISK_3B} not yet removable",
    )
    assert says(mishaps["unmarked"], 0, "OK - no undergoal chunks")


def test_missing_chunks_are_critical_and_named(mishaps: Story) -> None:
    ran = mishaps["three killed"]
    assert says(
        ran,
        2,
        r"CRITICAL - (\d+) of 100 chunks missing(?:, \d+ endangered)?(?:, no target server for \d+ copies)?;"
        rf" server {SERVERS[1]} disconnected(?:; server {SERVERS[2]} disconnected)?"
        r"(?:; server .* disconnected| and \d more)",
    )
    missing, endangered = (int(values(ran)[label]) for label in ("missing", "endangered"))
    assert missing > 0
    assert values(ran)["work_left"] == 2 * missing + endangered
    named = [line for line in ran.rest if line.startswith("missing: ")]
    assert len(named) <= min(missing, 10)  # the master names them when its loop over files has come by
    assert all(re.fullmatch(r"missing: chunk [0-9A-F]{16}, number 0 of inode \d+", line) for line in named)


def test_no_server_at_all_is_critical(mishaps: Story) -> None:
    ran = mishaps["all killed"]
    assert says(ran, 2, "CRITICAL - 100 of 100 chunks missing, none of 4 chunkservers connected")
    assert ran.rest[-1] == "next: start the chunkservers, or look at the network between"


def test_a_master_that_has_just_been_started_is_given_its_grace(mishaps: Story) -> None:
    ran = mishaps["started alone"]
    assert says(ran, 1, "WARNING - starting: 0 of 4 chunkservers connected, 100 of 100 chunks not reported yet")
    assert ran.rest == [
        "next: wait for the chunkservers to connect; judged as missing when the grace (--grace) is over"
    ]
    assert not ran.perfdata.keys() & {"missing", "endangered", "undergoal"}
    over = mishaps["alone for too long"]
    assert says(over, 2, "CRITICAL - 100 of 100 chunks missing, none of 4 chunkservers connected")
    for seen in [*mishaps.seen("filling up"), *mishaps.seen("restarted")]:
        assert says(
            seen.ran,
            *(
                (0, "OK - no undergoal chunks")
                if seen.ran.code == 0
                else (
                    1,
                    r"WARNING - (?:starting: [0-4] of 4 chunkservers connected, \d+ of 100 chunks not|\d+ of 100).*",
                )
            ),
        )
    assert says(mishaps["recovered"], 0, "OK - no undergoal chunks")


def test_a_failing_disk_is_named_with_its_errors_until_accepted(mishaps: Story) -> None:
    failed = mishaps["disk failed"]
    assert says(failed, 1, rf"WARNING - disk {DISK_2A} damaged(?:; server {SERVERS[1]} \d+ disk errors.*| and 1 more)")
    told = [line for line in failed.rest if line.startswith("WARNING: server")]
    errors = re.fullmatch(rf"WARNING: server {SERVERS[1]} (\d+) disk errors, last on /mfs/2a", "".join(told))
    assert errors
    assert values(failed)["10_77_0_12_9422_disk_errors_total"] == int(errors[1]) > 0
    assert failed.rest[:2] == [
        "next: its chunkserver stopped using it: replace it, and look for errors in the kernel's log",
        "next: look at the kernel's log and SMART there; --accept once done",
    ]
    for moment in ("errors accepted", "after acceptance"):
        assert says(mishaps[moment], 1, f"WARNING - disk {DISK_2A} damaged")
    assert mishaps["errors accepted"].rest[0].startswith("accepted: what is seen now is the new baseline in /")
    lost = mishaps["disk lost"]
    assert lost.code == 1
    assert {f"WARNING: disk {DISK_2A} damaged", f"WARNING: disk {DISK_3B} damaged"} <= set(lost.rest)
    assert any(re.fullmatch(f"WARNING: server {SERVERS[2]} .*errors, last on /mfs/3b", line) for line in lost.rest)


# --- a disk is removed ---


def test_a_starred_disk_of_a_chunkserver_that_was_not_reloaded(removal: Story) -> None:
    assert says(removal["healthy"], 0, "OK - no undergoal chunks")
    ran = removal["starred"]
    assert says(ran, 1, f"WARNING - disk {DISK_1A} starred in mfshdd.cfg but not marked")
    assert ran.rest == ["next: reload the chunkserver: mfschunkserver reload"]
    assert says(removal["starred on another host"], 0, "OK - no undergoal chunks")
    assert "starred" not in removal["reloaded"].output


def test_a_disk_is_not_removable_until_the_master_has_said_so(removal: Story) -> None:
    begin = removal.times["marked"]
    confirmed = removal.first(begin, lambda look: len(look.removal) == 2 and set(look.removal.values()) == {2})
    runs = removal.seen("resync")
    for seen in runs:
        if "safe to pull" in seen.ran.output:
            assert seen.ended >= confirmed - LOOK
        else:
            assert seen.begun <= confirmed + LOOK + 1
            assert says(
                seen.ran,
                1,
                r"WARNING - (?:\d+ of 400 chunks undergoal"
                rf"(?:, still counting|, still growing|, {PACE}|)(?:;| and [12] more))?"
                r"(?: ?disk 10.77.0.1[12]:\S+ not yet removable(?:, in (?:\d+-)?\d+ (?:s|min))?"
                r"(?:;| and 1 more)?){0,2}",
            )
    ran = removal["removable"]
    assert says(
        ran, 0, f"OK - no undergoal chunks; disk {DISK_1A} safe to pull(?:; disk {DISK_2A} safe to pull| and 1 more)"
    )
    assert {f"OK: disk {disk} safe to pull" for disk in (DISK_1A, DISK_2A)} <= set(ran.rest)
    copied = removal.first(begin + INTERVAL, lambda look: look.work == 0)
    waiting = [seen for seen in runs if copied + 1 < seen.begun < confirmed - 2]
    assert waiting
    assert any("until_removable_seconds" in " ".join(seen.ran.perfdata) for seen in waiting)


def test_when_it_is_removable_is_foretold(removal: Story) -> None:
    """From the last copy on always; before that in nine of ten runs. As sure as the master's loops are regular."""
    begin = removal.times["marked"]
    confirmed = removal.first(begin, lambda look: set(look.removal.values()) == {2})
    copied = removal.first(begin + INTERVAL, lambda look: look.work == 0)
    loops = {look.loop_end - look.loop_start for look in removal.looks if look.loop_start and look.at <= confirmed + 2}
    slack = 1 + LOOK + max(loops) - min(loops)
    before: list[bool] = []
    after: list[bool] = []
    for seen in removal.seen("resync"):
        told = {label.partition("_until_")[2]: value for label, value in values(seen.ran).items()}
        if seen.at > confirmed or "removable_seconds" not in told:
            continue
        lower, upper = told["removable_lower_seconds"], told.get("removable_upper_seconds", float("inf"))
        left = confirmed - seen.at
        right = lower - slack <= left <= upper + slack
        print(f"removable in {lower:.0f}-{upper:.0f} s, in truth {left:.0f} s{'' if right else '  <-- wrong'}")
        (before if seen.at < copied else after).append(right)
    assert after
    assert all(after)
    assert sum(before) >= 0.9 * len(before)


def test_a_removable_disk_may_vanish(removal: Story) -> None:
    assert says(removal["pulled"], 0, f"OK - no undergoal chunks; disk {DISK_2A} safe to pull")


def test_a_server_that_dies_takes_the_word_back_at_once(removal: Story) -> None:
    """The master knows that it is gone a moment before it has taken its copies off every chunk's count."""
    runs = removal.seen("killed")
    lacking = r"WARNING - \d+ of 400 chunks (?:endangered|undergoal).*"
    not_counted_yet = rf"WARNING - disk {DISK_2A} not yet removable; server {SERVERS[3]} disconnected"
    for seen in runs:
        assert "safe to pull" not in seen.ran.output
        assert says(seen.ran, 1, lacking) or says(seen.ran, 1, not_counted_yet)
    assert says(runs[-1].ran, 1, lacking)


def test_a_disk_in_use_that_vanishes_is_critical_until_accepted(removal: Story) -> None:
    for moment in ("pulled too early", "still gone"):
        ran = removal[moment]
        assert says(ran, 2, rf"CRITICAL - disk {DISK_2A} gone before it was removable, last seen .* ago.*")
        assert ran.rest[0] == "next: put it back if chunks are missing; otherwise run the check once with --accept"
    assert removal["accepted"].rest[0].startswith("accepted: what is seen now is the new baseline in /")
    assert says(
        removal["afterwards"],
        1,
        rf"WARNING - \d+ of 400 chunks (?:endangered|undergoal).* server {SERVERS[3]} disconnected",
    )


# --- servers die ---


def test_a_killed_server_is_named_and_what_it_had_is_copied(deaths: Story) -> None:
    server = SERVERS[3]
    assert says(
        deaths["counting"],
        1,
        r"WARNING - (?:\d+ of 300 chunks endangered(?:, still counting)?; )?"
        f"server {server} disconnected",
    )
    for seen in deaths.seen("resync")[:-1]:
        assert says(
            seen.ran,
            1,
            r"WARNING - (?:\d+ of 300 chunks endangered"
            rf"(?:, {PACE})?; )?server {server} disconnected",
        )
    done = deaths.seen("resync")[-1].ran
    assert says(done, 1, f"WARNING - server {server} disconnected")
    assert done.rest == [f"{START.format(server)}"]


def test_copies_that_no_server_can_take_have_no_time_until_done(deaths: Story) -> None:
    for seen in deaths.seen("homeless"):
        assert says(
            seen.ran,
            1,
            r"WARNING - 30 of 330 chunks undergoal, no target server for 30 copies;"
            r" server .* disconnected(?:;.*| and 1 more)",
        )
        assert not any("until_done" in label for label in seen.ran.perfdata)
        assert "30 of 30 chunks of goal 3 lack replicas" in seen.ran.rest
        assert seen.ran.rest[0] == (
            "next: add or start a chunkserver, or lower the goal (mfssetgoal): each copy goes to a server of its own"
        )
    assert says(deaths["back"], 0, "OK - no undergoal chunks")


def test_a_raised_goal_is_a_resync_too(deaths: Story) -> None:
    runs = deaths.seen("goal raised")
    assert any(values(seen.ran)["undergoal"] > 0 for seen in runs)
    for seen in runs[:-1]:
        assert says(
            seen.ran,
            *(
                (1, rf"WARNING - \d+ of 330 chunks undergoal(?:, still growing|, still counting|, {PACE})?")
                if seen.ran.code
                else (0, "OK - no undergoal chunks")
            ),
        )
    for moment in ("goal raised", "goal lowered"):
        assert says(deaths[moment], 0, "OK - no undergoal chunks")


# --- forecasts ---


class Estimate(NamedTuple):
    """What one run said of the end, and the truth."""

    progress: float  # share of the work that is done
    left: float  # seconds until the true end
    lower: float
    middle: float
    upper: float  # infinite when it named none


def estimates(runs: list[Seen], work: int, end: float) -> list[Estimate]:
    found = []
    for seen in runs:
        told = values(seen.ran)
        if "until_done_seconds" in told and seen.at < end:
            found.append(
                Estimate(
                    1 - told["work_left"] / work,
                    end - seen.at,
                    told["until_done_lower_seconds"],
                    told["until_done_seconds"],
                    told.get("until_done_upper_seconds", float("inf")),
                )
            )
    return found


def resync_of(story: Story, moment: str) -> tuple[float, list[Estimate]]:
    """How long it took, and what was said of its end."""
    story.end()
    start = story.first(story.times[moment], lambda look: look.work > 0 and not look.counting)
    end = story.first(start, is_whole)
    work = max(look.work for look in story.looks if start <= look.at < end)
    return end - start, estimates(story.seen("resync"), work, end)


def table(total: float, found: list[Estimate]) -> dict[int, Estimate]:
    """The first estimate at each quarter, printed."""
    quarters = {share: next(e for e in found if e.progress >= share / 100) for share in (25, 50, 75)}
    print(f"\nresync of {total:.0f} s: error of the time until done, of the total and of what is left, bounds")
    for share, e in quarters.items():
        error = e.middle - e.left
        print(
            f"{share:3} %: {error:+6.1f} s {error / total:+7.1%} {error / e.left:+7.1%}"
            f"   {e.lower:.0f}-{e.upper:.0f} s, in truth {e.left:.0f} s"
        )
    return quarters


def bounds_hold(found: list[Estimate]) -> bool:
    """Whether the true end is within the bounds in nine of ten estimates from a quarter on."""
    later = [e for e in found if e.progress >= 0.25]
    wrong = [e for e in later if not e.lower - LOOK <= e.left <= e.upper + LOOK]
    print(f"bounds hold in {len(later) - len(wrong)} of {len(later)}")
    for e in wrong:
        print(f"{e.progress:.0%} done: {e.lower:.0f}-{e.upper:.0f} s, in truth {e.left:.1f} s")
    return len(later) >= 8 and len(wrong) <= 0.1 * len(later)


def test_the_end_of_a_resync_after_a_death_is_foretold_within_a_tenth(deaths: Story) -> None:
    total, found = resync_of(deaths, "killed")
    quarters = table(total, found)
    assert all(abs(e.middle - e.left) <= 0.1 * total for e in quarters.values())
    assert bounds_hold(found)


def test_the_end_of_a_steady_removal_is_foretold_within_a_tenth(one_disk: Story) -> None:
    total, found = resync_of(one_disk, "marked")
    quarters = table(total, found)
    assert total >= 120
    assert all(abs(e.middle - e.left) <= 0.1 * total for e in quarters.values())
    assert bounds_hold(found)


def test_the_end_of_a_removal_with_stragglers_is_within_its_bounds(removal: Story) -> None:
    """Not within a tenth: its last copies wait for one whole chunk loop, which is long beside so short a resync."""
    total, found = resync_of(removal, "marked")
    table(total, found)
    assert bounds_hold(found)


def test_no_time_until_done_while_it_counts_or_grows(removal: Story, deaths: Story, mishaps: Story) -> None:
    runs = [seen.ran for story in (removal, deaths, mishaps) for seen in story.all_seen()]
    early = [ran for ran in runs if "still counting" in ran.output or "still growing" in ran.output]
    assert early
    for ran in early:
        assert "done in" not in ran.output
        assert not any("until_done" in label or "resync" in label for label in ran.perfdata)
