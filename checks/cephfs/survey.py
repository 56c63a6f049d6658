"""Reading: which paths there are to look at, and what the helpers that touch them answer."""

from __future__ import annotations

from types import SimpleNamespace

from checks.cephfs.mounts import ceph_mounts, mount_of
from checks.cephfs.reading import Readings, Wish, parse_answer, read_all
from checks.frame import bounded
from checks.frame.history import lock_file
from checks.frame.host import Host
from checks.frame.mountinfo import Mount
from checks.frame.printable import NAME_MAX, printable
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.cephfs.reading import Source
    from checks.frame.plugin import Plugin

ANSWER_MAX = 8 << 20  # bytes
LOGIN = "cannot log in"
_RESERVE, _RESERVE_MAX = 0.2, 1.0  # share of the time, and at most these seconds, for the verdict


class Survey(Record):
    """What was seen. Helpers are one per mount, so that a dead one hides no other."""

    mounts: list[Mount]
    by_default: bool  # every mount was looked at, and nothing was named
    readings: dict[str, Readings]  # by mount point; "" for paths on none of them
    blocked: dict[str, str]  # mount point -> what became of its helper


def item_of(path: str) -> str:
    """What a path is called: itself, or where not all of it can be printed, as much as can and a digest."""
    text = printable(path)
    if text == path:
        return text
    digest = _digest(path)
    return f"{printable(path, NAME_MAX - len(digest) - 1)}#{digest}"


def _digest(path: str) -> str:
    import hashlib

    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def reserve(host: Host) -> float:
    """Seconds kept for judging and writing."""
    return min(_RESERVE_MAX, _RESERVE * host.deadline.total)


def survey(plugin: Plugin, host: Host, settings: SimpleNamespace) -> Survey:
    """Read every path. Nothing here touches one: that is the helpers' work. Raises OSError without mountinfo."""
    mounts = ceph_mounts(host.text("/proc/self/mountinfo"))
    if settings.ceph_conf:
        wishes = {"": [Wish(path, settings.depth) for path in settings.path or ["/"]]}
        return _ask(plugin, host, settings, Survey(mounts, False, {}, {}), wishes)
    points = list(dict.fromkeys(mount.point for mount in mounts))
    wishes = {}
    for path in settings.path or points:
        wishes.setdefault(mount_of(path, mounts), []).append(Wish(path, settings.depth))
    return _ask(plugin, host, settings, Survey(mounts, not settings.path, {}, {}), wishes)


def _ask(plugin: Plugin, host: Host, settings: SimpleNamespace, seen: Survey, wishes: dict[str, list[Wish]]) -> Survey:
    host.deadline.stage = "reading " + ", ".join(point or "paths on no CephFS" for point in wishes)
    if host.captured:
        for point, wished in wishes.items():
            said: list[bytes] = []
            read_all(host, wished, point, said.append)
            seen.readings[point] = parse_answer(b"".join(said))
        return seen
    running: dict[str, bounded.Child] = {}
    for point, wished in wishes.items():
        lock = lock_file(plugin, settings, host, f"-{_digest(point)}")
        try:
            running[point] = bounded.begin(
                lambda wished=wished, point=point: _help(host, settings, wished, point),  # type: ignore[misc]
                host.deadline.left(reserve(host)),
                lock,
                ANSWER_MAX,
            )
        except bounded.HelperStuck as stuck:
            seen.blocked[point] = str(stuck)
    for point, child in running.items():
        try:
            answer = bounded.collect(child, host.deadline.left(reserve(host)))
            said_by = answer.output
            if answer.status:
                lines, end, reason = said_by.rpartition(b"\n")
                said_by = lines + end
                seen.blocked[point] = reason.decode("utf-8", "replace").partition(": ")[2] or "its helper failed"
            seen.readings[point] = parse_answer(said_by)
        except bounded.HelperTimeout as timeout:
            seen.readings[point] = parse_answer(timeout.said)
            stage = seen.readings[point].stage
            seen.blocked[point] = f"did not answer in time{f', reading {stage}' if stage not in ('', point) else ''}"
        except bounded.HelperOverflow as error:
            seen.blocked[point] = str(error)
    return seen


def _help(host: Host, settings: SimpleNamespace, wishes: list[Wish], point: str) -> bytes:
    """In the helper."""
    source: Source = host
    if settings.ceph_conf:
        from checks.cephfs.library import LibCephFs

        try:
            source = LibCephFs(settings.ceph_conf, settings.name, settings.fs)
        except OSError as error:
            raise OSError(f"{settings.name} {LOGIN}: {error.strerror}") from None
        point = "/"
    read_all(source, wishes, point, bounded.say)
    return b""
