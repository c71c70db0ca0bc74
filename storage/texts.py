"""The store's index of texts: paragraphs, where each stands first, and how often it came again."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from storage.connection import Transactions, batches
from storage.fingerprints import NORMALISER, Fingerprint
from storage.model import Article, Place, Recurrence, Removal, Sketched
from storage.paragraphs import KEY, Indexed, Paragraphs, Repeat, Row, Rows, day_of, texts_of
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


class TextsPart(Transactions):
    """The part of ``storage.store.Store`` that the duplicate filter speaks to."""

    def paragraphs(self, texts: Collection[Fingerprint], article_ids: Collection[str]) -> Paragraphs:
        """See ``Store.paragraphs``."""
        with self._reading() as connection:
            return self._touched(connection, texts, (), article_ids)

    def sketched(self, bands: Collection[int]) -> Mapping[int, Sketched]:
        """See ``Store.sketched``."""
        columns = (bands_table.c.band, articles.c.id, articles.c.revision, articles.c.signature)
        found = sa.select(*columns).join(articles, articles.c.number == bands_table.c.number)
        with self._reading() as connection:
            return {
                row.band: Sketched(row.id, row.revision, row.signature)
                for some in batches(bands)
                for row in connection.execute(found.where(bands_table.c.band.in_(some)))
                if row.signature is not None
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
        rows.folds = _rows(connection, paragraphs, {text.fold[:KEY] for text in texts})
        known = [text for text in texts if text.fold[:KEY] in rows.folds]
        others = {text.exact[:KEY] for text in known if rows.folds[text.fold[:KEY]].check != text.exact[:KEY]}
        rows.spellings = _rows(connection, spellings, others)
        again = {text.exact[:KEY] for text in known} | {bytes.fromhex(removal.hash)[:KEY] for removal in removals}
        rows.repeats = _repeats(connection, again)
        numbers = {row.number for some in (rows.folds, rows.spellings) for row in some.values()}
        numbers |= {repeat.row.number for repeat in rows.repeats.values()}
        rows.indexed = _indexed(connection, numbers, {*article_ids, *(removal.id for removal in removals)})
        _drop_lost(rows)
        highest = connection.scalar(sa.select(sa.func.max(articles.c.number)))
        return Paragraphs(rows, (highest or 0) + 1)

    def _touched_by(self, connection: sa.Connection, records: Sequence[Article]) -> Paragraphs:
        texts = {text for article in records for text in texts_of(article)}
        removals = [removal for article in records for removal in article.removed]
        return self._touched(connection, texts, removals, {article.id for article in records})

    def _keep_texts(self, connection: sa.Connection, changes: Rows) -> None:
        """Keep what a batch has added, but for its article versions: their rows have more to tell."""
        for table, some in ((paragraphs, changes.folds), (spellings, changes.spellings)):
            self._upsert(connection, table, *[_place(key, row) for key, row in some.items()])
        counted = [
            _place(key, repeat.row) | asdict(each)
            for key, repeat in changes.repeats.items()
            for each in repeat.feeds.values()
        ]
        self._upsert(connection, repeats, *counted)
        banded = {band: number for number, one in reversed(changes.sketches.items()) for band in one.bands}
        if banded:
            first_stays = self._insert(bands_table).on_conflict_do_nothing()
            connection.execute(first_stays, [{"band": band, "number": number} for band, number in banded.items()])

    def _index_known(self, connection: sa.Connection, records: Sequence[Article]) -> int:
        """Index records that have their rows already; those that have none are passed over."""
        index = self._touched_by(connection, records)
        known = [article for article in records if index.number(article) is not None]
        for article in known:
            index.add(article)
        self._keep_texts(connection, index.changes)
        if known:
            values: dict[str, Any] = {name: sa.bindparam(f"_{name}") for name in text_columns(known[0], index)}
            update = articles.update().where(articles.c.number == sa.bindparam("_number")).values(values)
            rows = [{f"_{name}": value for name, value in text_columns(article, index).items()} for article in known]
            connection.execute(update, rows)
        return len(known)


def text_columns(article: Article, index: Paragraphs) -> dict[str, Any]:
    """The columns of an article version's row that are derived from its text."""
    number = index.number(article)
    assert number is not None
    reasons = Counter(removal.reason for removal in article.removed)
    counts = {reason: reasons[reason] for reason in ("repeat", "boilerplate", "known")}
    sketched = index.sketch(article)
    return {
        "number": number,
        "paragraph_keys": index.changes.indexed[number].keys,
        "signature": sketched.signature if sketched is not None else None,
        **counts,
    }


def forget_indexing(connection: sa.Connection) -> None:
    """Have the next start make the index again: a table was lost."""
    connection.execute(meta.delete().where(meta.c.name == _NAME))


def _is_indexed(connection: sa.Connection) -> bool:
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == _NAME)) == str(NORMALISER)


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(connection: sa.Connection, table: sa.Table, keys: Collection[bytes]) -> dict[bytes, Row]:
    return {
        _bytes(row.key): Row(_bytes(row.check), row.number, row.at)
        for some in batches(map(_number, keys))
        for row in connection.execute(sa.select(table).where(table.c.key.in_(some)))
    }


def _repeats(connection: sa.Connection, keys: Collection[bytes]) -> dict[bytes, Repeat]:
    found: dict[bytes, Repeat] = {}
    for some in batches(map(_number, keys)):
        for row in connection.execute(sa.select(repeats).where(repeats.c.key.in_(some))):
            key, place = _bytes(row.key), Row(_bytes(row.check), row.number, row.at)
            counted = Recurrence(row.feed, row.articles, row.days, row.last_day, row.head, row.tail)
            found.setdefault(key, Repeat(place)).feeds[row.feed] = counted
    return found


def _indexed(connection: sa.Connection, numbers: Collection[int], ids: Collection[str]) -> dict[int, Indexed]:
    conditions = [articles.c.number.in_(some) for some in batches(numbers)]
    conditions += [articles.c.id.in_(some) for some in batches(ids)]
    return {
        row.number: Indexed(row.id, row.revision, row.feed, day_of(row.archived), row.paragraph_keys or b"")
        for condition in conditions
        for row in connection.execute(sa.select(*_INDEXED).where(condition))
    }


def _drop_lost(rows: Rows) -> None:
    """Leave out what refers to article versions that are there no more: it is learnt anew."""
    for some in (rows.folds, rows.spellings):
        for key in [key for key, row in some.items() if row.number not in rows.indexed]:
            del some[key]
    for key in [key for key, repeat in rows.repeats.items() if repeat.row.number not in rows.indexed]:
        del rows.repeats[key]


def _place(key: bytes, row: Row) -> dict[str, Any]:
    return {"key": _number(key), "check": _number(row.check), "number": row.number, "at": row.at}


def _number(key: bytes) -> int:
    return int.from_bytes(key, signed=True)


def _bytes(number: int) -> bytes:
    return number.to_bytes(KEY, signed=True)
