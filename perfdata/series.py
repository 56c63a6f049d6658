"""History of measures: samples for rates and forecasts, and kept notes (baselines, sightings), in one SQLite file.

Nothing is written before save(), which is one transaction. What cannot be read is set aside and never deleted; what
cannot be read now (a lock) or written is reported by save() and costs the history of this run only.

Time: each sample carries the wall clock and the uptime (CLOCK_BOOTTIME) with the boot it belongs to. Rates within a
boot are taken over uptime, so that a stepped clock makes no rate at all.
"""

from __future__ import annotations

import _sqlite3 as sqlite3  # what sqlite3 adds, adapters for datetime, is a twentieth of a whole run
import os
import stat

from perfdata.clock import Clock
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA_VERSION = 1
RAW_DAYS, HOURLY_DAYS, SIZE_MAX = 7, 90, 50 << 20
_TIDY_HOURS = 6
_SEEN_AGAIN = 60
_WINDOW_ROWS = 2000
_GAPS_MIN = 3

_SCHEMA = """
CREATE TABLE sample (
    item TEXT NOT NULL, measure TEXT NOT NULL, boot TEXT NOT NULL,
    uptime REAL NOT NULL, time REAL NOT NULL, value REAL NOT NULL, by_hand INTEGER NOT NULL,
    PRIMARY KEY (item, measure, boot, uptime)) WITHOUT ROWID;
CREATE TABLE seen (item TEXT PRIMARY KEY, time REAL NOT NULL, origin TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE note (item TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (item, name)) WITHOUT ROWID;
"""


class SeriesError(Exception):
    """History cannot be used or was not saved; the reason is the text."""


class Sample(Record):
    """One recorded value, at seconds of uptime."""

    at: float
    value: float


class Seen(Record):
    """That an item was once here."""

    time: float  # wall clock of the last time, to the minute
    origin: str  # who made it, in the check's own words


