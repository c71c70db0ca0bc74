"""The archive: appends records to files and commits their places, so that each is there once, whole, or not at all.

A batch is appended to an ``O_APPEND`` descriptor, fdatasync makes it durable, then the store commits it. Whatever
fails in between leaves bytes past the committed offset, and the next ``Archive.open`` deals with them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from storage import segments
from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Article, Place, Resolution
from storage.records import encode
from storage.recovery import Recovery, recover
from storage.segments import ARTICLES
from storage.store import Store

SEGMENT_BYTES = 256 * 1024 * 1024
"""A file this long is followed by the next one."""


class Archive:
    """A data directory's records, for one writer. Used from one thread at a time; the caller holds the lock."""

    def __init__(self, directory: Path, store: Store, recovery: Recovery, segment_bytes: int) -> None:
        self._directory = directory
        self._store = store
        self.recovery = recovery
        """What ``open`` found past the committed offsets."""
        self._segment_bytes = segment_bytes
        self._segment: _Segment | None = None
        self._is_broken = False

    @classmethod
    def open(cls, directory: Path, store: Store, now: datetime, *, segment_bytes: int = SEGMENT_BYTES) -> "Archive":
        """Open the archive below ``directory``, recovered (``storage.recovery``). Writes no file of its own yet.

        Raises:
            CorruptArchiveError: a file is missing, shorter than what is committed of it, or holds what is no record.
            SchemaError: a record is of another format version.
            StorageError: something cannot be read or written.
        """
        return cls(directory, store, recover(directory, store, now), segment_bytes)

    def commit(self, articles: Sequence[Article], resolutions: Sequence[Resolution], now: datetime) -> None:
        """Append a batch, and commit it with the outcomes of its entries; both are durable when this returns.

        Raises:
            StorageError: nothing of the batch is acknowledged. After a failed write the archive can go on: the file is
                as before. After a failed sync or commit it cannot, because what the disk holds is not known:
                every later call raises too, and the archive must be opened again, best by a new process.
        """
        if self._is_broken:
            raise StorageError(
                "an earlier sync or commit failed: the archive must be opened again before it is written"
            )
        segment = self._segment_for(now)
        lines = [encode(article) for article in articles]
        places, end = [], segment.committed
        for line in lines:
            places.append(Place(segment.file, end, len(line)))
            end += len(line)
        segment.append(b"".join(lines))
        self._is_broken = True  # until all of what follows has succeeded
        segment.sync()
        self._store.commit_articles(segment.file, end, list(zip(articles, places, strict=True)), resolutions, now)
        segment.committed = end
        self._is_broken = False

    def read(self, place: Place) -> Article:
        """The article at a place. Raises what ``storage.segments.read`` does."""
        return segments.read(self._directory, place)

    def records(self) -> Iterator[tuple[Place, Article]]:
        """Every record, oldest file first. Raises what ``storage.segments.records`` does."""
        return segments.records(self._directory)

    def close(self) -> None:
        """Let go of the file being written."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _segment_for(self, now: datetime) -> "_Segment":
        day = f"{ARTICLES}/date={now.astimezone(UTC):%Y-%m-%d}"
        segment = self._segment
        if segment is None or segment.committed >= self._segment_bytes or not segment.file.startswith(f"{day}/"):
            self.close()
            file = self._file_of(day)
            segment = self._segment = _Segment(self._directory, file, self._store.committed_offset(file))
        return segment

    def _file_of(self, day: str) -> str:
        """The writer's last file of the day where it can take more, else its next one."""
        writer = self._store.writer()
        mine = [path.name for path in (self._directory / day).glob(f"{writer}-[0-9][0-9][0-9][0-9].jsonl*")]
        numbers = [int(name.removeprefix(f"{writer}-").partition(".")[0]) for name in mine]
        number = max(numbers, default=1)
        file = f"{day}/{writer}-{number:04}.jsonl"
        is_full = f"{writer}-{number:04}.jsonl.gz" in mine or self._store.committed_offset(file) >= self._segment_bytes
        return f"{day}/{writer}-{number + 1:04}.jsonl" if is_full else file


class _Segment:
    """A file being appended to."""

    def __init__(self, directory: Path, file: str, committed: int) -> None:
        self.file = file
        """Path below the data directory."""
        self.committed = committed
        """Bytes that are committed; the file is no longer, but within ``Archive.commit``."""
        path = directory / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            for folder in (path.parent, path.parent.parent, directory):
                sync_directory(folder)  # the file may be new, and each folder above it too
        except OSError as error:
            raise StorageError(f"{file} cannot be opened for writing") from error

    def append(self, data: bytes) -> None:
        """Write ``data`` at the end; a failure leaves the file as it was. Raises StorageError."""
        self._check()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._take_back()
            raise StorageError(f"{self.file} cannot be written") from error

    def _check(self) -> None:
        """Only this process writes the file; anybody else's hand in it would make every place wrong."""
        status = os.fstat(self._descriptor)
        if status.st_size != self.committed or not status.st_nlink:
            fate = f"is {status.st_size} bytes long" if status.st_nlink else "was removed"
            raise CorruptArchiveError(f"{self.file} {fate}, of which {self.committed} are committed")

    def _take_back(self) -> None:
        with suppress(OSError):  # if it fails, the file stays longer than committed, and the next append refuses it
            os.ftruncate(self._descriptor, self.committed)

    def sync(self) -> None:
        """Make what was appended durable. Raises StorageError."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise StorageError(f"{self.file} cannot be synced") from error

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
