"""From what a probe showed of a path to findings: which fault it is, and all that its words need."""

from __future__ import annotations

from collections.abc import Iterator

from checks.frame.plugin import UNREADABLE
from checks.frame.printable import printable
from checks.frame.readings import Finding, Measure, fact
from checks.tcp_window import faults
from checks.tcp_window.assess import pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.tcp_window.faults import Seen
    from checks.tcp_window.probe import Probed, Target
    from checks.tcp_window.survey import Survey


def probe_findings(target: Target, seen: Survey) -> Iterator[Finding]:
    """The path that was probed."""
    probed = seen.probed
    item = printable(target.name)
    if probed is None:
        yield fact(item, UNREADABLE, reason=f"was not judged: it {seen.probe_problem}", next_step="")
        return
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
