"""Stand-in of cmk.graphing.v1 ("Graphing API ver. 1")."""


class Title:
    def __init__(self, arg: str, /) -> None:
        if not arg:
            raise ValueError("an empty title")
        self.text = arg
