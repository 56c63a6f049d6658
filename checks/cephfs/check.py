"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

from types import SimpleNamespace

from checks.cephfs import assess, cluster
from checks.cephfs.mounts import ceph_mounts
from checks.cephfs.survey import MOUNTINFO, Survey, item_of, survey
from checks.frame.host import Host
from checks.frame.options import Option, absolute_path, seconds
from checks.frame.plugin import UNREADABLE, Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.ranges import number
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from perfdata.numbers import duration, plain_number, size
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, WARNING, Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from perfdata.eta import Forecast

_FORECAST_SHOWN = 90 * 86400.0  # seconds; a later "full in" is no news

LEVELS = {
    "rbytes": Levels("", "", "E.g. 10TiB. Off: only you know how large it may be."),
    "quota_used_percent": Levels("80", "95", "Writers get EDQUOT at 100."),
    "quota_files_used_percent": Levels("80", "95", "The same for the number of files."),
    "space_used_percent": Levels("80", "90", "Ceph refuses writes when one OSD is 95 % full."),
    "until_full_lower_seconds": Levels("", "", "Judges the lower bound, e.g. 7d: for a week ahead. Off."),
    "growth_bytes_per_hour": Levels("", "", "E.g. 50GiB. Off."),
    "growth_bytes_per_day": Levels("", "", "E.g. 500GiB; needs half a day of history. Off."),
    "rctime_age_seconds": Levels("", "", "Age of the last change below; see also --max-age."),
    "rentries": Levels("", "", "Files and directories below. Off."),
    "rfiles": Levels("", "", "Off."),
}

FILLING = {"quota_used_percent": 100, "space_used_percent": 100}

FACTS = {
    assess.STALE: FactRule(
        CRITICAL, "not written for {age} (limit {limit})", "look whether the job that writes {item} has run"
    ),
    assess.FUTURE: FactRule(
        WARNING, "last written {ahead} in the future", "look for a client with a wrong clock: age is blind until then"
    ),
    assess.LOST: FactRule(
        CRITICAL, "lost {what}", "look for a snapshot (.snap) and for who deleted it; --accept once it is meant so"
    ),
    assess.EMPTY: FactRule(
        WARNING, "{files} new files in {span} without content", "look for what creates empty files in {item}"
    ),
    assess.NEVER: FactRule(CRITICAL, "never written", "look whether the job that writes {item} has run"),
    cluster.MDS_NOT_ACTIVE: FactRule(WARNING, "MDS {name} is {state}", "ceph fs status; ceph health detail"),
    cluster.MDS_LAGGY: FactRule(WARNING, "MDS {name} is laggy", "look at the host of that MDS: ceph fs status"),
    cluster.UNHEALTHY: FactRule(WARNING, "{words}", "ceph health detail ({check})"),
    cluster.POOL_FULL: FactRule(WARNING, "pool {name} {percent}% full", "ceph df; add OSDs, or delete"),
    assess.GONE: FactRule(CRITICAL, "gone, last seen {ago} ago", "bring it back, or run the check once with --accept"),
}


