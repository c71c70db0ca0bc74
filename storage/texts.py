"""The store's index of texts: paragraphs, where each stands first, and how often it came again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from storage.connection import Transactions, batches
from storage.fingerprints import NORMALISER, Fingerprint
from storage.model import Article, Place, Recurrence, Removal, Sketched
from storage.occurrences import KEY, texts_of
from storage.paragraphs import Indexed, Paragraphs, Repeat, Row, Rows, day_of
from storage.prepared import Lookup, Writing
from storage.tables import articles, meta, paragraphs, repeats, spellings
from storage.tables import bands as bands_table

_NAME = "texts"
"""In ``meta``: with which normaliser the index was made, once it holds every record."""

_INDEXED = (
    articles.c.number,
    articles.c.id,
    articles.c.revision,
    articles.c.feed,
    articles.c.archived,
    articles.c.paragraph_keys,
)


_REASONS = ("repeat", "boilerplate", "known")
TEXT_COLUMNS = ("number", "paragraph_keys", "signature", *_REASONS)
"""Of an article version's row, those that are derived from its text."""
_PLACE = ("key", "check", "number", "at")
_COUNTED = ("feed", "articles", "days", "last_day", "head", "tail")
"""As in ``Recurrence``."""


class _Statements:
    """What is asked and told about texts, compiled for one database."""

    def __init__(self, of: Transactions, dialect: sa.Dialect) -> None:
        def lookup(table: sa.Table, *names: str) -> Lookup:
            return Lookup(sa.select(*(table.c[name] for name in names)), table.c.key, dialect)

        def put(table: sa.Table, *names: str) -> Writing:
            return Writing(of.inserting(table, names), names, dialect)

        self.folds = lookup(paragraphs, *_PLACE)
        self.spellings = lookup(spellings, *_PLACE)
        self.repeats = lookup(repeats, *_PLACE, *_COUNTED)
        self.numbered = Lookup(sa.select(*_INDEXED), articles.c.number, dialect)
        self.versions = Lookup(sa.select(*_INDEXED), articles.c.id, dialect)
        self.sketched = Lookup(
            sa.select(bands_table.c.band, articles.c.id, articles.c.revision, articles.c.signature).join(
                articles, articles.c.number == bands_table.c.number
            ),
            bands_table.c.band,
            dialect,
        )
        self.put_folds = put(paragraphs, *_PLACE)
        self.put_spellings = put(spellings, *_PLACE)
        self.put_repeats = put(repeats, *_PLACE, *_COUNTED)
        first_stays = of.insert(bands_table).on_conflict_do_nothing()
        self.put_bands = Writing(first_stays, ("band", "number"), dialect)


