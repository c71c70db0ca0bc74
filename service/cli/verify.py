"""``veille verify``: whether the archive is sound, and what can be done where it is not. Alone, it changes nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from service.cli.archive import NO_ARCHIVE, no_archive
from service.cli.context import Context, Verb, pass_context

if TYPE_CHECKING:
    from storage.store import Store
    from storage.verification.damage import Damage

DAMAGE = 12


@click.command(cls=Verb)
@click.option("--repair", is_flag=True, help="Mend what can be mended without loss, then check; no service may run.")
@click.option("--rebuild", is_flag=True, help="Make what the database knows of the files again from them, then check.")
@pass_context
def verify(context: Context, repair: bool, rebuild: bool) -> int:
    """Check every line, hash, count and reference; exit 12 and a list where something is damaged."""
    from service.app import now, open_mended, open_readonly
    from storage import repair as repairing
    from storage.errors import CorruptDatabaseError
    from storage.verification.damage import DATABASE, Damage
    from storage.verify import verify as damages

    directory = context.settings.data_dir
    if not (repair or rebuild):
        if no_archive(context):
            return NO_ARCHIVE
        try:
            with open_readonly(context.settings) as store:
                found = _list(context, damages(directory, store))
                return _sum_up(context, _records(store), found, "nothing was changed")
        except CorruptDatabaseError as error:
            found = _list(context, [Damage(DATABASE, None, str(error))])
            return _sum_up(context, 0, found, "nothing was changed")
    if not _is_archive(context) and no_archive(context):
        return NO_ARCHIVE
    with open_mended(context.settings) as (store, done):
        _say(context, done)
        mend = repairing.rebuild if rebuild else repairing.repair
        _say(context, mend(directory, store, now()))
        found = _list(context, damages(directory, store, patience=0))
        return _sum_up(context, _records(store), found, "it could not be mended")


def _records(store: "Store") -> int:
    from storage.errors import StorageError

    try:
        return store.balance()[1]
    except StorageError:  # it is damaged, and that has been told
        return 0


def _is_archive(context: Context) -> bool:
    """Whether there is something to repair: records are enough, their database may be what is lost."""
    from storage.card import is_export

    directory = context.settings.data_dir
    return any(directory.glob("articles/*/*.jsonl*")) and not is_export(directory)


def _say(context: Context, done: Iterable[str]) -> None:
    for what in done:
        if context.json:
            context.emit({"done": what})
        else:
            context.say(what)


def _list(context: Context, damages: "Iterable[Damage]") -> int:
    """Print what is damaged; returns how much that is."""
    found = 0
    for damage in damages:
        found += 1
        where = f"{damage.path}:{damage.offset}" if damage.offset is not None else damage.path
        context.emit(
            {"path": damage.path, "offset": damage.offset, "damage": damage.what}
            if context.json
            else f"{where}: {damage.what}"
        )
    return found


def _sum_up(context: Context, records: int, found: int, fate: str) -> int:
    if context.json:
        context.emit({"records": records, "damaged": found})
    elif found:
        context.say(f"{found} damaged; {fate}")
    else:
        context.say(f"{records} record{'' if records == 1 else 's'}, all sound")
    return DAMAGE if found else 0
