"""The catalogues that ship with the package."""

import tomllib

import pytest

from service.catalogues import RFI, SIMILAR, shipped
from service.feeds.catalogue import format_catalogue, parse_catalogue
from storage.model import Feed


def _feeds(name: str) -> dict[str, Feed]:
    return {feed.name: feed for feed in parse_catalogue(shipped(name), source=f"{name}.toml")}


def test_rfi_is_watched_in_every_language_that_collections_list() -> None:
    feeds = _feeds(RFI)
    languages = {feed.url.removeprefix("https://www.rfi.fr/"): feed.language for feed in feeds.values() if feed.enabled}
    assert languages == {
        **{f"{code}/rss": code for code in ("fr", "en", "es", "pt", "fa", "ru", "vi", "sw", "km", "ha", "ro")},
        "br/rss": "pt-BR",
        "cn/rss": "zh-Hans",
        "tw/rss": "zh-Hant",
        **{f"fr/{section}/rss": "fr" for section in ("afrique", "europe", "monde", "france", "moyen-orient")},
    }


def test_rfi_addresses_that_nobody_lists_are_switched_off() -> None:
    off = {feed.url: feed.language for feed in _feeds(RFI).values() if not feed.enabled}
    assert off == {
        "https://www.rfi.fr/uk/rss": "uk",
        "https://www.rfi.fr/ma/rss": "man",
        "https://www.rfi.fr/ff/rss": "ff",
    }


def test_rfi_feeds_are_named_after_their_language_and_section() -> None:
    for name, feed in _feeds(RFI).items():
        assert name.startswith(f"rfi-{(feed.language or '').lower()}")
        assert feed.publisher == "RFI"


@pytest.mark.parametrize(
    ("name", "url", "language"),
    [
        ("france24-ar", "https://www.france24.com/ar/rss", "ar"),
        ("dw-de", "https://rss.dw.com/rdf/rss-de-all", "de"),
        ("un-news-fr", "https://news.un.org/feed/subscribe/fr/news/all/rss.xml", "fr"),
        ("un-news-zh-hans", "https://news.un.org/feed/subscribe/zh/news/all/rss.xml", "zh-Hans"),
        ("euronews-fr", "https://fr.euronews.com/rss", "fr"),
        ("tv5monde-fr", "https://information.tv5monde.com/rss.xml", "fr"),
    ],
)
def test_similar_broadcasters_are_listed(name: str, url: str, language: str) -> None:
    feed = _feeds(SIMILAR)[name]
    assert (feed.url, feed.language, feed.enabled) == (url, language, True)


def test_only_the_bbc_is_switched_off_among_the_similar_ones_and_the_file_says_why() -> None:
    off = {name for name, feed in _feeds(SIMILAR).items() if not feed.enabled}
    assert off == {"bbc-afrique", "bbc-hausa", "bbc-swahili", "bbc-mundo"}
    assert "terms of use forbid making data sets" in shipped(SIMILAR)


def test_no_name_and_no_address_stands_in_both_catalogues() -> None:
    both = parse_catalogue(shipped(RFI) + "\n" + shipped(SIMILAR))
    assert len(both) == len(_feeds(RFI)) + len(_feeds(SIMILAR))


@pytest.mark.parametrize("name", [RFI, SIMILAR])
def test_every_feed_says_its_language_and_publisher(name: str) -> None:
    assert [feed.name for feed in _feeds(name).values() if not (feed.language and feed.publisher)] == []


@pytest.mark.parametrize("name", [RFI, SIMILAR])
def test_the_files_say_that_no_address_was_checked_live(name: str) -> None:
    assert "None of these addresses was checked live" in shipped(name)


@pytest.mark.parametrize("name", [RFI, SIMILAR])
def test_the_files_are_written_as_the_program_writes_them(name: str) -> None:
    rewritten = format_catalogue(parse_catalogue(shipped(name)))
    assert tomllib.loads(rewritten) == tomllib.loads(shipped(name))
