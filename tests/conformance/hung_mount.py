"""A mount point behind which tests/lab/hungfs.py answers, and then no longer does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import TESTS


class HungMount:
    """A FUSE file system with one directory "sub"; close() ends it and whatever is stuck on it."""

    def __init__(self, place: Path) -> None:
        place.mkdir()
        self.place = place
        self.sub = str(place / "sub")
        self._server = subprocess.Popen(
            [sys.executable, str(TESTS / "lab" / "hungfs.py"), str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._expect(b"mounted\n")

    def hang(self) -> None:
        """From here on nothing is answered."""
        assert self._server.stdin is not None
        self._server.stdin.write(b"x")
        self._server.stdin.flush()
        self._expect(b"silent\n")

    def close(self) -> None:
        """Abort the connection, which frees whoever is stuck, and take the mount away."""
        if self._server.returncode is None:
            self._server.kill()
            self._server.communicate()
            subprocess.run(["umount", "-l", str(self.place)], check=True, capture_output=True)

    def _expect(self, line: bytes) -> None:
        assert self._server.stdout is not None
        said = self._server.stdout.readline()
        if said != line:
            self._server.kill()
            self._server.communicate()
            subprocess.run(["umount", "-l", str(self.place)], check=False, capture_output=True)
            raise RuntimeError(f"hungfs.py said {said!r} instead of {line!r}")
