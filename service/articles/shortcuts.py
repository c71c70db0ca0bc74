"""The same text from trafilatura for less work: what stands in for its costly parts, and only while we call it.

- Elements are made by lxml itself, not by a Python function for each.
- Its costliest XPath expressions are answered by ``service.articles.selectors``.
- Its second opinion (a readability) is not heard to the end once it has too little text left to be preferred.

The stand-ins know one version of trafilatura inside out. Under any other they stay out of the way: every page is read
as well as that version reads it, at its own pace.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import trafilatura
from lxml.etree import ElementDefaultClassLookup, _Element
from lxml.html import HtmlElement, HTMLParser
from trafilatura import core, external, readability_lxml, settings, utils, xpaths
from trafilatura.settings import Extractor

from service.articles import selectors

KNOWN = "2.3.1"
"""The version of trafilatura that all this was checked against."""

_PARSER = HTMLParser(collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True)
_PARSER.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))

_ADDED = len(" VIDEO ")
"""Characters that a readability may put in place of a frame."""
_NOTHING = "<div/>"
_baseline = import_module("trafilatura.baseline")  # the package has a function of that name
_compare_extraction = core.compare_extraction
_Readability: Any = readability_lxml.Document


class _CannotBePreferred(Exception):
    pass


class _Rival:
    """A tree for the second opinion, and the length up to which its text is not preferred."""

    def __init__(self, tree: HtmlElement, limit: int) -> None:
        self.tree = tree
        self.limit = limit


class _Opinion(_Readability):  # type: ignore[misc]
    """trafilatura's readability, given up at the first step after which it cannot come to over ``limit`` characters.

    None of its steps adds text, but for a word in place of each frame that shows a video.
    """

    def __init__(self, rival: _Rival, min_text_length: int = 25) -> None:
        super().__init__(rival.tree, min_text_length)
        self._limit = rival.limit

    def summary(self) -> str:
        for element in list(self.doc.iter("script", "style", "fencedframe")):
            element.drop_tree()
        try:
            self._weigh(self.doc)
            summary: str = super().summary()
        except _CannotBePreferred:
            return _NOTHING
        return summary

    def transform_misused_divs_into_paragraphs(self) -> None:
        self._weigh(self.doc)
        super().transform_misused_divs_into_paragraphs()

    def sanitize(self, node: HtmlElement, candidates: Any) -> str:
        self._weigh(node)
        summary: str = super().sanitize(node, candidates)
        return summary

    def _weigh(self, element: HtmlElement) -> None:
        if _most_text(element) <= self._limit:
            raise _CannotBePreferred


def _most_text(element: HtmlElement) -> float:
    """Characters that can come of an element when its parts are written out, read again, and trimmed."""
    for raw in element.iter("title", "textarea", "xmp", "noembed", "noframes", "plaintext"):
        # Written out empty, as <title/>, they are read as if all that follows were their text.
        if raw.tag not in ("title", "textarea") or not raw.text:
            return float("inf")
    frames = sum(1 for _ in element.iter("iframe"))
    return len(" ".join(element.text_content().split())) + frames * _ADDED


def _compare(
    cleaned_tree: HtmlElement, raw_tree: HtmlElement, body: _Element, text: str, options: Extractor
) -> tuple[_Element, str]:
    """``compare_extraction``, which hears the second opinion only as far as it may be preferred."""
    rival = _Rival(raw_tree, _limit(body, len(text), options))
    compared: tuple[_Element, str] = _compare_extraction(cleaned_tree, rival, body, text, options)
    return compared


def _limit(body: _Element, length: int, options: Extractor) -> int:
    """The length up to which no text is preferred to one of ``length`` characters (``_prefer_readability``)."""
    limit = length if options.focus == "recall" else 2 * length
    if not body.xpath(".//p//text()") or len(body.findall(".//table")) > len(body.findall(".//p")):
        limit = min(limit, options.min_extracted_size * 2)
    return limit


def _new_element(html: str) -> HtmlElement:
    """``fragment_fromstring`` for what it is called with: ``<p/>``, ``<div/>``."""
    element: HtmlElement = _PARSER.makeelement(html[1:-2])
    return element


_STAND_INS: list[tuple[Any, str, Any, Any]] = []
"""Module, name, what stands there, what stands in for it."""
_LISTS: list[tuple[list[Any], list[Any], list[Any]]] = []
"""A list of expressions, what is in it, what stands in for that."""

if trafilatura.__version__ == KNOWN:
    _STAND_INS.extend(
        (module, name, getattr(module, name), stand_in)
        for module, name, stand_in in (
            (utils, "HTML_PARSER", _PARSER),
            (core, "compare_extraction", _compare),
            (external, "ReadabilityDocument", _Opinion),
            (readability_lxml, "fragment_fromstring", _new_element),
            (_baseline, "BASIC_CLEAN_XPATH", selectors.basic_clean(settings.BASIC_CLEAN_XPATH)),
        )
    )
    _LISTS.extend(
        (expressions, list(expressions), make(expressions))
        for expressions, make in (
            (xpaths.OVERALL_DISCARD_XPATH, selectors.overall_discard),
            (xpaths.RAW_TREE_PRUNE_XPATH, selectors.raw_prune),
            (xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH, selectors.comments_and_lists),
            (xpaths.BODY_XPATH, selectors.body),
            (xpaths.AUTHOR_XPATHS, selectors.author),
            (xpaths.AUTHOR_DISCARD_XPATHS, selectors.author_discard),
        )
    )


@contextmanager
def shortcuts() -> Iterator[None]:
    """Put the stand-ins in place for the length of a block; for one thread of a process at a time."""
    for module, name, _, stand_in in _STAND_INS:
        setattr(module, name, stand_in)
    for expressions, _, stand_ins in _LISTS:
        expressions[:] = stand_ins
    try:
        yield
    finally:
        for module, name, original, _ in _STAND_INS:
            setattr(module, name, original)
        for expressions, originals, _ in _LISTS:
            expressions[:] = originals
