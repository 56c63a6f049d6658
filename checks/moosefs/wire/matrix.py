"""CLTOMA_CHUNKS_MATRIX: how many chunks have how many copies, by how many they should have.

The master counts every chunk in a table of 11 x 11 cells: the row is the number of copies wanted (the goal), the column
the number there is; the last row and column stand for 10 or more. It keeps the table twice: ``all`` with the copies on
every disk, ``regular`` without those on disks marked for removal. A chunk that is not in any file has goal 0.

4.x can split chunks into 8 or 4 data parts and parity parts (EC8, EC4). Rows and columns are then redundancy levels,
the same for copies and parts: a class with N parity parts wants level N+1, a chunk of EC8 that has P of its parts on
servers of their own has level P-7 (EC4: P-3), a chunk of copies as many as it has copies. So in every table level 0 is
lost, level 1 cannot spare anything, and goal minus level is the number of copies or parts to make
(mfsmaster/chunks.c: chunk_calc_ecge, chunk_state_fix, chunk_store_chunkcounters).

A 4.x master sends first the whole, with every chunk once, then the same chunks by how they are *stored*: copies, EC8,
EC4. In these tables a chunk stored in another way than its class wants has goal 0, and a chunk with nothing left counts
as stored in copies. **Lost EC chunks are therefore found only in the whole**, and so is whatever is being converted.
"""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import Request, UnknownLayout
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.moosefs.wire.info import Info

    Cells = tuple[tuple[int, ...], ...]  # [goal][copies]

NAME = "chunk matrix"
LEVELS = 11
# Bits of the progress: while one is set the tables are still being counted.
DISCONNECTING, CONNECTING = 1, 2
COPIES, EC8, EC4, CHANGING = "copies", "EC8", "EC4", "changing"
_TABLE = struct.Struct(">121L")
_MATRIX = Request(516, 517, reply_max=3873, name=NAME)  # 4.26 and later: 1 + 8 tables
_KINDS = {2: (), 6: (COPIES, EC8), 8: (COPIES, EC8, EC4)}  # tables of a reply -> what follows the whole


class ChunkTable(Record):
    """One table, counted twice."""

    kind: str  # COPIES, EC8, EC4 or "whole"
    all: Cells
    regular: Cells


class GoalRow(Record):
    """Chunks of one goal."""

    kind: str  # COPIES, EC8, EC4, or CHANGING: stored in another way than the class wants, or lost
    goal: int  # the redundancy level; 10 means 10 or more
    lacking: int  # those below it
    chunks: int


class Matrix(Record):
    """All chunks. Only those with a goal count below."""

    progress: int  # DISCONNECTING | CONNECTING; 0 also when the version does not say
    whole: ChunkTable  # every chunk once
    parts: tuple[ChunkTable, ...]  # the same chunks by how they are stored; the whole alone before 4.x
    regular_known: bool = True  # False: the master counts no marked disks, ``regular`` is a copy of ``all``

    @property
    def total(self) -> int:
        """Chunks that belong to files."""
        return sum(sum(row) for row in self.whole.all[1:])

    @property
    def missing(self) -> int:
        """Chunks without any copy, marked disks included: data loss unless a server returns."""
        return sum(row[0] for row in self.whole.all[1:])

    @property
    def endangered(self) -> int:
        """Chunks whose next failure is a loss although they should bear one."""
        return sum(row[1] for row in self.whole.all[2:])

    @property
    def lacking(self) -> int:
        """Chunks with fewer copies than wanted on disks that stay."""
        return _lacking(self.whole.regular)

    @property
    def undergoal(self) -> int:
        """The rest of the lacking ones: neither missing nor endangered."""
        return max(0, self.lacking - self.missing - self.endangered)

    @property
    def work_left(self) -> int:
        """Copies (EC: parts) to make until the goals are met without marked disks."""
        return _work(self.whole.regular)

    @property
    def work_all(self) -> int:
        """Copies (EC: parts) to make until the goals are met if marked disks count."""
        return _work(self.whole.all)

    @property
    def only_marked(self) -> int:
        """Chunks whose every copy is on marked disks."""
        return max(0, sum(row[0] for row in self.whole.regular[1:]) - self.missing)

    @property
    def held_by_marked(self) -> int:
        """Copies still wanted from marked disks. 0: no disk holds a copy that is yet to be made elsewhere."""
        return max(0, self.work_left - self.work_all)

    @property
    def work_lost(self) -> int:
        """Work left that nobody can do: no copy of the missing chunks is left to make others from."""
        return sum(goal * row[0] for goal, row in enumerate(self.whole.all))

    def placeable(self, servers: int) -> int:
        """Work left that can be done with so many servers: copies of a chunk go to different ones.

        EC work counts in full. Lost EC chunks are in no part, other lost ones are in that of the copies.
        """
        placed, in_copies = 0, 0
        for part in self.parts:
            if part.kind == COPIES:
                in_copies += _work(part.regular)
                placed += sum((min(goal, servers) - copies) * n for goal, copies, n in _below(part.regular, servers))
                lost = [row[0] for row in part.all]
                in_copies -= sum(goal * chunks for goal, chunks in enumerate(lost))
                placed -= sum(min(goal, servers) * chunks for goal, chunks in enumerate(lost))
        return max(0, placed) + max(0, self.work_left - self.work_lost - in_copies)

    def lacking_by_goal(self) -> list[GoalRow]:
        """Goals that have chunks, by how these are stored."""
        rows = []
        for goal in range(1, LEVELS):
            lacking, chunks = sum(self.whole.regular[goal][:goal]), sum(self.whole.regular[goal])
            for part in self.parts:
                row = GoalRow(part.kind, goal, sum(part.regular[goal][:goal]), sum(part.regular[goal]))
                lacking, chunks = lacking - row.lacking, chunks - row.chunks
                rows.append(row)
            rows.append(GoalRow(CHANGING, goal, lacking, chunks))
        return [row for row in rows if row.chunks > 0]


