from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.errors import Weight
from service.feeds.cadence import (
    Limits,
    after_clock_jump,
    after_failure,
    after_not_modified,
    after_success,
    is_due,
)
from service.feeds.moves import after_redirect, poll_url
from service.net.freshness import lifetime
from storage.model import Asked, FeedState, Health, Validators

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
LIMITS = Limits(floor=15 * MINUTE, cap=DAY, start=HOUR)
QUICK = Limits(floor=timedelta(seconds=1), cap=DAY, start=timedelta(seconds=2))
NEW = FeedState("rfi-fr", "http://rfi.example/fr/rss")
READ = replace(NEW, health=Health.OK, last_success=NOW - HOUR, interval=2 * HOUR)


def wait(state: FeedState) -> timedelta:
    assert state.next_due is not None
    return state.next_due - NOW


# -- after an answer ---------------------------------------------------------------------------------------------------


def test_a_feed_read_for_the_first_time_is_due_after_the_start_interval() -> None:
    state = after_success(NEW, NOW, LIMITS, 0.0, known_share=0.0)
    assert wait(state) == HOUR
    assert (state.health, state.last_success, state.last_polled, state.last_status) == (Health.OK, NOW, NOW, 200)


def test_few_known_entries_bring_the_next_poll_closer() -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, known_share=0.32)) == HOUR


def test_a_middling_share_brings_it_a_little_closer() -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, known_share=0.5)) == 1.5 * HOUR


def test_the_more_was_known_the_later_the_next_poll() -> None:
    shares = (0.0, 0.32, 0.34, 0.66, 0.67, 0.9, 0.95, 1.0)
    waits = [wait(after_success(READ, NOW, LIMITS, 0.0, known_share=share)) for share in shares]
    assert waits == sorted(waits)
    assert 2 * HOUR < waits[5] < 2.02 * HOUR < waits[6]


@pytest.mark.parametrize("known_share", [0.67, 1.0, None])
def test_mostly_known_entries_or_none_at_all_put_the_next_poll_off(known_share: float | None) -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, known_share=known_share)) > 2 * HOUR


def test_a_gap_shortens_the_interval_most() -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, known_share=0.0, gap=True)) == HOUR / 2


def test_a_success_forgives_failures_and_410s() -> None:
    failing = replace(READ, health=Health.FAILING, failures=3.5, last_error="x", gone_since=NOW - HOUR)
    state = after_success(failing, NOW, LIMITS, 0.0, known_share=0.5)
    assert (state.health, state.failures, state.last_error, state.gone_since) == (Health.OK, 0.0, None, None)


def test_a_304_is_recomputed_and_keeps_the_rest_of_the_state() -> None:
    state = after_not_modified(replace(READ, validators=Validators(b'"a"')), NOW, LIMITS, 0.0)
    assert wait(state) > 2 * HOUR
    assert (state.last_success, state.last_status, state.validators) == (NOW, 304, Validators(b'"a"'))


def test_a_quiet_night_delays_the_morning_by_minutes_not_hours() -> None:
    state, now = replace(READ, interval=HOUR), NOW
    while now < NOW + 8 * HOUR:
        state = after_not_modified(state, now, LIMITS, 1.0)
        assert state.next_due is not None
        now = state.next_due
    assert now < NOW + 10 * HOUR
    assert after_success(state, now, LIMITS, 0.0, known_share=0.8).interval < 65 * MINUTE


def test_a_dead_feed_ends_up_at_one_poll_a_day_and_news_wakes_it_at_once() -> None:
    dead = replace(READ, last_new=NOW - 6 * DAY)
    state = after_not_modified(dead, NOW, LIMITS, 0.5)
    assert (wait(state), state.due_reason) == (DAY, "1d after the last poll: nothing new for a while")
    assert wait(after_success(dead, NOW, LIMITS, 0.0, known_share=1.0)) == DAY
    woken = after_success(dead, NOW, LIMITS, 0.0, known_share=0.9)
    assert (woken.last_new, wait(woken)) == (NOW, 2.01 * HOUR)


def test_the_first_document_counts_as_news() -> None:
    assert after_success(NEW, NOW, LIMITS, 0.0, known_share=None).last_new == NOW


