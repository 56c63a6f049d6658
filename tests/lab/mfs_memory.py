"""MooseFS clusters in memory, watched on a clock of their own: the whole check, without sockets and without waiting.

The masters and chunkservers answer as those of mfs_replica do, byte for byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.mfs_replica import (
    DISKS,
    LAYOUTS,
    Disk,
    MasterReplica,
    Scenario,
    encode_disk,
)

from checks.frame.command import all_options
from checks.frame.host import Host
from checks.frame.options import parse
from checks.frame.plugin import Run
from checks.frame.probe import conclude
from checks.frame.tcp import Talk
from checks.moosefs import PLUGIN
from perfdata import nagios
from perfdata.clock import Clock
from perfdata.numbers import plain_number
from perfdata.outcome import Outcome
from perfdata.series import Series

NOW = 1_800_000_000.0
UPTIME = 500_000.0
BOOT = "b0071d00"
MASTER = "10.77.0.1"

Answer = Callable[[int, bytes], "bytes | None"]


class Master(MasterReplica):
    """A master that nobody can connect to: it only knows the answers."""

    def __init__(self, layout: str = "3.0", scenario: Scenario | None = None) -> None:
        self.layout = LAYOUTS[layout]
        self.lizardfs = layout.startswith("lizardfs")
        self.scenario = scenario or Scenario()
        self.replace = {}
        self.requests = []

    def hears(self, command: int, payload: bytes) -> bytes | None:
        """Answer, and remember what was asked."""
        self.requests.append(command)
        return self.answer(command, payload)


def chunkserver(disks: Sequence[Disk]) -> Answer:
    """What a chunkserver with these disks answers."""
    return lambda command, payload: b"".join(map(encode_disk, disks)) if command == DISKS else None


class MemoryHost(Host):
    """A captured tree whose remote services are functions; addresses without one refuse the connection."""

    def __init__(self, root: str, services: dict[str, Answer | str], names: dict[str, tuple[str, ...]]) -> None:
        super().__init__(root)
        self.services = services  # by address; a text is how it fails
        self.names = names

    def resolve(self, name: str, reserve: float = 0.0) -> tuple[str, ...]:
        return self.names.get(name, (name,))

    def converse(self, talks: Sequence[Talk], seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        for talk in talks:
            service = self.services.get(talk.address, "refused the connection")
            if isinstance(service, str):
                talk.fail(service)
                continue
            said = talk.feed(b"")
            while not talk.over:
                command, length = struct.unpack_from(">LL", said)
                assert length == len(said) - 8
                reply = service(command, said[8:])
                if reply is None:
                    talk.fail("closed the connection")
                else:
                    said = talk.feed(struct.pack(">LL", command + 1, len(reply)) + reply)


class Watched:
    """A cluster that is checked again and again; change ``scenario`` and ``disks`` between the runs."""

    def __init__(self, path: Path, layout: str = "3.0", scenario: Scenario | None = None) -> None:
        self.path = path
        (path / "root/proc/self").mkdir(parents=True, exist_ok=True)
        self.master = Master(layout, scenario)
        self.scenario = self.master.scenario
        self.scenario.saved = (int(NOW) - 600, 250, 0)
        self.disks: dict[str, list[Disk] | str] = {}  # by the chunkserver's address; a text is how it fails
        self.services: dict[str, Answer | str] = {MASTER: self.master.hears}
        self.names: dict[str, tuple[str, ...]] = {}
        self.boot = BOOT
        self.ahead = 0.0  # seconds by which this host's clock is ahead of the master's

    def file(self, path: str, content: str) -> None:
        """Put a file on the host that runs the check."""
        place = self.path / "root" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)

    def clock(self, at: float) -> Clock:
        """Seconds after the start."""
        return Clock(NOW + at, UPTIME + at, self.boot)

    def run(self, at: float = 0.0, *arguments: str, host: str = MASTER, history: bool = True) -> Outcome:
        """The verdict of a run at so many seconds, by the master's clock too."""
        self.scenario.clock = NOW + at - self.ahead
        settings = parse(all_options(PLUGIN), ["-H", host, *arguments])
        services = dict(self.services)
        for address, disks in self.disks.items():
            services[address] = disks if isinstance(disks, str) else chunkserver(disks)
        machine = MemoryHost(str(self.path / "root"), services, self.names)
        if not history:
            return conclude(PLUGIN, Run(machine, settings, self.clock(at), None))
        with Series(str(self.path / "h.sqlite"), self.clock(at)) as series:
            outcome = conclude(PLUGIN, Run(machine, settings, self.clock(at), series))
            series.save()
        return outcome


def line(outcome: Outcome) -> str:
    """Line 1 without performance data."""
    return nagios.render(outcome).decode().split("\n")[0].split(" | ")[0]


def lines(outcome: Outcome, verbosity: int = 0) -> list[str]:
    """The long output."""
    return nagios.render(outcome, verbosity).decode().rstrip("\n").split("\n")[1:]


def values(outcome: Outcome) -> dict[str, str]:
    """Every number, by its label."""
    return dict(zip(nagios.labels(outcome.values), (plain_number(value.value) for value in outcome.values)))
