"""Ports that belong to nobody: counted only when they were there two minutes ago too.

A starting container has its port before its endpoint, and after a crash of dockerd strays go away by themselves within
80 s. So a port counts as leaked when two sightings, at least two minutes apart, saw it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from checks.docker_bridge.bridges import Port
from perfdata.record import Record

APART = 120.0  # seconds between the two sightings
_SPACING = 60.0  # no sighting is kept that is closer to the one before


class Sighting(Record):
    """The ports of a bridge at a moment when it had more of them than endpoints."""

    at: float  # uptime
    boot: str
    ports: list[int]  # interface indexes
    local: list[int]  # those whose other end is in this network namespace: no container has it
    endpoints: int

    @property
    def excess(self) -> int:
        """Ports beyond the endpoints."""
        return len(self.ports) - self.endpoints


def as_note(sightings: Sequence[Sighting]) -> str:
    """Sightings as text for Series.keep."""
    return json.dumps(sightings, separators=(",", ":"))


def parse_sightings(note: str) -> list[Sighting]:
    """What ``as_note`` wrote, oldest first; what is not a sighting is left out."""
    try:
        kept = json.loads(note or "[]")
    except ValueError:
        return []
    found = []
    for entry in kept if isinstance(kept, list) else []:
        if isinstance(entry, list) and len(entry) == 5 and isinstance(entry[0], (int, float)):
            at, boot, ports, local, endpoints = entry
            if _are_numbers(ports) and _are_numbers(local) and isinstance(endpoints, int):
                found.append(Sighting(at, str(boot), ports, local, endpoints))
    return found


def _are_numbers(content: object) -> bool:
    return isinstance(content, list) and all(isinstance(number, int) for number in content)


def sight(at: float, boot: str, ports: Sequence[Port], endpoints: int) -> Sighting:
    """A sighting of these ports."""
    local = [port.ifindex for port in ports if not port.peer_elsewhere]
    return Sighting(at, boot, [port.ifindex for port in ports], local, endpoints)


def remember(kept: Sequence[Sighting], now: Sighting) -> list[Sighting]:
    """The sightings to keep: the youngest that is old enough to compare with, and the younger ones, well spaced."""
    usable = [sighting for sighting in kept if sighting.boot == now.boot and sighting.at <= now.at]
    old = [sighting for sighting in usable if now.at - sighting.at >= APART]
    young = [sighting for sighting in usable if now.at - sighting.at < APART]
    if not young or now.at - young[-1].at >= _SPACING:
        young.append(now)
    return old[-1:] + young


def leaked(kept: Sequence[Sighting], now: Sighting) -> int:
    """How many ports are leaked: a lower bound, 0 before the second sighting.

    Every port that is two minutes old and alive has an endpoint, so old ports beyond all endpoints are nobody's. A port
    whose other end is still here after two minutes is no container's either. No more are leaked than were in excess at
    both sightings.
    """
    old = [sighting for sighting in kept if sighting.boot == now.boot and now.at - sighting.at >= APART]
    if not old:
        return 0
    then = old[-1]
    both = len(set(now.ports) & set(then.ports))
    local = len(set(now.local) & set(then.local))
    return max(0, min(max(both - now.endpoints, local), now.excess, then.excess))
