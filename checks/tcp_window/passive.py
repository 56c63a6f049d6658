"""What the connections that are there anyway say of the paths they take: several looks, nothing sent.

A connection is stuck on a misread window when all of this holds, over more than one look: the peer's scale arrived as 0
or not at all, it has data to send, the window is not closed but smaller than a segment, the persist timer has been
running (or it mostly waited), and what does arrive is in pieces of that size. One look is not enough: a peer that has
stopped reading may leave such a window too, but then nothing arrives.
"""

from __future__ import annotations

import time

from checks.tcp_window.sockets import PROBING, Look, Suspect, look
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host
    from checks.tcp_window.tcp_info import TcpInfo

_PAUSE = 0.8  # seconds between looks: some turns of the persist timer
_LOOKS = 3
_MOSTLY = 0.5  # of the time
_SMALL = 0.6  # of a full segment
_RETRANSMITTING = 2  # doublings of the timer


class Passive(Record):
    """All connections, and those in trouble."""

    look: Look  # the first one
    stuck: list[Suspect]  # the fullest queue first
    silent: int  # connections that retransmit without an answer
    hurried: int = 0  # connections that may be stuck, but there was no time for another look


def starving(suspect: Suspect) -> bool:
    """Whether it waits for a window that is open, but smaller than a segment, and was not scaled."""
    info = suspect.info
    if info.snd_wscale or not suspect.queue or info.bare:
        return False
    return suspect.timer == PROBING if info.snd_wnd is None else 0 < info.snd_wnd < info.full_segment


def is_stuck(first: Suspect, later: Suspect) -> bool:
    """Whether two looks at one connection show it creeping through a misread window."""
    before, after = first.info, later.info
    if not (starving(first) and starving(later)):
        return False
    if PROBING not in (first.timer, later.timer) and not _waited(before, after):
        return False
    arrived = (after.bytes_acked or 0) - (before.bytes_acked or 0)
    if arrived <= 0:
        return False
    pieces = (after.segments_out or 0) - (before.segments_out or 0) + 1  # and one that was under way before
    window = max(before.snd_wnd or 0, after.snd_wnd or 0)
    return arrived < _SMALL * after.full_segment * pieces and (not window or arrived <= window * pieces)


def _waited(before: TcpInfo, after: TcpInfo) -> bool:
    """Whether it waited for the peer's window most of the time: a window of a few bytes needs no persist timer.

    Or its segments have shrunk, which they do when no window was ever larger (tcp_bound_to_half_wnd).
    """
    if 2 * after.snd_mss < after.full_segment:
        return True
    if None in (before.busy, after.busy, before.rwnd_limited, after.rwnd_limited):
        return False
    busy = (after.busy or 0.0) - (before.busy or 0.0)
    return busy > 0 and (after.rwnd_limited or 0.0) - (before.rwnd_limited or 0.0) > _MOSTLY * busy


def watch(host: Host, reserve: float) -> Passive:
    """Look once, and again when something looks stuck."""
    host.deadline.stage = "looking at all TCP connections"
    first = look(host, 1, reserve)
    silent = sum(1 for suspect in first.suspects.values() if _is_silent(suspect))
    suspects = {key: suspect for key, suspect in first.suspects.items() if starving(suspect)}
    stuck: dict[bytes, Suspect] = {}
    for turn in range(2, _LOOKS + 1):
        if not suspects:
            break
        if not host.captured:
            if host.deadline.left(reserve) < 2 * _PAUSE:
                return Passive(first, _fullest_first(stuck), silent, len(suspects))
            time.sleep(_PAUSE)
        later = look(host, turn, reserve)
        for key, suspect in later.suspects.items():
            if key in suspects and is_stuck(suspects[key], suspect):
                stuck[key] = suspect
                del suspects[key]
    return Passive(first, _fullest_first(stuck), silent)


def _fullest_first(stuck: dict[bytes, Suspect]) -> list[Suspect]:
    return sorted(stuck.values(), key=lambda suspect: (-suspect.queue, suspect.peer))


def _is_silent(suspect: Suspect) -> bool:
    info = suspect.info
    return info.scaling and info.backoff >= _RETRANSMITTING and suspect.timer != PROBING
