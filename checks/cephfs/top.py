"""undergoal cephfs-top: which directories grow right now, for the person who looks for who fills the file system."""

from __future__ import annotations

import json
import os
import select
import time
from errno import EOPNOTSUPP

from checks.cephfs.growers import Grower, Walk
from checks.cephfs.reading import NOT_CEPHFS
from checks.cephfs.statistics import Directory, NoStatistics
from checks.frame import bounded
from checks.frame.command import answer_questions, refuse, some_options, write_and_exit
from checks.frame.deadline import answer_signals
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, parse, seconds
from checks.frame.printable import printable
from perfdata.numbers import size
from perfdata.outcome import OK, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

_PROGRAM = "undergoal cephfs-top"
_DESCRIPTION = (
    "Which directories below PATH grow or shrink right now: two samples of CephFS'\n"
    "recursive statistics, going down only where something was written meanwhile."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal cephfs-top /mnt/ceph\n"
    "  undergoal cephfs-top /mnt/ceph/home --interval 1min --lines 50\n\n"
    "Exit codes: 0 shown, 3 the path could not be read (also --help, --version and\n"
    "wrong options)."
)
_ANSWER_MAX = 32 << 20
_LINES_MAX = 1000
_UNREAD_SHOWN = 5


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _LINES_MAX):
        raise ValueError(f"'{text}' is not between 1 and {_LINES_MAX}")
    return int(text)


def _threads(text: str) -> int:
    if text not in [str(number) for number in range(1, 65)]:
        raise ValueError(f"'{text}' is not between 1 and 64")
    return int(text)


def _options() -> list[Option]:
    return [
        *some_options("--help", "--version"),
        Option(
            ("-i", "--interval"),
            "between the samples; statistics reach the top after some seconds (default 10s)",
            "TIME",
            seconds(0.1, 3600),
            10.0,
        ),
        Option(("-n", "--lines"), "at most so many directories (default 20)", "N", _lines, 20),
        Option(("--threads",), "so many directories are read at a time (default 8)", "N", _threads, 8),
        Option(
            ("-t", "--timeout"),
            "give up after this time beyond the two intervals (default 60s)",
            "TIME",
            seconds(0.1, 86400),
            60.0,
        ),
    ]


def _help(path: str, settings: SimpleNamespace) -> bytes:
    """In the helper: everything that touches the file system."""
    from concurrent.futures import ThreadPoolExecutor

    def tell(*words: object) -> None:
        bounded.say(json.dumps(words).encode() + b"\n")

    with ThreadPoolExecutor(settings.threads) as pool:
        walk = Walk(Host(), pool.map, lambda text: tell("progress", text))
        try:
            growers = walk.growers(path, settings.interval)
        except OSError as error:
            words = NOT_CEPHFS if error.errno == EOPNOTSUPP else error.strerror or "cannot be read"
            return json.dumps(["failed", words]).encode() + b"\n"
        except NoStatistics:
            return json.dumps(["failed", NOT_CEPHFS]).encode() + b"\n"
    for grower in growers[: settings.lines]:
        tell("grower", *grower[:-1], *grower.found)
    tell("done", len(growers), walk.looked_at, sorted(walk.unread.items())[:_UNREAD_SHOWN], len(walk.unread))
    return b""


class _Screen:
    """Progress on a terminal, and nothing where nobody watches."""

    def __init__(self) -> None:
        self._watched = os.isatty(2) and os.environ.get("TERM", "") not in ("", "dumb")

    def show(self, text: str) -> None:
        """Replace the line of progress; "" removes it."""
        if self._watched:
            os.write(2, f"\r\033[K{printable(text, 78)}".encode())


def _await(child: bounded.Child, limit: float, screen: _Screen) -> list[list[object]]:
    """All lines of the helper. Raises HelperTimeout, HelperOverflow."""
    end = time.monotonic() + limit
    shown = closed = 0
    try:
        while not (closed and child.exited()):
            left = end - time.monotonic()
            if left <= 0:
                raise bounded.HelperTimeout(f"no answer within {limit:.0f} s")
            if closed:
                time.sleep(0.005)
            elif select.select([child.pipe], [], [], min(left, 0.5))[0]:
                closed = child.read()
            complete = child.output.rfind(b"\n") + 1
            for line in child.output[shown:complete].splitlines():
                kind, *words = json.loads(line)
                if kind == "progress":
                    screen.show(str(words[0]))
            shown = complete
    finally:
        screen.show("")
        child.abandon()
    return [json.loads(line) for line in child.output.splitlines()]


def _table(path: str, settings: SimpleNamespace, said: list[list[object]]) -> tuple[str, int]:
    """The answer, and the exit code."""
    growers, end = [], None
    for kind, *words in said:
        if kind == "failed":
            return f"UNKNOWN - {_PROGRAM}: {printable(path)}: {words[0]}\n", UNKNOWN
        if kind == "grower":
            growers.append(Grower(words[0], words[1], words[2], Directory(*words[3:])))  # type: ignore[arg-type]
        elif kind == "done":
            end = words
    if end is None:
        return f"UNKNOWN - {_PROGRAM}: its helper failed\n", UNKNOWN
    active, looked_at, unread, unread_count = end
    lines = []
    if growers:
        lines.append(f"{'GROWTH':>13} {'FILES':>9} {'SIZE':>10}  PATH")
    for grower in growers:
        growth = f"{size(grower.bytes_per_second * 60)}/min"
        files = f"{grower.files_per_second * 60:+.0f}/min"
        lines.append(f"{growth:>13} {files:>9} {size(grower.found.rbytes):>10}  {printable(grower.path)}")
    if not growers:
        lines.append(f"nothing was written below {printable(path)} within {settings.interval:g} s")
    lines.append(f"{active} active directories, {looked_at} reads")
    if isinstance(unread, list) and unread:
        lines.append(f"not read: {unread_count}")
        lines += [f"  {printable(str(place))}: {printable(str(reason))}" for place, reason in unread]
    return "\n".join(lines) + "\n", OK


def main(arguments: list[str]) -> NoReturn:
    """The command, with the words after "cephfs-top"."""
    options = _options()
    answer_questions(arguments, f"{_PROGRAM} PATH", _DESCRIPTION, _EPILOG, options)
    try:
        if not arguments or not arguments[0].startswith("/"):
            raise UsageError("an absolute path comes first")
        path = "/" + "/".join(part for part in arguments[0].split("/") if part not in ("", "."))
        settings = parse(options, arguments[1:])
    except UsageError as error:
        refuse(_PROGRAM, error)
    answer_signals(lambda reason: write_and_exit(f"UNKNOWN - {_PROGRAM}: {reason}\n".encode(), UNKNOWN))
    try:
        child = bounded.start(lambda: _help(path, settings), _ANSWER_MAX)
        said = _await(child, 2 * settings.interval + settings.timeout, _Screen())
    except (bounded.HelperTimeout, bounded.HelperOverflow) as error:
        write_and_exit(printable(f"UNKNOWN - {_PROGRAM}: {path}: {error}", 160).encode() + b"\n", UNKNOWN)
    text, code = _table(path, settings, said)
    write_and_exit(text.encode(), code)
