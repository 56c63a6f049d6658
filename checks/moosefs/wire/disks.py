"""CLTOCS_HDD_LIST: the disks of one chunkserver, asked of the chunkserver itself (port 9422 unless configured)."""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import LIST_MAX, Request, UnknownLayout
from perfdata.record import Record

DISKS = Request(600, 601, reply_max=LIST_MAX, name="list of disks")

_MARKED, _DAMAGED, _SCANNING, _INVALID = 1, 2, 4, 8
_NUMBERS = struct.Struct(">BQLQQL")
_STATISTICS = (144, 192)  # bytes of them: three periods of 48, or of 64 since there are times of fsync


class Disk(Record):
    """One disk, which is one directory to the chunkserver."""

    path: str
    marked: bool  # for removal
    damaged: bool  # errors, or not readable: not used any more
    scanning: bool  # reading its chunks' names after a start
    invalid: bool
    scan_percent: int | None  # None when it does not scan
    error_chunk: int  # of the last error, 0 for none
    error_time: int  # unix seconds, 0 for none
    used: int  # bytes; 0 while it scans
    total: int
    chunks: int


def parse_disks(payload: bytes) -> tuple[Disk, ...]:
    """The reply to DISKS, as 1.6.9 and later send it. Raises UnknownLayout."""
    disks, start = [], 0
    while start < len(payload):
        if start + 3 > len(payload):
            raise UnknownLayout(DISKS.name, len(payload), "the last entry is cut off")
        size, path_size = struct.unpack_from(">HB", payload, start)
        numbers, start = start + 3 + path_size, start + 2 + size
        if size - 1 - path_size - _NUMBERS.size not in _STATISTICS:
            raise UnknownLayout(DISKS.name, len(payload), f"an entry of {size} is unknown here")
        if start > len(payload):
            raise UnknownLayout(DISKS.name, len(payload), "the last entry is cut off")
        disks.append(_disk(payload[numbers - path_size : numbers], *_NUMBERS.unpack_from(payload, numbers)))
    return tuple(disks)


def _disk(path: bytes, flags: int, error_chunk: int, error_time: int, used: int, total: int, chunks: int) -> Disk:
    scanning = bool(flags & _SCANNING)
    return Disk(
        path.decode("utf-8", "surrogateescape"),
        bool(flags & _MARKED),
        bool(flags & _DAMAGED),
        scanning,
        bool(flags & _INVALID),
        min(used, 100) if scanning else None,  # the percentage takes the place of the bytes
        error_chunk,
        error_time,
        0 if scanning else used,
        0 if scanning else total,
        chunks,
    )
