"""WARC/1.1 files (ISO 28500) of one gzip member a record, for reading: a record at a time, checked as it inflates.

warcio parses a head; a torn or damaged file it would read to its end without a complaint.
"""

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from storage.errors import CorruptArchiveError, StorageError

if TYPE_CHECKING:
    from warcio.statusandheaders import StatusAndHeaders

RAW = "raw"
"""The folder of WARC files, below the data directory."""
_STEP = 65_536
"""Bytes read and inflated at a time."""
_LONGEST_HEAD = 1_000_000
"""Bytes of a head, WARC's or HTTP's: what is longer is none."""
_END = b"\r\n\r\n"
"""What follows a record's block."""


class TornRecordError(CorruptArchiveError):
    """A file ends within a record."""


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """A record as it stands in a file."""

    offset: int
    """Where its gzip member begins, in bytes as they are on disk."""
    length: int
    """Of its gzip member."""
    type: str
    """``WARC-Type``: warcinfo | response | request | metadata | revisit."""
    id: str
    """``WARC-Record-ID``, in its angle brackets."""
    url: str | None
    """``WARC-Target-URI``; a warcinfo record has none."""
    at: datetime
    """``WARC-Date``."""
    payload_digest: str | None
    """``WARC-Payload-Digest``; a revisit's is that of the body it leaves out."""
    block_holds: bool | None
    """Whether the block is what ``WARC-Block-Digest`` says; None: it says nothing."""
    payload_holds: bool | None
    """Whether the payload is what ``WARC-Payload-Digest`` says; None: it says nothing, or the payload is elsewhere."""
    fields: tuple[tuple[str, str], ...]
    """All fields of its head, in order."""


def warc_files(directory: Path) -> list[str]:
    """Paths, below the data directory, of all WARC files: by day, then by writer and number.

    Raises:
        StorageError: the directory cannot be read.
    """
    try:
        found = list((directory / RAW).glob("**/*.warc.gz"))
    except OSError as error:
        raise StorageError(f"{directory / RAW} cannot be read") from error
    return sorted(path.relative_to(directory).as_posix() for path in found)


def records(directory: Path, file: str, start: int = 0) -> Iterator[WarcRecord]:
    """The records of a WARC file from byte ``start`` on, where one begins, a piece at a time in memory.

    A digest that does not hold is told in the record. Where a gzip member is damaged nobody knows where the next one
    begins, so that the iteration ends; it can be taken up again at an offset that is known from elsewhere.

    Raises:
        TornRecordError: the file ends within a record, which begins at the byte the message names.
        CorruptArchiveError: the file is missing, or what stands at the byte the message names is no record.
        StorageError: the file cannot be read.
    """
    return _records(directory, file, start, lambda _: None)


def read_record(directory: Path, file: str, offset: int) -> tuple[WarcRecord, bytes, bytes]:
    """One record, the head of its block where it has one (a response's HTTP head), and the rest of the block.

    Raises:
        CorruptArchiveError: no whole record stands there.
        StorageError: the file cannot be read.
    """
    block: list[bytes] = []
    for record in _records(directory, file, offset, block.append):
        head = block.pop(0) if record.type == "response" else b""
        return record, head, b"".join(block)
    raise TornRecordError(f"{file}, byte {offset}: the file ends before the record does")


def _records(directory: Path, file: str, start: int, take: Callable[[bytes], object]) -> Iterator[WarcRecord]:
    offset, ahead = start, b""
    try:
        with (directory / file).open("rb") as stream:
            stream.seek(start)
            while ahead := ahead or stream.read(_STEP):
                member = _Member(stream, ahead)
                record = _checked(offset, member, take)
                yield record
                offset, ahead = offset + record.length, member.after
    except FileNotFoundError:
        raise CorruptArchiveError(f"{file} is missing") from None
    except EOFError:
        raise TornRecordError(f"{file}, byte {offset}: the file ends before the record does") from None
    except (zlib.error, ValueError) as error:
        raise CorruptArchiveError(f"{file}, byte {offset}: no WARC record") from error
    except OSError as error:
        raise StorageError(f"{file} cannot be read") from error


