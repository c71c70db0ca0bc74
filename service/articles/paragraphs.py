"""The duplicate filter: repeated paragraphs go, each with a note of where its text stands, and can be put back. Pure.

Only a paragraph whose text is exactly another's goes (``storage.fingerprints``). One that equals another but for case,
quotes, dashes and the like stays, and is noted. A fingerprint never decides that a text goes: the texts themselves are
compared, so that a hash accident costs nothing.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.fingerprints import Fingerprint, fingerprint, fold_form
from storage.model import Near, Removal, Scope, Standing

_SHORT = 40
"""Characters up to which a repeated line may be meant: ``Oui.`` in an interview."""

_SENTENCE = 100
"""Characters up to which a longer one must end a sentence: others are links, headings, lines of code or of a log."""

_WORDS = 0.92
"""The least share of letters, digits, marks and spaces in one that is longer still and ends none: it is code below."""

_PLACES = 2
"""Separate places at which an article may repeat itself by mistake; who does so at more means it: a form, a refrain."""

_ENDS = tuple(".!?…‽؟۔।॥။።។៕᠃᠉⁇⁈⁉。．！？｡")
"""Sentence_Terminal of Unicode (UAX #44), the living scripts of it."""

_CLOSERS = "\"«‹„“‘'’”»›)]}」』）》"
"""What may follow them."""

_ITEM = re.compile(r"[-*•‣▪◦·–—]\s|\|")
"""How an item of a list, a row of a table or a signature begins: it belongs to what it is listed under."""

_COLONS = (":", "：", "៖")


@dataclass(frozen=True, slots=True)
class Learned:
    """From when on a paragraph at the head or tail of a feed's articles is boilerplate."""

    articles: int = 5
    """Distinct articles of the feed, at whose head (or tail) it has stood,"""
    days: int = 3
    """and days on which articles were archived in which it stood, wherever in them."""


class Elsewhere(Protocol):
    """What the filter asks about the articles archived before, the earlier revisions of its own left out."""

    def standing(self, text: str, printed: Fingerprint) -> Standing | None:
        """Where this very text stands first; None where it never stood. The texts have been compared."""

    def alike(self, printed: Fingerprint) -> Standing | None:
        """Where a text stands first that equals this one but for typography; None where none does."""

    def is_boilerplate(self, printed: Fingerprint, position: int, total: int) -> bool:
        """Whether the feed has shown this text to be boilerplate, where it stands now: ``position`` of ``total``."""


class Nowhere:
    """No other article is known."""

    def standing(self, text: str, printed: Fingerprint) -> None:
        """It stands nowhere."""

    def alike(self, printed: Fingerprint) -> None:
        """Nor does another spelling."""

    def is_boilerplate(self, printed: Fingerprint, position: int, total: int) -> bool:  # noqa: ARG002
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
    texts: Sequence[Fingerprint] | None = None,
) -> Filtered:
    """Remove what an article repeats: of itself, and as far as ``scope`` goes, of others.

    Inside the article the first of equal paragraphs stays, those after it go. What the feed has shown to be boilerplate
    goes from ``Scope.BOILERPLATE`` on, unless nothing would be left; what is known from any other article goes with
    ``Scope.ALL``. A line of 40 characters or fewer, or of 100 that ends no sentence, an item of a list, and what an
    article repeats at three places or more, may be meant: it goes only if it is one of ``names`` or boilerplate.

    A paragraph that equals another but for its typography stays, with a note; and so does one that differs from an
    earlier one of its article in white space alone, for putting that back would not restore it. Every removal refers to
    where the text was kept.

    Args:
        paragraphs: The full article, one line each.
        article_id: The article's id, for removals and notes to point to.
        revision: Its revision.
        scope: ``Scope.OFF`` removes nothing; notes are made all the same.
        names: What the feed and its site call themselves; case and typography do not matter.
        elsewhere: The other articles; None: there are none.
        texts: The paragraphs' fingerprints, where they are at hand.
    """
    texts = [fingerprint(text) for text in paragraphs] if texts is None else texts
    lines = _lines(paragraphs, texts, {fingerprint(name).fold: fold_form(name) for name in names})
    others = elsewhere or Nowhere()
    filtered = _Filter(lines, article_id, revision, scope, others).filtered()
    if scope is Scope.BOILERPLATE and not filtered.kept:
        return _Filter(lines, article_id, revision, Scope.ARTICLE, others).filtered()
    return filtered


@dataclass(slots=True)
class _Line:
    """A paragraph, and what is known of it inside its article."""

    position: int
    text: str
    printed: Fingerprint
    at: int
    """Where the same text stands first."""
    alike_at: int
    """Where one of the same fold does."""
    is_name: bool
    may_repeat: bool = False
    """Whether it says nothing where its own article has said it, at ``at``."""

    @property
    def may_go(self) -> bool:
        """Whether it says nothing where another article has said it."""
        return self.is_name or _is_prose(self.text)


