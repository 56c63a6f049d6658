"""For the agent bakery of Checkmk's commercial editions; the others do not look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .bakery_api.v1 import OS, Plugin, PluginConfig, register  # type: ignore[import-untyped, import-not-found, unused-ignore]

_OF_CHECKS = {"run": "", "options": "_options", "interval": "_interval"}  # key of the rule -> ending of the key there


def config_lines(conf: Mapping[str, Any]) -> list[str]:
    """The lines of undergoal.cfg."""
    lines = [f"installation={conf['installation']}"] if conf.get("installation") else []
    for name, settings in sorted(conf.items()):
        if isinstance(settings, dict):
            for key, ending in _OF_CHECKS.items():
                if key in settings:
                    value = int(settings[key]) if key == "interval" else settings[key]
                    lines.append(f"{name}{ending}={value}")
    return lines


def get_undergoal_files(conf: Any) -> Iterator[Any]:
    """What goes into an agent."""
    deployment, interval = conf.get("deployment", ("sync", None))
    if deployment == "do_not_deploy":
        return
    yield Plugin(
        base_os=OS.LINUX,
        source=Path("undergoal.py"),
        interval=int(interval) if deployment == "cached" else None,
    )
    yield PluginConfig(base_os=OS.LINUX, lines=config_lines(conf), target=Path("undergoal.cfg"), include_header=True)


register.bakery_plugin(name="undergoal", files_function=get_undergoal_files)
