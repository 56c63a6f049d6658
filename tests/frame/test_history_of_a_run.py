"""What goes wrong with the history costs the history, never the verdict."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from checks.docker_bridge import PLUGIN
from checks.frame.command import all_options
from checks.frame.deadline import Deadline
from checks.frame.history import History, Shelf, open_history, save_history
from checks.frame.host import Host
from checks.frame.options import parse
from perfdata.outcome import OK, Detail, Outcome
from perfdata.series import Series


def test_a_python_without_sqlite3_costs_the_history_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setitem(sys.modules, "perfdata.series", None)
    settings = parse(all_options(PLUGIN), ["--state-dir", str(tmp_path)])
    host = Host()
    history = open_history(PLUGIN, settings, host, host.clock())
    reason = "import of perfdata.series halted; None in sys.modules"
    assert history == History(None, reason)
    fine = Outcome("docker_bridge", OK, "br0 0/1023 ports")
    assert save_history(history, settings, fine, Deadline(8)) == fine._replace(
        text="br0 0/1023 ports; state not saved", details=(Detail(0, f"state not saved: {reason}"),)
    )


class Runs:
    """Runs of one process, one after another, that share a shelf."""

    def __init__(self, state: Path) -> None:
        state.chmod(0o700)
        self.state = state
        self.shelf = Shelf()

    def begin(self, *options: str) -> History:
        settings = parse(all_options(PLUGIN), ["--state-dir", str(self.state), *options])
        host = Host()
        return open_history(PLUGIN, settings, host, host.clock(), self.shelf)

    def series(self) -> Series:
        history = self.begin()
        assert history.series is not None, history.problem
        return history.series

    def keep(self, content: str) -> None:
        series = self.series()
        series.keep("br0", "note", content)
        series.save()


def test_runs_of_one_process_keep_a_history_open(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.keep("first")
    series = runs.series()
    earlier = series.clock
    Runs(tmp_path).keep("by another process")
    assert series.note("br0", "note") == "by another process"
    assert runs.series() is series
    assert series.clock.uptime > earlier.uptime
    runs.keep("last")
    runs.shelf.close()
    assert [path.name for path in tmp_path.iterdir()] == [os.path.basename(series.path)]
    assert Runs(tmp_path).series().note("br0", "note") == "last"


def test_what_a_run_did_not_save_is_not_the_next_ones(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.keep("first")
    runs.series().keep("br0", "note", "given up")
    runs.series().save()
    assert Runs(tmp_path).series().note("br0", "note") == "first"


def test_a_file_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.keep("first")
    (file,) = tmp_path.iterdir()
    file.rename(tmp_path / "aside")
    assert runs.series().note("br0", "note") == ""
    runs.keep("second")
    assert Runs(tmp_path).series().note("br0", "note") == "second"
    file.chmod(0o666)
    assert runs.begin() == History(None, f"{file} is writable by others")


def test_after_damage_it_is_opened_again_and_said_once(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.keep("first")
    (file,) = tmp_path.iterdir()
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE note")
    database.close()
    damaged = runs.series()
    assert damaged.note("br0", "note") == ""
    assert damaged.set_aside == f"{file}.damaged-1"
    after = runs.series()
    assert (after.set_aside, after is damaged) == ("", False)
    runs.keep("second")
    assert Runs(tmp_path).series().note("br0", "note") == "second"


def test_a_process_keeps_few_files_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    shelf = Shelf()
    clock = Host().clock()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(100):
        series = shelf.series(str(tmp_path / f"{number}.sqlite"), clock, False, 1.0)
        series.keep("br0", "note", "kept")
        series.save()
    assert len(os.listdir("/proc/self/fd")) - before == 16
    assert shelf.series(str(tmp_path / "0.sqlite"), clock, False, 1.0).note("br0", "note") == "kept"
    shelf.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(list(tmp_path.iterdir())) == 100
