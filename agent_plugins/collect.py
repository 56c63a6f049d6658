"""The tables of all checks as a Checkmk site needs them."""

from __future__ import annotations

from agent_plugins.checkmk.rows import Check, Level
from checks import CHECKS, __version__, load


def collect() -> tuple[str, tuple[Check, ...]]:
    """(version, one row per check)."""
    from agent_plugins.agent import naming

    rows = []
    for name in CHECKS:
        plugin, names = load(name), naming(name)
        rows.append(
            Check(
                name,
                names.called,
                names.whole,
                plugin.items[0],
                plugin.question,
                plugin.outage,
                plugin.main_measure,
                tuple(Level(m, row.warning, row.critical, row.why) for m, row in plugin.levels.items()),
                tuple(plugin.filling.items()),
                plugin.plotted if plugin.plotted_limit is None else "",
            )
        )
    return __version__, tuple(rows)
