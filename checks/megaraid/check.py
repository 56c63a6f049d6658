"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

import re
from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.judging import NEVER
from checks.frame.options import Option
from checks.frame.plugin import UNREADABLE, Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.readings import Fact, FactRule, Finding, Levels, Measure, fact
from checks.megaraid import assess, assess_smart, local
from checks.megaraid.survey import Survey, item_of, survey
from checks.megaraid.tools import CHOICES
from perfdata.numbers import duration, plain_number
from perfdata.outcome import BY_SEVERITY, CRITICAL, OK, UNKNOWN, WARNING, Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn

GONE, TOOL_USED = "gone", "tool_used"

LEVELS = {
    "disks": Levels("", "", "How many there should be, e.g. 12:12; failed and missing ones do not count."),
    "virtual_drives": Levels("", "", "How many there should be."),
    "spares": Levels("", "", "E.g. 1: for at least one hot spare."),
    "pending_sectors": Levels("0", "", "These could not be read."),
    "reallocated_sectors": Levels("1000", "", "Disks that replaced some and stopped are fine; new ones are told."),
    "uncorrectable_sectors": Levels("0", "", "These could not be read either."),
    "grown_defects": Levels("50", "", "SAS disks have some; new ones are told in any case."),
    "uncorrected_errors_total": Levels("10", "", "SAS; new ones are told in any case."),
    "endurance_used_percent": Levels("90", "100", "Flash wears out."),
    "disk_celsius": Levels("", "", "Else against the disk's own trip point, or 55 and 65 degrees (SSD 70 and 80)."),
    "roc_celsius": Levels("", "", "Else 105 and 115 degrees; older chips stand more than newer ones."),
    "board_celsius": Levels("", "", "Else 105 and 115 degrees."),
    "battery_celsius": Levels("", "", "Off: the controller judges it."),
    "media_errors_total": Levels("", "", "Off: new ones are told in any case."),
    "crc_errors_total": Levels("", "", "Off: cables; new ones are told in any case."),
    "selftest_age_seconds": Levels("", "", "E.g. 35d. Off."),
    "power_on_seconds": Levels("", "", "E.g. 2000d. Off."),
    "until_done_upper_seconds": Levels("", "", "E.g. 24h, for a rebuild that takes too long. Off."),
}

_REPLACE = "replace it; its LED: storcli64 /cN/eE/sS start locate"
_CACHE = "look at the battery or CacheVault: storcli64 /call/cv show all; MegaCli -AdpBbuCmd -aALL"

