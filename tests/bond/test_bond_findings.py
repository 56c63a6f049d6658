"""What a bond lacks at this moment, without its past: every finding by the whole line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bond.captures import CORPUS, captures, plant, put
from bond.hosts import EA, EB, NOBODY, OTHER_PARTNER, PARTNER, A, B, Bond, C, Host, Link, text_of
from support import check

from checks.bond import flicker
from checks.bond.pinning import parse_interfaces


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def legs(*links: Link, shown: bool = True) -> Bond:
    return Bond(links, mode="802.3ad", shown=shown)


ALONE = {"partner": NOBODY, "churn": "churned", "state": 79}
DOWN = {"mii": "down", "speed": "Unknown", "duplex": "Unknown"}

# name -> (bond, state, what is said after "bond0 ")
FINDINGS: dict[str, tuple[Bond, int, str]] = {
    "two 10G links": (legs(EA, EB), 0, "2/2 links up, 20 Gbit/s"),
    "without speeds": (Bond((EA._replace(speed="Unknown"), EB._replace(speed="Unknown"))), 0, "2/2 links up"),
    "slow": (Bond((EA._replace(speed="100 Mbps"), EB._replace(speed="100 Mbps"))), 0, "2/2 links up, 100 Mbit/s"),
    "a link down": (Bond((EA, EB._replace(**DOWN))), 1, "1/2 links up, eb down"),  # type: ignore[arg-type]
    "a link that comes back": (Bond((EA, EB._replace(mii="going back"))), 1, "1/2 links up, eb going back"),
    "a link that goes": (Bond((EA, EB._replace(mii="going down"))), 0, "2/2 links up, 10 Gbit/s"),
    "down": (
        Bond((EA._replace(**DOWN), EB._replace(**DOWN)), mii="down"), 2,  # type: ignore[arg-type]
        "0/2 links up, down, ea down, eb down",
    ),
    "down for want of min_links": (legs(EA, EB)._replace(mii="down"), 2, "2/2 links up, down"),
    "switched off": (Bond(up=False), 2, "2/2 links up, switched off"),
    "no active link": (Bond(active="None"), 2, "2/2 links up, no active link"),
    "not the primary": (Bond(primary="eb (primary_reselect always)"), 1, "2/2 links up, ea active, not the primary eb"),
    "a primary that is down": (
        Bond((EA, EB._replace(**DOWN)), primary="eb (primary_reselect always)"), 1,  # type: ignore[arg-type]
        "1/2 links up, eb down",
    ),
    "speeds": (
        Bond((EA, EB._replace(speed="1000 Mbps"))), 1, "2/2 links up, speeds differ: ea 10000 Mbit/s, eb 1000 Mbit/s",
    ),
    "duplex": (Bond((EA, EB._replace(duplex="half"))), 1, "2/2 links up, eb half duplex"),
    "unmonitored": (Bond(miimon=0), 1, "2/2 links up, failures go unnoticed (no miimon)"),
    "one MAC twice": (
        Bond((EA, EB._replace(permanent=A))), 1, f"2/2 links up, ea, eb were made with one MAC, {A}",
    ),
    "a link with another MAC": (
        Bond((EA, EB._replace(address=C))), 1, f"2/2 links up, eb has {C}, not the bond's MAC",
    ),
    "active with another MAC": (
        Bond((EA._replace(address=C), EB._replace(address=B)), fail_over_mac="active"), 1,
        f"2/2 links up, fail_over_mac=active, but active ea has another MAC ({C})",
    ),
    "MAC of no link": (
        Bond(mac=C), 1, f"2/2 links up, MAC {C} is no link's any more: it will change at the next boot",
    ),
    "no partner": (
        legs(EA._replace(**ALONE), EB._replace(**ALONE, aggregator=2)), 2,  # type: ignore[arg-type]
        "2/2 links up, no LACP partner (00:00:00:00:00:00) although links are up",
    ),
    "no partner yet": (
        legs(EA._replace(partner=NOBODY, churn="monitoring"), EB._replace(partner=NOBODY, churn="monitoring")), 1,
        "2/2 links up, no LACP partner yet",
    ),
    "one leg without": (
        legs(EA, EB._replace(**ALONE, aggregator=2)), 1, "2/2 links up, eb without LACP partner",  # type: ignore[arg-type]
    ),
    "two partners": (
        legs(EA, EB._replace(partner=OTHER_PARTNER, aggregator=2, state=7, churn="churned")), 1,
        f"2/2 links up, legs on different partners: ea to {PARTNER}, eb to {OTHER_PARTNER}",
    ),
    "two aggregators": (legs(EA, EB._replace(aggregator=2, state=5)), 1, "2/2 links up, eb idle in another aggregator"),
    "churned": (legs(EA, EB._replace(churn="churned")), 1, "2/2 links up, eb churned"),
    "not carrying": (legs(EA, EB._replace(state=13)), 1, "2/2 links up, eb not carrying"),
    "nothing carried at all": (
        legs(EA._replace(state=7, churn="churned"), EB._replace(state=7, aggregator=2)), 2,
        "2/2 links up, no link carries although LACP partners are there, eb idle in another aggregator, ea churned",
    ),
    "nothing carried yet": (
        legs(EA._replace(state=7, churn="monitoring"), EB._replace(state=7)), 1, "2/2 links up, ea, eb not carrying",
    ),
    "not shown": (legs(EA, EB, shown=False), 0, "2/2 links up, 20 Gbit/s"),
    "not shown, two aggregators": (
        legs(EA, EB._replace(aggregator=2), shown=False), 1, "2/2 links up, eb idle in another aggregator",
    ),
    "not shown, churned": (legs(EA, EB._replace(churn="churned"), shown=False), 1, "2/2 links up, eb churned"),
}  # fmt: skip


@pytest.mark.parametrize("name", FINDINGS)
def test_what_a_bond_lacks(name: str, host: Host) -> None:
    bond, state, words = FINDINGS[name]
    host.has(bond)
    ran = host.check("--no-history")
    assert (ran.text, ran.code, ran.stderr) == (
        f"BOND {('OK', 'WARNING', 'CRITICAL')[state]} - bond0 {words}",
        state,
        b"",
    )
    assert not state or [line for line in ran.rest if line.startswith("next: ")]


def test_what_is_not_shown_is_said_with_the_line_that_shows_it(host: Host) -> None:
    host.has(legs(EA, EB, shown=False))
    said = host.check("--no-history").rest
    assert said[0] == "not seen: LACP partners of bond0, shown to CAP_NET_ADMIN only"
    assert re.match(
        r"to see them, add to sudoers and call it with sudo -n: \S+ ALL=\(root\) NOPASSWD: /.*/check_bond ", said[1]
    )


# As 2.6 kernels write it: the partner stands with the active aggregator only, and everybody may read it.
OLD_LACP = """Ethernet Channel Bonding Driver: v3.4.0 (October 7, 2008)

