"""``veille seal``: the files being written are closed and compressed, before their day is over."""

from typing import TYPE_CHECKING, Any

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from storage.model import Sealed

STORAGE = 74


@click.command(cls=Verb)
@pass_context
def seal(context: Context) -> int:
    """Close and compress the files being written, now; run and crawl do it when their day is over."""
    from service.app import now, open_archive
    from storage.sealing import Unsealed

    if no_archive(context):
        return NO_ARCHIVE
    count, failed = 0, None
    with open_archive(context.settings) as (store, archive):
        for sealed in archive.sealing(now(), everything=True):
            if isinstance(sealed, Unsealed):
                context.say(str(sealed.error))
                failed = sealed
            elif sealed is not None:
                count += 1
                before = store.committed_offset(sealed.file)
                context.emit(_as_json(sealed, before) if context.json else _line(sealed, before))
    if failed is not None:
        return STORAGE
    if not count and not context.json:
        context.say("nothing to seal")
    return 0


def _line(sealed: "Sealed", before: int) -> str:
    from service.units import format_size

    records = f"{sealed.records} record{'' if sealed.records == 1 else 's'}"
    if sealed.path == sealed.file:
        return f"{sealed.path}: {records}, {format_size(sealed.bytes)}"
    return f"{sealed.path}: {records}, {format_size(before)} → {format_size(sealed.bytes)}"


def _as_json(sealed: "Sealed", before: int) -> dict[str, Any]:
    """The keys of the manifest, and how many bytes the file had before."""
    keys = ("path", "records", "bytes", "sha256", "first_id", "last_id")
    return {key: getattr(sealed, key) for key in keys} | {"bytes_before": before}
