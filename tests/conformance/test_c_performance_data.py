"""Assertions 24 to 30: performance data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import Ran

from conformance.black_box import NO_ANSWER, Gallery, every_check, every_check_and_host, fresh_state, replay
from conformance.perfdata_parsers import GRAMMAR, RANGE, Token, as_icinga, as_nagios, as_telegraf

UNITS = {"", "s", "ms", "us", "%", "B", "c"}


def numbers(done: Ran) -> str:
    """The performance data of line 1."""
    return done.line.partition(" | ")[2]


def tokens(done: Ran) -> list[Token]:
    """The same as Nagios splits it."""
    found = as_nagios(numbers(done))
    assert found
    return found


@every_check_and_host
def test_24_three_parsers_read_the_same(name: str, host: str, gallery: Gallery) -> None:
    text = numbers(gallery.run(name, host))
    assert [token for token in text.split(" ") if not GRAMMAR.fullmatch(token)] == []
    read = [[token[:3] for token in parse(text)] for parse in (as_nagios, as_icinga, as_telegraf)]
    assert read[0]
    assert read[1] == read[0]
    assert read[2] == read[0]


@every_check_and_host
def test_25_values_are_plain_decimals(name: str, host: str, gallery: Gallery) -> None:
    found = tokens(gallery.run(name, host))
    assert [token for token in found if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d{0,5}[1-9])?", token.value)] == []


@every_check
def test_26_a_value_that_is_not_known_is_left_out_and_said(name: str, gallery: Gallery) -> None:
    hung, fine = gallery.run(name, "hang"), gallery.run(name, "ok")
    measures = {re.sub(r"^.*?\d_", "", token.label) for token in tokens(fine)}
    seen = {re.sub(r"^.*?\d_", "", token.label) for token in tokens(hung)}
    assert seen < measures
    assert NO_ANSWER.search(hung.text)
    assert not re.search(r"=(U|nan|inf|None)?(;|\s|$)", numbers(hung))


@every_check_and_host
def test_27_units_are_those_that_every_engine_knows(name: str, host: str, gallery: Gallery) -> None:
    assert {token.unit for token in tokens(gallery.run(name, host))} <= UNITS


@every_check_and_host
def test_28_labels_are_unique_and_need_no_quotes(name: str, host: str, gallery: Gallery) -> None:
    labels = [token.label for token in tokens(gallery.run(name, host))]
    assert [label for label in labels if labels.count(label) > 1] == []
    assert [label for label in labels if not re.fullmatch(r"[A-Za-z0-9_]+", label)] == []


@every_check
def test_28_labels_are_the_same_in_every_state(name: str, tmp_path: Path, gallery: Gallery) -> None:
    labels = [token.label for token in tokens(gallery.run(name, "ok"))]
    for level, code in (("-w", 1), ("-c", 2)):
        done = replay(name, "ok", fresh_state(tmp_path), level, "@~:")
        assert done.code == code
        assert [token.label for token in tokens(done)] == labels


@every_check
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("900", "900"),
        ("0:900", "900"),
        ("10:", "10:"),
        ("10:20", "10:20"),
        ("~:10", "~:10"),
        ("@10:20", "@10:20"),
        ("@10", "@0:10"),
        ("@~:0", "@~:0"),
        ("@~:", "@~:"),
        ("-5:-1", "-5:-1"),
        ("1.5:2.5", "1.5:2.5"),
        ("1.50", "1.5"),
        ("0:", "0:"),
        ("~:", ""),
    ],
)
def test_29_thresholds_are_repeated_as_they_are_judged(name: str, given: str, shown: str, state: Path) -> None:
    main = tokens(replay(name, "ok", state, "-w", given, "-c", given))[0]
    assert [*main.thresholds, "", ""][:2] == [shown, shown]


@every_check
def test_29_a_threshold_that_is_announced_is_evaluated(name: str, tmp_path: Path, gallery: Gallery) -> None:
    judged = [token for token in tokens(gallery.run(name, "ok")) if any(token.thresholds[:2])]
    assert judged
    for token in judged:
        assert all(RANGE.fullmatch(threshold) for threshold in token.thresholds[:2])


@every_check_and_host
def test_30_minimum_and_maximum_are_numbers_and_nothing_trails(name: str, host: str, gallery: Gallery) -> None:
    done = gallery.run(name, host)
    for token in tokens(done):
        low, high = [*token.thresholds, "", "", "", ""][2:4]
        assert all(re.fullmatch(r"(-?\d+(\.\d+)?)?", bound) for bound in (low, high))
        assert not low or float(low) <= float(token.value)
        assert not high or float(token.value) <= float(high)
    assert not re.search(r";(\s|$)", numbers(done))
