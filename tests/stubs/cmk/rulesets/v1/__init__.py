"""Stand-in of cmk.rulesets.v1 ("Rulesets API ver. 1")."""

from __future__ import annotations


class _Localizable:
    def __init__(self, arg: str, /) -> None:
        self.text = arg

    def __mod__(self, other: str | tuple[str, ...]) -> _Localizable:
        return type(self)(self.text % other)


class Title(_Localizable):
    pass


class Label(_Localizable):
    pass


class Help(_Localizable):
    pass


class Message(_Localizable):
    pass
