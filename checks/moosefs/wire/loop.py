"""The two loops of a master: over chunks (CLTOMA_CHUNKSTEST_INFO) and over files (CLTOMA_FSTEST_INFO).

The chunk loop makes and deletes copies; it takes CHUNKS_LOOP_MIN_TIME (300 s unless configured) or longer. The file
loop looks for files with missing or undergoal chunks, and has a text that names some of them.
"""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import Request, UnknownLayout
from perfdata.record import Record

CHUNK_LOOP = Request(514, 515, reply_max=1024, name="chunk loop")
FS_TEST = Request(512, 513, reply_max=1 << 20, name="file system test")

_LOOP_LENGTHS = (52, 60, 72, 96)  # 1.5.13, 2.0, 2.1.4, 4.4
_FS_TEST = struct.Struct(">9L")


class Loop(Record):
    """The last completed chunk loop; 0 and 0 when the master has completed none since it started.

    The first one has an end without a start (3.0.117).
    """

    start: int  # unix seconds
    end: int

    @property
    def seconds(self) -> int:
        """How long it took; 0 when the master does not know yet."""
        return max(0, self.end - self.start) if self.start else 0


class FileSystemTest(Record):
    """The last completed loop over files; its numbers are as old as its end."""

    start: int  # unix seconds, 0 when none has completed
    end: int
    files: int
    undergoal_files: int
    missing_files: int
    chunks: int
    undergoal_chunks: int
    missing_chunks: int
    message: str  # the master's words, lines of "...: ...": may hold anything a file name may


def parse_loop(payload: bytes) -> Loop:
    """The reply to CHUNK_LOOP, whose further numbers count copies made and deleted. Raises UnknownLayout."""
    if len(payload) not in _LOOP_LENGTHS:
        raise UnknownLayout(CHUNK_LOOP.name, len(payload))
    start, end = struct.unpack_from(">LL", payload)
    return Loop(start, end)


def parse_fs_test(payload: bytes) -> FileSystemTest:
    """The reply to FS_TEST. Raises UnknownLayout."""
    if len(payload) < _FS_TEST.size:
        raise UnknownLayout(FS_TEST.name, len(payload))
    numbers = _FS_TEST.unpack_from(payload)
    length = numbers[-1]
    text = payload[_FS_TEST.size :]
    if length != len(text):
        raise UnknownLayout(FS_TEST.name, len(payload), f"but announces a text of {length}")
    return FileSystemTest._make((*numbers[:8], text.decode("utf-8", "surrogateescape")))
