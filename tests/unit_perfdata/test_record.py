"""Records: typing's named tuples, made without it."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from perfdata.record import Record


class Point(Record):
    """A place."""

    x: int
    y: float = 0.5
    names: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Both together."""
        return self.x + self.y


def test_a_record_is_a_tuple_with_names_defaults_and_methods() -> None:
    assert Point(1) == (1, 0.5, ()) == Point(x=1, y=0.5, names=())
    assert (Point(1, 2).total, Point(1)._replace(y=3).y, Point(1)._asdict()) == (3, 3, {"x": 1, "y": 0.5, "names": ()})
    assert repr(Point(1)) == "Point(x=1, y=0.5, names=())"
    assert (Point.__doc__, Point.__module__, Point._fields) == ("A place.", __name__, ("x", "y", "names"))
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)


def test_a_record_is_immutable_and_complete() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]


def test_typing_is_not_imported() -> None:
    script = (
        "import sys; before = set(sys.modules); import perfdata.record; print('typing' in set(sys.modules) - before)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )
