"""What is measured, and where: on an installation as users have it, against a naive check."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support import PROJECT, run

NAIVE = [sys.executable, str(Path(__file__).with_name("naive_check.py"))]


def installed_for_good() -> bool:
    """Whether the package is installed as users have it: an editable one pays for its import hook."""
    ran = run([sys.executable, "-I", "-c", "import checks; print(checks.__file__)"])
    return not ran.output.startswith(str(PROJECT / "checks"))


def measured_if(fit: bool, where: str) -> pytest.MarkDecorator:
    """Skip the benches of a file on an unfit installation, but where they are required."""
    skipped = not fit and os.environ.get("UNDERGOAL_REAL") != "required"
    return pytest.mark.skipif(skipped, reason=f"measured on {where} only: sh tests/run")


MEASURED_HERE = measured_if(installed_for_good(), "a regular installation")
