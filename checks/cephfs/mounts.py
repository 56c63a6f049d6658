"""Which CephFS is mounted where."""

from __future__ import annotations

from checks.frame.mountinfo import Mount, parse_mountinfo


def ceph_mounts(mountinfo: str) -> list[Mount]:
    """All mounts of CephFS, in the order they were made: by the kernel ("ceph") and by ceph-fuse ("fuse.ceph...")."""
    return [mount for mount in parse_mountinfo(mountinfo) if is_ceph(mount.kind, mount.source)]


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
