"""Lists of servers a master knows: chunkservers (CLTOMA_CSERV_LIST) and metaloggers (CLTOMA_MLOG_LIST)."""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import LIST_MAX, Request, UnknownLayout, dotted, entries, version_of
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from checks.moosefs.wire.info import Info

METALOGGERS = Request(522, 523, reply_max=1 << 16, name="list of metaloggers")
VALIDATING, IN_PROGRESS, REMOVABLE = 0, 1, 2  # Server.removal

_SERVERS = Request(500, 501, reply_max=LIST_MAX, name="list of chunkservers")
_DISCONNECTED, _MAINTENANCE, _TEMPORARY = 1, 2, 4
_OVERLOADED, _REBALANCING, _FAST_REBALANCING = 0xC0000000, 0x80000000, 0x40000000
_PERMANENT = 0xFFFFFFFF

_FIRST = "flags:B major:B middle:B minor:B "
_SPACE = "used:Q total:Q chunks:L marked_used:Q marked_total:Q marked_chunks:L errors:L "
_PLACE = _FIRST + "address:4s port:H csid:H " + _SPACE + "load:L grace:L "
_PLACES = _FIRST + "own_address:4s address:4s port:H csid:H " + _SPACE + "load:L grace:L labels:L removal:B "

# The first version of each layout, the newest first; LizardFS has that of 1.5.13.
_LAYOUTS = (
    ((4, 35, 0), _PLACES + "maintenance_left:L"),  # 77
    ((4, 26, 0), _PLACES),  # 73
    ((3, 0, 38), _PLACE + "labels:L removal:B"),  # 69
    ((2, 1, 0), _PLACE + "labels:L"),  # 68
    ((1, 7, 25), _PLACE),  # 64
    ((1, 6, 28), _FIRST + "address:4s port:H " + _SPACE + "load:L grace:L"),  # 62
    ((1, 5, 13), _FIRST + "address:4s port:H " + _SPACE),  # 54
    ((1, 4, 0), "address:4s port:H " + _SPACE),  # 50
)


class Server(Record):
    """One chunkserver; None where the layout does not say, and what a disconnected one cannot say is 0."""

    version: tuple[int, int, int]
    address: str
    port: int
    csid: int | None
    disconnected: bool
    maintenance: bool  # someone said that it will be back: nothing is replicated because of it
    temporary_maintenance: bool  # maintenance that it began itself, by stopping in order
    used: int  # bytes; this and the next two without disks marked for removal
    total: int
    chunks: int
    marked_used: int  # the same of the disks marked for removal
    marked_total: int
    marked_chunks: int
    errors: int
    load: int | None  # length of its queue
    overloaded: bool  # takes no new chunks for now
    rebalancing: bool  # moves chunks between its own disks
    grace_seconds: int  # until it is used in full again after an overload
    removal: int | None  # of its marked disks: VALIDATING, IN_PROGRESS, REMOVABLE; None also without any
    labels: int | None  # bit 0 is label A
    maintenance_left: int | None  # seconds; None also when it does not end by itself

    @property
    def all_marked(self) -> bool:
        """Whether every disk of it is to go."""
        return self.marked_total > 0 and not self.total


class Metalogger(Record):
    """A server that keeps a copy of the metadata changes."""

    version: tuple[int, int, int]
    address: str


def server_list_request(info: Info) -> Request:
    """What asks this master for its chunkservers."""
    if not info.lizardfs and info.version >= (4, 35, 0):
        return _SERVERS._replace(payload=b"\1")
    return _SERVERS


def parse_servers(info: Info, payload: bytes) -> tuple[Server, ...]:
    """The reply to server_list_request, in the layout of the master's version. Raises UnknownLayout.

    Another known layout is taken if the length fits no entry of that version and the numbers make sense in one other.
    """
    version = (1, 5, 13) if info.lizardfs else info.version
    expected = next((fields for since, fields in _LAYOUTS if version >= since), None)
    if expected is not None and len(payload) % _size(expected) == 0:
        return tuple(_decoded(said) for said in _read(expected, payload))
    possible = [fields for _, fields in _LAYOUTS if len(payload) % _size(fields) == 0]
    sensible = [fields for fields in possible if all(map(_makes_sense, _read(fields, payload)))]
    if len(sensible) != 1:
        raise UnknownLayout(_SERVERS.name, len(payload))
    return tuple(_decoded(said) for said in _read(sensible[0], payload))


def _struct(fields: str) -> str:
    return ">" + "".join(field.split(":")[1] for field in fields.split())


def _size(fields: str) -> int:
    return struct.calcsize(_struct(fields))


def _read(fields: str, payload: bytes) -> Iterable[dict[str, Any]]:
    names = [field.split(":")[0] for field in fields.split()]
    return (dict(zip(names, values)) for values in entries(_SERVERS.name, _struct(fields), payload))


def _makes_sense(said: dict[str, Any]) -> bool:
    return bool(
        said.get("flags", 0) < 8
        and said["port"] > 0
        and said["used"] <= said["total"] < 1 << 60
        and said["marked_used"] <= said["marked_total"] < 1 << 60
    )


def _decoded(said: dict[str, Any]) -> Server:
    version, _ = version_of(*(said.get(part, 0) for part in ("major", "middle", "minor")))
    return server(version, dotted(said["address"]), said)


def server(version: tuple[int, int, int], address: str, said: dict[str, Any]) -> Server:
    """A Server from the numbers of its entry, by the names they have in the layouts."""
    flags, grace = said.get("flags", 0), said.get("grace", 0)
    if "csid" not in said:  # the older layouts have no flags but a yes or no
        flags = _DISCONNECTED if flags else 0
    disconnected = bool(flags & _DISCONNECTED)
    marked = said["marked_total"] > 0 or said["marked_chunks"] > 0
    left = said.get("maintenance_left")
    maintenance = bool(flags & (_MAINTENANCE | _TEMPORARY))
    return Server(
        version,
        address,
        said["port"],
        said.get("csid"),
        disconnected,
        maintenance,
        bool(flags & _TEMPORARY),
        said["used"],
        said["total"],
        said["chunks"],
        said["marked_used"],
        said["marked_total"],
        said["marked_chunks"],
        said["errors"],
        said.get("load"),
        grace >= _OVERLOADED,
        _FAST_REBALANCING <= grace < _OVERLOADED,
        grace if grace < _FAST_REBALANCING else 0,
        said.get("removal") if marked else None,
        None if disconnected else said.get("labels"),
        None if left == _PERMANENT or not maintenance else left,
    )


def parse_metaloggers(payload: bytes) -> tuple[Metalogger, ...]:
    """The reply to METALOGGERS. Raises UnknownLayout."""
    return tuple(
        Metalogger(version_of(major, middle, minor)[0], dotted(address))
        for major, middle, minor, address in entries(METALOGGERS.name, ">HBB4s", payload)
    )
