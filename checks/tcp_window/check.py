"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.options import Option, seconds
from checks.frame.plugin import Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure
from checks.tcp_window import assess
from checks.tcp_window.settings import Settings, read_settings
from checks.tcp_window.survey import Survey, survey
from perfdata.numbers import clock_text, duration, plain_number, size
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, UNKNOWN, WARNING, Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from checks.tcp_window.passive import Passive

_OWN_SCALE_ZERO = "ip route add {address}/32 via GATEWAY window 65535"
_LINE_MAX = 140  # characters
_OLD_ADVICE = "shrinking tcp_rmem does not help on current kernels"

LEVELS = {
    "wscale": Levels("1:", "", "Without it no connection has a window above 64 KiB."),
    "pipe_percent": Levels("100:", "", "With --rate and --rtt: share of the bandwidth that the buffers allow."),
    "stuck": Levels("0", "4", "A few are a bad line at their end; more are a path of yours."),
    "unscaled_percent": Levels("", "", "Off: some peers have no window scaling; a network of them is told anyway."),
    "rwnd_limited_percent": Levels("", "", "Of connections that have been sending: those that waited for windows."),
    "sndbuf_limited_percent": Levels("", "", "The same for their own send buffer."),
    "download_bytes_per_second": Levels("", "", "Of a probe, over 20 kB: far below what a long download reaches."),
    "upload_bytes_per_second": Levels("", "", "The same."),
    "rtt_seconds": Levels("", "", ""),
    "dead_peer_seconds": Levels("", "", "Off: it is a choice; NFS over TCP and databases block for so long."),
}

