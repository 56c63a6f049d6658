"""Names of a capture survive any archive, and come back as they were."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from checks.frame.capture import escaped, unescaped
from checks.frame.host import Host


@given(st.binary(max_size=30))
def test_every_name_comes_back_from_portable_characters(raw: bytes) -> None:
    written = escaped(raw.decode("utf-8", "surrogateescape"))
    assert unescaped(written) == raw
    assert written.isascii()
    assert written.decode().isprintable()


def test_what_is_not_an_escape_stays() -> None:
    assert unescaped(b"50% of %zz %4") == b"50% of %zz %4"


def test_a_capture_may_hold_names_either_way(tmp_path: Path) -> None:
    (tmp_path / "sys/plain|name").mkdir(parents=True)
    (tmp_path / "sys/plain|name/index").write_text("1\n")
    (tmp_path / "sys/br%7Ca%FF").mkdir()
    (tmp_path / "sys/br%7Ca%FF/index").write_text("2\n")
    host = Host(str(tmp_path))
    assert sorted(host.entries("/sys")) == ["br|a\udcff", "plain|name"]
    assert [host.number(f"/sys/{name}/index") for name in ("plain|name", "br|a\udcff")] == [1, 2]
