"""--from-file: what a tool printed at another time, judged as if it had been asked now. The content says which tool."""

from __future__ import annotations

import os
from types import SimpleNamespace

from checks.frame.host import COMMAND_MAX, Host
from checks.frame.printable import printable
from checks.megaraid import megacli, smart, smart_text, storcli
from checks.megaraid.readings import Readings, merged
from checks.megaraid.survey import Checkup, Problem, Survey


def from_files(host: Host, settings: SimpleNamespace) -> Survey:
    """Read files, and nothing else."""
    parts: list[Readings] = []
    checkups: list[Checkup] = []
    problems: list[Problem] = []
    for path in settings.from_file:
        host.deadline.stage = f"reading {printable(path)}"
        try:
            content = host.read(path, COMMAND_MAX)
        except OSError as error:
            problems.append(Problem(printable(os.path.basename(path), 40), f"cannot be read: {error.strerror}"))
            continue
        if smart.is_report(content):
            health = smart.parse(content)
            checkups.append(Checkup(_name(content, path), (), None, health))
            continue
        text = content.decode("utf-8", "replace")
        if smart_text.is_report(text):
            checkups.append(Checkup(printable(os.path.basename(path), 40), (), None, smart_text.parse(text)))
            continue
        readings = parse_any(content)
        parts.append(readings)
        if not readings.understood and not readings.problems:
            problems.append(
                Problem(printable(os.path.basename(path), 40), "holds nothing that MegaCli, storcli or smartctl print")
            )
    return Survey(None, merged(parts), tuple(checkups), tuple(problems), (), True)


def parse_any(content: bytes) -> Readings:
    """The output of either kind of tool."""
    if storcli.is_one(content.decode("utf-8", "replace")):
        return storcli.parse(content)
    return megacli.parse(content)


def _name(content: bytes, path: str) -> str:
    import json

    try:
        return printable(str(json.loads(content)["device"]["info_name"]).replace("[", "").replace("]", ""))
    except (ValueError, LookupError, TypeError):
        return printable(os.path.basename(path), 40)
