"""The newsroom on loopback: its stories, feeds and pages, its server, its faults."""

import gc
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import feedparser
import pytest
import trafilatura

from service.newsroom import (
    Answer,
    Drip,
    Empty,
    EndlessHeaders,
    Head,
    HtmlInsteadOfFeed,
    Newsroom,
    NotXml,
    Pdf,
    Redirect,
    Reset,
    Slow,
    Status,
    Truncate,
    WrongCharset,
)
from service.newsroom.server import listen
from service.newsroom.sites import PROFILES, Site, site_at
from service.newsroom.stories import Story, compose, headline
from service.newsroom.words import STOCKS

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NAMES = [profile.name for profile in PROFILES]
CHARSETS = {profile.name: profile.charset for profile in PROFILES}


class Got(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def get(url: str, timeout: float = 5, **headers: str) -> Got:
    """GET a URL on a connection of its own; ``if_none_match`` is sent as ``if-none-match``."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=timeout)) as connection:
        connection.request("GET", parts.path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return Got(response.status, response.headers, response.read())


class Item(NamedTuple):
    url: str
    title: str
    summary: str
    content: str | None


def items(body: bytes) -> list[Item]:
    """The entries of a feed in any format, in the document's order."""
    if body.startswith(b"{"):
        return [
            Item(item["url"], item["title"], item["summary"], item.get("content_html"))
            for item in json.loads(body)["items"]
        ]
    document = feedparser.parse(body)
    assert not document.bozo
    return [
        Item(
            entry.link,
            entry.title,
            re.sub("<[^>]+>", "", entry.summary),
            entry.content[0].value if "content" in entry else None,
        )
        for entry in document.entries
    ]


def lines_read(page: bytes, charset: str) -> list[str]:
    text = trafilatura.extract(page.decode(charset), include_comments=False)
    return [" ".join(line.split()) for line in (text or "").splitlines()]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(scope="module")
def calm() -> Iterator[Newsroom]:
    """A newsroom in which nothing happens: tests only look at it."""
    with Newsroom(stories=8, start=START) as room:
        yield room


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom(sites=3, stories=4, start=START) as room:
        yield room


# -- stories -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(7), ids=NAMES)
def test_no_two_stories_share_a_paragraph(number: int) -> None:
    site = site_at(number, "http://127.0.0.1:1")
    stories = [compose(site, 1, n, START) for n in range(100)]
    paragraphs = [line for story in stories for line in story.kept if line != site.publisher]
    assert len(set(paragraphs)) == len(paragraphs)
    assert len({story.path for story in stories}) == 100


@pytest.mark.parametrize("number", range(7), ids=NAMES)
def test_a_story_has_four_to_nine_paragraphs_of_prose_without_open_slots(number: int) -> None:
    site = site_at(number, "http://127.0.0.1:1")
    for n in range(60):
        story = compose(site, 3, n, START)
        prose = [line for line in story.kept if line != site.publisher]
        assert 4 <= len(prose) <= 9
        assert all(len(line) > 40 for line in prose)
        assert not re.search("[{}]", " ".join((story.title, story.summary, story.caption, *prose)))


@pytest.mark.parametrize("language", STOCKS)
def test_no_pattern_of_a_language_stands_twice(language: str) -> None:
    stock = STOCKS[language]
    for patterns in (stock.headlines, stock.standfirsts, stock.openings, stock.facts, stock.quotes, stock.closings):
        assert len(set(patterns)) == len(patterns)
    assert len(stock.facts) >= 24


def test_the_stories_of_a_language_are_written_in_its_script() -> None:
    scripts = {"ar": r"[\u0600-\u06ff]", "zh-Hans": r"[\u4e00-\u9fff]", "km": r"[\u1780-\u17ff]", "ha": "[ƙɗɓ]"}
    for number in range(7):
        site = site_at(number, "http://127.0.0.1:1")
        text = " ".join(compose(site, 1, 0, START).paragraphs)
        assert re.search(scripts.get(site.language, "[a-z]"), text)
        assert site.language != "km" or not re.search("[0-9]", text)


def test_a_story_depends_on_seed_site_and_number_alone() -> None:
    site, twin = site_at(0, "http://127.0.0.1:1"), site_at(7, "http://127.0.0.1:1")
    assert compose(site, 1, 5, START) == compose(site, 1, 5, START)
    assert compose(site, 1, 5, START).paragraphs != compose(site, 2, 5, START).paragraphs
    assert compose(site, 1, 5, START).paragraphs != compose(twin, 1, 5, START).paragraphs


def test_a_headline_can_be_had_without_the_story() -> None:
    site = site_at(1, "http://127.0.0.1:1")
    assert headline(site, 4, 17) == compose(site, 4, 17, START).title


def test_each_edit_changes_title_summary_and_some_of_the_paragraphs() -> None:
    site = site_at(1, "http://127.0.0.1:1")
    versions = [compose(site, 1, 0, START, version=version) for version in (1, 2, 3, 4)]
    assert len({story.title for story in versions}) == len({story.summary for story in versions}) == 4
    for old, new in pairwise(versions):
        assert new.paragraphs[0] == old.paragraphs[0]
        assert new.paragraphs[1] != old.paragraphs[1]
        assert len(new.paragraphs) == len(old.paragraphs) + 1
        assert new.path == old.path


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_page_gives_exactly_the_storys_paragraphs_in_order(calm: Newsroom, name: str) -> None:
    for story in calm.stories(name):
        assert lines_read(get(story.url).body, CHARSETS[name]) == list(story.paragraphs)


def test_one_site_repeats_its_last_paragraphs_and_its_name(calm: Newsroom) -> None:
    site = calm.sites[0]
    story = calm.stories(site)[0]
    first, *rest = [line for line in story.kept if line != site.publisher]
    assert list(story.paragraphs) == [first, *rest, "Ondes", *rest, "Ondes"]
    assert list(story.kept) == [first, *rest, "Ondes"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_in_its_head_what_it_is(calm: Newsroom, name: str) -> None:
    site = next(site for site in calm.sites if site.name == name)
    story = calm.stories(site)[0]
    page = get(story.url).body.decode(CHARSETS[name])
    document = trafilatura.load_html(page)
    (data,) = document.xpath('//script[@type="application/ld+json"]/text()')
    facts = json.loads(data)
    assert facts["headline"] == story.title
    assert datetime.fromisoformat(facts["datePublished"]) == story.published
    assert datetime.fromisoformat(facts["datePublished"]).utcoffset() == site.profile.zone.utcoffset(None)
    assert [author["name"] for author in facts["author"]] == list(story.authors)
    assert facts["publisher"]["name"] == site.publisher
    assert facts.get("isAccessibleForFree") is site.profile.free
    assert document.get("lang") == site.language
    assert document.get("dir") == ("rtl" if site.language == "ar" else "ltr")
    assert document.xpath('//link[@rel="canonical"]/@href') == [story.url]
    assert document.xpath('//meta[@property="og:title"]/@content') == [story.title]


def test_pages_weigh_what_they_are_asked_to() -> None:
    for weight, least, most in ((24, 15_000, 40_000), (90, 60_000, 120_000)):
        with Newsroom(stories=5, weight=weight, start=START) as room:
            sizes = [len(get(story.url).body) for story in room.stories()]
        assert least < min(sizes)
        assert max(sizes) < most


def test_heavy_pages_have_about_as_many_elements_as_real_ones() -> None:
    with Newsroom(stories=3, weight=90, start=START) as room:
        pages = [get(story.url).body for story in room.stories()]
    elements = sum(len(re.findall(rb"<[a-z]", page)) for page in pages)
    assert 7 < elements / (sum(map(len, pages)) / 1000) < 10  # the median of real ones is 8


def test_the_front_page_names_the_feeds(calm: Newsroom) -> None:
    for site in calm.sites:
        page = get(site.base_url + "/").body.decode(site.profile.charset)
        linked = trafilatura.load_html(page).xpath('//link[@rel="alternate"]/@href')
        assert [site.base_url + path for path in linked] == list(site.feed_urls)


# -- feeds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_lists_the_newest_stories_first(calm: Newsroom, name: str) -> None:
    site = next(site for site in calm.sites if site.name == name)
    listed = items(get(site.feed_url).body)
    stories = calm.stories(site)
    assert [item.url for item in listed] == [story.url for story in stories]
    assert [item.title for item in listed] == [story.title for story in stories]
    assert [item.summary for item in listed] == [story.summary for story in stories]


def test_all_four_formats_are_served_under_their_media_types(calm: Newsroom) -> None:
    versions = {feedparser.parse(get(site.feed_url).body).version for site in calm.sites[:5]}
    assert versions == {"rss20", "atom10", "rss10"}
    answer = get(calm.sites[5].feed_url)
    assert json.loads(answer.body)["version"] == "https://jsonfeed.org/version/1.1"
    assert answer.headers["Content-Type"].startswith("application/feed+json")


def test_about_half_of_the_sites_put_whole_articles_into_their_feeds(calm: Newsroom) -> None:
    full = []
    for site in calm.sites:
        for item, story in zip(items(get(site.feed_url).body), calm.stories(site), strict=True):
            if item.content:
                assert all(line in item.content.replace("&#x27;", "'") for line in story.paragraphs)
                full.append(site.name)
    assert set(full) == {site.name for site in calm.sites if site.profile.full_text}
    assert len(set(full)) == 3


def test_a_section_feed_shares_its_stories_with_the_main_feed(calm: Newsroom) -> None:
    site = calm.sites[0]
    main, section = (items(get(url).body) for url in site.feed_urls)
    assert 0 < len(section) < len(main)
    assert set(section) < set(main)


def test_a_feed_shows_its_window_only() -> None:
    with Newsroom(sites=1, stories=9, window=5, start=START) as room:
        assert len(items(get(room.sites[0].feed_url).body)) == len(room.listed()) == 5
        assert len(room.stories()) == 9


def test_the_catalogue_is_toml_with_unique_slugs(calm: Newsroom) -> None:
    feeds = tomllib.loads(calm.feeds_toml())["feed"]
    assert [tuple(feed.values()) for feed in feeds] == [tuple(feed) for feed in calm.feeds]
    names = [feed["name"] for feed in feeds]
    assert len(set(names)) == len(names) == 9
    assert all(re.fullmatch("[a-z-]+", name) for name in names)


def test_an_eighth_site_has_the_first_ones_ways_under_another_name() -> None:
    with Newsroom(sites=8, stories=2, start=START) as room:
        first, eighth = room.sites[0], room.sites[7]
        assert (eighth.name, eighth.language) == ("ondes-fr-2", "fr")
        assert first.base_url.rpartition(":")[0] != eighth.base_url.rpartition(":")[0]
        assert items(get(eighth.feed_url).body)[0].title != items(get(first.feed_url).body)[0].title


# -- conditional requests ----------------------------------------------------------------------------------------------


def test_a_second_request_with_the_validators_gets_304_and_no_body(calm: Newsroom) -> None:
    for site in calm.sites:
        for url in (site.feed_url, calm.stories(site)[0].url):
            first = get(url)
            conditions = {}
            if etag := first.headers["ETag"]:
                conditions["if_none_match"] = etag
            if modified := first.headers["Last-Modified"]:
                conditions["if_modified_since"] = modified
            assert conditions
            again = get(url, **conditions)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["ETag"] == etag


def test_sites_differ_in_the_validators_they_give(calm: Newsroom) -> None:
    given = {site.name: get(site.feed_url).headers for site in calm.sites}
    assert given["courier-en"]["ETag"].startswith('W/"')
    assert given["ondes-fr"]["ETag"].startswith('"')
    assert given["muryar-ha"]["ETag"] is None
    assert given["tonle-km"]["Last-Modified"] is None


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ('W/"a,b" , W/{etag}', 304),
        ("*", 304),
        ('"other"', 200),
        ("W/", 200),
        ("{bare}", 200),
        ("", 200),
    ],
)
def test_entity_tags_are_compared_weakly_and_in_lists(calm: Newsroom, condition: str, status: int) -> None:
    url = calm.sites[0].feed_url
    etag = get(url).headers["ETag"]
    assert get(url, if_none_match=condition.format(etag=etag, bare=etag.strip('"'))).status == status


