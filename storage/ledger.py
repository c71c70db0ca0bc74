"""The store's ledger: what waits for its article, and how every entry version has ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from storage.connection import Transactions, batches
from storage.model import Entry, Ledger, Outcome, PendingEntry, Resolution, Retry, Sibling
from storage.shapes import loader
from storage.tables import entries, feeds, is_pending, waiting

STRANDED = "what the feed gave of it is lost"
"""Why an entry has failed that could never have had its turn."""

LONGEST_WAIT = timedelta(days=40)
"""No entry is ever postponed for longer: a month is the most that a server's Retry-After is granted."""

_load_entry = loader(Entry)


def _at(now: datetime) -> dict[str, Any]:
    # what is to wait longer than anything ever does was postponed by a clock that has been set back since
    return {"now": now, "never": now + LONGEST_WAIT}


def _is_due(table: sa.FromClause) -> sa.ColumnElement[bool]:
    now, never = (sa.bindparam(name, type_=entries.c.next_try.type) for name in ("now", "never"))
    return sa.or_(table.c.next_try.is_(None), table.c.next_try <= now, table.c.next_try > never)


_earlier = entries.alias("earlier")
_has_lead = (
    sa.select(1)
    .where(
        _earlier.c.article_id == entries.c.article_id,
        _earlier.c.outcome == Outcome.PENDING,
        _earlier.c.number < entries.c.number,
        _is_due(_earlier),
    )
    .exists()
)
"""Whether an earlier entry version that is due leads to the same article: that one brings this one along."""

# Composed once: with a thousand hosts in turn, composing would cost more than asking.
_HOSTS = (
    sa.select(entries.c.host)
    .where(is_pending, _is_due(entries))
    .group_by(entries.c.host)
    .order_by(sa.func.count().desc(), entries.c.host)
)
_LEADS = (
    sa.select(entries, waiting.c.payload, feeds.c.url.label("feed_url"), feeds.c.title.label("feed_title"))
    .join(feeds, feeds.c.name == entries.c.feed)
    .join(waiting, waiting.c.number == entries.c.number)
    .where(is_pending, entries.c.host == sa.bindparam("host"), entries.c.number > sa.bindparam("after"))
    .where(_is_due(entries), ~_has_lead)
    .order_by(entries.c.number)
    .limit(sa.bindparam("most"))
)
_SIBLINGS = (
    sa.select(entries.c.number, entries.c.feed, entries.c.url, entries.c.article_id)
    .where(is_pending, entries.c.article_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(entries.c.number)
)


class LedgerPart(Transactions):
    """The part of ``storage.store.Store`` that keeps the ledger."""

    def pending_hosts(self, now: datetime) -> Sequence[str]:
        """See ``Store.pending_hosts``."""
        with self._reading() as connection:
            return connection.execute(_HOSTS, _at(now)).scalars().all()

    def pending(self, host: str, now: datetime, limit: int, after: int = 0) -> Sequence[PendingEntry]:
        """See ``Store.pending``."""
        with self._reading() as connection:
            rows = connection.execute(_LEADS, _at(now) | {"host": host, "after": after, "most": limit}).all()
            siblings = _siblings(connection, rows)
        return [_pending(row, siblings[row.number]) for row in rows]

    def settle(self, resolutions: Sequence[Resolution], retries: Sequence[Retry], now: datetime) -> None:
        """See ``Store.settle``."""
        with self._writing() as connection:
            end(connection, resolutions, now)
            for update, was_tried in ((_attempted(now), True), (_told(), False)):
                postponed = update.where(is_pending).values(next_try=sa.bindparam("_at", type_=entries.c.next_try.type))
                rows = [
                    {"_number": retry.number, "_reason": retry.reason, "_at": retry.at}
                    for retry in retries
                    if retry.was_tried is was_tried
                ]
                if rows:
                    connection.execute(postponed, rows)

    def stranded(self) -> int:
        """See ``Store.stranded``."""
        with self._reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(entries).where(_is_stranded)) or 0

    def end_stranded(self, now: datetime) -> int:
        """See ``Store.end_stranded``."""
        # no hash: should the feed list it again, it is taken for a new version, and its page is fetched
        ended = {"outcome": Outcome.FAILED, "reason": STRANDED, "content_hash": "", "next_try": None, "decided_at": now}
        with self._writing() as connection:
            return connection.execute(entries.update().where(_is_stranded).values(ended)).rowcount

    def ledger(self) -> Mapping[str, Ledger]:
        """See ``Store.ledger``."""
        counts = sa.select(entries.c.feed, entries.c.outcome, sa.func.count()).group_by(
            entries.c.feed, entries.c.outcome
        )
        sums: defaultdict[str, dict[Outcome, int]] = defaultdict(dict)
        with self._reading() as connection:
            for feed, outcome, count in connection.execute(counts):
                sums[feed][outcome] = count
        return {feed: Ledger(counts) for feed, counts in sums.items()}

    def reasons(self) -> Mapping[tuple[str, str], int]:
        """See ``Store.reasons``."""
        counts = (
            sa.select(entries.c.outcome, entries.c.reason, sa.func.count())
            .where(entries.c.reason.is_not(None))
            .group_by(entries.c.outcome, entries.c.reason)
        )
        with self._reading() as connection:
            return {(outcome.value, reason): count for outcome, reason, count in connection.execute(counts)}


