"""Reads a complete file through, and tells what sealing remembers of it: digest, count, first and last id, members."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from storage.errors import CorruptArchiveError
from storage.members import PIECE, unpack
from storage.model import Member, Sealed
from storage.segments import ARTICLES, explained, parse


class Inspection:
    """A look at one compressed file, of records or raw copies: ``pieces`` is the look, ``sealed`` what it came to."""

    def __init__(self, directory: Path, file: str, draft: Path | None = None) -> None:
        """Reads nothing yet.

        Args:
            directory: The data directory.
            file: The name that places and references use.
            draft: The compressed file, where it does not have the name of a sealed one yet.
        """
        self.file = file
        self._path = f"{file}.gz" if is_of_records(file) else file
        self._source = draft or directory / self._path
        self._name = self._source.relative_to(directory).as_posix()
        self._tally: _Tally = _Lines(file) if is_of_records(file) else _WarcRecords(file)
        self.length = 0
        """Bytes that the file holds, inflated, as far as it has been read."""
        self._digest = hashlib.sha256()
        self._status: os.stat_result

    def pieces(self) -> Iterator[bytes]:
        """What the file holds, inflated, all of it, cut anywhere.

        Raises:
            CorruptArchiveError: the file is missing, or no whole gzip.
            StorageError: it cannot be read.
        """
        with explained(self._name), self._source.open("rb") as source:
            for member, piece in unpack(self._digested(source)):
                self._tally.add(member, piece)
                self.length += len(piece)
                yield piece
            self._status = os.fstat(source.fileno())

    def sealed(self) -> Sealed:
        """What is to be remembered of the file, once all pieces have been read.

        Raises:
            CorruptArchiveError: it is empty or torn, or its first or last record is none.
            SchemaError: one of them is of another format version.
        """
        first, last = self._tally.ids()
        return Sealed(
            file=self.file,
            path=self._path,
            records=self._tally.count,
            bytes=self._status.st_size,
            sha256=self._digest.hexdigest(),
            first_id=first,
            last_id=last,
            mtime_ns=self._status.st_mtime_ns,
            members=tuple(self._tally.members),
        )

    def _digested(self, source: IO[bytes]) -> Iterator[bytes]:
        while chunk := source.read(PIECE):
            self._digest.update(chunk)
            yield chunk


def is_of_records(file: str) -> bool:
    """Whether a file holds articles, not raw copies."""
    return file.startswith(f"{ARTICLES}/")


class _Tally(Protocol):
    """Counts records that come in pieces."""

    count: int
    members: list[Member]

    def add(self, member: Member, piece: bytes) -> None: ...

    def ids(self) -> tuple[str, str]: ...


class _Lines:
    """Lines of JSON; members are kept for reading one in the middle."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.count = 0
        self.members: list[Member] = []
        self._first = self._last = self._rest = b""
        self._end = 0

    def add(self, member: Member, piece: bytes) -> None:
        if not self.members or self.members[-1] is not member:
            self.members.append(member)
        self._end += len(piece)
        whole = self._rest + piece
        end = whole.rfind(b"\n") + 1
        self._rest = whole[end:]
        if end:
            self._first = self._first or whole[: whole.index(b"\n") + 1]
            self._last = whole[whole.rfind(b"\n", 0, end - 1) + 1 : end]
            self.count += whole.count(b"\n", 0, end)

    def ids(self) -> tuple[str, str]:
        if self._rest or not self.count:
            raise CorruptArchiveError(
                f"{self._file}: its last line is torn" if self._rest else f"{self._file} is empty"
            )
        last = parse(self._file, self._end - len(self._last), self._last)
        return parse(self._file, 0, self._first).id, last.id


class _WarcRecords:
    """WARC records, one gzip member each; nothing needs their members, for places are in bytes on disk."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.count = 0
        self.members: list[Member] = []
        self._first = self._last = b""
        self._member: Member | None = None

    def add(self, member: Member, piece: bytes) -> None:
        if self._member is not member:
            self._member = member
            self.count += 1
            self._last = piece[:_HEAD]
            self._first = self._first or self._last

    def ids(self) -> tuple[str, str]:
        return self._id(self._first), self._id(self._last)

    def _id(self, head: bytes) -> str:
        if (found := _RECORD_ID.search(head)) is None:
            raise CorruptArchiveError(f"{self._file} holds what is no WARC record")
        return found[1].decode("ascii", "replace")


_HEAD = 64 * 1024
"""Bytes of a record among which its header fields stand."""
_RECORD_ID = re.compile(rb"^WARC-Record-ID:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
