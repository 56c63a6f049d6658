"""How a MAC is pinned, and whether the configuration of ifupdown leaves the order of the links to chance.

``bond-slaves none`` with links that say ``bond-master`` (ifenslave's README) enslaves each link when it appears:
whichever is first lends its MAC.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.unread import Reader

_INTERFACES = "/etc/network/interfaces"
_OTHER_STANZAS = ("auto", "mapping", "source", "source-directory", "rename", "template", "no-auto-down")
_ANY = ("none", "all")  # those that say they belong to it; those that are there at that moment
_INCLUDED = "/etc/network/interfaces.d"


def pin_lines(bond: str, mac: str) -> list[str]:
    """What to write, one line each for ifupdown, netplan, systemd-networkd and NetworkManager."""
    return [
        f"ifupdown: in /etc/network/interfaces, below iface {bond}: hwaddress {mac}",
        # in quotes: YAML takes 52:54:00:11:11:11 for a number to the base of 60
        f'netplan: in /etc/netplan/*.yaml, below bonds: {bond}: macaddress: "{mac}"',
        f"systemd-networkd: in the .netdev file of {bond}, below [NetDev]: MACAddress={mac}",
        f"NetworkManager: nmcli connection modify {bond} 802-3-ethernet.cloned-mac-address {mac}",
    ]


def left_to_chance(reader: Reader) -> set[str]:
    """Bonds that ifupdown lets their links join in the order in which they appear, without a MAC of their own."""
    texts = [reader.text(_INTERFACES)]
    if texts[0] or _INTERFACES in reader.unread:  # else ifupdown does not configure this host
        texts += [reader.text(f"{_INCLUDED}/{name}") for name in reader.entries(_INCLUDED)]
    return parse_interfaces("\n".join(texts))


def parse_interfaces(text: str) -> set[str]:
    """Of the bonds in an interfaces(5) file those whose links join by chance and that have no hwaddress."""
    stanzas: dict[str, dict[str, str]] = {}
    options: dict[str, str] = {}
    for line in text.replace("\\\n", " ").split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "iface" and len(words) > 1:
            options = stanzas.setdefault(words[1], {})
        elif words[0] in _OTHER_STANZAS or words[0].startswith("allow-"):
            options = {}
        elif len(words) > 1:
            options.setdefault(words[0].replace("_", "-"), " ".join(words[1:]))
    joined = {options["bond-master"] for options in stanzas.values() if "bond-master" in options}
    return {
        name
        for name, options in stanzas.items()
        if "hwaddress" not in options
        and (
            options.get("bond-slaves") in _ANY
            or options.get("slaves") in _ANY
            or (name in joined and "bond-slaves" not in options and "slaves" not in options)
        )
    }
