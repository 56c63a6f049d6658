"""Text from outside on its way into a status line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.printable import printable, printable_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker0", "docker0"),
        ("a b", "a b"),
        ("  a \t b\r\nc  ", "a b c"),
        ("a|b", "a/b"),
        ("`id` $HOME \\n", "'id' ?HOME /n"),
        ("<script>", "(script)"),
        ("caf\u00e9\x00\x1b[31m", "caf???[31m"),
        (b"veth\xff0", "veth?0"),
        (b"", ""),
        ("\udcff", "?"),
        ("a\u2028b\u00a0c", "a b c"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 61 + "..."),
    ],
)
def test_examples(text: str | bytes, expected: str) -> None:
    assert printable(text) == expected


@given(st.one_of(st.text(), st.binary(), st.characters(codec=None).map(lambda c: c * 9)), st.integers(3, 100))
def test_always_one_safe_bounded_line(text: str | bytes, limit: int) -> None:
    line = printable(text, limit)
    assert len(line) <= limit
    assert all(" " <= c <= "~" for c in line)
    assert not set("|`$<>\\") & set(line)
    assert line == line.lstrip()


@given(st.lists(st.text(), unique=True))
def test_names_stay_apart(names: list[str]) -> None:
    called = printable_names(names)
    assert set(called) == set(names)
    assert len(set(called.values())) == len(names)


def test_names_that_look_alike_get_numbers() -> None:
    assert printable_names(["a|", "a/", "b"]) == {"a/": "a/", "a|": "a/#2", "b": "b"}


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.:/@#", max_size=64))
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert printable(name) == name
