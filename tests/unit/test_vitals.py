"""How a feed does, by what came of it and when."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from holdings import new_store
from hypothesis import example, given
from hypothesis import strategies as st
from watching import DAY, HOUR, NOW, failing, healthy, silent

from service.vitals import Counts, Vitals, Volume, examine, gather, look_at
from storage.model import Arrivals, Entry, Feed, FeedState, Health, Ledger, NewEntry, Outcome, Poll

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
@example([(24, 3, 2), (7 * 24, 5, 5), (10 * 24, 1, 1)], 30)  # the edges of day and week, to the minute
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


def test_what_came_in_the_hour_that_has_just_begun_counts() -> None:
    noon = NOW.replace(minute=0)
    vitals = seen([Arrivals("a", noon, 4, 3)], now=noon + timedelta(seconds=1))
    assert (vitals.day, vitals.week, vitals.trend[-1]) == (Counts(4, 3), Counts(4, 3), 4)


@pytest.mark.parametrize("minute", [0, 29, 30, 31, 59])
def test_a_day_is_no_more_than_half_an_hour_off(minute: int) -> None:
    now = NOW.replace(minute=minute)
    for back in range(22, 27):
        hour = NOW.replace(minute=0) - back * HOUR
        is_counted = seen([Arrivals("a", hour, 1, 0)], now=now).day.entries == 1
        if now - hour <= DAY:
            assert is_counted, "all of it came within 24 hours"
        if now - (hour + HOUR) >= DAY:
            assert not is_counted, "none of it did"


def test_a_feed_that_was_off_for_weeks_has_no_more_days_before_than_it_was_watched() -> None:
    volume = seen(days_of([50, *[10] * 40, 10])).volume
    assert volume is not None
    assert (volume.mean, volume.sigma) == (10.0, 1.0), "28 days at most"
    assert seen(days_of([50] + [0] * 12 + [5])).volume == Volume(0.0, 1.0, 5), "days without an entry count too"


def test_a_feed_that_has_left_the_catalogue_keeps_its_entries_but_is_not_judged() -> None:
    state = FeedState("a", URL, health=Health.FAILING, last_error="answers 500", failing_since=NOW - 9 * DAY)
    gone = examine("a", None, state, Ledger({Outcome.ARCHIVED: 7}), days_of([5] * 20), [NOW - 90 * DAY], [], NOW)
    assert (gone.is_watched, gone.is_failing, gone.is_silent) == (False, False, False)
    assert (gone.ledger.seen, gone.week.entries) == (7, 35)


def test_the_first_documents_dates_tell_how_often_something_comes(tmp_path: Path) -> None:
    with closing(new_store(tmp_path)) as store:
        dated = [NOW - 40 * DAY - day * DAY for day in range(4)]
        listed = [
            NewEntry(Entry(f"{number}", f"{number:032x}", f"{number:032x}", published=published))
            for number, published in enumerate(dated)
        ]
        state = FeedState("a", URL, health=Health.OK, last_polled=NOW, last_success=NOW)
        store.commit_poll(Poll("a", NOW, state, entries=tuple(listed)))
        fresh = Feed("fresh", "https://fresh.test/rss")
        off = Feed("off", "https://off.test/rss", enabled=False)
        alone = look_at(store, Feed("a", URL), NOW)
        every = gather(store, [Feed("a", URL), fresh, off], NOW)
    assert (alone.newest, alone.usual, alone.is_silent) == (dated[0], DAY, True)
    assert every == [alone, examine("fresh", fresh, None, Ledger({}), [], [], [], NOW)], "one that is off left nothing"


def test_a_feed_that_brings_hundreds_at_a_time_can_be_silent(tmp_path: Path) -> None:
    with closing(new_store(tmp_path)) as store:
        for day in range(20, 6, -1):
            entries = [NewEntry(Entry(f"{day} {n}", f"{day:016x}{n:016x}", "0" * 32)) for n in range(100)]
            state = FeedState("a", URL, health=Health.OK, last_polled=NOW, last_success=NOW)
            store.commit_poll(Poll("a", NOW - day * DAY, state, entries=tuple(entries)))
        vitals = look_at(store, Feed("a", URL), NOW)
    assert (vitals.usual, vitals.newest, vitals.is_silent) == (DAY, NOW - 7 * DAY, True)
