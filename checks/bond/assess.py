"""From what was seen, and the history of it, to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.bond import lacp
from checks.bond.proc_bonding import ACTIVE_BACKUP, LACP, Link
from checks.bond.survey import STOLEN, Bond, Survey
from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Fact, Finding, Measure, fact
from perfdata.numbers import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.bond.identity import Identity
    from perfdata.clock import Clock
    from perfdata.series import Series

(
    NO_LINKS, DOWN, OFF, NO_ACTIVE, LINK_DOWN, NOT_PRIMARY, SPEEDS_DIFFER, DUPLEX_DIFFERS, UNMONITORED, DUPLICATE,
    OLD_ADDRESS, LINK_MAC, ACTIVE_MAC, MAC_UNEXPECTED, NO_LINKS_MAC, BY_CHANCE, NOT_PINNED, FLICKERS, GONE, ABSENT,
    TEAM,
) = (
    "no_links", "bond_down", "bond_off", "no_active_link", "link_down", "not_primary", "speeds_differ",
    "duplex_differs", "unmonitored", "duplicate_mac", "old_address", "link_mac", "active_mac", "mac_unexpected",
    "mac_of_no_link", "mac_by_chance", "not_pinned", "flickers", "bond_gone", "bond_absent", "team",
)  # fmt: skip

# What somebody may have meant to be so: reported until accepted.
ACCEPTABLE = (
    NOT_PRIMARY, SPEEDS_DIFFER, DUPLEX_DIFFERS, UNMONITORED, DUPLICATE, OLD_ADDRESS, LINK_MAC, BY_CHANCE, NOT_PINNED,
    NO_LINKS,
)  # fmt: skip

IMPLIED = (NO_LINKS_MAC, BY_CHANCE, NOT_PINNED, OLD_ADDRESS)  # needs no words beside a MAC that has changed

# Modes in which each link keeps a MAC of its own.
_OWN_MACS = ("balance-tlb", "balance-alb")
_MBIT = 1_000_000


def bond_findings(bond: Bond, item: str, settings: SimpleNamespace, by_chance: bool) -> Iterator[Finding]:
    """What can be said of one bond without its past."""
    text = bond.text
    up = [link for link in text.links if link.up]
    yield Measure(item, "links_up", len(up), 0, len(text.links))
    yield Measure(item, "links", len(text.links), 0)
    speed = _speed(bond, up)
    if speed is not None:
        yield Measure(item, "speed_bits", speed * _MBIT, 0)
    yield from _expected_mac(bond, item, settings)
    if not text.links:
        yield fact(item, NO_LINKS)
        return
    if not bond.admin_up:
        yield fact(item, OFF)
    elif text.mii != "up":
        yield fact(item, DOWN)
    yield from _link_findings(bond, item, up)
    if text.mode == LACP:
        yield from lacp.lacp_findings(text, item)
    yield from _mac_findings(bond, item)
    yield from _outlook(bond, item, settings, by_chance)


def _speed(bond: Bond, up: list[Link]) -> int | None:
    """Mbit/s that the bond can carry at most; None when a link does not say."""
    text = bond.text
    if text.mode == ACTIVE_BACKUP:
        up = [link for link in up if link.name == text.active]
    elif text.mode == LACP:
        up = lacp.carriers(text)
    speeds = [link.speed for link in up if link.speed is not None]
    if len(speeds) < len(up):
        return None
    return min(speeds, default=0) if text.mode == "broadcast" else sum(speeds)


def _link_findings(bond: Bond, item: str, up: list[Link]) -> Iterator[Finding]:
    text = bond.text
    down = [link for link in text.links if not link.up]
    if down:
        yield fact(item, LINK_DOWN, links=", ".join(f"{link.name} {link.mii}" for link in down))
    if up and text.mode == ACTIVE_BACKUP:
        if not text.active:
            yield fact(item, NO_ACTIVE)
        elif text.primary not in ("", text.active) and any(link.name == text.primary for link in up):
            yield fact(item, NOT_PRIMARY, active=text.active, primary=text.primary)
    if len({link.speed for link in up if link.speed}) > 1:
        yield fact(
            item, SPEEDS_DIFFER, links=", ".join(f"{link.name} {link.speed} Mbit/s" for link in up if link.speed)
        )
    if len({link.duplex for link in up if link.duplex}) > 1:
        yield fact(item, DUPLEX_DIFFERS, links=", ".join(link.name for link in up if link.duplex == "half"))
    if not text.monitored:
        yield fact(item, UNMONITORED)


def _expected_mac(bond: Bond, item: str, settings: SimpleNamespace) -> Iterator[Finding]:
    expected = expected_mac(bond.name, settings)
    if expected and not bond.address:
        yield fact(item, UNREADABLE, reason="its MAC is not in this capture, --mac cannot be compared", next_step="")
    elif expected and bond.address != expected:
        yield fact(item, MAC_UNEXPECTED, mac=bond.address, expected=expected)


def expected_mac(name: str, settings: SimpleNamespace) -> str:
    """What --mac says of a bond; "" for nothing."""
    pins: dict[str, str] = dict(settings.mac)
    return pins.get(name) or pins.get("", "")


def _mac_findings(bond: Bond, item: str) -> Iterator[Finding]:
    """MACs that do not fit together."""
    text, current = bond.text, {name: extra.address for name, extra in bond.extras.items() if extra.address}
    if text.mode not in _OWN_MACS and text.fail_over_mac == "none":
        odd = [f"{name} has {address}" for name, address in current.items() if address != bond.address]
        if odd:
            yield fact(item, LINK_MAC, links=", ".join(odd))
    elif text.fail_over_mac != "none" and current.get(text.active, bond.address) != bond.address:
        yield fact(item, ACTIVE_MAC, mode=text.fail_over_mac, active=text.active, mac=current[text.active])
    if text.fail_over_mac == "active":
        return  # its MAC changes by design, and addresses stay
    from checks.bond.addresses import eui64, mac_of

    for name, identifiers in bond.made_from.items():
        now = eui64(bond.upper_addresses.get(name, bond.address))
        if now and now not in identifiers:
            yield fact(item, OLD_ADDRESS, interface=name, mac=mac_of(identifiers[0]))
            return


def _outlook(bond: Bond, item: str, settings: SimpleNamespace, by_chance: bool) -> Iterator[Finding]:
    """What the next boot will do to the MAC."""
    text = bond.text
    if bond.assigned != STOLEN or text.fail_over_mac == "active":
        return
    lenders = [link.name for link in text.links if link.permanent == bond.address]
    if not all(link.permanent for link in text.links):
        return
    if not lenders:
        yield fact(item, NO_LINKS_MAC, mac=bond.address)
    elif len({link.permanent for link in text.links}) > 1:
        if by_chance:
            yield fact(item, BY_CHANCE, link=lenders[0])
        elif settings.pinned:
            yield fact(item, NOT_PINNED, link=lenders[0])


def duplicate_findings(seen: Survey, items: dict[str, str]) -> Iterator[Finding]:
    """Interfaces that were made with the same MAC: the first bond among them has to tell."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for bond in seen.bonds:
        for link in bond.text.links:
            if link.name in seen.stacked or len(link.permanent) < len(bond.address):
                continue  # a VLAN has another's by design; of InfiniBand's the first six bytes distinguish nothing
            owners.setdefault(link.permanent, []).append((link.name, items[bond.name]))
    for name, mac in sorted(seen.outside.items()):
        owners.setdefault(mac, []).append((name, ""))
    for mac, found in owners.items():
        if len(found) > 1 and mac.strip("0:"):
            names = ", ".join(name for name, _ in found)
            yield fact(next((item for _, item in found if item), ""), DUPLICATE, mac=mac, interfaces=names)


