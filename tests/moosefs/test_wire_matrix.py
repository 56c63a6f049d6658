"""The chunk matrix: what is asked of each version, the arithmetic by hand, and any bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.mfs_replica import LAYOUTS, Cells, Scenario, encode_info, encode_matrix, table

from checks.moosefs.wire.frames import Request, UnknownLayout
from checks.moosefs.wire.info import Info, parse_info
from checks.moosefs.wire.matrix import (
    CHANGING,
    COPIES,
    EC4,
    EC8,
    ChunkTable,
    GoalRow,
    Matrix,
    class_matrix_request,
    matrix_requests,
    parse_matrix,
)

WITH_A_MATRIX = [name for name, layout in LAYOUTS.items() if layout.tables]
WITH_PROGRESS = [name for name, layout in LAYOUTS.items() if layout.tables > 1]
WITH_EC = [name for name, layout in LAYOUTS.items() if layout.tables > 2]


def info_of(layout: str) -> Info:
    return parse_info(encode_info(LAYOUTS[layout], Scenario()))


def asked(layout: str, scenario: Scenario) -> Matrix:
    replies = []
    for request in matrix_requests(info_of(layout)):
        reply = encode_matrix(LAYOUTS[layout], scenario, request.payload)
        assert reply is not None, "the master closes the connection"
        assert len(reply) <= request.reply_max
        replies.append(reply)
    return parse_matrix(info_of(layout), replies)


def rows(cells: dict[tuple[int, int], int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(cells.get((goal, copies), 0) for copies in range(11)) for goal in range(11))


def matrix(cells: Cells) -> Matrix:
    return asked("3.0", Scenario(cells=cells))


@pytest.mark.parametrize(
    ("layouts", "payloads"),
    [
        (["1.4", "1.5"], []),
        (["1.5.13"], [b""]),
        (["1.6", "1.6-late", "lizardfs-old", "lizardfs"], [b"\0", b"\1"]),
        (WITH_PROGRESS, [b""]),
    ],
)
def test_requests(layouts: list[str], payloads: list[bytes]) -> None:
    for layout in layouts:
        requests = matrix_requests(info_of(layout))
        assert [(request.command, request.reply, request.payload) for request in requests] == [
            (516, 517, payload) for payload in payloads
        ]


@pytest.mark.parametrize("layout", WITH_PROGRESS)
def test_copies_and_progress(layout: str) -> None:
    scenario = Scenario(cells={(2, 1): (7, 9), (2, 2): (8, 6), (0, 3): (1, 1), (10, 10): (2, 2)}, progress=3)
    whole = ChunkTable(
        "whole",
        rows({(2, 1): 7, (2, 2): 8, (0, 3): 1, (10, 10): 2}),
        rows({(2, 1): 9, (2, 2): 6, (0, 3): 1, (10, 10): 2}),
    )
    empty = rows({})
    kinds = {2: [], 6: [EC8], 8: [EC8, EC4]}[LAYOUTS[layout].tables]
    parts = (whole._replace(kind=COPIES), *(ChunkTable(kind, empty, empty) for kind in kinds))
    assert asked(layout, scenario) == Matrix(3, whole, parts, True)


@pytest.mark.parametrize("layout", ["1.6", "1.6-late", "lizardfs-old"])
def test_two_replies(layout: str) -> None:
    whole = ChunkTable("whole", rows({(2, 2): 8}), rows({(2, 1): 3, (2, 2): 5}))
    expected = Matrix(0, whole, (whole._replace(kind=COPIES),), True)
    assert asked(layout, Scenario(cells={(2, 1): (0, 3), (2, 2): (8, 5)})) == expected


@pytest.mark.parametrize("layout", ["1.5.13", "lizardfs"])
def test_regular_copies_that_nobody_counts(layout: str) -> None:
    cells = rows({(2, 1): 3, (2, 2): 5})
    whole = ChunkTable("whole", cells, cells)
    expected = Matrix(0, whole, (whole._replace(kind=COPIES),), False)
    assert asked(layout, Scenario(cells={(2, 1): (3, 8), (2, 2): (5, 0)})) == expected


@pytest.mark.parametrize("layout", WITH_A_MATRIX)
def test_no_chunks(layout: str) -> None:
    empty = asked(layout, Scenario(cells={}))
    assert (empty.total, empty.missing, empty.lacking, empty.work_left, empty.placeable(3)) == (0, 0, 0, 0, 0)
    assert empty.lacking_by_goal() == []


def test_healthy() -> None:
    healthy = matrix({(2, 2): (1000, 1000), (3, 3): (50, 50), (0, 2): (7, 7), (0, 0): (1, 1)})
    assert healthy.total == 1050
    assert healthy.missing == healthy.endangered == healthy.lacking == healthy.undergoal == 0
    assert healthy.work_left == healthy.work_all == healthy.only_marked == healthy.held_by_marked == 0
    assert healthy.lacking_by_goal() == [GoalRow(COPIES, 2, 0, 1000), GoalRow(COPIES, 3, 0, 50)]


def test_recorded_mark_for_removal() -> None:
    """S1 of the recorded resyncs, 58 s after a disk was marked: the marked disk still holds every copy there was."""
    marked = matrix({(2, 1): (0, 610), (2, 2): (5610, 5390), (2, 3): (390, 0),
                     (3, 2): (0, 4382), (3, 3): (11381, 7618), (3, 4): (619, 0)})  # fmt: skip
    assert (marked.total, marked.missing, marked.endangered) == (18000, 0, 0)
    assert (marked.lacking, marked.undergoal) == (4992, 4992)
    assert (marked.work_left, marked.work_all, marked.held_by_marked, marked.only_marked) == (4992, 0, 4992, 0)
    assert [marked.placeable(servers) for servers in (0, 1, 2, 3, 4)] == [0, 0, 610, 4992, 4992]
    assert marked.lacking_by_goal() == [GoalRow(COPIES, 2, 610, 6000), GoalRow(COPIES, 3, 4382, 12000)]


def test_lost_servers() -> None:
    lost = matrix({(1, 0): (1, 1), (2, 0): (2, 2), (2, 1): (10, 10), (3, 1): (20, 20), (3, 2): (40, 40), (1, 1): (5, 5),
                   (2, 2): (9, 9), (0, 0): (77, 77)})  # fmt: skip
    assert lost.total == 87
    assert (lost.missing, lost.endangered, lost.undergoal, lost.lacking) == (3, 30, 40, 73)
    assert lost.work_left == lost.work_all == 1 + 4 + 10 + 40 + 40
    assert (lost.only_marked, lost.held_by_marked) == (0, 0)
    assert (lost.work_lost, lost.placeable(2)) == (1 + 4, 10 + 20)
    assert lost.lacking_by_goal() == [
        GoalRow(COPIES, 1, 1, 6), GoalRow(COPIES, 2, 12, 21), GoalRow(COPIES, 3, 60, 60),
    ]  # fmt: skip


def test_every_copy_on_marked_disks() -> None:
    only = matrix({(1, 1): (36, 0), (1, 0): (0, 36), (2, 2): (4, 0), (2, 0): (0, 4), (2, 1): (5, 5)})
    assert (only.missing, only.endangered, only.undergoal, only.lacking) == (0, 5, 40, 45)
    assert (only.only_marked, only.work_left, only.work_all, only.held_by_marked) == (40, 36 + 8 + 5, 5, 44)


def test_ten_or_more() -> None:
    many = matrix({(10, 10): (3, 3), (10, 9): (1, 1), (9, 10): (2, 2)})
    assert (many.lacking, many.work_left, many.placeable(11), many.placeable(9)) == (1, 1, 1, 0)


@pytest.mark.parametrize("layout", WITH_EC)
def test_erasure_coding(layout: str) -> None:
    """EC8 with two parity parts is level 3; a chunk of 9 parts has level 2."""
    ec = asked(
        layout,
        Scenario(
            cells={(2, 2): (100, 100), (3, 2): (6, 6)},
            ec8={(3, 3): (50, 40), (3, 2): (3, 13), (3, 1): (2, 2)},
            changing={(3, 0): (4, 4), (3, 2): (5, 5)},
        ),
    )
    assert ec.total == 170
    assert (ec.missing, ec.endangered, ec.undergoal, ec.lacking) == (4, 2, 24, 30)
    assert (ec.work_left, ec.work_all) == (6 + 13 + 4 + 12 + 5, 6 + 3 + 4 + 12 + 5)
    assert ec.held_by_marked == 10
    assert (ec.work_lost, ec.placeable(2)) == (12, 13 + 4 + 5)
    assert ec.lacking_by_goal() == [
        GoalRow(COPIES, 2, 0, 100),
        GoalRow(COPIES, 3, 6, 6),
        GoalRow(EC8, 3, 15, 55),
        GoalRow(CHANGING, 3, 9, 9),
    ]
    assert [part.kind for part in ec.parts] == [COPIES, EC8, EC4][: LAYOUTS[layout].tables // 2 - 1]


def test_ec4() -> None:
    ec = asked("4.26", Scenario(cells={}, ec4={(2, 2): (8, 8), (2, 1): (1, 1)}, ec8={(2, 2): (5, 5)}))
    assert (ec.total, ec.missing, ec.endangered, ec.work_left) == (14, 0, 1, 1)
    assert ec.lacking_by_goal() == [GoalRow(EC8, 2, 0, 5), GoalRow(EC4, 2, 1, 9)]


def test_one_storage_class() -> None:
    info = info_of("4.44")
    request = class_matrix_request(info, 7)
    assert request == Request(516, 517, b"\0\7", 3873, "chunk matrix")
    scenario = Scenario(classes={7: ("fast", {(2, 1): (3, 3)})})
    one = parse_matrix(info, [encode_matrix(LAYOUTS["4.44"], scenario, request.payload) or b""])
    assert (one.total, one.endangered) == (3, 3)


@pytest.mark.parametrize(
    ("layout", "number"),
    [("3.0", 1), ("4.35", 1), ("lizardfs", 1), ("1.6", 0), ("4.44", -1), ("4.44", 256)],
)
def test_no_matrix_by_storage_class(layout: str, number: int) -> None:
    assert class_matrix_request(info_of(layout), number) is None


@pytest.mark.parametrize("layout", WITH_A_MATRIX)
def test_cut_doubled_and_missing_replies(layout: str) -> None:
    info, number = info_of(layout), len(matrix_requests(info_of(layout)))
    good = encode_matrix(LAYOUTS[layout], Scenario(), matrix_requests(info)[0].payload)
    assert good is not None
    for wrong in (good[:-1], good + b"\0", good * 2, good[:-4], b"", b"\0"):
        with pytest.raises(UnknownLayout, match=r"^its chunk matrix has "):
            parse_matrix(info, [wrong] * number)
    for count in {0, 1, 2, 3} - {number}:
        with pytest.raises(UnknownLayout, match=r"^its chunk matrix has "):
            parse_matrix(info, [good] * count)


def test_unknown_length_is_named() -> None:
    with pytest.raises(UnknownLayout, match=r"^its chunk matrix has 970 bytes, a layout unknown here$"):
        parse_matrix(info_of("3.0"), [bytes(970)])


def test_no_matrix_before_1_5_13() -> None:
    for replies in ([], [bytes(484)]):
        with pytest.raises(UnknownLayout):
            parse_matrix(info_of("1.4"), replies)


def test_a_table_without_a_chunk_beside_one_with() -> None:
    some, none = table(0, {(2, 2): (5, 5)}), bytes(484)
    with pytest.raises(
        UnknownLayout, match=r"^its chunk matrix has 969 bytes, and counts no chunk in one of its tables$"
    ):
        parse_matrix(info_of("3.0"), [b"\0" + some + none])
    with pytest.raises(UnknownLayout):
        parse_matrix(info_of("3.0"), [b"\0" + none + some])
    with pytest.raises(UnknownLayout, match=r"^its chunk matrix has 484 bytes, and counts no chunk at all$"):
        parse_matrix(info_of("1.6"), [some, none])


CELL = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10), st.integers(0, 2**32 - 1))


@given(st.lists(CELL, max_size=30), st.integers(0, 20))
def test_a_partition_whatever_is_counted(chunks: list[tuple[int, int, int, int]], servers: int) -> None:
    """Chunks as a master counts them: each once in both tables, with no more regular copies than copies."""
    cells: dict[tuple[int, int], list[int]] = {}
    for goal, one, other, count in chunks:
        cells.setdefault((goal, max(one, other)), [0, 0])[0] += count % 1000
        cells.setdefault((goal, min(one, other)), [0, 0])[1] += count % 1000
    counted = matrix({cell: (counts[0], counts[1]) for cell, counts in cells.items()})
    assert counted.missing + counted.endangered + counted.undergoal == counted.lacking <= counted.total
    assert 0 <= counted.work_all <= counted.work_left
    assert counted.held_by_marked == counted.work_left - counted.work_all
    assert 0 <= counted.only_marked <= counted.undergoal + counted.endangered
    assert 0 <= counted.placeable(servers) <= counted.placeable(servers + 1) <= counted.work_left
    assert sum(row.chunks for row in counted.lacking_by_goal()) == counted.total
    assert sum(row.lacking for row in counted.lacking_by_goal()) == counted.lacking


@given(
    st.sampled_from(WITH_A_MATRIX),
    st.sampled_from([0, 484, 969, 2905, 3873]).flatmap(lambda length: st.binary(min_size=length, max_size=length + 1)),
    st.integers(0, 3),
)
def test_noise(layout: str, reply: bytes, count: int) -> None:
    try:
        noisy = parse_matrix(info_of(layout), [reply] * count)
    except UnknownLayout:
        return
    assert noisy.undergoal >= 0
    assert noisy.only_marked >= 0
    assert noisy.held_by_marked >= 0
    assert noisy.placeable(3) >= 0
    assert all(row.chunks > 0 for row in noisy.lacking_by_goal())


def test_numbers_fill_32_bits() -> None:
    full = b"\0" + struct.pack(">242L", *[2**32 - 1] * 242)
    assert parse_matrix(info_of("3.0"), [full]).total == 110 * (2**32 - 1)
