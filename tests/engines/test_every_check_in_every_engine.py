"""Every check in every state under real engines: state, text and each number read back equal what the check said."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from engines.cases import Case, perfdata_of, text_of, with_history
from lab.icinga import Icinga
from lab.nagios import Nagios
from lab.nrpe import Nrpe
from lab.scratch import Scratch
from lab.sshd import USER as SSH_USER
from lab.sshd import Sshd
from support import Ran

from checks import CHECKS

LANES = 4  # agents that are asked side by side

pytestmark = pytest.mark.needs("unshare", "nsenter", "setpriv")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.remove()


def in_lanes(ask: object, names: list[str]) -> dict[str, Ran]:
    """Ask for each, some at a time."""
    assert callable(ask)
    with ThreadPoolExecutor(LANES) as pool:
        return dict(zip(names, pool.map(ask, names)))


def test_every_check_is_there_in_every_state(services: dict[str, Case], said: dict[str, Ran]) -> None:
    assert {case.check for case in services.values()} == set(CHECKS)
    assert {ran.code for ran in said.values()} == {0, 1, 2, 3}


def nagios_text(ran: Ran) -> str:
    """A semicolon ends a field in Nagios' log, so it makes colons of those on line 1, whoever the plugin is."""
    return "\n".join([ran.text.replace(";", ":"), *ran.rest])


@pytest.mark.needs("nagios4")
def test_nagios(services: dict[str, Case], said: dict[str, Ran], scratch: Scratch) -> None:
    with Nagios(with_history(services, scratch.directory("nagios"))) as nagios:
        seen = nagios.check_all(list(services), 90)
    assert {name: found.state for name, found in seen.items()} == {name: ran.code for name, ran in said.items()}
    assert {name: found.text for name, found in seen.items()} == {n: nagios_text(ran) for n, ran in said.items()}
    assert {name: found.perfdata for name, found in seen.items()} == {n: perfdata_of(ran) for n, ran in said.items()}


@pytest.mark.needs("icinga2")
def test_icinga(services: dict[str, Case], said: dict[str, Ran], scratch: Scratch) -> None:
    with Icinga(with_history(services, scratch.directory("icinga"))) as icinga:
        seen = icinga.check_all(list(services), 90)
    assert {name: found["exit_status"] for name, found in seen.items()} == {n: ran.code for n, ran in said.items()}
    assert {name: found["service_state"] for name, found in seen.items()} == {n: ran.code for n, ran in said.items()}
    texts = {name: found["output"].replace(" \n", "\n").removesuffix(" ") for name, found in seen.items()}
    assert texts == {name: text_of(ran) for name, ran in said.items()}  # it keeps the blank before the "|"
    numbers = {name: found["performance_data"] for name, found in seen.items()}
    assert numbers == {name: perfdata_of(ran).split() for name, ran in said.items()}


@pytest.mark.needs("nrpe")
def test_nrpe(services: dict[str, Case], said: dict[str, Ran], scratch: Scratch) -> None:
    with Nrpe(with_history(services, scratch.directory("nrpe"))) as nrpe:
        seen = in_lanes(nrpe.ask, list(services))
    assert {name: (ran.code, ran.output) for name, ran in seen.items()} == {
        name: (ran.code, ran.output) for name, ran in said.items()
    }


@pytest.mark.needs("sshd", "ssh")
def test_check_by_ssh(services: dict[str, Case], said: dict[str, Ran]) -> None:
    with Sshd() as sshd:
        states = sshd.home / "states"
        sshd.namespace.must("install", "-d", "-m", "700", "-o", SSH_USER, str(states))
        argvs = with_history(services, states)
        seen = in_lanes(lambda name: sshd.check_by_ssh(argvs[name]), list(services))
    assert {name: (ran.code, ran.output) for name, ran in seen.items()} == {
        name: (ran.code, ran.output) for name, ran in said.items()
    }
