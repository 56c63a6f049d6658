"""Fixtures of the conformance suite: private state, cached runs, a file system that hangs, a Docker that misbehaves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.black_box import Gallery, fresh_state
from conformance.hung_mount import HungMount


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A new private directory for history."""
    return fresh_state(tmp_path)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Every captured host at every verbosity, run once."""
    return Gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user can enter, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="undergoal-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def hung_mount(tmp_path: Path) -> Iterator[HungMount]:
    """A mounted file system that works until it is told to hang."""
    mount = HungMount(tmp_path / "mnt")
    yield mount
    mount.close()
