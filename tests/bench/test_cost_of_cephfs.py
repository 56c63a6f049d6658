"""What check_cephfs costs against a naive check, a loop of getxattr in C, and getfattr: measured in pairs (-s)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.installation import MEASURED_HERE, NAIVE
from bench.pairs import Cost, table
from lab.fake_cephfs import FakeCephfs, Value
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, command

HERE = Path(__file__).resolve().parent
CHECK = command("check_cephfs")
STATISTICS: dict[str, Value] = {
    "ceph.dir.rbytes": 123456789012,
    "ceph.dir.rfiles": 12345,
    "ceph.dir.rsubdirs": 12,
    "ceph.dir.rentries": 12357,
    "ceph.dir.rctime": "1790000000.090000000",
}
# What check_cephfs tells of a directory, name by name.
FACTS = (*STATISTICS, "ceph.quota.max_bytes", "ceph.quota.max_files")
FEW = 50  # directories that getfattr is run for, one by one

pytestmark = [
    pytest.mark.needs("unshare", "nsenter", "gcc", "getfattr"),
    MEASURED_HERE,
]


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    with Namespace() as made:
        yield made


@pytest.fixture(scope="module")
def fake(namespace: Namespace) -> Iterator[FakeCephfs]:
    place = Path(tempfile.mkdtemp(prefix="ug"))
    with FakeCephfs(place / "m", namespace=namespace, lifetime=3600) as made:
        made.make("", STATISTICS)
        for name, count in (("few", FEW), ("thousand", 1000), ("many", 10_000)):
            made.make(name, STATISTICS)
            made.fill(name, count, STATISTICS)
        yield made
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> str:
    program = tmp_path_factory.mktemp("c") / "getxattr_loop"
    subprocess.run(["gcc", "-O2", "-o", str(program), str(HERE / "getxattr_loop.c")], check=True)
    return str(program)


def costs(namespace: Namespace, rows: list[tuple[str, list[str]]], rounds: int) -> dict[str, Cost]:
    order = json.dumps({"rounds": rounds, "rows": rows, "environment": PLAIN_ENVIRONMENT})
    found = [Cost(*row) for row in json.loads(namespace.must(sys.executable, str(HERE / "pairs.py"), order))]
    print(f"\n{table(found)}")
    return {cost.label: cost for cost in found}


def test_ten_thousand_directories(namespace: Namespace, fake: FakeCephfs, loop: str) -> None:
    """Against what others do for the same facts: one process in C that asks for each by name, and getfattr.

    getfattr takes one name a call, and CephFS' names are not listed: a directory takes it as many processes as names.
    """

    def check(name: str) -> list[str]:
        return [*CHECK, "--no-history", "-t60", "--depth", "1", "--path", f"{fake.place}/{name}"]

    one_by_one = (
        f"for d in {fake.place}/few/*; do for n in {' '.join(FACTS)}; do"
        ' getfattr -n "$n" --only-values "$d" >/dev/null 2>&1; done; done'
    )
    found = costs(
        namespace,
        [
            ("loop of getxattr in C, 10,000", [loop, f"{fake.place}/many", *FACTS]),
            ("check, 10,000", check("many")),
            ("check, 1,000", check("thousand")),
            (f"getfattr per directory, {FEW}", ["/bin/sh", "-c", one_by_one]),
        ],
        3,
    )
    per_directory = found[f"getfattr per directory, {FEW}"].cpu_ms * 10_000 / FEW
    print(
        f"getfattr per directory, 10,000: {per_directory:.0f} ms, {per_directory / found['check, 10,000'].cpu_ms:.1f} x"
    )
    assert [cost.code for cost in found.values()] == [0, 0, 0, 1]  # the last directory has no quota to tell
    assert found["check, 10,000"].ratio <= 0.7
    assert per_directory >= 20 * found["check, 10,000"].cpu_ms
    assert found["check, 10,000"].rss_mb <= found["check, 1,000"].rss_mb + 4


def test_one_path(namespace: Namespace, fake: FakeCephfs, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = ["--path", str(fake.place)]
    found = costs(
        namespace,
        [
            ("naive check", NAIVE),
            ("one path, no history", [*CHECK, *path, "--no-history"]),
            ("one path", [*CHECK, *path, "--state-dir", str(tmp_path)]),
        ],
        25,
    )
    assert [cost.code for cost in found.values()] == [0, 0, 0]
    assert found["one path"].ratio <= 1.3
    assert max(cost.rss_mb for cost in found.values()) <= 30
