"""A minimal Debian in a directory, made once; each use gets a layer of its own over it, and a network of its own."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from lab.namespaces import Namespace
from support import HOSTS, Ran, run

# dpkg as containers have it: without documentation, and not waiting for the disk
_DPKG = [
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "force-unsafe-io",
]


def make(target: Path, packages: list[str]) -> Path:
    """This machine's release of Debian with apt and these packages, from the mirror it uses; and a user nagios."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    which = ["Created-By: Packages", f"Codename: {release}", "Component: main"]
    mirror = run(["/usr/bin/apt-get", "indextargets", "--format", "$(REPO_URI)", *which]).output.split()[0]
    argv = ["mmdebstrap", "--mode=root", "--variant=essential", "--quiet", f"--include={','.join(packages)}"]
    argv += [f"--dpkgopt={option}" for option in _DPKG]
    argv += ['--aptopt=Acquire::Languages "none"', release, str(target), mirror]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mmdebstrap: {done.stderr[-1000:]}")
    (target / "etc/dpkg/dpkg.cfg.d/99mmdebstrap").unlink()  # what is tested is installed with all its files
    subprocess.run(
        ["useradd", "--root", str(target), "--system", "--create-home", "--home-dir", "/var/lib/nagios", "nagios"],
        check=True,
    )
    return target


class ScratchRoot:
    """A layer over such a directory. Everything in it ends with it; use as a context manager."""

    def __init__(self, base: Path, work: Path) -> None:
        self.namespace = Namespace()
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

    def install(self, package: Path) -> None:
        """dpkg --install, which also sees to it that all dependencies are there."""
        self.namespace.must("cp", str(package), f"{self.path}/tmp/new.deb")
        self.must("dpkg", "--install", "/tmp/new.deb")

    def find(self, *expression: str) -> list[str]:
        """find(1) in it, sorted."""
        return sorted(self.must("find", *expression).split())

    def __enter__(self) -> ScratchRoot:
        return self

    def __exit__(self, *_: object) -> None:
        self.namespace.close()
