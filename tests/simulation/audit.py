"""What a world's answers allowed and what became of its stories, worked out without the code under test."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import sqlalchemy as sa

from simulation.sites import Site, Story
from simulation.world import Exchange, World
from storage import tables

FLOOR, CAP, LONGEST_RETRY = timedelta(minutes=15), timedelta(hours=24), timedelta(days=31)
FORBIDDEN, GONE = timedelta(hours=4), timedelta(hours=24)
ZERO = timedelta(0)
_PERIODS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Early:
    """A request that came before its time."""

    exchange: Exchange
    allowed: datetime | None
    """From when on it would have been right; None: never again, or not in this hour or on this day."""
    why: str

    def __str__(self) -> str:
        return f"{self.exchange.at:%d %H:%M:%S} {self.exchange.path} of {self.exchange.host}: {self.why} {self.allowed}"


# -- what was asked ----------------------------------------------------------------------------------------------------


def early_polls(world: World) -> list[Early]:
    """Requests, robots.txt included, that came before what all answers until then allowed."""
    found = []
    allowed: dict[str, tuple[datetime, str]] = {}
    held: dict[str, datetime] = {}
    read: set[str] = set()
    goes: defaultdict[str, list[datetime]] = defaultdict(list)
    moving: set[str] = set()
    reset: dict[str, Exchange] = {}
    for exchange in world.exchanges:
        before = reset.pop(exchange.host, None)
        if before is not None and (before.path, before.at) == (exchange.path, exchange.at):
            continue  # sent once more, as RFC 9110 §9.2.2 has it, where a kept connection was cut
        if exchange.status is None:
            reset[exchange.host] = exchange
        if (until := held.get(exchange.host)) is not None and exchange.at < until:
            found.append(Early(exchange, until, "429 holds the host"))
        site = exchange.site
        if site is not None and site.name not in moving:
            since, why = allowed.get(site.name, (exchange.at, ""))
            if exchange.at < since:
                found.append(Early(exchange, since, why))
            if site.name in read and (exchange.at.hour in site.skip_hours or exchange.at.weekday() in site.skip_days):
                found.append(Early(exchange, None, "skipHours, skipDays"))
            gone = goes[site.name]
            if len(gone) > 1 and gone[-1] - gone[0] >= GONE:
                found.append(Early(exchange, None, "gone: 410 twice"))
        if exchange.status == 429:
            held[exchange.host] = exchange.at + (_retry_after(exchange) or FLOOR)
        if site is None:
            continue
        if exchange.status in (301, 302, 303, 307, 308):
            moving.add(site.name)
            continue
        moving.discard(site.name)
        if exchange.status == 410:
            goes[site.name].append(exchange.at)
        else:
            goes[site.name].clear()
        if exchange.status == 200:
            read.add(site.name)
        allowed[site.name] = _allowed(exchange, site, read=site.name in read)
    return found


def _allowed(exchange: Exchange, site: Site, *, read: bool) -> tuple[datetime, str]:
    waits = [(FLOOR, "floor of 15 min")]
    if exchange.status in (200, 304):
        waits += [(min(wait, CAP), why) for wait, why in _wishes(exchange, site, read=read)]
    elif (wait := _retry_after(exchange)) is not None:
        waits.append((wait, "Retry-After"))
    if exchange.status == 403:
        waits.append((FORBIDDEN, "403: 4 h"))
    if exchange.status == 410:
        waits.append((GONE, "410: a day"))
    wait, why = max(waits)
    return exchange.at + wait, why


def _wishes(exchange: Exchange, site: Site, *, read: bool) -> Iterator[tuple[timedelta, str]]:
    said = exchange.said
    if "Cache-Control" in said:
        max_age = int(said["Cache-Control"].rpartition("max-age=")[2])
        yield timedelta(seconds=max_age - int(said.get("Age", 0))), "max-age"
    elif "Expires" in said:
        yield _date(said["Expires"]) - _date(said["Date"]), "Expires"
    if read and site.ttl is not None:
        yield timedelta(minutes=site.ttl), "ttl"
    if read and site.syndication is not None:
        period, frequency = site.syndication
        yield _PERIODS[period] / frequency, "sy:updatePeriod"


def _retry_after(exchange: Exchange) -> timedelta | None:
    said = exchange.said.get("Retry-After")
    if said is None:
        return None
    wait = timedelta(seconds=int(said)) if said.isdecimal() else _date(said) - _date(exchange.said["Date"])
    return min(wait, LONGEST_RETRY)


def _date(text: str) -> datetime:
    return parsedate_to_datetime(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Conditional:
    """Requests to addresses whose last good answer held a validator."""

    possible: int
    exact: int
    """Those that echoed all of its validators byte for byte, and nothing else."""
    unasked: int
    """Validators sent to addresses that never gave one."""


def conditional_requests(exchanges: Sequence[Exchange]) -> Conditional:
    """How many requests were conditional of those that could be; robots.txt apart."""
    known: dict[tuple[str, str], dict[str, str]] = {}
    possible = exact = unasked = 0
    for exchange in exchanges:
        if exchange.site is None:
            continue
        where = exchange.host, exchange.path
        sent = {name: exchange.asked[name] for name in ("if-none-match", "if-modified-since") if name in exchange.asked}
        given = known.get(where, {})
        if given:
            possible += 1
            exact += sent == given
        else:
            unasked += bool(sent)
        fresh = {
            name: exchange.said[field]
            for name, field in (("if-none-match", "ETag"), ("if-modified-since", "Last-Modified"))
            if field in exchange.said
        }
        if exchange.status == 200:
            known[where] = fresh
        elif exchange.status == 304:
            known[where] = given | fresh
    return Conditional(possible, exact, unasked)


# -- what became of the stories ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the stories one site published under watch."""

    site: Site
    seen: Mapping[Story, timedelta]
    """And how long after their publication."""
    waiting: tuple[Story, ...]
    """Still listed, or published since the feed last answered."""
    missed_and_said: tuple[Story, ...]
    """Lost within a recorded gap."""
    missed: tuple[Story, ...]
    """Lost without a word."""
    gaps: int
    empty_gaps: int
    """Gaps in which nothing was lost."""


