"""One thread for everything that waits for the disk, so that the event loop never does."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, ParamSpec, TypeVar, cast

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


class InGroups(Generic[T]):
    """Hands items over to a function in groups, in one thread: each group is what came while it was at the one before.

    So a function that costs as much for many as for one, such as a commit, is called the more rarely the more there is.
    Where it fails, it has failed for all of a group. What waits is handed over even if who waited has given up.
    """

    def __init__(self, thread: OneThread, function: Callable[[list[T]], object], most: int = 50) -> None:
        self._thread = thread
        self._function = function
        self._most = most
        self._waiting: deque[tuple[T, asyncio.Future[None]]] = deque()
        self._handing: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> None:
        """Return once ``item`` has been handed over; raises what the function did with its group."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((item, done))
        if self._handing is None or self._handing.done():
            self._handing = loop.create_task(self._hand_over())
        await done

    async def _hand_over(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
            try:
                await self._thread(self._function, [item for item, _ in group])
            except Exception as error:  # noqa: BLE001  it is for those that wait
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
            else:
                for _, done in group:
                    if not done.done():
                        done.set_result(None)


def _next(items: Iterator[T], end: object) -> T | object:
    return next(items, end)
