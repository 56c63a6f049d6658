"""Reading: the vendor tool, then SMART of every disk side by side. No judgement."""

from __future__ import annotations

import os
from types import SimpleNamespace

from checks.frame.host import Host
from checks.frame.printable import printable
from checks.megaraid import local
from checks.megaraid.readings import FAILED, MISSING, UNANSWERED, Disk, Readings
from checks.megaraid.smart import Health, parse, same_disk
from checks.megaraid.talk import Conversation, Denied
from checks.megaraid.tools import SMARTCTL, SUDO, Tool, denied, find, find_program
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from checks.frame.bounded import Answer

DIRECTORY = "/var/lib/undergoal/scratch"  # where sudo lets the tools work; see sudoers.py
AT_ONCE = 8  # smartctl processes
_RESERVE, _RESERVE_MAX = 0.1, 1.0  # share of the time, and at most these seconds, for the verdict
_NOT_ASKED = (FAILED, MISSING, UNANSWERED)
WRAPS = 256  # smartctl keeps 8 bits of a disk's number: 1280 is asked as 0


class Problem(Record):
    """Something that could not be read."""

    item: str  # of the check: "storcli64", "c0", "c0 e252:s3"
    reason: str
    next_step: str = ""
    denied: bool = False


class Checkup(Record):
    """SMART of one disk: what it is called here, how it was asked, and what it said."""

    item: str
    words: tuple[str, ...]  # of smartctl, behind -j -x
    disk: Disk | None  # as the controller sees it
    health: Health


class Survey(Record):
    """All that was read."""

    tool: Tool | None
    readings: Readings
    checkups: tuple[Checkup, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]  # for -v: what was not looked at, and why
    here: bool  # whether there is anything of this kind
    absent: tuple[int, ...] = ()  # controllers that were named and are not among ``present``
    present: tuple[int, ...] = ()


def item_of(disk: Disk) -> str:
    """What a disk behind a controller is called."""
    return f"c{disk.controller} {disk.place}"


def reserve(host: Host) -> float:
    """Seconds kept for judging and writing."""
    return min(_RESERVE_MAX, _RESERVE * host.deadline.total)


def prefix_of(host: Host, settings: SimpleNamespace) -> list[str]:
    """What stands before a command: sudo, and a wrapper, for all but root."""
    if host.captured or os.geteuid() == 0 or settings.no_sudo:
        return []
    return [find_program(host, "", SUDO) or SUDO[0], "-n", *([settings.sudo_wrapper] if settings.sudo_wrapper else [])]


def survey(host: Host, settings: SimpleNamespace) -> Survey:
    """Read everything there is time for."""
    if settings.from_file:
        from checks.megaraid.files import from_files

        seen = from_files(host, settings)
        return _judged(seen, _present(seen.readings), settings)
    prefix = prefix_of(host, settings)
    hosts = local.controllers(host)
    problems: list[Problem] = []
    notes: list[str] = []
    tool, readings = _ask_tools(host, settings, prefix, problems, notes)
    unknown = tool is None and settings.tool != "none" and not problems
    closed = denied(host) if unknown else ""
    if closed:
        problems.append(_closed(closed))
    elif unknown and hosts:
        problems.append(
            Problem(
                "tool",
                "cannot be asked: no storcli, perccli or MegaCli here",
                "install storcli (Broadcom) or perccli (Dell), or name it with --tool-path;"
                " --tool none looks at the disks only",
            )
        )
    here = bool(readings.controllers or readings.disks or readings.volumes or problems)
    present, readings = _present(readings), _only(readings, settings.controller)
    checkups = _ask_disks(host, settings, prefix, hosts, readings, present, problems, notes)
    here = here or bool(checkups or problems or present)  # who could not look has not seen that there is nothing
    return _judged(Survey(tool, readings, tuple(checkups), tuple(problems), tuple(notes), here), present, settings)


