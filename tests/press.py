"""Articles that say what a test wants them to, archived by the real archivist, day by day, without network or pages."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from articles import NOON, digest
from holdings import new_store

from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.articles.page import Metadata
from service.articles.paragraphs import Learned
from service.offload import OneThread
from service.reading import Ended
from storage.archive import Archive
from storage.database import Database
from storage.forms import forms_of
from storage.model import (
    Article,
    Entry,
    ExtractorFacts,
    Feed,
    FeedState,
    HttpFacts,
    NewEntry,
    PendingEntry,
    Poll,
    Rights,
    Scope,
)
from storage.rebuild import full_paragraphs
from storage.references import finder

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Story:
    """What is to be archived: ``name`` gives the article its id and address."""

    name: str
    paragraphs: Sequence[str]
    feed: str = "rfi"
    published: datetime | None = None
    language: str = "fr"
    dedup: Scope | None = None
    """What its feed is set to."""


@dataclass
class Press:
    """An archive, and the archivist that fills it."""

    directory: Path
    scope: Scope = Scope.BOILERPLATE
    learned: Learned = Learned()  # noqa: RUF009 - frozen
    now: datetime = NOON
    store: Database = field(init=False)
    archive: Archive = field(init=False)
    results: list[Archived | Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.store = new_store(self.directory)
        self._open()

    def _open(self) -> None:
        self.archive = Archive.open(self.directory, self.store, self.now)
        self._thread = OneThread("storage")
        self._archivist = Archivist(
            self.store,
            self.archive,
            self._thread,
            scope=self.scope,
            learned=self.learned,
            clock=lambda: self.now,
        )

    def print(self, *stories: Story) -> list[Article]:
        """Archive stories as one batch; returns their records."""
        drafts = [self._draft(story) for story in stories]
        self.results = asyncio.run(self._archivist.archive(drafts))
        return [result.article for result in self.results if isinstance(result, Archived)]

    def one(self, name: str, *paragraphs: str, feed: str = "rfi") -> Article:
        """Archive one story."""
        (article,) = self.print(Story(name, paragraphs, feed))
        return article

    def next_day(self) -> None:
        """Let it be the same time, tomorrow."""
        self.now += DAY

    def full(self, article: Article) -> list[str]:
        """All its paragraphs, put back out of the archive."""
        return full_paragraphs(article, finder(self.archive.read, self.store))

    def reopen(self) -> None:
        """As a restart does."""
        self._let_go()
        self._open()

    def close(self) -> None:
        """Let go of everything."""
        self._let_go()
        self.store.close()

    def _let_go(self) -> None:
        self._thread.close()
        self.archive.close()

    def _draft(self, story: Story) -> Draft:
        entry = Entry(
            key=story.name,
            article_id=digest(story.name),
            content_hash=digest("\n".join(story.paragraphs)),
            guid=story.name,
            url=f"https://news.test/{story.name}",
            title=story.name,
            published=story.published,
        )
        version = 1 + sum(self.store.ledger()[story.feed].counts.values()) if story.feed in self.store.ledger() else 1
        state = FeedState(story.feed, f"https://news.test/{story.feed}/rss")
        self.store.commit_poll(Poll(story.feed, self.now, state, entries=(NewEntry(entry, version),)))
        number = sum(sum(ledger.counts.values()) for ledger in self.store.ledger().values())  # they count from 1
        pending = PendingEntry(number, story.feed, state.url, version, entry, self.now)
        return Draft(
            pending=pending,
            feed=Feed(story.feed, state.url, dedup=story.dedup),
            paragraphs=tuple(story.paragraphs),
            forms=forms_of(story.paragraphs),
            text_source="page",
            metadata=Metadata(title=story.name, language=story.language),
            summary=None,
            extractor=ExtractorFacts("trafilatura", "2"),
            rights=Rights(),
            http=HttpFacts(),
            url=entry.url,
            fetched=self.now,
        )
