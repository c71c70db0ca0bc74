"""How every feed does, and what came in: the facts that status, metrics, alerts and the digest speak of.

the store's figures + the catalogue + the time  ──▶  a Vitals a feed
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean, median, stdev

from storage.model import Arrivals, Feed, FeedState, Gap, Health, Ledger
from storage.store import Store

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
SAMPLE = 50
"""Times at which something of a feed came, the last ones, that its usual interval is taken from."""
FEWEST = 3
"""Times at which something came, below which a feed has no usual interval yet."""
SILENT_TIMES = 5
"""Times the usual interval after which a feed is silent; never before a day."""
USUAL_DAYS, FEWEST_DAYS = 28, 7
"""Days before the last one that its volume is held against, and how many of them a feed must have been watched."""
SIGMAS = 2.0
LEAST_SIGMA = 1.0
"""Entries a day: one more or less is never out of the ordinary."""
POINTS = 28
"""Of a sparkline: a week in pieces of six hours."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What came in over some time."""

    entries: int = 0
    """Entry versions a feed listed for the first time."""
    articles: int = 0
    """Article versions archived."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A feed's last 24 hours against the days before, in entries a day."""

    mean: float
    sigma: float
    """Of a sample, and at least ``LEAST_SIGMA``."""
    last: int

    @property
    def is_unusual(self) -> bool:
        """Whether the last day lies outside mean ± 2σ."""
        return abs(self.last - self.mean) > SIGMAS * self.sigma


@dataclass(frozen=True, slots=True)
class Vitals:
    """How one feed does."""

    name: str
    feed: Feed | None
    """As the catalogue has it; None where it no longer does."""
    state: FeedState | None
    """None: never polled."""
    ledger: Ledger
    day: Counts
    """The last 24 hours."""
    week: Counts
    trend: tuple[int, ...]
    """Entries of the last week in pieces of six hours, oldest first."""
    newest: datetime | None
    """When its newest entry came."""
    usual: timedelta | None
    """Its median interval between two times at which something came; None while there are too few."""
    volume: Volume | None
    """None: not watched for long enough."""
    gaps: tuple[Gap, ...]
    """Newest first."""

    @property
    def is_watched(self) -> bool:
        """Whether it is in the catalogue, and on."""
        return self.feed is not None and self.feed.enabled

    @property
    def is_failing(self) -> bool:
        """Whether its newest poll failed, or it is gone for good."""
        return self.is_watched and self.state is not None and self.state.health in {Health.FAILING, Health.GONE}

    @property
    def silent_after(self) -> timedelta | None:
        """How old its newest entry may be; None where that cannot be said."""
        return None if self.usual is None else max(DAY, SILENT_TIMES * self.usual)

    @property
    def failing_for(self) -> timedelta | None:
        """For how long polls have failed; None where they do not. A time when nobody polled counts for nothing."""
        state = self.state
        if not self.is_failing or state is None or state.failing_since is None or state.last_polled is None:
            return None
        return state.last_polled - state.failing_since

    @property
    def is_silent(self) -> bool:
        """Whether it answers, but had nothing newer than ``silent_after`` when it last did."""
        state = self.state
        if not self.is_watched or state is None or state.health is not Health.OK or state.last_success is None:
            return False
        if self.newest is None or self.silent_after is None:
            return False
        return state.last_success - self.newest > self.silent_after


def gather(store: Store, feeds: Iterable[Feed], now: datetime) -> list[Vitals]:
    """The vitals of every feed that is watched or has left something in the archive, by name.

    Raises:
        StorageError: the database cannot be read.
    """
    watched = {feed.name: feed for feed in feeds}
    states, ledgers = store.feed_states(), store.ledger()
    known = sorted(states.keys() | ledgers.keys() | {name for name, feed in watched.items() if feed.enabled})
    newest = store.newest(known, SAMPLE)
    arrivals: defaultdict[str, list[Arrivals]] = defaultdict(list)
    for some in store.arrivals(now - (USUAL_DAYS + 1) * DAY):
        arrivals[some.feed].append(some)
    gaps: defaultdict[str, list[Gap]] = defaultdict(list)
    for gap in store.gaps():
        gaps[gap.feed].append(gap)
    return [
        examine(
            name,
            watched.get(name),
            states.get(name),
            ledgers.get(name, Ledger({})),
            arrivals[name],
            newest[name],
            gaps[name],
            now,
        )
        for name in known
    ]


