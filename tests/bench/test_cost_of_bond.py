"""What check_bond costs against a naive check: ratios, measured in pairs in one run (-s shows the table).

In a root of its own whose /proc and /sys are written files: few kernels at hand have bonds, and --root takes a helper
process that a run over the host does without.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.measuring import NAIVE, Found, Goal, measure, on_a_regular_installation, ratio
from bond.hosts import Bond, Host, Link
from support import command

CHECK = command("check_bond")


pytestmark = [
    pytest.mark.needs("unshare", "mount", "chroot"),
    on_a_regular_installation,
]

# Everything is where it is, but for /proc and /sys.
IN_A_ROOT_OF_ITS_OWN = """
root=$1 tree=$2 mounts=$(cat /proc/self/mountinfo)
shift 2
mount -t tmpfs tmpfs "$root"
for place in /*; do
    case $place in /proc | /sys) continue ;; esac
    if [ -L "$place" ]; then
        cp -a "$place" "$root$place"
    elif [ -d "$place" ]; then
        mkdir "$root$place"
        mount --rbind "$place" "$root$place"
    fi
done
cp -r "$tree/proc" "$tree/sys" "$root/"
mkdir "$root/proc/self"
echo "$mounts" > "$root/proc/self/mountinfo"
cat /proc/loadavg > "$root/proc/loadavg" # what the naive check reads
exec chroot "$root" "$@"
"""


def bond(number: int, links: int) -> Bond:
    legs = tuple(Link(f"p{number}s{leg}", f"02:00:00:00:{number:02x}:{leg:02x}") for leg in range(links))
    return Bond(legs, name=f"bond{number}", ifindex=1000 + number, mode="802.3ad")


def costs(bonds: list[Bond], directory: Path, *goals: Goal) -> Found:
    host = Host(directory)
    host.has(*bonds)
    state = directory / "bench"
    state.mkdir(mode=0o700)
    rows = [
        NAIVE,
        ("no history", [*CHECK, "--no-history"]),
        ("with history", [*CHECK, "--state-dir", str(state)]),
    ]
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", IN_A_ROOT_OF_ITS_OWN, "sh"]
    (directory / "new").mkdir()
    print(f"\n{len(bonds)} bonds x {len(bonds[0].links)} links")
    found = measure(rows, goals=goals, enter=[*enter, str(directory / "new"), str(host.root)])
    assert [cost.code for cost in found.values()] == [0, 0, 0]
    return found


def test_one_bond(tmp_path: Path) -> None:
    found = costs([bond(0, 2)], tmp_path, ratio("no history", 0.90), ratio("with history", 1.10))
    assert max(cost.rss_mb for cost in found.values()) <= 30


def test_sixty_four_bonds(tmp_path: Path) -> None:
    many = [bond(number, 4) for number in range(64)]
    costs(many, tmp_path, ratio("no history", 3), ratio("with history", 3))
