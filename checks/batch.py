"""Many checks in few processes, in the order they were asked for: what passive results, metrics and triage stand on.

A process per check costs more than most checks. So one child works through the queue, and only where a check keeps it
waiting another child takes over what is left: what hangs is alone with its process, and delays nobody.
"""

from __future__ import annotations

import os
import select
import sys
import time

from checks import CHECKS, load
from checks.frame import bounded
from checks.frame.command import Session, all_options, unforeseen
from checks.frame.deadline import answer_signals, start_alarm
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
PATIENCE = 0.3  # seconds a check may keep the others waiting
EXTRA = 1.0  # seconds a check may take beyond its own deadline
_LOADING = 30  # seconds that loading a check may take
_OUTPUT_MAX = 64 << 20  # bytes of answers of one child
_NOT_IN_HERE = ("help", "version", "accept", "state_user")  # settings that are for a command of its own
_TOKEN = 2  # bytes of a job's number in the queue


class Job(Record):
    """One check to run: its service's name, the check, and the words of its command line."""

    service: str
    check: str
    words: tuple[str, ...] = ()


class Done(Record):
    """What became of a job."""

    job: Job
    state: int
    applies: bool
    seconds: float
    rendered: bytes  # by the function that the batch was given


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


def examine(jobs: list[Job]) -> list[Outcome]:
    """The outcome of each, in order; one that hangs delays nobody beyond its own time limit."""
    from perfdata import as_json

    done = Batch(jobs, lambda outcome: as_json.render([outcome])).run()
    return [as_json.parse_all(one.rendered)[0] for one in done]


class _Worker:
    """A child at work, and what of its answers was understood so far."""

    def __init__(self, child: bounded.Child) -> None:
        self.child = child
        self.job: int | None = None  # the one it is at
        self.since = time.monotonic()
        self.end = float("inf")
        self.closed = False
        self._read = 0

    def messages(self) -> list[tuple[list[bytes], bytes]]:
        """(fields of the heading, content) of what came in since."""
        found: list[tuple[list[bytes], bytes]] = []
        while True:
            output = self.child.output
            line_end = output.find(b"\n", self._read)
            if line_end < 0:
                return found
            fields = output[self._read : line_end].split(b" ")
            size = int(fields[-1])
            if len(output) < line_end + 1 + size:
                return found
            found.append((fields[:-1], output[line_end + 1 : line_end + 1 + size]))
            self._read = line_end + 1 + size


