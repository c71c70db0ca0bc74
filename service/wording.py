"""The words of messages about troubles: a title that says it all, then which, since when, why, and what to do. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.messages import UNCHECKED, Time, count, plain
from service.units import format_days, format_duration, format_size
from service.vitals import DAY, HOUR, Vitals
from storage.model import Alert, Gap, Note, Trouble

NAMED = 20
"""Feeds that a message names; the others are counted."""
FEWEST = 3
"""Feeds that fail, or were not read, for the same reason before that is said in place of a list."""

_ADVICE = {
    Trouble.SILENT: "Has the feed moved, or its site given it up? veille feeds test NAME looks at it.",
    Trouble.FAILING: "veille feeds test NAME shows what is sent and answered; veille feeds disable NAME ends it.",
    Trouble.GAP: "They were gone before the next poll. A shorter interval in feeds.toml keeps up with such a feed.",
    Trouble.DISK: "Make room, or the service ends when none is left. Nothing that is archived is lost by that.",
    Trouble.DAMAGE: 'veille verify lists all of it; docs/operating.md, "When it is damaged", says what to do.',
}
_UNREACHED = "Is this machine's network up, and its name server? veille doctor --network looks."
_WAS_OFF = "Nothing is to be done, unless it comes again: journalctl -u veille.service says when the service ran."


# -- one trouble, in a line --------------------------------------------------------------------------------------------


def silent(one: Vitals, time: Time) -> str:
    """Of a feed that is silent."""
    since = time(one.newest) if one.newest is not None else "the start"
    return f"nothing new since {since}; usually something every {_about(one.usual)}"


def failing(one: Vitals, time: Time) -> str:
    """Of a feed that fails."""
    state = one.state
    error = plain((state.last_error if state is not None else None) or "no answer")
    since = state.failing_since if state is not None else None
    return f"since {time(since)}: {error}" if since is not None else error


def gaps(some: Sequence[Gap], time: Time) -> str:
    """Of the gaps of one feed, newest first."""
    newest = some[0]
    often = f"{len(some)} times, the last of them " if len(some) > 1 else ""
    return f"{often}between {time(newest.start)} and {time(newest.end)}: {plain(newest.reason)}"


def room(free: int, wanted: int, days_left: float | None) -> str:
    """Of a disk that is nearly full."""
    lasts = "" if days_left is None else f", enough for {format_days(days_left)} at this rate"
    return f"{format_size(free)} left{lasts}; VEILLE_MIN_FREE asks for {format_size(wanted)}"


def damage(checked: Note, time: Time) -> str:
    """Of an archive that a check did not find sound."""
    return f"{plain(checked.text)} (checked {time(checked.at)})"


# -- messages ----------------------------------------------------------------------------------------------------------


def of_trouble(alerts: Sequence[Alert], vitals: Sequence[Vitals], time: Time) -> tuple[str, str]:
    """Title and body of a message about troubles of one kind."""
    trouble = alerts[0].trouble
    lasting = [alert for alert in alerts if alert.over is None]
    lines: list[str] = []
    if trouble is Trouble.FAILING and lasting and is_outage(vitals):
        since = min(alert.since for alert in lasting)
        title = f"no feed has answered since {time(since)}"
        reasons = sorted({plain(one.state.last_error or "no answer") for one in vitals if one.is_failing and one.state})
        lines = [f"{len(lasting)} feeds fail, none of them with an answer: {', '.join(reasons[:3])}.", _UNREACHED]
        lines += _list([alert for alert in alerts if alert.over is not None], time)
    elif trouble is Trouble.GAP and (pause := _pause(alerts, vitals)) is not None:
        title = f"{len(pause.feeds)} feeds were not read for {format_days(pause.length / DAY)}"
        lines = [
            f"Between {time(pause.start)} and {time(pause.end)} veille was off, or had no network.",
            f"What {len(pause.feeds)} feeds published then, and no longer listed afterwards, is missing.",
            _WAS_OFF,
            *_list([alert for alert in alerts if alert.subject not in pause.feeds], time),
        ]
    else:
        title = _title(trouble, lasting, time) if lasting else _past_title(trouble, alerts)
        lines = _list(alerts, time)
        lines += [_ADVICE[trouble]] if lasting else []
    return title, "\n".join(lines)


def of_recovery(ended: Sequence[Alert], all_alerts: Iterable[Alert], time: Time) -> tuple[str, str]:
    """Title and body of a message about troubles that are over."""
    by_kind = {trouble: [alert for alert in ended if alert.trouble is trouble] for trouble in Trouble}
    title = ", ".join(_recovery_title(trouble, of_kind) for trouble, of_kind in by_kind.items() if of_kind)
    still = sum(alert.trouble is Trouble.FAILING and alert.over is None for alert in all_alerts)
    lines = _list(ended, time)
    if still:
        lines.append(f"{count(still, 'feed still fails', 'feeds still fail')}: veille status says why.")
    return title, "\n".join(lines)


def is_outage(vitals: Iterable[Vitals]) -> bool:
    """Whether every feed fails, and none of them with an answer: it is not the feeds, then."""
    states = [one.state for one in vitals if one.is_watched and one.state is not None]
    failing = [one for one in vitals if one.is_failing]
    return len(states) == len(failing) >= FEWEST and all(state.last_status is None for state in states)


def _title(trouble: Trouble, alerts: Sequence[Alert], time: Time) -> str:
    first, is_one = min(alerts, key=_since), len(alerts) == 1
    match trouble:
        case Trouble.FAILING if is_one:
            return f"{first.subject} has failed since {time(first.since)}"
        case Trouble.FAILING:
            return f"{len(alerts)} feeds have failed, the first since {time(first.since)}"
        case Trouble.SILENT if is_one:
            return f"{first.subject} has brought nothing new since {time(first.since)}"
        case Trouble.SILENT:
            return f"{len(alerts)} feeds have brought nothing new for much longer than usual"
        case Trouble.GAP:
            return f"entries of {first.subject if is_one else f'{len(alerts)} feeds'} may be missing"
        case Trouble.DISK:
            return f"the disk is nearly full, {first.detail.partition(';')[0]}"
        case Trouble.DAMAGE:
            return f"the archive {UNCHECKED if first.detail.startswith(UNCHECKED) else 'is damaged'}"


def _past_title(trouble: Trouble, alerts: Sequence[Alert]) -> str:
    """Of what was over before it could be told."""
    match trouble:
        case Trouble.DISK:
            return "the disk was nearly full for a time"
        case Trouble.DAMAGE:
            return "the archive was damaged, and is sound again"
        case _:
            feeds = alerts[0].subject if len(alerts) == 1 else f"{len(alerts)} feeds"
            again = "answers again" if len(alerts) == 1 else "answer again"
            return f"{feeds} failed for {_longest(alerts)}, and {again}"


def _recovery_title(trouble: Trouble, alerts: Sequence[Alert]) -> str:
    is_one = len(alerts) == 1
    feeds = alerts[0].subject if is_one else f"{len(alerts)} feeds"
    match trouble:
        case Trouble.DISK:
            return "there is room on the disk again"
        case Trouble.DAMAGE:
            return "the archive is sound again"
        case Trouble.SILENT:
            return f"{feeds} {'brings' if is_one else 'bring'} something new again"
        case _:
            return f"{feeds} {'answers' if is_one else 'answer'} again"


def _list(alerts: Sequence[Alert], time: Time) -> list[str]:
    """A line for each, those that last first, the longest of them before the others."""
    in_order = sorted(alerts, key=lambda alert: (alert.over is not None, alert.since, alert.subject))
    lines = [_line(alert, time) for alert in in_order[:NAMED]]
    if len(in_order) > NAMED:
        lines.append(f"and {len(in_order) - NAMED} more: veille status names all")
    return lines


def _line(alert: Alert, time: Time) -> str:
    if alert.over is None:
        since = f", since {time(alert.since)}" if alert.trouble is Trouble.DISK else ""
        return f"{alert.subject}: {alert.detail}" if alert.subject else f"{alert.detail}{since}"
    noun = {Trouble.DISK: "disk", Trouble.DAMAGE: "archive"}.get(alert.trouble, alert.subject)
    was = {
        Trouble.SILENT: "silent",
        Trouble.FAILING: "failing",
        Trouble.GAP: "missing entries",
        Trouble.DISK: "nearly full",
        Trouble.DAMAGE: "damaged",
    }[alert.trouble]
    return f"{noun}: {was} from {time(alert.since)} to {time(alert.over)}"


@dataclass(frozen=True, slots=True)
class _Pause:
    """A time in which many feeds were not read."""

    start: datetime
    end: datetime
    feeds: frozenset[str]

    @property
    def length(self) -> timedelta:
        return self.end - self.start


def _pause(alerts: Sequence[Alert], vitals: Iterable[Vitals]) -> _Pause | None:
    """The day or more that the newest gaps of these feeds share: the service was off, or had no network."""
    concerned = {alert.subject for alert in alerts}
    long = [one for one in vitals if one.name in concerned and one.gaps and one.gaps[0].end - one.gaps[0].start >= DAY]
    if len(long) < FEWEST:
        return None
    pause = _Pause(
        max(one.gaps[0].start for one in long),
        min(one.gaps[0].end for one in long),
        frozenset(one.name for one in long),
    )
    # feeds that are asked once a day share much of one by themselves
    asked = max((one.state.interval for one in long if one.state is not None), default=HOUR)
    return pause if pause.length >= max(DAY, 1.2 * asked) else None


def _longest(alerts: Iterable[Alert]) -> str:
    longest = max((alert.over or alert.since) - alert.since for alert in alerts)
    return format_days(longest / DAY) if longest >= 2 * DAY else f"{max(1, longest // HOUR)} h"


def _since(alert: Alert) -> datetime:
    return alert.since


def _about(duration: timedelta | None) -> str:
    if duration is None:
        return "so often"
    unit = timedelta(minutes=1) if duration < DAY else HOUR
    return format_duration(max(unit, duration // unit * unit))