def test_three_identical_bodies_despite_validators_mark_them_broken_and_halve_the_polling() -> None:
    state = READ
    for _ in range(2):
        state = after_not_modified(state, NOW, LIMITS, 0.0, status=200)
    assert not state.validators_broken
    before = state.interval
    state = after_not_modified(state, NOW, LIMITS, 0.0, status=200)
    assert state.validators_broken
    assert state.interval > 2 * before
    healed = after_not_modified(state, NOW, LIMITS, 0.0, status=304)
    assert (healed.validators_broken, healed.identical_bodies) == (False, 0)


def test_identical_bodies_to_unconditional_requests_say_nothing_of_validators() -> None:
    state = READ
    for _ in range(5):
        state = after_not_modified(state, NOW, LIMITS, 0.0, status=200, conditional=False)
    assert (state.validators_broken, state.identical_bodies) == (False, 0)


def test_another_body_ends_the_row_of_identical_ones() -> None:
    state = after_not_modified(READ, NOW, LIMITS, 0.0, status=200)
    assert after_success(state, NOW, LIMITS, 0.0, known_share=0.5).identical_bodies == 0


# -- what server, document and user ask ------------------------------------------------------------------------------


def test_the_longest_wish_wins_and_is_named() -> None:
    by_server = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(lifetime=5 * HOUR, ttl=3 * HOUR))
    assert (wait(by_server), by_server.due_reason) == (5 * HOUR, "5h after the last poll: the server asks (freshness)")
    by_document = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(ttl=3 * HOUR))
    assert (wait(by_document), by_document.due_reason) == (3 * HOUR, "3h after the last poll: the document asks (ttl)")


def test_a_wish_never_brings_a_poll_closer() -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(MINUTE, MINUTE))) == 1.5 * HOUR


def test_a_304_still_honours_the_ttl_of_the_document_before_it() -> None:
    state = after_success(READ, NOW, LIMITS, 0.0, known_share=0.0, asked=Asked(ttl=6 * HOUR))
    assert wait(after_not_modified(state, NOW, LIMITS, 0.0)) >= 6 * HOUR


def test_a_304_keeps_what_was_asked_for_but_what_it_says_anew_itself() -> None:
    asked = Asked(lifetime=5 * HOUR, ttl=HOUR, skip_hours=(16,), skip_days=(5,))
    state = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=asked)
    assert after_not_modified(state, NOW, LIMITS, 0.0).asked == asked
    renewed = after_not_modified(state, NOW, LIMITS, 0.0, lifetime=HOUR)
    assert renewed.asked == replace(asked, lifetime=HOUR)
    assert after_not_modified(state, NOW, LIMITS, 0.0, status=200).asked == replace(asked, lifetime=None)


def test_skipped_hours_outlive_a_304_and_a_failure() -> None:
    state = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(skip_hours=(13, 14, 15)))
    assert after_not_modified(state, NOW, LIMITS, 0.0).next_due == NOW.replace(hour=16)
    failed = after_failure(state, NOW, LIMITS, 0.0, error="x", weight=Weight.HARD)
    assert failed.next_due == NOW.replace(hour=16)
    assert (
        failed.due_reason
        == "4h after the last poll: failing (failures weigh 1); the document asks for silence (skipHours, skipDays)"
    )


def test_the_window_is_seen_as_long_as_answers_confirm_it() -> None:
    state = after_success(NEW, NOW, LIMITS, 0.0, known_share=0.0)
    assert state.window_seen == NOW
    state = after_not_modified(state, NOW + HOUR, LIMITS, 0.0)
    assert state.window_seen == NOW + HOUR
    state = after_success(state, NOW + 2 * HOUR, LIMITS, 0.0, known_share=None)
    assert state.window_seen == NOW + HOUR
    assert after_not_modified(state, NOW + 3 * HOUR, LIMITS, 0.0).window_seen == NOW + HOUR


def test_a_fixed_interval_replaces_the_adaptive_one() -> None:
    for share in (0.0, 0.5, 1.0):
        assert wait(after_success(READ, NOW, LIMITS, 0.0, fixed=30 * MINUTE, known_share=share)) == 30 * MINUTE
    assert wait(after_not_modified(READ, NOW, LIMITS, 0.0, fixed=30 * MINUTE)) == 30 * MINUTE


