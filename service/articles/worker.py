"""What a worker process does: take a call, answer it, until it has had its share of them or nobody calls any more."""

import pickle
import resource
import struct
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket
from typing import Any

SIZE = struct.Struct("!I")
"""The bytes before each message: its length."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the workers of a pool are."""

    prepare: Callable[[], None]
    """Called once in each, first."""
    answer: Callable[[Any], Any]
    """What answers a task. It raises nothing but MemoryError; anything else ends the worker."""
    loads: tuple[str, ...] = ()
    """Modules that the server loads which they are forked off."""
    calls: int = 1000
    """After how many it makes way for a fresh one,"""
    grown: int = 10**12
    """or when it was ever resident with that many bytes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back for a task."""

    answer: Any = None
    is_last: bool = False
    """Whether the worker takes no other call, those sent already included."""
    ran_out: bool = False
    """Whether there is no answer, for want of memory."""


def message_of(value: object) -> tuple[bytes, bytes]:
    """A value as it goes over a socket: its length, and itself; not joined, for a page is copied often enough."""
    pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return SIZE.pack(len(pickled)), pickled


def serve(channel: socket, setting: Setting) -> None:
    """The life of a worker at its end of ``channel``."""
    setting.prepare()
    calls = channel.makefile("rb")
    for left in reversed(range(setting.calls)):
        size = calls.read(SIZE.size)
        if not size:
            return
        try:
            answer = setting.answer(pickle.loads(calls.read(*SIZE.unpack(size))))  # noqa: S301  from our own parent
            is_last = left == 0 or _peak() > setting.grown
            message = message_of(Reply(answer, is_last=is_last))
        except MemoryError:
            answer = None
            message = message_of(Reply(is_last=True, ran_out=True))  # what is left of it may not be enough for the next
            is_last = True
        channel.sendall(b"".join(message))
        if is_last:
            return  # calls already sent are another's


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
