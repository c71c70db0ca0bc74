"""The archive as it would be had the duplicate filter known all of it from the first record on, under another scope.

    every record, oldest file first → its full paragraphs → ranked on scratch → the index of all texts, by rank
    every record, by its turn       → its full paragraphs → the filter over that index → Rescoped

What comes out depends on the records alone, not on the order in which they were archived. The archive is only read.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from service.articles.paragraphs import Learned, filter_article
from service.elsewhere import AllArticles
from service.nearness import near_articles
from storage.connection import batches
from storage.errors import CorruptArchiveError, SchemaError, StorageError
from storage.fingerprints import NORMALISER, Fingerprint, fingerprint
from storage.model import ArchivedRevision, Article, Place, Scope, Standing
from storage.paragraphs import Paragraphs
from storage.ranks import Ranks
from storage.rebuild import full_paragraphs
from storage.references import finder
from storage.segments import ARTICLES, Reader
from storage.store import Store

BATCH = 100
"""Records whose texts are looked up at once."""

Step = Callable[[str, int], None]
"""Hears what is done, and of how many records by now."""
LeaveOut = Callable[[str], None]
"""Hears of a record, or of a file of them, that cannot be read or rebuilt, and why: one line."""


@dataclass(frozen=True, slots=True)
class Rescoped:
    """A record, and what becomes of it."""

    before: Article
    after: Article
    paragraphs: Sequence[str]
    """Of the full article."""


class Rescoping:
    """Applies a scope to all of an archive. Used from one thread, once: ``rank``, then ``records``.

    Args:
        directory: The data directory.
        store: Its store, read only if need be. What it has committed by the beginning is what counts.
        ranks: Empty yet.
        scope: What is asked for, whatever single feeds are set to.
        learned: From when on, counted over all the archive, a paragraph is a feed's boilerplate.
        names: What the feed and site of an article call themselves.
        leave_out: Hears of what cannot be read.
        step: Hears how it goes on.
    """

    def __init__(
        self,
        directory: Path,
        store: Store,
        ranks: Ranks,
        *,
        scope: Scope,
        learned: Learned,
        names: Callable[[Article], Collection[str]],
        leave_out: LeaveOut,
        step: Step = lambda _what, _done: None,
    ) -> None:
        self._directory = directory
        self._store = store
        self._ranks = ranks
        self._scope = scope
        self._learned = learned
        self._names = names
        self._leave_out = leave_out
        self._step = step
        self._read = Reader(directory, store).read
        self._find = finder(self._read, store)
        self._text_at = lru_cache(maxsize=4096)(self._text)
        self._paragraphs_of = lru_cache(maxsize=256)(self._full)

    def rank(self) -> None:
        """Read every record, and index the texts of all that can be read.

        Raises:
            StorageError: the database or the scratch fails.
        """
        for done in self._ranks.add(self._readable()):
            self._step("read", done)
        for done in self._ranks.index(articles_to_learn=self._learned.articles):
            self._step("compared", done)

    def records(self) -> Iterator[Rescoped]:
        """Every record that was ranked, by its turn, as the scope makes it.

        Raises:
            StorageError: the database or the scratch fails, or a record that could be read before cannot be any more:
                others may refer to it.
        """
        done = 0
        for some in batches(self._ranks.turns(), BATCH):
            articles = [self._read(place) for place, _ in some]
            full = [full_paragraphs(article, self._find) for article in articles]
            texts = [tuple(map(fingerprint, paragraphs)) for paragraphs in full]
            index = self._ranks.paragraphs({text for one in texts for text in one}, ())
            sketched = self._ranks.sketched({band for _, sketch in some if sketch for band in sketch.bands})
            for article, paragraphs, printed, (_, sketch) in zip(articles, full, texts, some, strict=True):
                near = near_articles(
                    article,
                    paragraphs,
                    texts=printed,
                    index=index,
                    sketch=sketch,
                    sketched=sketched,
                    text_of=self._paragraphs_of,
                )
                yield Rescoped(
                    article, replace(self._filtered(article, paragraphs, printed, index), also_near=near), paragraphs
                )
            done += len(some)
            self._step("filtered", done)

    def articles(self) -> tuple[Mapping[str, int], int]:
        """How many articles were ranked, by feed and in all; versions do not count. Raises StorageError."""
        return self._ranks.articles()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _readable(self) -> Iterator[tuple[Article, Place, Sequence[str]]]:
        committed = {
            file: end for file, end in self._store.committed_files().items() if file.startswith(f"{ARTICLES}/")
        }
        for file in sorted(committed):
            if not any((self._directory / name).exists() for name in (file, f"{file}.gz")):
                self._leave_out(f"{file}: the file is missing")
                continue
            for known in self._known_in(file, committed[file]):
                try:
                    yield self._whole(known)
                except StorageError as error:
                    if not _is_of_the_files(error):
                        raise
                    name, why = f"{known.id} revision {known.revision}", str(error)
                    what = why if why.startswith(name) else f"{name}: {why}"
                    self._leave_out(f"{file}, byte {known.place.offset}: {what}")

    def _known_in(self, file: str, end: int) -> Iterator[ArchivedRevision]:
        start = 0
        while some := self._store.records_in(file, start, BATCH):
            for known in some:
                if known.place.offset >= end:
                    return
                yield known
            start = some[-1].place.offset + 1

    def _whole(self, known: ArchivedRevision) -> tuple[Article, Place, Sequence[str]]:
        article = self._read(known.place)
        if (article.id, article.revision) != (known.id, known.revision):
            raise CorruptArchiveError(f"{article.id} revision {article.revision} stands in its place")
        return article, known.place, full_paragraphs(article, self._find)

    def _full(self, article_id: str, revision: int) -> Sequence[str]:
        return full_paragraphs(self._find(article_id, revision), self._find)

    def _text(self, standing: Standing) -> str:
        """The archive itself may have removed it where it stands first by rank: so the full article has it."""
        return self._paragraphs_of(standing.id, standing.revision)[standing.at]

    # -- filtering -----------------------------------------------------------------------------------------------------

    def _filtered(
        self, article: Article, paragraphs: Sequence[str], texts: Sequence[Fingerprint], index: Paragraphs
    ) -> Article:
        others = AllArticles(index, self._text_at, article_id=article.id, feed=article.feed, learned=self._learned)
        filtered = filter_article(
            paragraphs,
            article_id=article.id,
            revision=article.revision,
            scope=self._scope,
            names=self._names(article),
            elsewhere=others,
            texts=texts,
        )
        return replace(
            article,
            text="\n".join(filtered.kept),
            removed=filtered.removed,
            near=filtered.near,
            normaliser=NORMALISER,
        )


def _is_of_the_files(error: StorageError) -> bool:
    """Whether a file of records is at fault: another may be well."""
    return isinstance(error, CorruptArchiveError | SchemaError) or isinstance(error.__cause__, OSError)
