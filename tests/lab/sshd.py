"""A real sshd in a namespace of its own, with a user for the checks that exists there only."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from lab.namespaces import Namespace, end
from lab.scratch import Scratch, wait_until
from support import Ran, run

CHECK_BY_SSH = "/usr/lib/nagios/plugins/check_by_ssh"
USER = "monitor"
_UID = 64999
_SETTINGS = """\
ListenAddress 127.0.0.1
HostKey {0}/host_key
PidFile {0}/sshd.pid
AuthorizedKeysFile {0}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
AllowUsers {1}
PrintMotd no
"""


class Sshd:
    """Starts at once; use as a context manager."""

    def __init__(self) -> None:
        self.scratch = Scratch()
        self.namespace = Namespace()
        self.home = self.scratch.path / "home"
        self._daemon: subprocess.Popen[bytes] | None = None
        place = self.scratch.path
        try:
            self._make_user()
            for key in ("host_key", "user_key"):
                run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)])
            settings = place / "sshd_config"
            settings.write_text(_SETTINGS.format(place, USER))
            self.namespace.must("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run/sshd")
            argv = [*self.namespace.enter, "/usr/sbin/sshd", "-D", "-e", "-f", str(settings)]
            with open(place / "log", "wb") as log:
                self._daemon = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            host_key = " ".join((place / "host_key.pub").read_text().split()[:2])
            (place / "known_hosts").write_text(f"127.0.0.1 {host_key}\n")
            wait_until(lambda: self.ssh("true").code == 0, 20, self._complaint)
        except BaseException:
            self.close()
            raise

    def _make_user(self) -> None:
        """In the namespace's own view of /etc only."""
        self.home.mkdir()
        for name, line in (
            ("passwd", f"{USER}:x:{_UID}:{_UID}::{self.home}:/bin/sh\n"),
            ("shadow", f"{USER}:*:19000:0:99999:7:::\n"),
            ("group", f"{USER}:x:{_UID}:\n"),
        ):
            copy = self.scratch.path / name
            copy.write_text(Path("/etc", name).read_text() + line)
            copy.chmod(0o640 if name == "shadow" else 0o644)
            self.namespace.must("mount", "--bind", str(copy), f"/etc/{name}")
        self.namespace.must("chown", USER, str(self.home))
        Path("/run/sshd").mkdir(exist_ok=True)  # a mount point; openssh-server's own service makes it too

    def _complaint(self) -> str:
        return f"sshd does not answer; its log ends:\n{(self.scratch.path / 'log').read_text()[-1500:]}"

    @property
    def options(self) -> list[str]:
        """ssh options, as -o words, that make a login without questions."""
        place = self.scratch.path
        return ["-o", f"IdentityFile={place}/user_key", "-o", f"UserKnownHostsFile={place}/known_hosts"]

    @property
    def pid(self) -> int:
        """The process of the daemon."""
        assert self._daemon is not None
        return self._daemon.pid

    def ssh(self, command: str, *options: str) -> Ran:
        """A command over a login of its own."""
        return self.namespace.run("ssh", "-q", "-l", USER, *self.options, *options, "127.0.0.1", command)

    def by_ssh_argv(self, *arguments: str, patience: int = 30) -> list[str]:
        """The argv of check_by_ssh, to be run inside the namespace."""
        return [CHECK_BY_SSH, "-H", "127.0.0.1", "-l", USER, "-q", "-t", f"{patience}", *self.options, *arguments]

    def check_by_ssh(self, argv: Sequence[str], patience: int = 30) -> Ran:
        """What check_by_ssh answers for a remote command within ``patience`` seconds."""
        return self.namespace.run(*self.by_ssh_argv("-C", shlex.join(argv), patience=patience))

    def close(self) -> None:
        """End it and its namespace, by process id."""
        if self._daemon is not None:
            end(self._daemon)
        self.namespace.close()
        self.scratch.remove()

    def __enter__(self) -> Sshd:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()
