"""What verification finds."""

from dataclasses import dataclass

DATABASE = "the database"
"""The path of damage that is in no file."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it should be."""

    path: str
    """A file below the data directory, or ``the database``."""
    offset: int | None
    """In bytes, of the lines where they are compressed; None where the whole file is meant."""
    what: str
    """A plain sentence, without its full stop."""


Found = tuple[int | None, str]
"""Offset and sentence of a damage in a file that is known."""
