"""What is in force while settings are: a runner at work, its chores, and what is shown of both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from service.app import Home, open_service
from service.background import in_background
from service.chores import Chores, note, open_chores
from service.errors import SettingsError
from service.events import Listener, Tally
from service.metrics import Metrics
from service.monitoring import serving
from service.pulse import Judge, Pulse
from service.runner import Runner
from service.settings import Settings
from service.telling import check_addresses
from service.units import Address
from storage.model import Feed

AGAIN = 60.0
"""Seconds until metrics are tried again that could not be served."""

Complain = Callable[[SettingsError], None]
"""Hears of settings that only their use shows to be wrong."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lasting:
    """What outlives a session."""

    home: Home
    pulse: Pulse
    metrics: Metrics
    tally: Tally


@dataclass(frozen=True, slots=True)
class Session:
    """A runner and its chores."""

    runner: Runner
    chores: Chores


@asynccontextmanager
async def open_session(
    lasting: Lasting, settings: Settings, feeds: tuple[Feed, ...], hear: Listener, complain: Complain | None
) -> AsyncIterator[Session]:
    """Within it, the runner works; at its end, once stopped, it has drained.

    ``complain``: None where the settings have been tried before. Raises StorageError.
    """
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(open_service(lasting.home, settings, feeds, hear))
        chores = await stack.enter_async_context(
            open_chores(settings, lasting.home, runner, lasting.tally, lasting.metrics)
        )
        if settings.metrics_bind is None:
            await note(lasting.home, "metrics", "not asked for")
        else:
            await stack.enter_async_context(in_background([_show(lasting, settings, settings.metrics_bind)], _never))
        if settings.notify_url is not None and complain is not None:
            try:
                await check_addresses(settings.notify_url)
            except SettingsError as error:
                complain(error)
        await stack.enter_async_context(runner.serving())
        yield Session(runner, chores)


async def _show(lasting: Lasting, settings: Settings, address: Address) -> None:
    """Serve metrics and probes, until cancelled; where that cannot be, say so once, and try again each minute.

    An interface may come up, or a port be let go of, only after a start: that is no reason not to watch the feeds.
    """
    judge, was_said = Judge(lasting.pulse, settings), False
    while True:
        try:
            with serving(address, lasting.metrics, judge.healthy, judge.ready) as there:
                log.info("metrics are served", address=str(there))
                await note(lasting.home, "metrics", f"served on {there}")
                await asyncio.Event().wait()
        except SettingsError as error:
            if not was_said:
                log.error("metrics cannot be served, and will be tried again", reason=str(error))
                await note(lasting.home, "metrics", f"not served: {error}", is_good=False)
                was_said = True
            await asyncio.sleep(AGAIN)


def _never(error: Exception) -> None:
    log.error("metrics are no longer served", reason=str(error))
