"""WARC files read past what is damaged in them: the next record is looked for where a gzip member may begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.errors import CorruptArchiveError, StorageError
from storage.warc import WarcRecord, records

_MAGIC = b"\x1f\x8b\x08"
"""What a gzip member begins with (RFC 1952 §2.3.1)."""
_CHUNK = 1024 * 1024
"""Bytes searched at a time."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are no record."""

    offset: int
    end: int | None
    """Where the next record begins; None where none follows."""


def scan(directory: Path, file: str) -> Iterator[WarcRecord | Unreadable]:
    """All that stands in a WARC file, in order: its records, and what is none between them.

    Raises:
        CorruptArchiveError: the file is missing.
        StorageError: it cannot be read.
    """
    at: int | None = 0
    while at is not None:
        try:
            for record in records(directory, file, at):
                yield record
                at = record.offset + record.length
            return
        except CorruptArchiveError:
            following = _next_record(directory, file, at + 1)
        yield Unreadable(at, following)
        at = following


def _next_record(directory: Path, file: str, start: int) -> int | None:
    """Where the next whole record begins, at byte ``start`` or later."""
    try:
        with (directory / file).open("rb") as stream:
            stream.seek(start)
            chunk = stream.read(_CHUNK)
            while chunk:
                place = chunk.find(_MAGIC)
                while place >= 0:
                    if _is_record(directory, file, start + place):
                        return start + place
                    place = chunk.find(_MAGIC, place + 1)
                tail = chunk[1 - len(_MAGIC) :]  # the magic may be cut in two
                start += len(chunk) - len(tail)
                more = stream.read(_CHUNK)
                chunk = tail + more if more else b""
    except FileNotFoundError:
        raise CorruptArchiveError(f"{file} is missing") from None
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error
    return None


def _is_record(directory: Path, file: str, offset: int) -> bool:
    try:
        return next(records(directory, file, offset), None) is not None
    except CorruptArchiveError:
        return False
