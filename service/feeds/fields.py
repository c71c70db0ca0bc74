"""What may stand in the fields of a feed: checks that say in words what is wrong, and names for the nameless."""

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from service.net import urls
from service.units import parse_duration
from storage.model import Content, Scope

NAME_LENGTH = 64

_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{NAME_LENGTH - 1}}}")
# RFC 5646 §2.1 "langtag", without the forms of four letters and more that no language is registered under,
# so that a language's English name is not taken for its tag
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff]")  # what a line of text or an XML attribute cannot hold


def check_name(name: str) -> str:
    """Return a feed name that may stand in a catalogue. Raises ValueError, in words."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f'"{name}" is no name: lower-case letters, digits and hyphens, the first no hyphen, at most {NAME_LENGTH}'
        )
    return name


def check_url(url: str) -> str:
    """Return a feed's address if it is an absolute http or https URL. Raises ValueError, in words."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if host and parts.scheme.lower() in ("http", "https"):
            urls.host(url)  # as a request will read it, which is stricter: 999.1.1.1 is no address
    except ValueError:
        raise ValueError(f'"{url}" is not an address') from None
    if parts.scheme.lower() not in ("http", "https") or not host or port == 0:
        raise ValueError(f'"{url}" is not an http or https address')
    if re.search(r"[\s\x00-\x1f\x7f<>\"]", url):
        raise ValueError(f'"{url}" holds a character that no address can')
    if parts.username is not None:
        raise ValueError("the address holds a user name or password, which the archive would show to everyone")
    return url


def address_key(url: str) -> str:
    """What two spellings of one feed address have in common: scheme and host in lower case, no fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))


def check_language(tag: str) -> str:
    """Return a well-formed language tag (RFC 5646 §2.1). Raises ValueError, in words."""
    if _LANGUAGE.fullmatch(tag):
        return tag
    better = tag.replace("_", "-")
    hint = better if better != tag and _LANGUAGE.fullmatch(better) else None
    raise ValueError(
        f'"{tag}" is not a BCP 47 language tag' + (f': write "{hint}"' if hint else ' such as "fr", "pt-BR"')
    )


def make_name(*sources: str | None, taken: Collection[str] = ()) -> str:
    """Make a feed name out of the first source that has letters or digits for one, unlike all that are taken."""
    for source in sources:
        plain = unicodedata.normalize("NFKD", source or "").encode("ascii", "ignore").decode().lower()
        if slug := re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:NAME_LENGTH].rstrip("-"):
            break
    else:
        slug = "feed"
    name, number = slug, 2
    while name in taken:
        suffix = f"-{number}"
        name, number = slug[: NAME_LENGTH - len(suffix)].rstrip("-") + suffix, number + 1
    return name


def host_name(url: str) -> str:
    """What to call the site of an address: its host, without ``www.`` and the like."""
    return re.sub(r"^(?:www|rss|feeds?)\.(?=.*\.)", "", urlsplit(url).hostname or "")


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a string in quotes, found {_kind(value)}")
    if not value.strip():
        raise ValueError("an empty string says nothing")
    if _UNWRITABLE.search(value):
        raise ValueError("it holds a line break or a control character")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {_kind(value)}")
    return value


def _interval(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError(f'expected a duration in quotes such as "30m", found {_kind(value)}')
    if not (interval := parse_duration(value)):
        raise ValueError("a feed cannot be polled without a pause")
    return interval


def _one_of(choices: type[StrEnum]) -> Callable[[object], StrEnum]:
    def read(value: object) -> StrEnum:
        try:
            return choices(_string(value))
        except ValueError:
            names = ", ".join(f'"{choice}"' for choice in choices)
            raise ValueError(f"expected one of {names}, found {_kind(value)}") from None

    return read


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError('expected an array of strings such as ["africa", "sport"]')
    return tuple(dict.fromkeys(_string(tag) for tag in value))


def _kind(value: object) -> str:
    match value:
        case str():
            return f'"{value}"'
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case datetime() | date() | time():
            return "a date or time"
        case list():
            return "an array"
        case _:
            return "a table"


READERS: dict[str, Callable[[object], Any]] = {
    "name": lambda value: check_name(_string(value)),
    "url": lambda value: check_url(_string(value)),
    "language": lambda value: check_language(_string(value)),
    "publisher": _string,
    "interval": _interval,
    "enabled": _boolean,
    "dedup": _one_of(Scope),
    "content": _one_of(Content),
    "obey_robots": _boolean,
    "tags": _tags,
}
"""How each key of a ``[[feed]]`` is read: a TOML value in, the ``Feed``'s value out; ValueError in words."""
