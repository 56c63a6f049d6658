"""Bandwidth-delay arithmetic: can these buffers fill this pipe, which one limits, and what would do? Pure."""

from __future__ import annotations

from checks.tcp_window.settings import BUFFER_MAX, SCALE_MAX, Settings, payload_share, receive_window, send_window
from perfdata.record import Record

_PAYLOAD_SENT = 0.65
_UNITS = {"": 1, "bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "tbit": 10**12}
_WINDOW_MAX = 65535 << SCALE_MAX  # bytes
_ROUND = 1 << 20


class Pipe(Record):
    """A path by its bandwidth and delay."""

    rate: float  # bytes per second
    rtt: float  # seconds
    name: str  # as it was given: "10Gbit x 80ms"

    @property
    def product(self) -> float:
        """Bytes in flight that fill it."""
        return self.rate * self.rtt


class Fit(Record):
    """What this host can do with a pipe."""

    receive_share: float  # of the pipe that the receive window fills, 1.0 and more: all of it
    send_share: float
    expected: float  # bytes per second, through the narrower one

    @property
    def share(self) -> float:
        """The narrower one."""
        return min(self.receive_share, self.send_share)


def parse_rate(text: str) -> float:
    """ "10Gbit" (also Gbit/s, Gbps) -> bytes per second. Raises ValueError."""
    word = text.lower().removesuffix("/s").removesuffix("ps")
    digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = word[len(digits) :]
    unit = f"{unit}it" if unit.endswith("b") else unit
    try:
        value = float(digits) * _UNITS[unit] / 8
    except (ValueError, KeyError):
        raise ValueError(f"'{text}' is not a rate such as 10Gbit") from None
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or not 1 <= value <= 10**15:
        raise ValueError(f"'{text}' is not a rate such as 10Gbit")
    return value


def pipes(rates: list[tuple[str, float]], rtts: list[tuple[str, float]]) -> list[Pipe]:
    """Each rate with the delay given beside it; a single one of either goes with all of the other."""
    if not rates or not rtts:
        raise ValueError("--rate and --rtt go together")
    if len(rates) == 1:
        rates = rates * len(rtts)
    if len(rtts) == 1:
        rtts = rtts * len(rates)
    if len(rates) != len(rtts):
        raise ValueError("as many --rate as --rtt, or one of either")
    return [Pipe(rate, rtt, f"{a} x {b}") for (a, rate), (b, rtt) in zip(rates, rtts)]


def fit(pipe: Pipe, settings: Settings) -> Fit | None:
    """None when the buffers are not known."""
    receive, send = receive_window(settings), send_window(settings)
    if receive is None or send is None:
        return None
    window = min(receive, send)
    expected = pipe.rate if window >= pipe.product else window / pipe.rtt
    return Fit(receive / pipe.product, send / pipe.product, expected)


def remedy(pipe: Pipe, settings: Settings) -> str:
    """The sysctl line that would do; "" when no setting can."""
    if settings.rmem is None or settings.wmem is None or pipe.product > _WINDOW_MAX:
        return ""
    words = []
    found = fit(pipe, settings)
    for name, three, share, payload in (
        ("tcp_rmem", settings.rmem, found.receive_share if found else 0, payload_share(settings)),
        ("tcp_wmem", settings.wmem, found.send_share if found else 0, _PAYLOAD_SENT),
    ):
        if share >= 1 or payload <= 0:
            continue
        wanted = -int(-pipe.product / payload // _ROUND) * _ROUND
        if wanted > BUFFER_MAX:
            return ""
        words.append(f"net.ipv4.{name}='{three[0]} {three[1]} {max(wanted, three[2])}'")
    if settings.scaling == 0:
        words.append("net.ipv4.tcp_window_scaling=1")
    if settings.moderate_rcvbuf == 0:
        words.append("net.ipv4.tcp_moderate_rcvbuf=1")
    return f"sysctl -w {' '.join(words)}" if words else ""
