"""The manifest and the database's rows about sealed files: what one of them has lost is made anew from the other.

Only ever by the file itself: its digest must be what the other says.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from storage import manifest
from storage.durable import replace_file
from storage.errors import CorruptArchiveError, StorageError
from storage.inspection import Inspection, is_of_records
from storage.manifest import MANIFEST, Line
from storage.model import Sealed
from storage.recovery import unused
from storage.segments import explained
from storage.store import Store


def listed(directory: Path) -> Mapping[str, Line]:
    """What the manifest's readable lines say, by path; of two for one file, the first. Raises StorageError."""
    lines: dict[str, Line] = {}
    for data in _lines(directory):
        line = _decoded(data)
        if line is not None:
            lines.setdefault(line.path, line)
    return lines


def mend_rows(directory: Path, store: Store) -> Iterator[str]:
    """Make anew the rows about sealed files that are lost or wrong, by manifest and file; yields what was done.

    Raises:
        StorageError: something cannot be read or written.
    """
    sealed = {one.path: one for one in store.sealed_files().values()}
    for path, line in listed(directory).items():
        known = sealed.get(path)
        if (known is None or manifest.line_of(known) != line) and (directory / path).exists():
            found = _inspected(directory, path)
            if found is not None and manifest.line_of(found) == line:
                store.seal(found)
                yield f"the database knows again what {path} was sealed as"


def mend_manifest(directory: Path, store: Store, *, drop_missing: bool = False) -> Iterator[str]:
    """Write the manifest anew where lines are lost, torn or not as they were, by row and file; yields what was done.

    What is no line, and cannot be made anew, is set aside beside it.

    Args:
        directory: The data directory.
        store: Knows what was sealed.
        drop_missing: Set aside lines of files that are not there too.

    Raises:
        StorageError: something cannot be read or written.
    """
    draft = _Draft(directory, {one.path: one for one in store.sealed_files().values()}, drop_missing=drop_missing)
    for data in _lines(directory):
        draft.add(data)
    draft.add_missing()
    if not draft.done:
        return
    try:
        if draft.aside:
            aside = unused(directory / MANIFEST)
            replace_file(aside, b"".join(draft.aside))
            draft.done.append(f"what was no line of {MANIFEST} was set aside in {aside.name}")
        replace_file(directory / MANIFEST, b"".join(draft.lines))
    except OSError as error:
        raise StorageError(f"{MANIFEST} cannot be written") from error
    yield from draft.done


class _Draft:
    """The manifest as it should be, line by line as it is read."""

    def __init__(self, directory: Path, sealed: Mapping[str, Sealed], *, drop_missing: bool) -> None:
        self._directory = directory
        self._sealed = sealed
        self._drop_missing = drop_missing
        self._seen: set[str] = set()
        self.lines: list[bytes] = []
        self.aside: list[bytes] = []
        self.done: list[str] = []

    def add(self, data: bytes) -> None:
        """Take a line as it was read."""
        line = _decoded(data)
        if line is None or line.path in self._seen:
            self._set_aside(data, f"a second line of {line.path} was taken out of {MANIFEST}" if line else None)
            return
        known = self._sealed.get(line.path)
        if known is None and self._drop_missing and not (self._directory / line.path).exists():
            self._set_aside(data, f"the line of {line.path}, which is not there, was taken out of {MANIFEST}")
            return
        self._seen.add(line.path)
        if known is None or data == self._encoded(known) or not self._is_so(known):
            self.lines.append(data)
        else:
            self._make_anew(known)

    def add_missing(self) -> None:
        """Take what no line was read for."""
        for path, known in sorted(self._sealed.items()):
            if path not in self._seen and self._is_so(known):
                self._make_anew(known)
        if self.aside and not self.done:
            self.done.append(f"{MANIFEST} was written anew without what is no line of it")

    def _set_aside(self, data: bytes, what: str | None) -> None:
        self.aside.append(data)
        if what is not None:
            self.done.append(what)

    def _make_anew(self, known: Sealed) -> None:
        self.lines.append(self._encoded(known))
        self.done.append(f"the line of {known.path} in {MANIFEST} was made anew")

    def _encoded(self, known: Sealed) -> bytes:
        return manifest.encode(manifest.line_of(known))

    def _is_so(self, known: Sealed) -> bool:
        """Whether the file is what the database says."""
        found = _inspected(self._directory, known.path)
        return found is not None and manifest.line_of(found) == manifest.line_of(known)


def _lines(directory: Path) -> Iterator[bytes]:
    path = directory / MANIFEST
    if path.exists():
        with explained(MANIFEST), path.open("rb") as stream:
            yield from stream


def _decoded(data: bytes) -> Line | None:
    try:
        return manifest.decode(data) if data.endswith(b"\n") else None
    except CorruptArchiveError:
        return None


def _inspected(directory: Path, path: str) -> Sealed | None:
    inspection = Inspection(directory, path.removesuffix(".gz") if is_of_records(path) else path)
    try:
        for _ in inspection.pieces():
            pass
        return inspection.sealed()
    except CorruptArchiveError:
        return None
