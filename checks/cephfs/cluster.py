"""What the cluster says of itself, where asked (--cluster): the MDS, full pools and OSDs. By ceph(8), as JSON.

``ceph health`` and ``ceph df`` need mon 'allow r', ``ceph fs status`` also mgr 'allow r'. Weak evidence: 16.2 shows an
MDS that was killed as active for a quarter of a minute, and one that was stopped for longer.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.printable import printable
from checks.frame.readings import Finding, fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from checks.frame.host import Host

MDS_NOT_ACTIVE, MDS_LAGGY, UNHEALTHY, POOL_FULL = "mds_not_active", "mds_laggy", "unhealthy", "pool_nearly_full"
ITEM = "cluster"
TOOLS = ("/usr/bin/ceph", "/usr/local/bin/ceph", "/bin/ceph")
_POOL_USED = 0.85  # share at which Ceph calls an OSD nearly full
# Of all health checks those that make a file system slow, full or dead.
_TELLING = (
    "MDS_ALL_DOWN",
    "FS_DEGRADED",
    "FS_WITH_FAILED_MDS",
    "MDS_DAMAGE",
    "MDS_UP_LESS_THAN_MAX",
    "MDS_SLOW_METADATA_IO",
    "MDS_SLOW_REQUEST",
    "MDS_TRIM",
    "MDS_CACHE_OVERSIZED",
    "OSD_FULL",
    "OSD_BACKFILLFULL",
    "OSD_NEARFULL",
    "POOL_FULL",
    "POOL_NEARFULL",
)
_IMPLIED = ("FS_DEGRADED", "FS_WITH_FAILED_MDS", "MDS_UP_LESS_THAN_MAX")  # where all MDS are down
_SHARE = 0.5  # of the time, for all three commands: context is not worth the verdict
_CAPS = "mon 'allow r' mgr 'allow r' mds 'allow r'"
_OWN = "client.undergoal"


class ClusterSilence(Exception):
    """ceph(8) gave no usable answer; the text says why."""

    def __init__(self, reason: str, next_step: str = "ceph -s", answered: bool = False) -> None:
        super().__init__(reason)
        self.next_step = next_step
        self.answered = answered  # another question may do better


def cluster_findings(host: Host, settings: SimpleNamespace) -> Iterator[Finding]:
    """What of the cluster explains the verdict. What cannot be asked is UNKNOWN: it was asked for."""
    end = time.monotonic() + _SHARE * host.deadline.left()
    for words, parse in ((("fs", "status"), parse_status), (("health", "detail"), parse_health), (("df",), parse_df)):
        try:
            yield from parse(_ask(host, settings, max(0.01, end - time.monotonic()), *words))
        except ClusterSilence as silence:
            yield fact(ITEM, UNREADABLE, reason=str(silence), next_step=silence.next_step)
            if not silence.answered:
                return


def _grant(name: str) -> str:
    """What lets a client ask. Never "auth caps" for anybody else's: it takes away what it does not name."""
    if name == _OWN:
        return f"ceph auth caps {_OWN} {_CAPS}; its keyring must be readable here"
    return f"ceph auth get-or-create {_OWN} {_CAPS}, its keyring readable here, and --name {_OWN}"


def _ask(host: Host, settings: SimpleNamespace, seconds: float, *words: str) -> Any:
    """The answer to one command. Raises ClusterSilence."""
    from checks.frame import bounded
    from checks.frame.mountinfo import remote_mounts
    from checks.frame.paths import UnsafePath, check_trusted

    host.deadline.stage = f"asking ceph {' '.join(words)}"
    tool = next((path for path in TOOLS if os.path.isfile(path)), "")
    if host.captured or not tool:
        raise ClusterSilence("cannot be asked: no ceph(8) here", "apt install ceph-common")
    configuration = ["--conf", settings.ceph_conf] if settings.ceph_conf else []
    patience = str(max(1, int(seconds)))
    try:
        check_trusted(tool, remote_mounts(host.text("/proc/self/mountinfo")), os.geteuid())
        answer = bounded.run(
            [tool, *configuration, "--name", settings.name, "--connect-timeout", patience, *words, "--format", "json"],
            seconds,
        )
    except bounded.HelperTimeout:
        raise ClusterSilence(f"did not answer ceph {' '.join(words)} in time") from None
    except (bounded.HelperOverflow, UnsafePath, OSError) as error:
        raise ClusterSilence(f"cannot be asked: {printable(str(error), 80)}") from None
    if answer.status:
        last = answer.output.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ClusterSilence(f"refused ceph {' '.join(words)}: {printable(last, 60)}", _grant(settings.name), True)
    return parse_json(answer.output)


def parse_json(output: bytes) -> Any:
    """The JSON in an answer: warnings may stand before it. Raises ClusterSilence."""
    start = min((place for place in (output.find(b"{"), output.find(b"[")) if place >= 0), default=-1)
    try:
        return json.JSONDecoder().raw_decode(output[start:].decode("utf-8"))[0] if start >= 0 else {}
    except (ValueError, RecursionError):
        raise ClusterSilence("answered in no JSON") from None


def parse_status(answer: Any) -> Iterator[Finding]:
    """From ``ceph fs status``: each rank without an active MDS, and laggy ones."""
    for daemon in _list(answer, "mdsmap"):
        state, rank = str(daemon.get("state", "")), daemon.get("rank")
        if not isinstance(rank, int) or state.startswith("standby"):
            continue
        name = str(daemon.get("name") or f"of rank {rank}")
        if "laggy" in state:
            yield fact(ITEM, MDS_LAGGY, name=name)
        elif not state.startswith("active"):
            yield fact(ITEM, MDS_NOT_ACTIVE, name=name, state=state or "gone")


def parse_health(answer: Any) -> Iterator[Finding]:
    """From ``ceph health detail``: what concerns a file system."""
    checks = answer.get("checks") if isinstance(answer, dict) else None
    for code in _TELLING:
        if not isinstance(checks, dict) or (code in _IMPLIED and _TELLING[0] in checks):
            continue
        found = checks.get(code)
        if isinstance(found, dict) and not found.get("muted"):
            summary = found.get("summary")
            words = summary.get("message") if isinstance(summary, dict) else code
            yield fact(ITEM, UNHEALTHY, check=code, words=str(words))


def parse_df(answer: Any) -> Iterator[Finding]:
    """From ``ceph df``: pools that are nearly full."""
    for pool in _list(answer, "pools"):
        stats = pool.get("stats")
        used = stats.get("percent_used") if isinstance(stats, dict) else None
        if isinstance(used, (int, float)) and used >= _POOL_USED:
            yield fact(ITEM, POOL_FULL, name=str(pool.get("name", "?")), percent=f"{100 * used:.0f}")


def _list(answer: Any, key: str) -> list[dict[str, Any]]:
    found = answer.get(key) if isinstance(answer, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
