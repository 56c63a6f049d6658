"""undergoal: the command for people. Without a word it runs every check that applies here (triage.py)."""

from __future__ import annotations

import os

from checks import CHECKS, load
from checks.frame.command import (
    answer_questions,
    command_line,
    prepare_process,
    refuse,
    some_options,
    write_and_exit,
)
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, parse
from checks.frame.printable import printable
from perfdata.outcome import OK, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

_DESCRIPTION = (
    "Runs every check that applies to this host and prints one line for each,\n"
    "worst first. COMMAND is one of\n"
    "  list           the checks and what they answer, with -v also what is here\n"
    "  history        plots what a check recorded, and when it will be done or full\n"
    "  cephfs-top     which directories of a CephFS grow right now\n"
    "  tcp-responder  the other end of check_tcp_window --responder\n"
    "  passive        results of many checks over one login, for check_by_ssh\n"
    "  submit         passive results for Icinga's API or Nagios\n"
    "  prometheus     metrics for node_exporter's textfile collector\n"
    "each with a --help of its own."
)
_EXAMPLES = "Examples:\n  undergoal\n  undergoal --json\n  undergoal list\n  undergoal history docker_bridge\n\n"
_EXIT = (
    "Exit codes: 0 all fine or nothing applies, 1 WARNING, 2 CRITICAL, 3 UNKNOWN\n"
    "(also --help, --version and wrong options)."
)


def _options() -> list[Option]:
    return [
        *some_options("--help", "--version", "--verbose"),
        Option(("--json",), "one JSON list instead of the table"),
        Option(("--no-history",), "neither read nor write history: no rates, no baselines"),
    ]


def _list(verbose: bool) -> str:
    width = max(len(name) for name in CHECKS)
    lines = []
    for name in CHECKS:
        lines.append(f"{name.ljust(width)}  {load(name).question}")
        if verbose:
            lines.append(f"{'':{width}}  here: {_here(name)}")
    return "\n".join([*lines, "", "undergoal history NAME plots what one of them recorded."]) + "\n"


def _here(name: str) -> str:
    """What a check would look at on this host; why that cannot be said, where it may not look."""
    try:
        return ", ".join(load(name).targets(Host())) or "nothing"
    except Exception as error:  # each check has its own, and one says nothing of the others
        return f"cannot be told: {printable(str(error), 120)}"


def _triage(settings: SimpleNamespace) -> NoReturn:
    from checks import triage

    deadline = Deadline(triage.time_limit())
    answer_signals(lambda reason: write_and_exit(f"UNKNOWN - undergoal: {reason}\n".encode(), UNKNOWN))
    start_alarm(deadline)
    write_and_exit(*triage.answer(settings.json, settings.verbose, settings.no_history))


def main() -> NoReturn:
    """The command undergoal."""
    umask = os.umask(0o077)
    prepare_process()
    arguments = command_line()
    if arguments[:1] == ["history"]:
        from checks.plots.command import main as history

        history(arguments[1:], umask)
    if arguments[:1] == ["tcp-responder"]:
        from checks.tcp_window.responder import main as tcp_responder

        tcp_responder(arguments[1:])
    if arguments[:1] == ["cephfs-top"]:
        from checks.cephfs.top import main as cephfs_top

        cephfs_top(arguments[1:])
    if arguments[:1] == ["passive"]:
        from checks.delivery.passive import main as passive

        passive(arguments[1:])
    if arguments[:1] == ["submit"]:
        from checks.delivery.submit import main as submit

        submit(arguments[1:])
    if arguments[:1] == ["prometheus"]:
        from checks.delivery.textfile import main as textfile

        textfile(arguments[1:])
    answer_questions(arguments, "undergoal [COMMAND]", _DESCRIPTION, _EXAMPLES + _EXIT, _options())
    command = arguments.pop(0) if arguments[:1] == ["list"] else ""
    try:
        settings = parse(_options(), arguments)
    except UsageError as error:
        refuse("undergoal", error)
    if command:
        write_and_exit(_list(bool(settings.verbose)).encode(), OK)
    _triage(settings)
