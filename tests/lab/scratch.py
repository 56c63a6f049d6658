"""A scratch directory for a daemon that gives up root: its own, reachable by everybody, gone in the end."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

USER = "nagios"  # whom Debian's Nagios, Icinga 2 and NRPE run checks as


class Scratch:
    """``path`` belongs to root, what ``directory`` makes in it to the user of the checks."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="undergoal-engine-"))
        self.path.chmod(0o755)

    def directory(self, name: str, mode: int = 0o700) -> Path:
        """A new directory of the user's."""
        place = self.path / name
        place.mkdir(parents=True)
        place.chmod(mode)
        self.give(place)
        return place

    def file(self, name: str, content: str, mode: int = 0o644) -> Path:
        """A new file of the user's."""
        place = self.path / name
        place.write_text(content)
        place.chmod(mode)
        self.give(place)
        return place

    def give(self, place: Path) -> None:
        """Make the user the owner."""
        account = pwd.getpwnam(USER)
        os.chown(place, account.pw_uid, account.pw_gid)

    def remove(self) -> None:
        """All of it."""
        shutil.rmtree(self.path, ignore_errors=True)


def as_user(argv: list[str], user: str = USER) -> list[str]:
    """The command, run as the user of the checks."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *argv]


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Until the condition is true; ``what`` words the error when it does not become so in time."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(what())
        time.sleep(0.05)
