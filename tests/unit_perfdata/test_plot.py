"""Plots: frames, marks on the axes, local times, holes, bands, whole pictures, and hostile words in SVG."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfdata.plot import (
    Band,
    Plot,
    band_outline,
    band_value,
    clock_words,
    frame,
    time_marks,
    unbroken,
    value_words,
)
from perfdata.svg_plot import svg
from perfdata.terminal_plot import ASCII, UNICODE, terminal

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC, a Friday
SVG = "{http://www.w3.org/2000/svg}"
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(autouse=True)
def local_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """UTC, unless a test says otherwise."""
    in_zone(monkeypatch, "UTC")
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def in_zone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()


def falling(count: int = 31, start: float = 3000, pace: float = 100, every: float = 60) -> list[tuple[float, float]]:
    """Samples up to now."""
    return [(NOW - (count - 1 - number) * every, start - pace * number) for number in range(count)]


RESYNC = Plot(
    "moosefs mfsmaster-9421",
    "Work left",
    "",
    falling(21),
    NOW,
    "work left 1000 copies, 100/min at the present rate, done in 8-15 min (08:10)",
    Band(NOW + 480, NOW + 600, NOW + 900),
)
BRIDGE = Plot("docker_bridge docker0", "Bridge ports", "", [(NOW - 600, 2), (NOW - 300, 2), (NOW, 3)], NOW)
WHOLE_ASCII = """\
moosefs mfsmaster-9421: Work left
3000 +'.                     |
     |  ''.                  |
     |     '.                |
     |       '.              |
     |         ''.           |
