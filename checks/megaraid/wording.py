"""Sentences: one item with all that was found of it, the summary of all, and when work is done."""

from __future__ import annotations

from checks.frame.plugin import Judged
from checks.frame.readings import Fact, Measure
from checks.megaraid import assess_smart, assess_volumes
from perfdata.numbers import duration, plain_number
from perfdata.outcome import BY_SEVERITY, OK


def sentence(title: str, judged: list[Judged]) -> str:
    """ "c0 e252:s3 (Z1Z00003) failing: reallocated 65535"."""
    measures = {j.finding.name: j for j in judged if isinstance(j.finding, Measure)}
    facts = sorted((j for j in judged if isinstance(j.finding, Fact)), key=lambda j: BY_SEVERITY.index(j.state))
    if not judged[0].finding.item:
        return _summary(title, measures, facts)
    codes = [j.finding.code for j in facts if isinstance(j.finding, Fact)]
    words = [j.words for j, code in zip(facts, codes) if code != assess_volumes.VD_OPTIMAL or len(facts) == 1]
    for j in () if assess_smart.FAILING in codes else measures.values():
        if j.state != OK and isinstance(j.finding, Measure):
            word = _measure_words(j.finding)
            if not any(word in told for told in words):
                words.append(word)
    words = [*dict.fromkeys(word for word in words if word), *_when(measures)]
    if not words:
        degrees = measures.get("disk_celsius")
        value = f", {degrees.finding.value} C" if degrees and isinstance(degrees.finding, Measure) else ""
        words = [f"fine{value}"]
    return f"{title} {', '.join(words)}".strip()


def _summary(title: str, measures: dict[str, Judged], facts: list[Judged]) -> str:
    """ "PERC H710: 1 volume, 8 disks, 1 spare (storcli64)"."""
    parts = []
    for name, one, many in (
        ("virtual_drives", "volume", "volumes"),
        ("disks", "disk", "disks"),
        ("spares", "spare", "spares"),
    ):
        found = measures.get(name)
        if found is not None and isinstance(found.finding, Measure) and (found.finding.value or name != "spares"):
            parts.append(f"{found.finding.value} {one if found.finding.value == 1 else many}")
    tool = "".join(f" ({j.words})" for j in facts)
    if not parts:
        return f"{title}: nothing wrong in what was read{tool}".removeprefix(": ")
    return f"{title}: {', '.join(parts)}{tool}".removeprefix(": ")


def _when(measures: dict[str, Judged]) -> list[str]:
    """ "done in 2.4-3.1 h"."""
    values = {name: j.finding.value for name, j in measures.items() if isinstance(j.finding, Measure)}
    lower, upper = values.get("until_done_lower_seconds"), values.get("until_done_upper_seconds")
    if lower is None:
        return []
    if upper is None:
        return [f"done in {duration(lower)} or more"]
    for size, unit, least in ((86400, "d", 2 * 86400), (3600, "h", 2 * 3600), (60, "min", 0)):
        if upper >= least:
            digits = 1 if upper / size < 10 and unit != "min" else 0
            first, last = f"{lower / size:.{digits}f}", f"{upper / size:.{digits}f}"
            return [f"done in {last if first == last else f'{first}-{last}'} {unit}"]
    return []


def _measure_words(measure: Measure) -> str:
    """What is wrong when this measure is not OK."""
    number = plain_number(round(measure.value, 1))
    return {
        "pending_sectors": f"pending {number}",
        "reallocated_sectors": f"reallocated {number}",
        "uncorrectable_sectors": f"uncorrectable {number}",
        "grown_defects": f"grown defects {number}",
        "uncorrected_errors_total": f"uncorrected errors {number}",
        "integrity_errors_total": f"media errors {number}",
        "crc_errors_total": f"CRC errors {number}",
        "media_errors_total": f"media errors {number}",
        "endurance_used_percent": f"{number} % of its endurance used",
        "disk_celsius": f"{number} C",
        "roc_celsius": f"chip at {number} C",
        "board_celsius": f"board at {number} C",
        "battery_celsius": f"{number} C",
        "selftest_age_seconds": f"last self-test {duration(measure.value)} ago",
        "power_on_seconds": f"on for {duration(measure.value)}",
    }.get(measure.name, "")
