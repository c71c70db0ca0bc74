"""Fills an archive without a network, and says what is durable: a process to be killed, starved and cut off.

    python -m faults.scribe DIRECTORY [ROUNDS]

It does what the service does, through the parts the service is made of: the directory is held, the archive recovered,
entries become pending (COMMIT 1), then records or failures (COMMIT 2). Its clock is the number of entries it has seen,
so that days end within seconds, and the next scribe goes on where the last one ended. A line on standard output
(see ``Said``) is an acknowledgement: what it names has been promised to be durable.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from articles import digest, make_article

from service.app import open_archive
from service.settings import Settings
from storage.archive import Archive
from storage.errors import LockedError, StorageError
from storage.model import Article, Entry, FeedState, NewEntry, Outcome, PendingEntry, Poll, Resolution
from storage.store import Store

FEED = "rfi-fr"
BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
PER_ENTRY = timedelta(minutes=10)
"""What the clock moves by for each entry: a day holds 144 of them."""
BATCHES = (1, 7, 3, 20, 2, 50, 12)
"""Entries per round, over and over."""


def settings(directory: Path) -> Settings:
    """Settings of an archive in ``directory``, whatever the environment says."""
    return Settings(_env_file=None, data_dir=directory)  # type: ignore[call-arg]


def entry(number: int) -> Entry:
    """The entry of a number; its guid and address are those of ``article``."""
    name = f"n{number}"
    return Entry(name, digest(name), digest(f"content of {name}"), f"guid of {name}", f"https://news.test/{name}")


def number_of(article: Article) -> int:
    """The number an article was made from."""
    return int(article.guid.removeprefix("guid of n"))


def article(number: int, at: datetime) -> Article:
    """The article of a number: from one to twenty kilobytes, and the same whoever makes it."""
    filler = f"{number} " * (number * 7919 % 4000)
    return make_article(f"n{number}", description=filler, first_seen=at, fetched=at, archived=at)


def fails(number: int) -> bool:
    """Whether this number's entry ends without an article."""
    return number % 11 == 5


@dataclass
class Said:
    """What a scribe has acknowledged, by number."""

    pending: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    last: str = ""
    """The last thing it said."""

    @classmethod
    def read(cls, path: Path) -> "Said":
        """From what scribes wrote to a file, one after another."""
        return cls.parse(path.read_text() if path.exists() else "")

    @classmethod
    def parse(cls, text: str) -> "Said":
        """From the lines of scribes; one that was not finished was not said."""
        said = cls()
        for line in text.split("\n")[:-1]:
            word, *numbers = line.split()
            if word in {"pending", "archived", "failed"}:
                getattr(said, word).update(map(int, numbers))
            said.last = word
        return said


class Scribe:
    """Writes to one open archive, a round at a time."""

    def __init__(self, store: Store, archive: Archive, say: Callable[[str], None]) -> None:
        self._store = store
        self._archive = archive
        self._say = say

    def round(self, number: int) -> None:
        """A poll with new entries, and then the end of each that is pending."""
        ledger = self._store.ledger().get(FEED)
        seen = sum(ledger.counts.values()) if ledger else 0
        fresh = range(seen, seen + BATCHES[number % len(BATCHES)])
        now = BEGINNING + seen * PER_ENTRY
        state = FeedState(FEED, "https://news.test/rss", last_polled=now)
        self._store.commit_poll(Poll(FEED, now, state, entries=tuple(NewEntry(entry(new)) for new in fresh)))
        self._say(_line("pending", fresh))
        self._end(self._store.pending("news.test", now, 100), now)

    def _end(self, waiting: "list[PendingEntry] | tuple[PendingEntry, ...]", now: datetime) -> None:
        good = {int(pending.entry.key[1:]): pending.number for pending in waiting}
        bad = {number: good.pop(number) for number in list(good) if fails(number)}
        if good:
            articles = [article(number, now) for number in good]
            self._archive.commit(articles, [Resolution(row, Outcome.ARCHIVED) for row in good.values()], now)
            self._say(_line("archived", good))
        if bad:
            self._store.settle([Resolution(row, Outcome.FAILED, "of no use") for row in bad.values()], (), now)
            self._say(_line("failed", bad))


def _line(word: str, numbers: "range | dict[int, int]") -> str:
    return " ".join([word, *map(str, numbers)])


def say(line: str) -> None:
    """An acknowledgement, in one write: whoever is killed has said it or has not."""
    while True:
        try:
            os.write(1, f"{line}\n".encode())
        except OSError:
            continue  # where writes fail at random, so may this one: it is no part of the archive
        return


def main(directory: str, rounds: str | None = None) -> int:
    """Write until killed, or for so many rounds; returns the command's exit code."""
    try:
        with open_archive(settings(Path(directory))) as (store, archive):
            say("open")
            scribe = Scribe(store, archive, say)
            for number in range(int(rounds)) if rounds else count():
                scribe.round(number)
    except StorageError as error:
        sys.stderr.write(f"scribe: {error}\n")
        return 75 if isinstance(error, LockedError) else 74
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
