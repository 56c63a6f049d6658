"""Ranges as a Checkmk site judges them: as nagiosplugin does on the host, and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.ranges import parse_range
from perfdata.levels import bounds, in_words, judge, range_in_words
from perfdata.outcome import CRITICAL, OK, WARNING

NUMBERS = st.integers(-1000, 1000) | st.decimals(-1000, 1000, places=3).map(float)
ENDS = st.tuples(NUMBERS, NUMBERS).map(sorted)


@given(ENDS, st.sampled_from(["{0}:{1}", "@{0}:{1}", "{0}:", "~:{1}", "@~:{1}", "@{0}:"]), NUMBERS)
def test_as_nagiosplugin_judges(ends: list[float], form: str, value: float) -> None:
    text = form.format(*(f"{end:.3f}" for end in ends))
    for number in (value, *ends):
        assert bounds(text).alerts(number) is not parse_range(text).match(number)


@pytest.mark.parametrize(
    ("value", "state"), [(900, OK), (900.5, WARNING), (1000, WARNING), (1001, CRITICAL), (-1, CRITICAL)]
)
def test_the_worse_range_wins(value: float, state: int) -> None:
    assert judge(value, "900", "1000") == state
    assert judge(value, "", "") == OK


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("900", "", "above 900"),
        ("0", "", "above 0"),
        ("~:10", "", "above 10"),
        ("1:", "", "below 1"),
        ("24h:", "s", "below 24 h"),
        ("10800", "s", "above 3 h"),
        ("80", "%", "above 80%"),
        ("10TiB", "B", "above 10 TiB"),
        ("10:20", "", "outside 10 to 20"),
        ("@10:20", "", "from 10 to 20"),
        ("@~:0", "", "up to 0"),
        ("@5:", "", "from 5"),
        ("0:", "", "below 0"),
        ("~:", "", "never"),
        ("@~:", "", "always"),
    ],
)
def test_words_of_a_range(text: str, unit: str, words: str) -> None:
    assert range_in_words(text, unit) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1011, "", "1011"),
        (2.345, "", "2.35"),
        (2400, "s", "40 min"),
        (-2400, "s", "-40 min"),
        (1 << 40, "B", "1.0 TiB"),
        (1 << 30, "B/h", "1.0 GiB/h"),
        (81.5, "%", "81.5%"),
        (50, "1/h", "50/h"),
        (41, "C", "41 C"),
        (10**10, "bit/s", "10 Gbit/s"),
        (900, "bit/s", "900 bit/s"),
        (1 << 20, "B/s", "1.0 MiB/s"),
    ],
)
def test_numbers_in_words(value: float, unit: str, words: str) -> None:
    assert in_words(value, unit) == words
