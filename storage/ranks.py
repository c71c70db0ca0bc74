"""All records of an archive in an order free of their arrival, and the paragraph index of them all, on scratch.

A record's rank is when it was published (the end of time where that is not known), its id, its revision: whoever
archives the same records in another order ranks them alike. The index made by rank says of each text which record of
all keeps it, and how often it came in all; it is complete before anything is asked of it.

    add, of every record → index → turns, paragraphs
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storage.columns import Instant
from storage.connection import batches, create_scratch_engine
from storage.errors import StorageError
from storage.fingerprints import fingerprint
from storage.forms import pack_texts, unpack_texts
from storage.model import Article, Place
from storage.occurrences import KEY
from storage.paragraphs import Indexed, Version, day_of
from storage.sketches import Sketch, pack, sketch, unpack
from storage.tables import articles, bands, metadata, paragraphs, repeats, spellings
from storage.texts import TextsPart

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

_own = sa.MetaData()
_versions = sa.Table(
    "versions",
    _own,
    sa.Column("published", Instant, nullable=False),  # or the end of time
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("archived", Instant, nullable=False),
    sa.Column("feed", sa.Text, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("texts", sa.LargeBinary, nullable=False),  # fingerprints of its paragraphs in order, exact and fold
    sa.Column("sketch", sa.LargeBinary),
    sa.Index("versions_by_rank", "published", "id", "revision", unique=True),
    sa.Index("versions_by_turn", "archived", "id", "revision"),
)
_rank = (_versions.c.published, _versions.c.id, _versions.c.revision)
_indexing = (_versions.c.feed, _versions.c.day, _versions.c.texts, _versions.c.sketch)
_turn = (_versions.c.archived, _versions.c.id, _versions.c.revision)

_days = sa.Table(
    "days",
    _own,
    # on which a text that came often first stood in each article, where that may not have been in the order of days
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("day", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)


@contextmanager
def open_ranks(directory: Path | None = None) -> Iterator["Ranks"]:
    """Within it, records can be ranked on scratch in a directory of its own, which is removed with all in it.

    Args:
        directory: Where that is made; None: where the system has its temporary files.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        scratch = tempfile.TemporaryDirectory(prefix=".veille-", dir=directory, ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(f"no scratch can be made in {directory or tempfile.gettempdir()}") from error
    with scratch as folder:
        ranks = Ranks(Path(folder) / "scratch.db")
        try:
            yield ranks
        finally:
            ranks.close()


class Ranks(TextsPart):
    """Ranks records, and indexes their texts by rank. Some 2 kB of scratch for a record; memory does not grow."""

    def __init__(self, path: Path) -> None:
        super().__init__(create_scratch_engine(path), str(path))
        with self._explained():
            metadata.create_all(self._engine, [articles, paragraphs, spellings, repeats, bands])
            _own.create_all(self._engine)

    def add(self, records: Iterable[tuple[Article, Place, Sequence[str]]]) -> Iterator[int]:
        """Take in records, each with its place and its full paragraphs, in any order. Yields how many, as it goes."""
        done = 0
        for rows in batches(_row(article, place, full) for article, place, full in records):
            with self._writing() as connection:
                connection.execute(_versions.insert(), rows)
            done += len(rows)
            yield done

    def index(self, *, articles_to_learn: int) -> Iterator[int]:
        """Index all texts, by rank; once all records have been added. Yields how many are done, as it goes.

        Args:
            articles_to_learn: From how many articles of a feed on, at head or tail, the days of a text matter.
        """
        done = 0
        with self._writing() as connection:
            for some in batches(_pages(connection, _rank, *_indexing)):
                self._index(connection, [_version(row) for row in some])
                done += len(some)
                yield done
            _count_days(connection, articles_to_learn)

    def turns(self) -> Iterator[tuple[Place, Sketch | None]]:
        """Place and sketch of every record by its turn: when it was archived, its id, its revision."""
        place = (_versions.c.sketch, _versions.c.file, _versions.c.offset, _versions.c.length)
        after: Any = None
        while True:  # a page at a time, since other things are asked for in between
            with self._reading() as connection:
                rows = connection.execute(_page(_turn, place, after)).all()
            if not rows:
                return
            for archived, id_, revision, sketched, *where in rows:
                yield Place(*where), unpack(sketched)
                after = (archived, id_, revision)

    def articles(self) -> tuple[Mapping[str, int], int]:
        """How many articles there are of each feed, by its name, and in all."""
        count = sa.func.count(_versions.c.id.distinct())
        with self._reading() as connection:
            by_feed = connection.execute(sa.select(_versions.c.feed, count).group_by(_versions.c.feed))
            return {row[0]: row[1] for row in by_feed}, connection.scalar(sa.select(count)) or 0

    def close(self) -> None:
        """Let go of the scratch."""
        self._engine.dispose()

    def _index(self, connection: sa.Connection, versions: list[Version]) -> None:
        index = self._touched(
            connection, {text for one in versions for text in one.texts}, (), {one.id for one in versions}
        )
        for version in versions:
            index.add_version(version)
        self._keep_texts(connection, index.changes)
        sketches = index.changes.sketches
        rows = [_indexed(number, one, sketches.get(number)) for number, one in index.changes.indexed.items()]
        connection.execute(articles.insert(), rows)


def _row(article: Article, place: Place, full: Sequence[str]) -> dict[str, Any]:
    return {
        "published": article.published or _END_OF_TIME,
        "id": article.id,
        "revision": article.revision,
        "archived": article.archived,
        "feed": article.feed,
        "day": day_of(article.published or article.archived),
        "file": place.file,
        "offset": place.offset,
        "length": place.length,
        "texts": pack_texts([fingerprint(text) for text in full]),
        "sketch": pack(sketch("\n".join(full))),
    }


def _version(row: Any) -> Version:
    return Version(row.id, row.revision, row.feed, row.day, unpack_texts(row.texts), unpack(row.sketch))


def _indexed(number: int, one: Indexed, sketched: Sketch | None) -> dict[str, Any]:
    """A version's row as the index reads it; of its place it asks nothing."""
    return {
        "number": number,
        "id": one.id,
        "revision": one.revision,
        "feed": one.feed,
        "text_hash": "",
        "text_source": "",
        "file": "",
        "offset": number,
        "length": 0,
        "archived": datetime.combine(datetime.fromordinal(one.day), time(), UTC),
        "paragraph_keys": one.keys,
        "signature": sketched.signature if sketched is not None else None,
    }


# -- days --------------------------------------------------------------------------------------------------------------


def _count_days(connection: sa.Connection, articles_to_learn: int) -> None:
    """Count the days of texts again that came often enough, where some records are not dated.

    The index takes each day that follows another for a new one: by rank it is, but among records that nobody has dated.
    """
    undated = sa.select(_versions.c.id).where(_versions.c.published == _END_OF_TIME).limit(1)
    if connection.execute(undated).first() is None:
        return
    often = sa.or_(repeats.c.head >= articles_to_learn, repeats.c.tail >= articles_to_learn)
    keys: dict[str, set[int]] = {}
    for feed, key in connection.execute(sa.select(repeats.c.feed, repeats.c.key).where(often)):
        keys.setdefault(feed, set()).add(key)
    if not keys:
        return
    first_counts = _days.insert().prefix_with("OR IGNORE")
    for row in _pages(connection, _rank, _versions.c.feed, _versions.c.day, _versions.c.texts):
        if found := _keys(row.texts) & keys.get(row.feed, set()):
            stood = [{"key": key, "feed": row.feed, "id": row.id, "day": row.day} for key in found]
            connection.execute(first_counts, stood)
    counted = (
        sa.select(sa.func.count(_days.c.day.distinct()))
        .where(_days.c.key == repeats.c.key, _days.c.feed == repeats.c.feed)
        .scalar_subquery()
    )
    connection.execute(repeats.update().where(often).values(days=counted))


def _keys(prints: bytes) -> set[int]:
    return {int.from_bytes(text.exact[:KEY], signed=True) for text in unpack_texts(prints)}


# -- pages -------------------------------------------------------------------------------------------------------------


def _pages(connection: sa.Connection, order: tuple[Any, ...], *more: Any) -> Iterator[Any]:
    """Rows in an order, with no cursor open where they are used."""
    after: Any = None
    while rows := connection.execute(_page(order, more, after)).all():
        yield from rows
        after = tuple(rows[-1][: len(order)])


def _page(order: tuple[Any, ...], more: Iterable[Any], after: tuple[Any, ...] | None) -> sa.Select[Any]:
    page = sa.select(*order, *more).order_by(*order).limit(500)
    if after is None:
        return page
    bound = [sa.literal(value, column.type) for value, column in zip(after, order, strict=True)]
    return page.where(sa.tuple_(*order) > sa.tuple_(*bound))
