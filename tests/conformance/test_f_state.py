"""Assertions 44 to 50: history, and all that can happen to it."""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Callable

import pytest
from support import HOSTS, PLAIN_ENVIRONMENT, Ran, check, command, fixture_arguments, run

from conformance.black_box import (
    AS_NOBODY,
    GROWING,
    every_check,
    every_check_with_rates,
    every_sampling_check,
    expected_text,
    fresh_state,
    replay,
)
from conformance.history_file import backdate, edit, history, select
from conformance.namespace import with_bridge

NOBODY = 65534
FINE = (0, b"")  # exit code and stderr of a run over the healthy host


def samples(state: Path) -> int:
    """How many values the history holds; there are some."""
    (count,) = select(history(state), "SELECT count(*) FROM sample")[0]
    assert isinstance(count, int)
    assert count
    return count


def assert_not_saved(done: Ran, name: str, reason: str) -> None:
    """The healthy host's verdict, with the news that its state was not saved, and why."""
    assert (done.code, done.stderr) == FINE
    assert done.text == f"{expected_text(name, 'ok')}; state not saved"
    assert [line for line in done.rest if re.match(f"state not saved: .*{reason}", line)], done.rest


@every_check
def test_44_the_first_run_has_a_verdict(name: str, state: Path) -> None:
    first, second = replay(name, "ok", state), replay(name, "ok", state)
    for done in (first, second):
        assert (done.code, done.stderr) == FINE
        assert done.text == expected_text(name, "ok")


@every_check
def test_44_the_missing_directories_are_made_private(name: str, state: Path) -> None:
    place = state / "not" / "there" / "yet"
    assert replay(name, "ok", place).code == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (place, place.parent, place.parent.parent)}
    assert modes == {"yet": 0o700, "there": 0o700, "not": 0o700}
    assert history(state).stat().st_mode & 0o077 == 0


def _cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _cut_in_the_header(path: Path) -> None:
    os.truncate(path, 50)


