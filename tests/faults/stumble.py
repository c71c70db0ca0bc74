"""A scribe that is killed right before one of its steps on the disk, by number: so that each can be the last.

A step is any call of ``os`` that changes a file, a directory or what is durable; an acknowledgement is one too. What
SQLite does lies between them. Two entries are a day, so that every life seals.
"""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from faults import scribe

STEPS = ("open", "write", "pwrite", "ftruncate", "fsync", "fdatasync", "rename", "replace", "link", "unlink", "mkdir")


def main(step: str, directory: str, rounds: str) -> int:
    """Write so many rounds, or be killed before step number ``step``, counted from 1."""
    left = int(step)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counting

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    scribe.BATCHES, scribe.PER_ENTRY = (2,), timedelta(hours=12)
    return scribe.main(directory, rounds)
