"""The SQLite file of a check's history, looked at and changed from outside, to make clocks step and machines reboot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def history(state: Path) -> Path:
    """The one file of history in a directory."""
    (path,) = state.rglob("*.sqlite")
    return path


def select(path: Path, statement: str) -> list[tuple[object, ...]]:
    """The rows that a query finds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def edit(path: Path, *statements: str) -> None:
    """Change the file behind the check's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def backdate(path: Path, per_hour: float) -> int:
    """Give each measure six older samples, ten minutes apart, with this slope towards its latest one.

    "regime", a number that stands for a situation, stays as it is.

    Returns how many measures there are.
    """
    latest = select(path, "SELECT item, measure, boot, max(uptime), time, value FROM sample GROUP BY item, measure")
    with closing(sqlite3.connect(path)) as connection, connection:
        for item, measure, boot, uptime, time, value in latest:
            assert isinstance(uptime, float)
            assert isinstance(time, float)
            assert isinstance(value, float)
            slope = 0 if measure == "regime" else per_hour
            connection.executemany(
                "INSERT INTO sample (item, measure, boot, uptime, time, value, by_hand) VALUES (?,?,?,?,?,?,0)",
                [
                    (item, measure, boot, uptime - step * 600, time - step * 600, value - slope * step / 6)
                    for step in range(1, 7)
                ],
            )
    return len(latest)
