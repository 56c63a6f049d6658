"""The host's settings: what is read from /proc/sys/net, and what follows from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import HOSTS

from checks.frame.host import Host
from checks.frame.unread import Unread
from checks.tcp_window.settings import (
    Settings,
    dead_peer_seconds,
    own_scale,
    parse_release,
    parse_three,
    payload_share,
    read_settings,
    receive_window,
    send_window,
)

MIB = 1 << 20
DEBIAN_12 = Settings(1, 1, 1, 1, 15, None, 1, (4096, 131072, 6 * MIB), (4096, 16384, 4 * MIB), 212992, 212992, (6, 1))


def test_the_settings_of_a_captured_host() -> None:
    settings, unreadable = read_settings(Host(str(HOSTS / "tcp_window" / "ok")))
    rmem, wmem = (4096, 131072, 6 * MIB), (4096, 16384, 4 * MIB)
    assert settings == Settings(1, 1, 1, 1, 15, 120000, 1, rmem, wmem, 4 * MIB, 4 * MIB, (6, 18))
    assert unreadable == {}


def test_nothing_there_is_nothing_known(tmp_path: Path) -> None:
    settings, unreadable = read_settings(Host(str(tmp_path)))
    assert tuple(settings) == (*[None] * 11, (0, 0))
    assert unreadable == {}
    for derived in (own_scale, receive_window, send_window, dead_peer_seconds):
        assert derived(settings) is None


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\0", b"\xff\xfe", b"one two three", b"1 2", b"1 2 3 4", b"-1 2 3", b"9" * 4000]
)
def test_what_makes_no_sense_is_said_and_hides_nothing_else(content: bytes, tmp_path: Path) -> None:
    root = tmp_path / "host"
    shutil.copytree(HOSTS / "tcp_window" / "ok", root)
    (root / "proc/sys/net/ipv4/tcp_rmem").write_bytes(content)
    settings, unreadable = read_settings(Host(str(root)))
    assert unreadable == {"net/ipv4/tcp_rmem": Unread("/proc/sys/net/ipv4/tcp_rmem", "is not three numbers")}
    assert settings.rmem is None
    assert settings.wmem == (4096, 16384, 4 * MIB)


def test_three_numbers() -> None:
    assert parse_three("4096\t131072\t6291456\n") == (4096, 131072, 6291456)


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.18.44-fc-v657\n", (6, 18)),
        ("6.1.0-40-amd64", (6, 1)),
        ("4.19.0", (4, 19)),
        ("5.4-rc1", (5, 41)),
        ("", (0, 0)),
        ("garbage", (0, 0)),
        ("6", (0, 0)),
        (".6", (0, 0)),
        ("9999999999.1", (0, 0)),
    ],
)
def test_kernel_releases(text: str, release: tuple[int, int]) -> None:
    assert parse_release(text) == release


@pytest.mark.parametrize(
    ("rmem", "rmem_max", "scale"),
    [
        (65535, 0, 0),
        (65536, None, 1),
        (6 * MIB, 212992, 7),
        (65535, 4 * MIB, 7),  # the old advice: a small tcp_rmem alone changes nothing
        (32 * MIB, 4 * MIB, 10),
        (1 << 40, 0, 14),
        (0, 0, 0),
    ],
)
def test_the_scale_that_is_announced(rmem: int, rmem_max: int | None, scale: int) -> None:
    assert own_scale(DEBIAN_12._replace(rmem=(4096, 131072, rmem), rmem_max=rmem_max)) == scale


def test_no_scale_is_announced_when_scaling_is_off() -> None:
    off = DEBIAN_12._replace(scaling=0)
    assert (own_scale(off), receive_window(off), send_window(off)) == (0, 65535, 65535)


@pytest.mark.parametrize(
    ("kernel", "adv_win_scale", "share"),
    [
        ((6, 1), 1, 0.5),
        ((6, 1), 2, 0.75),
        ((6, 1), 0, 1.0),
        ((6, 1), -2, 0.25),
        ((6, 1), None, 0.5),
        ((4, 19), 10**9, 1.0),
        ((6, 6), 1, 0.625),
        ((6, 18), 3, 0.625),
        ((0, 0), 1, 0.5),
    ],
)
def test_how_much_of_a_buffer_is_window(kernel: tuple[int, int], adv_win_scale: int | None, share: float) -> None:
    assert payload_share(DEBIAN_12._replace(kernel=kernel, adv_win_scale=adv_win_scale)) == pytest.approx(share)


def test_windows() -> None:
    assert receive_window(DEBIAN_12) == 3 * MIB
    assert receive_window(DEBIAN_12._replace(moderate_rcvbuf=0)) == 65536
    assert send_window(DEBIAN_12) == int(0.65 * 4 * MIB)


@pytest.mark.parametrize(
    ("retries", "rto_max_ms", "expected"),
    [
        (15, None, 924.6),
        (15, 120000, 924.6),
        (8, None, 102.2),
        (5, None, 12.6),
        (0, None, 0.2),
        (15, 10000, 112.6),
        (256, None, None),
        (-1, None, None),
        (None, None, None),
    ],
)
def test_how_long_a_dead_peer_blocks(retries: int | None, rto_max_ms: int | None, expected: float | None) -> None:
    """924.6 s is what Documentation/networking/ip-sysctl.rst says of the default."""
    settings = DEBIAN_12._replace(retries2=retries, rto_max_ms=rto_max_ms)
    assert dead_peer_seconds(settings) == expected
