"""The store's side of polling: feeds, what is known of their entries, and COMMIT 1."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from storage.connection import Transactions, batches
from storage.model import Asked, FeedState, Gap, KnownEntry, NewEntry, Outcome, Poll, Validators
from storage.shapes import dump
from storage.tables import entries, feeds, gaps, polls, waiting

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLAIN = tuple(field.name for field in fields(FeedState) if field.name not in {"validators", "asked"})
_VALIDATORS = tuple(field.name for field in fields(Validators))
_ASKED = tuple(field.name for field in fields(Asked))
_KNOWN = tuple(entries.c[field.name] for field in fields(KnownEntry))


class PollingPart(Transactions):
    """The part of ``storage.store.Store`` that polling speaks to."""

    def feed_states(self) -> Mapping[str, FeedState]:
        """See ``Store.feed_states``."""
        with self._reading() as connection:
            return {row.name: _state(row) for row in connection.execute(sa.select(feeds))}

    def known_entries(
        self, feed: str, keys: Collection[str], article_ids: Collection[str]
    ) -> tuple[Mapping[str, KnownEntry], Mapping[str, tuple[KnownEntry, ...]]]:
        """See ``Store.known_entries``."""
        own: dict[str, KnownEntry] = {}
        leading: dict[str, tuple[KnownEntry, ...]] = {}
        newest = sa.select(*_KNOWN).where(_is_newest).order_by(entries.c.number)
        with self._reading() as connection:
            for some in batches(keys):
                for row in connection.execute(newest.where(entries.c.feed == feed, entries.c.key.in_(some))):
                    own[row.key] = KnownEntry(*row)
            for some in batches(article_ids):
                for row in connection.execute(newest.where(entries.c.article_id.in_(some))):
                    leading[row.article_id] = (*leading.get(row.article_id, ()), KnownEntry(*row))
        return own, leading

    def commit_poll(self, poll: Poll) -> None:
        """See ``Store.commit_poll``."""
        self.commit_polls([poll])

    def commit_polls(self, group: Sequence[Poll]) -> None:
        """See ``Store.commit_polls``."""
        with self._writing() as connection:
            self._upsert(connection, feeds, *[_feed_row(poll.state) for poll in group])
            if group:
                connection.execute(_add_poll, [_poll_row(poll) for poll in group])
            for poll in group:
                _commit_entries(connection, poll)

    def gaps(self, feed: str | None = None) -> Sequence[Gap]:
        """See ``Store.gaps``."""
        newest_first = sa.select(*(gaps.c[field.name] for field in fields(Gap))).order_by(
            gaps.c.end.desc(), gaps.c.feed
        )
        with self._reading() as connection:
            found = connection.execute(newest_first if feed is None else newest_first.where(gaps.c.feed == feed))
            return [Gap(*row) for row in found]


def _commit_entries(connection: sa.Connection, poll: Poll) -> None:
    """What a poll brought, beside the news of the feed itself."""
    if poll.entries:
        connection.execute(_add_entry, [_entry_row(poll, new) for new in poll.entries])
    if wait := [_waiting_row(poll, new) for new in poll.entries if new.outcome is Outcome.PENDING]:
        connection.execute(_wait, wait)
    for some in batches(poll.seen):
        connection.execute(_see, {"of": poll.feed, "keys": some, "at": poll.at})
    if poll.redated:
        rows = [{"of": poll.feed, "key_of": key, "to": dated} for key, dated in poll.redated.items()]
        connection.execute(_redate, rows)
    if (gap := poll.gap) is not None:
        connection.execute(gaps.insert().values(feed=gap.feed, start=gap.start, end=gap.end, reason=gap.reason))


_other = entries.alias("other")
_is_newest = (
    entries.c.version
    == sa.select(sa.func.max(_other.c.version))
    .where(_other.c.feed == entries.c.feed, _other.c.key == entries.c.key)
    .scalar_subquery()
)
_add_poll = polls.insert()
_add_entry = entries.insert()
_see = (
    entries.update()
    .where(entries.c.feed == sa.bindparam("of"), entries.c.key.in_(sa.bindparam("keys", expanding=True)), _is_newest)
    .values(last_seen=sa.bindparam("at", type_=entries.c.last_seen.type))
)
_redate = (
    entries.update()
    .where(entries.c.feed == sa.bindparam("of"), entries.c.key == sa.bindparam("key_of"), _is_newest)
    .values(dated=sa.bindparam("to", type_=entries.c.dated.type))
)


def _state(row: Any) -> FeedState:
    validators = Validators(*(getattr(row, name) for name in _VALIDATORS))
    asked = Asked(*(getattr(row, name) for name in _ASKED))
    return FeedState(validators=validators, asked=asked, **{name: getattr(row, name) for name in _PLAIN})


def _feed_row(state: FeedState) -> dict[str, Any]:
    plain = {name: getattr(state, name) for name in _PLAIN}
    validators = {name: getattr(state.validators, name) for name in _VALIDATORS}
    return plain | validators | {name: getattr(state.asked, name) for name in _ASKED}


def _poll_row(poll: Poll) -> dict[str, Any]:
    return {
        "feed": poll.feed,
        "at": poll.at,
        "status": poll.status,
        "conditional": poll.conditional,
        "bytes": poll.bytes,
        "listed": poll.listed,
        "dropped": poll.dropped,
        "added": len(poll.entries),
        "error": poll.error,
        "seconds": poll.seconds,
    }


_wait = waiting.insert().from_select(
    ["number", "payload"],
    sa.select(entries.c.number, sa.bindparam("_payload", type_=waiting.c.payload.type)).where(
        entries.c.feed == sa.bindparam("_feed"),
        entries.c.key == sa.bindparam("_key"),
        entries.c.version == sa.bindparam("_version"),
    ),
)


def _waiting_row(poll: Poll, new: NewEntry) -> dict[str, Any]:
    return {"_feed": poll.feed, "_key": new.entry.key, "_version": new.version, "_payload": dump(new.entry)}


def _entry_row(poll: Poll, new: NewEntry) -> dict[str, Any]:
    entry, is_pending = new.entry, new.outcome is Outcome.PENDING
    return {
        "feed": poll.feed,
        "key": entry.key,
        "version": new.version,
        "guid": entry.guid,
        "url": entry.url,
        "host": host(entry.url),
        "article_id": entry.article_id,
        "content_hash": entry.content_hash,
        "outcome": new.outcome,
        "reason": new.reason,
        "attempts": 0,
        "first_seen": poll.at,
        "last_seen": poll.at,
        "dated": entry.published or entry.modified,
        "decided_at": None if is_pending else poll.at,
    }


def host(url: str | None) -> str:
    """Host of an http(s) URL, lower case, with its port where that is not the scheme's own; ``""`` without one."""
    try:
        parts = urlsplit(url or "")
        name, port = parts.hostname or "", parts.port
    except ValueError:  # brackets that hold no IPv6 address, or a port beyond 65535
        return ""
    if ":" in name:
        name = f"[{name}]"
    return name if port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f"{name}:{port}"
