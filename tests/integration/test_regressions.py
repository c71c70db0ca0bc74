"""What once went wrong between parts that each were right, and must not again."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from crawling import Bench
from inside import die_of
from newsstand import Clock, item, ledger, mount, page, reasons, rss, watch

from service import app, catalogues
from service.articles.workers import Workers, _parse, _Task
from service.net.body import Content
from service.newsroom import Answer, Head, Newsroom, Redirect, Slow, Status
from service.reading import Ended, Fetched, Reader
from service.runner import Runner
from storage.model import Outcome


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(app, "now", clock)
    return clock


def serve(bench: Bench, script: Callable[[Runner], Awaitable[None]]) -> None:
    """Have a runner serve the catalogue, as the daemon has it, while the script ticks."""

    async def main() -> None:
        feeds = catalogues.load(bench.feeds_file)
        async with app.open_runner(bench.settings, feeds, bench.events.append) as served, served.serving():
            try:
                await script(served)
            finally:
                served.stop()

    asyncio.run(main())


def in_archive(bench: Bench) -> dict[str, dict[str, Any]]:
    """The records, by the address that was asked for."""
    return {record["requested_url"]: record for record in bench.records()}


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


# -- the runner --------------------------------------------------------------------------------------------------------


def test_an_entry_settled_while_its_lane_was_at_another_page_is_not_asked_for_again(
    bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted, read = asyncio.Event(), Reader.read

    async def read_later(self: Reader, fetched: Fetched) -> Any:
        if fetched.pending.entry.title == "late":
            await extracted.wait()
        return await read(self, fetched)

    monkeypatch.setattr(Reader, "read", read_later)
    asked = threading.Event()

    def slow_page(_: Head) -> Answer:
        asked.set()
        return Answer(200, (("Content-Type", "text/html; charset=utf-8"),), page("First").encode())

    with Newsroom(sites=1, stories=0) as room:
        first, late = room.serve("/first", page("First")), room.serve("/late", page("Late"))
        room.fault(first, Status(503), times=1)
        mount(bench, room, {"f": rss(item("1", first, "first"), item("2", late, "late"))})

        async def script(served: Runner) -> None:
            def of(path: str) -> list[Any]:
                return [request for request in room.page_requests() if request.path == path]

            await served.tick()
            await until(lambda: served.tally.polled == 1)
            await served.tick()
            await until(lambda: served.tally.postponed == 1 and len(of("/late")) == 1)
            room.serve("/first", slow_page)
            room.fault(first, Slow(1.0))
            clock.forward(minutes=20)
            await until(lambda: not served._lanes)
            await served.tick()  # a lane of both: the first is due again, the other still in flight
            await until(asked.is_set)
            extracted.set()
            await until(lambda: served.tally.archived == 2)
            await until(lambda: not served._lanes)
            assert len(of("/late")) == 1

        serve(bench, script)
    assert ledger(bench) == {Outcome.ARCHIVED: 2}
    assert [record["revision"] for record in bench.records()] == [1, 1]


@pytest.mark.slow
def test_a_host_that_leads_on_to_silent_ones_holds_up_none_of_its_other_feeds(bench: Bench) -> None:
    with Newsroom(sites=2, stories=0) as room:
        one, silent = room.sites
        far = room.serve("/far.xml", rss(item("1")), "application/rss+xml", site=silent)
        room.fault(silent, Slow(8.0))
        mount(bench, room, {f"led-on-{n}": "" for n in range(2)} | {"well": rss(item("1", description="One."))})
        for n in range(2):
            room.fault(f"{one.base_url}/led-on-{n}.xml", Redirect(far))

        async def script(served: Runner) -> None:
            await served.tick()
            await until(lambda: "well" in served.states, 7.0)

        serve(bench, script)


def test_a_feed_given_another_address_while_it_is_polled_is_polled_there_only_afterwards(bench: Bench) -> None:
    asked = threading.Event()

    def feed(_: Head) -> Answer:
        asked.set()
        return Answer(200, (("Content-Type", "application/rss+xml"),), rss(item("1", description="One.")).encode())

    with Newsroom(sites=2, stories=0) as room:
        old = room.serve("/old.xml", feed)
        new = room.serve("/new.xml", rss(item("2", description="Two.")), "application/rss+xml", site=room.sites[1])
        room.fault(old, Slow(1.0))
        watch(bench, {"f": old})

        async def script(served: Runner) -> None:
            await served.tick()
            await until(asked.is_set)
            watch(bench, {"f": new})
            served.replace_feeds(catalogues.load(bench.feeds_file))
            while served.tally.polled < 2:
                await served.tick()
                await asyncio.sleep(0.02)
            for _ in range(5):
                await served.tick()

        serve(bench, script)
        one, other = room.feed_requests()
    assert (one.path, other.path) == ("/old.xml", "/new.xml")
    assert one.time.timestamp() + one.seconds <= other.time.timestamp() + 0.01


@pytest.mark.slow
def test_hosts_that_do_not_answer_hold_no_place_that_a_page_of_another_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "BODIES_PER_WORKER", 1)
    with Newsroom(sites=2, stories=0) as room:
        _, far = room.sites
        slow = [room.serve(f"/slow{n}", page(f"Slow {n}"), site=far) for n in range(2)]
        quick = room.serve("/quick", page("Quick"))
        for link in slow:
            room.fault(link, Slow(1.5))
        mount(
            bench, room, {"f": rss(*(item(link, link) for link in (*slow, quick)))}
        )  # most pages: the slow lane first
        bench.crawl()
    assert [record["requested_url"] for record in bench.records()] == [quick, *slow]


# -- validators --------------------------------------------------------------------------------------------------------


def test_validators_follow_the_same_body_to_another_address_and_go_to_that_alone(bench: Bench) -> None:
    text = rss(item("1", description="One."))
    with Newsroom(sites=1, stories=0) as room:
        feed = room.serve("/feed.xml", b"", "application/rss+xml")
        for name in ("one", "two"):
            room.serve(f"/{name}.xml", text, "application/rss+xml", {"ETag": f'"{name}"'})
        watch(bench, {"f": feed})
        seen: list[tuple[str, str | None, int | None]] = []
        for name in ("one", "one", "two", "two", "one"):
            room.fault(feed, Redirect(f"/{name}.xml"))
            bench.crawl(force=False)
            seen += [(each.path, each.headers.get("if-none-match"), each.status) for each in room.feed_requests()]
            room.clear_log()
    tags = {"one": '"one"', "two": '"two"'}
    asked = [each for each in seen if each[0] != "/feed.xml"]
    assert all(tag is None for path, tag, _ in seen if path == "/feed.xml")
    assert asked == [
        ("/one.xml", None, 200),
        ("/one.xml", tags["one"], 304),
        ("/two.xml", None, 200),
        ("/two.xml", tags["two"], 304),
        ("/one.xml", None, 200),
    ]


# -- what a page says --------------------------------------------------------------------------------------------------

DATED = "2026-11-20T10:00:00"


def story(url: str, headline: str, date: str = f"{DATED}+01:00") -> str:
    return (
        f'<script type="application/ld+json">{{"@type": "NewsArticle", "url": "{url}", "headline": "{headline}", '
        f'"author": {{"name": "Someone Else"}}, "datePublished": "{date}"}}</script>'
    )


def test_the_json_ld_of_another_story_neither_titles_nor_dates_this_one(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        base = room.sites[0].base_url
        teaser = story(f"{base}/other", "Another story altogether")
        alone = room.serve("/alone", page("A story of its own", head=teaser))
        own = story(f"{base}/beside", "This very story", f"{DATED}+03:00")
        beside = room.serve("/beside", page("A story beside another", head=teaser + own))
        date = "Thu, 19 Nov 2026 07:00:00 +0000"
        mount(bench, room, {"f": rss(*(item(link, link, pubDate=date) for link in (alone, beside)))})
        bench.crawl()
    lonely, accompanied = (in_archive(bench)[link] for link in (alone, beside))
    assert (lonely["title"], lonely["authors"]) == ("A story of its own", [])
    assert (lonely["published"], lonely["published_source"]) == ("2026-11-19T07:00:00Z", "feed")
    assert accompanied["title"] == "This very story"
    assert (accompanied["published"], accompanied["published_source"]) == ("2026-11-20T07:00:00Z", "page")


def test_a_page_date_without_a_zone_gives_way_to_the_feeds_and_else_is_warned_of(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        base = room.sites[0].base_url
        links = [
            room.serve(path, page(path, head=story(base + path, path, DATED + zone)))
            for path, zone in (("/both", ""), ("/page", ""), ("/zoned", "+03:00"))
        ]
        given = ({"pubDate": "Fri, 20 Nov 2026 09:00:00 +0000"}, {}, {"pubDate": "Fri, 20 Nov 2026 09:30:00 +0000"})
        mount(bench, room, {"f": rss(*(item(link, link, **more) for link, more in zip(links, given, strict=True)))})
        bench.crawl()
    both, from_page, zoned = (in_archive(bench)[link] for link in links)
    assert (both["published"], both["published_source"]) == ("2026-11-20T09:00:00Z", "feed")
    assert (from_page["published"], from_page["published_source"]) == ("2026-11-20T10:00:00Z", "page")
    assert from_page["published_raw"] == DATED
    assert "published: no zone" in from_page["warnings"]
    assert (zoned["published"], zoned["published_source"]) == ("2026-11-20T07:00:00Z", "page")
    assert zoned["warnings"] == []


# -- workers that die --------------------------------------------------------------------------------------------------


class Mortal(Workers):
    """Workers of which each dies, for real, that a poisonous text is given to; counts how often."""

    deaths: ClassVar[Counter[str]] = Counter()

    async def _run(self, task: _Task[Any], *arguments: Any, **options: Any) -> Any:
        given = task.arguments[0]
        text = given.decoded().decode() if isinstance(given, Content) else str(given)
        if task.function is not _parse and (poison := re.search("poison [a-z]+", text)):
            self.deaths[poison[0]] += 1
            task = _Task(die_of, (poison[0],))
        return await super()._run(task, *arguments, **options)


def test_what_takes_its_worker_down_twice_is_read_in_the_feed_or_given_up_and_takes_nothing_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "Workers", Mortal)
    Mortal.deaths.clear()
    with Newsroom(sites=2, stories=0) as room:
        links = [
            room.serve(f"/{name}", page(text))
            for name, text in (("a", "poison one"), ("b", "poison two"), ("c", "poison three"))
        ]
        good = [room.serve(f"/good{number}", page(f"Good {number}")) for number in range(12)]
        given: list[dict[str, str]] = [{"description": "What the feed says."}, {}, {"description": "More poison four."}]
        items = [item(link, link, **more) for link, more in zip(links, given, strict=True)]
        others = [item(link, link) for link in good]
        mount(bench, room, {"f": rss(*others[:4], *items, *others[4:])})
        bench.crawl(poll_all=False)
        asked = Counter(request.path for request in room.requests)
    assert [event.retry for event in bench.events if isinstance(event, Ended) and event.retry] == []
    assert Mortal.deaths == dict.fromkeys(("poison one", "poison two", "poison three", "poison four"), 2)
    assert {asked[f"/{name}"] for name in "abc"} == {1}
    records = in_archive(bench)
    assert {url: record["text_source"] for url, record in records.items()} == {
        links[0]: "feed",
        **dict.fromkeys(good, "page"),
    }
    assert records[links[0]]["warnings"] == ["page: its worker died"]
    assert ledger(bench) == {Outcome.ARCHIVED: 13, Outcome.FAILED: 2}
    assert reasons(bench) == {("failed", "its worker died"): 1, ("failed", "the feed's text: its worker died"): 1}
