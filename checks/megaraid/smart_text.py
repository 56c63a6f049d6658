"""What smartctl prints for people (-a, -x), for --from-file only: saved reports are often text.

Of a live disk the JSON is read, which says more and does not depend on columns.
"""

from __future__ import annotations

import re

from checks.megaraid.readings import whole
from checks.megaraid.smart import Attribute, Health, means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBERS = {5: "reallocated", 197: "pending", 198: "uncorrectable", 187: "reported", 199: "crc"}
_TABLE = "ID# ATTRIBUTE_NAME"


def is_report(text: str) -> bool:
    """Whether this is a report of smartctl's."""
    return text.lstrip().startswith("smartctl ") and "=== START OF INFORMATION SECTION" in text


def parse(text: str) -> Health:
    """The health of one disk; never raises."""
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    pairs = {
        key.strip().lower(): value.strip() for key, colon, value in (line.partition(":") for line in lines) if colon
    }
    attributes = _attributes(lines)
    verdict = pairs.get("smart overall-health self-assessment test result", pairs.get("smart health status", ""))
    health = Health(
        version=text.split()[1],
        serial=pairs.get("serial number", ""),
        model=pairs.get("device model", pairs.get("product", "")),
        offers=bool(verdict or attributes),
        passed=verdict.startswith(("PASSED", "OK")) if verdict else None,
        asc=_asc(verdict),
        asc_words="" if verdict.startswith(("PASSED", "OK")) else verdict.partition(" [")[0].lower(),
        failing=tuple(a for a, state in _failed(lines) if state == "now"),
        failed=tuple(a for a, state in _failed(lines) if state == "past"),
        grown=whole(pairs.get("elements in grown defect list", "")),
        uncorrected=_uncorrected(lines),
        hours=whole(attributes[9].raw or 0) if 9 in attributes else None,
        temperature=whole(pairs.get("current drive temperature", attributes[194].raw if 194 in attributes else ""))
        or None,
        trip=whole(pairs.get("drive trip temperature", "")) or None,
    )
    numbers: dict[str, Any] = {
        name: attributes[n].raw for n, name in _NUMBERS.items() if n in attributes and means(n, attributes[n].name)
    }
    return health._replace(**numbers)


def _asc(verdict: str) -> tuple[int, int] | None:
    """Of "... FAILURE [asc=5d, ascq=10]"."""
    found = re.search(r"\[asc=([0-9a-f]+), ascq=([0-9a-f]+)\]", verdict)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def _rows(lines: list[str]) -> list[list[str]]:
    """The words of each row of the table of attributes."""
    start = next((place for place, line in enumerate(lines) if line.startswith(_TABLE)), len(lines))
    rows = []
    for line in lines[start + 1 :]:
        words = line.split()
        if len(words) < 8 or not words[0].isdigit():
            break
        rows.append(words)
    return rows


def _attribute(words: list[str]) -> Attribute:
    """-a has the raw value in column 10, behind when it failed; -x in column 8."""
    raw = words[9] if len(words) > 9 and words[6] in ("Pre-fail", "Old_age") else words[7]
    name = words[1].replace("_", " ").lower()
    return Attribute(int(words[0]), name, whole(raw), "Pre-fail" in words or words[2].startswith("P"))


def _attributes(lines: list[str]) -> dict[int, Attribute]:
    return {attribute.number: attribute for attribute in map(_attribute, _rows(lines))}


def _failed(lines: list[str]) -> list[tuple[Attribute, str]]:
    states = {"FAILING_NOW": "now", "NOW": "now", "In_the_past": "past", "Past": "past"}
    return [(_attribute(words), states[word]) for words in _rows(lines) for word in words[5:9] if word in states]


def _uncorrected(lines: list[str]) -> int | None:
    """The last column of the error counters of a SAS disk."""
    counts = [whole(line.split()[-1]) for line in lines if line.startswith(("read:", "write:", "verify:"))]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
