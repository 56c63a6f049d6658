"""CLTOMA_MISSING_CHUNKS: which chunks, of which files, the last loop over the files found missing."""

from __future__ import annotations

from checks.moosefs.wire.frames import Request, entries
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.info import Info

NO_COPY, INVALID_COPIES, WRONG_VERSIONS, PARTIAL_EC = 0, 1, 2, 3
_MISSING = Request(544, 545, reply_max=17_000_000, name="list of missing chunks")  # MISSING_LOG_CAPACITY <= 1000000


class MissingChunk(Record):
    """A missing chunk of one file; a chunk of several files is listed for each."""

    chunk: int
    inode: int
    position: int  # which 64 MiB of the file
    kind: int | None  # NO_COPY, ...; None before 2.0.71 and 3.0.25


def missing_request(info: Info) -> Request | None:
    """What asks this master, None if it has no such list."""
    version = info.version
    if info.lizardfs or version < (2, 0, 66) or (3, 0, 0) <= version < (3, 0, 19):
        return None
    return _MISSING._replace(payload=b"\1") if _has_kinds(version) else _MISSING


def _has_kinds(version: tuple[int, int, int]) -> bool:
    return (2, 0, 71) <= version < (3, 0, 0) or version >= (3, 0, 25)


def parse_missing(info: Info, payload: bytes) -> tuple[MissingChunk, ...]:
    """The reply to missing_request. Raises UnknownLayout."""
    if _has_kinds(info.version):
        return tuple(MissingChunk(*entry) for entry in entries(_MISSING.name, ">QLLB", payload))
    plain = entries(_MISSING.name, ">QLL", payload)
    return tuple(MissingChunk(chunk, inode, position, None) for chunk, inode, position in plain)
