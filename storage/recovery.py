"""What a start does with what the last one left behind, so that files and database say the same again."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from storage import manifest
from storage.connection import batches
from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.inspection import Inspection, is_of_records
from storage.manifest import Line
from storage.model import Article, Place, Sealed
from storage.records import line_digest
from storage.sealing import clear_drafts, compare, drop_plain, remember
from storage.segments import explained, lines, on_disk, parse, size
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery found past the committed offsets."""

    adopted: int = 0
    """Whole records that the database had not known."""
    torn: tuple[str, ...] = ()
    """Files, below the data directory, that unfinished lines were set aside in."""
    sealed: tuple[str, ...] = ()
    """Raw copies whose sealing had died between their manifest line and their row."""


Refuse = Callable[[CorruptArchiveError], None]
"""Hears of each thing that is not as it should be. A start raises it; a repair goes on with the rest."""


def stop(error: CorruptArchiveError) -> None:
    """Refuse loudly: raise it."""
    raise error


def recover(directory: Path, store: Store, now: datetime, *, refuse: Refuse = stop) -> Recovery:
    """Take in whole records past the committed offsets, set aside what is no whole record, finish what was sealed.

    Nothing committed is ever set aside. A database that has never seen a feed, beside records, was made anew after its
    loss: then any record may be one that was committed, and only a last line without its line feed is set aside.
    Sealed files are judged by size and time of change, and digested only where that time is another. Recovering twice
    changes nothing.

    Args:
        directory: The data directory.
        store: Its store.
        now: When entries end by it.
        refuse: Called with what is not as it should be.

    Raises:
        CorruptArchiveError: a file is missing or shorter than what is committed of it, or holds what is no record; a
            sealed file is missing or has changed.
        SchemaError: a record is of another format version.
        StorageError: something cannot be read or written.
    """
    committed, sealed = store.committed_files(), store.sealed_files()
    is_lost = not store.feed_states()
    for one in sealed.values():
        with refusing(refuse):
            _check_sealed(directory, store, one)
    clear_drafts(directory)
    drop_empty(directory, [file for file in on_disk(directory) if not committed.get(file)])
    found = on_disk(directory)
    plain = {file for file in found if not file.endswith(".gz")}
    packed = {file.removesuffix(".gz") for file in found if file.endswith(".gz")}
    for file, offset in committed.items():
        if offset and is_of_records(file) and file not in plain and file not in packed:
            refuse(CorruptArchiveError(f"{file} is missing, of which {offset} bytes are committed"))
    adopted, torn, carried_through = 0, [], []
    behind = [file for file in plain - packed if size(directory, file) > committed.get(file, 0)]
    if len(behind) + len(packed - sealed.keys()) > 1:
        store.forget_texts()  # records of several files are not taken in in the order in which they were archived
    for file in sorted(plain - packed):
        with refusing(refuse):
            lost = is_lost and is_forgotten(store, file)
            new, aside = _recover_plain(directory, store, file, committed.get(file, 0), now, is_lost=lost)
            adopted += new
            torn += aside
    leftovers, unknown = sorted(plain & packed), sorted(packed - sealed.keys())
    doubled = []
    for file in leftovers:
        with refusing(refuse):
            _compare(directory, file)
            doubled.append(file)
    growing = [file for file, offset in committed.items() if offset and not is_of_records(file) and file not in sealed]
    if unknown or is_lost or growing:
        entered = {line.path: line for line in manifest.read(directory).lines}
        for file in unknown:
            with refusing(refuse):
                adopted += _take_in(directory, store, file, entered, now)
        if is_lost:
            with refusing(refuse):
                _remember_raw(directory, store, entered)
        else:
            for file in sorted(entered.keys() & growing):  # nothing may be appended to them now
                with refusing(refuse):
                    store.seal(_inspect(directory, file, entered)[0])
                    carried_through.append(file)
    for file in doubled:
        if file not in unknown or file in store.sealed_files():
            _drop(directory, file)
    return Recovery(adopted, tuple(torn), tuple(carried_through))


def is_forgotten(store: Store, file: str) -> bool:
    """Whether a database made anew, after a loss, may have forgotten what was committed of a file.

    It has never seen a feed then, and has a writer's name of its own. One that was only just begun has not forgotten
    what is its own.
    """
    return not store.feed_states() and not Path(file).name.startswith(f"{store.writer()}-")


def drop_empty(directory: Path, files: Iterable[str]) -> None:
    """Remove files that nothing was ever written to: some readers stumble over them. Raises StorageError."""
    for file in files:
        path = directory / file
        with explained(file):
            if not path.stat().st_size:
                path.unlink()
                sync_directory(path.parent)


@contextmanager
def refusing(refuse: Refuse) -> Iterator[None]:
    """Within it, what is not as it should be is heard of, and left."""
    try:
        yield
    except CorruptArchiveError as error:
        refuse(error)


def _recover_plain(
    directory: Path, store: Store, file: str, offset: int, now: datetime, *, is_lost: bool
) -> tuple[int, list[str]]:
    """Returns how many records were new, and the file that what is no record was set aside in."""
    length, adopted = size(directory, file), 0
    if length < offset:
        raise CorruptArchiveError(f"{file} is {length} bytes long, of which {offset} are committed")
    if offset and not _ends_a_line(directory / file, offset):
        raise CorruptArchiveError(f"{file}: no line ends at byte {offset}, where what is committed of it does")
    if length == offset:
        return 0, []
    try:
        make_durable(directory, directory / file)
        for some in batches(_whole(directory, file, offset, is_lost=is_lost)):
            if not is_lost:
                _check_new(store, some)
            last = some[-1][1]
            offset = last.offset + last.length
            adopted += store.adopt(file, offset, some, now)
        if offset < length:
            return adopted, [set_aside(directory / file, offset).relative_to(directory).as_posix()]
    except OSError as error:
        raise StorageError(f"{file} cannot be recovered") from error
    return adopted, []


