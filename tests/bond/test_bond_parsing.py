"""/proc/net/bonding: every mode, every word of it, and whatever else may be in such a file."""

from __future__ import annotations

from contextlib import suppress

import pytest
from bond.captures import CORPUS, captures
from hypothesis import given
from hypothesis import strategies as st

from checks.bond.addresses import eui64, mac_of, parse_link_local
from checks.bond.proc_bonding import BondingTextError, BondText, Lacp, Link, parse_bonding

ACTIVE_BACKUP = """Ethernet Channel Bonding Driver: v6.1.0-41-amd64

Bonding Mode: fault-tolerance (active-backup) (fail_over_mac follow)
Primary Slave: eno1 (primary_reselect failure)
Currently Active Slave: eno2
MII Status: up
MII Polling Interval (ms): 0
Up Delay (ms): 0
Down Delay (ms): 0
Peer Notification Delay (ms): 0
ARP Polling Interval (ms): 1000
ARP Missed Max: 2
ARP IP target/s (n.n.n.n form): 192.0.2.1

Slave Interface: eno1
MII Status: going back
Speed: 1000 Mbps
Duplex: half
Link Failure Count: 3
Permanent HW addr: 0c:c4:7a:00:20:01
Slave queue ID: 0

Slave Interface: eno2
MII Status: up
Speed: Unknown
Duplex: Unknown
Link Failure Count: 0
Permanent HW addr: 0c:c4:7a:00:20:02
Slave queue ID: 0
"""

LACP = """Ethernet Channel Bonding Driver: v6.1.0-41-amd64

Bonding Mode: IEEE 802.3ad Dynamic link aggregation
Transmit Hash Policy: layer3+4 (1)
MII Status: up
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 0
Peer Notification Delay (ms): 0

802.3ad info
LACP active: on
LACP rate: fast
Min links: 0
Aggregator selection policy (ad_select): stable
System priority: 65535
System MAC address: 52:54:00:00:00:01
Active Aggregator Info:
\tAggregator ID: 3
\tNumber of ports: 1
\tActor Key: 15
\tPartner Key: 15
\tPartner Mac Address: 02:00:00:00:0a:01

Slave Interface: a: b
MII Status: up
Speed: 10000 Mbps
Duplex: full
Link Failure Count: 0
Permanent HW addr: 52:54:00:00:00:01
Slave queue ID: 0
Aggregator ID: 3
Actor Churn State: monitoring
Partner Churn State: churned
Actor Churned Count: 0
Partner Churned Count: 1
details actor lacp pdu:
    system priority: 65535
    system mac address: 52:54:00:00:00:01
    port key: 15
    port priority: 255
    port number: 1
    port state: 63
details partner lacp pdu:
    system priority: 65535
    system mac address: 02:00:00:00:0a:01
    oper key: 15
    port priority: 255
    port number: 1
    port state: 61
"""


def test_a_bond_with_a_backup() -> None:
    assert parse_bonding(ACTIVE_BACKUP) == BondText(
        "active-backup", "follow", "eno1", "eno2", "up", True, "", "", None, False,
        (
            Link("eno1", "going back", 1000, "half", 3, "0c:c4:7a:00:20:01", None),
            Link("eno2", "up", None, "", 0, "0c:c4:7a:00:20:02", None),
        ),
    )  # fmt: skip


def test_a_bond_with_lacp() -> None:
    legs = (
        Link(
            "a: b", "up", 10000, "full", 0, "52:54:00:00:00:01",
            Lacp(3, True, False, "52:54:00:00:00:01", "02:00:00:00:0a:01", 63),
        ),
    )  # fmt: skip
    assert parse_bonding(LACP) == BondText(
        "802.3ad", "none", "", "", "up", True, "52:54:00:00:00:01", "02:00:00:00:0a:01", 3, True, legs
    )


def test_a_bond_with_lacp_as_others_than_root_see_it() -> None:
    """Without the lines that need CAP_NET_ADMIN."""
    head, _, links = LACP.partition("System priority")
    text = head + "\nSlave Interface" + links.partition("\nSlave Interface")[2].partition("details actor")[0]
    bond = parse_bonding(text)
    assert (bond.system, bond.partner, bond.aggregator, bond.shown) == ("", "", None, False)
    assert bond.links[0].lacp == Lacp(3, True, False, "", "", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a text of the bonding driver"),
        ("nonsense\n", "not a text of the bonding driver"),
        ("Ethernet Channel Bonding Driver: v6.1\n", "cut short"),
        (ACTIVE_BACKUP.replace("fault-tolerance (active-backup)", "wonderful"), "an unknown mode"),
        (ACTIVE_BACKUP.replace("going back", "sideways"), "an unknown MII status"),
        (ACTIVE_BACKUP.replace("Slave Interface: eno2", "Slave Interface: eno1"), "a link is there twice"),
        (ACTIVE_BACKUP.replace("0c:c4:7a:00:20:02", "0c:c4"), "a MAC that is none"),
        (ACTIVE_BACKUP.replace("Count: 3", "Count: many"), "a number that is none"),
        (ACTIVE_BACKUP.replace("Count: 3", "Count: \u0663"), "a number that is none"),
    ],
)
def test_what_is_no_bond(text: str, reason: str) -> None:
    with pytest.raises(BondingTextError, match=reason):
        parse_bonding(text)


