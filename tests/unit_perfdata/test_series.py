"""History in SQLite: across runs, beside other writers, and with every kind of broken file or disk."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from perfdata import eta, series
from perfdata.clock import Clock
from perfdata.series import Sample, Seen, Series, SeriesError

NOW = 1_800_000_000.0
BOOT = "b0071d00"
HOUR, DAY = 3600, 86400


def clock(uptime: float, boot: str = BOOT, wall: float | None = None) -> Clock:
    """A moment; the wall clock goes with the uptime unless it is given."""
    return Clock(NOW + uptime if wall is None else wall, uptime, boot)


def record(path: Path, uptime: float, value: float, boot: str = BOOT, wall: float | None = None) -> None:
    """One run that records one value."""
    with Series(str(path), clock(uptime, boot, wall)) as history:
        history.append("docker0", "ports", value)
        history.save()


def window(path: Path, uptime: float = 1e6, seconds: float = 1e6, boot: str = BOOT) -> list[Sample]:
    """What a run at this uptime finds."""
    with Series(str(path), clock(uptime, boot)) as history:
        return history.window("docker0", "ports", seconds)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "docker_bridge.sqlite"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "undergoal-test", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_samples_across_runs(file: Path) -> None:
    for run in range(5):
        record(file, 60.0 * run, 100 + run)
    assert window(file) == [Sample(60.0 * run, 100.0 + run) for run in range(5)]
    assert file.stat().st_mode & 0o777 == 0o600
    assert window(file, uptime=250, seconds=70) == [Sample(180, 103), Sample(240, 104)]
    assert window(file, uptime=120) == [Sample(0, 100), Sample(60, 101), Sample(120, 102)]
    assert os.listdir(file.parent) == [file.name]


def test_items_and_measures_are_kept_apart(file: Path) -> None:
    with Series(str(file), clock(1)) as history:
        for place, (item, measure) in enumerate([("a", "ports"), ("a", "endpoints"), ("b", "ports")]):
            history.append(item, measure, place)
        history.save()
        assert [
            history.window("a", "ports", 9),
            history.window("a", "endpoints", 9),
            history.window("b", "ports", 9),
        ] == [
            [Sample(1, 0)],
            [Sample(1, 1)],
            [Sample(1, 2)],
        ]


def test_nothing_is_written_before_save(file: Path) -> None:
    with Series(str(file), clock(1)) as history:
        history.append("docker0", "ports", 5)
        history.keep("docker0", "stray", "text")
        history.see("docker0", "", None)
    with Series(str(file), clock(2)) as history:
        assert (history.window("docker0", "ports", 9), history.note("docker0", "stray"), history.seen()) == ([], "", {})


def test_another_boot_is_left_out(file: Path) -> None:
    record(file, 500, 7, boot="aaaaaaaa")
    record(file, 20, 9)
    assert window(file, uptime=600) == [Sample(20, 9)]
    assert window(file, uptime=600, boot="aaaaaaaa") == [Sample(500, 7)]


def test_a_stepped_clock_makes_no_rate(file: Path) -> None:
    for run, step in enumerate([0, 0, -7200, 7200, 0, -60]):
        record(file, 300.0 * run, 10 * run, wall=NOW + 300 * run + step)
    present = eta.rate(window(file))
    assert present is not None
    assert list(present) == pytest.approx([1 / 30] * 3)


def test_notes_are_kept_replaced_and_forgotten(file: Path) -> None:
    for content in ("first", "second \u00e9\n", ""):
        with Series(str(file), clock(1)) as history:
            history.keep("docker0", "stray", content)
            history.keep("other", "stray", "stays")
            history.save()
        with Series(str(file), clock(2)) as history:
            assert (history.note("docker0", "stray"), history.note("other", "stray")) == (content, "stays")


def test_seen_items(file: Path) -> None:
    with Series(str(file), clock(0)) as history:
        history.see("docker0", "", None)
        history.see("br-web", "docker", None)
        history.save()
    with Series(str(file), clock(30)) as history:
        known = history.seen()
        history.see("docker0", "", known["docker0"])
        history.see("br-web", "made", known["br-web"])
        history.save()
    with Series(str(file), clock(61)) as history:
        known = history.seen()
        assert known == {"docker0": Seen(NOW, ""), "br-web": Seen(NOW + 30, "made")}
        history.see("docker0", "", known["docker0"])
        history.forget("br-web")
        history.save()
        assert history.seen() == {"docker0": Seen(NOW + 61, "")}


def write_many(path: str, writer: int, runs: int) -> None:
    """One of several processes that record at the same time."""
    for run in range(runs):
        with Series(path, clock(float(run)), patience=20) as history:
            history.append(f"item{writer}", "ports", run)
            history.save()


def test_no_sample_is_lost_between_writers(file: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(str(file), writer, 12)) for writer in range(8)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(30)
    assert [process.exitcode for process in writers] == [0] * 8
    with Series(str(file), clock(1000)) as history:
        assert [len(history.window(f"item{writer}", "ports", 1000)) for writer in range(8)] == [12] * 8
    assert os.listdir(file.parent) == [file.name]


def database(path: Path) -> None:
    """A history of several pages."""
    with Series(str(path), clock(0)) as history:
        for number in range(2000):
            history.append("docker0" if number % 2 else f"item{number}", f"measure{number}", number)
        history.append("docker0", "ports", 1)
        history.save()


def newer(path: Path) -> None:
    database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()


def without_table(path: Path) -> None:
    database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE sample")
        connection.execute("DROP TABLE note")
    connection.close()


def without_column(path: Path) -> None:
    database(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE sample")
        connection.execute("CREATE TABLE sample (item, measure)")
    connection.close()


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        database(path)
        path.write_bytes(change(path.read_bytes()))

    return damage


DAMAGES = {
    "text": lambda path: path.write_bytes(b"this is no database, and longer than a header of one\n" * 40),
    "a few bytes": lambda path: path.write_bytes(b"\x01\x02"),
    "header only": rewritten(lambda content: content[:100]),
    "cut in half": rewritten(lambda content: content[: len(content) // 2]),
    "NUL-filled": rewritten(lambda content: bytes(len(content))),
    "NULs after page 1": rewritten(lambda content: content[:4096] + bytes(len(content) - 4096)),
    "noise after page 1": rewritten(lambda content: content[:4096] + b"\xa5" * (len(content) - 4096)),
    "future file format": rewritten(lambda content: content[:18] + b"\x09\x09" + content[20:]),
    "newer schema": newer,
    "another program's": other_program,
    "without its tables": without_table,
    "without its columns": without_column,
    "a directory": lambda path: (path.mkdir(), (path / "inside").write_text("x")),
    "a fifo": os.mkfifo,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_set_aside_and_work_goes_on(file: Path, damage: Callable[[Path], object]) -> None:
    damage(file)
    file.chmod(0o700 if file.is_dir() else 0o600)
    before = file.read_bytes() if file.is_file() else None
    with Series(str(file), clock(10)) as history:
        assert history.window("docker0", "ports", 60) == []
        assert history.note("docker0", "stray") == ""
        history.append("docker0", "ports", 7)
        history.save()
        assert history.window("docker0", "ports", 60) == [Sample(10, 7)]
        assert history.set_aside == f"{file}.damaged-1"
    assert window(file) == [Sample(10, 7)]
    aside = Path(f"{file}.damaged-1")
    assert sorted(file.parent.iterdir()) == [file, aside]
    assert before is None or aside.read_bytes() == before
    assert file.stat().st_mode & 0o022 == 0


def test_damage_that_only_save_notices(file: Path) -> None:
    database(file)
    with Series(str(file), clock(10)) as history:
        history.append("docker0", "ports", 7)
        with sqlite3.connect(file) as connection:
            connection.execute("DROP TABLE sample")
        connection.close()
        history.save()
        assert history.window("docker0", "ports", 60) == [Sample(10, 7)]
        assert history.set_aside == f"{file}.damaged-1"


def test_an_empty_file_is_a_new_history(file: Path) -> None:
    file.touch(0o600)
    record(file, 1, 5)
    assert window(file) == [Sample(1, 5)]
    assert os.listdir(file.parent) == [file.name]


def test_eleven_damages_leave_ten(file: Path) -> None:
    for number in range(12):
        file.write_text(f"damage {number}\n" * 100)
        assert series.set_aside(str(file)) == f"{file}.damaged-{min(number + 1, 10)}"
    assert len(os.listdir(file.parent)) == 10
    assert Path(f"{file}.damaged-10").read_text().startswith("damage 11\n")


def test_a_locked_history_is_given_up_in_time_and_not_set_aside(file: Path) -> None:
    record(file, 1, 5)
    with Series(str(file), clock(2), patience=0.2) as history:
        history.append("docker0", "ports", 6)
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        for work in (history.save, lambda: Series(str(file), clock(3), patience=0.2)):
            start = time.monotonic()
            with pytest.raises(SeriesError, match=r"^database is locked$"):
                work()
            assert 0.1 < time.monotonic() - start < 1.0
        holder.execute("ROLLBACK")
        holder.close()
        history.save()
        assert history.set_aside == ""
    assert window(file) == [Sample(1, 5), Sample(2, 6)]


def test_each_run_and_each_saving_has_its_own_patience(file: Path) -> None:
    record(file, 1, 5)
    holder = sqlite3.connect(file, isolation_level=None)
    with Series(str(file), clock(2), patience=0.01) as history:
        assert history.renew(clock(3), by_hand=False, patience=0.3)
        for patience, expected in ((None, 0.3), (0.6, 0.6)):
            history.append("docker0", "ports", 6)
            holder.execute("BEGIN IMMEDIATE")
            start = time.monotonic()
            with pytest.raises(SeriesError, match=r"^database is locked$"):
                history.save(patience)
            assert 0.5 * expected < time.monotonic() - start < expected + 0.5
            holder.execute("ROLLBACK")
        history.save(0.6)
    holder.close()
    assert window(file) == [Sample(1, 5), Sample(3, 6)]


def test_a_history_that_could_not_be_read_is_not_written(file: Path) -> None:
    with Series(str(file), clock(1)) as history:
        history.keep("docker0", "stray", "precious")
        history.save()
    with Series(str(file), clock(2), patience=0.1) as history:
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        assert history.note("docker0", "stray") == ""
        holder.execute("ROLLBACK")
        holder.close()
        history.keep("docker0", "stray", "made of nothing")
        assert (history.window("docker0", "ports", 60), history.seen()) == ([], {})
        with pytest.raises(SeriesError, match=r"^database is locked$"):
            history.save()
    with Series(str(file), clock(3)) as history:
        assert history.note("docker0", "stray") == "precious"


@pytest.mark.needs("mount", "umount")
def test_a_read_only_disk_costs_only_the_writing(small_disk: Path) -> None:
    file = small_disk / "docker_bridge.sqlite"
    record(file, 1, 5)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Series(str(file), clock(2)) as history:
        assert history.window("docker0", "ports", 60) == [Sample(1, 5)]
        history.append("docker0", "ports", 6)
        with pytest.raises(SeriesError, match="readonly"):
            history.save()
        assert history.set_aside == ""
    with pytest.raises(SeriesError, match=r"unable to open|No such file|Read-only file system|Too many open files"):
        Series(str(small_disk / "new.sqlite"), clock(2))
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert window(file) == [Sample(1, 5)]
    assert os.listdir(small_disk) == [file.name]


@pytest.mark.needs("mount", "umount")
def test_a_full_disk_leaves_the_old_file_as_it_was(small_disk: Path) -> None:
    file = small_disk / "docker_bridge.sqlite"
    record(file, 1, 5)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as output, contextlib.suppress(OSError):
        while True:
            output.write(bytes(4096))
    with Series(str(file), clock(2)) as history:
        for number in range(3000):
            history.append(f"item{number}", "ports", number)
        with pytest.raises(SeriesError, match=r"full|disk I/O error"):
            history.save()
        assert history.set_aside == ""
    with pytest.raises(SeriesError, match=r"full|disk I/O error"):
        Series(str(small_disk / "new.sqlite"), clock(2))
    filler.unlink()
    assert window(file) == [Sample(1, 5)]
    assert sorted(os.listdir(small_disk)) == ["docker_bridge.sqlite", "new.sqlite"]


@pytest.fixture
def no_more_files() -> Iterator[Callable[[], None]]:
    """A function after which this process can open no further file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def exhaust() -> None:
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))

    yield exhaust
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_file_handles_are_no_damage(file: Path, no_more_files: Callable[[], None]) -> None:
    record(file, 1, 5)
    content = file.read_bytes()
    no_more_files()
    with pytest.raises(SeriesError, match=r"unable to open|No such file|Read-only file system|Too many open files"):
        Series(str(file), clock(2))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 64, hard))
    assert os.listdir(file.parent) == [file.name]
    assert file.read_bytes() == content