class TextsPart(Transactions):
    """The part of ``storage.store.Store`` that the duplicate filter speaks to."""

    @cached_property
    def _texts(self) -> _Statements:
        return _Statements(self, self._engine.dialect)

    def paragraphs(self, texts: Collection[Fingerprint], article_ids: Collection[str]) -> Paragraphs:
        """See ``Store.paragraphs``."""
        with self._reading() as connection:
            return self._touched(connection, texts, (), article_ids)

    def sketched(self, bands: Collection[int]) -> Mapping[int, Sketched]:
        """See ``Store.sketched``."""
        with self._reading() as connection:
            return {
                band: Sketched(id_, revision, signature)
                for band, id_, revision, signature in self._texts.sketched(connection, bands)
                if signature is not None
            }

    def is_indexed(self) -> bool:
        """See ``Store.is_indexed``."""
        with self._reading() as connection:
            return _is_indexed(connection)

    def forget_texts(self) -> None:
        """See ``Store.forget_texts``."""
        with self._writing() as connection:
            forget_indexing(connection)

    def index_texts(self, records: Iterable[tuple[Article, Place]]) -> int:
        """See ``Store.index_texts``."""
        count = 0
        with self._writing() as connection:
            self._forget_texts(connection)
            connection.execute(articles.update().values(paragraph_keys=None, signature=None))
            for some in batches(records):
                count += self._index_known(connection, [article for article, _ in some])
            self._mark_indexed(connection)
        return count

    # ------------------------------------------------------------------------------------------------------------------

    def _forget_texts(self, connection: sa.Connection) -> None:
        for table in (paragraphs, spellings, repeats, bands_table):
            connection.execute(table.delete())

    def _mark_indexed(self, connection: sa.Connection) -> None:
        self._upsert(connection, meta, {"name": _NAME, "value": str(NORMALISER)})

    def _touched(
        self,
        connection: sa.Connection,
        texts: Collection[Fingerprint],
        removals: Collection[Removal],
        article_ids: Collection[str],
    ) -> Paragraphs:
        """What the index has of these texts, of texts that were removed, and of these articles."""
        rows = Rows()
        rows.folds = _rows(connection, self._texts.folds, {text.fold[:KEY] for text in texts})
        known = [text for text in texts if text.fold[:KEY] in rows.folds]
        others = {text.exact[:KEY] for text in known if rows.folds[text.fold[:KEY]].check != text.exact[:KEY]}
        rows.spellings = _rows(connection, self._texts.spellings, others)
        again = {text.exact[:KEY] for text in known} | {bytes.fromhex(removal.hash)[:KEY] for removal in removals}
        rows.repeats = _repeats(connection, self._texts.repeats, again)
        numbers = {row.number for some in (rows.folds, rows.spellings) for row in some.values()}
        numbers |= {repeat.row.number for repeat in rows.repeats.values()}
        rows.indexed = _indexed(self._texts.numbered(connection, numbers))
        rows.indexed |= _indexed(self._texts.versions(connection, {*article_ids, *(one.id for one in removals)}))
        _drop_lost(rows)
        highest = connection.scalar(sa.select(sa.func.max(articles.c.number)))
        return Paragraphs(rows, (highest or 0) + 1)

    def _touched_by(self, connection: sa.Connection, records: Sequence[Article]) -> Paragraphs:
        texts = {text for article in records for text in texts_of(article)}
        removals = [removal for article in records for removal in article.removed]
        return self._touched(connection, texts, removals, {article.id for article in records})

    def _keep_texts(self, connection: sa.Connection, changes: Rows) -> None:
        """Keep what a batch has added, but for its article versions: their rows have more to tell."""
        statements = self._texts
        statements.put_folds(connection, [_place(key, row) for key, row in changes.folds.items()])
        statements.put_spellings(connection, [_place(key, row) for key, row in changes.spellings.items()])
        counted = [
            (*_place(key, repeat.row), *(getattr(each, name) for name in _COUNTED))
            for key, repeat in changes.repeats.items()
            for each in repeat.feeds.values()
        ]
        statements.put_repeats(connection, counted)
        banded = {band: number for number, one in reversed(changes.sketches.items()) for band in one.bands}
        statements.put_bands(connection, list(banded.items()))

    def _index_known(self, connection: sa.Connection, records: Sequence[Article]) -> int:
        """Index records that have their rows already; those that have none are passed over."""
        index = self._touched_by(connection, records)
        known = [article for article in records if index.number(article) is not None]
        for article in known:
            index.add(article)
        self._keep_texts(connection, index.changes)
        if known:
            names = [f"_{name}" for name in TEXT_COLUMNS]
            values: dict[str, Any] = {name: sa.bindparam(f"_{name}") for name in TEXT_COLUMNS}
            update = articles.update().where(articles.c.number == sa.bindparam("_number")).values(values)
            rows = [dict(zip(names, text_columns(article, index), strict=True)) for article in known]
            connection.execute(update, rows)
        return len(known)


def text_columns(article: Article, index: Paragraphs) -> tuple[Any, ...]:
    """Values of the columns ``TEXT_COLUMNS`` of an article version."""
    number = index.number(article)
    assert number is not None
    sketched = index.sketch(article)
    signature = sketched.signature if sketched is not None else None
    reasons = [removal.reason for removal in article.removed]
    return number, index.changes.indexed[number].keys, signature, *map(reasons.count, _REASONS)


def forget_indexing(connection: sa.Connection) -> None:
    """Have the next start make the index again: a table was lost."""
    connection.execute(meta.delete().where(meta.c.name == _NAME))


def _is_indexed(connection: sa.Connection) -> bool:
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == _NAME)) == str(NORMALISER)


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(connection: sa.Connection, lookup: Lookup, keys: Collection[bytes]) -> dict[bytes, Row]:
    rows = lookup(connection, [_number(key) for key in keys])
    return {_bytes(key): Row(_bytes(check), number, at) for key, check, number, at in rows}


def _repeats(connection: sa.Connection, lookup: Lookup, keys: Collection[bytes]) -> dict[bytes, Repeat]:
    found: dict[bytes, Repeat] = {}
    for key, check, number, at, feed, *counts in lookup(connection, [_number(key) for key in keys]):
        repeat = found.setdefault(_bytes(key), Repeat(Row(_bytes(check), number, at)))
        repeat.feeds[feed] = Recurrence(feed, *counts)
    return found


def _indexed(rows: Sequence[tuple[Any, ...]]) -> dict[int, Indexed]:
    return {
        number: Indexed(id_, revision, feed, day_of(archived), paragraph_keys or b"")
        for number, id_, revision, feed, archived, paragraph_keys in rows
    }


def _drop_lost(rows: Rows) -> None:
    """Leave out what refers to article versions that are there no more: it is learnt anew."""
    for some in (rows.folds, rows.spellings):
        for key in [key for key, row in some.items() if row.number not in rows.indexed]:
            del some[key]
    for key in [key for key, repeat in rows.repeats.items() if repeat.row.number not in rows.indexed]:
        del rows.repeats[key]


def _place(key: bytes, row: Row) -> tuple[int, int, int, int]:
    return _number(key), _number(row.check), row.number, row.at


def _number(key: bytes) -> int:
    return int.from_bytes(key, signed=True)


def _bytes(number: int) -> bytes:
    return number.to_bytes(KEY, signed=True)
