"""One login for all checks of a host: undergoal passive through check_by_ssh's passive mode, and into a real Nagios."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest
from engines.cases import Case
from lab.nagios import HOST, Nagios
from lab.sshd import USER as SSH_USER
from lab.sshd import Sshd
from support import Ran, command

pytestmark = pytest.mark.needs("sshd", "ssh", "nagios4", "unshare", "nsenter", "setpriv")


def job(service: str, case: Case, states: Path) -> str:
    """The word of "undergoal passive" for a service."""
    return f"{service}={case.check} {shlex.join([*case.argv[1:], '--state-dir', str(states / service)])}"


def line_of(ran: Ran) -> str:
    """What reaches Nagios: it makes colons of the semicolons on line 1."""
    return ran.text.replace(";", ":")


def test_every_result_reaches_its_service(services: dict[str, Case], said: dict[str, Ran], tmp_path: Path) -> None:
    """What hangs is in the middle, and one of them is no check at all."""
    names = [*services, "no_such_check", "docker_bridge.ok"]
    results = tmp_path / "results"
    with Sshd() as sshd, Nagios({name: ["/bin/true"] for name in names}) as nagios:
        states = sshd.home / "states"
        sshd.namespace.must("install", "-d", "-m", "700", "-o", SSH_USER, str(states))
        words = [job(name, services[name], states) if name in services else name for name in names[:-1]]
        words.append("docker_bridge --root /nonexistent")  # a second result for a service: the later one counts
        runner = shlex.join([*command("undergoal"), "passive", *words])
        commands = [word for _ in names[1:] for word in ("-C", ":")]
        start = time.time()
        ran = sshd.namespace.run(
            *sshd.by_ssh_argv("-n", HOST, "-s", ":".join(names), "-O", str(results)), "-C", f"{runner} #", *commands
        )
        seconds = time.time() - start
        assert (ran.code, ran.stderr) == (0, b""), ran
        written = results.read_text().splitlines()
        assert len(written) == len(names)
        for line in written:
            nagios.tell(line.partition("] ")[2])
        seen = nagios.wait_for(set(names), start)
    assert seconds < 12  # as long as the slowest, not as all of them
    expected = {name: (ran.code, line_of(ran)) for name, ran in said.items()}
    expected["no_such_check"] = (3, "NO_SUCH_CHECK UNKNOWN - there is no such check here: see undergoal list")
    unreadable = "DOCKER_BRIDGE UNKNOWN - cannot read the captured tree /nonexistent: No such file or directory"
    expected["docker_bridge.ok"] = (3, unreadable)
    assert {name: (found.state, found.text) for name, found in seen.items()} == expected
    for name in services:
        if name != "docker_bridge.ok":
            assert seen[name].perfdata == said[name].line.partition(" | ")[2]
