"""What becomes of a MAC from run to run: every observation has its verdict, which stays until accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bond.hosts import (
    EA,
    EB,
    FIRST_BOOT,
    NOBODY,
    OTHER_PARTNER,
    PARTNER,
    PINNED,
    SECOND_BOOT,
    A,
    B,
    Bond,
    C,
    Host,
    Link,
)

BREAKS = "DHCP, SLAAC and DHCPv6 break"
TWO_UP = "2;;1:;0;2"
FORWARDS, BACKWARDS = Bond(), Bond((EB, EA))
LACP = Bond(mode="802.3ad")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


# name -> (before, boot afterwards, after, state, line 1 without performance data)
CHANGES: dict[str, tuple[Bond, str, Bond, int, str]] = {
    "nothing": (FORWARDS, SECOND_BOOT, FORWARDS, 0, "OK - bond0 2/2 links up, 10 Gbit/s"),
    "the story": (
        FORWARDS, SECOND_BOOT, BACKWARDS, 2,
        f"CRITICAL - bond0 2/2 links up, MAC changed with the boot: {B} (eb's), was {A} (ea's); {BREAKS}",
    ),
    "the story, pinned": (
        Bond(mac=C, assigned=PINNED), SECOND_BOOT, Bond((EB, EA), mac=C, assigned=PINNED), 0,
        "OK - bond0 2/2 links up, 10 Gbit/s",
    ),
    "pinned with the boot, or by systemd": (
        FORWARDS, SECOND_BOOT, Bond(mac=C, assigned=PINNED), 2,
        f"CRITICAL - bond0 2/2 links up, MAC set with the boot: {C}, was {A} (ea's); {BREAKS}",
    ),
    "pinned to what it was": (
        FORWARDS, SECOND_BOOT, Bond((EB, EA), mac=A, assigned=PINNED), 0, "OK - bond0 2/2 links up, 10 Gbit/s",
    ),
    "set while it runs": (
        FORWARDS, FIRST_BOOT, Bond(mac=C, assigned=PINNED), 1,
        f"WARNING - bond0 2/2 links up, MAC set by hand: {C}, was {A} (ea's)",
    ),
    "made anew": (
        FORWARDS, FIRST_BOOT, Bond((EB, EA), ifindex=10), 2,
        f"CRITICAL - bond0 2/2 links up, re-created with MAC {B} (eb's), was {A} (ea's); {BREAKS}",
    ),
    "made anew as it was": (FORWARDS, FIRST_BOOT, Bond(ifindex=10), 0, "OK - bond0 2/2 links up, 10 Gbit/s"),
    "all links taken out and put back": (
        FORWARDS, FIRST_BOOT, BACKWARDS, 2,
        f"CRITICAL - bond0 2/2 links up, MAC changed while up: {B} (eb's), was {A} (ea's); {BREAKS}",
    ),
    "moves by design": (
        Bond(fail_over_mac="active"), FIRST_BOOT,
        Bond((EA._replace(address=A), EB._replace(address=B)), mac=B, fail_over_mac="active", active="eb"), 0,
        "OK - bond0 2/2 links up, 10 Gbit/s",
    ),
    "moves by design, over a boot": (
        Bond(fail_over_mac="active"), SECOND_BOOT,
        Bond((EB._replace(address=B), EA._replace(address=A)), fail_over_mac="active"), 0,
        "OK - bond0 2/2 links up, 10 Gbit/s",
    ),
    "moves to what no link has": (
        Bond(fail_over_mac="active"), SECOND_BOOT, Bond(mac=C, fail_over_mac="active"), 2,
        f"CRITICAL - bond0 2/2 links up, MAC changed with the boot: {C}, was {A} (ea's); {BREAKS}",
    ),
    "follows": (
        Bond(fail_over_mac="follow"), FIRST_BOOT,
        Bond((EA._replace(address=B), EB._replace(address=A)), mac=A, fail_over_mac="follow", active="eb"), 0,
        "OK - bond0 2/2 links up, 10 Gbit/s",
    ),
    "the lender taken out": (
        FORWARDS, FIRST_BOOT, Bond((EB, Link("ec", C)), mac=A), 1,
        f"WARNING - bond0 2/2 links up, lost link ea ({A}), MAC {A} is no link's any more:"
        " it will change at the next boot",
    ),
    "another link taken out": (
        FORWARDS, FIRST_BOOT, Bond((EA,)), 1, f"WARNING - bond0 1/1 links up, lost link eb ({B})",
    ),
    "a link more": (FORWARDS, FIRST_BOOT, Bond((EA, EB, Link("ec", C))), 0, "OK - bond0 3/3 links up, 10 Gbit/s"),
    "no longer pinned": (
        Bond(mac=A, assigned=PINNED), SECOND_BOOT, FORWARDS, 1, "WARNING - bond0 2/2 links up, MAC not pinned any more",
    ),
    "another mode": (
        FORWARDS, SECOND_BOOT, LACP, 1, "WARNING - bond0 2/2 links up, mode active-backup before, now 802.3ad",
    ),
    "another fail_over_mac": (
        FORWARDS, SECOND_BOOT, Bond(fail_over_mac="follow"), 1,
        "WARNING - bond0 2/2 links up, fail_over_mac none before, now follow",
    ),
    "another partner": (
        LACP, FIRST_BOOT, LACP._replace(links=tuple(link._replace(partner=OTHER_PARTNER) for link in LACP.links)), 1,
        f"WARNING - bond0 2/2 links up, LACP partner is {OTHER_PARTNER}, was {PARTNER}",
    ),
    "another system": (
        LACP, FIRST_BOOT, LACP._replace(system="02:ad:ad:ad:ad:01"), 1,
        f"WARNING - bond0 2/2 links up, LACP system is 02:ad:ad:ad:ad:01, was {A}",
    ),
    "LACP not shown any more": (LACP, FIRST_BOOT, LACP._replace(shown=False), 0, "OK - bond0 2/2 links up, 20 Gbit/s"),
    "the story with LACP": (
        LACP, SECOND_BOOT, Bond((EB, EA), mode="802.3ad"), 2,
        f"CRITICAL - bond0 2/2 links up, MAC changed with the boot: {B} (eb's), was {A} (ea's); {BREAKS}",
    ),
    "no links left": (FORWARDS, FIRST_BOOT, Bond((), mac=C, assigned=1, mii="down"), 2, "CRITICAL - bond0 no links"),
    "no links left, and off": (
        FORWARDS, FIRST_BOOT, Bond((), mac=C, assigned=1, mii="down", up=False), 2, "CRITICAL - bond0 no links",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_has_its_verdict_until_it_is_accepted(name: str, host: Host) -> None:
    before, boot, after, state, line = CHANGES[name]
    host.has(before)
    first = host.check()
    assert first.code == 0
    assert first.perfdata["bond0_links_up"] == TWO_UP
    host.boot(boot)
    host.has(after)
    for _ in range(2):  # looking does not make it go away
        ran = host.check("--hold", "0")
        assert (ran.text, ran.code, ran.stderr) == (f"BOND {line}", state, b"")
    accepted = host.check("--accept")
    # a MAC that no link has any more is no thing of the past; without links there is nothing left to judge
    later = 1 if "will change" in line else 3 if "no links" in line else 0
    assert accepted.code == later
    assert host.check().code == later


def changed(host: Host) -> None:
    host.has(FORWARDS)
    host.check()
    host.boot(SECOND_BOOT)
    host.has(BACKWARDS)
    assert host.check().code == 2


def test_a_change_goes_away_when_it_is_undone(host: Host) -> None:
    changed(host)
    host.has(FORWARDS)
    assert host.check().text == "BOND OK - bond0 2/2 links up, 10 Gbit/s"


def test_a_change_outlives_further_boots_and_history_of_others(host: Host, tmp_path: Path) -> None:
    changed(host)
    host.boot("33333333-3333")
    (tmp_path / "root-looks").mkdir(mode=0o700)
    assert host.check("--state-dir", str(tmp_path / "root-looks")).code == 0
    assert f"MAC changed with the boot: {B} (eb's), was {A} (ea's)" in host.check().text


def test_accepting_says_what_changed_and_whose_history_that_is(host: Host) -> None:
    changed(host)
    ran = host.check("--accept")
    assert ran.code == 0
    assert ran.rest[0].startswith("accepted: what is seen now is the new baseline in /")
    assert ran.rest[1:3] == [
        f"bond bond0: MAC: was {A}, is {B}",
        f"bond bond0: links: was ea {A} eb {B}, is eb {B} ea {A}",
    ]


def test_the_line_that_pins_it(host: Host) -> None:
    """To the MAC that the network knows, at once where it has changed, else when asked."""
    host.has(FORWARDS)
    pins = [
        f"to pin it with ifupdown: in /etc/network/interfaces, below iface bond0: hwaddress {A}",
        f'to pin it with netplan: in /etc/netplan/*.yaml, below bonds: bond0: macaddress: "{A}"',
        f"to pin it with systemd-networkd: in the .netdev file of bond0, below [NetDev]: MACAddress={A}",
        f"to pin it with NetworkManager: nmcli connection modify bond0 802-3-ethernet.cloned-mac-address {A}",
    ]
    assert not [line for line in host.check().rest if "to pin" in line]
    assert [line for line in host.check("-v").rest if "to pin" in line] == pins
    changed(host)
    assert [line for line in host.check().rest if "to pin" in line] == pins


def test_what_was_set_by_hand_stays_that_over_a_boot(host: Host) -> None:
    by_hand = Bond(mac=C, assigned=PINNED)
    host.has(FORWARDS)
    host.check()
    host.has(by_hand)
    assert host.check().code == 1
    host.boot(SECOND_BOOT)
    assert host.check().text == f"BOND WARNING - bond0 2/2 links up, MAC set by hand: {C}, was {A} (ea's)"


def test_an_expected_mac(host: Host) -> None:
    host.has(FORWARDS)
    line = f"BOND CRITICAL - bond0 2/2 links up, MAC is {A}, expected {B}"
    assert host.check("--mac", B).text == line
    assert host.check("--mac", f"bond0={B}", "--no-history").text == line
    assert host.check("--mac", A.upper().replace(":", "-")).code == 0
    assert host.check("--mac", f"bond1={B}").code == 0
    host.boot(SECOND_BOOT)
    host.has(BACKWARDS)
    assert host.check("--mac", B).code == 0
    assert host.check("--mac", A).text == f"BOND CRITICAL - bond0 2/2 links up, MAC is {B}, expected {A}"
    assert host.check().code == 2


@pytest.mark.parametrize("mac", ["52:54", "52:54:00:aa:aa:ag", "bond0", "bond0=", ""])
def test_a_mac_that_is_none(mac: str, host: Host) -> None:
    ran = host.check("--mac", mac)
    assert ran.code == 3
    assert ran.line.startswith(f"UNKNOWN - check_bond: option --mac: '{mac}' is not a MAC such as 52:54:00:11:11:11")


def test_a_copied_disk_is_another_machine(host: Host) -> None:
    host.has(FORWARDS)
    host.check()
    host.put("etc/machine-id", "ffffffffffffffffffffffffffffffff\n")
    host.boot(SECOND_BOOT)
    host.has(Bond((Link("ec", C), EB)))
    assert host.check().code == 0
    host.has(Bond(name="bond1"))
    assert re.fullmatch(r"BOND CRITICAL - bond0 gone, last seen \d s ago; 1 ok", host.check().text)


def test_a_bond_that_is_gone(host: Host) -> None:
    other = Bond((Link("ec", C),), name="bond1")
    host.has(FORWARDS, other)
    host.check()
    host.has(FORWARDS)
    gone = host.check()
    assert re.fullmatch(r"BOND CRITICAL - bond1 gone, last seen \d s ago; 1 ok", gone.text)
    assert gone.code == 2
    assert host.check("--exclude", "bond1").code == 0
    assert host.check("--accept").code == 0
    assert host.check().code == 0
    host.has()
    assert re.fullmatch(r"BOND CRITICAL - bond0 gone, last seen \d s ago", host.check().text)


def test_a_bond_that_was_accepted_as_gone_starts_anew(host: Host) -> None:
    host.has(FORWARDS, Bond((Link("ec", C),), name="bond1"))
    host.check()
    host.has(FORWARDS)
    assert host.check("--accept").code == 0
    host.boot(SECOND_BOOT)
    host.has(FORWARDS, Bond((Link("ed", "52:54:00:dd:dd:dd"),), name="bond1"))
    assert host.check().code == 0


def test_an_accepted_empty_bond_starts_anew_with_links(host: Host) -> None:
    empty = Bond((), mac=C, assigned=1, mii="down")
    host.has(empty)
    assert host.check().text == "BOND CRITICAL - bond0 no links"
    assert host.check("--accept").text == "BOND UNKNOWN - no bond with links on this host"
    assert host.check("--absent-ok").code == 0
    host.has(FORWARDS)
    assert host.check().code == 0
    host.boot(SECOND_BOOT)
    host.has(BACKWARDS)
    assert host.check().code == 2


def test_the_empty_bond_of_the_module_is_left_alone(host: Host) -> None:
    empty = Bond((), mac=C, assigned=1, mii="down", up=False)
    host.has(empty)
    alone = host.check()
    assert (alone.text, alone.code) == ("BOND UNKNOWN - no bond with links on this host", 3)
    assert host.check("--absent-ok").code == 0
    host.has(empty, Bond(name="bond1"))
    assert host.check("-v").rest[-1] == "left alone: bond0, without links and switched off"
    assert host.check("--bond", "bond0").text == "BOND CRITICAL - bond0 no links"


def story(slaves: str) -> str:
    return f"""auto lo bond0
