"""Nagios' command file and spool (Nagios Core 4: "External Commands", base/checks.c process_check_result_file)."""

from __future__ import annotations

import errno
import os
import stat
import time

from checks.delivery.results import Later, Rejected, Result

_ATOMIC = 4096  # PIPE_BUF: a longer write may be mixed with another's
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_TRIES = 20


def escaped(text: str) -> str:
    """Text as Nagios reads it back: line breaks and backslashes escaped."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def one_text(result: Result, limit: int) -> str:
    """Text and performance data as a plugin prints them, with as many further lines as fit into ``limit`` bytes."""
    first, _, rest = result.text.partition("\n")
    output = escaped(f"{first} | {result.perfdata}" if result.perfdata else first)
    for line in rest.split("\n") if rest else []:
        longer = f"{output}\\n{escaped(line)}"
        if len(longer.encode()) > limit:
            break
        output = longer
    return output


class CommandFile:
    """The named pipe that Nagios reads commands from."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._path = path

    def send(self, result: Result) -> None:
        """See Target. One write per result, which the kernel takes as a whole or not at all."""
        head = f"[{int(result.end)}] PROCESS_SERVICE_CHECK_RESULT;{result.host};{result.service};{result.state};"
        command = f"{head}{one_text(result, _ATOMIC - 1 - len(head.encode()))}\n".encode()
        if len(command) > _ATOMIC:
            raise Rejected(f"takes {_ATOMIC} bytes at once, and this is more")
        try:
            pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT):
                raise Later("has no reader: Nagios does not run") from None
            raise Rejected(f"cannot be opened: {error.strerror}") from None
        try:
            if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
                raise Rejected("is not a named pipe")
            os.write(pipe, command)
        except BlockingIOError:
            raise Later("is full: Nagios does not read it") from None
        except OSError as error:
            raise Later(f"cannot be written: {error.strerror}") from None
        finally:
            os.close(pipe)


class Spool:
    """The directory of check results: a file, and then an empty one NAME.ok beside it."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._path = path

    def send(self, result: Result) -> None:
        """See Target."""
        # A file_time that is not yet over by the kernel's coarse clock, which Nagios looks at, is centuries old to it:
        # it counts without a sign, and throws the result away without a word.
        content = (
            f"### undergoal\nfile_time={int(time.time()) - 1}\n\n"
            f"host_name={result.host}\nservice_description={result.service}\n"
            "check_type=1\ncheck_options=0\nscheduled_check=0\nreschedule_check=0\nlatency=0.0\n"
            f"start_time={result.start:.6f}\nfinish_time={result.end:.6f}\nearly_timeout=0\nexited_ok=1\n"
            f"return_code={result.state}\noutput={one_text(result, 1 << 20)}\n\n"
        )
        try:
            owner = os.stat(self._path)
            path = self._write(content.encode(), owner)
            self._file(f"{path}.ok", owner)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Later(f"cannot be written: {error.strerror}") from None
            raise Rejected(f"cannot be written: {error.strerror}") from None

    def _write(self, content: bytes, owner: os.stat_result) -> str:
        """A new file with this content; its path. Nagios does not look at it before its .ok is there."""
        for _ in range(_TRIES):
            name = "c" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(6))
            path = os.path.join(self._path, name)
            try:
                self._file(path, owner, content)
                return path
            except FileExistsError:
                continue
        raise FileExistsError(errno.EEXIST, "no name is free")

    def _file(self, path: str, owner: os.stat_result, content: bytes = b"") -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:
                os.fchown(handle, owner.st_uid, owner.st_gid)  # or Nagios could not read it
            while content:
                content = content[os.write(handle, content) :]
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(handle)
