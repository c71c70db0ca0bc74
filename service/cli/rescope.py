"""``veille dedup`` and ``export``: the archive under another scope of the duplicate filter. Both only look at it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from service.rescoping import Rescoping, Step
    from storage.export_card import Exported

DAMAGE = 12
TERMINATED = 128 + signal.SIGTERM

_SCOPE = click.option(
    "--scope",
    required=True,
    type=click.Choice(["off", "article", "boilerplate", "all"]),
    help="How far the filter is to look: not at all, in the article, at what feeds repeat, anywhere.",
)


@click.command(cls=Verb)
@_SCOPE
@click.option("--dry-run", is_flag=True, help="Must be given: nothing is ever removed from what is archived.")
@pass_context
def dedup(context: Context, scope: str, dry_run: bool) -> int:
    """What another scope of the duplicate filter would remove from the archive so far, by feed."""
    if not dry_run:
        raise click.UsageError(
            "the archive is never rewritten: with --dry-run, dedup says what another scope would remove; "
            "veille export --scope S DIR writes an archive without it"
        )
    from service.cli.comparison import print_comparison
    from service.comparing import Comparison

    if no_archive(context):
        return NO_ARCHIVE
    comparison, left_out = Comparison(), _LeftOut(context)
    with _rescoping(context, scope, left_out, scratch_in=None) as rescoping:
        rescoping.rank()
        for rescoped in rescoping.records():
            comparison.add(rescoped)
        print_comparison(context, comparison, rescoping.articles(), scope)
    return DAMAGE if left_out.count else 0


@click.command(cls=Verb)
@_SCOPE
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@pass_context
def export(context: Context, scope: str, directory: Path) -> int:
    """Write the archive into DIR with one scope of the duplicate filter applied over all of it."""
    from storage.export import open_export

    directory = directory.resolve()
    if directory.is_relative_to(context.settings.data_dir.resolve()):
        raise click.UsageError(f"{directory} is inside the archive; an export goes elsewhere")
    if directory.is_dir() and next(directory.iterdir(), None) is not None:
        raise click.UsageError(f"{directory} is not empty: name a new directory")
    if no_archive(context):
        return NO_ARCHIVE
    left_out = _LeftOut(context)
    with (
        _ended_by_sigterm(),
        open_export(directory) as files,
        _rescoping(context, scope, left_out, scratch_in=directory) as rescoping,
    ):
        rescoping.rank()
        for rescoped in rescoping.records():
            files.write(rescoped.after)
        files.finish(_exported(context, scope, files.records, left_out.count))
        records, size = files.records, files.bytes
    if context.json:
        context.emit({"records": records, "bytes": size, "left_out": left_out.count, "directory": str(directory)})
    else:
        from service.units import format_size
        from storage.words import count

        lost = f"; {left_out.count} left out" if left_out.count else ""
        context.say(f"{count(records, 'record')}, {format_size(size)}, in {directory}{lost}")
    return DAMAGE if left_out.count else 0


def _exported(context: Context, scope: str, records: int, left_out: int) -> "Exported":
    from storage.export_card import Exported
    from storage.model import Scope

    settings = context.settings
    return Exported(Scope(scope), records, left_out, settings.boilerplate_articles, settings.boilerplate_days)


class _LeftOut:
    """Tells of what cannot be read, a line each, and counts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.count = 0

    def __call__(self, what: str) -> None:
        from service.logs import printable

        self.count += 1
        # an error, whatever --quiet says
        self._context.err.print(f"left out: {printable(what)}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _rescoping(
    context: Context, scope: str, left_out: Callable[[str], None], *, scratch_in: Path | None
) -> "Iterator[Rescoping]":
    """Within it, the archive can be looked at under a scope."""
    from service.app import open_readonly
    from service.articles.paragraphs import Learned
    from service.mastheads import Mastheads
    from service.rescoping import Rescoping
    from storage.model import Scope
    from storage.ranks import open_ranks

    settings = context.settings
    with (
        _ended_by_sigterm(),
        open_readonly(settings) as store,
        open_ranks(scratch_in) as ranks,
        _progress(context, store.balance()[1]) as step,
    ):
        yield Rescoping(
            settings.data_dir,
            store,
            ranks,
            scope=Scope(scope),
            learned=Learned(settings.boilerplate_articles, settings.boilerplate_days),
            names=Mastheads(context.feeds, store.feed_states()).of,
            leave_out=left_out,
            step=step,
        )


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Within it, SIGTERM ends the verb as an error does: what it has written is removed."""

    def end(_signal: int, _frame: Any) -> None:
        sys.exit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(context: Context, records: int) -> "Iterator[Step]":
    """What shows how far it is, where there is a terminal to show it on."""
    if not context.err.is_terminal or context.quiet or context.json:
        yield lambda _what, _done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=context.err, transient=True) as progress:
        tasks = {what: progress.add_task(what, total=records) for what in ("read", "compared", "filtered")}
        yield lambda what, done: progress.update(tasks[what], completed=done)
