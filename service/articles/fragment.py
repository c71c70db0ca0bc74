"""The HTML that a feed carries inside an entry, as paragraphs: every word kept, nothing guessed. Pure."""

import html
import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from service.articles.lines import one_line, split_lines
from service.errors import ExtractError

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog"),
        *("dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5"),
        *("h6", "head", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup"),
        *(
            "option",
            "p",
            "pre",
            "search",
            "section",
            "summary",
            "table",
            "tbody",
            "tfoot",
            "thead",
            "title",
            "tr",
            "ul",
        ),
    )
)
_CELLS = frozenset({"td", "th"})
_WORDLESS = frozenset({"script", "style", "template"})
_SPACES = re.compile(r"[ \t\f]+")
_SPACES_AND_BREAKS = re.compile(r"[ \t\f\r\n]+")


def extract_fragment(fragment: str, *, url: str) -> tuple[str, ...]:
    """The paragraphs of a piece of HTML, or of plain text: one line each, none empty.

    Block elements and ``<br>`` part paragraphs, table cells a space; inline elements leave no trace. Scripts, styles
    and comments hold no words. In plain text each line is a paragraph.

    Raises:
        ExtractError: The parser gave up on it; ``url``, the entry's address, is named.
    """
    if not _MARKUP.search(fragment):
        return split_lines(html.unescape(fragment))
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    body = f"<body><div>{fragment}</div></body>".replace("\0", "").encode("utf-8", "replace")
    try:
        text = "".join(_pieces(document_fromstring(body, parser=parser)))
    except (etree.LxmlError, ValueError) as error:
        raise ExtractError(f"the feed's text for {url} cannot be read: {one_line(str(error))}") from None
    return split_lines(_SPACES.sub(" ", text))


def _pieces(root: etree._Element) -> Iterator[str]:
    preformatted = 0
    wordless = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = str(element.tag)
        opening = event == "start"
        change = 1 if opening else -1
        if name in _WORDLESS:
            wordless += change
        elif name == "pre":
            preformatted += change
        if name in _BLOCKS:
            yield "\n"
        elif name in _CELLS:
            yield " "
        text = element.text if opening else element.tail
        if text and not wordless:
            yield text if preformatted else _SPACES_AND_BREAKS.sub(" ", text)
