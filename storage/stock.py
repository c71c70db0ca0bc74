"""A quick look at whether an archive's files are there and as long as they should be: what a start would refuse.

No file is opened but the manifest: that all of what is in them is sound is for ``storage.verify`` to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage import manifest
from storage.errors import CorruptArchiveError
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Stock:
    """What a look at the files found."""

    files: int
    """Those with committed records or raw copies, sealed ones included."""
    misfits: tuple[str, ...]
    """Files that are missing or of a wrong size, a line each."""


def take_stock(directory: Path, store: Store) -> Stock:
    """Hold the files against manifest and database. A file that is sealed meanwhile is no misfit.

    Raises:
        StorageError: manifest or database cannot be read.
    """
    found = tuple(_misfits(directory, store))
    if found:  # a service beside it may just have sealed one
        again = set(_misfits(directory, store))
        found = tuple(line for line in found if line in again)
    return Stock(len(store.committed_files().keys() | store.sealed_files().keys()), found)


def _misfits(directory: Path, store: Store) -> Iterator[str]:
    committed, sealed = store.committed_files(), store.sealed_files()
    sizes = {one.path: one.bytes for one in sealed.values()}
    try:
        sizes |= {line.path: line.bytes for line in manifest.read(directory).lines}
    except CorruptArchiveError as error:
        yield str(error)
    for path, size in sorted(sizes.items()):
        if (there := _size(directory / path)) != size:
            yield (
                f"{path} is missing"
                if there is None
                else f"{path} has {there} bytes, not the {size} it was sealed with"
            )
    for file, offset in sorted(committed.items()):
        if file not in sealed and ((there := _size(directory / file)) is None or there < offset):
            what = "is missing" if there is None else f"has {there} bytes, less than the {offset} that were committed"
            yield f"{file} {what}"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
