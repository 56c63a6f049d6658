"""Which vendor tool there is, and the few read-only commands that tell everything.

MegaCli crashes on recent cards and is no longer made, so the others are preferred. Which one was used is said.
"""

from __future__ import annotations

import os

from checks.megaraid.readings import COPYBACK, REBUILD, Disk, Readings
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace

    from checks.frame.host import Host

STORCLI, STORCLI2, MEGACLI = "storcli", "storcli2", "megacli"
CHOICES = ("auto", "storcli", "perccli", "megacli", "none")
CALLS_MAX = 6  # of storcli, when nothing is wrong
# name of the program -> family, in the order of preference; the first word of a family's programs is the choice
_PROGRAMS = {
    "storcli64": STORCLI,
    "storcli": STORCLI,
    "perccli64": STORCLI,
    "perccli": STORCLI,
    "storcli2": STORCLI2,
    "perccli2": STORCLI2,
    "MegaCli64": MEGACLI,
    "MegaCli": MEGACLI,
    "megacli": MEGACLI,
    "CmdTool2_64": MEGACLI,
    "CmdTool2": MEGACLI,
}
_DIRECTORIES = (
    "/opt/MegaRAID/storcli",
    "/opt/MegaRAID/storcli2",
    "/opt/MegaRAID/perccli",
    "/opt/MegaRAID/perccli2",
    "/opt/MegaRAID/MegaCli",
    "/opt/MegaRAID/CmdTool2",
    "/opt/lsi/storcli",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
)
_VENDORS = ("/opt/MegaRAID/", "/opt/lsi/")
SMARTCTL = ("/usr/sbin/smartctl", "/usr/local/sbin/smartctl", "/sbin/smartctl", "/usr/bin/smartctl")
SUDO = ("/usr/bin/sudo", "/usr/local/bin/sudo", "/bin/sudo")


class Tool(Record):
    """A program, and the language it speaks."""

    path: str
    family: str

    @property
    def name(self) -> str:
        """What it is called."""
        return os.path.basename(self.path)


def family_of(path: str, choice: str) -> str:
    """The family of a program that was named: by its name, else by --tool."""
    name = os.path.basename(path)
    if name in _PROGRAMS:
        return _PROGRAMS[name]
    lower = name.lower()
    if "megacli" in lower or "cmdtool" in lower or choice == "megacli":
        return MEGACLI
    return STORCLI2 if "cli2" in lower else STORCLI


def find(host: Host, settings: SimpleNamespace, by_root: bool = False) -> list[Tool]:
    """The tools that are here, the preferred one first: one per program, from an option, fixed directories, PATH.

    With ``by_root`` also those that only root may run.
    """
    if settings.tool == "none":
        return []
    if settings.tool_path:
        return [Tool(settings.tool_path, family_of(settings.tool_path, settings.tool))]
    directories = list(_DIRECTORIES)
    if not host.captured:
        directories += [path for path in os.environ.get("PATH", "").split(":") if path.startswith("/")]
    found: dict[tuple[str, str], Tool] = {}
    for name, family in _PROGRAMS.items():
        brand = "megacli" if family == MEGACLI else name[:7].lower()
        if settings.tool not in ("auto", brand) or (family, brand) in found:
            continue
        path = next((f"{place}/{name}" for place in directories if host.has_command(f"{place}/{name}", by_root)), "")
        if path:
            found[family, brand] = Tool(path, family)
    return list(found.values())


def denied(host: Host) -> str:
    """A tool that this user may not run, or a vendor's directory in which he may not look for one; "" for neither."""
    for place in _DIRECTORIES:
        if place.startswith(_VENDORS):
            closed = host.closed_directory(f"{place}/tool")
            found = [f"{place}/{name}" for name in _PROGRAMS if host.has_command(f"{place}/{name}", by_root=True)]
            if f"{closed}/".startswith(_VENDORS) or found:
                return closed or found[0]
    return ""


def find_program(host: Host, named: str, usual: tuple[str, ...], by_root: bool = False) -> str:
    """The path of a program that is named, or at a usual place; "" when it is at none of them."""
    return named or next((path for path in usual if host.has_command(path, by_root)), "")


def megacli_commands() -> list[list[str]]:
    """All commands of the healthy case, the most telling first: time may run out."""
    return [
        ["-LDInfo", "-Lall", "-aALL", "-NoLog"],
        ["-PDList", "-aALL", "-NoLog"],
        ["-AdpAllInfo", "-aALL", "-NoLog"],
        ["-AdpBbuCmd", "-aALL", "-NoLog"],
        ["-CfgForeign", "-Scan", "-aALL", "-NoLog"],
        ["-PDGetMissing", "-aALL", "-NoLog"],
        ["-GetPreservedCacheList", "-aALL", "-NoLog"],
    ]


def storcli_commands(family: str, seen: Readings | None) -> list[list[str]]:
    """The first command; and with what it said, the others of the healthy case."""
    if seen is None:
        return [["/call", "show", "all", "nolog", "J"]]
    paths = []
    # an answer that was cut before its lists looks like a controller without any: the lists are asked for all the same
    if not seen.disks or any(disk.enclosure is not None for disk in seen.disks):
        paths.append("/call/eall/sall")
    if any(disk.enclosure is None for disk in seen.disks):
        paths.append("/call/sall")
    paths += ["/call/vall", "/call/fall"]
    kinds = {battery.kind for battery in seen.batteries}
    if family == STORCLI2:
        paths += ["/call/ep"] if kinds else []
    else:
        paths += [f"/call/{part}" for kind, part in (("CacheVault", "cv"), ("BBU", "bbu")) if kind in kinds]
    return [[path, "show", "all", "nolog", "J"] for path in paths[: CALLS_MAX - 1]]


def progress_commands(family: str, disks: tuple[Disk, ...]) -> list[list[str]]:
    """What asks for the progress of disks that are being written to, and only then."""
    commands: list[list[str]] = []
    for disk in disks:
        if disk.state not in (REBUILD, COPYBACK) or disk.slot is None:
            continue
        if family == MEGACLI:
            word = "-PDRbld" if disk.state == REBUILD else "-PDCpyBk"
            place = f"[{'' if disk.enclosure is None else disk.enclosure}:{disk.slot}]"
            command = [word, "-ShowProg", f"-PhysDrv{place}", f"-a{disk.controller}", "-NoLog"]
        else:
            path = "/call/sall" if disk.enclosure is None else "/call/eall/sall"
            command = [path, "show", "rebuild" if disk.state == REBUILD else "copyback", "nolog", "J"]
        if command not in commands:
            commands.append(command)
    return commands
