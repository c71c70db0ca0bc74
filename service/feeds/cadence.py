"""When to poll a feed again: old state and new facts in, new state out. Pure.

    interval   adaptive, kept in the state: shorter when little of a window was known, longer when much was
    wait       the longest of interval, a share of the time in which nothing new came, what the server asks (RFC 9111)
               and what the document asks (ttl, sy:); never under the floor, never over the cap
    due        now + wait, jitter on top, then out of the hours and days in which the document asks for silence

Only a server's Retry-After, its 403 and a document's skipHours and skipDays may pass the cap: they are explicit wishes.
Jitter only delays. A feed's own fixed interval replaces the adaptive one and its quiet, and nothing else.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from service.errors import Weight
from service.units import format_duration
from storage.model import Asked, FeedState, Health

ADAPTATION = ((1 / 3, 0.5), (2 / 3, 0.75), (0.95, 1.005), (math.inf, 1.05))
"""What the interval is multiplied by where less than so much of a window was known. It comes to rest where a window is
seldom a third new: several times as much may be published of a sudden before entries are lost."""
AFTER_GAP = 0.25
NOTHING_NEW = 1.005
"""The factor after a 304, or the same body again: one quiet night must not cost the morning's news."""
QUIET_SHARE = 1 / 6
"""Of the time since something new came, what the wait is at least. The next news ends it at once: a feed that sleeps at
night is not late for long in the morning, and one that is dead is asked once a day within a week."""

JITTER = 0.1
"""The largest delay that jitter adds, as a share of the wait."""
AFTER_SILENCE = timedelta(minutes=10)
"""The largest that it adds where a silence ends on the hour, and not for us alone."""

WEIGHTS = {Weight.HARD: 1.0, Weight.SOFT: 0.5, Weight.TEMPORARY: 0.25}
LONGEST_RETRY_AFTER = timedelta(days=31)
FORBIDDEN_WAIT = timedelta(hours=4)
GONE_AFTER = timedelta(days=1)
MOVED_PATIENCE = 3.0
"""Weighted failures after which an adopted address is given up."""
NOT_ASKED = timedelta(hours=1)
"""A poll so much later than it was due shows that the service was off in between."""
CLOCK_SLIP = timedelta(minutes=10)
"""A poll that lies further ahead than this was one by a clock that has been set back since."""
IDENTICAL_BODIES = 3
"""So many 200s with the same body, although validators were sent, show that the validators do not work."""

SILENCE = "the document asks for silence (skipHours, skipDays)"
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
        asked: What the answer and its document ask for.
        known_share: Which part of the document's entries was known before; None where it lists none.
        gap: No entry was known although the feed had been read before.
        status: The HTTP status.
    """
    interval = _start(state, limits)
    if gap:
        interval *= AFTER_GAP
    elif state.last_success is not None:
        interval *= NOTHING_NEW if known_share is None else _factor(known_share)
    state = replace(
        state,
        identical_bodies=0,
        asked=asked,
        last_new=now if state.last_new is None or (known_share is not None and known_share < 1) else state.last_new,
    )
    if known_share is not None:
        state = replace(state, window_listed=now, window_seen=now)
    return _good(state, now, limits, jitter, interval=interval, fixed=fixed, status=status)


def after_not_modified(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    fixed: timedelta | None = None,
    lifetime: timedelta | None = None,
    status: int = 304,
    conditional: bool = True,
) -> FeedState:
    """The state after an answer that held nothing new: a 304, or a 200 with the very body of the poll before.

    What the document asked for still holds, and of a 304 that says nothing of freshness what the answer before it said
    (RFC 9111 §3.2, §4.3.4). Such a 200 to a ``conditional`` request counts against the feed's validators; at the third
    in a row they are marked broken, and the feed is polled half as often. A 304 clears both.

    Args:
        state: What was remembered before the poll.
        now: When the poll ended, aware UTC.
        limits: Floor, cap and start.
        jitter: A random number from 0 to 1.
        fixed: The feed's own interval, which overrides the adaptive one.
        lifetime: How long this answer stays fresh, where it says so.
        status: The HTTP status.
        conditional: Whether validators were sent.
    """
    interval = _start(state, limits) * NOTHING_NEW
    if status == 304:
        state = replace(state, identical_bodies=0, validators_broken=False)
    elif conditional:
        count = state.identical_bodies + 1
        newly_broken = count >= IDENTICAL_BODIES and not state.validators_broken
        interval *= 2 if newly_broken else 1
        state = replace(state, identical_bodies=count, validators_broken=state.validators_broken or newly_broken)
    if status == 304 and lifetime is None:
        lifetime = state.asked.lifetime
    stands = state.window_seen is not None and state.window_seen == state.last_success
    state = replace(
        state, asked=replace(state.asked, lifetime=lifetime), window_seen=now if stands else state.window_seen
    )
    return _good(state, now, limits, jitter, interval=interval, fixed=fixed, status=status)


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
    hours whatever the cap, 410 a day within it: the second 410, a day or more after the first, marks the feed as
    gone. ``retry_after`` (seconds, RFC 9110 §10.2.3) is obeyed past the cap, up to 31 days. The hours and days in which
    the last document asked for silence are kept out of here too. A poll before its time that fails leaves the due time
    where it was, if that is later. An adopted address that answers 404 or 410, or fails for long, is given up for the
    catalogue's. Other arguments are ``after_success``'s.
    """
    failures = state.failures + WEIGHTS[weight]
    wait = (fixed or _start(state, limits)) * failures
    reason = f"failing (failures weigh {failures:g})"
    gone_since = state.gone_since
    if status == 410:
        gone_since = gone_since or now
        wait, reason = max(wait, gone_since + GONE_AFTER - now), "gone (410): for good if it still is after a day"
    elif status is not None:
        gone_since = None
    wait = _clamp(wait, limits)
    if status == 403 and wait < FORBIDDEN_WAIT:
        wait, reason = FORBIDDEN_WAIT, "forbidden (403): at least 4h"
    wait = _with_jitter(wait, limits, jitter)
    if retry_after is not None and (asked := _retry_after(retry_after)) > wait:
        wait, reason = asked, "the server says Retry-After"
    due = now + wait
    if (allowed := _outside(due, state.asked.skip_hours, state.asked.skip_days)) != due:
        due, reason = allowed + AFTER_SILENCE * jitter, f"{reason}; {SILENCE}"
    if state.next_due is not None and now < state.next_due and due < state.next_due:
        # asked before its time, by hand: what was decided then still holds
        due, reason = state.next_due, state.due_reason.partition(": ")[2] or state.due_reason
    gone = status == 410 and gone_since is not None and now - gone_since >= GONE_AFTER
    state = replace(
        state,
        health=Health.GONE if gone else Health.FAILING,
        next_due=due,
        due_reason="gone for good: no longer polled (crawl NAME --force asks once more)"
        if gone
        else _due_reason(due - now, reason),
        failures=failures,
        last_polled=now,
        last_status=status,
        last_error=error,
        failing_since=_failing_since(state, now),
        gone_since=gone_since,
    )
    given_up = status in (404, 410) or failures >= MOVED_PATIENCE
    return replace(state, moved_to=None, moved_since=None) if given_up else state


