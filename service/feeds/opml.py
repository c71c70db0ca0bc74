"""OPML 2.0 (https://opml.org/spec2.opml): subscription lists of other feed readers, in and out. Pure.

What comes in is untrusted XML: a document type, and with it every entity, is refused; nothing is loaded from elsewhere.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from service.errors import ParseError
from service.feeds.fields import address_key, check_language, check_url, host_name, make_name
from storage.model import Feed


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The feeds of an OPML document, and a line for every outline that had an address but could not be taken."""

    feeds: tuple[Feed, ...]
    skipped: tuple[str, ...] = ()


def parse_opml(data: bytes, *, taken: Collection[str] = ()) -> Subscriptions:
    """Read the feeds of an OPML document, in order, however deep their outlines stand.

    A feed is named after its title, or its host, unlike the names ``taken`` and the others in the document. Its tags
    are its categories and the folders around it. An outline commented out (``isComment``) gives a disabled feed.

    Raises:
        ParseError: it is not well-formed XML, has a document type, or is no OPML.
    """
    root = _parse(data)
    names = set(taken)
    feeds: dict[str, Feed] = {}
    skipped: list[str] = []
    for outline, folders, enabled in _outlines(root, (), True):
        url = (_get(outline, "xmlUrl") or "").strip()
        if not url:
            continue
        title = _title(outline)
        try:
            check_url(url)
        except ValueError as error:
            skipped.append(f"{title or 'an outline'}: {error}")
            continue
        if address_key(url) in feeds:
            skipped.append(f"{title or url}: stands twice")
            continue
        name = make_name(title, host_name(url), taken=names)
        names.add(name)
        tags = (*folders, *_categories(_get(outline, "category") or ""))
        feeds[address_key(url)] = Feed(
            name=name, url=url, language=_language(outline), enabled=enabled, tags=tuple(dict.fromkeys(tags))
        )
    return Subscriptions(tuple(feeds.values()), tuple(skipped))


def format_opml(feeds: Iterable[Feed], *, title: str = "veille", created: datetime | None = None) -> bytes:
    """Write feeds as an OPML 2.0 document, UTF-8.

    Names, addresses, languages, tags and whether a feed is enabled are read back as they were; OPML has no place for
    the other settings of a feed.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    if created is not None:
        etree.SubElement(head, "dateCreated").text = format_datetime(created)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        outline = etree.SubElement(body, "outline", type="rss", text=feed.name, title=feed.name, xmlUrl=feed.url)
        if feed.language:
            outline.set("language", feed.language)
        if feed.tags:
            outline.set("category", ",".join(feed.tags))
        if not feed.enabled:
            outline.set("isComment", "true")
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ParseError(f"not well-formed XML: {error.msg}") from None
    except ValueError as error:
        raise ParseError(f"not XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ParseError("it has a document type, which OPML has no use for")
    if etree.QName(root).localname.lower() != "opml":
        raise ParseError(f"not OPML: its root element is <{etree.QName(root).localname}>")
    return root


def _outlines(
    parent: etree._Element, folders: tuple[str, ...], enabled: bool
) -> Iterator[tuple[etree._Element, tuple[str, ...], bool]]:
    """Every outline below an element, with the names of those around it, and whether none of them is commented out."""
    for child in parent.iterchildren(tag=etree.Element):
        tag = etree.QName(child).localname.lower()
        if tag == "body":
            yield from _outlines(child, folders, enabled)
        elif tag == "outline":
            active = enabled and (_get(child, "isComment") or "").lower() != "true"
            yield child, folders, active
            folder = _title(child)
            yield from _outlines(child, (*folders, folder) if folder else folders, active)


def _get(outline: etree._Element, name: str) -> str | None:
    """An attribute, in whatever case: exporters write ``xmlurl`` and ``XmlUrl`` too."""
    for key, value in outline.attrib.items():
        if str(key).lower() == name.lower():
            return str(value)
    return None


def _title(outline: etree._Element) -> str:
    return " ".join((_get(outline, "text") or _get(outline, "title") or "").split())


def _categories(text: str) -> list[str]:
    """The categories of an outline: ``/Boston/Weather,Africa`` is ``Boston/Weather`` and ``Africa``."""
    return [tag for part in text.split(",") if (tag := " ".join(part.split()).strip("/"))]


def _language(outline: etree._Element) -> str | None:
    try:
        return check_language((_get(outline, "language") or "").strip())
    except ValueError:
        return None