def test_a_fixed_interval_keeps_to_floor_and_wishes() -> None:
    assert wait(after_success(READ, NOW, LIMITS, 0.0, fixed=MINUTE)) == 15 * MINUTE
    assert wait(after_success(READ, NOW, LIMITS, 0.0, fixed=MINUTE, asked=Asked(lifetime=HOUR))) == HOUR


def test_skipped_hours_and_days_are_kept_out_of() -> None:
    evening = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(skip_hours=(13, 14, 15)))
    assert evening.next_due == NOW.replace(hour=16)
    assert "silence" in evening.due_reason
    days = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(skip_days=(1, 2), skip_hours=(0,)))
    assert days.next_due == datetime(2026, 11, 26, 1, 0, tzinfo=UTC)


def test_a_silence_does_not_end_for_everyone_in_the_same_second() -> None:
    hours = Asked(skip_hours=(13, 14, 15))
    state = after_success(READ, NOW, LIMITS, 1.0, known_share=0.5, asked=hours)
    assert state.next_due == NOW.replace(hour=16, minute=10)
    failed = after_failure(replace(READ, asked=hours), NOW, LIMITS, 0.5, error="x", weight=Weight.HARD)
    assert failed.next_due == NOW.replace(hour=16, minute=5)


def test_a_feed_due_before_a_silence_that_nobody_looked_after_waits_for_its_end() -> None:
    state = replace(READ, next_due=NOW - MINUTE, asked=Asked(skip_hours=(12,)))
    assert not is_due(state, NOW, LIMITS)
    assert is_due(state, NOW + HOUR, LIMITS)
    assert is_due(replace(state, asked=Asked(skip_hours=tuple(range(24)))), NOW, LIMITS)
    assert not is_due(replace(READ, next_due=NOW + MINUTE), NOW, LIMITS)
    assert not is_due(replace(READ, next_due=NOW - MINUTE, health=Health.GONE), NOW, LIMITS)


def test_a_document_that_skips_every_hour_is_polled_all_the_same() -> None:
    state = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(skip_hours=tuple(range(24))))
    assert wait(state) == 1.5 * HOUR


def test_intervals_of_seconds_give_due_times_of_seconds() -> None:
    state = after_success(NEW, NOW, QUICK, 1.0, known_share=0.0)
    assert timedelta(seconds=2) <= wait(state) <= timedelta(seconds=2.3)
    for _ in range(5):
        state = after_not_modified(state, NOW, QUICK, 1.0)
    assert wait(state) <= timedelta(seconds=3)
    assert wait(after_failure(state, NOW, QUICK, 1.0, error="x", weight=Weight.HARD)) <= timedelta(seconds=3)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("max-age=600", None, None, None), 600),
        (("public, Max-Age=600", "120", None, None), 480),
        (('max-age="600"', "900", None, None), 0),
        (("no-cache", None, None, None), None),
        (("s-maxage=600", None, None, None), None),
        (("max-age=soon", "x", None, None), None),
        (("max-age=99999999999999999999", None, None, None), 366 * 86_400),
        ((None, None, "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1960 00:00:00 GMT"), 366 * 86_400),
        ((None, None, "Tue, 24 Nov 2026 13:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"), 3600),
        ((None, None, "Tue, 24 Nov 2026 11:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"), 0),
        (("max-age=60", None, "Tue, 24 Nov 2026 13:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"), 60),
        ((None, None, "0", "Tue, 24 Nov 2026 12:00:00 GMT"), 0),
        ((None, None, "Tue, 24 Nov 2026 13:00:00 GMT", None), None),
        ((None, None, None, None), None),
    ],
)
def test_freshness_is_max_age_less_age_else_expires_less_date(
    headers: tuple[str | None, str | None, str | None, str | None], expected: int | None
) -> None:
    assert lifetime(*headers) == (None if expected is None else timedelta(seconds=expected))


@given(*(st.none() | st.text(max_size=40) for _ in range(4)))
def test_no_header_makes_freshness_raise(a: str | None, b: str | None, c: str | None, d: str | None) -> None:
    found = lifetime(a, b, c, d)
    assert found is None or found >= timedelta(0)


# -- after a failure ---------------------------------------------------------------------------------------------------


def test_failures_weigh_by_what_they_say_about_the_feed() -> None:
    state = READ
    for weight, total in ((Weight.HARD, 1.0), (Weight.SOFT, 1.5), (Weight.TEMPORARY, 1.75)):
        state = after_failure(state, NOW, LIMITS, 0.0, error="no", weight=weight)
        assert state.failures == total
        assert wait(state) == 2 * HOUR * total
    assert (state.health, state.last_error, state.last_success) == (Health.FAILING, "no", READ.last_success)


