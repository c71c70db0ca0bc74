"""The article that a page describes in JSON-LD (schema.org). Pure.

What cannot be parsed says nothing: no repair is tried, sizes and steps are bounded, nothing here raises.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from service.net import urls as addresses

Node = Mapping[str, Any]

_LARGEST = 1_000_000
"""Characters of one script that are still read."""
_MOST_SCRIPTS = 50
_MOST_NODES = 5_000
_ARTICLE = re.compile(r"\w*Article|\w*BlogPosting|SocialMediaPosting|DiscussionForumPosting|Report|Review")
_PAGE = frozenset({"WebPage", "ItemPage", "VideoObject", "AudioObject", "PodcastEpisode", "Recipe", "CreativeWork"})
_WRAPPERS = ("@graph", "mainEntity", "mainEntityOfPage", "@list", "item")
# Where broken pages put their script's wrapping: an HTML comment, a CDATA section, commented out or not.
_WRAPPING = re.compile(r"\s*(?:/[/*]\s*)?(?:<!\[CDATA\[|<!--)?\s*(?:\*/|//)?\s*")
_ADDRESS = re.compile(r"\s*(?:https?:|[/#])", re.IGNORECASE)
"""Relative to a folder or to nothing at all (``urn:``, ``_:b0``): an id, and no address."""
_SCHEME = re.compile(r"https?://(?:www\.)?")
_DECODER = json.JSONDecoder(strict=False, parse_int=lambda digits: digits, parse_float=lambda digits: digits)


class JsonLd:
    """The JSON-LD of a page: which article it describes, field by field.

    Args:
        scripts: Text of each ``<script type="application/ld+json">``.
        urls: The page's own addresses, where it was found first: to tell its article from others it lists.
    """

    def __init__(self, scripts: Iterable[str], urls: Sequence[str] = ()) -> None:
        nodes = list(_nodes(scripts))
        self._by_id = {node["@id"]: node for node in reversed(nodes) if _is_named(node)}
        articles = [node for node in nodes if any(_ARTICLE.fullmatch(kind) for kind in _kinds(node))]
        own = {place for url in urls if (place := _place(url, url))}
        places = {id(node): _places(node, urls[0]) if urls else set() for node in articles}
        # an article that names addresses, but none of this page's, is another one: a related story, a teaser
        articles = [node for node in articles if not (places[id(node)] and own) or places[id(node)] & own]
        articles.sort(key=lambda node: bool(places[id(node)]), reverse=True)
        pages = [node for node in nodes if not _PAGE.isdisjoint(_kinds(node))]
        self._described = articles[:1] or pages[:1]
        self._backup = pages[:1] if articles else []

    def __bool__(self) -> bool:
        return bool(self._described)

    def values(self, *names: str) -> list[Any]:
        """All values of the first of the properties that the article has, else its page; a list is spread out.

        A reference to another node of the page (``{"@id": …}``) is replaced by that node.
        """
        for node in (*self._described, *self._backup):
            for name in names:
                value = node.get(name)
                found = [self._resolved(each) for each in (value if isinstance(value, list) else [value])]
                if found := [each for each in found if each not in (None, "", {}, [])]:
                    return found
        return []

    def strings(self, *names: str, of: tuple[str, ...] = ("name",)) -> list[str]:
        """As ``values``, each as a string: a node as the first of the properties ``of`` that it has."""
        return [text for value in self.values(*names) for text in _strings(value, of)]

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict) and set(value) <= {"@id", "@type"} and isinstance(value.get("@id"), str):
            return self._by_id.get(value["@id"], value)
        return value


def _nodes(scripts: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The nodes that stand for the page itself: at the top, in a graph, or as a main entity; never in item lists."""
    read = [_parse(script) for script in islice(scripts, _MOST_SCRIPTS) if len(script) <= _LARGEST]
    waiting = read[::-1]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        match waiting.pop():
            case list(values):
                waiting.extend(reversed(values))
            case dict(node):
                yield node
                waiting.extend(node[name] for name in reversed(_WRAPPERS) if name in node)


def _parse(script: str) -> Any:
    start = _WRAPPING.match(script)
    try:
        return _DECODER.raw_decode(script, start.end() if start else 0)[0]
    except (ValueError, RecursionError):
        return None


def _kinds(node: Node) -> set[str]:
    written = node.get("@type")
    kinds = written if isinstance(written, list) else [written]
    return {kind.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for kind in kinds if isinstance(kind, str)}


def _is_named(node: Node) -> bool:
    return isinstance(node.get("@id"), str) and len(node) > 2


def _places(node: Node, base: str) -> set[str]:
    found = [node.get("url"), node.get("@id"), node.get("mainEntityOfPage")]
    found += [value.get("@id") for value in found if isinstance(value, dict)]
    return {place for value in found if isinstance(value, str) and (place := _place(value, base))}


def _place(address: str, base: str) -> str | None:
    """What the spellings of one page's address have in common; None for what names no page of its own.

    Templates write ``http:`` for ``https:``, leave out ``www.``, or name the site's home page with every article.
    """
    if not _ADDRESS.match(address):
        return None
    try:
        key = addresses.key(addresses.join(base, address.strip()))
    except ValueError:
        return None
    return None if addresses.is_home(key) else _SCHEME.sub("", key).rstrip("/")


def _strings(value: Any, of: tuple[str, ...]) -> list[str]:
    if isinstance(value, dict):
        value = next((value[name] for name in of if value.get(name)), None)
    match value:
        case str() | bool():
            return [str(value)]
        case list():
            return [each for each in value if isinstance(each, str)]
        case _:
            return []
