"""Raw copies: every record of a WARC file read to its end, beside what the database knows of the bodies in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from storage.model import Payload
from storage.segments import size
from storage.store import Store
from storage.verification.ahead import Ahead
from storage.verification.damage import Found
from storage.warc import WarcRecord
from storage.warc_scan import Unreadable, scan
from storage.words import are, count

_ROWS = 500
"""Rows read from the store at a time."""


class RawWalk:
    """A walk through a WARC file: ``found`` walks, the attributes say what it came past.

    Args:
        directory: The data directory.
        store: Knows which bodies stand in the file.
        file: Below the data directory.
        committed: Bytes of the file that are committed; what is past them is not judged.
    """

    def __init__(self, directory: Path, store: Store, file: str, committed: int) -> None:
        self._directory = directory
        self._store = store
        self._file = file
        self._committed = committed
        self._rows = Ahead(_rows(store, file, committed))
        self._shift = 0
        """How many bytes further on than in the database the records are by now."""
        self._shift_is_told = False
        """Whether the last thing found accounts for whatever shift comes next."""
        self.count = 0
        """Records that could be read."""
        self.first_id: str | None = None
        self.last_id: str | None = None

    def found(self) -> Iterator[Found]:
        """What is wrong, by offset: each damage once, however far it shifts what follows. Raises StorageError."""
        at = 0
        for piece in scan(self._directory, self._file):
            if piece.offset >= self._end:
                break
            if isinstance(piece, Unreadable):
                yield piece.offset, self._unreadable(piece)
                if piece.end is None:
                    return
                at = piece.end
            else:
                yield from self._judged(piece)
                at = piece.offset + piece.length
        yield from self._ended(at)

    @property
    def _end(self) -> int:
        return self._committed + self._shift

    def _judged(self, record: WarcRecord) -> Iterator[Found]:
        self.count += 1
        self.first_id, self.last_id = self.first_id or record.id, record.id
        if False in {record.block_holds, record.payload_holds}:
            yield record.offset, f"the {record.type} record of {record.url} is not what its digest says"
        if record.type == "response" and (what := self._misplaced(record)):
            yield record.offset, what

    def _misplaced(self, record: WarcRecord) -> str | None:
        """What is wrong with where a body stands, beside what the database says. Takes its row."""
        row = self._rows.peek()
        if row is None or row.digest != record.payload_digest:
            if record.payload_holds is False:
                return None  # that is told, and the body may have been kept anew since
            digest = record.payload_digest or ""
            known = self._store.payloads([digest]).get(digest)
            if known is None:
                return f"the database does not know the raw copy of {record.url}, which stands here"
            if known.file != self._file or row is None or known.offset < row.offset:
                return None  # it stood elsewhere first
        gone = self._taken_up_to(record.payload_digest)
        row = self._rows.take()
        assert row is not None
        missing = self._shift - (record.offset - row.offset)
        self._shift -= missing
        is_told, self._shift_is_told = self._shift_is_told, False
        if gone and missing <= 0:
            return f"the database has {_named(gone)} before this, but no such record stands there"
        if missing and not (is_told and not gone):
            bytes_ = f"{are(abs(missing), 'byte')} {'missing' if missing > 0 else 'too many'} before this"
            return f"{bytes_}: {_named(gone)} {'is' if len(gone) == 1 else 'are'} gone" if gone else bytes_
        if (row.url, row.at) != (record.url, record.at):
            return f"the database has another address or time of the raw copy of {record.url}"
        return None

    def _taken_up_to(self, digest: str | None) -> list[Payload]:
        gone = []
        while (row := self._rows.peek()) is not None and row.digest != digest:
            gone.append(row)
            self._rows.take()
        return gone

    def _unreadable(self, bytes_: Unreadable) -> str:
        """What to say of bytes that are no record. Takes the rows about them."""
        following, lost = bytes_.end, []
        while (row := self._rows.peek()) is not None and (following is None or row.offset + self._shift < following):
            lost.append(row)
            self._rows.take()
        self._shift_is_told = True
        end = following if following is not None else min(size(self._directory, self._file), self._end)
        short = (
            f", and the file ends {count(self._end - end, 'byte')} short"
            if following is None and end < self._end
            else ""
        )
        copies = f": {_named(lost)} {'is' if len(lost) == 1 else 'are'} lost" if lost else ""
        return f"{are(end - bytes_.offset, 'byte')} no WARC record{short}{copies}"

    def _ended(self, at: int) -> Iterator[Found]:
        gone = self._taken_up_to(None)
        if gone and at < self._end:
            is_are = "is" if len(gone) == 1 else "are"
            yield at, f"the file ends here, {count(self._end - at, 'byte')} short: {_named(gone)} {is_are} gone"
        elif gone:
            yield gone[0].offset, f"the database has {_named(gone)} here, but no such record stands here"
        elif at < self._end and not self._shift_is_told:
            yield at, f"the file ends here, but {self._committed} bytes are committed"
        elif at > self._end and not self._shift_is_told:
            yield at, f"the record ends past the {self._committed} committed bytes"


def _rows(store: Store, file: str, end: int) -> Iterator[Payload]:
    start = 0
    while some := store.payloads_in(file, start, _ROWS):
        for row in some:
            if row.offset >= end:
                return
            yield row
        start = some[-1].offset + 1


def _named(copies: Sequence[Payload]) -> str:
    if len(copies) == 1:
        return f"the raw copy of {copies[0].url}"
    return f"{len(copies)} raw copies ({copies[0].url} to {copies[-1].url})"
