"""What a run of the agent plugin, and a check on a site, cost against a naive check: ratios, in pairs (-s shows them).

The goals of 2 ms per service on the host and 1 ms on the site are measured against the 31.6 ms that the naive check
took where they were set: one service more may cost that share of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.measuring import NAIVE, NAIVE_MS, Goal, measure, on_a_regular_installation, ratio
from lab.checkmk_agent import INSTALLATION, Agent
from lab.checkmk_site import STUBS, unpack
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT

from agent_plugins.mkp import build
from perfdata import checkmk
from perfdata.outcome import OK, Item, Outcome, Said, Value

FEW, MANY = 20, 220

# As a site does it: all plugins loaded, every service of a section checked.
ON_SITE = """
import sys
sys.path[:0] = sys.argv[1:3]
from cmk.agent_based.v2 import value_store
from cmk_addons.plugins.undergoal.agent_based.undergoal import (
    agent_section_undergoal_docker_bridge as section, check_plugin_undergoal_docker_bridge as plugin
)
with open(sys.argv[3]) as file:
    parsed = section.parse_function([[line.strip()] for line in file][1:])
services = list(plugin.discovery_function(section=parsed)) if sys.argv[4] == "check" else []
for service in services:
    with value_store({}):
        params = {**plugin.check_default_parameters, **service.parameters}
        assert list(plugin.check_function(item=service.item, params=params, section=parsed))
"""

pytestmark = on_a_regular_installation


@pytest.mark.needs("ip", "unshare", "nsenter")
@pytest.mark.parametrize("mode", ["sections", "both"])
def test_all_checks_in_one_run_of_the_agent(tmp_path: Path, mode: str) -> None:
    """Every check that is not switched off by being absent here, on a host with real bridges."""
    agent = Agent(tmp_path)
    plugin = agent.install()
    agent.configure(f"mode={mode}", "docker_bridge_options=--no-docker")
    environment = {**PLAIN_ENVIRONMENT, "MK_CONFDIR": str(agent.confdir), "MK_LIBDIR": str(agent.library)}
    found = []
    with Namespace() as few, Namespace() as many:
        for namespace, bridges, most in ((few, FEW, 2.0), (many, MANY, 2.0 + (MANY - FEW) * 2 / NAIVE_MS)):
            lines = "\n".join(f"link add br{number} type bridge" for number in range(bridges))
            namespace.must("ip", "-batch", "-", stdin=lines.encode())
            vardir = tmp_path / f"var{bridges}"
            vardir.mkdir(mode=0o700)
            label = f"agent, {bridges} bridges"
            costs = measure(
                [NAIVE, (label, ["/usr/bin/python3", str(plugin)])],
                15,
                goals=[ratio(label, most)],
                enter=namespace.enter,
                environment={**environment, "MK_VARDIR": str(vardir)},
            )
            found.append(costs[label])
    assert [cost.code for cost in found] == [0, 0]
    per_service = (found[1].ratio - found[0].ratio) / (MANY - FEW)
    print(f"one service more: {per_service:.4f} x naive")
    assert per_service <= 2 / NAIVE_MS


def test_a_check_on_the_site(tmp_path: Path) -> None:
    unpack(build()[1], tmp_path)
    names = [f"br{number}" for number in range(500)]
    values = [
        Value(name, measure, 7, "900", "1000", 0, 1023)
        for name in names
        for measure in ("ports", "endpoints", "leaked_ports", "addresses_left", "addresses_used_percent")
    ]
    items = tuple(Item(name, name, OK, name, True, (Said(OK, "fine", "fine", ""),)) for name in names)
    outcome = Outcome("docker_bridge", OK, "said", (), tuple(values), items=items)
    section = tmp_path / "section"
    section.write_text("\n".join(checkmk.section(outcome, checkmk.Naming("Docker bridge", "host"), "0", 1e9)))
    argv = [str(INSTALLATION / "bin/python3"), "-c", ON_SITE, str(tmp_path / "lib/python3"), str(STUBS), str(section)]
    found = measure(
        [NAIVE, ("section read", [*argv, "read"]), ("500 services checked", [*argv, "check"])],
        15,
        goals=[
            Goal(
                "one service, x first",
                lambda found: (found["500 services checked"].ratio - found["section read"].ratio) / len(names),
                1 / NAIVE_MS,
            )
        ],
    )
    assert [cost.code for cost in found.values()] == [0, 0, 0]
