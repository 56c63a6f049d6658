"""The check itself: its tables, its options, and its words."""

from __future__ import annotations

import re
from types import SimpleNamespace

from checks.frame import leftovers
from checks.frame.host import Host
from checks.frame.judging import NEVER
from checks.frame.options import Option, absolute_path
from checks.frame.plugin import Examination, Judged, NothingHere, Plugin, Run
from checks.frame.printable import printable
from checks.frame.readings import Fact, Measure
from checks.megaraid import assess_operations, assess_smart, assess_volumes, local
from checks.megaraid.findings import all_findings, gone_findings
from checks.megaraid.survey import Survey, item_of, survey
from checks.megaraid.tables import FACTS, LEVELS
from checks.megaraid.tools import CHOICES
from checks.megaraid.wording import sentence
from perfdata.outcome import Detail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, NoReturn

_POLICIES = {"write": ("wb", "wt", "awb"), "read": ("ahead", "none", "adaptive"), "io": ("direct", "cached")}
_POLICIES["disk_cache"] = ("on", "off", "default")
_LEFTOVERS = "leftovers"  # a note
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
    called = "MegaRAID"
    whole = "overview"
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
            Option(("--tool-path",), "where it is, if not at a usual place", "PATH", absolute_path, "", group=group),
            Option(
                ("--controller",),
                "only this one (repeatable; the tool's number; has to be here)",
                "N",
                _number,
                repeat=True,
                group=group,
            ),
            Option(("--local",), "also SATA, SAS and NVMe disks without a RAID controller", group=group),
            Option(("--no-smart",), "do not ask smartctl", group=group),
            Option(("--smartctl",), "where smartctl is", "PATH", absolute_path, "", group=group),
            Option(
                ("--from-file",),
                "ask nobody, judge what a vendor tool or smartctl -j printed into this file (repeatable)",
                "PATH",
                absolute_path,
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
                absolute_path,
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
        seen = _survey(run)
        gone = gone_findings(seen, settings, run)
        nothing = not seen.here or (seen.readings.none_here and not seen.problems and not seen.checkups)
        if nothing and not gone:
            raise NothingHere(
                "no MegaRAID controller here"
                if seen.tool is None
                else f"{seen.tool.name} finds no controller; as a user without rights it finds none either"
            )
        findings = [*all_findings(seen, settings, run), *gone]
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
        if any(code.startswith("vd_") and code != assess_volumes.VD_OPTIMAL for code in codes):
            return 3.0
        return 2.0 if assess_operations.RUNNING in codes else 1.0 if self.is_main(judged) else 0.0

    def sentence(self, title: str, judged: list[Judged]) -> str:
        """See Plugin."""
        return sentence(title, judged)

    def all_fine(self, sentences: list[str]) -> str:
        """The summary, and what is going on."""
        going = [sentence for sentence in sentences[1:] if any(kind in sentence for kind in assess_operations.KINDS)]
        text = sentences[0]
        return "; ".join([text, *going[:1]]) + (f" and {len(going) - 1} more" if len(going) > 1 else "")


def _is_set(settings: SimpleNamespace, name: str) -> bool:
    """Whether the user gave a range for this measure."""
    return any(getattr(settings, f"{name}_{level}") != NEVER for level in ("warning", "critical"))


def _titles(seen: Survey) -> dict[str, str]:
    """How things are called: disks with their serial numbers, drives with their levels."""
    readings = seen.readings
    models = [printable(controller.model or f"c{controller.number}", 40) for controller in readings.controllers]
    titles = {"": models[0] if len(models) == 1 else f"{len(models)} controllers" if models else ""}
    titles["tool"] = "MegaRAID"
    for volume in readings.volumes:
        titles[assess_volumes.of_volume(volume)] = (
            f"{assess_volumes.of_volume(volume)} {printable(volume.level, 12)}".strip()
        )
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


def _survey(run: Run) -> Survey:
    """What is to be seen; what could not be ended in earlier runs is not started again, and neither will this run's."""
    history, boot = run.history, run.clock.boot
    if history is None:
        return survey(run.host, run.settings)
    note = history.note("", _LEFTOVERS)
    run.host.leftovers = leftovers.parse(note, boot)
    seen = survey(run.host, run.settings)
    now = leftovers.as_note(run.host.leftovers, boot)
    if now != note:
        history.keep("", _LEFTOVERS, now)
    return seen


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
