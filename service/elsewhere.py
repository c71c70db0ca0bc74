"""What the duplicate filter is told of the articles archived before: by the index, and by their texts."""

from collections.abc import Callable
from typing import TypeGuard

from service.articles.paragraphs import Learned
from storage.fingerprints import Fingerprint, fingerprint
from storage.model import Standing
from storage.occurrences import KEY
from storage.paragraphs import EDGE, Indexed, Paragraphs

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

    def standing(self, text: str, printed: Fingerprint) -> Standing | None:
        """See ``Elsewhere.standing``."""
        found = self._index.find(printed)
        return found if self._is_other(found) and self._text_at(found) == text else None

    def alike(self, printed: Fingerprint) -> Standing | None:
        """See ``Elsewhere.alike``."""
        found = self._index.alike(printed)
        if not self._is_other(found) or self._is_known(printed):
            return None
        other = self._text_at(found)
        return found if other is not None and fingerprint(other).fold == printed.fold else None

    def is_boilerplate(self, printed: Fingerprint, position: int, total: int) -> bool:
        """See ``Elsewhere.is_boilerplate``."""
        seen = self._index.recurrence(printed, self._feed)
        if seen is None or seen.days < self._learned.days:
            return False
        own = self._own(printed)
        heads = seen.head - (own is not None and own.is_at_head(printed.exact[:KEY]))
        tails = seen.tail - (own is not None and own.is_at_tail(printed.exact[:KEY]))
        at_head = position < EDGE and heads >= self._learned.articles
        at_tail = position >= total - EDGE and tails >= self._learned.articles
        return at_head or at_tail

    def _own(self, text: Fingerprint) -> Indexed | None:
        """The article's own earlier revision that was counted for a text."""
        own = self._index.stood_in(self._article_id, text)
        return own if own is not None and own.feed == self._feed else None

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

    def _own(self, text: Fingerprint) -> None:
        """It counts with all others: over all of the archive, an article is one of those that a text stands in."""
