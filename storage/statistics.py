"""The store's figures: what came in, what was removed, what comes again. The database adds up, not the program."""

from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa

from storage.connection import Transactions
from storage.model import Intake, Recurrence, Repeated, Standing
from storage.occurrences import KEY
from storage.tables import articles, repeats

_FIRST = (articles.c.id, articles.c.revision)


class StatisticsPart(Transactions):
    """The part of ``storage.store.Store`` that counts."""

    def intake(self, feeds: Collection[str] = ()) -> Sequence[Intake]:
        """See ``Store.intake``."""
        day = self._day()
        counts = (articles.c.repeat, articles.c.boilerplate, articles.c.known)
        sums = (
            sa.select(
                articles.c.feed,
                day,
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(sa.func.length(articles.c.paragraph_keys)), 0) // KEY,
                *map(sa.func.sum, counts),
            )
            .where(_is_of(articles, feeds))
            .group_by(articles.c.feed, day)
            .order_by(articles.c.feed, day)
        )
        with self._reading() as connection:
            return [Intake(feed, on, *map(int, rest)) for feed, on, *rest in connection.execute(sums)]

    def boilerplate(
        self, articles: int, days: int, limit: int, feeds: Collection[str] = ()
    ) -> Sequence[tuple[Recurrence, Standing]]:
        """See ``Store.boilerplate``."""
        most_first = (repeats.c.articles.desc(), repeats.c.key)
        rank = sa.func.row_number().over(partition_by=repeats.c.feed, order_by=most_first).label("rank")
        is_learned = sa.or_(repeats.c.head >= articles, repeats.c.tail >= articles)
        ranked = (
            sa.select(repeats, *_FIRST, rank)
            .join(_articles, _articles.c.number == repeats.c.number)
            .where(repeats.c.days >= days, is_learned, _is_of(repeats, feeds))
            .subquery()
        )
        foremost = sa.select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.feed, ranked.c.rank)
        with self._reading() as connection:
            return [
                (
                    Recurrence(row.feed, row.articles, row.days, row.last_day, row.head, row.tail),
                    Standing(row.id, row.revision, row.at),
                )
                for row in connection.execute(foremost)
            ]

    def most_repeated(self, limit: int, feeds: Collection[str] = ()) -> Sequence[Repeated]:
        """See ``Store.most_repeated``."""
        count = sa.func.sum(repeats.c.articles)
        foremost = (
            sa.select(
                repeats.c.key,
                sa.func.max(repeats.c.number).label("number"),  # the same in all rows of a key, as is the position
                sa.func.max(repeats.c.at).label("at"),
                count.label("articles"),
                sa.func.count().label("feeds"),
                sa.func.max(repeats.c.days).label("days"),
            )
            .where(repeats.c.number.in_(sa.select(articles.c.number)), _is_of(repeats, feeds))
            .group_by(repeats.c.key)
            .order_by(count.desc(), repeats.c.key)
            .limit(limit)
            .subquery()
        )
        placed = (
            sa.select(foremost, *_FIRST)
            .join(articles, articles.c.number == foremost.c.number)
            .order_by(foremost.c.articles.desc(), foremost.c.key)
        )
        with self._reading() as connection:
            return [
                Repeated(Standing(row.id, row.revision, row.at), int(row.articles), row.feeds, row.days)
                for row in connection.execute(placed)
            ]

    def _day(self) -> sa.ColumnElement[date]:
        """The UTC day on which an article was archived, in the words of this database."""
        moment: sa.ColumnElement[object] = articles.c.archived
        if self._engine.dialect.name == "postgresql":
            moment = sa.func.timezone(sa.literal_column("'UTC'"), moment)  # not bound: grouped by, it must be the same
        return sa.func.date(moment, type_=sa.Date)


_articles = articles


def _is_of(table: sa.Table, feeds: Collection[str]) -> sa.ColumnElement[bool]:
    return table.c.feed.in_(feeds) if feeds else sa.true()
