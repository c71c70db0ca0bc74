from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feeds.decide import ALIAS, Decision, decide
from service.feeds.document import Document
from storage.model import Entry, Feed, FeedState, KnownEntry, NewEntry, Outcome

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)
FEED = Feed("rfi-fr", "https://rfi.example/fr/rss")
POLLED = FeedState("rfi-fr", FEED.url, last_success=BEFORE, window_seen=BEFORE)
NEVER_POLLED = FeedState("rfi-fr", FEED.url)


def listed(key: str, text: str = "text", article: str | None = None) -> Entry:
    return Entry(key=key, article_id=article or f"article-{key}", content_hash=text)


def known(
    key: str,
    text: str = "text",
    *,
    article: str | None = None,
    feed: str = "rfi-fr",
    version: int = 1,
    outcome: Outcome = Outcome.ARCHIVED,
    dated: datetime | None = None,
) -> KnownEntry:
    return KnownEntry(feed, key, version, text, article or f"article-{key}", outcome, dated=dated)


def poll(*entries: Entry, ledger: tuple[KnownEntry, ...] = (), state: FeedState = POLLED) -> Decision:
    by_article: dict[str, tuple[KnownEntry, ...]] = {}
    for row in ledger:
        by_article[row.article_id] = (*by_article.get(row.article_id, ()), row)
    own = {row.key: row for row in ledger if row.feed == FEED.name}
    return decide(FEED, state, Document("rss20", entries), own, by_article, NOW)


def test_a_new_entry_is_pending() -> None:
    decision = poll(listed("1"))
    assert decision.entries == (NewEntry(listed("1")),)
    assert decision.seen == ()


def test_a_known_entry_without_a_change_is_only_seen() -> None:
    decision = poll(listed("1"), ledger=(known("1"),))
    assert decision.entries == ()
    assert decision.seen == ("1",)


def test_a_known_entry_with_another_text_is_its_next_version() -> None:
    decision = poll(listed("1", "edited"), ledger=(known("1", version=3),))
    assert decision.entries == (NewEntry(listed("1", "edited"), version=4),)
    assert decision.seen == ()


def test_a_known_entry_stays_with_the_article_its_link_was_found_to_lead_to() -> None:
    row = replace(known("1", article="found"), url="https://rfi.example/1")
    same = replace(listed("1", "edited", "named"), url="https://rfi.example/1")
    assert poll(same, ledger=(row,)).entries[0].entry.article_id == "found"
    moved = replace(same, url="https://rfi.example/2")
    assert poll(moved, ledger=(row,)).entries[0].entry.article_id == "named"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_known_entry_is_not_taken_up_again_however_it_ended(outcome: Outcome) -> None:
    assert poll(listed("1"), ledger=(known("1", outcome=outcome),)).entries == ()


@pytest.mark.parametrize("outcome", [Outcome.ARCHIVED, Outcome.UNCHANGED])
def test_an_archived_article_under_another_guid_is_an_alias(outcome: Outcome) -> None:
    (new,) = poll(listed("2", article="a"), ledger=(known("1", article="a", outcome=outcome),)).entries
    assert (new.outcome, new.reason) == (Outcome.UNCHANGED, ALIAS)


def test_another_guid_with_another_text_is_pending() -> None:
    (new,) = poll(listed("2", "edited", article="a"), ledger=(known("1", article="a"),)).entries
    assert new == NewEntry(listed("2", "edited", article="a"))


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.FAILED, Outcome.SKIPPED, Outcome.GONE])
def test_another_guid_of_an_article_not_archived_is_pending(outcome: Outcome) -> None:
    (new,) = poll(listed("2", article="a"), ledger=(known("1", article="a", outcome=outcome),)).entries
    assert new.outcome is Outcome.PENDING


@pytest.mark.parametrize("outcome", [Outcome.ARCHIVED, Outcome.UNCHANGED])
def test_an_article_archived_from_another_feed_is_not_fetched_again(outcome: Outcome) -> None:
    elsewhere = known("x", "their text", article="a", feed="f24-fr", outcome=outcome)
    (new,) = poll(listed("1", article="a"), ledger=(elsewhere,)).entries
    assert (new.outcome, new.reason) == (Outcome.UNCHANGED, "archived from f24-fr")


def test_the_reason_names_the_feed_that_brought_the_record() -> None:
    rows = (
        known("x", article="a", feed="aaa", outcome=Outcome.UNCHANGED),
        known("y", article="a", feed="zzz", outcome=Outcome.ARCHIVED),
        known("z", article="a", feed="bbb", outcome=Outcome.FAILED),
    )
    (new,) = poll(listed("1", article="a"), ledger=rows).entries
    assert new.reason == "archived from zzz"


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.FAILED, Outcome.SKIPPED, Outcome.GONE])
def test_an_article_not_archived_elsewhere_is_pending_here_too(outcome: Outcome) -> None:
    elsewhere = known("x", article="a", feed="f24-fr", outcome=outcome)
    (new,) = poll(listed("1", article="a"), ledger=(elsewhere,)).entries
    assert new.outcome is Outcome.PENDING


def test_another_feeds_entry_with_the_same_guid_never_matches() -> None:
    claim = known("1", article="their-article", feed="evil")
    assert poll(listed("1"), ledger=(claim,)).entries == (NewEntry(listed("1")),)


