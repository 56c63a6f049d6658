"""Assertions 1 to 11: the command line."""

from __future__ import annotations

import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from support import PLAIN_ENVIRONMENT, PROJECT, Ran, check, command, run

from conformance.black_box import (
    AS_NOBODY,
    GROWING,
    Gallery,
    every_check,
    every_check_and_host,
    fresh_state,
    long_options,
    replay,
)
from conformance.history_file import backdate, history

NEVER = "~:"  # a range that holds every number


def usage_line(name: str, reason: str) -> str:
    """The one line of a wrong command line."""
    return f"UNKNOWN - check_{name}: {reason}; see check_{name} --help\n"


def main_value(name: str, state: Path) -> Decimal:
    """The first number of the healthy host."""
    first = next(iter(replay(name, "ok", state).perfdata.values()))
    number = re.match(r"-?[\d.]+", first)
    assert number, first
    return Decimal(number[0])


@every_check
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_01_help_is_80_columns_on_stdout_and_exit_code_3(name: str, flag: str) -> None:
    done = check(name, flag)
    assert (done.code, done.stderr) == (3, b"")
    assert done.output.startswith(f"usage: check_{name} [OPTIONS]\n")
    assert [line for line in done.output.split("\n") if len(line) > 80] == []


@every_check
@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_02_version_is_one_line_and_exit_code_3(name: str, flag: str) -> None:
    done = check(name, flag)
    assert (done.code, done.stderr) == (3, b"")
    assert re.fullmatch(rf"check_{name} \d+\.\d+\.\d+\n", done.output)


@every_check
@pytest.mark.parametrize("flag", ["--help", "--version"])
@pytest.mark.parametrize(
    "wrong", [["--no-such-option"], ["-t", "never"], ["stray"], ["-w"], ["-c", "1,5"]], ids=" ".join
)
def test_03_help_and_version_win_over_every_other_option(name: str, flag: str, wrong: list[str]) -> None:
    alone = check(name, flag)
    assert check(name, *wrong, flag)[:3] == alone[:3]
    assert check(name, flag, *wrong)[:3] == alone[:3]


@every_check
@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_03_help_and_version_need_no_environment(name: str, flag: str) -> None:
    assert check(name, flag, environment={})[:3] == check(name, flag)[:3]


@pytest.mark.needs("setpriv")
@every_check
@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_03_help_and_version_need_no_rights(name: str, flag: str) -> None:
    assert run([*AS_NOBODY, *command(f"check_{name}"), flag])[:3] == check(name, flag)[:3]


@every_check
def test_03_help_version_and_verdict_need_no_optional_package(name: str, tmp_path: Path) -> None:
    for package in ("psutil", "requests", "pySMART", "rich"):
        (tmp_path / f"{package}.py").write_text("raise ImportError(__name__)\n")
    environment = {**PLAIN_ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    for flag in ("--help", "--version"):
        assert check(name, flag, environment=environment)[:3] == check(name, flag)[:3]
    done = replay(name, "ok", fresh_state(tmp_path), environment=environment)
    assert done[:3] == replay(name, "ok", fresh_state(tmp_path))[:3]


@every_check
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--no-such-option"], "unknown option --no-such-option"),
        (["--no-such-option=5"], "unknown option --no-such-option"),
        (["-Z"], "unknown option -Z"),
        (["stray"], "unexpected argument stray"),
        (["--state-dir"], "option --state-dir needs a value (DIR)"),
        (["--timeout"], "option --timeout needs a value (SECONDS)"),
        (["-w"], "option -w needs a value (RANGE)"),
        (["--absent-ok=yes"], "option --absent-ok takes no value"),
        (["--state-dir", "relative"], "option --state-dir: needs an absolute path"),
        (["--root="], "option --root: needs an absolute path"),
        (["--accept", "--no-history"], "option --accept: there is nothing to accept with --no-history"),
        (["--state-user", "no such user"], "option --state-user: there is no user no such user"),
    ],
)
def test_04_a_wrong_command_line_is_unknown_and_names_the_option(name: str, arguments: list[str], reason: str) -> None:
    done = check(name, *arguments)
    assert (done.code, done.output, done.stderr) == (3, usage_line(name, reason), b"")


