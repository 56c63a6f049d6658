"""Every check in every state, as services of an engine: the captured hosts, and what the check itself says of them."""

from __future__ import annotations

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lab.scratch import USER, as_user
from support import Ran, command, fixture_arguments, run

from checks import CHECKS

NOWHERE = "/nonexistent"  # a captured host that cannot be read

# state -> captured host
HOSTS = {
    "ok": "ok",
    "warning": "warning",
    "critical": "critical",
    "unknown": NOWHERE,
    "timeout": "hang",
    "hostile": "hostile",
    "huge": "huge",
}
CODES = {"ok": (0,), "warning": (1,), "critical": (2,), "unknown": (3,), "timeout": (3,)}


class Case(NamedTuple):
    """One service."""

    check: str
    state: str
    argv: list[str]


def cases() -> dict[str, Case]:
    """Service name -> case."""
    found = {}
    for name in CHECKS:
        for state, host in HOSTS.items():
            arguments = ["--root", NOWHERE] if state == "unknown" else fixture_arguments(name, host)
            if state == "timeout":
                arguments += ["-t", "2"]
            found[f"{name}.{state}"] = Case(name, state, [*command(f"check_{name}"), *arguments])
    return found


def with_history(found: dict[str, Case], states: Path) -> dict[str, list[str]]:
    """Service name -> argv, each with a history of its own below ``states``, a directory of the user's."""
    return {service: [*case.argv, "--state-dir", str(states / service)] for service, case in found.items()}


def told(found: dict[str, Case], user: str = USER) -> dict[str, Ran]:
    """What each check says when it is run without an engine, as the same user with a history of its own."""
    with tempfile.TemporaryDirectory(prefix="undergoal-told-") as place:
        states = Path(place, "states")
        states.mkdir()
        Path(place).chmod(0o755)
        states.chmod(0o1777)
        argvs = with_history(found, states)

        def alone(service: str) -> Ran:
            return run(as_user(argvs[service], user))

        with ThreadPoolExecutor(4) as pool:
            said = dict(zip(found, pool.map(alone, found)))
    for service, ran in said.items():
        state = found[service].state
        assert ran.stderr == b"", service
        assert state not in CODES or ran.code in CODES[state], (service, ran.line)
        assert state != "timeout" or re.search(r"timed out|no answer|not answer", ran.line), (service, ran.line)
        assert state not in ("ok", "warning", "critical") or ran.perfdata, service
    return said


def text_of(ran: Ran) -> str:
    """All text without performance data."""
    return "\n".join([ran.text, *ran.rest])


def perfdata_of(ran: Ran) -> str:
    """Performance data as printed; "" for none."""
    return ran.line.partition(" | ")[2]
