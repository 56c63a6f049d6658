"""undergoal prometheus: metrics of all checks, for node_exporter's textfile collector or for standard output."""

from __future__ import annotations

import os
import time

from checks.batch import Batch
from checks.delivery.passive import asked_for, shared_options
from checks.frame.command import answer_questions, refuse, write_and_exit
from checks.frame.deadline import answer_signals
from checks.frame.options import Option, UsageError
from checks.frame.printable import printable
from perfdata import as_json, prometheus
from perfdata.outcome import OK, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_PROGRAM = "undergoal prometheus"
_DESCRIPTION = (
    "Runs checks as undergoal passive does and writes their verdicts and numbers in\n"
    "Prometheus' text format. Without a CHECK all that apply here. With --output the\n"
    "file is replaced as a whole, so that nobody reads half of one."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal prometheus\n"
    "  undergoal prometheus \\\n"
    "    --output /var/lib/prometheus/node-exporter/undergoal.prom\n"
    "  undergoal prometheus 'mfs=moosefs -H mfsmaster' docker_bridge\n\n"
    "Exit codes: 0 written, whatever the checks say; 3 not written (also --help,\n"
    "--version and wrong options)."
)


def _file(text: str) -> str:
    if not text or "\0" in text or text.endswith("/"):
        raise ValueError("needs a file")
    return os.path.abspath(text)


def replace(path: str, content: bytes) -> None:
    """Put ``content`` in the place of a file, all at once, readable by everybody. Raises OSError.

    The name it has until then begins with a dot and does not end in .prom: node_exporter does not look at it.
    """
    directory, name = os.path.split(path)
    new = os.path.join(directory, f".{name}.{os.getpid()}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            while content:
                content = content[os.write(handle, content) :]
            os.fchmod(handle, 0o644)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise


def main(arguments: list[str]) -> NoReturn:
    """The command "undergoal prometheus"; ends the process."""
    options = [Option(("--output",), "replace this file instead of writing to stdout", "FILE", _file, "")]
    options += shared_options()
    answer_questions(arguments, f"{_PROGRAM} [CHECK ...]", _DESCRIPTION, _EPILOG, options)
    try:
        settings, jobs, named = asked_for(options, arguments)
        if len({job.service for job in jobs}) < len(jobs):
            raise UsageError("two checks of one name: name them, SERVICE=CHECK")
    except UsageError as error:
        refuse(_PROGRAM, error)
    answer_signals(
        lambda reason: write_and_exit(f"UNKNOWN - {_PROGRAM}: {reason}; nothing written\n".encode(), UNKNOWN)
    )
    done = Batch(jobs, lambda outcome: as_json.render([outcome])).run(settings.timeout or float("inf"))
    found = [
        prometheus.Examined(one.job.service, as_json.parse_all(one.rendered)[0], one.seconds)
        for one in done
        if named or one.applies
    ]
    content = prometheus.render(found, time.time())
    if not settings.output:
        write_and_exit(content, OK)
    try:
        replace(settings.output, content)
    except OSError as error:
        line = printable(f"UNKNOWN - {_PROGRAM}: {settings.output} not written: {error.strerror}", 300)
        write_and_exit(line.encode() + b"\n", UNKNOWN)
    write_and_exit(b"", OK)
