"""What a running service says of its work, event by event, in its log."""

import structlog

from service.archiving import Archived
from service.events import Event
from service.reading import Ended
from storage.model import Poll

log = structlog.get_logger()


def narrate(event: Event) -> None:
    """Log an event."""
    match event:
        case Poll(error=str() as error):
            log.warning("poll failed", feed=event.feed, error=error, next_due=event.state.next_due)
        case Poll():
            if event.gap is not None:
                log.warning("entries may have been missed", feed=event.feed, reason=event.gap.reason)
            for warning in event.warnings:
                log.warning("feed warning", feed=event.feed, reason=warning)
            log.info("polled", feed=event.feed, status=event.status, new=len(event.entries), why=event.state.due_reason)
        case Archived(article=article):
            log.info("archived", id=article.id, revision=article.revision, feed=article.feed, title=article.title)
        case Ended(pending=pending, resolution=resolution, retry=retry):
            ended = resolution or retry
            log.info(
                "settled" if resolution else "postponed",
                feed=pending.feed,
                url=pending.entry.url,
                outcome=resolution.outcome if resolution else None,
                reason=ended.reason if ended else None,
                next_try=retry.at if retry else None,
            )