FACTS = {
    GONE: FactRule(CRITICAL, "gone, last seen {ago} ago", "bring it back, or run the check once with --accept"),
    TOOL_USED: FactRule(OK, "{tool}"),
    assess.CONTROLLER_BAD: FactRule(CRITICAL, "status {status}", "storcli64 /call show all"),
    assess.CONTROLLER_ATTENTION: FactRule(WARNING, "says {status}", "storcli64 /call show all"),
    assess.SAFE_MODE: FactRule(
        CRITICAL, "has booted into safe mode", "look at its events: storcli64 /call show events"
    ),
    assess.ECC_UNCORRECTABLE: FactRule(
        CRITICAL, "{count} uncorrectable memory errors", "back up, and replace the controller or its memory"
    ),
    assess.ECC_NEW: FactRule(
        WARNING, "{count} new memory errors (corrected)", "replace the controller's memory if it goes on; --accept"
    ),
    assess.PRESERVED: FactRule(
        CRITICAL, "keeps unwritten data of a lost virtual drive", "bring its disks back before anything else"
    ),
    assess.PINNED: FactRule(
        CRITICAL,
        "lost, with unwritten data in the cache",
        "bring its disks back, so that the cache is written; MegaCli -GetPreservedCacheList -aALL",
    ),
    assess.FOREIGN: FactRule(
        WARNING, "foreign configuration ({count})", "import or clear it: storcli64 /cN/fall show all"
    ),
    assess.MISSING_ROW: FactRule(CRITICAL, "disk missing in {where}", "put a disk in its place"),
    assess.ROC_HOT: FactRule(WARNING, "chip at {degrees} C", "look for a fan that stands still"),
    assess.ROC_TOO_HOT: FactRule(CRITICAL, "chip at {degrees} C", "look for a fan that stands still"),
    assess.FEWER: FactRule(
        UNKNOWN, "lists {seen} of its {counted} {what}", "run it again; the answer may have been cut"
    ),
    assess.VD_OFFLINE: FactRule(CRITICAL, "offline", "do not write to it; find the disks that are missing"),
    assess.VD_OPTIMAL: FactRule(OK, "optimal"),
    assess.VD_RECOVERY: FactRule(CRITICAL, "in recovery", "storcli64 /call/vall show all"),
    assess.VD_UNKNOWN: FactRule(UNKNOWN, "in an unknown state: {state}", "storcli64 /call/vall show all"),
    assess.VD_DEGRADED: FactRule(
        CRITICAL, "{state}, not rebuilding", "replace the failed disk; the rebuild then starts"
    ),
    assess.VD_REBUILDING: FactRule(WARNING, "{state}, {progress}"),
    assess.VD_NO_REDUNDANCY: FactRule(
        CRITICAL, "{state}, {progress}, no redundancy left", "have a backup; pull no disk before it is done"
    ),
    assess.BAD_BLOCKS: FactRule(WARNING, "has bad blocks", "run a consistency check, and read the files from a backup"),
    assess.RUNNING: FactRule(OK, "{what}"),
    assess.RUNNING_TOLD: FactRule(WARNING, "{what}"),
    assess.WRITE_THROUGH: FactRule(WARNING, "write-back fell to write-through", _CACHE),
    assess.UNSAFE_CACHE: FactRule(
        WARNING, "caches writes without a working battery", f"{_CACHE}; or set NoCachedBadBBU"
    ),
    assess.POLICY: FactRule(WARNING, "{what} is {have}, not {wanted}", "set it back, or correct --expect-policy"),
    assess.DISK_FINE: FactRule(OK, ""),
    assess.DISK_BAD: FactRule(CRITICAL, "{state}", _REPLACE),
    assess.DISK_MISSING: FactRule(CRITICAL, "missing", "put a disk in its place"),
    assess.DISK_UNANSWERED: FactRule(CRITICAL, "does not answer its controller ({words})", _REPLACE),
    assess.DISK_UNKNOWN: FactRule(UNKNOWN, "in an unknown state: {words}", "storcli64 /call/eall/sall show"),
    assess.DISK_SHIELDED: FactRule(WARNING, "shielded: being diagnosed after errors", "wait, or replace it"),
    assess.DISK_REBUILDING: FactRule(WARNING, "{what}"),
    assess.DISK_COPYBACK: FactRule(WARNING, "{what}"),
    assess.PREDICTED: FactRule(WARNING, "about to fail: {reasons}", _REPLACE),
    assess.PREDICTED_CRITICAL: FactRule(CRITICAL, "about to fail: {reasons}", _REPLACE),
    assess.NEW_ERRORS: FactRule(WARNING, "{count} new {what}", "replace it if they go on; --accept once it is known"),
    assess.BATTERY_BAD: FactRule(WARNING, "{words}", "have a new one ready; until then writes are slow or unsafe"),
    assess.BATTERY_GONE: FactRule(WARNING, "gone", _CACHE),
    assess.LEARNING_OK: FactRule(OK, "learn cycle"),
    assess.LEARNING_WARNING: FactRule(WARNING, "learn cycle", "wait some hours; the cache may be off meanwhile"),
    assess.LEARNING_CRITICAL: FactRule(CRITICAL, "learn cycle", "wait some hours; the cache may be off meanwhile"),
    assess_smart.FAILING: FactRule(CRITICAL, "failing: {why}", _REPLACE),
    assess_smart.ATTRIBUTE_NOW: FactRule(WARNING, "below its threshold: {why}", "smartctl -x; replace it soon"),
    assess_smart.ATTRIBUTE_PAST: FactRule(WARNING, "was below its threshold once: {why}", "smartctl -x"),
    assess_smart.WRONG_DISK: FactRule(UNKNOWN, "SMART unknown: smartctl answered for {serial}", "{next_step}"),
    assess_smart.SELFTEST: FactRule(WARNING, "last self-test failed: {words}", "smartctl -l selftest; replace it"),
    assess_smart.SPARE_LOW: FactRule(WARNING, "{spare} % spare blocks left (limit {threshold})", "replace it soon"),
    assess_smart.NEW: FactRule(WARNING, "{count} new {what}", "replace it if they go on; --accept once it is known"),
    assess_smart.ERC_OFF: FactRule(
        WARNING,
        "error recovery control is off",
        "smartctl -l scterc,70,70: else it drops out of the RAID when it retries",
    ),
    assess_smart.NO_SMART: FactRule(OK, "offers no SMART"),
    assess_smart.TOO_WARM: FactRule(WARNING, "says that it is too hot", "look for a fan that stands still"),
    assess_smart.HOT: FactRule(WARNING, "{degrees} C", "look for a fan that stands still"),
    assess_smart.TOO_HOT: FactRule(CRITICAL, "{degrees} C", "look for a fan that stands still"),
}

