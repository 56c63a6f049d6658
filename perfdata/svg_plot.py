"""Plots as one self-contained SVG 1.1 file: no script, no reference to anything outside, readable on light and dark.

Colours are classes of one stylesheet, because a dark page is told by a media query and not by an attribute.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from perfdata.plot import Frame, Plot, band_outline, band_value, frame, time_marks, unbroken, value_words

_WIDTH, _HEIGHT = 800, 320  # of one plot
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 784, 44, 230  # its picture
_PIXELS_PER_MARK = 90
_NOTE_HEIGHT = 22

_STYLE = """
.paper { fill: #fff } .text { fill: #24292f; font: 13px sans-serif } .title { font-weight: bold; font-size: 15px }
.grid { stroke: #d8dee4 } .now { stroke: #57606a; stroke-dasharray: 2 3 } .band { fill: #d9822b; fill-opacity: .25 }
.line { fill: none; stroke: #0b63b0; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round }
.middle { fill: none; stroke: #b45309; stroke-width: 1.5; stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } .text { fill: #e6edf3 } .grid { stroke: #30363d } .now { stroke: #8b949e }
.line { stroke: #58a6ff } .band { fill: #f0a04b } .middle { stroke: #f0a04b } }
"""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def svg(plots: Sequence[Plot], title: str, notes: Sequence[str] = ()) -> str:
    """The plots one below the other, then the notes. ``title`` and all sentences are there for screen readers too."""
    height = len(plots) * _HEIGHT + len(notes) * _NOTE_HEIGHT + (10 if notes else 0)
    words = [f"{plot.title}: {plot.sentence or plot.measure}" for plot in plots]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
        ' role="img" aria-labelledby="undergoal-title undergoal-description">',
        f'<title id="undergoal-title">{_text(title)}</title>',
        f'<desc id="undergoal-description">{_text("; ".join((*words, *notes)))}</desc>',
        f"<style>{_STYLE}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
    ]
    for place, plot in enumerate(plots):
        lines += [f'<g transform="translate(0 {place * _HEIGHT})">', *_picture(plot), "</g>"]
    for place, note in enumerate(notes):
        lines.append(_label(16, len(plots) * _HEIGHT + (place + 1) * _NOTE_HEIGHT, note))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _picture(plot: Plot) -> Iterator[str]:
    shown = frame(plot)
    yield _label(16, 24, plot.title, "text title")
    yield _label(_RIGHT, 24, plot.measure, anchor="end")
    for mark in shown.marks:
        y = _y(shown, mark)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}"/>'
        yield _label(_LEFT - 8, float(y) + 4, value_words(mark, plot.unit), anchor="end")
    for at, words in time_marks(shown.start, shown.end, (_RIGHT - _LEFT) // _PIXELS_PER_MARK):
        x = _x(shown, at)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_BOTTOM}" y2="{_BOTTOM + 5}"/>'
        yield _label(x, _BOTTOM + 20, words, anchor="middle")
    if plot.band is not None and plot.samples:
        end = min(plot.band.middle, shown.end)
        middle = [plot.samples[-1], (end, band_value(plot, plot.band.middle, end))]
        now = _x(shown, plot.now)
        yield f'<polygon class="band" points="{_points(shown, band_outline(plot, plot.band, shown.end))}"/>'
        yield f'<line class="now" x1="{now}" x2="{now}" y1="{_TOP}" y2="{_BOTTOM}"/>'
        yield _label(now, _TOP - 4, "now", anchor="middle")
        yield f'<polyline class="middle" points="{_points(shown, middle)}"/>'
    for piece in unbroken(plot.samples):
        # a line of one point is not drawn, unless it has an end
        yield f'<polyline class="line" points="{_points(shown, _thinned(shown, piece) if piece[1:] else piece * 2)}"/>'
    yield _label(_RIGHT, _BOTTOM + 44, f"local time ({time.strftime('%Z', time.localtime(plot.now))})", anchor="end")
    yield _label(16, _BOTTOM + 62, plot.sentence)


def _thinned(shown: Frame, piece: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of each pixel's samples the first, the least, the greatest and the last: what the eye sees of all of them."""
    columns: dict[int, list[tuple[float, float]]] = {}
    for sample in piece:
        columns.setdefault(int(shown.across(sample[0]) * (_RIGHT - _LEFT)), []).append(sample)
    kept: list[tuple[float, float]] = []
    for column in columns.values():
        extremes = (min(column, key=lambda sample: sample[1]), max(column, key=lambda sample: sample[1]))
        kept += sorted({column[0], *extremes, column[-1]})
    return kept


def _points(shown: Frame, corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_x(shown, at)},{_y(shown, value)}" for at, value in corners)


def _x(shown: Frame, at: float) -> str:
    return f"{_LEFT + shown.across(at) * (_RIGHT - _LEFT):.1f}"


def _y(shown: Frame, value: float) -> str:
    return f"{_TOP + shown.down(value) * (_BOTTOM - _TOP):.1f}"


def _label(x: float | str, y: float, words: str, style: str = "text", anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x}" y="{y:g}" text-anchor="{anchor}">{_text(words)}</text>'


def _text(words: str) -> str:
    """Text that XML 1.0 may hold: of the control characters it has tab and newlines only, and no surrogates."""
    return "".join(
        c if c in "\t\n" or " " <= c < "\ud800" or "\udfff" < c < "\ufffe" or c > "\uffff" else "?" for c in words
    ).translate(_ESCAPES)
