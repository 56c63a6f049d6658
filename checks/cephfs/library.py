"""CephFS without a mount, through libcephfs (Debian's python3-cephfs). Used in a helper: its calls may hang.

The client it logs in as needs no more than: ceph auth get-or-create client.undergoal mon 'allow r' mds 'allow r'.
Source: docs.ceph.com, "LibCephFS (Python)".
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEBIAN = "/usr/lib/python3/dist-packages"  # where a venv does not look


class LibCephFs:
    """A file system as checks.cephfs.reading wants it. Raises OSError."""

    def __init__(self, conf: str, name: str, fs: str) -> None:
        """Log in and mount."""
        library = _library()
        self._errors = (library.Error, library.OSError)
        self._fs: Any = None

        def mount() -> None:
            self._fs = library.LibCephFS(conffile=conf, auth_id=name.removeprefix("client."))
            self._fs.mount(filesystem_name=fs or None)

        self._call(mount)

    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        """See Source."""
        values = []
        for name in names:
            try:
                values.append(self._call(lambda name=name: self._fs.getxattr(_raw(path), name)))  # type: ignore[misc]
            except OSError as error:
                if error.errno != errno.ENODATA:
                    raise
                values.append(b"")
        return values

    def directories(self, path: str) -> list[str]:
        """See Source."""
        found = []
        handle = self._call(lambda: self._fs.opendir(_raw(path)))
        try:
            while entry := self._call(lambda: self._fs.readdir(handle)):
                if entry.is_dir() and entry.d_name not in (b".", b".."):
                    found.append(entry.d_name.decode("utf-8", "surrogateescape"))
        finally:
            self._call(lambda: self._fs.closedir(handle))
        return found

    def space(self, path: str) -> tuple[int, int]:
        """See Source."""
        said = self._call(lambda: self._fs.statfs(_raw(path)))
        return said["f_blocks"] * said["f_frsize"], said["f_bavail"] * said["f_frsize"]

    def _call(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except self._errors as error:
            number = abs(getattr(error, "errno", None) or errno.EIO)
            raise OSError(number, os.strerror(number)) from None


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _library() -> Any:
    from importlib import import_module

    for _ in range(2):
        try:
            return import_module("cephfs")
        except ImportError:
            sys.path.append(_DEBIAN)
    raise OSError(errno.ENOSYS, "python3-cephfs is not installed for this Python")
