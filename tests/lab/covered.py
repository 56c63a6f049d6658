"""This host's own files, others of which lie over them: for one run of a check as nobody, who may not read them all.

A mount namespace that ends with the run, so nothing is left behind. A real read error: the memory of a process, of
which nothing is mapped at address 0, gives EIO.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.black_box import AS_NOBODY
from support import Ran, command, run

DENIED, DIRECTORY, BROKEN = "denied", "directory", "broken"
_NET = "/proc/net/"  # a link to the directory of the process that looks: of the shell here, then of the check
_MAKE = {
    DENIED: 'mkdir -p "$(dirname "{0}")"; touch "{0}"; chmod 0600 "{0}"',
    DIRECTORY: 'mkdir -p "{0}"',
    BROKEN: 'mkdir -p "$(dirname "{0}")"; ln -s /proc/self/mem "{0}"',
}


def as_nobody(
    name: str,
    *arguments: str,
    over: Sequence[str] = (),
    files: dict[str, str] | None = None,
    odd: dict[str, str] | None = None,
    hidden: Sequence[str] = (),
) -> Ran:
    """Run a command as nobody, on this host with directories of which only these ``files`` are seen.

    ``over``: directories that are empty at first; ``files``: path -> content; ``odd``: path -> DENIED and the like;
    ``hidden``: files of the kernel's that may not be read; /proc/net has no others then, as none can be covered alone.
    """
    lines = [f"mount -t tmpfs -o mode=0755 none {place}" for place in over]
    for path, content in (files or {}).items():
        lines.append(f"mkdir -p \"$(dirname {path})\"; printf '%s' '{content}' >{path}")
    lines += [_MAKE[kind].format(path) for path, kind in (odd or {}).items()]
    if hidden:
        lines.append("mount -t tmpfs -o mode=0755 none /mnt; mkdir /mnt/net; touch /mnt/hidden; chmod 0600 /mnt/hidden")
    below = [path for path in hidden if path.startswith(_NET)]
    lines += [f"cp -p /mnt/hidden /mnt/net/{path.removeprefix(_NET)}" for path in below]
    lines += ["mount --bind /mnt/net /proc/$$/net"] if below else []
    lines += [f"mount --bind /mnt/hidden {path}" for path in hidden if path not in below]
    script = "\n".join(["set -e", *lines, 'exec "$@"'])
    unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
    return run([*unshare, *AS_NOBODY, *command(name), *arguments])
