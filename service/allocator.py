"""Gives memory that was used once back to the system."""

import ctypes


def trim() -> None:
    """Return what the C library's allocator has free, to its last page (malloc_trim(3)); does nothing elsewhere.

    What a batch of large pages took would else stay for good: each arena gives back only what lies at its end.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library than glibc
        return