def look_at(store: Store, feed: Feed, now: datetime) -> Vitals:
    """The vitals of one feed alone.

    Raises:
        StorageError: the database cannot be read.
    """
    name = feed.name
    return examine(
        name,
        feed,
        store.feed_states().get(name),
        store.ledger().get(name, Ledger({})),
        store.arrivals(now - (USUAL_DAYS + 1) * DAY, name),
        store.newest([name], SAMPLE)[name],
        store.gaps(name),
        now,
    )


def examine(
    name: str,
    feed: Feed | None,
    state: FeedState | None,
    ledger: Ledger,
    arrivals: Sequence[Arrivals],
    newest: Sequence[datetime],
    gaps: Sequence[Gap],
    now: datetime,
) -> Vitals:
    """One feed's vitals. Pure.

    Args:
        name: The feed's.
        feed: As the catalogue has it.
        state: What is remembered of it.
        ledger: How its entries ended.
        arrivals: What came of it in the last ``USUAL_DAYS`` days and one, by hour, oldest first.
        newest: When something of it last came, newest first.
        gaps: Newest first.
        now: The time, aware.
    """
    end = now - HOUR / 2  # an hour counts whole: what is counted by hours is half an hour off at most
    return Vitals(
        name,
        feed,
        state,
        ledger,
        day=_since(arrivals, end - DAY),
        week=_since(arrivals, end - WEEK),
        trend=_trend(arrivals, end),
        newest=newest[0] if newest else None,
        usual=_usual(newest),
        volume=_volume(arrivals, end),
        gaps=tuple(gaps),
    )


def total(counts: Iterable[Counts]) -> Counts:
    """All of them together."""
    counts = list(counts)
    return Counts(sum(some.entries for some in counts), sum(some.articles for some in counts))


def entries(vitals: Iterable[Vitals]) -> Mapping[str, int]:
    """How many entries there are of each outcome, over all feeds."""
    sums: defaultdict[str, int] = defaultdict(int)
    for one in vitals:
        for outcome, count in one.ledger.counts.items():
            sums[outcome] += count
    return sums


def _since(arrivals: Sequence[Arrivals], moment: datetime) -> Counts:
    entries = articles = 0
    for arrived in reversed(arrivals):
        if arrived.hour <= moment:  # as the trend and the volume have it
            break
        entries, articles = entries + arrived.entries, articles + arrived.articles
    return Counts(entries, articles)


def _trend(arrivals: Sequence[Arrivals], now: datetime) -> tuple[int, ...]:
    points, step = [0] * POINTS, WEEK / POINTS
    for arrived in reversed(arrivals):
        back = max(0, (now - arrived.hour) // step)
        if back >= POINTS:
            break
        points[POINTS - 1 - back] += arrived.entries
    return tuple(points)


def _usual(newest: Sequence[datetime]) -> timedelta | None:
    moments = sorted(set(newest))  # what one document brought came at one time
    if len(moments) < FEWEST:
        return None
    return timedelta(seconds=median((later - earlier).total_seconds() for earlier, later in pairwise(moments)))


def _volume(arrivals: Sequence[Arrivals], now: datetime) -> Volume | None:
    days: defaultdict[int, int] = defaultdict(int)
    for arrived in arrivals:
        days[max(0, (now - arrived.hour) // DAY)] += arrived.entries
    # the day of the first poll brought a whole window: it is no day like the others
    watched = min(max(days, default=0) - 1, USUAL_DAYS)
    if watched < FEWEST_DAYS:
        return None
    before = [days[back] for back in range(1, watched + 1)]
    return Volume(mean(before), max(stdev(before), LEAST_SIGMA), days[0])
