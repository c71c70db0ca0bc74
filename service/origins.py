"""Where each setting is set: by the environment, or in which line of ``.env``."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

PREFIX = "VEILLE_"
"""Of the names of settings."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where every name that begins with ``PREFIX`` stands, and what is wrong with the file they were looked for in."""

    places: Mapping[str, tuple[str, ...]]
    """By name: ``environment``, ``FILE:LINE``; the one that is in force first. Empty values are none."""
    first: Mapping[str, str]
    """Also of names with an empty value: the place to look at where something is wrong."""
    problems: tuple[str, ...] = ()
    is_readable: bool = True


def find_origins(env_file: Path | None, environment: Mapping[str, str]) -> Origins:
    """Look through ``env_file``, or ``./.env`` if there is one, and the environment, which wins."""
    path = env_file or Path(".env")
    try:
        text = path.read_text(encoding="utf-8") if env_file or path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "it is not UTF-8 text"
        return Origins({}, {}, (f"{path}: cannot be read: {what}",), is_readable=False)
    places: dict[str, tuple[str, ...]] = {}
    first: dict[str, str] = {}
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        # a binding begins with the blank lines before it
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        place = f"{path}:{line}"
        if binding.error:
            problems.append(f"{place}: not of the form NAME=value")
        elif binding.key and (name := binding.key.upper()).startswith(PREFIX):
            first[name] = place
            if binding.value:
                places[name] = (place, *places.get(name, ()))  # the last line of a name is in force
    for key, value in environment.items():
        if (name := key.upper()).startswith(PREFIX):
            first[name] = "environment"
            if value:
                places[name] = ("environment", *places.get(name, ()))
    return Origins(places, first, tuple(problems))
