"""What ``veille status`` says in lines: in one how it all is, then what is wrong, then what there is."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from service.cli.cures import about_failure, plain
from service.cli.health_json import sums
from service.cli.health_table import Time
from service.cli.situation import Situation
from service.messages import count
from service.units import format_days, format_duration, format_size
from service.vitals import DAY, SIGMAS, WEEK, Vitals, Volume
from storage.model import Alert, Gap, Note
from storage.usage import Usage

SOON = 14
"""Days of disk left, below which that is wrong."""
NAMED = 10
"""Of a kind, that are shown; the others are counted."""
FEW = 3
"""Feeds with the same error that get a line each."""
_TOPICS = {"service": "veille", "verify": "archive", "notify": "messages"}


# -- in one line -------------------------------------------------------------------------------------------------------


def summary(situation: Situation, time: Time) -> str:
    """All of it in a line, what is wrong first."""
    return "; ".join([*_bad(situation, time), *_good(situation, time)])


def _bad(situation: Situation, time: Time) -> Iterator[str]:
    if situation.problem is not None:
        yield "NOT the feeds that are watched"
    watched, notes = situation.watched, {note.topic: note for note in situation.bad_notes()}
    if (checked := notes.get("verify")) is not None:
        yield f"archive {plain(checked.text).partition(':')[0]} when checked {time(checked.at)}"
    if situation.has_died:
        yield "veille has ended without a word"
    elif "service" in notes and not situation.is_running:
        yield "veille has ended on an error"
    if (room := situation.usage) is not None and _is_short(room, situation.settings.min_free):
        yield f"only {_room(room)}"
    failing, silent = sum(one.is_failing for one in watched), sum(one.is_silent for one in watched)
    of_all = f"of {count(len(watched), 'feed', 'feeds')}"
    if failing:
        yield f"{failing} {of_all} failing" + (f", {silent} silent" if silent else "")
    elif silent:
        yield f"{silent} {of_all} silent"
    if late := situation.late:
        yield f"{count(len(late), 'feed', 'feeds')} long due"
    if "reload" in notes:
        yield "a reload was refused"
    recent = sum(situation.at - gap.end < WEEK for gap in situation.gaps)
    if recent:
        yield f"{count(recent, 'gap', 'gaps')} in 7 days"
    if unusual := len(situation.unusual):
        yield f"{unusual} with more or less new than usual"
    if "notify" in notes:
        yield "somebody could not be told"
    if others := len(notes.keys() - {"verify", "service", "reload", "notify"}):
        yield f"{count(others, 'other trouble', 'other troubles')} of the service's own"


def _good(situation: Situation, time: Time) -> Iterator[str]:
    watched = situation.watched
    if not any(one.is_failing or one.is_silent for one in watched):
        yield f"{count(len(watched), 'feed', 'feeds')}, none failing"
    checked = situation.notes.get("verify")
    if checked is None and "service" in situation.notes:
        yield "archive not checked yet"
    elif checked is not None and checked.is_good:
        yield f"archive sound when checked {time(checked.at)}"
    if (room := situation.usage) is not None and not _is_short(room, situation.settings.min_free):
        yield _room(room)
    if situation.process is not None:
        yield f"veille runs (process {situation.process})"
    elif situation.is_running:
        yield f"veille was alive at {time(situation.notes['pulse'].at)}, though its process is not seen from here"
    else:
        yield "veille does not run now"


def _is_short(room: Usage, least: int) -> bool:
    return room.free < least or (room.days_left is not None and room.days_left < SOON)


def _room(room: Usage) -> str:
    days = f", enough for {format_days(room.days_left)} at this rate" if room.days_left is not None else ""
    return f"{format_size(room.free)} of disk left{days}"


# -- what is wrong -----------------------------------------------------------------------------------------------------


def wrong(situation: Situation, time: Time) -> list[str]:
    """What somebody should look at, a line each."""
    recent = [gap for gap in situation.gaps if situation.at - gap.end < WEEK]
    return [
        *_wrong_service(situation, time),
        *_failing(situation, time),
        *_some([_silent(one, time) for one in situation.watched if one.is_silent], "silent feeds"),
        *_some(
            [_unusual(one, volume) for one in situation.unusual if (volume := one.volume) is not None], "such feeds"
        ),
        *_some([_gap(gap, time) for gap in recent], "gaps of the last 7 days"),
    ]


def _wrong_service(situation: Situation, time: Time) -> Iterator[str]:
    if situation.problem is not None:
        yield f"feeds: {plain(situation.problem)}"
    for note in situation.bad_notes():
        yield f"{_TOPICS.get(note.topic, note.topic)}, {time(note.at)}: {plain(note.text)}{_cure(note)}"
    pulse = situation.notes.get("pulse") or situation.notes.get("service")
    if situation.has_died and pulse is not None:
        yield (
            f"veille has ended without a word: its last sign of life was at {time(pulse.at)}, and its log may say why; "
            "nothing is lost, the next start goes on"
        )
    if late := situation.late:
        yield _late(situation, late, time)
    room, least = situation.usage, situation.settings.min_free
    if room is not None and room.free < least:
        yield f"disk: {format_size(room.free)} left, less than VEILLE_MIN_FREE={format_size(least)}: make room"
    elif room is not None and room.days_left is not None and room.days_left < SOON:
        rate = format_size(int(room.per_day or 0))
        yield f"disk: full in {format_days(room.days_left)} at the present rate, {rate} a day: make room"


def _cure(note: Note) -> str:
    return "; veille verify says more" if note.topic == "verify" else ""


def _late(situation: Situation, late: Sequence[Vitals], time: Time) -> str:
    first = late[0]
    since = first.state.next_due if first.state is not None else None
    names = _names([one.name for one in late])
    if situation.is_running:
        return f"due, but nobody has come to them yet although veille runs: {names}; the first since {time(since)}"
    return (
        f"due, but nobody polls while veille does not run: {names}; the first since {time(since)}; "
        "veille crawl does so once, veille run for ever"
    )


def _failing(situation: Situation, time: Time) -> Iterator[str]:
    """A line for each feed that fails; where many fail alike, one for all of them."""
    alike: defaultdict[str, list[Vitals]] = defaultdict(list)
    for one in situation.watched:
        if one.is_failing:
            alike[_error(one)].append(one)
    for error, some in alike.items():
        if len(some) <= FEW:
            yield from (_failing_one(one, time) for one in some)
            continue
        since = min((one.state.failing_since for one in some if one.state and one.state.failing_since), default=None)
        advice = {about_failure(one.state) for one in some if one.state}
        told = f"; {plain(advice.pop() or '')}" if len(advice) == 1 and None not in advice else ""
        first = f"; the first of them since {time(since)}" if since else ""
        yield f"{len(some)} feeds fail alike: {error}{first}: {_names([one.name for one in some])}{told}"


def _failing_one(one: Vitals, time: Time) -> str:
    state = one.state
    assert state is not None
    since = f"failing since {time(state.failing_since)}" if state.failing_since else ""
    parts = [f"{plain(one.name)}: {_error(one)}", since, plain(state.due_reason), plain(about_failure(state) or "")]
    return "; ".join(filter(None, parts))


def _error(one: Vitals) -> str:
    return plain((one.state.last_error if one.state else None) or "no answer")


def _silent(one: Vitals, time: Time) -> str:
    return (
        f"{plain(one.name)}: silent, nothing new since {time(one.newest)}; usually something every {about(one.usual)}"
    )


def _unusual(one: Vitals, volume: Volume) -> str:
    return f"{plain(one.name)}: {in_a_day(volume)}"


def in_a_day(volume: Volume) -> str:
    """What came in a day, and between which bounds that usually lies."""
    low, high = (max(0, round(volume.mean + sign * SIGMAS * volume.sigma)) for sign in (-1, 1))
    return f"{count(volume.last, 'new entry', 'new entries')} in 24 h, usually {low} to {high}"


def _gap(gap: Gap, time: Time) -> str:
    return f"gap: {plain(gap.feed)}, {time(gap.start)} to {time(gap.end)}: {plain(gap.reason)}"


# -- what there is -----------------------------------------------------------------------------------------------------


def books(situation: Situation, time: Time) -> Iterator[str]:
    """Older gaps, who was told of what, how entries ended and why, what the archive takes, what the service says."""
    gaps = situation.gaps
    older = [gap for gap in gaps if situation.at - gap.end >= WEEK]
    if older:
        yield from (_gap(gap, time) for gap in older[:FEW])
        yield f"{count(len(gaps), 'gap', 'gaps')} in all (--json lists them)"
    yield from _some([_alert(alert, time) for alert in situation.alerts], "troubles that last")
    ended = sorted(situation.reasons.items(), key=lambda item: -item[1])
    yield from _some([f"{number} {outcome}: {plain(reason)}" for (outcome, reason), number in ended], "reasons")
    totals = sums(situation.feeds)
    parts = " + ".join(f"{number} {outcome}" for outcome, number in totals.items() if outcome != "seen")
    yield f"{totals['seen']} entries seen = {parts}"
    if (room := situation.usage) is not None:
        parts = f"articles {format_size(room.articles)}, raw copies {format_size(room.raw)}"
        grows = f"; grows by {format_size(int(room.per_day))} a day" if room.per_day else ""
        yield f"{format_size(room.total)} on disk: {parts}, database {format_size(room.database)}{grows}"
    if situation.is_running and (note := situation.notes.get("service")) is not None and note.is_good:
        yield f"{plain(note.text)}, since {time(note.at)}"


def _alert(alert: Alert, time: Time) -> str:
    told = f"told {time(alert.told)}" if alert.told is not None and alert.told >= alert.since else "nobody told yet"
    subject = f"{plain(alert.subject)} " if alert.subject else ""
    return f"trouble: {subject}{alert.trouble} since {time(alert.since)}, {told}"


def _some(lines: Sequence[str], what: str) -> Iterator[str]:
    yield from lines[:NAMED]
    if len(lines) > NAMED:
        yield f"and {len(lines) - NAMED} more {what} (--json lists all)"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return plain(f"{', '.join(names[:NAMED])}{more}")


def about(usual: timedelta | None) -> str:
    """An interval, to the minute, or where it is longer than a day, to the hour."""
    unit = timedelta(minutes=1) if (usual or DAY) < DAY else timedelta(hours=1)
    return format_duration(max(unit, (usual or timedelta(0)) // unit * unit))