def test_an_entity_tag_that_differs_outweighs_a_date_that_matches(calm: Newsroom) -> None:
    url = calm.sites[0].feed_url
    modified = get(url).headers["Last-Modified"]
    assert get(url, if_modified_since=modified).status == 304
    assert get(url, if_modified_since=modified, if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Mon, 23 Nov 2026 07:59:59 GMT", 200),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 304),
        ("Tue, 24 Nov 2026 00:00:00 GMT", 304),
        ("yesterday", 200),
    ],
)
def test_a_date_is_compared_as_a_date(calm: Newsroom, since: str, status: int) -> None:
    assert get(calm.sites[0].feed_url, if_modified_since=since).status == status


def test_gzip_is_sent_where_it_is_accepted_with_an_entity_tag_of_its_own(calm: Newsroom) -> None:
    url = calm.sites[0].feed_url
    plain = get(url)
    packed = get(url, accept_encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert get(url, accept_encoding="gzip", if_none_match=packed.headers["ETag"]).status == 304
    for refused in ("identity", "gzip;q=0", "br"):
        assert get(url, accept_encoding=refused).headers["Content-Encoding"] is None


def test_gzip_can_be_switched_off() -> None:
    with Newsroom(sites=1, stories=1, gzip=False) as room:
        assert get(room.sites[0].feed_url, accept_encoding="gzip").headers["Content-Encoding"] is None


def test_the_same_seed_start_and_port_give_the_same_bytes() -> None:
    def bodies(seed: int, port: int) -> tuple[int, list[bytes]]:
        with Newsroom(sites=1, stories=3, seed=seed, start=START, port=port) as room:
            room.publish()
            room.edit()
            urls = (*room.sites[0].feed_urls, *(story.url for story in room.stories()))
            return urlsplit(urls[0]).port or 0, [get(url).body for url in urls]

    port, first = bodies(1, 0)
    assert bodies(1, port) == (port, first)
    assert all(other != body for other, body in zip(bodies(2, port)[1], first, strict=True))


# -- what happens ------------------------------------------------------------------------------------------------------


def test_published_stories_appear_in_the_feeds_and_as_pages(room: Newsroom) -> None:
    before = {site.name: get(site.feed_url).headers["ETag"] for site in room.sites}
    stories = room.publish(2)
    assert [story.site for story in stories] == ["ondes-fr", "courier-en"]
    assert room.publish()[0].site == "sada-ar"
    for story in stories:
        site = next(site for site in room.sites if site.name == story.site)
        answer = get(site.feed_url, if_none_match=before[site.name])
        assert answer.status == 200
        assert items(answer.body)[0].url == story.url
        assert lines_read(get(story.url).body, "utf-8") == list(story.paragraphs)


def test_publishing_moves_the_newsrooms_clock_on(room: Newsroom) -> None:
    stories = room.publish(3, "courier-en")
    assert [story.published - START for story in stories] == [timedelta(seconds=n) for n in (1, 2, 3)]


def test_an_edited_story_changes_in_the_feed_and_on_its_page(room: Newsroom) -> None:
    old = room.stories("courier-en")[0]
    page = get(old.url)
    (new,) = room.edit(site="courier-en")
    assert (new.url, new.version, new.modified) == (old.url, 2, START.replace(second=1))
    item = items(get(room.sites[1].feed_url).body)[0]
    assert (item.title, item.summary) == (new.title, new.summary)
    assert new.title != old.title
    assert new.summary != old.summary
    changed = get(old.url, if_none_match=page.headers["ETag"])
    assert lines_read(changed.body, "utf-8") == list(new.paragraphs) != list(old.paragraphs)
    assert changed.headers["Last-Modified"] == "Mon, 23 Nov 2026 08:00:01 GMT"


def test_edits_go_round_the_sites_and_take_the_least_edited_story(room: Newsroom) -> None:
    assert [story.site for story in room.edit(4)] == ["ondes-fr", "courier-en", "sada-ar", "ondes-fr"]
    assert [story.version for story in room.stories("ondes-fr")] == [2, 2, 1, 1]
    (again,) = room.edit(story=room.stories("ondes-fr")[0])
    assert again.version == 3
    with pytest.raises(LookupError, match="no further story"):
        room.edit(5, "sada-ar")


def test_a_removed_story_leaves_the_feed_and_its_page_is_gone(room: Newsroom) -> None:
    oldest = room.stories("ondes-fr")[-1]
    assert room.remove(site="ondes-fr") == (oldest,)
    assert get(oldest.url).status == 410
    assert oldest.url not in {item.url for item in items(get(room.sites[0].feed_url).body)}
    newest = room.stories("courier-en")[0]
    room.remove(story=newest, status=404)
    assert get(newest.url).status == 404
    room.remove(3, "courier-en")
    with pytest.raises(LookupError, match="lists no story"):
        room.remove(site="courier-en")


def test_pages_stay_the_same_while_other_stories_come_and_change(room: Newsroom) -> None:
    story = room.stories("ondes-fr")[2]
    before = get(story.url)
    room.publish(3)
    room.edit(story=room.stories("ondes-fr")[1])
    assert get(story.url).body == before.body
    assert get(story.url, if_none_match=before.headers["ETag"]).status == 304


# -- mounting ----------------------------------------------------------------------------------------------------------


def test_any_body_can_be_served_at_any_path(room: Newsroom) -> None:
    url = room.serve("/odd.xml", "<rss/>", "text/xml", {"Cache-Control": "max-age=60", "ETag": '"mine"'}, "sada-ar")
    answer = get(url)
    assert answer.body == b"<rss/>"
    assert answer.headers["Cache-Control"] == "max-age=60"
    assert get(url, if_none_match='"mine"').status == 304
    assert url.startswith(room.sites[2].base_url)
    assert [request.path for request in room.feed_requests()] == ["/odd.xml", "/odd.xml"]


def test_a_mounted_body_takes_the_place_of_a_story_or_feed(room: Newsroom) -> None:
    site = room.sites[0]
    room.serve(site.feed_paths[0], b"", "application/rss+xml")
    assert get(site.feed_url).body == b""
    path = room.stories(site)[0].path
    assert get(room.serve(path, "<p>changed", status=203, validators=False)).status == 203
    assert get(room.stories(site)[0].url).headers["ETag"] is None


def test_a_compressed_body_is_sent_as_it_is(room: Newsroom) -> None:
    bomb = gzip.compress(bytes(100_000))
    url = room.serve("/bomb", bomb, headers={"content-encoding": "gzip"})
    answer = get(url)
    assert (answer.body, answer.headers["Content-Encoding"]) == (bomb, "gzip")


def test_an_entity_tag_may_hold_any_byte(room: Newsroom) -> None:
    tag = '"\u00e9\u00ff"'
    url = room.serve("/feed", "<rss/>", "text/xml", {"ETag": tag})
    assert get(url).headers["ETag"] == tag
    assert get(url, if_none_match=tag).status == 304


def test_a_handler_answers_by_itself(room: Newsroom) -> None:
    def echo(head: Head) -> Answer:
        return Answer(202, (("Content-Type", "text/plain"),), f"{head.method} {head.headers['x-word']}".encode())

    assert get(room.serve("/echo", echo), x_word="hello")[::2] == (202, b"GET hello")


def test_robots_allow_everything_until_set_otherwise(room: Newsroom) -> None:
    first, second, _ = room.sites
    assert b"Allow: /" in get(first.base_url + "/robots.txt").body
    room.robots("User-agent: *\nDisallow: /\n", first)
    assert b"Disallow: /" in get(first.base_url + "/robots.txt").body
    assert b"Disallow" not in get(second.base_url + "/robots.txt").body
    room.robots("User-agent: x\n")
    assert get(second.base_url + "/robots.txt").body == b"User-agent: x\n"


def test_what_was_never_there_is_not_found(room: Newsroom) -> None:
    assert get(room.sites[0].base_url + "/nothing").status == 404


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_tells_feeds_pages_and_robots_apart(room: Newsroom) -> None:
    site = room.sites[0]
    story = room.stories(site)[0]
    for path in (site.feed_paths[1], story.path, "/robots.txt", "/nothing"):
        get(site.base_url + path, user_agent="tester")
    assert [request.kind for request in room.requests] == ["feed", "page", "robots", "other"]
    assert [request.path for request in room.page_requests()] == [story.path]
    (request,) = room.feed_requests()
    assert (request.site, request.method, request.status) == (site.name, "GET", 200)
    assert request.headers["user-agent"] == "tester"
    assert abs(request.time - datetime.now(UTC)) < timedelta(seconds=30)
    room.clear_log()
    assert room.requests == []


def test_the_log_counts_the_body_bytes_that_were_sent(room: Newsroom) -> None:
    story = room.stories()[0]
    packed = get(story.url, accept_encoding="gzip")
    get(story.url, accept_encoding="gzip", if_none_match=packed.headers["ETag"])
    room.fault(story, Truncate(after=100))
    with pytest.raises(http.client.IncompleteRead):
        get(story.url)
    assert [(request.status, request.bytes_sent) for request in room.requests] == [
        (200, len(packed.body)),
        (304, 0),
        (200, 100),
    ]


def test_an_answer_is_in_the_log_as_soon_as_the_client_has_it(room: Newsroom) -> None:
    urls = [story.url for story in room.stories()] * 5
    for count, url in enumerate(urls, start=1):
        get(url)
        assert len(room.requests) == count


def test_the_log_file_holds_a_line_for_each_request(tmp_path: Path) -> None:
    file = tmp_path / "access.jsonl"
    with Newsroom(sites=1, stories=1, log=file) as room:
        get(room.sites[0].feed_url)
        get(room.stories()[0].url)
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["kind"], first["status"], second["kind"]) == ("feed", 200, "page")
    assert datetime.fromisoformat(first["time"]) <= datetime.fromisoformat(second["time"])


