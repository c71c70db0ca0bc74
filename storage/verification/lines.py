"""Lines as a file has them, each judged by itself: whether it is a record, rebuilds, and refers to what is there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from storage.connection import batches
from storage.errors import CorruptArchiveError, SchemaError
from storage.fingerprints import NORMALISER, exact
from storage.model import Article, Payload, Place, RawRef
from storage.occurrences import keys_of
from storage.places import urls_of
from storage.rebuild import full_paragraphs
from storage.records import decode, line_digest
from storage.references import finder
from storage.segments import Reader
from storage.store import Store
from storage.verification.gap import Line
from storage.warc import RAW, records

_BATCH = 200
"""Lines whose raw copies are looked up at once."""


class Judge:
    """Judges lines. Used from one thread; beside a process that writes and seals.

    Args:
        directory: The data directory.
        store: Knows where records and raw copies stand.
    """

    def __init__(self, directory: Path, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._find = finder(Reader(directory, store).read, store)
        self.place = lru_cache(maxsize=256)(self._place)
        """Where the database has a record of this id and revision; None where it has none."""
        self._urls: set[str] = set()
        self.unknown_urls = 0
        """Addresses of articles, so far, by which the database would find none,"""
        self.unknown_url: str | None = None
        """and one of them."""

    def judged(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[Line]:
        """What each line is, and what is wrong in itself; a few hundred in memory at a time, without their texts."""
        for some in batches((self._line(offset, line) for offset, line in lines), _BATCH):
            digests = {raw.digest for _, raw in some if raw is not None and raw.digest is not None}
            payloads = self._store.payloads(digests) if digests else {}
            for line, raw in some:
                problem = self._wrong_with_raw(raw, payloads) if raw is not None and line.problem is None else None
                yield replace(line, problem=problem) if problem else line

    def note(self, line: Line) -> None:
        """Remember to look for the addresses of a line that is as it should be."""
        self._urls.update(line.urls)
        if len(self._urls) > _BATCH:
            self.look_for_addresses()

    def look_for_addresses(self) -> None:
        """See whether the database finds what was noted by its addresses."""
        for url in self._urls - self._store.find_urls(self._urls).keys():
            self.unknown_urls += 1
            self.unknown_url = self.unknown_url or url
        self._urls.clear()

    def _line(self, offset: int, line: bytes) -> tuple[Line, RawRef | None]:
        try:
            article = decode(line)
        except (CorruptArchiveError, SchemaError) as error:
            return Line(offset, len(line), problem=str(error)), None
        judged = Line(
            offset,
            len(line),
            (article.id, article.revision),
            article.text_hash,
            article.title,
            line_digest(line),
            _keys(article),
            frozenset(urls_of(article)),
            self._wrong_with(article),
        )
        return judged, article.raw

    def _wrong_with(self, article: Article) -> str | None:
        try:
            full = full_paragraphs(article, self._find)
            return next(self._mistaken(article, full), None) or next(self._dangling(article), None)
        except (CorruptArchiveError, SchemaError) as error:
            return str(error)

    def _mistaken(self, article: Article, full: Sequence[str]) -> Iterator[str]:
        """Hashes of removed paragraphs that are not those of what was put back."""
        for removal in article.removed if article.normaliser == NORMALISER else ():
            if exact(full[removal.position]).hex() != removal.hash:
                yield f"the hash of its removed paragraph {removal.position} is that of another text"

    def _dangling(self, article: Article) -> Iterator[str]:
        """What the article says it is near to, but is not there."""
        for near in article.near:
            other = f"{near.id} revision {near.revision}"
            if (near.id, near.revision) == (article.id, article.revision):
                paragraphs = article.paragraphs
            elif self.place(near.id, near.revision) is None:
                yield f"paragraph {near.position} is near to one of {other}, which is not archived"
                return
            else:
                paragraphs = self._find(near.id, near.revision).paragraphs
            if near.at >= paragraphs or near.position >= article.paragraphs:
                yield f"paragraph {near.position} is near to paragraph {near.at} of {other}: there is no such paragraph"
        for also in article.also_near:
            if self.place(also.id, also.revision) is None:
                yield f"it is near to {also.id} revision {also.revision}, which is not archived"

    def _place(self, article_id: str, revision: int) -> Place | None:
        known = self._store.revisions(article_id)
        return next((one.place for one in known if one.revision == revision), None)

    def _wrong_with_raw(self, raw: RawRef, payloads: Mapping[str, Payload]) -> str | None:
        if raw == RawRef():
            return None
        if raw.file is None or raw.offset is None or raw.digest is None:
            return "its raw copy is named in part only"
        payload = payloads.get(raw.digest)
        if payload is not None and (payload.file, payload.offset) == (raw.file, raw.offset):
            return None  # and whether that is so in the file is looked at once, with the file
        if not raw.file.startswith(f"{RAW}/") or ".." in raw.file:
            return f"its raw copy is to be in {raw.file}, where none is kept"
        try:
            record = next(records(self._directory, raw.file, raw.offset), None)
        except CorruptArchiveError as error:
            return f"its raw copy is not there: {error}"
        if record is None or record.type != "response" or record.payload_digest != raw.digest:
            return f"its raw copy is not there: {raw.file}, byte {raw.offset}: another record, or none"
        return None


def _keys(article: Article) -> bytes | None:
    if article.normaliser != NORMALISER:
        return None
    try:
        return keys_of(article)
    except CorruptArchiveError:  # and that is told
        return None
