"""Where a check keeps its history: one private directory per user, found the same way by every run of that user."""

from __future__ import annotations

import os
import stat

from checks.frame.mountinfo import remote_mounts
from checks.frame.paths import UnsafePath, check_trusted
from perfdata.record import Record

SYSTEM_DIRECTORY = "/var/lib/undergoal"


class StateUnavailable(Exception):
    """There is no place for history that can be trusted; the reason is the text."""


class Surroundings(Record):
    """What decides where state lives, as arguments."""

    environment: dict[str, str]
    uid: int
    user: str  # "" when the uid has no name
    home: str
    mountinfo: str


def surroundings(inherited: bool = True) -> Surroundings:
    """Those of this process; not ``inherited``: without the environment, which after a change of user is another's."""
    import pwd

    uid = os.geteuid()
    try:
        account = pwd.getpwuid(uid)
        user, home = account.pw_name, account.pw_dir
    except KeyError:
        user, home = "", ""
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        mountinfo = file.read()
    return Surroundings(dict(os.environ) if inherited else {}, uid, user, home, mountinfo)


def candidates(around: Surroundings) -> list[str]:
    environment = around.environment
    named = [environment.get("STATE_DIRECTORY", "").split(":")[0]]
    if environment.get("MK_VARDIR"):
        named.append(os.path.join(environment["MK_VARDIR"], "undergoal"))
    for path in named:
        if path.startswith("/"):
            return [path]
    own = os.path.join(SYSTEM_DIRECTORY, around.user or str(around.uid))
    state_home = environment.get("XDG_STATE_HOME", "")
    if not state_home.startswith("/"):
        state_home = os.path.join(around.home, ".local/state") if around.home.startswith("/") else ""
    return [own] + ([os.path.join(state_home, "undergoal")] if state_home else [])


def state_directory(around: Surroundings, explicit: str | None = None) -> str:
    """The first usable directory, made if need be. Raises StateUnavailable with the reason of the last one tried."""
    mounts = remote_mounts(around.mountinfo)
    reason = "no home directory"
    for path in [explicit] if explicit else candidates(around):
        try:
            _prepare(path, mounts, around.uid)
            return path
        except UnsafePath as error:
            reason = str(error)
        except OSError as error:
            reason = f"{path}: {error.strerror}"
    raise StateUnavailable(reason)


def _prepare(path: str, mounts: dict[str, str], uid: int) -> None:
    try:
        _make(path, mounts, uid)
    except FileExistsError:
        raise UnsafePath(f"{path} is not a directory") from None
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafePath(f"{path} is not a directory of its own")
    if status.st_uid != uid:
        raise UnsafePath(f"{path} belongs to another user (uid {status.st_uid})")
    if status.st_mode & 0o022:
        raise UnsafePath(f"{path} is writable by others (mode {stat.S_IMODE(status.st_mode):04o})")
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, "Permission denied")


def _make(path: str, mounts: dict[str, str], uid: int) -> None:
    """Make ``path`` and what is missing above it, private; /var/lib/undergoal itself stays open to look into."""
    missing = []
    while True:
        try:
            check_trusted(path, mounts, uid)
            break
        except FileNotFoundError:
            missing.append(path)
            path = os.path.dirname(path)
    for place in reversed(missing):
        os.mkdir(place, 0o755 if place == SYSTEM_DIRECTORY else 0o700)
        os.chmod(place, 0o755 if place == SYSTEM_DIRECTORY else 0o700)
