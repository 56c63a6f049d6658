"""Sections and local lines of made-up outcomes: what no check of today shows."""

from __future__ import annotations

import json
import math

from perfdata.checkmk import Cached, Naming, document, header, local, section
from perfdata.outcome import CRITICAL, OK, UNKNOWN, WARNING, Detail, Item, Outcome, Said, Value

NAMING = Naming("Thing", "host")


def item(name: str, state: int = OK, *said: Said, lasting: bool = True) -> Item:
    return Item(name, name, state, f"{name} is so", lasting, said)


def test_headers() -> None:
    assert header("undergoal_x") == "<<<undergoal_x:sep(0)>>>"
    assert header("undergoal_x", Cached(7, 300)) == "<<<undergoal_x:sep(0):cached(7,300)>>>"


def test_no_line_of_a_section_is_a_header_and_nothing_is_lost() -> None:
    line = document({"<<<a>>>": "<<<b>>>\n\x00\u2028"})
    assert "<" not in line
    assert "\n" not in line
    assert json.loads(line) == {"<<<a>>>": "<<<b>>>\n\x00\u2028"}


def test_numbers_that_are_none_are_left_out() -> None:
    values = (Value("a", "ports", math.nan), Value("a", "rbytes", math.inf), Value("a", "chunks", 1))
    outcome = Outcome("x", OK, "said", (), values, items=(item("a"),))
    assert json.loads(section(outcome, NAMING, "1", 0)[2])["measures"] == {
        "chunks": {"value": 1, "warning": "", "critical": ""}
    }
    assert local(outcome, NAMING)[1] == '0 "undergoal Thing a" undergoal_chunks=1 a is so'


def test_levels_that_mean_something_else_there_are_left_out() -> None:
    values = tuple(Value("a", name, 1, *pair) for name, pair in (
        ("ports", ("10", "20")), ("chunks", ("10:", "20")), ("rbytes", ("@1:5", "~:7")), ("rfiles", ("", "9")),
    ))  # fmt: skip
    outcome = Outcome("x", OK, "said", (), values, items=(item("a"),))
    assert local(outcome, NAMING)[1].split(" ")[4] == (
        "undergoal_ports=1;10;20|undergoal_chunks=1;;20|undergoal_rbytes=1|undergoal_rfiles=1;;9"
    )


def test_names_that_look_alike_once_they_can_be_quoted() -> None:
    outcome = Outcome("x", OK, "said", items=(item('a"b'), item("a'b"), item("host"), item("")))
    assert [line.split('"')[1] for line in local(outcome, NAMING)] == [
        "undergoal Thing host",
        "undergoal Thing a`b",
        "undergoal Thing a`b#2",
        "undergoal Thing host (item)",
    ]


def test_the_whole_tells_of_the_host_and_of_what_comes_and_goes() -> None:
    burning = Said(CRITICAL, "burning", "burns", "put it out")
    items = (
        item("d1", CRITICAL, burning, lasting=False),
        item("a", WARNING),
        item("", OK),
        item("d2", OK, lasting=False),
    )
    details = (Detail(0, "next: put it out"), Detail(0, "state not saved: full"), Detail(1, "more"))
    outcome = Outcome("x", CRITICAL, "said", details, items=items)
    assert local(outcome, NAMING, Cached(7, 300)) == [
        'cached(7,300) 2 "undergoal Thing host" - d1 is so; is so\\nnext: put it out\\nstate not saved: full',
        'cached(7,300) 1 "undergoal Thing a" - a is so',
    ]


def test_a_run_without_items_is_the_whole() -> None:
    outcome = Outcome("x", UNKNOWN, "timed out\\nand more", (Detail(0, "grant\nthis"),))
    assert local(outcome, NAMING) == ['3 "undergoal Thing host" - timed out/nand more\\ngrant this']
