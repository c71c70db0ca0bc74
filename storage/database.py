"""The store in a database: SQLite by default, PostgreSQL by URL, one implementation for both."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from storage.affairs import AffairsPart
from storage.arrivals import ArrivalsPart
from storage.connection import create_engine
from storage.errors import CorruptDatabaseError, SchemaError, StorageError
from storage.integrity import IntegrityPart
from storage.ledger import LedgerPart
from storage.model import RobotsFile
from storage.polling import PollingPart
from storage.reindexing import ReindexingPart
from storage.statistics import StatisticsPart
from storage.tables import REVISION, holds, meta, metadata, robots_files

MIGRATIONS = Path(__file__).parent / "migrations"
_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No vowels, so that no writer's name is a word; no l, for it looks like 1."""


def open_database(url: str, *, readonly: bool = False) -> "Database":
    """Open the store at ``url``, made or migrated to this program's revision first.

    Args:
        url: ``sqlite:///FILE``, ``sqlite://`` for one in memory, or ``postgresql+psycopg://…``.
        readonly: For looking only, beside a process that writes: nothing is made or migrated.

    Raises:
        SchemaError: the database is of a revision this program does not know; read-only, of an older one too.
        StorageError: it cannot be opened, or is not there although only to be read.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError("the database's URL is none; write sqlite:///FILE or postgresql+psycopg://…") from None
    database = Database(create_engine(parsed, readonly=readonly), _name(parsed))
    try:
        database.check() if readonly else database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _name(url: sa.URL) -> str:
    is_file = url.get_backend_name() == "sqlite" and url.database
    return str(url.database) if is_file else url.render_as_string(hide_password=True)


class Database(PollingPart, LedgerPart, ReindexingPart, StatisticsPart, ArrivalsPart, AffairsPart, IntegrityPart):
    """A ``storage.store.Store``, over one connection."""

    # -- its own schema ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise SchemaError where the database is not of this program's revision, StorageError where it is empty."""
        with self._reading() as connection:
            revision = self._revision(connection)
        if revision is None:
            raise StorageError(
                f"the database {self._name} is empty: veille has not used it yet; the next veille crawl or run does, "
                "and learns again what records there already are"
            )
        if revision > REVISION:
            raise SchemaError(self._newer(revision))
        if revision != REVISION:
            raise SchemaError(
                f"the database {self._name} is of revision {revision}, this program reads {REVISION}: the next veille "
                "crawl or run brings it up to date"
            )

    def migrate(self) -> None:
        """Bring the database to this program's revision, in one transaction.

        Raises:
            SchemaError: it is of a revision this program does not know: a newer one has used it.
        """
        with self._writing() as connection:
            revision = self._revision(connection)
            if revision is None:
                _make(connection)
            elif revision != REVISION:
                self._migrate(connection, revision)

    def _migrate(self, connection: sa.Connection, revision: str) -> None:
        from alembic import command  # slow to load, and seldom needed
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision not in known:
            raise SchemaError(self._newer(revision))
        command.upgrade(config, "head")

    def _revision(self, connection: sa.Connection) -> str | None:
        """The migration the database stands at; None for one that has never been used."""
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if revision is None:
            raise CorruptDatabaseError(f"the database {self._name}: its revision is lost")
        return str(revision)

    def _newer(self, revision: str) -> str:
        return (
            f"the database {self._name} is of revision {revision}, newer than this program's {REVISION}: a newer "
            "veille has used it; install that, or put back a backup from before"
        )

    # -- the writer ----------------------------------------------------------------------------------------------------

    def writer(self) -> str:
        """See ``Store.writer``."""
        named = sa.select(meta.c.value).where(meta.c.name == "writer")
        with self._reading() as connection:
            if name := connection.scalar(named):
                return str(name)
        word = "".join(secrets.choice(_LETTERS) for _ in range(6))
        with self._writing() as connection:
            connection.execute(self.insert(meta).values(name="writer", value=word).on_conflict_do_nothing())
            return str(connection.scalar(named))

    # -- asking around -------------------------------------------------------------------------------------------------

    def robots(self, origin: str) -> RobotsFile | None:
        """See ``Store.robots``."""
        columns = (robots_files.c[field.name] for field in fields(RobotsFile))
        with self._reading() as connection:
            row = connection.execute(sa.select(*columns).where(robots_files.c.origin == origin)).one_or_none()
        return RobotsFile(*row) if row is not None else None

    def save_robots(self, robots: RobotsFile) -> None:
        """See ``Store.save_robots``."""
        with self._writing() as connection:
            self._upsert(connection, robots_files, asdict(robots))

    def holds(self) -> Mapping[str, datetime]:
        """See ``Store.holds``."""
        with self._reading() as connection:
            return {row.host: row.until for row in connection.execute(sa.select(holds))}

    def hold(self, host: str, until: datetime) -> None:
        """See ``Store.hold``."""
        with self._writing() as connection:
            self._upsert(connection, holds, {"host": host, "until": until})

    def close(self) -> None:
        """See ``Store.close``."""
        self._engine.dispose()


def _make(connection: sa.Connection) -> None:
    """Make all tables at once in a database that has none. The migrations lead to the same, on a longer way."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})
