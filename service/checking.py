"""Checks the whole archive, as ``veille verify`` does, in a process of its own that steps back for all others.

daemon ── where, as JSON ──▶ python -m service.checking ── a line for each damage, then the sum ──▶ daemon
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from service.child import ChildError, ask
from service.child import job as read_job
from service.messages import UNCHECKED
from service.settings import Settings
from storage.database import open_database
from storage.errors import StorageError
from storage.verify import verify

SHOWN = 3
"""Damages that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    records: int
    damaged: int
    first: tuple[str, ...] = ()
    """The first damages, in words."""
    error: str | None = None
    """Why it could not be made to the end."""

    @property
    def is_good(self) -> bool:
        """Whether all of it was read, and is sound."""
        return not self.damaged and self.error is None

    def __str__(self) -> str:
        if self.error is not None:
            return f"{UNCHECKED}: {self.error}"
        if self.damaged:
            more = f"; and {self.damaged - len(self.first)} more" if self.damaged > len(self.first) else ""
            return f"{self.damaged} damaged: {'; '.join(self.first)}{more}"
        return f"{self.records} record{'' if self.records == 1 else 's'}, all sound"


async def check(settings: Settings) -> Checked:
    """Check the archive, the service going on beside it. Ends the other process where it is cancelled."""
    where = {"directory": str(settings.data_dir), "database": settings.database}  # which may hold a password
    try:
        found = await ask("service.checking", where)
    except ChildError as error:
        return Checked(0, 0, error=str(error))
    return Checked(found["records"], found["damaged"], tuple(found["first"]), found["error"])


def main() -> None:
    """In that process: read where, check it, and print what was found."""
    job = read_job()
    with suppress(OSError):  # a service manager may not allow it
        os.nice(19)
    sys.stdout.buffer.write(orjson.dumps(_check(Path(job["directory"]), job["database"])) + b"\n")


def _check(directory: Path, database: str) -> dict[str, object]:
    found, records, error = 0, 0, None
    first: list[str] = []
    try:
        store = open_database(database, readonly=True)
        try:
            for damage in verify(directory, store):
                found += 1
                if len(first) < SHOWN:
                    where = damage.path if damage.offset is None else f"{damage.path}:{damage.offset}"
                    first.append(f"{where}: {damage.what}")
            records = store.balance()[1]
        finally:
            store.close()
    except (StorageError, OSError) as failure:
        error = str(failure)
    return {"records": records, "damaged": found, "first": first, "error": error}


if __name__ == "__main__":
    main()
