"""One thread for everything that waits for the disk, so that the event loop never does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """Runs functions one after another in a single thread: what a store, used by one thread at a time, asks for."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function`` and await its result. A call once begun ends, even where the awaiting task is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    async def each(self, items: Iterator[T]) -> AsyncIterator[T]:
        """The items, each made in the thread; whatever else is to run there gets its turn between two of them."""
        end = object()
        while (item := await self(_next, items, end)) is not end:
            yield cast("T", item)

    def close(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._executor.shutdown(wait=True)


def _next(items: Iterator[T], end: object) -> T | object:
    return next(items, end)