def ranges_around(value: Decimal) -> dict[str, bool]:
    """Threshold ranges -> whether ``value`` is to alert: at each endpoint, and one step outside of each."""
    up, down, far, half = value + 1, value - 1, value + 10, Decimal("0.5")
    ranges = {
        f"{value}": False,
        f"{value}:": False,
        f"{up}:": True,
        f"~:{value}": False,
        f"~:{down}": True,
        f"{value}:{far}": False,
        f"{value - 10}:{value}": False,
        f"{value}:{value}": False,
        f"{up}:{far}": True,
        f"{value - 10}:{down}": True,
        f"@{value}:{far}": True,
        f"@{value - 10}:{value}": True,
        f"@{up}:{far}": False,
        f"@{value - 10}:{down}": False,
        f"@~:{value}": True,
        f"@~:{down}": False,
        f"@{value}:": True,
        f"@{up}:": False,
        f"{value - half}:{value + half}": False,
        f"{value + half}:{up + half}": True,
        f"{down - half}:{value - half}": True,
        f"@{value - half}:{value + half}": True,
        f"@{value + half}:{up + half}": False,
        f"-5:{value}": False,
        f"-5:{down}": True,
        f"-7.25:{value + half}": False,
        f"{-value - 5}:{-value - 1}": True,
        f"@{-value - 5}:{-value - 1}": False,
        f"@-5.5:{value}": True,
        "~:": False,
        "@~:": True,
    }
    return ranges if down < 0 else {**ranges, f"{down}": True}  # 0:-1 is no range


@every_check
def test_05_ranges_are_judged_exactly_at_their_ends(name: str, state: Path) -> None:
    value = main_value(name, state)
    cases = [
        (level, text, code if alert else 0)
        for text, alert in ranges_around(value).items()
        for level, code in (("-w", 1), ("-c", 2))
    ]

    def judged(case: tuple[str, str, int]) -> int:
        level, text, _ = case
        other = "-c" if level == "-w" else "-w"
        return replay(name, "ok", fresh_state(state), level, text, other, NEVER).code

    with ThreadPoolExecutor(2) as pool:
        wrong = [(case, code) for case, code in zip(cases, pool.map(judged, cases)) if code != case[2]]
    assert wrong == []


@every_check
def test_05_warning_and_critical_are_judged_apart(name: str, state: Path) -> None:
    value = main_value(name, state)
    for warning, critical, code in ((value - 1, value, 1), (value - 1, value - 1, 2), (value, value - 1, 2)):
        assert replay(name, "ok", state, "-w", f"~:{warning}", "-c", f"~:{critical}").code == code


@every_check
def test_06_a_threshold_that_is_not_given_never_alerts(name: str, state: Path) -> None:
    levels = [option for option in long_options(name) if option.endswith(("-warning", "-critical"))]
    switched_off = [word for option in [*levels, "-w", "-c"] for word in (option, NEVER)]
    done = replay(name, "ok", state, *switched_off)
    assert done.code == 0
    assert {token.split(";")[1:3] == ["", ""] for token in done.perfdata.values() if ";" in token} <= {True}


@pytest.mark.parametrize("name", GROWING)
def test_06_a_negative_value_without_a_threshold_never_alerts(name: str, state: Path) -> None:
    replay(name, "ok", state)
    assert backdate(history(state), per_hour=-60)
    done = replay(name, "ok", state)
    negative = [token for token in done.perfdata.values() if token.startswith("-")]
    assert negative
    assert [token for token in negative if ";" in token] == []
    assert done.code == 0


@every_check
@pytest.mark.parametrize("text", ["-5:-1", "-5.5:-1.25", "-5:"])
def test_07_a_range_may_begin_with_a_minus_sign(name: str, text: str, tmp_path: Path) -> None:
    value = main_value(name, fresh_state(tmp_path))
    forms = [["-w", text], [f"-w={text}"], [f"-w{text}"], ["--warning", text], [f"--warning={text}"]]
    runs = [replay(name, "ok", fresh_state(tmp_path), *form)[:3] for form in forms]
    assert runs[0][0] == (0 if text == "-5:" and value >= -5 else 1)
    assert runs == [runs[0]] * len(forms)


