"""From what was seen, and the history of it, to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.printable import printable
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
    from checks.tcp_window.faults import Seen
    from checks.tcp_window.passive import Passive
    from checks.tcp_window.pipe import Pipe
    from checks.tcp_window.probe import Probed, Target
    from checks.tcp_window.sockets import Suspect
    from checks.tcp_window.trend import Loss
    from perfdata.clock import Clock
    from perfdata.series import Series

SCALING_OFF, TOO_LARGE, NARROW, SHORT_FLIGHT = "scaling_off", "buffer_too_large", "pipe_narrow", "first_flight_short"
STUCK_ZEROED, STUCK_STRIPPED, UNSCALED, LOST = "stuck_zeroed", "stuck_stripped", "unscaled", "scaling_lost"
CONNECTIONS = "connections"  # the item that stands for all of them
_PEERS_NAMED = 5
_UNSCALED_SHARE = 50  # percent
_PREFIXES_TOLD = 1000


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


def passive_findings(
    passive: Passive, options: SimpleNamespace, clock: Clock, history: Series | None
) -> Iterator[Finding]:
    """What all connections show."""
    look = passive.look
    if look.broken:
        yield fact(CONNECTIONS, UNREADABLE, reason=f"not all seen: the kernel {look.broken}", next_step="")
        if not look.total:
            return
    unscaled = sum(look.unscaled.values())
    yield Measure(CONNECTIONS, "remote_connections", look.total, 0)
    yield Measure(CONNECTIONS, "stuck", len(passive.stuck), 0)
    if look.total:
        percent = round(100 * unscaled / look.total, 2)
        yield Measure(CONNECTIONS, "unscaled_percent", percent, 0, 100)
        if history is not None:
            history.append(CONNECTIONS, "unscaled_percent", percent)
    if look.busy:
        yield Measure(CONNECTIONS, "rwnd_limited_percent", round(100 * look.rwnd_limited / look.busy, 2), 0, 100)
        yield Measure(CONNECTIONS, "sndbuf_limited_percent", round(100 * look.sndbuf_limited / look.busy, 2), 0, 100)
    if not all(level.match(len(passive.stuck)) for level in (options.stuck_warning, options.stuck_critical)):
        yield from _stuck_findings(passive)
    yield from _prefix_findings(passive, options, clock, history)


def _stuck_findings(passive: Passive) -> Iterator[Finding]:
    """The peers with most stuck connections, by their addresses."""
    by_address: dict[str, list[Suspect]] = {}
    for suspect in passive.stuck:
        by_address.setdefault(suspect.address, []).append(suspect)
    for address, stuck in sorted(by_address.items(), key=lambda row: (-len(row[1]), row[0]))[:_PEERS_NAMED]:
        code = STUCK_ZEROED if stuck[0].info.scaling else STUCK_STRIPPED
        window = stuck[0].info.snd_wnd
        yield fact(address, code, count=len(stuck), pieces="crumbs" if window is None else f"{window} bytes")


def _prefix_findings(
    passive: Passive, options: SimpleNamespace, clock: Clock, history: Series | None
) -> Iterator[Finding]:
    """Networks whose peers mostly have no window scaling, or fewer of them than before."""
    from checks.tcp_window.sockets import prefix_text

    look = passive.look
    losses: dict[str, Loss] = {}
    if history is not None:
        from checks.tcp_window import trend

        shares = {
            prefix_text(prefix): 100 * look.unscaled.get(prefix, 0) / count
            for prefix, count in look.connections.items()
            if count >= trend.CONNECTIONS_LEAST
        }
        note = history.note(CONNECTIONS, "scaling")
        kept, losses = trend.advance(trend.parse(note), shares, clock.time, options.hold, options.accept)
        if trend.as_note(kept) != note and (kept or note):
            history.keep(CONNECTIONS, "scaling", trend.as_note(kept))
    told = 0
    for prefix, unscaled in sorted(look.unscaled.items(), key=lambda row: (-row[1], row[0])):
        count, name = look.connections[prefix], prefix_text(prefix)
        if name in losses:
            loss = losses[name]
            since = clock.time - loss.good
            yield fact(name, LOST, percent=f"{loss.percent - loss.best:.0f}", count=count, since=since)
        elif count >= options.min_connections and 100 * unscaled > _UNSCALED_SHARE * count:
            yield fact(name, UNSCALED, unscaled=unscaled, count=count)
        else:
            continue
        told += 1
        if told >= _PREFIXES_TOLD:
            break


def probe_findings(seen: Survey) -> Iterator[Finding]:
    """The path that was probed."""
    target, probed = seen.target, seen.probed
    if target is None:
        return
    item = printable(target.name)
    if probed is None:
        yield fact(item, UNREADABLE, reason=f"was not judged: it {seen.probe_problem}", next_step="")
        return
    from checks.tcp_window import faults

    found = probed.seen
    code = faults.classify(found)
    if probed.rtt:
        yield Measure(item, "rtt_seconds", round(probed.rtt, 6), 0)
    for name, transfer in (
        ("download_bytes_per_second", found.download),
        ("upload_bytes_per_second", found.upload),
    ):
        if transfer is not None:
            yield Measure(item, name, round(transfer.rate), 0)
    if probed.problem and code in (faults.FINE, faults.TOO_SMALL, faults.STALLED):
        yield fact(item, UNREADABLE, reason=f"was not judged: it {probed.problem}", next_step="")
        return
    yield fact(item, code, **_parameters(target, probed, code))


def _parameters(target: Target, probed: Probed, code: str) -> dict[str, object]:
    """All that the words of a fault may need."""
    found = probed.seen
    sent, offered = found.near.sent, probed.own_window
    window = ""
    if probed.peer_raw is not None and probed.peer_first is not None:  # from Linux 5.4 on
        seen = "we see" if found.near.scaling else "we take"
        window = f": {seen} {probed.peer_raw} bytes, not {probed.peer_first}"
    return {
        "sees": probed.sees or offered >> sent,
        "offered": offered,
        "scales": f"{found.near.got} and {found.near.sent}",
        "window": window,
        "pace": _pace_words(found, code),
        "address": target.host,
    }


def _pace_words(found: Seen, code: str) -> str:
    """The pace that shows the fault; that of all transfers when there is none."""
    down = f"{pace(found.download.rate)}" if found.download else ""
    up = f"{pace(found.upload.rate)}" if found.upload else ""
    if code in ("path_zeroes_to_us", "path_strips_synack") and up:
        return f"; {up} up"
    if code == "path_zeroes_to_peer" and down:
        return f"; {down}"
    words = [word for word in (f"{down} down" if down else "", f"{up} up" if up else "") if word]
    return f"; {', '.join(words)}" if words else ""
