"""What is mounted where, from /proc/self/mountinfo (proc(5)): reading that touches no file system."""

from __future__ import annotations

from perfdata.record import Record

# Where a stat may never return. FUSE counts: behind it is a network as often as not.
_MAY_HANG = (
    "nfs", "cifs", "smb", "ceph", "fuse", "9p", "afs", "autofs", "gluster", "lustre", "ocfs2", "gfs2", "beegfs",
)  # fmt: skip


class Mount(Record):
    """A mounted file system."""

    point: str
    kind: str  # "ext4", "fuse.ceph"
    source: str


def parse_mountinfo(mountinfo: str) -> list[Mount]:
    """All mounts, in the order they were made; lines that were cut off are left out."""
    found = []
    for line in mountinfo.split("\n"):
        head, separator, tail = line.partition(" - ")
        fields, kinds = head.split(" "), tail.split(" ")
        if separator and len(fields) > 4 and len(kinds) > 1:
            found.append(Mount(_plain(fields[4]), kinds[0], _plain(kinds[1])))
    return found


def remote_mounts(mountinfo: str) -> dict[str, str]:
    """Mount point -> file system type, of those that may hang."""
    return {
        mount.point: mount.kind
        for mount in parse_mountinfo(mountinfo)
        if mount.kind.startswith(_MAY_HANG) and not mount.kind.startswith("fuseblk")
    }


def _plain(text: str) -> str:
    """Undo the kernel's \\040 for blanks, tabs, newlines, backslashes and "#"."""
    if "\\" not in text:
        return text
    first, *rest = text.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] if _is_octal(part[:3]) else "\\" + part for part in rest)


def _is_octal(text: str) -> bool:
    return len(text) == 3 and all("0" <= digit <= "7" for digit in text)
