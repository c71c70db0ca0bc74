"""The types of the database's columns: what SQLite and PostgreSQL keep differently, and both give back alike."""

from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A whole number of 64 bits with its sign; as a primary key of SQLite, the row's own address."""


class Instant(sa.TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite keeps the bare digits, which sort as text; PostgreSQL a timestamptz."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Refuses a naive time: nobody could say later what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without its zone: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Gives the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Numbers(sa.TypeDecorator[tuple[int, ...]]):
    """A few small numbers, as text (``0 1 2``); null is none of them."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: tuple[int, ...] | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Writes them one after another."""
        return " ".join(map(str, value)) if value else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> tuple[int, ...]:  # noqa: ARG002
        """Reads them back."""
        return tuple(map(int, value.split())) if value else ()


def one_of(values: type[StrEnum]) -> sa.Enum:
    """One of the values of an enumeration, as text."""
    return sa.Enum(values, native_enum=False, length=16, values_callable=lambda of: [member.value for member in of])
