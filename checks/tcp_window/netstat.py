"""/proc/net/netstat: counters of TCP, a line of names and a line of numbers for each protocol part."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host


def parse_counter(text: str, part: str, name: str) -> int | None:
    """The counter ``name`` in the lines of ``part`` ("TcpExt"); None when it is not there."""
    lines = [line.split() for line in text.splitlines() if line.startswith(f"{part}:")]
    for names, numbers in zip(lines[::2], lines[1::2]):
        if len(names) == len(numbers) and name in names:
            number = numbers[names.index(name)]
            return int(number) if number.isascii() and number.isdigit() else None
    return None


def cookies_sent(host: Host) -> int | None:
    """SYN cookies that this host has sent since boot; None when it cannot be known."""
    try:
        return parse_counter(host.text("/proc/net/netstat"), "TcpExt", "SyncookiesSent")
    except OSError:
        return None