Bonding Mode: IEEE 802.3ad Dynamic link aggregation
MII Status: up
MII Polling Interval (ms): 100

802.3ad info
LACP rate: slow
Active Aggregator Info:
\tAggregator ID: 1
\tNumber of ports: 2
\tPartner Mac Address: 02:00:00:00:0a:01

Slave Interface: ea
MII Status: up
Link Failure Count: 0
Permanent HW addr: 52:54:00:aa:aa:aa
Aggregator ID: 1

Slave Interface: eb
MII Status: up
Link Failure Count: 0
Permanent HW addr: 52:54:00:bb:bb:bb
Aggregator ID: 1
"""
NO_AGGREGATOR = OLD_LACP.partition("Active Aggregator")[0] + "bond bond0 has no active aggregator\n"
NO_AGGREGATOR += OLD_LACP[OLD_LACP.index("\nSlave Interface") :]
OLD_FINDINGS = {
    "well": (OLD_LACP, 0, "2/2 links up"),
    "no partner": (
        OLD_LACP.replace(PARTNER, NOBODY), 2, "2/2 links up, no LACP partner (00:00:00:00:00:00) although links are up",
    ),
    "two aggregators": (
        OLD_LACP[:-2] + "2\n", 1, "2/2 links up, eb idle in another aggregator",
    ),
    "no partner, two aggregators": (
        OLD_LACP.replace(PARTNER, NOBODY)[:-2] + "2\n", 2,
        "2/2 links up, no LACP partner (00:00:00:00:00:00) although links are up",
    ),
    "in no aggregator": (OLD_LACP[:-2] + "N/A\n", 1, "2/2 links up, eb not carrying"),
    "no aggregator": (
        NO_AGGREGATOR.replace("ID: 1", "ID: N/A"), 2, "2/2 links up, no active LACP aggregator although links are up",
    ),
    "none of them active": (NO_AGGREGATOR, 2, "2/2 links up, no active LACP aggregator although links are up"),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD_FINDINGS)
def test_what_an_older_driver_tells_of_lacp(name: str, host: Host) -> None:
    text, state, words = OLD_FINDINGS[name]
    host.has(Bond())
    host.put("proc/net/bonding/bond0", text)
    ran = host.check("--no-history")
    assert (ran.text, ran.code) == (f"BOND {('OK', 'WARNING', 'CRITICAL')[state]} - bond0 {words}", state)
    assert not any(line.startswith("not seen") for line in ran.rest)


def test_no_aggregator_as_others_than_root_see_it(host: Host) -> None:
    host.has(Bond())
    host.put("proc/net/bonding/bond0", OLD_LACP.partition("Active")[0] + OLD_LACP[OLD_LACP.index("\nSlave") :])
    assert host.check("--no-history").text == "BOND OK - bond0 2/2 links up"
    host.put(
        "proc/net/bonding/bond0",
        (OLD_LACP.partition("Active")[0] + OLD_LACP[OLD_LACP.index("\nSlave") :]).replace("ID: 1", "ID: N/A"),
    )
    line = "BOND CRITICAL - bond0 2/2 links up, no active LACP aggregator although links are up"
    assert host.check("--no-history").text == line


def test_no_aggregator_while_it_is_still_negotiated(host: Host) -> None:
    bond = legs(EA._replace(churn="monitoring", state=7), EB._replace(churn="monitoring", state=7, aggregator=2))
    host.has(bond)
    head, _, rest = text_of(bond).partition("Active Aggregator Info:")
    text = f"{head}bond bond0 has no active aggregator\n{rest[rest.index(chr(10) * 2) + 1 :]}"
    host.put("proc/net/bonding/bond0", text)
    assert host.check("--no-history").text == "BOND WARNING - bond0 2/2 links up, no LACP partner yet"
    host.put("proc/net/bonding/bond0", text.replace("monitoring", "churned"))
    line = "BOND CRITICAL - bond0 2/2 links up, no active LACP aggregator although links are up"
    assert host.check("--no-history").text == line


def test_a_capture_of_proc_alone_is_judged_by_what_is_there(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, "proc/net/bonding/bond0", text_of(Bond((EA, EB._replace(**DOWN)))))  # type: ignore[arg-type]
    ran = check("bond", "--root", str(root), "--state-dir", str(tmp_path))
    assert (ran.text, ran.code) == ("BOND WARNING - bond0 1/2 links up, eb down", 1)
    unseen = "not seen: the MACs of bond0, pinned or not, and interfaces on top: no /sys in this capture"
    assert unseen in ran.rest
    put(root, "proc/net/bonding/bond0", text_of(Bond()))
    ran = check("bond", "--root", str(root), "--state-dir", str(tmp_path))
    assert (ran.text, ran.code) == ("BOND OK - bond0 2/2 links up, 10 Gbit/s", 0)
    ran = check("bond", "--root", str(root), "--no-history", "--mac", A)
    words = "2/2 links up, its MAC is not in this capture, --mac cannot be compared"
    assert (ran.text, ran.code) == (f"BOND UNKNOWN - bond0 {words}", 3)


def test_a_bond_that_sysfs_does_not_have(host: Host) -> None:
    host.has(Bond())
    host.put("proc/net/bonding/bond7", text_of(Bond(name="bond7")))
    line = "BOND UNKNOWN - bond7 /sys shows another network namespace than /proc; 1 ok"
    assert host.check("--no-history").text == line


def test_an_older_kernel_calls_links_slaves_and_hides_where_a_mac_comes_from(host: Host) -> None:
    host.has(Bond())
    for link in ("ea", "eb"):
        (host.root / f"sys/class/net/bond0/lower_{link}").rename(host.root / f"sys/class/net/bond0/slave_{link}")
    (host.root / "sys/class/net/bond0/addr_assign_type").unlink()
    ran = host.check()
    assert ran.text == "BOND OK - bond0 2/2 links up, 10 Gbit/s"
    assert "not seen: where the MACs of bond0 come from: no addr_assign_type here" in ran.rest
    host.put("sys/class/net/bond0/slave_ec", "")
    line = "BOND UNKNOWN - bond0 its links differ between /proc and /sys (another network namespace?)"
    assert host.check().text == line


def test_a_mac_that_changes_is_seen_without_its_origin(host: Host) -> None:
    for boot, mac in (("11111111-1111", A), ("22222222-2222", B)):
        host.boot(boot)
        host.has(Bond(mac=mac))
        (host.root / "sys/class/net/bond0/addr_assign_type").unlink()
        ran = host.check()
    words = f"MAC changed with the boot: {B} (eb's), was {A} (ea's); DHCP, SLAAC and DHCPv6 break"
    assert ran.text == f"BOND CRITICAL - bond0 2/2 links up, {words}"


def test_vlans_as_links_have_the_mac_of_what_is_below(host: Host) -> None:
    host.has(
        Bond((EA._replace(name="ea.10"), EB._replace(name="eb.10"))),
        Bond((EA._replace(name="ea.20"), EB._replace(name="eb.20")), name="bond1"),
    )
    host.card("ea", A)
    line = f"BOND WARNING - bond0 2/2 links up, ea.10, ea.20, ea were made with one MAC, {A}"
    assert host.check("--no-history").text.startswith(line)
    for link in ("ea.10", "ea.20", "eb.10", "eb.20"):
        host.put(f"sys/class/net/{link}/lower_{link[:2]}", "")
    assert host.check("--no-history").text == "BOND OK - 2 bonds, bond0 2/2 links up, 10 Gbit/s"


def test_infiniband_whose_permanent_macs_an_older_driver_cut(host: Host) -> None:
    """Their first six bytes may be alike, and are the start of the MAC that the bond moves to."""
    here, there = (f"80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:0{port}" for port in (1, 2))
    links = tuple(link._replace(permanent=here[:17], address=mac) for link, mac in ((EA, here), (EB, there)))
    host.has(Bond(links, mac=here, fail_over_mac="active"))
    assert host.check().text == "BOND OK - bond0 2/2 links up, 10 Gbit/s"
    host.has(Bond(links, mac=there, fail_over_mac="active", active="eb"))
    assert host.check().text == "BOND OK - bond0 2/2 links up, 10 Gbit/s"


def test_a_speed_that_is_not_enough(host: Host) -> None:
    host.has(legs(EA, EB._replace(aggregator=2)))
    ran = host.check("--speed-bits-critical", "20G:", "--no-history")
    assert ran.text == "BOND CRITICAL - bond0 2/2 links up, eb idle in another aggregator, 10 Gbit/s"
    assert ran.perfdata["bond0_speed_bits"] == "10000000000;;20000000000:;0"


def test_fewer_links_than_expected(host: Host) -> None:
    host.has(Bond())
    assert host.check("--links-critical", "4:").text == "BOND CRITICAL - bond0 2/2 links up, 2 links"
    assert host.check("-c", "3:").text == "BOND CRITICAL - bond0 2/2 links up, 10 Gbit/s"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({}, 1),
        ({"addr_assign_type": "3"}, 0),  # set by somebody: not what it was made with
        ({"iflink": "3"}, 0),  # a port of a switch chip
        ({"phy80211": ""}, 0),  # one of several faces of a radio
        ({"master": ""}, 0),  # a function behind another one
        ({"master": "", "brport": ""}, 1),
    ],
)
def test_one_mac_twice_outside_of_bonds_too(card: dict[str, str], code: int, host: Host) -> None:
    host.has(Bond())
    host.card("eno9", A, **card)
    for name in ("phy80211", "master", "brport"):
        if name in card:
            host.put(f"sys/class/net/eno9/{name}", "")
    ran = host.check()
    assert ran.code == code
    if code:
        assert ran.text == f"BOND WARNING - bond0 2/2 links up, ea, eno9 were made with one MAC, {A}"


def test_two_cards_outside_of_bonds_with_one_mac(host: Host) -> None:
    host.has(Bond())
    host.card("eno8", C)
    host.card("eno9", C)
    line = f"BOND WARNING - host eno8, eno9 were made with one MAC, {C}; 1 ok"
    assert host.check().text == line
    assert host.check("--bond", "bond0").code == 0


@pytest.mark.parametrize(("mode", "code"), [("0", 1), ("1", 0), ("2", 0), ("3", 0), (None, 1)])
def test_an_address_that_was_made_from_another_mac(mode: str | None, code: int, host: Host) -> None:
    host.has(Bond())
    host.put("proc/net/if_inet6", "fe80000000000000505400fffebbbbbb 05 40 20 80    bond0\n")
    if mode is not None:
        host.put("proc/sys/net/ipv6/conf/bond0/addr_gen_mode", f"{mode}\n")
    ran = host.check()
    assert ran.code == code
    if code:
        words = f"bond0 has an IPv6 address made from {B}: the MAC changed while up"
        assert ran.text == f"BOND WARNING - bond0 2/2 links up, {words}"
        assert host.check("--accept").code == 0
        assert host.check().code == 0


def test_an_address_of_a_vlan_on_top(host: Host) -> None:
    host.has(Bond())
    host.put("sys/class/net/bond0/upper_bond0.5", "")
    host.put("sys/class/net/bond0.5/address", f"{A}\n")
    host.put("proc/net/if_inet6", "fe80000000000000505400fffeaaaaaa 05 40 20 80  bond0.5\n")
    assert host.check().code == 0
    host.put("sys/class/net/bond0.5/address", f"{C}\n")
    words = f"bond0.5 has an IPv6 address made from {A}: the MAC changed while up"
    assert host.check().text == f"BOND WARNING - bond0 2/2 links up, {words}"


def test_links_that_only_one_of_proc_and_sys_shows(host: Host) -> None:
    host.has(Bond())
    host.put("sys/class/net/bond0/lower_ec", "")
    line = "BOND UNKNOWN - bond0 its links differ between /proc and /sys (another network namespace?)"
    assert host.check().text == line


def test_a_team_is_not_ignored(host: Host) -> None:
    host.has(Bond())
    host.put("sys/class/net/team0/team/x", "")
    host.put("sys/class/net/team0/ifindex", "12\n")
    ran = host.check()
    assert ran.text == "BOND UNKNOWN - team0 is a team (libteam), which this check cannot judge; 1 ok"
    assert host.check("--exclude", "team0").code == 0


def test_a_named_bond_that_is_not_here(host: Host) -> None:
    host.has(Bond())
    assert host.check("--bond", "bond9").text == "BOND UNKNOWN - bond9 no such bond"
    assert host.check("--bond", "x*").text == "BOND UNKNOWN - no bond here matches --bond"


def expected(capture: str) -> tuple[int, str]:
    table = json.loads((Path(__file__).with_name("captures.json")).read_text())
    state, text = table[capture]
    return state, text


@pytest.mark.skipif(not CORPUS.exists(), reason="the captures are not here")
@pytest.mark.parametrize("capture", captures(), ids=lambda capture: capture.name)
def test_every_capture_has_its_verdict(capture: Path, tmp_path: Path) -> None:
    plant(capture, tmp_path / "root")
    ran = check("bond", "--root", str(tmp_path / "root"), "--no-history")
    assert (ran.code, ran.text) == expected(capture.name)


BOOT = ("boot", 6)  # changes that are reported


def pace_of(track: flicker.Track | None, at: float, changes: int, failures: int = 0) -> flicker.Pace | None:
    return flicker.pace(track, "boot", at, changes, failures)


def after(track: flicker.Track | None, at: float, changes: int, failures: int = 0, **named: object) -> flicker.Track:
    arguments = {"limit": 6, "now": at, "hold": 86400.0, "accept": False, **named}
    return flicker.advance(track, "boot", at, changes, failures, **arguments)  # type: ignore[arg-type]


def test_flickering_is_counted_within_an_hour() -> None:
    track = after(None, 1000, 100)
    assert pace_of(None, 1000, 100) is None
    assert pace_of(track, 1300, 104, 1) == flicker.Pace(4, 1)
    track = after(track, 1300, 104)
    assert (track.worst, len(track.points)) == (0, 2)
    track = after(track, 4000, 106)
    assert track.worst == 6
    assert pace_of(track, 6000, 106) == flicker.Pace(0, 0)
    assert after(track, 6000, 106).worst == 6  # until accepted
    assert after(track, 4000 + 86401, 106).worst == 0  # or held long enough
    assert after(track, 4001, 106, accept=True).worst == 0
    assert after(track, 4001, 106, limit=0).worst == 6


def test_nobody_looked_for_long() -> None:
    """Twelve changes in twelve hours are one an hour."""
    assert pace_of(after(None, 1000, 0), 1000 + 12 * 3600, 12) == flicker.Pace(1, 0)


def test_counters_that_begin_again() -> None:
    track = after(after(None, 1000, 100, 7), 2000, 100, 7)
    assert pace_of(track, 2300, 2) is None
    assert flicker.pace(track, "another boot", 10, 150, 7) is None
    assert after(track, 2300, 2).points == ((2300, 2, 0),)


def test_a_slower_run_takes_nothing_away() -> None:
    track = after(after(None, 1000, 100), 2000, 108)
    assert after(track, 1999, 104) == track
    assert pace_of(track, 1999, 104) == flicker.Pace(4, 0)


def test_what_was_kept_is_read_again_or_dropped() -> None:
    tracks = {"ea": after(after(None, 1000, 100), 1600, 104)}
    assert flicker.parse(flicker.as_note(tracks)) == tracks
    for note in ("", "{", "[]", '{"ea": 1}', '{"ea": ["b", [], 0, 0]}', '{"ea": ["b", [[1, 2]], 0, 0]}', "null"):
        assert flicker.parse(note) == {}


def test_many_points_are_thinned() -> None:
    track = after(None, 0, 0)
    for minute in range(600):
        track = after(track, 60.0 * minute, minute, limit=0)
    assert len(track.points) <= 20
    assert pace_of(track, 60.0 * 600, 600) == flicker.Pace(60, 0)


def test_interfaces_that_name_their_bond() -> None:
    assert parse_interfaces("") == set()
    assert parse_interfaces("iface b\n bond-slaves none\niface c inet dhcp\n slaves none\n hwaddress 02:00\n") == {"b"}
    assert parse_interfaces("iface b\n bond-slaves \\\n none\n# iface c\n#  bond-slaves none\n") == {"b"}
    assert parse_interfaces("iface b inet manual\nauto b\n bond-slaves none\n") == set()
    assert parse_interfaces("iface e\n bond-master b\niface b inet dhcp\n bond-mode 4\n") == {"b"}
    assert parse_interfaces("iface b inet dhcp\n bond-slaves none\niface b inet6 auto\n hwaddress 02:00\n") == set()