def test_a_passing_trouble_is_tried_again_before_the_interval_is_over() -> None:
    assert wait(after_failure(READ, NOW, LIMITS, 0.0, error="x", weight=Weight.TEMPORARY)) == HOUR / 2


def test_a_failure_keeps_validators_and_interval() -> None:
    state = replace(READ, validators=Validators(b'"a"'), body_hash=b"x")
    failed = after_failure(state, NOW, LIMITS, 0.0, error="x", weight=Weight.HARD, status=500)
    assert (failed.validators, failed.body_hash, failed.interval) == (state.validators, b"x", 2 * HOUR)


def test_403_waits_at_least_four_hours() -> None:
    new = after_failure(NEW, NOW, LIMITS, 0.0, error="forbidden", weight=Weight.HARD, status=403)
    assert wait(new) == 4 * HOUR


def test_rule_12_retry_after_is_obeyed_past_the_cap_up_to_31_days() -> None:
    def failed(seconds: float) -> FeedState:
        return after_failure(READ, NOW, LIMITS, 1.0, error="x", weight=Weight.SOFT, status=503, retry_after=seconds)

    assert wait(failed(3 * 86400)) == 3 * DAY
    assert "Retry-After" in failed(3 * 86400).due_reason
    assert wait(failed(90 * 86400)) == 31 * DAY
    assert wait(failed(1)) >= HOUR


def test_410_twice_a_day_or_more_apart_is_gone() -> None:
    first = after_failure(READ, NOW, LIMITS, 0.0, error="gone", weight=Weight.HARD, status=410)
    assert (first.health, first.gone_since, wait(first)) == (Health.FAILING, NOW, DAY)
    early = after_failure(first, NOW + 23 * HOUR, LIMITS, 0.0, error="gone", weight=Weight.HARD, status=410)
    assert (early.health, early.gone_since) == (Health.FAILING, NOW)
    late = after_failure(early, NOW + DAY, LIMITS, 0.0, error="gone", weight=Weight.HARD, status=410)
    assert late.health is Health.GONE
    assert "no longer polled" in late.due_reason


def test_another_answer_in_between_ends_the_row_of_410s_and_silence_does_not() -> None:
    first = after_failure(READ, NOW, LIMITS, 0.0, error="gone", weight=Weight.HARD, status=410)
    answered = after_failure(first, NOW + HOUR, LIMITS, 0.0, error="x", weight=Weight.SOFT, status=503)
    assert answered.gone_since is None
    silent = after_failure(first, NOW + HOUR, LIMITS, 0.0, error="x", weight=Weight.TEMPORARY)
    assert silent.gone_since == NOW
    still_silent = after_failure(silent, NOW + 2 * DAY, LIMITS, 0.0, error="x", weight=Weight.TEMPORARY)
    assert still_silent.health is Health.FAILING, "our own network must not end a feed"


def test_rule_12_a_poll_before_its_time_that_fails_brings_the_next_one_no_nearer() -> None:
    server = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5, asked=Asked(lifetime=20 * HOUR))
    held = after_failure(READ, NOW, LIMITS, 0.0, error="x", weight=Weight.SOFT, status=503, retry_after=30 * 86_400)
    for state, word in ((server, "freshness"), (held, "Retry-After")):
        early = after_failure(state, NOW + HOUR, LIMITS, 0.0, error="x", weight=Weight.TEMPORARY)
        assert (early.next_due, early.health) == (state.next_due, Health.FAILING)
        assert word in early.due_reason
        assert early.due_reason.startswith(("19h after the last poll", "29d23h after the last poll"))


def test_a_feed_polled_by_a_clock_that_was_wrong_is_due_once_it_is_right() -> None:
    ahead = after_success(READ, NOW + 3650 * DAY, LIMITS, 0.0, known_share=0.5)
    assert is_due(ahead, NOW, LIMITS)
    slipped = after_success(READ, NOW + timedelta(minutes=5), LIMITS, 0.0, known_share=0.5)
    assert not is_due(slipped, NOW, LIMITS)


