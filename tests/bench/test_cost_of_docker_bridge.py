"""What check_docker_bridge costs against a naive check: ratios, measured in pairs in one run (-s shows the table)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.installation import MEASURED_HERE, NAIVE
from bench.pairs import Cost, table
from lab.dockerd import Dockerd
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, command

HERE = Path(__file__).resolve().parent
CHECK = command("check_docker_bridge")


pytestmark = [
    pytest.mark.needs("unshare", "nsenter", "ip"),
    MEASURED_HERE,
]


def costs(namespace: Namespace, rows: list[tuple[str, list[str]]], rounds: int = 25) -> dict[str, Cost]:
    order = json.dumps({"rounds": rounds, "rows": rows, "environment": PLAIN_ENVIRONMENT})
    found = [Cost(*row) for row in json.loads(namespace.must(sys.executable, str(HERE / "pairs.py"), order))]
    print(f"\n{table(found)}")
    return {cost.label: cost for cost in found}


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace() as made:
        yield made


@pytest.fixture
def containers() -> Iterator[Namespace]:
    """Where the other ends of the ports are."""
    with Namespace() as made:
        yield made


def test_one_full_bridge(namespace: Namespace, containers: Namespace, tmp_path: Path) -> None:
    namespace.must("ip", "link", "add", "br0", "type", "bridge")
    namespace.fill("br0", 1023, "p", containers)
    tmp_path.chmod(0o700)
    found = costs(
        namespace,
        [
            ("naive check", NAIVE),
            ("1023 ports, no history", [*CHECK, "--no-docker", "--no-history"]),
            ("1023 ports", [*CHECK, "--no-docker", "--state-dir", str(tmp_path)]),
        ],
    )
    assert [cost.code for cost in found.values()] == [0, 2, 2]
    assert found["1023 ports, no history"].ratio <= 0.90
    assert found["1023 ports"].ratio <= 1.10
    assert max(cost.rss_mb for cost in found.values()) <= 30


def test_twenty_full_bridges(namespace: Namespace, containers: Namespace, tmp_path: Path) -> None:
    for number in range(20):
        namespace.must("ip", "link", "add", f"br{number}", "type", "bridge")
        namespace.fill(f"br{number}", 1023, f"p{number}x", containers)
    tmp_path.chmod(0o700)
    found = costs(
        namespace,
        [
            ("naive check", NAIVE),
            ("20 x 1023 ports, no history", [*CHECK, "--no-docker", "--no-history"]),
            ("20 x 1023 ports", [*CHECK, "--no-docker", "--state-dir", str(tmp_path)]),
        ],
    )
    assert [cost.code for cost in found.values()] == [0, 2, 2]
    assert found["20 x 1023 ports, no history"].ratio <= 1.5
    assert found["20 x 1023 ports"].ratio <= 1.5


@pytest.mark.needs("dockerd", "docker", "busybox")
def test_two_hundred_containers(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    daemon = Dockerd()
    try:
        daemon.sleepers([f"c{number}" for number in range(200)])
        asking = [*CHECK, "--docker-socket", daemon.socket]
        found = costs(
            daemon.namespace,
            [
                ("naive check", NAIVE),
                ("200 containers, no history", [*asking, "--no-history"]),
                ("200 containers", [*asking, "--state-dir", str(tmp_path)]),
                ("importing requests alone", [sys.executable, "-c", "import requests"]),
            ],
        )
    finally:
        daemon.close()
    assert [cost.code for cost in found.values()] == [0, 0, 0, 0]
    assert found["200 containers"].ratio <= 2.2
