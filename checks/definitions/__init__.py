"""Definitions for monitoring systems, made from the checks' own tables: what a check takes is written down once.

``python3 -m checks.definitions DIR`` writes them; those in contrib/ are these, and a test keeps them so.
"""

from __future__ import annotations

from checks import CHECKS, load
from checks.definitions import dashboards, icinga, nagios

HEAD = "Made by python3 -m checks.definitions from the checks' own options: change them there."


def documents() -> dict[str, str]:
    """Path below contrib/ -> content."""
    plugins = [load(name) for name in CHECKS]
    found = {
        "icinga2/undergoal-commands.conf": icinga.commands(plugins, HEAD),
        "icinga2/undergoal-services.conf": icinga.services(plugins, HEAD),
        "nagios/undergoal-commands.cfg": nagios.commands(plugins, HEAD),
        "nagios/undergoal-services.cfg": nagios.services(plugins, HEAD),
        "nrpe/undergoal.cfg": nagios.nrpe(plugins, HEAD),
        "grafana/undergoal.json": dashboards.grafana(plugins),
        "prometheus/undergoal.rules.yml": dashboards.alerts(plugins, HEAD),
    }
    found.update((f"sudoers.d/undergoal-{p.name}", nagios.sudoers(p, HEAD)) for p in plugins if p.as_root)
    return found
