"""Every check as an engine sees it: the console scripts that setup.cfg declares, and their captured hosts."""

from __future__ import annotations

import configparser
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import HOSTS, PROJECT, Ran, check, fixture_arguments

HOST_NAMES = ("ok", "warning", "critical", "hang", "huge", "hostile")
VERBOSITIES = ("", "-v", "-vv", "-vvv")
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
OUTPUT = re.compile(r"(?:[A-Z0-9_]+ )?(OK|WARNING|CRITICAL|UNKNOWN) - \S")
NO_ANSWER = re.compile(r"timed out|no answer|not answer")


def _checks() -> list[str]:
    setup = configparser.ConfigParser()
    setup.read(PROJECT / "setup.cfg")
    scripts = [line.split("=")[0].strip() for line in setup["options.entry_points"]["console_scripts"].splitlines()]
    return [script[len("check_") :] for script in scripts if script.startswith("check_")]


CHECKS = _checks()
KEEP_NO_SAMPLES: frozenset[str] = frozenset()  # checks that judge the moment only
# Checks with rates: the captured host that has one, and the slopes (per hour) that make it.
RATES = {"docker_bridge": ("ok", (-600, 60)), "moosefs": ("warning", (-600, -60)), "cephfs": ("ok", (-600, 60))}
GROWING = ("docker_bridge", "cephfs")  # those whose rate may be negative
every_check = pytest.mark.parametrize("name", CHECKS)
every_sampling_check = pytest.mark.parametrize("name", [name for name in CHECKS if name not in KEEP_NO_SAMPLES])
every_check_with_rates = pytest.mark.parametrize(
    ("name", "host", "per_hour"), [(name, host, slope) for name, (host, slopes) in RATES.items() for slope in slopes]
)
every_check_and_host = pytest.mark.parametrize(("name", "host"), [(n, h) for n in CHECKS for h in HOST_NAMES])


def fresh_state(parent: Path) -> Path:
    """A new private directory for history."""
    return Path(tempfile.mkdtemp(dir=parent, prefix="state"))


def replay(name: str, host: str, state: Path, *arguments: str, **named: object) -> Ran:
    """Run check_NAME over one of its captured hosts, with its history in ``state``."""
    return check(name, *fixture_arguments(name, host), "--state-dir", str(state), *arguments, **named)


def expected_text(name: str, host: str) -> str:
    """Line 1 of a captured host without performance data, from its file "expected"."""
    return (HOSTS / name / host / "expected").read_text().rstrip("\n")


def help_of(name: str) -> str:
    """--help on one line, so that wrapping hides nothing."""
    return " ".join(check(name, "--help").output.split())


def long_options(name: str) -> list[str]:
    """The long options that --help lists."""
    listed = re.findall(r"^ {2}(?:-\w(?: [A-Z]+)?, )?(--[a-z-]+)", check(name, "--help").output, re.MULTILINE)
    assert {"--help", "--version", "--timeout", "--state-dir", "--root"} <= set(listed), listed
    return listed


class Gallery:
    """Every captured host at every verbosity, each run once with a history of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runs: dict[tuple[str, str, str], Ran] = {}

    def _take(self, name: str, host: str, verbosity: str) -> Ran:
        arguments = [word for word in (verbosity, "-t2" if host == "hang" else "") if word]
        return replay(name, host, fresh_state(self._directory), *arguments)

    def _show(self, name: str) -> None:
        keys = [(name, host, verbosity) for host in HOST_NAMES for verbosity in VERBOSITIES]
        with ThreadPoolExecutor(4) as pool:
            self._runs.update(zip(keys, pool.map(lambda key: self._take(*key), keys)))

    def run(self, name: str, host: str, verbosity: str = "") -> Ran:
        """One of the runs."""
        if (name, host, verbosity) not in self._runs:
            self._show(name)
        return self._runs[name, host, verbosity]

    def verbosities(self, name: str, host: str) -> Iterator[Ran]:
        """The runs of a host, the tersest first."""
        return (self.run(name, host, verbosity) for verbosity in VERBOSITIES)
