"""A stock Debian 12 kernel, whose tcp_info is shorter (232 bytes) and whose buffers are half overhead: one boot."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from lab.tcp_path import SERVER, built
from lab.virtual_machine import VirtualMachine
from support import TESTS

pytestmark = pytest.mark.needs("kernel", "qemu-system-x86_64", "gcc", "ethtool")

MODULES = ("veth", "af_packet", "tcp_diag")

IN_THERE = """
import json, os, socket, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from lab.tcp_path import SERVER, TcpPath
from lab.tcp_peer import SOURCE, WEB
said = {"release": os.uname().release, "length": len(socket.socket().getsockopt(6, 11, 512))}
for fault in ("", "zero-syn"):
    with TcpPath(Path(sys.argv[2]), fault) as path:
        http = path.check("--http", f"http://{SERVER}:{WEB}/file", "-t", "60")
        path.traffic(SOURCE, 6, "take")
        time.sleep(2)
        passive = path.check("--established", "-t", "60", at=path.server)
        for name, done in (("http", http), ("passive", passive)):
            said[f"{fault or 'none'} {name}"] = [done.code, done.line, done.stderr.decode()]
print(json.dumps(said))
"""


def test_the_story_on_an_older_kernel(tmp_path: Path) -> None:
    middlebox = built()
    try:
        with VirtualMachine(*MODULES) as machine:
            ran = machine.run(sys.executable, "-c", IN_THERE, str(TESTS), str(middlebox))
    finally:
        shutil.rmtree(middlebox.parent)
    assert (ran.code, ran.stderr.decode()[-500:]) == (0, "")
    said = json.loads(ran.output)
    assert said["release"].startswith("6.1.")
    assert said["length"] == 232
    texts = {name: (row[0], row[1].split(" | ")[0]) for name, row in said.items() if isinstance(row, list)}
    assert [row[2] for row in said.values() if isinstance(row, list)] == [""] * 4
    print(texts)
    fine = f"TCP_WINDOW OK - path to {SERVER}:8080 fine, scales 7 and 7; "
    assert texts["none http"][0] == 0
    assert texts["none http"][1].startswith(fine)
    assert texts["none http"][1].endswith("; scale 7, windows up to 3.0 MiB")  # half of 6 MiB
    assert texts["none passive"] == (0, "TCP_WINDOW OK - 6 connections: all scaled; scale 7, windows up to 3.0 MiB")
    code, text = texts["zero-syn http"]
    assert (
        code,
        text.startswith(f"TCP_WINDOW CRITICAL - path to {SERVER}:8080 zeroes our window scale: peer sees 50"),
    ) == (
        2,
        True,
    )
    assert texts["zero-syn passive"] == (
        2,
        "TCP_WINDOW CRITICAL - 6 connections: 6 stuck on a misread window; 10.9.0.1 6 stuck, 501 bytes at a time: its"
        " scale zeroed on the way",
    )
