"""One page under several addresses is one article."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import Bench

from service.archiving import TWIN
from service.newsroom import Newsroom
from service.newsroom.overrides import Handler
from service.newsroom.wire import Answer, Head
from service.reading import Ended
from storage.model import Outcome

TEXT = "The council met on Tuesday and agreed to mend the bridge before the winter comes to the valley. "


def page(text: str = TEXT, canonical: str | None = None) -> bytes:
    link = f'<link rel=canonical href="{canonical}">' if canonical else ""
    head = f"<title>The bridge is to be mended</title>{link}"
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


def test_pages_behind_one_log_in_are_not_taken_for_one(tmp_path: Path, room: Newsroom) -> None:
    site = room.sites[0]

    def log_in(head: Head) -> Answer:
        return Answer(200, (("Content-Type", "text/html"),), page(f"Log in to read {head.path} and all else. "))

    links = []
    for name in ("a", "b"):
        wall = room.serve(f"/login?then={name}", log_in, site=site)
        links.append(room.serve(f"/{name}", to(wall), site=site))
    bench = Bench(tmp_path)
    catalogue(bench, room.serve("/one.xml", feed(*links), "application/rss+xml", site=site))
    bench.crawl()
    assert {record["requested_url"] for record in bench.records()} == set(links)
