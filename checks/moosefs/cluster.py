"""The cluster as a whole: its chunks and their resync, its master, metadata and space."""

from __future__ import annotations

from collections.abc import Iterator

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.moosefs import resync as resyncs
from checks.moosefs.resync import Resync, loop_seconds
from checks.moosefs.survey import CHUNKS, FILES, MARKED, METADATA, METALOGGERS, SPACE, MasterView, Survey
from perfdata import eta
from perfdata.numbers import clock_text, duration, pace_text, span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.matrix import Matrix
    from perfdata.clock import Clock
    from perfdata.series import Series

NO_MASTER, NO_LEADER, STARTING, COUNTING, GROWING, RESYNC, HOMELESS = (
    "no_master",
    "no_leader",
    "starting",
    "still_counting",
    "still_growing",
    "resync",
    "copies_without_target",
)
NOTHING_MARKED = "nothing_marked"
RARE, FOREGROUND = "checked_too_rarely", "metadata_saved_in_foreground"
_STARTING_NOTE = "starting"


def leader_findings(seen: Survey) -> Iterator[Finding]:
    """When there is no master to ask."""
    states = ", ".join(f"{address} {words}" for address, words in seen.others)
    if seen.elect:
        yield fact("", NO_LEADER, states=states)
    else:
        yield fact("", UNREADABLE, reason=f"no leader answered: {states}", next_step="name every master with -H")


def is_starting(view: MasterView, matrix: Matrix | None, grace: float, clock: Clock, history: Series | None) -> bool:
    """Whether the master has just been started and has not heard of all chunks yet, for ``grace`` seconds at most.

    It has then completed no loop. The grace begins with the run that first sees it; nobody can tell without a history.
    """
    if history is None or view.loop is None or matrix is None:
        return False
    note = history.note("", _STARTING_NOTE)
    servers = view.servers or ()
    nobody = bool(servers) and all(server.disconnected for server in servers)
    now = view.info.clock if view.info.clock is not None else clock.time
    lived = now - view.loop.end if view.loop.end else 0.0  # at least so long
    if view.loop.start or lived > grace or not (matrix.missing or nobody):
        if note:
            history.keep("", _STARTING_NOTE, "")
        return False
    boot, _, since = note.partition(" ")
    if boot != (clock.boot or "-") or not since.isdigit() or int(since) > clock.uptime:
        since = f"{clock.uptime:.0f}"
        history.keep("", _STARTING_NOTE, f"{clock.boot or '-'} {since}")
    return max(0.0, clock.uptime - int(since)) < grace


def starting_findings(view: MasterView, matrix: Matrix) -> Iterator[Finding]:
    """In place of the counts, which mean nothing yet."""
    servers = view.servers or ()
    connected = sum(1 for server in servers if not server.disconnected)
    yield Measure("", "chunks", matrix.total, 0)
    yield fact("", STARTING, missing=matrix.missing, chunks=matrix.total, connected=connected, servers=len(servers))


def chunk_findings(matrix: Matrix) -> Iterator[Finding]:
    """How many chunks lack copies. Missing and endangered ones are those that are so with the marked disks."""
    yield Measure("", "undergoal", matrix.undergoal, 0, matrix.total)
    yield Measure("", "missing", matrix.missing, 0, matrix.total)
    yield Measure("", "endangered", matrix.endangered, 0, matrix.total)
    yield Measure("", "chunks", matrix.total, 0)
    yield Measure("", "work_left", matrix.work_left, 0)


def resync_findings(matrix: Matrix, going: Resync, clock: Clock) -> Iterator[Finding]:
    """How the work goes down, or why it does not."""
    to_make = matrix.work_left - matrix.work_lost
    if not to_make:
        return
    if matrix.progress:
        yield fact("", COUNTING)
    elif going.pause == resyncs.NO_TARGET:
        yield fact("", going.pause, copies=to_make)
    elif going.pause:
        yield fact("", going.pause, flat=duration(going.flat))
    elif going.phase == eta.GROWING:
        yield fact("", GROWING)
    elif going.pace and going.forecast:
        lower, middle, upper = going.forecast
        yield Measure("", "resync_per_hour", going.pace * 3600, 0)
        yield Measure("", "until_done_lower_seconds", lower, 0)
        yield Measure("", "until_done_seconds", middle, 0)
        if upper is not None:
            yield Measure("", "until_done_upper_seconds", upper, 0)
        yield fact("", RESYNC, pace=pace_text(going.pace), span=span(lower, upper), at=clock_text(clock.time, middle))
    if going.homeless and going.pause != resyncs.NO_TARGET:
        yield fact("", HOMELESS, copies=going.homeless)


def interval_findings(
    view: MasterView, matrix: Matrix | None, waiting_for_removal: bool, history: Series | None
) -> Iterator[Finding]:
    """Checked less often than the loop turns: what changes once per loop (removals; before 2.0 all) is seen late."""
    if history is None or view.loop is None or not view.loop.seconds or matrix is None:
        return
    once_per_loop = waiting_for_removal or (view.info.version < (2, 0, 0) and matrix.work_left > 0)
    interval = history.interval("", resyncs.WORK)
    loop = loop_seconds(view)
    if once_per_loop and interval is not None and interval > 1.1 * loop:
        yield fact("", RARE, interval=_exactly(interval), loop=_exactly(loop))


def _exactly(seconds: float) -> str:
    """Not rounded: 100 and 120 s are both "2 min", and one of them is what somebody is to set."""
    return f"{seconds:.0f} s" if seconds < 600 else duration(seconds)


def other_findings(seen: Survey, view: MasterView, parts: frozenset[str], clock: Clock) -> Iterator[Finding]:
    """Metadata, metaloggers, space, files."""
    info = view.info
    if METADATA in parts and info.stored is not None:
        now = info.clock if info.clock is not None else clock.time
        yield Measure("", "metadata_age_seconds", round(max(0.0, now - info.stored.time)), 0)
        from checks.moosefs.wire.info import SAVED_IN_FOREGROUND

        if info.stored.status == SAVED_IN_FOREGROUND:
            yield fact("", FOREGROUND)
    if METALOGGERS in parts and view.metaloggers is not None:
        yield Measure("", "metaloggers", view.metaloggers, 0)
    if SPACE in parts and info.total:
        yield Measure("", "space_used_percent", round(100 * (1 - min(info.avail, info.total) / info.total), 2), 0, 100)
        yield Measure("", "space_left_bytes", info.avail, 0, info.total)
    if FILES in parts and view.files is not None and view.files.end:
        yield Measure("", "missing_files", view.files.missing_files, 0, view.files.files)
    if CHUNKS in parts and view.matrix is None:
        version = ".".join(map(str, info.version))
        yield fact("", UNREADABLE, reason=f"a master of version {version} does not count copies", next_step="update it")


def nothing_findings(parts: frozenset[str]) -> Iterator[Finding]:
    """When the chosen parts had nothing to say: no marked disk is fine, no answer is not."""
    if MARKED in parts:
        yield fact("", NOTHING_MARKED)
    else:
        yield fact(
            "",
            UNREADABLE,
            reason=f"the master has not said anything yet of: {', '.join(sorted(parts))}",
            next_step="wait: it saves metadata once an hour, and its loop over files takes long; older ones never say",
        )
