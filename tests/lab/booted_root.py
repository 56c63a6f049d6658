"""Debian's systemd as the first process of a scratch root, in namespaces of its own: units really run.

It has no say over this machine: it can load no module and set no sysctl and no clock, and its control groups are one
subtree of this process' own, in which no controller is switched on.

    with ScratchRoot(base, work) as root, BootedRoot(root) as booted:
        booted.must("systemctl", "start", "some.service")
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.scratch import wait_until
from lab.scratch_root import ScratchRoot
from support import Ran, run

from checks.frame.mountinfo import parse_mountinfo

# What a first process expects to find, as containers have it; $container tells systemd that it is in one.
_SETUP = """
cd "$1"
mount -t proc proc proc
mount --bind -o ro proc/sys proc/sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for place in run dev; do mount -t tmpfs -o mode=755 tmpfs $place; done
for device in null zero full random urandom; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
exec setpriv --bounding-set=-sys_module,-sys_rawio,-sys_boot,-sys_time,-syslog \\
    env -i container=scratch PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    /lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=no
"""
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer")  # they want the network
_GROUPS_OF = ("init.scope", "system.slice")  # only systemd makes them: whoever has them is up


class BootedRoot:
    """Boots at once. Everything in it ends with it; use as a context manager, inside that of its root."""

    def __init__(self, root: ScratchRoot) -> None:
        root.must("sh", "-c", "echo node1 >/etc/hostname")
        for unit in _MASKED:
            root.must("ln", "-sf", "/dev/null", f"/etc/systemd/system/{unit}")
        self._log = root.path.parent / "console"
        self._group = _own_control_group() / f"undergoal-{root.namespace.pid}"
        self._group.mkdir()
        words = [*root.namespace.enter, "unshare", "--cgroup", "--pid", "--uts", "--ipc", "--mount", "--fork"]
        words += ["--kill-child", "sh", "-ec", _SETUP, "sh", str(root.path)]
        join = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(self._group)]
        with open(self._log, "wb") as log:
            self._keeper = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *join, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._is_up, 60, self._complaint)
        except BaseException:
            self.close()
            raise

    def _first(self) -> str:
        """The id of its first process, the only child of unshare; empty while there is none."""
        children = Path(f"/proc/{self._keeper.pid}/task/{self._keeper.pid}/children")
        return children.read_text().strip() if children.exists() else ""

    def _is_up(self) -> bool:
        if self._keeper.poll() is not None:
            raise RuntimeError(self._complaint())
        if not all((self._group / name).exists() for name in _GROUPS_OF):
            return False
        return self.run("systemctl", "is-active", "basic.target").code == 0

    def _complaint(self) -> str:
        return f"systemd does not get to basic.target; it says:\n{self._log.read_text(errors='replace')[-2000:]}"

    def run(self, *argv: str, user: str = "root", timeout: float = 60) -> Ran:
        """Run a command in it, beside its units."""
        enter = ["nsenter", "--target", self._first(), "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        return run([*enter, "--", *as_user, *argv], timeout=timeout)

    def must(self, *argv: str) -> str:
        """Run a command in it, as root, that has to succeed; its output."""
        ran = self.run(*argv)
        if ran.code:
            raise RuntimeError(
                f"{' '.join(argv)[:80]}: {ran.output[-500:]}{ran.stderr.decode(errors='replace')[-500:]}"
            )
        return ran.output

    def properties(self, unit: str, *names: str) -> list[str]:
        """These properties of a unit, in this order."""
        shown = self.must("systemctl", "show", unit, "--property", ",".join(names))
        found = dict(line.split("=", 1) for line in shown.splitlines())
        return [found[name] for name in names]

    def journal(self, unit: str) -> str:
        """All that a unit and systemd on its behalf said."""
        return self.must("journalctl", "--unit", unit, "--output", "cat", "--no-pager", "--quiet")

    def close(self) -> None:
        """End it: with its first process the kernel ends all others."""
        self._keeper.kill()
        self._keeper.wait()
        wait_until(self._is_empty, 20, lambda: f"processes are left in {self._group}")
        for group in sorted(self._group.rglob("*"), reverse=True):
            if group.is_dir():
                group.rmdir()
        self._group.rmdir()

    def _is_empty(self) -> bool:
        return "populated 0" in (self._group / "cgroup.events").read_text()

    def __enter__(self) -> BootedRoot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _own_control_group() -> Path:
    """Where this process is in the unified hierarchy, which is all there is, or beside those of version 1."""
    point = next(m.point for m in parse_mountinfo(Path("/proc/self/mountinfo").read_text()) if m.kind == "cgroup2")
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return Path(point + own[len("0::") :])
