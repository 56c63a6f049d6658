"""Configuration that is there and cannot be read: never taken for a host without MooseFS, or for one without stars."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.covered import BROKEN, DENIED, DIRECTORY, as_nobody
from lab.mfs_memory import Watched
from lab.mfs_replica import Chunkserver, Disk, MasterReplica, Scenario

from checks.frame.host import Host
from checks.frame.unread import Reader, Unread
from checks.moosefs import PLUGIN
from checks.moosefs.configured import masters, starred_disks
from checks.moosefs.survey import UnreadConfiguration
from perfdata.outcome import OK

pytestmark = pytest.mark.needs("unshare", "setpriv", "mfsmount")

MFS = "/etc/mfs"
CLIENT, CHUNKSERVER, DISKS = f"{MFS}/mfsmount.cfg", f"{MFS}/mfschunkserver.cfg", f"{MFS}/mfshdd.cfg"
ALONE = ("--no-history", "--absent-ok")


@pytest.fixture(scope="module")
def master() -> Iterator[MasterReplica]:
    with MasterReplica("3.0", Scenario(servers=[Chunkserver("127.0.0.1")])) as replica:
        yield replica


def sudo_line(line: str, purpose: str) -> bool:
    return line.startswith(f"{purpose}, add to sudoers and call it with sudo -n: nobody ALL=(root) NOPASSWD: /")


@pytest.mark.parametrize("path", [CLIENT, CHUNKSERVER])
def test_a_file_that_may_not_be_read_is_not_a_host_without_moosefs(path: str) -> None:
    ran = as_nobody("check_moosefs", *ALONE, over=[MFS], odd={path: DENIED})
    assert (ran.code, ran.line) == (3, f"MOOSEFS UNKNOWN - no master known: {path} may not be read by nobody")
    (step,) = ran.rest
    assert sudo_line(step.removeprefix("next: name the master with -H; "), "to let it")


@pytest.mark.parametrize(("kind", "reason"), [(BROKEN, "Input/output error"), (DIRECTORY, "Is a directory")])
def test_a_file_that_gives_an_error_is_there(kind: str, reason: str) -> None:
    ran = as_nobody("check_moosefs", *ALONE, over=[MFS], odd={CLIENT: kind})
    assert (ran.code, ran.line) == (3, f"MOOSEFS UNKNOWN - no master known: {CLIENT}: {reason}")
    assert ran.rest == [f"next: name the master with -H; look at {CLIENT}"]


def test_no_file_at_all_is_a_host_without_moosefs() -> None:
    ran = as_nobody("check_moosefs", *ALONE, over=[MFS])
    words = "no MooseFS mount, client or chunkserver configured on this host; name the master with -H"
    assert (ran.code, ran.line) == (0, f"MOOSEFS OK - {words}")


def test_the_master_that_is_known_is_judged_and_the_other_file_named(master: MasterReplica) -> None:
    files = {CLIENT: f"mfsmaster=127.0.0.1,mfsport={master.port}\n"}
    ran = as_nobody(
        "check_moosefs", "--no-history", "--only", "chunks", over=[MFS], files=files, odd={CHUNKSERVER: DENIED}
    )
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")
    said, step = ran.rest
    assert said == f"not seen: {CHUNKSERVER} may not be read by nobody"
    assert sudo_line(step, "to see what is in it")


def test_stars_that_may_not_be_seen_are_said_beside_the_verdict(master: MasterReplica) -> None:
    named = ("-H", "127.0.0.1", "-p", str(master.port), "--no-history")
    ran = as_nobody(
        "check_moosefs", *named, "--only", "chunks,marked", over=[MFS], odd={CHUNKSERVER: DENIED, DISKS: DENIED}
    )
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")
    first, second, step = ran.rest
    assert [first, second] == [f"not seen: {path} may not be read by nobody" for path in (CHUNKSERVER, DISKS)]
    assert sudo_line(step, "to see what is in them")
    ran = as_nobody("check_moosefs", *named, "--only", "chunks", over=[MFS], odd={CHUNKSERVER: DENIED, DISKS: DENIED})
    assert (ran.code, ran.text, ran.rest) == (0, "MOOSEFS OK - no undergoal chunks", [])


def test_who_cannot_see_his_own_addresses_cannot_find_a_forgotten_reload(master: MasterReplica) -> None:
    named = ("-H", "127.0.0.1", "-p", str(master.port), "--no-history", "--only", "chunks,marked")
    trie = "/proc/net/fib_trie"
    ran = as_nobody("check_moosefs", *named, over=[MFS], files={DISKS: "*/srv/a\n"}, hidden=[trie])
    assert (ran.code, ran.text) == (0, "MOOSEFS OK - no undergoal chunks")
    assert ran.rest[0] == f"not seen: {trie} may not be read by nobody"


def test_the_list_of_checks_says_why_it_cannot_tell_what_is_here() -> None:
    ran = as_nobody("undergoal", "list", "-v", over=[MFS], odd={CLIENT: DENIED})
    assert ran.code == 0
    assert f"here: cannot be told: no master known: {CLIENT} may not be read by nobody\n" in ran.output


def test_what_applies_is_not_denied_by_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """The agent plugin runs a check whose targets cannot be told; only where there are none it does not."""
    (tmp_path / "etc/mfs/mfsmount.cfg").mkdir(parents=True)
    with pytest.raises(UnreadConfiguration, match=f"^no master known: {CLIENT}: Is a directory$"):
        PLUGIN.targets(Host(str(tmp_path)))


def test_every_file_is_remembered_once(tmp_path: Path) -> None:
    (tmp_path / "etc/mfs/mfschunkserver.cfg").mkdir(parents=True)
    reader = Reader(Host(str(tmp_path)))
    assert (masters(reader), starred_disks(reader, [])) == ([], set())
    assert list(reader.unread.values()) == [Unread(CHUNKSERVER, os.strerror(21))]


def test_a_star_is_found_although_another_list_cannot_be_read(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.scenario.servers = [Chunkserver("10.77.0.2")]
    watched.disks = {"10.77.0.2": [Disk(b"/srv/a/")]}
    watched.file("/proc/net/fib_trie", "     |-- 10.77.0.2\n        /32 host LOCAL\n")
    watched.file("/etc/mfshdd.cfg", "*/srv/a\n")
    (tmp_path / "root/etc/mfs/mfshdd.cfg").mkdir(parents=True)
    outcome = watched.run(0, "--only", "marked")
    assert outcome.text == "disk 10.77.0.2:/srv/a starred in mfshdd.cfg but not marked"
    assert f"not seen: {DISKS}: Is a directory" in [detail.line for detail in outcome.details if not detail.verbosity]
    assert outcome.state != OK
