"""Reads the articles that others refer to: where a removed paragraph still stands."""

from collections.abc import Callable
from functools import lru_cache

from storage.errors import CorruptArchiveError, SchemaError
from storage.model import Article, Place
from storage.rebuild import Find
from storage.store import Store


def finder(read: Callable[[Place], Article], store: Store) -> Find:
    """A ``find`` for ``storage.rebuild.full_paragraphs``.

    Args:
        read: Gives the article at a place, as ``storage.archive.Archive.read`` does.
        store: Knows the places.
    """

    @lru_cache(maxsize=64)  # what one article refers to, its neighbours often do too
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
