"""Bandwidth-delay arithmetic."""

from __future__ import annotations

import pytest

from checks.tcp_window.pipe import Pipe, fit, parse_rate, pipes, remedy
from checks.tcp_window.settings import Settings

MIB = 1 << 20
DEBIAN_12 = Settings(1, 1, 1, 1, 15, None, 1, (4096, 131072, 6 * MIB), (4096, 16384, 4 * MIB), 212992, 212992, (6, 1))
LARGE = DEBIAN_12._replace(rmem=(4096, 131072, 1 << 30), wmem=(4096, 16384, 1 << 30))
FAST = 1.25e9  # bytes per second


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10Gbit", 1.25e9),
        ("10gbit/s", 1.25e9),
        ("100Mbps", 1.25e7),
        ("1.5Mbit", 187500),
        ("64kbit", 8000),
        ("800", 100),
        ("1Tbit", 1.25e11),
    ],
)
def test_rates(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "-1Gbit",
        "1e9",
        "nan",
        "inf",
        "10 Gbit",
        "10Xbit",
        "0Gbit",
        "1..5Mbit",
        "99999999Tbit",
        "1_000",
        "\u0661Gbit",
    ],
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate such as 10Gbit"):
        parse_rate(text)


def test_rates_and_delays_go_in_pairs() -> None:
    a, b = ("1Gbit", 1.25e8), ("10Gbit", 1.25e9)
    near, far = ("2ms", 0.002), ("80ms", 0.08)
    assert [pipe.name for pipe in pipes([a, b], [near, far])] == ["1Gbit x 2ms", "10Gbit x 80ms"]
    assert [pipe.name for pipe in pipes([a], [near, far])] == ["1Gbit x 2ms", "1Gbit x 80ms"]
    assert [pipe.name for pipe in pipes([a, b], [far])] == ["1Gbit x 80ms", "10Gbit x 80ms"]
    with pytest.raises(ValueError, match="as many --rate as --rtt"):
        pipes([a, b, a], [near, far])
    for rates, delays in (([a], []), ([], [near])):
        with pytest.raises(ValueError, match="--rate and --rtt go together"):
            pipes(rates, delays)


def test_what_default_buffers_can_do_over_distance() -> None:
    """The shape of a published table: throughput falls as the delay grows, and large windows hold it up."""
    for milliseconds, expected in ((2, 1250.0), (8, 340.8), (64, 42.6), (128, 21.3)):
        found = fit(Pipe(FAST, milliseconds / 1000, ""), DEBIAN_12)
        assert found is not None
        assert found.expected / 1e6 == pytest.approx(expected, rel=0.001)
        large = fit(Pipe(FAST, milliseconds / 1000, ""), LARGE)
        assert large is not None
        assert large.expected == FAST


def test_the_narrower_buffer_limits() -> None:
    pipe = Pipe(FAST, 0.08, "")
    found = fit(pipe, LARGE._replace(wmem=(4096, 16384, 4 * MIB)))
    assert found is not None
    assert (found.receive_share > 1, round(found.send_share, 4)) == (True, 0.0273)
    assert found.share == found.send_share
    assert fit(pipe, DEBIAN_12._replace(rmem=None)) is None
    assert fit(pipe, DEBIAN_12._replace(wmem=None)) is None


def test_the_line_that_would_do_does() -> None:
    pipe = Pipe(FAST, 0.08, "10Gbit x 80ms")
    line = remedy(pipe, DEBIAN_12)
    assert line == "sysctl -w net.ipv4.tcp_rmem='4096 131072 200278016' net.ipv4.tcp_wmem='4096 16384 154140672'"
    enlarged = DEBIAN_12._replace(rmem=(4096, 131072, 200278016), wmem=(4096, 16384, 154140672))
    found = fit(pipe, enlarged)
    assert found is not None
    assert found.share >= 1
    assert remedy(pipe, enlarged) == ""


def test_a_line_for_what_is_switched_off() -> None:
    pipe = Pipe(1.25e7, 0.01, "")
    assert remedy(pipe, DEBIAN_12._replace(scaling=0)).endswith("net.ipv4.tcp_window_scaling=1")
    assert remedy(pipe, DEBIAN_12._replace(moderate_rcvbuf=0)).endswith("net.ipv4.tcp_moderate_rcvbuf=1")


def test_no_line_where_no_buffer_would_do() -> None:
    assert remedy(Pipe(1.25e11, 1, ""), DEBIAN_12) == ""
    assert remedy(Pipe(1.25e10, 0.08, ""), DEBIAN_12) == ""
    assert remedy(Pipe(FAST, 0.08, ""), DEBIAN_12._replace(rmem=None)) == ""
