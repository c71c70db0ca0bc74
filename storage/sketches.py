"""Sketches of texts: which articles have much the same text, found without comparing each with all. Pure.

    text → words → 3-grams → 128 minima → 20 bands, to be looked up, and 128 bytes, to be compared

Two texts whose 3-grams of words have the Jaccard similarity s agree in each minimum with probability s (Broder 1997).
Those that agree in a whole band of three minima are candidates: 93 % of the pairs at 0.5, 99.98 % at 0.7, but 2 % at
0.1. What is kept of a minimum is its low byte (b-bit minwise hashing, Li & König 2010): enough to tell most candidates
apart without reading either text. What is told of a pair, though, is the exact similarity of the texts.
"""

import re
import struct
import unicodedata
from dataclasses import dataclass
from hashlib import blake2b

from rensa import RMinHash

from storage.tokens import only_words

NEAR = 0.5
"""The least exact similarity at which two articles are said to be near."""

WORTH_READING = 0.4
"""The least estimate for which both texts are read to compute the exact similarity: two standard errors below NEAR."""

FEWEST = 20
"""Distinct 3-grams below which a text has no sketch: it is too short to be the copy of anything."""

_MINIMA = 128
_BANDS, _ROWS = 20, 3
_SEED = 1
"""With the version of rensa, it decides every value: another makes sketches that those in the database do not match."""

_CHANCE = 1 / 256
"""How often the low bytes of two minima agree that do not."""

_BAND = struct.Struct(f"<{_ROWS}I")
_PACKED = struct.Struct(f"<{_BANDS}q{_MINIMA}s")

_UNSEEN = re.compile("[\u00ad\u0640\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What no reader sees: soft hyphens, tatweel, joiners, direction marks; and surrogates, which are no characters."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a text to find others like it."""

    bands: tuple[int, ...]
    """20 signed 64-bit integers, no value in two places but by accident. Texts that share one are candidates."""
    signature: bytes
    """128 bytes, for ``estimate``."""


def pack(sketched: Sketch | None) -> bytes | None:
    """A sketch in bytes."""
    return _PACKED.pack(*sketched.bands, sketched.signature) if sketched is not None else None


def unpack(packed: bytes | None) -> Sketch | None:
    """The sketch that was packed."""
    if packed is None:
        return None
    *bands, signature = _PACKED.unpack(packed)
    return Sketch(tuple(bands), signature)


def shingles(text: str) -> frozenset[str]:
    """The distinct 3-grams of the words of ``text``, joined by spaces.

    Case, punctuation, white space and what is invisible do not matter (NFKC, case folded); digits, accents and marks
    do. In scripts that put no spaces between words, a character with its marks counts as a word.
    """
    pieces = only_words(_folded(text))
    return frozenset(map(" ".join, zip(pieces, pieces[1:], pieces[2:], strict=False)))


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", seen.casefold())  # some letters come apart where their case is folded


def sketch(text: str) -> Sketch | None:
    """The sketch of ``text``; None where it has fewer than 20 distinct 3-grams.

    It is the same on every run and every 64-bit machine, whatever its processor; but for letters so new that one
    Python knows them and the other does not.
    """
    grams = shingles(text)
    if len(grams) < FEWEST:
        return None
    minima = RMinHash(_MINIMA, _SEED)
    minima.update(list(grams))
    packed = struct.pack(f"<{_MINIMA}I", *minima.digest())
    size = _BAND.size
    bands = (_band(number, packed[number * size : (number + 1) * size]) for number in range(_BANDS))
    return Sketch(tuple(bands), packed[::4])


def _band(number: int, rows: bytes) -> int:
    return int.from_bytes(blake2b(bytes([number]) + rows, digest_size=8).digest(), "little", signed=True)


def estimate(one: bytes, other: bytes) -> float:
    """About how similar two texts are, from 0 to 1, by their signatures; the standard error is 0.045 or less.

    Raises:
        ValueError: one of them is not a signature.
    """
    if not len(one) == len(other) == _MINIMA:
        raise ValueError(f"signatures have {_MINIMA} bytes, not {len(one)} and {len(other)}")
    differences = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    agreeing = differences.to_bytes(_MINIMA, "little").count(0) / _MINIMA
    return max(0.0, (agreeing - _CHANCE) / (1 - _CHANCE))


def similarity(one: str, other: str) -> float:
    """The Jaccard similarity of the 3-grams of two texts, from 0 to 1, to three digits; 0 where neither has any."""
    first, second = shingles(one), shingles(other)
    common = len(first & second)
    return round(common / max(1, len(first) + len(second) - common), 3)
