"""What is remembered of commands that could not be ended."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.leftovers import Leftover, as_note, parse, parse_start, start_of

FIELDS = "S 1 2 3 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 987654 0 0"


@pytest.mark.parametrize("name", ["storcli64", "a b", "a) (b", ")", ""])
def test_the_start_of_a_process_whatever_it_is_called(name: str) -> None:
    assert parse_start(f"77 ({name}) {FIELDS}\n") == "987654"


@pytest.mark.parametrize(
    "text", ["", "77", "77 (x) S 1", f"77 (x) Z{FIELDS[1:]}", f"77 (x) {FIELDS}".replace("987654", "x")]
)
def test_a_zombie_and_what_is_no_such_text_have_none(text: str) -> None:
    assert parse_start(text) == ""


def test_a_zombie_with_a_thread_that_is_stuck_is_there() -> None:
    assert parse_start(f"77 (x) Z{FIELDS[1:]}".replace(" 20 0 1 0 ", " 20 0 2 0 ")) == "987654"


def test_a_process_that_is_there_and_one_that_has_gone() -> None:
    assert int(start_of(os.getpid())) > 0
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert start_of(gone.pid) == ""


def test_a_note_is_what_is_still_there() -> None:
    left = {"/opt/storcli64": Leftover(77, "5", 100.5), "smartctl 3": Leftover(78, "6", 101.0)}
    note = as_note(left, "boot")
    assert parse(note, "boot", {77: "5", 78: "6"}.__getitem__) == left
    assert parse(note, "boot", {77: "9", 78: "6"}.__getitem__) == {"smartctl 3": Leftover(78, "6", 101.0)}
    assert parse(note, "boot", lambda _pid: "") == {}
    assert parse(note, "another", {77: "5", 78: "6"}.__getitem__) == {}
    assert as_note({}, "boot") == ""
    assert parse("", "boot") == {}


@given(
    st.one_of(
        st.text(),
        st.sampled_from(["[1,2]", '["boot",{"a":1}]', '["boot",{"a":[1,2]}]', '["boot",[]]', "[1,2,3]", "{}"]),
    )
)
def test_any_text_is_a_note_of_nothing(text: str) -> None:
    assert parse(text, "boot") == {}
