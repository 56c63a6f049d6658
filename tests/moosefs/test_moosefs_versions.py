"""Black box: check_moosefs against a replica of every version, each line whole, and what it costs in requests."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence

import pytest
from lab.mfs_replica import (
    CHUNK_LOOP,
    CLASSES,
    DISKS,
    FS_TEST,
    INFO,
    LAYOUTS,
    MATRIX,
    METALOGGERS,
    MISSING,
    SERVERS,
    Cells,
    Chunkserver,
    Disk,
    DiskReplica,
    MasterReplica,
    Raw,
    Replica,
    Scenario,
    raw,
)
from support import Ran, check

from checks.moosefs.check import LEVELS

# how people know what they run
NAMES = {
    "1.4": "MooseFS 1.4.0",
    "1.5": "MooseFS 1.5.0",
    "1.5.13": "MooseFS 1.5.13",
    "1.6": "MooseFS 1.6.27",
    "1.6-late": "MooseFS 1.6.30",
    "1.7": "MooseFS Pro 1.7.31",
    "2.0": "MooseFS 2.0.91",
    "2.1": "MooseFS 2.1.7",
    "3.0.32": "MooseFS 3.0.32",
    "3.0.102": "MooseFS 3.0.102",
    "3.0": "MooseFS 3.0.117",
    "4.0": "MooseFS 4.0.3",
    "4.4": "MooseFS 4.4.6",
    "4.10": "MooseFS 4.10.0",
    "4.17": "MooseFS 4.17.3",
    "4.26": "MooseFS 4.26.0",
    "4.35": "MooseFS 4.35.1",
    "4.44": "MooseFS 4.44.4",
    "4.59": "MooseFS 4.59.2",
    "lizardfs-old": "LizardFS 1.6.28",
    "lizardfs": "LizardFS 3.13.0",
}
COUNTING = [name for name in LAYOUTS if name not in ("1.4", "1.5")]  # those that have a matrix
TWO_TABLES = ("1.6", "1.6-late", "lizardfs-old", "lizardfs")  # asked for one at a time
ONE_TABLE = ("1.5.13", "lizardfs")  # copies on marked disks are not counted apart
CONFIRMING = [name for name, layout in LAYOUTS.items() if layout.server >= 69]  # say that a disk is removable
SAVING = [name for name, layout in LAYOUTS.items() if layout.info >= 101]  # say when the metadata was saved
EC8 = [name for name, layout in LAYOUTS.items() if layout.tables >= 6]
EC4 = [name for name, layout in LAYOUTS.items() if layout.tables >= 8]
CLASSY = ["4.44", "4.59"]
GiB = 1 << 30
THREE = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]


def in_time(ran: Ran, seconds: float) -> bool:
    """Whether it took so long at most, beside what starting takes on this machine at this moment."""
    return ran.seconds < seconds + 0.5 + 5 * check("moosefs", "--version").seconds


def ask(master: Replica, *arguments: str, seconds: float = 8) -> Ran:
    ran = check("moosefs", "-H", "127.0.0.1", "-p", str(master.port), "-t", f"{seconds:g}", "--no-history", *arguments)
    assert ran.stderr == b""
    assert ran.output.endswith("\n")
    return ran


@contextlib.contextmanager
def cluster(layout: str, scenario: Scenario) -> Iterator[MasterReplica]:
    """A master, and one chunkserver per entry without an address of its own, all on this host."""
    scenario.saved = (int(time.time()) - 600, 250, 0)
    with contextlib.ExitStack() as stack:
        for server in scenario.servers:
            if server.port == 0:
                server.port = stack.enter_context(DiskReplica(host=server.address)).port
        yield stack.enter_context(MasterReplica(layout, scenario))


def others(count: int = 3) -> list[Chunkserver]:
    """Servers that nobody needs to ask."""
    return [Chunkserver(f"127.0.1.{number}", csid=100 + number) for number in range(count)]


def here(**changes: int) -> Chunkserver:
    return Chunkserver("127.0.0.2", 0, **changes)  # type: ignore[arg-type]


def common(layout: str, servers: str) -> dict[str, str]:
    """The numbers of a healthy cluster beside those of its chunks."""
    numbers = {
        "servers": servers,
        "metaloggers": "1;;;0",
        "space_used_percent": "40%;90;95;0;100",
        "space_left_bytes": f"{180 * GiB}B;;;0;{300 * GiB}",
        "missing_files": "0;;;0;900",
    }
    return {**numbers, **({"metadata_age_seconds": "600s;10800;90000;0"} if layout in SAVING else {})}


def without_disks(perfdata: dict[str, str]) -> dict[str, str]:
    """Those of the servers go by their ports, which are others every time; the age may be some seconds older."""
    return {
        label: re.sub(r"^6\d\ds;", "600s;", value)
        for label, value in perfdata.items()
        if not label.startswith("127_0_0_")
    }


def test_every_layout_is_here() -> None:
    assert set(NAMES) == set(LAYOUTS)
    assert set(LEVELS) >= {"undergoal", "missing", "endangered"}


@pytest.mark.parametrize("layout", COUNTING)
def test_healthy(layout: str) -> None:
    scenario = Scenario(servers=[here()], metaloggers=[((3, 0, 117), "10.77.0.9")])
    with cluster(layout, scenario) as master:
        ran = ask(master)
    assert (ran.code, ran.text, ran.rest) == (0, "MOOSEFS OK - no undergoal chunks", [])
    assert without_disks(ran.perfdata) == {
        "undergoal": "0;0;;0;1000",
        "missing": "0;;0;0;1000",
        "endangered": "0;0;;0;1000",
        "work_left": "0;;;0",
        "chunks": "1000;;;0",
        **common(layout, "1;;;0;1"),
    }
    assert ran.perfdata[f"127_0_0_2_{scenario.servers[0].port}_disk_errors_total"] == "0c;;;0"


@pytest.mark.parametrize("layout", ["1.4", "1.5"])
def test_a_master_without_a_matrix_is_unknown(layout: str) -> None:
    with cluster(layout, Scenario(servers=[here()], metaloggers=[((1, 4, 0), "10.77.0.9")])) as master:
        ran = ask(master)
    version = NAMES[layout].partition(" ")[2]
    assert (ran.code, ran.text, ran.rest) == (
        3,
        f"MOOSEFS UNKNOWN - a master of version {version} does not count copies",
        ["next: update it"],
    )
    assert without_disks(ran.perfdata) == common(layout, "1;;;0;1")


@pytest.mark.parametrize("layout", COUNTING)
def test_undergoal(layout: str) -> None:
    """In four requests on one connection; five where the two tables are asked for one by one."""
    cells: Cells = {(3, 3): (500, 500), (3, 2): (300, 300), (2, 3): (10, 10)}
    with cluster(layout, Scenario(cells=cells, servers=others())) as master:
        ran = ask(master, "--only", "chunks")
    assert (ran.code, ran.text) == (1, "MOOSEFS WARNING - 300 of 810 chunks undergoal")
    assert ran.perfdata == {
        "undergoal": "300;0;;0;810",
        "missing": "0;;0;0;810",
        "endangered": "0;0;;0;810",
        "work_left": "300;;;0",
        "chunks": "810;;;0",
    }
    assert master.requests == [INFO, SERVERS, *([MATRIX, MATRIX] if layout in TWO_TABLES else [MATRIX]), CHUNK_LOOP]
    assert master.connections == 1


@pytest.mark.parametrize("layout", COUNTING)
def test_missing(layout: str) -> None:
    cells: Cells = {(2, 2): (900, 900), (3, 0): (12, 12), (3, 1): (30, 30), (3, 2): (8, 8), (1, 0): (2, 2)}
    with cluster(layout, Scenario(cells=cells, servers=others())) as master:
        ran = ask(master, "--only", "chunks,servers", "-v")
    assert (ran.code, ran.text) == (2, "MOOSEFS CRITICAL - 14 of 952 chunks missing, 30 endangered, 8 undergoal")
    assert ran.perfdata == {
        "undergoal": "8;0;;0;952",
        "missing": "14;;0;0;952",
        "endangered": "30;0;;0;952",
        "servers": "3;;;0;3",
        "work_left": f"{3 * 12 + 2 + 2 * 30 + 8};;;0",
        "chunks": "952;;;0",
    }
    assert f"master 127.0.0.1 {NAMES[layout]}" in ran.rest
    unknown = "not seen: this master does not count the copies on marked disks apart"
    assert (unknown in ran.rest) == (layout in ONE_TABLE)


def marked_disk(removal: int, port: int = 0) -> Chunkserver:
    return Chunkserver(
        "127.0.0.2", port, marked_total=100 * GiB, marked_used=9 * GiB, marked_chunks=40, removal=removal
    )


@contextlib.contextmanager
def with_marked_disk(layout: str, cells: Cells, removal: int) -> Iterator[MasterReplica]:
    disks = [Disk(b"/srv/a/"), Disk(b"/srv/b/", flags=1)]
    with DiskReplica(disks, host="127.0.0.2") as chunkserver:
        scenario = Scenario(cells=cells, servers=[marked_disk(removal, chunkserver.port), *others()])
        with MasterReplica(layout, scenario) as master:
            yield master


@pytest.mark.parametrize("layout", [name for name in COUNTING if name not in ONE_TABLE])
def test_a_marked_disk_that_holds_copies_is_not_removable(layout: str) -> None:
    """Whatever its master says: that is as old as its last loop."""
    with with_marked_disk(layout, {(2, 2): (1000, 960), (2, 1): (0, 40)}, 2) as master:
        ran = ask(master, "--only", "chunks,marked")
    assert (ran.code, ran.text) == (
        1,
        "MOOSEFS WARNING - 40 of 1000 chunks undergoal; disk 127.0.0.2:/srv/b not yet removable",
    )
    assert ran.rest[-1] == "next: leave it in: chunks on it still lack copies elsewhere"


@pytest.mark.parametrize(("layout", "removal"), [(layout, place % 2) for place, layout in enumerate(CONFIRMING)])
def test_a_marked_disk_waits_for_its_master(layout: str, removal: int) -> None:
    """Which is still validating, or copying."""
    with with_marked_disk(layout, {(2, 2): (1000, 1000)}, removal) as master:
        ran = ask(master, "--only", "chunks,marked")
    assert (ran.code, ran.text) == (1, "MOOSEFS WARNING - disk 127.0.0.2:/srv/b not yet removable")


@pytest.mark.parametrize("layout", CONFIRMING)
def test_a_marked_disk_is_removable(layout: str) -> None:
    with with_marked_disk(layout, {(2, 2): (1000, 1000)}, 2) as master:
        ran = ask(master, "--only", "chunks,marked")
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks; disk 127.0.0.2:/srv/b safe to pull")


@pytest.mark.parametrize("layout", ["3.0", "4.0", "4.59"])
def test_the_last_copies_are_on_a_marked_disk(layout: str) -> None:
    with with_marked_disk(layout, {(1, 1): (1000, 964), (1, 0): (0, 36)}, 2) as master:
        ran = ask(master, "--only", "chunks,marked", "-v")
    assert (ran.code, ran.text) == (
        1,
        "MOOSEFS WARNING - 36 of 1000 chunks undergoal; disk 127.0.0.2:/srv/b not yet removable",
    )
    assert "next: 36 chunks have no other copy: pulling it loses data" in ran.rest
    assert "36 chunks have all their copies on disks marked for removal" in ran.rest


@pytest.mark.parametrize("layout", [name for name in COUNTING if name not in CONFIRMING])
def test_a_master_that_cannot_confirm_never_says_safe(layout: str) -> None:
    with with_marked_disk(layout, {(2, 2): (1000, 1000)}, 2) as master:
        ran = ask(master, "--only", "chunks,marked")
    assert ran.code == 1
    assert "safe" not in ran.output
    version = NAMES[layout].rpartition(" ")[2]
    assert f"master {version} does not confirm removal" in ran.text
    assert ("no copies left to make" in ran.text) == (layout not in ONE_TABLE)
    step = "look at the copies of its files" if layout in ONE_TABLE else "wait for a whole chunk loop to begin and end"
    assert ran.rest[0].startswith(f"next: {step}")


@pytest.mark.parametrize("layout", EC8)
def test_lost_chunks_of_ec_are_missing(layout: str) -> None:
    """They are in no table but the whole: nothing of them is left to say how they were stored."""
    scenario = Scenario(
        cells={(2, 2): (100, 100)},
        ec8={(3, 3): (500, 500), (3, 1): (7, 7), (3, 2): (5, 5)},
        changing={(3, 0): (4, 4)},
        servers=[],
    )
    with cluster(layout, scenario) as master:
        ran = ask(master, "--only", "chunks", "-v")
    assert (ran.code, ran.text) == (2, "MOOSEFS CRITICAL - 4 of 616 chunks missing, 7 endangered, 5 undergoal")
    assert ran.perfdata["work_left"] == f"{4 * 3 + 7 * 2 + 5};;;0"
    assert "12 of 512 chunks of EC8 with 2 parity parts lack replicas" in ran.rest
    assert "4 of 4 chunks of goal 3, lost or being converted, lack replicas" in ran.rest
    assert "none of 100 chunks of goal 2 lack replicas" in ran.rest


@pytest.mark.parametrize("layout", EC4)
def test_chunks_of_ec4(layout: str) -> None:
    scenario = Scenario(cells={(2, 2): (100, 100)}, ec4={(2, 2): (90, 90), (2, 1): (10, 10)}, servers=[])
    with cluster(layout, scenario) as master:
        ran = ask(master, "--only", "chunks", "-v")
    assert (ran.code, ran.text) == (1, "MOOSEFS WARNING - 10 of 200 chunks endangered")
    assert "10 of 100 chunks of EC4 with 1 parity parts lack replicas" in ran.rest


CLASSES_OF_TWO: dict[int, tuple[str, Cells]] = {
    1: ("gold|disk", {(2, 2): (90, 90), (2, 1): (10, 10)}),
    7: ("empty", {}),
    9: ("bulk", {(1, 1): (50, 50)}),
}


@pytest.mark.parametrize("layout", CLASSY)
def test_storage_classes(layout: str) -> None:
    scenario = Scenario(cells={(2, 2): (90, 90), (2, 1): (10, 10), (1, 1): (50, 50)}, servers=[])
    scenario.classes = CLASSES_OF_TWO
    with cluster(layout, scenario) as master:
        quiet = ask(master, "--only", "chunks")
        asked = list(master.requests)
        ran = ask(master, "--only", "chunks", "-v")
    assert asked == [INFO, SERVERS, MATRIX, CHUNK_LOOP]
    assert master.requests[4:] == [INFO, SERVERS, MATRIX, CHUNK_LOOP, CLASSES, MATRIX, MATRIX]
    assert quiet.line == ran.line
    assert "10 of 100 chunks of storage class gold/disk lack replicas" in ran.rest
    assert not any("bulk" in line or "empty" in line for line in ran.rest)


@pytest.mark.parametrize("layout", ["2.0", "3.0", "4.59"])
def test_missing_chunks_are_named(layout: str) -> None:
    scenario = Scenario(cells={(2, 2): (90, 90), (2, 0): (2, 2)}, servers=[])
    scenario.missing = [(0xABCDEF, 77, 3, 0), (0x12, 78, 0, 2)]
    with cluster(layout, scenario) as master:
        ran = ask(master, "--only", "chunks", "-v")
    assert MISSING in master.requests
    assert [line for line in ran.rest if line.startswith("missing: ")] == [
        "missing: chunk 0000000000ABCDEF, number 3 of inode 77",
        "missing: chunk 0000000000000012, number 0 of inode 78",
    ]


# --- what it costs ---


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_parts_take_few_requests(layout: str) -> None:
    with contextlib.ExitStack() as stack:
        chunkservers = [stack.enter_context(DiskReplica(host=address)) for address in THREE]
        servers = [Chunkserver(c.host, c.port, csid) for csid, c in enumerate(chunkservers, 1)]
        master = stack.enter_context(cluster(layout, Scenario(servers=servers, cells={(2, 1): (5, 5), (2, 0): (5, 5)})))
        ask(master)
    matrix = [MATRIX, MATRIX] if layout in TWO_TABLES else [MATRIX] if layout in COUNTING else []
    assert master.requests == [INFO, SERVERS, *matrix, CHUNK_LOOP, FS_TEST, METALOGGERS]
    assert len(master.requests) <= 10
    assert [master.connections, *(c.connections for c in chunkservers)] == [1, 1, 1, 1]
    assert [c.requests for c in chunkservers] == [[DISKS]] * 3


@pytest.mark.parametrize(
    ("parts", "requests"),
    [
        ("metadata", [INFO]),
        ("space", [INFO]),
        ("servers", [INFO, SERVERS]),
        ("metaloggers", [INFO, METALOGGERS]),
        ("files", [INFO, FS_TEST]),
        ("space,files,metadata", [INFO, FS_TEST]),
    ],
)
def test_only_what_was_asked_for_is_asked(parts: str, requests: Sequence[int]) -> None:
    with cluster("3.0", Scenario(servers=[here()])) as master:
        ran = ask(master, "--only", parts)
    assert (ran.code, master.requests) == (0, requests)


# --- chunkservers that do not answer ---


def together(hang: Sequence[Raw], *arguments: str) -> Ran:
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(DiskReplica([Disk(flags=2)], host="127.0.0.9"))
        stopped = [stack.enter_context(server) for server in hang]
        servers = [Chunkserver(server.host, server.port, 7) for server in (*stopped, good)]
        scenario = Scenario(servers=servers, cells={(2, 2): (9, 9), (2, 0): (3, 3)})
        with cluster("3.0", scenario) as master:
            return ask(master, *arguments)


@pytest.mark.parametrize("behaviour", ["stopped", "silence", "nops", "a byte at a time"])
def test_three_hanging_chunkservers_cost_one_waiting_time(behaviour: str) -> None:
    ran = together([raw(behaviour, host=address) for address in THREE], "--only", "chunks,disks", "-v", "-t", "3")
    assert in_time(ran, 3)
    assert ran.code == 2
    assert ran.text.startswith("MOOSEFS CRITICAL - 3 of 12 chunks missing; server 127.0.0.2:")
    assert ran.text.endswith(" and 3 more")
    reason = "does not speak MooseFS' protocol for clients" if behaviour == "a byte at a time" else ""
    unseen = [line for line in ran.rest if line.startswith("UNKNOWN: ")]
    assert [line.partition(" disks not seen: it ")[2] for line in unseen] == [reason or "did not answer in time"] * 3
    assert "WARNING: disk 127.0.0.9:/srv/disk damaged" in ran.rest


def test_hanging_chunkservers_do_not_take_the_whole_time() -> None:
    ran = together([raw("silence", host=address) for address in THREE], "--only", "disks")
    assert ran.seconds > 2.9
    assert in_time(ran, 3)
    assert ran.code == 3


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("eof", "closed the connection"),
        ("garbage", "does not speak MooseFS' protocol for clients"),
        ("nop of 1 GB", "sent nothing but idle messages"),
    ],
)
def test_a_chunkserver_that_is_something_else_costs_its_own_disks(behaviour: str, reason: str) -> None:
    ran = together([raw(behaviour, host="127.0.0.2")], "--only", "chunks,disks", "-v")
    assert ran.code == 2
    [unseen] = [line for line in ran.rest if line.startswith("UNKNOWN: ")]
    assert unseen.startswith("UNKNOWN: server 127.0.0.2:")
    assert unseen.endswith(f" disks not seen: it {reason}")
    assert "WARNING: disk 127.0.0.9:/srv/disk damaged" in ran.rest


def test_disconnected_chunkservers_are_not_asked() -> None:
    with DiskReplica(host="127.0.0.2") as chunkserver:
        scenario = Scenario(servers=[Chunkserver("127.0.0.2", chunkserver.port, flags=1), here(csid=2)])
        with cluster("3.0", scenario) as master:
            ran = ask(master, "--only", "disks,servers")
    assert chunkserver.connections == 0
    assert (ran.code, ran.text) == (1, f"MOOSEFS WARNING - server 127.0.0.2:{chunkserver.port} disconnected")
