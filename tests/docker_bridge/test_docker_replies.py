"""What Docker's API answers, as records; and anything else as one kind of error."""

from __future__ import annotations

import json
from typing import Any, Callable
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker_bridge import docker_api
from checks.docker_bridge.addresses import DEFAULT_POOLS, Pool, Subnet
from checks.docker_bridge.docker_api import (
    DockerNetwork,
    DockerReplyError,
    DockerView,
    Refused,
    parse_created,
    parse_endpoints,
    parse_networks,
    parse_pools,
    parse_refused,
    parse_taken,
    read_docker,
)
from checks.frame.unix_http import HttpError, NotFound

SOCKET = "/run/docker.sock"

A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
SECRET = "hunter2"

NETWORKS = [
    {
        "Name": "bridge",
        "Id": A,
        "Driver": "bridge",
        "IPAM": {
            "Driver": "default",
            "Options": None,
            "Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}],
        },
        "Options": {"com.docker.network.bridge.name": "docker0", "com.docker.network.driver.mtu": "1500"},
        "Labels": {"token": SECRET},
        "Containers": {},
    },
    {
        "Name": "web",
        "Id": B,
        "Driver": "bridge",
        "EnableIPv6": True,
        "IPAM": {
            "Config": [
                {
                    "Subnet": "10.99.0.0/24",
                    "IPRange": "10.99.0.128/25",
                    "Gateway": "10.99.0.254",
                    "AuxiliaryAddresses": {"router": "10.99.0.200", "host": "10.99.0.3"},
                },
                {"Subnet": "fd00::/64", "Gateway": "fd00::1"},
                {"Subnet": "10.98.0.0/29"},
            ]
        },
        "Options": {},
        "Labels": {},
    },
    {"Name": "host", "Id": C, "Driver": "host", "IPAM": {"Config": None}, "Options": None},
    {"Name": "swarm", "Id": "overlay0overlay1", "Driver": "overlay", "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}},
]
PARSED = (
    DockerNetwork(A, "bridge", "docker0", (Subnet("172.17.0.0/16", "", "172.17.0.1", ()),)),
    DockerNetwork(
        B,
        "web",
        "br-b2b2b2b2b2b2",
        (
            Subnet("10.99.0.0/24", "10.99.0.128/25", "10.99.0.254", ("10.99.0.200", "10.99.0.3")),
            Subnet("10.98.0.0/29", "", "", ()),
        ),
    ),
)
OLD_TEXT = (
    "failed to create endpoint sad_pike on network bridge: adding interface veth94a2ef1 to bridge docker0 failed:"
    " exchange full"
)
NEW_TEXT = (
    "failed to set up container networking: adding interface veth0c9d to bridge br-b2b2b2b2b2b2 failed: exchange full"
)


def test_networks() -> None:
    assert parse_networks(NETWORKS) == PARSED


def test_taken_subnets_are_those_of_every_driver() -> None:
    assert parse_taken(NETWORKS) == ("172.17.0.0/16", "10.99.0.0/24", "10.98.0.0/29", "10.0.0.0/24")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, ()),
        ({"Id": A}, ()),
        ({"Id": A, "Driver": "macvlan"}, ()),
        ({"Driver": "bridge", "Name": "no id"}, ()),
        ({"Id": 7, "Driver": "bridge"}, ()),
        ({"Id": "../../etc", "Driver": "bridge"}, ()),
        ({"Id": "short", "Driver": "bridge"}, ()),
        ({"Id": A + "\n", "Driver": "bridge"}, ()),
        ({"Id": A, "Driver": "bridge"}, (DockerNetwork(A, "", "br-a1a1a1a1a1a1", ()),)),
        ({"Id": A, "Driver": "bridge", "Name": 5, "Options": []}, (DockerNetwork(A, "", "br-a1a1a1a1a1a1", ()),)),
        (
            {"Id": A, "Driver": "bridge", "Options": {"com.docker.network.bridge.name": ""}, "IPAM": "x"},
            (DockerNetwork(A, "", "br-a1a1a1a1a1a1", ()),),
        ),
        (
            {
                "Id": A,
                "Driver": "bridge",
                "IPAM": {"Config": [None, {"Subnet": "x"}, {"Subnet": 1}, {"Subnet": "1::/9"}]},
            },
            (DockerNetwork(A, "", "br-a1a1a1a1a1a1", ()),),
        ),
        (
            {
                "Id": A,
                "Driver": "bridge",
                "IPAM": {
                    "Config": [
                        {
                            "Subnet": "10.0.0.0/24",
                            "IPRange": "x",
                            "Gateway": "1::1",
                            "AuxiliaryAddresses": {"a": None, "b": "c", "d": "10.0.0.9"},
                        }
                    ]
                },
            },
            (DockerNetwork(A, "", "br-a1a1a1a1a1a1", (Subnet("10.0.0.0/24", "", "", ("10.0.0.9",)),)),),
        ),
    ],
)
def test_networks_with_less_or_something_else_in_them(record: object, expected: tuple[DockerNetwork, ...]) -> None:
    assert parse_networks([record]) == expected


