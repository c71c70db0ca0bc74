"""What somebody is told of, and when: what is known, how things are, the time → what is known now, and messages. Pure.

    silent    a feed answers, but has brought nothing new for five times its usual interval, and a day at least
    failing   a feed has failed for a day
    gap       entries of a feed may have been missed
    disk      less than VEILLE_MIN_FREE is left
    damage    a check found the archive damaged, or could not be made

A trouble begins, is told, is over, and that is told where the trouble was. One that comes again before its end was told
is the same trouble; a gap cannot be made good, and is told once. Of each kind at most one message goes out in 24 hours,
and one of recoveries, however many feeds are concerned: what comes up meanwhile stands in the next. What could not be
sent stays untold, and is sent when it can be, even if it is over by then; of a silence that is over nobody needs word.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service import wording
from service.messages import Message, Time, Tone
from service.vitals import DAY, HOUR, WEEK, Vitals
from storage.model import Alert, Gap, Note, Trouble

FAILING_FOR = DAY
ALONG = 6 * HOUR
"""For how long a feed must have failed to be told along with one that has for a day: an outage is one message."""
GAP_FOR = DAY
"""How long a gap counts as present."""
ENOUGH = 1.1
"""Times the room wanted, from which on the disk is no longer low: near the mark it must not come and go."""
QUIET = DAY
"""Between two messages of a kind."""
SETTLING = HOUR
"""Gaps, and recoveries, come many at a time but not at once: a message waits so long, and has them all."""
REMINDER = WEEK
"""After which a low disk and a damaged archive are told again: they end badly, where a feed only stays as it is."""
RECOVERY = "recovery"
"""The kind of messages of what is over."""

Key = tuple[Trouble, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """How things are."""

    vitals: Sequence[Vitals]
    free: int | None
    """Bytes left on the disk; None: not known."""
    min_free: int
    days_left: float | None = None
    checked: Note | None = None
    """What the last check of the archive found."""

    @property
    def watched(self) -> list[Vitals]:
        """The feeds that are on."""
        return [one for one in self.vitals if one.is_watched]


def notice(
    known: Iterable[Alert],
    told: Mapping[str, datetime],
    facts: Facts,
    now: datetime,
    time: Time,
    *,
    is_anybody_told: bool = True,
) -> list[Alert]:
    """The alerts that are new, that have begun anew, whose detail has changed, or that are over.

    Args:
        known: What is remembered.
        told: When a message of a kind was last sent, by kind.
        facts: How things are.
        now: The time, aware.
        time: Puts a moment into words.
        is_anybody_told: Otherwise what is over is done with.
    """
    before = {(alert.trouble, alert.subject): alert for alert in known}
    found = dict(_found(facts, before, told, now, time, is_anybody_told=is_anybody_told))
    after = {key: _present(before.get(key), key, *of) for key, of in found.items()}
    watched = {one.name: one for one in facts.watched}
    for key, alert in before.items():
        if alert.over is None and key not in found:
            after[key] = _absent(alert, watched.get(alert.subject), facts, now, is_anybody_told=is_anybody_told)
    return [alert for key, alert in after.items() if alert != before.get(key)]


def messages(
    alerts: Sequence[Alert], told: Mapping[str, datetime], facts: Facts, now: datetime, host: str, time: Time
) -> list[Message]:
    """What is to be sent now; arguments as for ``notice``, and the name of this machine."""
    due = []
    for trouble in Trouble:
        kind = [alert for alert in alerts if alert.trouble is trouble and _is_unheard(alert, now)]
        waits = trouble is Trouble.GAP and all(_is_fresh(alert.since, now) for alert in kind)
        if kind and not waits and not _is_recent(told.get(trouble), now):
            title, body = wording.of_trouble(kind, facts.vitals, time)
            marked = tuple(_told(alert, facts, now) for alert in kind)
            due.append(Message(trouble, f"veille on {host}: {title}", body, Tone.TROUBLE, marked))
    ended = [alert for alert in alerts if alert.over is not None and alert.told is not None and alert.over_told is None]
    settled = any(alert.over is not None and not _is_fresh(alert.over, now) for alert in ended)
    if settled and not _is_recent(told.get(RECOVERY), now):
        title, body = wording.of_recovery(ended, alerts, time)
        marked = tuple(replace(alert, over_told=now) for alert in ended)
        due.append(Message(RECOVERY, f"veille on {host}: {title}", body, Tone.RECOVERY, marked))
    return due


# -- what is known -----------------------------------------------------------------------------------------------------


def _present(alert: Alert | None, key: Key, since: datetime, detail: str) -> Alert:
    """A trouble that was found, with what was known of it."""
    is_another_gap = alert is not None and alert.trouble is Trouble.GAP and since != alert.since
    if alert is None or not _is_current(alert) or (is_another_gap and alert.told is not None):
        return Alert(*key, detail, since)
    return replace(alert, detail=detail, over=None)


def _absent(alert: Alert, feed: Vitals | None, facts: Facts, now: datetime, *, is_anybody_told: bool) -> Alert:
    """A trouble that lasted, and was not found any more."""
    if alert.subject and feed is None:  # it was turned off: nobody waits for word of it any more
        return replace(alert, over=now, over_told=now)
    if not _is_over(alert, feed, facts):
        return alert
    is_done_with = alert.trouble is Trouble.GAP or (alert.trouble is Trouble.SILENT and alert.told is None)
    has_to_be_told = is_anybody_told and not is_done_with
    return replace(alert, over=now, over_told=None if has_to_be_told else now)


def _is_over(alert: Alert, feed: Vitals | None, facts: Facts) -> bool:
    """Whether a trouble that was not found is over: perhaps it only could not be looked for."""
    match alert.trouble:
        case Trouble.SILENT:
            return feed is not None and not feed.is_failing
        case Trouble.DISK:
            return facts.free is not None
        case Trouble.DAMAGE:
            return facts.checked is not None
        case _:
            return True


def _told(alert: Alert, facts: Facts, now: datetime) -> Alert:
    """An alert of which somebody has been told; the end of one that is over was told with it."""
    since = _newest_gap(alert, facts, now) if alert.trouble is Trouble.GAP else alert.since
    return replace(alert, since=since, told=now, over_told=None if alert.over is None else now)


def _newest_gap(alert: Alert, facts: Facts, now: datetime) -> datetime:
    """Up to which gap an alert tells of them."""
    gaps = (gap for one in facts.vitals if one.name == alert.subject for gap in one.gaps)
    return max((gap.end for gap in gaps if gap.end <= now), default=alert.since)


def _is_current(alert: Alert) -> bool:
    """Whether it lasts, as far as anybody who was told of it knows."""
    return alert.over is None or alert.over_told is None


def _is_unheard(alert: Alert, now: datetime) -> bool:
    """Whether somebody is still, or again, to be told that there is this trouble, or was."""
    if not _is_current(alert):
        return False
    ends_badly = alert.trouble in {Trouble.DISK, Trouble.DAMAGE} and alert.over is None
    return alert.told is None or (ends_badly and now - alert.told >= REMINDER)


def _is_recent(moment: datetime | None, now: datetime) -> bool:
    # one that lies further ahead was told by a clock that has been set back since
    return moment is not None and -QUIET < now - moment < QUIET


def _is_fresh(moment: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - moment < SETTLING


# -- what is found -----------------------------------------------------------------------------------------------------


def _found(
    facts: Facts,
    before: Mapping[Key, Alert],
    told: Mapping[str, datetime],
    now: datetime,
    time: Time,
    *,
    is_anybody_told: bool,
) -> Iterator[tuple[Key, tuple[datetime, str]]]:
    """What is wrong now: since when, and a line about it."""
    for one in facts.watched:
        if one.is_silent and one.newest is not None:
            yield (Trouble.SILENT, one.name), (one.newest, wording.silent(one, time))
        if of := _gap(one, before.get((Trouble.GAP, one.name)), now, time, is_anybody_told=is_anybody_told):
            yield (Trouble.GAP, one.name), of
    for one in _failing(facts, before, told, now):
        since = one.state.failing_since if one.state is not None else None
        yield (Trouble.FAILING, one.name), (since or now, wording.failing(one, time))
    if facts.free is not None:
        was_low = (alert := before.get((Trouble.DISK, ""))) is not None and alert.over is None
        if facts.free < facts.min_free * (ENOUGH if was_low else 1):
            yield (Trouble.DISK, ""), (now, wording.room(facts.free, facts.min_free, facts.days_left))
    if facts.checked is not None and not facts.checked.is_good:
        yield (Trouble.DAMAGE, ""), (facts.checked.at, wording.damage(facts.checked, time))


def _failing(
    facts: Facts, before: Mapping[Key, Alert], told: Mapping[str, datetime], now: datetime
) -> Iterator[Vitals]:
    """Feeds that have failed for a day, those known to, and where that is about to be told, those along with them."""
    known = {one.name: before.get((Trouble.FAILING, one.name)) for one in facts.watched}
    current = {name for name, alert in known.items() if alert is not None and _is_current(alert)}
    heard = {name for name, alert in known.items() if name in current and alert is not None and alert.told is not None}
    long = {one.name for one in facts.watched if one.failing_for is not None and one.failing_for >= FAILING_FOR}
    least = FAILING_FOR
    if (long | current) - heard and not _is_recent(told.get(Trouble.FAILING), now):
        least = timedelta(0) if wording.is_outage(facts.vitals) else ALONG
    for one in facts.watched:
        if one.is_failing and (one.name in current or (one.failing_for is not None and one.failing_for >= least)):
            yield one


def _gap(
    one: Vitals, alert: Alert | None, now: datetime, time: Time, *, is_anybody_told: bool
) -> tuple[datetime, str] | None:
    """Since when there are gaps nobody has been told of, or that still count as present, and a line about them."""
    # what lies ahead was noticed by a clock that has been set back since
    known = [gap for gap in one.gaps if gap.end <= now]
    alert = alert if alert is not None and alert.since <= now else None
    if not known:
        return None
    is_present = now - known[0].end < GAP_FOR
    if alert is not None and alert.over is None and alert.told is None:
        untold = [gap for gap in known if gap.end >= alert.since] or [known[0]]
        return (alert.since, wording.gaps(untold, time)) if is_anybody_told or is_present else None
    heard = now - GAP_FOR if alert is None else max(alert.since, now - GAP_FOR)
    if news := [gap for gap in known if gap.end > heard]:
        return min(map(_end, news)), wording.gaps(news, time)
    return (alert.since, alert.detail) if alert is not None and alert.over is None and is_present else None


def _end(gap: Gap) -> datetime:
    return gap.end
