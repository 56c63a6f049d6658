"""sdist and wheel are complete: no file of the project is missing, and the wheel of the sdist works as the checkout."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.black_box import AS_NOBODY, expected_text
from lab.builder import build, commands
from support import PROJECT, command, fixture_arguments, run

from checks import CHECKS, __version__

WITH_MODULES = ("checks", "perfdata", "agent_plugins")
WITH_SOURCES = (*WITH_MODULES, "contrib", "tests")


def of_the_project() -> set[str]:
    """All its files: what git knows and what is new where sources are, or without git what no tool made."""
    git = ["git", "-c", "safe.directory=*", "-C", str(PROJECT), "ls-files", "-z"]
    known = subprocess.run([*git, "--cached"], capture_output=True, text=True, check=False)
    if known.returncode == 0:
        new = [*git, "--others", "--exclude-standard", *WITH_SOURCES]
        listed = known.stdout + subprocess.run(new, capture_output=True, text=True, check=True).stdout
        found = [name for name in listed.split("\0") if name and (PROJECT / name).is_file()]
    else:
        inside = [path for top in WITH_SOURCES for path in (PROJECT / top).rglob("*") if path.is_file()]
        inside += [path for path in PROJECT.iterdir() if path.is_file()]
        found = [str(path.relative_to(PROJECT)) for path in inside if "__pycache__" not in path.parts]
    return {name for name in found if not name.startswith((".", "undergoal.egg-info"))}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both packages by their suffix; the wheel is made from the sdist."""
    before = sorted(PROJECT.glob("[!.]*"))
    packages = build(tmp_path_factory.mktemp("made"), "sdist", "wheel")
    assert sorted(PROJECT.glob("[!.]*")) == before, "the build left something in the checkout"
    return {path.suffix: path for path in packages}


@pytest.fixture(scope="module")
def venv() -> Iterator[Path]:
    """A virtual environment that every user can read."""
    with tempfile.TemporaryDirectory(prefix="undergoal-wheel-") as directory:
        os.chmod(directory, 0o755)
        subprocess.run(["/usr/bin/python3", "-m", "venv", f"{directory}/venv"], check=True)
        yield Path(directory, "venv")


def test_names(made: dict[str, Path]) -> None:
    assert sorted(path.name for path in made.values()) == [
        f"undergoal-{__version__}-py3-none-any.whl",
        f"undergoal-{__version__}.tar.gz",
    ]


def test_the_sdist_has_every_file_of_the_project(made: dict[str, Path]) -> None:
    with tarfile.open(made[".gz"]) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    generated = {"PKG-INFO", "MANIFEST.in"}
    assert generated <= files
    assert {name for name in files - generated if not name.startswith("undergoal.egg-info/")} == of_the_project()


def test_the_wheel_has_every_module_and_command(made: dict[str, Path]) -> None:
    with zipfile.ZipFile(made[".whl"]) as archive:
        files = set(archive.namelist())
        about = next(name for name in files if name.endswith(".dist-info/entry_points.txt"))
        scripts = archive.read(about).decode()
    assert {name for name in files if ".dist-info/" not in name} == {
        name for name in of_the_project() if name.startswith(WITH_MODULES)
    }
    assert [line.split(" = ")[0] for line in scripts.splitlines() if "=" in line] == sorted(commands())
    assert [name for name in files if name.endswith("/LICENSE")] != []


def test_the_wheel_of_the_sdist_is_used_by_another_user(made: dict[str, Path], venv: Path) -> None:
    subprocess.run([venv / "bin/pip", "install", "-q", made[".whl"]], check=True, capture_output=True)
    as_nobody = AS_NOBODY if os.geteuid() == 0 else []
    for name in CHECKS:
        for host in ("ok", "critical"):
            arguments = [*fixture_arguments(name, host), "-v", "--no-history"]
            ran = run([*as_nobody, str(venv / "bin" / f"check_{name}"), *arguments], cwd="/")
            assert ran.text == expected_text(name, host)
            assert ran[:3] == run([*command(f"check_{name}"), *arguments])[:3]
    compiled = sorted(venv.glob("lib/python3*/site-packages/checks/**/__pycache__/*.pyc"))
    assert len(compiled) == len(sorted(venv.glob("lib/python3*/site-packages/checks/**/*.py")))
