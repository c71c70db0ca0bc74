"""What the database has of a file, read a batch at a time."""

from collections.abc import Iterator

from storage.model import ArchivedRevision
from storage.store import Store

_BATCH = 500
"""Rows read from the store at a time."""


def rows_between(store: Store, file: str, start: int, end: int) -> Iterator[ArchivedRevision]:
    """Revisions whose records stand in ``file`` from byte ``start`` up to byte ``end``, by offset."""
    while some := store.records_in(file, start, _BATCH):
        for row in some:
            if row.place.offset >= end:
                return
            yield row
        start = some[-1].place.offset + 1
