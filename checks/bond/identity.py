"""What the network takes a bond for, kept from run to run, and what it means when it is not what it was.

The kept identity is the last accepted one. What alarms never replaces it: a change stays reported until somebody
accepts it. What does not alarm (another boot with the same MAC, one more link) is followed silently.
"""

from __future__ import annotations

import json

from checks.bond.proc_bonding import ACTIVE_BACKUP, NOBODY
from checks.bond.survey import PINNED, RANDOM, STOLEN, Bond
from perfdata.record import Record

# Codes of what changed; check.py gives them their states and words.
MAC_AFTER_BOOT, MAC_STOLEN, MAC_RECREATED, MAC_SET_AFTER_BOOT, MAC_SET = (
    "mac_after_boot",
    "mac_stolen",
    "mac_recreated",
    "mac_set_after_boot",
    "mac_set",
)
MAC_TAKEN = (MAC_AFTER_BOOT, MAC_STOLEN, MAC_RECREATED)  # from another link
MAC_CHANGES = (*MAC_TAKEN, MAC_SET_AFTER_BOOT, MAC_SET)
UNPINNED, RECONFIGURED, LINK_LOST, PARTNER_CHANGED, SYSTEM_CHANGED = (
    "unpinned",
    "reconfigured",
    "link_lost",
    "partner_changed",
    "system_changed",
)


class Identity(Record):
    """What is kept of one bond."""

    mac: str
    assigned: int
    mode: str
    fail_over_mac: str
    links: tuple[tuple[str, str], ...]  # (name, permanent MAC) in their order
    system: str  # LACP; "" when it could not be seen
    partner: str
    ifindex: int
    boot: str  # in which all this was so
    set_to: str = ""  # the MAC that was set while it ran and is not accepted yet
    oddities: tuple[str, ...] = ()  # accepted ones, by what they say


class Change(Record):
    """One difference that matters."""

    code: str
    old: str = ""
    new: str = ""


def identity(bond: Bond, boot: str) -> Identity:
    """The present one."""
    text = bond.text
    return Identity(
        bond.address,
        bond.assigned,
        text.mode,
        text.fail_over_mac,
        tuple((link.name, link.permanent) for link in text.links),
        text.system,
        "" if text.partner == NOBODY else text.partner,
        bond.ifindex,
        boot,
    )


def may_move(now: Identity) -> bool:
    """Whether the MAC follows the active link by design (fail_over_mac=active)."""
    lent = any(permanent and now.mac.startswith(permanent) for _, permanent in now.links)  # the start of it: InfiniBand
    return now.mode == ACTIVE_BACKUP and now.fail_over_mac == "active" and now.assigned == STOLEN and lent


def changes(kept: Identity, now: Identity) -> list[Change]:
    """What differs in a way that somebody has to know, the MAC first."""
    found = []
    if _differs(kept, now) and not may_move(now) and now.assigned != RANDOM:
        found.append(Change(_mac_code(kept, now), kept.mac, now.mac))
    if now.mac == kept.mac and kept.assigned == PINNED and now.assigned == STOLEN:
        found.append(Change(UNPINNED))
    for name, old, new in (("mode", kept.mode, now.mode), ("fail_over_mac", kept.fail_over_mac, now.fail_over_mac)):
        if old != new:
            found.append(Change(RECONFIGURED, f"{name} {old}", new))
    present = {permanent for _, permanent in now.links}
    for name, permanent in kept.links:
        if permanent not in present:
            found.append(Change(LINK_LOST, name, permanent))
    if kept.partner and now.partner and kept.partner != now.partner:
        found.append(Change(PARTNER_CHANGED, kept.partner, now.partner))
    # it follows the MAC unless it was set: then it is a change of its own
    if kept.system and now.system and now.system not in (kept.system, now.mac):
        found.append(Change(SYSTEM_CHANGED, kept.system, now.system))
    return found


def _differs(kept: Identity, now: Identity) -> bool:
    return bool(now.mac and kept.mac) and now.mac != kept.mac  # else one of them is of a capture without it


def _mac_code(kept: Identity, now: Identity) -> str:
    if now.assigned == PINNED:
        same_boot = kept.boot == now.boot or kept.set_to == now.mac
        return MAC_SET if same_boot else MAC_SET_AFTER_BOOT
    if kept.boot != now.boot:
        return MAC_AFTER_BOOT
    return MAC_STOLEN if kept.ifindex == now.ifindex else MAC_RECREATED


def follow(kept: Identity, now: Identity) -> Identity:
    """What to keep after a run that accepts nothing: the old identity, with what changed harmlessly."""
    if _differs(kept, now) and not may_move(now):
        set_to = now.mac if now.assigned == PINNED and _mac_code(kept, now) == MAC_SET else ""
        return kept._replace(set_to=set_to)
    known = {permanent for _, permanent in kept.links}
    added = tuple(link for link in now.links if link[1] not in known)
    return kept._replace(
        mac=now.mac or kept.mac,
        assigned=max(kept.assigned, now.assigned),  # pinned meanwhile; no longer pinned stays a finding
        links=now.links if {permanent for _, permanent in now.links} >= known else kept.links + added,
        system=kept.system or now.system,
        partner=kept.partner or now.partner,
        ifindex=now.ifindex,
        boot=now.boot,
        set_to="",
    )


def differences(kept: Identity, now: Identity) -> list[str]:
    """All that accepting changes, in words."""
    words = []
    for name, old, new in (
        ("MAC", kept.mac, now.mac),
        ("mode", kept.mode, now.mode),
        ("fail_over_mac", kept.fail_over_mac, now.fail_over_mac),
        ("LACP system", kept.system, now.system),
        ("LACP partner", kept.partner, now.partner),
        ("links", _listed(kept), _listed(now)),
    ):
        if old != new:
            words.append(f"{name}: was {old or 'not seen'}, is {new or 'not seen'}")
    if kept.assigned != now.assigned:
        was, present = (_ORIGINS.get(some.assigned, "unknown") for some in (kept, now))
        words.append(f"origin of the MAC: was {was}, is {present}")
    return words + [f"known from now on: {oddity}" for oddity in now.oddities if oddity not in kept.oddities]


_ORIGINS = {RANDOM: "random", STOLEN: "a link's", PINNED: "pinned"}


def _listed(some: Identity) -> str:
    return " ".join(f"{name} {permanent}" for name, permanent in some.links)


def as_note(kept: Identity) -> str:
    """As text for Series.keep."""
    return json.dumps(kept, separators=(",", ":"))


def parse(note: str) -> Identity | None:
    """What ``as_note`` wrote, or None for anything else."""
    try:
        mac, assigned, mode, fail_over_mac, links, system, partner, ifindex, boot, set_to, oddities = json.loads(note)
        texts = (
            mac,
            mode,
            fail_over_mac,
            system,
            partner,
            boot,
            set_to,
            *oddities,
            *(word for row in links for word in row),
        )
        rows = tuple((name, permanent) for name, permanent in links)
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(n, int) for n in (assigned, ifindex)):
            return None
    except (ValueError, TypeError):
        return None
    return Identity(mac, assigned, mode, fail_over_mac, rows, system, partner, ifindex, boot, set_to, tuple(oddities))
