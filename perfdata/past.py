"""A recorded history (series.py), looked at and never touched: nothing is created, repaired, set aside or locked long.

Unlike Series.window, which serves a check within one boot, this reads by wall clock and over all boots.
"""

from __future__ import annotations

import os
import sqlite3
from urllib.parse import quote

from perfdata.record import Record
from perfdata.series import SCHEMA_VERSION, SeriesError, refuse_shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATIENCE = 2.0  # seconds to wait for a run that is saving
_A_NUMBER = "value BETWEEN -1e300 AND 1e300"  # text, which SQLite takes in any column, is above every number


class PastError(Exception):
    """A history cannot be read; the reason is the text."""


class Recorded(Record):
    """One value, with every clock it was recorded by."""

    time: float  # wall clock, seconds since the epoch
    value: float
    uptime: float  # seconds since that boot
    boot: str


class Past:
    """An open history. Use as a context manager. Everything here raises PastError for a file that cannot be read."""

    def __init__(self, path: str) -> None:
        """Open the file at ``path``, which must be ours alone."""
        self.path = path
        try:
            refuse_shared(path)
        except SeriesError as error:
            raise PastError(str(error)) from None
        if not os.path.isfile(path):  # opening a named pipe for reading alone would wait for a writer
            raise PastError(f"{path} is not a file")
        try:
            self._connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode=ro", uri=True, timeout=_PATIENCE)
        except sqlite3.Error as error:
            raise PastError(f"{path}: {error}") from None
        try:
            version = self._query("PRAGMA user_version")[0][0]
            self._empty = version == 0 and not self._query("SELECT 1 FROM sqlite_master LIMIT 1")
            if version != SCHEMA_VERSION and not self._empty:
                raise PastError(f"{path} has schema version {version}, not {SCHEMA_VERSION}")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Past:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, arguments).fetchall()
        except sqlite3.Error as error:
            raise PastError(f"{self.path}: {_in_words(error)}") from None

    def measures(self) -> dict[str, float]:
        """The name of every measure ever recorded -> when it last was (wall clock)."""
        if self._empty:
            return {}
        return dict(self._query("SELECT measure, max(time) FROM sample GROUP BY measure ORDER BY measure"))

    def latest(self, measure: str, start: float, end: float) -> dict[str, float]:
        """Each item with samples of ``measure`` in this span of wall-clock time -> the last value."""
        if self._empty:
            return {}
        rows = self._query(
            f"SELECT item, value, max(time) FROM sample WHERE measure=? AND time BETWEEN ? AND ? AND {_A_NUMBER}"
            " GROUP BY item",
            measure,
            start,
            end,
        )  # beside max(), SQLite takes bare columns from the row that has the maximum (lang_select.html)
        return {item: value for item, value, _ in rows}

    def samples(self, item: str, measure: str, start: float, end: float) -> list[Recorded]:
        """Everything recorded in this span of wall-clock time, oldest first."""
        if self._empty:
            return []
        rows = self._query(
            "SELECT time, value, uptime, boot FROM sample WHERE item=? AND measure=? AND time BETWEEN ? AND ?"
            f" AND {_A_NUMBER} ORDER BY time, uptime",
            item,
            measure,
            start,
            end,
        )
        return [Recorded(*row) for row in rows]


def _in_words(error: sqlite3.Error) -> str:
    """What SQLite says, and where that is no news to a user, what it means."""
    text = str(error)
    if "readonly" in text or "unable to open" in text:  # only a writer may roll back a leftover journal
        return f"{text}; a run of the check that was cut short is undone by the next one"
    return text
