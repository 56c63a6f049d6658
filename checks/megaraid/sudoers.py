"""--sudoers: the rules that let this check ask, and nothing else.

Every argument is enumerated. What changes with a disk (its number, its slot) is a regular expression, which sudo knows
since 1.9.10; for older ones the wrapper in contrib/sudoers.d does the same. CWD= makes the tools work in a directory
of root's own: their logs follow symbolic links (sudo knows it since 1.9.3). TIMEOUT= ends what hangs: as root's process
it is out of the check's reach (since 1.8.20).
"""

from __future__ import annotations

import os
import re

from checks.frame.host import Host
from checks.megaraid.survey import DIRECTORY
from checks.megaraid.tools import (
    MEGACLI,
    SMARTCTL,
    STORCLI2,
    Tool,
    find,
    find_program,
    megacli_commands,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from checks.frame.plugin import Plugin

_PARTS = ("/call/eall/sall", "/call/sall", "/call/vall", "/call/fall")
_SMART = (
    r"^-j -x -d megaraid,[0-9]+ /dev/bus/[0-9]+$",
    r"^-j -x -n standby /dev/(sd[a-z]+|nvme[0-9]+)$",
    r"^-j --scan$",
)
_TIMEOUT = 60  # seconds; more than the check waits


def rules(tools: list[Tool], smartctl: str) -> list[str]:
    """The commands with their arguments, as sudoers wants them."""
    lines = []
    for tool in tools:
        if tool.family == MEGACLI:
            commands = [" ".join(words) for words in megacli_commands()]
            commands = [text for command in commands for text in (command, command.removesuffix(" -NoLog"))]
            lines += [f"{tool.path} {_escaped(command)}" for command in commands]
            lines.append(rf"{tool.path} ^-PD(Rbld|CpyBk) -ShowProg -PhysDrv\[[0-9]*:[0-9]+\] -a[0-9]+( -NoLog)?$")
            continue
        battery = ("/call/ep",) if tool.family == STORCLI2 else ("/call/cv", "/call/bbu")
        commands = [f"{path} show all" for path in ("/call", *_PARTS, *battery)]
        commands += [f"{path} show {what}" for path in _PARTS[:2] for what in ("rebuild", "copyback")]
        lines += [f"{tool.path} {command}{end}" for command in commands for end in (" nolog J", " J", "")]
    if smartctl:
        lines += [f"{smartctl} {pattern}" for pattern in _SMART]
    return [_patterned(line) for line in lines]


def _escaped(text: str) -> str:
    return "".join("\\" + c if c in ",:=\\" else c for c in text)


def _patterned(line: str) -> str:
    """A regular expression with what sudoers would take for its own syntax escaped."""
    program, caret, pattern = line.partition(" ^")
    return f"{program} ^{re.sub('([,:=])', lambda m: chr(92) + m[1], pattern)}" if caret else line


def document(user: str, tools: list[Tool], smartctl: str, wrapper: str = "") -> str:
    """The whole file."""
    lines = [
        f"# What check_megaraid asks, for {user}: visudo -cf FILE, then put it into /etc/sudoers.d/, mode 0440.",
        f"# The tools write logs into their directory, so it is root's: install -d -m 0700 {DIRECTORY}",
        f"# A tool that hangs is root's and cannot be ended by the check: sudo ends it after {_TIMEOUT} seconds.",
        "# Regular expressions need sudo 1.9.10; for older ones: check_megaraid --sudoers --sudo-wrapper PATH",
    ]
    if wrapper:
        lines.append(f"{user} ALL=(root) NOPASSWD: {wrapper}")
        return "\n".join(lines) + "\n"
    lines += [
        f"{user} ALL=(root) CWD={DIRECTORY} TIMEOUT={_TIMEOUT} NOPASSWD: {rule}" for rule in rules(tools, smartctl)
    ]
    if not (tools or smartctl):
        lines.append("# nothing to allow: neither a vendor tool nor smartctl is here")
    return "\n".join(lines) + "\n"


def print_and_exit(plugin: Plugin, words: list[str]) -> NoReturn:
    """For the user who runs this; as root for the user "nagios", or the one in --state-user."""
    from checks.frame.command import all_options, prepare_process, write_and_exit
    from checks.frame.grants import user_name
    from checks.frame.options import UsageError, parse
    from checks.frame.printable import printable

    prepare_process()
    try:
        settings = parse(all_options(plugin), words)
    except UsageError as error:
        write_and_exit(f"{printable(f'UNKNOWN - check_{plugin.name}: {error}', 160)}\n".encode(), 3)
    user = settings.state_user or (user_name() if os.geteuid() else "nagios")
    host = Host(settings.root)
    smartctl = find_program(host, settings.smartctl, SMARTCTL)
    write_and_exit(document(user, find(host, settings), smartctl, settings.sudo_wrapper).encode(), 3)
