"""What the files hold, read for a database that is to learn it again; what is damaged in them is passed over."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from storage import manifest
from storage.connection import batches
from storage.errors import CorruptArchiveError
from storage.inspection import Inspection, is_of_records
from storage.manifest import Line
from storage.members import PIECE, inflate, unpack
from storage.model import Article, FileContent, Member, Payload, Place, Sealed
from storage.raw_recovery import payload_of
from storage.records import line_digest
from storage.segments import explained, lines, parse, segments, size
from storage.warc import WarcRecord, warc_files
from storage.warc_scan import scan

_Lines = Iterator[tuple[int, bytes]]
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claims:
    """What was known of sealed files before, by ``Sealed.path``; the files themselves may have changed since."""

    sealed: Mapping[str, Sealed]
    """By the database."""
    listed: Mapping[str, Line]
    """By the manifest."""
    committed: Mapping[str, int]
    """Bytes of lines, by ``Sealed.file``."""


def contents(directory: Path, claims: Claims) -> Iterator[FileContent]:
    """What all files hold, in pieces that fit into memory: records oldest first, then raw copies.

    A sealed file that is not what it was sealed as is told as it was sealed, so that it is known for damaged; whatever
    of it can be read is told too.

    Raises:
        SchemaError: a record is of another format version.
        StorageError: a file cannot be read.
    """
    for file in sorted(segments(directory), key=lambda file: _age(directory, file)):
        if (directory / file).exists():
            yield from _records(file, lines(directory, file))
        else:
            yield from _packed(directory, file, claims)
    for file in warc_files(directory):
        yield from _raw(directory, file, claims)


def readable_records(directory: Path) -> Iterator[tuple[Article, Place]]:
    """Every record that can be read, oldest file first; what is damaged is passed over. Raises StorageError."""
    for file in sorted(segments(directory), key=lambda file: _age(directory, file)):
        for some in batches(_as_far_as_possible(directory, file)):
            yield from _parsed(file, some)


def _age(directory: Path, file: str) -> tuple[str, datetime, str]:
    """Its day, when the first of its records was archived, its name: after a loss a day has files of two writers."""
    folder = file.rpartition("/")[0]
    try:
        offset, line = next(lines(directory, file), (0, b""))
        return folder, parse(file, offset, line).archived, file
    except CorruptArchiveError:
        return folder, _NEVER, file


# -- records -----------------------------------------------------------------------------------------------------------


def _records(file: str, whole: _Lines, end: int | None = None) -> Iterator[FileContent]:
    """What lines hold, those that are no record left out.

    ``end`` is what counts as committed however far the lines go; without it, a last line without its line feed does
    not.
    """
    for some in batches(whole):
        if not some[-1][1].endswith(b"\n"):
            some.pop()
        if some:
            last, line = some[-1]
            yield FileContent(file, last + len(line) if end is None else end, articles=tuple(_parsed(file, some)))


def _parsed(file: str, some: list[tuple[int, bytes]]) -> Iterator[tuple[Article, Place]]:
    for offset, line in some:
        try:
            article = parse(file, offset, line)
        except CorruptArchiveError:
            continue
        yield article, Place(file, offset, len(line), line_digest(line))


def _packed(directory: Path, file: str, claims: Claims) -> Iterator[FileContent]:
    path = f"{file}.gz"
    sealed, length = _inspected(directory, file)
    if sealed is not None and _is_as_claimed(sealed, claims):
        yield from _records(file, lines(directory, file), length)
        yield FileContent(file, length, sealed=sealed)
        return
    known = _claimed(directory, path, file, claims)
    end = claims.committed.get(file, length)
    if known is not None and known.members:
        yield from _records(file, _of_whole_members(directory, known), end)
    else:
        yield from _records(file, _as_far_as_possible(directory, file), end or None)
    if known is not None:
        yield FileContent(file, end, sealed=known)


def _of_whole_members(directory: Path, sealed: Sealed) -> _Lines:
    ends = [*(member.offset for member in sealed.members[1:]), sealed.bytes]
    with explained(sealed.path), (directory / sealed.path).open("rb") as stream:
        for member, end in zip(sealed.members, ends, strict=True):
            stream.seek(member.offset)
            try:
                content = inflate(stream.read(max(end - member.offset, 0)))
            except (EOFError, zlib.error):
                continue
            offset = member.start
            for line in BytesIO(content):
                yield offset, line
                offset += len(line)


def _as_far_as_possible(directory: Path, file: str) -> _Lines:
    try:
        yield from lines(directory, file)
    except CorruptArchiveError:
        return


# -- raw copies --------------------------------------------------------------------------------------------------------


def _raw(directory: Path, file: str, claims: Claims) -> Iterator[FileContent]:
    end = 0
    for some in batches(record for record in scan(directory, file) if isinstance(record, WarcRecord)):
        end = some[-1].offset + some[-1].length
        yield FileContent(file, end, payloads=tuple(_payloads(file, some)))
    if file not in claims.sealed and file not in claims.listed:
        return
    sealed, _ = _inspected(directory, file)
    if sealed is None or not _is_as_claimed(sealed, claims):
        sealed = _claimed(directory, file, file, claims)
    if sealed is not None:
        yield FileContent(file, max(end, size(directory, file)), sealed=sealed)


def _payloads(file: str, some: list[WarcRecord]) -> Iterator[Payload]:
    for record in some:
        if record.type == "response" and False not in {record.block_holds, record.payload_holds}:
            yield payload_of(file, record)


# -- sealed files ------------------------------------------------------------------------------------------------------


def _inspected(directory: Path, file: str) -> tuple[Sealed | None, int]:
    """What a compressed file is, and how many bytes it holds; None where it is damaged."""
    inspection = Inspection(directory, file)
    try:
        for _ in inspection.pieces():
            pass
        return inspection.sealed(), inspection.length
    except CorruptArchiveError:
        return None, inspection.length


def _is_as_claimed(sealed: Sealed, claims: Claims) -> bool:
    """Whether the manifest or the database confirms what a file is; or neither knows it."""
    known, listed = claims.sealed.get(sealed.path), claims.listed.get(sealed.path)
    line = manifest.line_of(sealed)
    if known is None and listed is None:
        return True
    return line == listed or (known is not None and line == manifest.line_of(known))


def _claimed(directory: Path, path: str, file: str, claims: Claims) -> Sealed | None:
    """What a file was sealed as; None where nobody says, or nothing of it can be read."""
    if (sealed := claims.sealed.get(path)) is not None:
        return sealed
    if (line := claims.listed.get(path)) is None:
        return None
    members = tuple(_members(directory, path)) if is_of_records(file) else ()
    if is_of_records(file) and not members:
        return None
    return Sealed(file, path, line.records, line.bytes, line.sha256, line.first_id, line.last_id, 0, members)


def _members(directory: Path, path: str) -> Iterator[Member]:
    """The members of a file, as far as it can be read."""
    before: Member | None = None
    with suppress(CorruptArchiveError), explained(path), (directory / path).open("rb") as stream:
        for member, _ in unpack(iter(lambda: stream.read(PIECE), b"")):
            if member is not before:
                yield member
            before = member