def identity_findings(bond: Bond, item: str, kept: Identity | None, now: Identity, expected: str) -> Iterator[Finding]:
    """What is not as it was accepted. A MAC that is the expected one needs no past."""
    if kept is None or not now.links:
        return
    from checks.bond.identity import changes

    lenders = {permanent: f" ({name}'s)" for name, permanent in (*kept.links, *now.links)}

    def owned(mac: str) -> str:
        return mac + lenders.get(mac, "")

    for change in changes(kept, now):
        if change.code.startswith("mac_") and expected:
            continue
        yield fact(
            item,
            change.code,
            old=change.old,
            new=change.new,
            was=owned(change.old),
            now=owned(change.new),
        )


def flicker_findings(
    bond: Bond, item: str, settings: SimpleNamespace, clock: Clock, history: Series
) -> Iterator[Finding]:
    """Links that go up and down while nobody looks; the worst one in numbers."""
    from checks.bond import flicker

    since = f"{clock.boot}-{bond.ifindex}"  # who makes a bond anew takes its links down and up

    kept = flicker.parse(history.note(item, "flicker"))
    tracks, paces = {}, []
    for link in bond.text.links:
        changes = bond.extras[link.name].carrier_changes
        if changes is None:
            continue
        counted = (since, clock.uptime, changes, link.failures)
        found = flicker.pace(kept.get(link.name), *counted)
        if found is not None:
            paces.append(found)
        track = flicker.advance(
            kept.get(link.name), *counted, settings.flaps, clock.time, settings.hold, settings.accept
        )
        tracks[link.name] = track
        if track.worst:
            yield fact(item, FLICKERS, link=link.name, count=track.worst, ago=_ago(clock.time - track.at))
    if tracks != kept:
        history.keep(item, "flicker", flicker.as_note(tracks))
    if paces:
        yield Measure(item, "carrier_changes_per_hour", max(found.changes for found in paces), 0)
        yield Measure(item, "link_failures_per_hour", max(found.failures for found in paces), 0)


def _ago(seconds: float) -> str:
    return f"last {duration(seconds)} ago" if seconds >= 60 else "now"


def unreadable_findings(seen: Survey, items: dict[str, str]) -> Iterator[Finding]:
    """What was there and could not be read, and what this check does not know."""
    for name, reason in seen.unreadable.items():
        yield fact(items[name], UNREADABLE, reason=reason, next_step="")
    for name in seen.teams:
        yield fact(items[name], TEAM)


def key_of(finding: Fact) -> str:
    """An oddity by what it says, as it is accepted: "speeds_differ links=eth0 10000 Mbit/s, ..."."""
    return " ".join([finding.code, *(f"{name}={value}" for name, value in finding.parameters)])
