"""The command for people keeps those assertions that fit it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Callable

import pytest
from support import PLAIN_ENVIRONMENT, STATES, Ran, command, run

from conformance.black_box import CHECKS
from conformance.fake_docker import FakeDocker, healthy, silent
from conformance.namespace import with_bridge
from conformance.processes import no_descendants_left, started, stop

UNDERGOAL = command("undergoal")
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}  # and no way around it


@pytest.fixture
def environment(state: Path) -> dict[str, str]:
    """A plain environment with a history of its own."""
    return {**PLAIN_ENVIRONMENT, "STATE_DIRECTORY": str(state)}


@pytest.fixture
def run_directory(tmp_path: Path) -> Iterator[Path]:
    """What is shown as /run, with a healthy Docker in it."""
    place = tmp_path / "run"
    place.mkdir()
    with FakeDocker(place / "docker.sock", healthy):
        yield place


def on_a_pty(argv: list[str], environment: dict[str, str]) -> str:
    """All that a command prints on a terminal."""
    control, terminal = pty.openpty()
    with started(argv, stdout=terminal, stderr=terminal, env=environment):
        os.close(terminal)
        printed = b""
        with suppress(OSError):  # the terminal's other end was closed
            while data := os.read(control, 4096):
                printed += data
    os.close(control)
    return printed.decode()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--bogus", "--help"], ["--help", "--version"], ["list", "-h"]]
)
def test_help_is_80_columns_on_stdout_and_exit_code_3(arguments: list[str]) -> None:
    done = run([*UNDERGOAL, *arguments], environment={})
    assert (done.code, done.stderr) == (3, b"")
    assert done.output.startswith("usage: undergoal [COMMAND] [OPTIONS]\n")
    assert [line for line in done.output.split("\n") if len(line) > 80] == []


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["--bogus", "-V"]])
def test_version_is_one_line_and_exit_code_3(arguments: list[str]) -> None:
    done = run([*UNDERGOAL, *arguments], environment={})
    assert (done.code, done.stderr) == (3, b"")
    assert re.fullmatch(r"undergoal \d+\.\d+\.\d+\n", done.output)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bogus"], "unknown option --bogus"),
        (["--jso"], "unknown option --jso"),
        (["nonsense"], "unexpected argument nonsense"),
        (["--json=1"], "option --json takes no value"),
        (["list", "more"], "unexpected argument more"),
        (["a|b\x1b\n`$"], "unexpected argument a/b? '?"),
    ],
)
def test_a_wrong_command_line_is_unknown_in_one_line(arguments: list[str], reason: str) -> None:
    done = run([*UNDERGOAL, *arguments])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == f"UNKNOWN - undergoal: {reason}; see undergoal --help\n"


def test_list_names_every_check() -> None:
    done = run([*UNDERGOAL, "list"])
    assert (done.code, done.stderr) == (0, b"")
    listed, hint = done.output.split("\n\n")
    assert sorted(line.split()[0] for line in listed.splitlines()) == sorted(CHECKS)
    assert all(re.fullmatch(r"\w+ +[A-Z][ -~]+\?", line) for line in listed.splitlines())
    assert hint.startswith("undergoal history ")


@pytest.mark.needs("unshare", "ip", "mount")
@pytest.mark.parametrize("arguments", [[], ["-v"], ["-vvv"], ["--no-history"]], ids=" ".join)
def test_the_table_is_plain_when_nobody_looks(
    arguments: list[str], environment: dict[str, str], run_directory: Path
) -> None:
    done = run([*with_bridge(str(run_directory)), *UNDERGOAL, *arguments], environment=environment)
    assert (done.code, done.stderr) == (0, b"")
    assert re.fullmatch(r"undergoal \d\S+ on \S+: [12] of \d+ checks apply here, all OK", done.line)
    assert re.fullmatch(r"OK {8}docker_bridge +docker0 0/1023 ports", done.rest[0])
    assert re.sub(r"[ -~\n]", "", done.output) == ""
    assert "Traceback" not in done.output


@pytest.mark.needs("unshare", "ip", "mount")
def test_a_problem_is_the_exit_code(environment: dict[str, str], tmp_path: Path) -> None:
    with FakeDocker(tmp_path / "docker.sock", lambda connection: connection.sendall(b"nonsense\r\n\r\n")):
        done = run([*with_bridge(str(tmp_path)), *UNDERGOAL], environment=environment)
    assert (done.code, done.stderr) == (3, b"")
    assert re.search(r"^UNKNOWN +docker_bridge +Docker .*; 1 ok$", done.output, re.MULTILINE)
    assert done.line.endswith("1 of them not OK")


@pytest.mark.needs("unshare")
def test_where_nothing_applies_nothing_was_judged(environment: dict[str, str]) -> None:
    done = run(["unshare", "--net", *UNDERGOAL], environment=environment)
    assert (done.code, done.stderr) == (0, b"")
    if len(CHECKS) == 1:
        assert done.line.endswith(": none of 1 checks applies here, so nothing was judged")
    assert re.search(r"^- +docker_bridge +does not apply: no Linux bridge on this host$", done.output, re.MULTILINE)


@pytest.mark.needs("unshare", "ip", "mount")
def test_colours_are_for_terminals(environment: dict[str, str], run_directory: Path) -> None:
    argv = [*with_bridge(str(run_directory)), *UNDERGOAL]
    terminal = {**environment, "TERM": "xterm"}
    assert "\x1b[32mOK" in on_a_pty(argv, terminal)
    assert "\x1b" not in on_a_pty(argv, {**terminal, "NO_COLOR": "1"})
    assert "\x1b" not in on_a_pty([*argv, "--json"], terminal)


@pytest.mark.needs("unshare", "ip", "mount")
def test_json_is_json(environment: dict[str, str], run_directory: Path) -> None:
    done = run([*with_bridge(str(run_directory)), *UNDERGOAL, "--json"], environment=environment)
    assert (done.code, done.stderr) == (0, b"")
    document = json.loads(done.output, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert sorted(outcome["check"] for outcome in document) == sorted(CHECKS)
    assert {outcome["state"] for outcome in document} <= set(STATES)
    (bridge,) = [outcome for outcome in document if outcome["check"] == "docker_bridge"]
    assert (bridge["applies"], bridge["text"]) == (True, "docker0 0/1023 ports")
    assert {"item": "docker0", "measure": "ports", "value": 0}.items() <= bridge["values"][0].items()


@pytest.mark.needs("unshare", "ip", "mount")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_answered_at_once(number: signal.Signals, environment: dict[str, str], tmp_path: Path) -> None:
    argv = [*with_bridge(str(tmp_path)), *UNDERGOAL]
    with (
        FakeDocker(tmp_path / "docker.sock", silent) as docker,
        no_descendants_left(),
        started(argv, env=environment) as process,
    ):
        wait_for(lambda: docker.asked == 1)
        done = stop(process, number)
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == f"UNKNOWN - undergoal: stopped by {number.name}\n"
    assert done.seconds < 0.5


def wait_for(condition: Callable[[], bool]) -> None:
    """Until the condition is true."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.needs("unshare", "ip", "mount")
