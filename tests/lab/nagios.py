"""A real Nagios 4 without a web server: one host, services that are checked when told to, results from status.dat."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from lab.namespaces import Namespace, end
from lab.scratch import USER, Scratch, wait_until
from support import run

HOST = "node1"
SETTINGS = """\
log_file={0}/nagios.log
cfg_file={0}/objects.cfg
object_cache_file={0}/objects.cache
precached_object_file={0}/objects.precache
resource_file={0}/resource.cfg
status_file={0}/own/status.dat
status_update_interval=1
nagios_user={1}
nagios_group={1}
check_external_commands=1
command_file={0}/own/nagios.cmd
query_socket={0}/own/nagios.qh
lock_file={0}/own/nagios.lock
temp_file={0}/own/nagios.tmp
temp_path={0}/own
log_rotation_method=n
log_archive_path={0}/own
use_syslog=0
check_result_path={0}/spool
max_check_result_file_age=3600
check_result_reaper_frequency=1
service_check_timeout={2}
retain_state_information=0
execute_host_checks=0
enable_notifications=0
enable_event_handlers=0
check_for_updates=0
interval_length=1
illegal_macro_output_chars=`~$&|'"<>
"""
# The defaults of a new object that Nagios insists on.
PREAMBLE = f"""\
define timeperiod {{
  timeperiod_name always
  alias always
  sunday 00:00-24:00
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
}}
define command {{
  command_name nothing
  command_line /bin/true
}}
define contact {{
  contact_name nobody
  host_notification_period always
  service_notification_period always
  host_notification_options n
  service_notification_options n
  host_notification_commands nothing
  service_notification_commands nothing
}}
define host {{
  host_name {HOST}
  address 127.0.0.1
  contacts nobody
  max_check_attempts 1
  check_period always
  notification_period always
}}
"""


class Seen(NamedTuple):
    """What an engine makes of a result."""

    state: int
    text: str  # all of it, line 1 and the others
    perfdata: str


def service(name: str, command: str) -> str:
    """An object definition: this service with this command line."""
    # a semicolon starts a comment in an object file, a dollar sign a macro
    escaped = command.replace(";", "\\;").replace("$", "$$")
    return (
        f"define command {{\n  command_name c_{name}\n  command_line {escaped}\n}}\n"
        f"define service {{\n  host_name {HOST}\n  service_description {name}\n  check_command c_{name}\n"
        "  max_check_attempts 1\n  check_interval 86400\n  retry_interval 86400\n  check_period always\n"
        "  notification_period always\n  notification_interval 0\n  contacts nobody\n  initial_state o\n"
        "  active_checks_enabled 0\n}\n"
    )


def verify(settings: Path) -> str:
    """What nagios4 -v says of a configuration. Raises RuntimeError when it is not happy."""
    ran = run(["nagios4", "-v", str(settings)])
    if ran.code or "Total Warnings: 0" not in ran.output:
        raise RuntimeError(ran.output[-3000:])
    return ran.output


def write_settings(scratch: Scratch, objects: str, check_timeout: int = 60) -> Path:
    """A configuration with these objects, in a scratch directory."""
    scratch.directory("own", 0o755)
    scratch.directory("spool", 0o755)
    scratch.file("nagios.log", "")
    scratch.file("resource.cfg", "$USER1$=/usr/lib/nagios/plugins\n")
    scratch.file("objects.cfg", objects)
    for name in ("objects.cache", "objects.precache"):
        scratch.file(name, "")
    return scratch.file("nagios.cfg", SETTINGS.format(scratch.path, USER, check_timeout))


class Nagios:
    """Starts at once, as root that becomes the user of the checks; use as a context manager."""

    def __init__(
        self, services: Mapping[str, list[str]], check_timeout: int = 60, namespace: Namespace | None = None
    ) -> None:
        """``namespace``: where it and its checks run, which is then the caller's to close."""
        self.scratch = Scratch()
        self.command_file = self.scratch.path / "own/nagios.cmd"
        self.spool = self.scratch.path / "spool"
        self._status_file = self.scratch.path / "own/status.dat"
        self._daemon: subprocess.Popen[bytes] | None = None
        objects = PREAMBLE + "".join(service(name, shlex.join(argv)) for name, argv in services.items())
        try:
            settings = write_settings(self.scratch, objects, check_timeout)
            verify(settings)
            argv = [*(namespace.enter if namespace else []), "nagios4", str(settings)]
            with open(self.scratch.path / "out", "wb") as out:
                self._daemon = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
                )
            wait_until(lambda: self._status_file.exists() and self.command_file.exists(), 20, self._complaint)
        except BaseException:
            self.close()
            raise

    def _complaint(self) -> str:
        log = (self.scratch.path / "out").read_text() + (self.scratch.path / "nagios.log").read_text()
        return f"Nagios is not ready; its log ends:\n{log[-2000:]}"

    def tell(self, command: str) -> None:
        """An external command."""
        pipe = os.open(self.command_file, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, f"[{int(time.time())}] {command}\n".encode())
        finally:
            os.close(pipe)

    def check_all(self, services: list[str], seconds: float = 60) -> dict[str, Seen]:
        """Have these services checked now, and wait for the results."""
        start = int(time.time())
        for name in services:
            self.tell(f"SCHEDULE_FORCED_SVC_CHECK;{HOST};{name};{start}")
        return self.wait_for(set(services), start, seconds)

    def wait_for(self, services: set[str], since: float, seconds: float = 20) -> dict[str, Seen]:
        """The results of these services that are as new as this."""
        found: dict[str, Seen] = {}

        def all_here() -> bool:
            found.update({name: seen for name, seen in self.results(since).items() if name in services})
            return services <= set(found)

        wait_until(all_here, seconds, lambda: f"no result of {sorted(services - set(found))}; {self._complaint()}")
        return found

    def results(self, since: float = 1) -> dict[str, Seen]:
        """Service -> its result in status.dat, for those that were checked since."""
        found = {}
        text = self._status_file.read_text(encoding="utf-8", errors="surrogateescape")
        for block in re.findall(r"^servicestatus \{\n(.*?)^\t\}", text, re.DOTALL | re.MULTILINE):
            fields = dict(line.strip("\t").partition("=")[::2] for line in block.split("\n"))
            if int(fields["last_check"]) >= int(since) and fields["has_been_checked"] == "1":
                rest = fields["long_plugin_output"].replace("\\n", "\n").rstrip("\n")
                text_of_it = fields["plugin_output"] + ("\n" + rest if rest else "")
                found[fields["service_description"]] = Seen(
                    int(fields["current_state"]), text_of_it, fields["performance_data"]
                )
        return found

    def close(self) -> None:
        """End it, by process id."""
        if self._daemon is not None:
            end(self._daemon)
        self.scratch.remove()

    def __enter__(self) -> Nagios:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()
