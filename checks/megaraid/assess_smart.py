"""From what a disk says of itself to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.megaraid import deltas
from checks.megaraid.readings import Disk
from checks.megaraid.smart import OVER_TEMPERATURE, TEMPERATURES, Attribute, Health, same_disk
from checks.megaraid.survey import STUCK as _STUCK
from checks.megaraid.survey import Checkup, foreign_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.series import Series

FAILING, ATTRIBUTE_NOW, ATTRIBUTE_PAST, WRONG_DISK = "failing", "attribute_now", "attribute_past", "wrong_disk"
NO_SMART = "no_smart"
SELFTEST, SPARE_LOW, NEW, ERC_OFF, TOO_WARM, HOT, TOO_HOT = (
    "selftest_failed",
    "nvme_spare_low",
    "smart_new",
    "erc_off",
    "own_temperature_warning",
    "disk_hot",
    "disk_too_hot",
)
_LIMITS = {True: (70, 80), False: (55, 65)}  # degrees: SSDs and NVMe, disks that turn
_PREDICTION = 0x5D  # asc: failure prediction threshold exceeded
_NVME_TEMPERATURE = 2  # bit of the critical warning
_NVME_BITS = {
    1: "spare blocks are used up",
    4: "reliability is degraded",
    8: "it is read-only",
    16: "its backup of volatile memory failed",
    32: "persistent memory is unreliable",
}


def smart_findings(checkup: Checkup, settings: SimpleNamespace, history: Series | None) -> Iterator[Finding]:
    """SMART of one disk."""
    item, health, disk = checkup.item, checkup.health, checkup.disk
    if health.reason:
        tool = f"smartctl {health.version}".strip()
        reason = health.reason if health.reason.startswith("smartctl") else f"{tool}: {health.reason}"
        yield fact(item, UNREADABLE, reason=f"SMART unreadable, {reason}", next_step=_try_yourself(checkup))
        return
    if disk is not None and _is_another(disk, health):
        step = "compare smartctl -i with the controller's list; a controller that was added can shift /dev/bus/N"
        yield fact(item, WRONG_DISK, serial=health.serial or "one without a serial number", next_step=step)
        return
    if not health.offers and disk is None:
        yield fact(item, NO_SMART)
    if health.standby:
        return
    yield from _verdict(item, health)
    yield from _counts(item, health)
    yield from _new(item, health, settings, history)
    if health.selftest:
        yield fact(item, SELFTEST, words=health.selftest)
    if health.spare is not None and health.spare_threshold is not None and health.spare < health.spare_threshold:
        yield fact(item, SPARE_LOW, spare=health.spare, threshold=health.spare_threshold)
    if settings.require_erc and health.erc_off and disk is not None and disk.group is not None:
        yield fact(item, ERC_OFF)


def _try_yourself(checkup: Checkup) -> str:
    if checkup.health.blocked:
        return _STUCK  # by hand it would hang as well
    return f"try smartctl -x {' '.join(checkup.words)}" if checkup.words else ""


def _is_another(disk: Disk, health: Health) -> bool:
    """Whether smartctl told of another disk than it was asked for: numbers beyond 255 wrap around."""
    if not disk.serial and not disk.identity:
        return foreign_number(disk)
    return not same_disk(health.serial, disk.serial, disk.identity)


def _verdict(item: str, health: Health) -> Iterator[Finding]:
    """The disk's own verdict. What it says of its temperature is no failure."""
    hot = [attribute for attribute in health.failing if attribute.number in TEMPERATURES]
    bad = [attribute for attribute in health.failing if attribute.number not in TEMPERATURES]
    if health.passed is False:
        if health.asc == OVER_TEMPERATURE or (hot and not bad) or health.nvme_warning == _NVME_TEMPERATURE:
            yield fact(item, TOO_WARM)
        else:
            yield fact(item, FAILING, why=_why(health, bad))
    else:
        for attribute in bad:
            code = FAILING if attribute.prefailure else ATTRIBUTE_NOW
            yield fact(item, code, why=_attribute_words(attribute))
        if hot:
            yield fact(item, TOO_WARM)
        if health.nvme_warning:
            bits = health.nvme_warning & ~_NVME_TEMPERATURE
            yield fact(item, FAILING, why=_nvme(bits)) if bits else fact(item, TOO_WARM)
    for attribute in health.failed:
        if attribute.number not in TEMPERATURES:
            yield fact(item, ATTRIBUTE_PAST, why=_attribute_words(attribute))