2000 +            '.         |
     |              '.       |
     |                '''.   |
     |                    '. |
1000 +                      '.
     |                       |++--
     |                       |  +++---
     |                       |    -++----
     |                       |      -+++-----
   0 +                       |        --++------
     +------------------------------------------
          07:45             now            08:15
work left 1000 copies, 100/min at the present rate, done in 8-15 min (08:10)
"""
WHOLE_UNICODE = """\
moosefs mfsmaster-9421: Work left
3000 ┤⠑⢄⡀                    ┆
     │  ⠈⠢⡀                  ┆
     │    ⠈⠒⢄                ┆
     │       ⠑⠢⡀             ┆
     │         ⠈⠢⣀           ┆
2000 ┤            ⠑⢄         ┆
     │              ⠑⠢⡀      ┆
     │                ⠈⠒⠤⡀   ┆
     │                   ⠈⠢⢄ ┆
1000 ┤                      ⠑⢄
     │                       ┆⠑⠤⡀░
     │                       ┆  ⠈⠢⢄░░
     │                       ┆    ░⠑⢄░░░░
     │                       ┆      ░⠉⠢⡀░░░░
   0 ┤                       ┆        ░⠈⠑⢄░░░░░░
     └──────────────────────────────────────────
          07:45             now            08:15
work left 1000 copies, 100/min at the present rate, done in 8-15 min (08:10)
"""


def test_a_whole_picture_in_ascii() -> None:
    assert terminal(RESYNC, 48) == WHOLE_ASCII


def test_a_whole_picture_in_unicode() -> None:
    assert terminal(RESYNC, 48, UNICODE) == WHOLE_UNICODE


def test_colours_are_added_and_nothing_else() -> None:
    for style in (ASCII, UNICODE):
        coloured = terminal(RESYNC, 60, style, coloured=True)
        assert re.sub(r"\033\[\d+m", "", coloured) == terminal(RESYNC, 60, style)
        assert {"\033[36m", "\033[33m", "\033[0m"} == set(re.findall(r"\033\[\d+m", coloured))
        for line in coloured.splitlines():
            assert "\033" not in line or line.rstrip().endswith("\033[0m") or line.rfind("\033[0m") > line.rfind("[3")


@pytest.mark.parametrize("width", [0, 39, 40, 80, 81, 120, 200, 1000])
@pytest.mark.parametrize("style", [ASCII, UNICODE])
@pytest.mark.parametrize("plot", [RESYNC, BRIDGE])
def test_no_line_of_the_picture_is_wider_than_the_terminal(width: int, style: object, plot: Plot) -> None:
    lines = terminal(plot, width, UNICODE if style is UNICODE else ASCII).splitlines()[1:18]
    assert max(map(len, lines)) == min(200, max(40, width))
    assert lines[-1].count("now") == 1


def test_without_a_forecast_the_picture_ends_now() -> None:
    shown = frame(BRIDGE)
    assert (shown.start, shown.end) == (NOW - 600, NOW)
    assert terminal(BRIDGE).splitlines()[17].endswith("now")
    assert "|" not in "".join(line[3:] for line in terminal(BRIDGE).splitlines()[1:16])


@pytest.mark.parametrize(
    ("values", "unit", "marks"),
    [
        ([], "", [0, 1]),
        ([0, 0], "", [0, 1]),
        ([3], "", [0, 1, 2, 3]),
        ([7], "", [0, 2, 4, 6, 8]),
        ([1023], "", [0, 250, 500, 750, 1000, 1250]),
        ([13940], "", [0, 5000, 10000, 15000]),
        ([0.3], "", [0, 0.1, 0.2, 0.3]),
        ([99.5, 12], "%", [0, 20, 40, 60, 80, 100]),
        ([-7, 12], "1/h", [-10, -5, 0, 5, 10, 15]),
        ([-3], "", [-3, -2, -1, 0]),
        ([5 * 2**30], "B", [0, 2**30, 2 * 2**30, 3 * 2**30, 4 * 2**30, 5 * 2**30]),
        ([100 * 60], "s", [0, 1800, 3600, 5400, 7200]),
        ([100 * DAY], "s", [number * 28 * DAY for number in range(5)]),
        ([5000 * DAY], "s", [number * 1000 * DAY for number in range(6)]),
        ([1e300, -1e300], "", [-1e18, -5e17, 0, 5e17, 1e18]),
    ],
)
def test_marks_of_values_are_round(values: list[float], unit: str, marks: list[float]) -> None:
    samples = [(NOW - 60 * number, value) for number, value in enumerate(reversed(values))][::-1]
    shown = frame(Plot("x", "X", unit, samples, NOW))
    assert list(shown.marks) == pytest.approx(marks)
    assert (shown.low, shown.high) == (shown.marks[0], shown.marks[-1])


def test_the_goal_is_shown_with_a_forecast_only() -> None:
    growing = BRIDGE._replace(goal=1023.0)
    assert frame(growing).high == 3
    assert frame(growing._replace(band=Band(NOW + 60, NOW + 120, None))).high == 1250


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "", "0"),
        (9254, "", "9254"),
        (0.1 + 0.2, "", "0.3"),
        (12_500_000, "", "12.5M"),
        (-2e9, "", "-2G"),
        (5e12, "", "5T"),
        (3 * 2**30, "B", "3 GiB"),
        (0, "B", "0 B"),
        (1023, "B", "1023 B"),
        (2**70, "B", "1024 EiB"),
        (5400, "s", "90 min"),
        (0, "s", "0"),
        (0.05, "s", "0.05 s"),
        (50, "%", "50 %"),
        (12, "1/h", "12/h"),
    ],
)
def test_values_in_words(value: float, unit: str, words: str) -> None:
    assert value_words(value, unit) == words


def marks(start: float, end: float, count: int = 6) -> list[str]:
    return [words for _, words in time_marks(start, end, count)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (30, ["08:00:00", "08:00:05", "08:00:10", "08:00:15", "08:00:20", "08:00:25", "08:00:30"]),
        (600, ["08:00", "08:02", "08:04", "08:06", "08:08", "08:10"]),
        (HOUR, ["08:00", "08:10", "08:20", "08:30", "08:40", "08:50", "09:00"]),
        (DAY, ["08:00", "12:00", "16:00", "20:00", "16 Jan", "04:00", "08:00"]),
        (5 * DAY, ["16 Jan", "17 Jan", "18 Jan", "19 Jan", "20 Jan"]),
        (80 * DAY, ["28 Jan", "11 Feb", "25 Feb", "11 Mar", "25 Mar"]),
    ],
)
def test_marks_of_times_are_round(seconds: float, words: list[str]) -> None:
    assert marks(NOW, NOW + seconds) == words


def test_times_are_local(local_time: pytest.MonkeyPatch) -> None:
    in_zone(local_time, "Asia/Kathmandu")  # 5:45 ahead
    assert marks(NOW, NOW + DAY / 2) == ["14:00", "16:00", "18:00", "20:00", "22:00", "16 Jan"]
    assert clock_words(NOW, NOW) == "13:45"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_marks_stay_round_when_summer_time_changes(day: str, local_time: pytest.MonkeyPatch) -> None:
    in_zone(local_time, "Europe/Berlin")
    midnight = time.mktime(time.strptime(day, "%Y-%m-%d"))
    found = time_marks(midnight - 6 * HOUR, midnight + 24 * HOUR, 10)
    assert [words for _, words in found if words[2] == ":"] == [
        time.strftime("%H:00", time.localtime(at)) for at, words in found if words[2] == ":"
    ]
    assert [at for at, _ in found] == sorted({at for at, _ in found})
    assert any(at == midnight and words[2] == " " for at, words in found)


@given(
    st.floats(-1e9, 4e9),
    st.floats(0, 1e9),
    st.integers(1, 30),
)
@example(5e-324, 2.0, 1)
def test_marks_of_times_are_few_and_in_order(start: float, seconds: float, count: int) -> None:
    found = [at for at, _ in time_marks(start, start + seconds, count)]
    assert found == sorted(set(found))
    assert all(start <= at <= start + seconds for at in found)
    assert len(found) <= 2 * count + 1


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW, "08:00"),
        (NOW + 15 * HOUR, "23:00"),
        (NOW + 16 * HOUR, "Sat 00:00"),
        (NOW - 9 * HOUR, "Thu 23:00"),
        (NOW + 5 * DAY, "Wed 08:00"),
        (NOW + 7 * DAY, "2027-01-22"),
    ],
)
def test_clock_words(at: float, words: str) -> None:
    assert clock_words(at, NOW) == words


def test_lines_do_not_cross_holes() -> None:
    minutes = [(60.0 * number, 1.0) for number in range(40) if not 10 < number < 20]
    assert [(piece[0][0], piece[-1][0]) for piece in unbroken(minutes)] == [(0, 600), (1200, 39 * 60)]


def test_rarer_samples_are_no_holes() -> None:
    thinned = [HOUR * number for number in range(20)]
    raw = [20 * HOUR + 60 * number for number in range(100)]
    assert len(unbroken([(at, 1.0) for at in thinned + raw])) == 1
    by_hand = sorted([300.0 * number for number in range(20)] + [1500.0 + number for number in range(1, 9)])
    assert len(unbroken([(at, 1.0) for at in by_hand])) == 1
    assert unbroken([]) == []
    assert unbroken([(1.0, 2.0)]) == [[(1.0, 2.0)]]
    assert unbroken([(1.0, 2.0), (1e6, 3.0)]) == [[(1.0, 2.0), (1e6, 3.0)]]


def test_the_band_goes_from_the_present_value_to_the_goal() -> None:
    assert band_value(RESYNC, NOW + 600, NOW - 5) == 1000
    assert band_value(RESYNC, NOW + 600, NOW) == 1000
    assert band_value(RESYNC, NOW + 600, NOW + 300) == 500
    assert band_value(RESYNC, NOW + 600, NOW + 900) == 0
    assert band_value(RESYNC, None, NOW + 900) == 1000
    assert band_value(RESYNC, NOW, NOW) == 0
    band = Band(NOW + 480, NOW + 600, NOW + 900)
    here, there = (NOW, 1000.0), (NOW + 480, 0.0)
    assert band_outline(RESYNC, band, NOW + 900) == [here, (NOW + 900, 0), there]
    assert band_outline(RESYNC, band, NOW + 450) == [here, (NOW + 450, 500), (NOW + 450, 62.5)]
    assert band_outline(RESYNC, band, NOW + 600) == [here, (NOW + 600, pytest.approx(1000 / 3)), (NOW + 600, 0), there]
    endless = band._replace(upper=None)
    assert band_outline(RESYNC, endless, NOW + 600) == [here, (NOW + 600, 1000), (NOW + 600, 0), there]


def test_a_far_end_does_not_squeeze_what_was_measured() -> None:
    far = RESYNC._replace(band=Band(NOW + 5 * DAY, NOW + 6 * DAY, NOW + 9 * DAY))
    shown = frame(far)
    assert shown.end - NOW == 3 * (NOW - shown.start)
    unknown = frame(RESYNC._replace(band=Band(NOW + 480, NOW + 600, None)))
    assert unknown.end == NOW + 720


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_svg_is_xml_with_everything_in_it() -> None:
    root = ElementTree.fromstring(svg([RESYNC, BRIDGE], "undergoal history", ["3 more"]))
    assert root.tag == f"{SVG}svg"
    assert root.attrib["role"] == "img"
    labels = root.attrib["aria-labelledby"].split()
    title, description = (root.find(f"*[@id='{label}']") for label in labels)
    assert title is not None
    assert title.text == "undergoal history"
    assert description is not None
    assert description.text == f"{RESYNC.title}: {RESYNC.sentence}; docker_bridge docker0: Bridge ports; 3 more"
    shown = texts(root)
    for words in (RESYNC.title, "Work left", RESYNC.sentence, "now", "local time (UTC)", "2000", "08:10", "3 more"):
        assert words in shown
    assert len(root.findall(f".//{SVG}polygon[@class='band']")) == 1
    assert len(root.findall(f".//{SVG}polyline[@class='middle']")) == 1
    assert len(root.findall(f".//{SVG}polyline[@class='line']")) == 2
    assert root.attrib["height"] == str(2 * 320 + 32)


def test_svg_needs_nothing_from_outside_and_runs_nothing() -> None:
    text = svg([RESYNC, BRIDGE], "x")
    assert re.findall(r"\w+://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    for word in ("<script", "href", "url(", "@import", "@font-face", "<image", "<foreignObject", "onload"):
        assert word not in text
    assert "prefers-color-scheme: dark" in text


def test_svg_coordinates_are_inside() -> None:
    root = ElementTree.fromstring(svg([RESYNC], "x"))
    for element in root.iter():
        for corner in element.attrib.get("points", "").split():
            x, y = map(float, corner.split(","))
            assert 80 <= x <= 784
            assert 44 <= y <= 230


HOSTILE = "</text><script>alert(1)</script> \"'&amp; \x00\x1b[31m\ud800\ufffe\U0001f600 ]]> é"


def test_svg_escapes_hostile_words() -> None:
    plot = RESYNC._replace(title=HOSTILE, measure=HOSTILE, sentence=HOSTILE)
    text = svg([plot], HOSTILE, [HOSTILE])
    root = ElementTree.fromstring(text)
    assert "<script" not in text
    assert not list(root.iter(f"{SVG}script"))
    clean = "</text><script>alert(1)</script> \"'&amp; ??[31m??\U0001f600 ]]> é"
    assert texts(root).count(clean) == 4
    text.encode()


def test_svg_of_many_samples_is_small_and_keeps_the_extremes() -> None:
    samples = [(NOW - 60_000 + number, float(number % 10)) for number in range(60_000)]
    samples[30_000] = (samples[30_000][0], 1000.0)
    text = svg([Plot("x", "X", "", samples, NOW)], "x")
    assert len(text) < 60_000
    assert ",44.0 " in text  # the top


@pytest.mark.parametrize("style", [ASCII, UNICODE])
@given(
    values=st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e300, 1e300) | st.integers(-3, 1023)), max_size=30),
    band=st.none() | st.lists(st.floats(0, 1e9), min_size=3, max_size=3).map(sorted),
    endless=st.booleans(),
    unit=st.sampled_from(["", "s", "B", "%", "1/h"]),
)
def test_anything_can_be_drawn(
    style: object, values: list[tuple[float, float]], band: list[float] | None, endless: bool, unit: str
) -> None:
    samples = sorted((NOW - age, float(value)) for age, value in values)
    ends = [NOW + seconds for seconds in band] if band and samples else None
    drawn = Band(ends[0], ends[1], None if endless else ends[2]) if ends else None
    plot = Plot("x", "X", unit, samples, NOW, "x", drawn)
    shown = frame(plot)
    assert shown.start < shown.end
    assert shown.low < shown.high
    assert all(map(math.isfinite, shown.marks))
    lines = terminal(plot, 80, UNICODE if style is UNICODE else ASCII).splitlines()
    assert len(lines) == 19
    assert max(map(len, lines)) <= 80
    ElementTree.fromstring(svg([plot], "x"))
