"""Names of people and houses, out of the lines that pages write them in. Pure."""

import re
from collections.abc import Iterable

from service.articles.lines import one_line

_MOST = 30
_LONGEST = 120
_BY = re.compile(r"(?:written\s+by|words\s+by|by|par|von|por)\s*:?\s+", re.IGNORECASE)
_SURE = re.compile(r"\s*[;|•·]\s*")
_COMMA = r"\s*,\s*"
_AND = r"\s+(?:and|et|und|y|e|en|og|och|&)\s+"
_PERHAPS = tuple(map(re.compile, (rf"{_COMMA}(?:and\s+)?|{_AND}", _COMMA, _AND)))
_ADDRESS = re.compile(r"https?:|www\.|/|@|\S+@\S+\.\w", re.IGNORECASE)


def person_names(lines: Iterable[str]) -> tuple[str, ...]:
    """The names in bylines, each once, in order.

    ``By Ana Ruiz, Li Wei and Bo Lind; Reuters`` → four names. Semicolons, bars and dots at mid-height always part
    names; commas and words for "and" only where each side could be a name of its own, so that ``Luther King, Jr.``
    and ``Ortega y Gasset`` stay whole. Addresses and links are no names.
    """
    found: dict[str, str] = {}
    for line in lines:
        for byline in _SURE.split(one_line(line)):
            for name in _names(_BY.sub("", byline, count=1) if _BY.match(byline) else byline):
                name = name.strip(" ,·–—")
                if len(name) <= _LONGEST and any(map(str.isalpha, name)) and not _ADDRESS.match(name):
                    found.setdefault(name.casefold(), name)
    return tuple(found.values())[:_MOST]


def _names(byline: str) -> list[str]:
    for separator in _PERHAPS:
        parts = separator.split(byline)
        if all(map(_is_full_name, parts)):
            return parts
    return [byline]


def _is_full_name(text: str) -> bool:
    words = text.split()
    return 2 <= len(words) <= 4 and all(word[0].isalpha() for word in words)
