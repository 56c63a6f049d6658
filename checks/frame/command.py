"""From the command line to one write and an exit code: what every check_* does around its own work."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

from checks import __version__
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.history import History, Shelf, lock_file, not_saved, open_history, save_history
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, absolute_path, asks_for, help_text, parse, seconds
from checks.frame.plugin import NothingHere, Plugin, Run
from checks.frame.printable import one_line, printable
from checks.frame.probe import conclude, threshold_options
from perfdata import nagios
from perfdata.outcome import OK, UNKNOWN, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

HELP, VERSION = ("-h", "--help"), ("-V", "--version")
_TIMEOUT_MAX = 3600
_WRAP_UP = 0.1  # share of the time kept for judging and writing when a helper does the reading
_EXIT_CODES = "Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (also --help, wrong options)."


def _absolute(text: str) -> str:
    return os.path.normpath(absolute_path(text))


def common_options(timeout: float) -> list[Option]:
    """The options of every check."""
    state = "history and baselines"
    return [
        Option(HELP, "show this and exit with 3"),
        Option(VERSION, "show the version and exit with 3"),
        Option(
            ("-v", "--verbose"),
            "more lines: per item, and what could not be seen (-vv: also why history is missing)",
            repeat=True,
        ),
        Option(
            ("-t", "--timeout"),
            f"answer within this time, else UNKNOWN (default {timeout:g}s)",
            "SECONDS",
            seconds(0.1, _TIMEOUT_MAX),
            timeout,
        ),
        Option(
            ("--absent-ok",),
            "OK instead of UNKNOWN when there is nothing of this kind here, or nothing that a wildcard matches",
        ),
        Option(("--root",), "read a captured tree instead of this host", "DIR", _absolute, ""),
        Option(("--no-history",), "neither read nor write history: no rates, no baselines", group=state),
        Option(("--accept",), "take what is seen now as the new baseline", group=state),
        Option(
            ("--hold",),
            "report a change for this long unless accepted (default 24h)",
            "TIME",
            seconds(0, 366 * 86400),
            86400.0,
            group=state,
        ),
        Option(
            ("--state-dir",),
            "where history is kept (default: $STATE_DIRECTORY, $MK_VARDIR, /var/lib/undergoal/USER or"
            " ~/.local/state/undergoal)",
            "DIR",
            _absolute,
            group=state,
        ),
        Option(
            ("--state-user",),
            "for root: run as this user, so that --accept reaches the history of the scheduler's runs",
            "NAME",
            group=state,
        ),
    ]


def some_options(*names: str) -> list[Option]:
    """Of the options of every check those of these names: "--help"."""
    by_name = {option.flags[-1]: option for option in common_options(0)}
    return [by_name[name] for name in names]


def all_options(plugin: Plugin) -> list[Option]:
    """Thresholds, the check's own options, the common ones."""
    return [*threshold_options(plugin), *plugin.options(), *common_options(plugin.timeout)]


def write_and_exit(output: bytes, code: int) -> NoReturn:
    """The one write of a run; an engine that cannot be told gets 3. Children that still run are killed."""
    if "checks.frame.bounded" in sys.modules:
        sys.modules["checks.frame.bounded"].kill_all()
    try:
        while output:
            output = output[os.write(1, output) :]
    except OSError:
        code = UNKNOWN
    os._exit(code)


def command_line() -> list[str]:
    """The words of the command line as UTF-8, whatever the locale makes of them; other bytes survive as surrogates."""
    return [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]


def prepare_process() -> None:
    """Private files whatever the umask; and no file may become stdout.

    With stdout closed, the next file opened would be it, and the verdict would be written into that file.
    """
    os.umask(0o077)
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest free number: this one; writing to it fails


