"""Messages of the MooseFS protocol: a header of command and length, and a payload."""

from __future__ import annotations

import struct

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MASTER_PORT = 9421
NOP = 0
HEADER = 8  # bytes
LIST_MAX = 4 << 20  # a list of servers: 77 bytes each
_HEADER = struct.Struct(">LL")


class UnknownLayout(Exception):
    """A reply that no version known here sends."""

    def __init__(self, name: str, length: int, reason: str = "a layout unknown here") -> None:
        super().__init__(f"its {name} has {length} bytes, {reason}")


class Request(Record):
    """A question and the type of its answer."""

    command: int
    reply: int
    payload: bytes = b""
    reply_max: int = 65536  # bytes; a longer reply is not read
    name: str = "reply"  # for messages


def frame(request: Request) -> bytes:
    """The bytes to send."""
    return _HEADER.pack(request.command, len(request.payload)) + request.payload


def header(data: bytes) -> tuple[int, int]:
    """Type and length of the message that begins with these 8 bytes."""
    if len(data) != HEADER:
        raise UnknownLayout("header", len(data))
    kind, length = _HEADER.unpack(data)
    return kind, length


def entries(name: str, layout: str, payload: bytes) -> Iterator[tuple[Any, ...]]:
    """The entries of a list that has nothing else in it. Raises UnknownLayout."""
    entry = struct.Struct(layout)
    if len(payload) % entry.size:
        raise UnknownLayout(name, len(payload))
    return entry.iter_unpack(payload)


def version_of(major: int, middle: int, minor: int) -> tuple[tuple[int, int, int], bool]:
    """(version, is it the Pro edition) of a MooseFS server.

    1.7 was Pro only. From 2.0 on the last byte is twice the patch level, and one more for Pro; 4.0 to 4.10 put the
    plain patch level there, which leaves the edition unsaid.
    """
    if (4, 0) <= (major, middle) < (4, 11):
        return (major, middle, minor), False
    if major >= 2:
        return (major, middle, minor // 2), bool(minor & 1)
    return (major, middle, minor), (major, middle) == (1, 7)


def dotted(address: bytes) -> str:
    """Four bytes as an IPv4 address."""
    return ".".join(str(byte) for byte in address)
