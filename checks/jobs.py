"""One check after another in one process: what a job is, how it is written on a command line, and how it is run."""

from __future__ import annotations

import os
import sys
import time

from checks import CHECKS, load
from checks.frame import bounded
from checks.frame.command import Session, all_options, unforeseen
from checks.frame.deadline import answer_signals, start_alarm, stop_alarm
from checks.frame.history import Shelf
from checks.frame.options import Option, UsageError, parse
from checks.frame.printable import printable
from perfdata.outcome import UNKNOWN, Outcome
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import SimpleNamespace
    from typing import NoReturn

JOBS_MAX = 1000
_LOADING = 30  # seconds that loading a check may take
_NOT_IN_HERE = ("help", "version", "accept", "state_user")  # settings that are for a command of its own


class Job(Record):
    """One check to run: its service's name, the check, and the words of its command line."""

    service: str
    check: str
    words: tuple[str, ...] = ()


def parse_job(text: str, more: Sequence[str] = ()) -> Job:
    """The job of "[SERVICE=]CHECK [OPTIONS]", with more options put before its own. Raises UsageError."""
    first, _, rest = text.strip().partition(" ")
    service, equals, check = first.partition("=")
    check = (check if equals else service).removeprefix("check_")
    if not check or not service:
        raise UsageError(f"'{printable(text)}' is not [SERVICE=]CHECK [OPTIONS]")
    words = rest.split()
    if "'" in rest or '"' in rest or "\\" in rest:
        import shlex

        try:
            words = shlex.split(rest)
        except ValueError as error:
            raise UsageError(f"'{printable(text)}': {str(error).lower()}") from None
    return Job(service if equals else check, check, (*more, *words))


def split_arguments(options: list[Option], arguments: list[str]) -> tuple[list[str], list[str]]:
    """The words that are options (and their values), and the others."""
    with_value = {flag for option in options if option.metavar for flag in option.flags}
    own: list[str] = []
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            others.append(word)
            continue
        own.append(word)
        if word in with_value:
            own += [value for value in (next(words, None),) if value is not None]
    return own, others


def jobs_of(texts: list[str], more: Sequence[str] = ()) -> list[Job]:
    """The jobs of a command line; every check when none is named. Raises UsageError."""
    if len(texts) > JOBS_MAX:
        raise UsageError(f"more than {JOBS_MAX} checks at once")
    return [parse_job(text, more) for text in texts or CHECKS]


class Runner:
    """In a child: runs one job after another. What it says of each is read by batch.py.

    "S NUMBER SECONDS 0" when one is begun that may take so long, then "R NUMBER STATE APPLIES SECONDS SIZE" with the
    rendered outcome, a line each.
    """

    def __init__(self, jobs: Sequence[Job], render: Callable[[Outcome], bytes]) -> None:
        self._jobs = jobs
        self._render = render
        self._options: dict[str, list[Option]] = {}  # of the checks that were loaded
        self._shelf = Shelf()
        self._number = 0
        self._start = 0.0
        self._session: Session | None = None  # of the job that runs
        answer_signals(self._give_up)

    def close(self) -> None:
        """Let go of the histories."""
        self._shelf.close()

    def run(self, number: int) -> bytes:
        """Run the job of this number; the message with its outcome."""
        self._number, self._start = number, time.monotonic()
        outcome = self._outcome(self._jobs[number])
        stop_alarm()
        self._session = None
        return self._message(outcome)

    def _message(self, outcome: Outcome) -> bytes:
        content = self._render(outcome)
        spent = time.monotonic() - self._start
        heading = f"R {self._number} {outcome.state} {outcome.applies:d} {spent:.6f} {len(content)}\n"
        return heading.encode() + content

    def _give_up(self, reason: str) -> NoReturn:
        # whatever it was interrupted in may be half done, so this child runs no other check
        raise bounded.EarlyAnswer(self._message(self._session.last_words(reason)) if self._session else b"")

    def _begin(self, seconds: float) -> None:
        bounded.say(f"S {self._number} {seconds:.1f} 0\n".encode())

    def _outcome(self, job: Job) -> Outcome:
        try:
            if job.check not in CHECKS:
                raise UsageError("there is no such check here; see undergoal list")
            if job.check not in self._options:
                self._begin(_LOADING)
                self._options[job.check] = all_options(load(job.check))
            settings = _settings(self._options[job.check], job)
        except UsageError as error:
            return Outcome(printable(job.check), UNKNOWN, printable(str(error), 140))
        except Exception as error:  # a library that is missing here
            return Outcome(job.check, UNKNOWN, unforeseen(error, "loading the check"))
        plugin = load(job.check)
        _speak_as(job)
        self._session = session = Session(plugin, settings, self._shelf)
        self._begin(settings.timeout)
        start_alarm(session.deadline)
        try:
            return session.outcome_from_helper() if settings.root else session.outcome()
        except Exception as error:
            return Outcome(plugin.name, UNKNOWN, unforeseen(error, session.deadline.stage))


def _speak_as(job: Job) -> None:
    """What a check prints to be pasted names its own command, where that stands beside the one that runs here."""
    own = os.path.join(os.path.dirname(sys.argv[0]), f"check_{job.check}")
    if os.path.exists(own):
        sys.argv = [own, *job.words]


def _settings(options: list[Option], job: Job) -> SimpleNamespace:
    """The settings of a job. Raises UsageError."""
    settings = parse(options, list(job.words))
    for name in _NOT_IN_HERE:
        if getattr(settings, name):
            raise UsageError(f"option --{name.replace('_', '-')} is for check_{job.check} itself")
    return settings
