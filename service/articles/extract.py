"""From a page's bytes to its text and metadata, by trafilatura. Pure; the only importer of trafilatura.

    bytes → decode → parse, once → head → metadata
                                 → trafilatura → paragraphs

trafilatura's own removal of duplicates stays off: its memory of earlier pages makes it forget text at random.
"""

import re
from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta

import trafilatura
from htmldate import find_date
from lxml.html import HtmlElement
from trafilatura.meta import reset_caches as reset_trafilatura
from trafilatura.metadata import extract_author, extract_title
from trafilatura.settings import Extractor

from service.articles.charsets import decode
from service.articles.head import read_head
from service.articles.kinds import kind_other_than_html
from service.articles.lines import one_line, split_lines
from service.articles.metadata import read_metadata
from service.articles.page import Page
from service.articles.rights import read_reserved
from service.articles.selectors import forget
from service.articles.shortcuts import may_name_author, shortcuts
from service.errors import ExtractError
from storage.fingerprints import exact_form
from storage.model import ExtractorFacts

__all__ = ["extract_page", "reset_caches"]

_OPTIONS = Extractor(comments=False, dedup=False)
_FACTS = ExtractorFacts("trafilatura", trafilatura.__version__)
_PLACEHOLDER = 250
"""Characters up to which a text may be one that stands in for what scripts would write."""
_FEWEST_LETTERS = 20
"""A page whose scripts do the writing shows fewer without them: ``Loading…``."""


def extract_page(
    body: bytes,
    *,
    url: str,
    content_type: str | None = None,
    charset: str | None = None,
    headers: Mapping[str, str] | None = None,
    now: datetime,
) -> Page:
    """Read a page.

    Args:
        body: The page, without content encodings.
        url: Where it was found, absolute, after redirects.
        content_type: The Content-Type header.
        charset: The encoding the server declares; None takes it from ``content_type``.
        headers: The answer's headers; X-Robots-Tag and TDM-Reservation are read.
        now: Dates more than 24 hours after it do not count.

    A first line that is only the page's title again is left to ``metadata.title``.

    Raises:
        ExtractError: The body is empty, is no HTML, cannot be parsed, or holds no text, in one line.
    """
    if not body or body.isspace():
        raise ExtractError("the page is empty")
    if kind := kind_other_than_html(body, content_type):
        raise ExtractError(f"the page is {kind[:80]}, not HTML")
    decoded = decode(body, charset or _declared_charset(content_type))
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    reserved = None
    try:
        with shortcuts():
            tree = trafilatura.load_html(decoded.text)
            if tree is None:
                raise ExtractError("no text found on the page")
            head = read_head(tree)
            reserved = read_reserved(head.meta, lower)  # it holds, whatever else of the page cannot be read
            looks = _Looks(tree, url, now)
            metadata, warnings = read_metadata(head, looks=looks, url=url, headers=lower, now=now)
            paragraphs = _paragraphs(tree, url)  # the last to look at the tree: it is taken apart
            if not paragraphs or _is_written_by_scripts(decoded.text, paragraphs):
                raise ExtractError("no text found on the page", reserved=reserved)
    except (ExtractError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - lxml and trafilatura may raise anything on a broken page
        what = one_line(str(error)) or type(error).__name__
        raise ExtractError(f"the page cannot be read: {what}", reserved=reserved) from None
    if len(paragraphs) > 1 and exact_form(paragraphs[0]) == exact_form(metadata.title or ""):
        paragraphs = paragraphs[1:]
    if decoded.warning:
        warnings = (decoded.warning, *warnings)
    return Page(paragraphs, metadata, _FACTS, decoded.charset, warnings)


def _paragraphs(tree: HtmlElement, url: str) -> tuple[str, ...]:
    options = copy(_OPTIONS)
    options.url = url
    return split_lines(trafilatura.extract(tree, options=options) or "")


def _is_written_by_scripts(page: str, paragraphs: tuple[str, ...]) -> bool:
    """Whether all there is without scripts is a placeholder, or the request to switch them on."""
    if sum(map(len, paragraphs)) > _PLACEHOLDER:
        return False
    tree = trafilatura.load_html(page)
    if tree is None or tree.find(".//script") is None:
        return False
    shown = one_line(" ".join(tree.xpath("//body//text()[not(ancestor::script|ancestor::style|ancestor::noscript)]")))
    return len(shown) < _FEWEST_LETTERS or not any(paragraph in shown for paragraph in paragraphs)


def reset_caches() -> None:
    """Forget what was remembered of earlier pages: it saves work, and changes no result."""
    reset_trafilatura()
    forget()


class _Looks:
    """Title, byline and day as trafilatura and htmldate make them out."""

    def __init__(self, tree: HtmlElement, url: str, now: datetime) -> None:
        self._tree = tree
        self._url = url
        self._latest = (now + timedelta(days=1)).strftime("%Y-%m-%d")

    def title(self) -> str | None:
        title: str | None = extract_title(self._tree)
        return title

    def authors(self) -> str | None:
        authors: str | None = extract_author(self._tree) if may_name_author(self._tree) else None
        return authors

    def day(self) -> str | None:
        # A date anywhere in the text is not taken for that of publication, hence no extensive search.
        found: object = find_date(
            self._tree, original_date=True, extensive_search=False, url=self._url, max_date=self._latest
        )
        return str(found) if found else None


def _declared_charset(content_type: str | None) -> str | None:
    match = re.search(r"""charset\s*=\s*["']?([^\s;"']+)""", content_type or "", re.IGNORECASE)
    return match[1] if match else None