FACTS = {
    assess.SCALING_OFF: FactRule(
        WARNING,
        "tcp_window_scaling is off",
        "sysctl -w net.ipv4.tcp_window_scaling=1; to spare one broken path: ip route add PEER/32 via GATEWAY"
        " window 65535",
    ),
    assess.TOO_LARGE: FactRule(
        WARNING,
        "{name} maximum {size} above 1 GiB",
        "set the maximum of {name} to 1 GiB at most: no window can be larger",
    ),
    assess.NARROW: FactRule(OK, "{limit} allows {pace}, {needs} in flight would fill it"),
    assess.SHORT_FLIGHT: FactRule(
        WARNING,
        "initcwnd {initcwnd} below {wanted}",
        "ip route change (the words of this route) initcwnd {wanted}",
    ),
    assess.STUCK_ZEROED: FactRule(
        WARNING,
        "{count} stuck, {pieces} at a time: its scale zeroed on the way",
        "a middlebox rewrites the option in its SYN; for {item} alone, there: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    assess.STUCK_STRIPPED: FactRule(
        WARNING,
        "{count} stuck, {pieces} at a time: its scale stripped on the way",
        "a middlebox removes the option from its SYN-ACK; for this host alone, at {item}: ip route add"
        " THIS-HOST/32 via GATEWAY window 65535",
    ),
    assess.UNSCALED: FactRule(
        WARNING,
        "{unscaled} of {count} connections without window scaling",
        "ask a peer there for its net.ipv4.tcp_window_scaling; if it is 1, probe the path: check_tcp_window"
        " --probe PEER:PORT",
    ),
    assess.LOST: FactRule(
        WARNING,
        "{percent}% of {count} connections lost window scaling since {since}",
        "a firewall on the way was changed then, or peers were; --accept once explained",
    ),
    "path_fine": FactRule(OK, "fine, scales {scales}{pace}"),
    "handshake_fine": FactRule(OK, "handshake fine, scales {scales}; no transfer was made"),
    "handshake_unclear": FactRule(
        OK, "handshake with scale 0 from the peer: small buffers, or zeroed; no transfer was made"
    ),
    "path_strips": FactRule(
        WARNING,
        "has no window scaling: stripped from our SYN, or not supported by the peer{pace}",
        "undergoal tcp-responder at the other end and --responder here tell which of them",
    ),
    "path_strips_syn": FactRule(
        WARNING,
        "strips the window scale from our SYN{pace}",
        "find the firewall that removes TCP option 3 (iptables TCPOPTSTRIP, nft reset tcp option window)",
    ),
    "path_strips_synack": FactRule(
        CRITICAL,
        "strips the window scale from the peer's SYN-ACK{window}{pace}",
        "find the firewall that removes TCP option 3; until then, at {address}: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    "path_zeroes_to_us": FactRule(
        CRITICAL,
        "zeroes the peer's window scale{window}{pace}",
        "find the middlebox that rewrites TCP option 3; until then, at {address}: ip route add THIS-HOST/32"
        " via GATEWAY window 65535",
    ),
    "path_zeroes_to_peer": FactRule(
        CRITICAL,
        "zeroes our window scale: peer sees {sees} bytes, not {offered}{pace}",
        f"find the middlebox that rewrites TCP option 3; until then: {_OWN_SCALE_ZERO} ({_OLD_ADVICE})",
    ),
    "path_tracks": FactRule(
        CRITICAL,
        "has a firewall that tracks windows without their scale{pace}",
        "find the firewall that drops segments as out of window; until then, at both ends:"
        f" {_OWN_SCALE_ZERO} ({_OLD_ADVICE})",
    ),
    "path_stalls": FactRule(
        UNKNOWN,
        "stalls{pace}, and not by the window scale",
        "is the peer hung, or does the path drop large packets? ping -M do -s 1472 {address}",
    ),
    "path_crawls": FactRule(
        UNKNOWN,
        "crawls{pace}; no second look showed whether it is the window scale",
        "give it more time: -t 12",
    ),
    "peer_bare": FactRule(OK, "has a peer without TCP options, as with SYN cookies without timestamps{pace}"),
    "own_scaling_off": FactRule(OK, "not judged: tcp_window_scaling is off here{pace}"),
    "peer_scaling_off": FactRule(
        WARNING,
        "fine, but tcp_window_scaling is off there{pace}",
        "at {address}: sysctl -w net.ipv4.tcp_window_scaling=1",
    ),
    "too_small": FactRule(UNKNOWN, "sent too little to judge a download", "name a file of 20 kB or more with --http"),
}
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
        pipe, passive, active = "a pipe to fill", "connections there are", "a path to probe"
        return [
            Option(
                ("--rate",),
                "bandwidth of a path, e.g. 10Gbit (repeatable, beside --rtt)",
                "RATE",
                _rate,
                repeat=True,
                group=pipe,
            ),
            Option(
                ("--rtt",),
                "its round trip time, e.g. 80ms (repeatable, beside --rate)",
                "TIME",
                _rtt,
                repeat=True,
                group=pipe,
            ),
            Option(
                ("--initcwnd",),
                "WARNING when a default route, or one with this metric, has fewer segments",
                "N",
                _segments,
                group=pipe,
            ),
            Option(("--established",), "judge all established connections to elsewhere", group=passive),
            Option(
                ("--min-connections",),
                "WARNING when most connections of a network (/24, IPv6 /48) with at least so many have no scaling"
                " (default 5)",
                "N",
                _segments,
                5,
                group=passive,
            ),
            Option(("--probe",), "the handshake with this port (IPv4)", "HOST:PORT", _endpoint, group=active),
            Option(("--http",), "a download of 20 kB of this", "URL", _url, group=active),
            Option(
                ("--upload",),
                "an upload of 20 kB instead: to a port that takes bytes, or as POST with --http",
                group=active,
            ),
            Option(
                ("--responder",),
                "an undergoal tcp-responder is at --probe HOST:PORT: both ways, and both ends compared",
                group=active,
            ),
        ]

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
        options = run.settings
        seen = survey(run.host, options)
        if not _any(seen.settings) and not seen.unreadable and seen.passive is None and seen.target is None:
            raise NothingHere("no TCP settings are to be seen here (/proc/sys/net/ipv4)")
        findings: list[Finding] = [*assess.unreadable_findings(seen)]
        findings += assess.setting_findings(seen.settings, run.history)
        for pipe in seen.pipes:
            findings += assess.pipe_findings(pipe, seen.settings)
        findings += assess.route_findings(seen, options)
        if seen.passive is not None:
            findings += assess.passive_findings(seen.passive, options, run.clock, run.history)
        findings += assess.probe_findings(seen)
        titles = {"": "host"}
        if seen.passive is not None:
            total = seen.passive.look.total
            titles[assess.CONNECTIONS] = (
                f"{total} connections:" if total or not seen.passive.look.broken else "connections"
            )
        if seen.target is not None:
            titles[printable(seen.target.name)] = f"path to {printable(seen.target.name)}"
        return Examination(
            [_dated(finding, run.clock.time) for finding in findings], titles, tuple(_details(seen, run))
        )

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "path to 192.0.2.10:80 zeroes our window scale: peer sees 501 bytes, not 64128; 1.7 kB/s"."""
        values = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
        words = []
        if "wscale" in values:
            words.append(_host_words(values))
        if "remote_connections" in values:
            words.append(_connection_words(values))
        if "pipe_percent" in values:
            words.append(f"{plain_number(round(values['pipe_percent'].finding.value, 1))}% usable")  # type: ignore[union-attr]
        for j in sorted(judged, key=lambda j: (not isinstance(j.finding, Fact), BY_SEVERITY.index(j.state))):
            if isinstance(j.finding, Fact):
                words.append(j.words)
            elif j.state != OK:
                words.append(_problem_words(j.finding))
        words = [word for word in words if word]
        return f"{title} {', '.join(words)}" if words else f"{title} fine"

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        text, *others = [sentence.removeprefix("host ") for sentence in sentences]
        for sentence in others:
            if len(text) + len(sentence) <= _LINE_MAX:
                text += f"; {sentence}"
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


def _host_words(values: dict[str, Judged]) -> str:
    scale = f"scale {values['wscale'].finding.value}"  # type: ignore[union-attr]
    if "receive_window_bytes" not in values:
        return scale
    return f"{scale}, windows up to {size(values['receive_window_bytes'].finding.value)}"  # type: ignore[union-attr]


def _connection_words(values: dict[str, Judged]) -> str:
    numbers = {name: j.finding.value for name, j in values.items() if isinstance(j.finding, Measure)}
    if numbers["stuck"]:
        return f"{numbers['stuck']} stuck on a misread window"
    if not numbers["remote_connections"]:
        return "none to elsewhere"
    unscaled = numbers["unscaled_percent"]
    return f"{plain_number(round(unscaled, 1))}% unscaled" if unscaled else "all scaled"


def _problem_words(measure: Measure) -> str:
    """What is wrong when this measure is not OK; "" where the item's first words say it already."""
    if measure.name in ("rwnd_limited_percent", "sndbuf_limited_percent"):
        whose = "peers' windows" if measure.name.startswith("rwnd") else "own send buffers"
        return f"{plain_number(round(measure.value, 1))}% limited by {whose}"
    if measure.name in ("download_bytes_per_second", "upload_bytes_per_second"):
        return f"{measure.name.partition('_')[0]} at {assess.pace(measure.value)}"
    if measure.name == "rtt_seconds":
        return f"round trip {measure.value * 1000:.1f} ms"
    if measure.name == "dead_peer_seconds":
        return f"a dead peer blocks for {duration(measure.value)}"
    return ""


