"""Names and patterns on the command line."""

from __future__ import annotations

import pytest

from checks.frame.selection import chooses, is_pattern, named


@pytest.mark.parametrize(
    ("wanted", "excluded", "chosen"),
    [
        ([], [], ["br0", "br1", "br-1f[2]", "docker0"]),
        (["br1"], [], ["br1"]),
        (["br?"], [], ["br0", "br1"]),
        (["docker*", "br0"], [], ["br0", "docker0"]),
        (["br-1f[2]"], [], ["br-1f[2]"]),  # a name that looks like a pattern is still a name
        ([], ["br*"], ["docker0"]),
        (["br*"], ["br1", "*]"], ["br0"]),
        (["BR0"], [], []),
    ],
)
def test_chooses(wanted: list[str], excluded: list[str], chosen: list[str]) -> None:
    names = ["br0", "br1", "br-1f[2]", "docker0"]
    assert [name for name in names if chooses(wanted, excluded, name)] == chosen


def test_named() -> None:
    assert named(["br0", "br*", "eth[01]", "x?"]) == ["br0"]
    assert [is_pattern(text) for text in ("", "br0", "a*", "a?", "a[")] == [False, False, True, True, True]