class Series:
    """The open history of one check. Use as a context manager, or close() it; save() at the end of a run."""

    def __init__(self, path: str, clock: Clock, by_hand: bool = False, patience: float = 1.0) -> None:
        """Open or create the file at ``path``; ``patience``: seconds that opening and reading wait for a lock."""
        self.path = path
        self.clock = clock
        self.set_aside = ""  # where an unreadable file went
        self._by_hand = by_hand
        self._samples: list[tuple[str, str, float]] = []
        self._notes: dict[tuple[str, str], str] = {}
        self._seen: dict[str, Seen | None] = {}
        self._problem = ""  # why reading failed; nothing is written then, so that nothing stored is lost
        self._renewed = False
        self._patience = patience
        self._connection = self._open()
        self._identity = _identity(path)

    def renew(self, clock: Clock, by_hand: bool, patience: float) -> bool:
        """Make it that of this process's next run, which is cheaper than to open the file again.

        False: it has to be opened again, as the file is another or something went wrong with it.
        """
        try:
            refuse_shared(self.path)
        except SeriesError:
            return False
        if self._problem or self.set_aside or self._connection.in_transaction:
            return False
        if self._identity is None or self._identity != _identity(self.path):
            return False
        try:
            self._wait_for_others(patience)
            if not self._renewed:
                # from the second run on: an empty journal stays until close(), which is cheaper than one each time
                self._connection.execute("PRAGMA journal_mode=TRUNCATE")
                self._renewed = True
        except sqlite3.Error:
            return False
        for pending in (self._samples, self._notes, self._seen):
            pending.clear()
        self.clock, self._by_hand = clock, by_hand
        return True

    def __enter__(self) -> Series:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file: a connection that is only forgotten stays open, as it refers to itself."""
        if self._renewed:
            from contextlib import suppress

            with suppress(sqlite3.Error):  # another run is writing: the empty journal may stay
                self._connection.execute("PRAGMA journal_mode=DELETE")
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        refuse_shared(self.path)
        _make_private(self.path)
        try:
            return self._connect()
        except sqlite3.Error as error:
            if not _is_damage(error, self.path):
                raise SeriesError(str(error)) from None
        self.set_aside = set_aside(self.path)
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise SeriesError(str(error)) from None

    def _recovered(self, error: sqlite3.Error) -> bool:
        """After damage that showed itself late: the file is set aside and a new one open. False: it is not damage."""
        if not _is_damage(error, self.path):
            return False
        self._connection.close()
        self.set_aside = set_aside(self.path)
        self._connection = self._open()
        return True

    def _wait_for_others(self, seconds: float) -> None:
        """From here on wait that long for another run's lock. SQLite sleeps between its tries: it costs no CPU."""
        if seconds != self._patience:
            self._connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
            self._patience = seconds

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                _create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def window(self, item: str, measure: str, seconds: float) -> list[Sample]:
        """The samples of this boot that are at most ``seconds`` old, oldest first."""
        rows = self._query(
            "SELECT uptime, value FROM sample WHERE item=? AND measure=? AND boot=? AND uptime BETWEEN ? AND ?"
            f" ORDER BY uptime DESC LIMIT {_WINDOW_ROWS}",
            (item, measure, self.clock.boot, self.clock.uptime - seconds, self.clock.uptime),
        )
        return [Sample(at, value) for at, value in reversed(rows)]

    def interval(self, item: str, measure: str) -> float | None:
        """Median seconds between the scheduler's last runs; those by hand do not count. None when there are too few."""
        rows = self._query(
            "SELECT uptime FROM sample WHERE item=? AND measure=? AND boot=? AND uptime<=? AND NOT by_hand"
            " ORDER BY uptime DESC LIMIT 13",
            (item, measure, self.clock.boot, self.clock.uptime),
        )
        gaps = sorted(later[0] - earlier[0] for later, earlier in zip(rows, rows[1:]))
        return float(gaps[len(gaps) // 2]) if len(gaps) >= _GAPS_MIN else None

    def note(self, item: str, name: str) -> str:
        """The text that was kept under this name; "" when there is none."""
        rows = self._query("SELECT content FROM note WHERE item=? AND name=?", (item, name))
        return str(rows[0][0]) if rows else ""

    def keep(self, item: str, name: str, content: str) -> None:
        """Keep a note, or forget it with "", when saved."""
        self._notes[item, name] = content

    def seen(self) -> dict[str, Seen]:
        """Every item that was ever seen and not forgotten."""
        return {
            item: Seen(time, origin) for item, time, origin in self._query("SELECT item, time, origin FROM seen", ())
        }

    def see(self, item: str, origin: str, known: Seen | None) -> None:
        """Note that an item is here, when saved; not written again within the minute it is ``known`` from."""
        if known is None or known.origin != origin or abs(self.clock.time - known.time) > _SEEN_AGAIN:
            self._seen[item] = Seen(self.clock.time, origin)

    def forget(self, item: str) -> None:
        """Never miss this item again, when saved."""
        self._seen[item] = None

    def _query(self, statement: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Rows; none when the history cannot be read, which save() then reports: a verdict does not fail for it."""
        if self._problem:
            return []
        try:
            return self._connection.execute(statement, arguments).fetchall()
        except sqlite3.Error as error:
            if not self._recovered(error):
                self._problem = str(error)
            return []

    def append(self, item: str, measure: str, value: float) -> None:
        """Record a value at this run's moment, when saved."""
        self._samples.append((item, measure, value))

    def save(self, patience: float | None = None) -> None:
        """Write everything in one transaction. Raises SeriesError, and then nothing was changed.

        ``patience``: seconds to wait for other runs, when it is not that of reading.
        """
        if self._problem:
            raise SeriesError(self._problem)
        if not (self._samples or self._notes or self._seen):
            return
        try:
            if patience is not None:
                self._wait_for_others(patience)
            self._write()
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            if not self._recovered(error):
                raise SeriesError(str(error)) from None
            try:
                self._write()
            except sqlite3.Error as second:
                raise SeriesError(str(second)) from None
        for pending in (self._samples, self._notes, self._seen):
            pending.clear()

    def _write(self) -> None:
        clock = self.clock
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "REPLACE INTO sample (item, measure, boot, uptime, time, value, by_hand) VALUES (?,?,?,?,?,?,?)",
            [(i, m, clock.boot, clock.uptime, clock.time, v, self._by_hand) for i, m, v in self._samples],
        )
        for (item, name), content in self._notes.items():
            if content:
                self._connection.execute("REPLACE INTO note VALUES (?,?,?)", (item, name, content))
            else:
                self._connection.execute("DELETE FROM note WHERE item=? AND name=?", (item, name))
        for item, seen in self._seen.items():
            if seen:
                self._connection.execute("REPLACE INTO seen VALUES (?,?,?)", (item, *seen))
            else:
                self._connection.execute("DELETE FROM seen WHERE item=?", (item,))
        if self._due_for_tidying():
            _tidy(self._connection, clock.time)
        self._connection.execute("COMMIT")

    def _due_for_tidying(self) -> bool:
        # SQLite's application_id is a free 32-bit number in the file's header: here the hour of the last tidying
        last = self._connection.execute("PRAGMA application_id").fetchone()[0]
        hour = int(self.clock.time / 3600) & 0x7FFFFFFF
        if abs(hour - last) < _TIDY_HOURS:
            return False
        self._connection.execute(f"PRAGMA application_id={hour}")
        return True


def _create(connection: sqlite3.Connection) -> None:
    """Make the tables; another run may be doing the same. Anything but a new file is refused as a DatabaseError."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and tables == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"has schema version {version}")
    connection.execute("COMMIT")


def _tidy(connection: sqlite3.Connection, now: float) -> None:
    """Raw samples for a week, one an hour for a quarter, 50 MB at most; those of a clock that was far ahead go too."""
    connection.execute("DELETE FROM sample WHERE time < ? OR time > ?", (now - HOURLY_DAYS * 86400, now + 86400))
    connection.execute(
        "DELETE FROM sample WHERE time < ?1 AND uptime > (SELECT min(uptime) FROM sample AS other"
        " WHERE (other.item, other.measure, other.boot) = (sample.item, sample.measure, sample.boot)"
        " AND other.uptime BETWEEN sample.uptime - 3600 AND sample.uptime"
        " AND CAST(other.time / 3600 AS INTEGER) = CAST(sample.time / 3600 AS INTEGER))",
        (now - RAW_DAYS * 86400,),
    )
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    if (pages - free) * size > SIZE_MAX:
        connection.execute(
            "DELETE FROM sample WHERE time <"
            " (SELECT time FROM sample ORDER BY time LIMIT 1 OFFSET (SELECT count(*) / 4 FROM sample))"
        )


def refuse_shared(path: str) -> None:
    """Raise SeriesError for a file that others can reach by another name, own, or write."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SeriesError(f"{path}: {error.strerror}") from None
    if stat.S_ISLNK(status.st_mode):
        raise SeriesError(f"{path} is a symbolic link")
    if not stat.S_ISREG(status.st_mode):
        return  # a directory or device in its place is no history: set aside like any other damage
    if status.st_nlink > 1:
        raise SeriesError(f"{path} has {status.st_nlink} hard links")
    if status.st_uid != os.geteuid():
        raise SeriesError(f"{path} belongs to another user (uid {status.st_uid})")
    if status.st_mode & 0o022:
        raise SeriesError(f"{path} is writable by others")


def _identity(path: str) -> tuple[int, int] | None:
    """Which file is at ``path``; None when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_private(path: str) -> None:
    """An empty file of our own where there is none, as SQLite would make it readable to everybody."""
    if os.path.lexists(path):
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise SeriesError(f"{path}: {error.strerror}") from None


def set_aside(path: str) -> str:
    """Rename what cannot be used to the first free PATH.damaged-N of ten (then over the last); returns the new name."""
    for number in range(1, 11):
        target = f"{path}.damaged-{number}"
        if not os.path.lexists(target) or number == 10:
            break
    try:
        os.rename(path, target)
        for leftover in ("-journal", "-wal", "-shm"):
            if os.path.lexists(path + leftover):
                os.rename(path + leftover, target + leftover)
    except OSError as error:
        raise SeriesError(f"{path}: {error.strerror}") from None
    return target


def _is_damage(error: sqlite3.Error, path: str) -> bool:
    """Whether the file itself is at fault, and not a lock, a full disk, missing rights or missing file handles."""
    signs = ("not a database", "malformed", "schema version", "no such", "has no column", "unsupported file format")
    return any(sign in str(error) for sign in signs) or (os.path.lexists(path) and not os.path.isfile(path))
