"""Credentials: from a file that nobody else can read, or from the environment; never from the command line."""

from __future__ import annotations

import os
import stat

from checks.frame.paths import UnsafePath, check_trusted

VARIABLE = "UNDERGOAL_CREDENTIALS"
_SIZE_MAX = 4096


class NoCredentials(Exception):
    """There are none that may be used; the reason is the text, without a secret in it."""


def check_private(path: str) -> None:
    """Raise NoCredentials unless only this user and root can read or replace a file."""
    uid = os.geteuid()
    try:
        check_trusted(os.path.abspath(path), {}, uid)
        status = os.stat(path)
    except UnsafePath as error:
        raise NoCredentials(str(error)) from None
    except OSError as error:
        raise NoCredentials(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise NoCredentials(f"{path} is not a file")
    # systemd lets the unit's user read its copies by an ACL, whose mask stands where the group's bits are
    others = 0o037 if os.path.dirname(path) == os.environ.get("CREDENTIALS_DIRECTORY") else 0o077
    if status.st_mode & others:
        mode = stat.S_IMODE(status.st_mode)
        raise NoCredentials(f"{path} can be read by others (mode {mode:04o}): chmod 600 it, and change the password")


def credentials(path: str) -> tuple[str, str] | None:
    """(user, password) of the file, else of $UNDERGOAL_CREDENTIALS, which is forgotten; None for neither.

    Raises NoCredentials.
    """
    inherited = os.environ.pop(VARIABLE, "")  # the checks that run next need not know it
    if path:
        check_private(path)
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(_SIZE_MAX)
        except (OSError, UnicodeDecodeError):
            raise NoCredentials(f"{path} cannot be read") from None
    elif inherited:
        text = inherited
    else:
        return None
    user, colon, password = text.rstrip("\r\n").partition(":")
    if not (user and colon and password) or "\n" in text.rstrip("\r\n"):
        raise NoCredentials(f"{path or '$' + VARIABLE} is not one line USER:PASSWORD")
    return user, password
