"""The texts of a record, paragraph by paragraph, as the index knows them: by their keys. Pure."""

from collections.abc import Iterable, Iterator

from storage.fingerprints import Fingerprint, exact, fingerprint
from storage.forms import Forms
from storage.model import Article, Removal
from storage.rebuild import kept_paragraphs

KEY = 8
"""Bytes of a fingerprint that are a key. What else is known of a text is its check: on a mismatch it is another."""

Occurrence = tuple[Fingerprint, int] | Removal
"""A text that was kept, and where; or one that was removed."""


def texts_of(article: Article) -> Iterable[Fingerprint]:
    """The fingerprints of the texts that stand in a record."""
    return (fingerprint(text) for text in article.text.split("\n")) if article.text else ()


def occurrences_in(article: Article, forms: Forms | None) -> list[tuple[bytes, Occurrence]]:
    """The full text's paragraphs in order, each with its exact key."""
    removed = {removal.position: removal for removal in article.removed}
    if forms is not None:
        places = enumerate(forms.texts)
        return [(text.exact[:KEY], removed.get(at, (text, at))) for at, text in places]
    kept = iter(texts_of(article))
    found: list[tuple[bytes, Occurrence]] = []
    for position in range(article.paragraphs):
        if (removal := removed.get(position)) is not None:
            found.append((bytes.fromhex(removal.hash)[:KEY], removal))
        elif (text := next(kept, None)) is not None:
            found.append((text.exact[:KEY], (text, position)))
    return found


def keys_of(article: Article) -> bytes:
    """The exact keys of a record's full text, paragraph by paragraph, as ``Indexed.keys``.

    Raises:
        CorruptArchiveError: its paragraphs are not all there.
    """
    kept, removed = kept_paragraphs(article), {removal.position: removal.hash for removal in article.removed}
    hashes = (bytes.fromhex(removed[at]) if at in removed else exact(kept[at]) for at in range(article.paragraphs))
    return b"".join(hash_[:KEY] for hash_ in hashes)


def first_of_each(occurrences: Iterable[tuple[bytes, Occurrence]]) -> Iterator[tuple[bytes, Occurrence]]:
    """The first occurrence of each text; where it was removed in favour of itself, there is an earlier one."""
    seen = set()
    for key, occurrence in occurrences:
        if key not in seen:
            seen.add(key)
            yield key, occurrence


def split_keys(keys: bytes) -> list[bytes]:
    """Keys that stand one behind the other."""
    return [keys[start : start + KEY] for start in range(0, len(keys), KEY)]
