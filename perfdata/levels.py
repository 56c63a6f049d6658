"""Threshold ranges, in the full syntax of the monitoring-plugins developer guidelines: what they mean, and in words.

Pure and without any import from outside, as a Checkmk site judges by it too, where nothing else of undergoal is.
"""

from __future__ import annotations

import re

from perfdata.numbers import duration, plain_number, size
from perfdata.outcome import CRITICAL, OK, WARNING
from perfdata.record import Record

# What a number of this unit may be followed by, and what it is multiplied with.
SUFFIXES: dict[str, dict[str, float]] = {
    "s": {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800},
    "B": {"B": 1}
    | {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTPE", 1)}
    | {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGTPE", 1)},
}
SUFFIXES["bit/s"] = {prefix: 1000**power for power, prefix in enumerate("kMGT", 1)}
SUFFIXES["B/h"] = SUFFIXES["B/d"] = SUFFIXES["B"]
_NUMBER = re.compile(r"(-?(?:\d{1,18}(?:\.\d{1,9})?|\.\d{1,9}))([A-Za-z]*)\Z", re.ASCII)
SYNTAX = "a range such as 10, 10:, ~:10, 10:20 or @10:20"
_INFINITE = float("inf")


class Bounds(Record):
    """Inside (ends included) is fine; inverted, outside is."""

    low: float
    high: float
    inverted: bool = False

    def alerts(self, value: float) -> bool:
        """Whether a value is not fine."""
        return (self.low <= value <= self.high) == self.inverted


def number(text: str, unit: str) -> float:
    """A plain decimal, or one with a suffix of its unit ("s", "B"), in base units. Raises ValueError."""
    match = _NUMBER.match(text)
    factors = SUFFIXES.get(unit, {})
    if not match or (match[2] and match[2] not in factors):
        wanted = f" or one with {', '.join(factors)}" if factors else ""
        raise ValueError(f"'{text}' is not a plain number{wanted}")
    value = float(match[1]) if "." in match[1] else int(match[1])
    return value * factors[match[2]] if match[2] else value


def bounds(text: str, unit: str = "") -> Bounds:
    """What a range says, its numbers in ``unit`` ("s" and "B" take suffixes: 24h, 10TiB). Raises ValueError."""
    inverted = text.startswith("@")
    low_text, colon, high_text = text[inverted:].partition(":")
    if not colon:
        low_text, high_text = "0", low_text
    try:
        if not (low_text and (colon or high_text)):
            raise ValueError
        low = -_INFINITE if low_text == "~" else number(low_text, unit)
        high = number(high_text, unit) if high_text else _INFINITE
    except ValueError:
        suffixes = f", numbers may end in {', '.join(SUFFIXES[unit])}" if unit in SUFFIXES else ""
        raise ValueError(f"'{text}' is not {SYNTAX}{suffixes}") from None
    if low > high:
        raise ValueError(f"'{text}' starts above its end")
    return Bounds(low, high, inverted)


def judge(value: float, warning: str, critical: str, unit: str = "") -> int:
    """The state of a value by two ranges, "" for one that never alerts. Raises ValueError."""
    if critical and bounds(critical, unit).alerts(value):
        return CRITICAL
    if warning and bounds(warning, unit).alerts(value):
        return WARNING
    return OK


def in_words(value: float, unit: str) -> str:
    """A number with its unit, for people: "40 min", "3.2 TiB", "82%", "50/h", "1011"."""
    if unit == "s":
        return f"-{duration(-value)}" if value < 0 else duration(value)
    if unit == "B" or unit.startswith("B/"):
        return size(value) + unit[1:]
    if unit == "bit/s":
        prefix = next((name for name in "TGMk" if abs(value) >= SUFFIXES[unit][name]), "")
        return f"{plain_number(round(value / SUFFIXES[unit].get(prefix, 1), 2))} {prefix}{unit}"
    text = plain_number(round(value, 2))
    if unit == "%" or not unit:
        return text + unit
    return f"{text}{unit[1:]}" if unit.startswith("1/") else f"{text} {unit}"


def range_in_words(text: str, unit: str) -> str:
    """When a range alerts: "above 900", "below 24 h", "outside 10 to 20", "from 10 to 20". Raises ValueError."""
    low, high, inverted = bounds(text, unit)
    if low == -_INFINITE and high == _INFINITE:
        return "always" if inverted else "never"
    if low in (0, -_INFINITE) and high < _INFINITE and not inverted:
        return f"above {in_words(high, unit)}"
    if high == _INFINITE:
        return f"{'from' if inverted else 'below'} {in_words(low, unit)}"
    if low == -_INFINITE:
        return f"up to {in_words(high, unit)}"
    return f"{'from' if inverted else 'outside'} {in_words(low, unit)} to {in_words(high, unit)}"
