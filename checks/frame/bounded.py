"""Children that may hang, even in uninterruptible sleep, and never take the check with them.

A read on a dead CephFS or NFS mount cannot be ended by SIGALRM, by SIGKILL or by leaving a thread behind. So it happens
in a child of its own session that shares nothing with the scheduler's pipe. The parent reads a pipe until a deadline,
kills the group, and does not wait for what cannot die. While such a child is stuck it holds a lock, so the next run
says "still blocked since" at once instead of adding another one. A parent that is killed takes its children along.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import time

from checks.frame.deadline import forget_signals, kill_group
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Callable, NoReturn
else:
    import _signal as signal  # see deadline.py

OUTPUT_MAX = 1 << 20  # bytes a child may answer, unless told otherwise
_READ_SIZE = 16384  # larger reads cost more than they save
_DYING = 0.2  # seconds a child that was just killed may need to release its lock

_answer_pipe: list[int] = []  # in a child: where its answer goes
_running: set[int] = set()  # leaders of the sessions started here, to be killed when this process gives up
_relays: set[int] = set()  # those of them that are sudo


class HelperTimeout(Exception):
    """The child did not finish in time; it was killed, if it can be."""

    said = b""  # what it had answered by then
    left = 0  # process id of a command that could not be ended


class HelperStuck(HelperTimeout):
    """A child of an earlier run is still blocked; none was started."""


class HelperOverflow(Exception):
    """The child printed more than it may."""


class EarlyAnswer(BaseException):
    """Raised in a child, from a signal handler too: this is its answer, whatever it was doing."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


class Answer(Record):
    """What a child left: its exit status (negative: signal number) and its output."""

    status: int
    output: bytes


class Child:
    """A running child and the pipe it answers on."""

    def __init__(self, pid: int, pipe: int, output_max: int, tie: tuple[int, int]) -> None:
        """``tie``: see ``_tie``."""
        self.pid = pid
        self.pipe = pipe
        self.output = b""
        self._output_max = output_max
        self._tie = tie
        self._status: int | None = None
        _running.add(pid)

    def read(self) -> bool:
        """Take what is in the pipe. True when the other end was closed. Raises HelperOverflow."""
        data = os.read(self.pipe, _READ_SIZE)
        self.output += data
        if len(self.output) > self._output_max:
            raise HelperOverflow(f"answered more than {self._output_max} bytes")
        return not data

    def exited(self) -> bool:
        """Whether it has ended; reaps it then, and what it started in its session."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                kill_group(self.pid)
                _running.discard(self.pid)
                _relays.discard(self.pid)
        return self._status is not None

    def answer(self) -> Answer:
        """Status and output of a child that has exited."""
        assert self._status is not None
        return Answer(self._status, self.output)

    def abandon(self, until: float | None = None) -> None:
        """Kill its session and close the pipes. A child in uninterruptible sleep is left to init, ``until`` then."""
        os.close(self.pipe)
        if self._status is None:
            _kill_unreaped(self.pid)
            end = time.monotonic() + _DYING if until is None else until
            while not self.exited() and time.monotonic() < end:
                time.sleep(0.005)
            _running.discard(self.pid)
        for end_of_tie in self._tie:
            os.close(end_of_tie)


def kill_all() -> None:
    """Kill every child that is still running: the last thing a process does that gives up."""
    for pid in tuple(_running):
        _kill_unreaped(pid)


def _kill_unreaped(pid: int) -> None:
    """SIGKILL to a child and its session; a child that was just forked has no session of its own yet.

    What sudo runs is root's, and out of reach for others: sudo is asked to end it, as it relays SIGTERM, and is not
    killed itself, as nobody would be left then who may (and who ends it after the TIMEOUT of its rule).
    """
    if pid in _relays and os.geteuid() != 0:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
        return
    kill_group(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _tie(tie: tuple[int, int], pid: int) -> None:
    """Have the kernel end a child's session when this process ends, also by a SIGKILL, as engines send it.

    That closes both ends of this pipe, which nobody else has, and whichever goes first signals the owner of the other
    (fcntl(2), F_SETOWN and F_SETSIG). PR_SET_PDEATHSIG would reach one process of the session, and costs ctypes.
    """
    relays = pid in _relays and os.geteuid() != 0  # see _kill_unreaped
    with contextlib.suppress(OSError):  # a kernel that only pretends to be Linux may not know this
        for end in tie:
            fcntl.fcntl(end, fcntl.F_SETOWN, pid if relays else -pid)
            fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGTERM if relays else signal.SIGKILL)
            fcntl.fcntl(end, fcntl.F_SETFL, os.O_ASYNC)


def start(task: Callable[[], bytes], output_max: int = OUTPUT_MAX, lock: int | None = None) -> Child:
    """Fork a child that runs ``task``, answers its bytes and exits 0; 1 and the error's text if it raises."""
    receive, send = os.pipe()
    tie = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_child(task, send, lock, tie, parent)
    os.close(send)
    return Child(pid, receive, output_max, tie)