_POLICIES = {"write": ("wb", "wt", "awb"), "read": ("ahead", "none", "adaptive"), "io": ("direct", "cached")}
_POLICIES["disk_cache"] = ("on", "off", "default")
_RECORDED = ("disks", "disk_celsius", "roc_celsius")
_A_DISK = re.compile(r"c\d+ (?:e\d+:)?s\d+\Z|c\d+ d\d+\Z|/dev/")


class MegaRaid(Plugin):
    """RAID state, and the health of every disk."""

    name = "megaraid"
    question = "Is every virtual drive whole, is a disk about to fail, and when is the rebuild done?"
    outage = "a second disk failed during a rebuild: its errors had been there for weeks, behind the controller"
    description = (
        "Asks a vendor tool (storcli, perccli or MegaCli, whichever is here) for the\n"
        "state of controllers, virtual drives, disks and batteries, and smartctl for\n"
        "the health of each disk behind them, matched by serial number. Read-only\n"
        "commands, each once. Runs unprivileged with sudo rules that --sudoers prints."
    )
    examples = (
        "  check_megaraid\n"
        "  check_megaraid -c 12:12 --spares-warning 1: --local\n"
        "  check_megaraid --expect-policy disk-cache=off,read=ahead\n"
        "  check_megaraid --tool-path /opt/MegaRAID/perccli/perccli64 --no-smart\n"
        "  check_megaraid --from-file /tmp/ldinfo.txt --from-file /tmp/pdlist.txt\n"
        "  check_megaraid --sudoers"
    )
    items = ("disk", "disks")
    timeout = 30.0  # vendor tools take seconds; contrib has the engine's limit to go with it
    main_measure = "disks"
    levels = LEVELS
    facts = FACTS

    def options(self) -> list[Option]:
        """See Plugin."""
        group, judged, rights = "what is looked at", "what is found wrong", "rights"
        return [
            Option(
                ("--tool",),
                "the vendor tool to ask: auto (the first of storcli, perccli, megacli that sees a controller), one of"
                " them, or none: SMART only",
                "NAME",
                _one_of(CHOICES),
                "auto",
                group=group,
            ),
            Option(("--tool-path",), "where it is, if not at a usual place", "PATH", _path, "", group=group),
            Option(
                ("--controller",),
                "only this one (repeatable; the tool's number)",
                "N",
                _number,
                repeat=True,
                group=group,
            ),
            Option(("--local",), "also SATA, SAS and NVMe disks without a RAID controller", group=group),
            Option(("--no-smart",), "do not ask smartctl", group=group),
            Option(("--smartctl",), "where smartctl is", "PATH", _path, "", group=group),
            Option(
                ("--from-file",),
                "ask nobody, judge what a vendor tool or smartctl -j printed into this file (repeatable)",
                "PATH",
                _path,
                repeat=True,
                group=group,
            ),
            Option(
                ("--rebuilding",),
                "critical or warning, while a degraded drive without redundancy left is rebuilt (default critical)",
                "STATE",
                _one_of(("critical", "warning")),
                "critical",
                group=judged,
            ),
            Option(
                ("--predicted",),
                "warning or critical, when a controller predicts that a disk fails (default warning)",
                "STATE",
                _one_of(("warning", "critical")),
                "warning",
                group=judged,
            ),
            Option(
                ("--reconstruction",),
                "ok or warning, while a virtual drive is being reshaped (default ok)",
                "STATE",
                _one_of(("ok", "warning")),
                "ok",
                group=judged,
            ),
            Option(
                ("--learn-cycle",),
                "ok, warning or critical, while a battery is in its learn cycle (default ok)",
                "STATE",
                _one_of(("ok", "warning", "critical")),
                "ok",
                group=judged,
            ),
            Option(
                ("--expect-policy",),
                "warn of virtual drives with another policy: of write=wb/wt/awb, read=ahead/none/adaptive,"
                " io=direct/cached, disk-cache=on/off/default, separated by commas",
                "POLICY",
                _policy,
                (),
                group=judged,
            ),
            Option(("--require-erc",), "warn of RAID members with error recovery control off", group=judged),
            Option(("--no-sudo",), "call the tools as the present user, without sudo", group=rights),
            Option(
                ("--sudo-wrapper",),
                "call sudo -n WRAPPER TOOL ...: for sudo before 1.9.10; see contrib/sudoers.d",
                "WRAPPER",
                _path,
                "",
                group=rights,
            ),
            Option(
                ("--sudoers",),
                "print the sudoers rules for exactly these commands, and exit with 3",
                group=rights,
            ),
        ]

    def targets(self, host: Host) -> list[str]:
        """The controllers of this host, by PCI address."""
        return list(local.controllers(host))

    def target(self, host: Host, settings: SimpleNamespace) -> str:
        """Files from elsewhere have a history of their own."""
        return "-".join(("files", *settings.from_file)) if settings.from_file else ""

    def examine(self, run: Run) -> Examination:
        """See Plugin."""
        settings = SimpleNamespace(**vars(run.settings))
        settings.own_limits = {
            name: _is_set(settings, name) for name in ("disk_celsius", "roc_celsius", "board_celsius")
        }
        seen = survey(run.host, settings)
        if not seen.here or (seen.readings.none_here and not seen.problems and not seen.checkups):
            raise NothingHere(
                "no MegaRAID controller here"
                if seen.tool is None
                else f"{seen.tool.name} finds no controller; as a user without rights it finds none either"
            )
        findings = [*_findings(seen, settings, run), *_gone(seen, settings, run)]
        if run.history is not None:
            for finding in findings:
                if isinstance(finding, Measure) and finding.name in _RECORDED:
                    run.history.append(finding.item, finding.name, finding.value)
        details = [Detail(1, printable(note, 200)) for note in seen.notes]
        if any(problem.denied for problem in seen.problems):
            details.insert(0, Detail(0, "to let it look, as root: check_megaraid --sudoers > /etc/sudoers.d/undergoal"))
        if run.history is None:
            details.append(Detail(2, "no history: no new errors, no rates"))
        return Examination(findings, _titles(seen), tuple(details))

    def is_main(self, judged: list[Judged]) -> bool:
        """Disks are what is counted."""
        codes = [j.finding.code for j in judged if isinstance(j.finding, Fact)]
        return bool(_A_DISK.match(judged[0].finding.item)) and assess_smart.NO_SMART not in codes

    def is_told(self, judged: list[Judged]) -> bool:
        """Everything, in its order."""
        return True

    def urgency(self, judged: list[Judged]) -> float:
        """Of what is in the same state: disks that fail, then drives, then the rest; the summary first when fine."""
        item, codes = judged[0].finding.item, {j.finding.code for j in judged if isinstance(j.finding, Fact)}
        if assess_smart.FAILING in codes:
            return 5.0
        if not item:
            return 4.0
        if any(code.startswith("vd_") and code != assess.VD_OPTIMAL for code in codes):
            return 3.0
        return 2.0 if assess.RUNNING in codes else 1.0 if self.is_main(judged) else 0.0

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """ "c0 e252:s3 (Z1Z00003) failing: reallocated 65535"."""
        measures = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
        facts = sorted((j for j in judged if isinstance(j.finding, Fact)), key=lambda j: BY_SEVERITY.index(j.state))
        if not judged[0].finding.item:
            return _summary(title, measures, facts)
        codes = [j.finding.code for j in facts if isinstance(j.finding, Fact)]
        words = [j.words for j, code in zip(facts, codes) if code != assess.VD_OPTIMAL or len(facts) == 1]
        for j in () if assess_smart.FAILING in codes else measures.values():
            if j.state != OK and isinstance(j.finding, Measure):
                word = _measure_words(j.finding)
                if not any(word in told for told in words):
                    words.append(word)
        words = [*dict.fromkeys(word for word in words if word), *_when(measures)]
        if not words:
            degrees = measures.get("disk_celsius")
            value = f", {degrees.finding.value} C" if degrees and isinstance(degrees.finding, Measure) else ""
            words = [f"fine{value}"]
        return f"{title} {', '.join(words)}".strip()

    def all_fine(self, sentences: list[str]) -> str:
        """The summary, and what is going on."""
        going = [sentence for sentence in sentences[1:] if any(kind in sentence for kind in assess.KINDS)]
        text = sentences[0]
        return "; ".join([text, *going[:1]]) + (f" and {len(going) - 1} more" if len(going) > 1 else "")


