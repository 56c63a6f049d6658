"""What a cluster lived through: told in a thread, with all that the check and the master said of it by the moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lab.mfs_watch import Look
from lab.moosefs import Cluster
from support import Ran

PATIENCE = 120.0  # seconds for anything a story waits for


class Seen(NamedTuple):
    """One run of the check."""

    begun: float  # CLOCK_MONOTONIC
    ended: float
    ran: Ran

    @property
    def at(self) -> float:
        """About when the master was asked."""
        return (self.begun + self.ended) / 2


class Story:
    """``tell`` is run in a thread of its own; whoever asks for what it collected waits for its end."""

    def __init__(self, tell: Callable[[Story], None], state: Path) -> None:
        self.state = state
        self.looks: list[Look] = []  # at the master, twice a second
        self.times: dict[str, float] = {}
        self.texts: dict[str, str] = {}
        self._seen: dict[str, list[Seen]] = {}
        self._error: BaseException | None = None
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(tell,))
        self._thread.start()

    # while it is told

    def _run(self, tell: Callable[[Story], None]) -> None:
        try:
            tell(self)
        except BaseException as error:
            self._error = error

    @contextmanager
    def cluster(self, servers: int, **named: object) -> Iterator[Cluster]:
        """The cluster that it is about."""
        with Cluster(servers, **named) as cluster:  # type: ignore[arg-type]
            cluster.watch()
            try:
                yield cluster
            finally:
                self.looks = cluster.looks()

    def check(self, moment: str, cluster: Cluster, *arguments: str, history: bool = True, outside: bool = False) -> Ran:
        """Run the check and keep what it said, with the cluster's own directory shown as /mfs."""
        begun = time.monotonic()
        ran = cluster.check(*arguments, state=self.state if history else None, outside=outside)
        shown = ran._replace(stdout=ran.stdout.replace(str(cluster.directory).encode(), b"/mfs"))
        self._seen.setdefault(moment, []).append(Seen(begun, time.monotonic(), shown))
        return shown

    def now(self, moment: str) -> None:
        """Keep when it was."""
        self.times[moment] = time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep, unless nobody wants to hear the end any more."""
        if self._hurry.wait(seconds):
            raise RuntimeError("broken off")

    def wait(self, cluster: Cluster, what: str, true: Callable[[Look], bool], patience: float = PATIENCE) -> None:
        """Until the master's own account is as told."""
        begin = time.monotonic()
        while not any(look.at >= begin and true(look) for look in cluster.looks()[-3:]):
            if time.monotonic() - begin > patience:
                raise RuntimeError(f"waited too long until {what}: {cluster.looks()[-1]}")
            self.sleep(0.2)

    def follow(
        self, moment: str, cluster: Cluster, seconds: float, true: Callable[[Look], bool], patience: float = PATIENCE
    ) -> None:
        """Run the check every so many seconds until the master's own account is as told, and once more then."""
        begin = due = time.monotonic()
        while True:
            over = any(look.at >= begin and true(look) for look in cluster.looks()[-1:])
            self.check(moment, cluster)
            if over:
                return
            if time.monotonic() - begin > patience:
                raise RuntimeError(f"waited too long for the end of {moment}: {cluster.looks()[-1]}")
            due = max(due + seconds, time.monotonic())
            self.sleep(max(0.0, due - time.monotonic()))

    # when it is over

    def hurry(self) -> None:
        """Nobody wants to hear the end: clean up."""
        self._hurry.set()
        self._thread.join()

    def end(self) -> None:
        """Wait for it. Raises what broke the story off."""
        self._thread.join()
        if self._error is not None:
            raise AssertionError(f"the story broke off: {self._error}") from self._error

    def all_seen(self) -> list[Seen]:
        """All runs."""
        self.end()
        return [seen for runs in self._seen.values() for seen in runs]

    def seen(self, moment: str) -> list[Seen]:
        """All runs of a moment."""
        self.end()
        return self._seen[moment]

    def __getitem__(self, moment: str) -> Ran:
        """The last run of a moment."""
        return self.seen(moment)[-1].ran

    def first(self, since: float, true: Callable[[Look], bool]) -> float:
        """When the master's account was first as told."""
        self.end()
        return next(look.at for look in self.looks if look.at >= since and true(look))
