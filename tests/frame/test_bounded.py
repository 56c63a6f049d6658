"""Children that hang, flood, fork or raise: the parent gets its answer in time and nothing is left behind."""

from __future__ import annotations

import fcntl
import gc
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.processes import children

from checks.frame import bounded
from checks.frame.bounded import (
    Answer,
    EarlyAnswer,
    HelperOverflow,
    HelperStuck,
    HelperTimeout,
    call,
    collect,
    run,
    run_many,
    start,
)


def descriptors() -> list[str]:
    """The open files of this process."""
    return sorted(os.listdir("/proc/self/fd"))[:-1]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pids: list[int]) -> bool:
    """Whether they end within a second."""
    end = time.monotonic() + 1
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(map(alive, pids))


def pids_in(file: Path, count: int) -> list[int]:
    """The process ids that a child wrote down."""
    end = time.monotonic() + 5
    while not file.exists() or len(file.read_text().split()) < count:
        assert time.monotonic() < end
        time.sleep(0.01)
    return [int(pid) for pid in file.read_text().split()]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    gc.collect()
    before = (len(descriptors()), children(), set(bounded._running))
    yield
    assert (len(descriptors()), children(), set(bounded._running)) == before


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "check.lock")


def sleep_long() -> bytes:
    time.sleep(300)
    return b"awake"


def raises(error: BaseException) -> bytes:
    raise error


@pytest.mark.parametrize("answer", [b"", b"fine", b"\x00\xff" * 200_000], ids=["nothing", "a word", "400 kB"])
def test_answer(answer: bytes) -> None:
    assert call(lambda: answer, 5) == Answer(0, answer)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ValueError("no such thing"), Answer(1, b"ValueError: no such thing")),
        (SystemExit(0), Answer(1, b"SystemExit: 0")),
        (KeyboardInterrupt(), Answer(1, b"KeyboardInterrupt: ")),
        (OSError(5, "Input/output error"), Answer(1, b"OSError: [Errno 5] Input/output error")),
        (RuntimeError("\udcff"), Answer(1, b"RuntimeError: ?")),
        (EarlyAnswer(b"early"), Answer(0, b"early")),
    ],
)
def test_what_a_task_raises_is_its_answer(error: BaseException, answer: Answer) -> None:
    assert call(lambda: raises(error), 5) == answer


def test_an_early_answer_out_of_a_signal_handler() -> None:
    def task() -> bytes:
        signal.signal(signal.SIGALRM, lambda *_: raises(EarlyAnswer(b"time is up")))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return sleep_long()

    assert call(task, 5) == Answer(0, b"time is up")


def test_a_task_that_dies_without_a_word() -> None:
    def task() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b"not reached"

    assert call(task, 5) == Answer(-signal.SIGKILL, b"")


def test_too_long_an_answer() -> None:
    with pytest.raises(HelperOverflow, match=r"^answered more than 1000 bytes$"):
        call(lambda: b"x" * 1001, 5, output_max=1000)
    assert call(lambda: b"x" * 1000, 5, output_max=1000) == Answer(0, b"x" * 1000)


def test_endless_output_takes_little_memory_and_time() -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    with pytest.raises(HelperOverflow):
        run(["/usr/bin/yes"], 10)
    assert time.monotonic() - begin < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 20_000  # kB


@pytest.mark.parametrize(
    "script", ["sleep 300", "while :; do echo x; sleep 0.02; done", "trap '' TERM HUP INT; sleep 300"]
)
def test_timeout(script: str) -> None:
    begin = time.monotonic()
    with pytest.raises(HelperTimeout, match=r"^no answer within 0\.3 s$"):
        run(["/bin/sh", "-c", script], 0.3)
    assert 0.3 <= time.monotonic() - begin < 1.0


def test_timeout_of_a_task() -> None:
    begin = time.monotonic()
    with pytest.raises(HelperTimeout):
        call(sleep_long, 0.2)
    assert 0.2 <= time.monotonic() - begin < 0.8


def test_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    script = f"sleep 300 & (sleep 300 & echo $! >> {tmp_path}/pids); echo $! $$ >> {tmp_path}/pids; sleep 300"
    with pytest.raises(HelperTimeout):
        run(["/bin/sh", "-c", script], 0.5)
    assert gone(pids_in(tmp_path / "pids", 3))


def test_a_grandchild_that_holds_the_pipe_delays_nothing_and_ends(tmp_path: Path) -> None:
    begin = time.monotonic()
    answer = run(["/bin/sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pids; echo hi"], 10)
    assert answer == Answer(0, b"hi\n")
    assert time.monotonic() - begin < 1
    assert gone(pids_in(tmp_path / "pids", 1))


