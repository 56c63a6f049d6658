"""Engines that lose patience before the check does: what they record, what is left of the check, and how it goes on.

Each asks two checks that wait for a CephFS. Nobody reads what the "stopped" one is asked, and who waits for that can
be killed. Nobody answers what was read on the "dead" one, and who waits for that can not be killed: of that check
one helper stays as long as the mount is dead, as it does after a timeout of the check's own.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from conformance.history_file import history, select
from conformance.processes import running_with
from lab.fake_cephfs import FakeCephfs
from lab.icinga import Icinga
from lab.nagios import Nagios
from lab.namespaces import Namespace
from lab.nrpe import Nrpe
from lab.scratch import Scratch, wait_until
from lab.sshd import USER as SSH_USER
from lab.sshd import Sshd
from support import Ran, command

pytestmark = pytest.mark.needs("unshare", "nsenter", "setpriv", "umount")

STOPPED, DEAD = NAMES = ("stopped", "dead")
PATIENCE = 2  # seconds, of the engines
AT_ONCE = 1.0  # seconds
LONG, SHORT = 30, 5  # --timeout of the checks: where the engine kills them, and where it only turns away

Told = dict[str, tuple[int, str]]  # service -> state and text


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.remove()


def checks(scratch: Scratch, states: Path, timeout: int) -> dict[str, list[str]]:
    """Service -> argv."""
    options = ["-t", f"{timeout}", "--state-dir"]
    return {
        name: [*command("check_cephfs"), "--path", str(scratch.path / name), *options, str(states / name)]
        for name in NAMES
    }


class Story:
    """Both checks fine, kept waiting, and fine again."""

    def __init__(self, scratch: Scratch, states: Path, namespace: Namespace) -> None:
        self._scratch = scratch
        self._states = states
        self._namespace = namespace
        self._mounts: dict[str, FakeCephfs] = {}

    def tell(self, ask: Callable[[], Told], promised: float) -> Told:
        """What came of the waiting. ``promised``: when only what nobody can end is left, in seconds since the start."""
        try:
            for name in NAMES:
                self._mount(name)
            self._is_fine(ask())
            samples = self._samples()

            self._mounts[STOPPED].stop()
            self._mounts[DEAD].hang()
            start = time.monotonic()
            told = ask()
            self._ends(STOPPED, start + promised, 0)
            self._ends(DEAD, start + promised, 1)
            assert self._samples() == samples

            self._mounts[STOPPED].go_on()
            self._mounts[DEAD].close()
            self._ends(DEAD, time.monotonic() + AT_ONCE, 0)
            self._mounts[DEAD].place.rmdir()
            self._mount(DEAD)
            self._is_fine(ask())
            assert self._samples() == {name: 2 * count for name, count in samples.items()}
            return told
        finally:
            for pid in running_with(str(self._states)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for mount in self._mounts.values():
                mount.close()

    def _mount(self, name: str) -> None:
        self._mounts[name] = FakeCephfs(self._scratch.path / name, namespace=self._namespace)
        self._mounts[name].make("", {"ceph.dir.rbytes": 12 << 40})

    def _is_fine(self, told: Told) -> None:
        assert told == {name: (0, f"CEPHFS OK - {self._scratch.path / name} 12 TiB") for name in NAMES}

    def _samples(self) -> dict[str, int]:
        """How much history each has, all of it readable."""
        files = {name: history(self._states / name) for name in NAMES}
        assert [select(file, "PRAGMA integrity_check") for file in files.values()] == [[("ok",)]] * 2
        return {name: len(select(file, "SELECT value FROM sample")) for name, file in files.items()}

    def _ends(self, name: str, when: float, stuck: int) -> None:
        """By then no process of the check is left but those that are stuck."""

        def left() -> set[int]:
            return running_with(str(self._states / name))

        seconds = max(0.0, when - time.monotonic())
        wait_until(lambda: len(left()) <= stuck, seconds, lambda: f"of {name} are left: {left()}")
        assert len(left()) == stuck


def in_lanes(ask: Callable[[str], Ran]) -> Told:
    """Ask for both side by side."""
    with ThreadPoolExecutor(len(NAMES)) as pool:
        answers = dict(zip(NAMES, pool.map(ask, NAMES)))
    return {name: (ran.code, ran.text) for name, ran in answers.items()}


@pytest.mark.needs("nagios4")
def test_nagios_kills_it_and_is_critical(scratch: Scratch) -> None:
    """It sends SIGKILL to the check, and to nothing that the check has started in a session of its own."""
    states = scratch.directory("states")
    with Namespace() as namespace, Nagios(checks(scratch, states, LONG), PATIENCE, namespace) as nagios:

        def ask() -> Told:
            time.sleep(1 - time.time() % 1)  # it knows of whole seconds, and a result of this one may be an older one
            return {name: (seen.state, seen.text) for name, seen in nagios.check_all(list(NAMES), 20).items()}

        # it starts within a second, reaps once a second, and writes that down once a second
        told = Story(scratch, states, namespace).tell(ask, PATIENCE + 4 + AT_ONCE)
    for state, text in told.values():
        assert state == 2
        assert re.fullmatch(r"\(Service check timed out after 2\.\d\d seconds\)", text)


@pytest.mark.needs("icinga2")
def test_icinga_kills_it_and_is_unknown(scratch: Scratch) -> None:
    """Often it leaves no time between SIGTERM and SIGKILL, and then the check none for its last words."""
    states = scratch.directory("states")
    with Icinga(checks(scratch, states, LONG), PATIENCE) as icinga:

        def ask() -> Told:
            seen = icinga.check_all(list(NAMES), 20)
            assert [found["exit_status"] for found in seen.values()] in ([0, 0], [128, 128])
            return {name: (found["service_state"], found["output"].rstrip()) for name, found in seen.items()}

        told = Story(scratch, states, icinga.namespace).tell(ask, PATIENCE + 1 + AT_ONCE)
    for name, (state, text) in told.items():
        last_words = f"CEPHFS UNKNOWN - stopped by SIGTERM after [12]\\.\\d s while reading {scratch.path / name}"
        assert state == 3
        assert re.fullmatch(rf"<Timeout exceeded\.>({last_words}|<Terminated by signal 9 \(Killed\)\.>)?", text)


@pytest.mark.needs("nrpe")
def test_nrpe_kills_it_and_is_unknown(scratch: Scratch) -> None:
    """It leaves no time between SIGTERM and SIGKILL."""
    states = scratch.directory("states")
    with Nrpe(checks(scratch, states, LONG), check_timeout=PATIENCE) as nrpe:
        told = Story(scratch, states, nrpe.namespace).tell(lambda: in_lanes(nrpe.ask), PATIENCE + AT_ONCE)
    assert told == dict.fromkeys(NAMES, (3, f"NRPE: Command timed out after {PATIENCE} seconds"))


@pytest.mark.needs("nrpe")
def test_check_nrpe_turns_away_and_is_critical(scratch: Scratch) -> None:
    """The daemon lets the check run: its own --timeout ends it."""
    states = scratch.directory("states")
    with Nrpe(checks(scratch, states, SHORT)) as nrpe:
        told = Story(scratch, states, nrpe.namespace).tell(
            lambda: in_lanes(lambda name: nrpe.ask(name, PATIENCE)), SHORT + 2 * AT_ONCE
        )
    assert told == dict.fromkeys(NAMES, (2, f"CHECK_NRPE STATE CRITICAL: Socket timeout after {PATIENCE} seconds."))


@pytest.mark.needs("sshd", "ssh")
def test_check_by_ssh_turns_away_and_is_critical(scratch: Scratch) -> None:
    """The far side lets the check run: its own --timeout ends it."""
    with Sshd() as sshd:
        states = sshd.home / "states"
        sshd.namespace.must("install", "-d", "-m", "700", "-o", SSH_USER, str(states))
        argvs = checks(scratch, states, SHORT)
        told = Story(scratch, states, sshd.namespace).tell(
            lambda: in_lanes(lambda name: sshd.check_by_ssh(argvs[name], PATIENCE)), SHORT + 2 * AT_ONCE
        )
    assert told == dict.fromkeys(NAMES, (2, f"CRITICAL - Plugin timed out after {PATIENCE} seconds"))
