"""The store's side of the archive: where each record stands, COMMIT 2, and what recovery found."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from storage.adoption import give_entries, unknown
from storage.connection import Transactions, batches
from storage.ledger import end
from storage.model import ArchivedRevision, Article, Outcome, Place, Resolution
from storage.paragraphs import Paragraphs
from storage.prepared import Lookup, Writing
from storage.tables import article_urls, articles, entries, files, lost_revisions
from storage.texts import TEXT_COLUMNS, TextsPart, text_columns

_REVISION = (
    articles.c.id,
    articles.c.revision,
    articles.c.text_hash,
    articles.c.title,
    articles.c.text_source,
    articles.c.file,
    articles.c.offset,
    articles.c.length,
    articles.c.digest,
    articles.c.paragraph_keys,
)

_PLACED = (
    "id",
    "revision",
    "feed",
    "text_hash",
    "title",
    "text_source",
    "file",
    "offset",
    "length",
    "archived",
    "digest",
)


class _Statements:
    """What is asked and told of every batch, compiled for one database."""

    def __init__(self, of: Transactions, dialect: sa.Dialect) -> None:
        self.latest = Lookup(sa.select(*_REVISION).where(_is_latest), articles.c.id, dialect)
        self.lost_revisions = Lookup(sa.select(lost_revisions), lost_revisions.c.id, dialect)
        self.urls = Lookup(sa.select(article_urls), article_urls.c.hash, dialect)
        sightings = (
            sa.select(entries.c.article_id, entries.c.feed)
            .group_by(entries.c.article_id, entries.c.feed)
            .order_by(sa.func.min(entries.c.first_seen), sa.func.min(entries.c.number))
        )
        self.sightings = Lookup(sightings, entries.c.article_id, dialect)
        self.put_articles = Writing(articles.insert(), (*_PLACED, *TEXT_COLUMNS), dialect)
        first_stays = of.insert(article_urls).on_conflict_do_nothing()
        self.put_urls = Writing(first_stays, ("hash", "article_id"), dialect)


class PlacesPart(TextsPart):
    """The part of ``storage.store.Store`` that the archive speaks to."""

    @cached_property
    def _places(self) -> _Statements:
        return _Statements(self, self._engine.dialect)

    def commit_articles(
        self,
        file: str,
        offset: int,
        articles: Sequence[tuple[Article, Place]],
        resolutions: Sequence[Resolution],
        now: datetime,
        index: Paragraphs | None = None,
    ) -> None:
        """See ``Store.commit_articles``."""
        with self._writing() as connection:
            self._advance(connection, file, offset)
            self._record(connection, articles, index)
            end(connection, resolutions, now)

    def adopt(self, file: str, offset: int, articles: Iterable[tuple[Article, Place]], now: datetime) -> int:
        """See ``Store.adopt``."""
        adopted = 0
        with self._writing() as connection:
            self._advance(connection, file, offset)
            for some in batches(articles):
                new = self._take_in(connection, some)
                give_entries(connection, [article for article, _ in new], now)
                adopted += len(new)
        return adopted

    def committed_offset(self, file: str) -> int:
        """See ``Store.committed_offset``."""
        with self._reading() as connection:
            return connection.scalar(sa.select(files.c.committed).where(files.c.path == file)) or 0

    def committed_files(self) -> Mapping[str, int]:
        """See ``Store.committed_files``."""
        with self._reading() as connection:
            return {row.path: row.committed for row in connection.execute(sa.select(files).order_by(files.c.path))}

    def latest(self, article_ids: Collection[str]) -> Mapping[str, ArchivedRevision]:
        """See ``Store.latest``."""
        with self._reading() as connection:
            return {row[0]: _revision(row) for row in self._places.latest(connection, article_ids)}

    def lost_revisions(self, article_ids: Collection[str]) -> Mapping[str, int]:
        """See ``Store.lost_revisions``."""
        with self._reading() as connection:
            return dict(self._places.lost_revisions(connection, article_ids))

    def revisions(self, article_id: str) -> Sequence[ArchivedRevision]:
        """See ``Store.revisions``."""
        all_ = sa.select(*_REVISION).where(articles.c.id == article_id).order_by(articles.c.revision)
        with self._reading() as connection:
            return [_revision(row) for row in connection.execute(all_)]

    def records_in(self, file: str, start: int, limit: int) -> Sequence[ArchivedRevision]:
        """See ``Store.records_in``."""
        some = (
            sa.select(*_REVISION)
            .where(articles.c.file == file, articles.c.offset >= start)
            .order_by(articles.c.offset)
            .limit(limit)
        )
        with self._reading() as connection:
            return [_revision(row) for row in connection.execute(some)]

    def balance(self) -> tuple[int, int]:
        """See ``Store.balance``."""
        archived = sa.select(sa.func.count()).where(entries.c.outcome == Outcome.ARCHIVED).scalar_subquery()
        records = sa.select(sa.func.count()).select_from(articles).scalar_subquery()
        with self._reading() as connection:
            row = connection.execute(sa.select(archived, records)).one()
        return row[0], row[1]

    def unbalanced(self, limit: int) -> Mapping[str, tuple[int, int]]:
        """See ``Store.unbalanced``."""
        with self._reading() as connection:
            rows = connection.execute(unbalanced.limit(limit))
            return {row.id: (row.entries, row.records) for row in rows}

    def find_urls(self, urls: Collection[str]) -> Mapping[str, str]:
        """See ``Store.find_urls``."""
        by_hash = {_hash(url): url for url in urls}
        with self._reading() as connection:
            return {by_hash[hash_]: article_id for hash_, article_id in self._places.urls(connection, by_hash)}

    def find_id(self, prefix: str) -> str | None:
        """See ``Store.find_id``."""
        # a range, which the index serves; "g" follows every hex digit
        begins = sa.and_(articles.c.id >= prefix, articles.c.id < prefix + "g")
        with self._reading() as connection:
            found = connection.execute(sa.select(articles.c.id).where(begins).distinct().limit(2)).scalars().all()
        return found[0] if len(found) == 1 else None

    def sightings(self, article_ids: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """See ``Store.sightings``."""
        seen: dict[str, tuple[str, ...]] = {}
        with self._reading() as connection:
            for article_id, feed in self._places.sightings(connection, article_ids):
                seen[article_id] = (*seen.get(article_id, ()), feed)
        return seen

    def _take_in(
        self, connection: sa.Connection, records: Sequence[tuple[Article, Place]]
    ) -> list[tuple[Article, Place]]:
        """Those of the records that were not known yet, of each the first; they are by then."""
        new = unknown(connection, records)
        self._record(connection, new)
        return new

    def _advance(self, connection: sa.Connection, file: str, offset: int) -> None:
        self._upsert(connection, files, {"path": file, "committed": offset})

    def _record(
        self,
        connection: sa.Connection,
        records: Sequence[tuple[Article, Place]],
        index: Paragraphs | None = None,
    ) -> None:
        if not records:
            return
        if index is None:
            index = self._touched_by(connection, [article for article, _ in records])
            for article, _ in records:
                index.add(article)
        rows = [(*_article_row(article, place), *text_columns(article, index)) for article, place in records]
        self._places.put_articles(connection, rows)
        self._keep_texts(connection, index.changes)
        found = {_hash(url): article.id for article, _ in reversed(records) for url in urls_of(article)}
        self._places.put_urls(connection, list(found.items()))


_sides = sa.union_all(
    sa.select(articles.c.id, sa.literal(0).label("entries"), sa.literal(1).label("records")),
    sa.select(entries.c.article_id, sa.literal(1), sa.literal(0)).where(entries.c.outcome == Outcome.ARCHIVED),
).subquery()
_sums = (sa.func.sum(_sides.c.entries), sa.func.sum(_sides.c.records))
unbalanced = (
    sa.select(_sides.c.id, _sums[0].label("entries"), _sums[1].label("records"))
    .group_by(_sides.c.id)
    .having(_sums[0] != _sums[1])
    .order_by(_sides.c.id)
)
"""Articles with not as many archived entries as records."""

_newer = articles.alias("newer")
_is_latest = (
    articles.c.revision
    == sa.select(sa.func.max(_newer.c.revision)).where(_newer.c.id == articles.c.id).scalar_subquery()
)


def _revision(row: Any) -> ArchivedRevision:
    id_, revision, text_hash, title, text_source, *place, keys = row
    return ArchivedRevision(id_, revision, text_hash, title, text_source, Place(*place), keys)


def _article_row(article: Article, place: Place) -> tuple[Any, ...]:
    """Values of the columns ``_PLACED``."""
    return (
        article.id,
        article.revision,
        article.feed,
        article.text_hash,
        article.title,
        article.text_source,
        place.file,
        place.offset,
        place.length,
        article.archived,
        place.digest,
    )


def urls_of(article: Article) -> set[str]:
    """The addresses by which an article is to be found: asked for, final, and its own."""
    return {url for url in (article.requested_url, article.url, article.canonical_url) if url}


def _hash(url: str) -> bytes:
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).digest()
