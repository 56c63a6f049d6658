"""What goes wrong with the history costs the history, never the verdict."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.docker_bridge import PLUGIN
from checks.frame.command import all_options
from checks.frame.history import History, open_history, save_history
from checks.frame.host import Host
from checks.frame.options import parse
from perfdata.outcome import OK, Detail, Outcome


def test_a_python_without_sqlite3_costs_the_history_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setitem(sys.modules, "perfdata.series", None)
    settings = parse(all_options(PLUGIN), ["--state-dir", str(tmp_path)])
    host = Host()
    history = open_history(PLUGIN, settings, host, host.clock())
    reason = "import of perfdata.series halted; None in sys.modules"
    assert history == History(None, reason)
    fine = Outcome("docker_bridge", OK, "br0 0/1023 ports")
    assert save_history(history, settings, fine) == fine._replace(
        text="br0 0/1023 ports; state not saved", details=(Detail(0, f"state not saved: {reason}"),)
    )
