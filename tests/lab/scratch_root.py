"""A minimal Debian in a directory, made once; each use gets a layer of its own over it, and a network of its own."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from lab.namespaces import Namespace
from support import HOSTS, PLAIN_ENVIRONMENT, Ran, run

# dpkg as containers have it: without documentation, and not waiting for the disk
_DPKG = [
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "force-unsafe-io",
]


def make(target: Path, packages: list[str], release: str = "") -> Path:
    """A Debian (default: this machine's release) with apt, its lists, these packages, and a user nagios."""
    own = platform.freedesktop_os_release()["VERSION_CODENAME"]
    which = ["Created-By: Packages", f"Codename: {own}", "Component: main"]
    mirror = run(["/usr/bin/apt-get", "indextargets", "--format", "$(REPO_URI)", *which]).output.split()[0]
    release = release or own
    argv = ["mmdebstrap", "--mode=root", "--variant=apt", "--quiet", "--skip=cleanup/apt/lists"]
    argv += [f"--include={','.join(packages)}"] if packages else []
    argv += [f"--dpkgopt={option}" for option in _DPKG]
    argv += ['--aptopt=Acquire::Languages "none"', release, str(target), mirror]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mmdebstrap: {done.stderr[-1000:]}")
    (target / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink()  # what is tested is installed with all its files
    account = ["--system", "--user-group", "--create-home", "--home-dir", "/var/lib/nagios", "nagios"]
    subprocess.run(["useradd", "--root", str(target), *account], check=True)
    return target


class ScratchRoot:
    """A layer over such a directory. Everything in it ends with it; use as a context manager.

    It has a namespace of its own, or ends the one that it is given.
    """

    def __init__(self, base: Path, work: Path, namespace: Namespace | None = None) -> None:
        self.namespace = namespace or Namespace()
        self.path = work / "root"
        self.path.mkdir()
        must = self.namespace.must
        must("mount", "-t", "tmpfs", "tmpfs", str(work))
        for name in ("root", "upper", "work"):
            must("mkdir", str(work / name))
        layers = f"lowerdir={base},upperdir={work}/upper,workdir={work}/work"
        must("mount", "-t", "overlay", "overlay", "-o", layers, str(self.path))
        must("mount", "-t", "proc", "proc", f"{self.path}/proc")
        must("mount", "--bind", "/sys", f"{self.path}/sys")
        must("mkdir", "-p", f"{self.path}{HOSTS}")
        must("mount", "--bind", "-o", "ro", str(HOSTS), f"{self.path}{HOSTS}")

    def run(self, *argv: str, user: str = "root") -> Ran:
        """Run a command in it."""
        return self.namespace.run("chroot", f"--userspec={user}", str(self.path), *argv)

    def must(self, *argv: str) -> str:
        """Run a command in it, as root, that has to succeed; its output."""
        return self.namespace.must("chroot", str(self.path), *argv)

    def put(self, file: Path, place: str) -> None:
        """A copy of one of this machine's files."""
        self.namespace.must("cp", str(file), f"{self.path}{place}")

    def apt(self, *argv: str) -> str:
        """apt, which has to succeed, with this machine's network instead of the namespace's; what it says."""
        environment = {**PLAIN_ENVIRONMENT, "DEBIAN_FRONTEND": "noninteractive"}
        enter = ["nsenter", "--mount", "--target", str(self.namespace.pid), "--", "chroot", str(self.path)]
        ran = run([*enter, "apt", "--yes", *argv], environment=environment, timeout=120)
        if ran.code:
            raise RuntimeError(
                f"apt {' '.join(argv)}: {ran.output[-1000:]}{ran.stderr.decode(errors='replace')[-1000:]}"
            )
        return ran.output

    def install(self, package: Path) -> None:
        """dpkg --install, which also sees to it that all dependencies are there."""
        self.put(package, "/tmp/new.deb")
        self.must("dpkg", "--install", "/tmp/new.deb")

    def find(self, *expression: str) -> list[str]:
        """find(1) in it, sorted."""
        return sorted(self.must("find", *expression).split())

    def __enter__(self) -> ScratchRoot:
        return self

    def __exit__(self, *_: object) -> None:
        self.namespace.close()
