"""Many checks in few processes, in the order they were asked for: what passive results, metrics and triage stand on.

A process per check costs more than most checks. So one child works through the queue, and only where a check keeps it
waiting another child takes over what is left: what hangs is alone with its process, and delays nobody.
"""

from __future__ import annotations

import os
import select
import time

from checks import CHECKS
from checks.frame import bounded
from checks.frame.printable import printable
from checks.jobs import Job, Runner
from perfdata.outcome import UNKNOWN, Outcome
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 0.3  # seconds a check may keep the others waiting
EXTRA = 1.0  # seconds a check may take beyond its own deadline
_OUTPUT_MAX = 64 << 20  # bytes of answers of one child
_TOKEN = 2  # bytes of a job's number in the queue


class Done(Record):
    """What became of a job."""

    job: Job
    state: int
    applies: bool
    seconds: float
    rendered: bytes  # by the function that the batch was given


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
        self._starts = 0
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
        in_time = time.monotonic() < limit
        return self.answers("its process said nothing" if in_time else "did not answer in time; its process was killed")

    def answers(self, reason: str) -> list[Done]:
        """One answer for each job, in order; UNKNOWN for this reason where there is none yet."""
        return [self._done.get(number) or self._failed(job, reason) for number, job in enumerate(self.jobs)]

    def _failed(self, job: Job, reason: str) -> Done:
        name = job.check if job.check in CHECKS else printable(job.check)
        return Done(job, UNKNOWN, True, 0.0, self._render(Outcome(name, UNKNOWN, reason)))

    def _start_worker(self) -> None:
        if self._starts > len(self.jobs):
            return  # children that take jobs and end without a word
        self._starts += 1
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
            self._started.add(number)
            if fields[0] == b"S":
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
        runner = Runner(self.jobs, self._render)
        while token := os.read(self._queue, _TOKEN):
            bounded.say(runner.run(int.from_bytes(token, "big")))
        runner.close()
        return b""
