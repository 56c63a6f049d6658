"""Daemons of a lab: by name, each with its log, waited for until they are ready."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class Daemons:
    """What has a directory with a log for each of its daemons."""

    directory: Path
    ready_seconds: float  # how long one may take to get ready

    def __init__(self) -> None:
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def _begin(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        assert name not in self._daemons, f"{name} runs already"
        with open(self.directory / f"{name}.log", "ab") as log:
            self._daemons[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def _wait(self, name: str, condition: Callable[[], bool]) -> None:
        """Wait until a daemon is that far. Raises with the end of its log when it does not come so far."""
        limit = time.monotonic() + self.ready_seconds
        while not condition():
            if time.monotonic() > limit or self._daemons[name].poll() is not None:
                raise RuntimeError(f"{name} does not get ready; its log ends:\n{self.log(name)[-1500:]}")
            time.sleep(0.03)

    def log(self, name: str) -> str:
        """What a daemon has said."""
        return (self.directory / f"{name}.log").read_text(errors="replace")
