"""Reads the articles that others refer to: where a removed paragraph still stands."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from storage.errors import CorruptArchiveError, SchemaError
from storage.model import Article, Place, Standing
from storage.rebuild import Find, full_paragraphs, kept_paragraphs
from storage.store import Store


def finder(read: Callable[[Place], Article], store: Store) -> Find:
    """A ``find`` for ``storage.rebuild.full_paragraphs``.

    Args:
        read: Gives the article at a place, as ``storage.archive.Archive.read`` does.
        store: Knows the places.
    """

    @lru_cache(maxsize=256)  # what one article refers to, its neighbours often do too
    def find(article_id: str, revision: int) -> Article:
        reference = f"a removed paragraph refers to {article_id} revision {revision}"
        known = next((known for known in store.revisions(article_id) if known.revision == revision), None)
        if known is None:
            raise CorruptArchiveError(f"{reference}, which is not archived")
        try:
            return read(known.place)
        except (CorruptArchiveError, SchemaError) as error:
            raise CorruptArchiveError(reference) from error

    return find


class Texts:
    """The texts of the archive's articles: what paragraphs may be removed in favour of.

    Args:
        find: Gives an article of the archive, as ``finder`` does.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._read = lru_cache(maxsize=4096)(self._from_archive)  # a feed's boilerplate stands in its first articles
        self._kept = lru_cache(maxsize=16)(self._kept_in)  # a copy asks for every paragraph of its original

    def at(self, standing: Standing) -> str | None:
        """The text that stands there; None where none does, or it cannot be read: then nothing must rest on it."""
        return self._read(standing)

    def full(self, article_id: str, revision: int) -> Sequence[str] | None:
        """All paragraphs of an article's revision; None where they cannot be read, or put back."""
        try:
            return full_paragraphs(self._find(article_id, revision), self._find)
        except (CorruptArchiveError, SchemaError):
            return None

    def _from_archive(self, standing: Standing) -> str | None:
        return self._kept(standing.id, standing.revision).get(standing.at)

    def _kept_in(self, article_id: str, revision: int) -> Mapping[int, str]:
        try:
            return kept_paragraphs(self._find(article_id, revision))
        except (CorruptArchiveError, SchemaError):
            return {}
