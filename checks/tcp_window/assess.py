"""From what was seen of this host's settings and routes, and of pipes, to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.frame.unread import next_step
from checks.tcp_window.settings import (
    BUFFER_MAX,
    SCALE_MAX,
    Settings,
    dead_peer_seconds,
    own_scale,
    receive_window,
    send_window,
)
from checks.tcp_window.survey import Survey
from perfdata.numbers import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.tcp_window.pipe import Pipe
    from perfdata.series import Series

SCALING_OFF, TOO_LARGE, NARROW, SHORT_FLIGHT = "scaling_off", "buffer_too_large", "pipe_narrow", "first_flight_short"
STUCK_ZEROED, STUCK_STRIPPED, UNSCALED, LOST = "stuck_zeroed", "stuck_stripped", "unscaled", "scaling_lost"
CONNECTIONS = "connections"  # the item that stands for all of them


def pace(per_second: float) -> str:
    """ "1.7 kB/s", in the decimal units of networks."""
    for factor, unit in ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")):
        if per_second >= 0.9995 * factor:
            value = per_second / factor
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{per_second:.0f} B/s"


def setting_findings(settings: Settings, history: Series | None) -> Iterator[Finding]:
    """What this host announces and what its buffers hold."""
    scale = own_scale(settings)
    if scale is not None:
        yield Measure("", "wscale", scale, 0, SCALE_MAX)
        if history is not None:
            history.append("", "wscale", scale)
    for name, window in (
        ("receive_window_bytes", receive_window(settings)),
        ("send_window_bytes", send_window(settings)),
    ):
        if window is not None:
            yield Measure("", name, window, 0)
    blocked = dead_peer_seconds(settings)
    if blocked is not None:
        yield Measure("", "dead_peer_seconds", blocked, 0)
    if settings.scaling == 0:
        yield fact("", SCALING_OFF)
    for name, most in (
        ("tcp_rmem", settings.rmem[2] if settings.rmem else None),
        ("tcp_wmem", settings.wmem[2] if settings.wmem else None),
        ("rmem_max", settings.rmem_max),
        ("wmem_max", settings.wmem_max),
    ):
        if most is not None and most > BUFFER_MAX:
            yield fact("", TOO_LARGE, name=name, size=size(most))


def unreadable_findings(seen: Survey) -> Iterator[Finding]:
    """What was there and could not be read, and options that do not go together."""
    for name, unread in seen.unreadable.items():
        step = next_step(unread) if unread.denied else ""
        yield fact("", UNREADABLE, reason=f"{name.rpartition('/')[2]} {unread.reason}", next_step=step)
    if seen.wrong:
        yield fact("", UNREADABLE, reason=f"wrong options: {seen.wrong}", next_step="")


def pipe_findings(pipe: Pipe, settings: Settings) -> Iterator[Finding]:
    """Can the buffers fill it?"""
    from checks.tcp_window import pipe as arithmetic

    found = arithmetic.fit(pipe, settings)
    if found is None:
        yield fact(pipe.name, UNREADABLE, reason="cannot be judged: tcp_rmem or tcp_wmem is not known", next_step="")
        return
    yield Measure(pipe.name, "pipe_percent", round(min(100.0, 100 * found.share), 2), 0, 100)
    yield Measure(pipe.name, "expected_bytes_per_second", round(found.expected), 0)
    if found.share >= 1:
        return
    limit = "tcp_rmem" if found.receive_share <= found.send_share else "tcp_wmem"
    if settings.scaling == 0:
        limit = "tcp_window_scaling"
    elif limit == "tcp_rmem" and settings.moderate_rcvbuf == 0:
        limit = "tcp_moderate_rcvbuf"
    yield fact(pipe.name, NARROW, limit=limit, pace=pace(found.expected), needs=size(pipe.product))


def remedy_line(pipe: Pipe, settings: Settings) -> str:
    """What would fill it; "" when it is full already, or nobody knows."""
    from checks.tcp_window import pipe as arithmetic

    found = arithmetic.fit(pipe, settings)
    if found is None or found.share >= 1:
        return ""
    return arithmetic.remedy(pipe, settings) or "use several connections: buffers of 1 GiB are not enough for one"


def route_findings(seen: Survey, options: SimpleNamespace) -> Iterator[Finding]:
    """How many routes clamp TCP, and those whose first flight is shorter than it should be."""
    if seen.routes is None:
        if options.initcwnd is not None or seen.routes_hang:
            yield fact("", UNREADABLE, reason=f"routes not seen: {seen.routes_problem}", next_step="")
        return
    yield Measure("", "clamped_routes", sum(1 for route in seen.routes if route.clamps), 0)
    for route in seen.routes if options.initcwnd is not None else ():
        judged = route.initcwnd or route.destination.startswith("default")
        if judged and route.first_flight < options.initcwnd:
            yield fact(f"route {route.destination}", SHORT_FLIGHT, initcwnd=route.first_flight, wanted=options.initcwnd)
