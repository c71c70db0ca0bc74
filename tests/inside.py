"""What tests look at inside a worker process, which imports this module to do so."""

import functools
import gc
import os
import resource
import time
from pathlib import Path
from typing import Any

CACHING = ("trafilatura", "htmldate", "courlan", "justext")
"""Libraries whose caches hold what pages said."""


def caches() -> dict[str, Any]:
    """All functions with a cache that the libraries under the extractor have, by name."""
    return {
        f"{one.__module__}.{one.__qualname__}": one
        for one in gc.get_objects()
        if isinstance(one, functools._lru_cache_wrapper) and one.__module__.split(".")[0] in CACHING
    }


def filled() -> dict[str, int]:
    """The caches that hold anything, and how much."""
    return {name: one.cache_info().currsize for name, one in caches().items() if one.cache_info().currsize}


def used() -> tuple[int, int, int]:
    """The process, its resident bytes and its open files."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return os.getpid(), resident, len(list(Path("/proc/self/fd").iterdir()))


def twice(number: int) -> tuple[int, int]:
    """A short call: its result, and the process that answers."""
    return 2 * number, os.getpid()


def die_the_first_time(mark: Path) -> str:
    """Die unless there is a mark already; leave one."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return "read"
    os._exit(9)


def note(path: Path, then: int) -> None:
    """Leave a mark, and die of ``then`` unless that is 0."""
    with path.open("a", encoding="ascii") as file:
        file.write(".")
    if then:
        os._exit(then)


def note_slowly(path: Path, number: int) -> int:
    """Leave a mark, and take longer than calls are patient."""
    with path.open("a", encoding="ascii") as file:
        file.write(f"{number}\n")
    time.sleep(1.3)
    return number


def grow(size: int) -> int:
    """Be resident with that many bytes for a moment; the process that answers."""
    return len(b"x" * size) and os.getpid()


def speak_at_length(size: int) -> bytes:
    """A long answer."""
    return b"x" * size


def die_of(poison: str) -> None:
    """Have the worker crash."""
    os._exit(len(poison))