def _why(health: Health, bad: list[Attribute]) -> str:
    if bad:
        return ", ".join(_attribute_words(attribute) for attribute in bad[:3])
    if health.nvme_warning:
        return _nvme(health.nvme_warning)
    if health.asc is None:
        return "it says so itself"
    asc, ascq = health.asc
    words = "predicted by itself" if asc == _PREDICTION else health.asc_words[:40] or "it says so itself"
    return f"{words} (asc {asc:02x}/{ascq:02x})"


def _nvme(bits: int) -> str:
    return ", ".join(words for bit, words in _NVME_BITS.items() if bits & bit) or f"critical warning {bits:#x}"


_SHORT = {5: "reallocated", 197: "pending", 198: "uncorrectable", 187: "reported uncorrectable", 199: "CRC errors"}


def _attribute_words(attribute: Attribute) -> str:
    name = _SHORT.get(attribute.number) or attribute.name or f"attribute {attribute.number}"
    return name if attribute.raw is None else f"{name} {attribute.raw}"


def _counts(item: str, health: Health) -> Iterator[Finding]:
    for name, value in (
        ("pending_sectors", health.pending),
        ("reallocated_sectors", health.reallocated),
        ("uncorrectable_sectors", health.uncorrectable),
        ("grown_defects", health.grown),
        ("uncorrected_errors_total", health.uncorrected),
        ("integrity_errors_total", health.media_errors),
        ("crc_errors_total", health.crc),
        ("endurance_used_percent", health.endurance),
        ("power_on_seconds", None if health.hours is None else health.hours * 3600),
        ("selftest_age_seconds", None if health.selftest_age is None else health.selftest_age * 3600),
    ):
        if value is not None and value >= 0:
            yield Measure(item, name, value, 0)


def _new(item: str, health: Health, settings: SimpleNamespace, history: Series | None) -> Iterator[Finding]:
    key = health.serial or item
    for name, value in (
        ("reallocated sectors", health.reallocated),
        ("reported uncorrectable errors", health.reported),
        ("grown defects", health.grown),
        ("uncorrected errors", health.uncorrected),
        ("CRC errors", health.crc),
        ("media errors of NVMe", health.media_errors),
    ):
        count = deltas.increase(key, name, value, history, settings)
        if count:
            yield fact(item, NEW, count=count, what=name.removesuffix(" of NVMe"))


def temperature_findings(
    item: str, disk: Disk | None, health: Health | None, settings: SimpleNamespace
) -> Iterator[Finding]:
    """The temperature of a disk, against its own trip point or what disks of its kind take."""
    degrees = health.temperature if health is not None and not health.reason else None
    degrees = degrees or (disk.temperature if disk is not None else None)
    if not degrees or degrees < 0:
        return
    yield Measure(item, "disk_celsius", degrees)
    if settings.own_limits["disk_celsius"]:
        return
    solid = disk.solid if disk is not None and disk.solid is not None else health.solid if health is not None else None
    warning, critical = _LIMITS[bool(solid)]
    trip = health.trip if health is not None else None
    if trip and trip > critical:
        critical = trip
    elif trip and degrees >= trip:
        warning = min(warning, trip - 1)
    if degrees > critical:
        yield fact(item, TOO_HOT, degrees=degrees)
    elif degrees > warning:
        yield fact(item, HOT, degrees=degrees)
