"""Every check that applies to this host, side by side, worst first: what the command undergoal does without a word."""

from __future__ import annotations

import os

from checks import CHECKS, __version__, load
from checks.batch import EXTRA, examine
from checks.frame.printable import printable
from checks.jobs import Job
from perfdata import as_json
from perfdata.outcome import BY_SEVERITY, OK, STATE_WORDS, Detail, Outcome, worst

_COLOURS = ("32", "33", "31", "35")  # by state: green, yellow, red, magenta


def examine_all(names: tuple[str, ...], no_history: bool) -> list[Outcome]:
    """Every check with its defaults."""
    more = ("--no-history",) if no_history else ()
    return examine([Job(name, name, more) for name in names])


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
    return max(load(name).timeout for name in CHECKS) + 3 * EXTRA


def answer(json: bool, verbosity: int, no_history: bool) -> tuple[bytes, int]:
    """The table, or one JSON list, and the exit code."""
    outcomes = examine_all(CHECKS, no_history)
    here = [outcome.state for outcome in outcomes if outcome.applies]
    output = as_json.render(outcomes) if json else _table(outcomes, verbosity).encode()
    return output, worst(here) if here else OK
