"""What the zipapp costs a start against the installed command: ratios, in pairs in one run (-s shows the table)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bench.measuring import measure, ratio
from lab.builder import one_file
from support import PROJECT, command, fixture_arguments, run

from checks import CHECKS


def installed_for_good() -> bool:
    """Whether the package is installed as users have it, for the Python that the file is for."""
    versions = {run([python, "-I", "-V"]).output for python in (sys.executable, "/usr/bin/python3")}
    ran = run([sys.executable, "-I", "-c", "import checks; print(checks.__file__)"])
    return len(versions) == 1 and not ran.output.startswith(str(PROJECT / "checks"))


pytestmark = pytest.mark.skipif(
    not installed_for_good() and os.environ.get("UNDERGOAL_REAL") != "required",
    reason="measured on a regular installation for /usr/bin/python3 only: sh tests/run",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("zipapp")
    one_file(made)
    return made


@pytest.mark.parametrize("name", CHECKS)
def test_start(place: Path, name: str) -> None:
    arguments = [*fixture_arguments(name, "ok"), "--no-history"]
    rows = [
        (f"check_{name} as installed", [*command(f"check_{name}"), *arguments]),
        ("from undergoal.pyz", [str(place / f"check_{name}"), *arguments]),
    ]
    found = measure(rows, goals=[ratio("from undergoal.pyz", 1.1)])
    assert [cost.code for cost in found.values()] == [0, 0]


def test_version(place: Path) -> None:
    """The shortest run there is: nothing hides what the start costs."""
    name = f"check_{CHECKS[0]}"
    rows = [("as installed", [*command(name), "--version"]), ("undergoal.pyz", [str(place / name), "--version"])]
    found = measure(rows, goals=[ratio("undergoal.pyz", 1.1)])
    assert [cost.code for cost in found.values()] == [3, 3]
