"""Links that flicker: carrier changes and failures within an hour, from counters that only ever grow.

A cable that is a bit too short, or a dying SFP+ module, shows as nothing else: MII is up whenever somebody looks. The
kernel counts both edges of a carrier, so that one unplugging and plugging makes two changes and one failure.
"""

from __future__ import annotations

import json

from perfdata.record import Record

HOUR = 3600.0
_SPACING = 240.0  # seconds between kept points
_POINTS_MAX = 20


class Track(Record):
    """What is kept of one link."""

    boot: str
    points: tuple[tuple[float, int, int], ...]  # (uptime, carrier changes, failures), oldest first
    worst: int = 0  # carrier changes in the worst hour that is to be reported; 0 for none
    at: float = 0.0  # wall clock when it was that bad for the last time


class Pace(Record):
    """Of the last hour; of a longer time, when nobody looked for so long, its share of an hour."""

    changes: int
    failures: int


def pace(kept: Track | None, boot: str, uptime: float, changes: int, failures: int) -> Pace | None:
    """How often it flickered lately; None without an earlier look that counted the same thing."""
    if kept is None or kept.boot != boot:
        return None
    points = [point for point in kept.points if point[0] <= uptime]
    if not points or any(point[1] > changes or point[2] > failures for point in points):
        return None  # made anew: its counters began again
    recent = [point for point in points if uptime - point[0] <= HOUR]
    then = recent[0] if recent else points[-1]
    share = min(1.0, HOUR / max(uptime - then[0], 1.0))
    return Pace(round((changes - then[1]) * share), round((failures - then[2]) * share))


def advance(
    kept: Track | None,
    boot: str,
    uptime: float,
    changes: int,
    failures: int,
    limit: int,
    now: float,
    hold: float,
    accept: bool,
) -> Track:
    """What to keep after this run. ``worst`` is reported until accepted, or until ``hold`` seconds after it was so."""
    present = pace(kept, boot, uptime, changes, failures)
    point = (uptime, changes, failures)
    if accept or kept is None:
        return Track(boot, (point,))
    if kept.boot == boot and kept.points[-1][0] > uptime:
        return kept  # another run was quicker, and saw more
    worst, at = kept.worst, min(kept.at, now)
    flips = max(present.changes, 2 * present.failures) if present else 0
    if limit and flips >= limit:
        worst, at = max(worst, flips), now
    elif worst and now - at > hold:
        worst, at = 0, 0.0
    if present is None:
        return Track(boot, (point,), worst, at)
    points = kept.points if uptime - kept.points[-1][0] < _SPACING else (*kept.points, point)[-_POINTS_MAX:]
    return Track(boot, points, worst, at)


def as_note(tracks: dict[str, Track]) -> str:
    """The tracks of a bond's links as text for Series.keep."""
    return json.dumps(tracks, separators=(",", ":"))


def parse(note: str) -> dict[str, Track]:
    """What ``as_note`` wrote; nothing for anything else."""
    try:
        return {str(link): _track(*row) for link, row in json.loads(note).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _track(boot: str, points: list[list[float]], worst: int, at: float) -> Track:
    if not points:
        raise ValueError
    rows = tuple((float(uptime), int(changes), int(failures)) for uptime, changes, failures in points)
    return Track(str(boot), rows, int(worst), float(at))
