"""What somebody is told of, and when: what is known, how things are, the time → what is known now, and messages. Pure.

    silent    a feed answers, but has brought nothing new for five times its usual interval, and a day at least
    failing   a feed has failed for a day
    gap       entries of a feed may have been missed
    disk      less than VEILLE_MIN_FREE is left
    damage    a check found the archive damaged

A trouble begins, is told, is over, and that is told where the trouble was; a gap cannot be made good, and is told once.
Of each kind at most one message goes out in 24 hours, and one of recoveries, however many feeds are concerned: what
comes up meanwhile stands in the next. What could not be sent stays untold, and is sent when it can be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.logs import printable
from service.units import format_days, format_duration, format_size
from service.vitals import DAY, Vitals
from storage.model import Alert, Note, Trouble

FAILING_FOR = DAY
GAP_FOR = DAY
"""How long a gap counts as present: a further one in that time is the same trouble."""
ENOUGH = 1.1
"""Times the room wanted, from which on the disk is no longer low: near the mark it must not come and go."""
QUIET = DAY
"""Between two messages of a kind."""
NAMED = 20
"""Feeds that a message names; the others are counted."""

Key = tuple[Trouble, str]
Time = Callable[[datetime], str]
"""A moment in words."""


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


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told, and the alerts that are told with it."""

    title: str
    body: str
    alerts: tuple[Alert, ...] = ()
    """As they are once it has been sent."""


def notice(known: Iterable[Alert], facts: Facts, now: datetime, time: Time) -> list[Alert]:
    """The alerts that are new, that have begun anew, whose detail has changed, or that are over."""
    before = {(alert.trouble, alert.subject): alert for alert in known}
    found = _found(facts, before, now, time)
    changed = []
    for key, (since, detail) in found.items():
        alert = before.get(key)
        if alert is None:
            changed.append(Alert(*key, detail, since))
        elif alert.over is not None:
            told = alert.told if alert.told is None or alert.told <= now else None  # by a clock that was ahead
            changed.append(replace(alert, detail=detail, since=now, told=told, over=None))
        elif alert.detail != detail:
            changed.append(replace(alert, detail=detail))
    watched = {one.name: one for one in facts.vitals if one.is_watched}
    for key, alert in before.items():
        if alert.over is None and key not in found:
            if alert.subject and alert.subject not in watched:  # nobody waits for word of it any more
                changed.append(replace(alert, over=now, over_told=now))
            elif _is_over(alert, watched.get(alert.subject), facts):
                changed.append(replace(alert, over=now))
    return changed


def messages(alerts: Sequence[Alert], facts: Facts, now: datetime, host: str, time: Time) -> list[Message]:
    """What is to be sent now."""
    due = []
    for trouble in Trouble:
        kind = [alert for alert in alerts if alert.trouble is trouble]
        untold = [alert for alert in kind if alert.over is None and not _is_told(alert)]
        if untold and not _is_recent((alert.told for alert in kind), now):
            told = tuple(replace(alert, told=now) for alert in untold)
            due.append(Message(f"veille on {host}: {_title(trouble, untold, facts)}", _body(untold, facts), told))
    recovered = [
        alert
        for alert in alerts
        if alert.over is not None and alert.trouble is not Trouble.GAP and _is_told(alert) and not _is_over_told(alert)
    ]
    if recovered and not _is_recent((alert.over_told for alert in alerts), now):
        told = tuple(replace(alert, over_told=now) for alert in recovered)
        due.append(Message(f"veille on {host}: {_recovery_title(recovered)}", _recovery(recovered, time), told))
    return due


def _found(facts: Facts, before: Mapping[Key, Alert], now: datetime, time: Time) -> dict[Key, tuple[datetime, str]]:
    """What is wrong now: since when, and a line about it."""
    found: dict[Key, tuple[datetime, str]] = {}
    for one in facts.vitals:
        if one.is_silent and one.newest is not None:
            detail = f"nothing new since {time(one.newest)}; usually something every {_about(one.usual)}"
            found[Trouble.SILENT, one.name] = one.newest, detail
        state = one.state
        if state is not None and state.failing_since is not None and (one.failing_for or timedelta(0)) >= FAILING_FOR:
            since = state.failing_since
            error = printable(state.last_error or "no answer")
            found[Trouble.FAILING, one.name] = since, f"fails since {time(since)}: {error}"
        if one.is_watched and one.gaps and now - one.gaps[0].end < GAP_FOR:
            gap = one.gaps[0]
            detail = f"entries between {time(gap.start)} and {time(gap.end)} may be missing: {printable(gap.reason)}"
            found[Trouble.GAP, one.name] = gap.end, detail
    if facts.free is not None:
        was_low = (alert := before.get((Trouble.DISK, ""))) is not None and alert.over is None
        if facts.free < facts.min_free * (ENOUGH if was_low else 1):
            found[Trouble.DISK, ""] = now, _room(facts)
    if facts.checked is not None and not facts.checked.is_good:
        found[Trouble.DAMAGE, ""] = facts.checked.at, printable(facts.checked.text)
    return found


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


