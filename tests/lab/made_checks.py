"""Checks that misbehave, run by the agent plugin's own code in the place of the real ones."""

from __future__ import annotations

import os
import signal
import time
from typing import NoReturn

from checks.frame.plugin import Examination, Judged, Plugin, Run
from checks.frame.readings import FactRule, Levels, Measure, fact
from perfdata.outcome import WARNING

ODD = '<<<x>>>\n<<<<y>>>>|"\\n'
LEVELS = {"ports": Levels("900", "1000")}
FACTS = {"said": FactRule(WARNING, "{words}", "{words}")}


class Made(Plugin):
    """A check that does what it is called."""

    main_measure = "ports"
    timeout = 2.0
    levels = LEVELS
    facts = FACTS

    def __init__(self, name: str) -> None:
        self.name = name

    def examine(self, run: Run) -> Examination:
        if self.name == "hangs":
            for number in (signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(60)
        if self.name == "crashes":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.name == "raises":
            raise RuntimeError("<<<x>>>")
        if self.name == "many":
            return Examination([Measure(f"item-{number:03}", "ports", number) for number in range(500)])
        return Examination([Measure(ODD, "ports", 7), fact(ODD, "said", words=ODD)])

    def sentence(self, title: str, judged: list[Judged]) -> str:
        return f"{title} seven"


def _break(*_: object) -> NoReturn:
    raise RuntimeError("broken")


def main(names: list[str], broken: bool) -> NoReturn:
    """Run the agent plugin's part of the installation with these checks; ``broken``: with a part that raises."""
    made = {name: Made(name) for name in names}
    import agent_plugins.agent
    import agent_plugins.settings
    import checks.batch
    import checks.jobs

    for module in (agent_plugins.agent, agent_plugins.settings, checks.jobs):
        vars(module)["load"] = made.__getitem__
    for module in (agent_plugins.settings, checks.batch, checks.jobs):
        vars(module)["CHECKS"] = tuple(made)
    if broken:
        vars(agent_plugins.agent)["examine"] = _break
    agent_plugins.agent.main("")
