"""The commands that deliver keep those assertions that fit a command for people and machines alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import PLAIN_ENVIRONMENT, command, run

from conformance.black_box import CHECKS

COMMANDS = ("passive", "submit", "prometheus")
every_command = pytest.mark.parametrize("name", COMMANDS)


@every_command
@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--bogus", "--help"], ["bond", "--help", "--version"]])
def test_help_is_80_columns_on_stdout_and_exit_code_3(name: str, arguments: list[str]) -> None:
    done = run([*command("undergoal"), name, *arguments], environment={})
    assert (done.code, done.stderr) == (3, b"")
    assert done.output.startswith(f"usage: undergoal {name} [CHECK ...] [OPTIONS]\n")
    assert [line for line in done.output.split("\n") if len(line) > 80] == []


@every_command
def test_version_is_one_line_and_exit_code_3(name: str) -> None:
    done = run([*command("undergoal"), name, "--bogus", "-V"], environment={})
    assert (done.code, done.stderr) == (3, b"")
    assert re.fullmatch(rf"undergoal {name} \d+\.\d+\.\d+\n", done.output)


@every_command
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--bogus"], "unknown option --bogus"),
        (["--no-history=1"], "option --no-history takes no value"),
        (["-t", "0"], "option -t: '0' is not between 0.1 and 3600 seconds"),
        (["=x"], "'=x' is not [SERVICE=]CHECK [OPTIONS]"),
        (["--state-dir"], "option --state-dir needs a value (DIR)"),
    ],
)
def test_a_wrong_command_line_is_unknown_in_one_line(name: str, arguments: list[str], reason: str) -> None:
    done = run([*command("undergoal"), name, *arguments])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == f"UNKNOWN - undergoal {name}: {reason}; see undergoal {name} --help\n"


@pytest.mark.parametrize("where", [">&-", ">/dev/full", "<&- >&- 2>&-"])
@every_command
def test_output_that_cannot_be_written_is_exit_code_3(name: str, where: str, state: Path) -> None:
    argv = [*command("undergoal"), name, "--state-dir", str(state), "docker_bridge --root /nonexistent"]
    done = run(["sh", "-c", f'exec "$@" {where}', "sh", *argv])
    assert done[:3] == (3, b"", b"")


def test_passive_has_one_result_for_each_name(state: Path) -> None:
    words = [f"{name} --root /nonexistent" for name in CHECKS]
    done = run([*command("undergoal"), "passive", "--state-dir", str(state), *words, "bond\x1b|`'x"], environment={})
    assert (done.code, done.stderr) == (0, b"")
    lines = done.output.splitlines()
    assert lines[1::2] == ["STATUS CODE: 3"] * (len(CHECKS) + 1)
    for name, line in zip(CHECKS, lines[::2]):
        expected = f"{name.upper()} UNKNOWN - cannot read the captured tree /nonexistent: No such file or directory"
        assert line == expected
    assert re.fullmatch(r"[ -~]+ UNKNOWN - [ -~]+", lines[-2])
    assert "|" not in lines[-2]


@pytest.mark.needs("unshare")
def test_passive_without_names_is_what_applies(state: Path) -> None:
    done = run(
        ["unshare", "--net", *command("undergoal"), "passive"],
        environment={**PLAIN_ENVIRONMENT, "STATE_DIRECTORY": str(state)},
    )
    assert (done.code, done.stderr) == (0, b"")
    assert "DOCKER_BRIDGE" not in done.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "needs one of --icinga URL, --nagios-cmd FILE and --spool DIR"),
        (["--spool", "/a", "--nagios-cmd", "/b"], "needs one of --icinga URL, --nagios-cmd FILE and --spool DIR"),
        (["--spool", "/a", "bond", "bond"], "two results for one service: name them, SERVICE=CHECK"),
        (["--spool", "/a", "--host", "a;b"], "'a;b' is no name for a host or service"),
        (["--icinga", "https://m", "--cert", "/c"], "options --cert and --key belong together"),
        (["--icinga", "https://m", "--credentials", "/no"], "/no: No such file or directory"),
    ],
)
def test_submit_says_what_it_lacks(arguments: list[str], reason: str) -> None:
    done = run([*command("undergoal"), "submit", *arguments])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == f"UNKNOWN - undergoal submit: {reason}; see undergoal submit --help\n"


def test_submit_names_what_is_not_delivered(state: Path) -> None:
    argv = [*command("undergoal"), "submit", "--state-dir", str(state), "--spool", "/nonexistent"]
    done = run([*argv, "docker_bridge --root /nonexistent"])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output == (
        "UNKNOWN - undergoal submit: 1 of 1 results not submitted to /nonexistent\n"
        "not submitted: docker_bridge: cannot be written: No such file or directory\n"
    )
