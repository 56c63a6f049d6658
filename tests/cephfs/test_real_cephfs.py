"""The real thing: one Ceph, its CephFS mounted by ceph-fuse, and each fault that check_cephfs is there to name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.ceph import Ceph
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, Ran, command

from perfdata.nagios import label_part

pytestmark = pytest.mark.needs("ceph", "ceph-mds", "ceph-osd", "ceph-fuse", "setfattr", "unshare", "nsenter", "setpriv")

TIB = 1 << 40
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
LOOK_AT_MDS = "next: look at the MDS and the network: ceph fs status; it goes on by itself when they are back"
SPACE = r"MOUNT_space_used_percent=[\d.]+%;80;90;0;100 MOUNT_space_left_bytes=\d+B;;;0;\d+"

# Makes and removes directories until it is killed; each lives for about two seconds.
CHURN = """
import os, sys, time
place = os.fsencode(sys.argv[1])
number = 0
while True:
    os.mkdir(place + b"/%d" % number)
    if number >= 100:
        os.rmdir(place + b"/%d" % (number - 100))
    number += 1
    time.sleep(0.02)
"""
MAKE_DIRECTORIES = """
import os, sys
place = os.fsencode(sys.argv[1])
for number in range(int(sys.argv[2])):
    os.mkdir(place + b"/d%04d" % number)
"""
# One more entry, a directory or an empty file by turns, a given number of times a second.
CREATE = """
import os, sys, time
place, pace = os.fsencode(sys.argv[1]), float(sys.argv[2])
start, number = time.monotonic(), 0
while True:
    if number % 2:
        os.mkdir(place + b"/%d" % number)
    else:
        os.close(os.open(place + b"/%d" % number, os.O_CREAT | os.O_WRONLY))
    number += 1
    time.sleep(max(0.0, start + number / pace - time.monotonic()))
"""


@pytest.fixture(scope="module")
def ceph() -> Iterator[Ceph]:
    with Ceph() as made:
        made.namespace.must("mount", "--bind", str(made.directory), "/etc/ceph")  # in the namespace only
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def tree(ceph: Ceph) -> Iterator[str]:
    """A directory for one test, relative to the mount."""
    ceph.namespace.must("mkdir", ceph.path("t"))
    yield "t"
    ceph.namespace.must("rm", "-r", ceph.path("t"))
    ceph.settle()


@pytest.fixture
def other_mount(ceph: Ceph) -> Iterator[Path]:
    """A second mount of the same, to be killed."""
    yield ceph.mount_as("client.admin", "other")
    ceph.unmount("other")
    ceph.evict_killed()


def plain(ceph: Ceph, text: str) -> str:
    """The mount point as MOUNT, in paths and in labels."""
    return text.replace(str(ceph.mount), "MOUNT").replace(label_part(str(ceph.mount)).strip("_"), "MOUNT")


def line(ceph: Ceph, ran: Ran) -> str:
    assert ran.stderr == b""
    return plain(ceph, ran.line)


def text(ceph: Ceph, ran: Ran) -> str:
    return line(ceph, ran).split(" | ")[0]


def value(ceph: Ceph, ran: Ran, label: str) -> str:
    """One token of the performance data, by its label with MOUNT in it."""
    return {plain(ceph, name): token for name, token in ran.perfdata.items()}[label]


def number(token: str) -> float:
    return float(re.sub("[^0-9.-]*(;.*)?$", "", token))


def stuck(ran: Ran) -> int:
    """The process that a run says is blocked."""
    match = re.search(r"still blocked for \d+ s in an earlier run's helper, process (\d+)$", ran.text)
    assert match, ran.text
    return int(match[1])


def state_letter(pid: int) -> str:
    """Of a process; "" when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def helpers_of(state: Path) -> int:
    """How many processes hold a lock in this state directory."""
    held = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held += any(os.readlink(handle).startswith(str(state)) for handle in (process / "fd").iterdir())
        except OSError:
            continue
    return held


def test_sizes_with_every_number(ceph: Ceph, tree: str) -> None:
    ceph.write(f"{tree}/small", 1000, 3)
    ceph.write(f"{tree}/large", 10 * TIB, 2, sparse=True)
    ceph.settle()
    ran = ceph.check("-v", "--path", ceph.path(tree), "--path", ceph.path(f"{tree}/small/"))
    assert ran.code == 0
    assert re.fullmatch(
        r"CEPHFS OK - 2 directories, largest MOUNT/t 20 TiB \| MOUNT_t_rbytes=21990232558520B;;;0"
        r" MOUNT_t_small_rbytes=3000B;;;0 "
        + SPACE
        + r" MOUNT_t_rctime_age_seconds=\d+s;;;0 MOUNT_t_small_rctime_age_seconds=\d+s;;;0"
        r" MOUNT_t_rentries=8;;;0 MOUNT_t_small_rentries=4;;;0 MOUNT_t_rfiles=5;;;0 MOUNT_t_small_rfiles=3;;;0"
        r" MOUNT_t_rsubdirs=3;;;0 MOUNT_t_small_rsubdirs=1;;;0",
        line(ceph, ran),
    )
    assert [plain(ceph, words) for words in ran.rest] == [
        "OK: MOUNT/t 20 TiB",
        "OK: MOUNT/t/small 2.9 KiB",
        "directory MOUNT/t: 20 TiB in 5 files, 3 directories",
        "directory MOUNT/t/small: 2.9 KiB in 3 files, 1 directories",
    ]


