"""Text cut into words, in any script: the pieces in which two texts are compared. Pure."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum, auto
from functools import cache, lru_cache
from typing import NamedTuple

_UNSPACED = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, Khmer symbols
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x2E80, 0x31FF),  # CJK radicals, kana, bopomofo; Hangul's compatibility jamo among them
    (0x3400, 0x9FFF),  # CJK
    (0xAA60, 0xAA7F),  # Myanmar, extended
    (0xF900, 0xFAFF),  # CJK, compatibility
    (0xFF66, 0xFF9F),  # kana, half width
    (0x1B000, 0x1B16F),  # kana, supplements
    (0x20000, 0x3FFFF),  # CJK
)
"""Scripts that put no spaces between words, by blocks: there a character with its marks is a word."""

_STARTS = [start for start, _ in _UNSPACED]
_JOINERS = "\u17d2\u1039\u1a60"
"""Khmer coeng, Myanmar virama, Tai Tham sakot: what follows is written below what went before."""
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


class _Kind(Enum):
    SPACE = auto()
    WORD = auto()
    UNSPACED = auto()
    MARK = auto()
    """Belongs to whatever it follows."""
    OTHER = auto()


def words(text: str) -> Iterator[str]:
    """The pieces of ``text`` in order, nothing left out: words, runs of white space, single other characters.

    A word is a run of letters, digits and marks; in a script that does not part words by spaces, a single letter with
    its marks. A line feed is a piece of its own.
    """
    piece, before = "", _Kind.SPACE
    for character in text:
        kind = _kind(character)
        joins = piece != "" and (
            kind is _Kind.MARK
            or (kind is before is _Kind.WORD)
            or (kind is before is _Kind.SPACE and "\n" not in (piece, character))
            or piece[-1] in _JOINERS
        )
        if joins:
            piece += character
            continue
        if piece:
            yield piece
        piece, before = character, kind
    if piece:
        yield piece


def only_words(text: str) -> list[str]:
    """The words of ``text`` in order, without what is between them: pieces that begin in a letter or a digit.

    They are those of ``words``, found some 10 times as fast: unless there are characters beyond the basic plane, emoji
    for one.
    """
    joined = any(joiner in text for joiner in _JOINERS)
    if _BEYOND.search(text) or (joined and _patterns().stray.search(text)):
        return [piece for piece in words(text) if piece[0].isalnum()]
    return _patterns().word.findall(text)


class _Patterns(NamedTuple):
    word: re.Pattern[str]
    stray: re.Pattern[str]
    """A joiner that is not part of a word, and may begin one for ``words``."""


@cache
def _patterns() -> _Patterns:
    """Made when first needed, for it takes 20 ms.

    ``re`` knows letters and digits but no marks, and is fast with classes of the basic plane that are written out.
    """
    basic = "".join(map(chr, range(0x10000)))
    blocks = "".join(f"{chr(start)}-{chr(end)}" for start, end in _UNSPACED)
    spaced = "".join(f"{run[0]}-{run[-1]}" for run in re.findall(rf"[^\W_{blocks}]+", basic))
    unspaced = "".join(f"{run[0]}-{run[-1]}" for run in re.findall(rf"(?:(?=[{blocks}])[^\W_])+", basic))
    mark = "".join(filter(_is_mark, basic))
    below = rf"(?<=[{_JOINERS}])(?s:.)"
    return _Patterns(
        word=re.compile(
            rf"[{spaced}][{spaced}{mark}]*(?:{below}[{spaced}{mark}]*)*|[{unspaced}][{mark}]*(?:{below}[{mark}]*)*"
        ),
        stray=re.compile(rf"(?:\A|[^{spaced}{unspaced}{mark}])[{mark}]*[{_JOINERS}]"),
    )


def _is_mark(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "M" or category == "Cf"


@lru_cache(maxsize=4096)
def _kind(character: str) -> _Kind:
    if character.isspace():
        return _Kind.SPACE
    if _is_mark(character):
        return _Kind.MARK
    category = unicodedata.category(character)
    if category[0] not in "LN":
        return _Kind.OTHER
    code = ord(character)
    nearest = bisect_right(_STARTS, code) - 1
    return _Kind.UNSPACED if nearest >= 0 and code <= _UNSPACED[nearest][1] else _Kind.WORD
