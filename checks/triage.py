"""undergoal: the command for people. Runs every check that applies to this host, side by side, worst first."""

from __future__ import annotations

import os
import select
import time

from checks import CHECKS, __version__, load
from checks.frame import bounded
from checks.frame.command import (
    HELP,
    VERSION,
    Session,
    command_line,
    common_options,
    default_settings,
    prepare_process,
    write_and_exit,
)
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, asks_for, help_text, parse
from checks.frame.printable import printable
from perfdata import as_json
from perfdata.outcome import BY_SEVERITY, OK, STATE_WORDS, UNKNOWN, Detail, Outcome, worst
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_EXTRA = 1.0  # seconds a check's process may take beyond the check's own deadline
_COLOURS = ("32", "33", "31", "35")  # by state: green, yellow, red, magenta
_DESCRIPTION = (
    "Runs every check that applies to this host and prints one line for each,\n"
    "worst first. COMMAND 'list' names the checks and what they answer, with -v also\n"
    "what is here."
)
_EXAMPLES = "Examples:\n  undergoal\n  undergoal --json\n  undergoal list\n\n"
_EXIT = (
    "Exit codes: 0 all fine or nothing applies, 1 WARNING, 2 CRITICAL, 3 UNKNOWN\n"
    "(also --help, --version and wrong options)."
)


def _options() -> list[Option]:
    common = [option for option in common_options(0) if option.flags[-1] in ("--help", "--version", "--verbose")]
    return [
        *common,
        Option(("--json",), "one JSON list instead of the table"),
        Option(("--no-history",), "neither read nor write history: no rates, no baselines"),
    ]


class _Task(Record):
    """One check in a process of its own."""

    name: str
    child: bounded.Child
    end: float  # monotonic


def _examine(name: str, no_history: bool) -> bytes:
    """In a child: the whole check with its defaults, as JSON."""
    plugin = load(name)
    settings = default_settings(plugin, no_history=no_history)
    session = Session(plugin, settings)

    def give_up(reason: str) -> NoReturn:
        raise bounded.EarlyAnswer(as_json.render([session.last_words(reason)]))

    answer_signals(give_up)
    start_alarm(session.deadline)
    return as_json.render([session.outcome()])


def examine_all(names: tuple[str, ...], no_history: bool) -> list[Outcome]:
    """Every check in its own process, all at once; one that hangs delays nobody beyond its own time limit."""
    now = time.monotonic()
    waiting = [
        _Task(name, bounded.start(lambda name=name: _examine(name, no_history)), now + load(name).timeout + _EXTRA)  # type: ignore[misc]
        for name in names
    ]
    done: dict[str, Outcome] = {}
    closed: set[str] = set()
    while waiting:
        readable, _, _ = select.select([t.child.pipe for t in waiting if t.name not in closed], [], [], 0.02)
        for task in tuple(waiting):
            try:
                if task.child.pipe in readable and task.child.read():
                    closed.add(task.name)
                if task.child.exited() and task.name in closed:
                    done[task.name] = _outcome(task)
                elif time.monotonic() > task.end:
                    done[task.name] = Outcome(task.name, UNKNOWN, "did not answer in time; its process was killed")
            except bounded.HelperOverflow as error:
                done[task.name] = Outcome(task.name, UNKNOWN, str(error))
            if task.name in done:
                task.child.abandon()
                waiting.remove(task)
    return [done[name] for name in names]


def _outcome(task: _Task) -> Outcome:
    answer = task.child.answer()
    try:
        return as_json.parse_all(answer.output)[0]
    except (ValueError, LookupError, TypeError):
        reason = printable(answer.output.partition(b": ")[2] or b"its process said nothing", 140)
        return Outcome(task.name, UNKNOWN, reason)


def _table(outcomes: list[Outcome], verbosity: int) -> str:
    """The answer for people: what applies, worst first, then what does not."""
    here = sorted((o for o in outcomes if o.applies), key=lambda o: (BY_SEVERITY.index(o.state), o.check))
    lines = [f"undergoal {__version__} on {printable(os.uname().nodename)}: {_verdict(here, len(outcomes))}"]
    width = max([len(outcome.check) for outcome in outcomes] or [0])
    for outcome in here:
        word = STATE_WORDS[outcome.state].ljust(8)
        lines.append(f"{_coloured(word, outcome.state)}  {outcome.check.ljust(width)}  {outcome.text}")
        lines += [f"{'':{width + 12}}{detail.line}" for detail in _shown(outcome, verbosity)]
    for outcome in outcomes:
        if not outcome.applies:
            lines.append(f"{'-'.ljust(8)}  {outcome.check.ljust(width)}  does not apply: {outcome.text}")
    return "\n".join(lines) + "\n"


def _shown(outcome: Outcome, verbosity: int) -> list[Detail]:
    return [detail for detail in outcome.details if detail.verbosity <= verbosity]


def _verdict(here: list[Outcome], total: int) -> str:
    if not here:
        return f"none of {total} checks applies here, so nothing was judged"
    bad = sum(1 for outcome in here if outcome.state != OK)
    return f"{len(here)} of {total} checks apply here, {f'{bad} of them not OK' if bad else 'all OK'}"


def _coloured(word: str, state: int) -> str:
    if os.environ.get("NO_COLOR") or not os.isatty(1):
        return word
    return f"\033[{_COLOURS[state]}m{word}\033[0m"


def _list(verbose: bool) -> str:
    width = max(len(name) for name in CHECKS)
    lines = []
    for name in CHECKS:
        lines.append(f"{name.ljust(width)}  {load(name).question}")
        if verbose:
            lines.append(f"{'':{width}}  here: {', '.join(load(name).targets(Host())) or 'nothing'}")
    return "\n".join(lines) + "\n"


def main() -> NoReturn:
    """The command undergoal."""
    prepare_process()
    arguments = command_line()
    if asks_for(arguments, HELP):
        text = help_text("undergoal [COMMAND]", _DESCRIPTION, _EXAMPLES + _EXIT, _options())
        write_and_exit(text.encode(), UNKNOWN)
    if asks_for(arguments, VERSION):
        write_and_exit(f"undergoal {__version__}\n".encode(), UNKNOWN)
    command = arguments.pop(0) if arguments[:1] == ["list"] else ""
    try:
        settings = parse(_options(), arguments)
    except UsageError as error:
        write_and_exit(printable(f"UNKNOWN - undergoal: {error}; see undergoal --help", 160).encode() + b"\n", UNKNOWN)
    if command:
        write_and_exit(_list(bool(settings.verbose)).encode(), OK)
    deadline = Deadline(max(load(name).timeout for name in CHECKS) + 2 * _EXTRA)
    answer_signals(lambda reason: write_and_exit(f"UNKNOWN - undergoal: {reason}\n".encode(), UNKNOWN))
    start_alarm(deadline)
    outcomes = examine_all(CHECKS, settings.no_history)
    output = as_json.render(outcomes) if settings.json else _table(outcomes, settings.verbose).encode()
    here = [outcome.state for outcome in outcomes if outcome.applies]
    write_and_exit(output, worst(here) if here else OK)