class CephFs(Plugin):
    """Directories of CephFS by their recursive statistics."""

    name = "cephfs"
    question = "Who fills the CephFS, when is it full, and did the nightly backup write?"
    outage = "a tree filled up, and a nightly backup silently stopped: du would have taken days to tell"
    description = (
        "Reads the recursive statistics that CephFS keeps of every directory: size,\n"
        "entries, quotas and last change of whole trees at no cost. Says how fast they\n"
        "grow, when a quota or the file system is full, what was lost, and what has not\n"
        "been written for too long. Never hangs: helpers do, if the file system does."
    )
    examples = (
        "  check_cephfs\n"
        "  check_cephfs --path /mnt/ceph/backup --max-age 26h\n"
        "  check_cephfs --path '/mnt/ceph/home/*' -w 1TiB --until-full-warning 7d:\n"
        "  check_cephfs --path /mnt/ceph/projects --depth 1 --quota-used-critical 90\n"
        "  check_cephfs --ceph-conf /etc/ceph/ceph.conf --name client.undergoal --path /"
    )
    called = "CephFS"
    items = ("directory", "directories")
    main_measure = "rbytes"
    filling = FILLING
    levels = LEVELS
    facts = FACTS

    def options(self) -> list[Option]:
        """See Plugin."""
        group = "what is looked at"
        judged = "what is found wrong"
        return [
            Option(
                ("--path",),
                "a directory, or several by wildcards (repeatable; has to be here; default: every mounted CephFS)",
                "PATH",
                _path,
                repeat=True,
                group=group,
            ),
            Option(
                ("--depth",),
                "also the directories so many levels below; of more than 50 those that stand out (default 0)",
                "N",
                _depth,
                0,
                group=group,
            ),
            Option(
                ("--ceph-conf",),
                "no mount: read through libcephfs (python3-cephfs) with this configuration",
                "FILE",
                _path,
                "",
                group=group,
            ),
            Option(
                ("--name",), "the client to be then (default client.admin)", "NAME", _name, "client.admin", group=group
            ),
            Option(
                ("--fs",), "the file system to mount then (default: the default one)", "NAME", _name, "", group=group
            ),
            Option(
                ("--cluster",),
                "also ask ceph(8) for the state of the MDS and the pools, with --ceph-conf and --name",
                group=group,
            ),
            Option(
                ("--max-age",),
                "critical when nothing below was written for so long, e.g. 26h for a nightly backup (default off)",
                "TIME",
                seconds(1, 366 * 86400),
                0.0,
                group=judged,
            ),
            Option(
                ("--loss",),
                "critical when more than this share of the bytes or files is gone at once (default 10%)",
                "PERCENT",
                _percent,
                10.0,
                group=judged,
            ),
            Option(
                ("--empty-files",),
                "warn of so many new files in 6 hours that hold less than a byte each; 0: never (default 100000)",
                "N",
                _count,
                100_000,
                group=judged,
            ),
            Option(
                ("--settle",),
                "history needed before growth is judged (default 10min)",
                "TIME",
                seconds(1, 86400),
                600.0,
                group=judged,
            ),
        ]

    def targets(self, host: Host) -> list[str]:
        """The mounted CephFS."""
        return [printable(mount.point) for mount in ceph_mounts(host.text(MOUNTINFO))]

    def target(self, host: Host, settings: SimpleNamespace) -> str:
        """See Plugin."""
        return f"{settings.ceph_conf}-{settings.name}-{settings.fs}" if settings.ceph_conf else ""

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        # first, as a file system that hangs leaves no time to ask why
        context = list(cluster.cluster_findings(run.host, run.settings)) if run.settings.cluster else []
        try:
            seen = survey(self, run.host, run.settings)
        except OSError as error:
            reason = f"not seen: {MOUNTINFO}: {error.strerror}"
            return Examination([fact("mounts", UNREADABLE, reason=reason, next_step="mount /proc")])
        findings = [*_findings(run, seen, _items(seen)), *context]
        if not findings:
            raise NothingHere("no CephFS is mounted on this host; name a directory with --path")
        return Examination(findings, {}, tuple(_details(seen, run)))

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "/mnt/ceph/home 3.2 TiB, 82% of its quota, growing by 12 GiB/h, full in 7 d"."""
        measures = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
        words = []
        for name, j in measures.items():
            if isinstance(j.finding, Measure) and (name in _ALWAYS or j.state != OK):
                words.append(_words(j.finding))
        for j in sorted(judged, key=lambda j: BY_SEVERITY.index(j.state)):
            if isinstance(j.finding, Fact):
                words.append(j.words)
        words = [word for word in words if word]
        return f"{title} {', '.join(words)}" if words else f"{title} fine"

    def all_fine(self, sentences: list[str]) -> str:
        """See Plugin."""
        return sentences[0] if len(sentences) == 1 else f"{len(sentences)} directories, largest {sentences[0]}"


_ALWAYS = ("rbytes", "quota_used_percent", "until_full_seconds")


def _words(measure: Measure) -> str:
    value = measure.value
    percent = plain_number(round(value, 1))
    return {
        "rbytes": lambda: size(value),
        "quota_used_percent": lambda: f"{percent}% of its quota",
        "quota_files_used_percent": lambda: f"{percent}% of its quota of files",
        "space_used_percent": lambda: f"{percent}% of the space used",
        "until_full_seconds": lambda: f"full in {duration(value)}" if value < _FORECAST_SHOWN else "",
        "growth_bytes_per_hour": lambda: f"growing by {size(value)}/h",
        "growth_bytes_per_day": lambda: f"growing by {size(value)}/d",
        "rctime_age_seconds": lambda: f"last written {duration(value)} ago",
        "rentries": lambda: f"{percent} entries",
        "rfiles": lambda: f"{percent} files",
    }.get(measure.name, str)()


def _items(seen: Survey) -> dict[str, str]:
    """Path -> what it is called."""
    return {
        path: item_of(path)
        for readings in seen.readings.values()
        for path in (*readings.directories, *readings.problems, *readings.spaces)
    }


def _findings(run: Run, seen: Survey, items: dict[str, str]) -> list[Finding]:
    settings, clock, history = run.settings, run.clock, run.history
    findings: list[Finding] = list(assess.blocked_findings(seen, settings))
    forecasts: dict[str, list[Forecast]] = {}
    gone: list[Finding] = []
    if history is not None:
        gone = list(assess.gone_findings(seen, items, settings, clock, history))
    for point, readings in seen.readings.items():
        for path, found in readings.directories.items():
            child = path in readings.children
            findings += assess.directory_findings(items[path], found, child, settings, clock, history, forecasts)
        for path, space in readings.spaces.items():
            findings += assess.space_findings(items[path], space, settings, clock, history, forecasts)
        for path, problem in readings.problems.items():
            if items[path] not in {finding.item for finding in gone}:
                findings += assess.problem_findings(items[path], path, problem, point)
    return [*findings, *assess.forecast_findings(forecasts), *gone]


def _details(seen: Survey, run: Run) -> list[Detail]:
    details = []
    for readings in seen.readings.values():
        for path, count in readings.counts.items():
            told = sum(1 for child in readings.children if child.startswith(path.rstrip("/") + "/"))
            if told < count:
                details.append(
                    Detail(1, f"{count} directories below {printable(path)} were read, the {told} extremes told")
                )
        for path, found in readings.directories.items():
            if path not in readings.children:
                quota = f", quota {size(found.max_bytes)}" if found.max_bytes else ""
                inside = f"{size(found.rbytes)} in {found.rfiles} files, {found.rsubdirs} directories"
                details.append(Detail(1, f"directory {printable(path)}: {inside}{quota}"))
    if run.history is None:
        details.append(Detail(2, "no history: no growth, no time until full, no losses"))
    return details


def _path(text: str) -> str:
    return "/" + "/".join(part for part in absolute_path(text).split("/") if part not in ("", "."))


def _depth(text: str) -> int:
    if text not in ("0", "1", "2", "3"):
        raise ValueError(f"'{text}' is not one of 0, 1, 2, 3")
    return int(text)


def _name(text: str) -> str:
    if not text or not all(c.isascii() and (c.isalnum() or c in "._-") for c in text):
        raise ValueError(f"'{text}' is not a name of Ceph's")
    return text


def _percent(text: str) -> float:
    value = number(text.removesuffix("%"), "")
    if not 0 < value <= 100:
        raise ValueError(f"'{text}' is not between 0 and 100")
    return float(value)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        raise ValueError(f"'{text}' is not a number")
    return int(text)


PLUGIN = CephFs()


def main() -> NoReturn:
    """The command check_cephfs."""
    from checks.frame.command import main as run

    run(PLUGIN)
