"""How the resync of a cluster goes: from the chunk matrix and its history to a rate and a forecast, or a reason."""

from __future__ import annotations

from binascii import crc32

from checks.moosefs.survey import MasterView, name_of
from perfdata import eta
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.matrix import Matrix
    from perfdata.clock import Clock
    from perfdata.series import Series

WORK, HELD, SITUATION = "work_left", "held_by_marked", "regime"
_WINDOW = 7 * 86400.0
_LOOP = 300.0  # seconds of a chunk loop unless configured, and until one is completed
_DELAY_SEEN = 60.0  # seconds without a copy in a master's first loop after which its start delay is the reason
_COUNTING = 0  # the situation in which the master counts: no number means anything yet
# Why no copies are made.
NO_TARGET, MAINTENANCE, FIRST_LOOP, LATE_LOOP, UNEXPLAINED = (
    "no_target_server",
    "paused_by_maintenance",
    "start_delay",
    "loop_not_finished",
    "stalled",
)


class Resync(Record):
    """How it goes. Nothing to do: all empty."""

    phase: str = ""  # of perfdata.eta
    pace: float | None = None  # copies per second
    forecast: eta.Forecast | None = None
    since: float | None = None  # when the present pace began, in seconds of uptime
    pause: str = ""  # why no copies are made
    flat: float = 0.0  # seconds for which none were made
    homeless: int = 0  # copies that no server can take


def loop_seconds(view: MasterView) -> float:
    """How long the master's loop takes; its usual time while none is completed."""
    return float(view.loop.seconds) if view.loop and view.loop.seconds else _LOOP


def situation(view: MasterView, matrix: Matrix) -> int:
    """A number for what decides the pace: which servers are there, in maintenance, have disks marked. 0: counting."""
    if matrix.progress:
        return _COUNTING
    states = sorted(
        f"{name_of(server)} {server.disconnected} {server.maintenance} {server.marked_total > 0}"
        for server in view.servers or ()
    )
    return crc32("\n".join(states).encode()) or 1


def remember(view: MasterView, matrix: Matrix, history: Series) -> None:
    """Record this run's work left."""
    history.append("", WORK, matrix.work_left)
    history.append("", SITUATION, situation(view, matrix))
    if matrix.held_by_marked or any(server.marked_total > 0 for server in view.servers or ()):
        history.append("", HELD, matrix.held_by_marked)


def resync(view: MasterView, matrix: Matrix, clock: Clock, history: Series | None) -> Resync:
    """How the work left goes down."""
    lost = matrix.work_lost
    if matrix.work_left <= lost:
        return Resync()
    targets = _targets(view)
    homeless = matrix.work_left - lost - matrix.placeable(targets)
    going = countdown(view, matrix, WORK, matrix.work_left, clock, history, lost)
    if going.phase == eta.FALLING and lost + homeless < matrix.work_left:
        going = countdown(view, matrix, WORK, matrix.work_left, clock, history, lost + homeless)
    pause = "" if matrix.progress else _pause(view, matrix, going, targets, clock)
    if pause == MAINTENANCE or not targets or matrix.progress:
        homeless = 0  # it ends, nobody is there, or nothing is known yet
    if pause or going.phase != eta.FALLING:
        return Resync(going.phase, pause=pause, flat=going.flat, homeless=homeless)
    forecast = going.forecast
    if forecast is not None and forecast.upper is not None and matrix.held_by_marked:
        # the last copies from marked disks were seen to wait for the next turn of the loop
        forecast = forecast._replace(upper=forecast.upper + loop_seconds(view))
    return Resync(going.phase, going.pace, forecast, going.since, flat=going.flat, homeless=homeless)


def countdown(
    view: MasterView,
    matrix: Matrix,
    series: str,
    value: int,
    clock: Clock,
    history: Series | None,
    never: int = 0,
) -> eta.Countdown:
    """The countdown of one series in the present situation; ``never``: how much of it will stay."""
    if history is None or matrix.progress:
        return eta.Countdown(eta.COUNTING, 0.0)
    samples = [(sample.at, sample.value) for sample in history.window("", series, _WINDOW)]
    marks = [(sample.at, sample.value) for sample in history.window("", SITUATION, _WINDOW)]
    samples.append((clock.uptime, float(value)))
    marks.append((clock.uptime, float(situation(view, matrix))))
    present = [(at, max(0.0, left - never)) for at, left in eta.since_other_mark(samples, marks)]
    patience = max(2 * loop_seconds(view), 4 * (history.interval("", WORK) or 0.0))
    return eta.countdown(present, clock.uptime, patience)


def _targets(view: MasterView) -> int:
    """How many servers can take copies."""
    return sum(
        1
        for server in view.servers or ()
        if not server.disconnected and server.used < server.total and not server.all_marked
    )


def _pause(view: MasterView, matrix: Matrix, going: eta.Countdown, targets: int, clock: Clock) -> str:
    """Why no copies are made, "" when they are or when nothing is known of it yet."""
    away = [server for server in view.servers or () if server.disconnected]
    if len(away) == len(view.servers or ()):
        return ""  # nobody is there: that says more
    awaited = bool(away) and all(server.maintenance for server in away)
    if not awaited and not matrix.placeable(targets):
        return NO_TARGET
    if going.phase == eta.FALLING:
        return ""
    if awaited:
        return MAINTENANCE
    if view.loop is not None and not view.loop.end and going.flat >= _DELAY_SEEN:
        return FIRST_LOOP
    if going.phase != eta.STALLED:
        return ""
    if (
        view.loop is not None
        and view.loop.end
        and (view.info.clock or clock.time) - view.loop.end > 2 * loop_seconds(view)
    ):
        return LATE_LOOP
    return UNEXPLAINED
