"""A stock Debian kernel under QEMU, on this machine's own root file system: for what this machine's kernel lacks.

The root is read through 9p, and what the guest writes goes to memory and is forgotten: the checkout and its venv are
there as they are here, at the same paths. A machine boots for one command and is switched off after it, which takes
some 10 s, as no hardware help is asked for. A Python is ten times slower in there: put much into one boot.

    machine = VirtualMachine("bonding max_bonds=0", "e1000", devices=network_card("52:54:00:11:11:11"))
    ran = machine.run("sh", "-c", "ip link add bond7 type bond && cat /proc/net/bonding/bond7")

Modules are loaded before the command, with those they depend on and with their parameters, if any. Nothing loads
another one later, also not the kernel. Only ``KEPT`` outlives a boot, in machines that have a disk for it.

tests/run unpacks the kernel (``needs("kernel", "qemu-system-x86_64")``); vm_init.sh is what the guest does.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from support import PLAIN_ENVIRONMENT, PROJECT, Ran

KERNEL = PROJECT / ".kernel"  # a linux-image package, unpacked
GUEST = KERNEL / "guest"  # ifupdown and ifenslave, unpacked: copied by those guests that need them
KEPT = "/mnt"  # in the guest: a file system that is kept from boot to boot, on a disk of its own
_BOOT = 90  # seconds that booting may take on a busy machine, in addition to those of the command
_TIMED_OUT = (124, 137)  # what timeout(1) says then
_ALWAYS = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
_DISK = ("virtio_blk", "ext4")
_DISK_SIZE = 32 << 20


class MachineError(Exception):
    """It did not come up, or its command did not end in time; the text holds the end of what it said."""


def network_card(mac: str, hub: int = 0, model: str = "e1000") -> list[str]:
    """QEMU's options for a network card; cards on the same hub hear each other."""
    name = f"hub{hub}-{mac.replace(':', '')}"
    return ["-netdev", f"hubport,id={name},hubid={hub}", "-device", f"{model},mac={mac},netdev={name}"]