def test_a_check_that_hangs_is_unknown_and_in_time(environment: dict[str, str], tmp_path: Path) -> None:
    with FakeDocker(tmp_path / "docker.sock", silent):
        done = run([*with_bridge(str(tmp_path)), *UNDERGOAL], environment=environment)
    assert (done.code, done.stderr) == (3, b"")
    assert re.search(r"^UNKNOWN +docker_bridge +Docker did not answer in time.*; 1 ok$", done.output, re.MULTILINE)
    assert done.seconds < 9


@pytest.mark.parametrize("arguments", [[], ["list"], ["--help"], ["--json"], ["--bogus"]], ids=" ".join)
@pytest.mark.parametrize("where", [">&-", ">/dev/full", "<&- >&- 2>&-"])
def test_output_that_cannot_be_written_is_exit_code_3(
    arguments: list[str], where: str, environment: dict[str, str]
) -> None:
    done = run(["sh", "-c", f'exec "$@" {where}', "sh", *UNDERGOAL, *arguments], environment=environment)
    assert done[:3] == (3, b"", b"")


def test_nobody_listening_is_exit_code_3(environment: dict[str, str]) -> None:
    receive, send = os.pipe()
    os.close(receive)
    try:
        done = subprocess.run([*UNDERGOAL, "list"], stdout=send, stderr=subprocess.PIPE, env=environment, check=False)
    finally:
        os.close(send)
    assert (done.returncode, done.stderr) == (3, b"")


@pytest.mark.parametrize("arguments", [[], ["-vvv"], ["--json"], ["list"]], ids=" ".join)
@pytest.mark.parametrize(
    "extra", [{}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}], ids=["plain", "C"]
)
def test_an_empty_environment_is_enough(arguments: list[str], extra: dict[str, str], state: Path) -> None:
    done: Ran = run([*UNDERGOAL, *arguments], environment={"STATE_DIRECTORY": str(state), **extra})
    assert done.code in (0, 1, 2, 3)
    assert done.stderr == b""
    assert done.output.strip()
    assert "Traceback" not in done.output