def fates(world: World, database: Path) -> list[Fates]:
    """Compare every story with the ledger, site by site; those that no feed listed any more at the start left out."""
    engine = sa.create_engine(f"sqlite:///{database}")
    entries, gaps = tables.entries, tables.gaps
    ledger: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    recorded: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(entries.c.feed, entries.c.guid, entries.c.first_seen)):
            assert row.guid not in ledger[row.feed], f"{row.guid} is there twice"
            ledger[row.feed][row.guid] = row.first_seen
        for row in connection.execute(sa.select(gaps.c.feed, gaps.c.start, gaps.c.end)):
            recorded[row.feed].append((row.start, row.end))
    engine.dispose()
    answered = {exchange.site: exchange.at for exchange in world.exchanges if exchange.status in (200, 304)}
    return [_fates(world, site, answered[site], ledger[site.name], recorded[site.name]) for site in world.sites]


def _fates(
    world: World,
    site: Site,
    last: datetime,
    ledger: Mapping[str, datetime],
    gaps: Sequence[tuple[datetime, datetime]],
) -> Fates:
    published = [story for story in world.stories[site.name] if story.published > world.start]
    listed = set(world.listed(site, world.end))
    waiting, said, missed = [], [], []
    for story in published:
        if story.guid in ledger:
            continue
        if story in listed or story.published > last:
            waiting.append(story)
        elif any(start <= story.published <= end for start, end in gaps):
            said.append(story)
        else:
            missed.append(story)
    lost = [story.published for story in (*said, *missed)]
    return Fates(
        site=site,
        seen={story: ledger[story.guid] - story.published for story in published if story.guid in ledger},
        waiting=tuple(waiting),
        missed_and_said=tuple(said),
        missed=tuple(missed),
        gaps=len(gaps),
        empty_gaps=sum(not any(start <= moment <= end for moment in lost) for start, end in gaps),
    )
