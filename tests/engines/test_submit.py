"""undergoal submit into a real Icinga 2 and a real Nagios: every check in every state arrives once, unchanged."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines.cases import Case, perfdata_of, text_of, with_history
from lab.icinga import HOST, PASSWORD, USER_NAME, Icinga
from lab.nagios import Nagios
from lab.scratch import Scratch, as_user
from support import Ran, command, run

pytestmark = pytest.mark.needs("unshare", "nsenter", "setpriv")
SUBMIT = [*command("undergoal"), "submit", "--host", HOST]


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def icinga(services: dict[str, Case]) -> Iterator[Icinga]:
    with Icinga({name: ["/bin/false"] for name in services}) as made:
        yield made


def jobs(services: dict[str, Case], states: Path) -> list[str]:
    argvs = with_history(services, states)
    return [f"{name}={services[name].check} {shlex.join(argv[1:])}" for name, argv in argvs.items()]


def with_password(icinga: Icinga, scratch: Scratch, secret: str = PASSWORD) -> list[str]:
    """The options for the API."""
    file = scratch.file("credentials", f"{USER_NAME}:{secret}\n", 0o600)
    return ["--icinga", icinga.url, "--ca", str(icinga.authority), "--credentials", str(file)]


@pytest.mark.needs("icinga2")
def test_through_icingas_api(icinga: Icinga, services: dict[str, Case], said: dict[str, Ran], scratch: Scratch) -> None:
    start = time.time()
    words = jobs(services, scratch.directory("states"))
    ran = icinga.run(*as_user([*SUBMIT, *with_password(icinga, scratch), *words]))
    assert (ran.code, ran.stderr) == (0, b""), ran.output
    assert ran.line.startswith(f"OK - undergoal submit: {len(services)} results (")
    seen = icinga.wait_for(set(services), start)
    assert {name: found["service_state"] for name, found in seen.items()} == {n: r.code for n, r in said.items()}
    assert {name: found["output"] for name, found in seen.items()} == {name: text_of(r) for name, r in said.items()}
    numbers = {name: found["performance_data"] for name, found in seen.items()}
    assert numbers == {name: perfdata_of(ran).split() for name, ran in said.items()}


@pytest.mark.needs("icinga2")
def test_with_a_client_certificate(icinga: Icinga, scratch: Scratch) -> None:
    certificate, key = icinga.certificate
    scratch.file("node.crt", certificate.read_text())
    scratch.file("node.key", key.read_text(), 0o600)
    options = ["--icinga", icinga.url, "--ca", str(icinga.authority)]
    options += ["--cert", str(scratch.path / "node.crt"), "--key", str(scratch.path / "node.key")]
    start = time.time()
    ran = icinga.run(*as_user([*SUBMIT, *options, "docker_bridge.ok=docker_bridge --root /nonexistent"]))
    assert ran.code == 0, ran.output
    assert icinga.wait_for({"docker_bridge.ok"}, start)["docker_bridge.ok"]["service_state"] == 3


@pytest.mark.needs("icinga2")
def test_what_icinga_does_not_take_is_named(icinga: Icinga, scratch: Scratch) -> None:
    start = time.time()
    words = ["docker_bridge.ok=docker_bridge --root /nonexistent", "nobody_knows=docker_bridge --root /nonexistent"]
    ran = icinga.run(*as_user([*SUBMIT, *with_password(icinga, scratch), *words]))
    assert ran.code == 3
    assert ran.output == (
        f"UNKNOWN - undergoal submit: 1 of 2 results not submitted to {icinga.url}\n"
        f"not submitted: nobody_knows: has no service {HOST}!nobody_knows, or these credentials may not see it\n"
    )
    icinga.wait_for({"docker_bridge.ok"}, start)


@pytest.mark.needs("icinga2")
def test_who_is_not_trusted_gets_nothing(icinga: Icinga, scratch: Scratch) -> None:
    """A wrong password is not told, and without Icinga's own CA nothing is sent at all."""
    job = "docker_bridge.ok=docker_bridge --root /nonexistent"
    before = icinga.results()["docker_bridge.ok"]["execution_end"]
    wrong = with_password(icinga, scratch, "wrong-secret")
    ran = icinga.run(*as_user([*SUBMIT, *wrong, "-vvv", job]))
    assert (ran.code, ran.stderr) == (3, b"")
    assert "does not know these credentials" in ran.output
    assert "wrong-secret" not in ran.output
    untrusted = [word for word in wrong if word not in ("--ca", str(icinga.authority))]
    ran = icinga.run(*as_user([*SUBMIT, *untrusted, "-vvv", job]))
    assert (ran.code, ran.stderr) == (3, b"")
    assert "is not trusted: " in ran.output
    assert icinga.results()["docker_bridge.ok"]["execution_end"] == before


