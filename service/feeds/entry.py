"""One entry as feedparser found it, turned into the archive's own. Pure.

feedparser's dictionaries answer for a missing key with another's value ("updated" with "published"), and a document may
put a value of any type under any key: ``string`` and ``dicts`` look at what is really there.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.articles.languages import normalise_language
from service.feeds.dates import parse_date
from service.feeds.text import absolute, as_html, clean, one_line
from storage.model import Entry

_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """What reading an entry takes from its document.

    ``base`` is the document's address. ``date_language`` settles how its dates are read.
    """

    base: str
    now: datetime
    atom: bool
    language: str | None
    date_language: str | None
    authors: tuple[str, ...]
    license: str | None


def read_entry(found: Any, raw_guid: str | None, has_content: bool, context: Context) -> Entry:
    """Read an entry; ``url`` is its link wherever it leads, and what identifies it is left empty.

    Args:
        found: feedparser's entry.
        raw_guid: Its guid as written; None where feedparser's is that already.
        has_content: Whether the markup has full content for it.
        context: What it takes from its document.
    """
    summary, content = _texts(found, has_content)
    published, modified = _dates(found, atom=context.atom)
    guid = clean(raw_guid) if raw_guid else string(found, "id")
    return Entry(
        key="",
        article_id="",
        content_hash="",
        guid=guid,
        url=_link(found, guid, context),
        title=one_line(string(found, "title") or ""),
        summary=summary,
        content=content,
        authors=authors(found) or context.authors,
        published=parse_date(published, context.now, context.date_language),
        published_raw=published,
        modified=parse_date(modified, context.now, context.date_language),
        language=_language(found) or context.language,
        section=one_line(string(found, "prism_section") or ""),
        tags=_lines(string(tag, "label") or string(tag, "term") for tag in dicts(found, "tags")),
        image=next((url for url in (absolute(context.base, image) for image in _images(found)) if url), None),
        license=license_url(found, context.base) or context.license,
    )


def _texts(found: Any, has_content: bool) -> tuple[str | None, str | None]:
    summary = _as_html({"type": "", **dict.get(found, "summary_detail", {}), "value": string(found, "summary")})
    bodies = [value for body in dicts(found, "content") if _is_text(body) and (value := _as_html(body))]
    if not has_content:  # what feedparser calls content is a second description: a caption, or the podcast's
        return max((summary or "", *bodies), key=len) or None, None
    content = max(bodies, key=len, default=None)
    return None if summary == content else summary, content


def _as_html(body: Any) -> str | None:
    """A text construct's value as HTML: plain text is escaped, so that a ``<`` in it hides nothing."""
    value = string(body, "value")
    # feedparser says text/plain only where an Atom text construct does, and nothing in it looks like markup
    return as_html(value) if string(body, "type") == "text/plain" else value


def _is_text(body: Any) -> bool:
    kind = string(body, "type") or ""
    return kind.startswith("text/") or kind.endswith(("xml", "html"))


def _dates(found: Any, *, atom: bool) -> tuple[str | None, str | None]:
    published = string(found, "published") or string(found, "created")
    updated = string(found, "updated")
    # RSS has no element for changes: its dc:date is the date of publication.
    return (published, updated) if published or atom else (updated, None)


def _link(found: Any, guid: str | None, context: Context) -> str | None:
    # An RSS guid is a permalink unless it says otherwise; an Atom id may look like an address and lead nowhere. As
    # written: feedparser makes an address of any guid where the document sets a base.
    is_permalink = dict.get(found, "guidislink") and not context.atom and _ABSOLUTE.match(guid or "")
    permalink = guid if is_permalink else None
    candidates = (string(found, "feedburner_origlink"), alternate(found), permalink)
    return next((url for url in (absolute(context.base, link) for link in candidates) if url), None)


def alternate(holder: Any) -> str | None:
    """The link of an entry or channel: the first that leads to a page, as written."""
    links = [link for link in dicts(holder, "links") if string(link, "rel") == "alternate" and string(link, "href")]
    pages = [link for link in links if string(link, "type") in ("text/html", "application/xhtml+xml")]
    return string((pages or links)[0], "href") if links else None


def authors(holder: Any) -> tuple[str, ...]:
    """Names of the authors of an entry or channel; the address where one gives no name."""
    people = (string(person, "name") or string(person, "email") for person in dicts(holder, "authors"))
    return _lines(people) or _lines([string(holder, "author")])


def _language(found: Any) -> str | None:
    details = (dict.get(found, "title_detail"), dict.get(found, "summary_detail"), *dicts(found, "content"))
    said = (string(detail, "language") for detail in (found, *details) if isinstance(detail, dict))
    return next((tag for tag in (normalise_language(language or "") for language in said) if tag), None)


def _images(found: Any) -> Iterator[str | None]:
    for media in dicts(found, "media_content"):
        if string(media, "medium") == "image" or (string(media, "type") or "").startswith("image/"):
            yield string(media, "url")
    for thumbnail in dicts(found, "media_thumbnail"):
        yield string(thumbnail, "url")
    for link in dicts(found, "links"):
        if string(link, "rel") == "enclosure" and (string(link, "type") or "").startswith("image/"):
            yield string(link, "href")
    if isinstance(image := dict.get(found, "image"), dict):
        yield string(image, "href")


def license_url(holder: Any, base: str) -> str | None:
    """The licence an entry or channel points to."""
    links = (string(link, "href") for link in dicts(holder, "links") if string(link, "rel") == "license")
    return next((url for url in (absolute(base, link) for link in links) if url), None)


def string(holder: Any, name: str) -> str | None:
    """The text under exactly this key, without white space at its ends; None where it is empty or none."""
    value = dict.get(holder, name)
    return (clean(value).strip() or None) if isinstance(value, str) else None


def dicts(holder: Any, name: str) -> list[dict[str, Any]]:
    """The dictionaries in the list under exactly this key."""
    value = dict.get(holder, name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _lines(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for value in values if value and (line := one_line(value))))
