"""Which directories grow: a way down a tree that changes between looks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from errno import EACCES, ENOENT
from types import SimpleNamespace
from typing import Any

import pytest

from checks.cephfs import top
from checks.cephfs.growers import Reading, Walk
from checks.cephfs.statistics import Directory, NoStatistics

EMPTY = Directory(0, 0, 1, 1, 0.0, 0, 0)
INTERVAL = 0.05
PAST = 1_790_000_000.0


class Changing:
    """A Source whose rctimes and sizes move in steps, one per wait."""

    def __init__(self, tree: dict[str, list[tuple[int, float]]], errors: dict[str, int] | None = None) -> None:
        self.tree = tree  # path -> (rbytes, rctime) at each step, the last one stays
        self.errors = errors or {}
        self.step = 0
        self.read: list[str] = []

    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        self.read.append(path)
        if path in self.errors:
            raise OSError(self.errors[path], "no")
        steps = self.tree[path]
        rbytes, rctime = steps[min(self.step, len(steps) - 1)]
        return [str(rbytes).encode(), b"0", b"1", b"1", b"%.9f" % rctime, b"", b""][: len(names)]

    def directories(self, path: str) -> list[str]:
        if f"list {path}" in self.errors:
            raise OSError(self.errors[f"list {path}"], "no list")
        inside = path.rstrip("/") + "/"
        known = {*self.tree, *self.errors}
        return sorted(
            {name[len(inside) :] for name in known if name.startswith(inside) and "/" not in name[len(inside) :]} - {""}
        )

    def space(self, path: str) -> tuple[int, int]:
        raise NotImplementedError


def mapped(function: Callable[[str], Reading | None], paths: Iterable[str]) -> Iterable[Reading | None]:
    return map(function, paths)


def walk(source: Changing, monkeypatch: pytest.MonkeyPatch, place: str = "/m") -> tuple[Walk, dict[str, float]]:
    said: list[str] = []
    found = Walk(source, mapped, said.append)

    def wait(seconds: float, reason: str) -> None:
        time.sleep(INTERVAL)
        source.step += 1

    monkeypatch.setattr(found, "_wait", wait)
    return found, {grower.path: grower.bytes_per_second for grower in found.growers(place, INTERVAL)}


def test_only_what_was_written_is_descended_into(monkeypatch: pytest.MonkeyPatch) -> None:
    old, first, second = PAST, PAST + 10, PAST + 20
    source = Changing(
        {
            "/m": [(0, old), (10, first), (1010, second)],
            "/m/busy": [(0, old - 5), (10, first), (1010, second)],
            "/m/busy/deep": [(0, old - 5), (10, first), (1010, second)],
            "/m/busy/still": [(0, old - 5)],
            "/m/quiet": [(0, old)],
            "/m/quiet/never": [(0, old)],
        }
    )
    found, rates = walk(source, monkeypatch)
    assert set(rates) == {"/m", "/m/busy", "/m/busy/deep"}
    assert rates["/m/busy/deep"] == pytest.approx(1000 / INTERVAL, rel=0.6)
    assert "/m/quiet/never" not in source.read
    assert (found.unread, found.looked_at) == ({}, 7)


def test_nothing_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Changing({"/m": [(5, PAST)], "/m/a": [(5, PAST)]})
    assert walk(source, monkeypatch)[1] == {}


def test_files_at_the_top_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Changing({"/m": [(0, PAST), (5, PAST + 1), (10, PAST + 2)], "/m/a": [(0, PAST)]})
    assert list(walk(source, monkeypatch)[1]) == ["/m"]


def test_a_future_rctime_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    future, now = 2_208_988_800.0, time.time()
    source = Changing(
        {
            "/m": [(0, future), (10, future), (20, future)],
            "/m/touched": [(0, future)],
            "/m/busy": [(0, PAST), (10, now + 1), (20, now + 2)],
            "/m/quiet": [(0, PAST)],
        }
    )
    _, rates = walk(source, monkeypatch)
    assert set(rates) == {"/m", "/m/touched", "/m/busy"}
    assert (rates["/m/touched"], rates["/m/busy"] > 0) == (0, True)


def test_what_could_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = [(0, PAST), (1, PAST + 1), (2, PAST + 2)]
    errors = {"/m/closed": EACCES, "/m/removed": ENOENT, "list /m/unlisted": EACCES}
    source = Changing({"/m": moving, "/m/unlisted": moving, "/m/odd": [(-1, PAST)]}, errors)
    found, rates = walk(source, monkeypatch)
    assert set(rates) == {"/m", "/m/unlisted"}
    assert found.unread == {
        "/m/closed": "no",
        "/m/odd": "ceph.dir.rbytes is no number",
        "/m/removed": "no",
        "/m/unlisted": "no list",
    }


def test_a_directory_that_vanishes_between_the_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = [(0, PAST), (1, PAST + 1), (2, PAST + 2)]

    class Vanishing(Changing):
        def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
            if path == "/m/short" and self.step == 2:
                raise OSError(ENOENT, "none")
            return super().attributes(path, names)

    found, rates = walk(Vanishing({"/m": moving, "/m/short": moving}), monkeypatch)
    assert (set(rates), found.unread) == ({"/m"}, {"/m/short": "none"})


def test_a_top_that_cannot_be_read() -> None:
    for source, error in ((Changing({}, {"/m": EACCES}), OSError), (Changing({"/m": [(-1, 0.0)]}), NoStatistics)):
        with pytest.raises(error):
            Walk(source, mapped, lambda _: None).growers("/m", INTERVAL)


def test_the_fastest_first_shrinking_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {
        "/m": [(1000, PAST), (1000, PAST + 1), (1001, PAST + 2)],
        "/m/a": [(0, PAST), (0, PAST + 1), (500, PAST + 2)],
        "/m/b": [(1000, PAST), (1000, PAST + 1), (1, PAST + 2)],
        "/m/c": [(0, PAST), (0, PAST + 1), (0, PAST + 2)],
    }
    _, rates = walk(Changing(tree), monkeypatch)
    assert list(rates) == ["/m/b", "/m/a", "/m", "/m/c"]
    assert rates["/m/b"] < 0


# the table


def table(*said: list[Any]) -> tuple[str, int]:
    return top._table("/m", SimpleNamespace(interval=10.0), json.loads(json.dumps(said)))


def test_the_table() -> None:
    found = list(EMPTY._replace(rbytes=3 << 40))
    text, code = table(
        ["progress", "reading"],
        ["grower", "/m/a\n|\udcff", (1 << 20) * 10.0, 2.0, *found],
        ["grower", "/m/b", -(1 << 20) * 1.0, -2.0, *found],
        ["done", 2, 17, [["/m/c", "Permission denied"]], 1],
    )
    assert (text, code) == (
        "       GROWTH     FILES       SIZE  PATH\n"
        "  600 MiB/min  +120/min    3.0 TiB  /m/a /?\n"
        "  -60 MiB/min  -120/min    3.0 TiB  /m/b\n"
        "2 active directories, 17 reads\n"
        "not read: 1\n"
        "  /m/c: Permission denied\n",
        0,
    )


def test_nothing_to_show() -> None:
    assert table(["done", 0, 5, [], 0]) == (
        "nothing was written below /m within 10 s\n0 active directories, 5 reads\n",
        0,
    )


def test_a_helper_that_failed() -> None:
    assert table(["failed", "No such file or directory"]) == (
        "UNKNOWN - undergoal cephfs-top: /m: No such file or directory\n",
        3,
    )
    assert table() == ("UNKNOWN - undergoal cephfs-top: its helper failed\n", 3)
