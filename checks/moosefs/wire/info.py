"""CLTOMA_INFO: what a master says of itself. Its length is what tells the versions apart."""

from __future__ import annotations

import struct

from checks.moosefs.wire.frames import Request, UnknownLayout, dotted, version_of
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INFO = Request(510, 511, reply_max=1024, name="master information")

# What the master is in a Pro cluster; the community edition has no such state.
DUMMY, LEADER, ELECT, FOLLOWER, USURPER, DEPUTY, COMMUNITY = 0, 1, 2, 3, 4, 5, 0xFF
STATES = {
    DUMMY: "dummy",
    LEADER: "leader",
    ELECT: "elect",
    FOLLOWER: "follower",
    USURPER: "usurper",
    DEPUTY: "deputy",
    COMMUNITY: "master",
}
# How the metadata was saved last.
SAVED, DOWNLOADED, SAVED_IN_FOREGROUND, SAVED_WITH_CRC = 0, 1, 2, 3

_VERSION = "major:H middle:B minor:B "
_MEMORY = "memory:Q "
_USAGE = "memory:Q system_cpu:Q user_cpu:Q "
_SPACE = "total:Q avail:Q "
_FREE = "free:Q "
_TRASH = "trash:Q trash_files:L sustained:Q sustained_files:L nodes:L "
_FILES = _TRASH + "directories:L files:L chunks:L "
_COPIES = "copies:L regular_copies:L "
_SAVE = "saved:L duration:L status:B "
_STATE = "state:B next:B stable:B sync:B leader:4s changed:L metadata_version:Q "
_EXPORTS = "exports_checksum:Q "
_METADATA = "metadata_id:Q saved_version:Q saved_checksum:L "
_CLOCK = "clock:Q changelog_time:L "
_EC8 = "copy_chunks:L ec8_chunks:L "
_EC8_PARTS = "copies:Q ec8_parts:Q hypothetical_copies:Q "
_EC4_PARTS = "copies:Q ec8_parts:Q ec4_parts:Q hypothetical_copies:Q "
_PRO = _SAVE + _STATE + _EXPORTS

# length of the reply -> (the first version that sends it, its fields)
_LAYOUTS = {
    52: ((1, 4, 0), _SPACE + _TRASH + "chunks:L copies_to_delete:L"),
    60: ((1, 5, 0), _SPACE + _FILES + "copies_to_delete:L"),
    68: ((1, 5, 13), _VERSION + _SPACE + _FILES + _COPIES),
    76: ((1, 6, 20), _VERSION + _MEMORY + _SPACE + _FILES + _COPIES),
    101: ((1, 6, 28), _VERSION + _USAGE + _SPACE + _FILES + _COPIES + _SAVE),
    121: ((1, 7, 0), _VERSION + _USAGE + _SPACE + _FILES + _COPIES + _SAVE + _STATE),
    129: ((3, 0, 0), _VERSION + _USAGE + _SPACE + _FILES + _COPIES + _PRO),
    137: ((3, 0, 0), _VERSION + _USAGE + _SPACE + _FREE + _FILES + _COPIES + _PRO),
    149: ((3, 0, 0), _VERSION + _USAGE + _SPACE + _FREE + _FILES + _COPIES + _PRO + _CLOCK),
    173: ((4, 0, 0), _VERSION + _USAGE + _SPACE + _FILES + _EC8 + _PRO + _METADATA + _EC8_PARTS),
    181: ((4, 0, 0), _VERSION + _USAGE + _SPACE + _FREE + _FILES + _EC8 + _PRO + _METADATA + _EC8_PARTS),
    193: ((4, 0, 0), _VERSION + _USAGE + _SPACE + _FREE + _FILES + _EC8 + _PRO + _METADATA + _EC8_PARTS + _CLOCK),
    205: (
        (4, 0, 0),
        _VERSION + _USAGE + _SPACE + _FREE + _FILES + _EC8 + "ec4_chunks:L " + _PRO + _METADATA + _EC4_PARTS + _CLOCK,
    ),
}


class MetadataSave(Record):
    """The last time the metadata was saved."""

    time: int  # unix seconds
    seconds: float  # how long it took
    status: int  # SAVED, ...


class Info(Record):
    """What a master says of itself; None where its version does not say."""

    length: int  # of the reply
    version: tuple[int, int, int]
    pro: bool
    lizardfs: bool
    total: int  # bytes
    avail: int  # bytes
    trash: int  # bytes
    chunks: int
    files: int | None
    directories: int | None
    copies: int | None  # of chunks, on all disks; before 1.6.10 on those not marked
    regular_copies: int | None  # on disks not marked for removal; before 1.6.10 copies to delete
    stored: MetadataSave | None
    state: int | None  # LEADER, ...
    changing: bool  # the state is about to become another
    sync: int | None  # of a follower: 0 out of sync, 1 in sync, 2 delayed, 3 starting
    leader: str  # address; "" when none is known
    clock: float | None  # of the master, unix seconds


def parse_info(payload: bytes) -> Info:
    """The reply to INFO. Raises UnknownLayout.

    76 bytes are the reply of MooseFS 1.6.20 to 1.6.27 and of every LizardFS, which began with 1.6.28.
    """
    first, layout = _LAYOUTS.get(len(payload), ((0, 0, 0), ""))
    if not layout:
        raise UnknownLayout(INFO.name, len(payload))
    pairs = [field.split(":") for field in layout.split()]
    values = struct.unpack(">" + "".join(code for _, code in pairs), payload)
    said = dict(zip((name for name, _ in pairs), values))
    version, pro, lizardfs = first, False, False
    if "major" in said:
        raw = (said["major"], said["middle"], said["minor"])
        lizardfs = len(payload) == 76 and raw >= (1, 6, 28)
        version, pro = (raw, False) if lizardfs else version_of(*raw)
    if not first <= version < (100, 0, 0):
        raise UnknownLayout(INFO.name, len(payload), "but names version {}.{}.{}".format(*version))
    state, changing = _state(said)
    return Info(
        len(payload),
        version,
        pro,
        lizardfs,
        said["total"],
        said["avail"],
        said["trash"],
        said["chunks"],
        said.get("files"),
        said.get("directories"),
        said.get("copies"),
        said.get("regular_copies"),
        _saved(said, version),
        state,
        changing,
        None if state is None else said["sync"],
        dotted(said["leader"]) if state is not None and any(said["leader"]) else "",
        said["clock"] / 1e6 if said.get("clock") else None,
    )


def _state(said: dict[str, Any]) -> tuple[int | None, bool]:
    if "state" not in said:
        return None, False
    state: int = said["state"]
    community = state == said["next"] == said["stable"] == said["sync"] == COMMUNITY
    return state, not community and (not said["stable"] or state != said["next"])


def _saved(said: dict[str, Any], version: tuple[int, int, int]) -> MetadataSave | None:
    if not said.get("saved"):
        return None
    seconds = said["duration"] / 1000 if version >= (2, 0, 14) else float(said["duration"])
    return MetadataSave(said["saved"], seconds, said["status"])
