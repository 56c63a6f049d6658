"""The JSON of mfscli 4: real numbers, EC, what fails, any bytes."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.moosefs.mfscli_json import ARGUMENTS, MfscliProblem, parse
from checks.moosefs.wire.frames import UnknownLayout
from checks.moosefs.wire.info import COMMUNITY, LEADER, Info, MetadataSave
from checks.moosefs.wire.loop import Loop
from checks.moosefs.wire.matrix import CHANGING, COPIES, EC4, EC8, GoalRow
from checks.moosefs.wire.servers import IN_PROGRESS, REMOVABLE, VALIDATING, Server


def cells(*numbers: tuple[str, str, int]) -> list[dict[str, object]]:
    return [{"target": target, "current": current, "chunks": chunks} for target, current, chunks in numbers]


# From mfscli 4.59.2 asking a 3.0.117 master (matrix, loop, servers); the general part by its source.
PRINTED: dict[str, Any] = {
    "version": "4.59.2",
    "timestamp": 1795219029.821324,
    "dataset": {
        "info": {
            "general": {
                "strver": "3.0.117", "version": "3.0.117", "pro": False, "memory_usage": 481111040,
                "total_space": 544721469440, "avail_space": 427723587584, "free_space": 427723587584,
                "trash_space": 4096, "trash_files": 1, "sustained_space": 0, "sustained_files": 0,
                "filesystem_objects": 18020, "directories": 20, "files": 18000, "chunks": 18000, "all_copies": 42116,
                "regular_copies": 40590, "last_metadata_save_time": 1795215600,
                "last_metadata_save_duration": 0.125, "last_metadata_save_status": 0,
            },
            "masters": [{"ip": "10.77.0.1", "version": "3.0.117", "pro": False, "state": "MASTER",
                         "localtime": 1795219029.75}],
            "chunks": {
                "allchunks": cells(("2", "2", 4474), ("2", "3", 1526), ("3", "2", 7410), ("3", "3", 4590)),
                "regularchunks": cells(("2", "2", 6000), ("3", "2", 7410), ("3", "3", 4590)),
                "summary": {}, "progress_status": 0, "progress_str": "counters are valid", "storage_class_id": -1,
                "storage_class_name": "Error", "storage_class_desc": "Error",
            },
            "fs_loop": None,
            "chunk_loop": {"start_time": 1795218964, "end_time": 1795219024, "rep_ugoal": 1262},
        },
        "chunkservers": [
            {
                "connected": True, "strver": "3.0.117", "version": "3.0.117", "pro": False, "flags": 0,
                "maintenance_mode": "off", "hostname": "10.77.0.1", "ip": "10.77.0.1", "port": 9521, "csid": 1,
                "errors": 0, "gracetime": 0, "load": 1, "queue": 1, "queue_state": 0, "labels": ["A", "C"],
                "hdd_regular_used": 26718384128, "hdd_regular_total": 108944293888, "hdd_regular_chunks": 8222,
                "hdd_removal_used": 26642034688, "hdd_removal_total": 108944293888, "hdd_removal_chunks": 1526,
                "hdd_removal_stat": "NOT READY (IN PROGRESS)",
            },
            {
                "connected": False, "strver": None, "version": None, "pro": None, "flags": 1, "ip": "10.77.0.1",
                "port": 9524, "csid": 4, "errors": None, "load": None, "labels": [], "hdd_regular_used": None,
                "hdd_regular_total": None, "hdd_regular_chunks": None, "hdd_removal_used": None,
                "hdd_removal_total": None, "hdd_removal_chunks": None, "hdd_removal_stat": None,
            },
        ],
        "metaloggers": [{"hostname": "10.77.0.9", "ip": "10.77.0.9", "strver": "3.0.117", "version": "3.0.117"}],
    },
    "errors": [],
}  # fmt: skip


def changed(path: str, value: object) -> bytes:
    """What was printed, with another value at a path like "info/chunks"; without it if the value is Ellipsis."""
    document = copy.deepcopy(PRINTED)
    *places, key = ["dataset", *path.split("/")]
    spot: Any = document
    for place in places:
        spot = spot[int(place) if isinstance(spot, list) else place]
    if value is ...:
        del spot[key]
    else:
        spot[key] = value
    return json.dumps(document).encode()


def test_arguments() -> None:
    assert ARGUMENTS == ("-j", "-n", "-SIG", "-SIM", "-SIC", "-SIL", "-SCS", "-SMB")


def test_a_real_cluster() -> None:
    view = parse(json.dumps(PRINTED).encode())
    assert view.info == Info(
        0, (3, 0, 117), False, False, 544721469440, 427723587584, 4096, 18000, 18000, 20, 42116, 40590,
        MetadataSave(1795215600, 0.125, 0), COMMUNITY, False, None, "", 1795219029.75,
    )  # fmt: skip
    assert (view.matrix.progress, view.matrix.total, view.matrix.missing, view.matrix.endangered) == (0, 18000, 0, 0)
    assert (view.matrix.lacking, view.matrix.work_left, view.matrix.work_all) == (7410, 7410, 7410)
    assert view.matrix.lacking_by_goal() == [GoalRow(COPIES, 2, 0, 6000), GoalRow(COPIES, 3, 7410, 12000)]
    assert view.matrix.placeable(2) == 0
    assert view.loop == Loop(1795218964, 1795219024)
    assert view.servers == (
        Server((3, 0, 117), "10.77.0.1", 9521, 1, False, False, False, 26718384128, 108944293888, 8222, 26642034688,
               108944293888, 1526, 0, 1, False, False, 0, IN_PROGRESS, 5, None),
        Server((0, 0, 0), "10.77.0.1", 9524, 4, True, False, False, 0, 0, 0, 0, 0, 0, 0, None, False, False, 0, None,
               None, None),
    )  # fmt: skip
    assert view.metaloggers == 1


def test_erasure_coding() -> None:
    chunks = {
        "allchunks": cells(("2", "2", 10), ("3", "0", 1), ("3", "2", 4), ("2", "1", 3)),
        "regularchunks": cells(("2", "2", 10), ("3", "0", 1), ("3", "2", 4), ("2", "1", 3)),
        "allchunks_copies": cells(("1+2", "1+2", 10), ("0", "0", 1)),
        "regularchunks_copies": cells(("1+2", "1+2", 10), ("0", "0", 1)),
        "allchunks_ec8": cells(("8+3", "8+2", 4)),
        "regularchunks_ec8": cells(("8+3", "8+2", 4)),
        "allchunks_ec4": cells(("4+2", "4+1", 3)),
        "regularchunks_ec4": cells(("4+2", "4+1", 3)),
        "progress_status": 2,
    }
    matrix = parse(changed("info/chunks", chunks)).matrix
    assert (matrix.progress, matrix.total, matrix.missing, matrix.endangered, matrix.lacking) == (2, 18, 1, 3, 8)
    assert matrix.work_left == 3 + 4 + 3
    assert matrix.lacking_by_goal() == [
        GoalRow(COPIES, 2, 0, 10), GoalRow(EC4, 2, 3, 3), GoalRow(EC8, 3, 4, 4), GoalRow(CHANGING, 3, 1, 1),
    ]  # fmt: skip


def test_a_key_that_was_misspelt_until_2025() -> None:
    chunks = dict(PRINTED["dataset"]["info"]["chunks"])
    chunks["regularchuks"] = chunks.pop("regularchunks")
    assert parse(changed("info/chunks", chunks)).matrix == parse(json.dumps(PRINTED).encode()).matrix


def test_variants() -> None:
    assert parse(changed("info/chunk_loop", None)).loop == Loop(0, 0)
    assert parse(changed("chunkservers", [])).servers == ()
    assert parse(changed("metaloggers", [])).metaloggers == 0
    assert parse(changed("info/general/last_metadata_save_time", None)).info.stored is None
    assert parse(changed("info/general/pro", True)).info.pro is True
    leader = [{"state": "FOLLOWER (DESYNC)"}, {"state": "LEADER", "ip": "10.1.1.1", "localtime": None}]
    assert parse(changed("info/masters", leader)).info.state == LEADER
    assert parse(changed("info/masters", leader[:1])).info.state is None
    server = {**PRINTED["dataset"]["chunkservers"][0], "ip": "10.1.1.1 -> 192.168.1.1", "flags": 6}
    for text, removal in (("READY", REMOVABLE), ("NOT READY (VALIDATING)", VALIDATING), ("-", None), (None, None)):
        (found,) = parse(changed("chunkservers", [{**server, "hdd_removal_stat": text}])).servers
        assert (found.address, found.removal, found.maintenance) == ("192.168.1.1", removal, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "mfscli printed something that is not JSON"),
        (b"Working master servers not found\n", "mfscli printed something that is not JSON"),
        (b"\xff\xfe", "mfscli printed something that is not JSON"),
        (b"[" * 100000, "mfscli printed something that is not JSON"),
        (b"[]", "mfscli printed no dataset"),
        (b"{}", "mfscli printed no dataset"),
        (b'{"dataset": {}}', "mfscli printed no info"),
        (b'{"dataset": {}, "errors": ["Can\'t find masters (resolve \'x\')!"]}',
         "mfscli says: Can't find masters (resolve 'x')!"),
        (b'{"errors": [{"errors": [{"message": "no route"}]}]}', "mfscli says: no route"),
        (b'{"errors": [{"traceback": [], "errors": ["Exception: Invalid length"]}]}',
         "mfscli says: Exception: Invalid length"),
        (changed("info/general", ...), "mfscli printed no general"),
        (changed("info/masters", ...), "mfscli printed no masters"),
        (changed("info/chunks", ...), "mfscli printed no chunks"),
        (changed("info/chunks/regularchunks", ...), "mfscli printed no regularchunks"),
        (changed("info/chunks/regularchunks", []), "mfscli counts no chunk in one of its tables"),
        (changed("info/chunks/allchunks", [5]), "mfscli printed no allchunks"),
        (changed("info/chunks/allchunks", cells(("12", "1", 1))), "mfscli printed a matrix that is unknown here"),
        (changed("info/chunks/allchunks", cells(("2", "1+", 1))), "mfscli printed a matrix that is unknown here"),
        (changed("info/chunks/allchunks", cells(("2", "1", -1))), "mfscli printed no number for chunks"),
        (changed("info/chunks/progress_status", True), "mfscli printed no number for progress_status"),
        (changed("info/general/version", "3.0"), "mfscli printed no version"),
        (changed("info/general/total_space", 1e20), "mfscli printed no number for total_space"),
        (changed("info/general/total_space", 10**30), "mfscli printed no number for total_space"),
        (changed("chunkservers", ...), "mfscli printed no chunkservers"),
        (changed("chunkservers/0/hdd_regular_used", None), "mfscli printed no number for hdd_regular_used"),
        (changed("metaloggers", ...), "mfscli printed no metaloggers"),
    ],
)  # fmt: skip
def test_no_account(text: bytes, reason: str) -> None:
    with pytest.raises(MfscliProblem) as problem:
        parse(text)
    assert str(problem.value) == reason
    assert isinstance(problem.value, UnknownLayout)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    "info", "info/general", "info/general/version", "info/general/pro", "info/general/last_metadata_save_time",
    "info/general/last_metadata_save_duration", "info/general/last_metadata_save_status", "info/masters",
    "info/masters/0/state", "info/masters/0/localtime", "info/chunks", "info/chunks/allchunks",
    "info/chunks/allchunks/0/target", "info/chunks/allchunks/0/current", "info/chunks/allchunks/0/chunks",
    "info/chunk_loop", "info/chunk_loop/start_time", "chunkservers", "chunkservers/0/connected",
    "chunkservers/0/labels", "chunkservers/0/ip", "chunkservers/0/flags", "chunkservers/0/hdd_removal_stat",
    "chunkservers/0/gracetime", "metaloggers",
]  # fmt: skip


@given(st.sampled_from(PATHS), JSON)
def test_any_value_anywhere(path: str, value: object) -> None:
    with contextlib.suppress(MfscliProblem):
        assert parse(changed(path, value)).servers is not None


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_noise(text: bytes) -> None:
    with pytest.raises(MfscliProblem):
        parse(text)
