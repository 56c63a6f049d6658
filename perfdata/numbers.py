"""Numbers and durations in the few forms that engines and people read."""

from __future__ import annotations

import time


def plain_number(value: float) -> str:
    """A plain decimal with at most six places: no exponent, no trailing zeros. ``value`` is finite."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_UNITS = ((1, "s", 100), (60, "min", 100 * 60), (3600, "h", 48 * 3600), (86400, "d", float("inf")))


def duration(seconds: float) -> str:
    """A time span for people, in its largest sensible unit: "40 s", "40 min", "7 h", "12 d"."""
    size, unit = next((size, unit) for size, unit, limit in _UNITS if seconds < limit)
    return f"{seconds / size:.0f} {unit}"


def span(lower: float, upper: float | None) -> str:
    """Between two time spans, in one unit: "25-41 min", "57-111 s", "7 h or more" when it has no end."""
    if upper is None:
        return f"{duration(lower)} or more"
    size, unit = next((size, unit) for size, unit, limit in _UNITS if upper < 2 * limit)
    first, last = f"{lower / size:.0f}", f"{upper / size:.0f}"
    return f"{last} {unit}" if first == last else f"{first}-{last} {unit}"


def pace_text(per_second: float) -> str:
    """A rate for people: "310/min", "7/h"."""
    if per_second * 60 >= 10:
        return f"{per_second * 60:.0f}/min"
    return f"{per_second * 3600:.0f}/h"


def clock_text(now: float, seconds: float) -> str:
    """The local time in so many seconds: "19:40", with the day when it is not today, as a date beyond a week."""
    then = time.localtime(now + seconds)
    if then[:3] == time.localtime(now)[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%a %H:%M" if abs(seconds) < 6 * 86400 else "%Y-%m-%d", then)


def size(count: float) -> str:
    """Bytes for people, in binary units: "0 B", "512 MiB", "3.2 TiB"; a sign where it is negative."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if abs(value) < 1023.5:
            break
        value, unit = value / 1024, larger
    digits = 1 if unit != "B" and abs(value) < 9.95 else 0
    return f"{value:.{digits}f} {unit}"
