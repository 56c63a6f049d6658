"""Threshold ranges for nagiosplugin, in the syntax of perfdata/levels.py and nothing beside it.

nagiosplugin's own Range takes "@", empty text, nan and exponents silently, and turns 0 into "no range": what is passed
to it is therefore parsed first and handed over in canonical form.
"""

from __future__ import annotations

from checks.frame.judging import Range
from perfdata.levels import SYNTAX, bounds, number
from perfdata.numbers import plain_number

__all__ = ["SYNTAX", "number", "parse_range", "range_text"]


def parse_range(text: str, unit: str = "") -> Range:
    """A nagiosplugin Range of ``text``, its numbers in ``unit`` ("s" and "B" take suffixes: 24h, 10TiB).

    Inside the range (ends included) is fine; "@" inverts. Raises ValueError with the reason.
    """
    low, high, inverted = bounds(text, unit)
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
