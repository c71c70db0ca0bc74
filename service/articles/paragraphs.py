"""The duplicate filter inside an article: repeated paragraphs go, and can be put back. Pure.

A paragraph has two keys. The *exact* one is its NFC form with white space collapsed; only its equals are removed. The
*fold* also forgets case, the shapes of quotes and dashes, invisible characters; its equals stay and are noted. Digits,
accents, combining marks and word spaces count in both: "12 morts" is not "27 morts".

A fingerprint never decides that a text goes: the texts themselves are compared, so that a hash accident costs nothing.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from storage.model import Near, Removal, Scope

NORMALISER = 1
"""Version of ``exact`` and ``fold``; a change of either makes fingerprints of other versions incomparable."""

_SHORT = 40
"""Characters up to which a repeated line may be meant: ``Oui.`` in an interview."""

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
    **{ord(quote): "'" for quote in _SINGLE_QUOTES},
    **{ord(quote): '"' for quote in _DOUBLE_QUOTES},
    **{ord(dash): "-" for dash in _DASHES},
    **dict.fromkeys(_INVISIBLE),
}
_FRENCH_SPACE = re.compile(r" (?=[:;!?»›])|(?<=[«‹]) ")


def exact_form(text: str) -> str:
    """``text`` in NFC, every run of white space a single space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def plain_form(text: str) -> str:
    """``text`` as it reads whatever its typography: NFKC, quotes and dashes plain, nothing invisible; case counts."""
    return " ".join(unicodedata.normalize("NFKC", _plain(text)).split())


def fold_form(text: str) -> str:
    """``text`` as it reads whatever its case and typography."""
    return " ".join(unicodedata.normalize("NFKC", _plain(text).casefold()).split())


def _plain(text: str) -> str:
    collapsed = " ".join(unicodedata.normalize("NFKC", text).split())
    return _FRENCH_SPACE.sub("", collapsed).translate(_FOLDED)


def exact(text: str) -> bytes:
    """Fingerprint of the exact form: blake2b, 16 bytes."""
    return _fingerprint(exact_form(text))


def fold(text: str) -> bytes:
    """Fingerprint of the fold: blake2b, 16 bytes."""
    return _fingerprint(fold_form(text))


def _fingerprint(form: str) -> bytes:
    return blake2b(form.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Filtered:
    """An article's paragraphs after the filter: ``kept`` with each of ``removed`` put back is what went in."""

    kept: tuple[str, ...]
    removed: tuple[Removal, ...]
    near: tuple[Near, ...]


def filter_article(
    paragraphs: Sequence[str], *, article_id: str, revision: int, scope: Scope, names: Collection[str]
) -> Filtered:
    """Remove what an article repeats of itself.

    The first of equal paragraphs stays, those after it go. A line of 40 characters or fewer goes only if it is one of
    ``names``. A paragraph that equals an earlier one but for its typography stays, with a note; and so does one that
    differs in white space alone, for putting the other back would not restore it.

    Args:
        paragraphs: The full article, one line each.
        article_id: The article's id, for removals and notes to point to.
        revision: Its revision.
        scope: ``Scope.OFF`` removes nothing; notes are made all the same.
        names: What the feed and its site call themselves; case and typography do not matter.
    """
    folded_names = {fold_form(name) for name in names}
    first: dict[str, int] = {}
    first_folded: dict[str, int] = {}
    kept: list[str] = []
    removed: list[Removal] = []
    near: list[Near] = []
    for position, paragraph in enumerate(paragraphs):
        folded = fold_form(paragraph)
        at = first.setdefault(paragraph, position)
        near_at = first_folded.setdefault(folded, position)
        if at < position:
            may_go = len(paragraph) > _SHORT or folded in folded_names
            if may_go and scope is not Scope.OFF:
                removed.append(Removal(position, "repeat", article_id, revision, at, exact(paragraph).hex()))
                continue
        elif near_at < position:
            near.append(Near(position, article_id, revision, near_at))
        kept.append(paragraph)
    return Filtered(tuple(kept), tuple(removed), tuple(near))
