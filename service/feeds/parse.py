"""A feed document's bytes in, its entries out: RSS, Atom and their ancestors by feedparser, JSON Feed by ``jsonfeed``.

feedparser is given no address to resolve against, because it would resolve ids with it: an id is kept as written, and
links are made absolute here. Its HTML sanitiser is off: what it would clean is only ever read by an extractor, and it
takes a third of the time.
"""

import re
import xml.sax
import zlib
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from io import BytesIO
from itertools import repeat
from typing import Any

import feedparser

from service.articles.languages import normalise_language
from service.errors import ParseError
from service.feeds.document import Document
from service.feeds.entry import Context, alternate, authors, license_url, read_entry, string
from service.feeds.identity import identify
from service.feeds.jsonfeed import parse_json_feed
from service.feeds.rawxml import RawFacts, read_raw
from service.feeds.text import absolute, one_line
from storage.model import Entry

MAX_ENTRIES = 2_000
MAX_INFLATED = 20_000_000
"""Bytes that a body compressed without saying so may have when inflated."""

MAX_MEMBERS = 16
"""gzip members that are read (RFC 1952 §2.2 allows any number, and each costs a copy of those after it)."""

MAX_GROWTH, SMALL = 2, 1_000_000
"""How many times its own size a document's entries may come to, in characters, and what is small enough for any: of
2,270 real feeds none comes to 1.3 times. Entities multiply, and so do what is escaped and what every entry inherits."""

_GZIP = b"\x1f\x8b"
_BLANK = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n"  # byte order marks of UTF-8 and UTF-16 among it
_HTML = re.compile(rb"(?>\s+|<\?[^>]*>|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[1-9]\d{0,5}")
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,1000})|([0-9]{1,1000}));?")
_END = re.compile(rb"</(?:rss|feed|(?:\w+:)?rdf)\s*>", re.IGNORECASE)
_ENTRY = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_ROOTS = ("rss", "rdf", "feed", "channel", "entry", "item")


def parse_document(
    body: bytes, *, feed: str, url: str, content_type: str | None, now: datetime, language: str | None = None
) -> Document:
    """Read a feed document.

    It may take long or much memory on hostile input: call it where it can be stopped.

    Args:
        body: The document, transfer and content coding undone; gzip that no header tells of is inflated.
        feed: The feed's name, for the identity of entries without a link.
        url: Where the document came from, after redirects: relative links are resolved against it and ``xml:base``.
        content_type: The header field's value; its charset counts before the document's own (RFC 7303).
        now: The time of the poll: dates well after it are refused.
        language: The catalogue's language (BCP 47), for reading dates.

    Returns:
        At most 2,000 entries; the rest is counted in ``dropped``. A feed without entries is a valid document.

    Raises:
        ParseError: It is no feed, or so broken that not one entry can be read, or its entities unfold to many times its
            size: one line that says so.
    """
    body = _inflate(body) if body.startswith(_GZIP) else body
    document = _read(body, feed=feed, url=url, content_type=content_type, now=now, language=language)
    size = len(document.title or "") + len(document.link or "") + _size(document.entries)
    if size > MAX_GROWTH * len(body) + SMALL:  # the service keeps it in memory, and the archive for good
        raise ParseError(f"its entries unfold to {size} characters, out of a document of {len(body)} bytes")
    return document


def _size(value: object) -> int:
    match value:
        case str():
            return len(value)
        case Entry():
            return sum(_size(getattr(value, field.name)) for field in fields(value))
        case tuple():
            return sum(map(_size, value))
    return 0


def _read(
    body: bytes, *, feed: str, url: str, content_type: str | None, now: datetime, language: str | None
) -> Document:
    start = body.lstrip(_BLANK)[:1]
    if not start:
        raise ParseError("the document is empty")
    if start in b"{[":
        return parse_json_feed(body, feed=feed, url=url, now=now, limit=MAX_ENTRIES)
    if (bare := body.lstrip(_BLANK)).startswith(b"<?xml"):
        body = bare  # a blank line before the declaration is common, harmless, and all it takes to be malformed
    parsed = _feedparser(body, content_type)
    channel, found, version = parsed["feed"], parsed["entries"], parsed.get("version") or ""
    facts = read_raw(body, parsed["encoding"]) if parsed.get("encoding") else None
    malformed = _malformed(parsed)
    whole = found[:-1] if malformed and _is_cut_in_entry(body) else found
    if not whole or not version:
        _check_is_feed(body, version, facts, malformed, empty=not whole)
    said = normalise_language(string(channel, "language") or "")
    atom = version.startswith("atom")
    context = Context(
        base=url,
        now=now,
        atom=atom,
        language=said,
        date_language=language or said,
        authors=authors(channel) if atom else (),  # RFC 4287 §4.2.1: a feed's authors are those of its entries
        license=license_url(channel, url),
    )
    kept = whole[:MAX_ENTRIES]
    entries = [read_entry(entry, *raw, context) for entry, raw in zip(kept, _raw(facts, len(found)), strict=False)]
    site = absolute(url, alternate(channel) or string(channel, "link"))
    return Document(
        version=version or "unknown",
        entries=identify(entries, feed=feed, site=site),
        title=one_line(string(channel, "title") or ""),
        link=site,
        language=said,
        dropped=len(whole[MAX_ENTRIES:]),
        malformed=malformed,
        ttl=_ttl(channel),
        skip_hours=facts.skip_hours if facts else (),
        skip_days=facts.skip_days if facts else (),
    )


