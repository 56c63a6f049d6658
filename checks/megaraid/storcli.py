"""What storcli, perccli (007.x) and storcli2, perccli2 (008.x) answer, as JSON or text, to any read-only command.

Content is judged before the status: with "Failure" they also say that there is no foreign configuration (error 50), or
that one of many drives does not answer (46), and print everything else. Guide: Broadcom's StorCLI user guide (MR-SW).
"""

from __future__ import annotations

import re

from checks.megaraid import storcli_parts as parts
from checks.megaraid import words
from checks.megaraid.readings import (
    COPYBACK,
    MISSING,
    REBUILD,
    UNANSWERED,
    Controller,
    Disk,
    Operation,
    Readings,
    VirtualDrive,
    merged,
    whole,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_VOLUME_PATH = re.compile(r"/c\d+/v(\d+)")
_TIME = re.compile(r"(\d+)\s*(day|hour|min)", re.IGNORECASE)
_NO_SUCH_CONTROLLER = re.compile(r"controller \d+ not found")
_MINUTES = {"day": 1440, "hour": 60, "min": 1}

_NO_FOREIGN, _NO_DRIVE, _INCOMPLETE = 50, 46, 59
# What a card says that has no such part: "use /cx/cv", "Cachevault is absent", "un-supported command".
_NO_SUCH_PART = (
    *("use /cx", "absent", "support", "command invalid", "not present", "not found"),
    *("no vd", "no foreign", "no drive", "no pd", "no enclosure", "no physical"),
)


def is_one(text: str) -> bool:
    """Whether this is storcli's: it writes "key = value", where MegaCli writes "key : value"."""
    from checks.megaraid.storcli_text import has_table

    signs = text.count(" = ") + text.count(" :\n=")
    return '"Controllers"' in text[:400] or has_table(text) or signs > text.count(": ")


def parse(output: bytes) -> Readings:
    """Any output of any command; never raises."""
    text = output.decode("utf-8", "replace")
    start = text.find("{")
    if 0 <= start < 400 and '"Controllers"' in text[start : start + 400]:
        import json

        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        except (ValueError, RecursionError):
            return Readings(problems=((None, "an answer is no JSON, or was cut"),))
        answers = found.get("Controllers") if isinstance(found, dict) else None
    else:
        from checks.megaraid.storcli_text import document

        answers = document(text)
    readings = [_answer(answer) for answer in answers or () if isinstance(answer, dict)]
    return merged(readings) if readings else Readings()


def _answer(answer: dict[str, Any]) -> Readings:
    status, data = answer.get("Command Status"), answer.get("Response Data")
    status = status if isinstance(status, dict) else {}
    number = whole(status.get("Controller", 0)) or 0
    read = parts.Answer(number)
    description = parts.text_of(status.get("Description"))
    if isinstance(data, dict) and whole(data.get("Number of Controllers")) == 0:
        return Readings(none_here=True, understood=True)
    if "no controller" in description.lower():
        return Readings(none_here=True, understood=True)
    read.shown = next((kind for kind in (REBUILD, COPYBACK) if kind in description.lower()), "")
    for name, content in _sections(data):
        _take(read, name, content)
    if not read.volumes:
        read.volumes.extend(read.groups)
    if not read.disks:
        read.disks.extend(read.members)
    if isinstance(data, dict) and data.get("PD LIST") and whole(data.get("Physical Drives", "")) is None:
        read.problems.append((number, "its number of drives is missing: the answer may be cut"))
    _status(read, status, description, bool(data))
    read.understood = read.understood or bool(read.controller or read.disks or read.volumes or read.battery)
    return read.readings()


def _sections(data: Any) -> Iterator[tuple[str, Any]]:
    """(name, content) of every part of an answer, also of the parts within "Detailed Information"."""
    if isinstance(data, list):
        yield "Rows", data
    if not isinstance(data, dict):
        return
    for name, content in data.items():
        yield name, content
        if isinstance(content, dict) and ("Detailed Information" in name or name in ("Response Data",)):
            yield from _sections(content)
    if any(not isinstance(content, (dict, list)) for content in data.values()):
        yield "", data


def _take(read: parts.Answer, name: str, content: Any) -> None:
    """One part of an answer."""
    lower = name.strip().lower()
    rows = [row for row in content if isinstance(row, dict)] if isinstance(content, list) else []
    pairs = content if isinstance(content, dict) else {}
    if lower in ("", "basics", "status", "hwcfg", "version"):
        _controller(read, lower, pairs)
    elif "foreign" in lower:
        _foreign(read, lower, content, rows)
    elif "cachevault" in lower or "bbu" in lower or "energy pack" in lower or lower in _BATTERY_PARTS:
        _battery(read, lower, rows, pairs)
    elif lower == "topology":
        _topology(read, rows)
    elif rows:
        _take_rows(read, lower, rows)
    elif lower.startswith("drive /c") and lower.endswith(" state"):
        parts.disk_state(read, name, pairs)
    elif lower.startswith("drive /c") and "attributes" in lower:
        parts.disk_attributes(read, name, pairs)
    elif lower.startswith("vd") and lower.endswith("properties"):
        parts.volume_properties(read, whole(lower[2:].strip()), pairs)


def _take_rows(read: parts.Answer, name: str, rows: list[dict[str, Any]]) -> None:
    """A table: what it holds is told by its columns."""
    first = rows[0]
    take: Callable[[parts.Answer, dict[str, Any]], None] | None = None
    if name == "system overview":
        take = _overview
    elif name == "drives list":
        take = parts.second_generation
    elif "Progress%" in first:
        take = _progress
    elif "EID:Slt" in first or "unread" in first:
        take = parts.disk
    elif "DG/VD" in first:
        take = parts.volume
    elif "VD Info" in first:
        take = parts.second_volume
    for row in rows if take else ():
        take(read, row)  # type: ignore[misc]


_BATTERY_PARTS = ("firmware_status", "gasgaugestatus", "properties")


def _present(text: str) -> bool | None:
    return {"present": True, "absent": False}.get(text.lower())


# beginnings of keys -> field; the same facts have other keys in other versions
_TEXTS = {"model": "model", "product name": "model", "serial number": "serial"}
_NUMBERS = {
    "memory correctable errors": "correctable",
    "memory uncorrectable errors": "uncorrectable",
    "roc temperature": "roc",
    "chip temperature": "roc",
    "ctrl temperature": "temperature",
    "controller temperature": "temperature",
    "board temperature": "temperature",
    "on board memory size": "cache_mb",
    "memory size": "cache_mb",
    "ddr memory size": "cache_mb",
}
_FLAGS = {
    "any offline vd cache preserved": "preserved",
    "preserved cache present": "preserved",
    "controller has booted into safe mode": "safe_mode",
}
_COUNTS = {"physical drives": "disks", "virtual drives": "volumes"}
_FAULTS = {
    "failed pd drive count": "failed_disks",
    "critical predictive failure pd drive count": "suspect_disks",
    "vd degraded count": "bad_volumes",
    "vd offline count": "bad_volumes",
}


def _controller(read: parts.Answer, part: str, pairs: dict[str, Any]) -> None:
    facts = read.controller
    for key, value in pairs.items():
        lower = key.strip().lower()
        if isinstance(value, (dict, list)):
            continue
        if lower in _TEXTS and part in ("basics", ""):
            facts[_TEXTS[lower]] = parts.text_of(value)
        elif lower in ("pci address", "controller status"):
            facts[lower.replace("controller ", "").replace(" address", "")] = parts.text_of(value)
        elif lower in _FLAGS:
            facts[_FLAGS[lower]] = parts.text_of(value).lower() == "yes"
        elif lower in ("bbu", "energy pack") and part == "hwcfg":
            facts["battery"] = _present(parts.text_of(value))
        elif lower in _COUNTS and part == "" and whole(value) is not None:
            facts[_COUNTS[lower]] = whole(value)
        elif lower in _FAULTS:
            facts[_FAULTS[lower]] = facts.get(_FAULTS[lower], 0) + (whole(value) or 0)
        else:
            field = next((field for start, field in _NUMBERS.items() if lower.startswith(start)), None)
            if field:
                facts[field] = whole(value)
    if part in ("basics", "status") and pairs:
        facts.setdefault("status", "")


_HEALTH = {"opt": "Optimal", "ndatn": "Needs Attention", "fld": "Failed", "sfmd": "Safe mode"}


def _overview(read: parts.Answer, row: dict[str, Any]) -> None:
    """A row of "show": one controller in a line."""
    number, word = whole(row.get("Ctl", row.get("Ctrl", ""))), parts.text_of(row.get("Hlth", row.get("Status")))
    if number is not None:
        status = _HEALTH.get(word.lower().strip("* "), word)
        model = parts.text_of(row.get("Model", row.get("Product Name")))
        read.others.append(Controller(number, model=model, status=status, bad_volumes=whole(row.get("VNOpt", ""))))


def _foreign(read: parts.Answer, name: str, content: Any, rows: list[dict[str, Any]]) -> None:
    read.understood = True
    count = len(rows)
    if not rows and not isinstance(content, (dict, list)):
        count = whole(content) or 0
    of_disks = "pd" in name.split() or "drive count" in name or "pds" in name
    if not (of_disks and read.foreign):  # configurations are counted, and where only disks are told, those
        read.foreign = max(read.foreign, count)


def _properties(rows: list[dict[str, Any]], pairs: dict[str, Any]) -> dict[str, Any]:
    """A battery's part as one mapping: it comes as "Property" and "Value", as one row, or as pairs."""
    if any("Property" in row for row in rows):
        return {parts.text_of(row.get("Property")).lower(): row.get("Value") for row in rows}
    return {key.lower(): value for key, value in (rows[0] if rows else pairs).items()}


def _battery(read: parts.Answer, name: str, rows: list[dict[str, Any]], pairs: dict[str, Any]) -> None:
    facts = read.battery
    properties = _properties(rows, pairs)
    if name.endswith("info") or name in ("cachevault", "bbu") or ("energy pack" in name and "learn" not in name):
        if "cachevault" in name or "energy" in name:
            facts["kind"] = "CacheVault"
        elif any(key in properties for key in ("state", "battery state", "type", "model")):
            facts.setdefault("kind", "BBU")
        state = properties.get("state", properties.get("battery state", properties.get("status")))
        if state is not None:
            facts["state"] = parts.text_of(state)
        degrees = whole(properties.get("temp", properties.get("temperature", properties.get("temperature(c)", ""))))
        if degrees is not None:
            facts["temperature"] = degrees
    complaints = [
        *(words.COMPLAINTS[key] for key, value in properties.items() if key in words.COMPLAINTS and _is_yes(value)),
        *(
            f"{key} {parts.text_of(properties[key]).lower()}"
            for key in ("voltage", "temperature")
            if parts.text_of(properties.get(key)).lower() in ("low", "high", "not ok")
        ),
    ]
    if complaints:
        facts["complaints"] = [*facts.get("complaints", ()), *complaints]
    if _is_yes(properties.get("learn cycle active")):
        facts["learning"] = True


def _is_yes(value: Any) -> bool:
    return parts.text_of(value).lower() == "yes"


def _topology(read: parts.Answer, rows: list[dict[str, Any]]) -> None:
    """Drive groups: rows without a drive that are missing; and all there is, where no list of drives comes with it."""
    for row in rows:
        kind, group = parts.text_of(row.get("Type")), whole(row.get("DG", ""))
        word, status = parts.text_of(row.get("State")), parts.text_of(row.get("Status")).strip("-")
        array = parts.text_of(row.get("Arr", row.get("Span")))
        place = parts.place_of(parts.text_of(row.get("EID:Slot")))
        state = words.disk_state(word, status)
        if kind.upper() != "DRIVE":
            if array == "-" and word != "-":  # the group itself, and not one of its arrays
                read.groups.append(
                    VirtualDrive(read.number, None, group=group, level=kind, state=words.volume_state(word))
                )
        elif state == MISSING:
            where = f"drive group {parts.text_of(row.get('DG'))} array {array} row {parts.text_of(row.get('Row'))}"
            read.missing.append((read.number, where))
        elif place:
            read.members.append(Disk(read.number, *place, state=state, group=group, words=f"{word} {status}".strip()))


def _progress(read: parts.Answer, row: dict[str, Any]) -> None:
    """A row of "show rebuild", "show copyback", "show cc" and the like."""
    read.understood = True
    if not parts.text_of(row.get("Status")).lower().startswith("in progress"):
        return
    drive = parts.text_of(row.get("Drive-ID"))
    path, place = parts.PATH.search(drive), parts.place_of(parts.text_of(row.get("EID:Slt")))
    volume = _VOLUME_PATH.search(parts.text_of(row.get("VD"))) or re.match(r"(\d+)\Z", parts.text_of(row.get("VD")))
    item = ""
    if path:
        item = f"e{path[1]}:s{path[2]}" if path[1] else f"s{path[2]}"
    elif place:
        item = Disk(read.number, *place).place
    elif volume:
        item = f"v{volume[1]}"
    if item:
        kind = words.operation(parts.text_of(row.get("Operation"))) if row.get("Operation") else read.shown
        left = [
            int(count) * _MINUTES[unit.lower()]
            for count, unit in _TIME.findall(parts.text_of(row.get("Estimated Time Left")))
        ]
        percent = whole(row.get("Progress%", ""))
        read.operations.append(Operation(read.number, item, kind, percent, left=sum(left) if left else None))


def _status(read: parts.Answer, status: dict[str, Any], description: str, has_data: bool) -> None:
    """What remains to be said when the content was taken: drives that do not answer, and refusals."""
    failed = parts.text_of(status.get("Status")).lower() in ("failure", "failed")
    details = status.get("Detailed Status")
    rows = [row for row in details if isinstance(row, dict)] if isinstance(details, list) else []
    if not failed:
        read.understood = read.understood or bool(status)
        return
    explained = False
    for row in rows:
        code, message = whole(row.get("ErrCd", "")), parts.text_of(row.get("ErrMsg"))
        path = parts.PATH.search(parts.text_of(row.get("Drive")))
        one_drive = path or parts.place_of(parts.text_of(row.get("EID:Slt")))
        if code == 0:
            read.understood = True
        elif code == _NO_DRIVE and path:
            place = whole(path[1]) if path[1] else None
            read.disks.append(Disk(read.number, place, int(path[2]), state=UNANSWERED, words=f"error {code}"))
            explained = True
        elif code == _INCOMPLETE or "incomplete foreign" in message.lower():
            read.foreign = read.foreign or 1
            explained = True
        elif one_drive and "drive not found" in message.lower():
            read.problems.append((read.number, "no such drive"))
            explained = True
        elif code == _NO_FOREIGN or any(sign in message.lower() for sign in _NO_SUCH_PART):
            explained = read.understood = True
        elif not has_data:
            read.problems.append((read.number, f"{message.strip('- ') or description} (error {code})"))
            explained = True
    lower = description.lower()
    if _NO_SUCH_CONTROLLER.search(lower):
        read.problems.append((read.number, "no such controller"))
    elif "foreign" in lower and "incomplete" in lower:
        read.foreign = read.foreign or 1
    elif any(sign in lower for sign in _NO_SUCH_PART):
        read.understood = True
    elif not explained and not has_data:
        read.problems.append((read.number, f"a command failed: {description or 'no reason was given'}"))
