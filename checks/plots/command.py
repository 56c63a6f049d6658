"""From the words after "undergoal history" to one write, or one file, and an exit code."""

from __future__ import annotations

import os
import signal

from checks import CHECKS, load
from checks.frame.command import answer_questions, become, some_options, unforeseen, write_and_exit
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, parse
from checks.frame.printable import printable
from checks.plots.recordings import NothingRecorded
from perfdata.outcome import OK, UNKNOWN
from perfdata.svg_plot import svg
from perfdata.terminal_plot import ASCII, UNICODE, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

    from checks.frame.plugin import Plugin
    from checks.plots.picture import Picture

_PROGRAM = "undergoal history"
_TIMEOUT = 20.0
_HOURS_MAX = 366 * 24
_LINE_MAX = 400
_DESCRIPTION = (
    "Plots what CHECK recorded: one plot per item, the part to the right of now shows\n"
    "when the work will be done, or the limit reached, at the present rate. The\n"
    "history is only read."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal history docker_bridge\n"
    "  undergoal history docker_bridge --item docker0 --hours 72\n"
    "  undergoal history moosefs --target mfsmaster:9421 --measure held_by_marked\n"
    "  undergoal history docker_bridge --state-user nagios --svg - > ports.svg\n\n"
    "Exit codes: 0 plotted, 3 nothing to plot or not all of it (also --help,\n"
    "--version and wrong options)."
)


class _Stopped(BaseException):
    """A signal came, or time is up; the reason is the text."""


def _hours(text: str) -> float:
    from checks.frame.ranges import number

    value = number(text, "")
    if not 0 < value <= _HOURS_MAX:
        raise ValueError(f"'{text}' is not between 0 and {_HOURS_MAX}")
    return float(value)


def _options() -> list[Option]:
    *common, directory, user = some_options("--help", "--version", "--state-dir", "--state-user")
    return [
        *common,
        Option(
            ("-H", "--target"),
            "only histories whose target holds this, such as mfsmaster:9421 (repeatable; default: all, one after the"
            " other)",
            "TEXT",
            repeat=True,
        ),
        Option(("--measure",), "what to plot (default: the check's most telling one)", "NAME"),
        Option(
            ("--item",),
            "only this item (repeatable; default: at most 8, those with the highest values)",
            "NAME",
            repeat=True,
        ),
        Option(("--hours",), "how far back (default 24)", "N", _hours, 24.0),
        Option(("--svg",), "write an SVG instead, - to stdout", "FILE"),
        directory._replace(group=""),
        user._replace(group="", help="for root: read the history of this user's runs, as this user"),
    ]


def _settings(arguments: list[str]) -> tuple[Plugin, SimpleNamespace]:
    """The check and the options; --help and --version end here. Raises UsageError."""
    options = _options()
    answer_questions(arguments, f"{_PROGRAM} CHECK", _DESCRIPTION, _EPILOG, options)
    known = ", ".join(CHECKS)
    if not arguments or arguments[0].startswith("-"):
        raise UsageError(f"the name of a check comes first ({known})")
    name = arguments[0].removeprefix("check_")
    if name not in CHECKS:
        raise UsageError(f"there is no check {arguments[0]} ({known})")
    settings = parse(options, arguments[1:])
    if settings.svg == "":
        raise UsageError("option --svg: needs a file, or - for stdout")
    return load(name), settings


def _in_terminal(picture: Picture) -> bytes:
    watched = os.isatty(1)
    kind = os.environ.get("TERM", "")
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    # the console of the kernel has no braille
    rich = watched and kind not in ("", "dumb", "linux") and "UTF8" in locale.upper().replace("-", "")
    coloured = watched and kind not in ("", "dumb") and not os.environ.get("NO_COLOR")
    width = (os.get_terminal_size(1).columns or 80) if watched else 80
    blocks = [terminal(plot, width, UNICODE if rich else ASCII, coloured) for plot in picture.plots]
    return "\n".join([*blocks, "".join(f"{note}\n" for note in picture.notes)] if picture.notes else blocks).encode()


def _write_file(name: str, content: bytes, umask: int) -> None:
    """Replace the file at once, or leave it as it was. Raises OSError."""
    path = name.encode("utf-8", "surrogateescape")
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
        raise OSError(22, "is not a regular file (- is stdout)")  # as root even /dev/stdout could be replaced
    beside = os.path.join(os.path.dirname(path), b".undergoal-%d.svg" % os.getpid())
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o666 & ~umask)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _as_svg(plugin: Plugin, picture: Picture, path: str, umask: int) -> tuple[bytes, int]:
    """What goes to stdout, and the exit code."""
    content = svg(picture.plots, f"{_PROGRAM} {plugin.name}", (*picture.notes, *picture.problems)).encode()
    if path == "-":
        return content, UNKNOWN if picture.problems else OK
    try:
        _write_file(path, content, umask)
    except OSError as error:
        return _complaints([f"{path}: {error.strerror}"]), UNKNOWN
    lines = [f"{plot.title}: {plot.sentence}" for plot in picture.plots]
    lines += [*picture.notes, f"written to {printable(path, _LINE_MAX)}"]
    return ("\n".join(lines) + "\n").encode() + _complaints(picture.problems), UNKNOWN if picture.problems else OK


def _complaints(problems: list[str]) -> bytes:
    lines = [f"UNKNOWN - {_PROGRAM}: {printable(problem, _LINE_MAX)}\n" for problem in problems]
    return "".join(lines).encode()


def answer(plugin: Plugin, settings: SimpleNamespace, umask: int) -> tuple[bytes, int]:
    """What goes to stdout, and the exit code. Raises UsageError for a user that nobody can become."""
    try:  # a Python without sqlite3 has no history, and another user may not read what is not yet imported
        from checks.plots.picture import collect

        if settings.state_user:
            become(settings.state_user)
        picture = collect(plugin, settings, Host().clock())
    except (NothingRecorded, ImportError) as error:
        return _complaints([str(error)]), UNKNOWN
    if not picture.plots:
        return _complaints(picture.problems + picture.notes), UNKNOWN
    if settings.svg:
        return _as_svg(plugin, picture, settings.svg, umask)
    return _in_terminal(picture) + _complaints(picture.problems), UNKNOWN if picture.problems else OK


def main(arguments: list[str], umask: int) -> NoReturn:
    """The command, with the words after "undergoal history" and the umask of the user."""
    try:
        plugin, settings = _settings(arguments)
    except UsageError as error:
        write_and_exit(_complaints([f"{error}; see {_PROGRAM} --help"]), UNKNOWN)
    deadline = Deadline(_TIMEOUT)
    deadline.stage = "reading the history"

    def stop(reason: str) -> NoReturn:
        raise _Stopped(reason)  # past the place that removes a file half written

    answer_signals(stop)
    start_alarm(deadline)
    try:
        output, code = answer(plugin, settings, umask)
        signal.setitimer(signal.ITIMER_REAL, 0)  # a reader that pages may take its time
        answer_signals(lambda _: write_and_exit(b"", UNKNOWN))
    except UsageError as error:
        output, code = _complaints([f"{error}; see {_PROGRAM} --help"]), UNKNOWN
    except _Stopped as reason:
        output, code = _complaints([str(reason)]), UNKNOWN
    except Exception as error:
        output, code = _complaints([unforeseen(error, deadline.stage)]), UNKNOWN
    write_and_exit(output, code)
