"""The elements of a page that speak about it: ``<meta>``, ``<link>``, ``<time>``, scripts of JSON-LD. Pure."""

from dataclasses import dataclass, field

from lxml.etree import XPath
from lxml.html import HtmlElement

_SPEAKING = XPath(
    "boolean(descendant-or-self::a[@rel][contains(translate(@rel, 'ACEHILNORSTU', 'acehilnorstu'), 'license')"
    " or contains(translate(@rel, 'ACEHILNORSTU', 'acehilnorstu'), 'author')])"
)
"""Whether any link may have a say."""
_LONGEST = 10_000
"""Characters of one attribute that are kept."""
_MOST = 200
"""Values kept of one name."""


@dataclass(frozen=True, slots=True)
class Head:
    """Strings as they stand in the page, in its order; names in lower case. Empty values are left out."""

    meta: dict[str, list[str]] = field(default_factory=dict)
    """``content`` by ``property``, ``name``, ``itemprop`` or ``http-equiv``; one ``<meta>`` may stand under several."""
    links: dict[str, list[str]] = field(default_factory=dict)
    """``href`` by each word of ``rel``, of ``<link>``; of ``<a>`` only ``license`` and ``author``."""
    times: list[str] = field(default_factory=list)
    """``datetime`` of each ``<time>``."""
    published: list[str] = field(default_factory=list)
    """Those of them that are marked as the date of publication."""
    json_ld: list[str] = field(default_factory=list)
    title: str | None = None
    """Of ``<title>``."""
    headings: list[str] = field(default_factory=list)
    """Text of each ``<h1>``."""
    language: str | None = None
    """``lang`` of ``<html>``."""


def read_head(tree: HtmlElement) -> Head:
    """Collect what the elements of a parsed page say, in one pass."""
    head = Head(title=_text(tree.find(".//title")), language=_language(tree))
    # Links are the most of them, and hardly any has a say here: of a page where none does, none is looked at.
    links = ("a",) if _SPEAKING(tree) else ()
    for element in tree.iter("meta", "link", "time", "script", "h1", *links):
        match element.tag:
            case "meta":
                content = element.get("content") or element.get("value")  # the wrong attribute, but seen in the wild
                for name in ("property", "name", "itemprop", "http-equiv"):
                    _add(head.meta, element.get(name), content)
            case "link":
                for rel in (element.get("rel") or "").split():
                    _add(head.links, rel, element.get("href"))
            case "a":
                for rel in {"license", "author"}.intersection((element.get("rel") or "").lower().split()):
                    _add(head.links, rel, element.get("href"))
            case "time":
                _add_time(head, element)
            case "script" if "ld+json" in (element.get("type") or "").lower():
                head.json_ld.append(element.text or "")
            case "h1" if text := _text(element):
                head.headings.append(text)
    return head


def _add(values: dict[str, list[str]], name: str | None, value: str | None) -> None:
    if name and value and value.strip() and len(value) <= _LONGEST:
        kept = values.setdefault(name.strip().lower(), [])
        if len(kept) < _MOST:
            kept.append(value)


def _add_time(head: Head, element: HtmlElement) -> None:
    written = element.get("datetime")
    if not written or len(head.times) >= _MOST:
        return
    head.times.append(written)
    mark = f"{element.get('itemprop', '')} {element.get('class', '')}".lower()
    if "publish" in mark or "pubdate" in element.attrib or "pubdate" in mark:
        head.published.append(written)


def _language(tree: HtmlElement) -> str | None:
    root = tree if tree.tag == "html" else tree.find(".//html")
    if root is None:
        return None
    language: str | None = root.get("lang") or root.get("xml:lang")
    return language


def _text(element: HtmlElement | None) -> str | None:
    return "".join(element.itertext())[:_LONGEST] if element is not None else None
