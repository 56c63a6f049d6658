"""From what each end saw to the fault of the path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import PROJECT

from checks.tcp_window import faults
from checks.tcp_window.faults import Download, End, Seen, Upload, classify, edge_moved_back

CORPUS = PROJECT.parent / "shared" / "corpus" / "tcp"
SCALED, ZERO_IN = End(True, 7, 7, False, True), End(True, 7, 0, False, True)
NONE = End(False, 0, 0, False, True)
BARE, OFF = End(False, 0, 0, True, True), End(False, 0, 0, False, False)
COOKIES = End(False, 0, 0, True, True, True)
GOOD = Download(20480, 16, 0.12, 0.0, 501, 0.04, True, 7)
CRAWL = Download(5010, 13, 3.0, 0.1, 501, 0.04, False, 7)
STALL = Download(150, 1, 3.0, 2.9, 501, 0.04, False, 7)
GOOD_UNSCALED = Download(20480, 16, 0.12, 0.0, 16384, 0.04, True, 0)
SLOW_UNSCALED = Download(5010, 13, 3.0, 0.1, 16384, 0.04, False, 0)
STALL_UNSCALED = Download(150, 1, 3.0, 2.9, 16384, 0.04, False, 0)
SENT = Upload(20480, 0.12, True, False, False, 0, 0.0)
CREPT = Upload(20480, 2.6, True, True, True, 0, 0.0)
STARVED = Upload(18000, 3.0, False, False, True, 0, 0.1)
BACKED_OFF = Upload(14480, 3.0, False, False, False, 3, 2.9)
LOSSY = Upload(14480, 3.0, False, False, False, 3, 0.4)
NOTHING_SENT = Upload(0, 3.0, False, False, False, 3, 3.0)
NOT_READ = Upload(14480, 3.0, False, False, False, 0, 2.9)


@pytest.mark.parametrize(
    ("near", "far", "fault"),
    [
        (SCALED, SCALED, faults.HANDSHAKE_FINE),
        (SCALED, ZERO_IN, faults.ZEROED_TO_PEER),
        (ZERO_IN, SCALED, faults.ZEROED_TO_US),
        (NONE, SCALED, faults.STRIPPED_SYNACK),
        (NONE, NONE, faults.STRIPPED_SYN),
        (OFF, NONE, faults.OWN_OFF),
        (NONE, OFF, faults.PEER_OFF),
        (BARE, COOKIES, faults.BARE),
        (BARE, BARE, faults.STRIPPED_SYN),
        (End(True, 7, 2, False, True), SCALED, faults.ZEROED_TO_US),
        (End(True, 0, 7, False, True), End(True, 7, 0, False, True), faults.HANDSHAKE_FINE),
    ],
)
def test_both_ends_of_a_handshake_decide(near: End, far: End, fault: str) -> None:
    assert classify(Seen(near, far)) == fault


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        (Seen(SCALED), faults.HANDSHAKE_FINE),
        (Seen(ZERO_IN), faults.HANDSHAKE_UNCLEAR),
        (Seen(NONE), faults.STRIPPED),
        (Seen(BARE), faults.BARE),
        (Seen(OFF), faults.OWN_OFF),
        (Seen(SCALED, download=GOOD), faults.FINE),
        (Seen(ZERO_IN, download=GOOD), faults.FINE),
        (Seen(SCALED, upload=SENT), faults.FINE),
        (Seen(SCALED, upload=NOT_READ), faults.FINE),
        (Seen(NONE, download=GOOD), faults.STRIPPED),
        (Seen(NONE, shrunk=True, download=GOOD), faults.STRIPPED_SYNACK),
        (Seen(NONE, upload=CREPT), faults.STRIPPED_SYNACK),
        (Seen(ZERO_IN, upload=CREPT), faults.ZEROED_TO_US),
        (Seen(ZERO_IN, upload=STARVED), faults.ZEROED_TO_US),
        (Seen(ZERO_IN, shrunk=True, download=GOOD), faults.ZEROED_TO_US),
        (Seen(SCALED, download=CRAWL, again=GOOD_UNSCALED), faults.ZEROED_TO_PEER),
        (Seen(SCALED, download=CRAWL, again=SLOW_UNSCALED), faults.FINE),
        (Seen(SCALED, download=CRAWL), faults.CRAWLS),
        (Seen(SCALED, SCALED, download=CRAWL), faults.FINE),
        (Seen(SCALED, download=STALL, again=GOOD_UNSCALED), faults.TRACKED),
        (Seen(SCALED, download=STALL, again=STALL_UNSCALED), faults.STALLED),
        (Seen(SCALED, download=STALL), faults.STALLED),
        (Seen(SCALED, upload=BACKED_OFF), faults.TRACKED),
        (Seen(SCALED, upload=LOSSY), faults.FINE),
        (Seen(SCALED, upload=NOTHING_SENT), faults.STALLED),
        (Seen(SCALED, download=Download(300, 1, 0.1, 0.0, 501, 0.04, True, 7)), faults.TOO_SMALL),
        (Seen(SCALED, SCALED, download=GOOD, upload=SENT), faults.FINE),
        (Seen(SCALED, SCALED, download=STALL, upload=BACKED_OFF), faults.TRACKED),
    ],
)
def test_one_end_and_a_transfer(seen: Seen, fault: str) -> None:
    assert classify(seen) == fault


def test_a_download_is_suspicious_when_it_crawls_or_stalls() -> None:
    assert [d.suspicious for d in (GOOD, CRAWL, STALL, GOOD_UNSCALED, STALL_UNSCALED)] == [
        False,
        True,
        True,
        False,
        True,
    ]
    assert CRAWL._replace(segments=None).crawls
    assert not GOOD._replace(segments=None).crawls
    assert not CRAWL._replace(scale=0).crawls
    assert not CRAWL._replace(received=13 * 1448).crawls


@pytest.mark.parametrize(
    ("first", "acked", "window", "moved"),
    [
        (65160, 41, 509, True),
        (65160, 20480, 634, True),
        (65160, 41, 65152, False),
        (65160, 20480, 44680, False),  # a peer that does not read
        (65160, 0, 509, False),  # nothing was acknowledged yet
        (65535, 41, 32768, False),  # a proxy that promised more than its server has
        (8000, 41, 500, False),
        (None, 41, 509, False),
        (65160, None, 509, False),
        (65160, 41, None, False),
    ],
)
def test_the_right_edge_of_a_window(first: int | None, acked: int | None, window: int | None, moved: bool) -> None:
    assert edge_moved_back(first, acked, window) is moved


@pytest.mark.skipif(not CORPUS.is_dir(), reason="recorded connections are not beside this checkout")
@pytest.mark.parametrize("direction", ["D", "U"])
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("none", faults.HANDSHAKE_FINE),
        ("stripsyn", faults.STRIPPED_SYN),
        ("stripsynack", faults.STRIPPED_SYNACK),
        ("zerosyn", faults.ZEROED_TO_PEER),
        ("zerosynack", faults.ZEROED_TO_US),
        ("trackfw", faults.HANDSHAKE_FINE),
    ],
)
def test_recorded_connections(name: str, direction: str, fault: str) -> None:
    def end(side: str) -> End:
        seen = json.loads(Path(CORPUS / f"d-{name}-{direction}.{side}.json").read_text())
        return End(bool(seen["options"] & 4), seen["rcv_wscale"], seen["snd_wscale"], not seen["options"] & 7, True)

    assert classify(Seen(end("cli"), end("srv"))) == fault
