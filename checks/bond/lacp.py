"""What LACP (802.3ad) knows and MII does not: partners, aggregators, and who gave up."""

from __future__ import annotations

from collections.abc import Iterator

from checks.bond.proc_bonding import COLLECTING_DISTRIBUTING, NOBODY, BondText, Lacp, Link
from checks.frame.readings import Finding, fact

NO_AGGREGATOR, NONE_CARRIES, NO_PARTNER, NO_PARTNER_YET, LEG_WITHOUT_PARTNER = (
    "no_aggregator",
    "none_carries",
    "no_partner",
    "no_partner_yet",
    "leg_without_partner",
)
TWO_PARTNERS, AGGREGATORS, CHURNED, NOT_CARRYING = (
    "two_partners",
    "aggregators_differ",
    "churned",
    "not_carrying",
)


def carriers(text: BondText) -> list[Link]:
    """The links that are up and in the active aggregator; where that one is not shown, in the largest."""
    up = [link for link in text.links if link.up and link.lacp is not None]
    members: dict[int | None, list[Link]] = {}
    for link in up:
        if link.lacp is not None and link.lacp.aggregator is not None:
            members.setdefault(link.lacp.aggregator, []).append(link)
    if text.aggregator in members:
        return members[text.aggregator]
    return max(members.values(), key=len, default=[])


def lacp_findings(text: BondText, item: str) -> Iterator[Finding]:
    """What is wrong between this bond and the switch, although its links are up."""
    legs = [(link, link.lacp) for link in text.links if link.up and link.lacp is not None]
    if legs and (text.aggregator is None if text.shown else all(lacp.aggregator is None for _, lacp in legs)):
        yield fact(item, NO_PARTNER_YET if all(lacp.negotiating for _, lacp in legs) else NO_AGGREGATOR)
        return
    partners = {link.name: partner for link, lacp in legs if (partner := _partner(text, lacp))}
    nobody = [name for name, partner in partners.items() if partner == NOBODY]
    known = {name: partner for name, partner in partners.items() if partner != NOBODY}
    if nobody and not known:
        waiting = all(lacp.negotiating for _, lacp in legs)
        yield fact(item, NO_PARTNER_YET if waiting else NO_PARTNER, churned=_names([x for x, y in legs if y.churned]))
        return
    if legs and not any(lacp.negotiating or _carries(lacp.state) for _, lacp in legs):
        yield fact(item, NONE_CARRIES)
    if nobody:
        yield fact(item, LEG_WITHOUT_PARTNER, links=", ".join(nobody))
    if len(set(known.values())) > 1:
        yield fact(item, TWO_PARTNERS, legs=", ".join(f"{name} to {partner}" for name, partner in known.items()))
    here = {link.name for link in carriers(text)}
    apart = [link.name for link, lacp in legs if lacp.aggregator is not None and link.name not in here]
    elsewhere = [name for name in apart if name not in nobody]
    if elsewhere and len(set(known.values())) <= 1:
        yield fact(item, AGGREGATORS, links=", ".join(elsewhere))
    churned = [link.name for link, lacp in legs if lacp.churned and link.name not in (*nobody, *elsewhere)]
    if churned:
        yield fact(item, CHURNED, links=", ".join(churned))
    silent = [
        link.name
        for link, lacp in legs
        if (lacp.aggregator is None or not _carries(lacp.state)) and link.name not in (*nobody, *elsewhere, *churned)
    ]
    if silent and not (len(set(known.values())) > 1):
        yield fact(item, NOT_CARRYING, links=", ".join(silent))


def _partner(text: BondText, lacp: Lacp) -> str:
    """Who is at a link's other end; "" when not shown. Older drivers tell it of the active aggregator only."""
    return lacp.partner or (text.partner if lacp.aggregator == text.aggregator else "")


def _carries(state: int | None) -> bool:
    return state is None or state & COLLECTING_DISTRIBUTING == COLLECTING_DISTRIBUTING


def _names(links: list[Link]) -> str:
    return ", ".join(link.name for link in links)
