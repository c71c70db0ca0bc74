"""Frozen dataclasses as JSON and back, by their type annotations alone. Pure.

A field is a ``str``, ``int``, ``float``, ``bool``, aware ``datetime`` or another such dataclass, or one of these
``| None``, or a ``tuple`` of any length of one of these. Times are written in RFC 3339, UTC, with ``Z``.
"""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import orjson

T = TypeVar("T")

TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
"""RFC 3339 §5.6, in UTC."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands in a field: values of ``type``, one or none or many."""

    type: type
    optional: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field means, and what its type alone does not say about its values."""

    means: str
    among: tuple[str, ...] | None = None
    pattern: str | None = None
    least: int | None = None


Rules = Mapping[type, Mapping[str, Rule]]


class ShapeError(ValueError):
    """A JSON value is not of the expected shape; ``str()`` says where and how."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.where = where

    def inside(self, name: str) -> "ShapeError":
        """The same error, seen from the value that holds this one under ``name``."""
        joint = "." if self.where and not self.where.startswith("[") else ""
        return ShapeError(self.what, f"{name}{joint}{self.where}")


def shapes(cls: type) -> Mapping[str, Shape]:
    """The shape of every field of a dataclass, in order."""
    return _shapes(cls)


@cache  # reading annotations takes longer than all else of a start's look at the dataset card
def _shapes(cls: type) -> Mapping[str, Shape]:
    hints = get_type_hints(cls)
    return {field.name: _shape(hints[field.name]) for field in fields(cls)}


def _shape(annotation: Any) -> Shape:
    if get_origin(annotation) is tuple:
        return Shape(get_args(annotation)[0], repeated=True)
    if get_origin(annotation) is types.UnionType:
        (inner,) = (arg for arg in get_args(annotation) if arg is not types.NoneType)
        return Shape(inner, optional=True)
    return Shape(annotation)


def dump(value: object) -> bytes:
    """A dataclass, or a dict of such fields, as JSON in UTF-8, fields in order.

    Raises:
        TypeError: a string holds a lone surrogate, a number is too large, or a time has no zone.
    """
    return orjson.dumps(value, default=_time, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _time(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"neither JSON nor an aware time: {value!r}")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def loader(cls: type[T], rules: Rules = types.MappingProxyType({})) -> Callable[[Any], T]:
    """A function from a parsed JSON object to ``cls``: every field must be there, none else, each as its type says.

    It raises ShapeError on anything else.
    """
    of = shapes(cls)
    loaders = {name: _field_loader(shape, rules.get(cls, {}).get(name), rules) for name, shape in of.items()}

    def load(value: Any) -> T:
        if type(value) is not dict:
            raise ShapeError(f"expected an object, found {_kind(value)}")
        if value.keys() != loaders.keys():
            raise _wrong_keys(value.keys(), loaders.keys())
        arguments = {}
        for name, load_field in loaders.items():
            try:
                arguments[name] = load_field(value[name])
            except ShapeError as error:
                raise error.inside(name) from None
        return cls(**arguments)

    return load


def _wrong_keys(found: Any, expected: Any) -> ShapeError:
    if missing := [name for name in expected if name not in found]:
        return ShapeError(f"{missing[0]!r} is missing")
    return ShapeError(f"{min(found - expected)!r} is unknown")


def _field_loader(shape: Shape, rule: Rule | None, rules: Rules) -> Callable[[Any], Any]:
    load = loader(shape.type, rules) if is_dataclass(shape.type) else _checked(_SCALARS[shape.type], rule)
    if shape.repeated:
        return lambda value: _load_many(load, value)
    if shape.optional:
        return lambda value: None if value is None else load(value)
    return load


def _load_many(load: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    if type(value) is not list:
        raise ShapeError(f"expected a list, found {_kind(value)}")
    items = []
    for position, item in enumerate(value):
        try:
            items.append(load(item))
        except ShapeError as error:
            raise error.inside(f"[{position}]") from None
    return tuple(items)


def _checked(load: Callable[[Any], Any], rule: Rule | None) -> Callable[[Any], Any]:
    if rule is None or (rule.among is None and rule.pattern is None and rule.least is None):
        return load
    matches = re.compile(rule.pattern).fullmatch if rule.pattern else None

    def check(value: Any) -> Any:
        loaded = load(value)
        if rule.among is not None and loaded not in rule.among:
            raise ShapeError(f"expected one of {', '.join(rule.among)}, found {loaded!r}")
        if matches is not None and not matches(loaded):
            raise ShapeError(f"expected {rule.pattern}, found {loaded!r}")
        if rule.least is not None and loaded < rule.least:
            raise ShapeError(f"expected {rule.least} or more, found {loaded!r}")
        return loaded

    return check


def _scalar(kind: type, word: str) -> Callable[[Any], Any]:
    def load(value: Any) -> Any:
        if type(value) is not kind:  # exact, because True is an int too
            raise ShapeError(f"expected {word}, found {_kind(value)}")
        return value

    return load


def _number(value: Any) -> float:
    if type(value) is not float and type(value) is not int:
        raise ShapeError(f"expected a number, found {_kind(value)}")
    return float(value)


_is_time = re.compile(TIME).fullmatch


def _moment(value: Any) -> datetime:
    if type(value) is str and _is_time(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise ShapeError(f"expected a time in UTC, found {value!r}" if type(value) is str else "expected a time")


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    str: _scalar(str, "a string"),
    int: _scalar(int, "a whole number"),
    bool: _scalar(bool, "true or false"),
    float: _number,
    datetime: _moment,
}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return repr(value)