def test_a_connection_serves_many_requests(room: Newsroom) -> None:
    site = room.sites[0]
    with closing(http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=5)) as connection:
        connection.connect()
        used = connection.sock
        for story in room.stories(site):
            connection.request("GET", story.path)
            assert connection.getresponse().read()
            assert connection.sock is used


def test_only_get_is_served_and_nonsense_is_refused(room: Newsroom) -> None:
    netloc = urlsplit(room.sites[0].base_url).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=5)) as connection:
        connection.request("POST", "/", body=b"x")
        assert connection.getresponse().status == 405
    host, port = netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(b"hello\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_status_comes_with_retry_after(room: Newsroom) -> None:
    room.fault(room.sites[0], Status(503, retry_after=120))
    answer = get(room.sites[0].feed_url)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "120")
    assert get(room.sites[1].feed_url).status == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Redirect("/x"), 302), (Redirect("/x", permanent=True), 301), (Redirect("/x", 308), 308)],
)
def test_a_redirect_is_temporary_unless_told_otherwise(room: Newsroom, fault: Redirect, status: int) -> None:
    room.fault("/fr/rss", fault)
    answer = get(room.sites[0].feed_url)
    assert (answer.status, answer.headers["Location"]) == (status, "/x")


def test_the_nearest_fault_counts_and_healing_takes_it_off(room: Newsroom) -> None:
    site = room.sites[0]
    room.fault(site, Status(500))
    room.fault("/fr/rss", Status(502))
    room.fault(site.feed_url, Status(504))
    assert get(site.feed_url).status == 504
    room.heal(site.feed_url)
    assert get(site.feed_url).status == 502
    room.heal("/fr/rss")
    assert get(site.feed_url).status == 500
    room.fault(room.stories(site)[0], Status(403))
    assert get(room.stories(site)[0].url).status == 403
    room.heal()
    assert get(site.feed_url).status == get(room.stories(site)[0].url).status == 200