def _is_told(alert: Alert) -> bool:
    return alert.told is not None and alert.told >= alert.since


def _is_over_told(alert: Alert) -> bool:
    return alert.over is not None and alert.over_told is not None and alert.over_told >= alert.over


def _is_recent(moments: Iterable[datetime | None], now: datetime) -> bool:
    # one that lies further ahead was told by a clock that has been set back since
    return any(moment is not None and -QUIET < now - moment < QUIET for moment in moments)


# -- words -------------------------------------------------------------------------------------------------------------


def _title(trouble: Trouble, alerts: Sequence[Alert], facts: Facts) -> str:
    feeds = alerts[0].subject if len(alerts) == 1 else f"{len(alerts)} feeds"
    fail, are = ("fails", "is") if len(alerts) == 1 else ("fail", "are")
    match trouble:
        case Trouble.FAILING if _is_outage(alerts, facts):
            return "no feed can be reached"
        case Trouble.FAILING:
            return f"{feeds} {fail} for a day"
        case Trouble.SILENT:
            return f"{feeds} {are} silent"
        case Trouble.GAP:
            return f"entries of {feeds} may be missing"
        case Trouble.DISK:
            return "the disk is nearly full"
        case Trouble.DAMAGE:
            return "the archive is damaged"


_ADVICE = {
    Trouble.SILENT: "Has the feed moved, or its site given it up? veille feeds test NAME looks at it.",
    Trouble.FAILING: "veille feeds test NAME shows what is sent and answered; veille feeds disable NAME ends it.",
    Trouble.GAP: "They were gone before the next poll. A shorter interval in feeds.toml keeps up with such a feed.",
    Trouble.DISK: "Make room, or the service ends when none is left. Nothing that is archived is lost by that.",
    Trouble.DAMAGE: "veille verify lists all of it; docs/operating.md, When it is damaged, says what to do.",
}
_OUTAGE = "All of them fail: look at this machine's network and name server first; veille doctor --network does."


def _body(alerts: Sequence[Alert], facts: Facts) -> str:
    trouble = alerts[0].trouble
    named = sorted(alerts, key=lambda alert: (alert.since, alert.subject))
    lines = [f"{alert.subject}: {alert.detail}" if alert.subject else alert.detail for alert in named[:NAMED]]
    if len(named) > NAMED:
        lines.append(f"and {len(named) - NAMED} more: veille status names all")
    is_outage = trouble is Trouble.FAILING and _is_outage(alerts, facts)
    lines.append(_OUTAGE if is_outage else _ADVICE[trouble])
    return "\n".join(lines)


def _is_outage(alerts: Sequence[Alert], facts: Facts) -> bool:
    watched = sum(one.is_watched for one in facts.vitals)
    return watched > 2 and len(alerts) == watched


def _recovery_title(alerts: Sequence[Alert]) -> str:
    if len(alerts) > 1:
        return f"{len(alerts)} troubles are over"
    (alert,) = alerts
    match alert.trouble:
        case Trouble.DISK:
            return "there is room on the disk again"
        case Trouble.DAMAGE:
            return "the archive is sound again"
        case Trouble.SILENT:
            return f"{alert.subject} is no longer silent"
        case _:
            return f"{alert.subject} answers again"


def _recovery(alerts: Sequence[Alert], time: Time) -> str:
    named = sorted(alerts, key=lambda alert: (alert.over or alert.since, alert.subject))
    lines = [
        f"{alert.subject or _NOUN[alert.trouble]}: {_WAS[alert.trouble]} from {time(alert.since)} "
        f"to {time(alert.over or alert.since)}"
        for alert in named[:NAMED]
    ]
    if len(named) > NAMED:
        lines.append(f"and {len(named) - NAMED} more")
    return "\n".join(lines)


_NOUN = {Trouble.DISK: "disk", Trouble.DAMAGE: "archive"}
_WAS = {
    Trouble.SILENT: "silent",
    Trouble.FAILING: "failing",
    Trouble.GAP: "missing entries",
    Trouble.DISK: "nearly full",
    Trouble.DAMAGE: "damaged",
}


def _room(facts: Facts) -> str:
    left = f"{format_size(facts.free or 0)} left, less than the {format_size(facts.min_free)} of VEILLE_MIN_FREE"
    return left if facts.days_left is None else f"{left}; enough for {format_days(facts.days_left)} at this rate"


def _about(duration: timedelta | None) -> str:
    if duration is None:
        return "so often"
    unit = timedelta(minutes=1) if duration < DAY else timedelta(hours=1)
    return format_duration(max(unit, duration // unit * unit))
