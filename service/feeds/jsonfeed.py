"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser does not read. Pure."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from service.articles.languages import normalise_language
from service.errors import ParseError
from service.feeds.dates import parse_date
from service.feeds.document import Document
from service.feeds.identity import identify
from service.feeds.text import absolute, as_html, clean, one_line
from storage.model import Entry

VERSION = "jsonfeed.org/version/"


def parse_json_feed(body: bytes, *, feed: str, url: str, now: datetime, limit: int) -> Document:
    """Read a JSON Feed.

    Fields of the wrong type count as missing, as do items that are no objects.

    Args:
        body: The document, in UTF-8, UTF-16 or UTF-32.
        feed: The feed's name.
        url: Where the document came from, for relative links.
        now: The time of the poll.
        limit: At most so many entries are read.

    Raises:
        ParseError: It is not JSON, or not a JSON Feed.
    """
    try:
        root = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"this is not readable JSON: {error}") from None
    items = root.get("items") if isinstance(root, dict) else None
    version = _text(root, "version") or "" if isinstance(root, dict) else ""
    if not isinstance(items, list) or not (VERSION in version or "title" in root):
        raise ParseError("this is JSON, but not a JSON Feed")
    found = [item for item in items if isinstance(item, dict)]
    site = absolute(url, _text(root, "home_page_url"))
    language = normalise_language(_text(root, "language") or "")
    authors = _authors(root)
    entries = [_entry(item, url, now, language, authors) for item in found[:limit]]
    return Document(
        version="json" + version.partition(VERSION)[2].replace(".", "")[:8] if VERSION in version else "json",
        entries=identify(entries, feed=feed, site=site),
        title=one_line(_text(root, "title") or ""),
        link=site,
        language=language,
        dropped=len(found[limit:]),
    )


def _entry(item: Mapping[str, Any], base: str, now: datetime, language: str | None, authors: tuple[str, ...]) -> Entry:
    own_language = normalise_language(_text(item, "language") or "") or language
    published = _text(item, "date_published")
    tags = item.get("tags")
    return Entry(
        key="",
        article_id="",
        content_hash="",
        guid=_text(item, "id"),
        url=absolute(base, _text(item, "url")),
        title=one_line(_text(item, "title") or ""),
        summary=as_html(_text(item, "summary")),
        content=_text(item, "content_html") or as_html(_text(item, "content_text")),
        authors=_authors(item) or authors,
        published=parse_date(published, now),
        published_raw=published,
        modified=parse_date(_text(item, "date_modified"), now),
        language=own_language,
        tags=_lines(tags) if isinstance(tags, list) else (),
        image=absolute(base, _text(item, "image") or _text(item, "banner_image")),
    )


def _authors(holder: Mapping[str, Any]) -> tuple[str, ...]:
    # Version 1.1 has a list, version 1.0 a single object.
    several = holder.get("authors")
    people = several if isinstance(several, list) else [holder.get("author")]
    return _lines(_text(person, "name") for person in people if isinstance(person, dict))


def _lines(values: Iterable[object]) -> tuple[str, ...]:
    found = (one_line(clean(value)) for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(line for line in found if line))


def _text(holder: Mapping[str, Any], name: str) -> str | None:
    value = holder.get(name)
    # Version 1.1: "if an id is presented as a number, a JSON Feed reader must coerce it to a string".
    if name == "id" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return (clean(value).strip() or None) if isinstance(value, str) else None
