"""The manifest beside the database's rows about sealed files: the two say the same, to the byte, or it is told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import manifest
from storage.errors import CorruptArchiveError, StorageError
from storage.manifest import MANIFEST, Line
from storage.model import Sealed
from storage.verification.damage import Damage
from storage.warc import RAW


@dataclass(frozen=True, slots=True)
class _Strange:
    """A line that stands for no sealed file, and why."""

    offset: int
    data: bytes
    why: str

    @property
    def is_torn(self) -> bool:
        """Whether the file ends before it does."""
        return not self.data.endswith(b"\n")


def verify_manifest(directory: Path, sealed: Mapping[str, Sealed]) -> list[Damage]:
    """What is wrong with the manifest: lines that are none or other ones than should be, lines too many, lines lost.

    Args:
        directory: The data directory.
        sealed: What the database remembers, by ``Sealed.path``.

    Raises:
        StorageError: it cannot be read.
    """
    found: list[Damage] = []
    strange: list[_Strange] = []
    seen: set[str] = set()
    for offset, data in _lines(directory):
        try:
            line = manifest.decode(data)
        except CorruptArchiveError as error:
            strange.append(_Strange(offset, data, str(error)))
            continue
        if line.path in seen:
            found.append(Damage(MANIFEST, offset, f"a second line of {line.path}"))
        elif (known := sealed.get(line.path)) is not None:
            if what := _difference(manifest.line_of(known), line, data):
                found.append(Damage(MANIFEST, offset, what))
        elif (directory / line.path).exists():
            if not _is_to_be_sealed(directory, line):
                what = f"it has {line.path}, which the database does not know as sealed"
                found.append(Damage(MANIFEST, offset, what))
        else:
            strange.append(_Strange(offset, data, f"it has {line.path}, which is not there"))
        seen.add(line.path)
    found += _told_together(strange, [path for path in sealed if path not in seen])
    return sorted(found, key=lambda damage: -1 if damage.offset is None else damage.offset)


def manifested(directory: Path) -> set[str]:
    """Paths that the manifest's readable lines name. Raises StorageError."""
    paths = set()
    for _, data in _lines(directory):
        try:
            paths.add(manifest.decode(data).path)
        except CorruptArchiveError:
            continue
    return paths


def _lines(directory: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    try:
        with (directory / MANIFEST).open("rb") as stream:
            for line in stream:
                yield offset, line
                offset += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{MANIFEST} cannot be read") from error


def _is_to_be_sealed(directory: Path, line: Line) -> bool:
    """Whether the sealing of a WARC file was cut short behind its line: the next round carries it through."""
    path = directory / line.path
    try:
        is_whole = line.path.startswith(f"{RAW}/") and path.stat().st_size == line.bytes
        return is_whole and manifest.digest(path) == line.sha256
    except OSError as error:
        raise StorageError(f"{line.path} cannot be read") from error


def _difference(wanted: Line, found: Line, data: bytes) -> str | None:
    names = [name for name in Line.__slots__ if getattr(wanted, name) != getattr(found, name)]
    if names:
        values = ", ".join(f"{name} {getattr(found, name)} instead of {getattr(wanted, name)}" for name in names)
        return f"the line of {wanted.path} is not as the database has it: {values}"
    return None if data == manifest.encode(wanted) else f"the line of {wanted.path} is not as it was written"


def _told_together(strange: Sequence[_Strange], missing: Sequence[str]) -> Iterator[Damage]:
    """A line that is none, and a file without its line, are mostly one and the same."""
    left = list(missing)
    stretches = list(_joined(strange))
    for number, line in enumerate(stretches):
        named = [path for path in left if path.encode() in line.data]
        if len(stretches) == len(left) == 1 or (line.is_torn and number == len(stretches) - 1):
            named = left  # cut off, or other than it was in the very path
        if named:
            yield Damage(MANIFEST, line.offset, f"{_lines_of(named)} cannot be read: {line.why}")
            left = [path for path in left if path not in named]
        else:
            yield Damage(MANIFEST, line.offset, line.why)
    if left:
        yield Damage(MANIFEST, None, f"{_lines_of(left)} {'is' if len(left) == 1 else 'are'} missing")


def _joined(strange: Sequence[_Strange]) -> Iterator[_Strange]:
    """Strange lines one after another as one: a line feed too many makes two of one."""
    before: _Strange | None = None
    for line in strange:
        if before is not None and before.offset + len(before.data) == line.offset:
            before = _Strange(before.offset, before.data + line.data, before.why)
            continue
        if before is not None:
            yield before
        before = line
    if before is not None:
        yield before


def _lines_of(paths: Sequence[str]) -> str:
    return f"the line of {paths[0]}" if len(paths) == 1 else f"the lines of {len(paths)} files, {paths[0]} the first,"
