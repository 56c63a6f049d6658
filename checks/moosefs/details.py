"""Long output: what people ask for with -v, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator

from checks.frame.plugin import Run
from checks.frame.printable import printable
from checks.frame.unread import notes
from checks.moosefs.resync import Resync, loop_seconds
from checks.moosefs.survey import CHUNKS, FILES, MARKED, METADATA, SERVERS, MasterView, Survey, name_of
from checks.moosefs.wire.matrix import CHANGING, COPIES, Matrix
from perfdata.numbers import clock_text, duration, pace_text, span
from perfdata.outcome import Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.servers import Server

_GiB = 1 << 30
_SOON = 600.0  # seconds; below, spans tell more than times


def details(seen: Survey, view: MasterView, run: Run, parts: frozenset[str], going: Resync | None) -> Iterator[Detail]:
    """All lines, the most useful first; ``going``: None when the chunks do not count yet."""
    matrix = view.matrix
    if matrix is not None and CHUNKS in parts and going is not None:
        yield from _plan(matrix, run, going)
        for line in _chunk_lines(view, matrix):
            yield Detail(1, line)
    for name, reason in seen.disks_unseen.items():
        yield Detail(1, f"not seen: disks of {name}, which {reason}")
    yield from notes(seen.unread)
    if SERVERS in parts:
        for server in view.servers or ():
            yield Detail(1, _server_line(server))
    yield from _master_lines(seen, view, run, parts)


def _plan(matrix: Matrix, run: Run, going: Resync) -> Iterator[Detail]:
    """The forecast in full, also without -v: what one plans by."""
    if run.history is None and matrix.work_left:
        yield Detail(1, "no history: no rate, no time until done")
    if going.forecast is None or going.pace is None or going.since is None:
        return
    now = run.clock.time
    lower, middle, upper = going.forecast
    when = f"in {span(lower, upper)}"
    if lower >= _SOON:
        when = f"between {clock_text(now, lower)} and {clock_text(now, upper) if upper else 'an unknown time'}"
    yield Detail(
        0,
        f"at the present rate of {pace_text(going.pace)} since {clock_text(now, going.since - run.clock.uptime)}"
        f" the {matrix.work_left - matrix.work_lost - going.homeless} copies to make are done {when}, most likely at"
        f" {clock_text(now, middle)}",
    )


def _chunk_lines(view: MasterView, matrix: Matrix) -> Iterator[str]:
    for row in matrix.lacking_by_goal():
        kind = {COPIES: f"goal {row.goal}", CHANGING: f"goal {row.goal}, lost or being converted,"}.get(
            row.kind, f"{row.kind} with {row.goal - 1} parity parts"
        )
        lack = f"{row.lacking} of {row.chunks}" if row.lacking else f"none of {row.chunks}"
        yield f"{lack} chunks of {kind} {'lacks' if row.lacking == 1 else 'lack'} replicas"
    for name, one in view.classes:
        if one.lacking:
            yield f"{one.lacking} of {one.total} chunks of storage class {printable(name, 60)} lack replicas"
    if matrix.only_marked:
        yield f"{matrix.only_marked} chunks have all their copies on disks marked for removal"
    for chunk in view.missing:
        yield f"missing: chunk {chunk.chunk:016X}, number {chunk.position} of inode {chunk.inode}"
    if not matrix.regular_known:
        yield "not seen: this master does not count the copies on marked disks apart"


def _server_line(server: Server) -> str:
    words = [f"server {name_of(server)}"]
    if server.disconnected:
        words.append("disconnected")
    else:
        words[0] += f" v{'.'.join(map(str, server.version))}"
        used = 100 * server.used / server.total if server.total else 0.0
        words.append(f"{server.chunks} chunks, {used:.0f}% of {server.total / _GiB:.0f} GiB used")
    if server.maintenance:
        left = f" for {duration(server.maintenance_left)} more" if server.maintenance_left else ""
        words.append(f"in maintenance{left}")
    if server.marked_chunks or server.marked_total:
        words.append(f"{server.marked_chunks} chunks on marked disks")
    if server.errors:
        words.append(f"{server.errors} errors")
    if server.rebalancing:
        words.append("rebalancing")
    if server.grace_seconds:
        words.append(f"spared for {server.grace_seconds} s after an overload")
    return ", ".join(words)


def _master_lines(seen: Survey, view: MasterView, run: Run, parts: frozenset[str]) -> Iterator[Detail]:
    info = view.info
    name = "LizardFS" if info.lizardfs else "MooseFS Pro" if info.pro else "MooseFS"
    tool = ", asked through mfscli" if view.by_tool else ""
    yield Detail(1, f"master {seen.address} {name} {'.'.join(map(str, info.version))}{tool}")
    for address, words in seen.others:
        yield Detail(1, f"master {address} {printable(words, 80)}")
    if parts & {CHUNKS, MARKED} and view.loop is not None:
        if view.loop.seconds:
            ended = duration(max(0.0, (info.clock or run.clock.time) - view.loop.end))
            yield Detail(1, f"chunk loop takes {duration(loop_seconds(view))}, last ended {ended} ago")
        else:
            yield Detail(1, "chunk loop: the master has not completed a whole one since its start")
    if METADATA in parts and info.stored is None:
        yield Detail(1, "not seen: when the metadata was saved; not since the master's start, or it does not say")
    if FILES in parts and view.files is not None and view.files.end:
        yield Detail(
            1,
            f"file loop: {view.files.missing_files} of {view.files.files} files lack chunks,"
            f" {view.files.undergoal_files} lack copies",
        )
