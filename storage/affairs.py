"""The store's memory of the service's own affairs: its notes, and the troubles somebody is told of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime

import sqlalchemy as sa

from storage.connection import Transactions
from storage.model import Alert, Note
from storage.tables import alerts, holds, notes, polls, robots_files


class AffairsPart(Transactions):
    """The part of ``storage.store.Store`` that remembers how the service itself has been."""

    def note(self, note: Note) -> None:
        """See ``Store.note``."""
        with self._writing() as connection:
            self._upsert(connection, notes, asdict(note))

    def notes(self) -> Mapping[str, Note]:
        """See ``Store.notes``."""
        columns = (notes.c[field.name] for field in fields(Note))
        with self._reading() as connection:
            return {row.topic: Note(*row) for row in connection.execute(sa.select(*columns).order_by(notes.c.topic))}

    def alerts(self) -> Sequence[Alert]:
        """See ``Store.alerts``."""
        columns = (alerts.c[field.name] for field in fields(Alert))
        in_order = sa.select(*columns).order_by(alerts.c.trouble, alerts.c.since, alerts.c.subject)
        with self._reading() as connection:
            return [Alert(*row) for row in connection.execute(in_order)]

    def save_alerts(self, changed: Sequence[Alert]) -> None:
        """See ``Store.save_alerts``."""
        with self._writing() as connection:
            self._upsert(connection, alerts, *[asdict(alert) for alert in changed])

    def forget_before(self, moment: datetime) -> int:
        """See ``Store.forget_before``."""
        with self._writing() as connection:
            forgotten = connection.execute(polls.delete().where(polls.c.at < moment)).rowcount
            connection.execute(alerts.delete().where(alerts.c.over < moment))
            connection.execute(holds.delete().where(holds.c.until < moment))
            # thousands of sites are asked for one page, and never again
            connection.execute(robots_files.delete().where(robots_files.c.fetched < moment))
        return forgotten
