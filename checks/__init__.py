"""undergoal's checks: one module or package each, named in CHECKS and nowhere else."""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from checks.frame.plugin import Plugin

__version__ = "0.1.0"

# A check lives for a moment: looking for cycles in what its imports have just made is a twentieth of its whole cost.
gc.set_threshold(100_000)

CHECKS = ("docker_bridge", "moosefs", "cephfs", "bond", "megaraid", "tcp_window")


def load(name: str) -> Plugin:
    """The check of this name: ``PLUGIN`` of its module. Only it is imported. Raises KeyError for another name."""
    if name not in CHECKS:
        raise KeyError(name)
    from importlib import import_module

    plugin: Plugin = import_module(f"checks.{name}").PLUGIN
    return plugin
