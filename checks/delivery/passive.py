"""undergoal passive: one line and one status per check, as check_by_ssh's passive mode reads them (-O FILE -s a:b:c).

check_by_ssh takes one line of text, then "STATUS CODE: n", for each service in turn; a result of two lines or none
would shift all that follow. So there is exactly one answer per name, also for what does not apply here.
"""

from __future__ import annotations

from checks.batch import Batch, Done
from checks.frame.command import answer_questions, common_options, refuse, write_and_exit
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.options import Option, UsageError, parse, seconds
from checks.jobs import jobs_of, split_arguments
from perfdata import nagios
from perfdata.outcome import OK, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

_PROGRAM = "undergoal passive"
_DESCRIPTION = (
    "Runs checks in one process and prints for each one line, then its status, as the\n"
    "passive mode of check_by_ssh reads them: one login serves all checks of a host.\n"
    "Exactly one result for each CHECK, in this order; without a CHECK for all that\n"
    "apply here. A CHECK may have options of its own: 'moosefs -H mfsmaster -w 5'."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal passive docker_bridge moosefs cephfs\n"
    "  undergoal passive 'moosefs -H mfsmaster --only chunks' docker_bridge\n"
    "  check_by_ssh -H HOST -n HOST -O FILE -s docker_bridge:moosefs \\\n"
    "    -C 'undergoal passive docker_bridge moosefs #' -C :\n\n"
    "Exit codes: 0 every result was printed, whatever it is; 3 wrong options (also\n"
    "--help and --version)."
)


def shared_options() -> list[Option]:
    """Those of every command that runs many checks."""
    common = {option.flags[-1]: option for option in common_options(0)}
    return [
        common["--help"],
        common["--version"],
        Option(
            ("-t", "--timeout"),
            "what is not there within this time is UNKNOWN (default: as long as the checks' own limits)",
            "SECONDS",
            seconds(0.1, 3600),
        ),
        common["--no-history"]._replace(group=""),
        common["--state-dir"]._replace(group=""),
    ]


def more_words(settings: SimpleNamespace) -> list[str]:
    """The options that are passed on to every check."""
    words = ["--no-history"] if settings.no_history else []
    return words + (["--state-dir", settings.state_dir] if settings.state_dir else [])


def stream(done: list[Done]) -> bytes:
    """What check_by_ssh reads."""
    return b"".join(b"%s\nSTATUS CODE: %d\n" % (one.rendered, one.state) for one in done)


def first_line(outcome: Outcome) -> bytes:
    """The line that all readers keep."""
    return nagios.render(outcome).partition(b"\n")[0]


def main(arguments: list[str]) -> NoReturn:
    """The command "undergoal passive"; ends the process."""
    options = shared_options()
    answer_questions(arguments, f"{_PROGRAM} [CHECK ...]", _DESCRIPTION, _EPILOG, options)
    try:
        words, names = split_arguments(options, arguments)
        settings = parse(options, words)
        jobs = jobs_of(names, more_words(settings))
    except UsageError as error:
        refuse(_PROGRAM, error)
    batch = Batch(jobs, first_line)
    answer_signals(lambda reason: write_and_exit(stream(batch.answers(reason)), OK))
    if settings.timeout:
        start_alarm(Deadline(settings.timeout + 1))
    done = batch.run(settings.timeout or float("inf"))
    write_and_exit(stream([one for one in done if names or one.applies]), OK)
