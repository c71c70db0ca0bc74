"""Looks at every record, sealed file, raw copy, reference and count, and says what is wrong. Changes nothing.

the database itself → files of records → raw copies → manifest, what is not committed, what sealing left → counts
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from storage.card import outdated
from storage.errors import CorruptArchiveError, StorageError
from storage.manifest import MANIFEST
from storage.segments import ARTICLES, PACKED, lines, on_disk, segments
from storage.store import Store
from storage.verification.alignment import align
from storage.verification.damage import DATABASE, Damage, Found
from storage.verification.gap import Line
from storage.verification.lines import Judge
from storage.verification.listing import manifested, verify_manifest
from storage.verification.raw import RawWalk
from storage.verification.rows import rows_between
from storage.verification.sealed import verify_sealed_raw, verify_sealed_records
from storage.warc import RAW, warc_files
from storage.words import are, count

PATIENCE = 3.0
"""Seconds in which a running service has committed what it is about to."""
_PAUSE = 0.1


def verify(directory: Path, store: Store, *, patience: float = PATIENCE) -> Iterator[Damage]:
    """Check every file, line, hash, reference and count; yields what is wrong as it is found, nothing if all is well.

    A file is judged up to the offset committed when its turn comes, and what may be the work of a moment is looked at
    again, so that a process that goes on writing and sealing disturbs nothing. Memory does not grow with the archive.

    Args:
        directory: The data directory.
        store: Its store, read only if need be.
        patience: Seconds to wait for a running service to finish what was changed only now.

    Raises:
        StorageError: a file or the database cannot be read at all.
    """
    faults = store.damage()
    yield from (Damage(DATABASE, None, fault) for fault in faults)
    try:
        yield from _Verification(directory, store).damage(patience)
    except StorageError:
        if not faults:  # a damaged database cannot be read further, and that has been told
            raise


class _Verification:
    def __init__(self, directory: Path, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._judge = Judge(directory, store)
        records = on_disk(directory)
        self._raw = warc_files(directory)
        growing = [file for file in (*records, *self._raw) if not file.endswith(PACKED)]
        self._sizes = {file: status.st_size for file in growing if (status := self._status(file)) is not None}
        """First of all: what is on disk by now, is committed soon."""
        self._sealed = store.sealed_files()
        self._known = store.committed_files().keys() | self._sealed.keys()

    def damage(self, patience: float) -> Iterator[Damage]:
        records = {file for file in self._known if file.startswith(f"{ARTICLES}/")}
        for file in sorted(records | set(segments(self._directory))):
            yield from self._records(file)
        raw = {file for file in self._known if file.startswith(f"{RAW}/")}
        for file in sorted(raw | set(self._raw)):
            yield from self._raw_copies(file)
        yield from self._settled(patience)
        yield from self._counts()

    def _records(self, file: str) -> Iterator[Damage]:
        committed, sealed = self._store.committed_offset(file), self._sealed.get(file)
        if sealed is not None:
            if not self._is_there(sealed.path):
                yield Damage(
                    sealed.path, None, f"the sealed file is missing, and {count(sealed.records, 'record')} with it"
                )
                return
            found = verify_sealed_records(self._directory, self._store, self._judge, sealed, committed)
            yield from (Damage(sealed.path, offset, what) for offset, what in found)
        elif committed:
            path = next((name for name in (file, f"{file}.gz") if self._is_there(name)), None)
            if path is None:
                yield Damage(file, None, f"the file is missing, of which {committed} bytes are committed")
                return
            yield from (Damage(path, offset, what) for offset, what in self._open_records(file, committed))

    def _open_records(self, file: str, committed: int) -> Iterator[Found]:
        """Of a file that the database does not know as sealed, though it may be."""
        problem, end, is_told = "", 0, False

        def readable() -> Iterator[tuple[int, bytes]]:
            nonlocal problem
            try:
                yield from lines(self._directory, file)
            except CorruptArchiveError as error:
                problem = str(error)

        def judged() -> Iterator[Line]:
            nonlocal end
            for line in self._judge.judged(readable()):
                end = line.end
                yield line
            if problem:
                yield Line(end, 0, problem=problem)

        rows = rows_between(self._store, file, 0, committed)
        for found in align(judged(), rows, self._judge.place, start=0, end=committed, note=self._judge.note):
            is_told = True
            yield found
        if problem and not is_told:  # behind the last of its records
            yield end, problem

    def _raw_copies(self, file: str) -> Iterator[Damage]:
        committed, sealed = self._store.committed_offset(file), self._sealed.get(file)
        if not self._is_there(file):
            what = f"of which {committed} bytes are committed" if sealed is None else "which was sealed"
            yield Damage(file, None, f"the file is missing, {what}")
        elif sealed is not None:
            found = verify_sealed_raw(self._directory, self._store, sealed, committed)
            yield from (Damage(file, offset, what) for offset, what in found)
        else:
            found = RawWalk(self._directory, self._store, file, committed).found()
            yield from (Damage(file, offset, what) for offset, what in found)

    # -- what a running service may be about to change -----------------------------------------------------------------

    def _settled(self, patience: float) -> Iterator[Damage]:
        found = self._unsettled()
        deadline = time.monotonic() + patience
        while found and time.monotonic() < deadline and self._is_recent(found, patience):
            time.sleep(_PAUSE)
            again = self._unsettled()
            found = [damage for damage in found if damage in again]
        yield from found

    def _unsettled(self) -> list[Damage]:
        committed = self._store.committed_files()
        sealed = {one.path: one for one in self._store.sealed_files().values()}
        found = verify_manifest(self._directory, sealed)
        found += (
            Damage(name, None, f"{what}: the next start writes it anew")
            for name, what in outdated(self._directory).items()
        )
        for file, length in self._sizes.items():
            if length > (end := committed.get(file, 0)) and file not in sealed and self._is_there(file):
                what = f"{are(length - end, 'byte')} not committed: the next start takes them in or aside"
                found.append(Damage(file, end, what))
        listed = manifested(self._directory)
        for path in on_disk(self._directory):
            if not path.endswith(PACKED):
                continue
            if self._is_there(plain := path.removesuffix(".gz")):
                found.append(Damage(plain, None, f"{path} is there too: the next start finishes sealing it"))
            elif path not in sealed and path not in listed:
                found.append(Damage(path, None, "the database does not know it: the next start takes it in"))
        return found

    def _is_recent(self, found: list[Damage], seconds: float) -> bool:
        told = {damage.path for damage in found}
        paths = {MANIFEST, *told, *(f"{path}.gz" for path in told)}
        # not the time of its content: what is sealed was written long before it is given its name
        changed = [status.st_ctime for path in paths if (status := self._status(path)) is not None]
        return max(changed, default=0) > time.time() - seconds

    # ------------------------------------------------------------------------------------------------------------------

    def _counts(self) -> Iterator[Damage]:
        if stranded := self._store.stranded():
            what = f"what the feeds gave of {count(stranded, 'pending entry')} is lost: no turn of theirs will come"
            yield Damage(DATABASE, None, what)
        archived, known = self._store.balance()
        if archived != known:
            yield Damage(DATABASE, None, f"{are(archived, 'entry')} archived, but there are {known} records")
            return
        self._judge.look_for_addresses()
        if number := self._judge.unknown_urls:
            what = f"it finds no article by {count(number, 'address')} of records, {self._judge.unknown_url} the first"
            yield Damage(DATABASE, None, what)
        for article_id, (entries, records) in self._store.unbalanced(1).items():
            yield Damage(DATABASE, None, f"{article_id} has {entries} archived entries, but {count(records, 'record')}")

    def _is_there(self, path: str) -> bool:
        return self._status(path) is not None

    def _status(self, path: str) -> os.stat_result | None:
        """None for a file that is not there, or no more: sealing takes plain ones away."""
        try:
            return (self._directory / path).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path} cannot be read") from error
