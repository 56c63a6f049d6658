"""A mount on which any operation can hang or fail: never more than one stuck helper, and never a late answer."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.fake_cephfs import FakeCephfs, Value
from lab.namespaces import Namespace
from support import Ran, command

pytestmark = pytest.mark.needs("unshare", "nsenter", "umount")

TIMEOUT = 2
LOOK_AT_MDS = "next: look at the MDS and the network: ceph fs status; it goes on by itself when they are back"
FULL: dict[str, Value] = {
    "ceph.dir.rbytes": 12 << 40,
    "ceph.dir.rfiles": 7,
    "ceph.dir.rentries": 8,
    "ceph.dir.rctime": "1790000000.09",
}
RBYTES = "ceph.dir.rbytes"


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    with Namespace() as made:
        yield made


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: of long ones, only a part is told."""
    with tempfile.TemporaryDirectory(prefix="ug") as made:
        yield Path(made)


@pytest.fixture
def fake(namespace: Namespace, place: Path) -> Iterator[FakeCephfs]:
    with FakeCephfs(place / "f", namespace=namespace) as made:
        made.make("", FULL)
        made.make("sub/inner", FULL)
        yield made


@pytest.fixture
def healthy(namespace: Namespace, place: Path) -> Iterator[FakeCephfs]:
    with FakeCephfs(place / "h", namespace=namespace) as made:
        made.make("", {**FULL, RBYTES: 3 << 40})
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


def check(namespace: Namespace, state: Path, *arguments: str) -> Ran:
    return namespace.run(*command("check_cephfs"), f"-t{TIMEOUT}", "--state-dir", str(state), *arguments)


