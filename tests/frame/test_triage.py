"""The umbrella command: checks side by side, worst first, and none waits for another."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from checks import batch, jobs, triage
from checks.frame.plugin import Examination, NothingHere, Plugin, Run
from checks.frame.readings import Measure
from perfdata.outcome import CRITICAL, OK, UNKNOWN, Item, Outcome


class Made(Plugin):
    """A check made for these tests."""

    main_measure = "ports"

    def __init__(self, name: str, behaviour: str) -> None:
        self.name = name
        self.behaviour = behaviour
        self.timeout = 1.0

    def examine(self, run: Run) -> Examination:
        if self.behaviour == "hang":
            for number in (signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(60)
        if self.behaviour == "slow":
            time.sleep(60)
        if self.behaviour == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour == "raise":
            raise RuntimeError("what nobody foresaw")
        if self.behaviour == "absent":
            raise NothingHere("nothing of this kind")
        return Examination([Measure("thing", "ports", 7)])

    def sentence(self, title: str, judged: object) -> str:
        return f"{title} seven"


@pytest.fixture
def examine(monkeypatch: pytest.MonkeyPatch) -> object:
    def run(*behaviours: str) -> tuple[dict[str, Outcome], float]:
        plugins = {name: Made(name, name) for name in behaviours}
        for module in (batch, jobs):
            monkeypatch.setattr(module, "CHECKS", behaviours)
        monkeypatch.setattr(jobs, "load", plugins.__getitem__)
        start = time.monotonic()
        outcomes = triage.examine_all(behaviours, no_history=True)
        return {outcome.check: outcome for outcome in outcomes}, time.monotonic() - start

    return run


def test_one_hung_check_delays_nobody_and_is_killed(examine) -> None:  # type: ignore[no-untyped-def]
    outcomes, seconds = examine("hang", "fine", "slow", "die", "raise", "absent")
    fine = outcomes["fine"]
    items = (Item("thing", "thing", OK, "thing seven"),)
    assert fine == Outcome("fine", OK, "thing seven", fine.details, fine.values, items=items)
    assert [(o.state, o.text) for name, o in outcomes.items() if name in ("hang", "die")] == [
        (UNKNOWN, "did not answer in time; its process was killed"),
        (UNKNOWN, "its process said nothing"),
    ]
    assert outcomes["slow"].state == UNKNOWN
    assert outcomes["slow"].text.startswith("timed out after 1.0 s while ")
    assert outcomes["raise"].state == UNKNOWN
    assert outcomes["raise"].text.endswith(": what nobody foresaw")
    assert outcomes["absent"] == Outcome("absent", UNKNOWN, "nothing of this kind", applies=False)
    assert seconds < 3.5


def test_no_process_is_left_behind(examine) -> None:  # type: ignore[no-untyped-def]
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()
    examine("hang", "die", "fine")
    assert children.read_text() == before


def test_the_table_has_the_worst_first_and_what_does_not_apply_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    table = triage._table(
        [
            Outcome("aa", OK, "fine"),
            Outcome("absent", UNKNOWN, "no such thing here", applies=False),
            Outcome("unclear", UNKNOWN, "cannot tell"),
            Outcome("burning", CRITICAL, "fire"),
        ],
        verbosity=0,
    )
    lines = table.splitlines()
    assert lines[0].endswith(": 3 of 4 checks apply here, 2 of them not OK")
    assert lines[1:] == [
        "CRITICAL  burning  fire",
        "UNKNOWN   unclear  cannot tell",
        "OK        aa       fine",
        "-         absent   does not apply: no such thing here",
    ]
