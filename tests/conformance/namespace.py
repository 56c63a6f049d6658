"""Words to put before a command, so that it runs on a machine of its own as far as networks and mounts go."""

from __future__ import annotations

# in the namespace: one bridge of this name without ports
_BRIDGE = "ip link add docker0 type bridge && "
_NETWORK = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-e", "-c"]


def no_network() -> list[str]:
    """A network namespace with nothing but a loopback interface that is down."""
    return ["unshare", "--net"]


def with_bridge(run_directory: str = "", covered: str = "") -> list[str]:
    """A network namespace with the bridge docker0.

    ``run_directory`` is shown as /run there, ``covered`` is an empty tmpfs.
    """
    script = _BRIDGE
    script += f"mount --bind '{run_directory}' /run && " if run_directory else ""
    script += f"mount -t tmpfs tmpfs '{covered}' && " if covered else ""
    return [*_NETWORK, script + 'exec "$@"', "sh"]
