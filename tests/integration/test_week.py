"""Two days of one feed of each kind, under a simulated clock: what is asked of sites, and what escapes.

``bench/week.py`` does the same with 200 feeds for a week.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulation import audit
from simulation.audit import Fates
from simulation.clock import Clock
from simulation.sites import one_of_each
from simulation.watch import watching
from simulation.world import World

from storage.model import FeedState, Health

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 6, tzinfo=UTC)
"""A Friday: the second day is one that some documents ask to be left alone on."""
DAYS = 2
RESTART = timedelta(hours=18)
"""While hosts are being left alone and outages last."""


@dataclass(frozen=True)
class Lived:
    """The days, as they were."""

    world: World
    fates: dict[str, Fates]
    asked_before: int
    """Requests up to the restart."""
    before: Mapping[str, FeedState]
    after: Mapping[str, FeedState]
    end: Mapping[str, FeedState]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return asyncio.run(live(tmp_path_factory.mktemp("week") / "veille.db"))


async def live(database: Path) -> Lived:
    clock = Clock(START)
    sites = one_of_each(troubles=lambda trouble: replace(trouble, begins=trouble.begins * DAYS / 7))
    with World(sites, clock, timedelta(days=DAYS)) as world:
        async with watching(world, clock, database) as watch:
            await watch.until(START + RESTART)
            before = dict(watch.runner.states)
        asked_before = len(world.exchanges)
        async with watching(world, clock, database) as watch:
            after = dict(watch.runner.states)
            await watch.until(world.end)
            end = dict(watch.runner.states)
        fates = {fates.site.name: fates for fates in audit.fates(world, database)}
        return Lived(world, fates, asked_before, before, after, end)


def test_the_days_hold_every_trouble_there_is(lived: Lived) -> None:
    assert {exchange.status for exchange in lived.world.exchanges} == {None, 200, 301, 304, 403, 410, 429, 500, 503}
    assert len(lived.fates) == len(lived.world.sites) > 20
    asked = Counter(exchange.site.name for exchange in lived.world.exchanges if exchange.site)
    assert min(asked.values()) > 5


def test_no_request_comes_before_the_answers_so_far_allow_it(lived: Lived) -> None:
    assert list(map(str, audit.early_polls(lived.world))) == []


def test_every_request_that_can_be_conditional_is_so_to_the_byte(lived: Lived) -> None:
    conditional = audit.conditional_requests(lived.world.exchanges)
    assert conditional.possible > 300
    assert (conditional.exact, conditional.unasked) == (conditional.possible, 0)


def test_robots_txt_is_asked_for_once_a_day_while_a_site_is_well(lived: Lived) -> None:
    ill = {site.host for site in lived.world.sites if any(t.status in (None, 429, 500) for t in site.troubles)}
    asked = Counter(exchange.host for exchange in lived.world.exchanges if exchange.site is None)
    assert {asked[site.host] for site in lived.world.sites if site.host not in ill} <= {1, DAYS}


def test_no_story_is_lost_without_a_word(lived: Lived) -> None:
    assert {name: fates.missed for name, fates in lived.fates.items() if fates.missed} == {}
    assert sum(len(fates.seen) for fates in lived.fates.values()) > 300


def test_gaps_are_recorded_only_where_a_window_was_too_small(lived: Lived) -> None:
    gaps = {fates.site.kind: fates for fates in lived.fates.values() if fates.gaps}
    assert set(gaps) == {"bursts of 12 in a window of 5"}
    (bursts,) = gaps.values()
    assert bursts.missed_and_said
    assert bursts.empty_gaps <= 1  # five new ones in a window of five may be all there were


def test_a_quiet_feed_costs_little_and_a_busy_one_is_seen_within_hours(lived: Lived) -> None:
    asked = Counter(exchange.site.kind for exchange in lived.world.exchanges if exchange.site)
    assert asked["dead"] / DAYS <= 16
    assert asked["busy, 50 a day"] / DAYS <= 40
    (busy,) = (fates for fates in lived.fates.values() if fates.site.kind == "busy, 50 a day")
    delays = sorted(busy.seen.values())
    assert delays[len(delays) // 2] < timedelta(hours=2)


def test_a_feed_that_is_gone_is_asked_twice_a_day_apart_and_never_again(lived: Lived) -> None:
    gone = [exchange.at for exchange in lived.world.exchanges if exchange.status == 410]
    assert len(gone) == 2
    assert gone[1] - gone[0] >= timedelta(days=1)
    (site,) = {exchange.site for exchange in lived.world.exchanges if exchange.status == 410}
    assert site is not None
    assert lived.end[site.name].health is Health.GONE
    assert all(exchange.at <= gone[1] for exchange in lived.world.exchanges if exchange.site is site)


def test_a_restart_changes_nothing_and_asks_nobody(lived: Lived) -> None:
    assert any(state.health is Health.FAILING for state in lived.before.values())
    assert lived.after == lived.before
    restart, soon = START + RESTART, START + RESTART + timedelta(minutes=1)
    assert all(state.next_due is not None and state.next_due >= restart for state in lived.after.values())
    asked = {e.site.name for e in lived.world.exchanges[lived.asked_before :] if e.site and e.at <= soon}
    assert asked <= {name for name, state in lived.after.items() if state.next_due and state.next_due <= soon}
