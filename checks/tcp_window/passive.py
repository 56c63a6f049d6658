"""What the connections that are there anyway say of the paths they take: several looks, nothing sent.

A connection is stuck on a misread window when all of this holds, over more than one look: the peer's scale arrived as 0
or not at all, it has data to send, the window is not closed but smaller than a segment, the persist timer has been
running, and what does arrive is in pieces of that size. One look is not enough: a peer that has stopped reading may
leave such a window too, but then nothing arrives.
"""

from __future__ import annotations

import time

from checks.tcp_window.sockets import PROBING, Look, Suspect, look
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host

_PAUSE = 0.8  # seconds between looks: some turns of the persist timer
_LOOKS = 3
_RETRANSMITTING = 2  # doublings of the timer


class Passive(Record):
    """All connections, and those in trouble."""

    look: Look  # the first one
    stuck: list[Suspect]  # the fullest queue first
    silent: int  # connections that retransmit without an answer


def starving(suspect: Suspect) -> bool:
    """Whether it waits for a window that is open, but smaller than a segment, and was not scaled."""
    info = suspect.info
    if info.snd_wscale or not suspect.queue or info.bare:
        return False
    return suspect.timer == PROBING if info.snd_wnd is None else 0 < info.snd_wnd < info.full_segment


def is_stuck(first: Suspect, later: Suspect) -> bool:
    """Whether two looks at one connection show it creeping through a misread window."""
    if not (starving(first) and starving(later) and PROBING in (first.timer, later.timer)):
        return False
    before, after = first.info, later.info
    arrived = (after.bytes_acked or 0) - (before.bytes_acked or 0)
    if arrived <= 0:
        return False
    pieces = (after.segments_out or 0) - (before.segments_out or 0)
    return arrived < after.full_segment * max(pieces, 1) / 2


def watch(host: Host, reserve: float) -> Passive:
    """Look once, and again when something looks stuck."""
    host.deadline.stage = "looking at all TCP connections"
    first = look(host, 1, reserve)
    suspects = {key: suspect for key, suspect in first.suspects.items() if starving(suspect)}
    stuck: dict[bytes, Suspect] = {}
    for turn in range(2, _LOOKS + 1):
        if not suspects or host.deadline.left(reserve) < 2 * _PAUSE:
            break
        if not host.captured:
            time.sleep(_PAUSE)
        later = look(host, turn, reserve)
        for key, suspect in later.suspects.items():
            if key in suspects and is_stuck(suspects[key], suspect):
                stuck[key] = suspect
                del suspects[key]
    silent = sum(
        1
        for suspect in first.suspects.values()
        if suspect.info.scaling and suspect.info.backoff >= _RETRANSMITTING and suspect.timer != PROBING
    )
    return Passive(first, sorted(stuck.values(), key=lambda s: (-s.queue, s.peer)), silent)
