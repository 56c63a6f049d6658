"""/proc/net/bonding/NAME: a bond and its links as the driver shows them (drivers/net/bonding/bond_procfs.c).

The links stand in the order in which they were enslaved. A reader without CAP_NET_ADMIN gets no "system mac address" of
either side, no active aggregator, and the rest: what is missing then is not lost.

Older drivers say less: v3.5.0 nothing of speeds and queues, nor of a single link's LACP but its aggregator, and
everybody sees the partner of the active one; v2.5.0 nothing of permanent MACs.
"""

from __future__ import annotations

import re

from perfdata.record import Record

NOBODY = "00:00:00:00:00:00"  # the partner of a link that has heard none
ACTIVE_BACKUP, LACP = "active-backup", "802.3ad"
COLLECTING_DISTRIBUTING = 0x30  # bits of an LACP port's state: it takes and sends frames

# How the driver calls a mode here, and how its option does.
_MODES = {
    "load balancing (round-robin)": "balance-rr",
    "fault-tolerance (active-backup)": ACTIVE_BACKUP,
    "load balancing (xor)": "balance-xor",
    "fault-tolerance (broadcast)": "broadcast",
    "IEEE 802.3ad Dynamic link aggregation": LACP,
    "transmit load balancing": "balance-tlb",
    "adaptive load balancing": "balance-alb",
}
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5,31}\Z")  # InfiniBand's are longer
_MASKED = re.compile(r"(?:[0-9a-fA-FxX*]{2}:){5,31}[0-9a-fA-FxX*]{2}\Z")  # by somebody who passed a capture on
_BLANKS = " \t"  # str.strip() takes characters that are part of a name here
_FIRST_LINE = "Ethernet Channel Bonding Driver:"
_MAC_LINE, _NO_AGGREGATOR = "\nPermanent HW addr:", " has no active aggregator\n"
_UNKNOWN_SPEEDS = (0, 65535)  # the latter is -1 where the driver had 16 bits for it


class BondingTextError(Exception):
    """This is no text of the driver's, or not all of it; the reason is the text."""


class Lacp(Record):
    """What one link's LACP says; MACs "" and states None where they were not shown."""

    aggregator: int | None  # its aggregator's number
    churned: bool  # a machine gave up: actor or partner churned
    negotiating: bool  # it has not given up yet
    system: str  # this side's MAC
    partner: str  # the other side's
    state: int | None  # bits of this side's port


class Link(Record):
    """One link of a bond."""

    name: str
    mii: str  # "up", "down", "going down", "going back"
    speed: int | None  # Mbit/s
    duplex: str  # "full", "half", "" when unknown
    failures: int  # since it was enslaved
    permanent: str  # the MAC it had when it was enslaved; "" when not shown. Older drivers show six bytes of any
    lacp: Lacp | None  # in mode 802.3ad

    @property
    def up(self) -> bool:
        """Whether it can carry: "going down" still does, "going back" does not yet."""
        return self.mii in ("up", "going down")


class BondText(Record):
    """One bond."""

    mode: str  # "active-backup"
    fail_over_mac: str  # "none", "active", "follow"
    primary: str  # "" for none
    active: str  # "" for none, or where the mode has no such thing
    mii: str
    monitored: bool  # by MII or ARP: without either no failure is ever noticed
    system: str  # LACP; "" when not shown
    partner: str  # of the active aggregator; "" when not shown
    aggregator: int | None  # the active one; None when there is none, or it is not shown
    shown: bool  # LACP: whether this reader saw what needs CAP_NET_ADMIN now
    links: tuple[Link, ...]


