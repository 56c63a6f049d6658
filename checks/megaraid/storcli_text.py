"""What storcli and perccli print where JSON is refused, as the document that they print as JSON.

Answers are made of "Name :" over "=====" (a section), "key = value" lines, and tables between dashes. A bad disk's
model can be garbage, so a table's row is read from both ends: the column that may hold anything is what is left.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FREE = ("Model", "Name", "ErrMsg")  # columns that may hold spaces, or nothing
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB")
# the first columns of tables, for where nothing else was kept
_TABLE = re.compile(r"^ *(?:EID:Slt|DG/VD|DG Arr|DG Span|DG EID:Slot|Drive-ID|Ctl Model|Ctrl Product) ", re.MULTILINE)
_HEADERS = ("EID:Slt ", "DG/VD ")
# a row of a drive or a virtual drive, also where its table lost the dashes around it
_ROW = re.compile(r"\s*(?:\d*:\d+\s+\d+\s+[A-Z]|\d+/\d+\s+(?:RAID|Cac))")
_PROGRESS_ROW = re.compile(r"\s*(\S+)\s+(\d+|-)\s+((?:not )?in progress|paused)\s*(.*)", re.IGNORECASE)
_PHRASES = ("Estimated Time Left", "Next Learn", "LU/NS Count", "Adv S/W Opt", "Time Remaining")


def has_table(text: str) -> bool:
    """Whether one of storcli's tables is in it."""
    return bool(_TABLE.search(text))


def document(text: str) -> list[dict[str, Any]]:
    """The list "Controllers" of the JSON form: "Command Status" and "Response Data" of each answer."""
    lines = _flush_left([line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")])
    answers: list[dict[str, Any]] = []
    status: dict[str, Any] = {}
    section = data = {}  # type: dict[str, Any]
    header = ""
    place = 0
    while place < len(lines):
        line = lines[place]
        key, equals, value = (part.strip() for part in line.partition(" ="))
        if _begins_answer(lines, place):
            status, data = {}, {}
            section = data
            answers.append({"Command Status": status, "Response Data": data})
            place = _take_status(lines, place, status)
            continue
        if not answers and (equals or line.endswith(":")) and key not in ("CLI Version", "Operating system"):
            answers.append({"Command Status": status, "Response Data": data})
        under = set(lines[place + 1].strip()) if line.endswith(":") and place + 1 < len(lines) else set()
        if under in ({"="}, {"-"}):
            section = _section(data, line.rstrip(": "), status)
            place += 2 if under == {"="} else 1
            continue
        if len(line) > 5 and set(line) == {"-"}:
            if not answers:
                answers.append({"Command Status": status, "Response Data": data})
            rows, place = _table(lines, place)
            _put_table(data, section, status, rows)
            continue
        if equals and key:
            target = data if key in ("Virtual Drives", "Physical Drives", "Drive Groups") else section
            target.setdefault(key, value)
        elif line.lstrip().startswith(_HEADERS):
            header = _in_one_word(line)
        elif _ROW.match(line):
            row = _row(header.split(), header, line) if header else {"unread": line.strip()}
            data.setdefault(f"Rows {header[:8]}", []).append(row)
        place += 1
    return answers


def _flush_left(lines: list[str]) -> list[str]:
    """Without the indentation that all lines have, as in a document."""
    indents = [len(line) - len(line.lstrip(" ")) for line in lines if line]
    least = min(indents, default=0)
    return [line[least:] for line in lines] if least else lines


def _begins_answer(lines: list[str], place: int) -> bool:
    """ "Controller = 0" or nothing, then "Status = Success": sections too have a line "Controller = 0"."""
    if lines[place].startswith("Status = "):
        return place == 0 or not lines[place - 1].startswith(("Controller = ", "Status Code = "))
    following = lines[place + 1] if place + 1 < len(lines) else ""
    return lines[place].startswith(("Controller = ", "Status Code = ")) and following.startswith("Status = ")


def _take_status(lines: list[str], place: int, status: dict[str, Any]) -> int:
    while place < len(lines) and " = " in lines[place] + " ":
        key, _, value = lines[place].partition(" =")
        if key.strip() not in ("Controller", "Status", "Status Code", "Description"):
            break
        status[key.strip()] = value.strip()
        place += 1
    return place


def _section(data: dict[str, Any], name: str, status: dict[str, Any]) -> dict[str, Any]:
    if name.strip() == "Detailed Status":
        status["Detailed Status"] = []
        return {"": "Detailed Status"}
    made: dict[str, Any] = {}
    data[name.strip()] = made
    return made


def _put_table(data: dict[str, Any], section: dict[str, Any], status: dict[str, Any], rows: list[Any]) -> None:
    """A table is its section, unless there are "key = value" lines in it too."""
    if section.get("") == "Detailed Status":
        status["Detailed Status"] += rows
        return
    for name, content in data.items():
        if content is section and not section:
            data[name] = rows
            return
    data.setdefault("Rows", []).extend(rows)


def _table(lines: list[str], place: int) -> tuple[list[dict[str, Any]], int]:
    """The rows of the table whose first line of dashes is here, and where the text goes on."""
    header = lines[place + 1] if place + 1 < len(lines) else ""
    header = _in_one_word(header)
    columns = header.split()
    place += 2
    if place >= len(lines) or not columns or set(lines[place]) != {"-"}:
        return [], place
    place += 1
    rows = []
    while place < len(lines) and set(lines[place].strip()) != {"-"}:
        if lines[place].strip():
            rows.append(_row(columns, header, lines[place]))
        elif not any(_ROW.match(line) for line in lines[place + 1 : place + 2]):
            break
        place += 1
    if place < len(lines) and set(lines[place].strip()) == {"-"}:
        place += 1
    return rows, place


def _in_one_word(header: str) -> str:
    """A line of columns, each of them in one word."""
    for phrase in _PHRASES:
        header = header.replace(phrase, phrase.replace(" ", "_"))
    return header


def _row(columns: list[str], header: str, line: str) -> dict[str, Any]:
    named = [column.replace("_", " ") if column.replace("_", " ") in _PHRASES else column for column in columns]
    progress = _PROGRESS_ROW.match(line) if len(columns) == 4 and columns[1] == "Progress%" else None
    if progress:
        return dict(zip(named, progress.groups()))
    if "Progress%" in columns or columns[-1:] == ["Value"] or "RetentionTime" in columns:
        return _sliced(columns, named, header, line)
    free = next((n for n, column in enumerate(columns) if column in _FREE and n), len(columns) - 1)
    words = line.split()
    row: dict[str, Any] = {}
    for column in named[:free]:
        if not words:
            return {"unread": line.strip()}
        word = words.pop(0)
        if column in ("Size", "SeSz") and words and words[0] in _UNITS:
            word += f" {words.pop(0)}"
        row[column] = word
    trailing = len(columns) - free - 1
    last = words[len(words) - trailing :] if trailing else []
    row[named[free]] = " ".join(words[: len(words) - trailing] if trailing else words)
    row.update(zip(named[free + 1 :], last))
    return row


def _sliced(columns: list[str], named: list[str], header: str, line: str) -> dict[str, Any]:
    """By position: these tables have words with spaces in the middle, all of them left-aligned."""
    starts: list[int] = []
    for column in columns:  # "Mode" is also the beginning of "Model"
        starts.append(header.index(column, starts[-1] + 1 if starts else 0))
    ends = [*starts[1:], len(line) + 1]
    return {name: line[start:end].strip() for name, start, end in zip(named, starts, ends)}
