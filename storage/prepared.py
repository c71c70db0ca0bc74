"""Statements that are compiled once and run with plain values.

SQLAlchemy's own work for each run, row and value costs several times what the database's does, and an article adds some
fifty rows. What these statements say is still SQLAlchemy's, in the words of either database; so are their errors.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

HASH = 16
"""Bytes of every key that is bytes."""


class Writing:
    """An INSERT or the like, run for many rows at once.

    Args:
        statement: It takes a value for each of ``names``, and no other.
        names: Of the columns or parameters, in the order in which the values of a row are given.
        dialect: Of the database.
    """

    def __init__(self, statement: sa.Executable, names: Sequence[str], dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._names = tuple(names)
        self._order = [names.index(name) for name in compiled.positiontup] if compiled.positional else None
        found = (compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)
        self._convert = [(place, convert) for place, convert in enumerate(found) if convert is not None]

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for each row; of no rows, not at all."""
        if not rows:
            return
        if self._convert:
            rows = [_converted(row, self._convert) for row in rows]
        if self._order is None:
            connection.exec_driver_sql(self._text, [dict(zip(self._names, row, strict=True)) for row in rows])
        elif self._order == list(range(len(self._names))):
            connection.exec_driver_sql(self._text, list(rows))
        else:
            connection.exec_driver_sql(self._text, [tuple(row[place] for place in self._order) for row in rows])


class Lookup:
    """A SELECT of what has one of many keys.

    Args:
        statement: What is asked for, of all rows.
        key: The column to look at: whole numbers, text without surrogates, or bytes, ``HASH`` of them.
        dialect: Of the database.
    """

    def __init__(self, statement: sa.Select[Any], key: sa.Column[Any], dialect: sa.Dialect) -> None:
        if dialect.name == "postgresql":
            self._values: Callable[[Sequence[Any]], dict[str, Any]] = _array
            keys: Any = sa.any_(sa.bindparam("keys", type_=ARRAY(key.type)))
            condition = key == keys
        else:
            # one value however many keys there are: SQLite bounds their number, and reads a statement anew for each
            listed = sa.func.json_each(sa.bindparam("keys", type_=sa.Text)).table_valued("value").c.value
            joined = sa.bindparam("joined", type_=sa.LargeBinary)
            is_bytes = isinstance(key.type, sa.LargeBinary)
            self._values = _joined if is_bytes else _json
            condition = key.in_(sa.select(sa.func.substr(joined, listed, HASH) if is_bytes else listed))
        compiled: Any = statement.where(condition).compile(dialect=dialect)
        self._text = str(compiled)
        self._names = compiled.positiontup if compiled.positional else None
        self._fixed = {name: value for name, value in compiled.params.items() if name not in ("keys", "joined")}
        found = (
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in statement.selected_columns
        )
        self._convert = [(place, convert) for place, convert in enumerate(found) if convert is not None]

    def __call__(self, connection: sa.Connection, keys: Collection[Any]) -> Sequence[tuple[Any, ...]]:
        """The rows that have one of the keys; of no keys, none, without asking."""
        if not keys:
            return ()
        values = self._fixed | self._values(list(keys))
        given = values if self._names is None else tuple(values[name] for name in self._names)
        rows: Sequence[Any] = connection.exec_driver_sql(self._text, given).fetchall()
        return [_converted(row, self._convert) for row in rows] if self._convert else rows


def _converted(row: Sequence[Any], convert: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, function in convert:
        values[place] = function(values[place])
    return tuple(values)


def _array(keys: Sequence[Any]) -> dict[str, Any]:
    return {"keys": keys}


def _json(keys: Sequence[Any]) -> dict[str, Any]:
    return {"keys": orjson.dumps(keys).decode()}


def _joined(keys: Sequence[bytes]) -> dict[str, Any]:
    return {"joined": b"".join(keys), "keys": orjson.dumps(list(range(1, 1 + HASH * len(keys), HASH))).decode()}
