"""Fills an archive without a network, and says what is durable: a process to be killed, starved and cut off.

    python -m faults.scribe DIRECTORY [ROUNDS]

It does what the service does, through the parts the service is made of: the directory is held, the archive recovered,
entries become pending (COMMIT 1), then raw copies, records or failures (COMMIT 2), and what is finished is sealed. Its
clock is the number of entries it has seen, so that days end within moments, and the next scribe goes on where the last
one ended. A line on standard output (see ``Said``) is an acknowledgement: what it names is promised to be durable.
"""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from articles import digest, make_article

from service.app import open_archive
from service.settings import Settings
from storage.archive import Archive
from storage.errors import LockedError, StorageError
from storage.model import Article, Capture, Entry, FeedState, NewEntry, Outcome, Poll, Resolution
from storage.raw import RawCopies
from storage.store import Store

FEED = "rfi-fr"
BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
PER_ENTRY = timedelta(minutes=30)
"""What the clock moves by for each entry: a day holds 48 of them."""
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


def capture(number: int, at: datetime) -> Capture:
    """What came over the wire for a number. Every fifth page is the same as another one, to the byte."""
    url = str(entry(number).url)
    body = f"<p>{number // 5 if number % 5 < 2 else f'n{number}'}</p>".encode() * (1 + number % 300)
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    return Capture(url, at, "192.0.2.1", f"GET {url} HTTP/1.1\r\n\r\n".encode(), head, body)


def fails(number: int) -> bool:
    """Whether this number's entry ends without an article."""
    return number % 11 == 5


@dataclass
class Said:
    """What scribes have acknowledged: entries by their number, sealed files."""

    pending: set[int] = field(default_factory=set)
    archived: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    sealed: set[str] = field(default_factory=set)
    """Files, below the data directory."""
    last: str = ""
    """The first word of what was said last."""

    @classmethod
    def read(cls, path: Path) -> "Said":
        """From what scribes wrote to a file, one after another."""
        return cls.parse(path.read_text() if path.exists() else "")

    @classmethod
    def parse(cls, text: str) -> "Said":
        """From the lines of scribes; one that was not finished was not said."""
        said = cls()
        for line in text.split("\n")[:-1]:
            word, *named = line.split()
            if word in {"pending", "archived", "failed"}:
                getattr(said, word).update(map(int, named))
            elif word == "sealed":
                said.sealed.update(named)
            said.last = word
        return said


class Scribe:
    """Writes to one open archive, a round at a time."""

    def __init__(self, store: Store, archive: Archive, raw: RawCopies, say: Callable[[str], None]) -> None:
        self._store = store
        self._archive = archive
        self._raw = raw
        self._say = say

    def round(self, number: int) -> None:
        """The end of what is pending, a poll with new entries, their end, and sealing."""
        self._end()
        seen, now = self._clock()
        fresh = range(seen, seen + BATCHES[number % len(BATCHES)])
        state = FeedState(FEED, "https://news.test/rss", last_polled=now)
        self._store.commit_poll(Poll(FEED, now, state, entries=tuple(NewEntry(entry(new)) for new in fresh)))
        self._say(_line("pending", fresh))
        self._end()
        _, now = self._clock()
        is_sealing = False
        for piece in self._archive.sealing(now):
            if piece or not is_sealing:
                self._say(f"sealed {piece.path}" if piece else "sealing")
            is_sealing = piece is None

    def _clock(self) -> tuple[int, datetime]:
        """How many entries have been seen, and the time that makes it."""
        ledger = self._store.ledger().get(FEED)
        seen = sum(ledger.counts.values()) if ledger else 0
        return seen, BEGINNING + seen * PER_ENTRY

    def _end(self) -> None:
        _, now = self._clock()
        waiting = self._store.pending("news.test", now, 100)
        good = {int(pending.entry.key[1:]): pending.number for pending in waiting}
        bad = {number: good.pop(number) for number in list(good) if fails(number)}
        if good:
            raw = self._raw.keep([capture(number, now) for number in good], now)
            articles = [replace(article(number, now), raw=ref) for number, ref in zip(good, raw, strict=True)]
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
        with (
            open_archive(settings(Path(directory))) as (store, archive),
            closing(RawCopies(Path(directory), store, software="scribe")) as raw,
        ):
            say("open")
            scribe = Scribe(store, archive, raw, say)
            for number in range(int(rounds)) if rounds else count():
                scribe.round(number)
    except StorageError as error:
        say(f"scribe: {error}")
        return 75 if isinstance(error, LockedError) else 74
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