def _below(cells: Cells, most: int = LEVELS) -> Iterator[tuple[int, int, int]]:
    """(goal, copies, chunks) of the cells with fewer copies than the goal, or than ``most``."""
    for goal in range(1, LEVELS):
        for copies in range(min(goal, most)):
            yield goal, copies, cells[goal][copies]


def _lacking(cells: Cells) -> int:
    return sum(chunks for _, _, chunks in _below(cells))


def _work(cells: Cells) -> int:
    return sum((goal - copies) * chunks for goal, copies, chunks in _below(cells))


def matrix_requests(info: Info) -> tuple[Request, ...]:
    """What to ask this master: one request, or two (all, then regular). None before 1.5.13, which has no matrix."""
    if info.version < (1, 5, 13):
        return ()
    if info.version < (1, 6, 10):
        return (_MATRIX,)  # one table; marked disks are not counted apart
    if info.lizardfs or info.version < (1, 7, 0):
        return tuple(_MATRIX._replace(payload=bytes([which]), reply_max=_TABLE.size) for which in (0, 1))
    return (_MATRIX,)


def class_matrix_request(info: Info, class_id: int) -> Request | None:
    """The matrix of one storage class, from 4.44 on."""
    if info.lizardfs or info.version < (4, 44, 0) or not 0 <= class_id <= 255:
        return None
    return _MATRIX._replace(payload=bytes([0, class_id]))


def parse_matrix(info: Info, replies: Sequence[bytes]) -> Matrix:
    """The replies to matrix_requests, in their order, or the one to class_matrix_request. Raises UnknownLayout.

    LizardFS 3 sends nothing but zeros for the regular copies (chunks.cc: chunk_store_chunkcounters): not known then.
    Its XOR and EC chunks count as one copy while they can be read: of those it shows the lost, not the weakened ones.
    """
    if not replies or len(replies) != len(matrix_requests(info)):
        raise UnknownLayout(NAME, sum(map(len, replies)))
    if info.lizardfs or info.version < (1, 7, 0):
        tables = [_cells(reply, 0, len(reply)) for reply in replies]
        progress, known = 0, len(tables) == 2 and (_chunks(tables[1]) > 0 or not _chunks(tables[0]))
        if not known and not info.lizardfs and len(tables) == 2:
            raise UnknownLayout(NAME, len(replies[1]), "and counts no chunk at all")
        if not known:
            tables = [tables[0], tables[0]]
    else:
        reply = replies[0]
        count, odd = divmod(len(reply) - 1, _TABLE.size)
        if odd or count not in _KINDS:
            raise UnknownLayout(NAME, len(reply))
        progress, known = reply[0], True
        tables = [_cells(reply, 1 + index * _TABLE.size, _TABLE.size) for index in range(count)]
        if bool(_chunks(tables[0])) != bool(_chunks(tables[1])):
            raise UnknownLayout(NAME, len(reply), "and counts no chunk in one of its tables")
    pairs = list(zip(tables[::2], tables[1::2]))
    kinds = _KINDS[len(tables)]
    parts = tuple(ChunkTable(kind, *pair) for kind, pair in zip(kinds, pairs[1:]))
    if not kinds:
        return Matrix(progress, ChunkTable("whole", *pairs[0]), (ChunkTable(COPIES, *pairs[0]),), known)
    return Matrix(progress, ChunkTable("whole", *pairs[0]), parts, known)


def _cells(reply: bytes, start: int, length: int) -> Cells:
    if length != _TABLE.size:
        raise UnknownLayout(NAME, length)
    cells = _TABLE.unpack_from(reply, start)
    return tuple(cells[row : row + LEVELS] for row in range(0, LEVELS * LEVELS, LEVELS))


def _chunks(cells: Cells) -> int:
    return sum(map(sum, cells))
