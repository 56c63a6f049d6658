"""Plain disks with a smartctl before 7.0, which has no JSON: pySMART reads its text.

Only what pySMART gets right is taken: the overall verdict and the attributes of SATA disks. It is imported in a child
of its own, as it costs three times a whole run, and runs smartctl without a time limit.
"""

from __future__ import annotations

import json
import os

from checks.megaraid.readings import whole
from checks.megaraid.smart import Health, means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBERS = {5: "reallocated", 197: "pending", 198: "uncorrectable", 187: "reported", 199: "crc"}


def read(smartctl: str, device: str, version: str, seconds: float) -> Health:
    """The health of one plain disk."""
    from checks.frame import bounded

    try:
        answer = bounded.call(lambda: _ask(smartctl, device), seconds)
        found = json.loads(answer.output) if answer.status == 0 else {}
    except (bounded.HelperTimeout, bounded.HelperOverflow, ValueError, OSError):
        found = {}
    if not isinstance(found, dict) or not found.get("model"):
        return Health(reason=f"smartctl {version} has no JSON, and pySMART could not read {device}", version=version)
    numbers = found.pop("numbers")
    return Health(version=version, **found, **{name: numbers[name] for name in _NUMBERS.values() if name in numbers})


def _ask(smartctl: str, device: str) -> bytes:
    """In the child."""
    os.environ["PATH"] = f"{os.path.dirname(smartctl)}:/usr/sbin:/usr/bin:/sbin:/bin"  # where pySMART looks for it
    from pySMART import Device

    disk: Any = Device(device)
    numbers = {}
    for attribute in disk.attributes or ():
        name = _NUMBERS.get(int(attribute.num)) if attribute is not None else None
        raw = whole(attribute.raw) if name and means(int(attribute.num), str(attribute.name)) else None
        if name and raw is not None:
            numbers[name] = raw
    passed = {"PASS": True, "FAIL": False}.get(str(disk.assessment))
    model, serial = str(disk.model or ""), str(disk.serial or "")
    return json.dumps({"model": model, "serial": serial, "passed": passed, "numbers": numbers}).encode()