iface lo inet loopback
allow-hotplug ea eb
iface ea inet manual
    bond-master bond0
iface eb inet manual
    bond-master bond0
iface bond0 inet dhcp
    bond_mode 802.3ad
    {slaves}
"""


BY_CHANCE = (
    "BOND WARNING - bond0 2/2 links up, MAC is that of whichever link comes first (ea now): any boot may change it"
)


@pytest.mark.parametrize(
    ("slaves", "line"),
    [
        ("bond-slaves none", BY_CHANCE),
        ("slaves none", BY_CHANCE),
        ("", BY_CHANCE),
        ("bond-slaves none\n    hwaddress ether 02:00:00:00:00:01", "BOND OK - bond0 2/2 links up, 20 Gbit/s"),
        ("bond-slaves ea eb", "BOND OK - bond0 2/2 links up, 20 Gbit/s"),
    ],
)
@pytest.mark.parametrize("place", ["interfaces", "interfaces.d/bond"])
def test_the_story_before_its_first_bad_boot(slaves: str, line: str, place: str, host: Host) -> None:
    host.put("etc/network/interfaces", "source /etc/network/interfaces.d/*\n")
    host.put(f"etc/network/{place}", story(slaves))
    host.has(LACP)
    ran = host.check()
    assert ran.text == line
    if line == BY_CHANCE:
        assert f"to pin it with ifupdown: in /etc/network/interfaces, below iface bond0: hwaddress {A}" in ran.rest
        assert host.check("--accept").code == 0
        assert host.check().code == 0


def test_every_mac_that_is_not_pinned_when_asked(host: Host) -> None:
    host.has(FORWARDS)
    assert host.check("--pinned").text == "BOND WARNING - bond0 2/2 links up, MAC not pinned, it is ea's"
    host.has(Bond(assigned=PINNED))
    assert host.check("--pinned").code == 0
    host.has(Bond((EA,)))
    assert host.check("--pinned", "--no-history").code == 0


@pytest.mark.parametrize("spoil", [lambda text: text[: len(text) // 2], lambda text: "", lambda text: "\0\xff|" * 99])
def test_a_bond_that_cannot_be_read_loses_nothing(spoil: Callable[[str], str], host: Host) -> None:
    host.has(FORWARDS, Bond((Link("ec", C),), name="bond1", ifindex=10))
    host.check()
    place = host.root / "proc/net/bonding/bond0"
    text = place.read_text()
    place.write_text(spoil(text))
    ran = host.check()
    assert ran.text.startswith("BOND UNKNOWN - bond0 ")
    assert ran.text.endswith("; 1 ok")
    assert host.check("--accept").code == 3
    host.boot(SECOND_BOOT)
    host.has(BACKWARDS, Bond((Link("ec", C),), name="bond1", ifindex=10))
    assert f"was {A} (ea's)" in host.check().text


def test_nobody_is_no_partner_to_remember(host: Host) -> None:
    alone = LACP._replace(links=tuple(link._replace(partner=NOBODY, churn="churned") for link in LACP.links))
    host.has(alone)
    assert host.check().code == 2
    host.has(LACP)
    assert host.check().code == 0