def test_an_own_edit_is_pending_although_another_feed_archived_the_article() -> None:
    rows = (known("1", article="a"), known("x", article="a", feed="f24-fr"))
    (new,) = poll(listed("2", "edited", article="a"), ledger=rows).entries
    assert new.outcome is Outcome.PENDING


def test_two_entries_for_one_new_article_both_wait_for_it() -> None:
    decision = poll(listed("1", article="a"), listed("2", article="a"))
    assert [new.outcome for new in decision.entries] == [Outcome.PENDING, Outcome.PENDING]


def test_no_overlap_with_what_was_known_is_a_gap() -> None:
    gap = poll(listed("8"), listed("9")).gap
    assert gap is not None
    assert (gap.feed, gap.start, gap.end) == ("rfi-fr", BEFORE, NOW)
    assert "2 entries" in gap.reason


def test_one_known_entry_is_no_gap() -> None:
    assert poll(listed("1", "edited"), listed("9"), ledger=(known("1"),)).gap is None


def test_new_guids_for_known_articles_are_no_gap() -> None:
    assert poll(listed("2", article="a"), ledger=(known("1", article="a"),)).gap is None


def test_articles_of_other_feeds_do_not_hide_a_gap() -> None:
    assert poll(listed("1", article="a"), ledger=(known("x", article="a", feed="f24-fr"),)).gap is not None


def test_a_first_poll_and_an_empty_document_are_no_gap() -> None:
    assert poll(listed("1"), state=NEVER_POLLED).gap is None
    assert poll().gap is None


@pytest.mark.parametrize(("listing", "is_gap"), [("189", True), ("18", True), ("128", False), ("289", False)])
def test_rule_10_an_old_entry_that_comes_back_hides_no_gap(listing: str, is_gap: bool) -> None:
    state = replace(POLLED, window_listed=BEFORE)
    ledger = (
        replace(known("1"), last_seen=BEFORE - timedelta(hours=1)),
        replace(known("2"), last_seen=BEFORE if listing == "289" else BEFORE - timedelta(hours=1)),
    )
    gap = poll(*map(listed, listing), ledger=ledger, state=state).gap
    assert (gap is not None) == is_gap
    if gap:
        assert gap.reason.endswith("was in the window before, and 1 of them come back from before it")


def test_a_feed_that_has_listed_nothing_so_far_can_have_no_gap() -> None:
    assert poll(listed("1"), state=replace(POLLED, window_seen=None)).gap is None


def test_after_an_empty_document_a_gap_counts_from_the_window_before_it() -> None:
    gap = poll(listed("9"), state=replace(POLLED, window_seen=BEFORE - timedelta(hours=1))).gap
    assert gap is not None
    assert gap.start == BEFORE - timedelta(hours=1)


@pytest.mark.parametrize(("redated", "said"), [(2, False), (3, True)])
def test_a_feed_that_dates_most_of_its_entries_anew_is_told_of_and_brings_no_version(redated: int, said: bool) -> None:
    entries = [replace(listed(key), published=NOW if int(key) < redated else BEFORE) for key in "0123"]
    decision = poll(*entries, ledger=tuple(known(key, dated=BEFORE) for key in "0123"))
    assert (decision.entries, decision.seen) == ((), tuple("0123"))
    assert decision.redated == dict.fromkeys("0123"[:redated], NOW)
    assert bool(decision.warnings) == said
    if said:
        assert decision.warnings[0].startswith("3 of 4 known entries carry other dates")


def test_a_first_date_is_remembered_without_a_word() -> None:
    entry = replace(listed("1"), modified=NOW)
    decision = poll(entry, ledger=(known("1"),))
    assert (decision.redated, decision.warnings) == ({"1": NOW}, ())


def test_the_known_share_counts_what_was_known_before_changed_or_not() -> None:
    decision = poll(
        listed("1"),
        listed("2", "edited"),
        listed("3b", article="article-3"),
        listed("4"),
        ledger=(known("1"), known("2"), known("3")),
    )
    assert decision.known_share == 0.75
    assert poll().known_share is None


KEYS = st.sampled_from(["1", "2", "3", "4"])
TEXTS = st.sampled_from(["a", "b"])
ARTICLES = st.sampled_from(["x", "y"])


@given(
    st.dictionaries(KEYS, st.tuples(TEXTS, ARTICLES)),
    st.dictionaries(
        st.tuples(st.sampled_from(["rfi-fr", "other"]), KEYS), st.tuples(TEXTS, ARTICLES, st.sampled_from(Outcome))
    ),
)
def test_every_entry_listed_is_either_new_or_seen(
    document: dict[str, tuple[str, str]], ledger: dict[tuple[str, str], tuple[str, str, Outcome]]
) -> None:
    rows = tuple(
        known(key, text, article=article, feed=feed, outcome=outcome)
        for (feed, key), (text, article, outcome) in ledger.items()
    )
    decision = poll(*(listed(key, text, article) for key, (text, article) in document.items()), ledger=rows)
    assert sorted([*decision.seen, *(new.entry.key for new in decision.entries)]) == sorted(document)
    for new in decision.entries:
        assert (new.version == 1) == (("rfi-fr", new.entry.key) not in ledger)
        assert new.outcome in (Outcome.PENDING, Outcome.UNCHANGED)
        assert (new.reason is None) == (new.outcome is Outcome.PENDING)
