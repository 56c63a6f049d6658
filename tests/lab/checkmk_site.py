"""A Checkmk site, as far as an extension sees it: unpacks the .mkp, loads what is in it, discovers and checks.

Checkmk's APIs are the stand-ins in tests/stubs/cmk. Value stores are kept as Python literals between two checks, as the
site keeps them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from lab.checkmk_agent import Called, parse
from support import TESTS

STUBS = TESTS / "stubs"
_GROUPS = {
    "agent_based": ("agent_section_", "check_plugin_", "inventory_plugin_"),
    "graphing": ("metric_", "graph_", "perfometer_", "translation_"),
    "rulesets": ("rule_spec_",),
}
_PARTS = {"cmk_addons_plugins": "lib/python3/cmk_addons/plugins", "agents": "share/check_mk/agents", "lib": "lib"}


class Shown(NamedTuple):
    """What a site shows of a service."""

    state: int  # 0 1 2 3; -1: stale
    summary: str
    details: str
    metrics: dict[str, Any]


class Stale(Exception):
    """The service has no result this time."""


def unpack(mkp: bytes, local: Path) -> dict[str, Any]:
    """Unpack into a site's local hierarchy; the manifest."""
    with tarfile.open(fileobj=io.BytesIO(mkp), mode="r:gz") as package:
        content = {member.name: package.extractfile(member).read() for member in package}  # type: ignore[union-attr]
    manifest: dict[str, Any] = ast.literal_eval(content["info"].decode())
    for part, paths in manifest["files"].items():
        with tarfile.open(fileobj=io.BytesIO(content[f"{part}.tar"])) as files:
            for path in paths:
                target = local / _PARTS[part] / path
                target.parent.mkdir(parents=True, exist_ok=True)
                member = files.getmember(path)
                target.write_bytes(files.extractfile(member).read())  # type: ignore[union-attr]
                target.chmod(member.mode)
    return manifest


class Site:
    """A site with one extension; modules can be loaded once per process."""

    def __init__(self, mkp: bytes, local: Path) -> None:
        self.local = local
        self.manifest = unpack(mkp, local)
        sys.path[:0] = [str(local / "lib/python3"), str(STUBS)]
        importlib.invalidate_caches()
        self.found: dict[str, dict[str, Any]] = {group: self._load(group) for group in _GROUPS}
        plugins = self.found["agent_based"].values()
        self.sections = {plugin.name: plugin for plugin in plugins if hasattr(plugin, "parse_function")}
        self.plugins = {plugin.name: plugin for plugin in plugins if hasattr(plugin, "check_function")}

    def _load(self, group: str) -> dict[str, Any]:
        """Every variable with a prefix of the group, as it is discovered: functions by such a name are an error."""
        module: ModuleType = importlib.import_module(f"cmk_addons.plugins.undergoal.{group}.undergoal")
        found = {name: value for name, value in vars(module).items() if name.startswith(_GROUPS[group])}
        for name, value in found.items():
            if inspect.isroutine(value) or inspect.ismodule(value) or not hasattr(value, "name"):
                raise TypeError(f"{name} is no plugin")
        return found


class Host:
    """A monitored host: its services, as discovered, and their value stores."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.services: dict[str, tuple[Any, str | None, dict[str, object]]] = {}
        self._stores: dict[str, str] = {}
        self._parsed: dict[str, Any] = {}

    def receive(self, output: Called | str) -> None:
        """Take what the agent printed."""
        sections = parse(output) if isinstance(output, str) else output.sections
        self._parsed = {}
        for header, lines in sections:
            if header.name in self.site.sections:
                assert header.options["sep"] == "0"
                section = self.site.sections[header.name].parse_function([[line] for line in lines])
                if section is not None:
                    self._parsed[header.name] = section

    def discover(self) -> list[str]:
        """Service discovery, all accepted; the names of all services."""
        self.services = {}
        for plugin in self.site.plugins.values():
            section = self._parsed.get((plugin.sections or [plugin.name])[0])
            if section is None:
                continue
            for service in plugin.discovery_function(section=section):
                assert (service.item is None) == ("%s" not in plugin.service_name)
                name = plugin.service_name.replace("%s", service.item or "")
                assert name not in self.services, f"two services {name}"
                self.services[name] = (plugin, service.item, ast.literal_eval(repr(service.parameters)))
        return list(self.services)

    def check(self, name: str, rule: dict[str, object] | None = None) -> Shown:
        """Check a service; ``rule`` is what rules set beside the defaults and the discovered parameters."""
        from cmk.agent_based.v2 import IgnoreResultsError, Metric, State, value_store

        plugin, item, discovered = self.services[name]
        section = self._parsed.get((plugin.sections or [plugin.name])[0])
        if section is None:
            return Shown(-1, "no data", "", {})
        arguments: dict[str, Any] = {} if item is None else {"item": item}
        if plugin.check_default_parameters is not None:
            arguments["params"] = {**plugin.check_default_parameters, **discovered, **(rule or {})}
        store = ast.literal_eval(self._stores.get(name, "{}"))
        with value_store(store):
            try:
                yielded = list(plugin.check_function(**arguments, section=section))
            except IgnoreResultsError as reason:
                return Shown(-1, str(reason), "", {})
            finally:
                self._stores[name] = repr(store)
        if not yielded:
            return Shown(3, "Item not found in monitoring data", "", {})
        metrics = {one.name: one for one in yielded if isinstance(one, Metric)}
        results = [one for one in yielded if not isinstance(one, Metric)]
        marks = ("", "(!)", "(!!)", "(?)")
        summary = ", ".join(one.summary + marks[one.state.value] for one in results if one.summary)
        details = "\n".join(one.details + marks[one.state.value] for one in results)
        return Shown(State.worst(*(one.state for one in results)).value, summary, details, metrics)

    def check_all(self) -> dict[str, Shown]:
        """Check every service."""
        return {name: self.check(name) for name in self.services}
