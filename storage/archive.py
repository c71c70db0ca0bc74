"""The archive: appends records to files and commits their places, so that each is there once, whole, or not at all.

A batch is appended to an ``O_APPEND`` descriptor, fdatasync makes it durable, then the store commits it. Whatever
fails in between leaves bytes past the committed offset, and the next ``Archive.open`` deals with them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from storage import segments
from storage.appending import SEGMENT_BYTES, Segment, day_folder, file_of
from storage.contents import readable_records
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Article, Place, Resolution, Sealed
from storage.paragraphs import Paragraphs
from storage.records import encode, line_digest
from storage.recovery import Recovery, recover
from storage.sealing import Unsealed, finished, seal
from storage.segments import ARTICLES, Reader
from storage.store import Store


class Archive:
    """A data directory's records, for one writer. Used from one thread at a time; the caller holds the lock."""

    def __init__(self, directory: Path, store: Store, recovery: Recovery, segment_bytes: int) -> None:
        self._directory = directory
        self._store = store
        self.recovery = recovery
        """What ``open`` found past the committed offsets."""
        self._segment_bytes = segment_bytes
        self._segment: Segment | None = None
        self._is_broken = False
        self._reader = Reader(directory, store)

    @classmethod
    def open(cls, directory: Path, store: Store, now: datetime, *, segment_bytes: int = SEGMENT_BYTES) -> "Archive":
        """Open the archive below ``directory``, recovered (``storage.recovery``). Writes no file of its own yet.

        Raises:
            CorruptArchiveError: a file is missing, shorter than what is committed of it, or holds what is no record.
            SchemaError: a record is of another format version.
            StorageError: something cannot be read or written.
        """
        recovery = recover(directory, store, now)
        if not store.is_indexed():  # a database of an earlier program, or one that has lost a table
            store.index_texts(readable_records(directory))
        return cls(directory, store, recovery, segment_bytes)

    def commit(
        self,
        articles: Sequence[Article],
        resolutions: Sequence[Resolution],
        now: datetime,
        index: Paragraphs | None = None,
    ) -> None:
        """Append a batch, and commit it with the outcomes of its entries; both are durable when this returns.

        ``index`` is as in ``Store.commit_articles``.

        Raises:
            StorageError: nothing of the batch is acknowledged. After a failed write the archive can go on: the file is
                as before. After a failed sync or commit it cannot, because what the disk holds is not known:
                every later call raises too, and the archive must be opened again, best by a new process.
        """
        self._check()
        segment = self._segment_for(now)
        lines = [encode(article) for article in articles]
        places, end = [], segment.committed
        for line in lines:
            places.append(Place(segment.file, end, len(line), line_digest(line)))
            end += len(line)
        segment.append(b"".join(lines))
        self._is_broken = True  # until all of what follows has succeeded
        segment.sync()
        self._store.commit_articles(
            segment.file, end, list(zip(articles, places, strict=True)), resolutions, now, index
        )
        segment.committed = end
        self._is_broken = False

    def seal(self, now: datetime, *, everything: bool = False) -> list[Sealed]:
        """Seal what is finished: files of earlier UTC days and those that are long enough; with ``everything``, all.

        Whoever has one of these open for appending, but for this archive, lets go of it first. The next append begins
        another file. What is returned is sealed for good; one that cannot be leaves the others to be sealed.

        Raises:
            CorruptArchiveError: a file is not what is committed of it, or is damaged; the others are sealed.
            StorageError: something cannot be read or written; what could be sealed is.
        """
        pieces = [piece for piece in self.sealing(now, everything=everything) if piece is not None]
        for piece in pieces:
            if isinstance(piece, Unsealed):
                raise piece.error
        return [piece for piece in pieces if isinstance(piece, Sealed)]

    def sealing(self, now: datetime, *, everything: bool = False) -> Iterator[Sealed | Unsealed | None]:
        """``seal``, a piece of work (at most some tenths of a second) at a time, most of which give None.

        Between two pieces batches may be committed, but not with ``everything``; it can be left after any of them.
        A file that cannot be sealed comes back with its error.

        Raises:
            StorageError: the disk or the database fails: the archive must be opened again.
        """
        self._check()
        files = finished(self._store, now, self._segment_bytes, everything=everything)
        if self._segment is not None and self._segment.file in files:
            self.close()
        for file in files:
            try:
                yield from seal(self._directory, self._store, file)
            except StorageError as error:
                if not _concerns_one_file(error):
                    raise
                yield Unsealed(file, error)

    def read(self, place: Place) -> Article:
        """The article at a place. Raises what ``storage.segments.Reader.read`` does."""
        return self._reader.read(place)

    def records(self) -> Iterator[tuple[Place, Article]]:
        """Every record, oldest file first. Raises what ``storage.segments.records`` does."""
        return segments.records(self._directory)

    def close(self) -> None:
        """Let go of the file being written."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _check(self) -> None:
        if self._is_broken:
            raise StorageError(
                "an earlier sync or commit failed: the archive must be opened again before it is written"
            )

    def _segment_for(self, now: datetime) -> "Segment":
        day = day_folder(ARTICLES, now)
        segment = self._segment
        if segment is None or segment.committed >= self._segment_bytes or not segment.file.startswith(f"{day}/"):
            self.close()
            file = file_of(self._directory, self._store, day, ".jsonl", self._segment_bytes)
            segment = self._segment = Segment(self._directory, file, self._store.committed_offset(file))
        return segment


def _concerns_one_file(error: StorageError) -> bool:
    """Whether one file is damaged, or the disk has no room for its compressed form: the others can be sealed."""
    no_room = isinstance(error.__cause__, OSError) and error.__cause__.errno in (ENOSPC, EDQUOT, EFBIG)
    return isinstance(error, CorruptArchiveError) or no_room