def say(data: bytes) -> None:
    """In a child: a part of its answer that its parent has even if the child never ends."""
    while data:
        data = data[os.write(_answer_pipe[-1], data) :]


def _be_child(task: Callable[[], bytes], send: int, lock: int | None, tie: tuple[int, int], parent: int) -> NoReturn:
    status = 1
    _answer_pipe.append(send)
    try:
        os.setsid()
        _tie(tie, os.getpid())
        if os.getppid() != parent:  # it was killed before that
            os._exit(status)
        forget_signals()
        _running.clear()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        kept = {0, 1, 2, send} | ({lock} if lock is not None else set())
        _close_all_but(kept)
        answer = task()
        status = 0
    except EarlyAnswer as early:
        answer, status = early.answer, 0
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}".encode(errors="replace")
    with contextlib.suppress(OSError):
        say(answer)
    kill_all()
    os._exit(status)


def _close_all_but(kept: set[int]) -> None:
    lowest = 3
    for descriptor in sorted(kept - {0, 1, 2}):
        os.closerange(lowest, descriptor)
        lowest = descriptor + 1
    os.closerange(lowest, 4096)


def collect(child: Child, seconds: float) -> Answer:
    """Its answer within ``seconds``. Raises HelperTimeout or HelperOverflow; nothing is left running that can die."""
    end = time.monotonic() + seconds
    try:
        closed = False
        while not (child.exited() and closed):  # its exit also ends what it started, which may hold the pipe
            left = end - time.monotonic()
            if left <= 0:
                timeout = HelperTimeout(f"no answer within {seconds:.1f} s")
                timeout.said = child.output
                raise timeout
            if closed:
                time.sleep(0.002)
            elif select.select([child.pipe], [], [], min(left, 0.05))[0]:
                closed = child.read()
    finally:
        child.abandon()
    return child.answer()


def call(task: Callable[[], bytes], seconds: float, lock_path: str = "", output_max: int = OUTPUT_MAX) -> Answer:
    """Run ``task`` in a child within ``seconds``; with ``lock_path``, one child at a time across runs.

    Raises HelperStuck, HelperTimeout, HelperOverflow, or OSError when the lock cannot be opened.
    """
    end = time.monotonic() + seconds
    child = begin(task, seconds, lock_path, output_max)
    return collect(child, max(0.01, end - time.monotonic()))


def begin(task: Callable[[], bytes], patience: float, lock_path: str = "", output_max: int = OUTPUT_MAX) -> Child:
    """Start ``task`` in a child, to be collected; with ``lock_path`` after waiting for another one at work.

    Raises HelperStuck, or OSError when the lock cannot be opened.
    """
    lock = _take_lock(lock_path, patience) if lock_path else None
    try:
        child = start(task, output_max, lock)
        if lock is not None:
            with contextlib.suppress(OSError):  # a full disk costs the note of who holds it, not the lock
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"{child.pid} {time.monotonic():.1f}".encode(), 0)
    finally:
        if lock is not None:
            os.close(lock)  # the child's copy holds it from here on
    return child


