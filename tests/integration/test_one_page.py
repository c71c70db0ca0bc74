"""One page under several addresses is one article."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import Bench

from service.archiving import TWIN
from service.newsroom import Newsroom
from service.newsroom.overrides import Handler
from service.newsroom.wire import Answer
from service.reading import Ended
from storage.model import Outcome

TEXT = "The council met on Tuesday and agreed to mend the bridge before the winter comes to the valley. "


def page(text: str = TEXT, canonical: str | None = None, title: str = "The bridge is to be mended") -> bytes:
    link = f'<link rel=canonical href="{canonical}">' if canonical else ""
    head = f"<title>{title}</title>{link}"
    return f"<html lang=en><head>{head}</head><body><article><p>{text * 8}</p></article></body></html>".encode()


def feed(*links: str, mark: str = "") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{link}</guid><title>The bridge</title><link>{link}</link>"
        f"<description>{mark}</description></item>"
        for link in links
    )
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>".encode()


def to(target: str) -> Handler:
    return lambda _head: Answer(302, (("Location", target),), b"")


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom(sites=2, stories=0) as room:
        yield room


def catalogue(bench: Bench, *urls: str) -> None:
    bench.feeds_file.write_text("".join(f'[[feed]]\nname = "feed-{n}"\nurl = "{u}"\n' for n, u in enumerate(urls)))


def ended(bench: Bench) -> list[tuple[Outcome, str | None]]:
    return [(e.resolution.outcome, e.resolution.reason) for e in bench.events if isinstance(e, Ended) and e.resolution]


@pytest.mark.parametrize("way", ["redirect", "canonical"])
def test_feeds_that_reach_one_page_by_two_addresses_have_one_article(tmp_path: Path, room: Newsroom, way: str) -> None:
    one, other = room.sites
    bridge = f"{one.base_url}/bridge"
    redirected = room.serve("/go?id=7", to(bridge), site=other)
    detour = redirected if way == "redirect" else f"{bridge}/print"
    bench = Bench(tmp_path)
    catalogue(bench, f"{one.base_url}/one.xml", f"{other.base_url}/two.xml")

    def publish(text: str, mark: str) -> None:
        room.serve("/bridge", page(text), site=one)
        room.serve("/bridge/print", page(text, bridge), site=one)
        room.serve("/one.xml", feed(bridge, mark=mark), "application/rss+xml", site=one)
        room.serve("/two.xml", feed(detour, mark=mark), "application/rss+xml", site=other)

    publish(TEXT, "first")
    bench.crawl()
    (record,) = bench.records()
    assert ended(bench) == [(Outcome.UNCHANGED, TWIN)]

    publish(TEXT + "It will cost less than feared. ", "edited")
    bench.crawl()
    assert [(line["id"], line["revision"]) for line in bench.records()] == [(record["id"], 1), (record["id"], 2)]


@pytest.mark.parametrize("way", ["redirect", "canonical"])
def test_rule_24_what_leads_to_one_notice_is_not_taken_for_one_article(
    tmp_path: Path, room: Newsroom, way: str
) -> None:
    one, other = room.sites
    links = [f"{site.base_url}/{name}" for site in (one, other) for name in ("a", "b")]
    wall = room.serve("/consent", page("Before you go on, agree to all of this. ", title="Consent to all"), site=one)
    for link in links:
        path, site = link.rpartition("/")[2], one if link.startswith(one.base_url) else other
        notice = page("Before you go on, agree to all of this. ", wall, title="Consent to all")
        room.serve(f"/{path}", to(wall) if way == "redirect" else notice, site=site)
    bench = Bench(tmp_path)
    catalogue(
        bench,
        room.serve("/one.xml", feed(*links[:2]), "application/rss+xml", site=one),
        room.serve("/two.xml", feed(*links[2:]), "application/rss+xml", site=other),
    )
    bench.crawl()
    records = bench.records()
    assert {record["requested_url"] for record in records} == set(links)
    assert len({record["id"] for record in records}) == len(links)
    if way == "redirect":
        told = [any("many links lead to this page" in warning for warning in record["warnings"]) for record in records]
        assert sorted(told) == [False, True, True, True]


def test_rule_23_a_link_that_led_to_another_feeds_article_once_cannot_write_its_next_version(
    tmp_path: Path, room: Newsroom
) -> None:
    one, other = room.sites
    bridge = f"{one.base_url}/bridge"
    room.serve("/bridge", page(), site=one)
    detour = room.serve("/go", to(bridge), site=other)
    bench = Bench(tmp_path)

    def publish(mark: str) -> None:
        room.serve("/one.xml", feed(bridge), "application/rss+xml", site=one)
        room.serve("/two.xml", feed(detour, mark=mark), "application/rss+xml", site=other)

    catalogue(bench, f"{one.base_url}/one.xml", f"{other.base_url}/two.xml")
    publish("first")
    bench.crawl()
    assert ended(bench) == [(Outcome.UNCHANGED, TWIN)]
    room.serve(
        "/go", page("Buy these pills, for they are the best of all pills there are. ", title="Pills"), site=other
    )
    publish("second")
    bench.crawl()
    true, false = bench.records()
    assert (true["feed"], true["revision"], true["title"]) == ("feed-0", 1, "The bridge is to be mended")
    assert (false["feed"], false["revision"], false["title"]) == ("feed-1", 1, "Pills")
    assert true["id"] != false["id"]


def test_rule_23_a_feeds_own_words_do_not_stand_for_the_page_that_another_feed_links(
    tmp_path: Path, room: Newsroom
) -> None:
    one, other = room.sites
    bridge = f"{one.base_url}/bridge"
    bench = Bench(tmp_path)
    bench.feeds_file.write_text(
        f'[[feed]]\nname = "words"\nurl = "{other.base_url}/two.xml"\ncontent = "feed"\n'
        f'[[feed]]\nname = "page"\nurl = "{one.base_url}/one.xml"\n'
    )
    twice = feed(bridge, mark="It is said that it is mended.").replace(b"</channel>", b"") + feed(
        bridge, mark="It is said that it is mended."
    ).partition(b"</title>")[2].replace(b"<guid isPermaLink='false'>", b"<guid isPermaLink='false'>again-")
    for text in (TEXT, TEXT + "It will cost less than feared. "):
        room.serve("/bridge", page(text), site=one)
        room.serve("/one.xml", feed(bridge, mark=text), "application/rss+xml", site=one)
        room.serve("/two.xml", twice, "application/rss+xml", site=other)
        bench.crawl()
        assert text.strip() in [record for record in bench.records() if record["feed"] == "page"][-1]["text"]
    assert sum(record["feed"] == "page" for record in bench.records()) == 2