def test_without_a_path_every_mount_is_looked_at(ceph: Ceph, tree: str, other_mount: Path) -> None:
    ceph.write(tree, 1 << 30, 1, sparse=True)
    ceph.settle()
    ran = ceph.check()
    listed = ceph.run(*command("undergoal"), "list", "-v")
    assert (ran.code, text(ceph, ran)) == (0, "CEPHFS OK - 2 directories, largest MOUNT 1.0 GiB")
    assert value(ceph, ran, "MOUNT_rbytes") == f"{1 << 30}B;;;0"
    assert f"here: {ceph.mount}, {other_mount}\n" in listed.output


@pytest.mark.parametrize(
    ("percent", "code", "words"),
    [(79, 0, "OK"), (80, 0, "OK"), (81, 1, "WARNING"), (95, 1, "WARNING"), (96, 2, "CRITICAL")],
)
def test_a_quota_of_bytes(ceph: Ceph, tree: str, percent: int, code: int, words: str) -> None:
    ceph.write(tree, percent * 10_000_000, 1, sparse=True)
    ceph.setquota(tree, size=1_000_000_000)
    ceph.settle()
    ran = ceph.check("--path", ceph.path(tree))
    size = round(percent * 1e7 / (1 << 20))
    assert (ran.code, text(ceph, ran)) == (code, f"CEPHFS {words} - MOUNT/t {size} MiB, {percent}% of its quota")
    assert value(ceph, ran, "MOUNT_t_quota_used_percent") == f"{percent}%;80;95;0"
    assert value(ceph, ran, "MOUNT_t_rbytes") == f"{percent}0000000B;;;0;1000000000"


def test_a_quota_that_is_reached_and_ranges_with_units(ceph: Ceph, tree: str) -> None:
    ceph.setquota(tree, size=1 << 20)
    ceph.write(tree, 1 << 20, 1)
    with pytest.raises(RuntimeError, match="Disk quota exceeded"):
        ceph.write(tree, 4096, 1)
    ceph.settle()
    full = ceph.check("--path", ceph.path(tree))
    assert full.code == 2
    assert text(ceph, full).startswith("CEPHFS CRITICAL - MOUNT/t 1.0 MiB, 100% of its quota")
    quiet = ("--quota-used-warning", "~:", "--quota-used-critical", "~:", "--path", ceph.path(tree))
    codes = [
        ceph.check("-w", warning, "-c", critical, *quiet).code
        for warning, critical in (
            ("1MiB", "2MiB"),
            ("1023KiB", "2MiB"),
            ("1MB", "1MiB"),
            ("1023KiB", "1048575"),
            ("2MiB:", "1MiB:"),
            ("@1MiB:2MiB", "1GiB"),
            ("~:", "1.5MiB:"),
        )
    ]
    assert codes == [0, 1, 1, 2, 1, 1, 2]


@pytest.mark.parametrize("kind", ["files", "directories"])
def test_a_quota_of_files_counts_what_ceph_counts(ceph: Ceph, tree: str, kind: str) -> None:
    """Directories too, and the one with the quota itself: writers get EDQUOT when the check says 100 %."""
    ceph.setquota(tree, files=20)
    made = 0
    while made < 30:
        path = ceph.path(f"{tree}/{made}")
        if ceph.run("touch" if kind == "files" or made % 2 else "mkdir", path).code:
            break
        made += 1
        if made in (15, 18):
            ceph.settle()
            ran = ceph.check("--path", ceph.path(tree))
            used = (made + 1) * 5
            code, word = (0, "OK") if used == 80 else (1, "WARNING")
            words = "" if used == 80 else f", {used}% of its quota of files"
            assert (ran.code, text(ceph, ran)) == (code, f"CEPHFS {word} - MOUNT/t 0 B{words}")
    full = ceph.check("--path", ceph.path(tree))
    assert (full.code, text(ceph, full)) == (2, "CEPHFS CRITICAL - MOUNT/t 0 B, 100% of its quota of files")
    assert value(ceph, full, "MOUNT_t_quota_files_used_percent") == "100%;80;95;0"
    assert made == 19