def test_a_fault_can_end_by_itself(room: Newsroom) -> None:
    url = room.sites[0].feed_url
    room.fault("ondes-fr", Status(503), times=2)
    assert [get(url).status for _ in range(3)] == [503, 503, 200]


def test_a_fault_on_what_is_not_there_is_refused(room: Newsroom) -> None:
    with pytest.raises(LookupError, match=r"http://127\.0\.0\.1:1/ is no site"):
        room.fault("http://127.0.0.1:1/", Empty())


def test_bodies_can_be_empty_web_pages_noise_or_pdf(room: Newsroom) -> None:
    url = room.sites[0].feed_url
    answers = []
    for fault in (Empty(), HtmlInsteadOfFeed(), NotXml(), Pdf()):
        room.fault(url, fault)
        answers.append(get(url, accept_encoding="gzip"))
    empty, page, noise, pdf = answers
    assert {answer.status for answer in answers} == {200}
    assert empty.body == b""
    assert empty.headers["Content-Type"].startswith("application/rss+xml")
    assert page.headers["Content-Type"].startswith("text/html")
    assert not feedparser.parse(page.body).version
    assert b"\x00" in noise.body
    assert pdf.body.startswith(b"%PDF-")


def test_a_body_can_call_its_charset_by_a_wrong_name(room: Newsroom) -> None:
    story = room.stories("ondes-fr")[0]
    right = get(story.url).body.decode()
    room.fault(story, WrongCharset(declared="utf-8", actual="windows-1252"))
    answer = get(story.url)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b'<meta charset="utf-8">' in answer.body
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()
    assert answer.body.decode("windows-1252") == right
    room.fault(story, WrongCharset(declared="iso-8859-1", actual="utf-8"))
    assert b'<meta charset="iso-8859-1">' in get(story.url).body