def _ends_a_line(path: Path, end: int) -> bool:
    with explained(path.name), path.open("rb") as source:
        source.seek(end - 1)
        return source.read(1) == b"\n"


def _check_new(store: Store, records: Iterable[tuple[Article, Place]]) -> None:
    """What this program left behind is archived nowhere else: a line that is was put there by another hand."""
    for article, place in records:
        for known in store.revisions(article.id):
            if known.revision == article.revision and known.place != place:
                raise CorruptArchiveError(
                    f"{place.file}, byte {place.offset}: revision {article.revision} of {article.id} stands in "
                    f"{known.place.file} already; take this one away"
                )


def make_durable(directory: Path, path: Path) -> None:
    """What a killed process wrote may still be in memory only: it must be on the disk before it is committed.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for folder in path.parents:
        sync_directory(folder)
        if folder == directory:
            break


def _whole(
    directory: Path, file: str, start: int, *, is_lost: bool, ending: str = ""
) -> Iterator[tuple[Article, Place]]:
    for offset, line in lines(directory, file + ending, start):
        if not line.endswith(b"\n"):
            return
        try:
            article = parse(file, offset, line)
        except CorruptArchiveError:
            if is_lost:
                raise
            return  # a power cut may leave holes in what was not yet synced, and whole lines after them
        yield article, Place(file, offset, len(line), line_digest(line))


def set_aside(path: Path, end: int) -> Path:
    """Move what stands in a file from byte ``end`` on to a file beside it; returns that one. Raises OSError."""
    aside = unused(path)
    with path.open("r+b") as source, aside.open("xb") as target:
        source.seek(end)
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
        sync_directory(path.parent)
        os.ftruncate(source.fileno(), end)
        os.fsync(source.fileno())
    return aside


def unused(path: Path) -> Path:
    """``NAME.torn`` beside ``NAME.jsonl``, or ``NAME.2.torn`` …: a name that readers of ``*.jsonl*`` pass over."""
    names = (path.with_suffix(".torn" if number == 1 else f".{number}.torn") for number in count(1))
    return next(name for name in names if not name.exists())


# -- sealed files ------------------------------------------------------------------------------------------------------


def _check_sealed(directory: Path, store: Store, sealed: Sealed) -> None:
    """Digesting all of them would take as long as the archive is large, and is what ``storage.verify`` is for."""
    path = directory / sealed.path
    with explained(sealed.path):
        status = path.stat()
        if status.st_size != sealed.bytes:
            raise CorruptArchiveError(
                f"{sealed.path} is {status.st_size} bytes long, but was sealed with {sealed.bytes}"
            )
        if status.st_mtime_ns == sealed.mtime_ns:
            return
        if manifest.digest(path) != sealed.sha256:
            raise CorruptArchiveError(f"{sealed.path} has changed since it was sealed: its SHA-256 is another")
    store.seal(replace(sealed, mtime_ns=status.st_mtime_ns))  # copied, or restored


def _compare(directory: Path, file: str) -> None:
    """A plain file beside its sealed one, as a crash or a backup of many days leaves it, holds nothing of its own."""
    try:
        for _ in compare(directory / file, Inspection(directory, file), size(directory, file)):
            pass
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error


def _drop(directory: Path, file: str) -> None:
    try:
        drop_plain(directory / file)
    except OSError as error:
        raise StorageError(f"{file} cannot be removed") from error


def _take_in(directory: Path, store: Store, file: str, entered: Mapping[str, Line], now: datetime) -> int:
    """A sealed file that the database does not know: its sealing was cut short, or one of the two comes out of a copy.

    Returns how many of its records were new. It is remembered last: then all of them are known.
    """
    sealed, length = _inspect(directory, file, entered)
    offset, adopted = store.committed_offset(file), 0
    if length < offset:
        raise CorruptArchiveError(f"{sealed.path} holds {length} bytes of lines, of which {offset} are committed")
    try:
        make_durable(directory, directory / sealed.path)
    except OSError as error:
        raise StorageError(f"{sealed.path} cannot be synced") from error
    for some in batches(_whole(directory, file, offset, is_lost=True, ending=".gz")):
        last = some[-1][1]
        offset = last.offset + last.length
        adopted += store.adopt(file, offset, some, now)
    if sealed.path in entered and not (directory / file).exists():
        store.seal(sealed)
    else:  # the manifest may have it, but not on the disk yet
        remember(directory, store, sealed)
    return adopted


def _remember_raw(directory: Path, store: Store, entered: Mapping[str, Line]) -> None:
    """Sealed raw copies, by the manifest: so that one which has changed or is missing is noticed."""
    sealed = store.sealed_files()
    for path in entered:
        file = path.removesuffix(".gz") if is_of_records(path) else path
        if not any((directory / name).exists() for name in (path, file)):
            raise CorruptArchiveError(f"{path} is missing, which the manifest has")
        if file not in sealed and not is_of_records(file):
            store.seal(_inspect(directory, file, entered)[0])


def _inspect(directory: Path, file: str, entered: Mapping[str, Line]) -> tuple[Sealed, int]:
    """What a sealed file is, and how many bytes it holds; refuses it where the manifest says otherwise."""
    inspection = Inspection(directory, file)
    for _ in inspection.pieces():
        pass
    sealed = inspection.sealed()
    if line := entered.get(sealed.path):
        line.confirm(manifest.line_of(sealed))
    return sealed, inspection.length
