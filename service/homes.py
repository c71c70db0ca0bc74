"""Whose a page is: which article a batch's drafts are versions of, by their addresses and what they say. Pure.

An article is known by every address it was archived with: asked for, final, its own canonical one. A link is bound to
the article it was found to lead to, but only for as long as it does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from service.articles.compose import Draft
from service.feeds import identity
from service.net.urls import other_scheme
from storage.fingerprints import fold_form
from storage.model import ArchivedRevision, Article, Entry, Place

WALL = "many links lead to this page and text, that of {} too: a log-in or a notice?"
SHORTEST_TITLE = 8
"""Characters a title must have to be recognised inside another."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest revision of an article."""

    revision: int
    text_hash: str
    title: str | None
    text_source: str
    text: Place | tuple[str, ...]
    """Where its record stands; of one that this batch will add, the full paragraphs."""


class Revisions:
    """The newest revision of each article of a batch, and whose each address is; those the batch adds included.

    Args:
        archived: What the archive has of the batch's articles, by id.
        homes: Ids of the articles that its addresses are known for, by address.
        lost: The newest revision that articles have lost, by id.
    """

    def __init__(
        self, archived: Mapping[str, ArchivedRevision], homes: Mapping[str, str], lost: Mapping[str, int]
    ) -> None:
        self._homes = dict(homes)
        self._lost = lost
        self._newest = {
            id_: Newest(known.revision, known.text_hash, known.title, known.text_source, known.place)
            for id_, known in archived.items()
        }

    def newest(self, article_id: str) -> Newest | None:
        """An article's newest revision; None of one that was never archived."""
        return self._newest.get(article_id)

    def next_number(self, article_id: str) -> int:
        """The number of an article's next revision: above all there are, and all that were lost and may come back."""
        newest = self._newest.get(article_id)
        return max(newest.revision if newest else 0, self._lost.get(article_id, 0)) + 1

    def is_home(self, article_id: str, addresses: Iterable[str]) -> bool:
        """Whether an article is known by one of these addresses."""
        return any(self._homes.get(address) == article_id for address in addresses)

    def twin(self, draft: Draft) -> tuple[str | None, Draft]:
        """The article that a new one's page is under another address: a redirect, https for http, a new guid and link.

        An address alone does not show it, nor do address, text and title where many links lead to one page: a log-in,
        a consent form. That is called otherwise than the entry. Its draft comes back with a warning.
        """
        if draft.text_source != "page":
            return None, draft
        for address in addresses_of(draft):
            other = self._homes.get(address, "")
            newest = self._newest.get(other)
            if newest and (newest.text_hash, newest.title) == (draft.forms.hash, draft.title):
                if _is_named_alike(draft) or self.is_home(other, _addresses(draft.pending.entry.url)):
                    return other, draft
                return None, replace(draft, warnings=(*draft.warnings, WALL.format(other)))
        return None, draft

    def add(self, article: Article, draft: Draft) -> None:
        """Know of a revision that the batch will add."""
        for address in addresses_of(draft):
            self._homes.setdefault(address, article.id)
        self._newest[article.id] = Newest(
            article.revision, article.text_hash, article.title, article.text_source, draft.paragraphs
        )


def addresses_of(draft: Draft) -> tuple[str, ...]:
    """The addresses one page may be known by: asked for and final, by http or https, and the one it calls its own."""
    return _addresses(draft.pending.entry.url, draft.url, draft.metadata.canonical_url)


def own_article(entry: Entry) -> str:
    """The article that an entry's own link names, whatever it was found to lead to once."""
    return _article_at(entry.url) if entry.url else entry.article_id


_article_at = lru_cache(maxsize=256)(identity.article_id)  # asked for twice in a batch


def at_home(draft: Draft, revisions: Revisions) -> Draft:
    """The draft as its own article's where it was found to lead to another's once, and does so no longer.

    Otherwise a link that had led to another feed's article for a while could go on to put its own words there.
    """
    entry = draft.pending.entry
    own = own_article(entry)
    if own == entry.article_id or revisions.is_home(entry.article_id, addresses_of(draft)):
        return draft
    return replace(draft, pending=replace(draft.pending, entry=replace(entry, article_id=own), siblings=()))


def _addresses(*urls: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for url in urls if url for address in (url, other_scheme(url))))


def _is_named_alike(draft: Draft) -> bool:
    """Whether the feed calls the entry what its page calls itself."""
    said, shown = fold_form(draft.pending.entry.title or ""), fold_form(draft.metadata.title or "")
    short, long = sorted((said, shown), key=len)
    return said == shown or (len(short) >= SHORTEST_TITLE and short in long)
