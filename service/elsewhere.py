"""What the duplicate filter is told of the articles archived before: by the index, and by their texts."""

from collections.abc import Callable
from typing import TypeGuard

from service.articles.paragraphs import Learned
from storage.fingerprints import Fingerprint, fingerprint
from storage.model import Standing
from storage.paragraphs import EDGE, Paragraphs

TextAt = Callable[[Standing], str | None]
"""The text that stands somewhere; None where it cannot be read."""


class OtherArticles:
    """A ``service.articles.paragraphs.Elsewhere`` for one article.

    Args:
        index: The part of the paragraph index that the article touches.
        text_at: Reads what stands somewhere.
        article_id: The article's own id: its earlier revisions are no duplicates of it.
        feed: Its feed, whose boilerplate counts.
        learned: From when on something is boilerplate.
    """

    def __init__(self, index: Paragraphs, text_at: TextAt, *, article_id: str, feed: str, learned: Learned) -> None:
        self._index = index
        self._text_at = text_at
        self._article_id = article_id
        self._feed = feed
        self._learned = learned

    def standing(self, text: str) -> Standing | None:
        """See ``Elsewhere.standing``."""
        found = self._index.find(fingerprint(text))
        return found if self._is_other(found) and self._text_at(found) == text else None

    def alike(self, text: str) -> Standing | None:
        """See ``Elsewhere.alike``."""
        printed = fingerprint(text)
        found = self._index.alike(printed)
        if not self._is_other(found) or self._is_known(printed):
            return None
        other = self._text_at(found)
        return found if other is not None and fingerprint(other).fold == printed.fold else None

    def is_boilerplate(self, text: str, position: int, total: int) -> bool:
        """See ``Elsewhere.is_boilerplate``."""
        recurrences = self._index.recurrences(fingerprint(text))
        seen = next((one for one in recurrences if one.feed == self._feed), None)
        if seen is None or seen.days < self._learned.days:
            return False
        at_head = position < EDGE and seen.head >= self._learned.articles
        at_tail = position >= total - EDGE and seen.tail >= self._learned.articles
        return at_head or at_tail

    def _is_known(self, text: Fingerprint) -> bool:
        return self._index.find(text) is not None

    def _is_other(self, standing: Standing | None) -> TypeGuard[Standing]:
        return standing is not None and standing.id != self._article_id


class AllArticles(OtherArticles):
    """The same where the index holds every article, this one and those after it too: it knows each of their texts.

    So the first to have a text written its way is not who finds it unknown, but whom the index names.
    """

    def _is_known(self, text: Fingerprint) -> bool:
        return self._is_other(self._index.find(text))
