"""One deadline for a whole run, and an answer to every signal: a check that ends without a word is read as anything."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import FrameType
    from typing import Callable, NoReturn
else:
    import _signal as signal  # what signal adds, enums, costs every run a fiftieth

_SIGNALS = {int(signal.SIGTERM): "SIGTERM", int(signal.SIGINT): "SIGINT", int(signal.SIGHUP): "SIGHUP"}


class Deadline:
    """The time a run may take, counted from its start, and the stage it is in (for "timed out while ...")."""

    def __init__(self, total: float) -> None:
        self.total = total
        self.stage = "starting"
        self._end = time.monotonic() + total

    def spent(self) -> float:
        """Seconds since the start."""
        return self.total - (self._end - time.monotonic())

    def over(self, reserve: float = 0.0) -> bool:
        """Whether the time is used up, less a reserve."""
        return time.monotonic() >= self._end - reserve

    def left(self, reserve: float = 0.0) -> float:
        """Seconds left, less a reserve for what comes afterwards; never below 10 ms, so that it can be waited for."""
        return max(0.01, self._end - time.monotonic() - reserve)


def answer_signals(give_up: Callable[[str], NoReturn]) -> None:
    """On SIGTERM, SIGINT, SIGHUP and SIGALRM call ``give_up(reason)``, which writes an answer and ends the process."""

    def handle(number: int, _frame: FrameType | None) -> NoReturn:
        for other in (*_SIGNALS, signal.SIGALRM):
            signal.signal(other, signal.SIG_IGN)
        if number == signal.SIGALRM:
            give_up("timed out")
        give_up(f"stopped by {_SIGNALS[number]}")

    for number in (*_SIGNALS, signal.SIGALRM):
        signal.signal(number, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_SIGNALS, signal.SIGALRM))


def start_alarm(deadline: Deadline) -> None:
    """SIGALRM at the deadline. It ends what a signal can end; reads that even SIGKILL cannot end go to bounded.py."""
    signal.setitimer(signal.ITIMER_REAL, deadline.left())


def stop_alarm() -> None:
    """No SIGALRM any more."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def forget_signals() -> None:
    """In a forked child: default actions, no alarm; the parent watches the clock."""
    stop_alarm()
    for number in (*_SIGNALS, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)


def kill_group(leader: int) -> None:
    """SIGKILL to a child's whole session; gone already is fine."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
