"""The full article from its record: removed paragraphs put back, and proven against ``text_hash``. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from storage.errors import CorruptArchiveError
from storage.model import Article

Find = Callable[[str, int], Article]
"""The archived article of an id and revision; raises CorruptArchiveError where there is none."""


def full_text_hash(paragraphs: Sequence[str]) -> str:
    """blake2b-128, in hex, of the paragraphs joined by line feeds, in UTF-8: a record's ``text_hash``."""
    return hashlib.blake2b("\n".join(paragraphs).encode(), digest_size=16).hexdigest()


def full_paragraphs(article: Article, find: Find) -> list[str]:
    """All paragraphs of an article in order, as they were before removal.

    Args:
        article: The record.
        find: Called only for articles that this one refers to, itself excepted.

    Raises:
        CorruptArchiveError: they cannot be put back, or do not add up to ``text_hash``.
    """
    known = {(article.id, article.revision): _Kept(article)}
    paragraphs = [_paragraph(known, find, article, position) for position in range(article.paragraphs)]
    if full_text_hash(paragraphs) != article.text_hash:
        raise CorruptArchiveError(f"{_name(article)} does not rebuild to its text_hash")
    return paragraphs


def kept_paragraphs(article: Article) -> Mapping[int, str]:
    """The paragraphs that stand in a record, by position. Raises CorruptArchiveError where they are not all there."""
    return _Kept(article).texts


class _Kept:
    """A record's paragraphs by position: the text of those kept, the references of those removed."""

    def __init__(self, article: Article) -> None:
        kept = article.text.split("\n") if article.text else []
        self.removed = {removal.position: removal for removal in article.removed}
        if len(kept) + len(self.removed) != article.paragraphs or max(self.removed, default=-1) >= article.paragraphs:
            raise CorruptArchiveError(
                f"{_name(article)} has {article.paragraphs} paragraphs, but keeps {len(kept)} "
                f"and removes {len(self.removed)}, up to number {max(self.removed, default=-1)}"
            )
        positions = (position for position in range(article.paragraphs) if position not in self.removed)
        self.texts = dict(zip(positions, kept, strict=True))


def _paragraph(known: dict[tuple[str, int], _Kept], find: Find, article: Article, position: int) -> str:
    """Follows references to where the text stands; that may itself have been removed, in favour of yet another."""
    key, at = (article.id, article.revision), position
    passed = set()
    while (key, at) not in passed:
        passed.add((key, at))
        if key not in known:
            known[key] = _Kept(find(*key))
        if (text := known[key].texts.get(at)) is not None:
            return text
        if (removal := known[key].removed.get(at)) is None:
            raise CorruptArchiveError(
                f"{_name(article)}: paragraph {position} refers to paragraph {at} of {key[0]} revision {key[1]}, "
                "which has no such paragraph"
            )
        key, at = (removal.id, removal.revision), removal.at
    raise CorruptArchiveError(f"{_name(article)}: paragraph {position} refers in a circle")


def _name(article: Article) -> str:
    return f"{article.id} revision {article.revision}"
