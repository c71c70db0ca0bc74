"""The one-shot crawl: due feeds once, then everything pending; an interrupt drains and keeps what is done."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.app import open_onlooker, open_runner
from service.events import Listener, Tally
from service.runner import Runner
from service.settings import Settings
from storage.model import Feed, FeedState, Health


class FailOn(StrEnum):
    """Which failing feeds make a crawl exit with 3 or 4."""

    ANY = "any"
    ALL = "all"
    NEVER = "never"


SOME_FAILED, ALL_FAILED = 3, 4


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl came to. ``failing`` are the chosen feeds whose newest poll failed, in this run or before it."""

    tally: Tally
    chosen: tuple[Feed, ...]
    due: tuple[Feed, ...]
    failing: tuple[FeedState, ...]
    interrupted: int | None = None
    """The signal that ended it early."""

    def exit_code(self, fail_on: FailOn) -> int:
        """0, 3 (some of the chosen feeds fail), 4 (all do), or 128 + the signal that ended it."""
        if self.interrupted is not None:
            return 128 + self.interrupted
        return exit_code(fail_on, len(self.failing), len(self.chosen))


def exit_code(fail_on: FailOn, failing: int, chosen: int) -> int:
    """0, 3 (some of the chosen feeds fail) or 4 (all do)."""
    if fail_on is FailOn.NEVER or not failing:
        return 0
    if failing == chosen:
        return ALL_FAILED
    return SOME_FAILED if fail_on is FailOn.ANY else 0


async def crawl(
    settings: Settings,
    feeds: Sequence[Feed],
    chosen: tuple[Feed, ...],
    *,
    poll_all: bool,
    force: bool,
    listen: Listener,
    on_start: Callable[[int], None],
) -> Crawled:
    """Poll the chosen feeds that are due, then archive everything pending, and seal what is finished.

    ``poll_all`` polls them before their time too, but for those that are gone; ``force`` all of them.
    """
    async with open_runner(settings, tuple(feeds), listen) as runner:
        due = chosen if force else tuple(runner.due(chosen, early=poll_all))
        on_start(len(due))
        interruption = Interruption(runner)
        with interruption:
            await runner.crawl(due, force=force)
            await runner.seal()
        states = [runner.states[feed.name] for feed in chosen if feed.name in runner.states]
        failing = tuple(state for state in states if state.health is Health.FAILING)
        return Crawled(runner.tally, chosen, due, failing, interruption.signal)


class Interruption:
    """Within it, the first SIGINT or SIGTERM drains the runner, a second one ends it at once."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._task = asyncio.current_task()
        self.signal: int | None = None

    def __enter__(self) -> "Interruption":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt, number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def _interrupt(self, number: int) -> None:
        if self.signal is None:
            self.signal = number
            self._runner.stop()
        elif self._task is not None:
            self._task.cancel()


async def look(settings: Settings, feeds: Sequence[Feed], *, force: bool, listen: Listener) -> int:
    """Poll feeds and tell what a crawl would do, without keeping anything; returns how many failed."""
    failed = 0
    async with open_onlooker(settings) as (poller, states):
        for feed in feeds:
            poll = await poller.poll(feed, states.get(feed.name), force=force, commit=False)
            failed += poll.error is not None
            listen(poll)
    return failed
