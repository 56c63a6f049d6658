"""Threshold ranges: what they mean at and beside their ends, what is refused, and how they are written down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.judging import NEVER, Range
from checks.frame.ranges import number, parse_range, range_text

INF = float("inf")


@pytest.mark.parametrize(
    ("text", "fine", "alerting"),
    [
        ("10", (0, 10, 5.5), (-0.001, 10.001, -5)),
        ("0", (0,), (-1, 1, 0.001)),
        ("10:", (10, 1e12), (9.999, -10)),
        ("~:10", (10, -1e12), (10.001,)),
        ("10:20", (10, 15, 20), (9.999, 20.001)),
        ("@10:20", (9.999, 20.001), (10, 15, 20)),
        ("@~:0", (0.001,), (0, -1e12)),
        ("1.5:2.5", (1.5, 2.5), (1.499, 2.501)),
        ("-5:-1", (-5, -1), (-5.001, -0.999, 0)),
        ("-5:", (-5, 0), (-5.001,)),
        ("~:-5", (-5, -6), (-4.999,)),
        ("@10", (-1, 10.001), (0, 10)),
        ("@10:", (9.999,), (10, 1e12)),
        (".5", (0, 0.5), (0.501, -0.001)),
        ("7:7", (7,), (6.999, 7.001)),
        ("~:", (-1e12, 0, 1e12), ()),
        ("@~:", (), (-1e12, 0, 1e12)),
    ],
)
def test_meaning_at_both_ends(text: str, fine: tuple[float, ...], alerting: tuple[float, ...]) -> None:
    threshold = parse_range(text)
    assert [value for value in fine if not threshold.match(value)] == []
    assert [value for value in alerting if threshold.match(value)] == []


@pytest.mark.parametrize(
    ("text", "unit", "ends"),
    [
        ("24h:", "s", (False, 86400, INF)),
        ("90:1.5h", "s", (False, 90, 5400)),
        ("@2min:3m", "s", (True, 120, 180)),
        ("-1d:1w", "s", (False, -86400, 604800)),
        ("10s", "s", (False, 0, 10)),
        ("10TiB:", "B", (False, 10 * 1024**4, INF)),
        ("20G:", "bit/s", (False, 20 * 10**9, INF)),
        ("1kB:1KiB", "B", (False, 1000, 1024)),
        ("5B", "B", (False, 0, 5)),
        ("0.5GB", "B", (False, 0, 500_000_000)),
        ("2PB:2EiB", "B", (False, 2 * 10**15, 2 * 1024**6)),
    ],
)
def test_units(text: str, unit: str, ends: tuple[bool, float, float]) -> None:
    assert tuple(parse_range(text, unit)) == ends


@pytest.mark.parametrize(
    "text",
    [
        *("10:5", "abc", "1:2:3", "@", "", "5%", "nan", "inf", "1,5"),  # conformance
        *(":", ":10", "@:", "~", "10:~", "~10", "@@1", "1:~", "~:nan", "-inf:"),
        *("1e3", "0x10", "+5", "--5", "5 ", " 5", "5\n", "1_000", "\u0665", "5.", "-", "1.2.3", "9" * 19, "$(id)"),
    ],
)
@pytest.mark.parametrize("unit", ["", "s", "B", "%", "1/h"])
def test_refused_with_the_text_in_the_reason(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match=r"is not|starts above") as refused:
        parse_range(text, unit)
    assert "'" in str(refused.value)


@pytest.mark.parametrize(("text", "unit"), [("1h", ""), ("1h", "B"), ("1kB", "s"), ("5s", "%"), ("1H", "s")])
def test_units_of_something_else(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match="is not a plain number"):
        number(text, unit)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("10", "10"),
        ("0:10", "10"),
        ("10:", "10:"),
        ("~:10", "~:10"),
        ("@10:20", "@10:20"),
        ("@10", "@0:10"),
        ("~:", ""),
        ("0:", "0:"),
        ("1.50:2.5", "1.5:2.5"),
        ("-5:-1", "-5:-1"),
        ("@~:0", "@~:0"),
        ("@~:", "@~:"),
    ],
)
def test_written_for_performance_data(text: str, written: str) -> None:
    assert range_text(parse_range(text)) == written


def test_a_threshold_that_is_not_set_never_alerts() -> None:
    assert NEVER.match(-1)
    assert NEVER.match(0)
    assert range_text(NEVER) == ""


ENDS = st.decimals(-(10**6), 10**6, places=3).map(lambda value: f"{value:f}")


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, bool, float, float]:
    """A well-formed range and what it means."""
    low, high = sorted((draw(ENDS), draw(ENDS)), key=float)
    inverted = draw(st.booleans())
    form = draw(st.sampled_from(["{low}:{high}", "{low}:", "~:{high}", "~:"]))
    start = -INF if form.startswith("~") else float(low)
    end = INF if form.endswith(":") else float(high)
    return "@" * inverted + form.format(low=low, high=high), inverted, start, end


@given(ranges(), st.floats(-2e6, 2e6))
def test_well_formed_ranges_and_their_round_trip(known: tuple[str, bool, float, float], value: float) -> None:
    text, inverted, start, end = known
    threshold = parse_range(text)
    assert tuple(threshold) == (inverted, start, end)
    assert threshold.match(value) == ((start <= value <= end) != inverted)
    written = range_text(threshold)
    assert parse_range(written or "~:") == threshold


@given(st.one_of(st.text("0123456789.:~@-+eExnaifsmhdwkKMGTBP%, ", max_size=12), st.text(max_size=12)))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    for unit in ("", "s", "B"):
        try:
            threshold = parse_range(text, unit)
        except ValueError:
            continue
        assert isinstance(threshold, Range)
        assert threshold[1] <= threshold[2]
