"""Chunkservers and their disks: who is away, who is overloaded, what is damaged, and what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace

from checks.frame.plugin import UNREADABLE
from checks.frame.readings import Finding, Measure, fact
from checks.moosefs.removal import Marked, disk_item
from checks.moosefs.survey import DISKS, SERVERS, MasterView, Survey, name_of
from perfdata.numbers import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.moosefs.wire.servers import Server
    from perfdata.clock import Clock
    from perfdata.series import Series

AWAY, MAINTAINED, OVERLOADED, NOBODY = "disconnected", "in_maintenance", "overloaded", "no_server_connected"
DAMAGED, INVALID, ERRORS, SERVER_GONE, DISK_GONE = "damaged", "invalid", "disk_errors", "server_gone", "disk_gone"
_PRESENT, _ABSENT, _RELEASED = "connected", "disconnected", "released"  # origins of what was seen
_SERVER, _DISK = "server ", "disk "  # prefixes of the names they are kept under
_WORST_DISKS = 3


def server_findings(view: MasterView, starting: bool) -> Iterator[Finding]:
    """Who is connected, and who should not carry on like this."""
    servers = view.servers or ()
    connected = sum(1 for server in servers if not server.disconnected)
    yield Measure("", "servers", connected, 0, len(servers))
    if servers and not connected and not starting:
        yield fact("", NOBODY, count=len(servers))
        return
    for server in servers:
        name = name_of(server)
        if server.maintenance:
            yield fact(name, MAINTAINED if server.disconnected else f"{MAINTAINED}_connected")
        elif server.disconnected and not starting:
            yield fact(name, AWAY)
        if server.overloaded:
            yield fact(name, OVERLOADED)


def disk_findings(
    seen: Survey, view: MasterView, settings: SimpleNamespace, clock: Clock, history: Series | None
) -> Iterator[Finding]:
    """What is wrong with disks; errors are those since they were last accepted."""
    for server in view.servers or ():
        name = name_of(server)
        if server.disconnected:
            continue
        yield Measure(name, "disk_errors_total", server.errors, 0)
        if name in seen.disks_unseen:
            yield fact(
                name,
                UNREADABLE,
                reason=f"disks not seen: it {seen.disks_unseen[name]}",
                next_step=f"open {name} to this host, or leave disks out (--only)",
            )
        if history is not None:
            yield from _error_findings(seen, server, settings, clock, history)
        if name in seen.disks:
            disks = seen.disks[name]
            yield Measure(name, "damaged_disks", sum(disk.damaged for disk in disks), 0, len(disks))
        for disk in seen.disks.get(name, ()):
            if disk.damaged:
                yield fact(disk_item(server, disk.path), DAMAGED)
            elif disk.invalid:
                yield fact(disk_item(server, disk.path), INVALID)


def _error_findings(
    seen: Survey, server: Server, settings: SimpleNamespace, clock: Clock, history: Series
) -> Iterator[Finding]:
    from perfdata import baseline

    name = name_of(server)
    kept = baseline.parse(history.note(name, "errors"))
    # the count is the chunkserver's: it outlives this host's boots, and starts at 0 when that server does
    now = baseline.advance(kept, server.errors, "", clock.time, settings.hold, settings.accept)
    if now != kept:
        history.keep(name, "errors", baseline.as_note(now))
    if now.increase:
        latest = sorted(
            (disk for disk in seen.disks.get(name, ()) if disk.error_time), key=lambda disk: -disk.error_time
        )
        on = ", ".join(disk.path.rstrip("/") for disk in latest[:_WORST_DISKS])
        yield fact(name, ERRORS, count=now.increase, on=f", last on {on}" if on else "")


def gone_findings(
    seen: Survey,
    view: MasterView,
    marked: list[Marked],
    parts: frozenset[str],
    settings: SimpleNamespace,
    clock: Clock,
    history: Series,
) -> Iterator[Finding]:
    """Servers and disks that were here once. One that was away, damaged or free to go is let go."""
    known = history.seen()
    present = _present(seen, view, marked, parts)
    for key, origin in present.items():
        history.see(key, origin, known.get(key))
    for key, last in known.items():
        if key in present or not _would_be_seen(key, seen, view, parts):
            continue
        if settings.accept or last.origin != _PRESENT:
            for other in _with_disks(key, known):
                history.forget(other)
            continue
        item = key.partition(" ")[2]
        yield fact(
            item, SERVER_GONE if key.startswith(_SERVER) else DISK_GONE, ago=duration(max(0.0, clock.time - last.time))
        )


def _with_disks(key: str, known: Iterable[str]) -> list[str]:
    """A server with the disks of its address, which go with it; a disk alone."""
    address = key[len(_SERVER) :].partition(":")[0]
    disks = [other for other in known if other.startswith(f"{_DISK}{address}:")] if key.startswith(_SERVER) else []
    return [key, *disks]


def _present(seen: Survey, view: MasterView, marked: list[Marked], parts: frozenset[str]) -> dict[str, str]:
    present = {}
    safe = {disk.item for disk in marked if disk.safe}
    for server in view.servers or ():
        name = name_of(server)
        if SERVERS in parts:
            released = name in safe and server.all_marked
            present[_SERVER + name] = _ABSENT if server.disconnected else _RELEASED if released else _PRESENT
        if DISKS in parts:
            for disk in seen.disks.get(name, ()):
                item = disk_item(server, disk.path)
                released = disk.damaged or item in safe or (disk.marked and name in safe)
                present[_DISK + item] = _RELEASED if released else _PRESENT
    return present


def _would_be_seen(key: str, seen: Survey, view: MasterView, parts: frozenset[str]) -> bool:
    """Whether this run has looked where it would be: all disks of that address were listed."""
    if key.startswith(_SERVER):
        return SERVERS in parts
    address = key[len(_DISK) :].partition(":")[0]
    servers = [server for server in view.servers or () if server.address == address]
    return DISKS in parts and bool(servers) and all(name_of(server) in seen.disks for server in servers)