def test_endpoints() -> None:
    document = {
        "Containers": {
            "1": {"Name": "a", "EndpointID": "x", "IPv4Address": "10.99.0.2/24", "IPv6Address": ""},
            "2": {"Name": "b", "IPv4Address": ""},
            "3": {"Name": "c"},
            "ep-lb": {"IPv4Address": "nonsense"},
        }
    }
    assert parse_endpoints(document) == ["10.99.0.2/24", "", "", ""]
    assert parse_endpoints({"Containers": {}}) == []


@pytest.mark.parametrize("document", [None, [], {}, {"Containers": None}, {"Containers": []}, "x", 5])
def test_no_endpoints_are_not_none(document: object) -> None:
    with pytest.raises(DockerReplyError):
        parse_endpoints(document)


def test_created_containers_the_newest_first() -> None:
    document = [
        {"Id": A, "Created": 100},
        {"Id": B, "Created": 300, "Labels": {"x": SECRET}},
        {"Id": "../x", "Created": 900},
        {"Id": C},
    ]
    assert parse_created(document) == [B, A, C]


@pytest.mark.parametrize(
    ("error", "bridge"),
    [
        (OLD_TEXT, "docker0"),
        (NEW_TEXT, "br-b2b2b2b2b2b2"),
        ("Adding interface veth1 to bridge br0 failed: Exchange full", "br0"),
        ("something with exchange full in it", ""),
    ],
)
def test_a_container_whose_bridge_was_full(error: str, bridge: str) -> None:
    document = {
        "Name": "/web-17",
        "State": {"Status": "created", "ExitCode": 128, "Error": error},
        "Config": {"Env": [f"PASSWORD={SECRET}"], "Labels": {"a": SECRET}},
    }
    assert parse_refused(document) == Refused("web-17", bridge)
    assert SECRET not in repr(parse_refused(document))


@pytest.mark.parametrize(
    "document",
    [
        {"Name": "/x", "State": {"Error": ""}},
        {
            "Name": "/x",
            "State": {"Error": "driver failed programming external connectivity: port is already allocated"},
        },
        {"Name": "/x", "State": {"Error": None}},
        {"Name": "/x", "State": "exchange full"},
        {"Name": "exchange full"},
        {},
        None,
        [],
    ],
)
def test_other_containers(document: object) -> None:
    assert parse_refused(document) is None


@pytest.mark.parametrize(
    ("document", "pools"),
    [
        ({}, DEFAULT_POOLS),
        ({"DefaultAddressPools": None}, DEFAULT_POOLS),
        ({"DefaultAddressPools": []}, DEFAULT_POOLS),
        ({"DefaultAddressPools": [{"Base": "x", "Size": 24}, {"Base": "10.0.0.0/8"}, {}]}, DEFAULT_POOLS),
        (
            {"DefaultAddressPools": [{"Base": "10.10.0.0/16", "Size": 24}, {"Base": "fd00::/8", "Size": 64}]},
            (Pool("10.10.0.0/16", 24),),
        ),
        ({"DefaultAddressPools": [{"Base": "10.10.0.0/16", "Size": 33}, "x", None]}, DEFAULT_POOLS),
    ],
)
def test_pools(document: object, pools: tuple[Pool, ...]) -> None:
    assert parse_pools(document) == pools


@pytest.mark.parametrize("document", [None, [], "x", 5])
def test_no_information(document: object) -> None:
    with pytest.raises(DockerReplyError):
        parse_pools(document)


class Service:
    """Docker's API from a table; what is not in it was removed."""

    def __init__(self, replies: dict[str, object]) -> None:
        self.replies = replies
        self.asked: list[str] = []

    def get(self, target: str) -> bytes:
        path = unquote(target.partition("?")[0])
        self.asked.append(unquote(target))
        if path not in self.replies:
            raise NotFound("answered 404 Not Found")
        reply = self.replies[path]
        if isinstance(reply, HttpError):
            raise reply
        return reply if isinstance(reply, bytes) else json.dumps(reply).encode()

    def close(self) -> None:
        """Nothing to close."""


