"""Every check that applies to this host, side by side, worst first: what the command undergoal does without a word."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Mapping
from types import SimpleNamespace

from checks import CHECKS, __version__, load
from checks.frame import bounded
from checks.frame.command import Session, default_settings
from checks.frame.deadline import answer_signals, start_alarm
from checks.frame.printable import printable
from perfdata import as_json
from perfdata.outcome import BY_SEVERITY, OK, STATE_WORDS, UNKNOWN, Detail, Outcome, worst
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_EXTRA = 1.0  # seconds a check's process may take beyond the check's own deadline
_COLOURS = ("32", "33", "31", "35")  # by state: green, yellow, red, magenta


class _Task(Record):
    """One check in a process of its own."""

    name: str
    child: bounded.Child
    end: float  # monotonic


def _examine(name: str, settings: SimpleNamespace) -> bytes:
    """In a child: the whole check, as JSON."""
    own = os.path.join(os.path.dirname(sys.argv[0]), f"check_{name}")
    if os.path.exists(own):
        sys.argv = [own]  # what is printed to be pasted is about the check
    session = Session(load(name), settings)

    def give_up(reason: str) -> NoReturn:
        raise bounded.EarlyAnswer(as_json.render([session.last_words(reason)]))

    answer_signals(give_up)
    start_alarm(session.deadline)
    return as_json.render([session.outcome()])


def examine_all(names: tuple[str, ...], no_history: bool) -> list[Outcome]:
    """Every check with its defaults; see ``examine_each``."""
    return examine_each({name: default_settings(load(name), no_history=no_history) for name in names})


def examine_each(wanted: Mapping[str, SimpleNamespace], output_max: int = bounded.OUTPUT_MAX) -> list[Outcome]:
    """Every check in its own process, all at once; one that hangs delays nobody beyond its own time limit."""
    now = time.monotonic()
    waiting = [
        _Task(
            name,
            bounded.start(lambda name=name, settings=settings: _examine(name, settings), output_max),  # type: ignore[misc]
            now + settings.timeout + _EXTRA,
        )
        for name, settings in wanted.items()
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
    return [done[name] for name in wanted]


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


def time_limit() -> float:
    """Seconds after which every check has answered or was killed."""
    return max(load(name).timeout for name in CHECKS) + 2 * _EXTRA


def answer(json: bool, verbosity: int, no_history: bool) -> tuple[bytes, int]:
    """The table, or one JSON list, and the exit code."""
    outcomes = examine_all(CHECKS, no_history)
    here = [outcome.state for outcome in outcomes if outcome.applies]
    output = as_json.render(outcomes) if json else _table(outcomes, verbosity).encode()
    return output, worst(here) if here else OK