def _inflate(body: bytes) -> bytes:
    inflated = b""
    for _ in range(MAX_MEMBERS):
        if not body.startswith(_GZIP):
            break
        member = zlib.decompressobj(wbits=31)
        try:
            inflated += member.decompress(body, MAX_INFLATED + 1 - len(inflated))
        except zlib.error as error:
            raise ParseError(f"the document is broken gzip: {error}") from None
        if len(inflated) > MAX_INFLATED:
            raise ParseError(f"the document is gzip of more than {MAX_INFLATED // 1_000_000} MB")
        body = member.unused_data
    return inflated


def _feedparser(body: bytes, content_type: str | None, *, repaired: bool = False) -> Any:
    headers = {"content-type": content_type} if content_type else {}
    try:
        return feedparser.parse(
            BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except MemoryError:
        raise ParseError("the document takes too much memory to read") from None
    except Exception as error:  # noqa: BLE001  any bytes may come, and feedparser promises nothing
        if repaired:
            raise ParseError(f"the document cannot be read: {error!r}"[:300]) from None
    return _feedparser(_REFERENCE.sub(_legal, body), content_type, repaired=True)


def _legal(reference: re.Match[bytes]) -> bytes:
    # Half an emoji (&#55357;) or worse: no XML parser takes it, and feedparser's lenient one stumbles over it.
    hexadecimal, decimal = reference.groups()
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return b"&#xFFFD;" if code == 0 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else reference[0]


def _malformed(parsed: Any) -> str | None:
    # feedparser also raises its flag for a missing charset or media type, which say nothing about the document.
    match parsed.get("bozo_exception"):
        case xml.sax.SAXParseException() as error:
            return f"line {error.getLineNumber()}: {error.getMessage()}"
        case feedparser.CharacterEncodingUnknown() as error:
            return str(error)
        case _:
            return None


def _check_is_feed(body: bytes, version: str, facts: RawFacts | None, malformed: str | None, *, empty: bool) -> None:
    """Raise ParseError, with what the document is instead, unless it is a feed."""
    if _HTML.match(body[:65_536]):
        raise ParseError("this is an HTML page, not a feed")
    if not empty:
        return
    if facts is None or (malformed and not version):
        raise ParseError("this is neither XML nor JSON, so not a feed")
    if facts.root not in _ROOTS or not (version or facts.root == "rdf"):
        raise ParseError(f"this is XML, but <{facts.root[:40]}> is not a feed")
    if malformed and not _END.search(body[-1_000:]):
        raise ParseError(f"the feed is cut off before its first entry ({malformed})")


def _is_cut_in_entry(body: bytes) -> bool:
    # Half an entry has half a text, and perhaps no guid yet: it will come whole.
    after_last = max(body.rfind(b"</item"), body.rfind(b"</entry"), 0)
    return not _END.search(body[-1_000:]) and _ENTRY.search(body, after_last) is not None


def _raw(facts: RawFacts | None, count: int) -> Iterator[tuple[str | None, bool]]:
    if facts is None or len(facts.guids) != count:  # the two read broken markup differently
        return repeat((None, True))
    return zip(facts.guids, facts.contents, strict=True)


def _ttl(channel: Any) -> timedelta | None:
    minutes, frequency = string(channel, "ttl"), string(channel, "sy_updatefrequency") or "1"
    period = _PERIODS.get((string(channel, "sy_updateperiod") or "").lower())
    asked = []
    if minutes and _NUMBER.fullmatch(minutes):
        asked.append(timedelta(minutes=int(minutes)))
    if period and _NUMBER.fullmatch(frequency):
        asked.append(period / int(frequency))
    return max(asked, default=None)