def end(connection: sa.Connection, resolutions: Sequence[Resolution], now: datetime) -> None:
    """End entry versions, inside a transaction.

    A version that has ended stays so, but for one that a record was made from after all: that one is archived, so
    that as many versions are archived as there are records.
    """
    ending = _attempted(now).values(
        outcome=sa.bindparam("_outcome", type_=entries.c.outcome.type),
        decided_at=now,
        next_try=None,
    )
    groups: defaultdict[tuple[bool, bool], list[dict[str, Any]]] = defaultdict(list)
    for resolution in resolutions:
        values = {f"_{field.name}": getattr(resolution, field.name) for field in fields(Resolution)}
        leads_elsewhere = resolution.article_id is not None
        if not leads_elsewhere:
            del values["_article_id"]
        groups[resolution.outcome is Outcome.ARCHIVED, leads_elsewhere].append(values)
    for (is_archived, leads_elsewhere), some in groups.items():
        update = ending.where(entries.c.outcome != Outcome.ARCHIVED if is_archived else is_pending)
        # named even with the value it has, the column would have its index written anew, at a page for each row
        connection.execute(update.values(article_id=sa.bindparam("_article_id")) if leads_elsewhere else update, some)
        let_go = waiting.delete().where(waiting.c.number == sa.bindparam("_number"))
        connection.execute(let_go, [{"_number": values["_number"]} for values in some])


def _attempted(now: datetime) -> sa.Update:
    """An update of the entry version ``_number`` that counts an attempt and gives it the reason ``_reason``."""
    return _told().values(
        attempts=entries.c.attempts + 1,
        first_tried=sa.func.coalesce(entries.c.first_tried, sa.literal(now, entries.c.first_tried.type)),
    )


def _told() -> sa.Update:
    """An update of the entry version ``_number`` that gives it the reason ``_reason``."""
    return entries.update().where(entries.c.number == sa.bindparam("_number")).values(reason=sa.bindparam("_reason"))


_is_stranded = sa.and_(is_pending, ~sa.select(1).where(waiting.c.number == entries.c.number).exists())


def _siblings(connection: sa.Connection, leads: Sequence[Any]) -> Mapping[int, tuple[Sibling, ...]]:
    lead_of = {row.article_id: row.number for row in leads}
    siblings: defaultdict[int, tuple[Sibling, ...]] = defaultdict(tuple)
    for some in batches(lead_of):
        for number, feed, url, article_id in connection.execute(_SIBLINGS, {"ids": some}):
            if number != (lead := lead_of[article_id]):
                siblings[lead] += (Sibling(number, feed, url),)
    return siblings


def _pending(row: Any, siblings: tuple[Sibling, ...]) -> PendingEntry:
    return PendingEntry(
        number=row.number,
        feed=row.feed,
        feed_url=row.feed_url,
        feed_title=row.feed_title,
        version=row.version,
        entry=_load_entry(orjson.loads(row.payload)),
        first_seen=row.first_seen,
        attempts=row.attempts,
        first_tried=row.first_tried,
        siblings=siblings,
    )
