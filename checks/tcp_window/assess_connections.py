"""From what the connections showed, and the history of it, to findings: those that are stuck, and networks unscaled."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.tcp_window.assess import CONNECTIONS, LOST, STUCK_STRIPPED, STUCK_ZEROED, UNSCALED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.tcp_window.passive import Passive
    from checks.tcp_window.sockets import Suspect
    from checks.tcp_window.trend import Loss
    from perfdata.clock import Clock
    from perfdata.series import Series

_PEERS_NAMED = 5
_UNSCALED_SHARE = 50  # percent
_PREFIXES_TOLD = 1000


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
