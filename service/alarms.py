"""Notices troubles, remembers them, and tells whoever is to be told; what ``service.troubles`` decides, done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from pydantic import SecretStr

from service.child import ChildError
from service.digest import digest
from service.messages import Message
from service.offload import OneThread
from service.telling import deliver, in_words, split
from service.troubles import Facts, messages, notice
from storage.model import Alert, Note
from storage.store import Store

AGAIN = timedelta(minutes=5)
"""After how long what could not be sent is tried again; twice as long after each further failure,"""
LATEST = timedelta(hours=6)
"""and so long at most."""
_TOLD = "told "
"""How topics of notes begin that say when a message of a kind was last sent."""
_REACHED = "notify"
"""The topic of the note that says who could not be reached of late."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Recipient:
    """Somebody who is told, and how that went of late."""

    place: int
    """Among all, from 1."""
    address: str = field(repr=False)
    owed: dict[str, Message] = field(default_factory=dict)
    """By kind: what others were told, but this one could not be. Gone with the process."""
    failures: int = 0
    not_before: datetime | None = None

    def is_pausing(self, now: datetime) -> bool:
        return self.not_before is not None and timedelta(0) < self.not_before - now <= LATEST

    def failed(self, now: datetime) -> None:
        self.not_before = now + min(AGAIN * 2**self.failures, LATEST)
        self.failures = min(self.failures + 1, 10)


class Alarms:
    """Troubles and who hears of them. Used from one event loop; one call waits for the other.

    A message counts as told once one address has it; the others are tried again alone, so that nobody gets it twice.
    Where none has it, it is decided anew at the next try. A process killed between the sending and the remembering
    tells again: better twice than never.

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
        places = enumerate(split(addresses), start=1) if addresses is not None else ()
        self._recipients = [_Recipient(place, address) for place, address in places]
        self._zone = zone
        self._clock = clock
        self._host = host
        self._turn = asyncio.Lock()
        self._said: str | None = None

    async def check(self, facts: Facts) -> list[Alert]:
        """Notice what has begun and what is over, and tell it; returns the troubles that last.

        What cannot be sent is logged and tried again later. Takes no longer than sending may, ``telling.SECONDS``.
        Raises StorageError.
        """
        async with self._turn:
            now = self._clock()
            known = {(alert.trouble, alert.subject): alert for alert in await self._thread(self._store.alerts)}
            notes = await self._thread(self._store.notes)
            told = {topic.removeprefix(_TOLD): note.at for topic, note in notes.items() if topic.startswith(_TOLD)}
            is_anybody_told = bool(self._recipients)
            if not is_anybody_told and _REACHED in notes and not notes[_REACHED].is_good:
                await self._thread(self._store.note, Note(_REACHED, now, True, "nobody is told any more"))
            changed = notice(known.values(), told, facts, now, self._time, is_anybody_told=is_anybody_told)
            for alert in changed:
                self._log(alert, known.get((alert.trouble, alert.subject)))
            if changed:
                await self._thread(self._store.save_alerts, changed)
            known |= {(alert.trouble, alert.subject): alert for alert in changed}
            if any(alert.over is not None for alert in changed):  # perhaps it was the network, and that is back
                for recipient in self._recipients:
                    recipient.not_before = None
            for message in await self._send(messages(list(known.values()), told, facts, now, self._host, self._time)):
                known |= {(alert.trouble, alert.subject): alert for alert in message.alerts}
            return [alert for alert in known.values() if alert.over is None]

    async def digest(self, facts: Facts) -> None:
        """Sum up the day, in the log and for whoever is told; the log alone has one that cannot be sent."""
        message = digest(facts, self._clock(), self._host, self._time)
        log.info("the day", text="; ".join(message.body.splitlines()))
        async with self._turn:
            await self._send([message])

    async def _send(self, due: Sequence[Message]) -> list[Message]:
        """Send what is due, and what is owed, to those who are not pausing; returns those of ``due`` that were told."""
        now = self._clock()
        kinds = {message.kind for message in due}
        sendings = [
            (one, message)
            for one in self._recipients
            if not one.is_pausing(now)
            for message in (*(old for kind, old in one.owed.items() if kind not in kinds), *due)
        ]
        if not sendings:
            return []
        told: list[Message] = []
        arrived: set[int] = set()
        saving: list[asyncio.Task[None]] = []

        def sent(place: int) -> None:
            message = sendings[place][1]
            arrived.add(place)
            if any(message is one for one in due) and not any(message is one for one in told):
                told.append(message)
                saving.append(asyncio.create_task(self._remember(message, now)))  # at once: a stop may come in between

        try:
            reasons = await deliver([(one.address, message) for one, message in sendings], sent)
        except ChildError as error:
            reasons = [None if place in arrived else str(error) for place in range(len(sendings))]
        await asyncio.gather(*saving)
        outcomes = [(*sending, reason) for sending, reason in zip(sendings, reasons, strict=True)]
        for one, message, reason in outcomes:
            if reason is None:
                one.owed.pop(message.kind, None)
                one.failures, one.not_before = 0, None
        for message in told:
            log.info("told", title=message.title)
            reached = [one for one, sent_one, reason in outcomes if sent_one is message and reason is None]
            for one in self._recipients:
                if message.alerts and one not in reached:
                    one.owed[message.kind] = message
        await self._complain([(one, message, reason) for one, message, reason in outcomes if reason is not None])
        return told

    async def _remember(self, message: Message, now: datetime) -> None:
        """That a message was told."""
        if message.alerts:
            # this first: whoever is killed in between tells it again, but not before a day has passed
            await self._thread(self._store.note, Note(f"{_TOLD}{message.kind}", now, True, message.title))
            await self._thread(self._store.save_alerts, message.alerts)

    async def _complain(self, lost: Sequence[tuple[_Recipient, Message, str]]) -> None:
        """Of those who could not be reached: in the log, and in a note for whoever looks."""
        by_place: dict[int, str | None] = {one.place: reason for one, _, reason in lost}
        for one in self._recipients:
            if one.place in by_place:
                one.failed(self._clock())
                titles = "; ".join(message.title for to, message, _ in lost if to is one)
                reason = in_words({one.place: by_place[one.place]}, len(self._recipients))
                log.warning("could not be told", titles=titles, reason=reason, again=one.not_before)
        said = in_words(by_place, len(self._recipients)) or "all were reached"
        if said != self._said:
            self._said = said
            await self._thread(self._store.note, Note(_REACHED, self._clock(), not by_place, said))

    def _log(self, alert: Alert, before: Alert | None) -> None:
        if alert.over is not None:
            log.info("trouble is over", trouble=alert.trouble, subject=alert.subject, since=alert.since)
        elif before is None or before.over is not None or before.since != alert.since:
            log.warning("trouble", trouble=alert.trouble, subject=alert.subject, detail=alert.detail)

    def _time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%a %Y-%m-%d %H:%M %Z}"
