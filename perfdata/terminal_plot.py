"""A plot in the cells of a terminal: plain ASCII, or with Unicode's braille patterns, which hold 2 x 4 dots a cell."""

from __future__ import annotations

from collections.abc import Iterator

from perfdata.plot import Plot, band_value, frame, time_marks, unbroken, value_words
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfdata.plot import Frame

ROWS = 15
_WIDTH_MIN, _WIDTH_MAX = 40, 200
_COLUMNS_PER_MARK = 12


class Style(Record):
    """The signs a picture is made of."""

    dots: tuple[tuple[int, ...], ...]  # the bit of each dot of a cell, by column and row
    measured: tuple[str, ...]  # the sign for each sum of bits
    expected: tuple[str, ...]
    band: str
    now: str
    corner: str
    floor: str
    wall: str
    mark: str  # on the wall, where a value is written


_BRAILLE = tuple(chr(0x2800 + bits) for bits in range(256))
ASCII = Style(((1, 2),), (" ", "'", ".", ":"), (" ", "+", "+", "+"), "-", "|", "+", "-", "|", "+")
UNICODE = Style(
    ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80)),
    _BRAILLE,
    _BRAILLE,
    "\N{LIGHT SHADE}",
    "\N{BOX DRAWINGS LIGHT TRIPLE DASH VERTICAL}",
    "\N{BOX DRAWINGS LIGHT UP AND RIGHT}",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}",
    "\N{BOX DRAWINGS LIGHT VERTICAL}",
    "\N{BOX DRAWINGS LIGHT VERTICAL AND LEFT}",
)
_MEASURED, _EXPECTED = "36", "33"  # cyan, yellow

Cells = dict[tuple[int, int], int]  # (column, row) -> sum of the bits of its dots


def terminal(plot: Plot, width: int = 80, style: Style = ASCII, coloured: bool = False) -> str:
    """Title, picture, local times and sentence; no line of the picture is wider than ``width`` (40 to 200)."""
    shown = frame(plot)
    rows = {_row(shown, mark, style): value_words(mark, plot.unit) for mark in shown.marks}
    margin = max(map(len, rows.values()))
    columns = min(_WIDTH_MAX, max(_WIDTH_MIN, width)) - margin - 2
    cells = _cells(plot, shown, columns, style)
    lines = [f"{plot.title}: {plot.measure}"]
    for row in range(ROWS):
        wall = style.mark if row in rows else style.wall
        signs = _signs([cells.get((column, row), ("", " ")) for column in range(columns)], coloured)
        lines.append(f"{rows.get(row, '').rjust(margin)} {wall}{signs}".rstrip())
    lines.append(f"{'':{margin}} {style.corner}{style.floor * columns}")
    lines.append(f"{'':{margin + 2}}{_times(plot, shown, columns)}".rstrip())
    if plot.sentence:
        lines.append(plot.sentence)
    return "\n".join(lines) + "\n"


def _cells(plot: Plot, shown: Frame, columns: int, style: Style) -> dict[tuple[int, int], tuple[str, str]]:
    """(column, row) -> colour and sign; what was measured hides what is expected, and that the rest."""
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    if plot.band is not None and plot.samples:
        cells.update(_band(plot, shown, columns, style))
        column = round(shown.across(plot.now) * (columns - 1))
        cells.update({(column, row): ("", style.now) for row in range(ROWS)})
        end = min(plot.band.middle, shown.end)
        middle = [plot.samples[-1], (end, band_value(plot, plot.band.middle, end))]
        expected = _draw([middle], shown, columns, style)
        cells.update({place: (_EXPECTED, style.expected[bits]) for place, bits in expected.items()})
    measured = _draw(unbroken(plot.samples), shown, columns, style)
    cells.update({place: (_MEASURED, style.measured[bits]) for place, bits in measured.items()})
    return cells


def _band(plot: Plot, shown: Frame, columns: int, style: Style) -> Iterator[tuple[tuple[int, int], tuple[str, str]]]:
    assert plot.band is not None
    last = shown.end if plot.band.upper is None else min(plot.band.upper, shown.end)
    for column in range(columns):
        at = shown.start + (shown.end - shown.start) * column / (columns - 1)
        if plot.samples[-1][0] <= at <= last:
            values = (band_value(plot, end, at) for end in (plot.band.lower, plot.band.upper))
            top, bottom = sorted(_row(shown, value, style) for value in values)
            for row in range(top, bottom + 1):
                yield (column, row), (_EXPECTED, style.band)


def _draw(pieces: list[list[tuple[float, float]]], shown: Frame, columns: int, style: Style) -> Cells:
    """Lines through the samples of each piece, as the dots that they touch."""
    wide, high = len(style.dots), len(style.dots[0])
    cells: Cells = {}
    for piece in pieces:
        dots = [(round(shown.across(at) * (columns * wide - 1)), _dot_row(shown, value, style)) for at, value in piece]
        for (x, y), (to_x, to_y) in zip(dots, dots[1:] or dots):
            steps = max(abs(to_x - x), abs(to_y - y), 1)
            for step in range(steps + 1):
                column, dot_x = divmod(round(x + (to_x - x) * step / steps), wide)
                row, dot_y = divmod(round(y + (to_y - y) * step / steps), high)
                cells[column, row] = cells.get((column, row), 0) | style.dots[dot_x][dot_y]
    return cells


def _dot_row(shown: Frame, value: float, style: Style) -> int:
    return round(shown.down(value) * (ROWS * len(style.dots[0]) - 1))


def _row(shown: Frame, value: float, style: Style) -> int:
    """The row of the cell that a value's dot is in."""
    return _dot_row(shown, value, style) // len(style.dots[0])


def _signs(cells: list[tuple[str, str]], coloured: bool) -> str:
    if not coloured:
        return "".join(sign for _, sign in cells)
    line, present = "", ""
    for colour, sign in cells:
        if colour != present:
            line += f"\033[{colour or '0'}m"
            present = colour
        line += sign
    return f"{line}\033[0m" if present else line


def _times(plot: Plot, shown: Frame, columns: int) -> str:
    """Local times below their columns, as many as fit, and "now", which always does."""
    line = [" "] * columns
    marks = [(plot.now, "now"), *time_marks(shown.start, shown.end, columns // _COLUMNS_PER_MARK)]
    for at, words in marks:
        centre = round(shown.across(at) * (columns - 1))
        first = min(max(0, centre - len(words) // 2), columns - len(words))
        around = line[max(0, first - 1) : first + len(words) + 1]
        if not any(sign.strip() for sign in around):
            line[first : first + len(words)] = words
    return "".join(line)