def test_too_few_file_handles_when_saving(file: Path, no_more_files: Callable[[], None]) -> None:
    record(file, 1, 5)
    with Series(str(file), clock(2)) as history:
        history.append("docker0", "ports", 6)
        no_more_files()
        with pytest.raises(SeriesError):
            history.save()
        assert history.set_aside == ""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft + 64, hard))
        history.save()
    assert window(file) == [Sample(1, 5), Sample(2, 6)]
    assert os.listdir(file.parent) == [file.name]


def hard_link(path: Path) -> None:
    os.link(path, f"{path}.other")


def symlink(path: Path) -> None:
    path.rename(f"{path}.other")
    path.symlink_to(f"{path}.other")


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(f"{path}.other")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (hard_link, "{} has 2 hard links"),
        (symlink, "{} is a symbolic link"),
        (dangling, "{} is a symbolic link"),
        (lambda path: path.chmod(0o620), "{} is writable by others"),
        (lambda path: path.chmod(0o602), "{} is writable by others"),
    ],
    ids=["hard link", "symlink", "dangling symlink", "group-writable", "world-writable"],
)
def test_shared_files_are_refused(file: Path, spoil: Callable[[Path], object], reason: str) -> None:
    record(file, 1, 5)
    spoil(file)
    before = sorted(os.listdir(file.parent))
    with pytest.raises(SeriesError) as refused:
        Series(str(file), clock(2))
    assert str(refused.value) == reason.format(file)
    assert sorted(os.listdir(file.parent)) == before


