"""The checks' own output through the parser of MRPE, which splits performance data on blanks and unquotes nothing."""

from __future__ import annotations

import re

import pytest
from support import HOSTS, check, fixture_arguments

from checks import CHECKS

_TOKEN = re.compile(
    r"[A-Za-z0-9_]+=-?\d+(\.\d+)?(s|B|%|c)?(;(@?~?-?[\d.]*:?-?[\d.]*)){0,2}(;-?\d*(\.\d+)?){0,2}\Z",
)


@pytest.mark.parametrize("host", ["ok", "warning", "critical", "hang", "huge", "hostile"])
@pytest.mark.parametrize("name", CHECKS)
def test_every_token_is_taken(name: str, host: str) -> None:
    assert (HOSTS / name / host).is_dir()
    ran = check(name, *fixture_arguments(name, host), "--no-history", "-t", "3")
    text, _, perfdata = ran.output.split("\n")[0].partition("|")
    assert text
    tokens = perfdata.split()
    assert [token for token in tokens if not _TOKEN.match(token)] == []
    labels = [token.split("=")[0] for token in tokens]
    assert len(set(labels)) == len(labels)
