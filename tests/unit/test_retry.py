from datetime import UTC, datetime, timedelta

import pytest

from service.articles.retry import next_try
from service.errors import AddressError, BlockedError, FetchError, GoneError, HeldError, TooLargeError, Weight
from storage.model import Entry, PendingEntry

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ENTRY = Entry("k", "0" * 32, "0" * 32, url="http://a.example/x")


def tries(error: FetchError, *before: timedelta) -> list[timedelta]:
    """The pauses after each try, from the first on, until the failure is final; ``before``: ages of other failures."""
    attempts, now, first, pauses = len(before), START, START - max(before, default=timedelta(0)), []
    while len(pauses) < 100:
        pending = PendingEntry(1, "f", "", 1, ENTRY, START, attempts=attempts, first_tried=first if attempts else None)
        at = next_try(pending, error, now)
        if at is None:
            break
        pauses.append(at - now)
        attempts, now = attempts + 1, at
    return pauses


def test_a_missing_page_is_final_after_three_tries_over_48_hours() -> None:
    assert tries(GoneError("answers 404", status=404)) == [timedelta(hours=24)] * 2


def test_a_refusal_is_tried_twice_more() -> None:
    refusal = FetchError("answers 403", weight=Weight.HARD, status=403)
    assert tries(refusal) == [timedelta(hours=4), timedelta(hours=24)]


@pytest.mark.parametrize("error", [GoneError("answers 404"), FetchError("answers 403", weight=Weight.HARD)])
def test_failures_of_another_kind_before_do_not_make_the_first_one_final(error: FetchError) -> None:
    assert tries(error, timedelta(minutes=45), timedelta(minutes=30))


def test_servers_and_networks_are_given_seven_days() -> None:
    pauses = tries(FetchError("timed out"))
    assert pauses[:4] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)]
    assert max(pauses) == timedelta(hours=24)
    assert timedelta(days=7) <= sum(pauses, timedelta(0)) < timedelta(days=8)


def test_what_we_refuse_ourselves_is_final_at_once() -> None:
    assert tries(BlockedError("forbidden by robots.txt")) == tries(TooLargeError("over 10 MB")) == []


def test_the_server_s_own_wish_lengthens_a_pause_and_never_shortens_it() -> None:
    assert tries(FetchError("answers 503", retry_after=7200.0))[0] == timedelta(hours=2)
    assert tries(FetchError("answers 503", retry_after=1.0))[0] == timedelta(minutes=15)


@pytest.mark.parametrize("error", [GoneError("answers 404", status=404), AddressError("address refused")])
def test_rule_33_two_tries_are_not_three_however_far_apart(error: FetchError) -> None:
    once = PendingEntry(1, "f", "", 1, ENTRY, START, attempts=1, first_tried=START)
    assert next_try(once, error, START + timedelta(days=5)) is not None
    twice = PendingEntry(1, "f", "", 1, ENTRY, START, attempts=2, first_tried=START)
    assert next_try(twice, error, START + timedelta(days=5)) is None


def test_a_host_that_asked_for_silence_decides_nothing_about_its_pages() -> None:
    waiting = PendingEntry(1, "f", "", 1, ENTRY, START, attempts=40, first_tried=START)
    held = HeldError("a has asked for silence", retry_after=3600.0)
    assert next_try(waiting, held, START + timedelta(days=90)) == START + timedelta(days=90, hours=1)


def test_long_silences_asked_for_leave_several_tries() -> None:
    assert len(tries(FetchError("answers 503", retry_after=30 * 86_400.0))) == 4
