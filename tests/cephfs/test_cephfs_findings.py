"""From statistics and their history to findings: growth, forecasts, age, empty files, loss, what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, ECONNABORTED, EIO, ENOENT, ENOTCONN, ENOTDIR
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import check

from checks.cephfs import PLUGIN, assess
from checks.cephfs.reading import NO_MATCH, NOT_CEPHFS, Problem, Readings
from checks.cephfs.statistics import Directory
from checks.cephfs.survey import Survey, item_of
from checks.frame.command import all_options
from checks.frame.mountinfo import Mount
from checks.frame.options import parse
from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Fact, Finding, Measure, fact
from perfdata.clock import Clock
from perfdata.eta import Forecast
from perfdata.series import Series

BOOT = "b0071d00"
NOW = 1_790_000_000.0
DAY, HOUR = 86400.0, 3600.0
GIB = 1 << 30
EMPTY = Directory(0, 0, 1, 1, 0.0, 0, 0)


def settings(*arguments: str) -> SimpleNamespace:
    return parse(all_options(PLUGIN), list(arguments))


@contextmanager
def history(path: Path, at: float) -> Iterator[Series]:
    """A run's history, saved at its end."""
    with Series(str(path / "h.sqlite"), Clock(NOW + at, 1e6 + at, BOOT)) as series:
        yield series
        series.save()


def look(path: Path, at: float, found: Directory, *arguments: str, child: bool = False) -> dict[str, Any]:
    """One run's findings of one directory: values by measure, parameters by code."""
    forecasts: dict[str, list[Forecast]] = {}
    with history(path, at) as series:
        seen = list(
            assess.directory_findings("/m", found, child, settings(*arguments), series.clock, series, forecasts)
        )
    return by_name([*seen, *assess.forecast_findings(forecasts)])


def by_name(findings: list[Finding]) -> dict[str, Any]:
    assert len({(type(f), f.code if isinstance(f, Fact) else f.name) for f in findings}) == len(findings)
    return {
        f.code if isinstance(f, Fact) else f.name: dict(f.parameters) if isinstance(f, Fact) else f.value
        for f in findings
    }


def growing(path: Path, step: float, runs: int, *arguments: str, **per_step: int) -> dict[str, Any]:
    """The last of some runs in which these fields grow from run to run, from 100 each."""
    fixed = {name: per_step.pop(name) for name in ("max_bytes", "max_files") if name in per_step}
    for run in range(runs):
        found = EMPTY._replace(**fixed, **{name: 100 + run * more for name, more in per_step.items()})
        last = look(path, run * step, found, *arguments)
    return last


def without_history(found: Directory, *arguments: str) -> dict[str, Any]:
    clock = Clock(NOW, 1e6, BOOT)
    return by_name(list(assess.directory_findings("/m", found, False, settings(*arguments), clock, None, {})))


def test_sizes_and_quotas_without_history() -> None:
    found = Directory(850, 40, 5, 45, NOW - 60, 1000, 50)
    clock = Clock(NOW, 1e6, BOOT)
    assert list(assess.directory_findings("/m", found, False, settings(), clock, None, {})) == [
        Measure("/m", "rbytes", 850, 0, 1000),
        Measure("/m", "rfiles", 40, 0),
        Measure("/m", "rsubdirs", 5, 0),
        Measure("/m", "rentries", 45, 0, 50),
        Measure("/m", "quota_used_percent", 85.0, 0),
        Measure("/m", "quota_files_used_percent", 90.0, 0),  # directories count too
        Measure("/m", "rctime_age_seconds", 60, 0),
    ]
    assert set(without_history(EMPTY)) == {"rbytes", "rfiles", "rsubdirs", "rentries"}


