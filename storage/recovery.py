"""What a start does with what the last one left behind, so that files and database say the same again."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from storage.connection import batches
from storage.durable import sync_directory
from storage.errors import CorruptArchiveError, StorageError
from storage.model import Article, Place
from storage.segments import ARTICLES, lines, parse, segments, size
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery found past the committed offsets."""

    adopted: int = 0
    """Whole records that the database had not known."""
    torn: tuple[str, ...] = ()
    """Files, below the data directory, that unfinished lines were set aside in."""


def recover(directory: Path, store: Store, now: datetime) -> Recovery:
    """Take in whole records past the committed offsets, and set aside what is no whole record.

    Nothing committed is ever set aside. A database that has never seen a feed, beside records, was made anew after its
    loss: then any record may be one that was committed, and only a last line without its line feed is set aside.
    Recovering twice changes nothing.

    Raises:
        CorruptArchiveError: a file is missing or shorter than what is committed of it, or holds what is no record.
        SchemaError: a record is of another format version.
        StorageError: something cannot be read or written.
    """
    committed = store.committed_files()
    is_lost = not store.feed_states()
    found = [file for file in segments(directory) if file.endswith(".jsonl")]
    for file, offset in committed.items():
        if offset and file.startswith(f"{ARTICLES}/") and file not in found:
            raise CorruptArchiveError(f"{file} is missing, of which {offset} bytes are committed")
    adopted, torn = 0, []
    for file in found:
        offset, length = committed.get(file, 0), size(directory, file)
        if length < offset:
            raise CorruptArchiveError(f"{file} is {length} bytes long, of which {offset} are committed")
        if length == offset:
            continue
        try:
            make_durable(directory, directory / file)
            for some in batches(_whole(directory, file, offset, is_lost=is_lost)):
                last = some[-1][1]
                offset = last.offset + last.length
                adopted += store.adopt(file, offset, some, now)
            if offset < length:
                torn.append(set_aside(directory / file, offset).relative_to(directory).as_posix())
        except OSError as error:
            raise StorageError(f"{file} cannot be recovered") from error
    return Recovery(adopted, tuple(torn))


def make_durable(directory: Path, path: Path) -> None:
    """What a killed process wrote may still be in memory only: it must be on the disk before it is committed.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for folder in path.parents:
        sync_directory(folder)
        if folder == directory:
            break


def _whole(directory: Path, file: str, start: int, *, is_lost: bool) -> Iterator[tuple[Article, Place]]:
    for offset, line in lines(directory, file, start):
        if not line.endswith(b"\n"):
            return
        try:
            article = parse(file, offset, line)
        except CorruptArchiveError:
            if is_lost:
                raise
            return  # a power cut may leave holes in what was not yet synced, and whole lines after them
        yield article, Place(file, offset, len(line))


def set_aside(path: Path, end: int) -> Path:
    """Move what stands in a file from byte ``end`` on to a file beside it; returns that one. Raises OSError."""
    aside = _unused(path)
    with path.open("r+b") as source, aside.open("xb") as target:
        source.seek(end)
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
        sync_directory(path.parent)
        os.ftruncate(source.fileno(), end)
        os.fsync(source.fileno())
    return aside


def _unused(path: Path) -> Path:
    """``NAME.torn`` beside ``NAME.jsonl``, or ``NAME.2.torn`` …: a name that readers of ``*.jsonl*`` pass over."""
    names = (path.with_suffix(".torn" if number == 1 else f".{number}.torn") for number in count(1))
    return next(name for name in names if not name.exists())
