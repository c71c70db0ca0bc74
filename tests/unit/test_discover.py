"""Feeds a page points to, and the usual places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feeds.discover import Found, links, usual_places

SITE = "https://site.example/news/"


def test_declared_feeds_come_first_with_their_title_and_format() -> None:
    page = b"""<html><head><title>x</title>
      <link rel="alternate" type="application/rss+xml" title="  All
         news " href="/rss.xml">
      <LINK REL="Alternate home" TYPE="application/atom+xml; charset=utf-8" HREF="atom.xml">
      <link rel=alternate type=application/feed+json href=https://other.example/feed.json>
    </head><body><a href="/sport/rss">Sport  <b>news</b></a></body></html>"""
    assert links(page, SITE) == [
        Found("https://site.example/rss.xml", "All news", "RSS"),
        Found("https://site.example/news/atom.xml", None, "Atom"),
        Found("https://other.example/feed.json", None, "JSON Feed"),
        Found("https://site.example/sport/rss", "Sport news", None),
    ]


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="alternate" hreflang="en" href="/en/feed">',
        '<link rel="stylesheet" type="application/rss+xml" href="/rss">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="feed://site.example/rss">',
        '<link rel="alternate" type="application/rss+xml" href="http://[">',
        '<a href="/feedback">Your opinion</a>',
        '<a href="/brass-band">Brass</a>',
        '<a href="mailto:rss@site.example">Write</a>',
        '<a href="javascript:openRss()">RSS</a>',
        "<a name=rss>RSS</a>",
    ],
)
def test_other_links_are_no_feeds(tag: str) -> None:
    assert links(f"<html><body>{tag}</body></html>".encode(), SITE) == []


def test_a_page_lists_each_address_once_and_never_more_than_a_hundred() -> None:
    twice = b'<a href="/rss">RSS</a><link rel=alternate type=application/rss+xml href=/rss>'
    assert links(twice, SITE) == [Found("https://site.example/rss", None, "RSS")]
    many = "".join(f'<a href="/{number}/rss">RSS</a>' for number in range(500))
    assert len(links(many.encode(), SITE)) == 100


def test_links_are_resolved_against_the_base_the_page_declares() -> None:
    page = b'<head><base href="//cdn.example/fr/"><link rel=alternate type=application/rss+xml href=rss></head>'
    assert [found.url for found in links(page, SITE)] == ["https://cdn.example/fr/rss"]


@pytest.mark.parametrize(
    "page",
    [
        '<link rel=alternate type=application/rss+xml href=/rss title="Économie – 经济">'.encode(),
        '<meta charset=gb18030><link rel=alternate type=application/rss+xml href=/rss title="Économie – 经济">'.encode(
            "gb18030"
        ),
    ],
    ids=["utf-8 that nothing declares", "a declared encoding"],
)
def test_titles_are_read_in_the_encoding_of_the_page(page: bytes) -> None:
    assert links(page, SITE)[0].title == "Économie – 经济"


@given(st.binary(max_size=200), st.sampled_from([b"", b"<base href='http://['>", b"<a href='//[rss'>"]))
def test_no_page_is_too_broken_to_be_looked_at(page: bytes, start: bytes) -> None:
    assert isinstance(links(start + page, SITE), list)


def test_usual_places_are_tried_below_the_path_first_then_at_the_root() -> None:
    places = usual_places("https://site.example/news/?page=2#top")
    assert places[0] == "https://site.example/news/feed"
    assert places.index("https://site.example/news/rss.xml") < places.index("https://site.example/rss.xml")
    assert {f"https://site.example/{name}" for name in ("feed", "rss", "atom.xml", "feed.json", "index.xml")} < set(
        places
    )


def test_usual_places_of_a_home_page_come_once() -> None:
    places = usual_places("https://site.example")
    assert len(places) == len(set(places))
    assert all(place.startswith("https://site.example/") for place in places)
