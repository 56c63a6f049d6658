"""Lines that can be pasted to grant a check what it lacks."""

from __future__ import annotations

import os
import sys


def user_name() -> str:
    """The user this process runs as."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"#{os.geteuid()}"


def sudoers_line(user: str, program: str, arguments: list[str]) -> str:
    """A sudoers(5) rule for exactly this command with exactly these arguments, or with none at all."""

    def escaped(word: str) -> str:
        return "".join("\\" + c if c in ",:=\\*?[]!# " else c for c in word)

    words = [escaped(word) or '""' for word in arguments or [""]]
    return " ".join([f"{user} ALL=(root) NOPASSWD:", escaped(program), *words])


def own_sudoers_line() -> str:
    """The rule that lets this user run this very command line as root."""
    return sudoers_line(user_name(), os.path.abspath(sys.argv[0]), sys.argv[1:])


def as_root(purpose: str) -> str:
    """What lets the check do as root what this user may not: "to let it, add to sudoers ..."."""
    return f"{purpose}, add to sudoers and call it with sudo -n: {own_sudoers_line()}"
