"""Opening and saving the history of a run: what goes wrong here costs the history, never the verdict."""

from __future__ import annotations

import os
from types import SimpleNamespace

from checks.frame.printable import printable
from perfdata.outcome import CRITICAL, UNKNOWN, Detail, Outcome
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.deadline import Deadline
    from checks.frame.host import Host
    from checks.frame.plugin import Plugin
    from perfdata.clock import Clock
    from perfdata.series import Series

_REASON_MAX = 200
# shares of the time left that other runs of the same check are waited for: on a busy disk each of them writes for long
_TO_READ, _TO_SAVE = 0.4, 0.5
_KEPT_OPEN = 16  # files


class History(Record):
    """An open series, or the reason why there is none; neither when it was switched off."""

    series: Series | None = None
    problem: str = ""


class Shelf:
    """Where the runs of one process find their histories. Those of a batch share it: looking for the place and opening
    a file costs as much as a small check. Not to be used on both sides of a fork, as SQLite must not be.
    """

    def __init__(self) -> None:
        self._directories: dict[tuple[str | None, bool], str] = {}
        self._open: dict[str, Series] = {}

    def directory(self, settings: SimpleNamespace) -> str:
        """The state directory. Raises StateUnavailable."""
        from checks.frame.state import state_directory, surroundings

        wish = (settings.state_dir, bool(settings.state_user))
        if wish not in self._directories:
            self._directories[wish] = state_directory(surroundings(not settings.state_user), settings.state_dir)
        return self._directories[wish]

    def series(self, path: str, clock: Clock, by_hand: bool, patience: float) -> Series:
        """The series in this file, for one run. Raises SeriesError."""
        from perfdata.series import Series

        found = self._open.pop(path, None)
        if found is not None and not found.renew(clock, by_hand, patience):
            found.close()
            found = None
        if len(self._open) == _KEPT_OPEN:
            self._open.pop(next(iter(self._open))).close()
        self._open[path] = found or Series(path, clock, by_hand, patience)
        return self._open[path]

    def close(self) -> None:
        """Let go of all files."""
        while self._open:
            self._open.popitem()[1].close()


def open_history(
    plugin: Plugin, settings: SimpleNamespace, host: Host, clock: Clock, shelf: Shelf | None = None
) -> History:
    """The history of this check, user, network namespace and captured tree."""
    if settings.no_history:
        return History()
    from checks.frame.state import StateUnavailable

    shelf = shelf or Shelf()
    host.deadline.stage = "opening its state"
    try:
        from perfdata.series import SeriesError
    except ImportError as error:  # a Python without sqlite3, or one that --state-user may not read
        return History(None, printable(str(error), _REASON_MAX))
    try:
        path = os.path.join(shelf.directory(settings), file_name(plugin.name, plugin.target(host, settings), host))
        return History(shelf.series(path, clock, os.isatty(1), _TO_READ * host.deadline.left()))
    except (StateUnavailable, SeriesError, OSError) as error:
        return History(None, printable(str(error), _REASON_MAX))


def file_name(check: str, target: str, host: Host) -> str:
    """One file per check and target; other network namespaces and captured trees have other items, and so their own."""
    name = check
    if target:
        safe = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in target.replace(":", "-"))
        name += f"-{safe if safe == target.replace(':', '-') and len(safe) < 100 else _digest(target)}"
    if host.captured:
        return f"{name}@{_digest(host.root)}.sqlite"
    namespace = host.other_namespace()
    return f"{name}-net{namespace}.sqlite" if namespace else f"{name}.sqlite"


def lock_file(plugin: Plugin, settings: SimpleNamespace, host: Host, suffix: str = "") -> str:
    """A lock beside the history, for helpers that may hang; "" when there is no place for one."""
    if settings.no_history:
        return ""
    from checks.frame.state import StateUnavailable

    try:
        directory = Shelf().directory(settings)
    except StateUnavailable:
        return ""
    return os.path.join(directory, f"{file_name(plugin.name, '', host)}{suffix}.lock")


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def save_history(history: History, settings: SimpleNamespace, outcome: Outcome, deadline: Deadline) -> Outcome:
    """Save, and say in the outcome what became of it. The verdict is ready: what time is left can be waited for."""
    problem, series = history.problem, history.series
    if series is not None and not problem:
        from perfdata.series import SeriesError

        try:
            series.save(_TO_SAVE * deadline.left())
        except SeriesError as error:
            problem = printable(f"{series.path}: {error}", _REASON_MAX)
        if series.set_aside:
            aside = f"the state could not be read; set aside as {printable(series.set_aside, _REASON_MAX)}"
            outcome = outcome._replace(details=(*outcome.details, Detail(1, aside)))
    if problem:
        return not_saved(outcome, settings, problem)
    if settings.accept and series is not None:
        accepted = f"accepted: what is seen now is the new baseline in {printable(series.path, _REASON_MAX)}"
        outcome = outcome._replace(details=(Detail(0, accepted), *outcome.details))
    return outcome


def not_saved(outcome: Outcome, settings: SimpleNamespace, reason: str) -> Outcome:
    """The outcome with the news that its state was not saved; what was to be accepted then is not."""
    details = (*outcome.details, Detail(0, f"state not saved: {reason}"))
    if settings.accept and outcome.state != CRITICAL:
        return outcome._replace(
            state=UNKNOWN, text=f"nothing accepted, state not saved; {outcome.text}", details=details
        )
    return outcome._replace(text=f"{outcome.text}; state not saved", details=details)
