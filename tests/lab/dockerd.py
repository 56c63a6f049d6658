"""A real dockerd in a namespace of its own, with its own data, socket and an image made of busybox-static."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

from lab.namespaces import Namespace, end
from support import Ran, run

IMAGE = "undergoal-test:1"
_READY = 60  # seconds


class Dockerd:
    """Starts at once; close() ends the daemon, its containers and its namespace by process id."""

    def __init__(self, *options: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="undergoal-docker-"))
        self.socket = str(self.directory / "docker.sock")
        self.namespace = Namespace()
        self._options = options
        self._daemon: subprocess.Popen[bytes] | None = None
        try:
            self.start()
            self._import_image()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start (or start again) the daemon and wait until it answers."""
        directory = self.directory
        argv = [
            *self.namespace.enter, "dockerd",
            "--data-root", str(directory / "data"), "--exec-root", str(directory / "exec"),
            "--pidfile", str(directory / "pid"), "-H", f"unix://{self.socket}", *self._options,
        ]  # fmt: skip
        with open(directory / "log", "ab") as log:
            self._daemon = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        limit = time.monotonic() + _READY
        while run([*self._client, "version"]).code:
            if time.monotonic() > limit or self._daemon.poll() is not None:
                tail = (directory / "log").read_text(errors="replace")[-1500:]
                raise RuntimeError(f"dockerd does not answer; its log ends:\n{tail}")
            time.sleep(0.1)

    def kill(self) -> None:
        """kill -9 of the daemon alone, as the out-of-memory killer does."""
        assert self._daemon is not None
        os.kill(self._daemon.pid, signal.SIGKILL)
        self._daemon.wait()
        # its children die with it, but where process 1 reaps nothing a stale pid looks alive to the next dockerd
        for stale in ("pid", "exec/containerd/containerd.pid"):
            (self.directory / stale).unlink(missing_ok=True)

    @property
    def _client(self) -> list[str]:
        return ["docker", "-H", f"unix://{self.socket}"]

    def docker(self, *arguments: str) -> Ran:
        """A command of the docker client."""
        return run([*self._client, *arguments], timeout=120)

    def must(self, *arguments: str) -> str:
        """A command of the docker client that has to succeed; its output."""
        ran = self.docker(*arguments)
        if ran.code:
            raise RuntimeError(f"docker {' '.join(arguments)}: {ran.stderr.decode()[-300:]}")
        return ran.output.strip()

    def sleeper(self, name: str, network: str = "bridge") -> Ran:
        """Start a container that sleeps, without the traces that the start of a process leaves."""
        return self.docker("run", "-d", "--name", name, "--network", network, IMAGE, "/sleep", "3600")

    def sleepers(self, names: list[str], network: str = "bridge") -> None:
        """Start many, eight at a time. Raises when one does not start."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(8) as pool:
            for ran in pool.map(lambda name: self.sleeper(name, network), names):
                if ran.code:
                    raise RuntimeError(ran.stderr.decode()[-300:])

    def _import_image(self) -> None:
        archive = BytesIO()
        busybox = shutil.which("busybox", path="/bin:/usr/bin")
        if busybox is None:
            raise RuntimeError("busybox is not installed")
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(busybox, "sleep")
        subprocess.run(
            [*self._client, "import", "-", IMAGE], input=archive.getvalue(), check=True, capture_output=True, timeout=60
        )

    def check(self, *arguments: str, state: Path | None = None) -> Ran:
        """check_docker_bridge in this namespace, asking this daemon; without ``state`` it keeps no history."""
        from support import command

        history = ["--state-dir", str(state)] if state else ["--no-history"]
        return self.namespace.run(*command("check_docker_bridge"), "--docker-socket", self.socket, *history, *arguments)

    def close(self) -> None:
        """End everything; containers first, as they outlive their daemon."""
        try:
            if self._daemon is not None and self._daemon.poll() is None:
                ids = self.docker("ps", "-q").output.split()
                if ids:
                    self.docker("kill", *ids)
                end(self._daemon)
        finally:
            self._end_shims()
            self.namespace.close()
            self._unmount()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end_shims(self) -> None:
        """Container shims and containerd live in sessions of their own; they name this directory."""
        for process in Path("/proc").iterdir():
            if not process.name.isdigit() or int(process.name) == os.getpid():
                continue
            try:
                line = (process / "cmdline").read_bytes()
                if str(self.directory).encode() in line:
                    for child in (process / "task" / process.name / "children").read_text().split():
                        os.kill(int(child), signal.SIGKILL)
                    os.kill(int(process.name), signal.SIGKILL)
            except (OSError, ProcessLookupError):
                continue

    def _unmount(self) -> None:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for place in sorted((line.split()[1] for line in mounts if str(self.directory) in line), reverse=True):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