def children_of_init_in(state: Path) -> list[int]:
    """The processes that hold something open in this state directory: helpers that were left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(handle).startswith(str(state)) for handle in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_until_gone(state: Path) -> None:
    limit = time.monotonic() + 20
    while children_of_init_in(state):
        assert time.monotonic() < limit, "a helper is still there"
        time.sleep(0.05)


HANGS = [
    (("lookup",), None, ("--path", "PLACE/sub/inner")),
    (("getattr", "access"), None, ("--depth", "1")),
    (("getxattr",), None, ()),
    (("getxattr",), "ceph.dir.rctime", ()),
    (("getxattr",), "ceph.quota", ()),
    (("opendir",), None, ("--depth", "1")),
    (("readdir",), None, ("--depth", "1")),
    (("readdir",), None, ("--path", "PLACE/s*")),
    (("statfs",), None, ()),
    ((), None, ()),
]


@pytest.mark.parametrize(("operations", "name", "arguments"), HANGS)
def test_an_operation_that_hangs(
    namespace: Namespace,
    fake: FakeCephfs,
    healthy: FakeCephfs,
    state: Path,
    operations: tuple[str, ...],
    name: str | None,
    arguments: tuple[str, ...],
) -> None:
    words = [word.replace("PLACE", str(fake.place)) for word in arguments]
    if words[:1] == ["--path"]:
        words += ["--path", str(healthy.place)]
    fine = check(namespace, state, *words)
    fake.hang(*operations, name=name)
    first = check(namespace, state, *words)
    again = [check(namespace, state, *words) for _ in range(2)]
    helpers = children_of_init_in(state)
    fake.heal()
    fake.kill()  # what was never answered is answered now: the helper can go
    wait_until_gone(state)
    assert fine.code == 0
    assert first.code == 3
    assert re.fullmatch(
        rf"CEPHFS UNKNOWN - {fake.place}( 12 TiB,)? did not answer in time; [12] ok"
        if "--path" not in words
        else rf"CEPHFS UNKNOWN - {fake.place} did not answer in time, reading {fake.place}/s\S*(; [12] ok)",
        first.text,
    )
    assert first.rest == [LOOK_AT_MDS]
    assert first.seconds <= TIMEOUT + 1
    assert len(helpers) == 1
    for ran in again:
        assert ran.code == 3
        assert re.fullmatch(
            rf"CEPHFS UNKNOWN - {fake.place} still blocked for \d+ s in an earlier run's helper,"
            rf" process {helpers[0]}; 1 ok",
            ran.text,
        )
        assert ran.seconds <= TIMEOUT
    for ran in (first, *again):
        label = re.sub("[^A-Za-z0-9]", "_", str(healthy.place)).strip("_")
        assert ran.perfdata[f"{label}_rbytes"] == f"{3 << 40}B;;;0"


def test_it_recovers_by_itself(namespace: Namespace, state: Path, place: Path) -> None:
    with FakeCephfs(place / "m", namespace=namespace) as fake:
        fake.make("", FULL)
        fake.hang("getxattr")
        first, second = check(namespace, state), check(namespace, state)
        fake.kill()
        namespace.must("umount", "-l", str(fake.place))
    wait_until_gone(state)
    (place / "m").rmdir()
    with FakeCephfs(place / "m", namespace=namespace) as fake:
        fake.make("", FULL)
        after = check(namespace, state)
    assert [first.code, second.code] == [3, 3]
    assert (after.code, after.text) == (0, f"CEPHFS OK - {place}/m 12 TiB")


def test_what_was_read_before_it_hung_is_told(namespace: Namespace, fake: FakeCephfs, state: Path) -> None:
    fake.make("first", {**FULL, RBYTES: 5 << 40})
    fake.make("second", FULL)
    fake.hang("getxattr", path="second")
    ran = check(namespace, state, "--path", f"{fake.place}/first", "--path", f"{fake.place}/second")
    fake.kill()
    wait_until_gone(state)
    words = f"{fake.place} did not answer in time, reading {fake.place}/second"
    assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - {words}; 1 ok")
    assert f"_first_rbytes={5 << 40}B;;;0 " in ran.line


def test_many_runs_at_the_same_time_leave_one_helper(namespace: Namespace, fake: FakeCephfs, state: Path) -> None:
    fake.hang("getxattr")
    argv = [*namespace.enter, *command("check_cephfs"), f"-t{TIMEOUT}", "--state-dir", str(state)]
    start = time.monotonic()
    running = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(5)]
    said = [process.communicate(timeout=30)[0].decode() for process in running]
    seconds = time.monotonic() - start
    helpers = children_of_init_in(state)
    fake.kill()
    wait_until_gone(state)
    assert [process.returncode for process in running] == [3] * 5
    assert len(helpers) == 1
    assert all(line.startswith(f"CEPHFS UNKNOWN - {fake.place} ") for line in said)
    assert seconds <= TIMEOUT + 2


def test_no_history_means_no_lock_but_no_late_answer(namespace: Namespace, fake: FakeCephfs) -> None:
    fake.hang()
    ran = namespace.run(*command("check_cephfs"), f"-t{TIMEOUT}", "--no-history")
    fake.kill()
    assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - {fake.place} did not answer in time")
    assert ran.seconds <= TIMEOUT + 1


DEAD = "its mount is dead: the client has died"


@pytest.mark.parametrize(
    ("error", "words", "next_step"),
    [
        (errno.ENODATA, "is not on a CephFS", "look at the mount"),
        (errno.EOPNOTSUPP, "is not on a CephFS", "look at the mount"),
        (errno.EACCES, "may not be read by root", "to let it, add to sudoers and call it with sudo -n: root ALL=.*"),
        (errno.EPERM, "may not be read by root", "to let it, add to sudoers and call it with sudo -n: root ALL=.*"),
        (errno.ENOTCONN, DEAD, "umount -l PLACE and mount it again"),
        (errno.ECONNABORTED, DEAD, "umount -l PLACE and mount it again"),
        (errno.ETIMEDOUT, "did not answer in time", LOOK_AT_MDS[6:]),
        (errno.EIO, "Input/output error", LOOK_AT_MDS[6:]),
        (errno.ESTALE, "Stale file handle", LOOK_AT_MDS[6:]),
    ],
)
def test_errors_of_every_kind(
    namespace: Namespace, fake: FakeCephfs, state: Path, error: int, words: str, next_step: str
) -> None:
    fake.fail(error, "getxattr")
    ran = check(namespace, state)
    fake.heal()
    after = check(namespace, state)
    assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - {fake.place} {words}")
    assert len(ran.rest) == 1
    assert re.fullmatch(f"next: {next_step.replace('PLACE', str(fake.place))}", ran.rest[0])
    assert (after.code, after.text) == (0, f"CEPHFS OK - {fake.place} 12 TiB")


@pytest.mark.parametrize("error", [errno.ENODATA, errno.EIO, errno.EACCES, errno.ESTALE])
def test_an_error_of_one_attribute_or_child(namespace: Namespace, fake: FakeCephfs, state: Path, error: int) -> None:
    fake.make("sub/other", FULL)
    fake.fail(error, "getxattr", path="sub/other")
    children = check(namespace, state, "--path", f"{fake.place}/sub", "--depth", "1")
    fake.heal()
    fake.fail(error, "getxattr", name=RBYTES)
    attribute = check(namespace, state)
    words = {errno.ENODATA: "is not on a CephFS", errno.EACCES: "may not be read by root"}.get(
        error, os.strerror(error)
    )
    if error == errno.ESTALE:  # removed since it was listed
        assert (children.code, children.text) == (
            0,
            f"CEPHFS OK - 2 directories, largest {fake.place}/sub/inner 12 TiB",
        )
    else:
        assert (children.code, children.text) == (3, f"CEPHFS UNKNOWN - {fake.place}/sub/other {words}; 2 ok")
    whole = f"has statistics that make no sense: {RBYTES} is no number" if error == errno.ENODATA else words
    assert (attribute.code, attribute.text) == (3, f"CEPHFS UNKNOWN - {fake.place} {whole}")


@pytest.mark.parametrize("operation", ["opendir", "readdir"])
def test_a_directory_that_cannot_be_listed(namespace: Namespace, fake: FakeCephfs, state: Path, operation: str) -> None:
    fake.fail(errno.EIO, operation)
    ran = check(namespace, state, "--path", f"{fake.place}/sub", "--depth", "1")
    matched = check(namespace, state, "--path", f"{fake.place}/sub/*")
    assert (ran.code, ran.text) == (3, f"CEPHFS UNKNOWN - {fake.place}/sub 0 B, Input/output error")
    assert (matched.code, matched.text) == (3, f"CEPHFS UNKNOWN - {fake.place}/sub Input/output error")


def test_values_that_make_no_sense(namespace: Namespace, fake: FakeCephfs, state: Path) -> None:
    seen = []
    for name, value in ((RBYTES, "many"), (RBYTES, ""), (RBYTES, "9" * 40), ("ceph.dir.rctime", "yesterday")):
        fake.make("", {**FULL, name: value})
        seen.append(check(namespace, state).text.partition("make no sense: ")[2])
    assert seen == [f"{RBYTES} is no number"] * 3 + ["ceph.dir.rctime is no time"]


def test_top_ends_in_time_in_d_state(namespace: Namespace, fake: FakeCephfs) -> None:
    argv = [*command("undergoal"), "cephfs-top", str(fake.place), "--interval", "0.2s", "--timeout", "1s"]
    nothing = namespace.run(*argv)
    fake.hang("getxattr")
    ran = namespace.run(*argv)
    fake.kill()
    dead = namespace.run(*argv)
    assert (nothing.code, nothing.output.split("\n")[0]) == (0, f"nothing was written below {fake.place} within 0.2 s")
    assert (ran.code, ran.output) == (3, f"UNKNOWN - undergoal cephfs-top: {fake.place}: no answer within 1 s\n")
    assert ran.seconds <= 3
    assert dead.output == f"UNKNOWN - undergoal cephfs-top: {fake.place}: Transport endpoint is not connected\n"