def test_a_grandchild_of_a_task(tmp_path: Path) -> None:
    def task() -> bytes:
        child = subprocess.Popen(["/bin/sleep", "300"])
        (tmp_path / "pids").write_text(str(child.pid))
        child.returncode = 0
        return b"hi"

    assert call(task, 10) == Answer(0, b"hi")
    assert gone(pids_in(tmp_path / "pids", 1))


def test_a_stuck_helper_is_reported_instead_of_adding_one(lock: str, tmp_path: Path) -> None:
    def leave_a_trace() -> bytes:
        (tmp_path / "ran").touch()
        return b""

    holder = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(holder, fcntl.LOCK_EX)
    stuck = start(sleep_long, lock=holder)
    os.pwrite(holder, f"{stuck.pid} {time.monotonic() - 65:.1f}".encode(), 0)
    os.close(holder)
    begin = time.monotonic()
    try:
        with pytest.raises(HelperStuck) as refused:
            call(leave_a_trace, 10, lock)
    finally:
        seconds = time.monotonic() - begin
        stuck.abandon()
    assert seconds < 0.6
    assert re.search(rf"still blocked for 6[5-7] s\b.* process {stuck.pid}\b", str(refused.value))
    assert isinstance(refused.value, HelperTimeout)
    assert not (tmp_path / "ran").exists()
    assert call(lambda: b"works again", 5, lock) == Answer(0, b"works again")


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"x y z", b"12", b"| 5", b"\x1b[31m 7"])
def test_a_held_lock_with_anything_in_it(lock: str, content: bytes) -> None:
    holder = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(holder, content)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        with pytest.raises(HelperStuck, match=r"^still blocked") as refused:
            call(lambda: b"", 5, lock)
    finally:
        os.close(holder)
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert "|" not in str(refused.value)


def test_a_killed_helper_frees_its_lock(lock: str) -> None:
    for _ in range(3):
        with pytest.raises(HelperTimeout, match="no answer"):
            call(sleep_long, 0.1, lock)
    assert call(lambda: b"fine", 5, lock) == Answer(0, b"fine")
    assert os.listdir(os.path.dirname(lock)) == ["check.lock"]
    assert os.stat(lock).st_mode & 0o777 == 0o600


def test_a_symlink_as_lock_is_refused(lock: str, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    os.symlink(tmp_path / "target", lock)
    with pytest.raises(OSError, match="symbolic links"):
        call(lambda: b"", 5, lock)
    assert (tmp_path / "target").read_text() == "precious"


def test_a_task_has_nothing_but_its_pipe() -> None:
    extra = os.open("/proc/self/status", os.O_RDONLY)
    os.set_inheritable(extra, True)

    def task() -> bytes:
        links = [os.readlink(f"/proc/self/fd/{n}") for n in range(256) if os.path.lexists(f"/proc/self/fd/{n}")]
        own = os.getsid(0) == os.getpid()
        return repr(([link.partition(":")[0] for link in links], own, list(bounded._running))).encode()

    other = start(sleep_long)
    answer = call(task, 5)
    other.abandon()
    os.close(extra)
    assert answer.output.decode() == repr((["/dev/null"] * 3 + ["pipe"], True, []))


def test_run_hands_over_words_as_they_are() -> None:
    words = ["a b", "$HOME; ls", "*", "", "-n", "'\"`"]
    answer = run(["/usr/bin/printf", "%s|", *words], 5)
    assert answer == Answer(0, "".join(f"{word}|" for word in words).encode())


def test_run_in_a_plain_surrounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    monkeypatch.setenv("SECRET", "x")
    program = (
        "import os, sys; print(sorted(os.environ.items())); print(os.getcwd(), sys.stdin.read() == '');"
        " print(os.getsid(0) == os.getpgrp() == os.getpid(), sorted(os.listdir('/proc/self/fd')))"
    )
    extra = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(extra, True)
    answer = run([sys.executable, "-I", "-S", "-X", "utf8", "-c", program], 10)
    os.close(extra)
    environment = [("LC_ALL", "C"), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")]
    assert answer == Answer(0, f"{environment}\n/ True\nTrue ['0', '1', '2', '3']\n".encode())


def test_run_elsewhere(tmp_path: Path) -> None:
    assert run(["/bin/pwd"], 5, directory=str(tmp_path)) == Answer(0, f"{tmp_path}\n".encode())


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("exit 7", Answer(7, b"")),
        ("echo out; echo err >&2; exit 1", Answer(1, b"out\nerr\n")),
        ("kill -9 $$", Answer(-9, b"")),
        ("kill -TERM $$", Answer(-15, b"")),
        ("exec 1>&- 2>&-; sleep 0.1; exit 3", Answer(3, b"")),
    ],
)
def test_status_and_output(script: str, answer: Answer) -> None:
    assert run(["/bin/sh", "-c", script], 5) == answer


