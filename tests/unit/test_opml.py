"""OPML: other readers' subscription lists, in and out."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.errors import ParseError
from service.feeds.opml import format_opml, parse_opml
from storage.model import Feed


def _opml(body: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head/><body>{body}</body></opml>'.encode()


def test_feeds_are_read_out_of_nested_folders_which_become_tags() -> None:
    feeds = parse_opml(
        _opml("""
        <outline text="Afrique">
          <outline text="Radio">
            <outline text="RFI Afrique" type="rss" xmlUrl="https://www.rfi.fr/fr/afrique/rss" language="fr"
                     category="/news/africa,Radio, ,radio/world" htmlUrl="https://www.rfi.fr"/>
          </outline>
        </outline>
        <outline title="Élysée &amp; co" xmlurl=" http://elysee.example/feed "/>""")
    ).feeds
    assert feeds == (
        Feed(
            "rfi-afrique",
            "https://www.rfi.fr/fr/afrique/rss",
            "fr",
            tags=("Afrique", "Radio", "news/africa", "radio/world"),
        ),
        Feed("elysee-co", "http://elysee.example/feed"),
    )


def test_names_are_unlike_each_other_and_unlike_those_taken() -> None:
    body = "".join(f'<outline text="News" xmlUrl="https://{host}.example/"/>' for host in "abc")
    assert [feed.name for feed in parse_opml(_opml(body), taken={"news", "news-3"}).feeds] == [
        "news-2",
        "news-4",
        "news-5",
    ]


def test_a_title_without_latin_letters_gives_way_to_the_host() -> None:
    feeds = parse_opml(_opml('<outline text="أخبار" xmlUrl="https://www.arabic.example/rss"/>')).feeds
    assert [feed.name for feed in feeds] == ["arabic-example"]


def test_what_cannot_be_taken_is_named_and_the_rest_is() -> None:
    found = parse_opml(
        _opml("""
        <outline text="old" xmlUrl="gopher://old.example/"/>
        <outline text="good" xmlUrl="https://good.example/" language="english"/>
        <outline text="again" xmlUrl="https://good.example/"/>
        <outline text="just a folder"/>""")
    )
    assert found.feeds == (Feed("good", "https://good.example/"),)
    assert found.skipped == ('old: "gopher://old.example/" is not an http or https address', "again: stands twice")


def test_an_outline_commented_out_or_below_one_is_disabled() -> None:
    feeds = parse_opml(
        _opml("""
        <outline text="off" isComment="true"><outline text="inner" xmlUrl="https://a.example/"/></outline>
        <outline text="on" isComment="false" xmlUrl="https://b.example/"/>""")
    ).feeds
    assert [(feed.name, feed.enabled) for feed in feeds] == [("inner", False), ("on", True)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not well-formed XML"),
        (b"not xml", "not well-formed XML"),
        (b"<opml><body>", "not well-formed XML"),
        (b"<rss version='2.0'/>", "not OPML: its root element is <rss>"),
        (b"\x00\x01", "not well-formed XML"),
    ],
)
def test_what_is_no_opml_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        parse_opml(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_any_entity_is_expanded(encoding: str) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 1000}">' for n in range(9))
    bomb = f'<!DOCTYPE opml [{entities}]><opml><body><outline text="&e8;" xmlUrl="https://a.example/"/></body></opml>'
    started = time.monotonic()
    with pytest.raises(ParseError):
        parse_opml(bomb.encode(encoding))
    assert time.monotonic() - started < 2


def test_an_external_entity_is_not_read() -> None:
    with pytest.raises(ParseError, match="document type"):
        parse_opml(b'<!DOCTYPE opml [<!ENTITY f SYSTEM "file:///etc/hostname">]><opml><body>&f;</body></opml>')


def test_what_is_written_has_the_parts_that_opml_2_asks_for() -> None:
    root = etree.fromstring(
        format_opml([Feed("a", "https://a.example/?x=1&y=2")], created=datetime(2026, 11, 23, tzinfo=UTC))
    )
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/title") == "veille"
    assert root.findtext("head/dateCreated") == "Mon, 23 Nov 2026 00:00:00 +0000"
    outline = root.find("body/outline")
    assert outline is not None
    assert dict(outline.attrib) == {"type": "rss", "text": "a", "title": "a", "xmlUrl": "https://a.example/?x=1&y=2"}


_TAGS = st.text(st.characters(codec="utf-8", categories=("L", "N", "M", "P", "S"), exclude_characters=",/"), min_size=1)
_FEEDS = st.lists(
    st.builds(
        Feed,
        name=st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True),
        url=st.from_regex(r"https?://[a-z]{1,10}\.example/[a-z&?=]{0,20}", fullmatch=True),
        language=st.sampled_from([None, "fr", "pt-BR", "zh-Hans"]),
        enabled=st.booleans(),
        tags=st.lists(_TAGS, max_size=3, unique=True).map(tuple),
    ),
    max_size=5,
    unique_by=(lambda feed: feed.name, lambda feed: feed.url),
)


@given(_FEEDS)
def test_what_opml_can_say_of_feeds_reads_back_as_it_was(feeds: list[Feed]) -> None:
    assert parse_opml(format_opml(feeds)).feeds == tuple(feeds)