@pytest.mark.needs("icinga2")
def test_a_restart_costs_nothing(icinga: Icinga, scratch: Scratch) -> None:
    """Credentials from the environment this time."""
    icinga.stop()
    start = time.time()
    argv = [*SUBMIT, "--icinga", icinga.url, "--ca", str(icinga.authority), "--within", "60"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "UNDERGOAL_CREDENTIALS": f"{USER_NAME}:{PASSWORD}"}
    waiting = subprocess.Popen(
        [*icinga.namespace.enter, *as_user([*argv, "docker_bridge.ok=docker_bridge --root /nonexistent"])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        time.sleep(2)
        assert waiting.poll() is None
        icinga.start()
        output, errors = waiting.communicate(timeout=60)
    finally:
        waiting.kill()
        waiting.wait()
    assert (waiting.returncode, errors) == (0, b""), output
    assert icinga.wait_for({"docker_bridge.ok"}, start)["docker_bridge.ok"]["service_state"] == 3


@pytest.mark.needs("nagios4")
@pytest.mark.parametrize("way", ["--nagios-cmd", "--spool"])
def test_into_nagios(way: str, services: dict[str, Case], said: dict[str, Ran], scratch: Scratch) -> None:
    with Nagios({name: ["/bin/false"] for name in services}) as nagios:
        place = nagios.command_file if way == "--nagios-cmd" else nagios.spool
        start = time.time()
        words = jobs(services, scratch.directory("states"))
        ran = run(as_user([*SUBMIT, way, str(place), *words]))
        assert (ran.code, ran.stderr) == (0, b""), ran.output
        seen = nagios.wait_for(set(services), start, 30)
        assert list(nagios.spool.iterdir()) == []
    assert {name: found.state for name, found in seen.items()} == {name: ran.code for name, ran in said.items()}
    assert {name: found.perfdata for name, found in seen.items()} == {n: perfdata_of(ran) for n, ran in said.items()}
    for name, found in seen.items():
        first, *rest = found.text.split("\n")
        assert first == said[name].text.replace(";", ":")
        # what does not fit into one write to the pipe is left out, in whole lines
        assert rest == said[name].rest if way == "--spool" else said[name].rest[: len(rest)] == rest


@pytest.mark.needs("nagios4")
def test_a_nagios_that_is_down_loses_nothing_silently(scratch: Scratch) -> None:
    with Nagios({"a": ["/bin/false"]}) as nagios:
        pipe = nagios.command_file
        words = [*SUBMIT, "--nagios-cmd", str(pipe), "--within", "1", "a=docker_bridge --root /nonexistent"]
        pipe.rename(pipe.with_suffix(".away"))
        ran = run(as_user(words))
        assert (ran.code, ran.stderr) == (3, b"")
        assert ran.rest == ["not submitted: a: has no reader: Nagios does not run"]
        pipe.write_text("a plain file in its place\n")
        pipe.chmod(0o666)
        assert run(as_user(words)).rest == ["not submitted: a: is not a named pipe"]
