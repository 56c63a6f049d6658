"""What storcli and perccli print where JSON is refused, as the document that they print as JSON.

Answers are made of "Name :" over "=====" (a section), "key = value" lines, and tables between dashes. A bad disk's
model can be garbage, so a table's row is read from both ends: the column that may hold anything is what is left.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FREE = ("Model", "Name", "ErrMsg")  # columns that may hold spaces, or nothing
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB")
_PHRASES = ("Estimated Time Left", "Next Learn", "LU/NS Count", "Adv S/W Opt", "Time Remaining")


def document(text: str) -> list[dict[str, Any]]:
    """The list "Controllers" of the JSON form: "Command Status" and "Response Data" of each answer."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    answers: list[dict[str, Any]] = []
    status: dict[str, Any] = {}
    section = data = {}  # type: dict[str, Any]
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
        if line.endswith(":") and place + 1 < len(lines) and set(lines[place + 1].strip()) == {"="}:
            section = _section(data, line.rstrip(": "), status)
            place += 2
            continue
        if len(line) > 5 and set(line) == {"-"}:
            rows, place = _table(lines, place)
            _put_table(data, section, status, rows)
            continue
        if equals and key:
            target = data if key in ("Virtual Drives", "Physical Drives", "Drive Groups") else section
            target.setdefault(key, value)
        place += 1
    return answers


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
    for phrase in _PHRASES:
        header = header.replace(phrase, phrase.replace(" ", "_"))
    columns = header.split()
    place += 2
    if place >= len(lines) or not columns or set(lines[place]) != {"-"}:
        return [], place
    place += 1
    rows = []
    while place < len(lines) and lines[place].strip() and set(lines[place].strip()) != {"-"}:
        rows.append(_row(columns, header, lines[place]))
        place += 1
    if place < len(lines) and set(lines[place].strip()) == {"-"}:
        place += 1
    return rows, place


def _row(columns: list[str], header: str, line: str) -> dict[str, Any]:
    named = [column.replace("_", " ") if column.replace("_", " ") in _PHRASES else column for column in columns]
    if "Progress%" in columns or columns[-1:] == ["Value"]:
        return _sliced(columns, named, header, line)
    free = next((n for n, column in enumerate(columns) if column in _FREE and n), len(columns) - 1)
    words = line.split()
    row: dict[str, Any] = {}
    for column in named[:free]:
        if not words:
            return {"unread": line.strip()}
        word = words.pop(0)
        if column == "Size" and words and words[0] in _UNITS:
            word += f" {words.pop(0)}"
        row[column] = word
    trailing = len(columns) - free - 1
    last = words[len(words) - trailing :] if trailing else []
    row[named[free]] = " ".join(words[: len(words) - trailing] if trailing else words)
    row.update(zip(named[free + 1 :], last))
    return row


def _sliced(columns: list[str], named: list[str], header: str, line: str) -> dict[str, Any]:
    """By position: these tables have words with spaces in the middle, all of them left-aligned."""
    starts = [header.index(column) for column in columns]
    ends = [*starts[1:], len(line) + 1]
    return {name: line[start:end].strip() for name, start, end in zip(named, starts, ends)}
