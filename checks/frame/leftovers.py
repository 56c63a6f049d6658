"""Commands of earlier runs that could not be ended, as no signal ends what waits for a dead controller.

A forked helper that is stuck holds a lock (bounded.py). A command cannot, so it is remembered by its process id and the
time that process was started; as long as that one is there, no other of its kind is started beside it. Source: proc(5),
/proc/PID/stat.
"""

from __future__ import annotations

import json

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Leftover(Record):
    """A process that was left behind."""

    pid: int
    started: str  # when it was started, in ticks since the boot
    uptime: float  # when it was given up, in seconds since the boot


def parse_start(stat: str) -> str:
    """When the process of a /proc/PID/stat was started, in ticks; "" for a zombie, and for what is no such text.

    Its name stands in parentheses and may hold any character. A killed process looks like a zombie, but has more
    threads than one, while another of its threads is stuck.
    """
    fields = stat.rpartition(") ")[2].split()
    if len(fields) <= 19 or not fields[19].isdigit():
        return ""
    ended = fields[0] in "ZX" and fields[17] in ("0", "1")
    return "" if ended else fields[19]


def start_of(pid: int) -> str:
    """The same of a process of this host; "" when it has gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return parse_start(file.read())
    except OSError:
        return ""


def as_note(leftovers: dict[str, Leftover], boot: str) -> str:
    """As text for Series.keep; "" for none."""
    return json.dumps([boot, leftovers], separators=(",", ":")) if leftovers else ""


def parse(note: str, boot: str, start: Callable[[int], str] = start_of) -> dict[str, Leftover]:
    """What ``as_note`` wrote in this boot, as far as it is still there; nothing for any other text."""
    try:
        written, entries = json.loads(note)
        found = {str(kind): Leftover(int(pid), str(since), float(at)) for kind, (pid, since, at) in entries.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {kind: left for kind, left in found.items() if written == boot and left.started == start(left.pid) != ""}
