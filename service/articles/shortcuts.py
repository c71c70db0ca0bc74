"""The same text from trafilatura for less work: what stands in for its costly parts, and only while we call it.

- Elements are made by lxml itself, not by a Python function for each.
- Its costliest XPath expressions are answered by ``service.articles.selectors``.
- Its second opinion (a readability) is not heard to the end once it has too little text left to be preferred.

The stand-ins know one version of trafilatura inside out. Under any other they stay out of the way: every page is read
as well as that version reads it, at its own pace.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from importlib import import_module
from typing import Any

import trafilatura
from lxml.etree import ElementDefaultClassLookup, XPath, _Element
from lxml.html import HtmlElement, HTMLParser
from trafilatura import core, external, readability_lxml, settings, utils, xpaths
from trafilatura.htmlprocessing import convert_tags, tree_cleaning
from trafilatura.main_extractor import extract_content
from trafilatura.settings import Extractor

from service.articles import bylines, selectors
from service.articles.rescue import ParagraphMaker

KNOWN = "2.3.1"
"""The version of trafilatura that all this was checked against."""

_PARSER = HTMLParser(  # as trafilatura's own
    collect_ids=False,
    default_doctype=False,
    encoding="utf-8",
    remove_comments=True,
    remove_pis=True,  # type: ignore[call-arg]
)
_PARSER.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement))

_ADDED = len(" VIDEO ")
"""Characters that a readability may put in place of a frame."""
_NOTHING = "<div/>"
_VISIBLE: Any = XPath(".//text()[not(parent::script or parent::style)]", smart_strings=False)
_UNLIKELY = selectors.Found(readability_lxml.REGEXES["unlikelyCandidatesRe"])
_LIKELY_STILL = selectors.Found(readability_lxml.REGEXES["okMaybeItsACandidateRe"])
_baseline = import_module("trafilatura.baseline")  # the package has a function of that name
_compare_extraction = external.compare_extraction
_html2txt = _baseline.html2txt
_justext_rescue = getattr(external, "justext_rescue", None)  # not in every version
_Readability: Any = readability_lxml.Document


# -- the cascade -------------------------------------------------------------------------------------------------------


def _spend(given: Any) -> Any:
    """``copy`` where trafilatura makes sure that a tree stays whole: ours is for it to take apart."""
    return given if isinstance(given, HtmlElement) else copy(given)


def _prepare(tree: HtmlElement, options: Extractor, url: str | None) -> tuple[HtmlElement, Callable[[], HtmlElement]]:
    """``_prepare_tree``: the tree cleaned and converted; and it cleaned only, made when it is asked for."""

    def cleaned() -> HtmlElement:
        return tree_cleaning(copy(tree), options)

    return convert_tags(cleaned(), options, url), cleaned


def _extract_and_compare(
    converted: HtmlElement, cleaned: Callable[[], HtmlElement], tree: HtmlElement, options: Extractor
) -> tuple[_Element, str]:
    """``_extract_and_compare``, which hears the second opinion only as far as it may be preferred."""
    body, text = extract_content(converted, options)
    limit = _limit(body, len(text), options)
    _measured.most = _most_text(tree)
    hopeless = _most_written(tree, _measured.most) <= limit
    rival = _Rival(_new_element(_NOTHING) if hopeless else copy(tree), limit)
    body, text = _compare_extraction(cleaned, rival, body, text, options)
    _measured.read = len(text)
    return body, text


def _rescue(tree: HtmlElement | Callable[[], HtmlElement], options: Extractor) -> tuple[_Element, str]:
    """``justext_rescue``, for a tree that may yet have to be made."""
    assert _justext_rescue is not None
    rescued: tuple[_Element, str] = _justext_rescue(tree() if callable(tree) else tree, options)
    return rescued


def _limit(body: _Element, length: int, options: Extractor) -> int:
    """The length up to which no text is preferred to one of ``length`` characters (``_prefer_readability``)."""
    limit = length if options.focus == "recall" else 2 * length
    if not body.xpath(".//p//text()") or len(body.findall(".//table")) > len(body.findall(".//p")):
        limit = min(limit, options.min_extracted_size * 2)
    return limit


class _Measured:
    """Of the page at hand: characters of its visible text, at most; characters taken from it so far, at least."""

    most = 0
    read = 0


_measured = _Measured()


def _page_text(tree: HtmlElement) -> str:
    """``html2txt``, asked only for its length: nothing where the text taken is a fair share of it in any case."""
    if _measured.most * core.ESCALATION_PAGE_SHARE <= _measured.read:
        return ""
    text: str = _html2txt(tree)
    return text


def _most_text(element: HtmlElement) -> int:
    """Characters of an element's text, white space collapsed, however its parts are put together."""
    unseen = [text for part in element.iter("script", "style") if (text := part.text) and not text.isspace()]
    texts = list(element.itertext())
    if unseen:
        known = set(unseen)
        visible = [text for text in texts if text not in known]
        texts = visible if len(texts) - len(visible) == len(unseen) else _VISIBLE(element)
    return len(" ".join(" ".join(texts).split()))


