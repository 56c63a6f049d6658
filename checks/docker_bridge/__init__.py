"""check_docker_bridge: how many ports of its 1023 has a bridge left, and what else stops the next container."""

from checks.docker_bridge.check import PLUGIN, main

__all__ = ["PLUGIN", "main"]
