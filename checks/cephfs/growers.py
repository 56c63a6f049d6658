"""Which directories grow: two samples, and a way down only where something has changed since the first one.

The rctime of a directory is the latest of everything below it. So whatever has a later one than the top had at the
first look has changed since, and the rest need not be read: the cost grows with the active directories, not with the
files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from checks.cephfs.statistics import NAMES, Directory, NoStatistics, parse
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.cephfs.reading import Source

    Reader = Callable[[Callable[[str], "Reading | None"], Iterable[str]], Iterable["Reading | None"]]

ACTIVE_MAX = 10_000


class Reading(Record):
    """A directory at one moment."""

    path: str
    at: float  # monotonic seconds
    found: Directory


class Grower(Record):
    """What happened to a directory between two looks."""

    path: str
    bytes_per_second: float
    files_per_second: float
    found: Directory


class Walk:
    """One search for growers. ``mapped(function, paths)`` reads several at once; ``progress`` is told what goes on."""

    def __init__(self, source: Source, mapped: Reader, progress: Callable[[str], None]) -> None:
        self.unread: dict[str, str] = {}  # path -> why
        self.looked_at = 0
        self._source = source
        self._mapped = mapped
        self._progress = progress

    def growers(self, top: str, interval: float) -> list[Grower]:
        """The active directories at and below ``top``, the fastest first; none when nothing was written.

        Raises OSError or NoStatistics when the top cannot be read.
        """
        first = Reading(top, time.monotonic(), parse(self._source.attributes(top, NAMES)))
        # a future rctime, of one file that somebody touched, would hide all that is written below
        since = min(first.found.rctime, time.time())
        self._wait(interval, "for something to be written")
        active = [first, *self._active(top, since)]
        if len(active) == 1 and parse(self._source.attributes(top, NAMES)) == first.found:
            return []
        self._wait(interval, f"to see how fast {len(active)} active directories grow")
        again = self._mapped(self._read, [reading.path for reading in active])
        return sorted(
            (_grower(before, after) for before, after in zip(active, again) if after is not None),
            key=lambda grower: (-abs(grower.bytes_per_second), -abs(grower.files_per_second), grower.path),
        )

    def _active(self, top: str, since: float) -> list[Reading]:
        """Everything below ``top`` that has changed, level by level."""
        found: list[Reading] = []
        level = [top]
        while level and len(found) < ACTIVE_MAX:
            children = [child for path in level for child in self._children(path)]
            self._progress(f"reading {len(children)} directories below {len(level)}")
            changed = [
                reading
                for reading in self._mapped(self._read, children)
                if reading is not None and reading.found.rctime > since
            ]
            found += changed
            level = [reading.path for reading in changed]
        return found[:ACTIVE_MAX]

    def _children(self, path: str) -> list[str]:
        try:
            return [f"{path.rstrip('/')}/{name}" for name in self._source.directories(path)]
        except OSError as error:
            self.unread[path] = error.strerror or "cannot be read"
            return []

    def _read(self, path: str) -> Reading | None:
        self.looked_at += 1
        try:
            return Reading(path, time.monotonic(), parse(self._source.attributes(path, NAMES)))
        except OSError as error:
            self.unread[path] = error.strerror or "cannot be read"
        except NoStatistics as error:
            self.unread[path] = str(error)
        return None

    def _wait(self, seconds: float, reason: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._progress(f"waiting {left:.0f} s {reason}")
            time.sleep(min(1.0, left))


def _grower(before: Reading, after: Reading) -> Grower:
    span = max(1e-3, after.at - before.at)
    return Grower(
        before.path,
        (after.found.rbytes - before.found.rbytes) / span,
        (after.found.rfiles - before.found.rfiles) / span,
        after.found,
    )
