"""What ceph(8) says as JSON, as 16.2 says it (samples/), and whatever else it may say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.cephfs import cluster
from checks.cephfs.cluster import ClusterSilence, parse_df, parse_health, parse_json, parse_status
from checks.frame.readings import Fact, Finding

SAMPLES = Path(__file__).resolve().parent / "samples"
PARSERS: list[Callable[[Any], Iterator[Finding]]] = [parse_status, parse_health, parse_df]


def sample(name: str) -> Any:
    return parse_json((SAMPLES / f"{name}.json").read_bytes())


def told(findings: Iterator[Finding]) -> list[tuple[str, dict[str, object]]]:
    return [(f.code, dict(f.parameters)) for f in findings if isinstance(f, Fact)]


def test_mds() -> None:
    assert told(parse_status(sample("fs_status_active"))) == []
    assert told(parse_status(sample("fs_status_laggy"))) == [(cluster.MDS_LAGGY, {"name": "a"})]
    assert told(parse_status(sample("fs_status_failed"))) == [
        (cluster.MDS_NOT_ACTIVE, {"name": "of rank 0", "state": "failed"})
    ]
    standby = {"mdsmap": [{"rank": 0, "name": "a", "state": "standby-replay"}, {"name": "b", "state": "standby"}]}
    assert told(parse_status(standby)) == []
    assert told(parse_status({"mdsmap": [{"rank": 1, "name": "c", "state": "rejoin"}]})) == [
        (cluster.MDS_NOT_ACTIVE, {"name": "c", "state": "rejoin"})
    ]


def test_health() -> None:
    assert told(parse_health(sample("health_ok"))) == []
    assert told(parse_health(sample("health_nearfull"))) == [
        (cluster.UNHEALTHY, {"check": "OSD_NEARFULL", "words": "1 nearfull osd(s)"}),
        (cluster.UNHEALTHY, {"check": "POOL_NEARFULL", "words": "3 pool(s) nearfull"}),
    ]
    assert told(parse_health(sample("health_pool_full"))) == [
        (cluster.UNHEALTHY, {"check": "POOL_FULL", "words": "1 pool(s) full"})
    ]
    # that it is degraded and has a failed daemon says the same once more
    assert told(parse_health(sample("health_mds_failed"))) == [
        (cluster.UNHEALTHY, {"check": "MDS_ALL_DOWN", "words": "1 filesystem is offline"})
    ]


def test_health_that_was_muted_or_has_no_words() -> None:
    found = {"checks": {"FS_DEGRADED": {"muted": True}, "OSD_FULL": {"summary": None}, "TOO_FEW_OSDS": {}}}
    assert told(parse_health(found)) == [(cluster.UNHEALTHY, {"check": "OSD_FULL", "words": "OSD_FULL"})]


def test_pools() -> None:
    assert told(parse_df(sample("df"))) == []
    pools = [{"name": name, "stats": {"percent_used": used}} for name, used in (("a", 0.8499), ("b", 0.85), ("c", 1))]
    assert told(parse_df({"pools": pools})) == [
        (cluster.POOL_FULL, {"name": "b", "percent": "85"}),
        (cluster.POOL_FULL, {"name": "c", "percent": "100"}),
    ]


def test_warnings_before_the_json() -> None:
    assert parse_json(b'2026-11-23 7f warning: no keyring\n\n{"a": 1}\ntrailing') == {"a": 1}
    assert parse_json(b"\n[1]") == [1]
    assert parse_json(b"") == parse_json(b"nothing") == {}


@pytest.mark.parametrize("output", [b"{", b'{"a": }', b"[" * 100_000, b'{"\xff": 1}'])
def test_what_is_no_json(output: bytes) -> None:
    with pytest.raises(ClusterSilence, match="answered in no JSON"):
        parse_json(output)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mdsmap", "checks", "pools", "stats", "state", "rank", "name", "percent_used", "summary", "message"]
            )
            | st.sampled_from(["MDS_ALL_DOWN", "OSD_FULL", "muted"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(ANY_JSON)
def test_any_json_gives_findings(answer: Any) -> None:
    for parser in PARSERS:
        assert all(isinstance(finding, Fact) for finding in parser(answer))


@given(st.binary(max_size=60))
def test_any_bytes_give_json_or_silence(output: bytes) -> None:
    with contextlib.suppress(ClusterSilence):
        json.dumps(parse_json(output))


def test_the_caps_of_others_are_never_replaced() -> None:
    """ "ceph auth caps" takes away what it does not name: for client.admin, the whole cluster."""
    assert "auth caps" not in cluster._grant("client.admin")
    assert "get-or-create client.undergoal mon 'allow r' mgr 'allow r' mds 'allow r'" in cluster._grant("client.backup")
    assert cluster._grant("client.undergoal").startswith("ceph auth caps client.undergoal mon 'allow r' mgr 'allow r'")
