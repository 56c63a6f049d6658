"""Real systems: skipped with the reason where they cannot run, a failure where they are required. And a time zone."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest
from lab.virtual_machine import GUEST
from support import as_root_on_debian


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: foretells how long something takes, so nothing else may run meanwhile")
    config.addinivalue_line(
        "markers",
        "needs(*commands): a real system that needs root on Debian and these commands;"
        ' "kernel" stands for the one of virtual machines',
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        missing = [command for command in marker.args if not _is_here(command)]
        reason = ""
        if not as_root_on_debian():
            reason = "real systems need root on Debian: run the same command as root"
        elif missing:
            reason = f"not installed: {', '.join(missing)} (the test command installs them: sh tests/run)"
        if reason and os.environ.get("UNDERGOAL_REAL") == "required":
            pytest.fail(f"a real system is required here: {reason}")
        if reason:
            pytest.skip(reason)


def _is_here(command: str) -> bool:
    if command == "kernel":
        return GUEST.exists()
    return shutil.which(command, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of this process."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
