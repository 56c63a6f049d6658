"""Numbers, states, the catalogue, and outcomes as JSON."""

from __future__ import annotations

import ast
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import checks.docker_bridge
from perfdata import as_json
from perfdata.catalogue import CATALOGUE, COUNTER, GAUGE
from perfdata.numbers import duration, plain_number
from perfdata.outcome import CRITICAL, OK, STATE_WORDS, UNKNOWN, WARNING, Detail, Item, Outcome, Said, Value, worst

ENDINGS = {  # the first that fits
    "bytes_per_hour": "B/h",
    "bytes_per_day": "B/d",
    "bytes_per_second": "B/s",
    "_per_hour": "1/h",
    "_seconds": "s",
    "_bytes": "B",
    "rbytes": "B",
    "_percent": "%",
    "_bits": "bit/s",
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1023, "1023"),
        (10**20, "100000000000000000000"),
        (2.5, "2.5"),
        (100.0, "100"),
        (1 / 3, "0.333333"),
        (-1 / 3, "-0.333333"),
        (1e-7, "0"),
        (-1e-7, "0"),
        (1e22, "10000000000000000000000"),
    ],
)
def test_plain_number(value: float, text: str) -> None:
    assert plain_number(value) == text


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_plain_decimals_near_the_value(value: float) -> None:
    text = plain_number(value)
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d{0,5}[1-9])?", text)
    assert text != "-0"
    assert isinstance(value, int) or math.isclose(float(text), value, rel_tol=1e-15, abs_tol=5.1e-7)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (40, "40 s"),
        (99, "99 s"),
        (100, "2 min"),
        (2400, "40 min"),
        (5999, "100 min"),
        (6000, "2 h"),
        (7 * 3600, "7 h"),
        (48 * 3600 - 1, "48 h"),
        (48 * 3600, "2 d"),
        (12 * 86400, "12 d"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("states", "winner"),
    [
        ([], UNKNOWN),
        ([OK], OK),
        ([OK, WARNING], WARNING),
        ([OK, UNKNOWN], UNKNOWN),
        ([WARNING, UNKNOWN], UNKNOWN),
        ([UNKNOWN, CRITICAL], CRITICAL),
        ([WARNING, CRITICAL], CRITICAL),
        ([OK, WARNING, CRITICAL, UNKNOWN], CRITICAL),
        ([UNKNOWN, OK, WARNING, OK], UNKNOWN),
    ],
)
def test_worst(states: list[int], winner: int) -> None:
    assert worst(states) == winner
    assert worst(states[::-1]) == winner


def test_state_words_stand_at_their_exit_codes() -> None:
    assert [STATE_WORDS[code] for code in (0, 1, 2, 3)] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
    assert (OK, WARNING, CRITICAL, UNKNOWN) == (0, 1, 2, 3)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_catalogue_row(name: str) -> None:
    kind = CATALOGUE[name]
    assert kind.name == name
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    assert kind.unit == next((unit for ending, unit in ENDINGS.items() if name.endswith(ending)), "")
    assert kind.kind == (COUNTER if name.endswith("_total") else GAUGE)
    assert kind.title
    assert kind.help.endswith(".")


def test_every_measure_of_docker_bridge_is_in_the_catalogue_and_back() -> None:
    folder = Path(checks.docker_bridge.__file__).parent
    used = {
        call.args[1].value
        for file in folder.glob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Measure"
        if isinstance(call.args[1], ast.Constant)
    }
    assert {"ports", "leaked_ports", "until_full_lower_seconds"} < used <= set(CATALOGUE)
    assert set(checks.docker_bridge.PLUGIN.levels) <= used


OUTCOMES = st.builds(
    Outcome,
    st.text(),
    st.sampled_from([OK, WARNING, CRITICAL, UNKNOWN]),
    st.text(),
    st.lists(st.builds(Detail, st.integers(0, 3), st.text())).map(tuple),
    st.lists(
        st.builds(
            Value,
            st.text(),
            st.sampled_from(sorted(CATALOGUE)),
            st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
            st.text(),
            st.text(),
            st.none() | st.integers(),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        )
    ).map(tuple),
    st.booleans(),
    st.lists(
        st.builds(
            Item,
            st.text(),
            st.text(),
            st.sampled_from([OK, WARNING, CRITICAL, UNKNOWN]),
            st.text(),
            st.booleans(),
            st.lists(st.builds(Said, st.sampled_from([OK, CRITICAL]), st.text(), st.text(), st.text())).map(tuple),
        )
    ).map(tuple),
)


@given(st.lists(OUTCOMES, max_size=3))
def test_json_round_trip(outcomes: list[Outcome]) -> None:
    text = as_json.render(outcomes)
    assert as_json.parse_all(text) == outcomes
    assert text.isascii()
    assert text.endswith(b"]\n")


def test_json_document() -> None:
    outcome = Outcome(
        "docker_bridge",
        WARNING,
        "docker0 901/1023 ports",
        (Detail(1, "more"),),
        (
            Value("docker0", "ports", 901, "900", "1000", 0, 1023),
            Value("docker0", "growth_per_hour", math.nan),
            Value("docker0", "until_full_seconds", math.inf),
        ),
        items=(Item("docker0", "web", WARNING, "web 901", True, (Said(OK, "calm", "all is calm"),)),),
    )
    assert json.loads(as_json.render([outcome])) == [
        {
            "check": "docker_bridge",
            "state": "WARNING",
            "applies": True,
            "text": "docker0 901/1023 ports",
            "details": [{"verbosity": 1, "line": "more"}],
            "values": [
                {
                    "item": "docker0",
                    "measure": "ports",
                    "value": 901,
                    "warning": "900",
                    "critical": "1000",
                    "minimum": 0,
                    "maximum": 1023,
                    "unit": "",
                }
            ],
            "items": [
                {
                    "item": "docker0",
                    "title": "web",
                    "state": "WARNING",
                    "sentence": "web 901",
                    "lasting": True,
                    "said": [{"state": "OK", "code": "calm", "words": "all is calm", "next_step": ""}],
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    "text", [b"", b"ValueError: x", b"[{}]", b"7", b"[7]", b'[{"check":"a","state":"FINE","text":""}]', b"\xff"]
)
def test_json_of_something_else_is_an_error_of_a_known_kind(text: bytes) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        as_json.parse_all(text)
