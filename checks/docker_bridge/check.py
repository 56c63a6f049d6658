"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

from checks.docker_bridge import assess
from checks.docker_bridge.bridges import ARP_CACHE, BACKLOG, PORTS_MAX
from checks.docker_bridge.survey import Survey, still_missing, survey
from checks.frame import selection
from checks.frame.host import Host
from checks.frame.options import Option
from checks.frame.plugin import Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable, printable_names
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from checks.frame.unread import notes
from perfdata.numbers import duration, plain_number
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, UNKNOWN, WARNING, Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_FORECAST_SHOWN = 30 * 86400.0  # seconds; a later "full in" is no news

LEVELS = {
    "ports": Levels(
        "900", "1000", "A bridge takes 1023; beyond 1000 broadcast ARP already gets lost, and a deployment needs room."
    ),
    "until_full_lower_seconds": Levels(
        "", "", "Judges the lower bound, e.g. 24h: for a day ahead. Off, since a deployment looks like growth."
    ),
    "growth_per_hour": Levels("", "", "Off for the same reason."),
    "leaked_ports": Levels("0", "", "A port without an endpoint comes back only with a restart."),
    "addresses_left": Levels("", "1:", "Without an address the next container does not start."),
    "addresses_used_percent": Levels("90", "", "A /24 is full long before the bridge is."),
    "address_pools_free": Levels("2:", "", "The next network needs one."),
}

FILLING = {"ports": PORTS_MAX}

FACTS = {
    assess.EXCHANGE_FULL: FactRule(
        CRITICAL,
        "exchange full: {containers} could not start",
        "free ports (docker ps; stop or move containers), then docker start {first} (or docker rm {first})",
    ),
    assess.GONE: FactRule(
        CRITICAL, "gone, last seen {ago} ago", "bring {item} back, or run the check once with --accept"
    ),
    assess.ABSENT: FactRule(UNKNOWN, "no such bridge", "correct --bridge {item}, or run it where that bridge is"),
    assess.ARP_OVERFLOW: FactRule(
        WARNING,
        "ARP table overflowed {count} times",
        "raise net.ipv4.neigh.default.gc_thresh3 above the number of neighbours; --accept once done",
    ),
    assess.BACKLOG: FactRule(
        WARNING,
        "netdev_max_backlog {backlog} below its ports loses broadcast ARP",
        "sysctl -w net.core.netdev_max_backlog=4096",
    ),
}


def _problem_words(measure: Measure) -> str:
    """What is wrong when this measure is not OK; "" where the item's first words say it already."""
    number = plain_number(round(measure.value, 1))
    return {
        "growth_per_hour": f"growing by {number}/h",
        "leaked_ports": f"{number} leaked",
        "addresses_left": f"{number} of {measure.maximum} addresses left",
        "addresses_used_percent": f"{number}% of its addresses used",
        "address_pools_free": f"has address pools for {number} more networks",
    }.get(measure.name, "")


