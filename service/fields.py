"""The types of settings that people write in their own way: 15m, 10MB, sun 03:00, 127.0.0.1:9464."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

from service.units import (
    Address,
    TimeOfDay,
    parse_address,
    parse_duration,
    parse_size,
    parse_time_of_day,
)


def lower(value: Any) -> Any:
    """A word, whatever case it was written in."""
    return value.lower() if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _size(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else value


def _items(value: Any) -> Any:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _time_of_day(value: Any) -> Any:
    if isinstance(value, str):
        return None if value.strip().lower() == "off" else parse_time_of_day(value)
    return value


def _address(value: Any) -> Any:
    return parse_address(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(_size)]
Recurring = Annotated[TimeOfDay | None, NoDecode, BeforeValidator(_time_of_day)]
Items = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]
ListeningAt = Annotated[Address | None, NoDecode, BeforeValidator(_address)]
