"""What the sites are like: how often they publish, how they answer, what goes wrong with them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NIGHT = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
"""Hours (GMT) in which newsrooms publish little."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """For a while, a status instead of the feed; without one, the connection is reset."""

    begins: timedelta
    """From the simulation's start."""
    lasts: timedelta
    status: int | None = None
    retry_after: timedelta | None = None
    """Until when the answer asks for patience, from the trouble's beginning; said as what is left of it."""
    as_date: bool = False
    """Whether Retry-After is an HTTP-date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One feed and its life. Several may share a host."""

    kind: str
    name: str = ""
    host: str = ""
    stories_a_day: float = 14
    night: float = 0.15
    """How much is published in an hour of the night, by day 1."""
    bursts: tuple[tuple[int, int], ...] = ()
    """Hours (GMT) at which so many stories come within ten minutes, every day."""
    breaking: int | None = None
    """The day, from 0, on which big news is out and four times as much is published."""
    window: int = 20
    etag: bool = True
    last_modified: bool = True
    conditional: bool = True
    """Whether a current validator is answered with 304."""
    restless: bool = False
    """The document carries the time of its making, and is another each second."""
    max_age: timedelta | None = None
    cached: bool = False
    """A cache in front keeps the document for ``max_age`` and says how old it is."""
    expires: timedelta | None = None
    ttl: int | None = None
    """Minutes."""
    syndication: tuple[str, int] | None = None
    """sy:updatePeriod and sy:updateFrequency."""
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    """Monday is 0. Nothing is published in skipped hours and days."""
    moved: bool = False
    """The address redirects permanently to another one."""
    troubles: tuple[Trouble, ...] = ()

    @property
    def validators(self) -> bool:
        """Whether it gives any."""
        return self.etag or self.last_modified


@dataclass(frozen=True, slots=True)
class Story:
    """One entry of a feed."""

    guid: str
    published: datetime


def life(site: Site, start: datetime, length: timedelta, seed: int) -> tuple[Story, ...]:
    """Everything the site publishes until the end, oldest first, with as much before the start as its feed lists."""
    rng = random.Random(f"{seed} {site.name}")
    moments = [start - site.window * 90 * MINUTE + number * 90 * MINUTE for number in range(site.window)]
    hourly = site.stories_a_day / (24 - len(NIGHT) * (1 - site.night))
    for number in range(int(length / HOUR)):
        hour = start + number * HOUR
        if hour.hour in site.skip_hours or hour.weekday() in site.skip_days:
            continue
        rate = hourly * (site.night if hour.hour in NIGHT else 1) * (4 if number // 24 == site.breaking else 1)
        moments += [hour + MINUTE * rng.uniform(0, 60) for _ in range(_poisson(rate, rng))]
        for at, count in site.bursts:
            if hour.hour == at:
                moments += [hour + MINUTE * rng.uniform(20, 30) for _ in range(count)]
    seconds = sorted({moment.replace(microsecond=0) for moment in moments})
    return tuple(Story(f"{site.name}-{number}", moment) for number, moment in enumerate(seconds))


def _poisson(rate: float, rng: random.Random) -> int:
    count, time = 0, rng.expovariate(rate) if rate else 2.0
    while time < 1:
        count += 1
        time += rng.expovariate(rate)
    return count


# -- two hundred of them -----------------------------------------------------------------------------------------------

_VALIDATORS = ((True, True), (True, False), (False, True))
"""ETag and Last-Modified: both, one, the other, in turn."""


def _outage(begins: timedelta, lasts: timedelta, status: int | None = None) -> Trouble:
    return Trouble(begins, lasts, status)


def _kinds() -> Iterator[tuple[int, Site]]:
    """How many there are of each; the rarer ones are as many as it takes to see what becomes of them."""
    yield 24, Site(kind="busy, 50 a day", stories_a_day=50, window=30)
    yield 8, Site(kind="busy, max-age 5 min", stories_a_day=50, window=30, max_age=5 * MINUTE)
    yield 26, Site(kind="normal, 14 a day")
    yield 4, Site(kind="normal, 4 × as many on day 6", breaking=5)
    yield 10, Site(kind="normal, max-age 1 h", max_age=HOUR)
    yield 6, Site(kind="normal, max-age 6 h, by a cache", max_age=6 * HOUR, cached=True)
    yield 8, Site(kind="normal, Expires in 3 h", expires=3 * HOUR)
    yield 8, Site(kind="normal, ttl 120", ttl=120)
    yield 6, Site(kind="normal, sy: 8 × a day", syndication=("daily", 8))
    yield 6, Site(kind="normal, skipHours 0–5", skip_hours=frozenset(range(6)))
    yield 4, Site(kind="normal, skipDays Sat Sun", skip_days=frozenset({5, 6}))
    yield 12, Site(kind="normal, no validators", etag=False, last_modified=False)
    yield 6, Site(kind="normal, never the same bytes", etag=False, last_modified=False, restless=True)
    yield 8, Site(kind="normal, always 200", conditional=False)
    yield 24, Site(kind="slow, 1 a day", stories_a_day=1)
    yield 18, Site(kind="dead", stories_a_day=0)
    yield 4, Site(kind="bursts of 12 in a window of 5", stories_a_day=4, window=5, bursts=((9, 12), (17, 12)))
    yield 4, Site(kind="moved for good (301)", moved=True)
    yield 2, Site(kind="gone (410) from day 3", troubles=(_outage(2 * DAY, 30 * DAY, 410),))
    yield 2, Site(kind="503, Retry-After", troubles=(Trouble(1.4 * DAY, 5 * HOUR, 503, 5 * HOUR),))
    yield (
        2,
        Site(
            kind="429 on a shared host",
            host="shared",
            troubles=(Trouble(2.4 * DAY, 3 * HOUR, 429, 3 * HOUR, as_date=True),),
        ),
    )
    yield 2, Site(kind="403 from day 3", troubles=(_outage(2.2 * DAY, 30 * DAY, 403),))
    yield (
        3,
        Site(kind="500 for 6 hours", troubles=(_outage(1.3 * DAY, 6 * HOUR, 500), _outage(4.6 * DAY, 6 * HOUR, 500))),
    )
    yield 3, Site(kind="resets for 4 hours", troubles=(_outage(2.5 * DAY, 4 * HOUR), _outage(5.1 * DAY, 4 * HOUR)))


def two_hundred() -> list[Site]:
    """The newsrooms of a middling feed list."""
    sites = [site for count, kind in _kinds() for site in _named(kind, count)]
    assert len(sites) == 200, len(sites)
    return sites


def one_of_each(*, troubles: Callable[[Trouble], Trouble] = lambda trouble: trouble) -> list[Site]:
    """One site of each kind, two where they share a host; ``troubles`` moves what goes wrong to where it is met."""
    return [
        replace(site, troubles=tuple(map(troubles, site.troubles)))
        for count, kind in _kinds()
        for site in _named(kind, 2 if kind.host else 1)
    ]


def _named(kind: Site, count: int) -> Iterator[Site]:
    for number in range(count):
        etag, last_modified = _VALIDATORS[number % 3] if kind.validators else (False, False)
        slug = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in kind.kind)
        name = f"{slug}-{number + 1}"
        yield replace(kind, name=name, host=kind.host or name, etag=etag, last_modified=last_modified)
