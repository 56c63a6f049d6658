"""Two hosts and a middlebox between them, each in a network namespace of its own; and traffic over the path."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from lab.namespaces import Namespace, end
from support import Ran, command

HERE = Path(__file__).resolve().parent
CLIENT, SERVER = "10.9.0.1", "10.9.0.2"
RESPONDER = 5800
_OFFLOADS = ["tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off", "sg", "off"]
_BY_SCALE = {7: 6291456, 10: 33554432}  # tcp_rmem's largest
_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

# arguments: address, port, "send" or "take" for ever, how many
_TRAFFIC = """
import socket, sys, threading, time
connected = threading.Barrier(int(sys.argv[4]) + 1)
def run():
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    connected.wait()
    try:
        while sys.argv[3] == "send" and s.send(b"u" * 16384) or s.recv(1 << 20):
            time.sleep(0.02)
    except OSError:
        pass
for _ in range(int(sys.argv[4])):
    threading.Thread(target=run, daemon=True).start()
connected.wait()
print("ready", flush=True)
sys.stdin.read()
"""


def build(directory: Path) -> Path:
    """Compile the middlebox."""
    program = directory / "middlebox"
    source = HERE / "middlebox.c"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)], check=True)
    return program


# arguments: address, port, seconds; prints bytes per second over the last two of them
_BULK = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
start = time.monotonic()
counted = total = 0
while (now := time.monotonic() - start) < float(sys.argv[3]):
    total += len(s.recv(1 << 20))
    counted = counted or (now > float(sys.argv[3]) - 2 and total)
print((total - counted) / 2)
"""


class TcpPath:
    """Client, middlebox, server. Everything in it ends with it; use as a context manager."""

    def __init__(
        self,
        middlebox: Path,
        actions: str = "",
        rtt_ms: float = 40,
        scale: int = 7,
        peer: int = 0,
        certificate: str = "",
    ) -> None:
        """``actions`` are the middlebox's, in words; ``peer`` is SO_RCVBUF of the server's sockets."""
        self._running: list[subprocess.Popen[bytes]] = []
        self._spaces: list[Namespace] = []
        try:
            self.client, self.box, self.server = (self._space() for _ in range(3))
            self._connect(scale)
            self._middlebox = [str(middlebox), "m0", "m1", str(int(rtt_ms * 500))]
            self._box = self._start(self.box, [*self._middlebox, *actions.split()])
            words = [SERVER, str(peer), *([certificate] if certificate else [])]
            self._start(self.server, [sys.executable, str(HERE / "tcp_peer.py"), *words])
        except BaseException:
            self.close()
            raise

    def _space(self) -> Namespace:
        self._spaces.append(Namespace())
        return self._spaces[-1]

    def _connect(self, scale: int) -> None:
        for space, near, far, address in ((self.client, "c0", "m0", CLIENT), (self.server, "s0", "m1", SERVER)):
            space.must("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", str(self.box.pid))
            space.must("ip", "address", "add", f"{address}/24", "dev", near)
            rmem = f"4096 131072 {_BY_SCALE[scale]}"
            space.must("sysctl", "-qw", f"net.ipv4.tcp_rmem={rmem}")
        self.box.must("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        for space, device in ((self.client, "c0"), (self.server, "s0"), (self.box, "m0"), (self.box, "m1")):
            space.must("ethtool", "-K", device, *_OFFLOADS)
            space.must("ip", "link", "set", device, "up", "txqueuelen", "10000")

    def _start(self, space: Namespace, argv: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*space.enter, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith((b"ready", b"listening")):
            raise RuntimeError(f"{argv[0]} said {line!r}")
        return process

    def respond(self) -> None:
        """Start the responder on the server."""
        argv = [*command("undergoal"), "tcp-responder", "--listen", f"{SERVER}:{RESPONDER}", "--for", "300"]
        self._start(self.server, [*_NOBODY, *argv])

    def change(self, actions: str) -> None:
        """Put another middlebox in the place of this one."""
        self.stop(self._box)
        self._box = self._start(self.box, [*self._middlebox, *actions.split()])

    def traffic(self, port: int, count: int, direction: str) -> subprocess.Popen[bytes]:
        """``count`` connections of the client that "send" or "take" until they are ended."""
        argv = [sys.executable, "-c", _TRAFFIC, SERVER, str(port), direction, str(count)]
        return self._start(self.client, argv)

    def bulk(self, port: int, seconds: float) -> float:
        """Bytes per second of a long download, once it has found its pace."""
        return float(self.client.must(sys.executable, "-c", _BULK, SERVER, str(port), str(seconds)))

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """End what was started."""
        self._running.remove(process)
        _close(process)

    def check(self, *options: str, at: Namespace | None = None, history: Path | None = None) -> Ran:
        """Run the check, on the client unless told otherwise: as nobody, or with a history as root."""
        kept = ["--state-dir", str(history)] if history else ["--no-history"]
        user = [] if history else _NOBODY
        return (at or self.client).run(*user, *command("check_tcp_window"), *kept, *options)

    def close(self) -> None:
        """End all of it."""
        for process in self._running:
            _close(process)
        for space in self._spaces:
            space.close()

    def __enter__(self) -> TcpPath:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=0.3)
    except subprocess.TimeoutExpired:
        end(process, 2)


def built() -> Path:
    """The middlebox, compiled into a directory of its own."""
    return build(Path(tempfile.mkdtemp(prefix="undergoal-middlebox-")))
