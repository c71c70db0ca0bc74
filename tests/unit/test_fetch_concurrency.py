"""How many requests are under way at once, over all hosts."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from crawling import Bench

from service import app, batches
from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.net import slots
from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.newsroom import Newsroom, Slow
from service.reading import Ended


def test_no_more_requests_are_under_way_than_the_setting_allows_and_pauses_do_not_count() -> None:
    async def fetch_all(urls: list[str]) -> float:
        fetcher = Fetcher(
            user_agent="test", hosts=Hosts(0.0), allowed=[AllowedNetwork.parse("127.0.0.0/8")], slots=slots.Slots(2)
        )
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(fetcher.get(url, accept="*/*") for url in urls))
        await fetcher.aclose()
        return asyncio.get_running_loop().time() - started

    with Newsroom(sites=6, stories=1) as room:
        for site in room.sites:
            room.fault(site, Slow(0.2))
        seconds = asyncio.run(fetch_all([site.feed_url for site in room.sites]))
    assert 0.6 <= seconds < 1.2, "six hosts, two at once, a fifth of a second each"


@pytest.mark.slow
def test_a_host_that_wants_long_pauses_does_not_hold_up_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, concurrency=1)
    with Newsroom(sites=2, stories=2) as room:
        patient, quick = room.sites
        room.robots("User-agent: *\nCrawl-delay: 1\n", site=patient)
        bench.crawl(room)
        ends = {site: max(r.time for r in room.page_requests() if r.site == site.name) for site in (patient, quick)}
    assert ends[quick] < ends[patient]
    assert len(bench.records()) == 4


def test_hosts_that_do_not_answer_use_up_no_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOW", 0.2)

    async def fetch_all(dead: list[str], alive: list[str]) -> float:
        fetcher = Fetcher(
            user_agent="test",
            hosts=Hosts(0.0),
            allowed=[AllowedNetwork.parse("127.0.0.0/8")],
            slots=slots.Slots(2),
            timeout=30,
        )
        waiting = [asyncio.create_task(fetcher.get(url, accept="*/*")) for url in dead]
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(fetcher.get(url, accept="*/*") for url in alive))
        seconds = asyncio.get_running_loop().time() - started
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await fetcher.aclose()
        return seconds

    with Newsroom(sites=14, stories=1) as room:
        dead, alive = room.sites[:10], room.sites[10:]
        for site in dead:
            room.fault(site, Slow(30))
        seconds = asyncio.run(fetch_all([site.feed_url for site in dead], [site.feed_url for site in alive]))
    assert seconds < 10, "ten hosts that say nothing for 30 s, two slots"


def test_slots_tell_what_is_under_way_and_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOW", 0.01)

    async def main() -> None:
        some = slots.Slots(1)
        assert (some.under_way, some.waiting) == (0, (0, 0))
        async with some.one():
            await asyncio.sleep(0.05)
            async with some.one():  # the first is slow by now, and still under way
                assert some.under_way == 2
        with some.kept(70), some.kept(7):
            assert (some.under_way, some.waiting) == (0, (2, 77))
        assert some.waiting == (0, 0)

    asyncio.run(main())


def test_a_slot_given_back_as_slow_is_not_given_back_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOW", 0.01)

    async def story() -> int:
        some, most, busy = slots.Slots(2), 0, 0

        async def work(seconds: float) -> None:
            nonlocal most, busy
            async with some.one():
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(seconds)
                busy -= 1

        await asyncio.gather(work(0.1), work(0.1))
        monkeypatch.setattr(slots, "SLOW", 60)
        await asyncio.gather(*(work(0.01) for _ in range(10)))
        return most

    assert asyncio.run(story()) == 2


def test_no_slot_is_given_out_while_too_much_waits_to_be_read() -> None:
    async def story() -> list[str]:
        some, seen = slots.Slots(2, kept_bodies=3, kept_bytes=100), list[str]()

        async def ask(name: str) -> None:
            async with some.one():
                seen.append(name)

        async def with_kept(name: str, *sizes: int) -> None:
            with ExitStack() as kept:
                for size in sizes:
                    kept.enter_context(some.kept(size))
                waiting = asyncio.create_task(ask(name))
                await asyncio.sleep(0.02)
                seen.append(f"after {name}")
            await waiting

        await with_kept("two small", 1, 1)
        await with_kept("three small", 1, 1, 1)
        await with_kept("one large", 100)
        return seen

    assert asyncio.run(story()) == [
        *("two small", "after two small"),
        *("after three small", "three small", "after one large", "one large"),
    ]


@pytest.mark.slow
def test_a_slow_archive_holds_up_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODIES_PER_WORKER", 2)
    for module in (batches, app):
        monkeypatch.setattr(module, "BATCH", 1)
    ahead, archived = list[int](), 0
    archive = Archivist.archive

    async def slowly(self: Archivist, readings: Sequence[Draft | Ended]) -> list[Archived | Ended]:
        nonlocal archived
        await asyncio.sleep(0.1)
        ahead.append(len(room.page_requests()) - archived)
        archived += len(readings)
        return await archive(self, readings)

    monkeypatch.setattr(Archivist, "archive", slowly)
    bench = Bench(tmp_path, concurrency=2)
    with Newsroom(sites=6, stories=4) as room:
        bench.crawl(room)
    assert len(bench.records()) == 24
    assert max(ahead) <= 1 + 2 + 2, "being archived, waiting to be read or archived, under way"
