"""Disks marked for removal: may they be pulled, and when. And starred ones that nobody told the chunkserver about."""

from __future__ import annotations

from collections.abc import Iterator

from checks.frame.printable import printable
from checks.frame.readings import Finding, Measure, fact
from checks.moosefs.resync import HELD, countdown, loop_seconds
from checks.moosefs.survey import MasterView, Survey, name_of
from checks.moosefs.wire.servers import REMOVABLE, Server
from perfdata.eta import FALLING, Forecast
from perfdata.numbers import span
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.matrix import Matrix
    from perfdata.clock import Clock
    from perfdata.series import Series

SAFE, NOT_YET, UNCONFIRMED, FORGOTTEN = "removable", "not_yet_removable", "removal_unconfirmed", "reload_forgotten"
_WAIT = "wait for a whole chunk loop to begin and end before it is pulled"
_COUNT_THEM = "look at the copies of its files (mfsfileinfo) before it is pulled: the master does not"
_PATH_MAX = 255  # as long as they can be: two disks must not look like one
_LATE = 0.2  # of a loop: the next one takes a little longer than the last


class Marked(Record):
    """One disk that is marked, or all of a server's when its disks are not known by name."""

    item: str
    title: str
    server: Server
    safe: bool


def marked_disks(seen: Survey, view: MasterView, matrix: Matrix | None) -> list[Marked]:
    """Every marked disk of the cluster.

    Safe only when the master has said so *and* no chunk that lacks copies has one on a marked disk: the master's word
    is as old as its last loop, and a server may have died since.
    """
    found = []
    quiet = matrix is not None and not matrix.progress and not matrix.held_by_marked and not matrix.only_marked
    for server in view.servers or ():
        if not (server.marked_total or server.marked_chunks) or server.disconnected:
            continue
        safe = quiet and server.removal == REMOVABLE
        name = name_of(server)
        disks = seen.disks.get(name, ())
        paths = sorted(disk.path for disk in disks if disk.marked)
        if disks and not paths:
            continue  # unmarked, or pulled, a moment ago: the master's list is behind
        whole = all(disk.marked for disk in disks) if disks else server.all_marked
        if whole or not paths:
            found.append(Marked(name, f"server {name}" if whole else f"marked disks of {name}", server, safe))
        else:
            found += [
                Marked(item, f"disk {item}", server, safe) for item in (disk_item(server, path) for path in paths)
            ]
    return found


def disk_item(server: Server, path: str) -> str:
    """How a disk is called: ADDRESS:PATH."""
    return f"{server.address}:{printable(path.rstrip('/') or '/', _PATH_MAX)}"


def removal_findings(
    marked: list[Marked], view: MasterView, matrix: Matrix | None, clock: Clock, history: Series | None
) -> Iterator[Finding]:
    """Whether each may go."""
    if not marked:
        return
    when = _when(view, matrix, clock, history) if matrix is not None and history is not None else None
    nowhere_else = matrix.only_marked if matrix is not None else 0
    warning = f"{nowhere_else} chunks have no other copy: pulling it loses data" if nowhere_else else ""
    for disk in marked:
        if disk.safe:
            yield fact(disk.item, SAFE)
            continue
        if disk.server.removal is None and matrix is not None and not matrix.work_left and not matrix.progress:
            words, step = f"master {'.'.join(map(str, view.info.version))} does not confirm removal", _COUNT_THEM
            if matrix.regular_known:  # else the copies on marked disks count like all others: none seems to be left
                words, step = f"has no copies left to make, but {words}", _WAIT
            yield fact(disk.item, UNCONFIRMED, words=words, next_step=step)
            continue
        yield fact(
            disk.item,
            NOT_YET,
            when=f", in {span(when.lower, when.upper)}" if when else "",
            next_step=warning or "leave it in: chunks on it still lack copies elsewhere",
        )
        if when is not None:
            yield Measure(disk.item, "until_removable_lower_seconds", when.lower, 0)
            yield Measure(disk.item, "until_removable_seconds", when.middle, 0)
            if when.upper is not None:
                yield Measure(disk.item, "until_removable_upper_seconds", when.upper, 0)


def _when(view: MasterView, matrix: Matrix, clock: Clock, history: Series) -> Forecast | None:
    """When the master will say that they may go: after the last copy a whole loop has to begin and to end.

    Measured: 65 to 107 s after the last copy with a loop of 60 s.
    """
    if matrix.progress or view.loop is None or not view.loop.seconds:
        return None
    loop = loop_seconds(view)
    if matrix.held_by_marked:
        going = countdown(view, matrix, HELD, matrix.held_by_marked, clock, history)
        if going.phase != FALLING or going.forecast is None:
            return None
        lower, middle, upper = going.forecast
        return Forecast(lower + loop, middle + 1.5 * loop, upper + (2 + _LATE) * loop if upper is not None else None)
    samples = history.window("", HELD, 3 * loop)
    busy = [sample.at for sample in samples if sample.value > 0]
    if not busy:
        return None
    free = min([sample.at for sample in samples if sample.at > busy[-1]] or [clock.uptime])
    ended = max(0.0, (view.info.clock if view.info.clock is not None else clock.time) - view.loop.end)
    first, last = (_due(clock.uptime - at, ended, loop) for at in (busy[-1], free))
    return Forecast(first, (first + last) / 2, last + _LATE * loop)


def _due(passed: float, ended: float, loop: float) -> float:
    """Seconds until the end of the first loop that begins after the last copy.

    passed: seconds since that copy; ended: since the last loop ended, and so since the present one began.
    """
    return max(0.0, (loop if passed >= ended else 2 * loop) - ended)


def forgotten_findings(seen: Survey, view: MasterView) -> Iterator[Finding]:
    """Disks starred in this host's mfshdd.cfg that their chunkserver uses as before."""
    for server in view.servers or ():
        if server.address not in seen.local:
            continue
        for disk in seen.disks.get(name_of(server), ()):
            if not disk.marked and disk.path.rstrip("/") + "/" in seen.starred:
                yield fact(disk_item(server, disk.path), FORGOTTEN)
