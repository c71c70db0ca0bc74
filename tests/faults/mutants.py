"""Scribes that break the protocol: a test of power cuts that does not notice them shows nothing."""

import os
from collections.abc import Callable
from typing import Any

from faults import scribe
from storage import connection
from storage.appending import Segment
from storage.database import Database


def no_fdatasync() -> None:
    """The database may know of lines that are in memory only."""
    os.fdatasync = lambda _descriptor: None


def synchronous_normal() -> None:
    """A commit is acknowledged before it is on the disk."""
    real = connection._set_up

    def relaxed(of: Any, record: object) -> None:
        real(of, record)
        of.execute("PRAGMA synchronous=NORMAL")

    connection._set_up = relaxed


def database_first() -> None:
    """The rows are committed first, and then the lines they point at are written and synced."""
    append, sync, commit = Segment.append, Segment.sync, Database.commit_articles
    waiting: list[tuple[Segment, bytes]] = []

    def late(self: Database, *batch: Any) -> None:
        commit(self, *batch)
        while waiting:
            segment, data = waiting.pop()
            append(segment, data)
            sync(segment)

    Segment.append = lambda self, data: waiting.append((self, data))  # type: ignore[method-assign]
    Segment.sync = lambda _self: None  # type: ignore[method-assign]
    Database.commit_articles = late  # type: ignore[method-assign]


def no_fsync() -> None:
    """Sealed files, their names and the manifest may be in memory only when the plain files go."""
    os.fsync = lambda _descriptor: None


MUTANTS: dict[str, Callable[[], None]] = {
    "no fdatasync": no_fdatasync,
    "synchronous=NORMAL": synchronous_normal,
    "database before file": database_first,
    "no fsync while sealing": no_fsync,
}


def main(name: str, directory: str) -> int:
    """Break the protocol in this process, then write until killed."""
    MUTANTS[name]()
    return scribe.main(directory)
