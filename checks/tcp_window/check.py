"""The check itself: what its modes find, put together."""

from __future__ import annotations

from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.options import Option
from checks.frame.plugin import Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.readings import Fact, Finding, Measure
from checks.tcp_window import assess
from checks.tcp_window.details import details
from checks.tcp_window.options import own_options
from checks.tcp_window.settings import Settings, read_settings
from checks.tcp_window.survey import survey
from checks.tcp_window.tables import FACTS, LEVELS
from checks.tcp_window.wording import sentence
from perfdata.numbers import clock_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_LINE_MAX = 140  # characters
_STUCK = (assess.STUCK_ZEROED, assess.STUCK_STRIPPED)


class TcpWindow(Plugin):
    """Window scaling of this host, of its connections, and of a path."""

    name = "tcp_window"
    question = "Is the path eating the window scaling, and can these buffers fill the pipe?"
    outage = "downloads at 10 kB/s while everything looked fine: a middlebox zeroed the window scale"
    description = (
        "Judges this host's TCP settings: the window scale it announces, and with --rate\n"
        "and --rtt whether its buffers fill that pipe. --established looks at all\n"
        "connections, --probe and --http at one path: they open one to three connections\n"
        "to what is named, and move 20 kB over each in 3 s at most (what is under way\n"
        "when it is broken off comes on top). --probe alone makes a handshake."
    )
    examples = (
        "  check_tcp_window\n"
        "  check_tcp_window --rate 10Gbit --rtt 80ms\n"
        "  check_tcp_window --established\n"
        "  check_tcp_window --http http://192.0.2.10/file\n"
        "  check_tcp_window --probe 192.0.2.10:5800 --responder"
    )
    called = "TCP"
    items = ("item", "items")
    counts_fine = False
    main_measure = "wscale"
    levels = LEVELS
    facts = FACTS

    def options(self) -> list[Option]:
        """See Plugin."""
        return own_options()

    def targets(self, host: Host) -> list[str]:
        """The settings; no path."""
        settings, unreadable = read_settings(host)
        return ["TCP settings"] if _any(settings) or unreadable else []

    def target(self, host: Host, settings: SimpleNamespace) -> str:
        """See Plugin."""
        place = settings.http[:2] if settings.http else settings.probe
        return f"{place[0]}:{place[1]}" if place else ""

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        seen = survey(run.host, run.settings)
        if not _any(seen.settings) and not seen.unreadable and seen.passive is None and seen.target is None:
            raise NothingHere("no TCP settings are to be seen here (/proc/sys/net/ipv4)")
        findings: list[Finding] = [*assess.unreadable_findings(seen)]
        findings += assess.setting_findings(seen.settings, run.history)
        for pipe in seen.pipes:
            findings += assess.pipe_findings(pipe, seen.settings)
        findings += assess.route_findings(seen, run.settings)
        titles = {"": "host"}
        if seen.passive is not None:
            from checks.tcp_window.assess_connections import passive_findings

            findings += passive_findings(seen.passive, run.settings, run.clock, run.history)
            total = seen.passive.look.total
            titles[assess.CONNECTIONS] = (
                f"{total} connections:" if total or not seen.passive.look.broken else "connections"
            )
        if seen.target is not None:
            from checks.tcp_window.assess_path import probe_findings

            findings += probe_findings(seen.target, seen)
            titles[printable(seen.target.name)] = f"path to {printable(seen.target.name)}"
        return Examination([_dated(finding, run.clock.time) for finding in findings], titles, tuple(details(seen, run)))

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """See Plugin."""
        return sentence(title, judged)

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        text, *others = [one.removeprefix("host ") for one in sentences]
        for other in others:
            if len(text) + len(other) <= _LINE_MAX:
                text += f"; {other}"
        return text

    def is_told(self, judged: list[Judged]) -> bool:
        """See Plugin."""
        return any(isinstance(j.finding, Measure) for j in judged)

    def urgency(self, judged: list[Judged]) -> float:
        """A path before connections, these before the host; peers in the order of the findings."""
        names = {j.finding.name for j in judged if isinstance(j.finding, Measure)}
        codes = {j.finding.code for j in judged if isinstance(j.finding, Fact)}
        if any(code.startswith(("path", "peer", "handshake")) for code in codes):
            return 4.0
        if codes & set(_STUCK):
            return 2.0
        return 3.0 if "stuck" in names else 1.0


def _dated(finding: Finding, now: float) -> Finding:
    """A fact's seconds since something as the time it happened."""
    if not isinstance(finding, Fact):
        return finding
    parameters = tuple((name, clock_text(now, -v) if name == "since" else v) for name, v in finding.parameters)  # type: ignore[operator]
    return finding._replace(parameters=parameters)


def _any(settings: Settings) -> bool:
    """Whether any setting is to be seen; the kernel's release alone is none."""
    return any(value is not None for value in settings[:-1])


PLUGIN = TcpWindow()


def main() -> NoReturn:
    """The command check_tcp_window."""
    from checks.frame.command import main as run

    run(PLUGIN)