class Session:
    """One run of one check: what is known of it when it has to end early."""

    def __init__(self, plugin: Plugin, settings: SimpleNamespace, shelf: Shelf | None = None) -> None:
        self.plugin = plugin
        self.settings = settings
        self.shelf = shelf
        self.deadline = Deadline(settings.timeout)
        self.ready: Outcome | None = None  # the verdict, while its state is being saved

    def give_up(self, reason: str) -> NoReturn:
        """The answer when time is up or a signal came."""
        self.finish(self.last_words(reason))

    def last_words(self, reason: str) -> Outcome:
        """The verdict of a run that cannot go on: the one that was ready, or UNKNOWN with the stage it was in."""
        stage = one_line(f"{reason} after {self.deadline.spent():.1f} s while {self.deadline.stage}", 140)
        if self.ready is not None:
            return not_saved(self.ready, self.settings, stage)
        return Outcome(self.plugin.name, UNKNOWN, stage)

    def finish(self, outcome: Outcome) -> NoReturn:
        """Render, write, exit."""
        write_and_exit(nagios.render(outcome, self.settings.verbose), outcome.state)

    def outcome(self) -> Outcome:
        """Read, judge, save."""
        host = Host(self.settings.root, self.deadline)
        if host.captured:
            try:
                host.entries("/")
            except OSError as error:
                reason = f"cannot read the captured tree {printable(self.settings.root)}: {error.strerror}"
                return Outcome(self.plugin.name, UNKNOWN, reason)
        clock = host.clock()
        history = open_history(self.plugin, self.settings, host, clock, self.shelf)
        self.ready = outcome = self.verdict(Run(host, self.settings, clock, history.series))
        self.deadline.stage = "saving its state"
        if history == History():
            return outcome
        return save_history(history, self.settings, outcome, self.deadline)

    def verdict(self, run: Run) -> Outcome:
        """The check's verdict; what nobody foresaw is UNKNOWN with its place."""
        self.deadline.stage = "reading the host"
        try:
            return conclude(self.plugin, run)
        except NothingHere as nothing:
            state = OK if self.settings.absent_ok else UNKNOWN
            return Outcome(self.plugin.name, state, printable(str(nothing), 120), applies=False)
        except Exception as error:
            return Outcome(self.plugin.name, UNKNOWN, unforeseen(error, self.deadline.stage))

    def outcome_from_helper(self) -> Outcome:
        """The same in a child: a captured tree may lie on a file system that hangs."""
        from checks.frame import bounded
        from perfdata import as_json

        self.shelf = None  # it is this process's
        self.deadline.stage = f"reading {printable(self.settings.root)}"
        try:
            answer = bounded.call(
                lambda: as_json.render([self.outcome()]),
                self.deadline.left(_WRAP_UP * self.deadline.total),
                lock_file(self.plugin, self.settings, Host(self.settings.root)),
            )
            return as_json.parse_all(answer.output)[0]
        except bounded.HelperTimeout as error:
            return Outcome(self.plugin.name, UNKNOWN, f"{error}, {self.deadline.stage}")
        except (bounded.HelperOverflow, ValueError, LookupError, TypeError, OSError):
            return Outcome(self.plugin.name, UNKNOWN, f"the helper process failed, {self.deadline.stage}")


def unforeseen(error: Exception, stage: str) -> str:
    """One line for an error that nobody foresaw: where it happened, without the noise of a traceback."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        reason = f"the Python module {error.name} is not installed here"
    return printable(f"failed while {stage} at {place}: {reason}", 140)


def become(user: str) -> None:
    """Root becomes ``user`` for good. Raises UsageError when it cannot."""
    import pwd

    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise UsageError(f"option --state-user: there is no user {printable(user)}") from None
    if account.pw_uid == os.geteuid():
        return
    if os.geteuid() != 0:
        raise UsageError("option --state-user: only root can become another user")
    os.initgroups(user, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def answer_questions(arguments: list[str], synopsis: str, description: str, epilog: str, options: list[Option]) -> None:
    """End the process with --help or --version, if they are asked for. ``synopsis``: "undergoal history CHECK"."""
    if asks_for(arguments, HELP):
        write_and_exit(help_text(synopsis, description, epilog, options).encode(), UNKNOWN)
    if asks_for(arguments, VERSION):
        program = " ".join(word for word in synopsis.split() if word[0].islower())
        write_and_exit(f"{program} {__version__}\n".encode(), UNKNOWN)


def refuse(program: str, error: UsageError) -> NoReturn:
    """End the process with what is wrong in its command line."""
    line = printable(f"UNKNOWN - {program}: {error}; see {program} --help", nagios.LINE_TEXT_MAX)
    write_and_exit(line.encode() + b"\n", UNKNOWN)


def _settings(plugin: Plugin, program: str, arguments: list[str]) -> SimpleNamespace:
    options = all_options(plugin)
    epilog = f"Examples:\n{plugin.examples}\n\n{_EXIT_CODES}"
    answer_questions(arguments, program, plugin.description, epilog, options)
    settings = parse(options, arguments)
    if settings.accept and settings.no_history:
        raise UsageError("option --accept: there is nothing to accept with --no-history")
    if settings.state_user:
        become(settings.state_user)
    return settings


def main(plugin: Plugin) -> NoReturn:
    """Run ``plugin`` with the words of the command line."""
    prepare_process()
    program = f"check_{plugin.name}"
    try:
        settings = _settings(plugin, program, command_line())
    except UsageError as error:
        refuse(program, error)
    session = Session(plugin, settings)
    answer_signals(session.give_up)
    start_alarm(session.deadline)
    try:
        outcome = session.outcome_from_helper() if settings.root else session.outcome()
    except Exception as error:
        outcome = Outcome(plugin.name, UNKNOWN, unforeseen(error, session.deadline.stage))
    session.finish(outcome)
