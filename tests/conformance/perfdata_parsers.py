"""Three readers of performance data, each by the rules of one engine, to be compared with each other.

Nagios splits at blanks outside quotes (and so does every tool after its guidelines), Icinga 2 walks from "=" to "=",
and Telegraf's nagios parser takes what one regular expression finds.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Token(NamedTuple):
    """What an engine keeps of one number."""

    label: str
    value: str
    unit: str
    thresholds: tuple[str, ...]  # warning, critical, minimum, maximum; trailing ones may be missing


GRAMMAR = re.compile(
    r"(?P<label>[A-Za-z0-9_]+|'[^'=|]+')=(?P<value>-?\d+(?:\.\d+)?)(?P<unit>s|us|ms|%|B|KB|MB|GB|TB|c)?"
    r"(?:;(?P<warning>[^;\s]*))?(?:;(?P<critical>[^;\s]*))?"
    r"(?:;(?P<minimum>-?[\d.]*))?(?:;(?P<maximum>-?[\d.]*))?"
)
RANGE = re.compile(r"@?(?:(?:~|-?\d+(?:\.\d+)?):)?(?:-?\d+(?:\.\d+)?)?")
_NUMBER_AND_UNIT = re.compile(r"([-+]?[\d.,eE]+)(\D*)\Z")
_TELEGRAF = re.compile(
    r"([^=]+|'[^']+')=(U|[\d.\-]+)([\w/%]*);?([\d.\-~@:]+)?;?([\d.\-~@:]+)?;?([\d.]+)?;?([\d.]+)?;?\s*"
)


def _token(label: str, fields: list[str]) -> Token:
    number = _NUMBER_AND_UNIT.match(fields[0])
    assert number, f"{label} has no number: {fields[0]!r}"
    return Token(label.strip("'"), number[1], number[2], tuple(fields[1:]))


def as_nagios(text: str) -> list[Token]:
    """Split at blanks that are not inside single quotes, then at the first "=", then at semicolons."""
    words: list[str] = [""]
    quoted = False
    for character in text:
        quoted ^= character == "'"
        if character == " " and not quoted:
            words.append("")
        else:
            words[-1] += character
    pairs = [word.partition("=") for word in words if word]
    return [_token(label, content.split(";")) for label, _, content in pairs]


def as_icinga(text: str) -> list[Token]:
    """Up to the next "=" is a label, up to the next blank its content; quotes around a label are taken off."""
    found = []
    place = 0
    while (equals := text.find("=", place)) >= 0:
        label = text[place:equals].strip(" ")
        blank = text.find(" ", equals)
        end = len(text) if blank < 0 else blank
        found.append(_token(label, text[equals + 1 : end].split(";")))
        place = end
    return found


def as_telegraf(text: str) -> list[Token]:
    """Whatever the regular expression finds, one after the other; anything it leaves over is an error."""
    found = []
    place = 0
    while place < len(text):
        match = _TELEGRAF.match(text, place)
        assert match, f"not readable from here on: {text[place : place + 40]!r}"
        label, value, unit, *thresholds = match.groups()
        found.append(Token(label.strip("' "), value, unit, tuple(field or "" for field in thresholds)))
        place = match.end()
    return found
