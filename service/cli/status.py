"""``veille status``: how the service, its feeds and its archive do; without disturbing any of them."""

import math
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from service.cli.situation import Situation

EVERY = 5.0
"""Seconds between two looks of ``--watch``."""
_LONGEST = 86_400


class _Seconds(click.FloatRange):
    """Seconds between two looks."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):  # which is in every range
            self.fail(f"{value} is no number of seconds", param, ctx)
        return seconds


@click.command(cls=Verb)
@click.option(
    "--watch",
    "every",
    is_flag=False,
    flag_value=str(EVERY),
    type=_Seconds(min=0.5, max=_LONGEST),
    metavar="[SECONDS]",
    help=f"Look again every so many seconds ({EVERY:g}), until Ctrl-C.",
)
@pass_context
def status(context: Context, every: float | None) -> int:
    """What is wrong, how every feed does, how every entry ended, gaps, disk. Failing feeds come first.

    24 h and 7 d are new entries listed and articles archived; the week's line shows its entries. -q prints what is
    wrong and nothing else: no line means that all is well.
    """
    if every is not None and not context.json and not sys.stdout.isatty():
        raise click.UsageError("--watch redraws a terminal; into a pipe it goes with --json only")
    if no_archive(context):
        return NO_ARCHIVE
    if every is None:
        _print(context)
        return 0
    with suppress(KeyboardInterrupt):  # as it is meant to end
        _stream(context, every) if context.json else _watch(context, every)
    return 0


def _look(context: Context) -> "Situation":
    from service.cli.situation import look
    from service.errors import SettingsError

    settings = context.settings
    try:
        return look(settings, context.feeds, datetime.now(UTC))
    except SettingsError as error:  # the service goes on with the feeds it has: how it does is worth knowing just now
        problem = "; ".join(str(error).splitlines())
        return look(settings, None, datetime.now(UTC), f"{problem}; shown are all feeds that were ever polled")


def _print(context: Context) -> None:
    situation = _look(context)
    if context.json:
        from service.cli.health_json import as_json

        for value in as_json(situation):
            context.emit(value)
        return
    from rich.text import Text

    from service.cli.health_page import page

    lines = page(context, situation)
    if not context.out.is_terminal:
        for line in lines:
            context.emit(line.plain)
    elif lines:
        with context.out.capture() as drawn:
            context.out.print(Text("\n").join(lines), soft_wrap=True)
        context.emit(drawn.get().removesuffix("\n"))


# -- again and again ---------------------------------------------------------------------------------------------------


def _stream(context: Context, every: float) -> None:
    import time

    from storage.errors import StorageError

    was_interrupted = _listening_to_interrupts()
    while context.has_reader and not was_interrupted():
        try:
            _print(context)
        except (StorageError, OSError) as error:  # another has it for the moment, or puts another in its place
            context.say(f"{error}; looking again in {every:g} s")
        time.sleep(every)
        context, trouble = _afresh(context)
        context.say(trouble)


def _watch(context: Context, every: float) -> None:
    import signal
    import time

    from rich.console import Group
    from rich.live import Live

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # leaving the terminal as it was
    seen: list[Text] = []
    trouble: str | None = None
    was_interrupted = _listening_to_interrupts()
    with Live(console=context.out, screen=True, auto_refresh=False) as live:
        while not was_interrupted():
            lines, seen = _draw(context, every, trouble, seen)
            live.update(Group(*lines), refresh=True)
            time.sleep(every)
            context, trouble = _afresh(context)


def _listening_to_interrupts() -> "Callable[[], bool]":
    """Whether Ctrl-C has come: its exception is lost where it comes in a callback of the interpreter's own."""
    import signal

    came = False

    def interrupt(*_: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    return lambda: came


def _draw(context: Context, every: float, trouble: str | None, seen: "list[Text]") -> "tuple[list[Text], list[Text]]":
    """The lines of a display, and the part of them that stays where the next look comes to nothing."""
    from rich.text import Text

    from service.cli.health_page import fold, page
    from storage.errors import StorageError

    time = context.time(datetime.now(UTC), "%Y-%m-%d %H:%M:%S")
    head = [Text(f"{time}, every {every:g} s; Ctrl-C ends", style="dim", no_wrap=True)]
    try:
        situation = _look(context)
    except (StorageError, OSError) as error:
        trouble = f"{error}; looking again in {every:g} s"
    else:
        seen = page(context, situation, height=context.out.height - 1)
    if trouble is not None:
        head += fold(context, [trouble])
        for line in head[1:]:
            line.stylize("red")
    return [*head, *seen], seen


def _afresh(context: Context) -> "tuple[Context, str | None]":
    """The settings and feeds as the files have them now; or those from before, and why."""
    from service.errors import SettingsError

    # the file in use, by name: while an editor has it away for a moment, the shipped catalogue must not step in
    fresh = replace(context, feeds_file=context.catalogue_path)
    try:
        fresh.settings, fresh.feeds  # noqa: B018  read now
    except SettingsError as error:
        return context, f"{'; '.join(str(error).splitlines())}; settings and feeds as they were"
    return fresh, None
