"""Transactions over one database connection, SQLite's or PostgreSQL's, and their errors in one line."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from storage.errors import CorruptDatabaseError, StorageError

T = TypeVar("T")

_CACHE_KIB = 16 * 1024
"""SQLite's memory, 4,000 pages: a batch of 50 articles changes some 1,800 at random, and reads as many above them. Over
a million records an article makes it read 76 pages; it was 107 with half the memory, and is 70 with twice."""
_SCRATCH_CACHE_KIB = 96 * 1024
_CHECKPOINT_PAGES = 16_000
"""How long SQLite's log grows, 64 MB, before its pages go into the database, each once however often it changed. With
SQLite's own 1,000 that would be nearly every page as often as it changed, once the indexes are longer than that."""

_PATIENCE = 25.0
"""Seconds that a writer waits for another process to let go of the database: a backup or a look by hand passes."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def create_engine(url: sa.URL, *, readonly: bool) -> sa.Engine:
    """An engine of a single connection; opens nothing yet.

    SQLite runs in WAL with ``synchronous=FULL``: what is committed outlives a power cut. A database locked by another
    process is waited for 25 seconds (5 to look only), or ``?timeout=`` in the URL.

    Raises:
        StorageError: the URL is of another database, or PostgreSQL's driver is not installed.
    """
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(url, readonly=readonly)
    if backend == "postgresql":
        return _postgresql_engine(url.set(drivername="postgresql+psycopg"), readonly=readonly)
    raise StorageError(f"a {backend} database is not supported: only sqlite:///FILE and postgresql+psycopg://…")


def _postgresql_engine(url: sa.URL, *, readonly: bool) -> sa.Engine:
    try:
        engine = sa.create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StorageError(f"{error.name} is not installed; pip install 'veille[postgresql]' brings it") from None
    if readonly:
        sa.event.listen(engine, "begin", _begin_readonly)
    return engine


def _sqlite_engine(url: sa.URL, *, readonly: bool) -> sa.Engine:
    if readonly:
        if not url.database or not Path(url.database).exists():
            raise StorageError(f"there is no database {url.database or 'in memory'}")
        path = Path(url.database).absolute().as_uri()
        url = url.set(database=path).update_query_dict({"mode": "ro", "uri": "true"})
    patience = {} if readonly or "timeout" in url.query else {"timeout": _PATIENCE}
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=0,
        connect_args={"check_same_thread": False, **patience},  # one thread at a time, but not always the same
    )
    sa.event.listen(engine, "connect", _set_up_readonly if readonly else _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def create_scratch_engine(path: Path) -> sa.Engine:
    """An engine over a SQLite file of its own, for what is thrown away in the end: nothing in it outlives a crash.

    Outgrown memory goes to that file, and nowhere else. A transaction that fails leaves it useless.
    """
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), pool_size=1, max_overflow=0)
    sa.event.listen(engine, "connect", _set_up_scratch)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up_scratch(connection: Any, _: object) -> None:
    _set_up_readonly(connection, _)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute(f"PRAGMA cache_size=-{_SCRATCH_CACHE_KIB}")


def _set_up(connection: Any, _: object) -> None:
    _set_up_readonly(connection, _)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")


def _set_up_readonly(connection: Any, _: object) -> None:
    connection.isolation_level = None  # or the driver would begin transactions of its own, later than asked


def _begin(connection: sa.Connection) -> None:
    """A writer takes the lock at once: taken only at the first write, it could be refused halfway."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _begin_readonly(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")


class Transactions:
    """What the parts of a store share: transactions to read or write in, and the SQL the two databases spell alike."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._upserts: dict[tuple[str, tuple[str, ...]], sa.Executable] = {}

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the database. Raises StorageError."""
        with self._explained(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that is durable when the block ends, or undone where it raises. Raises StorageError."""
        with (
            self._explained(),
            self._engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            code = getattr(reason, "sqlite_errorcode", 0) & 0xFF  # the rest says where exactly
            kind = CorruptDatabaseError if code in _DAMAGED else StorageError
            # drivers and SQLAlchemy spread an error over many lines, with the statement and its values; psycopg says
            # apart what is wrong
            what = getattr(getattr(reason, "diag", None), "message_primary", None) or str(reason)
            words = " ".join(what.split())
            if "readonly database" in words:  # SQLite keeps the index of its log beside it, for readers too
                words += (
                    " (looking, too, needs the right to write in its directory: run veille as its owner, or as root)"
                )
            raise kind(f"the database {self._name}: {words}") from None

    def insert(self, table: sa.Table) -> "postgresql.Insert | sqlite.Insert":
        """An INSERT that knows ON CONFLICT, in the words of this database."""
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    def _upsert(self, connection: sa.Connection, table: sa.Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows, all of the same columns, or give those with these primary keys their values."""
        if not rows:
            return
        columns = tuple(rows[0])
        statement = self._upserts.get((table.name, columns))
        if statement is None:  # making one takes longer than running it
            statement = self._upserts[table.name, columns] = self.inserting(table, columns)
        connection.execute(statement, rows)

    def inserting(self, table: sa.Table, names: Iterable[str]) -> sa.Executable:
        """Insert a row, given these columns, or give the row with this primary key their values."""
        statement = self.insert(table)
        rest = {name: statement.excluded[name] for name in names if not table.c[name].primary_key}
        return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)


def batches(items: Iterable[T], size: int = 500) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``: databases bound the number of values in a statement."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
