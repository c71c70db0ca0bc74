"""What the archive compares of a text: the fingerprints of its paragraphs, its sketch, its hash. Pure.

All of it depends on the text alone, and takes longer than anything else that the archive does with it. So it is made
where the text is read, in another process, and comes along.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from storage.fingerprints import Fingerprint, fingerprint
from storage.rebuild import full_text_hash
from storage.sketches import Sketch, pack, sketch, unpack

_SIZE = 16
"""Bytes of a fingerprint's half."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Of a full text, before the duplicate filter; pickled as a few strings of bytes."""

    texts: tuple[Fingerprint, ...]
    """Of all its paragraphs, in order."""
    sketch: Sketch | None
    """None where the text is too short for one."""
    hash: str
    """``storage.rebuild.full_text_hash``."""

    def __reduce__(self) -> "tuple[Callable[[bytes, bytes | None, str], Forms], tuple[bytes, bytes | None, str]]":
        return _unpickled, (pack_texts(self.texts), pack(self.sketch), self.hash)


def forms_of(paragraphs: Sequence[str]) -> Forms:
    """The forms of a text, given paragraph by paragraph. Raises UnicodeEncodeError where it has a lone surrogate."""
    text = "\n".join(paragraphs)
    return Forms(tuple(map(fingerprint, paragraphs)), sketch(text), full_text_hash(paragraphs))


def pack_texts(texts: Sequence[Fingerprint]) -> bytes:
    """Fingerprints, one behind the other, the exact one of each first."""
    return b"".join(half for text in texts for half in text)


def unpack_texts(packed: bytes) -> tuple[Fingerprint, ...]:
    """The fingerprints that were packed."""
    return tuple(
        Fingerprint(packed[at : at + _SIZE], packed[at + _SIZE : at + 2 * _SIZE])
        for at in range(0, len(packed), 2 * _SIZE)
    )


def _unpickled(texts: bytes, sketched: bytes | None, hash_: str) -> Forms:
    return Forms(unpack_texts(texts), unpack(sketched), hash_)
