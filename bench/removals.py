"""What the duplicate filter removes of real feeds and pages, under each scope; and that all of it can be put back.

    python bench/removals.py [../shared/data] [--list FILE]

Each corpus (``bench/corpora.py``) gets an archive of its own under each scope: the real archivist, store, index and
files, in order of publication, the clock on each article's day. There are no rules here, only reading and counting.
``--list`` writes each removal as a line of tab-separated values: scope, reason, corpus, feed, text.
"""

import argparse
import asyncio
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from corpora import Corpus, corpora, text_of

from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.articles.page import Metadata
from service.articles.paragraphs import Learned
from service.offload import OneThread
from storage.archive import Archive
from storage.card import write_card
from storage.database import open_database
from storage.errors import CorruptArchiveError
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
from storage.verify import verify

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BATCH = 50
"""Articles in a commit, as the service has it."""

Full = dict[tuple[str, int], Sequence[str]]
"""All paragraphs that went into the archive, by article and revision."""


@dataclass
class Tally:
    """What came of a corpus under one scope."""

    articles: int = 0
    """Versions of articles: records."""
    paragraphs: int = 0
    characters: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Paragraphs removed."""
    gone: int = 0
    """Their characters."""
    emptied: int = 0
    near: int = 0
    also_near: int = 0
    failures: int = 0
    """Records whose full text is not rebuilt exactly, and what ``veille verify`` finds."""
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    """Of each removal: reason, feed, text."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))

    def count(self, article: Article, wanted: Sequence[str], rebuilt: Sequence[str] | None) -> None:
        """Count a record, whose paragraphs went in as ``wanted`` and came back as ``rebuilt``."""
        self.articles += 1
        self.paragraphs += len(wanted)
        self.characters += sum(map(len, wanted))
        for removal in article.removed:
            self.reasons[removal.reason] += 1
            self.gone += len(wanted[removal.position])
            self.texts.append((removal.reason, article.feed, wanted[removal.position]))
        self.emptied += not article.text
        self.near += len(article.near)
        self.also_near += len(article.also_near)
        self.failures += rebuilt != list(wanted)


def main() -> None:
    """Archive everything under each scope, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="the collection; ../shared/data by default")
    parser.add_argument("--list", type=Path, metavar="FILE", help="where to write every removal")
    options = parser.parse_args()
    print(f"{options.data}; Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print("| corpus | days | articles | paragraphs | article | boilerplate | all | % of characters | near | links |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    sums = {scope: Tally() for scope in Scope}
    listed, untouched = [], 0
    for corpus in corpora(options.data):
        tallies = {scope: fill(corpus, scope) for scope in Scope}
        for scope, tally in tallies.items():
            sums[scope] += tally
            listed += [(scope.value, reason, corpus.name, *where) for reason, *where in tally.texts]
        if tallies[Scope.ALL].reasons:
            print_row(corpus.name, corpus.days, tallies)
        else:
            untouched += 1
    print_row("**all**", f"{untouched} corpora without removals not shown", sums)
    print_sums(sums)
    if options.list:
        lines = ("\t".join(value.replace("\t", " ") for value in line) for line in listed)
        options.list.write_text("\n".join(lines) + "\n", encoding="utf-8")


# -- archiving ---------------------------------------------------------------------------------------------------------


def fill(corpus: Corpus, scope: Scope) -> Tally:
    """Archive a corpus, read the archive again, and count."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_card(directory)
        with (
            closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as store,
            closing(Archive.open(directory, store, min(corpus.listed))) as archive,
            closing(OneThread("storage")) as thread,
        ):
            clock = [min(corpus.listed)]
            archivist = Archivist(store, archive, thread, scope=scope, learned=Learned(), clock=lambda: clock[0])
            full: Full = {}
            versions: dict[tuple[str, str], NewEntry] = {}
            for clock[0], feeds in sorted(corpus.listed.items()):
                for poll in polls(corpus, clock[0], feeds, versions):
                    store.commit_poll(poll)
                full |= asyncio.run(archive_pending(corpus, archivist, clock[0]))
            find = finder(archive.read, store)
            for _, article in archive.records():
                try:
                    rebuilt = full_paragraphs(article, find)
                except CorruptArchiveError:
                    rebuilt = None
                tally.count(article, full.pop((article.id, article.revision)), rebuilt)
            tally.failures += len(full) + len(list(verify(directory, store, patience=0)))
    return tally


