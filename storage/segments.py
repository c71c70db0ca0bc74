"""The files of records below ``articles/``, for reading: needs neither the lock nor, but for ``Reader``, the database.

A file is known by its plain name, ``….jsonl``, for good: once it is sealed, only ``….jsonl.gz`` is on disk, and reads
alike. Offsets count the bytes of the lines, not of the compressed file.
"""

import gzip
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from storage.errors import CorruptArchiveError, SchemaError, StorageError
from storage.members import inflate
from storage.model import Article, Place, Sealed
from storage.records import decode
from storage.store import Store

ARTICLES = "articles"
PLAIN, PACKED = ".jsonl", ".jsonl.gz"


def on_disk(directory: Path) -> list[str]:
    """Paths, below the data directory, of all files of records, plain and sealed: by day, then by writer and number.

    Raises:
        StorageError: the directory cannot be read.
    """
    try:
        found = [path for path in (directory / ARTICLES).glob("**/*") if path.name.endswith((PLAIN, PACKED))]
    except OSError as error:
        raise StorageError(f"{directory / ARTICLES} cannot be read") from error
    return sorted(path.relative_to(directory).as_posix() for path in found)


def segments(directory: Path) -> list[str]:
    """The plain names of all files of records, each once, in the order of ``on_disk``. Raises StorageError."""
    return sorted({file.removesuffix(".gz") for file in on_disk(directory)})


def size(directory: Path, file: str) -> int:
    """Bytes on disk. Raises StorageError."""
    try:
        return (directory / file).stat().st_size
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error


def lines(directory: Path, file: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, sealed or not, from byte ``start`` on, each with its offset; only the last may lack its end.

    Raises:
        CorruptArchiveError: the file is missing, or is no whole gzip although its name says so.
        StorageError: it cannot be read.
    """
    offset = start
    with _opened(directory, file) as stream:
        stream.seek(start)
        for line in stream:
            yield offset, line
            offset += len(line)


def parse(file: str, offset: int, line: bytes) -> Article:
    """The article of a line; errors say where it stands.

    Raises:
        SchemaError: it is of another format version.
        CorruptArchiveError: it is no record.
    """
    try:
        return decode(line)
    except SchemaError as error:
        raise SchemaError(f"{file}, byte {offset}") from error
    except CorruptArchiveError as error:
        raise CorruptArchiveError(f"{file}, byte {offset}") from error


def read(directory: Path, place: Place) -> Article:
    """The article at a place. A sealed file is read from its beginning; a ``Reader`` need not.

    Raises:
        CorruptArchiveError, SchemaError: no record of this format stands there.
        StorageError: the file cannot be read.
    """
    with _opened(directory, place.file) as stream:
        stream.seek(place.offset)
        line = stream.read(place.length)
    return _parse_whole(place, line)


def records(directory: Path) -> Iterator[tuple[Place, Article]]:
    """Every record, in the order of ``segments``; one at a time in memory.

    Raises:
        CorruptArchiveError, SchemaError: a line is no record of this format.
        StorageError: a file cannot be read.
    """
    for file in segments(directory):
        for offset, line in lines(directory, file):
            yield Place(file, offset, len(line)), parse(file, offset, line)


class Reader:
    """Reads records by their places; of a sealed file it inflates only the member that the record stands in.

    The members read last are kept, since what one record refers to often stands beside it. Used from one thread at a
    time; another process may seal files meanwhile.
    """

    def __init__(self, directory: Path, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._sealed: Mapping[str, Sealed] = {}
        self._inflated = lru_cache(maxsize=8)(self._inflate)

    def read(self, place: Place) -> Article:
        """The article at a place.

        Raises:
            CorruptArchiveError, SchemaError: no record of this format stands there.
            StorageError: the file or the database cannot be read.
        """
        sealed = self._find(place.file)
        if sealed is None:
            return read(self._directory, place)
        number = bisect_right(sealed.members, place.offset, key=lambda member: member.start) - 1
        lines, start = self._inflated(place.file, number), place.offset - sealed.members[number].start
        return _parse_whole(place, lines[start : start + place.length])

    def _find(self, file: str) -> Sealed | None:
        if file not in self._sealed and not (self._directory / file).exists():
            self._sealed = self._store.sealed_files()
        return self._sealed.get(file)

    def _inflate(self, file: str, number: int) -> bytes:
        sealed = self._sealed[file]
        begin, *end = (member.offset for member in sealed.members[number : number + 2])
        with explained(sealed.path), (self._directory / sealed.path).open("rb") as stream:
            stream.seek(begin)
            return inflate(stream.read(end[0] - begin if end else -1))


def _parse_whole(place: Place, line: bytes) -> Article:
    if len(line) < place.length:
        raise CorruptArchiveError(f"{place.file}, byte {place.offset}: the file ends before the record does")
    return parse(place.file, place.offset, line)


@contextmanager
def _opened(directory: Path, file: str) -> Iterator[IO[bytes]]:
    name, stream = _open(directory, file)
    with explained(name), stream:
        yield stream


def _open(directory: Path, file: str) -> tuple[str, IO[bytes]]:
    """The plain file, or the sealed one: which of them is there may change at any moment, but only in this order."""
    with explained(file):
        for name in (file, f"{file}.gz"):
            with suppress(FileNotFoundError):
                path = directory / name
                return name, cast("IO[bytes]", gzip.open(path)) if name.endswith(".gz") else path.open("rb")
    raise CorruptArchiveError(f"{file} is missing")


@contextmanager
def explained(file: str) -> Iterator[None]:
    """Within it, what goes wrong while a file is read is raised as a storage error that names it."""
    try:
        yield
    except FileNotFoundError:
        raise CorruptArchiveError(f"{file} is missing") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptArchiveError(f"{file} is damaged") from error
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error
