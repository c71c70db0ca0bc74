"""The raw copies: what went over the wire, kept in WARC files beside the records that were read out of it.

A batch is appended, synced and committed like the archive's own, before the lines that refer to it are appended: a
crash in between leaves raw copies that no line refers to, which are evidence all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.appending import SEGMENT_BYTES, Segment, day_folder, file_of
from storage.captures import capture_records, codings_of, digest_of, info_record
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Capture, Payload, RawRef
from storage.store import Store
from storage.warc import RAW, read_record


class RawCopies:
    """A data directory's raw copies, for one writer. Used from one thread at a time; the caller holds the lock.

    Args:
        directory: The data directory, recovered (``storage.raw_recovery``).
        store: Knows which bodies are kept already, and where.
        software: What writes the files, as they say themselves: name and version.
        segment_bytes: How long a file may be before the next one follows.
    """

    def __init__(self, directory: Path, store: Store, *, software: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._store = store
        self._software = software
        self._segment_bytes = segment_bytes
        self._segment: Segment | None = None
        self._is_broken = False

    def keep(self, captures: Sequence[Capture], now: datetime) -> list[RawRef]:
        """Append captures and commit them; returns where the body of each stands. All is durable when this returns.

        A body that is kept already is not written again: a ``revisit`` record says that it came, and when, and the
        reference is to where it stands. Only what can be read there counts as kept, and only in the same content
        encoding: whoever follows the reference finds the head by which the body is understood.

        Raises:
            StorageError: none of them is acknowledged. After a failed write more can be kept: the file is as before.
                After a failed sync or commit it cannot, because what the disk holds is not known: every later call
                raises too.
        """
        if self._is_broken:
            raise StorageError("an earlier sync or commit failed: the raw copies must be opened again to be written")
        if not captures:
            return []
        digests = [digest_of(capture.body) for capture in captures]
        segment = self._segment_for(now)
        batch = _Batch(segment, self._directory, self._store.payloads(set(digests)))
        info = None if segment.committed else info_record(Path(segment.file).name, self._software, now)
        segment.append_all(batch.members(info, captures, digests))
        self._is_broken = True  # until all of what follows has succeeded
        segment.sync()
        self._store.commit_raw(segment.file, batch.end, batch.payloads, batch.lost)
        segment.committed = batch.end
        self._is_broken = False
        return batch.references

    def close(self) -> None:
        """Let go of the file being written."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _segment_for(self, now: datetime) -> Segment:
        day = day_folder(RAW, now)
        segment = self._segment
        if (
            segment is None
            or segment.committed >= self._segment_bytes
            or not segment.file.startswith(f"{day}/")
            or self._store.is_sealed(segment.file)  # it was finished: the clock has been put back over midnight since
        ):
            self.close()
            file = file_of(self._directory, self._store, day, ".warc.gz", self._segment_bytes)
            segment = self._segment = Segment(self._directory, file, self._store.committed_offset(file))
        return segment


class _Batch:
    """What a batch comes to, growing as its records are made."""

    def __init__(self, segment: Segment, directory: Path, known: Mapping[str, Payload]) -> None:
        self._file = segment.file
        self._known: dict[tuple[str, tuple[bytes, ...]], Payload] = {}
        """Bodies that can be read, by digest and content encoding."""
        self.end = segment.committed
        self.payloads: list[Payload] = []
        """Bodies not kept before."""
        self.lost: set[str] = set()
        """Digests of bodies that were kept before, but are no more what they were."""
        self.references: list[RawRef] = []
        for payload in known.values():
            try:
                copy = read_payload(directory, RawRef(payload.file, payload.offset, payload.digest))
            except StorageError:
                self.lost.add(payload.digest)
            else:
                self._known[payload.digest, codings_of(copy.head)] = payload

    def members(self, info: bytes | None, captures: Sequence[Capture], digests: Sequence[str]) -> Iterator[bytes]:
        if info is not None:
            self.end += len(info)
            yield info
        for capture, digest in zip(captures, digests, strict=True):
            kind = digest, codings_of(capture.head)
            earlier = self._known.get(kind)
            payload = earlier or Payload(digest, capture.url, capture.at, self._file, self.end)
            for member in capture_records(capture, digest, earlier):
                self.end += len(member)
                yield member
            if earlier is None:
                self._known[kind] = payload
                self.payloads.append(payload)
            self.references.append(RawRef(payload.file, payload.offset, digest))


@dataclass(frozen=True, slots=True)
class RawCopy:
    """The raw copy of an answer, found as it should be."""

    fields: tuple[tuple[str, str], ...]
    """Of the WARC record."""
    head: bytes
    """Status line and header fields of the answer, up to and with the empty line."""
    body: bytes
    """As it was transferred: still in its content encoding, no longer in chunks."""


def read_payload(directory: Path, raw: RawRef) -> RawCopy:
    """The raw copy that a record refers to.

    Raises:
        CorruptArchiveError: the file is missing or torn, or no response record with this payload stands there.
        StorageError: the file cannot be read.
    """
    if raw.file is None or raw.offset is None:
        raise ValueError("a record without a raw copy")
    record, head, body = read_record(directory, raw.file, raw.offset)
    if record.type != "response" or record.payload_digest != raw.digest:
        raise CorruptArchiveError(f"{raw.file}, byte {raw.offset}: another record than the raw copy {raw.digest}")
    if not (record.block_holds and record.payload_holds):
        raise CorruptArchiveError(f"{raw.file}, byte {raw.offset}: the raw copy is not what its digest says")
    return RawCopy(record.fields, head, body)
