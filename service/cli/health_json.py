"""What ``veille status --json`` prints: a value for each line, whose keys and their types never change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.cli.cures import about_failure
from service.cli.situation import Situation
from service.vitals import Vitals, entries
from storage.model import Health, Outcome


def as_json(situation: Situation) -> Iterator[dict[str, Any]]:
    """A value for each feed, gap, reason, alert and note, one for the disk, one for the service, and the total."""
    for one in situation.feeds:
        yield _feed(one, situation)
    for gap in situation.gaps:
        yield {"gap": gap.feed, "from": gap.start, "to": gap.end, "reason": gap.reason}
    for (outcome, reason), count in sorted(situation.reasons.items(), key=lambda item: -item[1]):
        yield {"reason": reason, "outcome": outcome, "count": count}
    for alert in situation.alerts:
        subject = alert.subject or None
        yield {
            "alert": alert.trouble,
            "subject": subject,
            "since": alert.since,
            "detail": alert.detail,
            "told": alert.told,
        }
    for note in situation.notes.values():
        yield {"note": note.topic, "at": note.at, "good": note.is_good, "text": note.text}
    if (room := situation.usage) is not None:
        parts = {"articles": room.articles, "raw": room.raw, "database": room.database}
        yield {"disk": parts, "free": room.free, "per_day": room.per_day, "days_left": room.days_left}
    if situation.problem is not None:
        yield {"problem": situation.problem}
    yield {"running": situation.is_running, "process": situation.process}
    yield {"total": sums(situation.feeds), "at": situation.at}


def vitals(one: Vitals) -> dict[str, Any]:
    """What can be told of a feed by its figures alone."""
    volume = one.volume
    return {
        "silent": one.is_silent,
        "newest_entry": one.newest,
        "usual_interval": one.usual.total_seconds() if one.usual is not None else None,
        "day": {"entries": one.day.entries, "articles": one.day.articles},
        "week": {"entries": one.week.entries, "articles": one.week.articles},
        "trend": list(one.trend),
        "volume": {"mean": volume.mean, "sigma": volume.sigma, "last": volume.last, "unusual": volume.is_unusual}
        if volume is not None
        else None,
    }


def sums(feeds: Iterable[Vitals]) -> dict[str, int]:
    """The ledger of feeds: every outcome, and the entries seen, which are their sum."""
    counts: Mapping[str, int] = entries(feeds)
    found = {str(outcome): counts.get(outcome, 0) for outcome in Outcome}
    return {"seen": sum(found.values()), **found}


def _feed(one: Vitals, situation: Situation) -> dict[str, Any]:
    state = one.state
    return {
        "feed": one.name,
        "watched": one.is_watched,
        "health": state.health if state else Health.NEW,
        "last_success": state.last_success if state else None,
        "last_error": state.last_error if state else None,
        "last_status": state.last_status if state else None,
        "failing_since": state.failing_since if state else None,
        "what_to_do": about_failure(state) if state and one.is_watched else None,
        "next_due": state.next_due if state else None,
        "due_reason": state.due_reason if state else "never polled",
        **vitals(one),
        "gaps": len(one.gaps),
        "dedup": (one.feed.dedup if one.feed else None) or situation.settings.dedup,
        "entries": sums([one]),
    }
