"""Many checks in few processes: one answer each, in order, whatever one of them does."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Callable

import pytest

from checks import CHECKS, batch, jobs
from checks.batch import Batch, Done
from checks.delivery.passive import first_line, shared_options, stream
from checks.frame.options import UsageError
from checks.frame.plugin import Examination, NothingHere, Plugin, Run
from checks.frame.readings import Measure
from checks.jobs import Job, jobs_of, parse_job, split_arguments


class Made(Plugin):
    """A check that behaves as its name says."""

    main_measure = "ports"
    timeout = 1.0

    def __init__(self, name: str) -> None:
        self.name = name

    def examine(self, run: Run) -> Examination:
        if self.name.startswith("hang"):
            for number in (signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(60)
        if self.name.startswith("slow"):
            time.sleep(60)
        if self.name == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.name == "raise":
            raise RuntimeError("what nobody foresaw")
        if self.name == "exit":
            raise SystemExit(0)
        if self.name == "absent":
            raise NothingHere("nothing of this kind")
        if run.history is not None:
            run.history.append("thing", "ports", len(run.history.window("thing", "ports", 60)))
        return Examination([Measure("thing", "ports", os.getpid())])

    def sentence(self, title: str, judged: object) -> str:
        return f"{title} seven"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Done]]:
    def run_all(*names: str, seconds: float = float("inf")) -> list[Done]:
        for module in (batch, jobs):
            monkeypatch.setattr(module, "CHECKS", tuple(name for name in names if name != "unknown"))
        monkeypatch.setattr(jobs, "load", Made)
        return Batch([Job(f"{n}{i}", n, ("--no-history",)) for i, n in enumerate(names)], first_line).run(seconds)

    return run_all


def lines(done: list[Done]) -> list[str]:
    return [one.rendered.decode().partition(" | ")[0] for one in done]


def process_of(one: Done) -> str:
    return one.rendered.decode().partition("thing_ports=")[2].partition(";")[0]


def test_wrong_options_of_a_check_that_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (batch, jobs):
        monkeypatch.setattr(module, "CHECKS", ("fine",))
    monkeypatch.setattr(jobs, "load", Made)
    order = [Job(f"service {n}", "fine", words) for n, words in enumerate((("--no-history",), ("--bad",), ("--bad",)))]
    done = Batch(order, first_line).run(5)
    assert [one.state for one in done] == [0, 3, 3]
    assert [one.rendered.decode().partition(" - ")[2] for one in done[1:]] == ["unknown option --bad"] * 2


def test_children_that_end_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.Runner, "run", lambda _self, _number: os._exit(0))
    start = time.monotonic()
    done = Batch([Job(f"service {number}", "bond") for number in range(5)], first_line).run(60)
    assert [one.rendered for one in done] == [b"BOND UNKNOWN - its process said nothing"] * 5
    assert time.monotonic() - start < 30


def test_runs_share_a_history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All in one child, but for the captured tree, which is read in a child of that one."""
    tmp_path.chmod(0o700)
    for module in (batch, jobs):
        monkeypatch.setattr(module, "CHECKS", ("fine",))
    monkeypatch.setattr(jobs, "load", Made)
    (tmp_path / "captured").mkdir()
    live = ("--state-dir", str(tmp_path))
    captured = (*live, "--root", str(tmp_path / "captured"))
    order = [Job(f"service {number}", "fine", words) for number, words in enumerate((live, captured, live, live))]
    done = Batch(order, first_line).run()
    assert [one.state for one in done] == [0, 0, 0, 0]
    pids = [one.rendered.rpartition(b"=")[2].partition(b";")[0] for one in done]
    assert pids[0] == pids[2] == pids[3] != pids[1]
    found = {}
    for path in tmp_path.glob("*.sqlite"):
        with sqlite3.connect(path) as database:
            found["@" in path.name] = database.execute("SELECT value FROM sample ORDER BY uptime").fetchall()
        database.close()
    assert found == {False: [(0,), (1,), (2,)], True: [(0,)]}
    assert list(tmp_path.glob("*-journal")) == []


