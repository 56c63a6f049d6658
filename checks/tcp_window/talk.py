"""What the check and the responder at the other end say to each other: one line each, then plain bytes.

    -> UG1 down 20480                   or: UG1 up 20480, and so many bytes
    <- UG1 7 0 7 1 0 501                at once: options, scale that arrived, scale announced, own setting,
                                        SYN cookies, the asker's window in bytes as it is understood here
    <- 20480 bytes                      for "down"

The answer is short, since it may have to pass a path that lets 63 bytes through at a time.
"""

from __future__ import annotations

from checks.tcp_window.faults import End
from checks.tcp_window.tcp_info import SACK, TIMESTAMPS, WSCALE
from perfdata.record import Record

_WORD = "UG1"
REQUEST_MAX = 40  # bytes
REPORT_MAX = 60
BYTES_MAX = 32768  # that one request may ask for
DOWN, UP = "down", "up"


class Request(Record):
    """What is asked for."""

    direction: str  # DOWN or UP
    size: int  # bytes


class Report(Record):
    """What the responder saw."""

    end: End
    sees: int  # bytes: the window it may send into


def request(direction: str, count: int) -> bytes:
    """The line that asks."""
    return f"{_WORD} {direction} {count}\n".encode()


def parse_request(line: bytes) -> Request:
    """Raises ValueError."""
    word, direction, count = line.decode("ascii").split(" ")
    if word != _WORD or direction not in (DOWN, UP) or not count.isdigit() or not 0 < int(count) <= BYTES_MAX:
        raise ValueError("not a request")
    return Request(direction, int(count))


def report(options: int, got: int, sent: int, offers: bool, cookies: bool, sees: int) -> bytes:
    """The line that answers."""
    return f"{_WORD} {options} {got} {sent} {offers:d} {cookies:d} {sees}\n".encode()


def parse_report(line: bytes) -> Report:
    """Raises ValueError."""
    word, *texts = line.decode("ascii").split(" ")
    if word != _WORD or len(texts) != 6 or not all(text.isdigit() and len(text) < 11 for text in texts):
        raise ValueError("not a report")
    options, got, sent, offers, cookies, sees = map(int, texts)
    if options > 255 or got > 14 or sent > 14:
        raise ValueError("not a report")
    bare = not options & (WSCALE | SACK | TIMESTAMPS)
    return Report(End(bool(options & WSCALE), sent, got, bare, bool(offers), bool(cookies)), sees)
