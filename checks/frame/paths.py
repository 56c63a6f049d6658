"""Paths that are looked at before they are touched: mounts that may hang, owners, symlinks."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from checks.frame.mountinfo import remote_mounts

_LINKS_MAX = 40


class UnsafePath(Exception):
    """A path that is not used, with the reason."""


def walk(path: str, mounts: dict[str, str]) -> Iterator[tuple[str, os.stat_result]]:
    """Every directory and symlink on the way to an absolute ``path`` with its lstat, without touching a remote mount.

    Raises UnsafePath before a remote mount is entered, OSError where a component is missing or may not be seen.
    """
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    here = "/"
    links = 0
    yield here, os.lstat(here)
    while pending:
        part = pending.pop()
        following = os.path.dirname(here) if part == ".." else os.path.join(here, part)
        if following in mounts:
            raise UnsafePath(f"{following} is on {mounts[following]}, which may hang")
        status = os.lstat(following)
        yield following, status
        if not stat.S_ISLNK(status.st_mode):
            here = following
            continue
        links += 1
        if links > _LINKS_MAX:
            raise UnsafePath(f"{path} has too many symbolic links")
        target = os.readlink(following)
        here = "/" if target.startswith("/") else here
        pending += [part for part in reversed(target.split("/")) if part not in ("", ".")]


def check_trusted(path: str, mounts: dict[str, str], uid: int) -> None:
    """Raise UnsafePath unless nobody but root and ``uid`` can put something else in the place of ``path``."""
    for place, status in walk(path, mounts):
        if status.st_uid not in (0, uid):
            raise UnsafePath(f"{place} belongs to another user (uid {status.st_uid})")
        shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if shared and not stat.S_ISLNK(status.st_mode):
            raise UnsafePath(f"{place} is writable by others (mode {stat.S_IMODE(status.st_mode):04o})")


def refuse_remote(path: str, mountinfo: str) -> None:
    """Raise UnsafePath when ``path`` lies on a mount that may hang; a missing path is fine here."""
    try:
        for _ in walk(path, remote_mounts(mountinfo)):
            continue
    except OSError:
        return
