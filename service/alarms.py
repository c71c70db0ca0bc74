"""Notices troubles, remembers them, and tells whoever is to be told; what ``service.troubles`` decides, done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from service.digest import digest
from service.offload import OneThread
from service.telling import tell
from service.troubles import Facts, Message, messages, notice
from storage.model import Alert
from storage.store import Store

AGAIN = timedelta(minutes=5)
"""After how long what could not be sent is tried again; twice as long after each further failure,"""
LATEST = timedelta(hours=6)
"""and so long at most."""

log = structlog.get_logger()


class Alarms:
    """Troubles and who hears of them. Used from one event loop, one call at a time.

    Args:
        store: Where troubles are remembered, spoken to in ``thread`` alone.
        thread: See there.
        addresses: Who is told; None: nobody, but the log.
        zone: Of the times in messages.
        clock: The time now, aware.
        host: This machine's name.
    """

    def __init__(
        self,
        store: Store,
        thread: OneThread,
        addresses: SecretStr | None,
        zone: ZoneInfo,
        clock: Callable[[], datetime],
        host: str,
    ) -> None:
        self._store = store
        self._thread = thread
        self._addresses = addresses
        self._zone = zone
        self._clock = clock
        self._host = host
        self._failures = 0
        self._not_before: datetime | None = None

    async def check(self, facts: Facts) -> list[Alert]:
        """Notice what has begun and what is over, and tell it; returns the troubles that last.

        What cannot be sent is logged and tried again later. Raises StorageError.
        """
        now = self._clock()
        known = {(alert.trouble, alert.subject): alert for alert in await self._thread(self._store.alerts)}
        changed = notice(known.values(), facts, now, self._time)
        for alert in changed:
            before = known.get((alert.trouble, alert.subject))
            if alert.over is not None:
                log.info("trouble is over", trouble=alert.trouble, subject=alert.subject, since=alert.since)
            elif before is None or before.over is not None:
                log.warning("trouble", trouble=alert.trouble, subject=alert.subject, detail=alert.detail)
        if changed:
            await self._thread(self._store.save_alerts, changed)
        known |= {(alert.trouble, alert.subject): alert for alert in changed}
        if self._addresses is not None and not self._is_pausing(now):
            for message in messages(list(known.values()), facts, now, self._host, self._time):
                if not await self._send(message):
                    break
                told = [
                    replace(known[alert.trouble, alert.subject], told=alert.told, over_told=alert.over_told)
                    for alert in message.alerts
                ]
                await self._thread(self._store.save_alerts, told)
                known |= {(alert.trouble, alert.subject): alert for alert in told}
        return [alert for alert in known.values() if alert.over is None]

    async def digest(self, facts: Facts) -> None:
        """Sum up the day, in the log and for whoever is told."""
        message = digest(facts, self._clock(), self._host, self._time)
        log.info("the day", text="; ".join(message.body.splitlines()))
        if self._addresses is not None:
            await self._send(message)

    async def _send(self, message: Message) -> bool:
        assert self._addresses is not None
        try:
            failure = await tell(self._addresses, message.title, message.body)
        except OSError as error:  # no process can be started
            failure = str(error)
        if failure is None:
            log.info("told", title=message.title)
            self._failures, self._not_before = 0, None
            return True
        pause = min(AGAIN * 2**self._failures, LATEST)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock() + pause
        log.warning("could not be told", title=message.title, reason=failure, again=self._not_before)
        return False

    def _is_pausing(self, now: datetime) -> bool:
        return self._not_before is not None and timedelta(0) < self._not_before - now <= LATEST

    def _time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%a %Y-%m-%d %H:%M %Z}"
