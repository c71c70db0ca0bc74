"""Files of records for others to read, written once: a directory that is an archive to every reader, and none to us."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import IO

from storage.appending import SEGMENT_BYTES, day_folder
from storage.durable import sync_directory
from storage.errors import StorageError
from storage.export_card import Exported, write_export_card
from storage.model import Article
from storage.records import encode
from storage.segments import ARTICLES, PLAIN

CLAIM = ".exporting"
"""In the directory while it is written; where a kill left it, the export is not complete."""


@contextmanager
def open_export(directory: Path, *, segment_bytes: int = SEGMENT_BYTES) -> Iterator["Export"]:
    """Within it, records can be written into a directory that is made, or is empty.

    However the block fails, what was written is removed again. Whoever is killed leaves files, but no README.md: it is
    written last. Of two that begin in one directory at once, one is refused.

    Args:
        directory: Where to.
        segment_bytes: How long a file may be before the next one follows.

    Raises:
        StorageError: something cannot be written.
    """
    export = Export(directory, segment_bytes)
    try:
        yield export
    except BaseException:
        export.undo()
        raise


class Export:
    """Writes records to ``articles/date=…/part-0001.jsonl``, by the UTC day on which they were archived."""

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._made: list[Path] = []
        self._stream: IO[bytes] | None = None
        self._path = directory
        self._size = self._number = 0
        self.records = 0
        """Written so far,"""
        self.bytes = 0
        """and how long their lines are."""
        with self._explained():
            self._make(directory)
            self._claim()

    def _claim(self) -> None:
        """Have the directory to itself: another export that begins at this moment must not mix its files with ours."""
        claim = self._directory / CLAIM
        try:
            claim.open("xb").close()
        except FileExistsError:
            self._made.clear()  # all there is may be the other's by now
            raise StorageError(f"another export is being written into {self._directory}") from None
        self._made.append(claim)

    def write(self, article: Article) -> None:
        """Write a record, those of a day one after another. Raises StorageError."""
        line, folder = encode(article), self._directory / day_folder(ARTICLES, article.archived.astimezone(UTC))
        with self._explained():
            is_new_day = folder != self._path.parent
            if self._stream is None or is_new_day or self._size + len(line) > self._segment_bytes:
                self._close()
                self._open(folder, 1 if is_new_day else self._number + 1)
            assert self._stream is not None
            self._stream.write(line)
        self._size += len(line)
        self.bytes += len(line)
        self.records += 1

    def finish(self, exported: Exported) -> None:
        """Complete the last file, and write README.md and schema.json: by then it is whole. Raises StorageError."""
        with self._explained():
            self._close()
            self._path = self._directory / "README.md"
            self._make(self._directory / ARTICLES)
            self._made += [self._directory / name for name in ("schema.json", "README.md")]
            write_export_card(self._directory, exported)
            (self._directory / CLAIM).unlink()

    def undo(self) -> None:
        """Remove what was written, as far as that can be done."""
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
        for path in reversed(self._made):
            for written in (path, _draft(path), path.with_name(f"{path.name}.tmp")):
                with suppress(OSError):
                    written.rmdir() if written.is_dir() else written.unlink()

    def _open(self, folder: Path, number: int) -> None:
        self._make(folder)
        self._path, self._size, self._number = folder / f"part-{number:04}{PLAIN}", 0, number
        self._made.append(self._path)
        self._stream = _draft(self._path).open("xb")

    def _close(self) -> None:
        if self._stream is None:
            return
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._stream = None
        _draft(self._path).replace(self._path)
        sync_directory(self._path.parent)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, and remember which were not there."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir()
            self._made.append(path)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written") from error


def _draft(path: Path) -> Path:
    """Hidden, and with another ending: no reader takes it for a file of records."""
    return path.with_name(f".{path.name}.tmp")
