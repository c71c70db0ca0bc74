"""What happens in a run, and what it comes to."""

from collections.abc import Callable
from dataclasses import dataclass, field

from service.archiving import Archived
from service.reading import Ended
from storage.model import Outcome, Poll

Event = Poll | Archived | Ended
Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What a run has under way at one moment."""

    feeds_queued: int = 0
    """Due, but not asked yet: their hosts are asked for other feeds first."""
    requests: int = 0
    """Requests to sites that have no answer yet."""
    pages: int = 0
    """Entries whose page is being fetched, read or archived."""
    bodies: int = 0
    """Documents that have come, and wait in memory to be read and archived,"""
    body_bytes: int = 0
    """and what they take there."""
    readings: int = 0
    """Pages that were read, and wait for the archive."""
    worker_calls: int = 0
    """Documents handed to the worker processes, and not answered yet."""


@dataclass(slots=True)
class Tally:
    """What a run has come to so far. Kept by listening to its events."""

    polled: int = 0
    not_modified: int = 0
    failed_feeds: int = 0
    new_entries: int = 0
    archived: int = 0
    revised: int = 0
    """How many of the archived are later revisions."""
    removed: int = 0
    """Repeated paragraphs taken out."""
    gaps: int = 0
    postponed: int = 0
    ended: dict[Outcome, int] = field(default_factory=dict)
    """Outcomes without a record: unchanged, skipped, failed, gone."""

    def add(self, event: Event) -> None:
        """Count one event."""
        match event:
            case Poll():
                self.polled += 1
                self.not_modified += event.status == 304
                self.failed_feeds += event.error is not None
                self.gaps += event.gap is not None
                for new in event.entries:
                    self.new_entries += 1
                    if new.outcome is not Outcome.PENDING:
                        self._end(new.outcome)
            case Archived(article=article):
                self.archived += 1
                self.revised += article.revision > 1
                self.removed += len(article.removed)
                for resolution in event.resolutions[1:]:
                    self._end(resolution.outcome)
            case Ended():
                self.postponed += len(event.retries)
                for resolution in event.resolutions:
                    self._end(resolution.outcome)

    def _end(self, outcome: Outcome) -> None:
        self.ended[outcome] = self.ended.get(outcome, 0) + 1