def _fill_with_nul(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _overwrite(path: Path) -> None:
    path.write_bytes(random.Random(45).randbytes(path.stat().st_size))


def _overwrite_the_end(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + random.Random(45).randbytes(len(content) - 4096))


def _text(path: Path) -> None:
    path.write_text("{}\n")


def _newer_version(path: Path) -> None:
    edit(path, "PRAGMA user_version=99")


def _other_tables(path: Path) -> None:
    path.unlink()
    edit(path, "CREATE TABLE sample (x)", "CREATE TABLE note (x)", "CREATE TABLE seen (x)", "PRAGMA user_version=1")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("kept")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = [
    _cut_in_half,
    _cut_in_the_header,
    _fill_with_nul,
    _overwrite,
    _overwrite_the_end,
    _text,
    _newer_version,
    _other_tables,
    _directory,
    _fifo,
]


@every_sampling_check
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_45_damage_is_recovered_from_in_the_same_run(name: str, damage: Callable[[Path], None], state: Path) -> None:
    replay(name, "ok", state)
    kept = samples(state)
    path = history(state)
    damage(path)
    damaged = path.read_bytes() if path.is_file() else None

    done = replay(name, "ok", state, "-v")
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")
    (aside,) = state.glob("*.damaged-1")
    assert f"the state could not be read; set aside as {aside}"[:120] in "\n".join(done.rest)
    if damaged is not None:
        assert aside.read_bytes() == damaged
    assert samples(state) == kept

    again = replay(name, "ok", state, "-v")
    assert "set aside" not in again.output
    assert samples(state) == 2 * kept


@every_sampling_check
def test_45_an_empty_file_is_a_new_one(name: str, state: Path) -> None:
    replay(name, "ok", state)
    kept = samples(state)
    os.truncate(history(state), 0)
    assert replay(name, "ok", state).text == expected_text(name, "ok")
    assert samples(state) == kept


@every_check
def test_45_at_most_ten_damaged_files_are_kept(name: str, state: Path) -> None:
    replay(name, "ok", state)
    for _ in range(12):
        history(state).write_text("damaged")
        assert replay(name, "ok", state).code == 0
    assert len(list(state.glob("*.damaged-*"))) == 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB, on which a private directory."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Leave no byte free."""
    with open(place / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


@pytest.mark.needs("mount", "umount")
@every_check
def test_46_a_disk_that_is_full_from_the_start_costs_the_history_only(name: str, small_disk: Path) -> None:
    fill(small_disk)
    assert_not_saved(replay(name, "ok", small_disk), name, "")


@pytest.mark.needs("mount", "umount")
@every_sampling_check
def test_46_a_disk_that_became_full_costs_one_run_of_the_history(name: str, small_disk: Path) -> None:
    replay(name, "ok", small_disk)
    kept = samples(small_disk)
    before = history(small_disk).read_bytes()
    fill(small_disk)
    assert_not_saved(replay(name, "ok", small_disk), name, ".*(full|No space)")
    assert history(small_disk).read_bytes() == before
    (small_disk / "filler").unlink()
    assert replay(name, "ok", small_disk).text == expected_text(name, "ok")
    assert samples(small_disk) == 2 * kept


@pytest.mark.needs("mount", "umount")
@every_check
def test_46_a_read_only_file_system_costs_the_history_only(name: str, small_disk: Path) -> None:
    replay(name, "ok", small_disk)
    before = history(small_disk).read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = replay(name, "ok", small_disk)
    assert_not_saved(done, name, "")
    assert history(small_disk).read_bytes() == before


@pytest.mark.needs("setpriv")
@every_check
@pytest.mark.parametrize("missing", ["", "below"])
def test_46_a_directory_without_the_right_to_write_costs_the_history_only(
    name: str, missing: str, open_directory: Path
) -> None:
    shutil.copytree(HOSTS / name / "ok", open_directory / "host")
    place = open_directory / "state"
    place.mkdir(mode=0o500)
    os.chown(place, NOBODY, NOBODY)
    options = ["--root", str(open_directory / "host"), "--state-dir", str(place / missing)]
    done = run([*AS_NOBODY, *command(f"check_{name}"), *options])
    assert_not_saved(done, name, "Permission denied")
    assert list(place.iterdir()) == []


@every_check
def test_46_accepting_without_saving_is_unknown(name: str, state: Path) -> None:
    state.rmdir()
    state.write_text("in its place")
    done = replay(name, "ok", state, "--accept")
    assert (done.code, done.stderr) == (3, b"")
    assert done.text.startswith(f"{name.upper()} UNKNOWN - nothing accepted, state not saved; ")


PATIENT = ("-t", "120")  # a disk on which the other lane writes may let a run wait for long


@every_sampling_check
def test_47_runs_at_the_same_time_lose_nothing(name: str, state: Path) -> None:
    processes, each = 8, 15
    replay(name, "ok", state)
    per_run = samples(state)
    with ThreadPoolExecutor(processes) as pool:
        runs = list(pool.map(lambda _: replay(name, "ok", state, *PATIENT), range(processes * each)))
    assert {(done.code, done.text, done.stderr) for done in runs} == {(0, expected_text(name, "ok"), b"")}
    assert samples(state) == per_run * (processes * each + 1)
    assert list(state.glob("*.damaged-*")) == []


@every_sampling_check
def test_47_the_first_runs_at_the_same_time_make_one_history(name: str, tmp_path: Path) -> None:
    for _ in range(3):
        state = fresh_state(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda _, place=state: replay(name, "ok", place, *PATIENT), range(8)))
        assert {(done.code, done.text, done.stderr) for done in runs} == {(0, expected_text(name, "ok"), b"")}
        assert list(state.glob("*.damaged-*")) == []
        assert samples(state) % 8 == 0


def test_47_a_run_that_writes_for_long_is_waited_for(state: Path) -> None:
    replay("docker_bridge", "ok", state)
    kept = samples(state)
    with ThreadPoolExecutor(1) as pool, closing(sqlite3.connect(history(state), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = pool.submit(replay, "docker_bridge", "ok", state)
        time.sleep(2.5)
        assert not waiting.done()
        other.execute("COMMIT")
        assert waiting.result().text == expected_text("docker_bridge", "ok")
    assert samples(state) == 2 * kept


RUNNERS = """
for runner in 1 2 3 4 5 6 7 8; do
    (turn=0; while [ $turn -lt 100 ]; do turn=$((turn + 1)); "$@" || echo "exit code $?"; done) &
done
wait
"""


@pytest.mark.needs("unshare", "ip")
def test_47_runs_at_the_same_time_on_a_real_host_lose_nothing(state: Path) -> None:
    argv = [*command("check_docker_bridge"), "--no-docker", "--state-dir", str(state), *PATIENT]
    done = run([*with_bridge(), "sh", "-c", RUNNERS, "sh", *argv])
    lines = [line.split(" | ")[0] for line in done.output.splitlines()]
    assert (lines, done.stderr) == (["DOCKER_BRIDGE OK - docker0 0/1023 ports"] * 800, b"")
    assert samples(state) == 800


def _symlink(place: Path, elsewhere: Path) -> None:
    place.rmdir()
    place.symlink_to(elsewhere)


def _symlink_on_the_way(place: Path, elsewhere: Path) -> None:
    """A link in a directory in which others may put links, too."""
    place.rmdir()
    place.symlink_to(elsewhere)
    os.chown(place, NOBODY, NOBODY, follow_symlinks=False)


def _foreign(place: Path, _: Path) -> None:
    os.chown(place, NOBODY, NOBODY)


def _group_writable(place: Path, _: Path) -> None:
    place.chmod(0o770)


def _world_writable(place: Path, _: Path) -> None:
    place.chmod(0o707)


def _world_writable_above(place: Path, _: Path) -> None:
    place.parent.chmod(0o777)


@pytest.mark.needs("mount")
@every_check
@pytest.mark.parametrize(
    "spoil",
    [_symlink, _symlink_on_the_way, _foreign, _group_writable, _world_writable, _world_writable_above],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_48_a_directory_that_others_can_change_is_refused(
    name: str, spoil: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    place = tmp_path / "above" / "state"
    place.mkdir(mode=0o700, parents=True)
    spoil(place, elsewhere)
    assert_not_saved(replay(name, "ok", place), name, re.escape(str(tmp_path / "above")))
    assert [*elsewhere.iterdir(), *place.iterdir()] == []


def _replace_by_symlink(path: Path, elsewhere: Path) -> None:
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _add_hard_link(path: Path, elsewhere: Path) -> None:
    os.link(path, elsewhere)


def _give_away(path: Path, elsewhere: Path) -> None:
    shutil.copy(path, elsewhere)
    os.chown(path, NOBODY, NOBODY)


def _open_to_all(path: Path, elsewhere: Path) -> None:
    shutil.copy(path, elsewhere)
    path.chmod(0o666)


@pytest.mark.needs("mount")
@every_check
@pytest.mark.parametrize(
    "spoil",
    [_replace_by_symlink, _add_hard_link, _give_away, _open_to_all],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_48_a_file_that_others_can_change_is_refused(
    name: str, spoil: Callable[[Path, Path], None], state: Path, tmp_path: Path
) -> None:
    replay(name, "ok", state)
    path, elsewhere = history(state), tmp_path / "elsewhere"
    spoil(path, elsewhere)
    before = elsewhere.read_bytes(), path.read_bytes()
    assert_not_saved(replay(name, "ok", state), name, re.escape(str(path)))
    assert (elsewhere.read_bytes(), path.read_bytes()) == before


@every_check
@pytest.mark.parametrize("suffix", [".lock", ".sqlite-journal", ".sqlite-wal"])
def test_48_a_link_beside_the_history_is_not_followed(name: str, suffix: str, state: Path, tmp_path: Path) -> None:
    replay(name, "ok", state)
    beside = history(state).with_suffix("").with_name(history(state).stem + suffix)
    target = tmp_path / "target"
    target.write_text("precious")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    done = replay(name, "ok", state)
    assert done.text.startswith(expected_text(name, "ok"))
    assert (done.code, done.stderr) == FINE
    assert target.read_text() == "precious"


STEPS = {
    "clock that was a day ahead": ["UPDATE sample SET time = time + 86400", "UPDATE seen SET time = time + 86400"],
    "clock that was ten years behind": ["UPDATE sample SET time = time - 3e8", "UPDATE seen SET time = time - 3e8"],
    "reboot": ["UPDATE sample SET boot = '00000000'"],
    "reboot without boot_id": ["UPDATE sample SET boot = ''"],
    "uptime that began anew": ["UPDATE sample SET uptime = uptime + 1e7"],
    "clock and uptime of a resumed copy": ["UPDATE sample SET uptime = uptime + 5e5, time = time + 5e5"],
}


@every_check_with_rates
@pytest.mark.parametrize("step", list(STEPS))
def test_49_steps_of_clock_and_uptime_make_no_rate(name: str, host: str, per_hour: int, step: str, state: Path) -> None:
    first = replay(name, host, state)
    samples(state)
    backdate(history(state), per_hour)
    with_rates = replay(name, host, fresh_copy(state))
    assert set(with_rates.perfdata) > set(first.perfdata)
    edit(history(state), *STEPS[step])
    done = replay(name, host, state)
    assert (done.code, done.stderr) == (first.code, b"")
    if "clock" in step and "uptime" not in step:
        assert (done.text, sorted(done.perfdata)) == (with_rates.text, sorted(with_rates.perfdata))
    else:
        assert done.line == first.line


def fresh_copy(state: Path) -> Path:
    """The same history in another place."""
    place = fresh_state(state.parent)
    shutil.copytree(state, place, dirs_exist_ok=True)
    return place


@every_check_with_rates
def test_49_rates_are_sane(name: str, host: str, per_hour: int, state: Path) -> None:
    """A steady slope over the last hour is shown as that; what shrinks to nothing has a positive rate."""
    first = replay(name, host, state)
    samples(state)
    backdate(history(state), per_hour)
    done = replay(name, host, state)
    new = {
        label: float(token.split(";")[0].strip("s"))
        for label, token in done.perfdata.items()
        if label not in first.perfdata
    }
    rates = [value for label, value in new.items() if label.endswith("_per_hour")]
    expected = per_hour if name in GROWING else abs(per_hour)
    assert rates
    assert rates == pytest.approx([expected] * len(rates), rel=0.02)
    assert expected < 0 or min(new.values()) >= 0


@pytest.mark.parametrize("last", [2**32 - 3, 10**6, 5])
@pytest.mark.parametrize("boot", ["same", "other"])
def test_49_a_counter_that_was_reset_raises_nothing(last: int, boot: str, state: Path) -> None:
    first = replay("docker_bridge", "ok", state)
    ((content,),) = select(history(state), "SELECT content FROM note WHERE name = 'arp_table_fulls'")
    _, boot_id, *rest = str(content).split(" ")
    kept = " ".join([str(last), boot_id if boot == "same" else "00000000", *rest])
    edit(history(state), f"UPDATE note SET content = '{kept}' WHERE name = 'arp_table_fulls'")
    assert replay("docker_bridge", "ok", state)[:3] == first[:3]


@every_check
def test_49_notes_that_make_no_sense_are_dropped(name: str, state: Path) -> None:
    first = replay(name, "ok", state)
    for nonsense in ("", "x", "-1 -1 -1 -1", "nan nan nan nan", "[[[[", '[["a",1,2,3]]', "9" * 5000, "1 a 1e309 1e309"):
        edit(history(state), f"UPDATE note SET content = '{nonsense}'", "UPDATE sample SET value = 9e307")
        done = replay(name, "ok", state)
        assert (done.code, done.text, done.stderr) == (0, first.text, b""), nonsense


@every_check
def test_50_each_captured_host_has_a_history_of_its_own(name: str, state: Path) -> None:
    for host in ("ok", "warning", "ok"):
        replay(name, host, state)
    assert len(list(state.glob("*.sqlite"))) == 2


@every_check
def test_50_thresholds_and_verbosity_share_one_history(name: str, state: Path) -> None:
    for options in ([], ["-w", "5"], ["-c", "5"], ["-vvv"], ["-t", "3"]):
        replay(name, "ok", state, *options)
    assert len(list(state.glob("*.sqlite"))) == 1


@pytest.mark.needs("setpriv")
@every_check
def test_50_another_user_is_refused_the_history(name: str, open_directory: Path) -> None:
    shutil.copytree(HOSTS / name / "ok", open_directory / "host")
    place = open_directory / "state"
    place.mkdir(mode=0o755)
    options = ["--root", str(open_directory / "host"), "--state-dir", str(place)]
    assert check(name, *options).code == 0
    before = {path: path.read_bytes() for path in place.iterdir()}
    assert_not_saved(run([*AS_NOBODY, *command(f"check_{name}"), *options]), name, "belongs to another user")
    assert {path: path.read_bytes() for path in place.iterdir()} == before


@pytest.mark.needs("setpriv")
@every_check
@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "STATE_DIRECTORY", "MK_VARDIR"])
def test_50_the_environment_says_where_history_is_kept(name: str, variable: str, open_directory: Path) -> None:
    shutil.copytree(HOSTS / name / "ok", open_directory / "host")
    place = open_directory / "state"
    place.mkdir(mode=0o700)
    os.chown(place, NOBODY, NOBODY)
    environment = {**PLAIN_ENVIRONMENT, variable: str(place)}
    options = ["--root", str(open_directory / "host")]
    done = run([*AS_NOBODY, *command(f"check_{name}"), *options], environment=environment)
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")
    wanted = place if variable == "STATE_DIRECTORY" else place / "undergoal"
    assert history(place).parent == wanted
    assert wanted.stat().st_mode & 0o777 == 0o700
    assert history(place).stat().st_uid == NOBODY


@pytest.mark.needs("unshare", "ip", "mount", "strace")
@every_check
def test_50_by_default_history_is_in_var_lib_and_nothing_in_tmp(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    environment = {**PLAIN_ENVIRONMENT, "TMPDIR": "/tmp", "HOME": "/"}
    argv = [*command(f"check_{name}"), *fixture_arguments(name, "ok")]
    made = "openat,open,creat,mkdir,mkdirat,rename,link,symlink"
    strace = ["strace", "-f", "-e", f"trace={made}", "-o", str(trace)]
    listed = ["sh", "-c", '"$@"; find /var/lib -mindepth 1 -printf "%P %m\\n"', "sh"]
    done = run([*with_bridge(covered="/var/lib"), *listed, *strace, *argv], environment=environment)
    assert done.text == expected_text(name, "ok")
    places = dict(line.rsplit(" ", 1) for line in done.rest)
    assert (places["undergoal"], places["undergoal/root"]) == ("755", "700")
    assert [path for path in places if not path.startswith("undergoal")] == []
    written = re.findall(r"(?:O_CREAT|mkdir\S*\(|rename\(|link\().*", trace.read_text())
    assert written
    temporary = [line for line in trace.read_text().splitlines() if re.search(r'"/(tmp|var/tmp|dev/shm)/', line)]
    assert [line for line in temporary if "O_CREAT" in line or "mkdir" in line] == []


@every_check
def test_50_no_history_means_that_nothing_is_written(name: str, state: Path) -> None:
    done = replay(name, "ok", state, "--no-history")
    assert (done.code, done.text, done.stderr) == (0, expected_text(name, "ok"), b"")
    assert [path for path in state.iterdir() if path.suffix != ".lock"] == []


@every_check
def test_a_lock_that_is_never_released_is_waited_for_no_longer_than_allowed(name: str, state: Path) -> None:
    replay(name, "ok", state)
    with closing(sqlite3.connect(history(state))) as other:
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        assert_not_saved(replay(name, "ok", state, "-t", "3"), name, ".*locked")
        assert time.monotonic() - start < 3
