"""A small runner of plugins that does what Checkmk's agent for Linux does with them, as far as plugins can tell.

Its environment, its directories, "plugins" at every call and "plugins/SECONDS" apart from it: their output is kept and
shown with the next call, with cached(...) in every header that has none, unless they failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from support import PROJECT

PLUGIN = PROJECT / "agent_plugins" / "undergoal.py"
INSTALLATION = Path(sys.executable).parent.parent  # the venv of these tests
_HEADER = re.compile(r"<<<([a-zA-Z0-9_]+)((?::[a-z_]+\([^)]*\))*)>>>\Z")
_GUARD = 120  # seconds after which a test gives up; the agent itself would wait for ever


class Header(NamedTuple):
    """The first line of a section: its name and options."""

    name: str
    options: dict[str, str]


class Called(NamedTuple):
    """What a call of the agent brought."""

    raw: str
    sections: list[tuple[Header, list[str]]]
    seconds: float
    codes: list[int]

    def lines(self, name: str) -> list[str]:
        """All lines of the sections of this name."""
        return [line for header, lines in self.sections for line in lines if header.name == name]

    def header(self, name: str) -> Header:
        """The header of the first section of this name."""
        return next(header for header, _ in self.sections if header.name == name)

    @property
    def names(self) -> list[str]:
        """The names of the sections in their order."""
        return [header.name for header, _ in self.sections]


def parse(output: str) -> list[tuple[Header, list[str]]]:
    """Sections as a site splits them: lines are stripped, blank ones dropped, whatever looks like a header is one."""
    sections: list[tuple[Header, list[str]]] = []
    for raw in output.splitlines():
        line = raw.strip()
        if line.startswith("<<<") and line.endswith(">>>"):
            match = _HEADER.match(line)
            if match is None:
                raise ValueError(f"a header that nobody meant: {line!r}")
            options = dict(re.findall(r":([a-z_]+)\(([^)]*)\)", match[2]))
            sections.append((Header(match[1], options), []))
        elif line:
            sections[-1][1].append(line)
    return sections


class Agent:
    """The agent of one host, all its directories in one place."""

    def __init__(self, directory: Path, *, single: bool = False) -> None:
        directory.chmod(0o755)
        base = directory / "agent"
        self.library = base / "package" if single else base / "usr_lib"
        self.confdir = base / "package" / "config" if single else base / "etc"
        self.vardir = base / "runtime" if single else base / "var"
        self.plugins = self.library / "plugins"
        for place in (self.plugins, self.confdir, self.vardir / "cache"):
            place.mkdir(parents=True)
        self.environment: dict[str, str] = {}

    def install(self, seconds: int = 0) -> Path:
        """Put the plugin in its place, for every call or to run apart every so many seconds."""
        place = self.plugins / str(seconds) if seconds else self.plugins
        place.mkdir(exist_ok=True)
        target = place / PLUGIN.name
        shutil.copyfile(PLUGIN, target)
        target.chmod(0o755)
        return target

    def configure(self, *lines: str, installation: Path | None = INSTALLATION) -> None:
        """Write undergoal.cfg."""
        first = [f"installation={installation}"] if installation else []
        path = self.confdir / "undergoal.cfg"
        path.write_text("".join(f"{line}\n" for line in (*first, *lines)))
        path.chmod(0o644)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "MK_LIBDIR": str(self.library),
            "MK_CONFDIR": str(self.confdir),
            "MK_VARDIR": str(self.vardir),
            "MK_LOGDIR": str(self.vardir / "log"),
            "MK_BIN": "/usr/bin",
            "PYTHON3": "/usr/bin/python3",
            "LC_ALL": "C.utf8",
            **self.environment,
        }

    def _run(self, plugin: Path, before: Sequence[str]) -> tuple[int, str]:
        argv = [*before, "/usr/bin/python3", str(plugin)]
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(),
            cwd=plugin.parent,
            timeout=_GUARD,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def call(self, *before: str) -> Called:
        """One call of the agent; ``before`` is put before the plugin's command line (nsenter, setpriv)."""
        start = time.monotonic()
        output, codes = "", []
        for plugin in sorted(self.plugins.iterdir()):
            if plugin.is_file() and os.access(plugin, os.X_OK):
                code, text = self._run(plugin, before)
                codes.append(code)
                output += text
        for cached in sorted((self.vardir / "cache").iterdir()):
            interval = int(cached.name.split("_")[1])
            info = f":cached({int(cached.stat().st_mtime)},{interval})"
            output += re.sub(
                r"^<<<((?:(?!:cached\().)*)>>>$", rf"<<<\1{info}>>>", cached.read_text(), flags=re.MULTILINE
            )
        return Called(output, parse(output), time.monotonic() - start, codes)

    def run_apart(self, *before: str) -> None:
        """What the agent does in the background: run plugins/SECONDS/* and keep what those print that succeed."""
        for place in sorted(self.plugins.iterdir()):
            for plugin in sorted(place.iterdir()) if place.is_dir() else []:
                code, text = self._run(plugin, before)
                if code == 0:
                    (self.vardir / "cache" / f"plugins_{place.name}_{plugin.name}.cache").write_text(text)
