"""undergoal passive: one line and one status per check, as check_by_ssh's passive mode reads them (-O FILE -s a:b:c).

check_by_ssh takes one line of text, then "STATUS CODE: n", for each service in turn; a result of two lines or none
would shift all that follow. So there is exactly one answer per name, also for what does not apply here.
"""

from __future__ import annotations

from checks.batch import Batch, Done
from checks.frame.command import answer_questions, refuse, some_options, write_and_exit
from checks.frame.deadline import Deadline, answer_signals, start_alarm
from checks.frame.options import Option, UsageError, parse, seconds
from checks.jobs import Job, jobs_of, split_arguments
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
    return [
        *some_options("--help", "--version"),
        Option(
            ("-t", "--timeout"),
            "what is not there within this time is UNKNOWN (default: as long as the checks' own limits)",
            "SECONDS",
            seconds(0.1, 3600),
        ),
        *(option._replace(group="") for option in some_options("--no-history", "--state-dir")),
    ]


def asked_for(options: list[Option], arguments: list[str]) -> tuple[SimpleNamespace, list[Job], bool]:
    """The settings, the checks to run, and whether they were named, so that all are told of. Raises UsageError."""
    words, names = split_arguments(options, arguments)
    settings = parse(options, words)
    passed_on = ["--no-history"] if settings.no_history else []
    passed_on += ["--state-dir", settings.state_dir] if settings.state_dir else []
    return settings, jobs_of(names, passed_on), bool(names)


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
        settings, jobs, named = asked_for(options, arguments)
    except UsageError as error:
        refuse(_PROGRAM, error)
    batch = Batch(jobs, first_line)
    answer_signals(lambda reason: write_and_exit(stream(batch.answers(reason)), OK))
    if settings.timeout:
        start_alarm(Deadline(settings.timeout + 1))
    done = batch.run(settings.timeout or float("inf"))
    write_and_exit(stream([one for one in done if named or one.applies]), OK)
