"""The part of the paragraph index that a batch touches, and what its records add to it. Pure.

The index says of every text that ever stood in the archive where it stands first, and of every one that stood in
several articles, in how many of which feed. It is made of records alone, in the order in which they were archived: so
a database that has to learn it again from the files comes to the same.

    store.paragraphs(…) → Paragraphs → find, recurrence → the duplicate filter → record → add → store.commit_articles
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from storage.fingerprints import Fingerprint
from storage.forms import Forms
from storage.model import Article, Recurrence, Removal, Standing
from storage.occurrences import KEY, Occurrence, first_of_each, occurrences_in, split_keys
from storage.sketches import Sketch, sketch

EDGE = 5
"""How many paragraphs, from an article's first or last, are its head or tail."""


class Row(NamedTuple):
    """Where a text stands first, and what tells it from others of the same key."""

    check: bytes
    number: int
    """Of the article version."""
    at: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A text that has stood in several articles: where it stands first, and how often it came again, by feed."""

    row: Row
    feeds: dict[str, Recurrence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indexed:
    """An article version as the index knows it."""

    id: str
    revision: int
    feed: str
    day: int
    """On which it was archived, as ``date.toordinal``."""
    keys: bytes
    """Of its full text's paragraphs, in order, one behind the other: their exact keys."""

    def is_at_head(self, key: bytes) -> bool:
        """Whether a text of this key stands among the first paragraphs."""
        return key in split_keys(self.keys[: EDGE * KEY])

    def is_at_tail(self, key: bytes) -> bool:
        """Whether one stands among the last."""
        return key in split_keys(self.keys[-EDGE * KEY :])


@dataclass(frozen=True, slots=True)
class Version:
    """An article version of which only the fingerprints of its full text are at hand."""

    id: str
    revision: int
    feed: str
    day: int
    """On which it counts, as ``date.toordinal``."""
    texts: tuple[Fingerprint, ...]
    """Of all its paragraphs, in order."""
    sketch: Sketch | None = None
    """Of its full text, where that is long enough."""


@dataclass(slots=True)
class Rows:
    """Rows of the index: those that a store has of what a batch may touch, or those that a batch adds and changes."""

    folds: dict[bytes, Row] = field(default_factory=dict)
    """The first text of each fold, by the fold's key; checks are exact keys."""
    spellings: dict[bytes, Row] = field(default_factory=dict)
    """Other texts of folds that are there, by exact key; checks are the rest of exact fingerprints."""
    repeats: dict[bytes, Repeat] = field(default_factory=dict)
    """By exact key; checks are the rest of exact fingerprints. What a batch changes has only the feeds it changes."""
    indexed: dict[int, Indexed] = field(default_factory=dict)
    """Article versions by number."""
    sketches: dict[int, Sketch] = field(default_factory=dict)
    """Those of article versions that a batch adds, by number; of texts that are long enough."""


