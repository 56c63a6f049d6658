"""What check_bond costs against a naive check: ratios, measured in pairs in one run (-s shows the table).

In a root of its own whose /proc and /sys are written files: few kernels at hand have bonds, and --root takes a helper
process that a run over the host does without.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from bench.installation import MEASURED_HERE, NAIVE
from bench.pairs import Cost, table
from bond.hosts import Bond, Host, Link
from support import PLAIN_ENVIRONMENT, command, run

HERE = Path(__file__).resolve().parent
CHECK = command("check_bond")


pytestmark = [
    pytest.mark.needs("unshare", "mount", "chroot"),
    MEASURED_HERE,
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


def costs(bonds: list[Bond], directory: Path, rounds: int = 25) -> dict[str, Cost]:
    host = Host(directory)
    host.has(*bonds)
    state = directory / "bench"
    state.mkdir(mode=0o700)
    rows = [
        ("naive check", NAIVE),
        ("no history", [*CHECK, "--no-history"]),
        ("with history", [*CHECK, "--state-dir", str(state)]),
    ]
    order = json.dumps({"rounds": rounds, "rows": rows, "environment": PLAIN_ENVIRONMENT})
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", IN_A_ROOT_OF_ITS_OWN, "sh"]
    (directory / "new").mkdir()
    ran = run(
        [*enter, str(directory / "new"), str(host.root), sys.executable, str(HERE / "pairs.py"), order], timeout=300
    )
    assert ran.stderr == b""
    found = [Cost(*row) for row in json.loads(ran.output)]
    print(f"\n{len(bonds)} bonds x {len(bonds[0].links)} links\n{table(found)}")
    assert [cost.code for cost in found] == [0, 0, 0]
    return {cost.label: cost for cost in found}


def test_one_bond(tmp_path: Path) -> None:
    found = costs([bond(0, 2)], tmp_path)
    assert found["no history"].ratio <= 0.90
    assert found["with history"].ratio <= 1.10
    assert max(cost.rss_mb for cost in found.values()) <= 30


def test_sixty_four_bonds(tmp_path: Path) -> None:
    found = costs([bond(number, 4) for number in range(64)], tmp_path)
    assert found["no history"].ratio <= 3
    assert found["with history"].ratio <= 3
