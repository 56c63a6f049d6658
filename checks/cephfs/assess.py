"""From what was read, and the history of it, to findings: no input or output, no wording."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EACCES, ECONNABORTED, ENOENT, ENOTCONN, ENOTDIR, EPERM, ETIMEDOUT
from types import SimpleNamespace

from checks.cephfs import loss
from checks.cephfs.reading import NO_MATCH, NOT_CEPHFS, VANISHING, Problem
from checks.cephfs.statistics import Directory
from checks.cephfs.survey import LOGIN, Survey, item_of
from checks.frame.grants import as_root, user_name
from checks.frame.plugin import UNREADABLE
from checks.frame.printable import printable
from checks.frame.readings import Finding, Measure, fact
from perfdata.eta import rate, until
from perfdata.numbers import duration, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.clock import Clock
    from perfdata.eta import Forecast, Rate
    from perfdata.series import Series

STALE, NEVER, FUTURE, LOST, EMPTY, GONE = "stale", "never_written", "future", "lost", "empty_files", "gone"
_WINDOW = 6 * 3600.0  # seconds of history that make the present rate
_LONG_WINDOW = 3 * 86400.0  # and the rate per day,
_LONG_SPAN = 12 * 3600.0  # once there is half a day of it
_CLOCKS_APART = 300.0  # seconds by which a client's clock may be ahead
_LOSS_BYTES, _LOSS_FILES = 1 << 20, 10  # less is no loss worth waking anybody
_SPACE_USED = "space_used"  # series of a file system's used bytes
_LOOK_AT_MDS = "look at the MDS and the network: ceph fs status; it goes on by itself when they are back"
_PATH_MAX = 200  # characters of one in a command to be pasted
_MOUNT, _PATH = "mount ", "path "  # prefixes of what was seen: by default, by name


def directory_findings(
    item: str,
    found: Directory,
    child: bool,
    settings: SimpleNamespace,
    clock: Clock,
    history: Series | None,
    forecasts: dict[str, list[Forecast]],
) -> Iterator[Finding]:
    """Size, quotas, growth, age and loss of one directory; when it will be full goes to ``forecasts``."""
    yield Measure(item, "rbytes", found.rbytes, 0, found.max_bytes or None)
    yield Measure(item, "rfiles", found.rfiles, 0)
    yield Measure(item, "rsubdirs", found.rsubdirs, 0)
    yield Measure(item, "rentries", found.rentries, 0, found.max_files or None)
    if found.max_bytes:
        yield Measure(item, "quota_used_percent", round(100 * found.rbytes / found.max_bytes, 2), 0)
    if found.max_files:
        yield Measure(item, "quota_files_used_percent", round(100 * found.rentries / found.max_files, 2), 0)
    yield from _age_findings(item, found, settings, clock)
    if history is not None:
        yield from _loss_findings(item, found, settings, clock, history)
        yield from _growth_findings(item, found, child, settings, clock, history, forecasts)


def _age_findings(item: str, found: Directory, settings: SimpleNamespace, clock: Clock) -> Iterator[Finding]:
    if not found.rctime:  # of a directory that never held anything
        if settings.max_age:
            yield fact(item, NEVER)
        return
    age = clock.time - found.rctime
    yield Measure(item, "rctime_age_seconds", round(max(0.0, age)), 0)
    if age < -_CLOCKS_APART:
        yield fact(item, FUTURE, ahead=duration(-age))
    elif settings.max_age and age > settings.max_age:
        yield fact(item, STALE, age=duration(age), limit=duration(settings.max_age))


def _loss_findings(
    item: str, found: Directory, settings: SimpleNamespace, clock: Clock, history: Series
) -> Iterator[Finding]:
    lost = []
    for name, value, floor in (("rbytes", found.rbytes, _LOSS_BYTES), ("rfiles", found.rfiles, _LOSS_FILES)):
        kept = loss.parse(history.note(item, name))
        peak = loss.advance(kept, value, clock.time, settings.loss / 100, floor, settings.hold, settings.accept)
        if peak != kept:
            history.keep(item, name, loss.as_note(peak))
        if loss.is_loss(peak, value, settings.loss / 100, floor):
            words = size(peak.value - value) if name == "rbytes" else f"{peak.value - value} files"
            lost.append(f"{words} of {size(peak.value) if name == 'rbytes' else peak.value}")
    if lost:
        yield fact(item, LOST, what=" and ".join(lost))


def _growth_findings(
    item: str,
    found: Directory,
    child: bool,
    settings: SimpleNamespace,
    clock: Clock,
    history: Series,
    forecasts: dict[str, list[Forecast]],
) -> Iterator[Finding]:
    samples = {}
    series = [("rbytes", found.rbytes), ("rfiles", found.rfiles)]
    if found.max_files:
        series.append(("rentries", found.rentries))  # what that quota counts
    for name, value in series:
        window = _WINDOW if child else _LONG_WINDOW
        samples[name] = [(sample.at, sample.value) for sample in history.window(item, name, window)]
        samples[name].append((clock.uptime, float(value)))
        history.append(item, name, value)
    recent = {name: [s for s in taken if s[0] >= clock.uptime - _WINDOW] for name, taken in samples.items()}
    present = rate(recent["rbytes"], settings.settle)
    if present is not None:
        yield Measure(item, "growth_bytes_per_hour", round(present.middle * 3600))
    by_day = None if child else rate(samples["rbytes"], _LONG_SPAN)
    if by_day is not None:
        yield Measure(item, "growth_bytes_per_day", round(by_day.middle * 86400))
    if found.max_bytes:
        _foresee(forecasts, item, found.max_bytes - found.rbytes, present)
    if found.max_files:
        _foresee(forecasts, item, found.max_files - found.rentries, rate(recent["rentries"], settings.settle))
    created = found.rfiles - recent["rfiles"][0][1]
    written = found.rbytes - recent["rbytes"][0][1]
    if settings.empty_files and created >= settings.empty_files and written < created:
        yield fact(item, EMPTY, files=int(created), span=duration(clock.uptime - recent["rfiles"][0][0]))


def _foresee(forecasts: dict[str, list[Forecast]], item: str, left: float, present: Rate | None) -> None:
    forecast = until(left, present) if present is not None else None
    if forecast is not None:
        forecasts.setdefault(item, []).append(forecast)


def forecast_findings(forecasts: dict[str, list[Forecast]]) -> Iterator[Finding]:
    """The first limit that each item reaches: a quota of bytes or of files, or the space."""
    for item, found in forecasts.items():
        first = min(found, key=lambda forecast: forecast.middle)
        yield Measure(item, "until_full_lower_seconds", first.lower, 0)
        yield Measure(item, "until_full_seconds", first.middle, 0)
        if first.upper is not None:
            yield Measure(item, "until_full_upper_seconds", first.upper, 0)


def space_findings(
    item: str,
    space: tuple[int, int],
    settings: SimpleNamespace,
    clock: Clock,
    history: Series | None,
    forecasts: dict[str, list[Forecast]],
) -> Iterator[Finding]:
    """The file system itself, or the quota of what is mounted of it; when it will be full goes to ``forecasts``."""
    total, available = space
    if not total:
        return
    used = total - min(available, total)
    yield Measure(item, "space_used_percent", round(100 * used / total, 2), 0, 100)
    yield Measure(item, "space_left_bytes", available, 0, total)
    if history is None:
        return
    samples = [(sample.at, sample.value) for sample in history.window(item, _SPACE_USED, _WINDOW)]
    history.append(item, _SPACE_USED, used)
    _foresee(forecasts, item, available, rate([*samples, (clock.uptime, float(used))], settings.settle))


def problem_findings(item: str, path: str, problem: Problem, point: str) -> Iterator[Finding]:
    """A path that was not read, below the mount ``point``: the reason, and what to do."""
    next_step = f"correct --path {item}" if path != point else "look at the mount"
    if problem.code in (EACCES, EPERM):
        reason = f"may not be read by {user_name()}"
        next_step = as_root("to let it")
    elif problem.code == ETIMEDOUT:
        reason, next_step = "did not answer in time", _LOOK_AT_MDS
    elif problem.code in (ENOTCONN, ECONNABORTED):
        reason = "its mount is dead: the client has died"
        next_step = f"umount -l {printable(point or path, _PATH_MAX)} and mount it again"
    elif problem.code in (ENOENT, ENOTDIR):
        reason = problem.words if problem.words in (NO_MATCH, VANISHING) else "no such directory"
    else:
        reason = problem.words
        if problem.words != NOT_CEPHFS:
            next_step = _LOOK_AT_MDS
    yield fact(item, UNREADABLE, reason=reason, next_step=next_step)


def blocked_findings(seen: Survey, settings: SimpleNamespace) -> Iterator[Finding]:
    """Mounts whose helper did not come back."""
    for point, words in seen.blocked.items():
        yield fact(
            item_of(point) if point else "CephFS" if settings.ceph_conf else "paths",
            UNREADABLE,
            reason=words,
            next_step=f"{_grant(settings.name)}; its keyring must be readable here" if LOGIN in words else _LOOK_AT_MDS,
        )


def _grant(name: str) -> str:
    """What lets a client read; harmless where it exists already."""
    return f"ceph auth get-or-create {name} mon 'allow r' mds 'allow r'"


def gone_findings(
    seen: Survey, items: dict[str, str], settings: SimpleNamespace, clock: Clock, history: Series
) -> Iterator[Finding]:
    """Paths that were there once: missing ones that were named, and mounts when nothing was."""
    known = history.seen()
    missing = set()  # keys
    for readings in seen.readings.values():
        for path in readings.directories:
            if path not in readings.children:
                key = (_MOUNT if seen.by_default else _PATH) + items[path]
                history.see(key, "", known.get(key))
        for path, problem in readings.problems.items():
            if problem.code in (ENOENT, ENOTDIR) or problem.words == NOT_CEPHFS:  # the latter: not mounted any more
                missing.add(_PATH + items[path])
    if seen.by_default:
        present = {_MOUNT + item_of(mount.point) for mount in seen.mounts}
        missing |= {key for key in known if key.startswith(_MOUNT)} - present
    for key in sorted(missing & set(known)):
        if settings.accept:
            history.forget(key)
        else:
            yield fact(key.partition(" ")[2], GONE, ago=duration(max(0.0, clock.time - known[key].time)))
