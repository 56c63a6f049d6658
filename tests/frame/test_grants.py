"""Lines for sudoers: exactly one command with exactly its words."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks.frame.grants import own_sudoers_line, sudoers_line, user_name

VISUDO = shutil.which("visudo", path="/usr/sbin:/usr/bin:/sbin:/bin")
WORDS = [
    ["--bridge", "br-*"],
    ["--exclude=[a-z]?!", "a b", "x,y", "k:v", "#1"],
    ["back\\slash", "--", "-w", "~:10", "@1:2"],
    ["'single'", "per%cent", "at@sign", "{brace}", "(paren)", "^re$"],
    ["tab\there"],
]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], 'nagios ALL=(root) NOPASSWD: /usr/bin/check_x ""'),
        (["-w", "10:20"], r"nagios ALL=(root) NOPASSWD: /usr/bin/check_x -w 10\:20"),
        (["--bridge=br-*"], r"nagios ALL=(root) NOPASSWD: /usr/bin/check_x --bridge\=br-\*"),
        (["a b", "c,d"], r"nagios ALL=(root) NOPASSWD: /usr/bin/check_x a\ b c\,d"),
        (["[!?]", "#", "\\"], r"nagios ALL=(root) NOPASSWD: /usr/bin/check_x \[\!\?\] \# \\"),
    ],
)
def test_line(arguments: list[str], expected: str) -> None:
    assert sudoers_line("nagios", "/usr/bin/check_x", arguments) == expected


def test_the_program_is_escaped_too() -> None:
    assert sudoers_line("u", "/opt/my tools/x=1", []) == r'u ALL=(root) NOPASSWD: /opt/my\ tools/x\=1 ""'


@pytest.mark.parametrize("arguments", [[""], ["", ""]])
def test_empty_words_never_allow_every_word(arguments: list[str]) -> None:
    assert sudoers_line("u", "/usr/bin/check_x", arguments).split("/usr/bin/check_x", 1)[1].strip() != ""


@pytest.mark.skipif(VISUDO is None, reason="visudo is not installed")
@pytest.mark.parametrize("arguments", [[], *WORDS])
@pytest.mark.parametrize("user", ["nagios", "#1000"])
def test_visudo_accepts_it(tmp_path: Path, user: str, arguments: list[str]) -> None:
    file = tmp_path / "rules"
    file.write_text(sudoers_line(user, "/usr/bin/check_x", arguments) + "\n")
    file.chmod(0o440)
    assert VISUDO is not None
    checked = subprocess.run([VISUDO, "-cf", str(file)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_line_for_this_very_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/../bin/check_x", "--bridge", "br-*"])
    assert own_sudoers_line() == rf"{user_name()} ALL=(root) NOPASSWD: /usr/bin/check_x --bridge br-\*"


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_001)
    assert user_name() == "#4000000001"
