"""Which CephFS is mounted where, from /proc/self/mountinfo: reading that touches no file system."""

from __future__ import annotations

import re

from perfdata.record import Record

_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(Record):
    """A mounted file system."""

    point: str
    kind: str  # "ceph" (the kernel's client), "fuse.ceph" or "fuse.ceph-fuse"
    source: str


def parse_mounts(mountinfo: str) -> list[Mount]:
    """All mounts of CephFS, in the order they were made."""
    found = []
    for line in mountinfo.split("\n"):
        head, separator, tail = line.partition(" - ")
        fields, kinds = head.split(" "), tail.split(" ")
        if separator and len(fields) > 4 and len(kinds) > 1 and is_ceph(kinds[0], kinds[1]):
            found.append(Mount(_plain(fields[4]), kinds[0], _plain(kinds[1])))
    return found


def is_ceph(kind: str, source: str) -> bool:
    """Whether a mount of this type and source is a CephFS."""
    return kind in ("ceph", "fuse.ceph", "fuse.ceph-fuse") or (kind == "fuse" and source == "ceph-fuse")


def mount_of(path: str, mounts: list[Mount]) -> str:
    """The mount point that a path lies below, by its name alone; "" for none."""
    found = ""
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and len(mount.point) >= len(found):
            found = mount.point
    return found


def _plain(text: str) -> str:
    """Undo the kernel's \\040 for blanks, tabs, newlines and backslashes."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
