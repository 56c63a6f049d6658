"""Disks of this host without a RAID controller in front: those in /sys/block, and where a controller's disks are asked.

SMART comes from smartctl's JSON, not from pySMART: pySMART 1.4 runs smartctl two to eight times per disk and reads its
text, without -x and without the exit status; it loses the SAS error counters, self-tests that failed and an open that
was refused. One thing it does and JSON cannot: a smartctl before 7.0 (CentOS 7, Debian 9) has no JSON, and
there pySMART reads the plain disks; see old_smartctl.py.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.host import Host

DRIVER = "/sys/bus/pci/drivers/megaraid_sas"
_DISK = re.compile(r"sd[a-z]{1,3}\Z|nvme\d+n1\Z")
_HOST = re.compile(r"host(\d+)\Z")
_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]\Z")


def controllers(host: Host) -> dict[str, int]:
    """PCI address -> SCSI host, of every controller that the driver megaraid_sas drives here, in the order of hosts."""
    if not host.exists(DRIVER):
        return {}
    found = {}
    for address in host.entries(DRIVER):
        if _ADDRESS.match(address):
            numbers = [int(match[1]) for name in host.entries(f"{DRIVER}/{address}") if (match := _HOST.match(name))]
            if numbers:
                found[address] = min(numbers)
    return dict(sorted(found.items(), key=lambda entry: entry[1]))


def scsi_host(number: int, pci: str, hosts: dict[str, int]) -> int | None:
    """The SCSI host of a tool's controller: by its PCI address ("00:02:00:00"), else by its place in the order."""
    parts = pci.split(":")
    if len(parts) == 4 and all(parts):
        try:
            domain, bus, device, function = (int(part, 16) for part in parts)
        except ValueError:
            domain = bus = device = function = -1
        address = f"{domain:04x}:{bus:02x}:{device:02x}.{function:x}"
        if address in hosts:
            return hosts[address]
    in_order = list(hosts.values())
    return in_order[number] if number < len(in_order) else None


def plain_disks(host: Host, raid_hosts: set[int]) -> list[str]:
    """The /dev/... of SATA, SAS and NVMe disks that stand for themselves.

    What a RAID controller shows as sdX is a virtual drive, or a disk that is asked through the controller already.
    """
    if not host.exists("/sys/block"):
        return []
    found = []
    for name in sorted(host.entries("/sys/block")):
        if not _DISK.match(name):
            continue
        if name.startswith("nvme"):
            found.append(f"/dev/{name.removesuffix('n1')}")
            continue
        try:
            places = host.entries(f"/sys/block/{name}/device/scsi_device")
        except OSError:
            places = []
        numbers = {int(place.split(":")[0]) for place in places if place.split(":")[0].isdigit()}
        if not numbers & raid_hosts:
            found.append(f"/dev/{name}")
    return found
