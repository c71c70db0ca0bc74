"""Tasks that run beside what is awaited: none is lost sight of, and no failure of theirs stays unheard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

_running: set[asyncio.Task[None]] = set()
"""The loop itself keeps weak references only."""


def start(work: Coroutine[Any, Any, None], on_failure: Callable[[Exception], None]) -> "asyncio.Task[None]":
    """Start ``work``; what it raises goes to ``on_failure``."""

    def ended(task: "asyncio.Task[None]") -> None:
        _running.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            on_failure(error)

    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)
    task.add_done_callback(ended)
    return task


@asynccontextmanager
async def in_background(
    works: Iterable[Coroutine[Any, Any, None]], on_failure: Callable[[Exception], None]
) -> AsyncIterator[None]:
    """Within it, the works run; at its end they are cancelled."""
    tasks = [start(work, on_failure) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
