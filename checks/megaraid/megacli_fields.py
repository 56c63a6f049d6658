"""Single lines of MegaCli's: what a key and its value say of a virtual drive, disk, battery or controller."""

from __future__ import annotations

import re

from checks.megaraid import words
from checks.megaraid.readings import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POSITION = re.compile(r"disk\s?group\s*:\s*(\d+)", re.IGNORECASE)
_ARM = re.compile(r"drive\W?s? po")  # "Drive's position", "Drive's postion", and with any apostrophe
_LEVEL = re.compile(r"primary-(\d+)\s*,\s*secondary-(\d+)", re.IGNORECASE)
LEARNING_EXPLAINS = ("capacity low", "voltage low")


def _yes(value: str) -> bool:
    return value.lower().startswith("yes")


def volume(fields: dict[str, Any], key: str, value: str, raw: str) -> None:
    """A line of a virtual drive."""
    if key == "state":
        fields["state"] = words.volume_state(value)
    elif key == "raid level":
        level = _LEVEL.search(value)
        fields["primary"] = int(level[1]) if level else None
        fields["word"] = value
    elif key == "span depth":
        fields["spans"] = whole(value)
    elif key == "default cache policy":
        fields["write_default"] = words.megacli_policy(value).get("write", "")
    elif key == "current cache policy":
        policy = words.megacli_policy(value)
        fields.update({name: policy[name] for name in ("write", "read", "io") if name in policy})
        fields["bad_bbu_ok"] = policy.get("bad_bbu") == "ok"
    elif key == "disk cache policy":
        fields["disk_cache"] = words.disk_cache(value)
    elif key == "bad blocks exist":
        fields["bad_blocks"] = _yes(value)


def disk(fields: dict[str, Any], key: str, value: str, raw: str) -> None:
    """A line of a disk."""
    numbers = {
        "slot number": "slot",
        "device id": "device",
        "media error count": "media_errors",
        "other error count": "other_errors",
        "predictive failure count": "predictive",
    }
    if key in numbers:
        fields[numbers[key]] = whole(value)
    elif key == "firmware state":
        first, _, rest = value.partition(",")
        fields["state"], fields["words"] = words.disk_state(first), value
        fields["spun_down"] = "down" in rest.lower()
    elif _ARM.match(key):
        group = _POSITION.search(value)
        fields["group"] = int(group[1]) if group else None
    elif key == "inquiry data":
        fields["identity"] = " ".join(raw.split())
        fields["serial"], fields["model"] = inquiry(raw)
    elif key == "foreign state":
        fields["foreign"] = value.lower().startswith("foreign")
    elif key == "drive temperature":
        degrees = whole(value)
        fields["temperature"] = degrees or None  # dead disks are said to have 0C
    elif key.startswith("drive has flagged a s.m.a.r.t"):
        fields["smart_alert"] = _yes(value)
    elif key == "pd type":
        fields["interface"] = value
    elif key == "media type":
        fields["solid"] = "solid" in value.lower()


def inquiry(raw: str) -> tuple[str, str]:
    """(serial number, model) of "Inquiry Data".

    SCSI: vendor 8, product 16, revision 4, serial number 20 characters. Later versions print SATA disks as serial
    number 20, model 40, firmware 8. Where spaces were lost the last word is the best guess, hence Disk.identity.
    """
    text = raw[1:] if raw.startswith(" ") else raw
    tidy = text.rstrip()
    if len(tidy) > 48:
        return text[:20].strip(), " ".join(text[20:60].split())
    if len(tidy) > 28 and " " not in text[:8].strip():
        serial = text[28:48].strip() or tidy.split()[-1]
        vendor = text[:8].strip()
        model = text[8:24].strip()
        return serial, model if vendor == "ATA" else f"{vendor} {model}".strip()
    return (tidy.split() or [""])[-1], " ".join(tidy.split())


def battery(fields: dict[str, Any], key: str, value: str, raw: str) -> None:
    """A line of a battery."""
    lower = value.lower()
    if key == "batterytype":
        fields["kind"] = "CacheVault" if lower.startswith("cv") else "BBU"
    elif key == "battery state":
        fields["state"] = value
    elif key == "temperature" and whole(value) is not None:
        fields["temperature"] = whole(value)
    elif key in ("voltage", "temperature") and whole(value) is None and lower not in ("ok", "", "-", "n/a"):
        fields.setdefault("complaints", []).append(f"{key} {lower}")
    elif key == "learn cycle active":
        fields["active"] = _yes(value)
    elif key == "learn cycle requested":
        fields["requested"] = _yes(value)
    elif key == "charging status":
        fields["charging"] = lower.startswith(("charg", "discharg"))
    elif key == "issohgood" and lower.startswith("no"):
        fields.setdefault("complaints", []).append("state of health not good")
    elif key in words.COMPLAINTS and _yes(value):
        fields.setdefault("complaints", []).append(words.COMPLAINTS[key])


def controller(fields: dict[str, Any], key: str, value: str, raw: str) -> None:
    """A line of a controller."""
    texts = {"product name": "model", "serial no": "serial"}
    numbers = {
        "roc temperature": "roc",
        "controller temperature": "temperature",
        "memory correctable errors": "correctable",
        "memory uncorrectable errors": "uncorrectable",
        "memory size": "cache_mb",
        "virtual drives": "volumes",
        "disks": "disks",
        "failed disks": "failed_disks",
        "critical disks": "suspect_disks",
    }
    if key in texts:
        fields[texts[key]] = value
    elif key in numbers:
        fields.setdefault(numbers[key], whole(value))
    elif key in ("degraded", "offline"):
        fields["bad_volumes"] = fields.get("bad_volumes", 0) + (whole(value) or 0)
    elif key == "bbu" and value:
        if value.lower() in ("present", "absent"):
            fields["battery"] = value.lower() == "present"
    elif key == "any offline vd cache preserved":
        fields["preserved"] = _yes(value)
    elif key.endswith("booted into safe mode"):
        fields["safe_mode"] = _yes(value)
