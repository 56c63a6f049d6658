"""What check_moosefs costs against a naive check and the official tool: ratios, measured in pairs in one run (-s)."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.measuring import NAIVE, measure, on_a_regular_installation, ratio
from lab.moosefs import ADDRESS, Cluster
from support import PLAIN_ENVIRONMENT, command

CHECK = [*command("check_moosefs"), "-H", ADDRESS]
OFFICIAL = [shutil.which("mfscli", path=PLAIN_ENVIRONMENT["PATH"]) or "mfscli", "-H", ADDRESS, "-SIC"]

pytestmark = [
    pytest.mark.needs("mfsmaster", "mfschunkserver", "mfsmount", "mfscli", "gcc", "ip", "unshare", "nsenter"),
    on_a_regular_installation,
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(4) as made:
        made.write_files(300, 2, "files")
        yield made


def prolong(state: Path, minutes: int) -> None:
    """Make the resync in this history as old, with a sample of all a minute."""
    (path,) = state.glob("*.sqlite")
    with sqlite3.connect(path) as database:
        last = database.execute("SELECT * FROM sample").fetchall()
        for minute in range(1, minutes):
            for item, measure, boot, uptime, at, value, by_hand in last:
                more = minute if measure == "work_left" else 0
                row = (item, measure, boot, uptime - 60 * minute, at - 60 * minute, value + more, by_hand)
                database.execute("INSERT INTO sample VALUES (?,?,?,?,?,?,?)", row)
    database.close()


def test_a_healthy_cluster(cluster: Cluster, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    rows = [
        NAIVE,
        ("mfscli -SIC", OFFICIAL),
        ("with history", [*CHECK, "--state-dir", str(tmp_path)]),
        ("no history", [*CHECK, "--no-history"]),
        ("--only chunks, no history", [*CHECK, "--no-history", "--only", "chunks"]),
    ]
    goals = [ratio("with history", 1.2), ratio("with history", 0.40, "mfscli -SIC")]
    found = measure(rows, goals=goals, enter=cluster.namespace.enter)
    assert {cost.code for cost in found.values()} == {0}
    assert max(cost.rss_mb for label, cost in found.items() if label != "mfscli -SIC") <= 30


def test_a_resync_with_a_week_of_history(cluster: Cluster, tmp_path: Path) -> None:
    """A sample a minute: what a pace is made from, read back in every run."""
    tmp_path.chmod(0o700)
    check = [*CHECK, "--state-dir", str(tmp_path)]
    cluster.slow_down(3600)
    cluster.kill_server(4)
    time.sleep(3)
    assert "still counting" not in cluster.run(*check).output
    prolong(tmp_path, 7 * 24 * 60)
    found = measure(
        [NAIVE, ("mfscli -SIC", OFFICIAL), ("resync with a week of history", check)],
        15,
        goals=[ratio("resync with a week of history", 0.60, "mfscli -SIC")],
        enter=cluster.namespace.enter,
    )
    assert [cost.code for cost in found.values()] == [0, 0, 1]
