"""The packages as a user builds them from this checkout, or from a copy of it."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

from support import PROJECT

DATE = "1750000000"  # the date of all that is built here


def build(out: Path, *kinds: str, source: Path = PROJECT, environment: dict[str, str] | None = None) -> list[Path]:
    """Run the builder; what it says it has made. Fails with its words if it does."""
    done = subprocess.run(
        [sys.executable, str(source / "contrib/packaging/build.py"), "--out", str(out), *kinds],
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": DATE, **(environment or {})},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(kinds)}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return [Path(line) for line in done.stdout.splitlines()]


def commands() -> list[str]:
    """All console scripts of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    return [line.split("=")[0].strip() for line in lines if line.strip()]


def one_file(directory: Path) -> Path:
    """undergoal.pyz in ``directory``, with a link for each command."""
    (made,) = build(directory, "zipapp")
    for name in commands():
        (directory / name).symlink_to(made.name)
    return made
