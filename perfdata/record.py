"""Record: typing.NamedTuple without importing typing, which alone costs a tenth of a whole run of a check.

Type checkers see typing.NamedTuple itself; at run time the same named tuple is made from the annotations, which are
text (``from __future__ import annotations``) and never evaluated. Modules on the check path import from typing only
``if TYPE_CHECKING``, a name that type checkers know and that is False at run time.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from collections import namedtuple

    _OWN = ("__dict__", "__weakref__", "__qualname__", "__slots__", "__annotations__")

    class _RecordType(type):
        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = [namespace.pop(field) for field in fields if field in namespace]
            record = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            record.__annotations__ = namespace.get("__annotations__", {})
            for key, value in namespace.items():
                if key not in _OWN:
                    setattr(record, key, value)
            return record

    class Record(metaclass=_RecordType):
        """Base of immutable typed records."""


__all__ = ["Record"]
