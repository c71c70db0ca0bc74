"""Looks at every record and reference, and says what is wrong. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from storage.errors import CorruptArchiveError, SchemaError
from storage.model import ArchivedRevision, Article, Place
from storage.rebuild import Find, full_paragraphs
from storage.records import decode
from storage.segments import Reader, lines, on_disk, size
from storage.store import Store

_ROWS = 500
"""Rows read from the store at a time."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it should be."""

    path: str
    """A file below the data directory, or ``the database``."""
    offset: int | None
    """In bytes; None where the whole file is meant."""
    what: str
    """A plain sentence, without its full stop."""


def verify(directory: Path, store: Store) -> Iterator[Damage]:
    """Check every file, line, hash, reference and count; yields what is wrong as it is found, nothing if all is well.

    A file is judged up to the offset committed when its turn comes, so that a process that goes on writing disturbs
    nothing. Memory does not grow with the archive.

    Raises:
        StorageError: a file or the database cannot be read at all.
    """
    find = finder(directory, store)
    found = on_disk(directory)
    sizes = {file: size(directory, file) for file in found if file.endswith(".jsonl")}
    records = {file.removesuffix(".gz") for file in found}
    for file in sorted(records | store.committed_files().keys()):
        committed = store.committed_offset(file)
        if file in records:
            yield from _verify_file(directory, file, committed, store, find)
        elif committed:
            yield Damage(file, None, f"the file is missing, of which {committed} bytes are committed")
    committed_files = store.committed_files()
    for file, length in sizes.items():
        if length > (end := committed_files.get(file, 0)):
            yield Damage(file, end, f"{length - end} bytes are not committed: the next start takes them in or aside")
    archived, known = store.balance()
    if archived != known:
        yield Damage("the database", None, f"{archived} entries are archived, but there are {known} records")


def finder(directory: Path, store: Store) -> Find:
    """A ``find`` for ``storage.rebuild.full_paragraphs``: reads the articles that others refer to."""
    read = Reader(directory, store).read

    @lru_cache(maxsize=64)  # what one article refers to, its neighbours often do too
    def find(article_id: str, revision: int) -> Article:
        reference = f"a removed paragraph refers to {article_id} revision {revision}"
        if (place := _place(store, article_id, revision)) is None:
            raise CorruptArchiveError(f"{reference}, which is not archived")
        try:
            return read(place)
        except (CorruptArchiveError, SchemaError) as error:
            raise CorruptArchiveError(reference) from error

    return find


def _place(store: Store, article_id: str, revision: int) -> Place | None:
    return next((known.place for known in store.revisions(article_id) if known.revision == revision), None)


def _verify_file(directory: Path, file: str, committed: int, store: Store, find: Find) -> Iterator[Damage]:
    """Walks through the file's lines and the database's rows side by side, by offset."""
    rows = _rows(store, file, committed)
    row = next(rows, None)
    end = 0
    for offset, line in lines(directory, file):
        if offset >= committed:
            break
        end = offset + len(line)
        while row is not None and row.place.offset < offset:
            yield _without_record(row)
            row = next(rows, None)
        article: Article | None = None
        try:
            article = decode(line)
            full_paragraphs(article, find)
        except (CorruptArchiveError, SchemaError) as error:
            yield Damage(file, offset, str(error))
        here = row if row is not None and row.place.offset == offset else None
        if article is not None and (what := _misplaced(article, Place(file, offset, len(line)), here, store)):
            yield Damage(file, offset, what)
        if here is not None:
            row = next(rows, None)
    while row is not None:
        yield _without_record(row)
        row = next(rows, None)
    if end != committed:
        short = f"the file ends here, but {committed} bytes are committed"
        yield Damage(file, end, short if end < committed else f"the record ends past the {committed} committed bytes")


def _rows(store: Store, file: str, end: int) -> Iterator[ArchivedRevision]:
    start = 0
    while some := store.records_in(file, start, _ROWS):
        for row in some:
            if row.place.offset >= end:
                return
            yield row
        start = some[-1].place.offset + 1


def _without_record(row: ArchivedRevision) -> Damage:
    what = f"the database has {row.id} revision {row.revision} here, but no record begins here"
    return Damage(row.place.file, row.place.offset, what)


def _misplaced(article: Article, place: Place, row: ArchivedRevision | None, store: Store) -> str | None:
    name = f"{article.id} revision {article.revision}"
    if row is None:
        elsewhere = _place(store, article.id, article.revision)
        if elsewhere is None:
            return f"the database does not know {name}, which stands here"
        return f"{name} stands here a second time; the first is in {elsewhere.file} at byte {elsewhere.offset}"
    if (row.id, row.revision) != (article.id, article.revision):
        return f"{name} stands here, but the database has {row.id} revision {row.revision} here"
    if (row.place.length, row.text_hash, row.title) != (place.length, article.text_hash, article.title):
        return f"{name} is not as the database remembers it: length, title or text_hash differ"
    return None
