"""undergoal.cfg, the configuration of the agent plugin: lines KEY=VALUE, and what is wrong with them.

- mode: sections (default), local, or both
- timeout: seconds for everything (default 25)
- CHECK: on, off, or auto (default): where there is something to look at
- CHECK_options: the options of check_CHECK, quoted as for a shell
- CHECK_interval: seconds; it is run so rarely, and its last result shown meanwhile
- installation: where undergoal is, if not at a usual place (read by undergoal.py itself)
"""

from __future__ import annotations

from checks import CHECKS, load
from checks.frame.command import all_options
from checks.frame.options import UsageError, parse
from perfdata.record import Record

SECTIONS, LOCAL, BOTH = MODES = ("sections", "local", "both")
ON, OFF, AUTO = WHEN = ("on", "off", "auto")
TIMEOUT = 25.0  # seconds; agents are asked once a minute
_TIMEOUTS = (3, 3600)
_RESERVE = 2.0  # of them, for starting, writing, and what has to be killed
_INTERVALS = (1, 7 * 86400)
_BY_HAND = ("help", "version", "accept", "state_user")


class Wanted(Record):
    """One check as it is to be run."""

    name: str
    when: str
    options: str
    interval: int  # seconds between two runs; 0: at every call
    words: tuple[str, ...]  # of its command line


class Configuration(Record):
    """What is to be done, and what could not be understood."""

    mode: str = SECTIONS
    timeout: float = TIMEOUT
    checks: tuple[Wanted, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()  # (check, what is wrong with its options)
    problems: tuple[str, ...] = ()


def parse_lines(text: str) -> tuple[dict[str, str], list[str]]:
    """Values by key, and the lines that are none. Comments begin with "#"; quotes around a value are not part of it."""
    found: dict[str, str] = {}
    problems = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not key:
            problems.append(f"line {number} is not KEY=VALUE")
            continue
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[key] = value
    return found, problems


def configure(text: str) -> Configuration:
    """The configuration that a file's text describes; what is wrong in it is named, and the rest is done."""
    keys, problems = parse_lines(text)
    keys.pop("installation", None)
    mode = _choice(keys, "mode", MODES, SECTIONS, problems)
    timeout = _number(keys, "timeout", _TIMEOUTS, TIMEOUT, problems)
    wanted, broken = [], []
    for name in CHECKS:
        when = _choice(keys, name, WHEN, AUTO, problems)
        interval = int(_number(keys, f"{name}_interval", _INTERVALS, 0, problems))
        options = keys.pop(f"{name}_options", "")
        if when == OFF:
            continue
        try:
            words = _words(name, options, timeout - _RESERVE)
        except (UsageError, ValueError) as error:
            broken.append((name, f"{name}_options: {error}"))
            continue
        wanted.append(Wanted(name, when, options, interval, words))
    problems += [f"unknown key {key}" for key in keys]
    problems += [reason for _, reason in broken]
    return Configuration(mode, timeout, tuple(wanted), tuple(broken), tuple(problems))


def _words(name: str, options: str, seconds: float) -> tuple[str, ...]:
    """The command line of a check that has at most so long. Raises UsageError, or ValueError for unmatched quotes."""
    words = []
    if options:
        import shlex

        words = shlex.split(options)
    settings = parse(all_options(load(name)), words)
    for setting in _BY_HAND:
        if getattr(settings, setting):
            raise UsageError(f"option --{setting.replace('_', '-')} is for runs by hand")
    return (*words, "--timeout", f"{seconds:g}") if settings.timeout > seconds else tuple(words)


def _choice(keys: dict[str, str], key: str, choices: tuple[str, ...], default: str, problems: list[str]) -> str:
    value = keys.pop(key, default)
    if value in choices:
        return value
    problems.append(f"{key}={value} is none of {', '.join(choices)}")
    return default


def _number(keys: dict[str, str], key: str, limits: tuple[int, int], default: float, problems: list[str]) -> float:
    text = keys.pop(key, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and limits[0] <= int(text) <= limits[1]:
        return int(text)
    problems.append(f"{key}={text} is not a number of seconds from {limits[0]} to {limits[1]}")
    return default
