"""Worker processes that can be killed at any moment, each on a socket of its own that the event loop reads.

    waiting calls ── to whom has room ──▶ a worker's socket: the call it is at, and the next ones ──▶ worker
                                                            answers, in the order of the calls ◀──

No thread, no lock, no acknowledgement: the oldest call without an answer is the one its worker is at. So it is known
what a worker died of; that is tried once more, alone, and what was only behind it is handed to another at no loss.
"""

import asyncio
import itertools
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.spawn import get_executable
from socket import socket, socketpair
from typing import Any

from service.articles.worker import SIZE, Reply, Setting, message_of, serve
from service.errors import WorkersError

IN_FLIGHT = 3
"""Calls per worker that are handed over at once; what waits longer waits here, where it is not copied."""
PATIENCE = 1.0
"""Seconds after which a call no longer keeps those behind it: they are handed to another worker."""
NO_WORKER = "no process can be started to read feeds and pages in"
DIED = "its worker died"

_CHUNK, _PARTS = 65_536, 8
"""Bytes received, and parts of messages sent, at a time."""


class LostError(Exception):
    """A call's worker gave no answer within its time, ran out of memory or died."""


@dataclass(slots=True, eq=False)
class _Call:
    task: object
    seconds: float
    answer: "asyncio.Future[Any] | None"
    """Whoever asked waits for it; None: what was taken back, and is answered elsewhere."""
    tries: int
    alone: bool = False
    """Whether its worker may have no other call: it has cost a worker before."""


