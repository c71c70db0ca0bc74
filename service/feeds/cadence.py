"""When to poll a feed again: old state and new facts in, new state out. Pure.

    interval   adaptive, kept in the state: shorter when little of a window was known, longer when nothing is new
    wait       the longest of interval, what the server asks (RFC 9111) and what the document asks (ttl, sy:),
               never under the floor, never over the cap
    due        now + wait, jitter on top, then out of the hours and days in which the document asks for silence

Only a server's Retry-After and a document's skipHours and skipDays may pass the cap: they are explicit wishes.
Jitter only delays. A feed's own fixed interval replaces the adaptive one, and nothing else.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from service.errors import Weight
from service.net import urls
from service.units import format_duration
from storage.model import FeedState, Health

SOONER_BELOW = 1 / 3
LATER_FROM = 2 / 3
SOONER, LATER, AFTER_GAP = 0.5, 1.05, 0.25
"""Factors of the adaptive interval. LATER adds 5 % a poll: the interval grows by a twentieth of the quiet time, so that
a quiet night does not cost the morning's news, and a feed silent for three weeks is asked once a day."""

JITTER = 0.1
"""The largest delay that jitter adds, as a share of the wait."""

WEIGHTS = {Weight.HARD: 1.0, Weight.SOFT: 0.5, Weight.TEMPORARY: 0.25}
LONGEST_RETRY_AFTER = timedelta(days=31)
FORBIDDEN_WAIT = timedelta(hours=4)
GONE_AFTER = timedelta(days=1)
ADOPT_AFTER = timedelta(days=7)
IDENTICAL_BODIES = 3
"""So many 200s with the same body, although validators were sent, show that the validators do not work."""

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings a cadence keeps to."""

    floor: timedelta
    """No two polls of a feed are closer together."""
    cap: timedelta
    """A feed is asked at least this often."""
    start: timedelta
    """The interval of a feed nothing is known of yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a good answer asks of those who poll."""

    lifetime: timedelta | None = None
    """How long the answer stays fresh (RFC 9111), as ``lifetime`` reads it."""
    ttl: timedelta | None = None
    """The longest of the document's own ``<ttl>`` and ``sy:`` wishes."""
    skip_hours: Collection[int] = ()
    """GMT hours in which not to poll, 0–23."""
    skip_days: Collection[int] = ()
    """GMT days on which not to poll, Monday 0."""


NOTHING_ASKED = Asked()


def after_success(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    fixed: timedelta | None = None,
    asked: Asked = NOTHING_ASKED,
    known_share: float | None = None,
    gap: bool = False,
    status: int = 200,
) -> FeedState:
    """The state after a document was read.

    Args:
        state: What was remembered before the poll.
        now: When the poll ended, aware UTC.
        limits: Floor, cap and start.
        jitter: A random number from 0 to 1.
        fixed: The feed's own interval, which overrides the adaptive one.
        asked: What the answer asks for.
        known_share: Which part of the document's entries was known before; None where it lists none.
        gap: No entry was known although the feed had been read before.
        status: The HTTP status.
    """
    interval = _start(state, limits)
    if gap:
        interval *= AFTER_GAP
    elif state.last_success is not None:
        if known_share is not None and known_share < SOONER_BELOW:
            interval *= SOONER
        elif known_share is None or known_share >= LATER_FROM:
            interval *= LATER
    state = replace(state, identical_bodies=0)
    return _good(state, now, limits, jitter, interval=interval, fixed=fixed, asked=asked, status=status)


def after_not_modified(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    fixed: timedelta | None = None,
    asked: Asked = NOTHING_ASKED,
    status: int = 304,
    conditional: bool = True,
) -> FeedState:
    """The state after an answer that held nothing new: a 304, or a 200 with the very body of the poll before.

    Such a 200 to a ``conditional`` request counts against the feed's validators; at the third in a row they are
    marked broken, and the feed is polled half as often. A 304 clears both. Arguments are ``after_success``'s.
    """
    interval = _start(state, limits) * LATER
    if status == 304:
        state = replace(state, identical_bodies=0, validators_broken=False)
    elif conditional:
        count = state.identical_bodies + 1
        newly_broken = count >= IDENTICAL_BODIES and not state.validators_broken
        interval *= 2 if newly_broken else 1
        state = replace(state, identical_bodies=count, validators_broken=state.validators_broken or newly_broken)
    return _good(state, now, limits, jitter, interval=interval, fixed=fixed, asked=asked, status=status)


def after_failure(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    error: str,
    weight: Weight,
    fixed: timedelta | None = None,
    status: int | None = None,
    retry_after: float | None = None,
) -> FeedState:
    """The state after a poll that failed; its validators and last success stay.

    The wait is the interval times the weighted failures in a row, within floor and cap. 403 waits at least four
    hours, 410 a day: the second 410, a day or more after the first, marks the feed as gone. ``retry_after``
    (seconds, RFC 9110 §10.2.3) is obeyed past the cap, up to 31 days. An adopted address that answers 404 or 410 is
    given up for the catalogue's. Other arguments are ``after_success``'s.
    """
    failures = state.failures + WEIGHTS[weight]
    wait = (fixed or _start(state, limits)) * failures
    reason = f"failing ({failures:g} weighted failures)"
    gone_since = state.gone_since
    if status == 410:
        gone_since = gone_since or now
        wait, reason = max(wait, gone_since + GONE_AFTER - now), "gone (410): asked again after a day"
    elif status is not None:
        gone_since = None
    if status == 403 and wait < FORBIDDEN_WAIT:
        wait, reason = FORBIDDEN_WAIT, "forbidden (403): at least 4h"
    wait = _with_jitter(_clamp(wait, limits), limits, jitter)
    if retry_after is not None and (asked := _retry_after(retry_after)) > wait:
        wait, reason = asked, "the server says Retry-After"
    gone = gone_since is not None and now - gone_since >= GONE_AFTER
    state = replace(
        state,
        health=Health.GONE if gone else Health.FAILING,
        next_due=now + wait,
        due_reason="gone for good: no longer polled" if gone else f"in {_words(wait)}: {reason}",
        failures=failures,
        last_polled=now,
        last_status=status,
        last_error=error,
        gone_since=gone_since,
    )
    return replace(state, moved_to=None, moved_since=None) if status in (404, 410) else state


