"""PUBLIC: the pieces of a small plot as SVG: axes, lines, points, bars. It needs no library to look at.

Invariants: every text is escaped, and no character in it is hidden; numbers are written with one decimal, so that the
same plot has the same bytes; there is no script and no reference to anything.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from secure_match.errors import visible

WIDTH: Final = 560
HEIGHT: Final = 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 40, 46
MATCH_COLOUR: Final = "#1f5fa8"
OTHER_COLOUR: Final = "#b5462f"
THIRD_COLOUR: Final = "#3d7d3f"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The ranges of a plot; ``low`` is below ``high`` on both axes.

    Attributes:
        x_range: smallest and largest x.
        y_range: smallest and largest y.
    """

    x_range: Point
    y_range: Point

    def at(self, x: float, y: float) -> Point:
        """Where a value stands on the picture; values outside stand on the border."""
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        across, up = min(1.0, max(0.0, across)), min(1.0, max(0.0, up))
        return _LEFT + across * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM)

    def line(self, points: Sequence[Point], colour: str, *, dashed: bool = False) -> str:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'

    def dot(self, x: float, y: float, colour: str) -> str:
        """A point."""
        left, top = self.at(x, y)
        return f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.2" fill="{colour}"/>'

    def bar(self, x_low: float, x_high: float, y: float, colour: str) -> str:
        """A bar that stands on the lower border."""
        left, top = self.at(x_low, y)
        right, bottom = self.at(x_high, self.y_range[0])
        return (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.5):.1f}" '
            f'height="{bottom - top:.1f}" fill="{colour}" fill-opacity="0.55"/>'
        )

    def frame(self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]]) -> list[str]:
        """Grid lines with their numbers."""
        parts: list[str] = []
        for value, text in x_ticks:
            (x, low), (_, high) = self.at(value, self.y_range[0]), self.at(value, self.y_range[1])
            parts += [_rule(x, low, x, high), _text(x, low + 15, text)]
        for value, text in y_ticks:
            (low, y), (high, _) = self.at(self.x_range[0], value), self.at(self.x_range[1], value)
            parts += [_rule(low, y, high, y), _text(low - 6, y + 4, text, anchor="end")]
        return parts


def picture(title: str, x_label: str, parts: Sequence[str], legend: Sequence[tuple[str, str]], *, mark: str) -> str:
    """One SVG document, which also stands as it is inside a page.

    Args:
        legend: name and colour of what is shown.
        mark: what tells whose picture it is.
    """
    keys = []
    for place, (name, colour) in enumerate(legend):
        x = _LEFT + 8 + 130 * place
        keys.append(f'<rect x="{x}" y="{_TOP - 13}" width="10" height="10" fill="{colour}"/>')
        keys.append(_text(x + 15, _TOP - 4, name, anchor="start"))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" data-format="{_escaped(mark)}" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif" font-size="11">',
            f"<title>{_escaped(title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            _text(WIDTH / 2, 16, title),
            *parts,
            *keys,
            _text(WIDTH / 2, HEIGHT - 10, x_label),
            "</svg>",
            "",
        ]
    )


def _escaped(text: str) -> str:
    return html.escape(visible(text))


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{_escaped(text)}</text>'


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="#ccc"/>'
