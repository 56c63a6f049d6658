"""A network namespace with its own /sys, kept by one process; commands are run in it by that process' id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from types import TracebackType

from support import Ran, run

# The new /sys shows this namespace's interfaces; the control groups, which containers need, are carried over.
_SETUP = (
    "mount --rbind /sys/fs/cgroup /mnt && mount -t sysfs sysfs /sys && mount --rbind /mnt /sys/fs/cgroup"
    " && umount -l /mnt && ip link set lo up && echo ready && exec sleep 3600"
)


class Namespace:
    """Network and mount namespace. Everything in it ends with it; use as a context manager."""

    def __init__(self) -> None:
        self._groups: dict[str, int] = {}
        self._made: dict[str, int] = {}
        self._keeper = subprocess.Popen(
            [
                "unshare", "--net", "--mount", "--propagation", "private",
                "sh", "-c", _SETUP,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError("no network namespace could be made")

    @property
    def pid(self) -> int:
        """The process that keeps it."""
        return self._keeper.pid

    @property
    def enter(self) -> list[str]:
        """What to put before a command to run it in here."""
        return ["nsenter", "--net", "--mount", "--target", str(self._keeper.pid), "--"]

    def run(self, *argv: str, **named: object) -> Ran:
        """Run a command in here; see support.run."""
        return run([*self.enter, *argv], **named)  # type: ignore[arg-type]

    def must(self, *argv: str, stdin: bytes = b"") -> str:
        """Run a command that has to succeed; its output."""
        done = subprocess.run([*self.enter, *argv], input=stdin, capture_output=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)[:80]}: {done.stderr.decode(errors='replace')[-300:]}")
        return done.stdout.decode()

    def fill(self, bridge: str, ports: int, tag: str, peers: Namespace | None = None) -> None:
        """Attach ``ports`` new veths to a bridge.

        Their other ends go to the namespace ``peers``, as those of containers do, or stay in here, as those of a leak.
        """
        group = self._groups.setdefault(tag, len(self._groups) + 100)
        first = self._made.get(tag, 0)
        self._made[tag] = first + ports
        lines = []
        elsewhere = f" netns {peers.pid}" if peers else ""
        for number in range(first, first + ports):
            lines.append(f"link add {tag}{number} group {group} type veth peer name {tag}{number}p{elsewhere}")
            lines.append(f"link set {tag}{number} master {bridge}")
        self.must("ip", "-batch", "-", stdin="\n".join(lines).encode())

    def empty(self, tag: str) -> None:
        """Remove the veths that ``fill`` made, all at once: one by one they take 16 ms each."""
        if self._made.pop(tag, 0):
            self.must("ip", "link", "delete", "group", str(self._groups[tag]))

    def close(self) -> None:
        """End it, and all interfaces with it."""
        self._keeper.kill()
        self._keeper.wait()

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()


def end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """SIGTERM, then SIGKILL to the whole session of a process started with start_new_session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        limit = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
    process.wait()
