"""Real bonds of a real kernel in a virtual machine: what happens to them, and the very outage, over two boots."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.virtual_machine import GUEST, VirtualMachine, network_card
from support import SCRIPTS, Ran

pytestmark = pytest.mark.needs("kernel", "qemu-system-x86_64", "ip", "nsenter", "setpriv")

HERE = Path(__file__).resolve().parent
CHECK = str(SCRIPTS / "check_bond")
A, B = "52:54:00:aa:aa:aa", "52:54:00:bb:bb:bb"
BREAKS = "DHCP, SLAAC and DHCPv6 break"


def scenes(output: str) -> dict[str, Ran]:
    """What scenes.sh printed, by name."""
    found = re.findall(r"^@@ ([a-z-]+)\n(.*?)^@@ (\d+)$", output, re.MULTILINE | re.DOTALL)
    return {name: Ran(int(code), said.encode(), b"", 0) for name, said, code in found}


@pytest.fixture(scope="module")
def kinds() -> Iterator[dict[str, Ran]]:
    cards = network_card("52:54:00:cc:cc:cc") + network_card("52:54:00:cc:cc:cc", hub=1)
    with VirtualMachine("bonding", "e1000", "veth", "8021q", "team", "dummy", devices=cards) as machine:
        ran = machine.run("sh", str(HERE / "kinds.sh"), CHECK, seconds=400)
        assert (ran.code, ran.stderr) == (0, b"")
        yield scenes(ran.output)


KINDS = {
    # the empty bond0 that the module makes
    "nothing": (3, "UNKNOWN - no bond with links on this host"),
    "plain": (0, "OK - ab 2/2 links up, 10 Gbit/s"),
    "vlan": (0, "OK - ab 2/2 links up, 10 Gbit/s"),
    "link-down": (1, "WARNING - ab 1/2 links up, ea down"),
    "all-down": (2, "CRITICAL - ab 0/2 links up, down, ea down, eb down"),
    "switched-off": (2, "CRITICAL - ab 2/2 links up, switched off"),
    "flickers": (1, "WARNING - ab 2/2 links up, eb flickers: 10 changes in an hour, now"),
    "flickers-later": (1, "WARNING - ab 2/2 links up, eb flickers: 10 changes in an hour, now"),
    "flickers-accepted": (0, "OK - ab 2/2 links up, 10 Gbit/s"),
    "primary": (1, "WARNING - ab 2/2 links up, eb active, not the primary ea"),
    "set-by-hand": (1, f"WARNING - ab 2/2 links up, MAC set by hand: 02:00:00:00:00:03, was {A} (ea's)"),
    "set-by-hand-accepted": (0, "OK - ab 2/2 links up, 10 Gbit/s"),
    "set-by-hand-after": (0, "OK - ab 2/2 links up, 10 Gbit/s"),
    "unmonitored": (1, "WARNING - ab 2/2 links up, failures go unnoticed (no miimon)"),
    "link-mac": (1, "WARNING - ab 2/2 links up, eb has 52:54:00:00:00:99, not the bond's MAC"),
    "gone-accepted": (3, "UNKNOWN - no bond here matches --bond"),
    "lent": (0, "OK - lent 2/2 links up, 10 Gbit/s"),
    "lent-left": (
        1,
        f"WARNING - lent 1/1 links up, lost link ea ({A}), MAC {A} is no link's any more:"
        " it will change at the next boot",
    ),
    "stolen": (2, f"CRITICAL - lent 2/2 links up, MAC changed while up: {B} (eb's), was {A} (ea's); {BREAKS}"),
    "same-again": (0, "OK - lent 2/2 links up, 10 Gbit/s"),
    "recreated": (2, f"CRITICAL - lent 2/2 links up, re-created with MAC {B} (eb's), was {A} (ea's); {BREAKS}"),
    "emptied": (2, "CRITICAL - lent no links"),
    "emptied-and-off": (2, "CRITICAL - lent no links"),
    "active": (0, "OK - m-active 2/2 links up, 10 Gbit/s"),
    "active-failed-over": (0, "OK - m-active 2/2 links up, 10 Gbit/s"),
    "follow": (0, "OK - m-follow 2/2 links up, 10 Gbit/s"),
    "follow-failed-over": (0, "OK - m-follow 2/2 links up, 10 Gbit/s"),
    "balance-rr": (0, "OK - m-balance-rr 2/2 links up, 20 Gbit/s"),
    "balance-xor": (0, "OK - m-balance-xor 2/2 links up, 20 Gbit/s"),
    "broadcast": (0, "OK - m-broadcast 2/2 links up, 10 Gbit/s"),
    "balance-tlb": (0, "OK - m-balance-tlb 2/2 links up, 20 Gbit/s"),
    "balance-alb": (0, "OK - m-balance-alb 2/2 links up, 20 Gbit/s"),
    "twice": (1, f"WARNING - twice 2/2 links up, ea, ec were made with one MAC, {A}"),
    "twice-accepted": (0, "OK - twice 2/2 links up, 10 Gbit/s"),
    "card": (
        1,
        "WARNING - card 2/2 links up, speeds differ: eb 10000 Mbit/s, eth0 1000 Mbit/s,"
        " eth0, eth1 were made with one MAC, 52:54:00:cc:cc:cc",
    ),
    "odd-names": (0, "OK - b/'=?(x) 2/2 links up, 10 Gbit/s"),
    "team": (3, "UNKNOWN - team7 is a team (libteam), which this check cannot judge"),
    "other-namespace": (3, "UNKNOWN - inside /sys shows another network namespace than /proc"),
    "absent": (3, "UNKNOWN - bond9 no such bond"),
    "many": (0, "OK - 64 bonds, many10 4/4 links up"),
    "many-but-one": (1, "WARNING - many42 3/4 links up, d421 down; 63 ok"),
    "lacp-soon": (1, "WARNING - lonely 2/2 links up, no LACP partner yet"),
    "lacp-none": (2, "CRITICAL - lonely 2/2 links up, no LACP partner (00:00:00:00:00:00) although links are up"),
    "lacp-one": (0, "OK - one 2/2 links up, 20 Gbit/s"),
    "lacp-two": (
        1, "WARNING - two 2/2 links up, legs on different partners: l5 to 02:00:00:00:0a:02, l6 to 02:00:00:00:0a:03",
    ),
    "lacp-half": (1, "WARNING - half 2/2 links up, l8 without LACP partner"),
    "lacp-blind": (0, "OK - one 2/2 links up, 20 Gbit/s"),
    "lacp-blind-none": (1, "WARNING - lonely 2/2 links up, l2 idle in another aggregator, l1 churned"),
    "lacp-other-partner": (
        1, "WARNING - one 2/2 links up, LACP partner is 02:00:00:00:0a:09, was 02:00:00:00:0a:01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_what_happens_to_a_bond(name: str, kinds: dict[str, Ran]) -> None:
    state, text = KINDS[name]
    assert (kinds[name].code, kinds[name].text) == (state, f"BOND {text}")


def test_no_scene_goes_unseen(kinds: dict[str, Ran]) -> None:
    assert set(kinds) == {*KINDS, "gone"}
    assert re.fullmatch(r"BOND CRITICAL - ab gone, last seen \d+ s ago", kinds["gone"].text)


def test_numbers_of_a_bond(kinds: dict[str, Ran]) -> None:
    assert kinds["plain"].perfdata == {
        "ab_links_up": "2;;1:;0;2",
        "ab_links": "2;;;0",
        "ab_speed_bits": "10000000000;;;0",
    }
    assert kinds["flickers"].perfdata["ab_carrier_changes_per_hour"] == "10;;60;0"
    assert kinds["flickers"].perfdata["ab_link_failures_per_hour"] == "5;;30;0"


def test_who_may_not_see_partners_is_told_so(kinds: dict[str, Ran]) -> None:
    said = kinds["lacp-blind"].rest
    assert said[0] == "not seen: LACP partners of one, shown to CAP_NET_ADMIN only"
    assert said[1] == (
        "to see them, add to sudoers and call it with sudo -n:"
        f" nobody ALL=(root) NOPASSWD: {CHECK} --bond one --no-history"
    )


# The outage. Boots with the links in either order; cards that are plugged in join as they come.
FIRST, OTHER = "52:54:00:00:00:00", "52:54:00:00:00:01"
CARDS = [option for number in range(6) for option in network_card(f"52:54:00:00:00:0{number}")]
CHANGED = (
    f"BOND CRITICAL - bond1 2/2 links up, MAC changed with the boot: {OTHER} (eth1's), was {FIRST} (eth0's); {BREAKS}"
)
BY_CHANCE = "MAC is that of whichever link comes first (eth4 now): any boot may change it"


@pytest.fixture(scope="module")
def story() -> Iterator[tuple[dict[str, Ran], dict[str, Ran]]]:
    with VirtualMachine("bonding", "e1000", devices=CARDS, keeps=True) as machine:
        boots = []
        for order in ("forwards", "backwards"):
            ran = machine.run("sh", str(HERE / "story.sh"), CHECK, order, str(GUEST), seconds=200)
            assert (ran.code, ran.stderr) == (0, b"")
            boots.append(scenes(ran.output))
        yield boots[0], boots[1]


def test_the_first_boot_is_fine(story: tuple[dict[str, Ran], dict[str, Ran]]) -> None:
    first = story[0]["first"]
    assert (first.code, first.text) == (0, "BOND OK - 2 bonds, bond1 2/2 links up, 1 Gbit/s")


def test_the_second_boot_with_the_links_in_the_other_order(story: tuple[dict[str, Ran], dict[str, Ran]]) -> None:
    """The other MAC is CRITICAL, and the bond with a pinned MAC, whose links come in the other order too, is OK."""
    boot = story[1]["first"]
    assert (boot.code, boot.text) == (2, f"{CHANGED}; 1 ok")
    assert f"to pin it with ifupdown: in /etc/network/interfaces, below iface bond1: hwaddress {FIRST}" in boot.rest


def test_it_stays_so_also_when_root_looks_in_between(story: tuple[dict[str, Ran], dict[str, Ran]]) -> None:
    """Root's own history knows nothing of the boot before, and takes nothing away from nobody's."""
    root, again = story[1]["root"], story[1]["again"]
    assert (root.code, root.text) == (0, "BOND OK - 2 bonds, bond1 2/2 links up, 1 Gbit/s")
    assert (again.code, again.text) == (2, f"{CHANGED}; 1 ok")


def test_an_expected_mac_needs_no_history(story: tuple[dict[str, Ran], dict[str, Ran]]) -> None:
    as_wanted, other = story[1]["expected"], story[1]["unexpected"]
    assert (as_wanted.code, as_wanted.text) == (0, "BOND OK - bond1 2/2 links up, 1 Gbit/s")
    assert (other.code, other.text) == (
        2, f"BOND CRITICAL - bond1 2/2 links up, MAC is {OTHER}, expected {FIRST}",
    )  # fmt: skip


def test_root_accepts_it_for_the_user_who_looks(story: tuple[dict[str, Ran], dict[str, Ran]]) -> None:
    accept, afterwards = story[1]["accept"], story[1]["after"]
    assert accept.code == 0
    assert accept.rest[0] == "accepted: what is seen now is the new baseline in /mnt/nobody/bond.sqlite"
    assert accept.rest[1] == f"bond bond1: MAC: was {FIRST}, is {OTHER}"
    assert (afterwards.code, afterwards.text) == (0, "BOND OK - 2 bonds, bond1 2/2 links up, 1 Gbit/s")


def test_links_that_join_as_they_appear_are_warned_of_before_the_first_bad_boot(
    story: tuple[dict[str, Ran], dict[str, Ran]],
) -> None:
    before, then = story[0]["chance"], story[1]["chance"]
    assert (before.code, before.text) == (
        1, f"BOND WARNING - lag 2/2 links up, eth5 idle in another aggregator, {BY_CHANCE}",
    )  # fmt: skip
    assert (
        "to pin it with ifupdown: in /etc/network/interfaces, below iface lag: hwaddress 52:54:00:00:00:04"
        in before.rest
    )
    assert then.code == 2
    assert then.text.startswith(
        "BOND CRITICAL - lag 2/2 links up, MAC changed with the boot: 52:54:00:00:00:05 (eth5's), was 52:54:00:00:00:04"
    )
