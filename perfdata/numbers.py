"""Numbers and durations in the few forms that engines and people read."""

from __future__ import annotations


def plain_number(value: float) -> str:
    """A plain decimal with at most six places: no exponent, no trailing zeros. ``value`` is finite."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def duration(seconds: float) -> str:
    """A time span for people, in its largest sensible unit: "40 s", "40 min", "7 h", "12 d"."""
    for size, unit, limit in ((1, "s", 100), (60, "min", 100 * 60), (3600, "h", 48 * 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
