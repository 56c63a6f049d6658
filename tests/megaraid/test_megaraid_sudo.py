"""Rights: the rules that --sudoers prints, under the real sudo, and the wrapper for old ones.

In a mount namespace with a sudoers file of its own, as nobody.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.paper_megacli import megacli
from lab.paper_raid import PaperController, PaperDisk
from lab.paper_smartctl import smartctl
from lab.paper_storcli import storcli, storcli2
from lab.replay_tool import ReplayTool, compile_replay_tool
from support import PROJECT, Ran, check, command, run

from checks.megaraid.tools import MEGACLI, STORCLI, megacli_commands

pytestmark = pytest.mark.needs("gcc", "sudo", "visudo", "unshare", "setpriv", "mount")

REBUILDING = [PaperController(disks=[PaperDisk(0), PaperDisk(1), PaperDisk(2, state="Rbld", progress=(37, 95))])]
SAID = "WARNING - c0 e252:s2 (Z1Z00002) rebuild 37 %"
TOOLS = {"MegaCli64": megacli, "storcli64": storcli, "storcli2": storcli2}
WRAPPER = PROJECT / "contrib" / "sudoers.d" / "undergoal-megaraid"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of root's that everybody may enter, with all tools."""
    path = Path(tempfile.mkdtemp(prefix="undergoal-raid-"))
    path.chmod(0o755)
    program = compile_replay_tool(path)
    for name, answers in TOOLS.items():
        tool = ReplayTool(path, name, program).says(answers(REBUILDING))
        for words in answers(REBUILDING):
            tool.does(words, "log")
    ReplayTool(path, "smartctl", program).says(smartctl(REBUILDING))
    yield path
    shutil.rmtree(path)


def rules(place: Path, tool: str, *options: str) -> Path:
    """The file that --sudoers prints for nobody."""
    argv = ["--sudoers", "--state-user", "nobody", "--tool-path", f"{place}/{tool}", "--smartctl", f"{place}/smartctl"]
    done = check("megaraid", *argv, *options)
    assert (done.code, done.stderr) == (3, b"")
    file = place / "rules"
    file.write_bytes(done.stdout)
    file.chmod(0o440)
    return file


def as_nobody(file: Path, script: str, scratch: bool = True) -> Ran:
    """Run a script where these are all the sudo rules there are; $nobody before a command makes it nobody's."""
    made = "mkdir -p -m 755 /var/lib/undergoal; install -d -m 0700 /var/lib/undergoal/scratch" if scratch else ":"
    lines = [
        "set -e; mount -t tmpfs -o mode=755 tmpfs /var/lib",
        made,
        f"mount --bind {file} /etc/sudoers; mount -t tmpfs -o mode=755 tmpfs /etc/sudoers.d",
        "mount -t tmpfs -o mode=755 tmpfs /run; set +e",
        "nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'",
        script,
    ]
    return run(["unshare", "--mount", "sh", "-c", "\n".join(lines)])


def asking(place: Path, tool: str, *options: str) -> str:
    """The command line of the check, as nobody."""
    argv = [
        *command("check_megaraid"),
        "--no-history",
        "--tool-path",
        f"{place}/{tool}",
        "--smartctl",
        f"{place}/smartctl",
    ]
    return f"$nobody {shlex.join([*argv, *options])}"


@pytest.mark.parametrize("tool", TOOLS)
def test_visudo_accepts_the_rules(tool: str, place: Path) -> None:
    file = rules(place, tool)
    done = run(["visudo", "-cf", str(file)])
    assert (done.code, done.output) == (0, f"{file}: parsed OK\n")
    assert "*" not in file.read_text().replace("[0-9]*", "")
    assert all(line.startswith(("#", "nobody ALL=(root) CWD=")) for line in file.read_text().splitlines())


@pytest.mark.parametrize("tool", TOOLS)
def test_the_rules_are_what_the_check_needs(tool: str, place: Path) -> None:
    done = as_nobody(
        rules(place, tool), f"{asking(place, tool)}; stat -c '%U %a' /var/lib/undergoal/scratch/MegaSAS.log"
    )
    text, _, rest = done.output.partition(" | ")
    words = "WARNING - c0 e252:s2 (Z1Z00002) rebuild" if tool == "storcli2" else SAID
    assert text.startswith(f"MEGARAID {words}")
    assert text.endswith("; 2 ok")
    assert "c0_e252_s1_pending_sectors=0" in rest
    assert done.output.endswith("root 600\n")  # its log is root's, where nobody else can put a link


