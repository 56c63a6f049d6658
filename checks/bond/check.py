"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

from checks.bond import assess, identity, lacp, past
from checks.bond.survey import MACHINE_ID, STOLEN, Bond, Survey, list_bonds, list_teams, survey
from checks.frame import selection
from checks.frame.host import Host
from checks.frame.options import Option
from checks.frame.plugin import UNREADABLE, Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable, printable_names
from checks.frame.ranges import number
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from checks.frame.unread import Reader, next_step, notes
from perfdata.numbers import plain_number
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, UNKNOWN, WARNING, Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

LEVELS = {
    "links_up": Levels("", "1:", "A link that is down is a warning by itself."),
    "links": Levels("", "", "E.g. 4: to expect four of them. Links that were there once are missed without it."),
    "speed_bits": Levels("", "", "E.g. 20G: for all of two 10G links. Off: only you know what is enough."),
    "carrier_changes_per_hour": Levels("", "60", "Of the worst link; unplugging a cable makes two. See also --flaps."),
    "link_failures_per_hour": Levels("", "30", "Of the worst link, as the bond noticed them."),
}

_BREAKS = "DHCP, SLAAC and DHCPv6 break"
_ACCEPT = "--accept once it is meant so"
_PIN_OLD = "pin the MAC that DHCP and others know (lines below) and restart {item}; or run the check once with --accept"
_PIN = "pin the MAC (lines below)"
_SWITCH = "look at the switch: are these ports in one LACP group (port-channel), and is it up?"

