import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from service.errors import FetchError, HeldError
from service.net import hosts as hosts_module
from service.net.hosts import Hosts


class Visits:
    """Starts and ends of turns, in seconds, by who took them."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.log: list[tuple[str, float, float]] = []

    async def visit(self, name: str, host: str = "a", lasting: float = 0.0) -> None:
        async with self.hosts.turn(host):
            start = time.monotonic()
            await asyncio.sleep(lasting)
            self.log.append((name, start, time.monotonic()))

    @property
    def order(self) -> list[str]:
        return [name for name, _, _ in self.log]

    def pauses(self) -> list[float]:
        """From the end of each turn to the start of the next."""
        return [after[1] - before[2] for before, after in zip(self.log, self.log[1:], strict=False)]


def with_visits(delay: float, story: Callable[[Visits], Awaitable[None]]) -> Visits:
    async def tell() -> Visits:
        visits = Visits(Hosts(delay))
        await story(visits)
        return visits

    return asyncio.run(tell())


def test_the_pause_counts_from_the_end_of_an_answer() -> None:
    async def story(visits: Visits) -> None:
        await asyncio.gather(*(visits.visit(name, lasting=0.06) for name in "xyz"))

    visits = with_visits(0.04, story)
    assert visits.order == ["x", "y", "z"]
    assert all(pause >= 0.04 for pause in visits.pauses()), visits.pauses()


def test_turns_at_different_hosts_do_not_wait_for_each_other() -> None:
    async def story(visits: Visits) -> None:
        await asyncio.gather(*(visits.visit(str(n), host=f"host{n}", lasting=0.05) for n in range(1000)))

    visits = with_visits(5.0, story)
    assert max(start for _, start, _ in visits.log) < min(end for _, _, end in visits.log)


def test_a_turn_that_fails_ends_like_any_other() -> None:
    async def story(visits: Visits) -> None:
        with pytest.raises(TypeError):
            await visits.visit("failing", lasting="no number")
        visits.log.append(("failed", time.monotonic(), time.monotonic()))
        await visits.visit("next")

    visits = with_visits(0.05, story)
    assert visits.order == ["failed", "next"]
    assert visits.pauses()[0] >= 0.049


def test_who_gives_up_waiting_does_not_block_those_behind() -> None:
    async def story(visits: Visits) -> None:
        first = asyncio.create_task(visits.visit("first", lasting=0.1))
        second = asyncio.create_task(visits.visit("second"))
        third = asyncio.create_task(visits.visit("third"))
        await asyncio.sleep(0.02)
        second.cancel()
        await asyncio.gather(first, third)
        assert second.cancelled()

    assert with_visits(0.0, story).order == ["first", "third"]


def test_a_crawl_delay_lengthens_the_pause_and_never_shortens_it() -> None:
    async def story(visits: Visits) -> None:
        visits.hosts.set_crawl_delay("a", 0.001)
        await visits.visit("one")
        await visits.visit("two")
        visits.hosts.set_crawl_delay("a", 0.1)
        await visits.visit("three")
        visits.hosts.set_crawl_delay("a", None)
        await visits.visit("four")

    short, long, back = with_visits(0.03, story).pauses()
    assert short >= 0.03
    assert long >= 0.1
    assert 0.03 <= back < 0.1


def test_a_crawl_delay_of_hours_counts_as_a_minute() -> None:
    now = [0.0]

    async def story() -> None:
        hosts = Hosts(1.0, clock=lambda: now[0])
        hosts.set_crawl_delay("a", 86_400.0)
        async with hosts.turn("a"):
            pass
        now[0] = 59.9
        waiting = asyncio.create_task(_turn(hosts, "a"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        now[0] = 60.0
        await asyncio.wait_for(waiting, 1)

    asyncio.run(story())


async def _turn(hosts: Hosts, host: str) -> None:
    async with hosts.turn(host):
        pass


def test_a_host_on_a_long_hold_is_refused_at_once_with_the_time_left() -> None:
    async def story(visits: Visits) -> None:
        await visits.hosts.hold("a", 3600)
        await visits.hosts.hold("a", 10)
        assert 3599 < visits.hosts.held("a") <= 3600
        assert visits.hosts.held("b") == 0.0
        with pytest.raises(FetchError, match="asked for silence, 1h of it left") as caught:
            await visits.visit("refused")
        assert isinstance(caught.value, HeldError)
        assert caught.value.status is None, "nobody answered, for nobody was asked"
        assert 3599 < (caught.value.retry_after or 0) <= 3600
        await visits.visit("other", host="b")

    assert with_visits(0.0, story).order == ["other"]


def test_a_short_hold_is_waited_for() -> None:
    async def story(visits: Visits) -> None:
        await visits.visit("before")
        await visits.hosts.hold("a", 0.1)
        await visits.visit("after")

    assert with_visits(0.0, story).pauses()[0] >= 0.099


def test_a_hold_also_turns_away_those_already_in_line() -> None:
    async def story(visits: Visits) -> None:
        first = asyncio.create_task(visits.visit("first", lasting=0.05))
        others = [asyncio.create_task(visits.visit("other")) for _ in range(3)]
        await asyncio.sleep(0.01)
        await visits.hosts.hold("a", 3600)
        await first
        errors = await asyncio.gather(*others, return_exceptions=True)
        assert all(isinstance(error, FetchError) for error in errors)

    assert with_visits(0.0, story).order == ["first"]


def test_hosts_with_nothing_to_remember_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "_PRUNE_AT", 10)

    async def story(visits: Visits) -> None:
        await visits.hosts.hold("held", 3600)
        waiting = asyncio.create_task(visits.visit("long", host="busy", lasting=0.2))
        for n in range(100):
            await visits.visit(str(n), host=f"host{n}")
        assert visits.hosts.held("held") > 3000
        assert len(visits.hosts._hosts) <= 11
        begin = time.monotonic()
        await visits.visit("after", host="busy")
        assert waiting.done(), "the busy host was forgotten, and so asked twice at once"
        assert time.monotonic() - begin > 0.05

    with_visits(0.0, story)