# -- the second opinion ------------------------------------------------------------------------------------------------


class _CannotBePreferredError(Exception):
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
        try:
            summary: str = super().summary()
        except _CannotBePreferredError:
            return _NOTHING
        return summary

    def remove_unlikely_candidates(self) -> None:
        for element in list(self.doc.iterdescendants("*")):
            class_, id_ = element.get("class"), element.get("id")
            named = f"{class_} {id_}" if class_ and id_ else class_ or id_
            if (
                named
                and len(named) >= 2
                and _UNLIKELY[low := named.lower()]
                and not _LIKELY_STILL[low]
                and element.tag not in readability_lxml.FRAME_TAGS
            ):
                element.drop_tree()

    def transform_misused_divs_into_paragraphs(self) -> None:
        self._weigh(self.doc)
        super().transform_misused_divs_into_paragraphs()

    def sanitize(self, node: HtmlElement, candidates: Any) -> str:
        self._weigh(node)
        summary: str = super().sanitize(node, candidates)
        return summary

    def _weigh(self, element: HtmlElement) -> None:
        if _most_written(element, _length(element)) <= self._limit:
            raise _CannotBePreferredError

    def get_link_density(self, elem: HtmlElement) -> float:
        return sum(map(_length, elem.iterdescendants("a"))) / (_length(elem) or 1)


def _length(element: HtmlElement) -> int:
    """Characters of an element's text, white space collapsed."""
    text = element.text_content() if len(element) else element.text or ""
    return len(" ".join(text.split()))


def _most_written(element: HtmlElement, most: int) -> float:
    """Characters that come of an element of ``most`` when a readability's choice is written out and read again."""
    for raw in element.iter("title", "textarea", "xmp", "noembed", "noframes", "plaintext"):
        # Written out empty, as <title/>, they are read as if all that follows were their text.
        if raw.tag not in ("title", "textarea") or not raw.text:
            return float("inf")
    return most + _ADDED * sum(1 for _ in element.iter("iframe"))


def _new_element(html: str) -> HtmlElement:
    """``fragment_fromstring`` for what it is called with, ``<p/>`` and ``<div/>``: in a body too."""
    body: HtmlElement = _PARSER.makeelement("body")
    body.append(_PARSER.makeelement(html[1:-2]))
    return body[0]


_STAND_INS: list[tuple[Any, str, Any, Any]] = []
"""Module, name, what stands there, what stands in for it."""
_LISTS: list[tuple[list[Any], list[Any], list[Any]]] = []
"""A list of expressions, what is in it, what stands in for that."""

if trafilatura.__version__ == KNOWN:
    _STAND_INS.extend(
        (module, name, getattr(module, name), stand_in)
        for module, name, stand_in in (
            (utils, "HTML_PARSER", _PARSER),
            (core, "copy", _spend),
            (core, "_prepare_tree", _prepare),
            (core, "_extract_and_compare", _extract_and_compare),
            (core, "html2txt", _page_text),
            (external, "justext_rescue", _rescue),
            (external, "ParagraphMaker", ParagraphMaker),
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
            (xpaths.AUTHOR_XPATHS, bylines.author),
            (xpaths.AUTHOR_DISCARD_XPATHS, bylines.author_discard),
        )
    )


_any_author = bylines.any_author(xpaths.AUTHOR_XPATHS) if trafilatura.__version__ == KNOWN else None


def may_name_author(tree: HtmlElement) -> bool:
    """Whether anything on a page looks like a byline to trafilatura: one pass, where the search itself takes six."""
    return _any_author is None or _any_author(tree)


@contextmanager
def shortcuts() -> Iterator[None]:
    """Put the stand-ins in place for the length of a block: one block of a process at a time, none inside another."""
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
