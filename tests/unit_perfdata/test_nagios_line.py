"""The Nagios line: grammar of performance data, labels, limits."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdata import nagios
from perfdata.catalogue import CATALOGUE
from perfdata.outcome import CRITICAL, OK, STATE_WORDS, UNKNOWN, WARNING, Detail, Outcome, Value

TOKEN = re.compile(r"[A-Za-z0-9_]+=(-?\d+(?:\.\d+)?)(?:s|B|%|c)?(?:;[^; |]*){0,4}")
ENGINE_LIMIT = {0: 4000, 1: 8191, 2: 8191, 3: 8191, 7: 8191}


def values(finite: bool) -> st.SearchStrategy[list[Value]]:
    """Values of any item with any measure, each pair once."""
    number = st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=not finite, allow_infinity=not finite))
    return st.lists(
        st.tuples(st.text(max_size=8), st.sampled_from(sorted(CATALOGUE)), number).map(lambda row: Value(*row)),
        unique_by=lambda value: (value.item, value.measure),
        max_size=12,
    )


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (Value("docker0", "ports", 12, "900", "1000", 0, 1023), "docker0_ports=12;900;1000;0;1023"),
        (Value("docker0", "ports", 12), "docker0_ports=12"),
        (Value("docker0", "ports", 12, "", "1000"), "docker0_ports=12;;1000"),
        (Value("docker0", "ports", 12, "900"), "docker0_ports=12;900"),
        (Value("docker0", "ports", 12, minimum=0), "docker0_ports=12;;;0"),
        (Value("docker0", "ports", 12, maximum=1023), "docker0_ports=12;;;;1023"),
        (Value("", "arp_table_fulls_total", 3, minimum=0), "arp_table_fulls_total=3c;;;0"),
        (Value("br-1", "until_full_lower_seconds", 86400.5, "24h:"), "br_1_until_full_lower_seconds=86400.5s;24h:"),
        (Value("b", "addresses_used_percent", 99.0000001, "90"), "b_addresses_used_percent=99%;90"),
        (Value("b", "growth_per_hour", -0.25), "b_growth_per_hour=-0.25"),
        (Value("b", "growth_per_hour", 1e-9), "b_growth_per_hour=0"),
        (Value("b", "growth_per_hour", -1e-9), "b_growth_per_hour=0"),
        (Value("b", "growth_per_hour", 1e21), "b_growth_per_hour=1000000000000000000000"),
        (Value("it's=a|b\n", "ports", 1), "it_s_a_b_ports=1"),
    ],
)
def test_token(value: Value, token: str) -> None:
    assert nagios.performance_data((value,)) == token


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_left_out(number: float) -> None:
    given_values = (Value("a", "ports", 1), Value("b", "ports", number), Value("c", "ports", 2))
    assert nagios.performance_data(given_values) == "a_ports=1 c_ports=2"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (("br-0", "br.0", "br_0"), ["br_0_ports", "br_0_2_ports", "br_0_3_ports"]),
        (("br_0", "br.0", "br-0"), ["br_0_3_ports", "br_0_2_ports", "br_0_ports"]),
        (("a b", "a_b", "a_b_2"), ["a_b_ports", "a_b_2_ports", "a_b_2_2_ports"]),
        (("\u00e9", "\u00e8"), ["__2_ports", "__ports"]),
        (("", "docker0"), ["ports", "docker0_ports"]),
    ],
)
def test_items_that_look_alike_keep_their_own_label(items: tuple[str, ...], expected: list[str]) -> None:
    assert nagios.labels(tuple(Value(item, "ports", 1) for item in items)) == expected


def test_an_item_named_like_a_measure_keeps_its_own_label() -> None:
    labels = nagios.labels((Value("docker0", "leaked_ports", 0), Value("docker0_leaked", "ports", 5)))
    assert len(set(labels)) == 2, labels


@given(values(finite=True))
def test_labels_are_unique_and_safe(given_values: list[Value]) -> None:
    labels = nagios.labels(tuple(given_values))
    assert len(set(labels)) == len(given_values)
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", label) for label in labels)


@given(values(finite=False))
def test_every_token_is_in_the_grammar(given_values: list[Value]) -> None:
    text = nagios.performance_data(tuple(given_values))
    tokens = text.split(" ") if text else []
    assert all(TOKEN.fullmatch(token) for token in tokens), text
    finite = [value for value in given_values if math.isfinite(value.value)]
    assert len(tokens) == len(finite) or len(text) > nagios.PERFDATA_MAX - 400
    assert len(text) <= nagios.PERFDATA_MAX


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abc..."),
        ("ab defg", 6, "ab..."),
        ("", 6, ""),
    ],
)
def test_shorten(text: str, limit: int, expected: str) -> None:
    assert nagios.shorten(text, limit) == expected


@pytest.mark.parametrize("state", [OK, WARNING, CRITICAL, UNKNOWN])
def test_whole_output_by_verbosity(state: int) -> None:
    outcome = Outcome(
        "docker_bridge",
        state,
        "docker0 3/1023 ports",
        (Detail(0, "next: nothing"), Detail(1, "OK: docker0"), Detail(2, "no history"), Detail(3, "all")),
        (Value("docker0", "ports", 3, "900", "1000", 0, 1023),),
    )
    line = f"DOCKER_BRIDGE {STATE_WORDS[state]} - docker0 3/1023 ports | docker0_ports=3;900;1000;0;1023\n"
    assert nagios.render(outcome).decode() == line + "next: nothing\n"
    assert nagios.render(outcome, 1).decode() == line + "next: nothing\nOK: docker0\n"
    assert nagios.render(outcome, 2).decode() == line + "next: nothing\nOK: docker0\nno history\n"
    assert nagios.render(outcome, 5).decode() == line + "next: nothing\nOK: docker0\nno history\nall\n"


def test_without_numbers_there_is_no_pipe() -> None:
    assert nagios.render(Outcome("bond", UNKNOWN, "none here")) == b"BOND UNKNOWN - none here\n"


def test_a_long_text_is_cut_at_160_characters() -> None:
    line = nagios.render(Outcome("bond", OK, "x" * 500)).decode().rstrip("\n")
    assert line == "BOND OK - " + "x" * 147 + "..."
    assert len(line) == 160


@pytest.mark.parametrize("verbosity", sorted(ENGINE_LIMIT))
@pytest.mark.parametrize("items", [1, 7, 60, 3000])
@pytest.mark.parametrize("length", [1, 64, 1000])
def test_engines_never_cut_the_output(verbosity: int, items: int, length: int) -> None:
    names = [f"{number}-{'n' * length}" for number in range(items)]
    outcome = Outcome(
        "docker_bridge",
        CRITICAL,
        "; ".join(names),
        tuple(Detail(number % 4, f"line {name}") for number, name in enumerate(names)),
        tuple(Value(name, "ports", 1023, "900", "1000", 0, 1023) for name in names),
    )
    output = nagios.render(outcome, verbosity)
    lines = output.decode().split("\n")
    assert len(output) <= ENGINE_LIMIT[verbosity]
    assert lines.pop() == ""
    text, _, tokens = lines[0].partition(" | ")
    assert len(text) <= 160
    assert all(TOKEN.fullmatch(token) for token in tokens.split(" ") if tokens)
    shown = lines[1:]
    wanted = sum(1 for detail in outcome.details if detail.verbosity <= verbosity)
    if len(shown) < wanted or (shown and shown[-1].startswith("...")):
        assert shown[-1] == f"... and {wanted - len(shown) + 1} more lines"
    else:
        assert len(shown) == wanted
    assert shown[:1] == [nagios.shorten(outcome.details[0].line, 300)]


@given(st.integers(0, 200), st.integers(0, 300), st.integers(0, 3))
def test_the_limit_holds_for_every_number_and_length_of_lines(count: int, length: int, verbosity: int) -> None:
    outcome = Outcome("x", OK, "t", tuple(Detail(0, "d" * length) for _ in range(count)))
    output = nagios.render(outcome, verbosity)
    assert len(output) <= ENGINE_LIMIT[verbosity]
    shown = output.decode().split("\n")[1:-1]
    cut = shown and shown[-1].startswith("... and")
    assert len(shown) == count if not cut else shown[-1] == f"... and {count - len(shown) + 1} more lines"
