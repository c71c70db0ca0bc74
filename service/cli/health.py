"""What ``veille status`` says of a situation: lines and a table for people, JSON for programs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from service.cli.situation import Situation
from service.logs import printable
from service.units import format_days, format_duration, format_size
from service.vitals import DAY, Counts, Vitals, entries
from storage.model import Health, Outcome

Time = Callable[..., str]
"""A moment as people are shown it; nothing for None."""

GAPS = 10
"""The newest gaps that are shown; the others are counted."""
WIDE = 100
"""Columns of a terminal from which on all of the table fits."""
SOON = 14
"""Days of disk left, below which that is wrong."""
BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.:-=+*#"
_SHORT = "%m-%d %H:%M"


# -- for people --------------------------------------------------------------------------------------------------------


def summary(situation: Situation, time: Time) -> str:
    """All of it in a line."""
    watched = situation.watched
    failing, silent = sum(one.is_failing for one in watched), sum(one.is_silent for one in watched)
    feeds = [f"{failing} of {len(watched)} feeds failing"] if failing else []
    feeds += [f"{silent} silent"] if silent else []
    parts = [", ".join(feeds) or f"{_count(len(watched), 'feed')}, none failing"]
    if (checked := situation.notes.get("verify")) is not None:
        parts.append(f"archive {'sound' if checked.is_good else 'NOT SOUND'} when checked {time(checked.at)}")
    if (room := situation.usage) is not None:
        days = f", enough for {format_days(room.days_left)} at this rate" if room.days_left is not None else ""
        parts.append(f"{format_size(room.free)} of disk left{days}")
    parts.append(f"veille runs (process {situation.process})" if situation.process else "veille does not run now")
    return "; ".join(parts)


def table(situation: Situation, time: Time, *, width: int, unicode: bool) -> Table | None:
    """A row for each feed, ``width`` columns at most; None without any."""
    if not situation.feeds:
        return None
    is_wide, marks = width >= WIDE, BLOCKS if unicode else ASCII
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("feed", no_wrap=True, overflow="ellipsis", min_width=8)
    for heading in ("health", f"success {time(situation.at, '').strip()}", "next poll"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("24 h", "7 d", "pending")[: 3 if is_wide else 2]:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("week", no_wrap=True)
    for one in situation.feeds:
        state = one.state if one.is_watched else None
        pending = [str(one.ledger.counts.get(Outcome.PENDING, 0))] if is_wide else []
        shown.add_row(
            one.name,
            _health(one),
            _moment(state.last_success if state else None, situation, time),
            _moment(state.next_due if state and state.health != Health.GONE else None, situation, time),
            _both(one.day),
            _both(one.week),
            *pending,
            sparkline(one.trend, marks, blocks=14 if is_wide else 7),
        )
    return shown


def wrong(situation: Situation, time: Time) -> list[str]:
    """What somebody should look at, a line each."""
    return [*_wrong_service(situation, time), *_wrong_feeds(situation, time)]


def _wrong_service(situation: Situation, time: Time) -> Iterator[str]:
    for topic in ("service", "reload", "verify", "notify"):
        note = situation.notes.get(topic)
        if note is not None and not note.is_good:
            what = {"service": "veille", "reload": "reload", "verify": "archive", "notify": "messages"}[topic]
            yield printable(f"{what}, {time(note.at)}: {note.text}")
    room, least = situation.usage, situation.settings.min_free
    if room is not None and room.free < least:
        yield f"disk: {format_size(room.free)} left, less than VEILLE_MIN_FREE={format_size(least)}: make room"
    elif room is not None and room.days_left is not None and room.days_left < SOON:
        rate = format_size(int(room.per_day or 0))
        yield f"disk: full in {room.days_left:.0f} days at the present rate, {rate} a day"


def _wrong_feeds(situation: Situation, time: Time) -> Iterator[str]:
    for one in situation.watched:
        state = one.state
        if state is not None and state.last_error:
            since = f" since {time(state.failing_since)}" if state.failing_since else ""
            yield f"{one.name}: {printable(state.last_error)}; failing{since}; {state.due_reason}"
    for one in situation.watched:
        if one.is_silent:
            yield f"{one.name}: silent, nothing new since {time(one.newest)}; usually something every {_about(one)}"
        if (volume := one.volume) is not None and volume.is_unusual:
            usual = f"{volume.mean:.1f} ± {volume.sigma:.1f}"
            yield f"{one.name}: {_count(volume.last, 'new entry', 'new entries')} in 24 h, usually {usual}"
    gaps = sorted((gap for one in situation.feeds for gap in one.gaps), key=lambda gap: gap.end, reverse=True)
    for gap in gaps[:GAPS]:
        yield f"gap: {gap.feed}, {time(gap.start)} to {time(gap.end)}: {printable(gap.reason)}"
    if len(gaps) > GAPS:
        yield f"and {len(gaps) - GAPS} older gaps (--json lists all)"


def books(situation: Situation, time: Time) -> Iterator[str]:
    """How entries ended and why, what the archive takes, since when the service runs."""
    for (outcome, reason), count in sorted(situation.reasons.items(), key=lambda item: -item[1]):
        yield printable(f"{count} {outcome}: {reason}")
    sums = _sums(situation.feeds)
    parts = " + ".join(f"{count} {outcome}" for outcome, count in sums.items() if outcome != "seen")
    yield f"{sums['seen']} entries seen = {parts}"
    if (room := situation.usage) is not None:
        parts = f"articles {format_size(room.articles)}, raw copies {format_size(room.raw)}"
        grows = f"; grows by {format_size(int(room.per_day))} a day" if room.per_day else ""
        yield f"{format_size(room.total)} on disk: {parts}, database {format_size(room.database)}{grows}"
    if situation.process and (note := situation.notes.get("service")) is not None and note.is_good:
        yield f"{note.text}, since {time(note.at)}"


def sparkline(values: Sequence[int], marks: str, *, blocks: int) -> str:
    """Values in so many blocks; the highest is the tallest, and only nothing at all is the lowest."""
    each = len(values) // blocks
    sums = [sum(values[place : place + each]) for place in range(0, len(values), each)]
    most, steps = max(sums, default=0), len(marks) - 1
    return "".join(marks[-(-value * steps // most) if most else 0] for value in sums)


def _health(one: Vitals) -> Text:
    if not one.is_watched:
        return Text("removed" if one.feed is None else "off", style="dim")
    if one.is_failing:
        return Text(str(one.state.health if one.state else ""), style="red")
    return Text("silent", style="yellow") if one.is_silent else Text(str(one.state.health) if one.state else "new")


def _moment(moment: datetime | None, situation: Situation, time: Time) -> str:
    """Without its zone, which stands above."""
    return time(moment, _SHORT).removesuffix(time(situation.at, "")).rstrip() if moment else ""


def _both(counts: Counts) -> str:
    return f"{counts.entries}/{counts.articles}"


def _about(one: Vitals) -> str:
    usual = one.usual or timedelta(0)
    unit = timedelta(minutes=1) if usual < DAY else timedelta(hours=1)
    return format_duration(max(unit, usual // unit * unit))


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


# -- for programs ------------------------------------------------------------------------------------------------------


def as_json(situation: Situation) -> Iterator[dict[str, Any]]:
    """A line for each feed, gap, note and alert, one for the disk, and the total."""
    for one in situation.feeds:
        yield _feed(one, situation)
    for one in situation.feeds:
        for gap in one.gaps:
            yield {"gap": gap.feed, "from": gap.start, "to": gap.end, "reason": gap.reason}
    for alert in situation.alerts:
        subject = alert.subject or None
        yield {
            "alert": alert.trouble,
            "feed": subject,
            "since": alert.since,
            "detail": alert.detail,
            "told": alert.told,
        }
    for note in situation.notes.values():
        yield {"note": note.topic, "at": note.at, "good": note.is_good, "text": note.text}
    if (room := situation.usage) is not None:
        parts = {"articles": room.articles, "raw": room.raw, "database": room.database}
        yield {"disk": parts, "free": room.free, "per_day": room.per_day, "days_left": room.days_left}
    yield {"running": situation.process is not None, "process": situation.process}
    yield {"total": _sums(situation.feeds)}


def _feed(one: Vitals, situation: Situation) -> dict[str, Any]:
    state, volume = one.state, one.volume
    scope = (one.feed.dedup if one.feed else None) or situation.settings.dedup
    return {
        "feed": one.name,
        "watched": one.is_watched,
        "health": state.health if state else None,
        "last_success": state.last_success if state else None,
        "last_error": state.last_error if state else None,
        "last_status": state.last_status if state else None,
        "failing_since": state.failing_since if state else None,
        "next_due": state.next_due if state else None,
        "due_reason": state.due_reason if state else None,
        "silent": one.is_silent,
        "newest_entry": one.newest,
        "usual_interval": one.usual.total_seconds() if one.usual is not None else None,
        "day": {"entries": one.day.entries, "articles": one.day.articles},
        "week": {"entries": one.week.entries, "articles": one.week.articles},
        "trend": list(one.trend),
        "volume": {"mean": volume.mean, "sigma": volume.sigma, "last": volume.last, "unusual": volume.is_unusual}
        if volume is not None
        else None,
        "gaps": len(one.gaps),
        "dedup": scope,
        "entries": _sums([one]),
    }


def _sums(feeds: Iterable[Vitals]) -> dict[str, int]:
    counts: Mapping[str, int] = entries(feeds)
    sums = {str(outcome): counts.get(outcome, 0) for outcome in Outcome}
    return {"seen": sum(sums.values()), **sums}
