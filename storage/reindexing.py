"""The store's way to learn again, from the files, all that it knows of them."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from storage.adoption import LOST, give_entries
from storage.connection import batches
from storage.errors import CorruptArchiveError
from storage.evidence import EvidencePart
from storage.model import FileContent, Outcome, Reindexed
from storage.places import PlacesPart, unbalanced
from storage.tables import article_urls, articles, entries, files, lost_revisions, payloads, sealed_files

_known = sa.Table(
    "known_articles",
    sa.MetaData(),
    *(sa.Column(name, articles.c[name].type) for name in ("id", "revision", "text_hash", "title", "length", "digest")),
    prefixes=["TEMPORARY"],
)
_known_payloads = sa.Table(
    "known_payloads", sa.MetaData(), sa.Column("digest", payloads.c.digest.type), prefixes=["TEMPORARY"]
)
"""What was known before, for as long as the transaction lasts."""
_same = sa.and_(articles.c.id == _known.c.id, articles.c.revision == _known.c.revision)


class ReindexingPart(PlacesPart, EvidencePart):
    """The part of ``storage.store.Store`` that ``veille verify --rebuild`` speaks to."""

    def reindex(self, contents: Iterable[FileContent], now: datetime, *, may_forget: bool) -> Reindexed:
        """See ``Store.reindex``."""
        count = brought = 0
        with self._writing() as connection:
            _remember(connection)
            for table in (article_urls, articles, sealed_files, payloads, files):
                connection.execute(table.delete())
            self._forget_texts(connection)
            for content in contents:
                self._advance(connection, content.file, content.committed)
                new = self._take_in(connection, content.articles)
                brought += give_entries(connection, [article for article, _ in new], now) if new else 0
                count += len(new)
                self._keep(connection, content.payloads)
                if content.sealed is not None:
                    self._seal(connection, content.sealed)
            forgotten, others = _forgotten(connection)
            if others and not may_forget:
                raise CorruptArchiveError(f"the files do not hold all that the database knows: {others} differ")
            lost = _end_lost(connection, now) if may_forget else 0
            self._remember_lost(connection)
            self._mark_indexed(connection)
            for table in (_known, _known_payloads):
                table.drop(connection)
        return Reindexed(count, forgotten, brought, lost)

    def _remember_lost(self, connection: sa.Connection) -> None:
        """Keep the newest revision that each article has lost, so that its number is never given again."""
        newest = (
            sa.select(_known.c.id, sa.func.max(_known.c.revision).label("revision"))
            .select_from(_known.outerjoin(articles, _same))
            .where(articles.c.id.is_(None))
            .group_by(_known.c.id)
        )
        for some in batches(connection.execute(newest).all()):
            ids = [row.id for row in some]
            known = connection.execute(sa.select(lost_revisions).where(lost_revisions.c.id.in_(ids)))
            before = {row.id: row.revision for row in known}
            for id_, revision in some:
                highest = max(revision, before.get(id_, 0))
                self._upsert(connection, lost_revisions, {"id": id_, "revision": highest})


def _remember(connection: sa.Connection) -> None:
    for table, of in ((_known, articles), (_known_payloads, payloads)):
        table.create(connection)
        names = [column.name for column in table.columns]
        connection.execute(table.insert().from_select(names, sa.select(*(of.c[name] for name in names))))


def _forgotten(connection: sa.Connection) -> tuple[int, int]:
    """How many records are gone; and how many records and bodies are gone or not as they were."""
    count = sa.select(sa.func.count())
    is_another = sa.or_(
        articles.c.text_hash != _known.c.text_hash,
        articles.c.title.is_distinct_from(_known.c.title),
        articles.c.length != _known.c.length,
        articles.c.digest != _known.c.digest,  # null where it was not known: no difference
    )
    bodies = _known_payloads.outerjoin(payloads, payloads.c.digest == _known_payloads.c.digest)
    gone, others, lost = (
        connection.scalar(statement) or 0
        for statement in (
            count.select_from(_known.outerjoin(articles, _same)).where(articles.c.id.is_(None)),
            count.select_from(_known.join(articles, _same)).where(is_another),
            count.select_from(bodies).where(payloads.c.digest.is_(None)),
        )
    )
    return gone, gone + others + lost


def _end_lost(connection: sa.Connection, now: datetime) -> int:
    """End entries that were archived, but have no record any more; of an article with several, the newest."""
    rows = connection.execute(unbalanced).all()
    surplus = {row.id: row.entries - row.records for row in rows if row.entries > row.records}
    lost = []
    for some in batches(surplus):
        archived = (
            sa.select(entries.c.number, entries.c.article_id)
            .where(entries.c.outcome == Outcome.ARCHIVED, entries.c.article_id.in_(some))
            .order_by(entries.c.number.desc())
        )
        for number, article_id in connection.execute(archived):
            if surplus[article_id] > 0:
                surplus[article_id] -= 1
                lost.append(number)
    for some_numbers in batches(lost):
        ending = entries.update().where(entries.c.number.in_(some_numbers))
        # no hash: should the feed list it again, it is taken for a new version, and its page is fetched
        connection.execute(ending.values(outcome=Outcome.FAILED, reason=LOST, content_hash="", decided_at=now))
    return len(lost)
