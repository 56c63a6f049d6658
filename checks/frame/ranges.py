"""Threshold ranges, in the full syntax of the monitoring-plugins developer guidelines and nothing beside it.

nagiosplugin's own Range takes "@", empty text, nan and exponents silently, and turns 0 into "no range": what is passed
to it is therefore parsed here first and handed over in canonical form.
"""

from __future__ import annotations

import re

from checks.frame.judging import Range
from perfdata.numbers import plain_number

# What a number of this unit may be followed by, and what it is multiplied with.
_SUFFIXES: dict[str, dict[str, float]] = {
    "s": {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800},
    "B": {"B": 1}
    | {f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTPE", 1)}
    | {f"{prefix}B": 1000**power for power, prefix in enumerate("kMGTPE", 1)},
}
_SUFFIXES["bit/s"] = {prefix: 1000**power for power, prefix in enumerate("kMGT", 1)}
_SUFFIXES["B/h"] = _SUFFIXES["B/d"] = _SUFFIXES["B"]
_NUMBER = re.compile(r"(-?(?:\d{1,18}(?:\.\d{1,9})?|\.\d{1,9}))([A-Za-z]*)\Z", re.ASCII)
SYNTAX = "a range such as 10, 10:, ~:10, 10:20 or @10:20"


def number(text: str, unit: str) -> float:
    """A plain decimal, or one with a suffix of its unit ("s", "B"), in base units. Raises ValueError."""
    match = _NUMBER.match(text)
    factors = _SUFFIXES.get(unit, {})
    if not match or (match[2] and match[2] not in factors):
        wanted = f" or one with {', '.join(factors)}" if factors else ""
        raise ValueError(f"'{text}' is not a plain number{wanted}")
    number = float(match[1]) if "." in match[1] else int(match[1])
    return number * factors[match[2]] if match[2] else number


def parse_range(text: str, unit: str = "") -> Range:
    """A nagiosplugin Range of ``text``, its numbers in ``unit`` ("s", "B" and "bit/s" take suffixes: 24h, 10TiB, 20G).

    Inside the range (ends included) is fine; "@" inverts. Raises ValueError with the reason.
    """
    inverted = text.startswith("@")
    low_text, colon, high_text = text[inverted:].partition(":")
    if not colon:
        low_text, high_text = "0", low_text
    try:
        if not (low_text and (colon or high_text)):
            raise ValueError
        low = float("-inf") if low_text == "~" else number(low_text, unit)
        high = number(high_text, unit) if high_text else float("inf")
    except ValueError:
        suffixes = f", numbers may end in {', '.join(_SUFFIXES[unit])}" if unit in _SUFFIXES else ""
        raise ValueError(f"'{text}' is not {SYNTAX}{suffixes}") from None
    if low > high:
        raise ValueError(f"'{text}' starts above its end")
    start = "~" if low == float("-inf") else plain_number(low)
    end = "" if high == float("inf") else plain_number(high)
    return Range(f"{'@' if inverted else ''}{start}:{end}")


def range_text(threshold: Range) -> str:
    """A range for performance data: a simple upper bound as a plain number, "" for one that never alerts."""
    inverted, low, high = threshold
    end = "" if high == float("inf") else plain_number(high)
    start = "~:" if low == float("-inf") else f"{plain_number(low)}:"
    if not inverted and low == 0 and end:
        return end
    if not inverted and start == "~:" and not end:
        return ""
    return f"{'@' if inverted else ''}{start}{end}"
