"""A pool of worker processes that can be killed at any moment.

    waiting calls ── to whoever has room ──▶ up to three at each worker (``channel``)

What a worker dies of is the fault of the call it was at; those behind it are handed to another, at no loss to them.
"""

import asyncio
import multiprocessing
import os
import signal
from collections import deque
from multiprocessing import resource_tracker
from multiprocessing.spawn import get_executable
from socket import socketpair
from typing import Any

from service.articles.channel import DIED, Call, LostError, Worker
from service.articles.worker import Setting, serve
from service.errors import WorkersError

NO_WORKER = "no process can be started to read feeds and pages in"


class StoppedError(LostError):
    """The pool was stopped."""


class Pool:
    """Up to ``count`` processes, started as calls have to wait. Used from one event loop at a time.

    Args:
        count: How many.
        setting: What each is to load, to do first, and how long to last.
    """

    def __init__(self, count: int, setting: Setting) -> None:
        self._count = count
        self._setting = setting
        self._workers: list[Worker] = []
        self._waiting: deque[Call] = deque()
        self._changing = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def handed(self) -> int:
        """Calls handed to the workers, and not answered yet."""
        return sum(len(worker.calls) for worker in self._workers)

    async def call(self, task: object, seconds: float, *, alone: bool = False) -> Any:
        """A worker's answer to ``task``, which is pickled. Waits for room.

        Args:
            task: What the workers understand.
            seconds: How long it may take from its start.
            alone: Whether it has a worker for itself, at the next turn: no other call is to suffer should that be lost.

        Raises:
            LostError: Its worker was at this call when it was lost.
            WorkersError: No process can be started.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        answer: asyncio.Future[Any] = loop.create_future()
        call = Call(task, seconds, alone, answer)
        if alone:
            self._waiting.appendleft(call)
        else:
            self._waiting.append(call)
        self.hand_over()
        return await answer

    async def stop(self) -> None:
        """End the workers, whatever they are at: all calls are lost. A later call starts them afresh."""
        async with self._changing:
            workers, self._workers = self._workers, []
            for worker in workers:
                worker.end()
            calls = [*self._waiting, *(call for worker in workers for call in worker.wanted)]
            self._waiting.clear()
            for call in calls:
                call.fail(StoppedError(DIED))
            await asyncio.to_thread(_join, workers)

    # -- for the workers here ------------------------------------------------------------------------------------------

    def has_room(self, call: Call) -> bool:
        """Whether a worker could take a call, be it one that is not started yet."""
        return len(self._workers) < self._count or any(worker.has_room(call) for worker in self._workers)

    def hand_over(self) -> None:
        """Give calls that wait to workers that have room."""
        while self._waiting:
            call = self._waiting[0]
            if not call.is_over:  # else whoever asked has given up
                rooms = [worker for worker in self._workers if worker.has_room(call)]
                if not rooms:
                    break
                min(rooms, key=lambda worker: len(worker.calls)).take(call)
            self._waiting.popleft()
        if self._are_too_few() and (self._starting is None or self._starting.done()):
            assert self._loop is not None
            self._starting = self._loop.create_task(self._start_missing())

    def take_back(self, calls: list[Call]) -> None:
        """Have calls wait again, before the others."""
        self._waiting.extendleft(reversed(calls))
        self.hand_over()

    def lose(self, worker: Worker, reason: str | None) -> None:
        """Do without a worker from now on. A ``reason`` is the fault of the call it was at; the others are innocent."""
        self._workers.remove(worker)
        worker.end()
        calls = worker.wanted
        if reason and calls and calls[0] is worker.calls[0]:
            calls.pop(0).fail(LostError(reason))
        self.take_back(calls)

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

    def _are_too_few(self) -> bool:
        """Whether a call waits, be it behind another at its worker, for one that could be started."""
        has_to_wait = self._waiting or any(len(worker.calls) > 1 for worker in self._workers)
        return len(self._workers) < self._count and bool(has_to_wait) and all(one.calls for one in self._workers)

    async def _start_missing(self) -> None:
        async with self._changing:
            while self._are_too_few():
                try:
                    worker = await asyncio.to_thread(self._start)
                except (WorkersError, RuntimeError) as caught:  # no thread can be started either
                    error = caught if isinstance(caught, WorkersError) else _not_started(caught)
                    while self._waiting and not self._workers:
                        self._waiting.popleft().fail(WorkersError(str(error)))
                    return
                assert self._loop is not None
                worker.listen(self._loop)
                self._workers.append(worker)
                self.hand_over()

    def _start(self) -> Worker:
        program = os.fsdecode(get_executable())
        if not os.access(program, os.X_OK):  # found out later, by a pipe that nobody is at the other end of
            raise WorkersError(f"{NO_WORKER}: {program} is gone, or this user may not execute it; install veille anew")
        try:
            try:
                return self._fork()
            except (EOFError, ConnectionError):  # the server was killed as it started; the next try starts another
                return self._fork()
        except (OSError, EOFError, RuntimeError) as error:
            raise _not_started(error) from None

    def _fork(self) -> Worker:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(self._setting.loads))
        resource_tracker.ensure_running()  # it lifts the mask once it is started, so it is started before
        ours, theirs = socketpair()
        # Processes inherit the mask: Ctrl-C at a terminal is this process's affair alone, from their first moment on.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process = context.Process(target=serve, args=(theirs, self._setting), name="worker", daemon=True)
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return Worker(self, process, ours)


def _not_started(error: Exception) -> WorkersError:
    cure = "is there memory and room for processes (free -m, ulimit -u)?"
    return WorkersError(f"{NO_WORKER}: {str(error) or type(error).__name__}; {cure}")


def _join(workers: list[Worker]) -> None:
    for worker in workers:
        worker.process.join()
