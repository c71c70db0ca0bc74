"""What makes two paragraphs the same: their exact form and their fold, and fingerprints of both. Pure.

The *exact* form is NFC with white space collapsed. The *fold* also forgets case, the shapes of quotes and dashes, and
invisible characters. Digits, accents, combining marks and word spaces count in both: "12 morts" is not "27 morts".
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

NORMALISER = 1
"""Version of ``exact`` and ``fold``; a change of either makes fingerprints of other versions incomparable."""

_SINGLE_QUOTES = "'‘’‚‛ʼʹ′´`‹›＇"
_DOUBLE_QUOTES = '"“”„‟″«»＂'
_DASHES = "-‐‑‒–—―−﹘﹣－"
_INVISIBLE = (
    0x00AD,  # soft hyphen
    0x0640,  # tatweel, which only stretches an Arabic word
    0x180E,
    *range(0x200B, 0x2010),  # zero-width space, joiners, direction marks
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x206A),
    0xFEFF,
)
_FOLDED = {
    **dict.fromkeys(_SINGLE_QUOTES, "'"),
    **dict.fromkeys(_DOUBLE_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(map(chr, _INVISIBLE), ""),
}
_TYPOGRAPHY = re.compile(f"[{re.escape(''.join(_FOLDED.keys() - _FOLDED.values()))}]")
_FRENCH_SPACES = (*(f" {mark}" for mark in ":;!?»›"), "« ", "‹ ")
_FRENCH_SPACE = re.compile(r" (?=[:;!?»›])|(?<=[«‹]) ")


class Fingerprint(NamedTuple):
    """A paragraph's two fingerprints, 16 bytes each."""

    exact: bytes
    fold: bytes


_LONGEST = 10_000
"""Characters of a text that is remembered: a site may send paragraphs of megabytes, and thousands of them."""


def fingerprint(text: str) -> Fingerprint:
    """Both fingerprints of ``text``."""
    return _remembered(text) if len(text) <= _LONGEST else _fingerprint(text)


def _fingerprint(text: str) -> Fingerprint:
    return Fingerprint(exact(text), fold(text))


# where no forms come along with a batch (``storage.forms``), it asks for the same several times
_remembered = lru_cache(maxsize=2048)(_fingerprint)


def exact(text: str) -> bytes:
    """Fingerprint of the exact form: blake2b, 16 bytes."""
    return _digest(exact_form(text))


def fold(text: str) -> bytes:
    """Fingerprint of the fold: blake2b, 16 bytes."""
    return _digest(fold_form(text))


def exact_form(text: str) -> str:
    """``text`` in NFC, every run of white space a single space."""
    return _collapsed("NFC", text)


def plain_form(text: str) -> str:
    """``text`` as it reads whatever its typography: NFKC, quotes and dashes plain, nothing invisible; case counts."""
    return _collapsed("NFKC", _plain(text))


def fold_form(text: str) -> str:
    """``text`` as it reads whatever its case and typography."""
    return _remembered_fold(text) if len(text) <= _LONGEST else _fold_form(text)


def _fold_form(text: str) -> str:
    return _collapsed("NFKC", _plain(text).casefold())


_remembered_fold = lru_cache(maxsize=512)(_fold_form)  # asked for by the fingerprint, and by the filter soon after


def _plain(text: str) -> str:
    text = _collapsed("NFKC", text)
    if any(space in text for space in _FRENCH_SPACES):
        text = _FRENCH_SPACE.sub("", text)
    return _TYPOGRAPHY.sub(lambda found: _FOLDED[found[0]], text)


def _collapsed(form: Literal["NFC", "NFKC"], text: str) -> str:
    if not (text.isascii() or unicodedata.is_normalized(form, text)):  # to look costs a tenth of doing it
        text = unicodedata.normalize(form, text)
    return " ".join(text.split())


def _digest(form: str) -> bytes:
    return blake2b(form.encode("utf-8", "surrogatepass"), digest_size=16).digest()
