"""Long output: what would fill a pipe, what people ask for with -v, and what could not be seen."""

from __future__ import annotations

from checks.frame.plugin import Run
from checks.frame.printable import printable
from checks.tcp_window import assess
from checks.tcp_window.survey import Survey
from perfdata.outcome import Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.tcp_window.passive import Passive


def details(seen: Survey, run: Run) -> list[Detail]:
    """What would fill the pipes; the rest is shown with -v only."""
    lines: list[Detail] = []
    settings = seen.settings
    for pipe in seen.pipes:
        line = assess.remedy_line(pipe, settings)
        if line:
            lines.append(Detail(0, f"next: for {pipe.name} {line}"))
    if settings.timestamps == 0 and settings.syncookies:
        lines.append(Detail(1, "TCP timestamps are off: connections taken with SYN cookies have no window scaling"))
    lines += [Detail(1, f"route {route.destination} has {route.clamps}") for route in seen.routes or () if route.clamps]
    if seen.routes_problem:
        lines.append(Detail(1, f"not seen: routes; {printable(seen.routes_problem, 120)}"))
    if settings.rmem_max is None and "net/core/rmem_max" not in seen.unreadable:
        lines.append(Detail(1, "not seen: net.core.rmem_max, which can make the scale larger"))
    if seen.passive is not None:
        lines += _connections(seen.passive, seen.cookies)
        if run.history is None:
            lines.append(Detail(2, "no history: no word on peers that lost window scaling"))
    if seen.probed is not None and not (seen.probed.seen.upload or seen.probed.seen.download):
        lines.append(Detail(1, "not seen: our window as the peer sees it; --http or --responder show it"))
    return lines


def _connections(passive: Passive, cookies: int | None) -> list[Detail]:
    lines: list[Detail] = []
    look = passive.look
    if look.bare:
        sent = f"; this host has sent {cookies} SYN cookies" if cookies else ""
        lines.append(Detail(1, f"TCP options are missing altogether on {look.bare} connections{sent}"))
    if passive.silent:
        lines.append(
            Detail(
                1,
                f"TCP gets no answer on {passive.silent} connections: peers that are gone, or a firewall that tracks"
                " windows without their scale (--probe tells)",
            )
        )
    if passive.hurried:
        lines.append(Detail(1, f"not seen: whether {passive.hurried} connections are stuck; there was no time (-t)"))
    if look.untold:
        lines.append(Detail(1, f"not seen: the state of {look.untold} connections; the kernel told none"))
    return lines