@every_check
@pytest.mark.parametrize("flag", ["-w", "-c", "--warning", "--critical"])
@pytest.mark.parametrize(
    "text",
    [
        "10:5",
        "abc",
        "1:2:3",
        "@",
        "",
        "5%",
        "nan",
        "inf",
        "-inf",
        "1,5",
        "1e3",
        "0x10",
        "--5",
        "5:~",
        "\u0661",
        " 5",
        "5 ",
    ],
)
def test_08_what_is_no_range_is_refused_in_one_line(name: str, flag: str, text: str) -> None:
    done = check(name, flag, text)
    assert (done.code, done.stderr, done.output.count("\n")) == (3, b"", 1)
    shown = "?" if text == "\u0661" else text
    assert done.output.startswith(f"UNKNOWN - check_{name}: option {flag}: ")
    assert f"'{shown}'" in done.output


@every_check
def test_08_every_threshold_option_refuses_what_is_no_range(name: str) -> None:
    levels = [option for option in long_options(name) if option.endswith(("-warning", "-critical"))]
    for option in levels:
        done = check(name, f"{option}=10:5")
        assert done.code == 3
        assert done.output.startswith(f"UNKNOWN - check_{name}: option {option}: '10:5' ")


@every_check
def test_09_nothing_is_required(name: str, state: Path) -> None:
    done = run(command(f"check_{name}"), environment={**PLAIN_ENVIRONMENT, "STATE_DIRECTORY": str(state)})
    assert done.stderr == b""
    assert re.match(rf"{name.upper()} (OK|WARNING|CRITICAL|UNKNOWN) - ", done.output)


@every_check
def test_09_long_options_are_not_abbreviable(name: str) -> None:
    options = long_options(name)
    for option in options:
        if option[:-1] not in options:
            done = check(name, f"{option[:-1]}=5")
            assert (done.code, done.output) == (3, usage_line(name, f"unknown option {option[:-1]}"))


@every_check
@pytest.mark.parametrize(
    "text", ["0", "-5", "-0.5", "abc", "", "nan", "inf", "1e3", "4294967296", "99999999999999999999"]
)
def test_10_a_timeout_that_is_no_sensible_time_is_a_usage_error(name: str, text: str) -> None:
    for form in (["-t", text], ["--timeout", text], [f"--timeout={text}"]):
        done = check(name, *form)
        assert (done.code, done.stderr) == (3, b"")
        assert done.output.startswith(f"UNKNOWN - check_{name}: option {form[0].split('=')[0]}: '{text}' ")
        assert done.output.count("\n") == 1


@every_check
@pytest.mark.parametrize(
    "form", [["-t", "5"], ["-t5"], ["-t=5"], ["--timeout", "2.5"], ["--timeout=1min"]], ids=" ".join
)
def test_10_a_timeout_in_seconds_is_accepted(name: str, form: list[str], tmp_path: Path) -> None:
    default = replay(name, "ok", fresh_state(tmp_path))
    assert replay(name, "ok", fresh_state(tmp_path), *form)[:3] == default[:3]


@every_check_and_host
def test_11_verbosity_changes_neither_exit_code_nor_performance_data(name: str, host: str, gallery: Gallery) -> None:
    def verdict(done: Ran) -> tuple[int, str]:
        return done.code, done.line.partition("|")[2]

    assert len({verdict(done) for done in gallery.verbosities(name, host)}) == 1


@every_check
def test_11_verbosity_may_be_repeated_in_any_form(name: str, tmp_path: Path, gallery: Gallery) -> None:
    wanted = gallery.run(name, "warning", "-vv")[:3]
    for form in (["-v", "-v"], ["--verbose", "--verbose"], ["-v", "--verbose"]):
        assert replay(name, "warning", fresh_state(tmp_path), *form)[:3] == wanted
    assert len(wanted[1]) > len(gallery.run(name, "warning").stdout)


def test_every_check_is_installed_beside_this_interpreter() -> None:
    from conformance.black_box import CHECKS

    assert CHECKS
    assert [name for name in CHECKS if not shutil.which(command(f"check_{name}")[0])] == []
    assert Path(sys.executable).is_absolute()
    assert (PROJECT / "setup.cfg").exists()
