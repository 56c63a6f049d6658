"""A real NRPE daemon in a network namespace of its own, asked with check_nrpe."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from types import TracebackType

from lab.namespaces import Namespace, end
from lab.scratch import USER, Scratch, as_user, wait_until
from support import Ran

CHECK_NRPE = ["/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1"]
_SETTINGS = """\
server_address=127.0.0.1
allowed_hosts=127.0.0.1
nrpe_user={0}
nrpe_group={0}
command_timeout={2}
pid_file={1}/own/nrpe.pid
log_file={1}/own/nrpe.log
"""


class Nrpe:
    """Starts at once; use as a context manager."""

    def __init__(self, commands: Mapping[str, list[str]], snippet: str = "", check_timeout: int = 60) -> None:
        """``snippet`` is a piece of configuration beside the commands."""
        self.scratch = Scratch()
        self.namespace = Namespace()
        self._daemon: subprocess.Popen[bytes] | None = None
        lines = [f"command[{name}]={shlex.join(argv)}\n" for name, argv in commands.items()]
        try:
            self.scratch.directory("own", 0o755)
            settings = self.scratch.file(
                "nrpe.cfg", _SETTINGS.format(USER, self.scratch.path, check_timeout) + "".join(lines) + snippet
            )
            argv = [*self.namespace.enter, "nrpe", "-f", "-c", str(settings)]
            with open(self.scratch.path / "out", "wb") as out:
                self._daemon = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
            wait_until(lambda: self.ask("").code == 0, 20, self._complaint)
        except BaseException:
            self.close()
            raise

    def _complaint(self) -> str:
        logs = [self.scratch.path / "out", self.scratch.path / "own/nrpe.log"]
        return "NRPE does not answer: " + "".join(log.read_text()[-1500:] for log in logs if log.exists())

    def ask(self, command: str, patience: int = 30) -> Ran:
        """What check_nrpe answers for a command within ``patience`` seconds; "" asks for the version."""
        return self.namespace.run(*as_user([*CHECK_NRPE, "-t", f"{patience}", *(["-c", command] if command else [])]))

    def close(self) -> None:
        """End it and its namespace, by process id."""
        if self._daemon is not None:
            end(self._daemon)
        self.namespace.close()
        self.scratch.remove()

    def __enter__(self) -> Nrpe:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()