def test_one_answer_each_in_order(run: Callable[..., list[Done]]) -> None:
    names = ("fine", "hang", "fine", "die", "raise", "unknown", "slow", "exit", "absent", "fine")
    start = time.monotonic()
    done = run(*names)
    assert time.monotonic() - start < 4.5
    assert [one.job.check for one in done] == list(names)
    assert [one.state for one in done] == [0, 3, 0, 3, 3, 3, 3, 3, 3, 0]
    assert [one.applies for one in done] == [name != "absent" for name in names]
    found = lines(done)
    assert found[:4] == [
        "FINE OK - thing seven",
        "HANG UNKNOWN - did not answer in time; its process was killed",
        "FINE OK - thing seven",
        "DIE UNKNOWN - its process said nothing",
    ]
    assert found[4].startswith("RAISE UNKNOWN - failed while reading the host at test_batch.py:")
    assert found[5] == "UNKNOWN UNKNOWN - there is no such check here; see undergoal list"
    assert found[6].startswith("SLOW UNKNOWN - timed out after 1.0 s while reading the host")
    assert found[7:9] == ["EXIT UNKNOWN - its process said nothing", "ABSENT UNKNOWN - nothing of this kind"]


def test_checks_that_do_not_wait_share_one_process(run: Callable[..., list[Done]]) -> None:
    assert len({process_of(one) for one in run(*["fine"] * 20)}) == 1


def test_twenty_that_hang_take_hardly_longer_than_one(run: Callable[..., list[Done]]) -> None:
    start = time.monotonic()
    done = run(*[f"hang{number}" for number in range(20)], "fine")
    assert time.monotonic() - start < 6
    assert [one.state for one in done] == [3] * 20 + [0]


def test_what_is_not_there_within_the_time_is_unknown(run: Callable[..., list[Done]]) -> None:
    start = time.monotonic()
    done = run("fine", "slow", seconds=0.4)
    assert time.monotonic() - start < 0.9
    assert lines(done) == [
        "FINE OK - thing seven",
        "SLOW UNKNOWN - did not answer in time; its process was killed",
    ]


def test_no_process_is_left_behind(run: Callable[..., list[Done]]) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()
    run("hang", "die", "slow", "fine")
    assert children.read_text() == before


def test_the_stream(run: Callable[..., list[Done]]) -> None:
    assert (
        stream(run("absent", "raise"))[:62]
        == (b"ABSENT UNKNOWN - nothing of this kind\nSTATUS CODE: 3\nRAISE UNKN")[:62]
    )


@pytest.mark.parametrize(
    ("text", "job"),
    [
        ("bond", Job("bond", "bond")),
        ("check_bond", Job("bond", "bond")),
        ("moosefs -H a --only chunks", Job("moosefs", "moosefs", ("-H", "a", "--only", "chunks"))),
        ("mfs1=moosefs --goal=3", Job("mfs1", "moosefs", ("--goal=3",))),
        ("docker_bridge --bridge=br0", Job("docker_bridge", "docker_bridge", ("--bridge=br0",))),
        ("cephfs --path '/mnt/a b'", Job("cephfs", "cephfs", ("--path", "/mnt/a b"))),
    ],
)
def test_jobs(text: str, job: Job) -> None:
    assert parse_job(text) == job


@pytest.mark.parametrize("text", ["", " ", "=bond", "a=", "bond 'open"])
def test_what_is_no_job(text: str) -> None:
    with pytest.raises(UsageError):
        parse_job(text)


def test_options_may_stand_anywhere() -> None:
    words = ["bond", "-t", "3", "moosefs -H x", "--no-history"]
    assert split_arguments(shared_options(), words) == (["-t", "3", "--no-history"], ["bond", "moosefs -H x"])


def test_without_names_every_check_runs() -> None:
    assert [job.check for job in jobs_of([], ["--no-history"])] == list(CHECKS)
    assert jobs_of(["a"] * 1000, [])
    with pytest.raises(UsageError):
        jobs_of(["a"] * 1001, [])
