"""The duplicate filter: repeated paragraphs go, each with a note of where its text stands, and can be put back. Pure.

Only a paragraph whose text is exactly another's goes (``storage.fingerprints``). One that equals another but for case,
quotes, dashes and the like stays, and is noted. A fingerprint never decides that a text goes: the texts themselves are
compared, so that a hash accident costs nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.fingerprints import exact, fold_form
from storage.model import Near, Removal, Scope, Standing

_SHORT = 40
"""Characters up to which a repeated line may be meant: ``Oui.`` in an interview."""


@dataclass(frozen=True, slots=True)
class Learned:
    """From when on a paragraph at the head or tail of a feed's articles is boilerplate."""

    articles: int = 5
    """Distinct articles of the feed, at whose head (or tail) it has stood,"""
    days: int = 3
    """archived on at least so many days."""


class Elsewhere(Protocol):
    """What the filter asks about the articles archived before, the earlier revisions of its own left out."""

    def standing(self, text: str) -> Standing | None:
        """Where this very text stands first; None where it never stood. The texts have been compared."""

    def alike(self, text: str) -> Standing | None:
        """Where a text stands first that equals this one but for typography; None where none does."""

    def is_boilerplate(self, text: str, position: int, total: int) -> bool:
        """Whether the feed has shown this text to be boilerplate, where it stands now: ``position`` of ``total``."""


class Nowhere:
    """No other article is known."""

    def standing(self, text: str) -> None:
        """It stands nowhere."""

    def alike(self, text: str) -> None:
        """Nor does another spelling."""

    def is_boilerplate(self, text: str, position: int, total: int) -> bool:  # noqa: ARG002
        """Nothing has been learned."""
        return False


@dataclass(frozen=True, slots=True)
class Filtered:
    """An article's paragraphs after the filter: ``kept`` with each of ``removed`` put back is what went in."""

    kept: tuple[str, ...]
    removed: tuple[Removal, ...]
    near: tuple[Near, ...]


def filter_article(
    paragraphs: Sequence[str],
    *,
    article_id: str,
    revision: int,
    scope: Scope,
    names: Collection[str],
    elsewhere: Elsewhere | None = None,
) -> Filtered:
    """Remove what an article repeats: of itself, and as far as ``scope`` goes, of others.

    Inside the article the first of equal paragraphs stays, those after it go. What the feed has shown to be boilerplate
    goes from ``Scope.BOILERPLATE`` on, what is known from any other article with ``Scope.ALL``. A line of 40 characters
    or fewer goes only if it is one of ``names`` or boilerplate. A paragraph that equals another but for its typography
    stays, with a note; and so does one that differs in white space alone, for putting the other back would not restore
    it. Every removal refers to where the text was kept.

    Args:
        paragraphs: The full article, one line each.
        article_id: The article's id, for removals and notes to point to.
        revision: Its revision.
        scope: ``Scope.OFF`` removes nothing; notes are made all the same.
        names: What the feed and its site call themselves; case and typography do not matter.
        elsewhere: The other articles; None: there are none.
    """
    work = _Filter(paragraphs, article_id, revision, scope, {fold_form(name) for name in names}, elsewhere or Nowhere())
    return work.filtered()


class _Filter:
    def __init__(
        self,
        paragraphs: Sequence[str],
        article_id: str,
        revision: int,
        scope: Scope,
        names: Collection[str],
        elsewhere: Elsewhere,
    ) -> None:
        self._paragraphs = paragraphs
        self._article_id = article_id
        self._revision = revision
        self._scope = scope
        self._names = names
        self._elsewhere = elsewhere
        self._first: dict[str, int] = {}
        self._first_folded: dict[str, int] = {}
        self._gone: dict[int, Removal] = {}

    def filtered(self) -> Filtered:
        near = []
        for position, paragraph in enumerate(self._paragraphs):
            folded = fold_form(paragraph)
            at = self._first.setdefault(paragraph, position)
            near_at = self._first_folded.setdefault(folded, position)
            removal = self._removal(position, paragraph, folded, at)
            if removal is not None:
                self._gone[position] = removal
            elif at == position and (note := self._note(position, paragraph, near_at)) is not None:
                near.append(note)
        kept = (text for position, text in enumerate(self._paragraphs) if position not in self._gone)
        return Filtered(tuple(kept), tuple(self._gone.values()), tuple(near))

    def _removal(self, position: int, paragraph: str, folded: str, at: int) -> Removal | None:
        """Why and in favour of what a paragraph goes; None: it stays."""
        if self._scope is Scope.OFF:
            return None
        looks_beyond = self._scope in (Scope.BOILERPLATE, Scope.ALL)
        is_boilerplate = looks_beyond and self._elsewhere.is_boilerplate(paragraph, position, len(self._paragraphs))
        if len(paragraph) <= _SHORT and folded not in self._names and not is_boilerplate:
            return None
        if at < position:
            if (first := self._gone.get(at)) is not None:
                return self._because(first.reason, position, paragraph, Standing(first.id, first.revision, first.at))
            return self._because("repeat", position, paragraph, Standing(self._article_id, self._revision, at))
        if is_boilerplate or self._scope is Scope.ALL:
            standing = self._elsewhere.standing(paragraph)
            if standing is not None:
                return self._because("boilerplate" if is_boilerplate else "known", position, paragraph, standing)
        return None

    def _because(self, reason: str, position: int, paragraph: str, standing: Standing) -> Removal:
        return Removal(position, reason, standing.id, standing.revision, standing.at, exact(paragraph).hex())

    def _note(self, position: int, paragraph: str, near_at: int) -> Near | None:
        """Which other spelling a paragraph that stays has; of another article, only where it is more than a line."""
        if near_at < position:
            first = self._gone.get(near_at)
            if first is None:
                return Near(position, self._article_id, self._revision, near_at)
            return Near(position, first.id, first.revision, first.at)
        other = self._elsewhere.alike(paragraph) if len(paragraph) > _SHORT else None
        return Near(position, other.id, other.revision, other.at) if other is not None else None