class _Member(io.RawIOBase):
    """One gzip member of a file, as it inflates. Raises EOFError where the file ends first, zlib.error."""

    def __init__(self, stream: IO[bytes], ahead: bytes) -> None:
        self._stream = stream
        self._ahead = ahead
        self._gunzip = zlib.decompressobj(31)
        self._taken = 0
        self.after = b""
        """What was read of the file and stands behind the member, once that has been read."""

    @property
    def length(self) -> int:
        """Bytes of the member, once it has been read."""
        return self._taken - len(self.after)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._gunzip.eof:
            data = self._ahead or self._stream.read(_STEP)
            if not data:
                raise EOFError
            piece = self._gunzip.decompress(data, len(buffer))
            self.after = self._gunzip.unused_data
            # what follows the member's end stands in the tail too, where more was inflated than asked for at a time
            self._ahead = b"" if self.after else self._gunzip.unconsumed_tail
            self._taken += len(data) - len(self._ahead)
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
        return 0


def _checked(offset: int, member: _Member, take: Callable[[bytes], object]) -> WarcRecord:
    """Read a member to its end, handing on its block. Raises ValueError where it holds no record, or not one alone."""
    stream = cast("IO[bytes]", io.BufferedReader(member, _STEP))
    head = _parse(_read_head(stream, _LONGEST_HEAD))
    left = int(head.get_header("Content-Length", ""))
    payload_digest = head.get_header("WARC-Payload-Digest")
    block, payload = _Digest(head.get_header("WARC-Block-Digest")), _Digest(None)
    if head.get_header("WARC-Type") == "response":
        http = _read_head(stream, min(left, _LONGEST_HEAD))
        take(http)
        block.update(http)
        payload, left = _Digest(payload_digest), left - len(http)
    while left:
        piece = stream.read(min(left, _STEP))
        if not piece:
            raise ValueError("the block is shorter than it says")
        take(piece)
        block.update(piece)
        payload.update(piece)
        left -= len(piece)
    if stream.read(len(_END) + 1) != _END:  # one byte more, so that the member is read to its end
        raise ValueError("the block is longer than it says")
    from warcio.timeutils import iso_date_to_datetime

    return WarcRecord(
        offset=offset,
        length=member.length,
        type=head.get_header("WARC-Type", ""),
        id=head.get_header("WARC-Record-ID", ""),
        url=head.get_header("WARC-Target-URI"),
        at=iso_date_to_datetime(head.get_header("WARC-Date", "")).replace(tzinfo=UTC),
        payload_digest=payload_digest,
        block_holds=block.holds,
        payload_holds=payload.holds,
        fields=tuple(head.headers),
    )


class _Digest:
    """A digest as a record states it, and of what is there; only SHA-256 in hex, which is what we write."""

    def __init__(self, stated: str | None) -> None:
        self._stated = stated
        self._found = hashlib.sha256()

    def update(self, data: bytes) -> None:
        if self._stated is not None:
            self._found.update(data)

    @property
    def holds(self) -> bool | None:
        return None if self._stated is None else self._stated == f"sha256:{self._found.hexdigest()}"


def _read_head(stream: IO[bytes], longest: int) -> bytes:
    """Up to and with the empty line."""
    lines, left = [], longest
    while left > 0 and (line := stream.readline(left)):
        lines.append(line)
        left -= len(line)
        if line == b"\r\n":
            return b"".join(lines)
    raise ValueError("a head without its end")


def _parse(head: bytes) -> "StatusAndHeaders":
    # loaded where there is a record to read: most archives have none
    from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

    try:
        return StatusAndHeadersParser(["WARC/1.1"]).parse(io.BytesIO(head))
    except StatusAndHeadersParserException as error:
        raise ValueError(str(error)) from None
