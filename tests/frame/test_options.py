"""Command lines: every form an option may take, and every mistake."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.options import Option, UsageError, asks_for, help_text, parse, seconds


def whole(text: str) -> int:
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"'{text}' is not a whole number")
    return int(text)


OPTIONS = [
    Option(("-w", "--warning"), "warn", "RANGE", default="900"),
    Option(("-c", "--critical"), "crit", "RANGE"),
    Option(("-v", "--verbose"), "more", repeat=True),
    Option(("-n", "--count"), "count", "N", whole, 3),
    Option(("--state-dir",), "directory", "DIR"),
    Option(("--exclude",), "pattern", "PATTERN", repeat=True),
    Option(("--only",), "pattern", "PATTERN", default=("a", "b"), repeat=True),
    Option(("--absent-ok",), "fine"),
]
DEFAULTS = {
    "warning": "900",
    "critical": None,
    "verbose": 0,
    "count": 3,
    "state_dir": None,
    "exclude": [],
    "only": ["a", "b"],
    "absent_ok": False,
}


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ([], {}),
        (["--warning=10"], {"warning": "10"}),
        (["--warning", "10"], {"warning": "10"}),
        (["--warning=10=20"], {"warning": "10=20"}),
        (["--warning="], {"warning": ""}),
        (["--warning", ""], {"warning": ""}),
        (["-w", "10"], {"warning": "10"}),
        (["-w10"], {"warning": "10"}),
        (["-w=10"], {"warning": "10"}),
        (["-w="], {"warning": ""}),
        (["-w", "-5:-1"], {"warning": "-5:-1"}),
        (["-w-5:-1"], {"warning": "-5:-1"}),
        (["-w=-5:-1"], {"warning": "-5:-1"}),
        (["--warning", "-5:-1"], {"warning": "-5:-1"}),
        (["--warning=-5:-1"], {"warning": "-5:-1"}),
        (["-w", "--absent-ok"], {"warning": "--absent-ok"}),
        (["--warning", "-vv", "-v"], {"warning": "-vv", "verbose": 1}),
        (["-w", "-c", "-c", "-w"], {"warning": "-c", "critical": "-w"}),
        (["-v"], {"verbose": 1}),
        (["-vvv"], {"verbose": 3}),
        (["-v", "-vv", "--verbose"], {"verbose": 4}),
        (["-vvw10"], {"verbose": 2, "warning": "10"}),
        (["-vw", "10"], {"verbose": 1, "warning": "10"}),
        (["-vw", "-5", "-v"], {"verbose": 2, "warning": "-5"}),
        (["-vw=10"], {"verbose": 1, "warning": "10"}),
        (["-wv"], {"warning": "v"}),
        (["-w1", "-w2"], {"warning": "2"}),
        (["-n", "-7"], {"count": -7}),
        (["--count=0"], {"count": 0}),
        (["--state-dir", "/x y"], {"state_dir": "/x y"}),
        (["--exclude", "a", "--exclude=b", "--exclude", "-c"], {"exclude": ["a", "b", "-c"]}),
        (["--only", "c"], {"only": ["a", "b", "c"]}),
        (["--absent-ok"], {"absent_ok": True}),
    ],
)
def test_forms(line: list[str], changed: dict[str, object]) -> None:
    assert parse(OPTIONS, line) == SimpleNamespace(**{**DEFAULTS, **changed})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (["--nothing"], "unknown option --nothing"),
        (["--nothing=5"], "unknown option --nothing"),
        (["--warn=5"], "unknown option --warn"),
        (["--absent"], "unknown option --absent"),
        (["--Warning", "5"], "unknown option --Warning"),
        (["--state_dir", "/"], "unknown option --state_dir"),
        (["-x"], "unknown option -x"),
        (["-vx"], "unknown option -x"),
        (["-5"], "unknown option -5"),
        (["-"], "unknown option -"),
        (["--"], "unknown option --"),
        (["--=5"], "unknown option --"),
        (["docker0"], "unexpected argument docker0"),
        ([""], "unexpected argument "),
        (["-w", "1", "2"], "unexpected argument 2"),
        (["-w"], "option -w needs a value (RANGE)"),
        (["-vw"], "option -w needs a value (RANGE)"),
        (["--warning"], "option --warning needs a value (RANGE)"),
        (["--absent-ok=1"], "option --absent-ok takes no value"),
        (["--absent-ok="], "option --absent-ok takes no value"),
        (["-v=2"], "option -v takes no value"),
        (["-n", "x"], "option -n: 'x' is not a whole number"),
        (["--count="], "option --count: '' is not a whole number"),
    ],
)
def test_mistakes(line: list[str], reason: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse(OPTIONS, line)
    assert str(wrong.value) == reason


def test_runs_do_not_share_their_lists() -> None:
    parse(OPTIONS, ["--exclude", "a", "--only", "c"])
    assert parse(OPTIONS, []) == SimpleNamespace(**DEFAULTS)


def test_the_caller_keeps_its_words() -> None:
    words = ["-vvw10", "--only", "x"]
    parse(OPTIONS, words)
    assert words == ["-vvw10", "--only", "x"]


@given(st.lists(st.one_of(st.text(max_size=4), st.text("-vwcnx=5", max_size=6), st.just("--only")), max_size=5))
def test_any_words_are_settings_or_a_usage_error(words: list[str]) -> None:
    try:
        settings = parse(OPTIONS, words)
    except UsageError:
        return
    assert set(vars(settings)) == set(DEFAULTS)


@pytest.mark.parametrize("word", ["-w", "--warning"])
@given(value=st.text())
def test_a_separate_value_is_taken_as_it_is(word: str, value: str) -> None:
    assert parse(OPTIONS, [word, value, "-v"]) == SimpleNamespace(**{**DEFAULTS, "warning": value, "verbose": 1})


@pytest.mark.parametrize(
    ("words", "asked"), [(["-w", "--bad", "-h"], True), (["--help"], True), (["--hel"], False), ([], False)]
)
def test_help_wins(words: list[str], asked: bool) -> None:
    assert asks_for(words, ("-h", "--help")) == asked


def test_help_text() -> None:
    text = help_text("check_x", "What it does.", "Examples:\n  check_x", OPTIONS)
    assert text.startswith("usage: check_x [OPTIONS]\n\nWhat it does.\n")
    assert text.endswith("\nExamples:\n  check_x\n")
    assert all(", ".join(option.flags[:1]) in text for option in OPTIONS)
    assert all(flag in text for option in OPTIONS for flag in option.flags)
    assert max(map(len, text.split("\n"))) <= 80


@pytest.mark.parametrize(
    ("text", "value"), [("8", 8), ("0.1", 0.1), ("90s", 90), ("1.5h", 5400), ("2d", 172800), ("1min", 60)]
)
def test_seconds(text: str, value: float) -> None:
    assert seconds(0.1, 172800)(text) == value


@pytest.mark.parametrize("text", ["0", "-5", "0.09", "172801", "3d", "", "x", "nan", "inf", "1e3", "9" * 30, "8 s"])
def test_seconds_out_of_bounds(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not"):
        seconds(0.1, 172800)(text)