def test_a_fixed_interval_given_since_the_last_poll_counts_as_far_as_the_server_lets_it() -> None:
    state = after_success(READ, NOW, LIMITS, 0.0, known_share=0.5)
    soon = NOW + 0.6 * HOUR
    assert not is_due(state, soon, LIMITS)
    assert is_due(state, soon, LIMITS, fixed=HOUR / 2)
    asked = replace(state, asked=Asked(lifetime=HOUR))
    assert not is_due(asked, soon, LIMITS, fixed=HOUR / 2)
    assert is_due(asked, NOW + 1.1 * HOUR, LIMITS, fixed=HOUR / 2)
    jittered = after_success(READ, NOW, LIMITS, 1.0, known_share=0.5, fixed=HOUR)
    assert not is_due(jittered, NOW + HOUR, LIMITS, fixed=HOUR), "jitter still delays"
    failing = after_failure(state, NOW, LIMITS, 0.0, error="x", weight=Weight.HARD)
    assert not is_due(failing, soon, LIMITS, fixed=HOUR / 2)


# -- moving ------------------------------------------------------------------------------------------------------------

OTHER = "https://elsewhere.example/rss"


def test_a_permanent_redirect_is_adopted_after_seven_days() -> None:
    state = replace(after_redirect(READ, NOW, READ.url, OTHER), last_success=NOW)
    assert poll_url(state) == READ.url
    state = replace(after_redirect(state, NOW + 6 * DAY, READ.url, OTHER), last_success=NOW + 6 * DAY)
    assert poll_url(state) == READ.url
    state = replace(after_redirect(state, NOW + 7 * DAY, READ.url, OTHER), last_success=NOW + 7 * DAY)
    assert poll_url(state) == OTHER


def test_an_adopted_address_that_answers_stays() -> None:
    state = replace(after_redirect(READ, NOW, READ.url, OTHER), last_success=NOW + 7 * DAY)
    state = replace(after_redirect(state, NOW + 8 * DAY, OTHER, None), last_success=NOW + 8 * DAY)
    assert poll_url(state) == OTHER


def test_https_on_the_same_host_is_adopted_at_once() -> None:
    state = after_redirect(READ, NOW, READ.url, "https://rfi.example/fr/rss")
    assert poll_url(state) == "https://rfi.example/fr/rss"


def test_another_target_or_a_passing_redirect_starts_the_week_again() -> None:
    state = after_redirect(READ, NOW, READ.url, OTHER)
    other = after_redirect(state, NOW + 6 * DAY, READ.url, "https://third.example/rss")
    assert (other.moved_to, other.moved_since) == ("https://third.example/rss", NOW + 6 * DAY)
    none = after_redirect(state, NOW + 6 * DAY, READ.url, None)
    assert (none.moved_to, none.moved_since) == (None, None)


@pytest.mark.parametrize("status", [404, 410])
def test_an_adopted_address_that_is_gone_gives_way_to_the_catalogues(status: int) -> None:
    state = replace(READ, moved_to=OTHER, moved_since=NOW - 30 * DAY)
    assert poll_url(state) == OTHER
    state = after_failure(state, NOW, LIMITS, 0.0, error="gone", weight=Weight.SOFT, status=status)
    assert poll_url(state) == READ.url


# -- always ------------------------------------------------------------------------------------------------------------

DURATIONS = st.timedeltas(timedelta(0), 60 * DAY)
STATES = st.builds(
    replace,
    st.sampled_from([NEW, READ]),
    interval=DURATIONS,
    failures=st.floats(0, 1000),
    identical_bodies=st.integers(0, 5),
    gone_since=st.none()
    | st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1)).map(lambda t: min(t, NOW)),  # noqa: DTZ001
)
LIMIT = st.tuples(DURATIONS, DURATIONS, DURATIONS).map(lambda three: Limits(*sorted(three)[:2], three[2]))
JITTER = st.floats(0, 1)
ASKED = st.builds(
    Asked,
    lifetime=st.none() | DURATIONS,
    ttl=st.none() | DURATIONS,
    skip_hours=st.sets(st.integers(0, 23)).map(tuple),
    skip_days=st.sets(st.integers(0, 6)).map(tuple),
)


