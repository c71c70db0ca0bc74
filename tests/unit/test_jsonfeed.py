import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ParseError
from service.feeds.document import Document
from service.feeds.parse import MAX_ENTRIES, parse_document

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


def parse(root: object) -> Document:
    body = root if isinstance(root, bytes) else json.dumps(root).encode()
    return parse_document(body, feed="f", url="https://a.example/feed.json", content_type="application/json", now=NOW)


def feed(*items: object, **fields: object) -> dict[str, Any]:
    return {"version": VERSION, "title": "Feed", "items": list(items), **fields}


def test_a_full_item_is_read() -> None:
    document = parse(
        feed(
            {
                "id": "https://a.example/1",
                "url": "/1?utm_source=json",
                "title": "A <b>title</b> &amp; more",
                "content_html": "<p>Text</p>",
                "content_text": "Text",
                "summary": "In short",
                "image": "/1.jpg",
                "date_published": "2026-11-24T08:30:00+01:00",
                "date_modified": "2026-11-24T09:30:00+01:00",
                "authors": [{"name": "Ada"}, {"name": "Ben"}, {"url": "x"}],
                "tags": ["one", "two", "one", 3],
                "language": "fr_FR",
            },
            home_page_url="https://a.example/",
            language="en",
        )
    )
    (entry,) = document.entries
    assert (document.version, document.title, document.link, document.language) == (
        "json11",
        "Feed",
        "https://a.example/",
        "en",
    )
    assert (entry.key, entry.guid) == ("https://a.example/1", "https://a.example/1")
    assert entry.url == "https://a.example/1?utm_source=json"
    assert (entry.title, entry.summary, entry.content) == ("A title & more", "In short", "<p>Text</p>")
    assert entry.published == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
    assert entry.published_raw == "2026-11-24T08:30:00+01:00"
    assert entry.modified == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert (entry.authors, entry.tags) == (("Ada", "Ben"), ("one", "two"))
    assert (entry.language, entry.image) == ("fr-FR", "https://a.example/1.jpg")


def test_an_item_takes_language_and_authors_from_its_feed() -> None:
    (entry,) = parse(feed({"id": "1"}, language="sw", author={"name": "Desk"})).entries
    assert (entry.language, entry.authors) == ("sw", ("Desk",))


def test_the_versions_are_told_apart() -> None:
    assert parse({"version": "https://jsonfeed.org/version/1", "items": []}).version == "json1"
    assert parse({"title": "No version", "items": []}).version == "json"


def test_a_number_as_id_is_coerced() -> None:
    assert [entry.guid for entry in parse(feed({"id": 7}, {"id": 1.5}, {"id": True})).entries] == ["7", "1.5", None]


def test_an_external_url_is_not_the_items_own_page() -> None:
    (entry,) = parse(feed({"id": "1", "external_url": "https://b.example/story"})).entries
    assert entry.url is None


def test_values_of_the_wrong_type_count_as_missing() -> None:
    item = {"id": [], "url": 3, "title": {}, "content_html": None, "tags": "x", "authors": "y", "author": ["z"]}
    (entry,) = parse(feed(item, "no item", None, title=3, language=1, authors={})).entries
    assert (entry.guid, entry.url, entry.title, entry.content, entry.tags, entry.authors) == (
        None, None, None, None, (), (),
    )  # fmt: skip


def test_lone_surrogates_and_nul_do_not_survive() -> None:
    (entry,) = parse(rb'{"title": "x", "items": [{"id": "a\ud800\u0000", "content_text": "\udfffb"}]}').entries
    assert (entry.guid, entry.content) == ("a\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}b")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_encoding_of_json_is_read(encoding: str) -> None:
    assert parse(json.dumps(feed(title="é"), ensure_ascii=False).encode(encoding)).title == "é"


def test_items_beyond_the_limit_are_counted() -> None:
    document = parse(feed(*({"id": str(n)} for n in range(MAX_ENTRIES + 5))))
    assert (len(document.entries), document.dropped) == (MAX_ENTRIES, 5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"items": ', "not readable JSON"),
        (b'{"items": ' + b"[" * 100_000, "not readable JSON"),
        (b'{"a": "\xff"}', "not readable JSON"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "not a JSON Feed"),
        (b'{"items": []}', "not a JSON Feed"),
        (b'{"error": "not found"}', "not a JSON Feed"),
        (b"[]", "not a JSON Feed"),
    ],
)
def test_other_json_is_refused_in_one_line(body: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message) as raised:
        parse(body)
    assert "\n" not in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["id", "url", "title", "content_html", "summary", "image", "authors", "tags", "date_published"]
)


@given(st.lists(st.dictionaries(FIELDS, JSON) | JSON, max_size=4), st.dictionaries(FIELDS, JSON))
def test_no_json_raises_anything_but_parse_error(items: list[Any], fields: dict[str, Any]) -> None:
    document = parse(fields | {"version": VERSION, "items": items})
    assert len(document.entries) == sum(isinstance(item, dict) for item in items)
