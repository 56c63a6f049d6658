"""What every benchmark needs: the yardstick, one way to measure, and goals that noise alone does not miss."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, NamedTuple

import pytest
from bench.pairs import Cost, table
from support import PLAIN_ENVIRONMENT, PROJECT, run

HERE = Path(__file__).resolve().parent
NAIVE = ("naive check", [sys.executable, str(HERE / "naive_check.py")])
NAIVE_MS = 31.6  # what it took where goals were set in milliseconds

Found = dict[str, Cost]  # by label


class Goal(NamedTuple):
    """A figure that is reached: ratios only, never the time itself."""

    title: str
    figure: Callable[[Found], float]
    most: float


def ratio(label: str, most: float, than: str = "") -> Goal:
    """A row costs at most so many times as much as another, the first one unless it is named."""

    def figure(found: Found) -> float:
        return found[label].ratio / (found[than].ratio if than else 1)

    return Goal(f"{label}, x {than or 'first'}", figure, most)


def measure(
    rows: Sequence[tuple[str, list[str]]],
    rounds: int = 25,
    *,
    goals: Sequence[Goal] = (),
    enter: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> Found:
    """Run each (label, argv) in turn and print the table. ``enter``: what to put before, to run them elsewhere.

    A goal that was missed is measured once more before it counts: a busy neighbour does not cost all rows the same.
    """
    order = {"rounds": rounds, "rows": rows, "environment": environment or PLAIN_ENVIRONMENT}
    missed: list[str] = []
    for _ in range(2):
        # a small process does it: what a large one starts has its memory in the kernel's books
        ran = run([*enter, sys.executable, "-I", "-S", str(HERE / "pairs.py"), json.dumps(order)], timeout=600)
        assert (ran.code, ran.stderr) == (0, b"")
        costs = [Cost(*row) for row in json.loads(ran.output)]
        found = {cost.label: cost for cost in costs}
        print(f"\n{table(costs)}")
        figures = [(goal, goal.figure(found)) for goal in goals]
        for goal, figure in figures:
            print(f"{goal.title}: {figure:.3f} (at most {goal.most:.3f})")
        missed = [f"{goal.title}: {figure:.3f}, not {goal.most:.3f}" for goal, figure in figures if figure > goal.most]
        if not missed:
            break
    assert not missed, "; ".join(missed)
    return found


def _installed_for_good() -> bool:
    """Whether the package is installed as users have it: an editable one pays for its import hook."""
    ran = run([sys.executable, "-I", "-c", "import checks; print(checks.__file__)"])
    return not ran.output.startswith(str(PROJECT / "checks"))


on_a_regular_installation = pytest.mark.skipif(
    not _installed_for_good() and os.environ.get("UNDERGOAL_REAL") != "required",
    reason="measured on a regular installation only: sh tests/run",
)
