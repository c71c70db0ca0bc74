"""Lines over time, in SVG: panels one below the other over one axis of minutes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, HEIGHT, GAP, TOP = 900, 70, 190, 130, 44, 56
LETTERS = 15
"""Between the base lines of two names."""
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#525252")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:13px;font-weight:600}"
    ".head{font-size:15px;font-weight:600}.grid{stroke:#ddd}path{fill:none;stroke-width:1.5}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel: points of minutes and values."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share a scale."""

    title: str
    lines: Sequence[Line]


def draw(heading: str, panels: Sequence[Panel]) -> str:
    """The panels as a document; each line has its name and its last value beside it."""
    minutes = max((at for panel in panels for line in panel.lines for at, _ in line.points), default=1.0) or 1.0
    height = TOP + len(panels) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(heading)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="head" x="{LEFT}" y="22">{escape(heading)}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, TOP + number * (HEIGHT + GAP), minutes)
    return "\n".join((*parts, "</svg>", ""))


def _panel(panel: Panel, top: float, minutes: float) -> list[str]:
    room, bottom = WIDTH - LEFT - RIGHT, top + HEIGHT
    ceiling = _ceiling(max((value for line in panel.lines for _, value in line.points), default=1.0))
    parts = [f'<text class="title" x="{LEFT}" y="{top - 8}">{escape(panel.title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = bottom - HEIGHT * share
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{ceiling * share:g}</text>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + room * share
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{minutes * share:.2g} min</text>')
    ends = sorted(
        ((line.points[-1][1], number, line) for number, line in enumerate(panel.lines) if line.points),
        key=lambda end: -end[0],
    )
    names: list[float] = []
    for place, (value, number, line) in enumerate(ends):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{LEFT + room * at / minutes:.1f},{bottom - HEIGHT * value / ceiling:.1f}" for at, value in line.points
        )
        parts.append(f'<path stroke="{colour}" d="M{places}"/>')
        # names neither cover each other nor leave the panel
        above = names[-1] + LETTERS if names else top
        names.append(min(max(above, bottom - HEIGHT * value / ceiling + 4), bottom - LETTERS * (len(ends) - place - 1)))
        parts.append(
            f'<text x="{WIDTH - RIGHT + 8}" y="{names[-1]:.1f}" style="fill:{colour}">'
            f"{escape(line.name)}: {value:.3g}</text>"
        )
    return parts


def _ceiling(value: float) -> float:
    """The least of 1, 2, 4, 6, 8 times a power of ten that is not below ``value``; 1 where that is nothing."""
    if value <= 0:
        return 1.0
    scale = 1.0
    while scale > value:
        scale /= 10
    while 10 * scale < value:
        scale *= 10
    return next(step * scale for step in (1, 2, 4, 6, 8, 10) if value <= step * scale)
