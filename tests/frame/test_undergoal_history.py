"""undergoal history: files of history in, plots out, through the console script; and nothing touched on the way."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Callable
from xml.etree import ElementTree

import pytest
from support import PLAIN_ENVIRONMENT, Ran, command, run

from checks import CHECKS, load
from checks.frame.host import Host
from checks.plots.command import _options
from checks.plots.picture import collect
from perfdata.clock import Clock
from perfdata.series import Series
from perfdata.terminal_plot import terminal

HISTORY = [*command("undergoal"), "history"]
UTC = {**PLAIN_ENVIRONMENT, "TZ": "UTC"}
SVG = "{http://www.w3.org/2000/svg}"
MOOSEFS, BRIDGE = "moosefs-mfsmaster-9421.sqlite", "docker_bridge.sqlite"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A directory for history that nobody else can write to."""
    place = tmp_path / "state"
    place.mkdir(mode=0o700)
    return place


def record(
    path: Path,
    values: Callable[[int], dict[tuple[str, str], float]],
    count: int = 21,
    every: float = 60,
    clock: Clock | None = None,
) -> None:
    """Runs that each recorded some (item, measure) -> value, the last one (0) just now, each so many seconds apart."""
    now = clock or Host().clock()
    for number in range(count - 1, -1, -1):
        moment = now._replace(time=now.time - number * every, uptime=now.uptime - number * every)
        with Series(str(path), moment) as history:
            for (item, measure), value in values(number).items():
                history.append(item, measure, value)
            history.save()


def resync(ago: int) -> dict[tuple[str, str], float]:
    """A steady resync with 1000 copies left."""
    return {("", "work_left"): 1000 + 100 * ago, ("", "regime"): 7}


def history(check: str, state: Path, *arguments: str, environment: dict[str, str] | None = None) -> Ran:
    """Run undergoal history CHECK over a directory, which stays as it is."""
    before = contents(state)
    ran = run([*HISTORY, check, "--state-dir", str(state), *arguments], environment=environment or UTC)
    assert contents(state) == before
    assert ran.stderr == b""
    return ran


def contents(place: Path) -> dict[str, object]:
    """What lies below a directory, to the nanosecond."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.is_file() and path.read_bytes())
        for path in place.rglob("*")
        if not path.is_fifo()
    }


def without_times(output: str) -> str:
    """The output with every time of day alike, and without the line of times below a picture."""
    lines = [line for line in output.splitlines() if not line.endswith("now") and " now " not in line]
    return re.sub(r"\((\w{3} )?\d\d:\d\d\)", "(TIME)", "\n".join(lines) + "\n")


FULL = """\
moosefs mfsmaster-9421: Work left
3000 +'.                     |
     |  '.                   |
     |    ''.                |
     |       '.              |
     |         '.            |
2000 +           ''.         |
     |              '.       |
     |                ''.    |
     |                   '.  |
1000 +                     ''.
     |                       |++-
     |                       | -++---
     |                       |   -+++----
     |                       |    ---++------
   0 +                       |      ---++-------
     +------------------------------------------
          07:45             now            08:15
