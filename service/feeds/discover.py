"""Where a site keeps its feeds: what its page says, and the usual places. Pure: nothing is fetched."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from service.feeds.fields import check_url

TYPES = {
    "application/rss+xml": "RSS",
    "application/rdf+xml": "RSS",
    "application/atom+xml": "Atom",
    "application/feed+json": "JSON Feed",
}
"""Media types of feeds, and the format each stands for."""

PLACES = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds", "/?feed=rss2")

_PLAIN_TYPES = ("application/json", "application/xml", "text/xml")  # also of a page's record in a site's own API
_LOOKS_LIKE_FEED = re.compile(r"(?:^|[/._?=&-])(?:rss2?|atom|feeds?|rdf)(?:[/._?=&-]|\.xml|\.json|$)", re.IGNORECASE)
_MAX_LINKS = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A feed a page points to. ``type`` is its format as the page declares it; None for a link that only looks so."""

    url: str
    title: str | None = None
    type: str | None = None


def links(page: bytes, url: str) -> list[Found]:
    """The feeds a page points to: those it declares first (``<link rel=alternate>``), then links that look like one.

    Args:
        page: the HTML as it came.
        url: where it came from, for relative links; ``<base href>`` counts before it.

    Returns:
        Absolute http and https addresses, each once, at most 100 of them.
    """
    try:
        root = html.document_fromstring(page, parser=html.HTMLParser(encoding=_encoding(page), huge_tree=False))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []
    base = next((_absolute(url, tag.get("href")) for tag in root.iter("base") if tag.get("href")), None) or url
    found: dict[str, Found] = {}
    for tag in root.iter("link"):
        if address := _absolute(base, tag.get("href")):
            media = (tag.get("type") or "").partition(";")[0].strip().lower()
            declared = media in TYPES or (media in _PLAIN_TYPES and _LOOKS_LIKE_FEED.search(address))
            if declared and "alternate" in (tag.get("rel") or "").lower().split():
                found.setdefault(address, Found(address, _text(tag.get("title")), TYPES.get(media)))
    for tag in root.iter("a"):
        if len(found) >= _MAX_LINKS:
            break
        href = tag.get("href") or ""
        if _LOOKS_LIKE_FEED.search(href) and (address := _absolute(base, href)):
            title = _text("".join(map(str, tag.itertext()))) or _text(tag.get("title"))
            found.setdefault(address, Found(address, title))
    return list(found.values())[:_MAX_LINKS]


def usual_places(url: str) -> list[str]:
    """Addresses where sites usually keep a feed: below the page's own path first, then at the root of its host."""
    parts = urlsplit(url)
    folder = parts.path.rstrip("/")
    roots = dict.fromkeys((f"{parts.scheme}://{parts.netloc}{folder}", f"{parts.scheme}://{parts.netloc}"))
    return [root + place for root in roots for place in PLACES]


def _absolute(base: str, href: str | None) -> str | None:
    try:
        return check_url(urljoin(base, (href or "").strip()).partition("#")[0]) if href else None
    except ValueError:
        return None


def _encoding(page: bytes) -> str | None:
    """UTF-8 where the bytes are; else None, which leaves it to what the page says of itself."""
    try:
        page.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _text(text: str | None) -> str | None:
    return " ".join((text or "").split())[:200] or None