def _judged(seen: Survey, present: set[int], settings: SimpleNamespace) -> Survey:
    """Only the controllers that were named, and which of them are not there.

    Nobody knows that where none could be read: then there is nothing here, or other words say why.
    """
    absent = [number for number in dict.fromkeys(settings.controller) if number not in present] if present else []
    readings = _only(seen.readings, settings.controller)
    return seen._replace(readings=readings, absent=tuple(absent), present=tuple(sorted(present)))


def _only(readings: Readings, numbers: list[int]) -> Readings:
    """What concerns these controllers, or all; the number is the first field of everything."""
    if not numbers:
        return readings
    kept: dict[str, Any] = {}
    for name in ("controllers", "volumes", "disks", "batteries", "operations", "foreign", "missing", "pinned"):
        kept[name] = tuple(entry for entry in getattr(readings, name) if entry[0] in numbers)
    return readings._replace(**kept)


def _present(readings: Readings) -> set[int]:
    """The numbers of the controllers that something was read of."""
    numbers = {controller.number for controller in readings.controllers}
    numbers |= {volume.controller for volume in readings.volumes}
    return numbers | {disk.controller for disk in readings.disks}


def _ask_tools(
    host: Host, settings: SimpleNamespace, prefix: list[str], problems: list[Problem], notes: list[str]
) -> tuple[Tool | None, Readings]:
    """The first tool that sees a controller; what it could not say becomes problems."""
    from checks.frame.mountinfo import remote_mounts
    from checks.frame.paths import UnsafePath, check_trusted

    tools = find(host, settings, bool(prefix))
    last: tuple[Tool | None, Readings] = (None, Readings())
    if settings.tool_path and not host.has_command(settings.tool_path, bool(prefix)):
        closed = host.closed_directory(settings.tool_path)
        if not closed and host.has_command(settings.tool_path, by_root=True):
            closed = settings.tool_path
        absent = Problem("tool", f"no program at {printable(settings.tool_path)}", "correct --tool-path")
        problems.append(_closed(closed) if closed else absent)
        return last
    if settings.tool not in ("auto", "none") and not tools:
        problems.append(Problem("tool", f"no {settings.tool} here", "install it, or name it with --tool-path"))
    for tool in tools:
        if not host.captured and (prefix or os.geteuid() == 0):
            try:
                check_trusted(tool.path, remote_mounts(host.text("/proc/self/mountinfo")), 0)
            except (UnsafePath, OSError) as error:
                reason = str(error) if isinstance(error, UnsafePath) else str(error.strerror)
                problems.append(
                    Problem(tool.name, f"is not run as root: {printable(reason, 90)}", "chown root and chmod go-w it")
                )
                continue
        talk = Conversation(host, tool, prefix, reserve(host))
        try:
            readings = talk.ask_all()
        except Denied as denied:
            problems.append(_denied(tool.name, str(denied)))
            return tool, Readings()
        notes.append(f"asked {tool.path}, {talk.calls} calls")
        notes += [f"not seen: {tool.name} does not know {words}" for words in talk.unsupported]
        if readings.none_here and not talk.problems:
            last = (tool, readings)
            continue  # another tool may know another generation of controllers
        problems += [
            Problem(tool.name, reason, _RIGHTS if "said nothing" in reason else STUCK if "blocked" in reason else "")
            for reason in talk.problems
        ]
        return tool, readings
    return last


def _closed(path: str) -> Problem:
    """A tool, or the directory of one, that is not for this user."""
    from checks.frame.grants import user_name

    return Problem("tool", f"cannot be asked: {printable(path)} is not open to {user_name()}", _RIGHTS)


def _denied(name: str, said: str) -> Problem:
    """What sudo says against it."""
    if "unable to change directory" in said:
        step = f"install -d -m 0700 {DIRECTORY}"
        return Problem(name, f"may not be asked: sudo finds no {DIRECTORY}, where it is to work", step)
    return Problem(name, f"may not be asked: {printable(said, 60)}", denied=True)


