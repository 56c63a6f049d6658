"""Passive results, and delivering them: again and again where that may help, never twice, and nothing lost silently."""

from __future__ import annotations

import time

from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from checks.batch import Done
else:
    Protocol = object  # typing costs 5 ms

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds between attempts


class Result(Record):
    """One passive check result."""

    host: str  # as the engine calls it
    service: str
    state: int
    text: str  # line 1 without performance data, and the lines after it
    perfdata: str  # as in a status line
    start: float  # epoch
    end: float


class Rejected(Exception):
    """It will never be taken, or must not be sent again; the reason is the text."""


class Later(Exception):
    """Not taken now, and certainly not half: another attempt may help; the reason is the text."""


class Target(Protocol):
    """Where results go."""

    name: str  # for people

    def send(self, result: Result) -> None:
        """Deliver it. Raises Rejected or Later."""


class Undelivered(Record):
    """A result that did not arrive, and why."""

    result: Result
    reason: str


def as_result(done: Done, host: str, now: float) -> Result:
    """The passive result of a check that ended just now."""
    line, _, rest = done.rendered.decode().rstrip("\n").partition("\n")
    text, _, perfdata = line.partition(" | ")
    return Result(
        host, done.job.service, done.state, f"{text}\n{rest}" if rest else text, perfdata, now - done.seconds, now
    )


def deliver(
    results: list[Result], target: Target, seconds: float, pause: Callable[[float], None] = time.sleep
) -> list[Undelivered]:
    """Send all within so many seconds, with longer and longer pauses; those that did not arrive."""
    end = time.monotonic() + seconds
    failed: list[Undelivered] = []
    pending = list(results)
    wait = _FIRST_PAUSE
    while pending:
        try:
            target.send(pending[0])
        except Rejected as error:
            failed.append(Undelivered(pending[0], str(error)))
        except Later as error:
            if time.monotonic() + wait >= end:
                return failed + [Undelivered(result, str(error)) for result in pending]
            pause(wait)
            wait = min(2 * wait, _LONGEST_PAUSE)
            continue
        wait = _FIRST_PAUSE
        pending.pop(0)
    return failed
