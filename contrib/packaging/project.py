"""What the packages are made of, as setup.cfg has it: nothing about a single check stands in here."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SOURCE = (
    "LICENSE",
    "README.md",
    "setup.cfg",
    "pyproject.toml",
    "checks",
    "perfdata",
    "agent_plugins",
    "contrib",
    "tests",
)
_JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache", "*.egg-info")


class Requirement(NamedTuple):
    """One line of install_requires."""

    name: str
    versions: tuple[tuple[str, str], ...]  # (">=", "1.3.2"), ("<", "2")

    def __str__(self) -> str:
        return self.name + ",".join(operator + version for operator, version in self.versions)


class Project(NamedTuple):
    """setup.cfg, as far as a package needs it."""

    version: str
    summary: str
    python: tuple[int, int]  # the oldest one it runs on
    commands: dict[str, tuple[str, str]]  # name -> module, function
    requirements: tuple[Requirement, ...]
    packages: tuple[str, ...]  # the directories with modules


def project() -> Project:
    """The project as it stands in this checkout."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    version = re.search(r'^__version__ = "(.+)"$', (ROOT / "checks" / "__init__.py").read_text(), re.MULTILINE)
    assert version, "checks/__init__.py names no version"
    python = re.fullmatch(r">=(\d+)\.(\d+)", setup["options"]["python_requires"])
    assert python, "python_requires is not the oldest version alone"
    scripts = [re.split(r"\s*=\s*|:", line) for line in _lines(setup["options.entry_points"]["console_scripts"])]
    return Project(
        version[1],
        setup["metadata"]["description"],
        (int(python[1]), int(python[2])),
        {name: (module, function) for name, module, function in scripts},
        tuple(_requirement(line) for line in _lines(setup["options"]["install_requires"])),
        tuple(pattern.rstrip("*") for pattern in _lines(setup["options.packages.find"]["include"])),
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _requirement(line: str) -> Requirement:
    found = re.fullmatch(r"([\w.-]+)\s*((?:[<>=]+[\w.]+,?)*)", line)
    assert found, f"install_requires: {line}"
    return Requirement(found[1], tuple(re.findall(r"([<>=]+)([\w.]+)", found[2])))


def copy_modules(made: Project, target: Path) -> None:
    """The packages with modules into ``target``, without anything that a run left in them."""
    for package in made.packages:
        shutil.copytree(ROOT / package, target / package, ignore=_JUNK)


def copy_source(target: Path) -> None:
    """All that belongs to the source into ``target``: a build there finds nothing stale and leaves nothing here."""
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=_JUNK, symlinks=True)
        else:
            shutil.copy2(ROOT / name, target / name)


def source_date() -> int:
    """The time that files in packages bear: $SOURCE_DATE_EPOCH, the last commit's, or now."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    asked = subprocess.run(
        ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip() else int(time.time())


def starter(made: Project, places: list[str], bytecode: str = "") -> str:
    """called_by_name.py for these commands; ``bytecode`` is the cache tag of the Python that needs no sources."""
    text = (Path(__file__).parent / "called_by_name.py").read_text()
    for empty, filled in (
        ("COMMANDS = {}", f"COMMANDS = {made.commands!r}"),
        ("PLACES = []", f"PLACES = {places!r}"),
        ("MINIMUM = (3, 9)", f"MINIMUM = {made.python!r}"),
        ('BYTECODE = ""', f"BYTECODE = {bytecode!r}"),
    ):
        assert text.count(empty) == 1, empty
        text = text.replace(empty, filled)
    return text