def polls(
    corpus: Corpus, at: datetime, feeds: Mapping[str, Sequence[Entry]], versions: dict[tuple[str, str], NewEntry]
) -> Iterator[Poll]:
    """A poll of each feed, with the entries that are new or have changed."""
    for feed, entries in feeds.items():
        new = []
        for entry in entries:
            before = versions.get((feed, entry.key))
            if before is None or before.entry.content_hash != entry.content_hash:
                version = versions[feed, entry.key] = NewEntry(entry, before.version + 1 if before else 1)
                new.append(version)
        state = FeedState(feed, f"https://feeds.example/{feed}", title=corpus.title)
        yield Poll(feed, at, state, entries=tuple(new))


async def archive_pending(corpus: Corpus, archivist: Archivist, at: datetime) -> Full:
    """Archive what waits; returns all paragraphs of what was archived."""
    full: Full = {}
    while hosts := await archivist.pending_hosts():
        pending = [one for host in hosts for one in await archivist.pending(host, BATCH, 0)]
        drafts = [draft(corpus, one, at) for one in pending[:BATCH]]
        for given, result in zip(drafts, await archivist.archive(drafts), strict=True):
            if isinstance(result, Archived):
                full[result.article.id, result.article.revision] = given.paragraphs
    return full


def draft(corpus: Corpus, pending: PendingEntry, at: datetime) -> Draft:
    """An entry, read."""
    page = corpus.pages.get(pending.entry.url or "")
    paragraphs = page.paragraphs if page else text_of(pending.entry)
    return Draft(
        pending=pending,
        feed=Feed(pending.feed, pending.feed_url),
        paragraphs=paragraphs,
        forms=forms_of(paragraphs),
        text_source="page" if page else "feed",
        metadata=page.metadata if page else Metadata(),
        summary=None,
        extractor=page.extractor if page else ExtractorFacts("feed", "1"),
        rights=Rights(),
        http=HttpFacts(),
        url=pending.entry.url,
        fetched=at,
    )


# -- printing ----------------------------------------------------------------------------------------------------------

REMOVING = (Scope.ARTICLE, Scope.BOILERPLATE, Scope.ALL)


def print_row(name: str, days: str, tallies: Mapping[Scope, Tally]) -> None:
    """A corpus under each scope; notes and links under the default one."""
    default = tallies[Scope.BOILERPLATE]
    removed = " | ".join(str(tallies[scope].reasons.total()) for scope in REMOVING)
    shares = " / ".join(f"{share(tallies[scope]):.2f}" for scope in REMOVING)
    counts = f"{default.articles} | {default.paragraphs} | {removed} | {shares} | {default.near} | {default.also_near}"
    print(f"| {name[:32].strip()} | {days} | {counts} |", flush=True)


def share(tally: Tally) -> float:
    """How much of the text went, in per cent."""
    return 100 * tally.gone / max(1, tally.characters)


def print_sums(sums: Mapping[Scope, Tally]) -> None:
    """What all came to, by scope."""
    print("\n| scope | repeat | boilerplate | known | % of characters | emptied | near | links | not rebuilt |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for scope, tally in sums.items():
        reasons = " | ".join(str(tally.reasons[reason]) for reason in ("repeat", "boilerplate", "known"))
        rest = f"{tally.emptied} | {tally.near} | {tally.also_near} | {tally.failures} of {tally.articles}"
        print(f"| {scope} | {reasons} | {share(tally):.3f} | {rest} |")


if __name__ == "__main__":
    main()