class VirtualMachine:
    """What a machine is made of. Each ``run`` boots it anew; close() forgets what was kept. A context manager."""

    def __init__(
        self,
        *modules: str,
        devices: list[str] | None = None,
        memory: int = 768,  # MB
        processors: int = 1,
        keeps: bool = False,
        enter: list[str] | None = None,  # what to put before QEMU, to start it in a namespace
    ) -> None:
        self.modules = modules
        self.devices = devices or []
        self.memory = memory
        self.processors = processors
        self._enter = enter or []
        self._directory = Path(tempfile.mkdtemp(prefix="undergoal-vm-"))
        self._disk = self._directory / "kept" if keeps else None
        if self._disk:
            with open(self._disk, "wb") as file:
                file.truncate(_DISK_SIZE)
            _must("mkfs.ext4", "-q", str(self._disk))

    def run(self, *argv: str, seconds: float = 120, devices: list[str] | None = None) -> Ran:
        """Boot, run a command as root, switch off. ``devices``: other ones in this boot only.

        The command has no standard input and a plain environment; its loopback interface is up. Raises MachineError.
        """
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="boot-", dir=self._directory) as name:
            boot = Path(name)
            (boot / "answer").mkdir()
            self._write_initrd(boot / "root", boot / "initrd", argv, seconds)
            with open(boot / "console", "wb") as console:
                qemu = subprocess.Popen(
                    self._qemu(boot, self.devices if devices is None else devices),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    start_new_session=True,
                    env=PLAIN_ENVIRONMENT,
                )
            try:
                qemu.wait(_BOOT + seconds)
            except subprocess.TimeoutExpired:
                raise MachineError(f"no answer within {_BOOT + seconds:.0f} s:\n{_last_words(boot)}") from None
            finally:
                qemu.kill()
                qemu.wait()
            answer = {path.name: path.read_bytes() for path in (boot / "answer").iterdir()}
            if not answer.get("status"):
                raise MachineError(f"it did not get to the end of its command:\n{_last_words(boot)}")
            if int(answer["status"]) in _TIMED_OUT:
                raise MachineError(f"its command did not end within {seconds:.0f} s:\n{_last_words(boot)}")
        return Ran(int(answer["status"]), answer["stdout"], answer["stderr"], time.monotonic() - start)

    def _qemu(self, boot: Path, devices: list[str]) -> list[str]:
        """QEMU and its options; it dies with this process, whatever becomes of that."""
        drive = ["-drive", f"if=virtio,format=raw,file={self._disk}"] if self._disk else []
        return [
            "setpriv", "--pdeathsig", "KILL", "--", *self._enter,
            "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-nodefaults", "-display", "none",
            "-m", str(self.memory), "-smp", str(self.processors), "-serial", "stdio", "-no-reboot",
            "-kernel", str(next((KERNEL / "boot").glob("vmlinuz-*"))), "-initrd", str(boot / "initrd"),
            "-append", "console=ttyS0 quiet loglevel=3 panic=-1",
            "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
            "-virtfs", f"local,path={boot / 'answer'},mount_tag=answer,security_model=none",
            *drive, *devices,
        ]  # fmt: skip

    def _write_initrd(self, root: Path, initrd: Path, argv: tuple[str, ...], seconds: float) -> None:
        """A root with busybox, the modules and the command, packed as the kernel wants it."""
        for directory in ("bin", "dev", "proc", "sys", "host", "up", "modules"):
            (root / directory).mkdir(parents=True)
        shutil.copy(_where("busybox"), root / "bin" / "busybox")
        shutil.copy(Path(__file__).with_name("vm_init.sh"), root / "init")
        (root / "init").chmod(0o755)
        lines = []
        for number, (path, parameters) in enumerate(self._load_order()):
            copy = root / "modules" / f"{number:02}-{path.name}"
            shutil.copy(path, copy)
            lines.append(f"insmod /modules/{copy.name} {parameters}\n")
        (root / "modules" / "load").write_text("".join(lines))
        kept = KEPT if self._disk else ""
        environment = " ".join(f"{name}={shlex.quote(value)}" for name, value in PLAIN_ENVIRONMENT.items())
        command = f"exec timeout --kill-after=5 {seconds:.0f} env -i {environment} {shlex.join(argv)}\n"
        (root / "command").write_text(command)
        (root / "kept").write_text(kept)
        with open(initrd, "wb") as packed:
            files = "\0".join(str(path.relative_to(root)) for path in root.rglob("*"))
            _must("cpio", "--create", "--null", "--format=newc", "--quiet", cwd=root, stdin=files, stdout=packed)

    def _load_order(self) -> list[tuple[Path, str]]:
        """(file, parameters) of every module, after those it depends on."""
        version = next((KERNEL / "lib" / "modules").iterdir()).name
        order: dict[Path, str] = {}
        for module in (*_ALWAYS, *(_DISK if self._disk else ()), *self.modules):
            name, _, parameters = module.partition(" ")
            # this machine's own settings (systemd's say max_bonds=0) are none of the guest's
            where = ("--config", "/dev/null", "--dirname", str(KERNEL), "--set-version", version)
            shown = _must("modprobe", *where, "--show-depends", name)
            for line in shown.splitlines():
                word, _, path = line.strip().partition(" ")
                file = Path(path.strip())
                if word == "insmod":
                    order.setdefault(file, parameters if file.stem.replace("-", "_") == name.replace("-", "_") else "")
        return list(order.items())

    def close(self) -> None:
        """Forget what was kept."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> VirtualMachine:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()


def _last_words(boot: Path) -> str:
    """The end of what the guest's kernel and command said, for whoever has to find out what went wrong."""
    said = [boot / "console", boot / "answer" / "stdout", boot / "answer" / "stderr"]
    return "\n".join(path.read_text(errors="replace")[-1500:] for path in said if path.exists())


def _where(command: str) -> str:
    found = shutil.which(command, path=PLAIN_ENVIRONMENT["PATH"])
    if found is None:
        raise MachineError(f"{command} is not installed")
    return found


def _must(*argv: str, stdin: str = "", stdout: IO[bytes] | int = subprocess.PIPE, cwd: Path | None = None) -> str:
    """Run a command that has to succeed; its output."""
    done = subprocess.run(
        [_where(argv[0]), *argv[1:]], input=stdin.encode(), stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, check=False
    )
    if done.returncode:
        raise MachineError(f"{shlex.join(argv)}: {done.stderr.decode(errors='replace')[-300:]}")
    return (done.stdout or b"").decode()
