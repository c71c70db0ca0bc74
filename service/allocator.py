"""Keeps the C library from keeping memory that was used once (mallopt(3), malloc_trim(3)); does nothing elsewhere."""

import ctypes
from contextlib import suppress

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""From <malloc.h>."""
ARENAS = 2
"""Places to allocate in: as many as there are threads with much to do, the loop's and the store's. By itself the C
library makes eight a core, and each keeps holes of its own."""
LARGE = 128 * 1024
"""Bytes from which memory comes from the system, and goes back to it at once. By itself this grows with what is freed,
and pages of the web then leave holes for good."""


def settle() -> None:
    """Set it up for a process that runs for years. Called before threads are started."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_ARENA_MAX, ARENAS)
        libc.mallopt(_MMAP_THRESHOLD, LARGE)


def trim() -> None:
    """Give back what is free, to the last page: else each arena gives back only what lies at its end."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
