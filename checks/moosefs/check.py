"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.options import Option, absolute_path, seconds
from checks.frame.plugin import Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.probe import fitting
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from checks.frame.unread import Reader
from checks.moosefs import cluster, fleet, removal, resync
from checks.moosefs.configured import MASTER_PORT
from checks.moosefs.details import details
from checks.moosefs.survey import (
    CHUNKS,
    DISKS,
    MARKED,
    PARTS,
    SERVERS,
    MasterView,
    NoMaster,
    Survey,
    configured_masters,
    endpoint,
    survey,
)
from perfdata.numbers import duration, plain_number
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, UNKNOWN, WARNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

LEVELS = {
    "undergoal": Levels("0", "", "Each is a chunk that should have another copy and waits for it."),
    "missing": Levels("", "0", "Lost unless a server comes back."),
    "endangered": Levels("0", "", "The next disk to fail loses them."),
    "until_done_upper_seconds": Levels(
        "", "", "Judges the upper bound, e.g. 4h: done within four hours at the latest."
    ),
    "until_removable_upper_seconds": Levels("", "", "The same for disks marked for removal."),
    "servers": Levels("", "", "The expected number, e.g. 4: for at least four."),
    "metaloggers": Levels("", "", "The expected number, e.g. 1: for at least one."),
    "metadata_age_seconds": Levels("3h", "25h", "The master saves once an hour unless configured."),
    "space_used_percent": Levels("90", "95", "Copies of a lost server need room too."),
    "missing_files": Levels("", "", "As old as the master's loop over files, so off: missing chunks are judged."),
    "work_left": Levels("", "", "Off: grows with the size of the cluster."),
}

FACTS = {
    cluster.NO_MASTER: FactRule(UNKNOWN, "{reason}{tool}", "{next_step}"),
    cluster.NO_LEADER: FactRule(
        CRITICAL, "no leader: {states}", "look at the masters that do not answer: a majority has to be up"
    ),
    cluster.STARTING: FactRule(
        WARNING,
        "starting: {connected} of {servers} chunkservers connected, {missing} of {chunks} chunks not reported yet",
        "wait for the chunkservers to connect; judged as missing when the grace (--grace) is over",
    ),
    cluster.COUNTING: FactRule(OK, "still counting"),
    cluster.GROWING: FactRule(OK, "still growing"),
    cluster.RESYNC: FactRule(OK, "{pace}, done in {span} ({at})"),
    cluster.HOMELESS: FactRule(
        WARNING, "{copies} copies have no target server", "add a chunkserver, or lower the goal (mfssetgoal)"
    ),
    resync.NO_TARGET: FactRule(
        WARNING,
        "no target server for {copies} copies",
        "add or start a chunkserver, or lower the goal (mfssetgoal): each copy goes to a server of its own",
    ),
    resync.MAINTENANCE: FactRule(
        WARNING,
        "no copies made during maintenance",
        "start the chunkserver again, or end its maintenance mode, so that copies are made",
    ),
    resync.FIRST_LOOP: FactRule(
        WARNING, "no copies made yet: start delay", "wait: a master starts copying some minutes after its start"
    ),
    resync.LATE_LOOP: FactRule(
        WARNING,
        "no copies made for {flat}: the loop has not finished",
        "look at the master's load and CHUNKS_LOOP_MAX_CPS, CHUNKS_LOOP_MIN_TIME in mfsmaster.cfg",
    ),
    resync.UNEXPLAINED: FactRule(
        WARNING,
        "no copies made for {flat}",
        "look for full or overloaded chunkservers, labels that no server matches, and CHUNKS_WRITE_REP_LIMIT",
    ),
    cluster.RARE: FactRule(
        WARNING,
        "checked every {interval}, loop {loop}",
        "set the check interval to {loop} or less: removals change once per loop",
    ),
    cluster.NOTHING_MARKED: FactRule(OK, "no disks marked for removal"),
    cluster.FOREGROUND: FactRule(
        WARNING,
        "metadata saved in the foreground",
        "the master stood still meanwhile: look at its memory (vm.overcommit_memory, free RAM)",
    ),
    removal.SAFE: FactRule(OK, "safe to pull"),
    removal.NOT_YET: FactRule(WARNING, "not yet removable{when}", "{next_step}"),
    removal.UNCONFIRMED: FactRule(
        WARNING,
        "{words}",
        "{next_step}",
    ),
    removal.FORGOTTEN: FactRule(
        WARNING, "starred in mfshdd.cfg but not marked", "reload the chunkserver: mfschunkserver reload"
    ),
    fleet.NOBODY: FactRule(
        CRITICAL, "none of {count} chunkservers connected", "start the chunkservers, or look at the network between"
    ),
    fleet.AWAY: FactRule(WARNING, "disconnected", "start the chunkserver {item}, or remove it from the master's list"),
    fleet.MAINTAINED: FactRule(
        WARNING, "disconnected for maintenance", "no copies are made meanwhile: bring it back, or end its maintenance"
    ),
    f"{fleet.MAINTAINED}_connected": FactRule(OK, "in maintenance mode"),
    fleet.OVERLOADED: FactRule(WARNING, "overloaded", "look at the disks and the load of {item}"),
    fleet.DAMAGED: FactRule(
        WARNING, "damaged", "its chunkserver stopped using it: replace it, and look for errors in the kernel's log"
    ),
    fleet.INVALID: FactRule(
        WARNING, "refused by its chunkserver", "see the chunkserver's log: not its disk, or in use"
    ),
    fleet.ERRORS: FactRule(
        WARNING, "{count} disk errors{on}", "look at the kernel's log and SMART there; --accept once done"
    ),
    fleet.SERVER_GONE: FactRule(
        CRITICAL,
        "gone from the master's list, last seen {ago} ago",
        "bring it back, or run the check once with --accept",
    ),
    fleet.DISK_GONE: FactRule(
        CRITICAL,
        "gone before it was removable, last seen {ago} ago",
        "put it back if chunks are missing; otherwise run the check once with --accept",
    ),
}