def _summary(title: str, measures: dict[str, Judged], facts: list[Judged]) -> str:
    """ "PERC H710: 1 volume, 8 disks, 1 spare (storcli64)"."""
    parts = []
    for name, one, many in (
        ("virtual_drives", "volume", "volumes"),
        ("disks", "disk", "disks"),
        ("spares", "spare", "spares"),
    ):
        found = measures.get(name)
        if found is not None and isinstance(found.finding, Measure) and (found.finding.value or name != "spares"):
            parts.append(f"{found.finding.value} {one if found.finding.value == 1 else many}")
    tool = "".join(f" ({j.words})" for j in facts)
    if not parts:
        return f"nothing wrong in what was read{tool}"
    return f"{title}: {', '.join(parts)}{tool}".removeprefix(": ")


def _when(measures: dict[str, Judged]) -> list[str]:
    """ "done in 2.4-3.1 h"."""
    values = {name: j.finding.value for name, j in measures.items() if isinstance(j.finding, Measure)}
    lower, upper = values.get("until_done_lower_seconds"), values.get("until_done_upper_seconds")
    if lower is None:
        return []
    if upper is None:
        return [f"done in {duration(lower)} or more"]
    for size, unit, least in ((86400, "d", 2 * 86400), (3600, "h", 2 * 3600), (60, "min", 0)):
        if upper >= least:
            digits = 1 if upper / size < 10 and unit != "min" else 0
            first, last = f"{lower / size:.{digits}f}", f"{upper / size:.{digits}f}"
            return [f"done in {last if first == last else f'{first}-{last}'} {unit}"]
    return []


