"""Running a check as an engine does, and looking at all that comes back."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
SCRIPTS = Path(sys.executable).parent  # where pip put the console scripts
HOSTS = TESTS / "fixtures" / "hosts"
PLAIN_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class Ran(NamedTuple):
    """What one run left behind."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def output(self) -> str:
        return self.stdout.decode()

    @property
    def line(self) -> str:
        """Line 1, performance data included."""
        return self.output.split("\n")[0]

    @property
    def text(self) -> str:
        """Line 1 without performance data."""
        return self.line.split(" | ")[0]

    @property
    def perfdata(self) -> dict[str, str]:
        """Label -> value;warn;crit;min;max."""
        _, _, tokens = self.line.partition(" | ")
        return dict(token.split("=", 1) for token in shlex.split(tokens))

    @property
    def rest(self) -> list[str]:
        """The lines after line 1."""
        return self.output.rstrip("\n").split("\n")[1:]


def command(name: str) -> list[str]:
    """The argv of a console script as installed beside this interpreter."""
    return [str(SCRIPTS / name)]


def run(argv: list[str], *, environment: dict[str, str] | None = None, timeout: float = 60, **popen: Any) -> Ran:
    """Run a command; environment defaults to a plain one, so that nothing of the caller's leaks in."""
    environment = PLAIN_ENVIRONMENT if environment is None else environment
    if "input" not in popen:
        popen.setdefault("stdin", subprocess.DEVNULL)
    start = time.monotonic()
    done = subprocess.run(argv, capture_output=True, env=environment, timeout=timeout, check=False, **popen)
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def check(name: str, *arguments: str, **named: Any) -> Ran:
    """Run check_NAME; see run()."""
    return run([*command(f"check_{name}"), *arguments], **named)


def fixture_arguments(name: str, host: str) -> list[str]:
    """The options that replay a captured host: --root, and what its file "arguments" adds."""
    root = HOSTS / name / host
    extra = root / "arguments"
    return ["--root", str(root), *(shlex.split(extra.read_text()) if extra.exists() else [])]


def as_root_on_debian() -> bool:
    """Whether real systems can be brought up here."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists()