FACTS = {
    identity.MAC_AFTER_BOOT: FactRule(
        CRITICAL, f"MAC changed with the boot: {{now}}, was {{was}}; {_BREAKS}", _PIN_OLD
    ),
    identity.MAC_SET_AFTER_BOOT: FactRule(
        CRITICAL,
        f"MAC set with the boot: {{now}}, was {{was}}; {_BREAKS}",
        "if nobody set it: systemd's MACAddressPolicy=persistent does (systemd.link); " + _ACCEPT,
    ),
    identity.MAC_RECREATED: FactRule(
        CRITICAL, f"re-created with MAC {{now}}, was {{was}}; {_BREAKS}", _PIN_OLD
    ),
    identity.MAC_STOLEN: FactRule(
        CRITICAL, f"MAC changed while up: {{now}}, was {{was}}; {_BREAKS}", _PIN_OLD
    ),
    assess.MAC_UNEXPECTED: FactRule(
        CRITICAL, "MAC is {mac}, expected {expected}", "ip link set {item} address {expected}; or correct --mac"
    ),
    assess.NO_LINKS: FactRule(CRITICAL, "no links", "look why none was enslaved; --accept if it is not used any more"),
    assess.OFF: FactRule(CRITICAL, "switched off", "ip link set {item} up, or leave it out with --exclude {item}"),
    assess.DOWN: FactRule(CRITICAL, "down", "look at the cables and the switch; min_links of {item}"),
    assess.NO_ACTIVE: FactRule(CRITICAL, "no active link", "look at /proc/net/bonding/{item}"),
    lacp.NO_AGGREGATOR: FactRule(CRITICAL, "no active LACP aggregator although links are up", _SWITCH),
    lacp.NONE_CARRIES: FactRule(CRITICAL, "no link carries although LACP partners are there", _SWITCH),
    lacp.NO_PARTNER: FactRule(CRITICAL, "no LACP partner (00:00:00:00:00:00) although links are up", _SWITCH),
    identity.MAC_SET: FactRule(WARNING, "MAC set by hand: {now}, was {was}", _ACCEPT),
    identity.UNPINNED: FactRule(WARNING, "MAC not pinned any more", f"{_PIN}; {_ACCEPT}"),
    assess.NO_LINKS_MAC: FactRule(
        WARNING, "MAC {mac} is no link's any more: it will change at the next boot", f"{_PIN}, or bring that link back"
    ),
    assess.BY_CHANCE: FactRule(
        WARNING, "MAC is that of whichever link comes first ({link} now): any boot may change it", f"{_PIN}; {_ACCEPT}"
    ),
    assess.NOT_PINNED: FactRule(WARNING, "MAC not pinned, it is {link}'s", f"{_PIN}; {_ACCEPT}"),
    assess.DUPLICATE: FactRule(
        WARNING, "{interfaces} were made with one MAC, {mac}", f"give them different ones (driver, firmware); {_ACCEPT}"
    ),
    assess.OLD_ADDRESS: FactRule(
        WARNING,
        "{interface} has an IPv6 address made from {mac}: the MAC changed while up",
        f"ip link set down and up makes it anew, other addresses too; {_ACCEPT}",
    ),
    assess.LINK_MAC: FactRule(WARNING, "{links}, not the bond's MAC", f"look who changed it; {_ACCEPT}"),
    assess.ACTIVE_MAC: FactRule(
        WARNING, "fail_over_mac={mode}, but active {active} has another MAC ({mac})", "look who changed it"
    ),
    assess.LINK_DOWN: FactRule(WARNING, "{links}", "look at the cable, the module and the switch port"),
    lacp.NO_PARTNER_YET: FactRule(WARNING, "no LACP partner yet", _SWITCH),
    lacp.LEG_WITHOUT_PARTNER: FactRule(WARNING, "{links} without LACP partner", _SWITCH),
    lacp.TWO_PARTNERS: FactRule(
        WARNING, "legs on different partners: {legs}", "plug them into one switch, or join those switches (MLAG)"
    ),
    lacp.AGGREGATORS: FactRule(WARNING, "{links} idle in another aggregator", f"{_SWITCH} same speed and key?"),
    lacp.CHURNED: FactRule(WARNING, "{links} churned", _SWITCH),
    lacp.NOT_CARRYING: FactRule(WARNING, "{links} not carrying", _SWITCH),
    identity.PARTNER_CHANGED: FactRule(WARNING, "LACP partner is {new}, was {old}", f"switch replaced? {_ACCEPT}"),
    identity.SYSTEM_CHANGED: FactRule(WARNING, "LACP system is {new}, was {old}", _ACCEPT),
    identity.RECONFIGURED: FactRule(WARNING, "{old} before, now {new}", _ACCEPT),
    identity.LINK_LOST: FactRule(WARNING, "lost link {old} ({new})", f"bring it back; {_ACCEPT}"),
    assess.FLICKERS: FactRule(
        WARNING,
        "{link} flickers: {count} changes in an hour, {ago}",
        "look at its cable (SFP+: long enough? seated?) and module; --accept once done",
    ),
    assess.NOT_PRIMARY: FactRule(WARNING, "{active} active, not the primary {primary}", f"look why; {_ACCEPT}"),
    assess.SPEEDS_DIFFER: FactRule(WARNING, "speeds differ: {links}", f"look at cables and switch ports; {_ACCEPT}"),
    assess.DUPLEX_DIFFERS: FactRule(WARNING, "{links} half duplex", "look at the settings of the switch port"),
    assess.UNMONITORED: FactRule(WARNING, "failures go unnoticed (no miimon)", "set miimon to 100 (ms) for {item}"),
    assess.GONE: FactRule(CRITICAL, "gone, last seen {ago} ago", "bring it back, or run the check once with --accept"),
    assess.ABSENT: FactRule(UNKNOWN, "no such bond", "correct --bond {item}, or run it where that bond is"),
    assess.TEAM: FactRule(
        UNKNOWN, "is a team (libteam), which this check cannot judge", "ask teamdctl {item} state; --exclude {item}"
    ),
}  # fmt: skip

# With these the lines that pin a MAC are shown at once, else with -v.
_PIN_SHOWN = (
    identity.MAC_AFTER_BOOT, identity.MAC_RECREATED, identity.MAC_STOLEN, identity.UNPINNED, assess.NO_LINKS_MAC,
    assess.BY_CHANCE, assess.NOT_PINNED,
)  # fmt: skip


