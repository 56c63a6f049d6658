"""The outage and its relatives on real kernels: two hosts with a middlebox between them, seen from every side.

Cells of the matrix are independent, and mostly wait: they run side by side, each in namespaces of its own.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from lab.tcp_path import RESPONDER, SERVER, TcpPath, built
from lab.tcp_peer import SINK, SOURCE, WEB
from support import Ran

pytestmark = pytest.mark.needs("gcc", "ip", "ethtool", "unshare", "nsenter", "setpriv", "sysctl")

FAULTS = ("", "strip-syn", "strip-synack", "zero-syn", "zero-synack", "track")
METHODS = ("download", "upload", "probe", "passive", "both ends")
HOST = r"scale 7, windows up to [\d.]+ MiB"
UP, DOWN = r"[\d.]+ k?B/s up", r"[\d.]+ k?B/s down"
WEB_PATH, SINK_PATH, BOTH_PATH = (f"path to {re.escape(f'{SERVER}:{port}')}" for port in (WEB, SINK, RESPONDER))
NO_SCALING = "has no window scaling: stripped from our SYN, or not supported by the peer"
RAW = r"(50\d|6[0-3]\d)"  # bytes: a window of 64 KiB without its scale of 7
STRIPS_SYNACK = f"strips the window scale from the peer's SYN-ACK: we take {RAW} bytes, not 65160"
STUCK = "12 connections: 6 stuck on a misread window"
TRACKS = "has a firewall that tracks windows without their scale"

# (fault, method): (exit code, line 1 without the service's name and performance data); of passive: client, then server
EXPECTED: dict[tuple[str, str], list[tuple[int, str]]] = {
    ("", "download"): [(0, f"OK - {WEB_PATH} fine, scales 7 and 7; {DOWN}; {HOST}")],
    ("", "upload"): [(0, f"OK - {SINK_PATH} fine, scales 7 and 7; {UP}; {HOST}")],
    ("", "probe"): [(0, f"OK - {WEB_PATH} handshake fine, scales 7 and 7; no transfer was made; {HOST}")],
    ("", "passive"): [(0, f"OK - 12 connections: all scaled; {HOST}")] * 2,
    ("", "both ends"): [(0, f"OK - {BOTH_PATH} fine, scales 7 and 7; {DOWN}, {UP}; {HOST}")],
    ("strip-syn", "download"): [(1, f"WARNING - {WEB_PATH} {NO_SCALING}; {DOWN}")],
    ("strip-syn", "upload"): [(1, f"WARNING - {SINK_PATH} {NO_SCALING}; {UP}")],
    ("strip-syn", "probe"): [(1, f"WARNING - {WEB_PATH} {NO_SCALING}")],
    ("strip-syn", "passive"): [(1, r"WARNING - 10\.9\.0\.0/24 12 of 12 connections without window scaling")] * 2,
    ("strip-syn", "both ends"): [(1, f"WARNING - {BOTH_PATH} strips the window scale from our SYN; {DOWN}, {UP}")],
    ("strip-synack", "download"): [
        (
            2,
            f"CRITICAL - {WEB_PATH} {STRIPS_SYNACK}; {DOWN}",
        )
    ],
    ("strip-synack", "upload"): [
        (
            2,
            f"CRITICAL - {SINK_PATH} {STRIPS_SYNACK}; {UP}",
        )
    ],
    ("strip-synack", "probe"): [(1, f"WARNING - {WEB_PATH} {NO_SCALING}")],
    ("strip-synack", "passive"): [
        (
            2,
            rf"CRITICAL - {STUCK}; 10\.9\.0\.2 6 stuck, \d+ bytes at a time: its scale"
            " stripped on the way and 1 more",
        ),
        (0, f"OK - 12 connections: all scaled; {HOST}"),
    ],
    ("strip-synack", "both ends"): [
        (
            2,
            f"CRITICAL - {BOTH_PATH} {STRIPS_SYNACK}; {UP}",
        )
    ],
    ("zero-syn", "download"): [
        (2, rf"CRITICAL - {WEB_PATH} zeroes our window scale: peer sees 50\d bytes, not 64\d\d\d; 1\.\d kB/s")
    ],
    ("zero-syn", "upload"): [(0, f"OK - {SINK_PATH} fine, scales 7 and 7; {UP}; {HOST}")],
    ("zero-syn", "probe"): [(0, f"OK - {WEB_PATH} handshake fine, scales 7 and 7; no transfer was made; {HOST}")],
    ("zero-syn", "passive"): [
        (0, f"OK - 12 connections: all scaled; {HOST}"),
        (
            2,
            rf"CRITICAL - {STUCK}; 10\.9\.0\.1 6 stuck, 50\d bytes at a time: its scale"
            " zeroed on the way",
        ),
    ],
    ("zero-syn", "both ends"): [
        (2, rf"CRITICAL - {BOTH_PATH} zeroes our window scale: peer sees 50\d bytes, not 64\d\d\d; 1\.\d kB/s")
    ],
    ("zero-synack", "download"): [
        (2, f"CRITICAL - {WEB_PATH} zeroes the peer's window scale: we see {RAW} bytes, not 65160; {DOWN}")
    ],
    ("zero-synack", "upload"): [
        (2, f"CRITICAL - {SINK_PATH} zeroes the peer's window scale: we see {RAW} bytes, not 65160; {UP}")
    ],
    ("zero-synack", "probe"): [
        (
            0,
            f"OK - {WEB_PATH} handshake with scale 0 from the peer: small buffers, or zeroed; no transfer was made; {HOST}",  # noqa: E501
        )
    ],
    ("zero-synack", "passive"): [
        (
            2,
            rf"CRITICAL - {STUCK}; 10\.9\.0\.2 6 stuck, \d+ bytes at a time: its scale"
            " zeroed on the way",
        ),
        (0, f"OK - 12 connections: all scaled; {HOST}"),
    ],
    ("zero-synack", "both ends"): [
        (2, f"CRITICAL - {BOTH_PATH} zeroes the peer's window scale: we see {RAW} bytes, not 65160; {UP}")
    ],
    ("track", "download"): [(2, f"CRITICAL - {WEB_PATH} {TRACKS}; {DOWN}")],
    ("track", "upload"): [(2, f"CRITICAL - {SINK_PATH} {TRACKS}; {UP}")],
    ("track", "probe"): [(0, f"OK - {WEB_PATH} handshake fine, scales 7 and 7; no transfer was made; {HOST}")],
    ("track", "passive"): [(0, f"OK - 12 connections: all scaled; {HOST}")] * 2,
    ("track", "both ends"): [(2, f"CRITICAL - {BOTH_PATH} {TRACKS}; {DOWN}, {UP}")],
}


def measure(path: TcpPath, method: str) -> list[Ran]:
    """The check over a path in one of the five ways."""
    if method == "download":
        return [path.check("--http", f"http://{SERVER}:{WEB}/file")]
    if method == "upload":
        return [path.check("--probe", f"{SERVER}:{SINK}", "--upload")]
    if method == "probe":
        return [path.check("--probe", f"{SERVER}:{WEB}")]
    if method == "both ends":
        return [path.check("--probe", f"{SERVER}:{RESPONDER}", "--responder")]
    busy = [path.traffic(SOURCE, 6, "take"), path.traffic(SINK, 6, "send")]
    time.sleep(2)
    seen = [path.check("--established", "-v"), path.check("--established", "-v", at=path.server)]
    for process in busy:
        path.stop(process)
    return seen


def measure_all(
    middlebox: Path, fault: str, rtt_ms: float, scale: int, methods: tuple[str, ...]
) -> dict[str, list[Ran]]:
    """One path, in several ways one after another."""
    with TcpPath(middlebox, fault, rtt_ms, scale) as path:
        path.respond()
        return {method: measure(path, method) for method in methods}


@pytest.fixture(scope="module")
def middlebox() -> Iterator[Path]:
    program = built()
    yield program
    shutil.rmtree(program.parent)


STORY = tuple(
    (fault, rtt, scale) for fault in ("", "zero-syn") for rtt, scale in ((2, 7), (200, 7), (2, 10), (40, 10), (200, 10))
)
Cells = dict[tuple[str, float, int], "Future[dict[str, list[Ran]]]"]


@pytest.fixture(scope="module")
def cells(middlebox: Path) -> Iterator[Cells]:
    """Every path that is needed, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        yield {
            key: pool.submit(measure_all, middlebox, *key, METHODS)
            for key in ((*((fault, 40, 7) for fault in FAULTS), *STORY))
        }