def test_growth_and_time_until_a_quota_is_full(ceph: Ceph, tree: str, state: Path) -> None:
    rate, quota = 1e6, 100_000_000
    ceph.setquota(tree, size=quota)
    options = ("--settle", "5s", "--path", ceph.path(tree))
    with ceph.growing(f"{tree}/file", rate):
        end = time.monotonic() + 9
        while time.monotonic() < end:
            ran = ceph.check(*options, state=state)
            time.sleep(0.5)
        judged = ceph.check(*options, "--until-full-warning", "10min:", "--until-full-critical", "1min:", state=state)
    assert ran.code == 0
    assert re.fullmatch(r"CEPHFS OK - MOUNT/t [\d.]+ MiB, [\d.]+% of its quota, full in \d+ s", text(ceph, ran))
    assert number(value(ceph, ran, "MOUNT_t_growth_bytes_per_hour")) == pytest.approx(rate * 3600, rel=0.1)
    truth = (quota - number(value(ceph, ran, "MOUNT_t_rbytes"))) / rate
    lower, middle, upper = (
        number(value(ceph, ran, f"MOUNT_t_until_full{bound}_seconds")) for bound in ("_lower", "", "_upper")
    )
    assert middle == pytest.approx(truth, rel=0.1)
    assert lower < truth < upper
    assert judged.code == 1
    assert value(ceph, judged, "MOUNT_t_until_full_lower_seconds").partition(";")[2] == "600:;60:;0"