def _take_lock(path: str, patience: float) -> int:
    """The lock, waiting for a helper that is at work; one that has been at it for longer than ``patience`` is stuck."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + max(patience, _DYING)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            pid, age = _holder(lock)
            if time.monotonic() < end and (age is None or age <= patience + _DYING):
                time.sleep(0.02)
                continue
        os.close(lock)
        since = "" if age is None else f" for {age:.0f} s"
        raise HelperStuck(f"still blocked{since} in an earlier run's helper, process {pid}")


def _holder(lock: int) -> tuple[str, float | None]:
    """Process and age of the helper that holds a lock, as far as they are written down in it.

    Ages are of the monotonic clock, which does not step; helpers do not survive the reboot that starts it anew.
    """
    pid, _, since = os.pread(lock, 64, 0).decode("ascii", "replace").partition(" ")
    pid = pid if pid.isdigit() else "?"
    try:
        return pid, max(0.0, time.monotonic() - float(since))
    except ValueError:
        return pid, None


def run(argv: list[str], seconds: float, output_max: int = OUTPUT_MAX, directory: str = "/") -> Answer:
    """Run a command within ``seconds``: C locale, no stdin, own session, stderr after stdout in one bounded output.

    ``argv[0]`` is an absolute path. Raises HelperTimeout, HelperOverflow, or OSError when it cannot be started.
    """
    return collect(start_command(argv, output_max, directory), seconds)


def start_command(argv: list[str], output_max: int = OUTPUT_MAX, directory: str = "/") -> Child:
    """Start a command as ``run`` does, to be collected. Raises OSError.

    Until Popen returns, a millisecond or two, it is not tied to this process.
    """
    import subprocess

    receive, send = os.pipe()
    tie = os.pipe()
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=send,
            stderr=send,
            start_new_session=True,
            cwd=directory,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )
    except BaseException:
        for descriptor in (receive, *tie):
            os.close(descriptor)
        raise
    finally:
        os.close(send)
    process.returncode = 0  # reaped here, by Child: Popen must neither wait nor warn
    if os.path.basename(argv[0]) == "sudo":
        _relays.add(process.pid)
    _tie(tie, process.pid)
    return Child(process.pid, receive, output_max, tie)


def run_many(
    commands: list[list[str]], seconds: float, at_once: int = 8, output_max: int = OUTPUT_MAX, directory: str = "/"
) -> list[Answer | Exception]:
    """Run commands side by side, ``at_once`` at a time, all within ``seconds``.

    One entry per command, in order: its answer, or the HelperTimeout, HelperOverflow or OSError that it came to.
    """
    end = time.monotonic() + seconds
    waiting = list(enumerate(commands))[::-1]
    running: dict[int, Child] = {}
    closed: set[int] = set()
    results: dict[int, Answer | Exception] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, argv = waiting.pop()
                try:
                    running[number] = start_command(argv, output_max, directory)
                except OSError as error:
                    results[number] = error
            _read_some(running, closed, results, end)
            if time.monotonic() >= end:
                for number in [*running, *(number for number, _ in waiting)]:
                    results[number] = late = HelperTimeout(f"no answer within {seconds:.1f} s")
                    late.said = running[number].output if number in running else b""
                break
    finally:
        for child in running.values():
            _kill_unreaped(child.pid)
        until = time.monotonic() + _DYING  # for all of them together
        for number, child in running.items():
            child.abandon(until)
            came_to = results.get(number)
            if isinstance(came_to, HelperTimeout) and not child.exited():
                came_to.left = child.pid
    return [results[number] for number in range(len(commands))]


def _read_some(running: dict[int, Child], closed: set[int], results: dict[int, Answer | Exception], end: float) -> None:
    """Take what the running children have to say; those that are done move to the results."""
    pipes = {child.pipe: number for number, child in running.items() if number not in closed}
    left = max(0.0, min(end - time.monotonic(), 0.05 if len(pipes) == len(running) else 0.002))
    for pipe in select.select(list(pipes), [], [], left)[0]:
        number = pipes[pipe]
        try:
            if running[number].read():
                closed.add(number)
        except HelperOverflow as error:
            results[number] = error
    for number, child in tuple(running.items()):
        if number in closed and child.exited():  # one that closed its output may take a moment to end
            results[number] = child.answer()
        elif number not in closed and child.exited():  # its exit also ends what it started, which may hold the pipe
            continue
        if number in results:
            running.pop(number).abandon()