@pytest.mark.parametrize(
    "words",
    [
        ["MegaCli64", "-PDList", "-aALL", "-NoLog", "-extra"],
        ["MegaCli64", "-CfgForeign", "-Clear", "-aALL", "-NoLog"],
        ["MegaCli64", "-PDRbld", "-Stop", "-PhysDrv[252:2]", "-a0", "-NoLog"],
        ["MegaCli64", "-PDRbld", "-ShowProg", "-PhysDrv[252:2] -x", "-a0", "-NoLog"],
        ["MegaCli64"],
        ["smartctl", "-s", "off", "/dev/sda"],
        ["smartctl", "-j", "-x", "-d", "megaraid,1", "-s", "off", "/dev/bus/0"],
        ["smartctl", "-j", "-x", "-d", "megaraid,1", "/dev/bus/0/../../etc/shadow"],
        ["smartctl", "-j", "-x", "-n", "standby", "/dev/sda -s off"],
        ["sh", "-c", "id"],
    ],
)
def test_the_rules_permit_nothing_else(words: list[str], place: Path) -> None:
    shutil.copy("/bin/sh", place / "sh")
    script = f"$nobody sudo -n {shlex.join([f'{place}/{words[0]}', *words[1:]])} 2>&1"
    done = as_nobody(rules(place, "MegaCli64"), script)
    assert done.code == 1
    assert "sudo: a password is required" in done.output


def test_without_rules_it_is_unknown_and_says_what_grants_it(place: Path) -> None:
    file = place / "rules"
    file.write_text("# none\n")
    file.chmod(0o440)
    done = as_nobody(file, asking(place, "storcli64"))
    assert done.code == 3
    assert done.text == "MEGARAID UNKNOWN - storcli64 may not be asked: sudo: a password is required"
    assert "to let it look, as root: check_megaraid --sudoers > /etc/sudoers.d/undergoal" in done.rest


def test_without_its_directory_sudo_asks_nobody(place: Path) -> None:
    done = as_nobody(rules(place, "storcli64"), asking(place, "storcli64"), scratch=False)
    assert done.code == 3
    assert done.text == (
        "MEGARAID UNKNOWN - storcli64 may not be asked: sudo finds no /var/lib/undergoal/scratch, where it is to work"
    )
    assert "next: install -d -m 0700 /var/lib/undergoal/scratch" in done.rest


def test_a_tool_that_hangs_is_ended_by_sudo(place: Path) -> None:
    """It is root's: the check can only ask sudo to."""
    file = rules(place, "storcli64")
    hanging = place / "storcli64.d" / "_call_cv_show_all_nolog_J.hang"
    hanging.write_text("")
    still = f"pgrep -fc '^{place}/storcli64'"
    done = as_nobody(file, f"{asking(place, 'storcli64', '-t', '2')}; {still}")
    assert done.text.startswith("MEGARAID UNKNOWN - storcli64 did not answer /call/cv show all in time")
    assert done.rest[-1] == "0"


def test_a_check_that_is_killed_takes_along_what_sudo_runs(place: Path) -> None:
    """As an engine does that has lost patience: the kernel asks sudo to end it then."""
    file = rules(place, "storcli64")
    (place / "storcli64.d" / "_call_cv_show_all_nolog_J.hang").write_text("")
    still = f"pgrep -fc '^{place}/storcli64'"
    waiting = f"{asking(place, 'storcli64', '-t', '20')} & sleep 1.5"
    done = as_nobody(file, f"{waiting}; {still}; kill -9 $!; sleep 1; {still}")
    assert done.output == "1\n0\n"


def test_what_does_not_end_when_asked_ends_by_its_rule(place: Path) -> None:
    """A tool that waits for its controller ignores SIGTERM; sudo stays to end it after the TIMEOUT."""
    file = rules(place, "storcli64")
    file.write_text(file.read_text().replace("TIMEOUT=60", "TIMEOUT=3"))
    (place / "storcli64.d" / "_call_cv_show_all_nolog_J.hang").write_text("")
    (place / "storcli64.d" / "_call_cv_show_all_nolog_J.stubborn").write_text("")
    still = f"pgrep -fc '^{place}/storcli64'"
    done = as_nobody(file, f"{asking(place, 'storcli64', '-t', '2')}; {still}; sleep 6; {still}")
    assert done.text.startswith("MEGARAID UNKNOWN - storcli64 did not answer /call/cv show all in time")
    assert done.rest[-2:] == ["1", "0"]


def wrapper(place: Path) -> Path:
    """The wrapper with the tools of the test."""
    content = WRAPPER.read_text()
    usual = content.split('TOOLS="')[1].split('"')[0]
    path = place / "wrapper"
    path.write_text(content.replace(usual, " ".join(f"{place}/{name}" for name in (*TOOLS, "smartctl"))))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("tool", ["MegaCli64", "storcli64"])
def test_the_wrapper_for_an_old_sudo(tool: str, place: Path) -> None:
    option = ("--sudo-wrapper", str(wrapper(place)))
    file = rules(place, tool, *option)
    assert run(["visudo", "-cf", str(file)]).code == 0
    done = as_nobody(file, f"{asking(place, tool, *option)}; stat -c '%U %a' /run/undergoal")
    assert done.text.startswith(f"MEGARAID {SAID}")
    assert done.text.endswith("; 2 ok")
    assert done.output.endswith("root 700\n")