@pytest.mark.parametrize(
    ("argv", "error"),
    [(["/no/such"], FileNotFoundError), (["/etc/passwd"], PermissionError), (["/etc"], PermissionError)],
)
def test_what_cannot_be_started(argv: list[str], error: type[OSError]) -> None:
    with pytest.raises(error):
        run(argv, 5)


def test_a_program_without_a_format(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"")
    (tmp_path / "tool").chmod(0o755)
    with pytest.raises(OSError, match="Exec format error"):
        run([str(tmp_path / "tool")], 5)


def test_many_children_at_once() -> None:
    begin = time.monotonic()
    running = [start(lambda number=number: str(number).encode()) for number in range(20)]  # type: ignore[misc]
    assert [collect(child, 5) for child in running] == [Answer(0, str(number).encode()) for number in range(20)]
    assert time.monotonic() - begin < 3


def test_giving_up_kills_all() -> None:
    running = [start(sleep_long) for _ in range(3)]
    bounded.kill_all()
    assert [collect(child, 5) for child in running] == [Answer(-signal.SIGKILL, b"")] * 3


@pytest.mark.parametrize("manner", ["call", "run", "run_many"])
def test_a_parent_that_is_killed_takes_its_children_along(manner: str, tmp_path: Path) -> None:
    """With the whole session of each, as an engine that loses patience leaves no time for a last word."""
    argv = ["/bin/sh", "-c", f"sleep 300 & echo $! $$ >> {tmp_path}/pids; sleep 300"]

    def task() -> bytes:
        subprocess.Popen(argv).wait()
        return b""

    def parent() -> bytes:
        if manner == "call":
            call(task, 60)
        elif manner == "run_many":
            run_many([argv, argv], 60)
        else:
            run(argv, 60)
        return b""

    killed = start(parent)
    pids = pids_in(tmp_path / "pids", 4 if manner == "run_many" else 2)
    try:
        os.kill(killed.pid, signal.SIGKILL)
        assert gone(pids)
    finally:
        killed.abandon()
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)


def test_many_side_by_side() -> None:
    """Answers in order, some at a time; each failure is its own."""
    commands = [
        ["/bin/sh", "-c", "sleep 0.2; echo first"],
        ["/nonexistent"],
        ["/bin/sh", "-c", "sleep 0.2; echo third; exit 3"],
        ["/bin/sh", "-c", "kill -9 $$"],
        ["/bin/sh", "-c", "yes"],
    ]
    start = time.monotonic()
    first, second, third, fourth, fifth = run_many(commands, 5, 5, 1000)
    assert time.monotonic() - start < 1
    assert (first, third, fourth) == (Answer(0, b"first\n"), Answer(3, b"third\n"), Answer(-9, b""))
    assert isinstance(second, FileNotFoundError)
    assert isinstance(fifth, HelperOverflow)


def test_many_no_more_than_allowed_at_once() -> None:
    start = time.monotonic()
    assert run_many([["/bin/sleep", "0.2"]] * 4, 5, 2) == [Answer(0, b"")] * 4
    assert 0.4 <= time.monotonic() - start < 1


def test_many_under_one_deadline() -> None:
    """What was said by then is kept; what never began came to the same."""
    before = children(), descriptors()
    start = time.monotonic()
    results = run_many([["/bin/sh", "-c", "echo half; sleep 60"], ["/bin/sleep", "60"], ["/bin/true"]], 0.5, 2)
    assert time.monotonic() - start < 1.5
    assert [type(result) for result in results] == [HelperTimeout] * 3
    assert [result.said for result in results if isinstance(result, HelperTimeout)] == [b"half\n", b"", b""]
    assert (children(), descriptors()) == before


def test_many_whose_children_keep_the_pipe(tmp_path: Path) -> None:
    """A child ends and leaves one behind that holds its output: the answer is there all the same."""
    start = time.monotonic()
    assert run_many([["/bin/sh", "-c", "echo said; sleep 60 &"]], 5, 1) == [Answer(0, b"said\n")]
    assert time.monotonic() - start < 1


def test_many_of_none() -> None:
    assert run_many([], 1) == []
