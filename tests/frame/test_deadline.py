"""One deadline, and an answer to every signal; each in a child of its own, whose signals may be played with."""

from __future__ import annotations

import os
import signal
import time
from typing import NoReturn

import pytest

from checks.frame.bounded import Answer, EarlyAnswer, call
from checks.frame.deadline import Deadline, answer_signals, forget_signals, kill_group, start_alarm

SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM]


def give_up(reason: str) -> NoReturn:
    raise EarlyAnswer(reason.encode())


def test_time_left_and_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    deadline = Deadline(8)
    assert (deadline.total, deadline.stage) == (8, "starting")
    assert (deadline.spent(), deadline.left(), deadline.left(0.5)) == (0, 8, 7.5)
    now = 1005.0
    assert (deadline.spent(), deadline.left(), deadline.left(2)) == (5, 3, 1)
    assert deadline.left(3) == 0.01
    now = 1100.0
    assert (deadline.spent(), deadline.left()) == (100, 0.01)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, b"stopped by SIGTERM"),
        (signal.SIGINT, b"stopped by SIGINT"),
        (signal.SIGHUP, b"stopped by SIGHUP"),
        (signal.SIGALRM, b"timed out"),
    ],
)
@pytest.mark.parametrize("blocked", [False, True])
def test_every_signal_is_answered(number: signal.Signals, reason: bytes, blocked: bool) -> None:
    def task() -> bytes:
        if blocked:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        answer_signals(give_up)
        os.kill(os.getpid(), number)
        time.sleep(5)
        return b"unanswered"

    assert call(task, 5) == Answer(0, reason)


def test_the_first_signal_has_the_word() -> None:
    def stubborn(reason: str) -> NoReturn:
        for number in SIGNALS:
            os.kill(os.getpid(), number)
        give_up(reason)

    def task() -> bytes:
        answer_signals(stubborn)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(5)
        return b"unanswered"

    assert call(task, 5) == Answer(0, b"stopped by SIGHUP")


def test_the_alarm_comes_at_the_deadline() -> None:
    def task() -> bytes:
        answer_signals(give_up)
        start_alarm(Deadline(0.15))
        time.sleep(5)
        return b"unanswered"

    begin = time.monotonic()
    assert call(task, 5) == Answer(0, b"timed out")
    assert 0.15 <= time.monotonic() - begin < 0.6


def test_a_deadline_that_is_over_still_rings() -> None:
    def task() -> bytes:
        answer_signals(give_up)
        start_alarm(Deadline(-5))
        time.sleep(5)
        return b"unanswered"

    assert call(task, 5) == Answer(0, b"timed out")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_forked_child_forgets(number: signal.Signals) -> None:
    def task() -> bytes:
        answer_signals(give_up)
        start_alarm(Deadline(60))
        forget_signals()
        if signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0):
            return b"the alarm is still set"
        os.kill(os.getpid(), number)
        time.sleep(5)
        return b"unanswered"

    assert call(task, 5) == Answer(-number, b"")


def test_killing_a_group_that_is_gone_is_fine() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    kill_group(pid)
