"""Mends an archive, as far as nothing is lost by it; or, when told so, has the database learn all from the files again.

Both are for whoever holds the lock, and say what they did, a line each. What they leave, ``storage.verify`` tells.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from storage.card import write_card
from storage.contents import Claims, contents
from storage.database import Database, open_database
from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, CorruptDatabaseError, StorageError
from storage.mending import listed, mend_manifest, mend_rows
from storage.model import Reindexed
from storage.raw_recovery import recover_raw
from storage.recovery import Recovery, recover, unused
from storage.segments import size
from storage.store import Store
from storage.verify import verify
from storage.words import count


def open_mended(url: str) -> tuple[Database, list[str]]:
    """Open the store at ``url``, its lost tables and indexes made anew; returns what was done too.

    An SQLite database that is damaged beyond that is set aside, and an empty one made.

    Raises:
        SchemaError: it is of a newer program.
        StorageError: it cannot be opened or written, or is damaged and no file of ours.
    """
    try:
        database = open_database(url)
        try:
            done = [f"{what}: made anew" for what in database.mend()]
            left = database.damage()
        except BaseException:
            database.close()
            raise
        if not left:
            return database, done
        database.close()
        raise CorruptDatabaseError(left[0])
    except CorruptDatabaseError as error:
        aside = _set_aside(url, error)
    what = f"the database was damaged, and is set aside as {aside.name}: a new one begins, with schedules of its own"
    return open_database(url), [what]


def _set_aside(url: str, error: CorruptDatabaseError) -> Path:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise error
    path = Path(parsed.database)
    aside = unused(path)
    try:
        for ending in ("-wal", "-shm", ""):  # the file itself last: until then the next attempt finds it damaged again
            part = path.with_name(path.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
        sync_directory(path.parent)
    except OSError as failure:
        raise StorageError(f"{path} cannot be set aside") from failure
    return aside


def repair(directory: Path, store: Store, now: datetime) -> Iterator[str]:
    """Mend what can be mended without loss: nothing committed is changed, and nothing known forgotten.

    Raises:
        SchemaError: a record is of another format version.
        StorageError: something cannot be read or written.
    """
    yield from _mend(directory, store, now)
    if next(verify(directory, store, patience=0), None) is None:
        return
    claims = _claims(directory, store)
    if _is_cut(directory, store):
        return  # to learn from what is left would forget that there was more
    try:
        done = store.reindex(contents(directory, claims), now, may_forget=False)
    except CorruptArchiveError:
        return  # the files hold less than the database knows: that is damage, and stays
    yield _told(done)


def rebuild(directory: Path, store: Store, now: datetime) -> Iterator[str]:
    """Mend, and have the database forget all that it knows of the files, and learn it from them again.

    What the files do not hold any more is lost to the archive then, and said to be.

    Raises:
        SchemaError: a record is of another format version.
        StorageError: something cannot be read or written.
    """
    yield from _mend(directory, store, now)
    done = store.reindex(contents(directory, _claims(directory, store)), now, may_forget=True)
    yield _told(done)
    if done.forgotten:
        yield f"forgotten, for no file holds them any more: {count(done.forgotten, 'record')}"
    if done.lost:
        yield f"failed, for the record is lost: {count(done.lost, 'entry')}; what the feed still lists is fetched again"
    yield from _recovered(directory, store, now)
    yield from mend_manifest(directory, store, drop_missing=True)


def _mend(directory: Path, store: Store, now: datetime) -> Iterator[str]:
    yield from (f"{name} was written anew" for name in write_card(directory))
    yield from mend_manifest(directory, store)  # first, for what follows reads it
    yield from _recovered(directory, store, now)
    yield from mend_rows(directory, store)
    yield from mend_manifest(directory, store)
    if ended := store.end_stranded(now):  # last, for a record found may have been made from one
        what = f"failed, for what the feeds gave is lost: {count(ended, 'pending entry')}"
        yield f"{what}; what the feeds still list is fetched again"


def _recovered(directory: Path, store: Store, now: datetime) -> Iterator[str]:
    """What a start does, but for refusing to: what is damaged is left, the rest goes on."""
    for found, kind in (
        (recover_raw(directory, store, refuse=_leave), "WARC record"),
        (recover(directory, store, now, refuse=_leave), "record"),
    ):
        yield from _of_recovery(found, kind)


def _leave(_: CorruptArchiveError) -> None:
    """It is told by ``verify`` afterwards."""


def _of_recovery(found: Recovery, kind: str) -> Iterator[str]:
    if found.adopted:
        yield f"taken in, for the database had not known them: {count(found.adopted, kind)}"
    for path in found.sealed:
        yield f"the database knows again what {path} was sealed as"
    for file in found.torn:
        yield f"what was no whole record was set aside in {file}"


def _is_cut(directory: Path, store: Store) -> bool:
    """Whether a file is shorter than what is committed of it, or than what was sealed."""
    sealed = store.sealed_files()
    lengths = {one.path: one.bytes for one in sealed.values()}
    lengths |= {file: end for file, end in store.committed_files().items() if file not in sealed}
    return any((directory / path).exists() and size(directory, path) < length for path, length in lengths.items())


def _claims(directory: Path, store: Store) -> Claims:
    sealed = store.sealed_files()
    return Claims({one.path: one for one in sealed.values()}, listed(directory), store.committed_files())


def _told(done: Reindexed) -> str:
    brought = f", {done.brought} of them without an entry before" if done.brought else ""
    return f"the database has learnt {count(done.records, 'record')} from the files again{brought}"
