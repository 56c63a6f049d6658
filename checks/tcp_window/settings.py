"""What this host's TCP is set to: /proc/sys/net/ipv4/tcp_* and net/core/?mem_max (Documentation/networking/ip-sysctl).

A file that is not in this network namespace is None, which is said at -v; one that makes no sense is unreadable.
"""

from __future__ import annotations

from checks.frame.unread import Unread, unread
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host

SCALE_MAX = 14  # RFC 7323
BUFFER_MAX = 1 << 30  # a maximum above it is a mistake: the window field with its scale ends there
_RTO_MIN = 0.2  # seconds, TCP_RTO_MIN
_RTO_MAX = 120.0
_SCALED_BY_SOCKET = (6, 6)  # kernels that measure how much of a buffer is payload, from this one on
_PAYLOAD_MEASURED = 0.625  # of the receive buffer, on those kernels with full-size segments
_PAYLOAD_SENT = 0.65  # of the send buffer, in flight; measured on 6.18


class Settings(Record):
    """Kernel settings; None where this namespace does not show them."""

    scaling: int | None  # 0: off
    timestamps: int | None  # 0: off
    syncookies: int | None  # 0: off, 1: under pressure, 2: always
    adv_win_scale: int | None  # share of a buffer that is overhead, before 6.6
    retries2: int | None
    rto_max_ms: int | None
    moderate_rcvbuf: int | None  # 0: receive buffers do not grow
    rmem: tuple[int, int, int] | None  # bytes: least, default, most
    wmem: tuple[int, int, int] | None
    rmem_max: int | None  # bytes, net.core
    wmem_max: int | None
    kernel: tuple[int, int]  # (6, 18); (0, 0) when unknown


def parse_three(text: str) -> tuple[int, int, int]:
    """ "4096\\t131072\\t6291456". Raises ValueError."""
    least, default, most = (int(word) for word in text.split())
    if min(least, default, most) < 0:
        raise ValueError("negative")
    return least, default, most


def parse_release(text: str) -> tuple[int, int]:
    """ "6.1.0-40-amd64" -> (6, 1); (0, 0) for anything else."""
    parts = text.strip().split(".")
    digits = "".join(c for c in parts[1] if c.isascii() and c.isdigit()) if len(parts) > 1 else ""
    if not (parts[0].isascii() and parts[0].isdigit() and digits and len(parts[0] + digits) < 8):
        return (0, 0)
    return int(parts[0]), int(digits)


def read_settings(host: Host) -> tuple[Settings, dict[str, Unread]]:
    """The settings, and those that are there and could not be read, by their place below /proc/sys."""
    unreadable: dict[str, Unread] = {}

    def number(name: str) -> int | None:
        path = f"/proc/sys/{name}"
        try:
            return host.number(path)
        except ValueError:
            unreadable[name] = Unread(path, "is not a number")
        except OSError as error:
            unreadable[name] = unread(path, error)
        return None

    def text(name: str) -> str | None:
        path = f"/proc/sys/{name}"
        try:
            return host.read(path, 256).decode("ascii", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            unreadable[name] = unread(path, error)
        return None

    def three(name: str) -> tuple[int, int, int] | None:
        content = text(name)
        try:
            return None if content is None else parse_three(content)
        except ValueError:
            unreadable[name] = Unread(f"/proc/sys/{name}", "is not three numbers")
        return None

    settings = Settings(
        number("net/ipv4/tcp_window_scaling"),
        number("net/ipv4/tcp_timestamps"),
        number("net/ipv4/tcp_syncookies"),
        number("net/ipv4/tcp_adv_win_scale"),
        number("net/ipv4/tcp_retries2"),
        number("net/ipv4/tcp_rto_max_ms"),
        number("net/ipv4/tcp_moderate_rcvbuf"),
        three("net/ipv4/tcp_rmem"),
        three("net/ipv4/tcp_wmem"),
        number("net/core/rmem_max"),
        number("net/core/wmem_max"),
        parse_release(text("kernel/osrelease") or ""),
    )
    return settings, unreadable


def own_scale(settings: Settings) -> int | None:
    """The window scale that this host announces; None when it cannot be known.

    tcp_select_initial_window: by the largest buffer a socket may have, whichever limit that is, so that a small
    tcp_rmem alone does not make it 0.
    """
    if settings.scaling == 0:
        return 0
    if settings.rmem is None:
        return None
    largest = max(settings.rmem[2], settings.rmem_max or 0)
    return min(max(largest.bit_length() - 1 - 15, 0), SCALE_MAX)


def payload_share(settings: Settings) -> float:
    """How much of a receive buffer can be window."""
    if settings.kernel >= _SCALED_BY_SOCKET:
        return _PAYLOAD_MEASURED
    scale = 1 if settings.adv_win_scale is None else settings.adv_win_scale
    scale = min(max(scale, -31), 31)
    return 1 - 0.5**scale if scale > 0 else float(0.5**-scale)


def receive_window(settings: Settings) -> int | None:
    """The largest window, in bytes, that this host will offer without an application asking for more."""
    if settings.rmem is None:
        return None
    buffer = settings.rmem[1] if settings.moderate_rcvbuf == 0 else settings.rmem[2]
    window = int(payload_share(settings) * buffer)
    return min(window, 65535) if settings.scaling == 0 else min(window, 65535 << SCALE_MAX)


def send_window(settings: Settings) -> int | None:
    """How many bytes this host can have in flight on one connection."""
    if settings.wmem is None:
        return None
    window = int(_PAYLOAD_SENT * settings.wmem[2])
    return min(window, 65535) if settings.scaling == 0 else window


def dead_peer_seconds(settings: Settings) -> float | None:
    """How long a peer that is gone blocks a write: tcp_retries2 as time (retransmits_timed_out), at the least RTO."""
    retries = settings.retries2
    if retries is None or not 0 <= retries <= 255:
        return None
    longest = settings.rto_max_ms / 1000 if settings.rto_max_ms else _RTO_MAX
    total, timeout = 0.0, _RTO_MIN
    for _ in range(retries + 1):
        total += min(timeout, longest)
        timeout = min(timeout * 2, longest)
    return round(total, 1)
