"""What LACP (802.3ad) knows and MII does not: partners, aggregators, and who gave up."""

from __future__ import annotations

from collections.abc import Iterator

from checks.bond.proc_bonding import COLLECTING_DISTRIBUTING, NOBODY, BondText, Link
from checks.frame.readings import Finding, fact

NO_PARTNER, NO_PARTNER_YET, LEG_WITHOUT_PARTNER, TWO_PARTNERS, AGGREGATORS, CHURNED, NOT_CARRYING = (
    "no_partner",
    "no_partner_yet",
    "leg_without_partner",
    "two_partners",
    "aggregators_differ",
    "churned",
    "not_carrying",
)


def is_shown(text: BondText) -> bool:
    """Whether the kernel showed the partners: to readers with CAP_NET_ADMIN only."""
    return bool(text.system)


def carriers(text: BondText) -> list[Link]:
    """The links that are up and in the active aggregator; where that one is not shown, in the largest."""
    up = [link for link in text.links if link.up and link.lacp is not None]
    members: dict[int | None, list[Link]] = {}
    for link in up:
        if link.lacp is not None:
            members.setdefault(link.lacp.aggregator, []).append(link)
    if text.aggregator in members:
        return members[text.aggregator]
    return max(members.values(), key=len, default=[])


def lacp_findings(text: BondText, item: str) -> Iterator[Finding]:
    """What is wrong between this bond and the switch, although its links are up."""
    legs = [(link, link.lacp) for link in text.links if link.up and link.lacp is not None]
    partners = {link.name: lacp.partner for link, lacp in legs if lacp.partner}
    nobody = [name for name, partner in partners.items() if partner == NOBODY]
    known = {name: partner for name, partner in partners.items() if partner != NOBODY}
    if nobody and not known:
        waiting = all(lacp.negotiating for _, lacp in legs)
        yield fact(item, NO_PARTNER_YET if waiting else NO_PARTNER, churned=_names([x for x, y in legs if y.churned]))
        return
    if nobody:
        yield fact(item, LEG_WITHOUT_PARTNER, links=", ".join(nobody))
    if len(set(known.values())) > 1:
        yield fact(item, TWO_PARTNERS, legs=", ".join(f"{name} to {partner}" for name, partner in known.items()))
    here = {link.name for link in carriers(text)}
    elsewhere = [link.name for link, lacp in legs if link.name not in here and link.name not in nobody]
    if elsewhere and len(set(known.values())) <= 1:
        yield fact(item, AGGREGATORS, links=", ".join(elsewhere))
    churned = [link.name for link, lacp in legs if lacp.churned and link.name not in (*nobody, *elsewhere)]
    if churned:
        yield fact(item, CHURNED, links=", ".join(churned))
    silent = [
        link.name
        for link, lacp in legs
        if lacp.state is not None
        and lacp.state & COLLECTING_DISTRIBUTING != COLLECTING_DISTRIBUTING
        and link.name not in (*nobody, *elsewhere, *churned)
    ]
    if silent and not (len(set(known.values())) > 1):
        yield fact(item, NOT_CARRYING, links=", ".join(silent))


def _names(links: list[Link]) -> str:
    return ", ".join(link.name for link in links)
