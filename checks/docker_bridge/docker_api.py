"""What Docker says of its networks, through read-only calls of its API (Docker Engine API 1.24 and later).

GET /networks lists the networks, /networks/{id} their endpoints (the list has none), /containers/json those in state
Created, /containers/{id}/json why, /info the configured address pools. Only what is named in the records below is
kept: no environment, no labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from checks.docker_bridge.addresses import DEFAULT_POOLS, Pool, Subnet, is_ipv4
from checks.frame.unix_http import LocalHttp, NotFound
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREATED_MAX = 20  # containers in state Created that are inspected, the newest first
_EXCHANGE_FULL = re.compile(r"to bridge (\S+) failed: exchange full", re.IGNORECASE)
_CREATED = "/containers/json?all=1&limit=200&filters=%7B%22status%22%3A%5B%22created%22%5D%7D"
_NETWORK_ID = re.compile(r"[0-9A-Za-z]{12,64}\Z")


class DockerReplyError(Exception):
    """Docker answered with something else than its API describes."""


class DockerNetwork(Record):
    """One network of the driver "bridge"."""

    identity: str
    name: str
    bridge: str  # the kernel's name of its bridge
    subnets: tuple[Subnet, ...]  # IPv4 only


class Refused(Record):
    """A container that could not start because its bridge took no more ports."""

    container: str
    bridge: str  # "" when the text does not name it


class DockerView(Record):
    """Everything Docker was asked."""

    socket: str  # where
    networks: tuple[DockerNetwork, ...]
    endpoints: dict[str, list[str]]  # network id -> IPv4 address ("10.0.0.2/24" or "") per endpoint
    refused: tuple[Refused, ...]
    not_inspected: int  # containers in state Created beyond the cap
    pools: tuple[Pool, ...]
    taken: tuple[str, ...]  # IPv4 subnets of all networks, whatever their driver


def read_docker(http: LocalHttp, socket: str) -> DockerView:
    """Ask Docker at ``socket``. Raises HttpError or DockerReplyError."""
    listed = _document(http.get("/networks"))
    networks = []
    endpoints = {}
    for network in parse_networks(listed):
        with suppress(NotFound):  # it was removed since it was listed
            endpoints[network.identity] = read_endpoints(http, network)
            networks.append(network)
    created = parse_created(_document(http.get(_CREATED)))
    refused = []
    for identity in created[:CREATED_MAX]:
        with suppress(NotFound):
            refused.append(parse_refused(_document(http.get(f"/containers/{identity}/json"))))
    return DockerView(
        socket,
        tuple(networks),
        endpoints,
        tuple(found for found in refused if found),
        max(0, len(created) - CREATED_MAX),
        parse_pools(_document(http.get("/info"))),
        parse_taken(listed),
    )


def read_endpoints(http: LocalHttp, network: DockerNetwork) -> list[str]:
    """The endpoints of a network, as parse_endpoints gives them. Raises HttpError or DockerReplyError."""
    return parse_endpoints(_document(http.get(f"/networks/{network.identity}")))


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise DockerReplyError("answered something that is not JSON") from None


def _records(document: Any, what: str) -> Iterator[dict[str, Any]]:
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        raise DockerReplyError(f"answered no list of {what}")
    yield from document


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _section(record: Any, key: str) -> dict[str, Any]:
    value = record.get(key) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}


def _list(record: dict[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    return value if isinstance(value, list) else []


def _subnets(record: dict[str, Any]) -> tuple[Subnet, ...]:
    configs = _list(_section(record, "IPAM"), "Config")
    return tuple(
        Subnet(
            _text(config, "Subnet"),
            _text(config, "IPRange") if is_ipv4(_text(config, "IPRange")) else "",
            _text(config, "Gateway") if is_ipv4(_text(config, "Gateway")) else "",
            tuple(address for address in _section(config, "AuxiliaryAddresses").values() if is_ipv4(str(address))),
        )
        for config in configs
        if isinstance(config, dict) and is_ipv4(_text(config, "Subnet"))
    )


def parse_networks(document: Any) -> tuple[DockerNetwork, ...]:
    """Networks with a Linux bridge, by GET /networks. Raises DockerReplyError."""
    found = []
    for record in _records(document, "networks"):
        identity = _text(record, "Id")
        if _text(record, "Driver") != "bridge" or not _NETWORK_ID.match(identity):
            continue
        bridge = _text(_section(record, "Options"), "com.docker.network.bridge.name") or f"br-{identity[:12]}"
        found.append(DockerNetwork(identity, _text(record, "Name"), bridge, _subnets(record)))
    return tuple(found)


def parse_taken(document: Any) -> tuple[str, ...]:
    """IPv4 subnets of every network, by GET /networks. Raises DockerReplyError."""
    return tuple(subnet.subnet for record in _records(document, "networks") for subnet in _subnets(record))


def parse_endpoints(document: Any) -> list[str]:
    """The IPv4 address of each endpoint, "" for one without, by GET /networks/{id}. Raises DockerReplyError."""
    containers = document.get("Containers") if isinstance(document, dict) else None
    if not isinstance(containers, dict):
        raise DockerReplyError("answered a network without its containers")
    addresses = (_text(endpoint, "IPv4Address") for endpoint in containers.values() if isinstance(endpoint, dict))
    return [address if is_ipv4(address) else "" for address in addresses]


def parse_created(document: Any) -> list[str]:
    """Ids of containers, the newest first, by GET /containers/json. Raises DockerReplyError."""
    records = [record for record in _records(document, "containers") if _NETWORK_ID.match(_text(record, "Id"))]
    return [_text(record, "Id") for record in sorted(records, key=lambda record: -_number(record, "Created"))]


def _number(record: dict[str, Any], key: str) -> int:
    value = record.get(key)
    return value if isinstance(value, int) else 0


def parse_refused(document: Any) -> Refused | None:
    """The container if its bridge was full when it was to start, by GET /containers/{id}/json."""
    error = _text(_section(document, "State"), "Error")
    if "exchange full" not in error.lower():
        return None
    match = _EXCHANGE_FULL.search(error)
    return Refused(_text(document, "Name").lstrip("/"), match[1] if match else "")


def parse_pools(document: Any) -> tuple[Pool, ...]:
    """The configured default address pools, else Docker's own, by GET /info."""
    if not isinstance(document, dict):
        raise DockerReplyError("answered no information about itself")
    configured = _list(document, "DefaultAddressPools")
    pools = [Pool(_text(record, "Base"), _number(record, "Size")) for record in configured if isinstance(record, dict)]
    valid = tuple(pool for pool in pools if is_ipv4(pool.base) and 0 < pool.size <= 32)
    return valid or DEFAULT_POOLS
