"""The store's look at the database itself: what of it is torn, lost or out of step, and what can be made anew."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from storage.connection import Transactions
from storage.errors import CorruptDatabaseError
from storage.tables import metadata
from storage.texts import forget_indexing

_MOST = 10
"""Faults told of one database: a damaged page makes hundreds of them."""


class IntegrityPart(Transactions):
    """The part of ``storage.store.Store`` that is about the database, not what is in it."""

    def damage(self) -> Sequence[str]:
        """See ``Store.damage``."""
        try:
            with self._reading() as connection:
                return [*_missing(connection), *_faults(connection)]
        except CorruptDatabaseError as error:
            return [str(error)]

    def mend(self) -> Sequence[str]:
        """See ``Store.mend``."""
        with self._writing() as connection:
            missing = _missing(connection)
            metadata.create_all(connection)
            if missing:
                forget_indexing(connection)
            for index in _lost_indexes(connection):
                index.create(connection)
            before = list(_faults(connection))
            if before:
                connection.exec_driver_sql("REINDEX")
            left = set(_faults(connection)) if before else set()
            return [*missing, *(fault for fault in before if fault not in left)]


def _missing(connection: sa.Connection) -> list[str]:
    tables = set(sa.inspect(connection).get_table_names())
    lost = [f"the table {table} is missing" for table in metadata.tables if table not in tables]
    return lost + [f"the index {index.name} is missing" for index in _lost_indexes(connection)]


def _lost_indexes(connection: sa.Connection) -> list[sa.Index]:
    """Indexes that are not there, of tables that are."""
    inspector = sa.inspect(connection)
    known = {table: {index["name"] for index in inspector.get_indexes(table)} for table in inspector.get_table_names()}
    return [
        index
        for table in metadata.sorted_tables
        if table.name in known
        for index in sorted(table.indexes, key=lambda index: str(index.name))
        if index.name not in known[table.name]
    ]


def _faults(connection: sa.Connection) -> Iterator[str]:
    """What SQLite finds in its own file. What PostgreSQL stores is PostgreSQL's to check."""
    if connection.dialect.name == "sqlite":
        for (fault,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})"):
            if fault != "ok":
                yield " ".join(fault.split())
