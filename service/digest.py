"""The day in a message: what came in, what is wrong, how much room is left. Pure."""

from collections.abc import Sequence
from datetime import datetime

from service.messages import UNCHECKED, Message, Time, count, plain
from service.troubles import Facts
from service.units import format_days, format_size
from service.vitals import Vitals, entries, total
from storage.model import Outcome

NAMED = 10
"""Feeds that a line names."""


def digest(facts: Facts, now: datetime, host: str, time: Time) -> Message:
    """What somebody wants to know once a day, the worst first."""
    watched = facts.watched
    day, week = total(one.day for one in facts.vitals), total(one.week for one in facts.vitals)
    wrong = _wrong(watched, facts, now)
    lines = [
        *(wrong or ["all is well"]),
        f"{count(day.articles, 'article')} archived of {count(day.entries, 'new entry', 'new entries')} in 24 hours; "
        f"{week.articles} of {week.entries} in a week",
        *_most(watched),
        _ledger(facts.vitals),
        _room(facts),
        f"archive checked {time(facts.checked.at)}: {plain(facts.checked.text)}"
        if facts.checked
        else "archive not checked yet",
    ]
    state = f"{count(len(wrong), 'thing')} to look at" if wrong else "all is well"
    return Message("digest", f"veille on {host}: {count(day.articles, 'article')}, {state}", "\n".join(lines))


def _wrong(watched: Sequence[Vitals], facts: Facts, now: datetime) -> list[str]:
    kinds = {
        "failing": [one.name for one in watched if one.is_failing],
        "silent": [one.name for one in watched if one.is_silent],
        "with entries that may be missing": [
            one.name for one in watched if one.gaps and (now - one.gaps[0].end).days < 1
        ],
        "with more or less new than usual": [
            f"{one.name} {one.volume.last} (usually {one.volume.mean:.0f})"
            for one in watched
            if one.volume is not None and one.volume.is_unusual
        ],
    }
    lines = [f"{len(names)} of {len(watched)} feeds {kind}: {_names(names)}" for kind, names in kinds.items() if names]
    if facts.free is not None and facts.free < facts.min_free:
        lines.append(f"the disk is nearly full: {format_size(facts.free)} left")
    if facts.checked is not None and not facts.checked.is_good:
        what = UNCHECKED if facts.checked.text.startswith(UNCHECKED) else "is damaged"
        lines.append(f"the archive {what}: veille verify says more")
    return lines


def _most(watched: Sequence[Vitals]) -> list[str]:
    busy = sorted((one for one in watched if one.day.articles), key=lambda one: -one.day.articles)[:NAMED]
    return [f"most from: {', '.join(f'{one.name} {one.day.articles}' for one in busy)}"] if busy else []


def _ledger(vitals: Sequence[Vitals]) -> str:
    sums = entries(vitals)
    parts = " + ".join(f"{sums[outcome]} {outcome}" for outcome in Outcome if sums.get(outcome))
    return f"{sum(sums.values())} entries seen = {parts or 'none'}"


def _room(facts: Facts) -> str:
    if facts.free is None:
        return "the room left is not known"
    left = f"{format_size(facts.free)} left on the disk"
    return left if facts.days_left is None else f"{left}, enough for {format_days(facts.days_left)} at this rate"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
