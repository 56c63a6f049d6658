"""All findings of one run: of controllers, drives and disks, and of what was here once and is gone."""

from __future__ import annotations

import os
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE, Run
from checks.frame.readings import Fact, Finding, Measure, fact
from checks.megaraid import assess_controllers, assess_disks, assess_operations, assess_smart, assess_volumes
from checks.megaraid.survey import Checkup, Survey, item_of
from checks.megaraid.tables import ABSENT, GONE, LEVELS, TOOL_USED
from perfdata.numbers import duration


def all_findings(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    """Of everything that was read, the important measures first."""
    readings, history = seen.readings, run.history
    findings: list[Finding] = []
    findings += assess_controllers.count_findings(
        readings, seen.checkups, bool(seen.problems), bool(settings.from_file)
    )
    if seen.tool is not None and readings.understood and not readings.none_here:
        findings.append(fact("", TOOL_USED, tool=seen.tool.name))
    elif settings.from_file:
        count = len(settings.from_file)
        findings.append(fact("", TOOL_USED, tool=f"{count} file{'s' * (count > 1)}"))
    for problem in seen.problems:
        step = problem.next_step or ("check_megaraid --sudoers" if problem.denied else "")
        findings.append(fact(problem.item, UNREADABLE, reason=problem.reason, next_step=step))
    present = ", ".join(map(str, seen.present))
    findings += [fact(f"c{number}", ABSENT, number=number, present=present) for number in seen.absent]
    controllers = {controller.number: controller for controller in readings.controllers}
    for controller in readings.controllers:
        findings += assess_controllers.controller_findings(controller, readings, settings, history)
    findings += assess_controllers.apart_findings(readings)
    offered = readings.understood or any(c.health.offers or c.health.standby for c in seen.checkups)
    if seen.checkups and not offered:
        findings.append(fact("smartctl", UNREADABLE, reason="found no disk that offers SMART", next_step=""))
    for volume in readings.volumes:
        works = assess_controllers.cache_works(readings, volume.controller, settings)
        findings += assess_volumes.volume_findings(volume, readings, settings, works)
    findings += assess_operations.operation_findings(readings, settings, history)
    for battery in readings.batteries:
        findings += assess_controllers.battery_findings(battery, controllers.get(battery.controller), settings)
    return _in_order([*findings, *_disk_findings(seen, settings, run)])


def _disk_findings(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    """Each disk as its controller and as it sees itself."""
    readings, history = seen.readings, run.history
    findings: list[Finding] = []
    checkups = {checkup.item: checkup for checkup in seen.checkups}
    for disk in readings.disks:
        findings += assess_disks.disk_findings(disk, readings, settings, history)
        checkup = checkups.get(item_of(disk))
        trusted = checkup is not None and not _is_wrong(checkup, settings)
        health = checkup.health if checkup is not None and trusted else None
        findings += assess_smart.temperature_findings(item_of(disk), disk, health, settings)
    for checkup in seen.checkups:
        findings += assess_smart.smart_findings(checkup, settings, history)
        if checkup.disk is None:
            findings += assess_smart.temperature_findings(checkup.item, None, checkup.health, settings)
    return findings


def _is_wrong(checkup: Checkup, settings: SimpleNamespace) -> bool:
    found = assess_smart.smart_findings(checkup, settings, None)
    return any(isinstance(f, Fact) and f.code == assess_smart.WRONG_DISK for f in found)


def _in_order(findings: list[Finding]) -> list[Finding]:
    """Measure by measure, the important ones of all disks before the others of any: performance data can be cut."""
    rank = {name: place for place, name in enumerate(LEVELS)}
    return sorted(findings, key=lambda f: rank.get(f.name, len(rank)) if isinstance(f, Measure) else -1)


def gone_findings(seen: Survey, settings: SimpleNamespace, run: Run) -> list[Finding]:
    """What was here once and is not any more; a disk that is somewhere else now has moved."""
    history = run.history
    if history is None or settings.from_file or (settings.no_sudo and os.geteuid() != 0):
        return []  # without rights the tools see no controller
    present = {f"c{controller.number}": controller.serial for controller in seen.readings.controllers}
    present.update((assess_volumes.of_volume(volume), "") for volume in seen.readings.volumes)
    present.update((item_of(disk), disk.serial) for disk in seen.readings.disks)
    known = history.seen()
    for item, serial in present.items():
        history.see(item, serial or (known[item].origin if item in known else ""), known.get(item))
    if seen.problems or seen.readings.problems or settings.tool == "none" or settings.controller:
        return []  # nobody knows whether it is gone
    serials = {serial for serial in present.values() if serial}
    gone = [item for item, last in known.items() if item not in present and last.origin not in serials]
    for item in known:
        if item not in present and (item not in gone or settings.accept):
            history.forget(item)
    if settings.accept:
        return []
    absent = [item for item in gone if " " not in item]
    told = [item for item in gone if item in absent or item.split(" ")[0] not in absent]
    return [fact(item, GONE, ago=duration(max(0.0, run.clock.time - known[item].time))) for item in told]
