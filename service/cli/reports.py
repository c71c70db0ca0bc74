"""What a crawl says of itself: lines for people, JSON for machines, a display for terminals."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from service.archiving import Archived
from service.events import Tally
from service.logs import printable
from service.messages import count
from service.oneshot import Crawled
from service.reading import Ended
from storage.model import Outcome, Poll


def line(event: object, *, verbose: bool) -> str | None:
    """An event worth a person's line: failures and gaps; with ``verbose`` every poll and article."""
    match event:
        case Poll(error=str() as error):
            return f"feed {event.feed}: {printable(error)}"
        case Poll() if event.gap is not None:
            return f"feed {event.feed}: {printable('; '.join((event.gap.reason, *event.warnings)))}"
        case Poll() if event.warnings:
            return f"feed {event.feed}: {printable('; '.join(event.warnings))}"
        case Poll() if verbose:
            return f"feed {event.feed}: {_answer(event)}, {count(len(event.entries), 'new entry', 'new entries')}"
        case Ended(resolution=resolution, pending=pending) if resolution is not None:
            if resolution.outcome in {Outcome.FAILED, Outcome.GONE, Outcome.SKIPPED} or verbose:
                return f"{_where(pending)}: {resolution.outcome}: {printable(resolution.reason or '')}"
        case Ended(retry=retry, pending=pending) if retry is not None:
            return f"{_where(pending)}: {printable(retry.reason)}; next try {retry.at:%Y-%m-%d %H:%M} UTC"
        case Archived(article=article) if verbose:
            return f"archived {article.id} {printable(article.title or article.url or '')}"
    return None


def failure(event: object) -> str | None:
    """Why a feed failed; None for any other event."""
    return printable(event.error) if isinstance(event, Poll) and event.error else None


def dry_run_lines(event: object) -> list[str]:
    """What a crawl would do with a poll: its error, or its new entries."""
    match event:
        case Poll(error=str() as error):
            return [f"{event.feed}: {printable(error)}"]
        case Poll():
            head = f"{event.feed}: {_answer(event)}, {count(len(event.entries), 'new entry', 'new entries')}"
            return [
                head,
                *(f"  {printable(new.entry.title or new.entry.url or new.entry.key)}" for new in event.entries),
            ]
    return []


def as_json(event: object) -> dict[str, Any]:
    """An event as a JSON line."""
    match event:
        case Poll():
            return {
                "event": "poll",
                "feed": event.feed,
                "status": event.status,
                "conditional": event.conditional,
                "listed": event.listed,
                "new": len(event.entries),
                "gap": event.gap.reason if event.gap else None,
                "warnings": event.warnings,
                "error": event.error,
                "next_due": event.state.next_due,
                "due_reason": event.state.due_reason,
            }
        case Archived(article=article):
            return {
                "event": "archived",
                "id": article.id,
                "revision": article.revision,
                "feed": article.feed,
                "url": article.url,
                "title": article.title,
                "removed": len(article.removed),
            }
        case Ended(pending=pending):
            ended = event.resolution or event.retry
            return {
                "event": event.resolution.outcome if event.resolution else "postponed",
                "feed": pending.feed,
                "url": pending.entry.url,
                "reason": ended.reason if ended else None,
                "next_try": event.retry.at if event.retry else None,
            }
    raise TypeError(f"no event: {event!r}")


def summary(crawled: Crawled) -> list[str]:
    """The end of a crawl, in a line or two."""
    tally = crawled.tally
    has_worked = tally.archived or tally.ended or tally.postponed or crawled.interrupted is not None
    if not crawled.due and not has_worked:
        return [_nothing_due(crawled)]
    polled = f"{count(tally.polled, 'feed', 'feeds')} polled ({tally.not_modified} not modified)"
    parts = [polled if crawled.due else "no feed was due"]
    parts.append(count(tally.archived, "article", "articles") + " archived" + _revised(tally))
    parts.append(count(tally.removed, "repeated paragraph", "repeated paragraphs") + " removed")
    parts += [f"{tally.ended[outcome]} {outcome}" for outcome in Outcome if tally.ended.get(outcome)]
    if tally.postponed:
        parts.append(f"{tally.postponed} to be tried again")
    if tally.failed_feeds:
        parts.append(count(tally.failed_feeds, "feed", "feeds") + " failed")
    end = "interrupted: " if crawled.interrupted is not None else ""
    return [end + ", ".join(parts)]


def summary_as_json(crawled: Crawled) -> dict[str, Any]:
    """The end of a crawl as the last JSON line."""
    tally = crawled.tally
    return {
        "event": "summary",
        "feeds": len(crawled.chosen),
        "due": len(crawled.due),
        "polled": tally.polled,
        "not_modified": tally.not_modified,
        "failed_feeds": tally.failed_feeds,
        "failing": [state.name for state in crawled.failing],
        "new_entries": tally.new_entries,
        "archived": tally.archived,
        "revised": tally.revised,
        "removed": tally.removed,
        "gaps": tally.gaps,
        "postponed": tally.postponed,
        **{str(outcome): tally.ended.get(outcome, 0) for outcome in _BARE},
        "interrupted": crawled.interrupted,
    }


_BARE = (Outcome.UNCHANGED, Outcome.SKIPPED, Outcome.FAILED, Outcome.GONE)


def _nothing_due(crawled: Crawled) -> str:
    if not crawled.chosen:
        return "all feeds are off (veille feeds enable NAME switches one on)"
    failing = f"; {len(crawled.failing)} of {len(crawled.chosen)} failing" if crawled.failing else ""
    return f"no feed is due{failing} (--all polls them all the same; veille status shows when each is due)"


def _revised(tally: Tally) -> str:
    return f" ({tally.revised} as a new revision)" if tally.revised else ""


def _where(pending: Any) -> str:
    return str(pending.entry.url or f"{pending.feed} {pending.entry.key}")


def _answer(poll: Poll) -> str:
    return {200: "answered", 304: "not modified", None: "no answer"}.get(poll.status, f"status {poll.status}")


class Display:
    """A progress display on a terminal: feeds polled, articles archived, paragraphs removed, failures."""

    def __init__(self, console: Console) -> None:
        self._tally = Tally()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._feeds = self._progress.add_task("feeds polled", total=None, note="")
        self._articles = self._progress.add_task("articles", total=0, note="")

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, due: int) -> None:
        """How many feeds there are to poll."""
        self._progress.update(self._feeds, total=due)

    def advance(self, event: Any) -> None:
        """Show an event."""
        self._tally.add(event)
        tally = self._tally
        failures = sum(tally.ended.get(outcome, 0) for outcome in (Outcome.FAILED, Outcome.GONE))
        done = tally.archived + tally.postponed + sum(tally.ended.values())
        self._progress.update(self._feeds, completed=tally.polled, note=f"{tally.failed_feeds} failed")
        self._progress.update(
            self._articles,
            completed=done,
            total=max(tally.new_entries, done),
            note=f"{tally.archived} archived, {tally.removed} paragraphs removed, {failures} failed",
        )
