"""The lines of ``veille status`` put together: as wide, and where need be as few, as the terminal takes."""

from collections.abc import Iterable
from textwrap import wrap

from rich.text import Text

from service.cli import health
from service.cli.context import Context
from service.cli.health_table import table
from service.cli.situation import Situation

_LEAST = 3
"""Feeds, and lines of what is wrong, that are shown however little room there is."""
_NARROWEST = 20


def page(context: Context, situation: Situation, height: int | None = None) -> list[Text]:
    """What a person is shown: how it all is, the feeds, what is wrong, what there is; with ``-q`` what is wrong alone.

    With a ``height`` no more lines than that, as far as may be: of feeds and of what there is, as many as fit.
    """
    wrong = fold(context, health.wrong(situation, context.time))
    if context.quiet:
        return wrong if height is None else _cut(wrong, height)
    head = fold(context, [health.summary(situation, context.time)])
    books = fold(context, health.books(situation, context.time))
    rows = None
    if height is not None:
        room = height - len(head) - 5  # the heading of the table, how many feeds are left, what parts them
        wrong = _cut(wrong, max(_LEAST, room // 2))
        rows = max(_LEAST, min(len(situation.feeds), room - len(wrong)))
        left = max(0, room - len(wrong) - rows)
        books = books[len(books) - min(left, len(books)) :]  # the sums stand last
    feeds = table(situation, context.time, width=context.out.width, encoding=context.out.encoding, rows=rows)
    return [line for part in (head, feeds, wrong, books) if part for line in (*part, Text(""))][:-1]


def fold(context: Context, lines: Iterable[str]) -> list[Text]:
    """Lines that are too long for the terminal go on in the next, indented; in a pipe they stay whole."""
    if not context.out.is_terminal:
        return [Text(line) for line in lines]
    width = max(_NARROWEST, context.out.width)
    return [Text(part) for line in lines for part in wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)]


def _cut(lines: list[Text], most: int) -> list[Text]:
    if len(lines) <= most:
        return lines
    left = len(lines) - most + 1
    return [*lines[: most - 1], Text(f"and {left} more lines; veille status shows them all", style="dim")]