work left 1000, 100/min at the present rate, done in 7-16 min (08:10)
"""


@pytest.mark.usefixtures("utc")
def test_a_resync_in_full(state: Path) -> None:
    """At a fixed moment, so that not even the times differ."""
    now = Clock(1_800_000_000.0, 100_000.0, "b0")
    record(state / MOOSEFS, resync, clock=now)
    settings = SimpleNamespace(
        state_dir=str(state), state_user=None, target=[], measure=None, item=[], hours=24.0, svg=None
    )
    assert vars(settings).keys() == {option.setting for option in _options()} - {"help", "version"}
    picture = collect(load("moosefs"), settings, now)
    (plot,) = picture.plots
    assert (picture.notes, picture.problems) == ([], [])
    assert terminal(plot, 48).replace(" copies", "") == FULL


def test_a_resync_on_the_command_line(state: Path) -> None:
    record(state / MOOSEFS, resync)
    ran = history("moosefs", state)
    assert ran.code == 0
    lines = ran.output.splitlines()
    assert lines[0] == "moosefs mfsmaster-9421: Work left"
    assert len(lines) == 19
    assert re.search(r" now( |$)", lines[17])
    sentence = r"work left 1000( copies)?, 100/min at the present rate, done in 7-16 min \((\w{3} )?\d\d:\d\d\)"
    assert re.fullmatch(sentence, lines[18])
    assert ran.output.isascii()
    assert max(map(len, lines)) == 80
    assert history("check_moosefs", state).code == 0


def test_bridges_one_after_the_other_the_fullest_first(state: Path) -> None:
    values = {(f"br-{number:x}", "ports"): float(number) for number in range(11)}
    # far apart: the seconds that pass until the picture is drawn must not take a column
    record(state / BRIDGE, lambda _: values, count=3, every=1800)
    ran = history("docker_bridge", state)
    assert ran.code == 0
    lines = ran.output.splitlines()
    titles = [line for line in lines if line.startswith("docker_bridge ")]
    assert titles == [f"docker_bridge br-{number:x}: Bridge ports" for number in range(10, 2, -1)]
    assert lines[-1] == "3 more, each to be had with --item: br-2, br-1, br-0"
    assert lines[19] == ""
    assert without_times(history("docker_bridge", state, "--item", "br-1").output) == ONE_PORT


ONE_PORT = """\
docker_bridge br-1: Bridge ports
1 +'''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
  |
  |
  |
  |
  |
  |
  |
  |
  |
  |
  |
  |
  |
0 +
  +-----------------------------------------------------------------------------
bridge ports 1 of 1023, too early for a forecast
"""


def test_other_measures_are_drawn_without_a_forecast(state: Path) -> None:
    record(state / MOOSEFS, lambda ago: {**resync(ago), ("", "held_by_marked"): 9.0, ("x|\x1b", "odd\n$"): 2.5})
    ran = history("moosefs", state, "--measure", "held_by_marked")
    assert re.search(r"^held by marked disks 9( copies)?, recorded at \d\d:\d\d$", ran.output, re.MULTILINE)
    ran = history("moosefs", state, "--measure", "odd\n$")
    assert (ran.code, ran.line) == (0, "moosefs mfsmaster-9421 x/?: odd ?")


def test_hours(state: Path) -> None:
    record(state / MOOSEFS, resync, count=13, every=600)
    assert "2500" in history("moosefs", state).output
    ran = history("moosefs", state, "--hours", "0.9")
    assert "2500" not in ran.output
    assert ran.code == 0


def test_targets(state: Path) -> None:
    record(state / MOOSEFS, resync, count=2)
    record(state / "moosefs-other_-9421.sqlite", resync, count=2)
    record(state / "moosefs-mfsmaster-9421-net402.sqlite", resync, count=2)
    record(state / "moosefs@0123456789abcdef.sqlite", resync, count=2)
    record(state / "moosefs.sqlite", resync, count=2)
    for name in ("moosefsx.sqlite", "moosefs-a.sqlite.damaged-1", "docker_bridge.sqlite", "moosefs-a.sqlite.lock"):
        (state / name).write_bytes(b"not to be read")

    def titles(*arguments: str) -> list[str]:
        ran = history("moosefs", state, *arguments)
        assert ran.code == 0
        return [line.partition(": ")[0][8:] for line in ran.output.splitlines() if line.startswith("moosefs")]

    everything = titles()
    assert everything == ["mfsmaster-9421-net402", "mfsmaster-9421", "other_-9421", "", "@0123456789abcdef"]
    assert titles("-H", "mfsmaster:9421") == ["mfsmaster-9421-net402", "mfsmaster-9421"]
    assert titles("--target", "other\u00e9", "--target=net402") == ["mfsmaster-9421-net402", "other_-9421"]
    ran = history("moosefs", state, "-H", "elsewhere")
    assert (ran.code, ran.output) == (
        3,
        "UNKNOWN - undergoal history: no target holds elsewhere; there is mfsmaster-9421-net402, mfsmaster-9421,"
        " other_-9421, the one without a target, @0123456789abcdef\n",
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["moosefs"], "moosefs has recorded nothing yet in STATE"),
        (["docker_bridge"], "STATE/docker_bridge.sqlite: no sample of ports; there is nothing yet (--measure)"),
    ],
)
def test_nothing_recorded_yet(state: Path, arguments: list[str], reason: str) -> None:
    Series(str(state / BRIDGE), Host().clock()).__exit__()
    ran = history(arguments[0], state)
    assert (ran.code, ran.output) == (3, f"UNKNOWN - undergoal history: {reason}\n".replace("STATE", str(state)))


def test_no_directory_is_named_and_none_is_made(tmp_path: Path) -> None:
    place = tmp_path / "none" / "below"
    ran = run([*HISTORY, "moosefs"], environment={**UTC, "STATE_DIRECTORY": str(place)})
    assert (ran.code, ran.stderr) == (3, b"")
    assert ran.output == f"UNKNOWN - undergoal history: nothing recorded yet: there is no {place}\n"
    assert not place.parent.exists()


def test_why_there_is_nothing_to_show(state: Path) -> None:
    record(state / BRIDGE, lambda ago: {("docker0", "ports"): 5.0}, count=2)
    path = state / BRIDGE
    for arguments, reason in (
        (["--item", "nope"], "no item nope; ports has docker0"),
        (["--measure", "nope"], "no sample of nope; there is ports (--measure)"),
        (["--hours", "0.000001"], r"no sample of ports in the last 1e-06 hours; the last one is of \S+ \(--hours\)"),
    ):
        ran = history("docker_bridge", state, *arguments)
        pattern = reason if "\\" in reason else re.escape(reason)
        assert ran.code == 3
        assert re.fullmatch(f"UNKNOWN - undergoal history: {re.escape(str(path))}: {pattern}\n", ran.output), ran.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], f"the name of a check comes first ({', '.join(CHECKS)})"),
        (["--hours", "3"], f"the name of a check comes first ({', '.join(CHECKS)})"),
        (["nope"], f"there is no check nope ({', '.join(CHECKS)})"),
        (["a|b\x1b\n"], f"there is no check a/b? ({', '.join(CHECKS)})"),
        (["moosefs", "more"], "unexpected argument more"),
        (["moosefs", "--bogus"], "unknown option --bogus"),
        (["moosefs", "--hours", "0"], "option --hours: '0' is not between 0 and 8784"),
        (["moosefs", "--hours", "1h"], "option --hours: '1h' is not a plain number"),
        (["moosefs", "--svg="], "option --svg: needs a file, or - for stdout"),
        (["moosefs", "--state-dir", "x"], "option --state-dir: needs an absolute path"),
        (["moosefs", "--state-user", "nobody-at-all"], "option --state-user: there is no user nobody-at-all"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_3(arguments: list[str], reason: str) -> None:
    ran = run([*HISTORY, *arguments])
    assert (ran.code, ran.stderr) == (3, b"")
    assert ran.output == f"UNKNOWN - undergoal history: {reason}; see undergoal history --help\n"


@pytest.mark.parametrize("arguments", [["--help"], ["moosefs", "-h"], ["--bogus", "--help"]])
def test_help(arguments: list[str]) -> None:
    ran = run([*HISTORY, *arguments])
    assert (ran.code, ran.stderr) == (3, b"")
    assert ran.output.startswith("usage: undergoal history CHECK [OPTIONS]\n")
    assert max(map(len, ran.output.splitlines())) <= 80
    for option in _options():
        assert all(flag in ran.output for flag in option.flags)
    assert run([*HISTORY, "-V"]).output.startswith("undergoal history 0.")


def test_the_examples_of_help_work(state: Path) -> None:
    record(state / MOOSEFS, lambda ago: {**resync(ago), ("", "held_by_marked"): 9.0}, count=3)
    record(state / BRIDGE, lambda ago: {("docker0", "ports"): 5.0}, count=3)
    examples = re.findall(r"^  (undergoal history .*)$", run([*HISTORY, "--help"]).output, re.MULTILINE)
    assert len(examples) >= 4
    for example in examples:
        words = example.replace("--state-user nagios ", "").split(" > ")[0].split()[1:]
        ran = run([*command("undergoal"), *words], environment={**UTC, "STATE_DIRECTORY": str(state)})
        assert (ran.code, ran.stderr) == (0, b""), example


def test_list_and_help_mention_it() -> None:
    for arguments in (["list"], ["--help"]):
        assert "undergoal history" in run([*command("undergoal"), *arguments]).output


@pytest.mark.parametrize("damage", ["garbage", "symlink", "pipe", "directory", "shared"])
def test_a_file_that_cannot_be_read_hides_no_other_and_is_left_alone(state: Path, damage: str) -> None:
    record(state / "moosefs-b-9421.sqlite", resync, count=3)
    path = state / "moosefs-a-9421.sqlite"
    if damage == "garbage":
        path.write_bytes(os.urandom(5000))
        path.chmod(0o600)
    elif damage == "symlink":
        path.symlink_to(state / "moosefs-b-9421.sqlite")
    elif damage == "pipe":
        os.mkfifo(path, 0o600)
    elif damage == "directory":
        path.mkdir()
    else:
        path.touch()
        path.chmod(0o666)
    reason = {
        "garbage": ": file is not a database",
        "symlink": " is a symbolic link",
        "shared": " is writable by others",
    }.get(damage, " is not a file")
    ran = history("moosefs", state)
    assert (ran.code, ran.line) == (3, "moosefs b-9421: Work left")
    assert ran.output.splitlines()[-1] == f"UNKNOWN - undergoal history: {path}{reason}"
    ran = history("moosefs", state, "-H", "a:9421")
    assert (ran.code, ran.output) == (3, f"UNKNOWN - undergoal history: {path}{reason}\n")


def test_a_directory_that_others_can_write_to_is_refused(state: Path) -> None:
    record(state / MOOSEFS, resync, count=3)
    state.chmod(0o777)
    ran = history("moosefs", state)
    assert (ran.code, ran.output) == (
        3,
        f"UNKNOWN - undergoal history: nothing recorded yet: {state} is writable by others (mode 0777)\n",
    )


def on_a_terminal(state: Path, width: int, **environment: str) -> str:
    """What is printed on a terminal of that many columns (0: it does not know)."""
    control, side = pty.openpty()
    if width:
        subprocess.run(["stty", "cols", str(width), "rows", "24"], stdin=side, check=True)
    argv = [*HISTORY, "moosefs", "--state-dir", str(state)]
    with subprocess.Popen(argv, stdin=side, stdout=side, stderr=side, env={**UTC, **environment}) as process:
        os.close(side)
        printed = b""
        with suppress(OSError):  # the other end was closed
            while data := os.read(control, 4096):
                printed += data
    os.close(control)
    assert process.returncode == 0
    return printed.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_braille_where_it_can_show_them(state: Path) -> None:
    record(state / MOOSEFS, resync)

    def looks(**environment: str) -> tuple[bool, bool]:
        printed = on_a_terminal(state, 100, **environment)
        plain = re.sub(r"\033\[\d+m", "", printed)
        assert max(map(len, plain.splitlines())) == 100
        return "\033[36m" in printed, any("\u2800" < sign < "\u2900" for sign in printed)

    assert looks(TERM="xterm", LANG="C.UTF-8") == (True, True)
    assert looks(TERM="xterm", LANG="", LC_ALL="de_DE.utf8") == (True, True)
    assert looks(TERM="xterm", LANG="C.UTF-8", NO_COLOR="1") == (False, True)
    assert looks(TERM="xterm", LANG="C.UTF-8", LC_ALL="C") == (True, False)
    assert looks(TERM="linux", LANG="C.UTF-8") == (True, False)
    assert looks(TERM="dumb", LANG="C.UTF-8") == (False, False)
    unknown = re.sub(r"\033\[\d+m", "", on_a_terminal(state, 0, TERM="xterm"))
    assert max(map(len, unknown.splitlines())) == 80


def test_svg_to_stdout(state: Path) -> None:
    record(state / MOOSEFS, resync)
    record(state / "moosefs-other-9421.sqlite", resync)
    ran = history("moosefs", state, "--svg", "-")
    assert ran.code == 0
    root = ElementTree.fromstring(ran.output)
    assert len(root.findall(f"{SVG}g")) == 2
    assert len(root.findall(f".//{SVG}polygon")) == 2
    (state / MOOSEFS).write_bytes(os.urandom(5000))
    ran = history("moosefs", state, "--svg=-")
    assert ran.code == 3
    assert f"{state / MOOSEFS}: file is not a database" in "".join(ElementTree.fromstring(ran.output).itertext())


def test_svg_to_a_file_replaces_it_at_once(state: Path, tmp_path: Path) -> None:
    record(state / MOOSEFS, resync)
    path = tmp_path / "x.svg"
    path.write_text("old")
    path.chmod(0o600)
    old = path.stat().st_ino
    umasked = ["sh", "-c", 'umask 027; exec "$@"', "sh", *HISTORY, "moosefs"]
    ran = run([*umasked, "--state-dir", str(state), "--svg", "x.svg"], environment=UTC, cwd=tmp_path)
    assert (ran.code, ran.stderr) == (0, b"")
    assert re.fullmatch(r"moosefs mfsmaster-9421: work left 1000.*\nwritten to x\.svg\n", ran.output)
    assert (path.stat().st_ino != old, path.stat().st_mode & 0o777) == (True, 0o640)
    ElementTree.parse(path)
    assert sorted(os.listdir(tmp_path)) == ["state", "x.svg"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("none/x.svg", "No such file or directory"),
        ("directory", "is not a regular file (- is stdout)"),
        ("link", "is not a regular file (- is stdout)"),
        ("pipe", "is not a regular file (- is stdout)"),
        ("/dev/null", "is not a regular file (- is stdout)"),
        ("/dev/stdout", "is not a regular file (- is stdout)"),
    ],
)
def test_svg_replaces_nothing_but_files(state: Path, tmp_path: Path, target: str, reason: str) -> None:
    record(state / MOOSEFS, resync, count=3)
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(os.listdir(tmp_path))
    path = tmp_path / target
    ran = history("moosefs", state, "--svg", str(path))
    assert (ran.code, ran.output) == (3, f"UNKNOWN - undergoal history: {path}: {reason}\n")
    assert sorted(os.listdir(tmp_path)) == before
    assert Path("/dev/null").is_char_device()


def test_svg_on_a_full_disk_leaves_nothing(state: Path, tmp_path: Path) -> None:
    record(state / MOOSEFS, resync, count=3)
    limited = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *HISTORY, "moosefs"]
    ran = run([*limited, "--state-dir", str(state), "--svg", "x.svg"], environment=UTC, cwd=tmp_path)
    assert (ran.code, ran.output) == (3, "UNKNOWN - undergoal history: x.svg: File too large\n")
    assert os.listdir(tmp_path) == ["state"]


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_output_that_cannot_be_written_is_3(state: Path, where: str) -> None:
    record(state / MOOSEFS, resync, count=3)
    ran = run(["sh", "-c", f'exec "$@" {where}', "sh", *HISTORY, "moosefs", "--state-dir", str(state)], environment=UTC)
    assert ran[:3] == (3, b"", b"")


@pytest.mark.needs("setpriv")
def test_root_reads_the_history_of_a_user(state: Path, tmp_path: Path) -> None:
    record(state / MOOSEFS, resync, count=3)
    for path in (state, state / MOOSEFS):
        os.chown(path, 65534, 65534)
    for path in state.parents:
        if path != Path("/tmp") and path.is_relative_to("/tmp"):
            path.chmod(0o755)
    ran = history("moosefs", state)
    assert (ran.code, ran.output) == (
        3,
        f"UNKNOWN - undergoal history: nothing recorded yet: {state} belongs to another user (uid 65534)\n",
    )
    assert history("moosefs", state, "--state-user", "nobody").code == 0