def _lines(paragraphs: Sequence[str], texts: Sequence[Fingerprint], names: Mapping[bytes, str]) -> list[_Line]:
    """The lines of an article; ``names`` by fingerprint, folded."""
    first: dict[str, int] = {}
    first_folded: dict[bytes, int] = {}
    lines, repeats = [], []
    for position, (text, printed) in enumerate(zip(paragraphs, texts, strict=True)):
        at, alike_at = first.setdefault(text, position), first_folded.setdefault(printed.fold, position)
        if text != (other := paragraphs[alike_at]) and fold_form(text) != fold_form(other):
            alike_at = position  # a hash accident is not noted either
        is_name = printed.fold in names and fold_form(text) == names[printed.fold]
        lines.append(line := _Line(position, text, printed, at, alike_at, is_name))
        if at < position and line.may_go:
            line.may_repeat = True
            repeats.append(line)
    if _are_meant(repeats, lines):
        for line in repeats:
            line.may_repeat = line.is_name
    return lines


def _are_meant(repeats: Sequence[_Line], lines: Sequence[_Line]) -> bool:
    """Whether repeats stand at so many places that nobody made them by mistake; of names, that says nothing.

    A block that stands twice is one place, whatever is between its lines: all are as far from their first ones.
    """
    distances = {
        line.position - line.at
        for line in repeats
        if not line.is_name and not lines[line.position - 1].may_repeat and line.text != lines[line.position - 1].text
    }
    return len(distances) > _PLACES


def _is_prose(text: str) -> bool:
    if len(text) <= _SHORT or _ITEM.match(text):
        return False
    if text.rstrip(_CLOSERS).endswith(_ENDS):
        return True
    return len(text) > _SENTENCE and sum(map(_is_of_words, text)) >= _WORDS * len(text)


def _is_of_words(character: str) -> bool:
    return character.isalnum() or character.isspace() or unicodedata.category(character)[0] == "M"


class _Filter:
    def __init__(
        self, lines: Sequence[_Line], article_id: str, revision: int, scope: Scope, elsewhere: Elsewhere
    ) -> None:
        self._lines = lines
        self._article_id = article_id
        self._revision = revision
        self._scope = scope
        self._elsewhere = elsewhere
        self._gone: dict[int, Removal] = {}

    def filtered(self) -> Filtered:
        near = []
        boilerplate = self._boilerplate() if self._scope in (Scope.BOILERPLATE, Scope.ALL) else {}
        for line in self._lines:
            removal = self._removal(line, boilerplate.get(line.position)) if self._scope is not Scope.OFF else None
            if removal is not None:
                self._gone[line.position] = removal
            elif line.at == line.position and (note := self._note(line)) is not None:
                near.append(note)
        kept = (line.text for line in self._lines if line.position not in self._gone)
        return Filtered(tuple(kept), tuple(self._gone.values()), tuple(near))

    def _removal(self, line: _Line, boilerplate: Standing | None) -> Removal | None:
        """Why, and in favour of what, a paragraph goes; None: it stays."""
        if line.at < line.position and (line.may_repeat or boilerplate is not None):
            if (first := self._gone.get(line.at)) is not None:
                return self._because(first.reason, line, Standing(first.id, first.revision, first.at))
            return self._because("repeat", line, Standing(self._article_id, self._revision, line.at))
        if boilerplate is not None:
            return self._because("boilerplate", line, boilerplate)
        if self._scope is Scope.ALL and line.may_go and (standing := self._standing(line)) is not None:
            return self._because("known", line, standing)
        return None

    def _because(self, reason: str, line: _Line, standing: Standing) -> Removal:
        return Removal(line.position, reason, standing.id, standing.revision, standing.at, line.printed.exact.hex())

    def _note(self, line: _Line) -> Near | None:
        """Which other spelling a paragraph that stays has; of another article, only where it is more than a line."""
        if line.alike_at < line.position:
            first = self._gone.get(line.alike_at)
            if first is None:
                return Near(line.position, self._article_id, self._revision, line.alike_at)
            return Near(line.position, first.id, first.revision, first.at)
        other = self._elsewhere.alike(line.printed) if len(line.text) > _SHORT else None
        return Near(line.position, other.id, other.revision, other.at) if other is not None else None

    # -- boilerplate ---------------------------------------------------------------------------------------------------

    def _boilerplate(self) -> dict[int, Standing]:
        """Which paragraphs are the feed's boilerplate, by position, and where each stands.

        A short line is so only where all between it and the article's edge goes too: a heading of a regular column, or
        an answer, has a text of its own behind it. A line that ends in a colon goes only with what it announces.
        """
        learned = {line.position: standing for line in self._lines if (standing := self._learned(line)) is not None}
        if not learned:
            return learned
        goes = {line.position for line in self._lines if line.at < line.position and line.may_repeat}
        goes |= {position for position in learned if len(self._lines[position].text) > _SHORT}
        for inwards in (self._lines, self._lines[::-1]):
            for line in inwards:
                if line.position not in goes and line.position not in learned:
                    break
                goes.add(line.position)
        for line in reversed(self._lines[:-1]):
            if line.text.endswith(_COLONS) and line.position + 1 not in goes:
                goes.discard(line.position)
        return {position: standing for position, standing in learned.items() if position in goes}

    def _learned(self, line: _Line) -> Standing | None:
        if not self._elsewhere.is_boilerplate(line.printed, line.position, len(self._lines)):
            return None
        return self._standing(line) if any(map(str.isalpha, line.text)) else None

    def _standing(self, line: _Line) -> Standing | None:
        return self._elsewhere.standing(line.text, line.printed)
