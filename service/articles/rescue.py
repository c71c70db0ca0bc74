"""A page's paragraphs as justext makes and rates them, each text put together once. Pure.

justext takes them from SAX events, writes an XPath for each, and joins and collapses a paragraph's text anew each time
that it looks at it, some ten times.
"""

import re
from collections.abc import Set as AbstractSet

from justext.core import PARAGRAPH_TAGS
from justext.paragraph import Paragraph as JustextParagraph
from justext.utils import normalize_whitespace
from lxml.etree import _Element

_UNEVEN = re.compile(r"\s\s|[^\S ]")
"""White space that is collapsed, or may be."""


class Paragraph(JustextParagraph):  # type: ignore[misc]
    """A finished paragraph, as justext rates it."""

    text = ""

    def __init__(self, text: str, dom_path: str, chars_count_in_links: int) -> None:
        self.text = text
        self.dom_path = dom_path
        self.chars_count_in_links = chars_count_in_links
        self.class_type = ""

    def stopwords_density(self, stopwords: AbstractSet[str]) -> float:
        """The share of its words that are stop words."""
        words = self.text.lower().split()
        return sum(map(stopwords.__contains__, words)) / len(words) if words else 0


class ParagraphMaker:
    """Stands in for ``justext.core.ParagraphMaker``."""

    def __init__(self) -> None:
        self._paragraphs: list[Paragraph] = []
        self._texts: list[str] = []
        self._dom_path = ""
        self._characters_in_links = 0
        self._in_link = False
        self._after_break = False

    @classmethod
    def make_paragraphs(cls, root: _Element) -> list[Paragraph]:
        """The paragraphs of a tree that have words, in order."""
        maker = cls()
        maker._walk(root, "")
        maker._start_paragraph("")
        return maker._paragraphs

    def _walk(self, element: _Element, parent_path: str) -> None:
        name = element.tag
        if isinstance(name, str):
            path = f"{parent_path}.{name}" if parent_path else name
            parts = name in PARAGRAPH_TAGS
            if parts or (name == "br" and self._after_break):
                self._start_paragraph(path)
            else:
                self._after_break = name == "br"
                if self._after_break:
                    self._texts.append(" ")
                elif name == "a":
                    self._in_link = True
            if text := element.text:
                self._take(text)
            for child in element:
                self._walk(child, path)
            if parts:
                self._start_paragraph(parent_path)
            if name == "a":
                self._in_link = False
        if tail := element.tail:
            self._take(tail)

    def _start_paragraph(self, path: str) -> None:
        if self._texts:
            if text := _evened("".join(self._texts).strip()):
                self._paragraphs.append(Paragraph(text, self._dom_path, self._characters_in_links))
            self._texts = []
        self._dom_path = path
        self._characters_in_links = 0

    def _take(self, text: str) -> None:
        if text.isspace():
            return
        text = _evened(text)
        self._texts.append(text)
        if self._in_link:
            self._characters_in_links += len(text)
        self._after_break = False


def _evened(text: str) -> str:
    evened: str = normalize_whitespace(text) if _UNEVEN.search(text) else text
    return evened