@pytest.mark.parametrize("text", [ACTIVE_BACKUP, LACP, LACP.replace("Slave queue ID: 0\n", "")])
def test_half_a_text_is_no_bond(text: str) -> None:
    """Wherever it is cut: what is taken for a bond has fewer links, which sysfs tells, or all of what there is."""
    whole = parse_bonding(text)
    for length in range(len(text)):
        try:
            bond = parse_bonding(text[:length])
        except BondingTextError:
            continue
        assert bond.links == whole.links[: len(bond.links)], length
        assert not bond.links or bond._replace(links=()) == whole._replace(links=()), length


# Older drivers: no speeds, no queues; everybody sees the active aggregator, nobody a single link's LACP.
OLD = """Ethernet Channel Bonding Driver: v3.2.5 (March 21, 2008)

Bonding Mode: fault-tolerance (active-backup) (fail_over_mac)
Primary Slave: None
Currently Active Slave: eth1
MII Status: up
MII Polling Interval (ms): 0
Up Delay (ms): 0
Down Delay (ms): 0
ARP Polling Interval (ms): 500
ARP IP target/s (n.n.n.n form): 192.0.2.1, 192.0.2.2

Slave Interface: eth0
MII Status: down
Link Failure Count: 12
Permanent HW addr: 0c:c4:7a:00:20:01

Slave Interface: eth1
MII Status: up
Link Failure Count: 0
Permanent HW addr: 0c:c4:7a:00:20:02
"""


def test_a_driver_that_says_less() -> None:
    first = Link("eth0", "down", None, "", 12, "0c:c4:7a:00:20:01", None)
    second = Link("eth1", "up", None, "", 0, "0c:c4:7a:00:20:02", None)
    told = BondText("active-backup", "active", "", "eth1", "up", True, "", "", None, False, (first, second))
    assert parse_bonding(OLD) == told
    without = "\n".join(line for line in OLD.split("\n") if not line.startswith("Permanent"))
    bare = tuple(link._replace(permanent="") for link in told.links)
    assert parse_bonding(without) == told._replace(links=bare)


def test_only_half_of_the_links_have_a_mac() -> None:
    with pytest.raises(BondingTextError, match="cut short"):
        parse_bonding(OLD.replace("Permanent HW addr: 0c:c4:7a:00:20:02\n", ""))


@pytest.mark.parametrize("mac", ["xx:xx:xx:xx:xx:xx", "0C:C4:7A:XX:XX:02", "**:**:**:**:**:02", ""])
def test_a_mac_that_was_masked_is_not_known(mac: str) -> None:
    bond = parse_bonding(ACTIVE_BACKUP.replace("0c:c4:7a:00:20:02", mac))
    assert [link.permanent for link in bond.links] == ["0c:c4:7a:00:20:01", ""]


@pytest.mark.parametrize("speed", ["0 Mbps", "65535 Mbps", "4294967295 Mbps", "-1 Mbps", "Unknown"])
def test_a_speed_that_nobody_knows(speed: str) -> None:
    assert parse_bonding(ACTIVE_BACKUP.replace("1000 Mbps", speed)).links[0].speed is None


@given(st.text())
def test_any_text_is_a_bond_or_none(text: str) -> None:
    for start in ("", "Ethernet Channel Bonding Driver: v6.1\n\nBonding Mode: load balancing (round-robin)\n"):
        with suppress(BondingTextError):
            parse_bonding(start + text)


@given(st.sampled_from([ACTIVE_BACKUP, LACP]), st.integers(0, 1200), st.integers(0, 40), st.text(max_size=20))
def test_a_text_with_a_hole_or_a_blot_is_a_bond_or_none(text: str, start: int, length: int, blot: str) -> None:
    with suppress(BondingTextError):
        parse_bonding(text[:start] + blot + text[start + length :])


@given(st.text(st.characters(exclude_characters="/: \t\n\r\v\f\0"), min_size=1, max_size=15))
def test_any_name_of_a_link_is_kept(name: str) -> None:
    assert parse_bonding(ACTIVE_BACKUP.replace("Slave Interface: eno2", f"Slave Interface: {name}x")).links[1].name == (
        f"{name}x"
    )


@pytest.mark.skipif(not CORPUS.exists(), reason="the captures are not here")
@pytest.mark.parametrize("capture", captures(), ids=lambda capture: capture.name)
def test_captures_are_whole(capture: object) -> None:
    (path,) = capture.glob("proc_net_bonding_*")  # type: ignore[attr-defined]
    bond = parse_bonding(path.read_text())
    assert len(bond.links) == 2
    assert bond.monitored


@given(st.binary(min_size=6, max_size=6))
def test_an_address_gives_its_mac_back(raw: bytes) -> None:
    mac = ":".join(f"{byte:02x}" for byte in raw)
    assert mac_of(eui64(mac)) == mac


def test_link_local_addresses() -> None:
    lines = (
        "fe800000000000005054 00fffe111111 05 40 20 80 bad\n"
        "fe80000000000000505400fffe111111 05 40 20 80    bond0\n"
        "fe8000000000000088cf4891a68ce03f 06 40 20 80    bond1\n"
        "20010db800000000505400fffe111111 05 40 00 00    bond0\n"
        "00000000000000000000000000000001 01 80 10 80       lo\n"
    )
    assert parse_link_local(lines) == {"bond0": ["505400fffe111111"]}
    assert eui64("52:54:00:11:11:11") == "505400fffe111111"
    assert eui64("80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01") == ""


@given(st.text())
def test_any_text_is_a_list_of_addresses(text: str) -> None:
    parse_link_local(f"fe80000000000000505400fffe111111{text}")
    parse_link_local(text)