def test_time_until_a_quota_of_files_is_full(ceph: Ceph, tree: str, state: Path) -> None:
    pace, quota = 20.0, 2000
    ceph.setquota(tree, files=quota)
    options = ("--settle", "5s", "--path", ceph.path(tree))
    argv = [*ceph.namespace.enter, sys.executable, "-c", CREATE, ceph.path(tree), str(pace)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as creator:
        try:
            end = time.monotonic() + 9
            while time.monotonic() < end:
                ran = ceph.check(*options, state=state)
                time.sleep(0.5)
        finally:
            creator.kill()
    assert re.fullmatch(r"CEPHFS OK - MOUNT/t 0 B, full in \d+ s", text(ceph, ran))
    truth = (quota - number(value(ceph, ran, "MOUNT_t_rentries"))) / pace
    assert number(value(ceph, ran, "MOUNT_t_until_full_seconds")) == pytest.approx(truth, rel=0.1)


def test_half_a_tree_is_deleted(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.write(f"{tree}/kept", TIB, 12, sparse=True)
    ceph.write(f"{tree}/lost", TIB, 12, sparse=True)
    ceph.settle()
    path = ("--path", ceph.path(tree))
    before = ceph.check(*path, state=state)
    ceph.namespace.must("rm", "-r", ceph.path(f"{tree}/lost"))
    ceph.settle()
    first, second = ceph.check(*path, state=state), ceph.check(*path, "-v", state=state)
    time.sleep(1.5)
    held = ceph.check(*path, "--hold", "1h", state=state)
    over = ceph.check(*path, "--hold", "1s", state=state)
    after = ceph.check(*path, state=state)
    assert before.code == 0
    for ran in (first, second, held):
        assert (ran.code, text(ceph, ran)) == (
            2,
            "CEPHFS CRITICAL - MOUNT/t 12 TiB, lost 12 TiB of 24 TiB and 12 files of 24",
        )
        assert ran.rest[0] == ("next: look for a snapshot (.snap) and for who deleted it; --accept once it is meant so")
    for ran in (over, after):
        assert (ran.code, text(ceph, ran)) == (0, "CEPHFS OK - MOUNT/t 12 TiB")


def test_a_loss_is_accepted(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.write(f"{tree}/lost", TIB, 12, sparse=True)
    ceph.settle()
    path = ("--path", ceph.path(tree))
    ceph.check(*path, state=state)
    ceph.namespace.must("rm", "-r", ceph.path(f"{tree}/lost"))
    ceph.settle()
    runs = [ceph.check(*path, *accept, state=state) for accept in ((), ("--accept",), ())]
    assert [(ran.code, text(ceph, ran)) for ran in runs] == [
        (2, "CEPHFS CRITICAL - MOUNT/t 0 B, lost 12 TiB of 12 TiB and 12 files of 12"),
        (0, "CEPHFS OK - MOUNT/t 0 B"),
        (0, "CEPHFS OK - MOUNT/t 0 B"),
    ]
    assert runs[1].rest == [f"accepted: what is seen now is the new baseline in {next(iter(state.glob('*.sqlite')))}"]


def test_what_has_not_been_written_for_too_long(ceph: Ceph, tree: str) -> None:
    ceph.write(f"{tree}/written", 1000, 1)
    ceph.namespace.must("mkdir", ceph.path(f"{tree}/never"))
    ceph.settle()
    written, never = (("--path", ceph.path(f"{tree}/{name}")) for name in ("written", "never"))
    time.sleep(2.2)
    stale, fresh = ceph.check(*written, "--max-age", "2s"), ceph.check(*written, "--max-age", "26h")
    empty, not_asked = ceph.check(*never, "--max-age", "26h"), ceph.check(*never)
    by_range = ceph.check(*written, "--rctime-age-critical", "1s")
    assert stale.code == 2
    assert re.fullmatch(
        r"CEPHFS CRITICAL - MOUNT/t/written 1000 B, not written for [2-9] s \(limit 2 s\)", text(ceph, stale)
    )
    assert plain(ceph, stale.rest[0]) == "next: look whether the job that writes MOUNT/t/written has run"
    assert (fresh.code, text(ceph, fresh)) == (0, "CEPHFS OK - MOUNT/t/written 1000 B")
    assert (empty.code, text(ceph, empty)) == (2, "CEPHFS CRITICAL - MOUNT/t/never 0 B, never written")
    assert (not_asked.code, text(ceph, not_asked)) == (0, "CEPHFS OK - MOUNT/t/never 0 B")
    assert by_range.code == 2
    assert re.fullmatch(r"CEPHFS CRITICAL - MOUNT/t/written 1000 B, last written [2-9] s ago", text(ceph, by_range))


def test_two_thousand_directories(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.namespace.must(sys.executable, "-c", MAKE_DIRECTORIES, ceph.path(tree), "2000")
    ceph.write(f"{tree}/d0777", TIB, 1, sparse=True)
    ceph.write(f"{tree}/d0888", 97 << 20, 1, sparse=True)
    ceph.setquota(f"{tree}/d0888", size=100 << 20)
    ceph.settle()
    ran = ceph.check("-t50", "-v", "--depth", "1", "--path", ceph.path(tree), state=state)
    assert ran.code == 2
    match = re.fullmatch(r"CEPHFS CRITICAL - MOUNT/t/d0888 97 MiB, 97% of its quota; (\d+) ok \| .*", line(ceph, ran))
    assert match
    told = int(match[1])
    assert 10 <= told < 60
    assert len(ran.line) <= 3800
    assert value(ceph, ran, "MOUNT_t_d0777_rbytes") == f"{TIB}B;;;0"
    assert f"2000 directories below {ceph.path(tree)} were read, the {told} extremes told" in ran.rest
    assert len(ran.stdout) <= 8000
    assert ran.seconds < 51


def test_snapshots_are_no_children_and_can_be_named(ceph: Ceph, tree: str) -> None:
    ceph.write(f"{tree}/inside", 1000, 3)
    ceph.settle()
    ceph.snapshot(tree, "before")
    ceph.namespace.must("rm", "-r", ceph.path(f"{tree}/inside"))
    ceph.settle()
    try:
        now = ceph.check("--depth", "1", "--path", ceph.path(tree))
        then = ceph.check("--path", ceph.path(f"{tree}/.snap/before"))
        both = ceph.check("--depth", "1", "--path", ceph.path(f"{tree}/.snap"))
    finally:
        ceph.namespace.must("rmdir", ceph.path(f"{tree}/.snap/before"))
    assert (now.code, text(ceph, now)) == (0, "CEPHFS OK - MOUNT/t 0 B")
    # 16.2 adds up what is in a snapshot lazily, so its numbers are no claim of ours
    assert then.code == both.code == 0
    assert re.fullmatch(r"CEPHFS OK - MOUNT/t/\.snap/before [\d.]+ (KiB|B)", text(ceph, then))
    assert re.fullmatch(r"CEPHFS OK - 2 directories, largest MOUNT/t/\.snap(/before)? [\d.]+ (KiB|B)", text(ceph, both))


def test_directories_that_vanish_while_they_are_read(ceph: Ceph, tree: str) -> None:
    argv = [*ceph.namespace.enter, sys.executable, "-c", CHURN, ceph.path(tree)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as churning:
        try:
            time.sleep(2)
            runs = [ceph.check("-t30", "--depth", "1", "--path", ceph.path(tree)) for _ in range(4)]
            matched = [ceph.check("-t60", "--path", ceph.path(f"{tree}/*")) for _ in range(6)]
        finally:
            churning.kill()
    for ran in runs:
        assert ran.code == 0
        assert re.fullmatch(r"CEPHFS OK - (\d+ directories, largest )?MOUNT/t(/\d+)? 0 B", text(ceph, ran))
    for ran in matched:
        assert ran.code == 0
        assert re.fullmatch(r"CEPHFS OK - (\d+ directories, largest )?MOUNT/t/\d+ 0 B", text(ceph, ran))


def test_a_named_directory_that_is_removed_is_gone_until_accepted(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.namespace.must("mkdir", ceph.path(f"{tree}/short"))
    path = ("--path", ceph.path(f"{tree}/short"))
    there = ceph.check(*path, state=state)
    ceph.namespace.must("rmdir", ceph.path(f"{tree}/short"))
    gone, still, accepted, after = (ceph.check(*path, *accept, state=state) for accept in ((), (), ("--accept",), ()))
    unknown = ceph.check(*path)
    assert (there.code, text(ceph, there)) == (0, "CEPHFS OK - MOUNT/t/short 0 B")
    for ran in (gone, still):
        assert ran.code == 2
        assert re.fullmatch(r"CEPHFS CRITICAL - MOUNT/t/short gone, last seen \d+ s ago", text(ceph, ran))
        assert ran.rest == ["next: bring it back, or run the check once with --accept"]
    for ran in (accepted, after, unknown):
        assert (ran.code, text(ceph, ran)) == (3, "CEPHFS UNKNOWN - MOUNT/t/short no such directory")
    assert [plain(ceph, words) for words in unknown.rest] == ["next: correct --path MOUNT/t/short"]


HOSTILE = [b"new\nline", b"quo'te\"s", b"pi|pe", b"\xff\xfe", b"t\x1b[31mab\t", "zürich".encode(), b"-rf", b"*", b" "]


def test_names_of_any_bytes(ceph: Ceph, tree: str, state: Path) -> None:
    for size, name in enumerate(HOSTILE, 1):
        ceph.write(f"{tree}/{os.fsdecode(name)}", size << 20, 1, sparse=True)
    ceph.settle()
    children = ceph.check("--depth", "1", "-v", "--path", ceph.path(tree), state=state)
    matched = ceph.check("--path", ceph.path(f"{tree}/?*"))
    assert (children.code, text(ceph, children)) == (0, "CEPHFS OK - 10 directories, largest MOUNT/t 45 MiB")
    assert (matched.code, matched.text[:27]) == (0, "CEPHFS OK - 9 directories, ")
    for ran in (children, matched):
        assert ran.stdout.decode("ascii").count("|") == 1
        assert all(c >= " " or c == "\n" for c in ran.output)
    sizes = [token for name, token in children.perfdata.items() if name.endswith("_rbytes")]
    assert sorted(sizes) == sorted(f"{size << 20}B;;;0" for size in [*range(1, 10), 45])
    for size, name in enumerate(HOSTILE, 1):
        if name != b"*":
            ran = ceph.check("--path", ceph.path(f"{tree}/{os.fsdecode(name)}"))
            assert ran.code == 0
            assert f"_rbytes={size << 20}B;;;0 " in ran.line


def test_wildcards(ceph: Ceph, tree: str) -> None:
    for name in ("anna/backup", "bert/backup", "carl"):
        ceph.write(f"{tree}/{name}", 1 << 20, 1, sparse=True)
    ceph.settle()
    some = ceph.check("--path", ceph.path(f"{tree}/[ab]*"))
    below = ceph.check("--path", ceph.path(f"{tree}/*/backup"))
    none = ceph.check("--path", ceph.path(f"{tree}/x*"))
    nowhere = ceph.check("--path", ceph.path(f"{tree}/*/nothing"))
    assert (some.code, text(ceph, some)) == (0, "CEPHFS OK - 2 directories, largest MOUNT/t/anna 1.0 MiB")
    assert (below.code, text(ceph, below)) == (0, "CEPHFS OK - 2 directories, largest MOUNT/t/anna/backup 1.0 MiB")
    assert (none.code, text(ceph, none)) == (3, "CEPHFS UNKNOWN - MOUNT/t/x* matches no directory")
    assert (nowhere.code, text(ceph, nowhere)) == (3, "CEPHFS UNKNOWN - MOUNT/t/*/nothing matches no directory")


def test_a_user_without_rights(ceph: Ceph, tree: str) -> None:
    ceph.write(f"{tree}/closed/inside", 1000, 1)
    ceph.namespace.must("chmod", "700", ceph.path(f"{tree}/closed"))
    ceph.settle()
    check = [*AS_NOBODY, *command("check_cephfs"), "--no-history", "--path"]
    inside = ceph.run(*check, ceph.path(f"{tree}/closed/inside"))
    matched = ceph.run(*check, ceph.path(f"{tree}/closed/*"))
    rule = "next: to let it, add to sudoers and call it with sudo -n: nobody ALL=(root) NOPASSWD: "
    assert (inside.code, text(ceph, inside)) == (
        3,
        "CEPHFS UNKNOWN - MOUNT/t/closed/inside may not be read by nobody",
    )
    assert inside.rest == [f"{rule}{command('check_cephfs')[0]} --no-history --path {ceph.path(tree)}/closed/inside"]
    assert (matched.code, text(ceph, matched)) == (3, "CEPHFS UNKNOWN - MOUNT/t/closed may not be read by nobody")


def test_what_is_no_cephfs(ceph: Ceph) -> None:
    elsewhere, nowhere = ceph.check("--path", "/tmp"), ceph.check("--path", "/no/such/place")
    assert (elsewhere.code, elsewhere.output) == (
        3,
        "CEPHFS UNKNOWN - /tmp is not on a CephFS\nnext: correct --path /tmp\n",
    )
    assert (nowhere.code, nowhere.output) == (
        3,
        "CEPHFS UNKNOWN - /no/such/place no such directory\nnext: correct --path /no/such/place\n",
    )


def test_no_mounts_at_all(state: Path) -> None:
    with Namespace() as namespace:
        argv = [*command("check_cephfs"), "--state-dir", str(state)]
        ran, fine = namespace.run(*argv), namespace.run(*argv, "--absent-ok")
    words = "no CephFS is mounted on this host; name a directory with --path\n"
    assert (ran.code, ran.output) == (3, f"CEPHFS UNKNOWN - {words}")
    assert (fine.code, fine.output) == (0, f"CEPHFS OK - {words}")


def test_the_cluster_with_and_without_caps(ceph: Ceph) -> None:
    ceph.client("client.undergoal")
    fine = ceph.check("-t30", "--cluster")
    refused = ceph.check("-t30", "--cluster", "--name", "client.undergoal")
    nobody = ceph.check("-t30", "--cluster", "--name", "client.nobody")
    assert fine.code == 0
    assert re.fullmatch(r"CEPHFS OK - MOUNT \S+ \w+", text(ceph, fine))
    assert refused.code == 3
    assert re.fullmatch(
        r"CEPHFS UNKNOWN - cluster refused ceph fs status: Error EACCES: access denied.*; 1 ok", text(ceph, refused)
    )
    caps = "client.undergoal mon 'allow r' mgr 'allow r' mds 'allow r'"
    assert refused.rest == [f"next: ceph auth caps {caps}; its keyring must be readable here"]
    assert nobody.code == 3
    assert nobody.rest == [
        f"next: ceph auth get-or-create {caps}, its keyring readable here, and --name client.undergoal"
    ]


def test_a_cluster_that_is_nearly_full(ceph: Ceph, tree: str) -> None:
    ceph.write(tree, 4 << 20, 2)
    ceph.ceph("osd", "set-nearfull-ratio", "0.001")
    try:
        limit = time.monotonic() + 30
        while "OSD_NEARFULL" not in ceph.ceph("health", "detail"):
            assert time.monotonic() < limit
            time.sleep(0.3)
        ran = ceph.check("-t30", "--cluster")
    finally:
        ceph.ceph("osd", "set-nearfull-ratio", "0.85")
    assert (ran.code, text(ceph, ran)) == (
        1,
        "CEPHFS WARNING - cluster 1 nearfull osd(s), 3 pool(s) nearfull; 1 ok",
    )
    assert ran.rest == ["next: ceph health detail (OSD_NEARFULL)", "next: ceph health detail (POOL_NEARFULL)"]


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11)
    or not Path("/usr/lib/python3/dist-packages/cephfs").with_suffix(".cpython-311-x86_64-linux-gnu.so").exists(),
    reason="python3-cephfs is not installed for this Python",
)
def test_without_a_mount_through_libcephfs(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.client("client.undergoal")
    ceph.client("client.wrong")
    ceph.keyring("client.wrong").write_text(
        ceph.keyring("client.wrong").read_text().replace("[client.wrong]", "[client.other]")
    )
    for size, name in enumerate(HOSTILE, 1):
        ceph.write(f"{tree}/{os.fsdecode(name)}", size << 20, 1, sparse=True)
    ceph.setquota(tree, size=50 << 20)
    ceph.settle()
    conf = ("--ceph-conf", str(ceph.conf))
    mine = (*conf, "--name", "client.undergoal")
    tree_and_children = ceph.check(*mine, "--path", f"/{tree}", "--depth", "1", state=state)
    whole, missing = ceph.check(*mine), ceph.check(*mine, "--path", "/none")
    matched = ceph.check(*mine, "--path", f"/{tree}/pi*")
    nobody = ceph.check(*conf, "--name", "client.nobody")
    wrong = ceph.check(*conf, "--name", "client.wrong")
    no_conf = ceph.check("--ceph-conf", "/no/such/ceph.conf")
    no_fs = ceph.check(*mine, "--fs", "other")
    assert (tree_and_children.code, tree_and_children.text) == (1, "CEPHFS WARNING - /t 45 MiB, 90% of its quota; 9 ok")
    assert (whole.code, whole.text) == (0, "CEPHFS OK - / 45 MiB")
    assert (missing.code, missing.output.split("\n")[0].split(" | ")[0]) == (
        3,
        "CEPHFS UNKNOWN - /none no such directory",
    )
    assert matched.code == 0
    for ran, words, client in (
        (nobody, "client.nobody cannot log in: Permission denied", "client.nobody"),
        (wrong, "client.wrong cannot log in: Permission denied", "client.wrong"),
        (no_fs, "client.undergoal cannot log in: No such file or directory", "client.undergoal"),
    ):
        assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - CephFS {words}")
        assert ran.rest == [
            f"next: ceph auth get-or-create {client} mon 'allow r' mds 'allow r'; its keyring must be readable here"
        ]
    assert no_conf.code == 3
    assert no_conf.text.startswith("CEPHFS UNKNOWN - CephFS client.admin cannot log in: ")


def test_a_stopped_mds(ceph: Ceph, tree: str, state: Path) -> None:
    before = ceph.check("-t3", state=state)
    ceph.pause()
    try:
        first = ceph.check("-t3", state=state)
        again = [ceph.check("-t3", state=state) for _ in range(3)]
        helpers = helpers_of(state)
        context = ceph.check("-t20", "--cluster")
    finally:
        ceph.resume()
    limit = time.monotonic() + 30
    while state_letter(stuck(again[0])) and time.monotonic() < limit:
        time.sleep(0.05)
    after = ceph.check("-t3", state=state)
    assert before.code == 0
    assert (first.code, text(ceph, first)) == (3, "CEPHFS UNKNOWN - MOUNT did not answer in time")
    assert first.rest == [LOOK_AT_MDS]
    assert first.seconds < 4
    assert len({stuck(ran) for ran in again}) == 1
    assert helpers == 1
    for ran in again:
        assert ran.code == 3
        assert re.fullmatch(r"CEPHFS UNKNOWN - MOUNT still blocked for \d+ s in .*", text(ceph, ran))
        assert ran.seconds < 1.5
    assert context.code == 3
    assert text(ceph, context) == "CEPHFS UNKNOWN - MOUNT did not answer in time"  # 16.2 calls this MDS active
    assert context.seconds < 21
    assert (after.code, text(ceph, after)[:18]) == (0, "CEPHFS OK - MOUNT ")


def test_a_killed_mds_and_what_the_cluster_says_of_it(ceph: Ceph, state: Path) -> None:
    ceph.kill_mds()
    try:
        first, second = ceph.check("-t3", state=state), ceph.check("-t3", state=state)
        ceph.ceph("mds", "fail", "a")
        context = ceph.check("-t20", "-v", "--cluster")
        library = ceph.check("-t3", "--ceph-conf", str(ceph.conf))
    finally:
        ceph.start_mds()
    limit = time.monotonic() + 60
    while (back := ceph.check("-t3", state=state)).code and time.monotonic() < limit:
        time.sleep(0.2)
    assert (first.code, text(ceph, first)) == (3, "CEPHFS UNKNOWN - MOUNT did not answer in time")
    assert re.fullmatch(r"CEPHFS UNKNOWN - MOUNT still blocked for \d+ s in .*", text(ceph, second))
    assert context.code == 3
    assert text(ceph, context).startswith("CEPHFS UNKNOWN - MOUNT did not answer in time")
    assert "WARNING: cluster MDS of rank 0 is failed, 1 filesystem is offline" in context.rest, context.rest
    assert context.seconds < 21
    assert (library.code, library.text) == (3, "CEPHFS UNKNOWN - CephFS did not answer in time")
    assert library.seconds < 4
    assert back.code == 0


def test_a_killed_ceph_fuse(ceph: Ceph, tree: str, other_mount: Path, state: Path) -> None:
    before = ceph.check("-t3", state=state)
    ceph.kill_fuse("other")
    mounts, named, matched = (
        ceph.check("-t3", *path) for path in ((), ("--path", f"{other_mount}/t"), ("--path", f"{other_mount}/t*"))
    )
    kept = ceph.check("-t3", state=state)
    top = ceph.run(*command("undergoal"), "cephfs-top", str(other_mount), "--interval", "0.2")
    ceph.unmount("other")
    ceph.mount_as("client.admin", "other")
    remounted = ceph.check("-t3", state=state)
    assert before.code == 0
    dead = f"{other_mount} its mount is dead: the client has died"
    remedy = f"next: umount -l {other_mount} and mount it again"
    assert (mounts.code, mounts.text, mounts.rest) == (3, f"CEPHFS UNKNOWN - {dead}; 1 ok", [remedy])
    assert (kept.code, kept.text) == (3, f"CEPHFS UNKNOWN - {dead}; 1 ok")
    for ran in (named, matched):
        assert ran.code == 3
        assert ran.text.startswith(f"CEPHFS UNKNOWN - {dead}")
        assert ran.rest == [remedy]
    assert (top.code, top.output) == (
        3,
        f"UNKNOWN - undergoal cephfs-top: {other_mount}: Transport endpoint is not connected\n",
    )
    assert (remounted.code, remounted.text[:28]) == (0, "CEPHFS OK - 2 directories, l")


def test_a_mount_that_vanishes_is_gone_until_accepted(ceph: Ceph, other_mount: Path, state: Path) -> None:
    named_state = state / "named"
    named_state.mkdir(mode=0o700)
    ceph.check(state=state)
    ceph.check("--path", str(other_mount), state=named_state)
    ceph.unmount("other")
    gone, still, accepted, after = (ceph.check(*accept, state=state) for accept in ((), (), ("--accept",), ()))
    named = ceph.check("--path", str(other_mount), state=named_state)
    never_known = ceph.check("--path", str(other_mount))
    for ran in (gone, still):
        assert ran.code == 2
        assert re.fullmatch(rf"CEPHFS CRITICAL - {other_mount} gone, last seen \d+ s ago; 1 ok", ran.text)
    for ran in (accepted, after):
        assert (ran.code, text(ceph, ran)[:18]) == (0, "CEPHFS OK - MOUNT ")
    assert named.code == 2
    assert re.fullmatch(rf"CEPHFS CRITICAL - {other_mount} gone, last seen \d+ s ago", named.text)
    assert (never_known.code, never_known.text) == (3, f"CEPHFS UNKNOWN - {other_mount} is not on a CephFS")


# undergoal cephfs-top


def top(ceph: Ceph, *arguments: str, user: tuple[str, ...] = ()) -> Ran:
    return ceph.run(*user, *command("undergoal"), "cephfs-top", *arguments)


def test_top_finds_what_grows(ceph: Ceph, tree: str) -> None:
    rate = 2e6
    for name in ("quiet/a", "quiet/b", "busy/deep"):
        ceph.write(f"{tree}/{name}", 1000, 2)
    ceph.settle()
    with ceph.growing(f"{tree}/busy/deep/file", rate):
        ran = top(ceph, ceph.path(tree), "--interval", "3s")
    head, *rows = ran.output.splitlines()
    assert (ran.code, ran.stderr) == (0, b"")
    assert re.fullmatch(r" +GROWTH +FILES +SIZE +PATH", head)
    assert sorted(plain(ceph, row.split()[-1]) for row in rows[:3]) == [
        "MOUNT/t",
        "MOUNT/t/busy",
        "MOUNT/t/busy/deep",
    ]
    for row in rows[:3]:
        match = re.fullmatch(r" *([\d.]+) MiB/min +\+0/min +[\d.]+ MiB +\S+", row)
        assert match, row
        assert float(match[1]) == pytest.approx(rate * 60 / (1 << 20), rel=0.15)
    assert re.fullmatch(r"3 active directories, \d+ reads", rows[3])
    assert len(rows) == 4


def test_top_where_nothing_is_written(ceph: Ceph, tree: str) -> None:
    ran = top(ceph, ceph.path(tree), "--interval", "0.3s")
    assert (ran.code, plain(ceph, ran.output), ran.stderr) == (
        0,
        "nothing was written below MOUNT/t within 0.3 s\n0 active directories, 0 reads\n",
        b"",
    )


def test_top_names_what_it_could_not_read(ceph: Ceph, tree: str) -> None:
    ceph.write(f"{tree}/closed", 1000, 1)
    ceph.namespace.must("chmod", "700", ceph.path(f"{tree}/closed"))
    ceph.settle()
    with ceph.growing(f"{tree}/closed/file", 1e6):
        ran = top(ceph, ceph.path(tree), "--interval", "1s", user=AS_NOBODY)
    assert ran.code == 0
    assert [plain(ceph, words) for words in ran.output.splitlines()[-2:]] == [
        "not read: 1",
        "  MOUNT/t/closed: Permission denied",
    ]


def test_top_shows_progress_to_people_only(ceph: Ceph, tree: str) -> None:
    argv = [*ceph.namespace.enter, *command("undergoal"), "cephfs-top", ceph.path(tree), "--interval", "0.5s"]
    master, terminal = os.openpty()
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=terminal,
            env={**PLAIN_ENVIRONMENT, "TERM": "xterm"},
            check=False,
            timeout=60,
        )
        os.close(terminal)
        shown = os.read(master, 65536)
    finally:
        os.close(master)
    assert done.stdout.startswith(b"nothing was written")
    assert b"\x1b" not in done.stdout
    assert b"\r\x1b[Kwaiting 0 s for something to be written" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_top_on_a_mount_that_hangs(ceph: Ceph, tree: str) -> None:
    ceph.pause()
    try:
        ran = top(ceph, ceph.path(tree), "--interval", "0.5s", "--timeout", "1s")
    finally:
        ceph.resume()
    assert (ran.code, plain(ceph, ran.output)) == (
        3,
        "UNKNOWN - undergoal cephfs-top: MOUNT/t: no answer within 2 s\n",
    )
    assert ran.seconds < 3


# The last one: the rctime of the top never moves back.


def test_a_clock_that_is_wrong(ceph: Ceph, tree: str, state: Path) -> None:
    ceph.write(f"{tree}/touched", 1000, 1)
    ceph.namespace.must("touch", "-d", "2040-01-01", ceph.path(f"{tree}/touched"))
    ceph.settle()
    limit = time.monotonic() + 20
    while float(ceph.attribute(tree, "ceph.dir.rctime")) < 2e9 and time.monotonic() < limit:
        time.sleep(0.1)
    ran = ceph.check("--max-age", "26h", "--path", ceph.path(tree), state=state)
    with ceph.growing(f"{tree}/busy/file", 2e6):
        shown = top(ceph, ceph.path(tree), "--interval", "2s")
    assert ran.code == 1
    assert re.fullmatch(r"CEPHFS WARNING - MOUNT/t 1000 B, last written [45]\d{3} d in the future", text(ceph, ran))
    assert value(ceph, ran, "MOUNT_t_rctime_age_seconds") == "0s;;;0"
    assert ran.rest == ["next: look for a client with a wrong clock: age is blind until then"]
    fastest = [plain(ceph, row) for row in shown.output.splitlines()[1:3]]
    assert sorted(row.split()[-1] for row in fastest) == ["MOUNT/t", "MOUNT/t/busy"]
    assert all(row.split()[1] == "MiB/min" for row in fastest)