@pytest.mark.parametrize(
    ("age", "arguments", "codes"),
    [
        (26 * HOUR, ("--max-age", "26h"), {}),
        (26 * HOUR + 1, ("--max-age", "26h"), {"stale": {"age": "26 h", "limit": "26 h"}}),
        (1000 * DAY, (), {}),
        (-299, ("--max-age", "26h"), {}),
        (-301, (), {"future": {"ahead": "5 min"}}),
        (-5000 * DAY, ("--max-age", "26h"), {"future": {"ahead": "5000 d"}}),
    ],
)
def test_age(age: float, arguments: tuple[str, ...], codes: dict[str, Any]) -> None:
    seen = without_history(EMPTY._replace(rctime=NOW - age), *arguments)
    assert {code: seen[code] for code in ("stale", "future", "never_written") if code in seen} == codes
    assert seen["rctime_age_seconds"] == max(0, age)


def test_never_written_is_only_told_when_age_was_asked_for() -> None:
    assert without_history(EMPTY, "--max-age", "26h")["never_written"] == {}
    assert "never_written" not in without_history(EMPTY)


def test_growth_and_the_time_until_a_quota_of_bytes_is_full(tmp_path: Path) -> None:
    seen = growing(tmp_path, 300, 5, rbytes=300 * GIB, max_bytes=10_000 * GIB)
    assert seen["growth_bytes_per_hour"] == 3600 * GIB
    left = 10_000 - 1200 - 100 / GIB
    assert seen["until_full_seconds"] == pytest.approx(left)
    assert seen["until_full_lower_seconds"] == pytest.approx(0.8 * left)
    assert seen["until_full_upper_seconds"] == pytest.approx(1.5 * left)
    assert "growth_bytes_per_day" not in seen


def test_the_quota_that_is_full_first_counts(tmp_path: Path) -> None:
    seen = growing(tmp_path, 300, 5, rbytes=300, rfiles=30, rentries=60, max_bytes=1_000_000, max_files=1000)
    assert seen["until_full_seconds"] == pytest.approx((1000 - 340) / 0.2)
    assert seen["quota_files_used_percent"] == 34


def test_no_growth_no_forecast_and_too_little_history(tmp_path: Path) -> None:
    assert growing(tmp_path, 300, 5, rbytes=0, max_bytes=1000)["growth_bytes_per_hour"] == 0
    assert "until_full_seconds" not in growing(tmp_path, 300, 5, rbytes=0, max_bytes=1000)
    (tmp_path / "h.sqlite").unlink()
    assert "growth_bytes_per_hour" not in growing(tmp_path, 100, 5, rbytes=5)  # less than 10 minutes
    (tmp_path / "h.sqlite").unlink()
    assert "growth_bytes_per_hour" in growing(tmp_path, 2, 5, "--settle", "8s", rbytes=5)
    (tmp_path / "h.sqlite").unlink()
    assert "growth_bytes_per_hour" not in growing(tmp_path, 2, 5, "--settle", "9s", rbytes=5)


def test_a_full_quota_is_full_now(tmp_path: Path) -> None:
    assert growing(tmp_path, 300, 5, rbytes=300, max_bytes=1000)["until_full_seconds"] == 0


def test_the_rate_of_a_day_needs_half_a_day(tmp_path: Path) -> None:
    assert "growth_bytes_per_day" not in growing(tmp_path, HOUR, 12, rbytes=GIB)
    (tmp_path / "h.sqlite").unlink()
    seen = growing(tmp_path, HOUR, 14, rbytes=GIB)
    assert (seen["growth_bytes_per_day"], seen["growth_bytes_per_hour"]) == (24 * GIB, GIB)
    child = look(tmp_path, 14 * HOUR, EMPTY._replace(rbytes=100 + 14 * GIB), child=True)
    assert "growth_bytes_per_day" not in child
    assert child["growth_bytes_per_hour"] == GIB


def test_millions_of_empty_files(tmp_path: Path) -> None:
    seen = growing(tmp_path, 600, 4, rfiles=40_000, rbytes=10)
    assert seen["empty_files"] == {"files": 120_000, "span": "30 min"}
    (tmp_path / "h.sqlite").unlink()
    assert "empty_files" not in growing(tmp_path, 600, 4, rfiles=40_000, rbytes=40_000)
    (tmp_path / "h.sqlite").unlink()
    assert "empty_files" not in growing(tmp_path, 600, 4, rfiles=33_000, rbytes=10)
    (tmp_path / "h.sqlite").unlink()
    assert "empty_files" not in growing(tmp_path, 600, 4, "--empty-files", "0", rfiles=40_000)
    (tmp_path / "h.sqlite").unlink()
    assert "empty_files" in growing(tmp_path, 600, 4, "--empty-files", "100", rfiles=40)