def test_a_slow_site_answers_late(room: Newsroom) -> None:
    url = room.sites[0].feed_url
    room.fault(url, Slow(0.2))
    with pytest.raises(TimeoutError):
        get(url, timeout=0.05)
    assert get(url).status == 200
    assert room.requests[-1].seconds >= 0.2


def test_a_drip_sends_its_body_in_small_pieces(room: Newsroom) -> None:
    url = room.serve("/drip", b"x" * 10)
    room.fault(url, Drip(delay=0.02, size=2))
    began = time.monotonic()
    assert get(url).body == b"x" * 10
    assert time.monotonic() - began >= 4 * 0.02


@pytest.mark.parametrize("fault", [Reset(), Reset(after_headers=True)])
def test_a_reset_breaks_the_connection(room: Newsroom, fault: Reset) -> None:
    url = room.sites[0].feed_url
    room.fault(url, fault)
    with pytest.raises(ConnectionResetError):
        get(url)
    assert room.requests[-1].status == (200 if fault.after_headers else None)
    assert room.requests[-1].bytes_sent == 0


def test_headers_can_go_on_for_ever(room: Newsroom) -> None:
    url = room.sites[0].feed_url
    room.fault(url, EndlessHeaders())
    with pytest.raises(http.client.HTTPException, match="more than 100 headers"):
        get(url)
    room.heal()
    assert get(url).status == 200