def is_due(state: FeedState, now: datetime, limits: Limits, *, fixed: timedelta | None = None) -> bool:
    """Whether a feed's time has come: also not in an hour of silence that began while nobody looked.

    A fixed interval that the catalogue has given a well feed since its last poll counts from then on, as far as server
    and document let it.
    """
    due, asked = state.next_due, state.asked
    is_well = state.health is Health.OK and not asked.skip_hours and not asked.skip_days
    if due is not None and fixed is not None and is_well and state.last_polled is not None:
        wishes = [wish for wish in (fixed, asked.ttl, asked.lifetime) if wish is not None]
        due = min(due, state.last_polled + _with_jitter(_clamp(max(wishes), limits), limits, 1.0))
    if state.last_polled is not None and state.last_polled > now + CLOCK_SLIP:
        due = None
    come = state.health is not Health.GONE and (due is None or due <= now)
    return come and _outside(now, state.asked.skip_hours, state.asked.skip_days) == now


def after_clock_jump(state: FeedState, jump: timedelta) -> FeedState:
    """The state after the clock was set by ``jump``: as long to wait, and failing for as long, as before."""
    moments = {name: getattr(state, name) for name in ("next_due", "last_polled", "failing_since", "gone_since")}
    return replace(state, **{name: moment + jump for name, moment in moments.items() if moment is not None})


def _failing_since(state: FeedState, now: datetime) -> datetime:
    """Since when it fails; a time in which nobody asked it, though it was due, is left out."""
    since, unasked = state.failing_since or now, now - (state.next_due or now)
    return min(since + unasked, now) if unasked > NOT_ASKED else since


def _good(
    state: FeedState,
    now: datetime,
    limits: Limits,
    jitter: float,
    *,
    interval: timedelta,
    fixed: timedelta | None,
    status: int,
) -> FeedState:
    asked, interval = state.asked, _clamp(interval, limits)
    wanted, reason = (fixed, "the feed's fixed interval") if fixed else (interval, "adaptive")
    quiet = ZERO if fixed or state.last_new is None else (now - state.last_new) * QUIET_SHARE
    for wish, whose in (
        (quiet, "nothing new for a while"),
        (asked.ttl, "the document asks (ttl)"),
        (asked.lifetime, "the server asks (freshness)"),
    ):
        if wish is not None and wish > wanted:
            wanted, reason = wish, whose
    wait = _clamp(wanted, limits)
    if wait != wanted:
        reason += ", within the limits"
    wait = _with_jitter(wait, limits, jitter)
    due = now + wait
    if (allowed := _outside(due, asked.skip_hours, asked.skip_days)) != due:
        due, reason = allowed + AFTER_SILENCE * jitter, SILENCE
    return replace(
        state,
        health=Health.OK,
        next_due=due,
        due_reason=_due_reason(due - now, reason),
        interval=interval,
        failures=0.0,
        last_polled=now,
        last_success=now,
        last_status=status,
        last_error=None,
        failing_since=None,
        gone_since=None,
    )


def _factor(known_share: float) -> float:
    return next(factor for below, factor in ADAPTATION if known_share < below)


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


def _retry_after(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_RETRY_AFTER.total_seconds()))


def _due_reason(wait: timedelta, reason: str) -> str:
    second = timedelta(seconds=1)
    words = format_duration(max(wait - wait % second, second) if wait > second else wait)
    return f"{words} after the last poll: {reason}"
