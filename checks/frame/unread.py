"""Files that are there and cannot be read: never taken for files that are not there."""

from __future__ import annotations

import errno

from perfdata.outcome import Detail
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from checks.frame.host import Host

_PATH_MAX = 100  # characters


class Unread(Record):
    """A file that was not read, and why."""

    path: str
    reason: str  # "may not be read by nagios", "Input/output error"
    denied: bool = False  # root may

    def __str__(self) -> str:
        path = _shown(self.path)
        return f"{path} {self.reason}" if self.denied else f"{path}: {self.reason}"


class Reader:
    """Reads text files of a host; those that are there and cannot be read are kept in ``unread``."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.unread: dict[str, Unread] = {}  # by path

    def text(self, path: str, needed: bool = False) -> str:
        """A file's text; "" for one that is not there, or that cannot be read. ``needed``: it should be there."""
        try:
            return self.host.text(path)
        except OSError as error:
            if needed or not is_absence(error):
                self.note(path, error)
            return ""

    def entries(self, path: str) -> list[str]:
        """The names in a directory, sorted; none where it is not there, or cannot be read."""
        try:
            return sorted(self.host.entries(path))
        except OSError as error:
            if not is_absence(error):
                self.note(path, error)
            return []

    def note(self, path: str, error: OSError) -> None:
        """Remember a file that could not be read."""
        self.unread[path] = unread(path, error)


def unread(path: str, error: OSError) -> Unread:
    """What is said of a file that gave an error."""
    return Unread(path, reason_of(error), is_denied(error))


def is_absence(error: OSError) -> bool:
    """Whether there is no such file: all else is one that is there."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)


def is_denied(error: OSError) -> bool:
    """Whether it is this user who may not."""
    return error.errno in (errno.EACCES, errno.EPERM)


def reason_of(error: OSError) -> str:
    """ "may not be read by nagios", "Input/output error"."""
    if not is_denied(error):
        return error.strerror or str(error)
    from checks.frame.grants import user_name

    return f"may not be read by {user_name()}"


def next_step(file: Unread) -> str:
    """What to do so that it can be read."""
    if not file.denied:
        return f"look at {_shown(file.path)}"
    from checks.frame.grants import as_root

    return as_root("to let it")


def notes(files: Collection[Unread]) -> list[Detail]:
    """What was not looked at, shown without -v: a verdict that stands all the same is not of everything."""
    found = [Detail(0, f"not seen: {file}") for file in files]
    if any(file.denied for file in files):
        from checks.frame.grants import as_root

        found.append(Detail(0, as_root("to see what is in it" if len(found) == 1 else "to see what is in them")))
    return found


def _shown(path: str) -> str:
    from checks.frame.printable import printable

    return printable(path, _PATH_MAX)