class Paragraphs:
    """The index as a batch sees it: what the store has, and what the batch's own records have added.

    Args:
        known: What the store has of the batch's texts; all article versions that its rows name, and all versions of
            the batch's own articles.
        next_number: What the next article version is numbered.
    """

    def __init__(self, known: Rows, next_number: int) -> None:
        self._rows = known
        self._next = next_number
        self._numbers = {(one.id, one.revision): number for number, one in known.indexed.items()}
        self._versions: dict[str, list[Indexed]] = {}
        for one in known.indexed.values():
            self._versions.setdefault(one.id, []).append(one)
        self.changes = Rows()
        """What ``add`` has added and changed, for the store to keep."""

    def find(self, text: Fingerprint) -> Standing | None:
        """Where a text stands first; None where it never stood, or the hash of another is in its place."""
        row = self._find(text)
        return self._standing(row) if row is not None else None

    def alike(self, text: Fingerprint) -> Standing | None:
        """Where the first text of the same fold stands, however it is spelled; None where there is none."""
        row = self._rows.folds.get(text.fold[:KEY])
        return self._standing(row) if row is not None else None

    def recurrences(self, text: Fingerprint) -> Collection[Recurrence]:
        """In how many articles of each feed a text has stood, from its second article on; before that, nothing."""
        repeat = self._repeat(text)
        return repeat.feeds.values() if repeat is not None else ()

    def recurrence(self, text: Fingerprint, feed: str) -> Recurrence | None:
        """The same of one feed; None where the text has not stood in its articles, or in a single article only."""
        repeat = self._repeat(text)
        return repeat.feeds.get(feed) if repeat is not None else None

    def elsewhere(self, article_id: str, text: Fingerprint) -> Standing | None:
        """Where a text stands first, if that is in another article than this."""
        row = self._find(text)
        return self._standing(row) if row is not None and self._rows.indexed[row.number].id != article_id else None

    def stood_in(self, article_id: str, text: Fingerprint) -> "Indexed | None":
        """The first version of an article that has a text, as far as the article's versions were asked for."""
        key = text.exact[:KEY]
        return next((one for one in self._versions.get(article_id, ()) if key in split_keys(one.keys)), None)

    def number(self, article: Article) -> int | None:
        """The number of an article version; None of one that is neither known nor added."""
        return self._numbers.get((article.id, article.revision))

    def sketch(self, article: Article) -> Sketch | None:
        """The sketch of an article version that was added; None where its text is too short."""
        number = self.number(article)
        return self.changes.sketches.get(number) if number is not None else None

    def add(self, article: Article, *, day: int | None = None, forms: Forms | None = None) -> None:
        """Take in a record, after those that were archived before it.

        Args:
            article: The record.
            day: On which it counts, as ``date.toordinal``; None: the UTC day on which it was archived.
            forms: Of its full text, where they are at hand: what they say is not made again.
        """
        day = day_of(article.archived) if day is None else day
        number = self._add(article.id, article.revision, article.feed, day, occurrences_in(article, forms))
        is_whole = forms is not None and not article.removed
        if (sketched := forms.sketch if forms is not None and is_whole else sketch(article.text)) is not None:
            self.changes.sketches[number] = sketched

    def add_version(self, version: Version) -> None:
        """Take in an article version whose every text is known, after those that come before it."""
        occurrences: list[tuple[bytes, Occurrence]] = [
            (text.exact[:KEY], (text, at)) for at, text in enumerate(version.texts)
        ]
        number = self._add(version.id, version.revision, version.feed, version.day, occurrences)
        if version.sketch is not None:
            self.changes.sketches[number] = version.sketch

    def _add(
        self, id_: str, revision: int, feed: str, day: int, occurrences: Collection[tuple[bytes, Occurrence]]
    ) -> int:
        indexed = Indexed(id_, revision, feed, day, b"".join(key for key, _ in occurrences))
        earlier = {key for one in self._versions.get(id_, ()) for key in split_keys(one.keys)}
        number = self._numbers.get((id_, revision), self._next)  # known already, it is only indexed now
        self._next = max(self._next, number + 1)
        self._rows.indexed[number] = self.changes.indexed[number] = indexed
        self._numbers[id_, revision] = number
        self._versions.setdefault(id_, []).append(indexed)
        for key, occurrence in first_of_each(occurrences):
            if isinstance(occurrence, Removal):
                row, check = self._row_of(key, occurrence), bytes.fromhex(occurrence.hash)[KEY:]
            else:
                text, at = occurrence
                row, check = self._find(text), text.exact[KEY:]
                if row is None:
                    self._put(text, number, at)
            if row is not None and row.number != number and key not in earlier:
                self._count(key, row._replace(check=check), indexed)
        return number

    # -- where a text stands -------------------------------------------------------------------------------------------

    def _repeat(self, text: Fingerprint) -> Repeat | None:
        repeat = self._rows.repeats.get(text.exact[:KEY])
        return repeat if repeat is not None and repeat.row.check == text.exact[KEY:] else None

    def _find(self, text: Fingerprint) -> Row | None:
        row = self._rows.folds.get(text.fold[:KEY])
        if row is None or row.check == text.exact[:KEY]:
            return row
        row = self._rows.spellings.get(text.exact[:KEY])
        return row if row is not None and row.check == text.exact[KEY:] else None

    def _row_of(self, key: bytes, removal: Removal) -> Row | None:
        """Of a text that was removed, and is known by its hash alone; None where what it refers to is lost."""
        if (repeat := self._rows.repeats.get(key)) is not None:
            return repeat.row
        number = self._numbers.get((removal.id, removal.revision))
        return Row(b"", number, removal.at) if number is not None else None

    def _put(self, text: Fingerprint, number: int, at: int) -> None:
        fold, exact = text.fold[:KEY], text.exact[:KEY]
        if fold not in self._rows.folds:
            self._rows.folds[fold] = self.changes.folds[fold] = Row(exact, number, at)
        elif exact not in self._rows.spellings:  # or it is a hash accident: the first keeps its place
            self._rows.spellings[exact] = self.changes.spellings[exact] = Row(text.exact[KEY:], number, at)

    def _standing(self, row: Row) -> Standing:
        indexed = self._rows.indexed[row.number]
        return Standing(indexed.id, indexed.revision, row.at)

    # -- how often it came ---------------------------------------------------------------------------------------------

    def _count(self, key: bytes, row: Row, indexed: Indexed) -> None:
        repeat = self._rows.repeats.get(key)
        if repeat is not None and repeat.row.check != row.check:
            return  # a hash accident
        changed = self.changes.repeats.setdefault(key, Repeat(row if repeat is None else repeat.row))
        if repeat is None:
            repeat = self._rows.repeats[key] = Repeat(row)
            first = self._rows.indexed[row.number]
            repeat.feeds[first.feed] = changed.feeds[first.feed] = _counted(None, key, first)
        counted = _counted(repeat.feeds.get(indexed.feed), key, indexed)
        repeat.feeds[indexed.feed] = changed.feeds[indexed.feed] = counted


def _counted(before: Recurrence | None, key: bytes, article: Indexed) -> Recurrence:
    head, tail = article.is_at_head(key), article.is_at_tail(key)
    if before is None:
        return Recurrence(article.feed, 1, 1, article.day, int(head), int(tail))
    return Recurrence(
        article.feed,
        before.articles + 1,
        before.days + (article.day != before.last_day),  # a clock that was wrong must not stop the count
        article.day,
        before.head + head,
        before.tail + tail,
    )


def day_of(moment: datetime) -> int:
    """The UTC day of a moment, as ``date.toordinal``."""
    return moment.astimezone(UTC).toordinal()
