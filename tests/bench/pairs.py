"""Cost of commands in pairs: A B A B ..., so that a noisy machine troubles both alike.

As a script, for use inside a namespace: argument 1 is JSON {rounds, rows, environment}; prints the costs as JSON.

CPU is user + system time of the whole process and its children, as the kernel accounts it on exit.
"""

from __future__ import annotations

import json
import os
import sys
from statistics import median
from typing import NamedTuple


class Cost(NamedTuple):
    """Medians of one command against the first one."""

    label: str
    cpu_ms: float
    ratio: float  # median of the ratios pair by pair
    rss_mb: float  # the largest peak
    code: int


def _once(argv: list[str], environment: dict[str, str]) -> tuple[float, float, int]:
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere, descriptor) for descriptor in (0, 1, 2)]
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    finally:
        os.close(nowhere)
    _, status, usage = os.wait4(pid, 0)
    return (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def compare(rows: list[tuple[str, list[str]]], rounds: int, environment: dict[str, str]) -> list[Cost]:
    """Run each (label, argv) ``rounds`` times in turn, after one round that does not count; argv[0] is absolute."""
    measured: list[list[tuple[float, float, int]]] = [[] for _ in rows]
    for turn in range(rounds + 1):
        for number, (_, argv) in enumerate(rows):
            found = _once(argv, environment)
            if turn:
                measured[number].append(found)
    first = [cpu for cpu, _, _ in measured[0]]
    return [
        Cost(
            label,
            median(cpu for cpu, _, _ in runs),
            median(cpu / base for (cpu, _, _), base in zip(runs, first)),
            max(rss for _, rss, _ in runs),
            runs[-1][2],
        )
        for (label, _), runs in zip(rows, measured)
    ]


def table(costs: list[Cost]) -> str:
    """For people."""
    lines = [f"{'':44}{'CPU ms':>8}{'x first':>9}{'RSS MB':>8}{'exit':>6}"]
    lines += [f"{c.label:44}{c.cpu_ms:8.1f}{c.ratio:9.2f}{c.rss_mb:8.1f}{c.code:6}" for c in costs]
    return "\n".join(lines)


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    print(json.dumps(compare([(label, argv) for label, argv in order["rows"]], order["rounds"], order["environment"])))