class Pool:
    """Up to ``count`` processes, started at the first call. Used from one event loop at a time.

    Args:
        count: How many.
        setting: What each is to load, to do first, and how long to last.
    """

    def __init__(self, count: int, setting: Setting) -> None:
        self._count = count
        self._setting = setting
        self._workers: list[_Worker] = []
        self._waiting: deque[_Call] = deque()
        self._changing = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def handed(self) -> int:
        """Calls handed to the workers, and not answered yet."""
        return sum(len(worker.calls) for worker in self._workers)

    async def call(self, task: object, seconds: float, *, tries: int) -> Any:
        """A worker's answer to ``task``, which is pickled. Waits for room.

        Args:
            task: What the workers understand.
            seconds: How long it may take from its start.
            tries: How often a worker may be lost to it. From the second time on it has one for itself.

        Raises:
            LostError: It cost as many workers.
            WorkersError: No process can be started.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        call = _Call(task, seconds, loop.create_future(), tries)
        self._waiting.append(call)
        self.hand_over()
        assert call.answer is not None
        return await call.answer

    async def stop(self) -> None:
        """End the workers, whatever they are at: all calls are lost. A later call starts them afresh."""
        async with self._changing:
            workers, self._workers = self._workers, []
            for worker in workers:
                worker.end()
            calls = [*self._waiting, *(call for worker in workers for call in worker.wanted)]
            self._waiting.clear()
            for call in calls:
                _fail(call, LostError(DIED))
            await asyncio.to_thread(_join, workers)

    # -- for the workers here ------------------------------------------------------------------------------------------

    def hand_over(self) -> None:
        """Give calls that wait to workers that have room."""
        while self._waiting:
            call = self._waiting[0]
            if not _is_over(call):  # else whoever asked has given up
                rooms = [worker for worker in self._workers if worker.has_room(call)]
                if not rooms:
                    break
                min(rooms, key=lambda worker: len(worker.calls)).take(call)
            self._waiting.popleft()
        if self._waiting and len(self._workers) < self._count and (self._starting is None or self._starting.done()):
            assert self._loop is not None
            self._starting = self._loop.create_task(self._start_missing())

    def take_back(self, calls: list[_Call]) -> None:
        """Have calls wait again, before the others."""
        self._waiting.extendleft(reversed(calls))
        self.hand_over()

    def lose(self, worker: "_Worker", reason: str | None) -> None:
        """Do without a worker from now on. A ``reason`` is the fault of the call it was at; the others are innocent."""
        self._workers.remove(worker)
        worker.end()
        calls = worker.wanted
        if reason and worker.calls and worker.calls[0] in calls:
            self.blame(calls.pop(0), reason)
        self.take_back(calls)

    def blame(self, call: _Call, reason: str) -> None:
        """Count the loss of a worker against a call, which may have a try left."""
        call.tries -= 1
        if call.tries:
            call.alone = True
            self._waiting.appendleft(call)
        else:
            _fail(call, LostError(reason))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting.clear()
        for worker in self._workers.copy():
            if worker.calls:  # of a loop that has ended under them
                self._workers.remove(worker)
                worker.end()
            else:
                worker.listen(loop)

    async def _start_missing(self) -> None:
        async with self._changing:
            while len(self._workers) < self._count:
                try:
                    worker = await asyncio.to_thread(self._start)
                except WorkersError as error:
                    while self._waiting and not self._workers:
                        _fail(self._waiting.popleft(), WorkersError(str(error)))
                    break
                assert self._loop is not None
                worker.listen(self._loop)
                self._workers.append(worker)
                self.hand_over()

    def _start(self) -> "_Worker":
        program = os.fsdecode(get_executable())
        if not os.access(program, os.X_OK):  # found out later, by a pipe that nobody is at the other end of
            raise WorkersError(f"{NO_WORKER}: {program} is gone, or this user may not execute it; install veille anew")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(self._setting.loads))
        ours, theirs = socketpair()
        # Processes inherit the mask: Ctrl-C at a terminal is this process's affair alone, from their first moment on.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process = context.Process(target=serve, args=(theirs, self._setting), name="worker", daemon=True)
            process.start()
        except (OSError, EOFError) as error:
            ours.close()
            cure = "is there memory and room for processes (free -m, ulimit -u)?"
            raise WorkersError(f"{NO_WORKER}: {str(error) or type(error).__name__}; {cure}") from None
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return _Worker(self, process, ours)


class _Worker:
    """One process as seen from here, and the calls handed to it, the one it is at first."""

    def __init__(self, pool: Pool, process: BaseProcess, channel: socket) -> None:
        channel.setblocking(False)
        self.process = process
        self.calls: deque[_Call] = deque()
        self._pool = pool
        self._channel = channel
        self._unsent: deque[memoryview] = deque()
        self._received = bytearray()
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have this loop read the answers."""
        self._loop = loop
        loop.add_reader(self._channel, self._receive)

    @property
    def wanted(self) -> list[_Call]:
        """The calls that somebody waits for."""
        return [call for call in self.calls if not _is_over(call)]

    def has_room(self, call: _Call) -> bool:
        """Whether it may be given a call."""
        if call.alone or not self.calls:
            return not self.calls
        first = self.calls[0]
        is_quick = self._loop.time() - self._since < PATIENCE
        return len(self.calls) < IN_FLIGHT and is_quick and not first.alone

    def take(self, call: _Call) -> None:
        """Send it a call."""
        self.calls.append(call)
        was_sent = not self._unsent
        self._unsent.extend(map(memoryview, message_of(call.task)))
        if was_sent:
            self._send()
        if len(self.calls) == 1:
            self._begin()

    def end(self) -> None:
        """Kill it."""
        if self._timer:
            self._timer.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._channel)
            self._loop.remove_writer(self._channel)
        self._channel.close()
        self.process.kill()

    def _begin(self) -> None:
        """Time the call it has come to."""
        self._since = self._loop.time()
        self._timer = self._loop.call_later(min(PATIENCE, self.calls[0].seconds), self._look)

    def _look(self) -> None:
        call, now = self.calls[0], self._loop.time()
        left = self._since + call.seconds - now
        if left <= 0:
            self._pool.lose(self, f"gave no answer within {call.seconds:g} s")
            return
        self._timer = self._loop.call_later(left, self._look)
        behind = self.wanted[0 if _is_over(call) else 1 :]
        self.calls = deque([call, *(replace(each, answer=None) for each in list(self.calls)[1:])])
        self._pool.take_back(behind)

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
            self._pool.lose(self, DIED)
            return
        self._received += data
        while len(self._received) >= SIZE.size:
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
        if reply.ran_out and not _is_over(call):
            self._pool.blame(call, "ran out of memory")
        elif call.answer is not None and not call.answer.done():
            call.answer.set_result(reply.answer)
        if reply.is_last:
            self._pool.lose(self, None)
            return
        if self.calls:
            self._begin()
        self._pool.hand_over()


def _is_over(call: _Call) -> bool:
    """Whether nobody waits for its answer any more."""
    return call.answer is None or call.answer.done()


def _fail(call: _Call, error: Exception) -> None:
    if call.answer is not None and not call.answer.done():
        call.answer.set_exception(error)


def _join(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.join()
