"""What is in force while settings are: a runner at work, its chores, and what is shown of both."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from service.app import Home, open_service
from service.chores import Chores, open_chores
from service.errors import SettingsError
from service.events import Listener, Tally
from service.metrics import Metrics
from service.monitoring import serving
from service.pulse import Judge, Pulse
from service.runner import Runner
from service.settings import Settings
from service.telling import check_addresses
from storage.model import Feed

Complain = Callable[[SettingsError], None]
"""Hears of settings that only their use shows to be wrong; may raise the error again."""

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
    lasting: Lasting, settings: Settings, feeds: tuple[Feed, ...], hear: Listener, complain: Complain
) -> AsyncIterator[Session]:
    """Within it, the runner works; at its end, once stopped, it has drained. Raises StorageError."""
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(open_service(lasting.home, settings, feeds, hear))
        chores = await stack.enter_async_context(
            open_chores(settings, lasting.home, runner, lasting.tally, lasting.metrics)
        )
        try:
            if settings.metrics_bind is not None:
                judge = Judge(lasting.pulse, settings)
                shown = serving(settings.metrics_bind, lasting.metrics, judge.healthy, judge.ready)
                log.info("metrics are served", address=str(stack.enter_context(shown)))
            if settings.notify_url is not None:
                await check_addresses(settings.notify_url)
        except SettingsError as error:
            complain(error)
        await stack.enter_async_context(runner.serving())
        yield Session(runner, chores)
