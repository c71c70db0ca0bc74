"""The table of feeds that ``veille status`` shows: a line each, as wide as there is room."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from service.cli.situation import Situation
from service.logs import printable
from service.vitals import Counts, Vitals
from storage.model import Health, Outcome

Time = Callable[..., str]
"""A moment as people are shown it, with its zone; nothing for None."""

WIDE = 100
"""Columns from which on there is room for everything."""
BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.:-=+*#"
_RECENT = timedelta(days=300)
"""How far a moment may be away to be shown without its year."""
_GAP = "  "
_LEAST = 8
"""Columns that a feed's name always has."""


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: Sequence[str]
    is_number: bool = False
    styles: Sequence[str] = ()
    """One a cell, where it has any."""

    def padded(self) -> Iterator[str]:
        """The heading and the cells, all of one width."""
        width = max(cell_len(text) for text in (self.heading, *self.cells))
        for text in (self.heading, *self.cells):
            space = " " * (width - cell_len(text))
            yield space + text if self.is_number else text + space


def table(situation: Situation, time: Time, *, width: int, encoding: str, rows: int | None = None) -> list[Text]:
    """A heading and a line for each feed, ``width`` columns at most; nothing where there are no feeds.

    Args:
        situation: What was looked at.
        time: How a moment is written.
        width: Columns there are.
        encoding: Of where it goes; without block characters in it, plain ones stand for them.
        rows: Feeds that are shown, where not all fit; the others are counted.
    """
    feeds = situation.feeds[:rows]
    if not feeds:
        return []
    columns = _columns(feeds, situation, time, is_wide=width >= WIDE, encoding=encoding)
    padded = [list(column.padded()) for column in columns]
    room = max(_LEAST, width - sum(len(_GAP) + cell_len(cells[0]) for cells in padded))
    names = list(
        _Column(
            "feed", [_fit(printable(one.name), room, "…" if _has(encoding, "…") else "~") for one in feeds]
        ).padded()
    )
    styles: list[Sequence[str]] = [column.styles or [""] * len(feeds) for column in columns]
    lines = []
    for row, cells in enumerate(zip(names, *padded, strict=True)):
        line = Text(_GAP.join(cells).rstrip(), style="bold" if row == 0 else "", no_wrap=True)
        start = len(cells[0]) + len(_GAP)
        for place, cell in enumerate(cells[1:]):
            if row and (style := styles[place][row - 1]):
                line.stylize(style, start, start + len(cell.rstrip()))
            start += len(cell) + len(_GAP)
        line.truncate(width)
        lines.append(line)
    if left := len(situation.feeds) - len(feeds):
        lines.append(Text(f"and {left} more feed{'' if left == 1 else 's'}", style="dim"))
    return lines


def _columns(
    feeds: Sequence[Vitals], situation: Situation, time: Time, *, is_wide: bool, encoding: str
) -> list[_Column]:
    states = [one.state if one.is_watched else None for one in feeds]
    health = [_health(one) for one in feeds]
    success = [state.last_success if state else None for state in states]
    due = [state.next_due if state and state.health is not Health.GONE else None for state in states]

    def moments(heading: str, moments: Sequence[datetime | None]) -> _Column:
        return _Column(heading, [_moment(moment, situation.at, time) for moment in moments])

    def counts(heading: str, counts: Sequence[Counts]) -> _Column:
        return _Column(heading, [f"{some.entries}/{some.articles}" for some in counts], is_number=True)

    pending = [str(one.ledger.counts.get(Outcome.PENDING, 0)) for one in feeds]
    return [
        _Column("health", [words for words, _ in health], styles=[style for _, style in health]),
        moments(f"success {time(situation.at, '').strip()}", success),
        moments("next poll", due),
        counts("24 h", [one.day for one in feeds]),
        counts("7 d", [one.week for one in feeds]),
        *([_Column("pending", pending, is_number=True)] if is_wide else []),
        _Column("week", [line_of(one.trend, encoding, blocks=14 if is_wide else 7) for one in feeds]),
    ]


def _fit(name: str, width: int, mark: str) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width - 1) + mark


def _health(one: Vitals) -> tuple[str, str]:
    """How a feed does in a word, and the colour of that."""
    if not one.is_watched:
        return "removed" if one.feed is None else "off", "dim"
    health = str(one.state.health) if one.state else "new"
    if one.is_failing:
        return health, "red"
    return ("silent", "yellow") if one.is_silent else (health, "")


def _moment(moment: datetime | None, now: datetime, time: Time) -> str:
    """Without its zone, which stands above."""
    if moment is None:
        return ""
    return time(moment, "%m-%d %H:%M")[:11] if abs(now - moment) < _RECENT else time(moment, "%Y-%m-%d")[:10]


def line_of(trend: Sequence[int], encoding: str, *, blocks: int = 28) -> str:
    """A feed's week in so many marks, of those that ``encoding`` has."""
    return sparkline(trend, BLOCKS if _has(encoding, BLOCKS) else ASCII, blocks=blocks)


def _has(encoding: str, characters: str) -> bool:
    try:
        characters.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def sparkline(values: Sequence[int], marks: str, *, blocks: int) -> str:
    """Values in so many blocks; the highest is the tallest, and only nothing at all is the lowest."""
    each = max(1, len(values) // blocks)
    sums = [sum(some) for some in zip_longest(*[iter(values)] * each, fillvalue=0)]
    most, steps = max(sums, default=0), len(marks) - 1
    return "".join(marks[-(-value * steps // most) if most else 0] for value in sums)
