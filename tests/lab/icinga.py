"""A real Icinga 2 with its API, in a network namespace of its own: one host, results read back through the API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.namespaces import Namespace, end
from lab.scratch import USER, Scratch, wait_until
from support import Ran, run

HOST = "node1"
NODE = "master.example"  # as which the certificate is made, and which /etc/hosts of the namespace knows
USER_NAME, PASSWORD = "submitter", "not-to-be-seen:1"
LIBRARY = """\
const PluginDir = "/usr/lib/nagios/plugins"
const PluginContribDir = PluginDir
const ManubulonPluginDir = PluginDir
include <itl>
include <plugins>
"""
_BASE = """\
const NodeName = "{node}"
{library}
object Endpoint NodeName {{ }}
object Zone NodeName {{ endpoints = [ NodeName ] }}
object CheckerComponent "checker" {{ }}
object ApiListener "api" {{ bind_host = "127.0.0.1" }}
object ApiUser "{user}" {{ password = "{password}", permissions = [ "*" ] }}
object ApiUser "reader" {{ password = "reader", permissions = [ "objects/query/*" ] }}
object ApiUser "bearer" {{ client_cn = "{node}", permissions = [ "actions/process-check-result" ] }}
object CheckCommand "nothing" {{ command = [ "/bin/true" ] }}
object Host "{host}" {{ check_command = "nothing", enable_active_checks = false }}
"""


def quoted(text: str) -> str:
    """A string of Icinga's configuration language without macros."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


def service(name: str, argv: list[str], timeout: int) -> str:
    """Object definitions: this service with this command line."""
    words = ", ".join(map(quoted, argv))
    return (
        f'object CheckCommand "c_{name}" {{ command = [ {words} ], timeout = {timeout}s }}\n'
        f'object Service "{name}" {{ host_name = "{HOST}", check_command = "c_{name}", max_check_attempts = 1,\n'
        "  check_interval = 1d, retry_interval = 1d, enable_active_checks = false }\n"
    )


def definitions(scratch: Path, user: str) -> list[str]:
    """The options that keep a daemon inside its scratch directory."""
    places = {
        "ConfigDir": "etc", "DataDir": "own/data", "LogDir": "own/log", "CacheDir": "own/cache",
        "SpoolDir": "own/spool", "InitRunDir": "own/run", "ZonesDir": "etc/zones.d",
    }  # fmt: skip
    words = [f"{name}={scratch}/{place}" for name, place in places.items()]
    words += [f"RunAsUser={user}", f"RunAsGroup={user}", f"NodeName={NODE}"]
    return [part for word in words for part in ("-D", word)]


def prepare(scratch: Scratch, objects: str, library: bool = False) -> list[str]:
    """Write a configuration; the options to run a daemon with."""
    for name in ("etc", "etc/conf.d", "etc/features-enabled", "etc/features-available", "own"):
        scratch.directory(name, 0o755)
    for name in ("data", "log", "cache", "spool", "run"):
        scratch.directory(f"own/{name}", 0o750)
    base = _BASE.format(
        node=NODE, user=USER_NAME, password=PASSWORD, host=HOST,
        library=LIBRARY if library else "",
    )  # fmt: skip
    scratch.file("etc/features-available/api.conf", "")
    scratch.file("etc/icinga2.conf", base + objects)
    return ["-c", f"{scratch.path}/etc/icinga2.conf", *definitions(scratch.path, USER)]


def make_certificates(scratch: Scratch) -> None:
    """Those of the node and its authority."""
    ran = run(["icinga2", "api", "setup", "--cn", NODE, *definitions(scratch.path, USER)])
    if not (scratch.path / f"own/data/certs/{NODE}.crt").exists():
        raise RuntimeError(f"icinga2 api setup: {ran.output[-1500:]}")


