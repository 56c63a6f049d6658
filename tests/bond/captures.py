"""Captures of bonds (one file per directory of /proc and /sys, "path=content" a line) as trees that --root reads."""

from __future__ import annotations

from pathlib import Path

from support import PROJECT

CORPUS = PROJECT.parent / "shared" / "corpus" / "bond"


def plant(capture: Path, root: Path, boot: str = "11111111") -> str:
    """Write a capture as a tree; returns the bond's name."""
    (proc,) = capture.glob("proc_net_bonding_*")
    bond = proc.name.removeprefix("proc_net_bonding_")
    put(root, f"proc/net/bonding/{bond}", proc.read_text())
    put(root, "proc/sys/kernel/random/boot_id", f"{boot}-1111-4111-8111-111111111111\n")
    put(root, "proc/net/if_inet6", link_local(capture / "ip_addr.txt"))
    for line in (capture / f"sys_net_{bond}").read_text().splitlines():
        path, _, content = line.partition("=")
        put(root, f"sys/class/net/{path}", f"{content}\n")
    for line in (capture / f"sys_bonding_{bond}").read_text().splitlines():
        path, _, content = line.partition("=")
        lines = content.replace("|", "\n") if content else ""
        put(root, f"sys/class/net/{bond}/bonding/{path}", lines)
    for name in (capture / f"ls_sys_{bond}").read_text().split():
        if name.startswith(("lower_", "upper_")):
            put(root, f"sys/class/net/{bond}/{name}", "")
    return bond


def link_local(addresses: Path) -> str:
    """/proc/net/if_inet6 for what `ip addr` printed, link-local addresses only."""
    lines, name = [], ""
    for line in addresses.read_text().splitlines():
        words = line.split()
        if line and not line[0].isspace():
            name = words[1].rstrip(":").partition("@")[0]
        elif words[0] == "inet6" and words[1].startswith("fe80::"):
            groups = words[1].partition("/")[0].removeprefix("fe80::").split(":")
            digits = "".join(group.zfill(4) for group in groups).rjust(16, "0")
            lines.append(f"fe80000000000000{digits} 05 40 20 80 {name:>8}\n")
    return "".join(lines)


def put(root: Path, path: str, content: str) -> None:
    """Write a file and the directories above it."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)


def captures() -> list[Path]:
    """Every capture; none where they are not beside the checkout."""
    return sorted(path for path in CORPUS.iterdir() if path.is_dir()) if CORPUS.exists() else []
