"""``veille status``: how the service, its feeds and its archive do; without disturbing any of them."""

import sys
from typing import TYPE_CHECKING

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from rich.table import Table

    from service.cli.situation import Situation

EVERY = 5.0
"""Seconds between two looks of ``--watch``."""


@click.command(cls=Verb)
@click.option(
    "--watch",
    "every",
    is_flag=False,
    flag_value=EVERY,
    type=click.FloatRange(min=0.5),
    metavar="[SECONDS]",
    help=f"Look again every so many seconds ({EVERY:g}), until Ctrl-C.",
)
@pass_context
def status(context: Context, every: float | None) -> int:
    """What is wrong, how every feed does, how every entry ended, gaps, disk. Failing feeds come first.

    24 h and 7 d are new entries listed and articles archived; the week's line shows its entries. -q prints what is
    wrong and nothing else.
    """
    if no_archive(context):
        return NO_ARCHIVE
    if every is None:
        _print(context, _look(context))
        return 0
    if context.json:
        return _stream(context, every)
    if not context.out.is_terminal:
        raise click.UsageError("--watch redraws a terminal; into a pipe it goes with --json only")
    return _watch(context, every)


def _look(context: Context) -> "Situation":
    from service.app import now
    from service.cli.situation import look

    return look(context.settings, context.feeds, now())


def _print(context: Context, situation: "Situation") -> None:
    from service.cli import health

    if context.json:
        for value in health.as_json(situation):
            context.emit(value)
        return
    wrong = health.wrong(situation, context.time)
    if context.quiet:
        for line in wrong:
            context.emit(line)
        return
    context.emit(health.summary(situation, context.time))
    if table := _table(context, situation):
        context.out.print(table)
    for line in (*wrong, *health.books(situation, context.time)):
        context.emit(line)


def _stream(context: Context, every: float) -> int:
    import time

    from storage.errors import StorageError

    try:
        while True:
            try:
                _print(context, _look(context))
            except StorageError as error:  # another has it for the moment
                context.say(f"{error}; looking again in {every:g} s")
            time.sleep(every)
    except KeyboardInterrupt:
        return 0


def _watch(context: Context, every: float) -> int:
    import time

    from rich.console import Group, RenderableType
    from rich.live import Live
    from rich.text import Text

    from service.cli import health
    from storage.errors import StorageError

    def drawn() -> RenderableType:
        try:
            situation = _look(context)
        except StorageError as error:
            return Text(f"{error}; looking again in {every:g} s")
        lines = [*health.wrong(situation, context.time), *health.books(situation, context.time)]
        parts: list[RenderableType] = [Text(health.summary(situation, context.time)), *map(Text, lines)]
        if table := _table(context, situation):
            parts.insert(1, table)
        return Group(*parts)

    try:
        with Live(drawn(), console=context.out, screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(drawn(), refresh=True)
    except KeyboardInterrupt:
        return 0


def _table(context: Context, situation: "Situation") -> "Table | None":
    from service.cli import health

    return health.table(situation, context.time, width=context.out.width, unicode=_has_blocks())


def _has_blocks() -> bool:
    """Whether block characters can be written where the output goes."""
    encoding = sys.stdout.encoding if sys.stdout is not None else None
    try:
        "▁█".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