def assert_line(done: Ran, code: int, pattern: str) -> None:
    """Whole line 1 without performance data, and the exit code."""
    assert re.fullmatch(f"TCP_WINDOW {pattern}", done.text), f"\n{done.text}\n{pattern}"
    assert (done.code, done.stderr) == (code, b"")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named_in_every_way_it_can_be_seen(fault: str, method: str, cells: Cells) -> None:
    found = cells[fault, 40, 7].result()[method]
    for done, (code, pattern) in zip(found, EXPECTED[fault, method]):
        assert_line(done, code, pattern)
    if (fault, method) == ("track", "passive"):
        assert re.search(r"^TCP gets no answer on \d+ connections: .*\(--probe tells\)$", found[1].output, re.MULTILINE)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fault", "rtt", "scale"), STORY)
def test_the_story_and_a_healthy_path_at_other_delays_and_scales(
    fault: str, rtt: float, scale: int, method: str, cells: Cells
) -> None:
    raw = {7: r"50\d", 10: r"6[2-4]"}[scale]
    for done, (code, pattern) in zip(cells[fault, rtt, scale].result()[method], EXPECTED[fault, method]):
        expected = pattern.replace("scales 7 and 7", f"scales {scale} and {scale}").replace("scale 7", f"scale {scale}")
        expected = expected.replace(r"50\d", raw).replace(r"1\.\d kB/s", r"[\d.]+ k?B/s").replace("k?B/s", "[kM]?B/s")
        assert_line(done, code, expected)
