"""A small plot as SVG: lines over logarithmic axes, side by side. No library is needed to look at it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 420, 300, 70, 40, 20, 50
_COLOURS = ("#1f5fa8", "#b5462f", "#3d7d3f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot: what stands on its axes, and named lines of (x, y), all above zero."""

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[tuple[float, float]]]


def plot(panels: list[Panel]) -> str:
    """The panels side by side as one SVG document."""
    width = _WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{_HEIGHT}" fill="white"/>',
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate({place * _WIDTH} 0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    x_range, y_range = (_decades([point[axis] for point in points]) for axis in (0, 1))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x_range[0]) / (x_range[1] - x_range[0])
        up = (math.log10(y) - y_range[0]) / (y_range[1] - y_range[0])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_text(_WIDTH / 2, 20, panel.title), _text(_WIDTH / 2, _HEIGHT - 12, panel.x_label)]
    parts.append(_text(16, _HEIGHT / 2, panel.y_label, turned=True))
    for power in range(x_range[0], x_range[1] + 1):
        (x, low), (_, high) = at(10**power, 10 ** y_range[0]), at(10**power, 10 ** y_range[1])
        parts += [_rule(x, low, x, high), _text(x, low + 16, f"{10**power:g}")]
    for power in range(y_range[0], y_range[1] + 1):
        (low, y), (high, _) = at(10 ** x_range[0], 10**power), at(10 ** x_range[1], 10**power)
        parts += [_rule(low, y, high, y), _text(low - 22, y + 4, f"{10**power:g}")]
    for place, (name, line) in enumerate(panel.lines.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in (at(*p) for p in line)]
        parts.append(f'<text x="{_LEFT + 8}" y="{_TOP + 14 + 14 * place}" fill="{colour}">{escape(name)}</text>')
    return parts


def _decades(values: list[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle"{turn}>{escape(text)}</text>'
