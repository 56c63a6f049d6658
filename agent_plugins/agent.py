"""What the agent plugin runs (undergoal.py finds this installation): every check that applies here, side by side.

It always exits with 0 and answers in time, as the agent waits for it without any limit and throws away what a cached
plugin printed that failed: what goes wrong is written into the sections.
"""

from __future__ import annotations

import os
import sys
import time

from agent_plugins import cache
from agent_plugins.settings import AUTO, LOCAL, SECTIONS, Configuration, Wanted, configure
from checks import __version__, load
from checks.batch import examine
from checks.frame.bounded import kill_all
from checks.frame.command import prepare_process, unforeseen
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.host import Host
from checks.frame.printable import printable
from checks.jobs import Job
from perfdata import checkmk
from perfdata.outcome import OK, UNKNOWN, WARNING, Outcome
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

CONFDIR = "/etc/check_mk"  # where the agent says nothing of it
CONFIG = "undergoal.cfg"
_CONFIG_MAX = 1 << 16  # bytes
_REASON_MAX = 300


class Result(Record):
    """What a check concluded, and when."""

    outcome: Outcome
    at: float  # seconds since the epoch
    cached: checkmk.Cached | None = None


def read_config(directory: str) -> tuple[str, str]:
    """The text of undergoal.cfg, "" when there is none, and why it could not be used."""
    path = os.path.join(directory, CONFIG)
    from checks.frame.mountinfo import remote_mounts
    from checks.frame.paths import UnsafePath, check_trusted

    try:
        if os.geteuid() == 0:  # it may name tools to be run
            with open("/proc/self/mountinfo", errors="surrogateescape") as mountinfo:
                check_trusted(path, remote_mounts(mountinfo.read()), 0)
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_CONFIG_MAX), ""
    except FileNotFoundError:
        return "", ""
    except UnsafePath as error:
        return "", printable(f"{path} is not used: {error}", _REASON_MAX)
    except OSError as error:
        return "", printable(f"{path} is not used: {error.strerror}", _REASON_MAX)


def run(configuration: Configuration, now: float) -> list[Result]:
    """The results of all checks, from their caches where those are good enough."""
    kept: dict[str, Result] = {}
    for wanted in configuration.checks:
        entry = cache.load(wanted.name, wanted.options, wanted.interval, now) if wanted.interval else None
        if entry is not None:
            kept[wanted.name] = Result(entry.outcome, entry.at, _cached(entry.at, wanted))
    recorded = _recorded()
    fresh = [wanted for wanted in configuration.checks if wanted.name not in kept and may_apply(wanted, recorded)]
    for wanted, outcome in zip(fresh, examine([Job(wanted.name, wanted.name, wanted.words) for wanted in fresh])):
        if wanted.interval:
            cache.save(wanted.name, wanted.options, outcome, now)
        kept[wanted.name] = Result(outcome, now, _cached(now, wanted) if wanted.interval else None)
    results = [(wanted, kept[wanted.name]) for wanted in configuration.checks if wanted.name in kept]
    return [result for wanted, result in results if result.outcome.applies or wanted.when != AUTO]


def _recorded() -> list[str] | None:
    """The names of all files of history, or None where there is no place for any."""
    from checks.frame.state import StateUnavailable, state_directory, surroundings

    try:
        return os.listdir(state_directory(surroundings()))
    except (StateUnavailable, OSError):
        return None


def may_apply(wanted: Wanted, recorded: list[str] | None) -> bool:
    """Whether a check has anything to say here: not when it has no targets, and has never recorded anything."""
    if wanted.when != AUTO or wanted.options or recorded is None:
        return True
    try:
        return any(name.startswith(wanted.name) for name in recorded) or bool(load(wanted.name).targets(Host()))
    except Exception:
        return True  # the check itself says what is wrong


def _cached(at: float, wanted: Wanted) -> checkmk.Cached:
    return checkmk.Cached(int(at), wanted.interval)


def render(configuration: Configuration, results: list[Result], problems: list[str]) -> list[str]:
    """All the lines that the plugin prints."""
    lines: list[str] = []
    if configuration.mode != LOCAL:
        about = {
            "format": checkmk.FORMAT,
            "version": __version__,
            "checks": [result.outcome.check for result in results],
            "problems": problems,
        }
        lines += [checkmk.header(checkmk.AGENT), checkmk.document(about)]
        for name, reason in configuration.broken:
            lines += checkmk.error_section(checkmk.PREFIX + name, reason)
        for result in results:
            lines += checkmk.section(
                result.outcome, naming(result.outcome.check), __version__, result.at, result.cached
            )
    if configuration.mode != SECTIONS:
        lines += [checkmk.header("local"), about_local(results, problems)]
        for name, reason in configuration.broken:
            lines += checkmk.local(Outcome(name, UNKNOWN, reason), naming(name))
        for result in results:
            lines += checkmk.local(result.outcome, naming(result.outcome.check), result.cached)
    return lines


def naming(name: str) -> checkmk.Naming:
    """What the services of a check are called."""
    plugin = load(name)
    return checkmk.Naming(plugin.called or name.replace("_", " ").capitalize(), plugin.whole)


def about_local(results: list[Result], problems: list[str]) -> str:
    """The line that speaks of the plugin itself."""
    names = ", ".join(result.outcome.check for result in results) or "nothing to look at here"
    text = "; ".join([*problems, f"version {__version__}: {names}"])
    return checkmk.local_line(WARNING if problems else OK, checkmk.AGENT_SERVICE, [], text, [])


def main(binaries: str = "") -> NoReturn:
    """Print everything and exit with 0. ``binaries``: the directory of the commands of this installation, if any."""
    prepare_process()
    sys.argv = [os.path.join(binaries, "undergoal")]  # what a check prints to be pasted names a command of these
    confdir = os.environ.get("MK_CONFDIR") or CONFDIR
    now = time.time()
    configuration = Configuration()

    def give_up(reason: str) -> NoReturn:
        finish(failure(configuration, f"{reason} after {time.time() - now:.0f} s"))

    try:
        text, problem = read_config(confdir)
        configuration = configure(text)
        answer_signals(give_up)
        start_alarm(Deadline(configuration.timeout))
        problems = [problem] if problem else []
        problems += [printable(f"{CONFIG}: {reason}", _REASON_MAX) for reason in configuration.problems]
        lines = render(configuration, run(configuration, now), problems)
    except Exception as error:
        lines = failure(configuration, unforeseen(error, "running the checks"))
    finish(lines)


def failure(configuration: Configuration, reason: str) -> list[str]:
    """The lines of a run that came to nothing, for whoever reads them."""
    lines = checkmk.error_section(checkmk.AGENT, reason)
    if configuration.mode != SECTIONS:
        lines += [checkmk.header("local"), checkmk.local_line(UNKNOWN, checkmk.AGENT_SERVICE, [], reason, [])]
    return lines


def finish(lines: list[str]) -> NoReturn:
    """Write these lines and exit with 0, whatever becomes of them."""
    kill_all()
    output = "\n".join(lines).encode("utf-8", "replace") + b"\n"
    try:
        while output:
            output = output[os.write(1, output) :]
    finally:
        os._exit(0)
