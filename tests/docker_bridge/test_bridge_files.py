"""Bridges, their ports, and the kernel limits beside them, from captured files."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.docker_bridge.bridges import Bridge, Neighbours, Port, parse_table_fulls, read_neighbours, read_ports
from checks.frame.host import Host
from checks.frame.unread import Reader

COLUMNS = "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes table_fulls"


def statistics(*fulls: str) -> str:
    return "".join(
        [
            COLUMNS + "\n",
            *(f"00000005 00000010 0000000b 00000001 000000aa 00000099 00000000 00000000 {n}\n" for n in fulls),
        ]
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (statistics("00000000"), 0),
        (statistics("0000000a"), 10),
        (statistics("0000000a", "00000010", "000000FF"), 10 + 16 + 255),
        (statistics("ffffffff", "00000001"), 2**32),
        ("table_fulls entries\n1f 0\n", 31),
    ],
)
def test_table_fulls(text: str, count: int) -> None:
    assert parse_table_fulls(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        COLUMNS,
        COLUMNS + "\n",
        "entries allocs\n00 00\n",
        statistics("0000000g"),
        statistics("00000001") + "00000005 00000010\n",
        statistics("00000001", "00000002")[:-9],
        statistics("00000001 00000002"),
    ],
)
def test_truncated_or_strange_statistics(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_table_fulls(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in {
        "sys/class/net/docker0/ifindex": "5\n",
        "sys/class/net/docker0/brif.ls": "".join(f"veth{n}\n" for n in range(1023)),
        "sys/class/net/docker0/bridge.ls": "",
        "sys/class/net/veth1/ifindex": "11\n",
        "sys/class/net/veth1/master/ifindex": "5\n",
        "proc/sys/net/core/netdev_max_backlog": "1000\n",
        "proc/net/stat/arp_cache": statistics("00000002"),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_bridge(root: Path) -> None:
    host = Host(str(root))
    assert host.bridges() == [(5, "docker0")]
    assert host.bridge_ports(5, "docker0") == 1023
    assert read_ports(host, Bridge("docker0", 5, 1023)) == [Port(11, True)]
    (root / "sys/class/net/docker0/brif.ls").write_text("")
    assert host.bridge_ports(5, "docker0") == 0


def test_ports_that_were_not_captured_are_not_none(root: Path) -> None:
    (root / "sys/class/net/docker0/brif.ls").unlink()
    with pytest.raises(OSError, match="its ports were not captured"):
        Host(str(root)).bridge_ports(5, "docker0")


def test_bridges_of_this_machine_are_those_of_netlink() -> None:
    host = Host()
    found = host.bridges()
    assert sorted(found) == sorted((link.ifindex, link.name) for link in host.links("bridge"))
    assert {i: host.bridge_ports(i, name) for i, name in found} == {i: len(host.links(master=i)) for i, _ in found}


def test_a_bridge_that_is_gone_from_this_machine() -> None:
    with pytest.raises(FileNotFoundError):
        Host().bridge_ports(10**6, "no-such-bridge")


@pytest.mark.parametrize(
    ("backlog", "arp", "expected"),
    [
        ("1000\n", statistics("00000002"), Neighbours(1000, 2)),
        (None, None, Neighbours(None, None)),
        ("", "", Neighbours(None, None)),
        ("many\n", statistics("x"), Neighbours(None, None)),
        ("4096\n", "\x00\x00", Neighbours(4096, None)),
    ],
)
def test_neighbours(root: Path, backlog: str | None, arp: str | None, expected: Neighbours) -> None:
    for name, content in {"proc/sys/net/core/netdev_max_backlog": backlog, "proc/net/stat/arp_cache": arp}.items():
        if content is None:
            (root / name).unlink()
        else:
            (root / name).write_text(content)
    assert read_neighbours(Reader(Host(str(root)))) == expected
