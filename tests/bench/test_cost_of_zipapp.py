"""What the zipapp costs a start against the installed command: ratios, in pairs in one run (-s shows the table)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench.installation import installed_for_good, measured_if
from bench.pairs import compare, table
from lab.builder import one_file
from support import PLAIN_ENVIRONMENT, command, fixture_arguments, run

from checks import CHECKS


def of_that_python() -> bool:
    """Whether the installation is for the Python that the file is for."""
    return len({run([python, "-I", "-V"]).output for python in (sys.executable, "/usr/bin/python3")}) == 1


pytestmark = measured_if(installed_for_good() and of_that_python(), "a regular installation for /usr/bin/python3")


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
        (f"check_{name} from undergoal.pyz", [str(place / f"check_{name}"), *arguments]),
    ]
    found = compare(rows, 25, PLAIN_ENVIRONMENT)
    print(f"\n{table(found)}")
    assert [cost.code for cost in found] == [0, 0]
    assert found[1].ratio <= 1.1


def test_version(place: Path) -> None:
    """The shortest run there is: nothing hides what the start costs."""
    name = f"check_{CHECKS[0]}"
    rows = [("as installed", [*command(name), "--version"]), ("undergoal.pyz", [str(place / name), "--version"])]
    found = compare(rows, 25, PLAIN_ENVIRONMENT)
    print(f"\n{table(found)}")
    assert found[1].ratio <= 1.1