def lifetime(cache_control: str | None, age: str | None, expires: str | None, date: str | None) -> timedelta | None:
    """How long an answer stays fresh, by its header fields: max-age − Age, else Expires − Date (RFC 9111 §4.2).

    None where neither is given or readable; zero where the answer is stale already.
    """
    if (seconds := _max_age(cache_control or "")) is not None:
        passed = int(age) if age and age.strip().isdecimal() and len(age) < 12 else 0
        return timedelta(seconds=max(0, min(seconds, 10**9) - passed))
    if expires is None or date is None:
        return None
    try:
        return max(ZERO, _http_date(expires) - _http_date(date))
    except (ValueError, TypeError, OverflowError):  # "Expires: 0" and the like mean: stale
        return ZERO


def poll_url(state: FeedState, now: datetime) -> str:
    """The address to ask: the catalogue's, or the one its permanent redirect led to once that is adopted.

    A target is adopted when it has held for 7 days; at once where it is the same host by https instead of http.
    """
    if state.moved_to is None or state.moved_since is None:
        return state.url
    upgrade = (
        state.url.lower().startswith("http:")
        and state.moved_to.lower().startswith("https:")
        and urls.host(state.url) == urls.host(state.moved_to)
    )
    return state.moved_to if upgrade or now - state.moved_since >= ADOPT_AFTER else state.url


def after_redirect(state: FeedState, now: datetime, asked_url: str, target: str | None) -> FeedState:
    """The state with the address a wholly permanent redirect leads to; for answers that parsed as a feed only.

    Args:
        state: What was remembered before.
        now: The time of the poll.
        asked_url: Where the request went first (``poll_url``).
        target: Where it ended, if there was a redirect and every hop was 301 or 308; else None.
    """
    if target is not None and target != state.url:
        held = target == state.moved_to
        return replace(state, moved_to=target, moved_since=state.moved_since if held else now)
    if target is None and asked_url == state.moved_to:
        return state  # the adopted address answers by itself
    return replace(state, moved_to=None, moved_since=None)


def _good(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    interval: timedelta,
    fixed: timedelta | None,
    asked: Asked,
    status: int,
) -> FeedState:
    interval = _clamp(interval, limits)
    wanted, reason = (fixed, "the feed's fixed interval") if fixed else (interval, "adaptive")
    for wish, whose in ((asked.ttl, "the document asks (ttl)"), (asked.lifetime, "the server asks (freshness)")):
        if wish is not None and wish > wanted:
            wanted, reason = wish, whose
    wait = _clamp(wanted, limits)
    if wait != wanted:
        reason += ", within the limits"
    wait = _with_jitter(wait, limits, jitter)
    due = now + wait
    allowed = _outside(due, asked.skip_hours, asked.skip_days)
    if allowed != due:
        due, reason = allowed, "the document asks for silence (skipHours, skipDays)"
    return replace(
        state,
        health=Health.OK,
        next_due=due,
        due_reason=f"in {_words(due - now)}: {reason}",
        # What the document asks for is remembered here, because a 304 comes without the document.
        interval=_clamp(max(interval, asked.ttl or ZERO), limits),
        failures=0.0,
        last_polled=now,
        last_success=now,
        last_status=status,
        last_error=None,
        gone_since=None,
    )


def _start(state: FeedState, limits: Limits) -> timedelta:
    # A feed never read yet has no interval of its own: the state's is but a default.
    return limits.start if state.last_success is None else state.interval


def _clamp(wait: timedelta, limits: Limits) -> timedelta:
    return min(max(wait, limits.floor), limits.cap)


def _with_jitter(wait: timedelta, limits: Limits, jitter: float) -> timedelta:
    return max(wait, min(wait * (1 + JITTER * jitter), limits.cap))


def _outside(due: datetime, hours: Collection[int], days: Collection[int]) -> datetime:
    """The first moment from ``due`` on that is in no skipped hour or day; ``due`` where none ever is."""
    moment = due.astimezone(UTC)
    for _ in range(7 * 24 + 1):
        if moment.hour not in hours and moment.weekday() not in days:
            return moment
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return due


def _max_age(cache_control: str) -> int | None:
    for directive in cache_control.split(","):
        name, _, value = directive.partition("=")
        value = value.strip().strip('"')
        if name.strip().lower() == "max-age" and value.isdecimal():
            return int(value[:12])
    return None


def _http_date(text: str) -> datetime:
    date = parsedate_to_datetime(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _retry_after(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_RETRY_AFTER.total_seconds()))


def _words(wait: timedelta) -> str:
    second = timedelta(seconds=1)
    return format_duration(max(wait - wait % second, second) if wait > second else wait)
