"""Vendor tools that hang, crash, flood, lack rights or words, and where they are found: a program replays them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.hung_mount import HungMount
from conformance.processes import no_descendants_left
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk, PaperVolume
from lab.paper_smartctl import smartctl
from lab.paper_storcli import storcli
from lab.paper_storcli_text import storcli_text
from lab.replay_tool import ReplayTool, capture, compile_replay_tool
from support import PLAIN_ENVIRONMENT, Ran, check, run

pytestmark = pytest.mark.needs("gcc")

HEALTHY = [PaperController()]
FINE = "MEGARAID OK - PERC H730P Mini: 1 volume, 4 disks"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_replay_tool(tmp_path_factory.mktemp("program"))


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter and only root may write to. What the check keeps for root goes with it."""
    kept = Path("/run/undergoal").exists()
    path = Path(tempfile.mkdtemp(prefix="undergoal-raid-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
    if not kept:
        shutil.rmtree("/run/undergoal", ignore_errors=True)


@pytest.fixture
def storcli64(place: Path, program: Path) -> ReplayTool:
    return ReplayTool(place, "storcli64", program).says(storcli(HEALTHY))


@pytest.fixture
def megacli64(place: Path, program: Path) -> ReplayTool:
    return ReplayTool(place, "MegaCli64", program).says(megacli(HEALTHY))


def ask(tool: ReplayTool, *options: str) -> Ran:
    """The check with this tool, no child of it left."""
    with no_descendants_left():
        done = check("megaraid", "--no-history", "--tool-path", str(tool.path), *options)
    assert done.stderr == b""
    return done


def test_calls_of_a_healthy_megacli(megacli64: ReplayTool) -> None:
    assert ask(megacli64).text == f"{FINE} (MegaCli64)"
    assert len(megacli64.calls) == len(set(megacli64.calls)) == 7


def test_calls_of_a_healthy_storcli(storcli64: ReplayTool) -> None:
    assert ask(storcli64).text == f"{FINE} (storcli64)"
    assert len(storcli64.calls) == len(set(storcli64.calls)) == 5


def test_drives_with_and_without_an_enclosure_take_one_call_more(place: Path, program: Path) -> None:
    mixed = [PaperController(disks=[PaperDisk(0), PaperDisk(1), PaperDisk(2, enclosure=None)])]
    tool = ReplayTool(place, "storcli64", program).says(storcli(mixed))
    assert ask(tool).code == 0
    assert len(tool.calls) == len(set(tool.calls)) == 6


def test_progress_is_asked_for_only_when_there_is_some(place: Path, program: Path) -> None:
    rebuilding = [
        PaperController(
            volumes=[PaperVolume(state="Pdgd")],
            disks=[PaperDisk(0), PaperDisk(1), PaperDisk(2, state="Rbld", progress=(37, 60))],
        )
    ]
    tool = ReplayTool(place, "MegaCli64", program).says(megacli(rebuilding))
    assert ask(tool).code == 1
    assert tool.calls[7:] == ["-PDRbld -ShowProg -PhysDrv[252:2] -a0 -NoLog"]


def test_smart_is_asked_once_per_disk(storcli64: ReplayTool, place: Path, program: Path) -> None:
    smart_tool = ReplayTool(place, "smartctl", program).says(smartctl(HEALTHY))
    assert ask(storcli64, "--smartctl", str(smart_tool.path)).code == 0
    assert sorted(smart_tool.calls) == [f"-j -x -d megaraid,{number} /dev/bus/0" for number in range(4)]


# --- a controller that is dead ---


@pytest.mark.needs("unshare", "gcc")
def test_a_tool_that_cannot_be_killed_is_not_started_again(storcli64: ReplayTool, place: Path) -> None:
    """In true D state: it looks at a file system that never answers."""
    mount = HungMount(place / "mnt")
    dead = place / "dead"
    script = place / "bin" / "storcli64"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n[ ! -e {dead} ] || exec stat {mount.sub}\nexec {storcli64.path} "$@"\n')
    script.chmod(0o755)
    state = place / "state"
    state.mkdir(mode=0o700)

    def ask_again() -> Ran:
        return check("megaraid", "--state-dir", str(state), "-t3", "--tool-path", str(script), "--no-smart")

    def stuck() -> list[str]:
        shown = run(["pgrep", "-f", f"^stat {mount.sub}$"])
        return shown.output.split()

    try:
        before = ask_again()
        mount.hang()
        dead.touch()
        first, second, third = ask_again(), ask_again(), ask_again()
        left = stuck()
    finally:
        mount.close()
    dead.unlink()
    after = ask_again()
    assert (before.code, before.text) == (after.code, after.text) == (0, f"{FINE} (storcli64)")
    assert (first.code, first.text) == (3, "MEGARAID UNKNOWN - storcli64 did not answer /call show all in time")
    assert first.seconds < 4
    assert len(left) == 1
    for ran in (second, third):
        assert ran.code == 3
        assert re.fullmatch(rf"MEGARAID UNKNOWN - storcli64 still blocked for \d+ s in process {left[0]}", ran.text)
        step = "look at dmesg: the controller does not answer; it goes on by itself once it does, else after a reboot"
        assert ran.rest == [f"next: {step}"]
        assert ran.seconds < 1
    assert stuck() == []


THREADED = """
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
static void *look(void *path) { struct stat found; stat(path, &found); return 0; }
int main(void) { pthread_t thread; pthread_create(&thread, 0, look, "%s"); pause(); }
"""
STEP = "next: look at dmesg: the controller does not answer; it goes on by itself once it does, else after a reboot"


def processes(named: str) -> list[str]:
    """The pids of all of this name, also of those that are killed and not gone."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        if f"({named})" in text:
            found.append(entry.parent.name)
    return found


@pytest.fixture
def hung(place: Path) -> Iterator[HungMount]:
    mount = HungMount(place / "mnt")
    mount.hang()
    yield mount
    mount.close()


def remembering(place: Path, *options: str) -> Ran:
    state = place / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    return check("megaraid", "--state-dir", str(state), "-t3", *options)


def hanging(place: Path, name: str, pattern: str, hung: HungMount, tool: ReplayTool) -> str:
    """A tool of which the commands that match hang in D state, while there is a file "dead"."""
    (place / "dead").touch()
    script = place / "hanging" / name
    script.parent.mkdir()
    stuck = f"[ ! -e {place}/dead ] || exec stat {hung.sub}"
    script.write_text(f'#!/bin/sh\ncase "$*" in {pattern}) {stuck};; esac\nexec {tool.path} "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_a_tool_with_a_thread_that_cannot_be_killed_is_not_started_again(place: Path, hung: HungMount) -> None:
    """Its first thread does end, so that it looks like a zombie."""
    name = f"raid{os.getpid()}"  # of no other test
    (place / "threaded.c").write_text(THREADED % hung.sub)
    assert run(["gcc", "-pthread", "-o", str(place / name), str(place / "threaded.c")]).code == 0
    options = ("--tool", "storcli", "--tool-path", str(place / name), "--no-smart")
    first, second = remembering(place, *options), remembering(place, *options)
    (left,) = processes(name)
    assert (first.code, first.text) == (3, f"MEGARAID UNKNOWN - {name} did not answer /call show all in time")
    assert second.code == 3
    assert re.fullmatch(rf"MEGARAID UNKNOWN - {name} still blocked for \d+ s in process {left}", second.text)


def test_one_disk_that_is_stuck_is_not_asked_again_and_the_others_are(
    storcli64: ReplayTool, place: Path, program: Path, hung: HungMount
) -> None:
    tool = ReplayTool(place, "smartctl", program).says(smartctl(HEALTHY))
    path = hanging(place, "smartctl", "*megaraid,2*", hung, tool)
    options = ("--tool-path", str(storcli64.path), "--smartctl", path)
    first, second = remembering(place, *options), remembering(place, *options)
    left = run(["pgrep", "-f", f"^stat {hung.sub}$"]).output.split()
    hung.close()
    (place / "dead").unlink()
    after = remembering(place, *options)
    told = r"MEGARAID UNKNOWN - c0 e252:s2 \(Z1Z00002\) SMART unreadable, smartctl: "
    assert (first.code, second.code, len(left)) == (3, 3, 1)
    assert re.fullmatch(f"{told}did not answer in time; 3 ok", first.text)
    assert re.fullmatch(rf"{told}still blocked for \d+ s in process {left[0]}; 3 ok", second.text)
    assert second.rest[:1] == [STEP]
    assert (after.code, after.text) == (0, f"{FINE} (storcli64)")


def test_a_scan_that_is_stuck_is_not_started_again_and_never_fine(place: Path, program: Path, hung: HungMount) -> None:
    """Whoever could not look does not know that there is no controller, with --absent-ok least of all."""
    tool = ReplayTool(place, "smartctl", program).says(smartctl(HEALTHY))
    options = ("--tool", "none", "--absent-ok", "--smartctl", hanging(place, "smartctl", "*--scan*", hung, tool))
    first, second = remembering(place, *options), remembering(place, *options)
    left = run(["pgrep", "-f", f"^stat {hung.sub}$"]).output.split()
    assert (first.code, first.text) == (3, "MEGARAID UNKNOWN - smartctl did not say which disks there are")
    assert (second.code, len(left)) == (3, 1)
    assert re.fullmatch(rf"MEGARAID UNKNOWN - smartctl still blocked for \d+ s in process {left[0]}", second.text)
    assert second.rest[:1] == [STEP]


# --- rights ---


def test_exit_code_0_alone_is_no_good_news(megacli64: ReplayTool) -> None:
    """Without root MegaCli prints this to every command, and exits with 0."""
    megacli64.says(dict.fromkeys(megacli(HEALTHY), "\nExit Code: 0x00\n"))
    done = ask(megacli64)
    assert done.code == 3
    assert done.text.startswith(
        "MEGARAID UNKNOWN - MegaCli64 said nothing to -LDInfo -Lall, as it does without the rights"
    )
    assert "next: run the same command as root; to let this check do so: check_megaraid --sudoers" in done.rest


@pytest.mark.parametrize("tool", ["MegaCli64", "storcli64"])
def test_nothing_at_all_is_no_good_news(tool: str, place: Path, program: Path) -> None:
    answers = megacli(HEALTHY) if tool == "MegaCli64" else storcli(HEALTHY)
    done = ask(ReplayTool(place, tool, program).says(dict.fromkeys(answers, "")))
    assert done.code == 3
    assert done.text.startswith(f"MEGARAID UNKNOWN - {tool} said nothing at all to ")


def test_no_controller(storcli64: ReplayTool) -> None:
    nothing = (
        '{"Controllers": [{"Command Status": {"CLI Version": "007.1020", "Status": "Failure",'
        ' "Description": "No Controller found"}}]}'
    )
    storcli64.says(dict.fromkeys(storcli(HEALTHY), nothing)).does("/call show all nolog J", "status", "8")
    done = ask(storcli64)
    assert (done.code, done.text) == (
        3,
        "MEGARAID UNKNOWN - storcli64 finds no controller; as a user without rights it finds none either",
    )
    assert len(storcli64.calls) == 1
    assert ask(storcli64, "--absent-ok").code == 0


# --- crashes, floods, silence ---


def test_a_crash_in_one_command_leaves_the_others(megacli64: ReplayTool) -> None:
    """MegaCli on recent cards dies of the battery."""
    words = "-AdpBbuCmd -aALL -NoLog"
    answers = {words: megacli(HEALTHY)[words].split("BBU Firmware Status")[0]}
    megacli64.says(answers).does(words, "signal", "11")
    done = ask(megacli64)
    assert (done.code, done.text) == (3, "MEGARAID UNKNOWN - MegaCli64 crashed (signal 11) at -AdpBbuCmd; 4 ok")


def test_a_crash_does_not_hide_what_burns(place: Path, program: Path) -> None:
    burning = [PaperController(volumes=[PaperVolume(level="RAID1", state="Dgrd")])]
    tool = (
        ReplayTool(place, "MegaCli64", program).says(megacli(burning)).does("-AdpBbuCmd -aALL -NoLog", "signal", "11")
    )
    done = ask(tool)
    assert (done.code, done.text) == (
        2,
        "MEGARAID CRITICAL - c0 v0 RAID1 degraded, not rebuilding; MegaCli64 crashed (signal 11) at -AdpBbuCmd; 4 ok",
    )


@pytest.mark.parametrize("status", [1, 34, 46, 255])
def test_exit_codes_alone_mean_nothing(status: int, megacli64: ReplayTool, storcli64: ReplayTool) -> None:
    """Content counts: storcli exits 46 for one dead slot, MegaCli 34 without a battery."""
    for tool, answers in ((megacli64, megacli(HEALTHY)), (storcli64, storcli(HEALTHY))):
        for words in answers:
            tool.does(words, "status", str(status))
        assert ask(tool).code == 0


def test_an_endless_answer_is_cut(storcli64: ReplayTool) -> None:
    storcli64.does("/call/cv show all nolog J", "endless")
    done = ask(storcli64)
    assert done.code == 3
    assert done.text == "MEGARAID UNKNOWN - storcli64 answered more than 4194304 bytes to /call/cv show all; 4 ok"


def test_what_was_read_in_time_is_judged(place: Path, program: Path) -> None:
    burning = [PaperController(disks=[PaperDisk(0), PaperDisk(1, state="Failed", celsius=None)])]
    tool = ReplayTool(place, "MegaCli64", program).says(megacli(burning)).does("-AdpBbuCmd -aALL -NoLog", "hang")
    done = ask(tool, "-t", "2")
    assert (done.code, done.text) == (
        2,
        "MEGARAID CRITICAL - c0 e252:s1 (Z1Z00001) failed; MegaCli64 did not answer -AdpBbuCmd in time; 1 ok",
    )
    assert done.seconds < 3
    assert len(tool.calls) == 7


def test_the_words_before_a_hang_count(place: Path, program: Path) -> None:
    """It prints half of the list, and waits for the disk that is dead."""
    burning = [PaperController(disks=[PaperDisk(0), PaperDisk(1, state="Failed", celsius=None)])]
    tool = ReplayTool(place, "MegaCli64", program).says(megacli(burning)).does("-PDList -aALL -NoLog", "hang")
    done = ask(tool, "-t", "2")
    assert done.code == 2
    assert "c0 e252:s1 (Z1Z00001) failed" in done.text
    assert "MegaCli64 did not answer -PDList in time" in done.text


def test_everything_hangs(storcli64: ReplayTool) -> None:
    for words in storcli(HEALTHY):
        (storcli64.answers / words.replace("/", "_").replace(" ", "_")).unlink()
        storcli64.does(words, "hang")
    done = ask(storcli64, "-t", "1")
    assert (done.code, done.text) == (3, "MEGARAID UNKNOWN - storcli64 did not answer /call show all in time")
    assert done.seconds < 2


def test_a_disk_that_smartctl_hangs_on_delays_no_other(storcli64: ReplayTool, place: Path, program: Path) -> None:
    smart_tool = ReplayTool(place, "smartctl", program).says(smartctl(HEALTHY))
    smart_tool.does("-j -x -d megaraid,2 /dev/bus/0", "hang")
    done = ask(storcli64, "--smartctl", str(smart_tool.path), "-t", "2")
    assert (done.code, done.text) == (
        3,
        "MEGARAID UNKNOWN - c0 e252:s2 (Z1Z00002) SMART unreadable, smartctl: did not answer in time; 3 ok",
    )
    assert done.perfdata["c0_e252_s3_pending_sectors"] == "0;0;;0"
    assert done.seconds < 3


def test_disks_are_asked_side_by_side(place: Path, program: Path) -> None:
    many = [PaperController(disks=[PaperDisk(slot) for slot in range(24)])]
    vendor = ReplayTool(place, "storcli64", program).says(storcli(many))
    slow = ReplayTool(place, "smartctl", program).says(smartctl(many))
    for words in smartctl(many):
        slow.does(words, "delay", "100")
    alone = min(ask(vendor, "--no-smart").seconds for _ in range(3))
    with_smart = min(ask(vendor, "--smartctl", str(slow.path)).seconds for _ in range(3))
    print(f"24 disks at 100 ms: {with_smart - alone:.2f} s")
    assert with_smart - alone <= 0.5


# --- versions that do not know a word ---


def test_a_megacli_without_nolog(place: Path, program: Path) -> None:
    answers = {words.removesuffix(" -NoLog"): text for words, text in megacli(HEALTHY).items()}
    tool = ReplayTool(place, "MegaCli64", program).says(answers)
    assert ask(tool).text == f"{FINE} (MegaCli64)"
    assert len(tool.calls) == len(set(tool.calls)) == 8  # the first one twice, with and without it


def test_a_storcli_without_nolog(place: Path, program: Path) -> None:
    answers = {words.replace(" nolog", ""): text for words, text in storcli(HEALTHY).items()}
    refusals = dict.fromkeys(storcli(HEALTHY), "syntax error, unexpected TOKEN_UNKNOWN, expecting $end\n")
    tool = ReplayTool(place, "storcli64", program).says({**refusals, **answers})
    assert ask(tool).text == f"{FINE} (storcli64)"
    assert len(tool.calls) == len(set(tool.calls)) == 6


def test_a_storcli_that_answers_in_text_whatever_it_is_asked(place: Path, program: Path) -> None:
    answers = {f"{words} J": text for words, text in storcli_text(storcli(HEALTHY)).items()}
    assert ask(ReplayTool(place, "storcli64", program).says(answers)).text == f"{FINE} (storcli64)"


def test_a_command_that_is_too_new_is_said(place: Path, program: Path) -> None:
    answers = megacli(HEALTHY)
    del answers["-GetPreservedCacheList -aALL -NoLog"]
    done = ask(ReplayTool(place, "MegaCli64", program).says(answers), "-v")
    assert (done.code, done.text) == (0, f"{FINE} (MegaCli64)")
    assert "not seen: MegaCli64 does not know -GetPreservedCacheList -aALL" in done.rest


@pytest.mark.parametrize("words", ["-LDInfo -Lall -aALL -NoLog", "-PDList -aALL -NoLog", "-AdpAllInfo -aALL -NoLog"])
def test_no_verdict_without_the_lists(words: str, place: Path, program: Path) -> None:
    answers = megacli(HEALTHY)
    del answers[words]
    done = ask(ReplayTool(place, "MegaCli64", program).says(answers))
    assert done.code == 3
    assert f"MegaCli64 does not know {words.removesuffix(' -aALL -NoLog')}" in done.text


def test_no_verdict_without_the_first_answer_of_storcli(place: Path, program: Path) -> None:
    done = ask(ReplayTool(place, "storcli64", program))
    assert (done.code, done.text) == (3, "MEGARAID UNKNOWN - storcli64 does not know /call show all")


# --- which tool, and where it works ---


@pytest.mark.parametrize(
    ("here", "options", "used"),
    [
        (("storcli64", "perccli64", "MegaCli64"), (), "storcli64"),
        (("perccli64", "MegaCli64"), (), "perccli64"),
        (("MegaCli64",), (), "MegaCli64"),
        (("storcli64", "perccli64", "MegaCli64"), ("--tool", "perccli"), "perccli64"),
        (("storcli64", "perccli64", "MegaCli64"), ("--tool", "megacli"), "MegaCli64"),
    ],
)
def test_the_preferred_tool_is_used_and_named(
    here: tuple[str, ...], options: tuple[str, ...], used: str, tmp_path: Path
) -> None:
    for tool in here:
        capture(tmp_path, tool, megacli(HEALTHY) if tool == "MegaCli64" else storcli(HEALTHY))
    done = check("megaraid", "--root", str(tmp_path), "--no-history", *options)
    assert done.text == f"{FINE} ({used})"


def test_a_tool_that_sees_nothing_gives_way_to_one_that_does(tmp_path: Path) -> None:
    """storcli does not know the newest cards, storcli2 knows only those, and MegaCli the oldest."""
    nothing = '{"Controllers": [{"Command Status": {"Status": "Failure", "Description": "No Controller found"}}]}'
    capture(tmp_path, "storcli64", dict.fromkeys(storcli(HEALTHY), nothing))
    capture(tmp_path, "MegaCli64", megacli(HEALTHY))
    assert check("megaraid", "--root", str(tmp_path), "--no-history").text == f"{FINE} (MegaCli64)"


def test_a_tool_that_is_not_there(tmp_path: Path) -> None:
    done = check("megaraid", "--no-history", "--tool-path", str(tmp_path / "storcli64"))
    assert done.code == 3
    assert done.text.startswith("MEGARAID UNKNOWN - MegaRAID no program at ")
    done = check("megaraid", "--no-history", "--tool", "megacli")
    assert (done.code, done.text) == (3, "MEGARAID UNKNOWN - MegaRAID no megacli here")


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_root_does_not_run_what_others_may_write(mode: int, storcli64: ReplayTool) -> None:
    storcli64.path.chmod(mode)
    done = ask(storcli64)
    assert done.code == 3
    assert done.text.startswith("MEGARAID UNKNOWN - storcli64 is not run as root: ")
    assert storcli64.calls == []


def test_root_does_not_run_what_belongs_to_others(storcli64: ReplayTool) -> None:
    os.chown(storcli64.path, 65534, 65534)
    assert ask(storcli64).code == 3
    assert storcli64.calls == []


def test_logs_of_root_stay_where_nobody_else_can_put_a_link(megacli64: ReplayTool, place: Path) -> None:
    """Each tool writes MegaSAS.log into its directory, through any symbolic link that stands there."""
    for words in megacli(HEALTHY):
        megacli64.does(words, "log")
    trap = place / "trap"
    trap.mkdir()
    target = place / "target"
    target.write_text("untouched")
    (trap / "MegaSAS.log").symlink_to(target)
    done = check("megaraid", "--no-history", "--tool-path", str(megacli64.path), cwd=trap)
    assert done.code == 0
    assert target.read_text() == "untouched"
    status = os.lstat("/run/undergoal")
    assert (status.st_uid, status.st_mode & 0o777) == (0, 0o700)
    assert os.listdir("/run/undergoal") == ["MegaSAS.log"]
    assert not Path("/MegaSAS.log").exists()


def test_children_get_a_plain_environment(storcli64: ReplayTool) -> None:
    done = check(
        "megaraid",
        "--no-history",
        "--tool-path",
        str(storcli64.path),
        environment={**PLAIN_ENVIRONMENT, "LC_ALL": "de_DE.UTF-8"},
    )
    assert done.code == 0