def replies(**changes: object) -> dict[str, object]:
    table: dict[str, object] = {
        "/networks": NETWORKS,
        f"/networks/{A}": {"Containers": {"1": {"IPv4Address": "172.17.0.2/16"}}},
        f"/networks/{B}": {"Containers": {}},
        "/containers/json": [{"Id": C, "Created": 1, "Names": ["/web-17"]}],
        f"/containers/{C}/json": {
            "Name": "/web-17",
            "State": {"Error": NEW_TEXT},
            "Config": {"Env": [f"PASSWORD={SECRET}"], "Labels": {"x": SECRET}},
            "Args": [SECRET],
        },
        "/info": {"DefaultAddressPools": [{"Base": "10.10.0.0/16", "Size": 24}], "Labels": [SECRET]},
    }
    return {**table, **{name.replace("_", "/"): reply for name, reply in changes.items()}}


def test_all_of_it() -> None:
    service = Service(replies())
    view = read_docker(service, SOCKET)
    assert view == DockerView(
        SOCKET,
        PARSED,
        {A: ["172.17.0.2/16"], B: []},
        (Refused("web-17", "br-b2b2b2b2b2b2"),),
        0,
        (Pool("10.10.0.0/16", 24),),
        ("172.17.0.0/16", "10.99.0.0/24", "10.98.0.0/29", "10.0.0.0/24"),
    )
    assert SECRET not in repr(view)
    assert service.asked == [
        "/networks",
        f"/networks/{A}",
        f"/networks/{B}",
        '/containers/json?all=1&limit=200&filters={"status":["created"]}',
        f"/containers/{C}/json",
        "/info",
    ]


def test_what_was_removed_since_it_was_listed_is_left_out() -> None:
    table = replies()
    del table[f"/networks/{B}"], table[f"/containers/{C}/json"]
    view = read_docker(Service(table), SOCKET)
    assert (view.networks, view.endpoints, view.refused) == (PARSED[:1], {A: ["172.17.0.2/16"]}, ())


def test_of_many_created_containers_the_newest_are_inspected() -> None:
    created = [{"Id": f"{number:012x}", "Created": number} for number in range(50)]
    service = Service(replies(_containers_json=created))
    assert read_docker(service, SOCKET).not_inspected == 50 - docker_api.CREATED_MAX
    asked = [target.split("/")[2] for target in service.asked if target.endswith("/json") and "?" not in target]
    assert asked == [f"{number:012x}" for number in range(49, 29, -1)]


@pytest.mark.parametrize("body", [b"", b"not json", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"{}", b"[1]", b'"x"'])
@pytest.mark.parametrize("target", ["_networks", "_containers_json", "_info", f"_networks_{A}"])
def test_garbage_for_one_question_is_one_kind_of_error(target: str, body: bytes) -> None:
    if (target, body) == ("_info", b"{}"):
        assert read_docker(Service(replies(_info=b"{}")), SOCKET).pools == DEFAULT_POOLS
        return
    with pytest.raises(DockerReplyError):
        read_docker(Service(replies(**{target: body})), SOCKET)


def test_an_error_of_the_service_is_passed_on() -> None:
    with pytest.raises(HttpError, match="did not answer in time"):
        read_docker(Service(replies(_info=HttpError("did not answer in time"))), SOCKET)


NAMES = (
    *("Id", "Name", "Driver", "Options", "IPAM", "Config", "Subnet", "IPRange", "Gateway", "AuxiliaryAddresses"),
    *("Containers", "IPv4Address", "State", "Error", "Created", "DefaultAddressPools", "Base", "Size"),
)
KEYS = st.sampled_from(NAMES) | st.just("com.docker.network.bridge.name") | st.text(max_size=3)
TEXTS = st.sampled_from(
    [
        A,
        "bridge",
        "10.0.0.0/24",
        "10.0.0.1",
        "fd00::/64",
        "1.2.3.4/",
        "/24",
        "10.0.0.0/33",
        OLD_TEXT,
        "exchange full",
        "docker0",
    ]
) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
PARSERS: list[Callable[[Any], object]] = [
    parse_networks,
    parse_taken,
    parse_endpoints,
    parse_created,
    parse_refused,
    parse_pools,
]


def network(config: object, more: dict[str, object]) -> dict[str, object]:
    return {"Id": A, "Driver": "bridge", **more, "IPAM": {"Config": config}}


@given(JSON)
def test_any_json_is_a_record_or_one_kind_of_error(document: object) -> None:
    wrapped = [document, [document], {"Containers": document}, {"State": document}, {"DefaultAddressPools": document}]
    for parser in PARSERS:
        for variant in wrapped:
            try:
                parser(variant)
            except DockerReplyError:
                continue


@given(JSON, st.dictionaries(KEYS, JSON, max_size=3))
def test_any_address_configuration_is_a_record(config: object, more: dict[str, object]) -> None:
    [found] = parse_networks([{**network(config, more), "Id": A, "Driver": "bridge"}]) or [None]
    assert found is not None
    assert all(isinstance(part, str) for subnet in found.subnets for part in (*subnet[:3], *subnet.reserved))
