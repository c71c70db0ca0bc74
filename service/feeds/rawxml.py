"""What feedparser does not pass on of an XML feed, read from the markup itself. Pure.

feedparser resolves ids against ``xml:base``, keeps the last of several ``<hour>`` and ``<day>``, and files a caption
(``media:description``) under content where no content came before it.
"""

import codecs
import re
from dataclasses import dataclass
from io import BytesIO

from lxml import etree

_ITEMS = ("{*}item", "{*}entry", "{*}Item", "{*}ITEM")
_SKIPS = ("{*}skipHours", "{*}skipDays")
_BASE = re.compile(rb"\bbase\s*=")
_FEED_NAMESPACES = (
    "http://www.w3.org/2005/Atom",
    "http://purl.org/atom/ns#",
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://backend.userland.com/rss2",
)
_IDS = frozenset(
    f"{namespace}{name}" for namespace in ("", *(f"{{{n}}}" for n in _FEED_NAMESPACES)) for name in ("guid", "id")
)
_CONTENTS = frozenset(
    {"content", "fullitem", "{http://purl.org/rss/1.0/modules/content/}encoded", "{http://www.w3.org/1999/xhtml}body"}
    | {f"{{{namespace}}}content" for namespace in _FEED_NAMESPACES[:2]}
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class RawFacts:
    """The raw facts of a document; the tuples have a value for each entry, in the order of their start tags."""

    root: str
    """Local name of the outermost element, lower case."""
    guids: tuple[str | None, ...]
    """Each entry's own guid or id as written; all None where the document sets no base to resolve it against."""
    contents: tuple[bool, ...]
    """Whether each entry has full content of its own."""
    skip_hours: tuple[int, ...]
    skip_days: tuple[int, ...]


def read_raw(body: bytes, encoding: str) -> RawFacts | None:
    """Read the raw facts, from broken markup too, as far as it goes; None where it cannot be read at all.

    No entity is expanded and nothing is loaded. ``encoding`` is the one the document was found to be in.
    """
    based = _BASE.search(body) is not None
    guids: list[str | None] = []
    contents: list[bool] = []
    skips: dict[str, list[str]] = {"skipHours": [], "skipDays": []}
    open_items: list[int] = []
    try:
        events = etree.iterparse(
            BytesIO(body.removeprefix(codecs.BOM_UTF8)),
            events=("start", "end"),
            tag=(*_ITEMS, *_SKIPS),
            recover=True,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            encoding=encoding,
        )
        for event, element in events:
            name = etree.QName(element).localname
            if name in skips:
                if event == "end":
                    skips[name] += [_text(child) for child in element.iterchildren("{*}hour", "{*}day")]
            elif event == "start":
                open_items.append(len(guids))
                guids.append(None)
                contents.append(False)
            else:
                at = open_items.pop()
                guids[at] = _guid(element) if based else None
                contents[at] = any(child.tag in _CONTENTS for child in element)
                element.clear()
        root = etree.QName(events.root).localname.lower()
    except (etree.XMLSyntaxError, LookupError, ValueError):  # ValueError: no root, or a damaged name
        return None
    return RawFacts(
        root=root,
        guids=tuple(guids),
        contents=tuple(contents),
        # RSS 0.91 counted the hours from 1 to 24, RSS 2.0 counts them from 0 to 23.
        skip_hours=tuple(sorted({int(h) % 24 for h in skips["skipHours"] if re.fullmatch(r"[01]?\d|2[0-4]", h)})),
        skip_days=tuple(sorted({_DAYS.index(d.lower()) for d in skips["skipDays"] if d.lower() in _DAYS})),
    )


def _guid(element: etree._Element) -> str | None:
    found = [_text(child) for child in element if child.tag in _IDS]
    about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
    return (found[-1] if found else about) or None


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext()).strip()