def parse_bonding(text: str) -> BondText:
    """The bond of one file. Raises BondingTextError for anything that is not a whole one."""
    if not text.startswith(_FIRST_LINE):
        raise BondingTextError("not a text of the bonding driver")
    sections = text.split("\nSlave Interface: ")
    head = _fields(sections[0].split("\n"))
    mode, fail_over_mac = _mode(head.get("Bonding Mode", ""))
    links = tuple(_link(section.split("\n"), mode == LACP) for section in sections[1:])
    legs = [link.lacp for link in links if link.lacp is not None and link.lacp.aggregator is not None]
    untold = {leg.state is None for leg in legs}
    # a driver that tells no permanent MAC tells none of any link, and no speeds either
    bare = [section for section in sections[1:] if _MAC_LINE not in section]
    whole = text.endswith("\n") and "MII Status" in head and len(bare) in (0, len(links))
    if (
        not whole
        or any("\nSpeed: " in section for section in bare)
        or len(untold) > 1
        or ("System MAC address" in head and True in untold)
    ):
        raise BondingTextError("cut short")
    names = [link.name for link in links]
    if len(set(names)) != len(names):
        raise BondingTextError("a link is there twice")
    return BondText(
        mode,
        fail_over_mac,
        _name(head.get("Primary Slave", "")),
        _name(head.get("Currently Active Slave", "")),
        _mii(head),
        _whole(head.get("MII Polling Interval (ms)", "0")) > 0
        or _whole(head.get("ARP Polling Interval (ms)", "0")) > 0,
        _mac(head.get("System MAC address", "")),
        _mac(head.get("Partner Mac Address", "")),
        _whole(head["Aggregator ID"]) if "Aggregator ID" in head else None,
        "System MAC address" in head or "Aggregator ID" in head or sections[0].endswith(_NO_AGGREGATOR),
        links,
    )


def _fields(lines: list[str]) -> dict[str, str]:
    """name -> value of "name: value" lines; the first of a name counts."""
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        if colon:
            fields.setdefault(name.strip(_BLANKS), value.strip(_BLANKS))
    return fields


def _mode(value: str) -> tuple[str, str]:
    words, found, rest = value.partition(" (fail_over_mac")
    if words not in _MODES:
        raise BondingTextError("cut short" if not value else "an unknown mode")
    # 2.6.24 knew one policy, and did not name it
    return _MODES[words], (rest.strip(" )") or "active") if found else "none"


def _link(lines: list[str], lacp: bool) -> Link:
    # the last lines of a link are in two blocks, which both have a "system mac address"
    actor = partner = len(lines)
    for number, line in enumerate(lines):
        if line == "details actor lacp pdu:":
            actor = number
        elif line == "details partner lacp pdu:":
            partner = number
    fields = _fields(lines[1 : min(actor, partner)])
    if not lines[0] or "MII Status" not in fields or "Link Failure Count" not in fields:
        raise BondingTextError("cut short")
    return Link(
        lines[0],
        _mii(fields),
        _speed(fields.get("Speed", "")),
        fields["Duplex"] if fields.get("Duplex") in ("full", "half") else "",
        _whole(fields["Link Failure Count"]),
        _mac(fields.get("Permanent HW addr", "")),
        _lacp(fields, _fields(lines[actor:partner]), _fields(lines[partner:])) if lacp else None,
    )


def _lacp(fields: dict[str, str], actor: dict[str, str], partner: dict[str, str]) -> Lacp:
    if "Aggregator ID" not in fields or (actor and "port state" not in (partner or {})):
        raise BondingTextError("cut short")
    aggregator = fields["Aggregator ID"]
    churn = (fields.get("Actor Churn State", ""), fields.get("Partner Churn State", ""))
    return Lacp(
        None if aggregator == "N/A" else _whole(aggregator),
        "churned" in churn,
        "monitoring" in churn and "churned" not in churn,
        _mac(actor.get("system mac address", "")),
        _mac(partner.get("system mac address", "")),
        _whole(actor["port state"]) if "port state" in actor else None,
    )


def _mii(fields: dict[str, str]) -> str:
    if fields["MII Status"] not in ("up", "down", "going down", "going back"):
        raise BondingTextError("an unknown MII status")
    return fields["MII Status"]


def _speed(value: str) -> int | None:
    digits = value.removesuffix(" Mbps")
    speed = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    return None if speed in _UNKNOWN_SPEEDS else speed


def _name(value: str) -> str:
    name = value.partition(" (primary_reselect ")[0]
    return "" if name == "None" else name


def _mac(value: str) -> str:
    if value and not _MAC.match(value):
        if not _MASKED.match(value):
            raise BondingTextError("a MAC that is none")
        return ""
    return value


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise BondingTextError("a number that is none")
    return int(value)