def test_another_users_file_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(file, 1, 5)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(SeriesError) as refused:
        Series(str(file), clock(2))
    assert str(refused.value) == f"{file} belongs to another user (uid {owner})"


def test_a_missing_directory_is_an_error_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match=r"unable to open|No such file|Read-only file system|Too many open files"):
        Series(str(tmp_path / "none" / "x.sqlite"), clock(1))
    assert os.listdir(tmp_path) == []


def fill(path: Path, ages: list[float], measure: str = "ports") -> None:
    """Samples of these ages in seconds, behind the back of Series."""
    Series(str(path), clock(0)).__exit__()
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO sample VALUES ('docker0', ?, ?, ?, ?, 1, 0)",
            [(measure, BOOT, 1e8 - age, NOW - age) for age in ages],
        )
    connection.close()


def ages_after_save(path: Path, wall: float = NOW) -> list[float]:
    """The ages that are left after a run with something to save."""
    with Series(str(path), clock(1e8, wall=wall)) as history:
        history.keep("docker0", "stray", "something")
        history.save()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT ? - time FROM sample ORDER BY time", (NOW,)).fetchall()
    connection.close()
    return [age for (age,) in rows]


def test_a_week_is_kept_raw_and_a_quarter_by_the_hour(file: Path) -> None:
    raw = [60.0 * minute for minute in range(7 * 24 * 60)]
    hourly = [7 * DAY + 300.0 * number for number in range(1, 83 * DAY // 300)]
    ancient = [90 * DAY + 300.0 * number for number in range(1, 500)]
    fill(file, raw + hourly + ancient + [-2.0 * DAY, -0.5 * DAY])
    left = ages_after_save(file)
    week = [age for age in left if age <= 7 * DAY]
    older = [age for age in left if age > 7 * DAY]
    assert sorted(week) == [-0.5 * DAY, *raw]
    assert len({int((NOW - age) / HOUR) for age in older}) == len(older) == 83 * 24
    assert max(older) <= 90 * DAY


@pytest.mark.alone
def test_tidying_a_full_quarter_is_done_well_before_other_runs_lose_patience(file: Path) -> None:
    week_and_a_bit = [300.0 * number for number in range(7 * 288 + 72)]
    quarter = [7.25 * DAY + HOUR * number for number in range(82 * 24)]
    for number in range(30):
        fill(file, week_and_a_bit + quarter, measure=f"measure{number}")
    start = time.monotonic()
    left = ages_after_save(file)
    assert time.monotonic() - start < 1.0
    assert len(left) == 30 * len({age for age in week_and_a_bit + quarter if age <= 7 * DAY or age % HOUR == 0})


def test_tidying_waits_for_its_hour(file: Path) -> None:
    fill(file, [91.0 * DAY])
    assert ages_after_save(file) == []
    fill(file, [91.0 * DAY])
    assert ages_after_save(file, NOW + 2 * HOUR) == [91 * DAY]
    assert ages_after_save(file, NOW + 7 * HOUR) == []


def test_the_oldest_quarter_goes_when_the_file_is_too_large(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "SIZE_MAX", 64 << 10)
    fill(file, [float(age) for age in range(4000)])
    assert ages_after_save(file) == [float(age) for age in reversed(range(3000))]


def test_a_file_within_its_size_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(file, [float(age) for age in range(4000)])
    monkeypatch.setattr(series, "SIZE_MAX", file.stat().st_size + (64 << 10))
    assert len(ages_after_save(file)) == 4000