class Bonding(Plugin):
    """Bonds, their links and their MACs."""

    name = "bond"
    question = "Same MAC as last boot, and is each bond all that it seems to be?"
    outage = "after a reboot a bond had its other link's MAC: DHCP and SLAAC gave the host other addresses"
    description = (
        "Compares each bond with what it was when it was first seen or last accepted:\n"
        "its MAC above all, which is that of the link that came first unless it is\n"
        "pinned. Says before the boot that a MAC will change, and finds links that are\n"
        "down, idle, slow or flicker, LACP without a partner or with two, and MACs\n"
        "that are there twice."
    )
    examples = (
        "  check_bond\n"
        "  check_bond --bond bond0 --mac 52:54:00:11:11:11\n"
        "  check_bond --links-critical 2: --speed-bits-warning 20G:\n"
        "  check_bond --exclude 'lab*' --pinned\n"
        "  check_bond --state-user nagios --accept"
    )
    called = "Bond"
    items = ("bond", "bonds")
    main_measure = "links_up"
    levels = LEVELS
    facts = FACTS

    def options(self) -> list[Option]:
        """See Plugin."""
        group = "what is looked at"
        judged = "what is found wrong"
        return [
            *selection.options("--bond", "bonds", group),
            Option(
                ("--mac",),
                "critical unless the bond has this MAC, whatever it had before; with several bonds say BOND=MAC"
                " (repeatable)",
                "MAC",
                _mac,
                repeat=True,
                group=judged,
            ),
            Option(
                ("--pinned",),
                "warn of every MAC that is not pinned where links could lend different ones",
                group=judged,
            ),
            Option(
                ("--flaps",),
                "warn of a link with so many carrier changes in an hour, until accepted or held; 0: never (default 6)",
                "N",
                _count,
                6,
                group=judged,
            ),
        ]

    def targets(self, host: Host) -> list[str]:
        """The bonds and teams of this host."""
        return [printable(name) for name in (*list_bonds(host), *list_teams(host))]

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        reader = Reader(run.host)
        seen = survey(reader, run.settings)
        names = [bond.name for bond in seen.bonds]
        items = printable_names([*names, *seen.unreadable, *seen.teams, *seen.empty])
        details: list[Detail] = []
        findings = _findings(run, seen, items, details, reader)
        if not findings:
            selected = selection.none_left("bond", "--bond", run.settings.bond, run.settings.exclude)
            raise NothingHere(selected or "no bond with links on this host")
        details += notes([unread for path, unread in reader.unread.items() if path != MACHINE_ID])
        return Examination(findings, {"": "host"}, (*details, *_details(run, seen, items, findings)))

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "bond0 2/2 links up, 20 Gbit/s"; what is wrong right after the links."""
        measures = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
        words = []
        if "links_up" in measures and isinstance(measures["links_up"].finding, Measure):
            links = measures["links_up"].finding
            words += [f"{links.value}/{links.maximum} links up"] if links.maximum else []
        for j in sorted(judged, key=lambda j: BY_SEVERITY.index(j.state)):
            if isinstance(j.finding, Fact):
                words.append(j.words)
        for name, j in measures.items():
            if (
                name != "links_up"
                and isinstance(j.finding, Measure)
                and (j.state != OK or (name == "speed_bits" and len(words) < 2))
            ):
                words.append(_words(j.finding))
        words = [word for word in words if word]
        return f"{title} {', '.join(words)}" if words else f"{title} fine"

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        return sentences[0] if len(sentences) == 1 else f"{len(sentences)} bonds, {sentences[0]}"


def _words(measure: Measure) -> str:
    value = plain_number(round(measure.value, 1))
    return {
        "links": f"{value} links",
        "speed_bits": _speed(measure.value) if measure.value else "",
        "carrier_changes_per_hour": f"{value} carrier changes/h",
        "link_failures_per_hour": f"{value} link failures/h",
    }.get(measure.name, "")


def _speed(bits: float) -> str:
    """Bits a second for people."""
    return f"{plain_number(bits / 1e9)} Gbit/s" if bits >= 1e9 else f"{plain_number(bits / 1e6)} Mbit/s"


def _mac(text: str) -> tuple[str, str]:
    """(bond, MAC); the bond "" for all."""
    bond, _, mac = text.rpartition("=")
    pairs = mac.lower().replace("-", ":").split(":")
    if len(pairs) < 6 or any(len(pair) != 2 or set(pair) - set("0123456789abcdef") for pair in pairs):
        raise ValueError(f"'{text}' is not a MAC such as 52:54:00:11:11:11, or bond0=52:54:00:11:11:11")
    return bond, ":".join(pairs)


def _count(text: str) -> int:
    value = number(text, "")
    if not isinstance(value, int) or not 0 <= value < 1 << 31:
        raise ValueError(f"'{text}' is not a number of changes")
    return value


def _findings(run: Run, seen: Survey, items: dict[str, str], details: list[Detail], reader: Reader) -> list[Finding]:
    findings: list[Finding] = list(assess.unreadable_findings(seen, items))
    shared = list(assess.duplicate_findings(seen, items))
    chance: set[str] = set()
    if any(bond.assigned == STOLEN and len(bond.text.links) > 1 for bond in seen.bonds):
        from checks.bond.pinning import left_to_chance

        chance = left_to_chance(reader)
    for bond in sorted(seen.bonds, key=lambda bond: items[bond.name]):
        item = items[bond.name]
        found = list(assess.bond_findings(bond, item, run.settings, bond.name in chance))
        found += [finding for finding in shared if finding.item == item]
        findings += past.with_the_past(run, seen, bond, item, found, details)
    if not run.settings.bond:  # else only what concerns those bonds
        findings += [finding for finding in shared if not finding.item]
    if MACHINE_ID in reader.unread and seen.bonds and run.history is not None:
        # what is kept of a bond is kept by it: without it a changed MAC would be a new bond's
        unread = reader.unread[MACHINE_ID]
        findings.append(fact("", UNREADABLE, reason=str(unread), next_step=next_step(unread)))
    return findings + past.missing(run, seen, items)


def _details(run: Run, seen: Survey, items: dict[str, str], findings: list[Finding]) -> list[Detail]:
    details = []
    codes = {(finding.item, finding.code) for finding in findings if isinstance(finding, Fact)}
    hidden = [items[bond.name] for bond in seen.bonds if bond.text.mode == "802.3ad" and not bond.text.shown]
    if hidden:
        from checks.frame.grants import as_root

        names = ", ".join(hidden[:4]) + (f" and {len(hidden) - 4} more" if len(hidden) > 4 else "")
        details.append(Detail(0, f"not seen: LACP partners of {names}, shown to CAP_NET_ADMIN only"))
        details.append(Detail(0, as_root("to see them")))
    details += [Detail(0, line) for line in _unseen(seen, items)]
    advice = [(bond, level) for bond in seen.bonds for level in _advice(bond, items[bond.name], codes)]
    for bond, level in sorted(advice, key=lambda row: row[1])[:1]:  # one bond's lines tell how it goes for all
        from checks.bond.pinning import pin_lines

        mac = next(
            (
                str(dict(finding.parameters)["old"])
                for finding in findings
                if isinstance(finding, Fact) and finding.item == items[bond.name] and finding.code in identity.MAC_TAKEN
            ),
            bond.address,
        )
        details += [Detail(level, f"to pin it with {line}") for line in pin_lines(items[bond.name], mac)]
    details += [Detail(1, line) for bond in seen.bonds for line in _described(bond, items[bond.name])]
    left_alone = ", ".join(items[name] for name in seen.empty)
    if left_alone:
        details.append(Detail(1, f"left alone: {left_alone}, without links and switched off"))
    if run.history is None:
        details.append(Detail(2, "no history: nothing is known of the last boot, and no flickering is seen"))
    return details


def _unseen(seen: Survey, items: dict[str, str]) -> list[str]:
    """What old kernels, and captures, do not tell of bonds with links."""
    bonds = [bond for bond in seen.bonds if bond.text.links]
    kinds = {
        "the MACs of {}, pinned or not, and interfaces on top: no /sys in this capture": [
            bond for bond in bonds if not bond.address
        ],
        "where the MACs of {} come from: no addr_assign_type here": [
            bond for bond in bonds if bond.address and not bond.assigned
        ],
        "permanent MACs of links of {}": [
            bond for bond in bonds if not all(link.permanent for link in bond.text.links)
        ],
    }
    return [
        f"not seen: {words.format(', '.join(items[bond.name] for bond in some))}"
        for words, some in kinds.items()
        if some
    ]


def _advice(bond: Bond, item: str, codes: set[tuple[str, str]]) -> list[int]:
    """The verbosity from which the lines that pin this bond's MAC are shown; none where they are not needed."""
    if any((item, code) in codes for code in _PIN_SHOWN):
        return [0]
    unpinned = bond.assigned == STOLEN and bond.text.fail_over_mac != "active" and len(bond.text.links) > 1
    return [1] if unpinned else []


def _described(bond: Bond, item: str) -> list[str]:
    text = bond.text
    lender = next((f", that of {link.name}" for link in text.links if link.permanent == bond.address), "")
    origin = {1: "random", 2: f"not pinned{lender}", 3: "pinned"}.get(bond.assigned, "")
    links = " ".join(f"{link.name} ({link.permanent})" for link in text.links)
    partner = f", LACP partner {text.partner}" if text.partner else ""
    return [printable(f"bond {item}: {text.mode}, MAC {bond.address} ({origin}){partner}, links {links}", 300)]


PLUGIN = Bonding()


def main() -> NoReturn:
    """The command check_bond."""
    from checks.frame.command import main as run

    run(PLUGIN)
