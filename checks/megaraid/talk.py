"""Asking a vendor tool: each command once, within the time, and what kept it from answering in words.

The tools keep a log in their working directory unless told otherwise, and not every version can be told. As root they
get a directory of root's own, since a log that follows a symbolic link writes anywhere.
"""

from __future__ import annotations

import contextlib
import os
import stat

from checks.megaraid import megacli, storcli
from checks.megaraid.readings import Readings, merged
from checks.megaraid.tools import MEGACLI, Tool, megacli_commands, progress_commands, storcli_commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.frame.host import Host

SCRATCH = "/run/undergoal"  # of root, on a file system that only root writes to
_SHARE = 0.5  # of the time that is left, for one command: a hanging one leaves the others a chance
_NOT_OFFERED = ("invalid input", "unsupported", "un-supported", "not supported", "unexpected token", "syntax error")


_ESSENTIAL = ("-LDInfo", "-PDList", "-AdpAllInfo", "/call")  # without these there is no verdict


class Denied(Exception):
    """sudo does not let us."""


def scratch_directory(host: Host) -> str:
    """Where the tools work: a private directory of root, emptied; elsewhere "/", where nobody else can write."""
    if host.captured or os.geteuid() != 0:
        return "/"
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(SCRATCH, 0o700)
        status = os.lstat(SCRATCH)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o077:
            return "/"
        for name in os.listdir(SCRATCH):
            with contextlib.suppress(OSError):
                os.unlink(f"{SCRATCH}/{name}")
    except OSError:
        return "/"
    return SCRATCH


class Conversation:
    """All questions to one tool in one run."""

    def __init__(self, host: Host, tool: Tool, prefix: list[str], reserve: float) -> None:
        self.host = host
        self.tool = tool
        self.problems: list[str] = []
        self.unsupported: list[str] = []
        self.calls = 0
        self._prefix = prefix
        self._reserve = reserve
        self._directory = scratch_directory(host)
        self._asked: set[tuple[str, ...]] = set()
        self._dropped: tuple[str, ...] = ()  # words this version does not know: "nolog", "J"
        self._parse: Callable[[bytes], Readings] = megacli.parse if tool.family == MEGACLI else storcli.parse

    def ask_all(self) -> Readings:
        """Everything of the healthy case, and then the progress of what is being rebuilt. Raises Denied."""
        said: list[Readings] = []
        if self.tool.family == MEGACLI:
            said += [self._ask(command) for command in megacli_commands()]
        else:
            said.append(self._ask(storcli_commands(self.tool.family, None)[0]))
            if not said[0].none_here and said[0].understood:
                said += [self._ask(command) for command in storcli_commands(self.tool.family, said[0])]
        seen = merged(said)
        extra = [self._ask(command) for command in progress_commands(self.tool.family, seen.disks)]
        return merged([*said, *extra]) if extra else seen

    def _ask(self, command: list[str]) -> Readings:
        """One question; those that a version does not understand are put again without the words it stumbled over."""
        while True:
            words = [word for word in command if word not in self._dropped]
            if tuple(words) in self._asked:
                return Readings()
            self._asked.add(tuple(words))
            readings, text = self._call(words)
            if readings.understood or not any(sign in text for sign in _NOT_OFFERED):
                break
            if not self._drop_a_word(words):
                if command[0] in _ESSENTIAL:
                    self.problems.append(f"does not know {self._short(words)}")
                else:
                    self.unsupported.append(" ".join(words))
                return Readings()
        if text and not readings.understood and not readings.problems:
            self.problems.append(f"said nothing to {self._short(words)}, as it does without the rights to look")
        return readings

    def _drop_a_word(self, words: list[str]) -> bool:
        for word in ("nolog", "-NoLog", "J"):
            if word in words and (word != "J" or "nolog" in self._dropped):
                self._dropped = (*self._dropped, word)
                return True
        return False

    def _short(self, words: list[str]) -> str:
        return " ".join(word for word in words if word not in ("nolog", "J", "-NoLog", "-aALL"))

    def _call(self, words: list[str]) -> tuple[Readings, str]:
        """What one command said, and its text in lower case; "" where what kept it from answering was noted."""
        from checks.frame.bounded import Answer, HelperOverflow, HelperStuck, HelperTimeout

        host, name = self.host, self.tool.name
        host.deadline.stage = f"asking {name} {self._short(words)}"
        left = host.deadline.left(self._reserve)
        if host.deadline.over(self._reserve):
            self.problems.append(f"was not asked for {self._short(words)}: no time was left")
            return Readings(), ""
        self.calls += 1
        command = [*self._prefix, self.tool.path, *words]
        (answer,) = host.run([command], _SHARE * left, 1, self._directory, [self.tool.path])
        if isinstance(answer, Answer):
            text = answer.output.decode("utf-8", "replace").lower()
            if self._prefix and answer.status and text.lstrip().startswith("sudo:"):
                raise Denied(text.strip().split("\n")[0])
            readings = self._parse(answer.output)
            if answer.status < 0:
                self.problems.append(f"crashed (signal {-answer.status}) at {self._short(words)}")
                return readings, ""
            if not text.strip():
                self.problems.append(f"said nothing at all to {self._short(words)} (exit status {answer.status})")
                return readings, ""
            return readings, text
        if isinstance(answer, HelperStuck):
            if not self.problems:  # else it is known already that it hangs
                self.problems.append(str(answer))
            return Readings(), ""
        if isinstance(answer, HelperTimeout):
            self.problems.append(f"did not answer {self._short(words)} in time")
            return self._parse(answer.said), ""
        if isinstance(answer, HelperOverflow):
            self.problems.append(f"{answer} to {self._short(words)}")
        elif isinstance(answer, OSError):
            self.problems.append(f"cannot be run: {answer.strerror}")
        return Readings(), ""