def permitted(place: Path, words: list[str]) -> bool:
    done = subprocess.run([str(wrapper(place)), *words], capture_output=True, check=False)
    refused = done.returncode == 1 and done.stderr == b"undergoal-megaraid: not permitted\n"
    assert refused or not done.stderr, done
    return not refused


def test_the_wrapper_permits_what_the_check_asks_and_nothing_else(place: Path) -> None:
    asked = {"MegaCli64": megacli(REBUILDING), "storcli64": storcli(REBUILDING), "smartctl": smartctl(REBUILDING)}
    for tool, answers in asked.items():
        for words in answers:
            assert permitted(place, [f"{place}/{tool}", *words.split(" ")]), words
            assert not permitted(place, [f"{place}/{tool}", *words.split(" "), "x"]), words
            assert not permitted(place, [f"{place}/{tool}", *words.split(" "), "\nx"]), words
            assert not permitted(place, [f"{place}/{tool}", f"x\n{words}"]), words
            assert not permitted(place, ["/bin/echo", *words.split(" ")]), words
    for refused in (
        [],
        [f"{place}/smartctl"],
        [f"{place}/smartctl", "-j", "-x", "-d", "megaraid,0", "-s", "off", "/dev/bus/0"],
        [f"{place}/storcli64", "/c0/e252/s0", "set", "offline"],
        [f"{place}/MegaCli64", "-CfgClr", "-aALL"],
        [f"{place}/../{place.name}/smartctl", "-j", "--scan"],
    ):
        assert not permitted(place, refused), refused


def test_the_rules_name_every_command() -> None:
    """A command that is added to the check is added to the rules: they are made from the same list."""
    from checks.megaraid.sudoers import rules as made
    from checks.megaraid.tools import Tool

    lines = made([Tool("/x/MegaCli64", MEGACLI), Tool("/x/storcli64", STORCLI)], "/x/smartctl")
    for words in megacli_commands():
        assert f"/x/MegaCli64 {' '.join(words)}" in lines
    assert len(lines) == len(set(lines))


# --- tools that are there, and not for this user ---

VENDOR = "/opt/MegaRAID/storcli"
CLOSED = "MEGARAID UNKNOWN - MegaRAID cannot be asked: {} is not open to nobody"
NEXT = "next: run the same command as root; to let this check do so: check_megaraid --sudoers"


def installed(place: Path, closed: str, script: str) -> Ran:
    """Run a script as nobody, without sudo rules, where a tool is at a vendor's place of which ``closed`` is 0700."""
    lines = [
        f"mount -t tmpfs -o mode=755 tmpfs /opt; mkdir -p {VENDOR}",
        f"install -m 755 {place}/storcli64 {VENDOR}/; chmod 0700 {closed}",
        script,
    ]
    file = place / "none"
    file.touch(0o440)
    return as_nobody(file, "\n".join(lines))


def plainly(*options: str) -> str:
    return f"$nobody {shlex.join([*command('check_megaraid'), '--no-history', '--absent-ok', *options])}"


@pytest.mark.parametrize("closed", ["/opt/MegaRAID", VENDOR])
def test_a_vendors_directory_that_is_closed_is_not_a_host_without_controllers(closed: str, place: Path) -> None:
    for options in ((), ("--no-sudo",), ("--tool-path", f"{VENDOR}/storcli64")):
        ran = installed(place, closed, plainly(*options))
        assert (ran.code, ran.line, ran.rest) == (3, CLOSED.format(closed), [NEXT])


def test_a_tool_of_roots_alone_is_asked_through_sudo_or_told(place: Path) -> None:
    tool = f"{VENDOR}/storcli64"
    for options in (("--no-sudo",), ("--no-sudo", "--tool-path", tool)):
        ran = installed(place, tool, plainly(*options))
        assert (ran.code, ran.line, ran.rest) == (3, CLOSED.format(tool), [NEXT])
    for words in ((), ("--tool-path", tool)):
        ran = installed(place, tool, plainly(*words))
        assert (ran.code, ran.text) == (
            3,
            "MEGARAID UNKNOWN - storcli64 may not be asked: sudo: a password is required",
        )


def test_a_closed_place_that_is_no_vendors_is_no_sign_of_one(place: Path) -> None:
    ran = installed(place, "/opt", plainly())
    assert (ran.code, ran.line) == (0, "MEGARAID OK - no MegaRAID controller here")
    ran = installed(place, "/opt", plainly("--tool-path", "/srv/storcli64"))
    assert (ran.code, ran.line) == (3, "MEGARAID UNKNOWN - MegaRAID no program at /srv/storcli64")
