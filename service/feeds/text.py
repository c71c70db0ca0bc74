"""What a feed's fields hold: lines, markup and links, always such that UTF-8 can hold them. Pure."""

import html
import re

from service.articles import lines
from service.net import urls

# No pattern here can cross the character it starts with, so that a megabyte of "<" or "&" takes linear time.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAG = re.compile(r"<[!/?A-Za-z][^<>]*>")
_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|blockquote|br|cite|code|del|div|em|font|h[1-6]|i|img|ins|kbd|li|mark|p|q|s|samp|small"
    r"|span|strike|strong|sub|sup|time|tt|u|ul|var|wbr)(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|time|tt"
    r"|u|var|wbr)(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
"""Tags that part no words: ``<em>word</em>.`` reads as ``word.`` does."""
_BREAK = re.compile(r"</?(?:blockquote|br|div|h[1-6]|li|p|ul)\b", re.IGNORECASE)


def clean(text: str) -> str:
    r"""``text`` as any store can hold it: lone surrogates (JSON's ``"\ud800"``) become U+FFFD, NUL goes."""
    text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(markup: str) -> str | None:
    """The plain text of a title, name or label in one line, its HTML tags and character references resolved.

    None where nothing is left. Only tags HTML knows count: ``List<int>`` stays as it is.
    """
    text = _HTML_TAG.sub(lambda tag: " " if _BREAK.match(tag[0]) else "", markup) if "<" in markup else markup
    return lines.one_line(unescape(text)) or None


def words(markup: str) -> str:
    """The words of a text for comparison: all tags out, references resolved, white space collapsed."""
    text = _TAG.sub(" ", _INLINE.sub("", markup)) if "<" in markup else markup
    return " ".join(unescape(text).split())


def unescape(text: str) -> str:
    """Resolve character references, but for those without a semicolon: ``?a=1&copy=2`` stays as it is."""
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text) if "&" in text else text


def absolute(base: str, link: str | None) -> str | None:
    """``link`` as it stands in the document at ``base``, absolute; None where it is not http or https."""
    try:
        found = urls.join(base, link.strip()) if link and link.strip() else None
    except ValueError:
        return None
    return found if found and urls.is_http(found) else None


def as_html(text: str | None) -> str | None:
    """Plain text as HTML that reads the same, line breaks included."""
    return html.escape(text, quote=False).replace("\n", "<br>") if text is not None else None
