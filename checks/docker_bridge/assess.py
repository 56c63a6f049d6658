"""From what was seen, and the history of it, to findings: no input or output, no wording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

from checks.docker_bridge.bridges import PORTS_MAX, Bridge
from checks.docker_bridge.survey import Survey, matches
from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.docker_bridge.docker_api import DockerNetwork, DockerView
    from perfdata.clock import Clock
    from perfdata.series import Seen, Series

WINDOW = 6 * 3600.0  # seconds of history that make the present rate
_DOCKER_MADE = "docker"  # origin of a bridge that goes with its network
_MADE_BY_DOCKER = re.compile(r"br-[0-9a-f]{12}\Z")
_NAMES_MAX = 3
DOCKER = "docker"  # the item that stands for the daemon
GONE, ABSENT, EXCHANGE_FULL, ARP_OVERFLOW, BACKLOG = (
    "bridge_gone",
    "bridge_absent",
    "exchange_full",
    "arp_overflow",
    "backlog_below_ports",
)


def bridge_findings(bridge: Bridge, item: str, history: Series | None) -> Iterator[Finding]:
    """Ports, and how they develop."""
    yield Measure(item, "ports", bridge.ports, 0, PORTS_MAX)
    if history is None:
        return
    from perfdata.eta import rate, until

    samples = [(sample.at, sample.value) for sample in history.window(item, "ports", WINDOW)]
    history.append(item, "ports", bridge.ports)
    present = rate([*samples, (history.clock.uptime, float(bridge.ports))])
    if present is None:
        return
    yield Measure(item, "growth_per_hour", present.middle * 3600)
    forecast = until(PORTS_MAX - bridge.ports, present)
    if forecast is not None:
        yield Measure(item, "until_full_lower_seconds", forecast.lower)
        yield Measure(item, "until_full_seconds", forecast.middle)
        if forecast.upper is not None:
            yield Measure(item, "until_full_upper_seconds", forecast.upper)


def neighbour_findings(seen: Survey, items: dict[str, str]) -> Iterator[Finding]:
    """Kernel settings that bite at the present number of ports."""
    backlog = seen.neighbours.backlog
    for bridge in seen.bridges:
        if backlog is not None and backlog < bridge.ports:
            yield fact(items[bridge.name], BACKLOG, backlog=backlog, ports=bridge.ports)


def arp_findings(seen: Survey, settings: SimpleNamespace, clock: Clock, history: Series | None) -> Iterator[Finding]:
    """Overflows of the ARP table since they were last accepted."""
    total = seen.neighbours.table_fulls
    if total is None:
        return
    yield Measure("", "arp_table_fulls_total", total, 0)
    if history is None:
        return
    from perfdata import baseline

    kept = baseline.parse(history.note("", "arp_table_fulls"))
    now = baseline.advance(kept, total, clock.boot, clock.time, settings.hold, settings.accept)
    if now != kept:
        history.keep("", "arp_table_fulls", baseline.as_note(now))
    if now.increase:
        yield fact("", ARP_OVERFLOW, count=now.increase)


def network_findings(network: DockerNetwork, bridge: Bridge, item: str, docker: DockerView) -> Iterator[Finding]:
    """Endpoints and addresses of one Docker network; of its subnets the one with the fewest addresses left."""
    from checks.docker_bridge.addresses import usable, used

    addresses = docker.endpoints[network.identity]
    yield Measure(item, "endpoints", len(addresses), 0, PORTS_MAX)
    rows = [(usable(subnet), used(subnet, addresses)) for subnet in network.subnets]
    if not rows:
        return
    total, taken = min(rows, key=lambda row: row[0] - row[1])
    yield Measure(item, "addresses_left", max(0, total - taken), 0, total)
    if total:
        yield Measure(item, "addresses_used_percent", round(min(100.0, 100 * taken / total), 2), 0, 100)


def leak_findings(bridge: Bridge, item: str, seen: Survey, clock: Clock, history: Series) -> Iterator[Finding]:
    """Ports of a Docker bridge that were nobody's in two sightings."""
    from checks.docker_bridge import leaks

    if bridge.name in seen.stray and seen.stray[bridge.name] is None:
        return  # nobody knows: no number, and what was sighted before is kept
    stray = seen.stray.get(bridge.name)
    note = history.note(item, "stray")
    count = 0
    if stray is not None:
        now = leaks.sight(clock.uptime, clock.boot, stray.ports, stray.endpoints)
        kept = leaks.parse_sightings(note)
        count = leaks.leaked(kept, now)
        history.keep(item, "stray", leaks.as_note(leaks.remember(kept, now)))
    elif note:
        history.keep(item, "stray", "")
    yield Measure(item, "leaked_ports", count, 0)


def pool_findings(seen: Survey) -> Iterator[Finding]:
    """Networks that can still be made without naming a subnet."""
    from checks.docker_bridge.addresses import free_pools

    if seen.docker is not None and seen.routes is not None:
        free = free_pools(seen.docker.pools, (*seen.docker.taken, *seen.routes))
        yield Measure(DOCKER, "address_pools_free", free, 0)


def refused_findings(docker: DockerView, items: dict[str, str], settings: SimpleNamespace) -> Iterator[Finding]:
    """Containers that could not start because a bridge was full."""
    by_bridge: dict[str, list[str]] = {}
    for refused in docker.refused:
        if not refused.bridge or matches(refused.bridge, settings):
            by_bridge.setdefault(refused.bridge, []).append(refused.container)
    for bridge, names in by_bridge.items():
        shown = ", ".join(names[:_NAMES_MAX]) + (f" and {len(names) - _NAMES_MAX} more" * (len(names) > _NAMES_MAX))
        yield fact(items.get(bridge, DOCKER), EXCHANGE_FULL, containers=shown, first=names[0])


def note_bridges(seen: Survey, items: dict[str, str], known: dict[str, Seen], history: Series) -> None:
    """Remember which bridges are here, and which of them Docker made."""
    made = {network.bridge for network in seen.docker.networks} if seen.docker else set()
    for bridge in seen.bridges:
        item = items[bridge.name]
        last = known.get(item)
        docker = bridge.name in made or (last is not None and last.origin == _DOCKER_MADE)
        history.see(item, _DOCKER_MADE if docker else "", last)


def gone_bridges(
    seen: Survey, items: dict[str, str], known: dict[str, Seen], settings: SimpleNamespace, history: Series
) -> dict[str, float]:
    """Bridges that were seen once, should be here, and are not -> when they were last seen (epoch).

    A bridge that Docker made goes with its network, which people remove all day: it is missed only when Docker still
    has the network. Where Docker cannot be asked, nobody can tell, and bridges named as Docker names them are let go.
    """
    present = set(items.values())
    networks = {network.bridge for network in seen.docker.networks} if seen.docker else set()
    gone = {}
    for item, last in known.items():
        if item in present or not matches(item, settings):
            continue
        made_by_docker = _MADE_BY_DOCKER.match(item) if seen.docker is None else last.origin == _DOCKER_MADE
        if settings.accept or (made_by_docker and item not in networks):
            history.forget(item)
        else:
            gone[item] = last.time
    return gone


def unreadable_findings(seen: Survey, items: dict[str, str], next_step: str) -> Iterator[Finding]:
    """What was there and could not be read."""
    for name, reason in seen.unreadable.items():
        yield fact(items[name], UNREADABLE, reason=reason, next_step="")
    if seen.silence is not None and seen.silence.broken:
        yield fact(DOCKER, UNREADABLE, reason=seen.silence.reason, next_step=next_step)