def test_loss_of_bytes_and_files_until_accepted(tmp_path: Path) -> None:
    whole = EMPTY._replace(rbytes=20 * GIB, rfiles=40)
    half = EMPTY._replace(rbytes=10 * GIB, rfiles=20)
    both = {"what": "10 GiB of 20 GiB and 20 files of 40"}
    assert "lost" not in look(tmp_path, 0, whole)
    assert look(tmp_path, 60, half)["lost"] == both
    assert look(tmp_path, 120, half)["lost"] == both
    assert "lost" not in look(tmp_path, 180, half, "--loss", "50%")
    assert look(tmp_path, 240, half, "--loss", "49%")["lost"] == both
    assert look(tmp_path, 300, half._replace(rfiles=40))["lost"] == {"what": "10 GiB of 20 GiB"}
    assert look(tmp_path, 360, whole._replace(rfiles=20))["lost"] == {"what": "20 files of 40"}
    assert "lost" not in look(tmp_path, 420, half, "--accept")
    assert "lost" not in look(tmp_path, 480, half)


def test_little_things_are_no_loss(tmp_path: Path) -> None:
    look(tmp_path, 0, EMPTY._replace(rbytes=1 << 20, rfiles=9))
    assert look(tmp_path, 60, EMPTY)["lost"] == {"what": "1.0 MiB of 1.0 MiB"}
    (tmp_path / "h.sqlite").unlink()
    look(tmp_path, 0, EMPTY._replace(rbytes=(1 << 20) - 1, rfiles=9))
    assert "lost" not in look(tmp_path, 60, EMPTY)


def space(path: Path, at: float, total: int, left: int, forecasts: dict[str, list[Forecast]]) -> list[Finding]:
    with history(path, at) as series:
        return list(assess.space_findings("/m", (total, left), settings(), series.clock, series, forecasts))


def test_space(tmp_path: Path) -> None:
    for run in range(5):
        forecasts: dict[str, list[Forecast]] = {}
        seen = space(tmp_path, 300.0 * run, 10_000, 9_000 - 30 * run, forecasts)
    assert seen == [
        Measure("/m", "space_used_percent", 11.2, 0, 100),
        Measure("/m", "space_left_bytes", 8880, 0, 10_000),
    ]
    assert forecasts["/m"][0].middle == pytest.approx(88_800)
    assert space(tmp_path, 1500, 0, 0, {}) == []
    assert space(tmp_path, 1500, 100, 200, {})[0] == Measure("/m", "space_used_percent", 0.0, 0, 100)


def test_one_forecast_for_a_mount_with_a_quota() -> None:
    """Its own quota and its file system's space are two limits of one item, and a label stands once."""
    near, far = Forecast(8.0, 10.0, 15.0), Forecast(80.0, 100.0, None)
    assert list(assess.forecast_findings({"/m": [far, near], "/n": [far]})) == [
        Measure("/m", "until_full_lower_seconds", 8.0, 0),
        Measure("/m", "until_full_seconds", 10.0, 0),
        Measure("/m", "until_full_upper_seconds", 15.0, 0),
        Measure("/n", "until_full_lower_seconds", 80.0, 0),
        Measure("/n", "until_full_seconds", 100.0, 0),
    ]


