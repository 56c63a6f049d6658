"""Tools that answer from files: for a captured host, and as programs (replay_tool.c) with hangs and other faults."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def file_name(words: str) -> str:
    """As Host and replay_tool.c name the file of a command's arguments."""
    return words.replace("/", "_").replace(" ", "_")


def write_answers(directory: Path, answers: dict[str, str | bytes]) -> None:
    """Arguments -> output as files. A value of "hang" ... is made by the caller."""
    directory.mkdir(parents=True, exist_ok=True)
    for words, text in answers.items():
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        (directory / file_name(words)).write_bytes(content)


def capture(
    root: Path, tool: str, answers: dict[str, str], smart_answers: dict[str, str] | None = None, hosts: int = 1
) -> Path:
    """A captured host with a vendor tool, and with ``smart_answers`` also the driver and smartctl."""
    (root / "proc/sys/kernel/random").mkdir(parents=True, exist_ok=True)
    (root / "proc/sys/kernel/random/boot_id").write_text("5c1e7a90-0000-4000-8000-000000000000\n")
    write_answers(root / "commands" / tool, dict(answers))
    if smart_answers is not None:
        driver = root / "sys/bus/pci/drivers/megaraid_sas"
        driver.mkdir(parents=True, exist_ok=True)
        addresses = [f"0000:{2 + number:02x}:00.0" for number in range(hosts)]
        driver.with_name("megaraid_sas.ls").write_text("".join(f"{address}\n" for address in addresses))
        for number, address in enumerate(addresses):
            (driver / f"{address}.ls").write_text(f"host{number}\n")
        write_answers(root / "commands" / "smartctl", dict(smart_answers))
    return root


class ReplayTool:
    """A program that answers from files; see replay_tool.c."""

    def __init__(self, directory: Path, name: str, program: Path) -> None:
        self.path = directory / name
        self.answers = directory / f"{name}.d"
        shutil.copy(program, self.path)
        self.answers.mkdir()

    def says(self, answers: dict[str, str]) -> ReplayTool:
        """Add answers."""
        write_answers(self.answers, dict(answers))
        return self

    def does(self, words: str, suffix: str, content: str = "") -> ReplayTool:
        """Add a behaviour: "hang", "status", "signal", "endless", "delay", "log"."""
        (self.answers / f"{file_name(words)}.{suffix}").write_text(content)
        return self

    @property
    def calls(self) -> list[str]:
        """How it was called."""
        noted = self.answers / "calls"
        return noted.read_text().splitlines() if noted.exists() else []


def compile_replay_tool(directory: Path) -> Path:
    """The program, compiled; needs gcc."""
    program = directory / "replay_tool"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", str(program), str(HERE / "replay_tool.c")], check=True)
    return program
