"""The store's figures of the last days: what came in, hour by hour, and how new the newest entries are."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from storage.connection import Transactions
from storage.model import Arrivals
from storage.tables import articles, entries

_HOUR = "%Y-%m-%d %H"


class ArrivalsPart(Transactions):
    """The part of ``storage.store.Store`` that counts what came in lately."""

    def arrivals(self, since: datetime) -> Sequence[Arrivals]:
        """See ``Store.arrivals``."""
        moments: dict[str, datetime] = {}  # there are far fewer hours than rows
        counts: dict[tuple[str, str], int] = {}
        with self._reading() as connection:
            for feed, hour, count in connection.execute(self._by_hour(articles.c.feed, articles.c.archived, since)):
                counts[feed, hour] = count
            rows = connection.execute(self._by_hour(entries.c.feed, entries.c.first_seen, since)).all()
        arrived = [(feed, hour, count, counts.pop((feed, hour), 0)) for feed, hour, count in rows]
        arrived += [(feed, hour, 0, count) for (feed, hour), count in counts.items()]
        for _, hour, *_ in arrived:
            if hour not in moments:
                moments[hour] = datetime.strptime(hour, _HOUR).replace(tzinfo=UTC)
        return [Arrivals(feed, moments[hour], *both) for feed, hour, *both in sorted(arrived)]

    def _by_hour(
        self, feed: sa.ColumnElement[str], moment: sa.ColumnElement[datetime], since: datetime
    ) -> sa.Executable:
        hour = self._hour(moment)
        return sa.select(feed, hour, sa.func.count()).where(moment >= since).group_by(feed, hour)

    def newest(self, feed: str, limit: int) -> Sequence[datetime]:
        """See ``Store.newest``."""
        of_feed = entries.c.feed == feed
        first = sa.select(sa.func.min(entries.c.first_seen)).where(of_feed).scalar_subquery()
        arrived = (
            sa.select(entries.c.first_seen, entries.c.dated, first.label("first"))
            .where(of_feed)
            .order_by(entries.c.first_seen.desc())
            .limit(limit)
        )
        with self._reading() as connection:
            rows = connection.execute(arrived).all()
        # a feed's first document is older than its first poll; what came later, came when it was first seen
        moments = (
            min(row.dated or row.first_seen, row.first_seen) if row.first_seen == row.first else row.first_seen
            for row in rows
        )
        return sorted(moments, reverse=True)

    def _hour(self, moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
        """The UTC hour a moment lies in, as text, in the words of this database."""
        if self._engine.dialect.name == "postgresql":
            zone: sa.ColumnElement[str] = sa.literal_column("'UTC'")  # not bound: grouped by, it must be the same
            return sa.func.to_char(sa.func.timezone(zone, moment), sa.literal_column("'YYYY-MM-DD HH24'"))
        return sa.func.substr(moment, 1, sa.literal_column("13"), type_=sa.Text)
