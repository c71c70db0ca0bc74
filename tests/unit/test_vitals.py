"""How a feed does, by what came of it and when."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watching import DAY, HOUR, NOW, failing, healthy, silent

from service.vitals import Counts, Vitals, examine
from storage.model import Arrivals, Feed, FeedState, Health, Ledger

URL = "https://a.test/rss"


def seen(
    arrivals: list[Arrivals] | None = None, newest: list[datetime] | None = None, now: datetime = NOW, **state: object
) -> Vitals:
    """A feed's vitals."""
    last = FeedState("a", URL, **({"health": Health.OK, "last_success": now, "last_polled": now} | state))
    return examine("a", Feed("a", URL), last, Ledger({}), arrivals or [], newest or [], [], now)


def days_of(counts: list[int]) -> list[Arrivals]:
    """Entries a day, the last of them in the last 24 hours, each day's in its middle."""
    start = NOW.replace(minute=0) - len(counts) * DAY + DAY / 2
    return [Arrivals("a", start + day * DAY, count, count) for day, count in enumerate(counts) if count]


@pytest.mark.parametrize(
    ("intervals", "age", "is_silent"),
    [
        ([HOUR] * 5, DAY, False),
        ([HOUR] * 5, DAY + HOUR, True),
        ([DAY] * 5, 5 * DAY, False),
        ([DAY] * 5, 5 * DAY + HOUR, True),
        ([HOUR, HOUR, 30 * DAY, HOUR], 2 * DAY, True),
        ([DAY], 300 * DAY, False),
        ([], 300 * DAY, False),
    ],
)
def test_a_feed_is_silent_after_five_median_intervals_and_a_day_at_least(
    intervals: list[timedelta], age: timedelta, is_silent: bool
) -> None:
    newest = [NOW - age]
    for interval in intervals:
        newest.append(newest[-1] - interval)
    assert seen(newest=newest).is_silent is is_silent


def test_what_one_document_brings_came_at_one_time() -> None:
    batches = [NOW - week * 7 * DAY for week in range(1, 5) for _ in range(10)]
    assert not seen(newest=batches).is_silent, "ten a week are no sign that something comes every minute"


def test_only_a_feed_that_answers_and_is_watched_can_be_silent() -> None:
    assert silent().is_silent
    assert not failing().is_silent
    assert not healthy(feed=None, newest=NOW - 9 * DAY).is_silent


def test_volume_is_held_against_the_days_before_without_the_first_one() -> None:
    steady = [90, *[10, 12, 8, 10, 11, 9, 10, 10, 12, 8], 10]
    volume = seen(days_of(steady)).volume
    assert volume is not None
    assert (volume.mean, volume.last, volume.is_unusual) == (10.0, 10, False)
    for last in (2, 30):
        unusual = seen(days_of([*steady[:-1], last])).volume
        assert unusual is not None
        assert unusual.is_unusual, last
    assert seen(days_of([10] * 7)).volume is None, "too few days"


def test_one_more_than_always_is_nothing_unusual() -> None:
    volume = seen(days_of([1] * 20 + [3])).volume
    assert volume is not None
    assert not volume.is_unusual


hours = st.lists(st.tuples(st.integers(0, 28 * 24), st.integers(1, 9), st.integers(0, 9)), max_size=60)


@given(hours, st.integers(0, 59))
def test_counts_trend_and_volume_agree(came: list[tuple[int, int, int]], minute: int) -> None:
    now = NOW.replace(minute=minute)
    start = now.replace(minute=0)
    by_hour = {back: (entries, articles) for back, entries, articles in came}
    arrivals = [Arrivals("a", start - back * HOUR, *both) for back, both in sorted(by_hour.items(), reverse=True)]
    vitals = seen(arrivals, now=now)
    assert sum(vitals.trend) == vitals.week.entries
    assert sum(vitals.trend[-4:]) == vitals.day.entries
    assert vitals.day.entries <= vitals.week.entries <= sum(entries for entries, _ in by_hour.values())
    if vitals.volume is not None:
        assert vitals.volume.last == vitals.day.entries


def test_a_feed_never_polled_has_nothing_to_say() -> None:
    vitals = examine("a", Feed("a", URL), None, Ledger({}), [], [], [], NOW)
    assert (vitals.is_failing, vitals.is_silent, vitals.failing_for) == (False, False, None)
    assert (vitals.day, vitals.volume, vitals.newest) == (Counts(), None, None)


def test_a_clock_set_back_counts_what_lies_ahead_as_now() -> None:
    vitals = seen([Arrivals("a", NOW + 5 * HOUR, 3, 3)], newest=[NOW + 5 * HOUR])
    assert (vitals.day.entries, vitals.trend[-1]) == (3, 3)
