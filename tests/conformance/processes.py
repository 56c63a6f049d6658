"""Processes that a test starts, adopts and ends, always by their ids."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support import PLAIN_ENVIRONMENT, Ran

_PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def started(argv: list[str], **popen: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, which is killed in the end."""
    popen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    popen.setdefault("env", PLAIN_ENVIRONMENT)
    process = subprocess.Popen(argv, start_new_session=True, **popen)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)


def stop(process: subprocess.Popen[bytes], number: signal.Signals) -> Ran:
    """Send a signal; the answer, and how long that took."""
    start = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=5)
    return Ran(process.returncode, stdout, stderr, time.monotonic() - start)


@contextmanager
def no_descendants_left() -> Iterator[None]:
    """Fail if a descendant of what is started within outlives it: orphans come to this process instead of to init."""
    libc = ctypes.CDLL(None)
    before = children()
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
        end = time.monotonic() + 0.3  # a SIGKILL takes a moment
        while (left := _living(children() - before)) and time.monotonic() < end:
            time.sleep(0.01)
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left}
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not commands
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children() -> set[int]:
    """The children of this process, ended ones that nobody waited for included."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def _living(pids: set[int]) -> set[int]:
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return pids & children()


def running_with(word: str) -> set[int]:
    """Processes that have this word in their command line."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
    return found
