"""undergoal submit: runs checks and hands their results to an engine that did not ask for them."""

from __future__ import annotations

import os
import time

from checks.batch import Batch
from checks.delivery.passive import asked_for, shared_options
from checks.delivery.results import Result, Undelivered, as_result, deliver
from checks.frame.command import answer_questions, refuse, write_and_exit
from checks.frame.deadline import answer_signals
from checks.frame.options import Option, UsageError, seconds
from checks.frame.printable import printable
from perfdata import nagios
from perfdata.outcome import BY_SEVERITY, OK, STATE_WORDS, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

    from checks.delivery.results import Target

_PROGRAM = "undergoal submit"
_DESCRIPTION = (
    "Runs checks as undergoal passive does, and submits each result as a passive one:\n"
    "through Icinga's API, Nagios' command file or Nagios' spool. Without a CHECK all\n"
    "that apply here. [SERVICE=]CHECK names the service if it is not called like the\n"
    "check. What could not be submitted is tried again, then named; never is a result\n"
    "submitted twice."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal submit --icinga https://master:5665 --ca ca.crt \\\n"
    "    --credentials /etc/undergoal/icinga docker_bridge cephfs\n"
    "  undergoal submit --nagios-cmd /var/lib/nagios4/rw/nagios.cmd\n"
    "  undergoal submit --spool /var/lib/nagios4/spool/checkresults \\\n"
    "    'mfs=moosefs -H mfsmaster'\n\n"
    "Exit codes: 0 all results were submitted, whatever they are; 3 not all of them\n"
    "(also --help, --version and wrong options)."
)
_UNSENT_SHOWN = 5
_PLAIN = set("\n\r\t;!\0")  # what a name must not hold: it ends a field in Nagios, or a part of a name in Icinga


def _file(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError("needs a path")
    return os.path.abspath(text)


def _url(text: str) -> str:
    from checks.delivery.icinga_api import api_url

    return api_url(text)


def _options() -> list[Option]:
    icinga = "Icinga's API"
    return [
        Option(("--icinga",), "submit through this API, such as https://master:5665", "URL", _url, ""),
        Option(("--nagios-cmd",), "submit through this command file", "FILE", _file, ""),
        Option(("--spool",), "submit through this directory of check results", "DIR", _file, ""),
        Option(("--host",), "what the engine calls this host (default: its name)", "NAME", default=""),
        Option(("--within",), "give up submitting after this time (default 60s)", "TIME", seconds(0.1, 86400), 60.0),
        Option(("-v", "--verbose"), "a line for each result", repeat=True),
        Option(
            ("--credentials",),
            "a file with one line USER:PASSWORD that nobody else can read (default: $UNDERGOAL_CREDENTIALS)",
            "FILE",
            _file,
            "",
            group=icinga,
        ),
        Option(("--ca",), "certificates that sign Icinga's (default: the system's)", "FILE", _file, "", group=icinga),
        Option(("--cert",), "a client certificate instead of a password", "FILE", _file, "", group=icinga),
        Option(("--key",), "its key, which nobody else can read", "FILE", _file, "", group=icinga),
        *shared_options(),
    ]


def _target(settings: SimpleNamespace, host: str) -> Target:
    """Where the results go. Raises UsageError."""
    chosen = [name for name in ("icinga", "nagios_cmd", "spool") if getattr(settings, name)]
    if len(chosen) != 1:
        raise UsageError("needs one of --icinga URL, --nagios-cmd FILE and --spool DIR")
    if chosen != ["icinga"]:
        from checks.delivery.nagios_files import CommandFile, Spool

        return CommandFile(settings.nagios_cmd) if settings.nagios_cmd else Spool(settings.spool)
    from checks.delivery.secrets import NoCredentials, check_private, credentials

    if bool(settings.cert) != bool(settings.key):
        raise UsageError("options --cert and --key belong together")
    try:
        login = credentials(settings.credentials)
        if settings.key:
            check_private(settings.key)
    except NoCredentials as error:
        raise UsageError(str(error)) from None
    if login is None and not settings.cert:
        raise UsageError("option --icinga: needs --credentials FILE, $UNDERGOAL_CREDENTIALS, or --cert and --key")
    for path in (settings.ca, settings.cert):
        if path and not os.path.exists(path):
            raise UsageError(f"there is no file {path}")
    try:
        from checks.delivery.icinga_api import IcingaApi
    except ImportError as error:
        raise UsageError(f"option --icinga: needs requests ({error})") from None
    return IcingaApi(
        settings.icinga, login, settings.ca, (settings.cert, settings.key) if settings.cert else None, host
    )


def _summary(target: Target, results: list[Result], failed: list[Undelivered], verbose: bool) -> str:
    """What was submitted, and what was not."""
    sent = len(results) - len(failed)
    counts = [(STATE_WORDS[s], sum(1 for result in results if result.state == s)) for s in BY_SEVERITY]
    states = ", ".join(f"{count} {word}" for word, count in counts if count)
    where = printable(target.name, 100)
    if not failed:
        lines = [f"OK - undergoal submit: {sent} results ({states or 'nothing applies here'}) to {where}"]
    else:
        lines = [f"UNKNOWN - undergoal submit: {len(failed)} of {len(results)} results not submitted to {where}"]
    shown = failed if verbose else failed[:_UNSENT_SHOWN]
    lines += [f"not submitted: {printable(one.result.service)}: {printable(one.reason, 200)}" for one in shown]
    if len(shown) < len(failed):
        lines.append(f"... and {len(failed) - len(shown)} more")
    if verbose:
        unsent = {one.result for one in failed}
        told = [result for result in results if result not in unsent]
        lines += [f"submitted: {printable(result.service)}: {result.text.partition(chr(10))[0]}" for result in told]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> NoReturn:
    """The command "undergoal submit"; ends the process."""
    options = _options()
    answer_questions(arguments, f"{_PROGRAM} [CHECK ...]", _DESCRIPTION, _EPILOG, options)
    try:
        settings, jobs, named = asked_for(options, arguments)
        host = settings.host or os.uname().nodename
        services = [job.service for job in jobs]
        for name in (host, *services):
            if _PLAIN & set(name):
                raise UsageError(f"'{printable(name)}' is no name for a host or service")
        if len(set(services)) < len(services):
            raise UsageError("two results for one service: name them, SERVICE=CHECK")
        target = _target(settings, host)
    except UsageError as error:
        refuse(_PROGRAM, error)
    answer_signals(
        lambda reason: write_and_exit(f"UNKNOWN - {_PROGRAM}: {reason}; not all was submitted\n".encode(), UNKNOWN)
    )
    started = time.time(), time.monotonic()
    done = Batch(jobs, nagios.render).run(settings.timeout or float("inf"))
    now = started[0] + time.monotonic() - started[1]
    results = [as_result(one, host, now) for one in done if named or one.applies]
    failed = deliver(results, target, settings.within)
    write_and_exit(_summary(target, results, failed, bool(settings.verbose)).encode(), UNKNOWN if failed else OK)
