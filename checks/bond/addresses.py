"""IPv6 addresses that were made from a MAC (RFC 4291, appendix A), as /proc/net/if_inet6 shows them."""

from __future__ import annotations

_LINK_LOCAL = "fe80000000000000"
_FILLER = "fffe"  # stands between the halves of a MAC


def eui64(mac: str) -> str:
    """The interface identifier that a MAC makes, as 16 hexadecimal digits; "" for what is no Ethernet MAC."""
    digits = mac.replace(":", "")
    if len(digits) != 12:
        return ""
    return f"{int(digits[:2], 16) ^ 2:02x}{digits[2:6]}{_FILLER}{digits[6:]}"


def mac_of(identifier: str) -> str:
    """The MAC that made an interface identifier."""
    digits = f"{int(identifier[:2], 16) ^ 2:02x}{identifier[2:6]}{identifier[10:]}"
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def parse_link_local(text: str) -> dict[str, list[str]]:
    """Interface -> identifiers of its link-local addresses that look as if made from a MAC. Other lines are skipped.

    A line: 32 digits, interface index, prefix length, scope, flags, name.
    """
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if line.startswith(_LINK_LOCAL) and line[22:26] == _FILLER:
            words = line.split(" ", 5)
            identifier = words[0][16:]
            if len(words) == 6 and len(identifier) == 16 and set(identifier) <= set("0123456789abcdef"):
                found.setdefault(words[5].strip(" "), []).append(identifier)
    return found