@given(STATES, LIMIT, JITTER, st.none() | DURATIONS, ASKED, st.none() | st.floats(0, 1), st.booleans(), st.booleans())
def test_a_good_answer_is_never_followed_up_too_early_or_too_late(
    state: FeedState,
    limits: Limits,
    jitter: float,
    fixed: timedelta | None,
    asked: Asked,
    known_share: float | None,
    gap: bool,
    modified: bool,
) -> None:
    if modified:
        after = after_success(state, NOW, limits, jitter, fixed=fixed, asked=asked, known_share=known_share, gap=gap)
    else:
        after = after_not_modified(replace(state, asked=asked), NOW, limits, jitter, fixed=fixed)
    assert wait(after) >= limits.floor
    assert limits.floor <= after.interval <= limits.cap
    for wish in (asked.lifetime, asked.ttl):
        assert wish is None or wait(after) >= min(wish, limits.cap)
    assert after.next_due is not None
    if "silence" in after.due_reason:
        assert after.next_due.hour not in asked.skip_hours
        assert after.next_due.weekday() not in asked.skip_days
    else:
        assert wait(after) <= limits.cap


@given(
    STATES,
    LIMIT,
    JITTER,
    st.sampled_from(Weight),
    st.none() | st.sampled_from([403, 404, 410, 429, 500, 503]),
    st.none() | st.floats(0, 10**9),
    ASKED,
)
def test_a_failure_is_never_followed_up_too_early_or_too_late(
    state: FeedState,
    limits: Limits,
    jitter: float,
    weight: Weight,
    status: int | None,
    retry_after: float | None,
    asked: Asked,
) -> None:
    state = replace(state, asked=asked)
    after = after_failure(state, NOW, limits, jitter, error="x", weight=weight, status=status, retry_after=retry_after)
    told = max(min(timedelta(seconds=retry_after or 0), 31 * DAY), 4 * HOUR if status == 403 else timedelta(0))
    assert wait(after) >= max(limits.floor, told)
    assert after.next_due is not None
    if "silence" in after.due_reason:
        assert after.next_due.hour not in asked.skip_hours
        assert after.next_due.weekday() not in asked.skip_days
    elif after.health is not Health.GONE:
        assert wait(after) <= max(limits.cap, told)


@given(STATES, LIMIT, JITTER, st.none() | DURATIONS, st.none() | st.floats(0, 1))
def test_jitter_only_delays_and_by_a_tenth_at_most(
    state: FeedState, limits: Limits, jitter: float, fixed: timedelta | None, known_share: float | None
) -> None:
    assume(limits.cap > timedelta(0))
    punctual = wait(after_success(state, NOW, limits, 0.0, fixed=fixed, known_share=known_share))
    late = wait(after_success(state, NOW, limits, jitter, fixed=fixed, known_share=known_share))
    assert punctual <= late <= punctual * 1.1 + timedelta(microseconds=1)


def test_rule_15_an_adopted_address_that_fails_for_long_is_given_up_for_the_catalogue_s() -> None:
    state = replace(READ, moved_to="https://new.example/rss", moved_since=NOW - 30 * DAY, last_success=NOW)
    assert poll_url(state) == "https://new.example/rss"
    polls = 0
    while poll_url(state) != state.url:
        state = after_failure(state, NOW + polls * DAY, LIMITS, 0.0, error="name not found", weight=Weight.TEMPORARY)
        polls += 1
    assert polls == 12


def test_a_time_in_which_nobody_asked_does_not_count_as_failing() -> None:
    def fail(state: FeedState, now: datetime) -> FeedState:
        return after_failure(state, now, LIMITS, 0.0, error="x", weight=Weight.TEMPORARY)

    failing = fail(READ, NOW)
    due = failing.next_due
    assert due is not None
    assert fail(failing, due + timedelta(minutes=20)).failing_since == NOW
    week = fail(failing, NOW + 7 * DAY)
    assert week.failing_since == NOW + 7 * DAY - (due - NOW)


def test_a_clock_that_was_set_leaves_all_waiting_as_long_as_before() -> None:
    failing = after_failure(READ, NOW, LIMITS, 0.0, error="x", weight=Weight.SOFT)
    for jump in (-3 * DAY, HOUR):
        after = after_clock_jump(failing, jump)
        assert failing.next_due is not None
        assert (after.next_due, after.last_polled) == (failing.next_due + jump, NOW + jump)
        assert after.failing_since == NOW + jump
    assert after_clock_jump(FeedState("a", "u"), HOUR) == FeedState("a", "u")
