"""What may be asked: a pipe to fill, the connections there are, a path to probe."""

from __future__ import annotations

from checks.frame.options import Option, seconds
from checks.frame.printable import printable


def own_options() -> list[Option]:
    """Those of this check alone, by what is looked at."""
    pipe, passive, active = "a pipe to fill", "connections there are", "a path to probe"
    return [
        Option(
            ("--rate",),
            "bandwidth of a path, e.g. 10Gbit (repeatable, beside --rtt)",
            "RATE",
            _rate,
            repeat=True,
            group=pipe,
        ),
        Option(
            ("--rtt",),
            "its round trip time, e.g. 80ms (repeatable, beside --rate)",
            "TIME",
            _rtt,
            repeat=True,
            group=pipe,
        ),
        Option(
            ("--initcwnd",),
            "WARNING when a default route, or one with this metric, has fewer segments",
            "N",
            _segments,
            group=pipe,
        ),
        Option(("--established",), "judge all established connections to elsewhere", group=passive),
        Option(
            ("--min-connections",),
            "WARNING when most connections of a network (/24, IPv6 /48) with at least so many have no scaling"
            " (default 5)",
            "N",
            _segments,
            5,
            group=passive,
        ),
        Option(("--probe",), "the handshake with this port (IPv4)", "HOST:PORT", _endpoint, group=active),
        Option(("--http",), "a download of 20 kB of this", "URL", _url, group=active),
        Option(
            ("--upload",),
            "an upload of 20 kB instead: to a port that takes bytes, or as POST with --http",
            group=active,
        ),
        Option(
            ("--responder",),
            "an undergoal tcp-responder is at --probe HOST:PORT: both ways, and both ends compared",
            group=active,
        ),
    ]


def _rate(text: str) -> tuple[str, float]:
    from checks.tcp_window.pipe import parse_rate

    return text, parse_rate(text)


def _rtt(text: str) -> tuple[str, float]:
    if text.endswith("ms"):
        return text, seconds(0.001, 1e6)(text[:-2]) / 1000
    return text, seconds(0.000001, 1000)(text)


def _segments(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 65535 and len(text) < 6):
        raise ValueError(f"'{text}' is not between 1 and 65535")
    return int(text)


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535):
        raise ValueError(f"'{printable(text)}' is not HOST:PORT")
    if not all(c.isascii() and (c.isalnum() or c in ".-_") for c in host) or host.startswith("-"):
        raise ValueError(f"'{printable(text)}' has no host name or IPv4 address")
    return host, int(port)


def _url(text: str) -> tuple[str, int, str]:
    from checks.tcp_window.web import parse_url

    return parse_url(text)
