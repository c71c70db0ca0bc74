"""The files of records below ``articles/``, for reading: needs neither the database nor the lock.

Plain ``.jsonl`` files and ``.jsonl.gz`` read alike: offsets count the bytes of the lines, not of the compressed file.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from storage.errors import CorruptArchiveError, SchemaError, StorageError
from storage.model import Article, Place
from storage.records import decode

ARTICLES = "articles"


def segments(directory: Path) -> list[str]:
    """Paths, below the data directory, of all files of records: by day, then by writer and number.

    Raises:
        StorageError: the directory cannot be read.
    """
    try:
        found = [path for path in (directory / ARTICLES).glob("**/*") if path.name.endswith((".jsonl", ".jsonl.gz"))]
    except OSError as error:
        raise StorageError(f"{directory / ARTICLES} cannot be read") from error
    return sorted(path.relative_to(directory).as_posix() for path in found)


def size(directory: Path, file: str) -> int:
    """Bytes on disk. Raises StorageError."""
    try:
        return (directory / file).stat().st_size
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error


def lines(directory: Path, file: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines of a file from byte ``start`` on, each with its offset; only the last may lack its line feed.

    Raises:
        CorruptArchiveError: the file is missing, or is no gzip although its name says so.
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
    """The article at a place.

    Raises:
        CorruptArchiveError, SchemaError: no record of this format stands there.
        StorageError: the file cannot be read.
    """
    with _opened(directory, place.file) as stream:
        stream.seek(place.offset)
        line = stream.read(place.length)
    if len(line) < place.length:
        raise CorruptArchiveError(f"{place.file}, byte {place.offset}: the file ends before the record does")
    return parse(place.file, place.offset, line)


def records(directory: Path) -> Iterator[tuple[Place, Article]]:
    """Every record, in the order of ``segments``; one at a time in memory.

    Raises:
        CorruptArchiveError, SchemaError: a line is no record of this format.
        StorageError: a file cannot be read.
    """
    for file in segments(directory):
        for offset, line in lines(directory, file):
            yield Place(file, offset, len(line)), parse(file, offset, line)


@contextmanager
def _opened(directory: Path, file: str) -> Iterator[IO[bytes]]:
    path = directory / file
    try:
        with gzip.open(path) if file.endswith(".gz") else path.open("rb") as stream:
            yield cast("IO[bytes]", stream)
    except FileNotFoundError:
        raise CorruptArchiveError(f"{file} is missing") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptArchiveError(f"{file} is damaged") from error
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error
