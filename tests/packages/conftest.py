"""The .deb, one of a later version, and a Debian to install them in: made once for all tests."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import scratch_root
from lab.builder import build
from lab.scratch_root import ScratchRoot
from support import PROJECT, run

# Beside what the package depends on, what its units are tested with
_MORE = ("sudo", "systemd", "prometheus-node-exporter")


def control_field(package: Path, name: str) -> str:
    return run(["/usr/bin/dpkg-deb", "--field", str(package), name]).output.strip()


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (made,) = build(tmp_path_factory.mktemp("deb"), "deb")
    return made


@pytest.fixture(scope="session")
def following(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a later version."""
    source = tmp_path_factory.mktemp("later") / "undergoal"
    for name in ("checks", "perfdata", "agent_plugins", "contrib"):
        shutil.copytree(PROJECT / name, source / name)
    for name in ("setup.cfg", "LICENSE", "README.md"):
        shutil.copy(PROJECT / name, source)
    init = source / "checks" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', '__version__ = "99.0"', init.read_text()))
    (source / "checks" / "newcomer.py").write_text('"""Only in the later version."""\n')
    (source / "contrib" / "systemd").mkdir(exist_ok=True)
    (source / "contrib" / "systemd" / "newcomer.service").write_text("ExecStart=/opt/undergoal/bin/undergoal list\n")
    (made,) = build(source.parent, "deb", source=source)
    assert made.name == "undergoal_99.0_all.deb"
    return made


@pytest.fixture(scope="session")
def depends(package: Path) -> list[str]:
    """The packages that it says it depends on."""
    return sorted(set(re.findall(r"(?:^|, )([\w.-]+)", control_field(package, "Depends"))))


@pytest.fixture(scope="session")
def debian(depends: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal Debian with what the package says it depends on. Lanes side by side share it, as it takes so long."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with open(shared / "debian.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "debian").exists():
            scratch_root.make(shared / "debian.new", [*depends, *_MORE]).rename(shared / "debian")
    return shared / "debian"


@pytest.fixture
def root(debian: Path, tmp_path: Path) -> Iterator[ScratchRoot]:
    with ScratchRoot(debian, tmp_path) as made:
        yield made
