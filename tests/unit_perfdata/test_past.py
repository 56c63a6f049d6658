"""A recorded history read from outside: every boot, nothing touched, and every kind of file that is none."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perfdata.clock import Clock
from perfdata.past import Past, PastError, Recorded
from perfdata.series import Series

NOW = 1_800_000_000.0


def record(path: Path, time: float, uptime: float, value: float, boot: str = "b0", item: str = "docker0") -> None:
    """One run that records one value."""
    with Series(str(path), Clock(NOW + time, uptime, boot)) as history:
        history.append(item, "ports", value)
        history.save()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A history of two boots and two items; what is there before and after must be the same."""
    path = tmp_path / "a ?#%.sqlite"
    record(path, -500, 9000, 1)
    record(path, -400, 9100, 2)
    record(path, -300, 50, 3, "b1")
    record(path, -200, 150, 4, "b1")
    record(path, -200, 150, 7, "b1", "br-x")
    before = (path.read_bytes(), sorted(os.listdir(tmp_path)), path.stat().st_mtime_ns)
    yield path
    assert (path.read_bytes(), sorted(os.listdir(tmp_path)), path.stat().st_mtime_ns) == before


def test_samples_of_all_boots_by_wall_clock(file: Path) -> None:
    with Past(str(file)) as past:
        assert past.samples("docker0", "ports", NOW - 450, NOW - 200) == [
            Recorded(NOW - 400, 2.0, 9100.0, "b0"),
            Recorded(NOW - 300, 3.0, 50.0, "b1"),
            Recorded(NOW - 200, 4.0, 150.0, "b1"),
        ]
        assert past.samples("docker0", "ports", NOW, NOW + 5) == []
        assert past.samples("docker0", "endpoints", 0, NOW) == []
        assert past.samples("br-x", "ports", 0, NOW) == [Recorded(NOW - 200, 7.0, 150.0, "b1")]


def test_items_and_measures(file: Path) -> None:
    with Past(str(file)) as past:
        assert past.latest("ports", NOW - 1000, NOW) == {"docker0": 4.0, "br-x": 7.0}
        assert past.latest("ports", NOW - 1000, NOW - 350) == {"docker0": 2.0}
        assert past.latest("x", 0, NOW) == {}
        assert past.measures() == {"ports": NOW - 200}


def test_nothing_can_be_written(file: Path) -> None:
    with Past(str(file)) as past, pytest.raises(PastError, match="readonly"):
        past._query("DELETE FROM sample")


def test_a_file_without_anything(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("new", None)):
        path = tmp_path / name
        if content is None:
            Series(str(path), Clock(NOW, 1, "b")).__exit__()
        else:
            path.touch(0o600)
        with Past(str(path)) as past:
            assert past.measures() == past.latest("ports", 0, NOW) == {}
            assert past.samples("docker0", "ports", 0, NOW) == []


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    record(path, 0, 5, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, value in enumerate((float("inf"), -float("inf"), "text", b"blob")):
            connection.execute("INSERT INTO sample VALUES ('a', 'ports', 'b', ?, ?, ?, 0)", (number, NOW, value))
    with Past(str(path)) as past:
        assert past.samples("a", "ports", 0, NOW) == []
        assert past.latest("ports", 0, NOW) == {"docker0": 1.0}


def broken(path: Path, how: str) -> None:
    """Make something at ``path`` that is no history of ours."""
    record(path.with_name("other.sqlite"), 0, 5, 1)
    if how == "garbage":
        path.write_bytes(os.urandom(8192))
    elif how == "cut":
        path.write_bytes(path.with_name("other.sqlite").read_bytes()[:5000])
    elif how == "schema":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
            connection.execute("PRAGMA user_version=7")
    elif how == "tables":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE other (x)")
            connection.execute("PRAGMA user_version=1")
    elif how == "symlink":
        path.symlink_to("other.sqlite")
    elif how == "hardlink":
        path.hardlink_to(path.with_name("other.sqlite")) if sys.version_info >= (3, 10) else os.link(
            path.with_name("other.sqlite"), path
        )
    elif how == "directory":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "writable":
        record(path, 0, 5, 1)
        path.chmod(0o666)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("garbage", "file is not a database"),
        ("cut", "malformed|not a database|disk I/O error"),
        ("schema", "has schema version 7, not 1"),
        ("tables", "no such table: sample"),
        ("symlink", "is a symbolic link"),
        ("hardlink", "has 2 hard links"),
        ("directory", "is not a file"),
        ("pipe", "is not a file"),
        ("writable", "is writable by others"),
        ("missing", "is not a file"),
    ],
)
def test_what_is_no_history_is_refused_and_left_alone(tmp_path: Path, how: str, reason: str) -> None:
    path = tmp_path / "x.sqlite"
    broken(path, how)
    before = sorted(os.listdir(tmp_path))

    def read() -> None:
        with Past(str(path)) as past:
            past.measures()
            past.samples("docker0", "ports", 0, NOW)

    with pytest.raises(PastError, match=f"{path}.*({reason})"):
        read()
    assert sorted(os.listdir(tmp_path)) == before


def test_a_run_that_saves_meanwhile_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    record(path, 0, 5, 1)
    program = (
        "import sqlite3, sys, time\n"
        f"c = sqlite3.connect({str(path)!r}, isolation_level=None)\n"
        "c.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(0.4); c.execute('COMMIT')"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        start = time.monotonic()
        with Past(str(path)) as past:
            assert past.measures() == {"ports": NOW}
        assert time.monotonic() - start < 2


def test_a_run_that_was_cut_short_is_said_and_left_to_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    record(path, 0, 5, 1)
    program = (
        "import os, sqlite3\n"
        f"c = sqlite3.connect({str(path)!r}, isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE')\n"
        "for n in range(5000): c.execute('INSERT INTO sample VALUES (?, ?, ?, ?, 1, 1, 0)', (str(n), 'x', 'b', n))\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert path.with_name("x.sqlite-journal").exists()
    content = path.read_bytes()
    with pytest.raises(PastError, match="cut short"):
        Past(str(path))
    assert path.read_bytes() == content
    record(path, 60, 65, 2)
    with Past(str(path)) as past:
        assert past.latest("ports", 0, NOW + 60) == {"docker0": 2.0}