@pytest.mark.parametrize(
    ("problem", "reason", "next_step"),
    [
        (Problem(ENOTCONN, ""), "its mount is dead: the client has died", "umount -l /m and mount it again"),
        (Problem(ECONNABORTED, ""), "its mount is dead: the client has died", "umount -l /m and mount it again"),
        (Problem(ENOENT, "x"), "no such directory", "correct --path /m/a"),
        (Problem(ENOTDIR, "x"), "no such directory", "correct --path /m/a"),
        (Problem(ENOENT, NO_MATCH), NO_MATCH, "correct --path /m/a"),
        (Problem(0, NOT_CEPHFS), NOT_CEPHFS, "correct --path /m/a"),
        (Problem(EIO, "Input/output error"), "Input/output error", assess._LOOK_AT_MDS),
    ],
)
def test_reasons(problem: Problem, reason: str, next_step: str) -> None:
    assert list(assess.problem_findings("/m/a", "/m/a", problem, "/m")) == [
        fact("/m/a", UNREADABLE, reason=reason, next_step=next_step)
    ]


def test_no_rights() -> None:
    (found,) = assess.problem_findings("/m/a", "/m/a", Problem(EACCES, ""), "/m")
    assert isinstance(found, Fact)
    assert str(dict(found.parameters)["next_step"]).startswith("to let it, add to sudoers and call it with sudo -n: ")


def seen_survey(
    *paths: str, mounts: tuple[str, ...] = (), by_default: bool = False, problems: dict[str, Problem] | None = None
) -> Survey:
    readings = Readings(dict.fromkeys(paths, EMPTY), frozenset(), problems or {}, {}, {}, "")
    return Survey([Mount(point, "ceph", "x") for point in mounts], by_default, {"": readings}, {})


def gone(path: Path, at: float, survey: Survey, *arguments: str) -> list[tuple[str, Any]]:
    items = {
        p: item_of(p) for readings in survey.readings.values() for p in (*readings.directories, *readings.problems)
    }
    with history(path, at) as series:
        found = list(assess.gone_findings(survey, items, settings(*arguments), series.clock, series))
    return [(f.item, dict(f.parameters)["ago"]) for f in found if isinstance(f, Fact) and f.code == assess.GONE]


def test_a_mount_that_was_there_is_missed_until_accepted(tmp_path: Path) -> None:
    alike = ("/mnt/a|b", "/mnt/a/b")
    both = seen_survey(*alike, mounts=alike, by_default=True)
    one = seen_survey(alike[1], mounts=alike[1:], by_default=True)
    stuck = seen_survey(alike[1], mounts=alike, by_default=True)  # mounted, and not read
    assert gone(tmp_path, 0, both) == []
    assert gone(tmp_path, 60, stuck) == []
    assert gone(tmp_path, 120, one) == [(item_of("/mnt/a|b"), "2 min")] or gone(tmp_path, 120, one) == [
        (item_of("/mnt/a|b"), "120 s")
    ]
    assert gone(tmp_path, 130, seen_survey("/mnt/a/b")) == []  # asked for by name: mounts are not the question
    assert gone(tmp_path, 180, one, "--accept") == []
    assert gone(tmp_path, 240, one) == []


@pytest.mark.parametrize("problem", [Problem(ENOENT, ""), Problem(ENOTDIR, ""), Problem(0, NOT_CEPHFS)])
def test_a_named_path_that_was_there_is_missed(tmp_path: Path, problem: Problem) -> None:
    missing = seen_survey(problems={"/m/a": problem})
    assert gone(tmp_path, 0, missing) == []
    gone(tmp_path, 60, seen_survey("/m/a"))
    assert gone(tmp_path, 65, missing) == [("/m/a", "5 s")]
    assert gone(tmp_path, 66, seen_survey(problems={"/m/a": Problem(EIO, "")})) == []
    assert gone(tmp_path, 70, missing, "--accept") == []
    assert gone(tmp_path, 75, missing) == []


def test_a_host_whose_mounts_cannot_be_seen(tmp_path: Path) -> None:
    ran = check("cephfs", "--root", str(tmp_path), "--no-history", "--absent-ok")
    assert (ran.code, ran.text, ran.rest) == (
        3,
        "CEPHFS UNKNOWN - mounts not seen: /proc/self/mountinfo: No such file or directory",
        ["next: mount /proc"],
    )