class Icinga:
    """Starts at once; use as a context manager."""

    def __init__(
        self, services: Mapping[str, list[str]], check_timeout: int = 60, more: str = "", library: bool = False
    ) -> None:
        """``more`` objects beside the services, with Icinga's own library of templates if they need it."""
        self.scratch = Scratch()
        self.namespace = Namespace()
        self.url = f"https://{NODE}:5665"
        self._daemon: subprocess.Popen[bytes] | None = None
        try:
            hosts = self.scratch.file("hosts", f"127.0.0.1 localhost {NODE}\n")
            self.namespace.must("mount", "--bind", str(hosts), "/etc/hosts")
            objects = "".join(service(name, argv, check_timeout) for name, argv in services.items())
            self._options = prepare(self.scratch, objects + more, library)
            make_certificates(self.scratch)
            self.authority = self.scratch.path / "authority.crt"
            self.authority.write_bytes((self.scratch.path / "own/data/certs/ca.crt").read_bytes())
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def certificate(self) -> tuple[Path, Path]:
        """A client certificate (the node's own) and its key."""
        place = self.scratch.path / "own/data/certs"
        return place / f"{NODE}.crt", place / f"{NODE}.key"

    def start(self) -> None:
        """Start (or start again) the daemon and wait for its API."""
        argv = [*self.namespace.enter, "icinga2", "daemon", *self._options]
        with open(self.scratch.path / "out", "ab") as out:
            self._daemon = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        wait_until(self._answers, 60, self._complaint)

    def stop(self) -> None:
        """End the daemon."""
        if self._daemon is not None:
            end(self._daemon)
            self._daemon = None

    def _answers(self) -> bool:
        if self._daemon is None or self._daemon.poll() is not None:
            raise RuntimeError(self._complaint())
        status, _ = self.ask("GET", "/v1/status/IcingaApplication")
        return status == 200

    def _complaint(self) -> str:
        return f"Icinga's API does not answer; its log ends:\n{(self.scratch.path / 'out').read_text()[-2000:]}"

    def ask(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        """One request to the API, from inside the namespace; its status (0: no connection) and reply."""
        order = {"method": method, "url": self.url + target, "body": body, "ca": str(self.authority)}
        order["user"] = f"{USER_NAME}:{PASSWORD}"
        script = Path(__file__).with_name("https_request.py")
        ran = self.run(sys.executable, "-I", str(script), input=json.dumps(order).encode())
        answer = json.loads(ran.output)
        return answer["status"], answer["reply"]

    def run(self, *argv: str, **named: Any) -> Ran:
        """A command where the API can be reached."""
        return self.namespace.run(*argv, **named)

    def check_all(self, services: list[str], seconds: float = 60) -> dict[str, dict[str, Any]]:
        """Have all services checked now, and wait for the results of these."""
        start = time.time()
        order = {"type": "Service", "filter": "true", "force": True, "next_check": start}
        status, reply = self.ask("POST", "/v1/actions/reschedule-check", order)
        assert status == 200, reply
        return self.wait_for(set(services), start, seconds)

    def wait_for(self, services: set[str], since: float, seconds: float = 20) -> dict[str, dict[str, Any]]:
        """The last check results of these services that are as new as this."""
        found: dict[str, dict[str, Any]] = {}

        def all_here() -> bool:
            found.update({name: seen for name, seen in self.results(since).items() if name in services})
            return services <= set(found)

        wait_until(all_here, seconds, lambda: f"no result of {sorted(services - set(found))}; {self._complaint()}")
        return found

    def results(self, since: float = 1) -> dict[str, dict[str, Any]]:
        """Service -> its last check result, for those that ended since; "service_state" is what became of it."""
        attributes = "attrs=state&attrs=last_check_result&attrs=name"
        _, reply = self.ask("GET", f"/v1/objects/services?{attributes}")
        rows = [row["attrs"] for row in reply["results"]]
        return {
            row["name"]: {**row["last_check_result"], "service_state": int(row["state"])}
            for row in rows
            if row["last_check_result"] and row["last_check_result"]["execution_end"] >= since
        }

    def close(self) -> None:
        """End it and its namespace, by process id."""
        self.stop()
        self.namespace.close()
        self.scratch.remove()

    def __enter__(self) -> Icinga:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()
