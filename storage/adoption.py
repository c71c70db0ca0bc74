"""Records that come from the files, not from the pipeline: which of them are new, and which entries are theirs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.ledger import STRANDED, end
from storage.model import Article, Outcome, Place, Resolution
from storage.polling import host
from storage.tables import articles, entries, is_pending

LOST = "its record is in no file any more"
"""Why an entry that was archived has failed; it is archived again where the record comes back."""

_is_lost = sa.and_(entries.c.outcome == Outcome.FAILED, entries.c.reason.in_((LOST, STRANDED)))


def unknown(connection: sa.Connection, records: Sequence[tuple[Article, Place]]) -> list[tuple[Article, Place]]:
    """The first record of each (id, revision) that the store does not know yet."""
    ids = {article.id for article, _ in records}
    rows = connection.execute(sa.select(articles.c.id, articles.c.revision).where(articles.c.id.in_(ids)))
    known = {(row.id, row.revision) for row in rows}
    new = []
    for article, place in records:
        if (version := (article.id, article.revision)) not in known:
            known.add(version)
            new.append((article, place))
    return new


def give_entries(connection: sa.Connection, adopted: Sequence[Article], now: datetime) -> int:
    """End the pending entries that adopted records were made from; where there is none, the record brings its own.

    So as many entries are archived as there are records, and their feeds are still known to have listed them, even
    where the database was lost. A record whose entry is archived already needs none.

    Args:
        connection: A transaction, in which the records are known by now.
        adopted: Records that were not known before.
        now: When the entries end.

    Returns:
        How many records had no archived entry.
    """
    adopted = _without_entry(connection, adopted)
    waiting: dict[str, list[Any]] = {}
    ids = {article.id for article in adopted}
    for row in connection.execute(
        sa.select(entries.c.number, entries.c.feed, entries.c.guid, entries.c.url, entries.c.article_id)
        .where(sa.or_(is_pending, _is_lost), entries.c.article_id.in_(ids))
        .order_by(entries.c.number)
    ):
        waiting.setdefault(row.article_id, []).append(row)
    resolutions = []
    orphans = []
    for article in adopted:
        candidates = waiting.get(article.id, [])
        source = next((row for row in candidates if _is_source(row, article)), None)
        if source is None:
            orphans.append(article)
        else:
            candidates.remove(source)
            resolutions.append(Resolution(source.number, Outcome.ARCHIVED))
        # where the text is the feed's own, it is that feed's word only: the others wait for their turn
        also_in = article.also_in if article.text_source == "page" else ()
        for row in [row for row in candidates if row.feed in also_in]:
            candidates.remove(row)
            resolutions.append(Resolution(row.number, Outcome.UNCHANGED, f"archived from {article.feed}"))
    end(connection, resolutions, now)
    if orphans := _without_moved(connection, orphans, now):
        connection.execute(entries.insert(), [_orphan_row(article, now) for article in orphans])
    return len(adopted)


def _without_moved(connection: sa.Connection, orphans: Sequence[Article], now: datetime) -> list[Article]:
    """The records without an entry; of others, made from one that leads to another article, that entry is ended.

    Whose article a page is may have turned out only when it was read. The entry must be the same in guid and URL then:
    one alone may be of a later version that waits for its turn.
    """
    urls = {article.requested_url for article in orphans if article.requested_url}
    moved = (
        sa.select(entries.c.number, entries.c.feed, entries.c.guid, entries.c.url)
        .where(is_pending, entries.c.host.in_({host(url) for url in urls}), entries.c.url.in_(urls))
        .order_by(entries.c.number)
    )
    waiting: dict[Any, list[int]] = {}
    for number, *source in connection.execute(moved) if orphans else ():
        waiting.setdefault(tuple(source), []).append(number)
    left, resolutions = [], []
    for article in orphans:
        if numbers := waiting.get((article.feed, article.guid, article.requested_url)):
            resolutions.append(Resolution(numbers.pop(0), Outcome.ARCHIVED, article_id=article.id))
        else:
            left.append(article)
    end(connection, resolutions, now)
    return left


def _is_source(row: Any, article: Article) -> bool:
    same_entry = row.guid == article.guid or row.url == article.requested_url
    return bool(row.feed == article.feed and same_entry)


def _orphan_row(article: Article, now: datetime) -> dict[str, Any]:
    return {
        "feed": article.feed,
        "key": f"adopted {article.id}",
        "version": article.revision,
        "guid": article.guid,
        "url": article.requested_url,
        "host": host(article.requested_url),
        "article_id": article.id,
        "content_hash": "",  # unknown, so equal to none: should the feed list it again, the texts are compared
        "outcome": Outcome.ARCHIVED,
        "reason": "found in the archive, not in the database",
        "attempts": 0,
        "first_seen": article.first_seen,
        "last_seen": article.first_seen,
        "decided_at": now,
    }


def _without_entry(connection: sa.Connection, adopted: Sequence[Article]) -> list[Article]:
    """As many of an article's newest records as it has more records than archived entries."""
    ids = {article.id for article in adopted}
    known = _counts(connection, sa.select(articles.c.id).where(articles.c.id.in_(ids)))
    is_archived = sa.and_(entries.c.outcome == Outcome.ARCHIVED, entries.c.article_id.in_(ids))
    archived = _counts(connection, sa.select(entries.c.article_id).where(is_archived))
    missing = {id_: count - archived.get(id_, 0) for id_, count in known.items()}
    chosen = set()
    for article in sorted(adopted, key=lambda article: article.revision, reverse=True):
        if missing[article.id] > 0:
            missing[article.id] -= 1
            chosen.add((article.id, article.revision))
    return [article for article in adopted if (article.id, article.revision) in chosen]


def _counts(connection: sa.Connection, ids: "sa.Select[tuple[str]]") -> dict[str, int]:
    (column,) = ids.selected_columns
    return {row[0]: row[1] for row in connection.execute(ids.add_columns(sa.func.count()).group_by(column))}
