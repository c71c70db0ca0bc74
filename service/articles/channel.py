"""A worker process as seen from outside: the socket to it, which the event loop reads, and the calls handed to it.

    calls: the one it is at, and the next ones ──▶ worker
               answers, in the order of the calls ◀──

No thread, no lock, no acknowledgement: the oldest call without an answer is the one that the worker is at.
"""

import asyncio
import itertools
import pickle
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from socket import socket
from typing import Any, Protocol

from service.articles.worker import SIZE, Reply, message_of

IN_FLIGHT = 3
"""Calls per worker that are handed over at once; what waits longer waits in the pool, where it is not copied."""
PATIENCE = 1.0
"""Seconds after which a call no longer keeps those behind it, if another worker has room. If none has, all are slow:
calls sent once more would only be worked at twice, and make a busy machine busier."""
DIED = "its worker died"

_CHUNK, _PARTS = 65_536, 8
"""Bytes received, and parts of messages sent, at a time."""


class LostError(Exception):
    """A call's worker gave no answer within its time, ran out of memory or died."""


@dataclass(slots=True, eq=False)
class Call:
    """A task for a worker, and who waits for its answer.

    ``alone``: whether its worker may have no other call beside it. ``answer``: None where it was taken back, and is
    answered elsewhere.
    """

    task: object
    seconds: float
    alone: bool
    answer: "asyncio.Future[Any] | None"

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.answer is None or self.answer.done()

    def succeed(self, answer: Any) -> None:
        """Give the answer to who waits for it."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Tell who waits that none will come."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)


class Keeper(Protocol):
    """Who has the workers, and hears of what becomes of them."""

    def has_room(self, call: Call) -> bool:
        """Whether a worker could take a call."""

    def hand_over(self) -> None:
        """A worker has room."""

    def take_back(self, calls: list[Call]) -> None:
        """These calls are for another worker, before all others."""

    def lose(self, worker: "Worker", reason: str | None) -> None:
        """The worker is lost, and why; None: it makes way for a fresh one."""


class Worker:
    """One process as seen from here, and the calls handed to it, the one it is at first."""

    def __init__(self, keeper: Keeper, process: BaseProcess, channel: socket) -> None:
        channel.setblocking(False)
        self.process = process
        self.calls: deque[Call] = deque()
        self._keeper = keeper
        self._channel = channel
        self._unsent: deque[memoryview] = deque()
        self._received = bytearray()
        self._since = 0.0
        self._seen = 0
        """Bytes of the answer that had come at the last look."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_lost = False
        self._loop: asyncio.AbstractEventLoop

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have this loop read the answers."""
        self._loop = loop
        loop.add_reader(self._channel, self._receive)

    @property
    def wanted(self) -> list[Call]:
        """The calls that somebody waits for."""
        return [call for call in self.calls if not call.is_over]

    def has_room(self, call: Call) -> bool:
        """Whether it may be given a call."""
        if call.alone or not self.calls:
            return not self.calls
        first = self.calls[0]
        is_quick = self._loop.time() - self._since < PATIENCE
        repeats = any(each.answer is None for each in self.calls)  # it has work before it that nobody waits for
        return len(self.calls) < IN_FLIGHT and is_quick and not first.alone and not repeats

    def take(self, call: Call) -> None:
        """Send it a call."""
        message = message_of(call.task)  # it may fail, and then nothing has been promised
        self.calls.append(call)
        was_sent = not self._unsent
        self._unsent.extend(map(memoryview, message))
        if was_sent:
            self._send()
        if len(self.calls) == 1:
            self._begin()

    def end(self) -> None:
        """Kill it."""
        self._is_lost = True
        if self._timer:
            self._timer.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._channel)
            self._loop.remove_writer(self._channel)
        self._channel.close()
        if self.process.is_alive():  # else its number may be another's by now
            self.process.kill()

    def _begin(self) -> None:
        """Time the call it has come to."""
        self._since = self._loop.time()
        self._seen = 0
        self._timer = self._loop.call_later(min(PATIENCE, self.calls[0].seconds), self._look)

    def _look(self) -> None:
        call, now = self.calls[0], self._loop.time()
        left = self._since + call.seconds - now
        if left <= 0 and len(self._received) > self._seen:  # it is here, but this loop was at something else
            self._seen = len(self._received)
            self._timer = self._loop.call_later(PATIENCE, self._look)
            return
        if left <= 0:
            self._keeper.lose(self, f"gave no answer within {call.seconds:g} s")
            return
        self._timer = self._loop.call_later(min(PATIENCE, left), self._look)
        if (behind := self.wanted[0 if call.is_over else 1 :]) and self._keeper.has_room(behind[0]):
            self.calls = deque([call, *(replace(each, answer=None) for each in list(self.calls)[1:])])
            self._keeper.take_back(behind)

    def _send(self) -> None:
        try:
            while self._unsent:
                sent = self._channel.sendmsg(list(itertools.islice(self._unsent, _PARTS)))
                while sent:
                    part = self._unsent.popleft()
                    if sent < len(part):
                        self._unsent.appendleft(part[sent:])
                    sent -= min(sent, len(part))
        except BlockingIOError:
            self._loop.add_writer(self._channel, self._send)
            return
        except OSError:
            self._unsent.clear()  # it is dead, as is about to be read
        self._loop.remove_writer(self._channel)

    def _receive(self) -> None:
        try:
            data = self._channel.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._keeper.lose(self, DIED)
            return
        self._received += data
        while len(self._received) >= SIZE.size and not self._is_lost:
            end = SIZE.size + SIZE.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            reply = pickle.loads(memoryview(self._received)[SIZE.size : end])  # noqa: S301  from a process of ours
            del self._received[:end]
            self._hear(reply)

    def _hear(self, reply: Reply) -> None:
        call = self.calls.popleft()
        if self._timer:
            self._timer.cancel()
        if reply.ran_out:
            call.fail(LostError("ran out of memory"))
        else:
            call.succeed(reply.answer)
        if reply.is_last:
            self._keeper.lose(self, None)
            return
        if self.calls:
            self._begin()
        self._keeper.hand_over()