STUCK = "look at dmesg: the controller does not answer; it goes on by itself once it does, else after a reboot"
_RIGHTS = "run the same command as root; to let this check do so: check_megaraid --sudoers"


def _ask_disks(
    host: Host,
    settings: SimpleNamespace,
    prefix: list[str],
    hosts: dict[str, int],
    readings: Readings,
    present: set[int],
    problems: list[Problem],
    notes: list[str],
) -> list[Checkup]:
    """SMART of the disks behind controllers, and with --local of plain ones; ``present`` gets what a scan finds."""
    if settings.no_smart:
        return []
    wanted = _behind(settings, hosts, readings, notes)
    if settings.local:
        wanted += [(device, ("-n", "standby", device), None) for device in local.plain_disks(host, set(hosts.values()))]
    if settings.tool != "none" and not wanted:
        return []
    smartctl = find_program(host, settings.smartctl, SMARTCTL, bool(prefix))
    if not smartctl or not host.has_command(smartctl, bool(prefix)):
        problems.append(Problem("smartctl", "is not here", "apt install smartmontools, or --no-smart"))
        return []
    if settings.tool == "none":
        scanned = _scanned(host, smartctl, prefix, problems, hosts)
        present.update(number for number, _ in scanned)
        wanted = [*(entry for number, entry in scanned if number in (settings.controller or present)), *wanted]
    checkups = []
    wrapped = {item: number for item, words, disk in wanted if disk is None and (number := _number(words)) >= WRAPS}
    for item, number in wrapped.items():
        reason = f"it keeps 8 bits of the number {number}, and would ask disk {number % WRAPS}"
        checkups.append(Checkup(item, (), None, Health(reason=reason)))
    wanted = [entry for entry in wanted if entry[0] not in wrapped]
    names = [words for _, words, _ in wanted]
    for (item, words, disk), answer in zip(wanted, _ask_smartctl(host, smartctl, prefix, names)):
        health = _health(answer)
        if "too old" in health.reason and not words[0].startswith("-d") and not prefix and not host.captured:
            from checks.megaraid.old_smartctl import read

            health = read(smartctl, words[-1], health.reason.split()[1], host.deadline.left(reserve(host)))
        checkups.append(Checkup(item, words, disk, health))
    return _once(checkups, notes)


def _number(words: tuple[str, ...]) -> int:
    """The N of "-d megaraid,N"; 0 for a plain disk."""
    return int(words[1].rpartition(",")[2]) if words[0] == "-d" else 0


def _behind(
    settings: SimpleNamespace, hosts: dict[str, int], readings: Readings, notes: list[str]
) -> list[tuple[str, tuple[str, ...], Disk | None]]:
    """(item, words of smartctl, disk) of every disk that can be asked through its controller."""
    wanted: list[tuple[str, tuple[str, ...], Disk | None]] = []
    addresses = {controller.number: controller.pci for controller in readings.controllers}
    left_out: dict[str, list[str]] = {}
    for disk in readings.disks:
        number = local.scsi_host(disk.controller, addresses.get(disk.controller, ""), hosts)
        if number is None and settings.smartctl and not hosts:
            number = disk.controller  # who names a smartctl wants it asked, also where no driver is to be seen
        if disk.device is None or disk.state in _NOT_ASKED:
            left_out.setdefault("failed, missing or without a number", []).append(item_of(disk))
        elif number is None:
            left_out.setdefault("no driver megaraid_sas to pass it through", []).append(item_of(disk))
        elif disk.spun_down:
            left_out.setdefault("spun down, and left so", []).append(item_of(disk))
        elif disk.interface.lower() == "nvme":
            left_out.setdefault("smartctl cannot reach NVMe behind MegaRAID", []).append(item_of(disk))
        else:
            wanted.append((item_of(disk), ("-d", f"megaraid,{disk.device}", f"/dev/bus/{number}"), disk))
    for reason, items in left_out.items():
        more = f" and {len(items) - 3} more" if len(items) > 3 else ""
        notes.append(f"not seen: SMART of {', '.join(items[:3])}{more}: {reason}")
    return wanted


