"""What the official command line tool of MooseFS 4.x prints with -j: for masters whose layouts are not known here.

It costs a tenth of a second and refuses masters before 3.0. The tool of 3.x has no -j. Keys: mfsscripts/mfscli.py and
mfsscripts/common/models.py of 4.59.2. A section that failed is missing, and "errors" says why; cells of a matrix that
are 0 are left out, and so are the numbers of a disconnected server. The "summary" of the tool is not used.
"""

from __future__ import annotations

import json
import re

from checks.moosefs.wire.frames import UnknownLayout
from checks.moosefs.wire.info import COMMUNITY, LEADER, Info, MetadataSave
from checks.moosefs.wire.loop import Loop
from checks.moosefs.wire.matrix import COPIES, EC4, EC8, LEVELS, ChunkTable, Matrix
from checks.moosefs.wire.servers import IN_PROGRESS, REMOVABLE, VALIDATING, Server, server
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from checks.moosefs.wire.matrix import Cells

# General information, masters, matrix, loops, chunkservers, metaloggers; addresses stay numbers. -H and -P go with it.
ARGUMENTS = ("-j", "-n", "-SIG", "-SIM", "-SIC", "-SIL", "-SCS", "-SMB")

_LEADING = {"MASTER": COMMUNITY, "LEADER": LEADER}
_REMOVAL = {"NOT READY (VALIDATING)": VALIDATING, "NOT READY (IN PROGRESS)": IN_PROGRESS, "READY": REMOVABLE}
_KINDS = ((COPIES, "_copies"), (EC8, "_ec8"), (EC4, "_ec4"))
_SPACE = (
    ("used", "hdd_regular_used"),
    ("total", "hdd_regular_total"),
    ("chunks", "hdd_regular_chunks"),
    ("marked_used", "hdd_removal_used"),
    ("marked_total", "hdd_removal_total"),
    ("marked_chunks", "hdd_removal_chunks"),
    ("errors", "errors"),
)
_MISSPELT = "regularchuks"  # until February 2025
_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBER_MAX = 1 << 64
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z", re.ASCII)


class MfscliProblem(UnknownLayout):
    """The tool printed no account of the cluster; the text says what instead."""

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)


class MfscliView(Record):
    """What the tool says of a cluster."""

    info: Info  # of length 0
    matrix: Matrix
    loop: Loop
    servers: tuple[Server, ...]
    metaloggers: int


