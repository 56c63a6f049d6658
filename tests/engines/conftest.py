"""What every test of an engine compares with: the services, and what the checks say of themselves."""

from __future__ import annotations

import pytest
from engines.cases import Case, cases, told
from support import Ran


@pytest.fixture(scope="session")
def services() -> dict[str, Case]:
    """Every check in every state."""
    return cases()


@pytest.fixture(scope="session")
def said(services: dict[str, Case]) -> dict[str, Ran]:
    """What the checks themselves say."""
    return told(services)