class MooseFs(Plugin):
    """Undergoal chunks of a MooseFS cluster, and all that belongs to them."""

    name = "moosefs"
    question = "Is data at risk, when is the resync done, and may I pull this disk now?"
    outage = "a disk was pulled before its chunks were copied: undergoal chunks became missing ones"
    description = (
        "Asks the master of a MooseFS cluster (1.6 to 4.x, LizardFS) for chunks that are\n"
        "missing, endangered or undergoal, says when the resync is done at the present\n"
        "rate, and whether disks marked for removal may be pulled. Also chunkservers,\n"
        "disks, metaloggers, metadata and space. Needs no rights and no mount."
    )
    examples = (
        "  check_moosefs -H mfsmaster\n"
        "  check_moosefs -H mfsmaster --servers-critical 4: --metaloggers-warning 1:\n"
        "  check_moosefs -H mfsmaster --only chunks,marked --until-done-warning 4h\n"
        "  check_moosefs -H mfsmaster --state-user nagios --accept"
    )
    called = "MooseFS"
    whole = "cluster"
    items = ("cluster", "clusters")
    counts_fine = False
    main_measure = "undergoal"
    levels = LEVELS
    facts = FACTS
    plotted = resync.WORK
    plotted_things = "copies"

    def options(self) -> list[Option]:
        """See Plugin."""
        group = "what is looked at"
        return [
            Option(
                ("-H", "--hostname"),
                "the master, name or IPv4 address (default: the one this host is configured for)",
                "HOST",
                _host,
                "",
                group=group,
            ),
            Option(
                ("-p", "--port"),
                f"the master's port for clients (default {MASTER_PORT})",
                "PORT",
                _port,
                0,
                group=group,
            ),
            Option(
                ("--only",),
                f"only these parts (repeatable, or separated by commas): {', '.join(PARTS)}",
                "PARTS",
                _parts,
                repeat=True,
                group=group,
            ),
            Option(
                ("--grace",),
                "for this long after a start of the master missing chunks are only a warning (default 60s)",
                "TIME",
                seconds(0, 86400),
                60.0,
                group=group,
            ),
            Option(
                ("--hdd-config",),
                "mfshdd.cfg of a chunkserver on this host (repeatable; default: the one it is configured with)",
                "FILE",
                absolute_path,
                repeat=True,
                group=group,
            ),
        ]

    def targets(self, host: Host) -> list[str]:
        """The masters this host is configured for."""
        return [printable(str(place)) for place in configured_masters(Reader(host))]

    def target(self, host: Host, settings: SimpleNamespace) -> str:
        """See Plugin."""
        try:
            return str(endpoint(Reader(host), settings))
        except (NothingHere, NoMaster):
            return ""

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        parts = frozenset(part for chosen in run.settings.only for part in chosen) or frozenset(PARTS)
        try:
            seen = survey(run.host, run.settings, parts)
        except NoMaster as silence:
            parameters = {"reason": str(silence), "tool": silence.tool, "next_step": silence.next_step}
            return Examination([fact("", cluster.NO_MASTER, **parameters)])
        if seen.master is None:
            return Examination(list(cluster.leader_findings(seen)))
        marked = (
            removal.marked_disks(seen, seen.master, seen.master.matrix) if MARKED in parts or DISKS in parts else []
        )
        findings, going = _findings(run, seen, seen.master, marked, parts)
        titles = {found.item: f"{'disk' if ':/' in found.item else 'server'} {found.item}" for found in findings}
        titles.update((disk.item, disk.title) for disk in marked)
        return Examination(findings, titles, tuple(details(seen, seen.master, run, parts, going)))

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "9254 of 120000 chunks undergoal, 310/min, done in 25-41 min (19:40)"; "disk 10.0.0.7:/d3 safe to pull"."""
        facts = [
            j.words
            for j in sorted(judged, key=lambda j: BY_SEVERITY.index(j.state))
            if isinstance(j.finding, Fact) and j.words
        ]
        if judged[0].finding.item:
            return f"{title} {', '.join(facts)}" if facts else f"{title} fine"
        numbers = {j.finding.name: j.finding for j in judged if isinstance(j.finding, Measure)}
        problems = [_measure_words(j.finding) for j in judged if isinstance(j.finding, Measure) and j.state != OK]
        words = [word for word in (*_chunk_words(numbers), *facts, *problems) if word]
        # a service for one part only, and all is well with it
        others = [word for word in map(_measure_words, numbers.values()) if word]
        return ", ".join(words or others[:2] or ["fine"])

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        if len(sentences) > 1 and all(sentence.endswith(" fine") for sentence in sentences):
            return f"disks of {len(sentences)} chunkservers fine"
        return fitting(sentences)

    def is_told(self, judged: list[Judged]) -> bool:
        """See Plugin; the cluster is, and "safe to pull" is news too."""
        return not judged[0].finding.item or any(isinstance(j.finding, Fact) for j in judged)

    def is_lasting(self, judged: list[Judged]) -> bool:
        """See Plugin; servers are, disks come and go with their marks."""
        return ":/" not in judged[0].finding.item or any(isinstance(j.finding, Measure) for j in judged)

    def urgency(self, judged: list[Judged]) -> float:
        """The cluster first, then disks that may not be pulled, then the rest."""
        codes = {j.finding.code for j in judged if isinstance(j.finding, Fact)}
        return 2.0 if not judged[0].finding.item else float(removal.NOT_YET in codes)


def _host(text: str) -> str:
    if not text or len(text) > 253 or not all(c.isascii() and (c.isalnum() or c in ".-_") for c in text):
        raise ValueError(f"'{text}' is not a host name or an IPv4 address")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"'{text}' is not a port")
    return int(text)


def _parts(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    for part in chosen:
        if part not in PARTS:
            raise ValueError(f"'{part}' is not one of {', '.join(PARTS)}")
    return chosen


def _findings(
    run: Run, seen: Survey, view: MasterView, marked: list[removal.Marked], parts: frozenset[str]
) -> tuple[list[Finding], resync.Resync | None]:
    clock, history, settings, matrix = run.clock, run.history, run.settings, view.matrix
    starting = cluster.is_starting(view, matrix, settings.grace, clock, history)
    findings: list[Finding] = []
    going = None
    if matrix is not None and CHUNKS in parts:
        if starting:
            findings += cluster.starting_findings(view, matrix)
        else:
            going = resync.resync(view, matrix, clock, history)
            findings += cluster.chunk_findings(matrix)
            findings += cluster.resync_findings(matrix, going, clock)
    if MARKED in parts:
        findings += removal.removal_findings(marked, view, matrix, clock, history)
        findings += removal.forgotten_findings(seen, view)
        waiting = any(not disk.safe for disk in marked)
        findings += cluster.interval_findings(view, matrix, waiting, history)
    if SERVERS in parts:
        findings += fleet.server_findings(view, starting)
    if DISKS in parts:
        findings += fleet.disk_findings(seen, view, settings, clock, history)
    findings += cluster.other_findings(seen, view, parts, clock)
    if history is not None:
        findings += fleet.gone_findings(seen, view, marked, parts, settings, clock, history)
        if matrix is not None:
            resync.remember(view, matrix, history)
    return findings or list(cluster.nothing_findings(parts)), going


def _chunk_words(numbers: dict[str, Measure]) -> list[str]:
    """ "12 of 6000 chunks missing", "818 endangered"; that there are none when nothing else is to be said."""
    counts = [(name, numbers[name].value) for name in ("missing", "endangered", "undergoal") if name in numbers]
    lacking = [(name, count) for name, count in counts if count]
    if not lacking:
        return ["no undergoal chunks"] if counts else []
    (first, count), *others = lacking
    return [f"{count} of {numbers['chunks'].value} chunks {first}", *(f"{count} {name}" for name, count in others)]


def _measure_words(measure: Measure) -> str:
    """What is to be said of it when it is not OK; "" where other words say it already."""
    number = plain_number(round(measure.value, 1))
    return {
        "servers": f"{number} of {measure.maximum} chunkservers connected",
        "metaloggers": f"{number} metalogger{'' if measure.value == 1 else 's'}",
        "metadata_age_seconds": f"metadata saved {duration(measure.value)} ago",
        "space_used_percent": f"{number}% of its space used",
        "missing_files": f"{number} files lack chunks",
        "work_left": f"{number} copies to make",
    }.get(measure.name, "")


PLUGIN = MooseFs()


def main() -> NoReturn:
    """The command check_moosefs."""
    from checks.frame.command import main as run

    run(PLUGIN)