def parse(text: bytes) -> MfscliView:
    """What mfscli printed with ARGUMENTS. Raises MfscliProblem."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise MfscliProblem("mfscli printed something that is not JSON") from None
    errors = document.get("errors") if isinstance(document, dict) else None
    if errors:
        raise MfscliProblem(f"mfscli says: {_first_error(errors)}")
    data = _section(document, "dataset")
    info, chunks = _section(data, "info"), _section(_section(data, "info"), "chunks")
    loop = info.get("chunk_loop")
    return MfscliView(
        _info(info),
        _matrix(chunks),
        Loop(_number(loop, "start_time"), _number(loop, "end_time")) if isinstance(loop, dict) else Loop(0, 0),
        tuple(_server(entry) for entry in _list(data, "chunkservers")),
        len(_list(data, "metaloggers")),
    )


def _first_error(errors: Any) -> str:
    """Errors are texts, or records with a list of them."""
    first = errors[0] if isinstance(errors, list) else errors
    nested = first.get("errors") if isinstance(first, dict) else None
    first = nested[-1] if isinstance(nested, list) and nested else first
    return str(first.get("message", first) if isinstance(first, dict) else first)


def _section(record: Any, key: str) -> dict[str, Any]:
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, dict):
        raise MfscliProblem(f"mfscli printed no {key}")
    return value


def _list(record: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = record.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise MfscliProblem(f"mfscli printed no {key}")
    return value


def _number(record: dict[str, Any], key: str) -> int:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _NUMBER_MAX:
        raise MfscliProblem(f"mfscli printed no number for {key}")
    return value


def _optional(record: dict[str, Any], key: str) -> int | None:
    return None if record.get(key) is None else _number(record, key)


def _version(record: dict[str, Any]) -> tuple[int, int, int]:
    numbers = str(record.get("version")).split(".")
    if len(numbers) != 3 or not all(number.isdigit() and len(number) < 6 for number in numbers):
        raise MfscliProblem("mfscli printed no version")
    major, middle, minor = map(int, numbers)
    return major, middle, minor


def _matrix(chunks: dict[str, Any]) -> Matrix:
    regular = next((key for key in ("regularchunks", _MISSPELT) if key in chunks), "regularchunks")
    whole = ChunkTable("whole", _cells(chunks, "allchunks"), _cells(chunks, regular))
    if bool(_chunks(whole.all)) != bool(_chunks(whole.regular)):
        raise MfscliProblem("mfscli counts no chunk in one of its tables")
    parts = tuple(
        ChunkTable(kind, _cells(chunks, f"allchunks{suffix}"), _cells(chunks, f"regularchunks{suffix}"))
        for kind, suffix in _KINDS
        if f"allchunks{suffix}" in chunks
    )
    return Matrix(_number(chunks, "progress_status"), whole, parts or (whole._replace(kind=COPIES),))


def _cells(chunks: dict[str, Any], key: str) -> Cells:
    """Levels are "2", or "1+2", "8+2", "4+2" in the tables by kind: the last number is the row or column."""
    rows = [[0] * LEVELS for _ in range(LEVELS)]
    for cell in _list(chunks, key):
        goal, copies = (_level(str(cell.get(name))) for name in ("target", "current"))
        rows[goal][copies] = _number(cell, "chunks")
    return tuple(map(tuple, rows))


def _level(text: str) -> int:
    number = text.rpartition("+")[2]
    if not number.isdigit() or len(number) > 2 or int(number) >= LEVELS:
        raise MfscliProblem("mfscli printed a matrix that is unknown here")
    return int(number)


def _chunks(cells: Cells) -> int:
    return sum(map(sum, cells))


def _info(section: dict[str, Any]) -> Info:
    general = _section(section, "general")
    leading = [master for master in _list(section, "masters") if str(master.get("state")) in _LEADING]
    saved = _optional(general, "last_metadata_save_time")
    return Info(
        0,
        _version(general),
        general.get("pro") is True,
        False,
        _number(general, "total_space"),
        _number(general, "avail_space"),
        _number(general, "trash_space"),
        _number(general, "chunks"),
        _optional(general, "files"),
        _optional(general, "directories"),
        _optional(general, "all_copies" if "all_copies" in general else "full_chunk_copies"),
        _optional(general, "regular_copies"),
        None if saved is None else _saved(general, saved),
        _LEADING[leading[0]["state"]] if leading else None,
        False,
        None,
        "",
        _seconds(leading[0], "localtime") if leading else None,
    )


def _saved(general: dict[str, Any], time: int) -> MetadataSave:
    took = _seconds(general, "last_metadata_save_duration")
    return MetadataSave(time, took or 0.0, _number(general, "last_metadata_save_status"))


def _seconds(record: dict[str, Any], key: str) -> float | None:
    value = record.get(key)
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e12 else None


def _server(entry: dict[str, Any]) -> Server:
    """The address is "OWN -> MAPPED" where the master maps it for its clients."""
    said: dict[str, Any] = {key: _number(entry, key) for key in ("flags", "port", "csid")}
    connected = entry.get("connected") is True
    for name, key in _SPACE:
        said[name] = _number(entry, key) if connected else 0
    if connected:
        said["load"], said["grace"] = _number(entry, "load"), _number(entry, "gracetime")
        said["removal"] = _REMOVAL.get(str(entry.get("hdd_removal_stat")))
        said["labels"] = sum(1 << _LABELS.index(label) for label in _labels(entry))
    address = str(entry.get("ip")).rpartition(" ")[2]
    if not _ADDRESS.match(address) or said["port"] > 0xFFFF:
        raise MfscliProblem("mfscli printed no address of a chunkserver")  # it is connected to
    return server(_version(entry) if connected else (0, 0, 0), address, said)


def _labels(entry: dict[str, Any]) -> set[str]:
    labels = entry.get("labels")
    return {str(label) for label in labels} & set(_LABELS) if isinstance(labels, list) else set()
