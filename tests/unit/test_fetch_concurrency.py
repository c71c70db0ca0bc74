"""How many requests are under way at once, over all hosts."""

import asyncio
from pathlib import Path

from crawling import Bench

from service.net.addresses import AllowedNetwork
from service.net.fetch import Fetcher
from service.net.hosts import Hosts
from service.newsroom import Newsroom, Slow


def test_no_more_requests_are_under_way_than_the_setting_allows_and_pauses_do_not_count() -> None:
    async def fetch_all(urls: list[str]) -> float:
        fetcher = Fetcher(
            user_agent="test", hosts=Hosts(0.0), allowed=[AllowedNetwork.parse("127.0.0.0/8")], concurrency=2
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


def test_a_host_that_wants_long_pauses_does_not_hold_up_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, concurrency=1)
    with Newsroom(sites=2, stories=2) as room:
        patient, quick = room.sites
        room.robots("User-agent: *\nCrawl-delay: 1\n", site=patient)
        bench.crawl(room)
        ends = {site: max(r.time for r in room.page_requests() if r.site == site.name) for site in (patient, quick)}
    assert ends[quick] < ends[patient]
    assert len(bench.records()) == 4
