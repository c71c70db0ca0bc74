"""When a page that could not be had is tried again, and when that is final. Pure."""

from datetime import datetime, timedelta

from service.errors import AddressError, BlockedError, FetchError, GoneError, HeldError, TooLargeError, Weight
from storage.model import PendingEntry

GONE_TRIES, GONE_PAUSE = 3, timedelta(hours=24)
"""404 and 410 are final after three tries over 48 hours; so is an address that is refused, for a name may lead inward
for a while: to the log-in of the network this machine is in, say."""
REFUSED_PAUSES = (timedelta(hours=4), timedelta(hours=24))
"""403 and other refusals are tried twice more: over 28 hours."""
PATIENCE, FEWEST_TRIES = timedelta(days=7), 5
"""How long server errors and network failures are tried again, and how often at least, whatever pauses were asked."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=15), timedelta(hours=24)


def next_try(pending: PendingEntry, error: FetchError, now: datetime) -> datetime | None:
    """When to try ``pending`` again after ``error``; None where the failure is final.

    ``pending.attempts`` counts the tries before this one. A ``Retry-After`` can only lengthen the pause.
    """
    pause: timedelta | None
    tries, waited = pending.attempts + 1, now - (pending.first_tried or now)
    match error:
        case HeldError():
            pause = timedelta(0)  # nothing was asked, however often: that decides nothing
        case TooLargeError() | BlockedError() if not isinstance(error, AddressError):
            pause = None
        case GoneError() | AddressError():
            # both count, for the tries before may have failed in other ways, and within minutes
            is_over = tries >= GONE_TRIES and waited >= GONE_PAUSE * (GONE_TRIES - 1)
            pause = None if is_over else GONE_PAUSE
        case FetchError(weight=Weight.HARD):
            is_over = tries > len(REFUSED_PAUSES) and waited >= sum(REFUSED_PAUSES, timedelta(0))
            pause = None if is_over else REFUSED_PAUSES[min(tries, len(REFUSED_PAUSES)) - 1]
        case _:
            is_over = tries >= FEWEST_TRIES and waited >= PATIENCE
            pause = None if is_over else min(FIRST_PAUSE * 2 ** min(pending.attempts, 10), LONGEST_PAUSE)
    if pause is None:
        return None
    return now + max(pause, timedelta(seconds=error.retry_after or 0))
