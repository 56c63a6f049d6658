"""CLTOMA_SCLASS_INFO: the names of storage classes.

4.44, the first version that counts chunks by class, can be asked for names alone. 3.0.75 and later 3.0 send them among
all else they know of a class. The versions between have five more layouts and no use for the names.
"""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import Request, UnknownLayout
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.moosefs.wire.info import Info

_CLASSES = Request(542, 543, reply_max=1 << 20, name="list of storage classes")
_NAMES_ONLY = 128
_REST = struct.Struct(
    ">LLQQQQQQBBHBBBBBB"
)  # files, directories, 6 x chunks, modes, 3 x (can be met, label expressions)
_EXPRESSION = 4 * 4 + 2  # a label expression and how many servers match it


class StorageClass(Record):
    """A storage class."""

    name: str
    has_chunks: bool


def classes_request(info: Info) -> Request | None:
    """What asks this master for the names, None if it is not asked."""
    if info.lizardfs:
        return None
    if info.version >= (4, 44, 0):
        return _CLASSES._replace(payload=bytes([_NAMES_ONLY]))
    return _CLASSES if (3, 0, 75) <= info.version < (4, 0, 0) else None


def parse_classes(info: Info, payload: bytes) -> dict[int, StorageClass]:
    """Classes by id. Raises UnknownLayout."""
    try:
        return dict(_names(payload) if info.version >= (4, 44, 0) else _described(payload))
    except (struct.error, IndexError):
        raise UnknownLayout(_CLASSES.name, len(payload), "the last entry is cut off") from None


def _text(payload: bytes, start: int) -> tuple[str, int]:
    """(the text whose length stands at ``start``, where it ends)."""
    end = start + 1 + payload[start]
    if end > len(payload):
        raise IndexError
    return payload[start + 1 : end].decode("utf-8", "surrogateescape"), end


def _names(payload: bytes) -> Iterator[tuple[int, StorageClass]]:
    start = 0
    while start < len(payload):
        name, end = _text(payload, start + 1)
        yield payload[start], StorageClass(name, bool(payload[end]))
        start = end + 1


def _described(payload: bytes) -> Iterator[tuple[int, StorageClass]]:
    (_servers,) = struct.unpack_from(">H", payload)
    start = 2
    while start < len(payload):
        name, end = _text(payload, start + 1)
        rest = _REST.unpack_from(payload, end)
        yield payload[start], StorageClass(name, any(rest[2:8]))
        start = end + _REST.size + _EXPRESSION * (rest[-5] + rest[-3] + rest[-1])
        if start > len(payload):
            raise IndexError
