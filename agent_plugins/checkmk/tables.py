"""The tables of all checks. In the package this module is written by the builder: it holds the rows themselves."""

from __future__ import annotations

from agent_plugins.collect import collect

VERSION, CHECKS = collect()
