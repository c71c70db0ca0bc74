"""The store's side of what proves the archive: sealed files, and where raw copies stand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import orjson
import sqlalchemy as sa

from storage.connection import Transactions, batches
from storage.model import Member, Payload, Sealed
from storage.tables import files, payloads, sealed_files

_SEALED = tuple(sealed_files.c[field.name] for field in fields(Sealed))
_PAYLOAD = tuple(payloads.c[field.name] for field in fields(Payload))


class EvidencePart(Transactions):
    """The part of ``storage.store.Store`` that sealing and the raw copies speak to."""

    def sealed_files(self) -> Mapping[str, Sealed]:
        """See ``Store.sealed_files``."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(*_SEALED).order_by(sealed_files.c.file))
            return {row.file: _sealed(row) for row in rows}

    def is_sealed(self, file: str) -> bool:
        """See ``Store.is_sealed``."""
        with self._reading() as connection:
            return connection.scalar(sa.select(sealed_files.c.file).where(sealed_files.c.file == file)) is not None

    def seal(self, sealed: Sealed) -> None:
        """See ``Store.seal``."""
        with self._writing() as connection:
            self._seal(connection, sealed)

    def commit_raw(self, file: str, offset: int, payloads: Sequence[Payload], lost: Collection[str] = ()) -> None:
        """See ``Store.commit_raw``."""
        with self._writing() as connection:
            self._upsert(connection, files, {"path": file, "committed": offset})
            for some in batches(lost):
                connection.execute(_payloads.delete().where(_payloads.c.digest.in_(some)))
            self._keep(connection, payloads)

    def payloads(self, digests: Collection[str]) -> Mapping[str, Payload]:
        """See ``Store.payloads``."""
        with self._reading() as connection:
            return {
                row.digest: Payload(*row)
                for some in batches(digests)
                for row in connection.execute(sa.select(*_PAYLOAD).where(_payloads.c.digest.in_(some)))
            }

    def payloads_in(self, file: str, start: int, limit: int) -> Sequence[Payload]:
        """See ``Store.payloads_in``."""
        some = (
            sa.select(*_PAYLOAD)
            .where(_payloads.c.file == file, _payloads.c.offset >= start)
            .order_by(_payloads.c.offset)
            .limit(limit)
        )
        with self._reading() as connection:
            return [Payload(*row) for row in connection.execute(some)]

    def _seal(self, connection: sa.Connection, sealed: Sealed) -> None:
        members = orjson.dumps([[member.start, member.offset] for member in sealed.members])
        self._upsert(connection, sealed_files, asdict(sealed) | {"members": members})

    def _keep(self, connection: sa.Connection, payloads: Sequence[Payload]) -> None:
        if payloads:
            first_stays = self.insert(_payloads).on_conflict_do_nothing()
            connection.execute(first_stays, [asdict(payload) for payload in payloads])


_payloads = payloads


def _sealed(row: Any) -> Sealed:
    members = tuple(Member(start, offset) for start, offset in orjson.loads(row.members))
    return Sealed(**{field.name: getattr(row, field.name) for field in fields(Sealed)} | {"members": members})
