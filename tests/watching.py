"""Feeds as a service sees them after some weeks, for what speaks of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.vitals import Counts, Vitals
from storage.model import Feed, FeedState, Gap, Health, Ledger, Outcome

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def healthy(name: str = "rfi-fr", **changes: object) -> Vitals:
    """A feed with something new every hour."""
    url = f"https://{name}.test/rss"
    state = FeedState(name, url, health=Health.OK, last_polled=NOW, last_success=NOW, next_due=NOW + HOUR)
    plain = Vitals(
        name,
        Feed(name, url),
        state,
        Ledger({Outcome.ARCHIVED: 170, Outcome.UNCHANGED: 5}),
        day=Counts(25, 24),
        week=Counts(175, 170),
        trend=(6,) * 28,
        newest=NOW - HOUR,
        usual=HOUR,
        volume=None,
        gaps=(),
    )
    return replace(plain, **changes)


def failing(name: str = "rfi-fr", *, since: datetime = NOW - 2 * DAY, error: str = "answers 500") -> Vitals:
    """A feed that fails."""
    state = FeedState(
        name, f"https://{name}.test/rss", health=Health.FAILING, last_error=error, failing_since=since, last_polled=NOW
    )
    return healthy(name, state=state)


def silent(name: str = "rfi-fr", *, newest: datetime = NOW - 3 * DAY) -> Vitals:
    """A feed that answers with nothing new."""
    return healthy(name, newest=newest)


def with_gap(name: str = "rfi-fr", *, end: datetime = NOW - HOUR) -> Vitals:
    """A feed of which entries may have been missed."""
    return healthy(name, gaps=(Gap(name, end - HOUR, end, "no entry was known"),))
