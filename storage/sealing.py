"""Sealing: a file that is complete becomes one that never changes again, compressed where it is not yet, and digested.

Of records: the draft is written → fsync → compared with the plain file → renamed → the directory's fsync → manifest
line → database row → the plain file unlinked → the directory's fsync. Raw copies are compressed from the start: of them
only manifest and row are written. What a crash between any two of these steps leaves, ``storage.recovery`` makes good.
"""

import os
import re
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from storage import manifest
from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.inspection import Inspection, is_of_records
from storage.members import pack
from storage.model import ArchivedRevision, Sealed
from storage.records import line_digest
from storage.segments import ARTICLES, explained
from storage.store import Store

RAW = "raw"
DRAFT = ".gz.tmp"
"""``NAME.gz.tmp`` beside ``NAME.jsonl``: a name that readers of ``*.jsonl*`` pass over."""
_ROWS = 500
"""Rows read from the store at a time."""
_DAY = re.compile(r"/date=(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A file that could not be sealed: it stays as it is, and what is wrong with it is for ``storage.verify``."""

    file: str
    error: StorageError


def finished(store: Store, now: datetime, enough: int, *, everything: bool = False) -> list[str]:
    """Files that hold something, are not sealed, and that nothing is appended to any more.

    Args:
        store: Knows what is committed and what is sealed.
        now: Files of an earlier UTC day are finished.
        enough: So are files with this many bytes.
        everything: And so are all others.

    Raises:
        StorageError: the database cannot be read.
    """
    sealed, today = store.sealed_files(), f"{now.astimezone(UTC):%Y-%m-%d}"
    return [
        file
        for file, committed in sorted(store.committed_files().items())
        if committed
        and file not in sealed
        and (is_of_records(file) or file.startswith(f"{RAW}/"))
        and (everything or committed >= enough or ((day := _DAY.search(file)) is not None and day[1] < today))
    ]


def seal(directory: Path, store: Store, file: str) -> Iterator[Sealed | None]:
    """Seal a file, a piece of work at a time: None after each, the sealed file at the end.

    The last piece alone changes the archive; the others can be left at any moment, and other files be appended to
    between them. A file that was appended to meanwhile is left as it is, and no sealed file comes at the end.

    Raises:
        CorruptArchiveError: the file is not what is committed of it, is damaged, or has another digest in the manifest.
        StorageError: something cannot be read or written; the records are still in the plain file.
    """
    try:
        yield from _seal_records(directory, store, file) if is_of_records(file) else _seal_raw(directory, store, file)
    except OSError as error:
        raise StorageError(f"{file} cannot be sealed") from error


def clear_drafts(directory: Path) -> None:
    """Remove what was being written when the process died. Raises StorageError."""
    try:
        for draft in (directory / ARTICLES).glob(f"**/*{DRAFT}"):
            draft.unlink()
    except OSError as error:
        raise StorageError(f"a draft below {directory / ARTICLES} cannot be removed") from error


def remember(directory: Path, store: Store, sealed: Sealed) -> None:
    """Enter a sealed file in the manifest, then in the database, each durable before the next.

    Raises:
        CorruptArchiveError: the manifest has another digest for it.
        StorageError: manifest or database cannot be written.
    """
    manifest.append(directory, manifest.line_of(sealed))
    store.seal(sealed)


def compare(plain: Path, inspection: Inspection, end: int) -> Iterator[None]:
    """Inspect a compressed file, and make sure that it begins with the first ``end`` bytes of the plain one.

    Raises:
        CorruptArchiveError: it does not, or is no whole gzip.
        OSError: the plain file cannot be read.
    """
    with plain.open("rb") as source:
        for piece in inspection.pieces():
            lines = source.read(min(len(piece), end))
            if not piece.startswith(lines):
                break
            end -= len(lines)
            yield None
    if end:
        raise CorruptArchiveError(f"{inspection.file} and its compressed form are not the same")


def drop_plain(plain: Path) -> None:
    """Unlink a plain file, durably; the sealed one has all of it, and is remembered. Raises OSError."""
    plain.unlink()
    sync_directory(plain.parent)


def _packed(plain: Path) -> Path:
    return plain.with_name(f"{plain.name}.gz")


# -- the two kinds -----------------------------------------------------------------------------------------------------


def _seal_records(directory: Path, store: Store, file: str) -> Iterator[Sealed | None]:
    plain, committed = directory / file, store.committed_offset(file)
    packed, draft = _packed(plain), plain.with_suffix(DRAFT)
    _check_size(plain, file, committed)
    if packed.exists():  # an earlier attempt could not enter it
        sealed = yield from _compared(plain, Inspection(directory, file), committed)
    else:
        try:
            yield from _write(store, file, plain, draft, committed)
            sealed = yield from _compared(plain, Inspection(directory, file, draft), committed)
            if store.committed_offset(file) != committed:  # the clock was put back over midnight
                draft.unlink()
                return
            draft.replace(packed)
        except BaseException:
            with suppress(OSError):  # the next start removes it
                draft.unlink()
            raise
    sync_directory(plain.parent)
    remember(directory, store, sealed)
    drop_plain(plain)
    yield sealed


def _seal_raw(directory: Path, store: Store, file: str) -> Iterator[Sealed | None]:
    committed, inspection = store.committed_offset(file), Inspection(directory, file)
    _check_size(directory / file, file, committed)
    for _ in inspection.pieces():
        yield None
    if store.committed_offset(file) == committed:
        sealed = inspection.sealed()
        remember(directory, store, sealed)
        yield sealed


def _check_size(path: Path, file: str, committed: int) -> None:
    with explained(file):
        length = path.stat().st_size
    if length != committed:
        raise CorruptArchiveError(f"{file} is {length} bytes long, of which {committed} are committed")


def _compared(plain: Path, inspection: Inspection, committed: int) -> Generator[None, None, Sealed]:
    yield from compare(plain, inspection, committed)
    if inspection.length != committed:
        raise CorruptArchiveError(f"{inspection.file} and its compressed form are not of the same length")
    return inspection.sealed()


def _write(store: Store, file: str, plain: Path, draft: Path, end: int) -> Iterator[None]:
    with plain.open("rb") as source, draft.open("wb") as target:
        for member in pack(_as_committed(store, file, _lines(source, end))):
            target.write(member)
            yield None
        target.flush()
        os.fsync(target.fileno())


def _as_committed(store: Store, file: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, each as the database has it by its digest: what is sealed is held to be sound from then on."""
    offset, known = 0, deque[ArchivedRevision]()
    for line in lines:
        if not known:
            known.extend(store.records_in(file, offset, _ROWS))
        row = known.popleft() if known and known[0].place.offset == offset else None
        if row is not None and row.place.digest not in (None, line_digest(line)):
            raise CorruptArchiveError(f"{file}, byte {offset}: the line is not as it was committed")
        yield line
        offset += len(line)


def _lines(source: IO[bytes], end: int) -> Iterator[bytes]:
    for line in source:
        if end <= 0:
            return
        yield line
        end -= len(line)