def _dated(finding: Finding, now: float) -> Finding:
    """A fact's seconds since something as the time it happened."""
    if not isinstance(finding, Fact):
        return finding
    parameters = tuple((name, clock_text(now, -v) if name == "since" else v) for name, v in finding.parameters)  # type: ignore[operator]
    return finding._replace(parameters=parameters)


def _any(settings: Settings) -> bool:
    """Whether any setting is to be seen; the kernel's release alone is none."""
    return any(value is not None for value in settings[:-1])


def _details(seen: Survey, run: Run) -> list[Detail]:
    """What would fill the pipes; the rest is shown with -v only."""
    details = []
    settings = seen.settings
    for pipe in seen.pipes:
        line = assess.remedy_line(pipe, settings)
        if line:
            details.append(Detail(0, f"next: for {pipe.name} {line}"))
    if settings.timestamps == 0 and settings.syncookies:
        details.append(Detail(1, "TCP timestamps are off: connections taken with SYN cookies have no window scaling"))
    details += [
        Detail(1, f"route {route.destination} has {route.clamps}") for route in seen.routes or () if route.clamps
    ]
    if seen.routes_problem:
        details.append(Detail(1, f"not seen: routes; {printable(seen.routes_problem, 120)}"))
    if settings.rmem_max is None and "net/core/rmem_max" not in seen.unreadable:
        details.append(Detail(1, "not seen: net.core.rmem_max, which can make the scale larger"))
    if seen.passive is not None:
        details += _passive_details(seen.passive, seen.cookies)
        if run.history is None:
            details.append(Detail(2, "no history: no word on peers that lost window scaling"))
    if seen.probed is not None and not (seen.probed.seen.upload or seen.probed.seen.download):
        details.append(Detail(1, "not seen: our window as the peer sees it; --http or --responder show it"))
    return details


def _passive_details(passive: Passive, cookies: int | None) -> list[Detail]:
    details = []
    look = passive.look
    if look.bare:
        sent = f"; this host has sent {cookies} SYN cookies" if cookies else ""
        details.append(Detail(1, f"TCP options are missing altogether on {look.bare} connections{sent}"))
    if passive.silent:
        details.append(
            Detail(
                1,
                f"TCP gets no answer on {passive.silent} connections: peers that are gone, or a firewall that tracks"
                " windows without their scale (--probe tells)",
            )
        )
    if passive.hurried:
        details.append(Detail(1, f"not seen: whether {passive.hurried} connections are stuck; there was no time (-t)"))
    if look.untold:
        details.append(Detail(1, f"not seen: the state of {look.untold} connections; the kernel told none"))
    return details


def _rate(text: str) -> tuple[str, float]:
    from checks.tcp_window.pipe import parse_rate

    return text, parse_rate(text)


def _rtt(text: str) -> tuple[str, float]:
    if text.endswith("ms"):
        return text, seconds(0.001, 1e6)(text[:-2]) / 1000
    return text, seconds(0.000001, 1000)(text)


def _segments(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 65535 and len(text) < 6):
        raise ValueError(f"'{text}' is not between 1 and 65535")
    return int(text)


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535):
        raise ValueError(f"'{printable(text)}' is not HOST:PORT")
    if not all(c.isascii() and (c.isalnum() or c in ".-_") for c in host) or host.startswith("-"):
        raise ValueError(f"'{printable(text)}' has no host name or IPv4 address")
    return host, int(port)


def _url(text: str) -> tuple[str, int, str]:
    from checks.tcp_window.web import parse_url

    return parse_url(text)


PLUGIN = TcpWindow()


def main() -> NoReturn:
    """The command check_tcp_window."""
    from checks.frame.command import main as run

    run(PLUGIN)
