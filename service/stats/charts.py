"""Bars over time, as parts of a page: drawn in SVG, told in words, listed in a table. Pure.

Only bars are drawn in SVG, which stretches to whatever width there is; words stand beside it, and keep their size.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

MOST_BARS = 92
"""More than these are too thin to tell apart: longer times are drawn by week, month, quarter or year."""


def _quarter(day: date) -> date:
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


_STARTS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": _quarter,
    "year": lambda day: day.replace(month=1, day=1),
}
"""The first day of the period that a day is in."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The time from one day to another, cut into periods."""

    step: str
    """How long each is: day, week (from Monday), month, quarter or year."""
    starts: Sequence[date]
    """The first day of each, in order."""

    def sums(self, values: Iterable[tuple[date, int]]) -> list[int]:
        """Figures of days, all of them in this time, added up by period."""
        found = dict.fromkeys(self.starts, 0)
        for day, value in values:
            found[_STARTS[self.step](day)] += value
        return list(found.values())

    def label(self, start: date) -> str:
        """A period's name: 2026-11-23, 2026-11 or 2026; a week's and a quarter's is that of its first day, or month."""
        return start.isoformat()[: {"month": 7, "quarter": 7, "year": 4}.get(self.step, 10)]


def calendar(first: date, last: date) -> Calendar:
    """The time from ``first`` to ``last`` in the shortest periods that make no more than ``MOST_BARS``, or in years."""
    days = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
    found = Calendar("day", days)
    for step, start in _STARTS.items():
        found = Calendar(step, list(dict.fromkeys(map(start, days))))
        if len(found.starts) <= MOST_BARS:
            break
    return found


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart."""

    name: str
    style: str
    """The class of its bars, which says the colour."""
    values: Sequence[int]
    """One for each period."""


def bar_chart(title: str, unit: str, labels: Sequence[str], series: Sequence[Series], *, heading: str) -> str:
    """A figure: bars stacked in the order of ``series``, the first at the bottom.

    Args:
        title: What it shows; any text.
        unit: What is counted, in the plural.
        labels: A name for each period.
        series: At least one.
        heading: What the periods are called, over the first column of the table.
    """
    top = ceiling(max(map(sum, zip(*(one.values for one in series), strict=True))))
    marks = [labels[0], labels[len(labels) // 2], labels[-1]] if len(labels) > 4 else labels[:: len(labels) - 1 or 1]
    legend = "".join(
        f'<li><span class="key {one.style}"></span><bdi>{escape(one.name)}</bdi> {sum(one.values):,}</li>'
        for one in series
    )
    scale = "".join(f"<span>{value:,}</span>" for value in (top, top // 2, 0))
    axis = "".join(f"<span>{escape(mark)}</span>" for mark in marks)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<ul class="legend">{legend}</ul>'
        f'<div class="plot" style="max-width:{4 + 3 * max(len(labels), 5)}rem">'
        f'<div class="scale" aria-hidden="true">{scale}</div>'
        f"{_bars(title, unit, labels, series, top)}"
        f'<div class="axis" aria-hidden="true">{axis}</div></div>'
        f"<details><summary>The same as a table</summary>{_table(title, heading, labels, series)}</details>"
        "</figure>"
    )


def _bars(title: str, unit: str, labels: Sequence[str], series: Sequence[Series], top: int) -> str:
    bars = []
    for number, label in enumerate(labels):
        drawn, y = [], 100.0
        for one in series:
            if one.values[number]:
                height = 100 * one.values[number] / top
                y -= height
                drawn.append(
                    f'<rect class="{one.style}" x="{10 * number + 1}" y="{y:.4f}" width="8" height="{height:.4f}"/>'
                )
        told = ", ".join(f"{one.name} {one.values[number]:,}" for one in series if one.values[number]) or "none"
        bars.append(f"<g><title>{escape(label)}: {escape(told)}</title>{''.join(drawn)}</g>")
    width = 10 * len(labels)
    lines = "".join(f'<line x1="0" y1="{y}" x2="{width}" y2="{y}"/>' for y in (0, 50, 100))
    sums = ", ".join(f"{one.name} {sum(one.values):,}" for one in series)
    return (
        f'<svg role="img" viewBox="0 0 {width} 100" preserveAspectRatio="none">'
        f"<title>{escape(title)}</title>"
        f"<desc>{escape(f'{unit} from {labels[0]} to {labels[-1]}: {sums}')}</desc>"
        f"{lines}{''.join(bars)}</svg>"
    )


def _table(title: str, heading: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    head = "".join(f'<th scope="col"><bdi>{escape(one.name)}</bdi></th>' for one in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(f"<td>{value:,}</td>" for value in values)}</tr>'
        for label, *values in zip(labels, *(one.values for one in series), strict=True)
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(title)}"><table><thead>'
        f'<tr><th scope="col">{escape(heading)}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def sparkline(title: str, values: Sequence[int]) -> str:
    """Small bars of one series, the highest of them as high as there is room."""
    top = max(values) or 1
    path = "".join(
        f"M{10 * number + 1} 100V{100 - 100 * value / top:.4f}h8V100" for number, value in enumerate(values) if value
    )
    return (
        f'<svg class="spark" role="img" viewBox="0 0 {10 * len(values)} 100" preserveAspectRatio="none">'
        f'<title>{escape(title)}</title><path class="s0" d="{path}"/></svg>'
    )


def ceiling(value: int) -> int:
    """The least round and even number that is not below ``value``, and not 0."""
    scale = 1
    while value > 10 * scale:
        scale *= 10
    return next(step * scale for step in (2, 4, 6, 8, 10) if value <= step * scale)
