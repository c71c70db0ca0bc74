"""Politeness: one request at a time per host, with a pause after each answer, and hosts that asked us to wait."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from service.errors import HeldError
from service.units import format_duration

MAX_CRAWL_DELAY = 60.0
"""Seconds; a longer ``Crawl-delay`` counts as this."""
PATIENCE = 30.0
"""Seconds a turn waits for a host on hold; beyond that it fails with the time left."""
_PRUNE_AT = 1024

Remember = Callable[[str, float], Awaitable[None]]


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Fair: whoever asked first goes first."""
    turns: int = 0
    """Running and waiting."""
    ended: float = float("-inf")
    crawl_delay: float = 0.0
    held_until: float = float("-inf")


class Hosts:
    """Hands out turns at hosts, inside one event loop.

    A host that nobody is asking costs a small object, no task and no timer; it is forgotten once it has nothing to
    remember.

    Args:
        delay: Seconds between the end of one answer and the next request to the same host.
        holds: Hosts that had asked for silence before this process began, and for how many seconds from now.
        remember: Called with a host and its seconds when it asks for silence, so that a restart knows of it.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        delay: float,
        holds: Mapping[str, float] | None = None,
        remember: Remember | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delay = delay
        self._remember = remember
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._prune_at = _PRUNE_AT
        for host, seconds in (holds or {}).items():
            if seconds > 0:
                self._state(host).held_until = clock() + seconds

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for the right to send one request to ``host``; leaving the block ends the answer.

        Turns come first in, first out, one at a time, each at least the delay (or the host's crawl delay, where it is
        longer) after the end of the one before.

        Raises:
            HeldError: The host is on hold for longer than is worth waiting; ``retry_after`` says how long.
        """
        state = self._state(host)
        state.turns += 1
        try:
            self._refuse_if_held(host)
            async with state.lock:
                while (wait := self._ready_at(state) - self._clock()) > 0:
                    self._refuse_if_held(host)
                    await asyncio.sleep(wait)
                try:
                    yield
                finally:
                    state.ended = self._clock()
        finally:
            state.turns -= 1

    def set_crawl_delay(self, host: str, seconds: float | None) -> None:
        """Keep at least ``seconds`` between requests to ``host``, as its robots.txt asks; None: it asks nothing."""
        self._state(host).crawl_delay = min(seconds or 0.0, MAX_CRAWL_DELAY)

    async def hold(self, host: str, seconds: float) -> None:
        """Send nothing to ``host`` for ``seconds``, in this process or after it; a hold already longer stays."""
        state = self._state(host)
        until = self._clock() + seconds
        if until > state.held_until:
            state.held_until = until
            if self._remember is not None:
                await self._remember(host, seconds)

    def held(self, host: str) -> float:
        """Return how many seconds ``host`` stays on hold; 0.0 where it is not."""
        state = self._hosts.get(host)
        return max(state.held_until - self._clock(), 0.0) if state else 0.0

    def _ready_at(self, state: _Host) -> float:
        return max(state.ended + max(self._delay, state.crawl_delay), state.held_until)

    def _refuse_if_held(self, host: str) -> None:
        if (left := self.held(host)) > PATIENCE:
            wait = format_duration(timedelta(seconds=max(round(left), 1)))
            raise HeldError(f"{host} has asked for silence, {wait} of it left", retry_after=left)

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            if len(self._hosts) >= self._prune_at:
                self._prune()
            state = self._hosts[host] = _Host()
        return state

    def _prune(self) -> None:
        now = self._clock()
        self._hosts = {h: s for h, s in self._hosts.items() if s.turns or self._ready_at(s) > now}
        self._prune_at = max(_PRUNE_AT, 2 * len(self._hosts))
