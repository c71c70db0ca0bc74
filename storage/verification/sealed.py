"""Sealed files: what the database remembers of them, beside what is on disk."""

import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storage.members import PIECE, inflate
from storage.model import Sealed
from storage.segments import explained
from storage.store import Store
from storage.verification.alignment import align
from storage.verification.damage import Found
from storage.verification.gap import Line, named
from storage.verification.lines import Judge
from storage.verification.raw import RawWalk
from storage.verification.rows import rows_between

_Lines = Iterator[tuple[int, bytes]]


def verify_sealed_records(
    directory: Path, store: Store, judge: Judge, sealed: Sealed, committed: int
) -> Iterator[Found]:
    """What is wrong with a sealed file of records, its lines and rows included; one member in memory at a time.

    Raises:
        CorruptArchiveError: the file is missing.
        StorageError: it cannot be read.
    """
    look = _Look(directory, sealed, committed)
    count, is_readable = 0, True
    first = last = None
    for start, end, offset, lines in look.stretches():
        rows = rows_between(store, sealed.file, start, end)
        if lines is None:
            is_readable = False
            lost = list(rows)
            records = f"{named(lost)} {'is' if len(lost) == 1 else 'are'} lost" if lost else "no record is known in it"
            yield start, f"the gzip member at byte {offset} of the file cannot be read: {records}"
            continue
        ids: list[str] = []
        judged = _noted(judge.judged(_split(start, lines)), ids)
        yield from align(judged, rows, judge.place, start=start, end=end, note=judge.note)
        count += lines.count(b"\n")
        first, last = first or (ids[0] if ids else None), ids[-1] if ids else last
    if is_readable:
        yield from look.differences(count, first, last)


def verify_sealed_raw(directory: Path, store: Store, sealed: Sealed, committed: int) -> Iterator[Found]:
    """What is wrong with a sealed WARC file, its records and the rows about its bodies included.

    Raises:
        CorruptArchiveError: the file is missing.
        StorageError: it cannot be read.
    """
    walk, is_sound = RawWalk(directory, store, sealed.file, committed), True
    for found in walk.found():
        is_sound = False
        yield found
    if is_sound:
        look = _Look(directory, sealed, committed)
        for _ in look.chunks():
            pass
        yield from look.differences(walk.count, walk.first_id, walk.last_id)


class _Look:
    """Reads a sealed file through, digesting it."""

    def __init__(self, directory: Path, sealed: Sealed, committed: int) -> None:
        self._path = directory / sealed.path
        self._sealed = sealed
        self._committed = committed
        self._digest = hashlib.sha256()
        self._bytes = 0

    def chunks(self) -> Iterator[bytes]:
        with explained(self._sealed.path), self._path.open("rb") as stream:
            while chunk := self._read(stream, PIECE):
                yield chunk

    def stretches(self) -> Iterator[tuple[int, int, int, bytes | None]]:
        """By member: where its lines begin and end, where it begins itself, and the lines; None: it is damaged."""
        members = self._sealed.members
        starts = [*(member.start for member in members[1:]), self._committed]
        offsets = [*(member.offset for member in members[1:]), self._sealed.bytes]
        with explained(self._sealed.path), self._path.open("rb") as stream:
            for member, end, offset in zip(members, starts, offsets, strict=True):
                data = self._read(stream, max(offset - member.offset, 0))
                try:
                    lines = inflate(data)
                except (EOFError, zlib.error):
                    lines = None
                yield member.start, end, member.offset, lines
            while self._read(stream, PIECE):
                pass

    def _read(self, stream: IO[bytes], size: int) -> bytes:
        data = stream.read(size)
        self._digest.update(data)
        self._bytes += len(data)
        return data

    def differences(self, records: int, first_id: str | None, last_id: str | None) -> Iterator[Found]:
        """What of the whole file is not as it was sealed, once it has been read."""
        sealed = self._sealed
        if self._bytes != sealed.bytes:
            yield None, f"it is {self._bytes} bytes long, but was sealed with {sealed.bytes}"
        elif (digest := self._digest.hexdigest()) != sealed.sha256:
            yield None, f"its SHA-256 is {digest}, but it was sealed with {sealed.sha256}"
        elif (records, first_id, last_id) != (sealed.records, sealed.first_id, sealed.last_id):
            yield (
                None,
                f"it has {records} records, {first_id} to {last_id}, but was sealed with "
                f"{sealed.records}, {sealed.first_id} to {sealed.last_id}",
            )


def _split(start: int, lines: bytes) -> _Lines:
    for line in io.BytesIO(lines):  # splitlines would part them at a carriage return too
        yield start, line
        start += len(line)


def _noted(lines: Iterator[Line], ids: list[str]) -> Iterator[Line]:
    for line in lines:
        if line.name is not None:
            ids.append(line.name[0])
        yield line
