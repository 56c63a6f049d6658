"""Assertions 12 to 23: what is printed, over every captured host at every verbosity."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from support import HOSTS, STATES, Ran, check, command, fixture_arguments, run

from conformance.black_box import (
    HOST_NAMES,
    OUTPUT,
    VERBOSITIES,
    Gallery,
    every_check,
    every_check_and_host,
    expected_text,
    fresh_state,
    replay,
)
from conformance.perfdata_parsers import GRAMMAR

STATE_OF = {"ok": (0,), "warning": (1,), "critical": (2,), "hang": (3,), "huge": (1, 2), "hostile": (0, 1, 2, 3)}
NOISE = re.compile(
    r"Traceback|Warning:|\b[A-Z][A-Za-z]*(?:Error|Exception|Interrupt)\b|<(?:module|class|function)\b|\.py, line"
)
HOSTILE = re.compile(r"[^ -~]|[<>`$\\]")  # what web interfaces, shells and terminals trip over


def assert_well_formed(done: Ran) -> None:
    """Assertions 12 to 22, as far as they can be seen in one output."""
    assert done.code in (0, 1, 2, 3)
    assert done.stderr == b""
    text = done.stdout.decode("utf-8")
    word = OUTPUT.match(text)
    assert word, text[:80]
    assert word[1] == STATES[done.code]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text.count("|") <= 1
    assert "|" not in text.partition("\n")[2]
    assert [c for c in text if unicodedata.category(c).startswith("C") and c != "\n"] == []
    assert len(done.text) <= 160
    assert len(done.stdout) <= 8191
    assert not NOISE.search(text)


def garbage(directory: Path) -> list[str]:
    """Options that point at nothing sensible."""
    file = directory / "file"
    file.write_bytes(b"\0\xff|\x1b")
    empty = directory / "empty"
    empty.mkdir()
    return [
        f"--root={file}",
        f"--root={empty}",
        f"--root={directory}/missing",
        "--root=/dev/null",
        f"--root={'/x' * 3000}",
    ]


@every_check
@pytest.mark.parametrize("host", HOST_NAMES)
def test_every_check_has_its_captured_hosts(name: str, host: str) -> None:
    assert (HOSTS / name / host).is_dir()
    assert (HOSTS / name / host / "expected").is_file()


@every_check_and_host
def test_12_the_exit_code_is_that_of_the_host(name: str, host: str, gallery: Gallery) -> None:
    assert {done.code for done in gallery.verbosities(name, host)} <= set(STATE_OF[host])


@every_check
def test_12_to_22_hold_for_captures_that_are_garbage(name: str, state: Path) -> None:
    for option in garbage(state):
        done = check(name, option, "--state-dir", str(fresh_state(state)), "-vvv")
        assert_well_formed(done)
        assert done.code == 3


@every_check
def test_12_a_capture_that_is_not_there_is_never_ok(name: str, state: Path) -> None:
    for option in garbage(state):
        if not option.endswith("/empty"):
            assert check(name, option, "--state-dir", str(state), "--absent-ok").code == 3, option


@every_check_and_host
def test_13_line_1_is_never_blank(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert OUTPUT.match(done.line)


@every_check_and_host
def test_14_stderr_is_empty(name: str, host: str, gallery: Gallery) -> None:
    assert [done.stderr for done in gallery.verbosities(name, host)] == [b""] * len(VERBOSITIES)


@every_check_and_host
def test_15_the_status_word_is_that_of_the_exit_code(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert done.line.startswith(f"{name.upper()} {STATES[done.code]} - ")


@every_check_and_host
def test_16_line_1_says_the_worst_first_in_160_characters(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert done.text == expected_text(name, host)
        assert len(done.text) <= (80 if host == "ok" else 160)


@every_check_and_host
def test_17_the_output_fits_what_engines_read(name: str, host: str, gallery: Gallery) -> None:
    sizes = [len(done.stdout) for done in gallery.verbosities(name, host)]
    assert sizes[0] <= 4096
    assert max(sizes) <= 8191


@every_check
def test_17_what_is_cut_says_how_much_more_there_is(name: str, gallery: Gallery) -> None:
    for verbosity in ("-v", "-vv", "-vvv"):
        assert re.fullmatch(r"\.\.\. and \d+ more lines", gallery.run(name, "huge", verbosity).rest[-1])


@every_check_and_host
def test_18_all_performance_data_is_on_line_1(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert done.perfdata
        assert [line for line in done.rest if re.search(r"(?:^|\s)\S+=[\d.]+[a-zA-Z%]*;", line)] == []


@every_check_and_host
def test_19_the_only_pipe_stands_before_the_performance_data(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert done.output.count("|") == 1
        assert done.line.count(" | ") == 1


@every_check
def test_19_there_is_no_pipe_without_performance_data(name: str, state: Path) -> None:
    done = check(name, *garbage(state)[:1], "--state-dir", str(state))
    assert "|" not in done.output


@every_check_and_host
def test_20_output_is_printable(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert re.sub(r"[ -~\n]", "", done.stdout.decode("utf-8")) == ""


@every_check_and_host
def test_21_output_ends_with_one_newline(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert re.search(rb"[^\n]\n\Z", done.stdout)
        assert b"\n\n" not in done.stdout


@every_check_and_host
def test_22_no_traceback_exception_or_warning_is_shown(name: str, host: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, host):
        assert not NOISE.search(done.output)


@every_check
@pytest.mark.parametrize("host", ["ok", "critical", "hostile"])
@pytest.mark.parametrize("switches", [["-W", "error"], ["-I"], ["-O"], ["-X", "dev"]], ids=" ".join)
def test_22_python_switches_change_nothing(
    name: str, host: str, switches: list[str], state: Path, gallery: Gallery
) -> None:
    script = command(f"check_{name}")[0]
    arguments = [*fixture_arguments(name, host), "--state-dir", str(state), "-vvv"]
    assert run([sys.executable, *switches, script, *arguments])[:3] == gallery.run(name, host, "-vvv")[:3]


@every_check
def test_23_hostile_names_are_defused(name: str, gallery: Gallery) -> None:
    for done in gallery.verbosities(name, "hostile"):
        assert_well_formed(done)
        for line in [done.text, *done.rest]:
            assert not HOSTILE.search(line), line


@every_check
def test_23_hostile_names_do_not_make_lines_of_their_own(name: str, gallery: Gallery) -> None:
    start = re.compile(
        r"next: |(OK|WARNING|CRITICAL|UNKNOWN): |not seen: |no history|\d+ more |\.\.\. and \d+ more lines"
        r"|(none|\d+) of \d+ chunks |(server|master) \d+\.|(chunk|file) loop|directory /"
        r"|bond [ -~]+: |to pin it with |left alone: "
        r"|asked /"
        r"|TCP |route \S+ has "
    )
    for done in gallery.verbosities(name, "hostile"):
        assert [line for line in done.rest if not start.match(line)] == []


@every_check
def test_23_hostile_names_do_not_break_performance_data(name: str, gallery: Gallery) -> None:
    tokens = gallery.run(name, "hostile").line.partition(" | ")[2].split(" ")
    assert [token for token in tokens if not GRAMMAR.fullmatch(token)] == []


@every_check
@pytest.mark.parametrize(
    "word",
    [b"'=|$`<script>", b"\xff\xfe", b"a\nOK - all fine", b"\x1b[31m\r\t\x07", "\u202eb\u00fc".encode(), b"\\x00" * 50],
)
def test_23_hostile_arguments_are_defused(name: str, word: bytes, state: Path) -> None:
    hostile = os.fsdecode(word)
    for arguments in (
        [f"--{hostile}"],
        [hostile],
        ["-w", hostile],
        ["-t", hostile],
        ["--state-user", hostile],
        ["--root", f"/{hostile}", "--state-dir", str(fresh_state(state)), "-vvv"],
        ["--state-dir", f"{state}/{hostile}", "--root", str(HOSTS / name / "ok"), "-vvv"],
        ["--state-dir", f"/proc/{hostile}", "--root", str(HOSTS / name / "ok"), "-vvv"],
    ):
        done = check(name, *arguments)
        assert_well_formed(done)
        assert not HOSTILE.search(done.text)


@every_check
def test_23_hostile_names_do_not_reach_the_directories_around(name: str, state: Path) -> None:
    replay(name, "hostile", state, "--accept")
    assert {path.suffix for path in state.iterdir()} <= {".sqlite", ".lock"}