def _scanned(
    host: Host, smartctl: str, prefix: list[str], problems: list[Problem], hosts: dict[str, int]
) -> list[tuple[int, tuple[str, tuple[str, ...], Disk | None]]]:
    """Without a vendor tool: the disks that smartctl finds behind controllers, by the number of each."""
    import json

    from checks.frame.bounded import Answer, HelperStuck

    host.deadline.stage = "asking smartctl --scan"
    command, seconds = [*prefix, smartctl, "-j", "--scan"], 0.5 * host.deadline.left(reserve(host))
    (answer,) = host.run([command], seconds, kinds=[f"{smartctl} --scan"])
    if isinstance(answer, HelperStuck):
        problems.append(Problem("smartctl", str(answer), STUCK))
        return []
    try:
        found = json.loads(answer.output) if isinstance(answer, Answer) else {}
        devices = [entry for entry in found["devices"] if "megaraid," in str(entry["type"])]
    except (ValueError, LookupError, TypeError):
        problems.append(Problem("smartctl", "did not say which disks there are", _RIGHTS))
        return []
    by_host = {number: index for index, number in enumerate(hosts.values())}
    wanted: list[tuple[int, tuple[str, tuple[str, ...], Disk | None]]] = []
    for entry in devices:
        name, device = str(entry["name"]), str(entry["type"]).rpartition(",")[2]
        bus = name.rpartition("/")[2]
        controller = by_host.get(int(bus), int(bus)) if bus.isdigit() else 0
        if device.isdigit():
            words = ("-d", f"megaraid,{device}", name)
            wanted.append((controller, (f"c{controller} d{device}", words, None)))
    return wanted


def _ask_smartctl(
    host: Host, smartctl: str, prefix: list[str], names: list[tuple[str, ...]]
) -> list[Answer | Exception]:
    host.deadline.stage = f"asking smartctl of {len(names)} disks"
    commands = [[*prefix, smartctl, "-j", "-x", *words] for words in names]
    kinds = [" ".join((smartctl, *words)) for words in names]
    return host.run(commands, host.deadline.left(reserve(host)), AT_ONCE, kinds=kinds)


def _health(answer: Answer | Exception) -> Health:
    from checks.frame.bounded import Answer, HelperStuck, HelperTimeout

    if isinstance(answer, Answer):
        text = answer.output[:200].decode("utf-8", "replace")
        if text.startswith("sudo:"):
            return Health(reason=f"may not be asked: {text.split(chr(10))[0]}")
        if answer.status < 0:
            return Health(reason=f"crashed (signal {-answer.status})")
        return parse(answer.output, answer.status)
    if isinstance(answer, HelperStuck):
        return Health(reason=str(answer), blocked=True)
    if isinstance(answer, HelperTimeout):
        return Health(reason="did not answer in time")
    return Health(reason=f"cannot be run: {answer.strerror if isinstance(answer, OSError) else answer}")


def _once(checkups: list[Checkup], notes: list[str]) -> list[Checkup]:
    """Each disk once: one that is passed through is also /dev/sdX."""
    kept: list[Checkup] = []
    for checkup in checkups:
        serial = checkup.health.serial
        twin = next((k for k in kept if serial and k.disk is not None and same_disk(serial, k.health.serial)), None)
        if checkup.disk is None and twin is not None:
            notes.append(f"{checkup.item} is {twin.item}")
            continue
        kept.append(checkup)
    return kept


def foreign_number(disk: Disk) -> bool:
    """Whether smartctl can have asked another disk for sure: it keeps 8 bits of the number."""
    return disk.device is not None and disk.device >= WRAPS
