"""Hosts with bonds as captured trees, for what a boot or an administrator does to them: written, changed, looked at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bond.captures import put
from support import Ran, check

A, B, C = "52:54:00:aa:aa:aa", "52:54:00:bb:bb:bb", "52:54:00:cc:cc:cc"
PARTNER, OTHER_PARTNER, NOBODY = "02:00:00:00:0a:01", "02:00:00:00:0a:02", "00:00:00:00:00:00"
FIRST_BOOT, SECOND_BOOT = "11111111-1111", "22222222-2222"
MODES = {"active-backup": "fault-tolerance (active-backup)", "802.3ad": "IEEE 802.3ad Dynamic link aggregation"}
STOLEN, PINNED = 2, 3


class Link(NamedTuple):
    """One link."""

    name: str
    permanent: str
    mii: str = "up"
    speed: str = "10000 Mbps"
    duplex: str = "full"
    failures: int = 0
    carrier_changes: int = 2
    address: str = ""  # that of the bond, unless said
    partner: str = PARTNER
    aggregator: int = 1
    state: int = 61
    churn: str = "none"


EA, EB = Link("ea", A), Link("eb", B)


class Bond(NamedTuple):
    """One bond; its MAC is that of its first link unless said."""

    links: tuple[Link, ...] = (EA, EB)
    name: str = "bond0"
    mac: str = ""
    assigned: int = STOLEN
    mode: str = "active-backup"
    fail_over_mac: str = "none"
    ifindex: int = 9
    mii: str = "up"
    up: bool = True
    primary: str = "None"
    active: str = ""
    system: str = ""
    miimon: int = 100
    shown: bool = True  # with CAP_NET_ADMIN

    @property
    def address(self) -> str:
        """Its MAC."""
        return self.mac or self.links[0].permanent


class Host:
    """A tree with bonds, and a history of its own."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self._state = directory / "state"
        self._state.mkdir(mode=0o700)
        self.boot(FIRST_BOOT)
        put(self.root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        put(self.root, "proc/net/if_inet6", "")

    def boot(self, boot_id: str) -> None:
        """What the kernel calls this boot."""
        put(self.root, "proc/sys/kernel/random/boot_id", f"{boot_id}\n")

    def has(self, *bonds: Bond) -> None:
        """These bonds, and no others."""
        import shutil

        for place in ("proc/net/bonding", "sys/class/net"):
            shutil.rmtree(self.root / place, ignore_errors=True)
            (self.root / place).mkdir(parents=True)
        for bond in bonds:
            put(self.root, f"proc/net/bonding/{bond.name}", text_of(bond))
            for name, value in (
                ("address", bond.address),
                ("addr_assign_type", bond.assigned),
                ("ifindex", bond.ifindex),
                ("flags", "0x1403" if bond.up else "0x1402"),
            ):
                put(self.root, f"sys/class/net/{bond.name}/{name}", f"{value}\n")
            for link in bond.links:
                put(self.root, f"sys/class/net/{bond.name}/lower_{link.name}", "")
                put(self.root, f"sys/class/net/{link.name}/address", f"{link.address or bond.address}\n")
                put(self.root, f"sys/class/net/{link.name}/carrier_changes", f"{link.carrier_changes}\n")

    def card(self, name: str, mac: str, **files: str) -> None:
        """A network card in no bond."""
        for file, content in {"address": mac, "addr_assign_type": "0", "ifindex": "77", "iflink": "77"}.items():
            put(self.root, f"sys/class/net/{name}/{file}", f"{files.get(file, content)}\n")
        put(self.root, f"sys/class/net/{name}/device", "")

    def put(self, path: str, content: str) -> None:
        """One more file."""
        put(self.root, path, content)

    def check(self, *arguments: str) -> Ran:
        """Look at it."""
        return check("bond", "--root", str(self.root), "--state-dir", str(self._state), *arguments)


def text_of(bond: Bond) -> str:
    """/proc/net/bonding of a bond."""
    lacp = bond.mode == "802.3ad"
    moves = f" (fail_over_mac {bond.fail_over_mac})" if bond.fail_over_mac != "none" else ""
    lines = ["Ethernet Channel Bonding Driver: v6.1.0-41-amd64", "", f"Bonding Mode: {MODES[bond.mode]}{moves}"]
    if not lacp:
        active = bond.active or next((link.name for link in bond.links if link.mii == "up"), "None")
        lines += [f"Primary Slave: {bond.primary}", f"Currently Active Slave: {active}"]
    lines += [f"MII Status: {bond.mii}", f"MII Polling Interval (ms): {bond.miimon}"]
    system = bond.system or bond.address
    if lacp:
        lines += ["", "802.3ad info", "LACP active: on", "LACP rate: fast", "Min links: 0"]
    if lacp and bond.shown:
        lines += [f"System MAC address: {system}", "Active Aggregator Info:", "\tAggregator ID: 1"]
        lines += [f"\tPartner Mac Address: {bond.links[0].partner if bond.links else NOBODY}"]
    for number, link in enumerate(bond.links, 1):
        lines += ["", f"Slave Interface: {link.name}", f"MII Status: {link.mii}", f"Speed: {link.speed}"]
        lines += [f"Duplex: {link.duplex}", f"Link Failure Count: {link.failures}"]
        lines += [f"Permanent HW addr: {link.permanent}", "Slave queue ID: 0"]
        if lacp:
            lines += [f"Aggregator ID: {link.aggregator}", f"Actor Churn State: {link.churn}"]
            lines += [f"Partner Churn State: {link.churn}"]
        if lacp and bond.shown:
            lines += ["details actor lacp pdu:", f"    system mac address: {system}", f"    port number: {number}"]
            lines += [f"    port state: {link.state}", "details partner lacp pdu:"]
            lines += [f"    system mac address: {link.partner}", "    port state: 61"]
    return "\n".join(lines) + "\n"
