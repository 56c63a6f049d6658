"""Where history is kept: which place comes first, and which are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.frame import state
from checks.frame.paths import UnsafePath, refuse_remote
from checks.frame.state import StateUnavailable, Surroundings, state_directory, surroundings


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system of our own, with its /var/lib."""
    monkeypatch.setattr(state, "SYSTEM_DIRECTORY", str(tmp_path / "var" / "undergoal"))
    (tmp_path / "var").mkdir()
    (tmp_path / "home").mkdir()
    return tmp_path


def around(base: Path, user: str = "nagios", home: str | None = None, mounts: str = "", **names: str) -> Surroundings:
    environment = {name: value.replace("BASE", str(base)) for name, value in names.items()}
    return Surroundings(environment, os.geteuid(), user, str(base / "home") if home is None else home, mounts)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o7777


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({}, "var/undergoal/nagios"),
        ({"STATE_DIRECTORY": "BASE/a"}, "a"),
        ({"STATE_DIRECTORY": "BASE/a:BASE/b"}, "a"),
        ({"STATE_DIRECTORY": "BASE/a", "MK_VARDIR": "BASE/mk"}, "a"),
        ({"STATE_DIRECTORY": "", "MK_VARDIR": "BASE/mk"}, "mk/undergoal"),
        ({"STATE_DIRECTORY": "relative", "MK_VARDIR": "BASE/mk"}, "mk/undergoal"),
        ({"MK_VARDIR": "BASE/mk", "XDG_STATE_HOME": "BASE/xdg"}, "mk/undergoal"),
        ({"MK_VARDIR": "relative", "XDG_STATE_HOME": "BASE/xdg"}, "var/undergoal/nagios"),
        ({"XDG_STATE_HOME": "BASE/xdg"}, "var/undergoal/nagios"),
    ],
)
def test_order(base: Path, names: dict[str, str], expected: str) -> None:
    assert state_directory(around(base, **names)) == str(base / expected)
    assert (base / expected).is_dir()
    assert mode(base / expected) == 0o700


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({}, "home/.local/state/undergoal"),
        ({"XDG_STATE_HOME": "BASE/xdg"}, "xdg/undergoal"),
        ({"XDG_STATE_HOME": "relative"}, "home/.local/state/undergoal"),
        ({"XDG_STATE_HOME": ""}, "home/.local/state/undergoal"),
    ],
)
def test_the_users_own_place_when_var_lib_cannot_be_used(base: Path, names: dict[str, str], expected: str) -> None:
    (base / "var" / "undergoal").write_text("in the way")
    assert state_directory(around(base, **names)) == str(base / expected)
    assert mode(base / expected) == 0o700


def test_an_explicit_directory_wins_and_is_made(base: Path) -> None:
    wanted = base / "one" / "two"
    assert state_directory(around(base, STATE_DIRECTORY="BASE/a"), str(wanted)) == str(wanted)
    assert (mode(wanted), mode(base / "one")) == (0o700, 0o700)
    assert not (base / "a").exists()


def test_modes_do_not_depend_on_the_umask(base: Path) -> None:
    before = os.umask(0o777)
    try:
        state_directory(around(base))
    finally:
        os.umask(before)
    assert (mode(base / "var" / "undergoal"), mode(base / "var" / "undergoal" / "nagios")) == (0o755, 0o700)


def test_a_user_without_a_name_is_known_by_number(base: Path) -> None:
    assert state_directory(around(base, user="")) == str(base / "var" / "undergoal" / str(os.geteuid()))


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_there_is_only_var_lib(base: Path, home: str) -> None:
    (base / "var" / "undergoal").write_text("in the way")
    with pytest.raises(StateUnavailable) as unavailable:
        state_directory(around(base, home=home))
    assert str(unavailable.value).startswith(f"{base / 'var' / 'undergoal'}")


@pytest.mark.parametrize("names", [{"STATE_DIRECTORY": "BASE/a"}, {"MK_VARDIR": "BASE/a"}])
def test_a_named_place_that_cannot_be_used_is_not_replaced_by_another(base: Path, names: dict[str, str]) -> None:
    (base / "a").write_text("in the way")
    with pytest.raises(StateUnavailable):
        state_directory(around(base, **names))
    assert not (base / "var" / "undergoal").exists()


@pytest.mark.parametrize("bad", [0o770, 0o707, 0o777, 0o1777])
def test_directories_that_others_may_write_are_refused(base: Path, bad: int) -> None:
    (base / "a").mkdir()
    (base / "a").chmod(bad)
    with pytest.raises(StateUnavailable) as unavailable:
        state_directory(around(base), str(base / "a"))
    assert str(unavailable.value) == f"{base / 'a'} is writable by others (mode {bad:04o})"


def test_a_symlink_is_refused(base: Path) -> None:
    (base / "real").mkdir(0o700)
    (base / "link").symlink_to("real")
    with pytest.raises(StateUnavailable, match="link is not a directory of its own"):
        state_directory(around(base), str(base / "link"))


def test_a_file_is_refused(base: Path) -> None:
    (base / "file").touch()
    with pytest.raises(StateUnavailable, match="file is not a directory"):
        state_directory(around(base), str(base / "file"))
    with pytest.raises(StateUnavailable, match="Not a directory"):
        state_directory(around(base), str(base / "file" / "below"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_refused(base: Path) -> None:
    (base / "a").mkdir(0o700)
    os.chown(base / "a", 4242, 4242)
    with pytest.raises(StateUnavailable) as unavailable:
        state_directory(around(base), str(base / "a"))
    assert str(unavailable.value) == f"{base / 'a'} belongs to another user (uid 4242)"


def test_network_file_systems_are_refused(base: Path) -> None:
    mounts = f"30 22 0:40 / {base}/home rw - nfs4 server:/home rw\n"
    (base / "var" / "undergoal").write_text("in the way")
    with pytest.raises(StateUnavailable) as unavailable:
        state_directory(around(base, mounts=mounts))
    assert str(unavailable.value) == f"{base}/home is on nfs4, which may hang"
    assert os.listdir(base / "home") == []


def test_refuse_remote(base: Path) -> None:
    mounts = f"30 22 0:40 / {base}/home rw - ceph server:/home rw\n"
    refuse_remote(str(base / "var"), mounts)
    refuse_remote(str(base / "none" / "at" / "all"), mounts)
    with pytest.raises(UnsafePath, match="is on ceph, which may hang"):
        refuse_remote(str(base / "home" / "docker.sock"), mounts)


def test_surroundings_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/somewhere")
    inherited, fresh = surroundings(), surroundings(inherited=False)
    assert inherited.environment["STATE_DIRECTORY"] == "/somewhere"
    assert fresh == inherited._replace(environment={})
    assert inherited.uid == os.geteuid()
    assert " / " in inherited.mountinfo