class Batch:
    """Jobs, and what became of them so far. ``render`` turns each outcome into bytes, in the child."""

    def __init__(self, jobs: list[Job], render: Callable[[Outcome], bytes]) -> None:
        self.jobs = jobs
        self._render = render
        self._done: dict[int, Done] = {}
        self._started: set[int] = set()
        self._workers: list[_Worker] = []
        self._queue = -1

    def run(self, seconds: float = float("inf")) -> list[Done]:
        """Run all of them, at most so long; one answer for each, in order."""
        limit = time.monotonic() + seconds
        self._queue, write = os.pipe()
        os.write(write, b"".join(number.to_bytes(_TOKEN, "big") for number in range(len(self.jobs))))
        os.close(write)
        try:
            self._start_worker()
            while self._workers and time.monotonic() < limit:
                self._wait(limit)
                for worker in tuple(self._workers):
                    self._attend(worker)
                self._take_over()
        finally:
            for worker in self._workers:
                worker.child.abandon()
            os.close(self._queue)
        return self.answers("did not answer in time; its process was killed")

    def answers(self, reason: str) -> list[Done]:
        """One answer for each job, in order; UNKNOWN for this reason where there is none yet."""
        return [self._done.get(number) or self._failed(job, reason) for number, job in enumerate(self.jobs)]

    def _failed(self, job: Job, reason: str) -> Done:
        name = job.check if job.check in CHECKS else printable(job.check)
        return Done(job, UNKNOWN, True, 0.0, self._render(Outcome(name, UNKNOWN, reason)))

    def _start_worker(self) -> None:
        child = bounded.start(self._work, _OUTPUT_MAX, self._queue)
        self._workers.append(_Worker(child))

    def _wait(self, limit: float) -> None:
        """Until something is to be read, or it is time to look after the workers."""
        now = time.monotonic()
        pipes = [worker.child.pipe for worker in self._workers if not worker.closed]
        times = [limit, *(worker.end for worker in self._workers)]
        if len(self._started) < len(self.jobs):
            times.append(now + PATIENCE / 2)
        if len(pipes) < len(self._workers):
            times.append(now + 0.002)  # about to exit
        select.select(pipes, [], [], max(0.001, min(min(times) - now, 3600)))

    def _attend(self, worker: _Worker) -> None:
        """Hear what a worker says, and see it off when it has ended or is at one check for too long."""
        reason = ""
        try:
            while not worker.closed and select.select([worker.child.pipe], [], [], 0)[0]:
                worker.closed = worker.child.read()
            self._note(worker)
            if worker.closed and worker.child.exited():
                reason = "its process said nothing"
            elif time.monotonic() > worker.end:
                reason = "did not answer in time; its process was killed"
        except bounded.HelperOverflow as error:
            reason = str(error)
        if reason:
            if worker.job is not None:
                self._done[worker.job] = self._failed(self.jobs[worker.job], reason)
            worker.child.abandon()
            self._workers.remove(worker)
            if not self._workers and len(self._started) < len(self.jobs):
                self._start_worker()

    def _note(self, worker: _Worker) -> None:
        for fields, content in worker.messages():
            number = int(fields[1])
            if fields[0] == b"S":
                self._started.add(number)
                worker.job, worker.since = number, time.monotonic()
                worker.end = worker.since + float(fields[2]) + EXTRA
            else:
                state, applies = int(fields[2]), fields[3] == b"1"
                self._done[number] = Done(self.jobs[number], state, applies, float(fields[4]), content)
                worker.job, worker.since, worker.end = None, time.monotonic(), float("inf")

    def _take_over(self) -> None:
        """Where every worker is kept waiting, as many again take what is left: twenty that hang cost five rounds."""
        late = time.monotonic() - PATIENCE
        if self._workers and all(worker.job is not None and worker.since < late for worker in self._workers):
            for _ in range(min(len(self._workers), len(self.jobs) - len(self._started))):
                self._start_worker()

    def _work(self) -> bytes:
        """In a child: jobs from the queue until it is empty."""
        options: dict[str, list[Option]] = {}
        shelf = Shelf()
        while token := os.read(self._queue, _TOKEN):
            number = int.from_bytes(token, "big")
            bounded.say(self._one(number, options, shelf))
        shelf.close()
        return b""

    def _one(self, number: int, options: dict[str, list[Option]], shelf: Shelf) -> bytes:
        job, start = self.jobs[number], time.monotonic()

        def message(outcome: Outcome) -> bytes:
            content = self._render(outcome)
            spent = time.monotonic() - start
            heading = f"R {number} {outcome.state} {outcome.applies:d} {spent:.6f} {len(content)}\n"
            return heading.encode() + content

        bounded.say(b"S %d %d 0\n" % (number, _LOADING))
        try:
            if job.check not in CHECKS:
                raise UsageError("there is no such check here; see undergoal list")
            plugin = load(job.check)
            if job.check not in options:
                options[job.check] = all_options(plugin)
            settings = _settings(options[job.check], job)
        except UsageError as error:
            return message(Outcome(printable(job.check), UNKNOWN, printable(str(error), 140)))
        except Exception as error:  # a library that is missing here
            return message(Outcome(job.check, UNKNOWN, unforeseen(error, "loading the check")))
        _speak_as(job)
        session = Session(plugin, settings, shelf)
        bounded.say(f"S {number} {settings.timeout:.1f} 0\n".encode())

        def give_up(reason: str) -> NoReturn:
            # whatever it was interrupted in may be half done, so this child runs no other check
            raise bounded.EarlyAnswer(message(session.last_words(reason)))

        answer_signals(give_up)
        start_alarm(session.deadline)
        try:
            outcome = session.outcome_from_helper() if settings.root else session.outcome()
        except Exception as error:
            outcome = Outcome(plugin.name, UNKNOWN, unforeseen(error, session.deadline.stage))
        return message(outcome)


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