class DockerBridge(Plugin):
    """Ports of Linux bridges, Docker's above all."""

    name = "docker_bridge"
    question = "How many of its 1023 ports has each bridge left, and when is it full?"
    outage = "the 1024th container could not start: a Linux bridge has 1023 ports (exchange full)"
    description = (
        "Counts the ports of every Linux bridge against the 1023 that the kernel allows,\n"
        "and says when a bridge will be full. With Docker's API it also names networks,\n"
        "counts addresses left, and finds leaked ports and containers that could not\n"
        "start."
    )
    examples = (
        "  check_docker_bridge\n"
        "  check_docker_bridge -w 800 -c 950 --until-full-warning 24h:\n"
        "  check_docker_bridge --bridge 'br-*' --exclude br-lan --no-docker\n"
        "  check_docker_bridge --state-user nagios --accept"
    )
    called = "Docker bridge"
    items = ("bridge", "bridges")
    main_measure = "ports"
    as_root = "endpoints, leaks and addresses: Docker's socket is as good as root"
    plotted_limit = PORTS_MAX
    filling = FILLING
    levels = LEVELS
    facts = FACTS

    def options(self) -> list[Option]:
        """See Plugin."""
        group = "what is looked at"
        return [
            *selection.options("--bridge", "bridges", group),
            Option(
                ("--docker-socket",),
                "Docker's API (default: /run/docker.sock where there is one; when named, UNKNOWN if it cannot be used)",
                "PATH",
                _socket_path,
                "",
                group=group,
            ),
            Option(("--no-docker",), "do not ask Docker", group=group),
        ]

    def targets(self, host: Host) -> list[str]:
        """The bridges of this host."""
        return [printable(name) for _, name in host.bridges()]

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        seen = survey(run.host, run.settings)
        names = [bridge.name for bridge in seen.bridges]
        items = printable_names([*names, *seen.unreadable])
        findings = _findings(run, seen, items)
        if not items and not any(isinstance(finding, Fact) for finding in findings):
            selected = selection.none_left("bridge", "--bridge", run.settings.bridge, run.settings.exclude)
            raise NothingHere(selected or "no Linux bridge on this host")
        titles = {"": "host", assess.DOCKER: "Docker"}
        if seen.docker is not None:
            titles.update(
                (items[network.bridge], printable(network.name))
                for network in seen.docker.networks
                if network.bridge in items and network.bridge.startswith("br-") and network.name
            )
        return Examination(findings, titles, tuple(_details(seen, run)))

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "web 1011/1023 ports, full in 40 min, 3 leaked"."""
        values = {j.finding.name: j.finding.value for j in judged if isinstance(j.finding, Measure)}
        words = []
        if "ports" in values:
            words.append(f"{values['ports']}/1023 ports")
            until_full = values.get("until_full_seconds")
            if values["ports"] >= PORTS_MAX:
                words.append("full")
            elif until_full is not None and until_full < _FORECAST_SHOWN:
                words.append(f"full in {duration(until_full)}")
        for j in sorted(judged, key=lambda j: (not isinstance(j.finding, Fact), BY_SEVERITY.index(j.state))):
            if isinstance(j.finding, Fact):
                words.append(j.words)
            elif j.state != OK and not (j.finding.name == "addresses_used_percent" and not values["addresses_left"]):
                words.append(_problem_words(j.finding))
        words = [word for word in words if word]
        return f"{title} {', '.join(words)}" if words else f"{title} fine"

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        return sentences[0] if len(sentences) == 1 else f"{len(sentences)} bridges, fullest {sentences[0]}"


def _socket_path(text: str) -> str:
    if not text.startswith("/") or "\0" in text or len(text) > 107:
        raise ValueError("needs an absolute path of at most 107 characters")
    return text


def _findings(run: Run, seen: Survey, items: dict[str, str]) -> list[Finding]:
    settings, clock, history = run.settings, run.clock, run.history
    grant = _grant_line(seen)
    findings: list[Finding] = list(assess.unreadable_findings(seen, items, grant))
    networks = {network.bridge: network for network in seen.docker.networks} if seen.docker else {}
    for bridge in sorted(seen.bridges, key=lambda bridge: items[bridge.name]):
        item, network = items[bridge.name], networks.get(bridge.name)
        findings += assess.bridge_findings(bridge, item, history)
        if network is not None and seen.docker is not None:
            findings += assess.network_findings(network, bridge, item, seen.docker)
            if history is not None:
                findings += assess.leak_findings(bridge, item, seen, clock, history)
    if items:
        findings += assess.neighbour_findings(seen, items)
        findings += assess.arp_findings(seen, settings, clock, history)
    if seen.docker is not None:
        findings += assess.pool_findings(seen)
        findings += assess.refused_findings(seen.docker, items, settings)
    return findings + _missing(run, seen, items)


def _missing(run: Run, seen: Survey, items: dict[str, str]) -> list[Finding]:
    gone: dict[str, float] = {}
    if run.history is not None:
        known = run.history.seen()
        assess.note_bridges(seen, items, known, run.history)
        gone = assess.gone_bridges(seen, items, known, run.settings, run.history)
        gone = {name: gone[name] for name in still_missing(run.host, list(gone))}
    findings = [fact(item, assess.GONE, ago=duration(max(0.0, run.clock.time - last))) for item, last in gone.items()]
    findings += [fact(printable(name), assess.ABSENT) for name in seen.absent if printable(name) not in gone]
    return list(findings)


def _grant_line(seen: Survey) -> str:
    if seen.silence is None or not seen.silence.denied:
        return ""
    from checks.frame.grants import as_root

    return f"{as_root('to let it ask Docker')} (the group docker would do too, but is as good as root)"


def _details(seen: Survey, run: Run) -> list[Detail]:
    """What could not be seen, and why."""
    details = []
    silence = seen.silence
    if silence is not None:
        place = f" at {silence.socket}" if silence.socket else ""
        reason = printable(f"Docker {silence.reason}{place}", 150)
        details.append(Detail(0 if silence.denied else 1, f"not seen: endpoints, leaks, addresses; {reason}"))
        if silence.denied and not silence.broken:
            details.append(Detail(0, _grant_line(seen)))
    if seen.docker is not None and seen.docker.not_inspected:
        details.append(Detail(1, f"{seen.docker.not_inspected} more containers in state Created were not inspected"))
    unclear = ", ".join(printable(name) for name, stray in seen.stray.items() if stray is None)
    if unclear:
        details.append(Detail(1, f"not seen: leaks of {unclear}; there was no time or no answer for a second look"))
    details += notes(seen.unread)
    unread = {file.path for file in seen.unread}
    if seen.neighbours.backlog is None and BACKLOG not in unread:
        details.append(Detail(1, "not seen: net.core.netdev_max_backlog is not to be read in this network namespace"))
    if seen.neighbours.table_fulls is None and ARP_CACHE not in unread:
        details.append(Detail(1, "not seen: the ARP table's statistics are not to be read in this network namespace"))
    if run.history is None:
        details.append(Detail(2, "no history: no growth, no time until full, no leaks, no ARP overflows"))
    return details


PLUGIN = DockerBridge()


def main() -> NoReturn:
    """The command check_docker_bridge."""
    from checks.frame.command import main as run

    run(PLUGIN)