# -- starting and stopping ---------------------------------------------------------------------------------------------


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    threads, files = threading.active_count(), open_files()
    with Newsroom(sites=3, stories=2, log=tmp_path / "log") as room:
        url = room.sites[0].feed_url
        get(url)
        idle = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
        idle.request("GET", "/")
        assert idle.getresponse().read()
        assert threading.active_count() == threads + 1
    idle.close()
    assert (threading.active_count(), open_files()) == (threads, files)
    with pytest.raises(ConnectionRefusedError):
        get(url)
    assert room.requests[0].path == "/fr/rss"


def test_stopping_does_not_wait_for_answers_under_way() -> None:
    with Newsroom(sites=1, stories=1) as room:
        host, port = urlsplit(room.sites[0].base_url).netloc.split(":")
        sockets = []
        for path, fault in (("/slow", Slow(60)), ("/drip", Drip(60)), ("/headers", EndlessHeaders())):
            room.serve(path, b"xyz")
            room.fault(path, fault)
            sockets.append(raw := socket.create_connection((host, int(port)), timeout=5))
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sockets[1].recv(10)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    for raw in sockets:
        raw.close()


def test_connections_that_arrive_while_it_stops_are_closed_too() -> None:
    files = open_files()
    for _ in range(20):
        with Newsroom(sites=1, stories=1) as room:
            host, port = urlsplit(room.sites[0].base_url).netloc.split(":")
            sockets = [socket.create_connection((host, int(port)), timeout=5) for _ in range(4)]
            sockets[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
        for raw in sockets:
            raw.close()
    gc.collect()  # a socket that was forgotten warns, and warnings fail
    assert open_files() == files


def test_an_address_in_use_leaves_nothing_open() -> None:
    with Newsroom(sites=1, stories=1) as room:
        port = urlsplit(room.sites[0].base_url).port or 0
        files = open_files()
        with pytest.raises(OSError, match="in use"), Newsroom(sites=2, stories=1, port=port):
            pass
        assert open_files() == files


def test_only_loopback_is_listened_on() -> None:
    with pytest.raises(ValueError, match="no loopback address"):
        listen("0.0.0.0", 0)
    with Newsroom(sites=7, stories=1) as room:
        assert all(site.base_url.startswith("http://127.77.0.") for site in room.sites)


def test_stories_can_be_published_while_others_are_fetched(room: Newsroom) -> None:
    failures: list[int] = []

    def fetch(site: Site) -> None:
        for _ in range(6):
            failures.extend(
                status for item in items(get(site.feed_url).body) if (status := get(item.url).status) != 200
            )

    threads = [threading.Thread(target=fetch, args=(site,)) for site in room.sites]
    for thread in threads:
        thread.start()
    published: list[Story] = []
    for _ in range(10):
        published += room.publish(3)
        room.edit(3)
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({story.url for story in published}) == 30


def test_importing_the_newsroom_loads_no_third_party_module() -> None:
    code = "import sys, service.newsroom; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"httpx", "lxml", "feedparser", "trafilatura", "sqlalchemy", "click", "orjson"}


def test_it_runs_as_a_process_of_its_own_until_a_signal(tmp_path: Path) -> None:
    catalogue, log = tmp_path / "feeds.toml", tmp_path / "log"
    command = [sys.executable, "-W", "error", "-m", "service.newsroom", "--sites", "2", "--stories", "2"]
    command += ["--publish-every", "100ms", "--feeds-file", str(catalogue), "--log", str(log), "--start", "2026-11-23"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        facts = json.loads(process.stdout.readline())
        url = facts["feeds"][0]["url"]
        first = get(url).body
        deadline = time.monotonic() + 20
        while get(url).body == first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(items(get(url).body)) > 2
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    assert tomllib.loads(catalogue.read_text())["feed"] == facts["feeds"]
    assert [site["name"] for site in facts["sites"]] == ["ondes-fr", "courier-en"]
    assert len(log.read_text().splitlines()) >= 3
