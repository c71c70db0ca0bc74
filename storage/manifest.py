"""manifest.jsonl: a line for every sealed file, with its digest, for whoever wants to know that none has changed.

The lines stand in the order in which the files were sealed. None is ever changed: a sealed file does not change either.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Sealed
from storage.shapes import Rule, Rules, ShapeError, dump, loader

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """What the manifest says of a sealed file. The fields and their order are the line's keys."""

    path: str
    """The file on disk, below the data directory."""
    records: int
    bytes: int
    """Of the file on disk."""
    sha256: str
    """Of the file on disk, in hex."""
    first_id: str | None
    """Of its first record: the article's id, the WARC record's id."""
    last_id: str | None

    def confirm(self, found: "Line") -> None:
        """Raise CorruptArchiveError where a file, as it was found, is not what this line says."""
        named = ((name, getattr(self, name), getattr(found, name)) for name in Line.__slots__)
        if differences := [f"{name} {now} instead of {then}" for name, then, now in named if then != now]:
            raise CorruptArchiveError(f"{self.path} is not as {MANIFEST} has it: {', '.join(differences)}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest as it was read."""

    lines: tuple[Line, ...] = ()
    """Its whole lines."""
    end: int = 0
    """Bytes up to the end of the last whole line."""
    torn: bytes = b""
    """A last line without its line feed: a crash left it, or somebody's hand."""


_RULES: Rules = {
    Line: {
        "records": Rule("", least=0),
        "bytes": Rule("", least=0),
        "sha256": Rule("", pattern="^[0-9a-f]{64}$"),
    }
}
_load = loader(Line, _RULES)


def line_of(sealed: Sealed) -> Line:
    """What the manifest is to say of a sealed file."""
    return Line(sealed.path, sealed.records, sealed.bytes, sealed.sha256, sealed.first_id, sealed.last_id)


def encode(line: Line) -> bytes:
    """The line as JSON, UTF-8, line feed included."""
    return dump(line) + b"\n"


def decode(data: bytes) -> Line:
    """The line of some JSON.

    Raises:
        CorruptArchiveError: it is no line of a manifest; the message says where it departs from one.
    """
    try:
        return _load(orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise CorruptArchiveError(f"not JSON: {error}") from None
    except ShapeError as error:
        raise CorruptArchiveError(f"not a line of a manifest: {error}") from None


def read(directory: Path) -> Manifest:
    """The manifest of a data directory; an empty one where there is none.

    Raises:
        CorruptArchiveError: a whole line is none of a manifest; the message says which.
        StorageError: the file cannot be read.
    """
    with _explained("read"):
        try:
            data = (directory / MANIFEST).read_bytes()
        except FileNotFoundError:
            return Manifest()
    *whole, torn = data.split(b"\n")
    lines, end = [], 0
    for line in whole:
        try:
            lines.append(decode(line))
        except CorruptArchiveError as error:
            raise CorruptArchiveError(f"{MANIFEST}, byte {end}") from error
        end += len(line) + 1
    return Manifest(tuple(lines), end, torn)


def append(directory: Path, line: Line) -> None:
    """Append a line, durably; one that stands there already is made durable, and not written again.

    A torn last line is cut off first: nothing was acknowledged of a file whose line was never whole.

    Raises:
        CorruptArchiveError: the manifest has another line for that file, or holds what is no line.
        StorageError: it cannot be written; it is as it was.
    """
    manifest = read(directory)
    known = next((known for known in manifest.lines if known.path == line.path), None)
    if known is not None:
        known.confirm(line)
    data = b"" if known else encode(line)
    with _explained("written"):
        descriptor = os.open(directory / MANIFEST, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if manifest.torn:
                os.ftruncate(descriptor, manifest.end)
            _write(descriptor, data, manifest.end)
        finally:
            os.close(descriptor)
        sync_directory(directory)


def _write(descriptor: int, data: bytes, end: int) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)  # also where the line was there: whoever wrote it may have died before this
    except OSError:
        with suppress(OSError):  # if it fails, a whole line is found again, and a torn one cut off
            os.ftruncate(descriptor, end)
        raise


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex; memory does not grow with it. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _explained(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{MANIFEST} cannot be {done}") from error