def _measure_words(measure: Measure) -> str:
    """What is wrong when this measure is not OK."""
    number = plain_number(round(measure.value, 1))
    return {
        "pending_sectors": f"pending {number}",
        "reallocated_sectors": f"reallocated {number}",
        "uncorrectable_sectors": f"uncorrectable {number}",
        "grown_defects": f"grown defects {number}",
        "uncorrected_errors_total": f"uncorrected errors {number}",
        "crc_errors_total": f"CRC errors {number}",
        "media_errors_total": f"media errors {number}",
        "endurance_used_percent": f"{number} % of its endurance used",
        "disk_celsius": f"{number} C",
        "roc_celsius": f"chip at {number} C",
        "board_celsius": f"board at {number} C",
        "battery_celsius": f"{number} C",
        "selftest_age_seconds": f"last self-test {duration(measure.value)} ago",
        "power_on_seconds": f"on for {duration(measure.value)}",
    }.get(measure.name, "")


def _is_set(settings: SimpleNamespace, name: str) -> bool:
    """Whether the user gave a range for this measure."""
    return any(getattr(settings, f"{name}_{level}") != NEVER for level in ("warning", "critical"))


def _findings(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    readings, history = seen.readings, run.history
    findings: list[Finding] = []
    findings += assess.count_findings(readings, seen.checkups, bool(seen.problems))
    if seen.tool is not None and readings.understood:
        findings.append(fact("", TOOL_USED, tool=seen.tool.name))
    elif settings.from_file:
        count = len(settings.from_file)
        findings.append(fact("", TOOL_USED, tool=f"{count} file{'s' * (count > 1)}"))
    for problem in seen.problems:
        step = problem.next_step or ("check_megaraid --sudoers" if problem.denied else "")
        findings.append(fact(problem.item, UNREADABLE, reason=problem.reason, next_step=step))
    controllers = {controller.number: controller for controller in readings.controllers}
    for controller in readings.controllers:
        findings += assess.controller_findings(controller, readings, settings, history)
    findings += assess.apart_findings(readings)
    offered = readings.understood or any(c.health.offers or c.health.standby for c in seen.checkups)
    if seen.checkups and not offered:
        findings.append(fact("smartctl", UNREADABLE, reason="found no disk that offers SMART", next_step=""))
    for volume in readings.volumes:
        works = assess.cache_works(readings, volume.controller, settings)
        findings += assess.volume_findings(volume, readings, settings, works)
    findings += assess.operation_findings(readings, settings, history)
    for battery in readings.batteries:
        findings += assess.battery_findings(battery, controllers.get(battery.controller), settings)
    return _in_order([*findings, *_disk_findings(seen, settings, run)])


def _disk_findings(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    """Each disk as its controller and as it sees itself."""
    readings, history = seen.readings, run.history
    findings: list[Finding] = []
    checkups = {checkup.item: checkup for checkup in seen.checkups}
    for disk in readings.disks:
        findings += assess.disk_findings(disk, readings, settings, history)
        checkup = checkups.get(item_of(disk))
        trusted = checkup is not None and not _is_wrong(checkup, settings)
        health = checkup.health if checkup is not None and trusted else None
        findings += assess_smart.temperature_findings(item_of(disk), disk, health, settings)
    for checkup in seen.checkups:
        findings += assess_smart.smart_findings(checkup, settings, history)
        if checkup.disk is None:
            findings += assess_smart.temperature_findings(checkup.item, None, checkup.health, settings)
    return findings


def _is_wrong(checkup: object, settings: SimpleNamespace) -> bool:
    from checks.megaraid.survey import Checkup

    assert isinstance(checkup, Checkup)
    found = assess_smart.smart_findings(checkup, settings, None)
    return any(isinstance(f, Fact) and f.code == assess_smart.WRONG_DISK for f in found)


def _in_order(findings: list[Finding]) -> list[Finding]:
    """Measure by measure, the important ones of all disks before the others of any: performance data can be cut."""
    rank = {name: place for place, name in enumerate(LEVELS)}
    return sorted(findings, key=lambda f: rank.get(f.name, len(rank)) if isinstance(f, Measure) else -1)


def _gone(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    """What was here once and is not any more; a disk that is somewhere else now has moved."""
    history = run.history
    if history is None or settings.from_file:
        return []
    present = {f"c{controller.number}": controller.serial for controller in seen.readings.controllers}
    present.update((assess.of_volume(volume), "") for volume in seen.readings.volumes)
    present.update((item_of(disk), disk.serial) for disk in seen.readings.disks)
    known = history.seen()
    for item, serial in present.items():
        history.see(item, serial or (known[item].origin if item in known else ""), known.get(item))
    if seen.problems or seen.readings.problems or settings.tool == "none" or settings.controller:
        return []  # nobody knows whether it is gone
    serials = {serial for serial in present.values() if serial}
    gone = [item for item, last in known.items() if item not in present and last.origin not in serials]
    for item in known:
        if item not in present and (item not in gone or settings.accept):
            history.forget(item)
    if settings.accept:
        return []
    absent = [item for item in gone if " " not in item]
    told = [item for item in gone if item in absent or item.split(" ")[0] not in absent]
    return [fact(item, GONE, ago=duration(max(0.0, run.clock.time - known[item].time))) for item in told]


def _titles(seen: Survey) -> dict[str, str]:
    """How things are called: disks with their serial numbers, drives with their levels."""
    readings = seen.readings
    models = [printable(controller.model or f"c{controller.number}", 40) for controller in readings.controllers]
    titles = {"": models[0] if len(models) == 1 else f"{len(models)} controllers" if models else ""}
    titles["tool"] = "MegaRAID"
    for volume in readings.volumes:
        titles[assess.of_volume(volume)] = f"{assess.of_volume(volume)} {printable(volume.level, 12)}".strip()
    for disk in readings.disks:
        if disk.serial:
            titles[item_of(disk)] = f"{item_of(disk)} ({printable(disk.serial, 24)})"
    for checkup in seen.checkups:
        if checkup.disk is None or not checkup.disk.serial:
            serial = printable(checkup.health.serial, 24)
            titles[checkup.item] = f"{checkup.item} ({serial})" if serial else checkup.item
    return titles


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"'{printable(text)}' is not one of {', '.join(choices)}")
        return text

    return parse


def _path(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise ValueError("needs an absolute path")
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise ValueError(f"'{printable(text)}' is not a number")
    return int(text)


def _policy(text: str) -> tuple[tuple[str, str], ...]:
    wanted = []
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        name = name.replace("-", "_")
        if value not in _POLICIES.get(name, ()):
            kinds = ", ".join(f"{kind.replace('_', '-')}={'/'.join(values)}" for kind, values in _POLICIES.items())
            raise ValueError(f"'{printable(part)}' is not one of {kinds}")
        wanted.append((name, value))
    return tuple(wanted)


PLUGIN = MegaRaid()


def main() -> NoReturn:
    """The command check_megaraid."""
    from checks.frame.command import HELP, VERSION, command_line
    from checks.frame.command import main as run

    words = command_line()
    if "--sudoers" in words and not any(word in (*HELP, *VERSION) for word in words):
        from checks.megaraid.sudoers import print_and_exit

        print_and_exit(PLUGIN, words)
    run(PLUGIN)
