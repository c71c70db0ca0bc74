"""Files that are appended to, and committed: articles and raw copies alike.

A failed write is taken back, so that the file is as it was; a failed sync is not retried on the same descriptor, since
what the disk holds is then not known.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.store import Store

SEGMENT_BYTES = 256 * 1024 * 1024
"""A file this long is followed by the next one."""


def day_folder(kind: str, now: datetime) -> str:
    """Where files of one UTC day lie, below the data directory: ``articles/date=2026-11-23``."""
    return f"{kind}/date={now.astimezone(UTC):%Y-%m-%d}"


def file_of(directory: Path, store: Store, folder: str, suffix: str, segment_bytes: int = SEGMENT_BYTES) -> str:
    """The writer's last file in a day's folder where it can take more, else its next one.

    Args:
        directory: The data directory.
        store: Knows the writer's name, and what is committed and sealed.
        folder: What ``day_folder`` gives.
        suffix: ``.jsonl`` or ``.warc.gz``.
        segment_bytes: How long a file may be before the next one follows.
    """
    writer, sealed = store.writer(), store.sealed_files()
    mine = [path.name for path in (directory / folder).glob(f"{writer}-[0-9][0-9][0-9][0-9]{suffix}*")]
    numbers = [int(name.removeprefix(f"{writer}-").partition(".")[0]) for name in mine]
    number = max(numbers, default=1)
    file = f"{folder}/{writer}-{number:04}{suffix}"
    is_full = (
        file in sealed or f"{writer}-{number:04}{suffix}.gz" in mine or store.committed_offset(file) >= segment_bytes
    )
    return f"{folder}/{writer}-{number + 1:04}{suffix}" if is_full else file


class Segment:
    """A file being appended to."""

    def __init__(self, directory: Path, file: str, committed: int) -> None:
        self.file = file
        """Path below the data directory."""
        self.committed = committed
        """Bytes that are committed; the file is no longer, but between an append and its commit."""
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
        self.append_all((data,))

    def append_all(self, pieces: Iterable[bytes]) -> None:
        """Write ``pieces`` at the end as they are made, so that never all of them are in memory.

        A failure, one in their making too, leaves the file as it was. Raises StorageError.
        """
        self._check()
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._take_back()
            raise StorageError(f"{self.file} cannot be written") from error
        except BaseException:
            self._take_back()
            raise

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
