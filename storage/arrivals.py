"""The store's figures of the last days: what came in, hour by hour, and when something last came."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from storage.connection import Transactions
from storage.model import Arrivals
from storage.tables import articles, entries

_HOUR = "%Y-%m-%d %H"


class ArrivalsPart(Transactions):
    """The part of ``storage.store.Store`` that counts what came in lately."""

    def arrivals(self, since: datetime, feed: str | None = None) -> Sequence[Arrivals]:
        """See ``Store.arrivals``."""
        one, none = (sa.literal_column(digit, sa.Integer) for digit in "10")
        came = sa.union_all(
            self._came(entries.c.feed, entries.c.first_seen, since, feed, (one, none)),
            self._came(articles.c.feed, articles.c.archived, since, feed, (none, one)),
        ).subquery()
        both = (sa.cast(sa.func.sum(count), sa.Integer) for count in (came.c.entries, came.c.articles))
        sums = sa.select(came.c.feed, came.c.hour, *both).group_by(came.c.feed, came.c.hour)
        with self._reading() as connection:
            rows = connection.execute(sums).all()
        # there are far fewer hours than rows
        hours = {hour: datetime.strptime(hour, _HOUR).replace(tzinfo=UTC) for hour in {row[1] for row in rows}}
        # sorted here, for each database has an order of names of its own
        return [Arrivals(name, hours[hour], *both) for name, hour, *both in sorted(map(tuple, rows))]

    def _came(
        self,
        feed: sa.ColumnElement[str],
        moment: sa.ColumnElement[datetime],
        since: datetime,
        only: str | None,
        counts: tuple[sa.ColumnElement[int], sa.ColumnElement[int]],
    ) -> sa.Select[str, str, int, int]:
        """The feed and hour of everything since then, or of one feed's only, and whether that is entry or article."""
        as_entry, as_article = counts
        found = sa.select(
            feed.label("feed"),
            self._hour(moment).label("hour"),
            as_entry.label("entries"),
            as_article.label("articles"),
        ).where(moment >= since)
        return found if only is None else found.where(feed == only)

    def newest(self, feeds: Collection[str], limit: int) -> Mapping[str, Sequence[datetime]]:
        """See ``Store.newest``."""
        of_feed = entries.c.feed == sa.bindparam("_feed")
        first = sa.select(sa.func.min(entries.c.first_seen)).where(of_feed).scalar_subquery()
        # a feed's first document is older than its first poll; what came later, came when it was first seen
        dated = sa.case((entries.c.first_seen == first, entries.c.dated)).label("dated")
        moments = (
            sa.select(entries.c.first_seen, dated)
            .distinct()
            .where(of_feed)
            .order_by(entries.c.first_seen.desc(), dated.desc().nulls_last())
            .limit(limit)
        )
        with self._reading() as connection:
            found = {feed: connection.execute(moments, {"_feed": feed}).all() for feed in feeds}
        return {
            feed: sorted({min(date or seen, seen) for seen, date in rows}, reverse=True) for feed, rows in found.items()
        }

    def _hour(self, moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
        """The UTC hour a moment lies in, as text, in the words of this database."""
        if self._engine.dialect.name == "postgresql":
            zone: sa.ColumnElement[str] = sa.literal_column("'UTC'")  # not bound: grouped by, it must be the same
            return sa.func.to_char(sa.func.timezone(zone, moment), sa.literal_column("'YYYY-MM-DD HH24'"))
        return sa.func.substr(moment, 1, sa.literal_column("13"), type_=sa.Text)
