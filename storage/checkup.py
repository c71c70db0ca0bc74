"""A look at the database from outside, for whoever wants to know how it is: nothing is made, migrated or locked."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from storage.database import open_database
from storage.errors import SchemaError, StorageError
from storage.store import Store
from storage.tables import REVISION

LARGEST_READ = 500_000_000
"""Bytes of a database that is read through: seconds from a disk. A larger one would take minutes of it, from a service
that runs beside."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """How a database is."""

    revision: str
    bytes: int | None = None
    """SQLite's: size of the file."""
    damage: str | None = None
    read_through: bool = False
    """Whether all of it was looked at."""

    @property
    def is_older(self) -> bool:
        """Whether the next start of the service will migrate it."""
        return self.revision < REVISION


def check_up(url: str) -> Checkup:
    """Look at the database at ``url``.

    SQLite's is read through where it is small, by ``PRAGMA quick_check``: that finds torn and misplaced pages, which
    otherwise show only when they are next needed. It is a reader's transaction, beside which a writer goes on. What
    PostgreSQL stores is PostgreSQL's to check.

    Raises:
        StorageError: it cannot be opened or read, or is of a newer program.
    """
    revision = REVISION
    try:
        open_database(url, readonly=True).close()
    except SchemaError:
        if (file := _file(url)) is None or (revision := _revision(file)) > REVISION:
            raise
    if (file := _file(url)) is None:
        return Checkup(revision)
    size = Path(file).stat().st_size
    if size > LARGEST_READ:
        return Checkup(revision, size)
    return Checkup(revision, size, _damage(file), read_through=True)


def misfits(directory: Path, store: Store) -> list[str]:
    """Files that are missing, or not as long as they must be, a line each: what a start would refuse. Reads no file."""
    wrong = []
    sealed = store.sealed_files()
    for file in sealed.values():
        size = _size(directory / file.path)
        if size is None:
            wrong.append(f"{file.path} is missing")
        elif size != file.bytes:
            wrong.append(f"{file.path} has {size} bytes, not {file.bytes}")
    for path, committed in store.committed_files().items():
        if path in sealed:
            continue
        size = _size(directory / path)
        if size is None and committed:
            wrong.append(f"{path} is missing")
        elif size is not None and size < committed:
            wrong.append(f"{path} has {size} bytes, less than the {committed} committed")
    return wrong


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _file(url: str) -> str | None:
    parsed = sa.make_url(url)
    return parsed.database if parsed.get_backend_name() == "sqlite" else None


def _revision(file: str) -> str:
    return str(_ask(file, "SELECT version_num FROM alembic_version"))


def _damage(file: str) -> str | None:
    found = _ask(file, "PRAGMA quick_check(1)")
    return None if found == "ok" else " ".join(found.split())


def _ask(file: str, query: str) -> str:
    try:
        with closing(sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return str(connection.execute(query).fetchone()[0])
    except sqlite3.DatabaseError as error:
        if query.startswith("PRAGMA"):
            return str(error)
        raise StorageError(f"the database {file}: {error}") from None
