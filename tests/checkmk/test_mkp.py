"""The package: built by one command, twice to the same bytes, and laid out as Checkmk's tools want it."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import sys
import tarfile
import time
from pathlib import Path

from lab.checkmk_agent import PLUGIN
from lab.checkmk_site import unpack
from support import run

from agent_plugins.mkp import build
from checks import CHECKS, __version__

COMMAND = [sys.executable, "-m", "agent_plugins.mkp"]


def test_built_twice_by_its_command_it_is_the_same_bytes(tmp_path: Path) -> None:
    built = []
    for name, seed in (("one", "1"), ("two", "2")):
        (tmp_path / name).mkdir()
        environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"}
        ran = run([*COMMAND, str(tmp_path / name)], environment=environment, cwd="/", umask=0o77 if seed == "1" else 0)
        path = tmp_path / name / f"undergoal-{__version__}.mkp"
        assert (ran.code, ran.output, ran.stderr) == (0, f"{path}\n", b"")
        built.append(path.read_bytes())
        time.sleep(1.1)
    assert built[0] == built[1] == build()[1]


def test_its_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    assert run(COMMAND).code == 2
    assert run([*COMMAND, str(tmp_path / "missing")]).code == 1


def test_its_layout(tmp_path: Path) -> None:
    name, content = build()
    assert re.fullmatch(r"undergoal-\d+\.\d+\.\d+\.mkp", name)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as package:
        names = package.getnames()
        info, info_json = (package.extractfile(member).read() for member in names[:2])  # type: ignore[union-attr]
    manifest = ast.literal_eval(info.decode())
    assert manifest == json.loads(info_json)
    assert set(manifest) == {
        "title", "name", "description", "version", "version.packaged", "version.min_required", "version.usable_until",
        "author", "download_url", "files",
    }  # fmt: skip
    assert re.fullmatch(r"[^\d\W][-\w]*", manifest["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert names == ["info", "info.json", *(f"{part}.tar" for part in manifest["files"])]
    unpack(content, tmp_path)
    family = tmp_path / "lib/python3/cmk_addons/plugins/undergoal"
    for group in ("agent_based", "graphing", "rulesets"):
        assert (family / group / "undergoal.py").is_file()
    assert {page.name for page in (family / "checkman").iterdir()} == {
        "undergoal_agent", *(f"undergoal_{check}" for check in CHECKS),
    }  # fmt: skip
    plugin = tmp_path / "share/check_mk/agents/plugins/undergoal.py"
    assert plugin.read_bytes() == PLUGIN.read_bytes()
    assert os.access(plugin, os.X_OK)
    assert (tmp_path / "lib/python3/cmk/base/cee/plugins/bakery/undergoal.py").is_file()


def test_its_pages_are_man_pages(tmp_path: Path) -> None:
    unpack(build()[1], tmp_path)
    for page in (tmp_path / "lib/python3/cmk_addons/plugins/undergoal/checkman").iterdir():
        text = page.read_text()
        keys = [line.split(":")[0] for line in text.splitlines() if line and line[0] != " "]
        assert keys[:6] == ["title", "agents", "catalog", "license", "distribution", "description"]
        assert "discovery" in keys
        assert not set("{}") & set(text)
