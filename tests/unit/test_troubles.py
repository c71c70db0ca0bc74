"""What somebody is told of, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watching import DAY, HOUR, NOW, failing, healthy, silent, with_gap

from service.digest import digest
from service.messages import Message, plain
from service.troubles import Facts, messages, notice
from service.vitals import Vitals, Volume
from storage.model import Alert, Feed, Gap, Note, Trouble

GOOD, BAD = Note("verify", NOW - DAY, True, "12 records, all sound"), Note("verify", NOW - DAY, False, "1 damaged: x")


def time(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M}"


def facts(*vitals: Vitals, free: int | None = 5_000, checked: Note | None = None) -> Facts:
    return Facts(vitals, free, min_free=1_000, checked=checked)


class Life:
    """What a service remembers and sends, look by look; it may be a new process at each."""

    def __init__(self) -> None:
        self.known: dict[tuple[Trouble, str], Alert] = {}
        self.told: dict[str, datetime] = {}
        self.sent: list[tuple[datetime, Message]] = []

    def look(self, facts: Facts, at: datetime, *, reaches: bool = True, is_anybody_told: bool = True) -> list[str]:
        """Look once; returns the titles of what was sent."""
        self._save(notice(self.known.values(), self.told, facts, at, time, is_anybody_told=is_anybody_told))
        assert notice(self.known.values(), self.told, facts, at, time, is_anybody_told=is_anybody_told) == []
        due = messages(list(self.known.values()), self.told, facts, at, "host", time)
        if not reaches or not is_anybody_told:
            return []
        for message in due:
            self._save(message.alerts)
            self.told[message.kind] = at
            self.sent.append((at, message))
        return [message.title.removeprefix("veille on host: ") for message in due]

    def lasting(self) -> set[Trouble]:
        return {alert.trouble for alert in self.known.values() if alert.over is None}

    def _save(self, changed: Sequence[Alert]) -> None:
        self.known |= {(alert.trouble, alert.subject): alert for alert in changed}


def answering(one: Vitals, at: datetime) -> Vitals:
    """A feed as it is when it was last polled at that time."""
    assert one.state is not None
    return replace(one, state=replace(one.state, last_polled=at, last_success=at if not one.is_failing else None))


def test_every_trouble_is_told_in_words_of_its_own() -> None:
    life = Life()
    bad = facts(healthy("ok"), silent("a"), failing("b"), with_gap("c"), free=500, checked=BAD)
    assert life.look(bad, NOW) == [
        "a has brought nothing new since 11-20 12:00",
        "b has failed since 11-21 12:00",
        "entries of c may be missing",
        "the disk is nearly full, 500B left",
        "the archive is damaged",
    ]
    bodies = [message.body.splitlines()[0] for _, message in life.sent]
    assert bodies == [
        "a: nothing new since 11-20 12:00; usually something every 1h",
        "b: since 11-21 12:00: answers 500",
        "c: between 11-23 10:00 and 11-23 11:00: no entry was known",
        "500B left; VEILLE_MIN_FREE asks for 1kB, since 11-23 12:00",
        "1 damaged: x (checked 11-22 12:00)",
    ]


def test_several_feeds_are_one_message_that_names_them_the_longest_first() -> None:
    life = Life()
    some = [failing(f"f{number:02}", since=NOW - 2 * DAY + number * HOUR) for number in range(23)]
    assert life.look(facts(healthy(), *some), NOW) == ["23 feeds have failed, the first since 11-21 12:00"]
    lines = life.sent[0][1].body.splitlines()
    assert lines[0] == "f00: since 11-21 12:00: answers 500"
    assert lines[20] == "and 3 more: veille status names all"
    assert len(lines) == 22


def test_feeds_that_fail_for_hours_are_told_along_with_one_that_fails_for_a_day() -> None:
    life = Life()
    hours = [failing(f"f{hours}", since=NOW - hours * HOUR) for hours in (2, 8, 16)]
    assert life.look(facts(healthy(), *hours), NOW) == []
    assert life.lasting() == set()
    assert life.look(facts(healthy(), *hours, failing("f24", since=NOW - DAY)), NOW) == [
        "3 feeds have failed, the first since 11-22 12:00"
    ]
    assert "f2:" not in life.sent[0][1].body


def test_an_archive_that_could_not_be_checked_is_not_called_damaged() -> None:
    unchecked = Note("verify", NOW, False, "could not be checked: its process ended with -9")
    assert Life().look(facts(checked=unchecked), NOW) == ["the archive could not be checked"]


def test_recovery_is_told_of_what_was_told_and_of_nothing_else() -> None:
    life = Life()
    life.look(facts(silent("a"), failing("b", since=NOW - HOUR)), NOW)
    well = facts(healthy("a", newest=NOW + HOUR), healthy("b"), checked=GOOD)
    assert life.look(well, NOW + HOUR) == []
    assert life.look(well, NOW + 2 * HOUR) == ["a brings something new again"]
    assert life.sent[-1][1].body == "a: silent from 11-20 12:00 to 11-23 13:00"
    later = facts(healthy("a", newest=NOW + 29 * HOUR), healthy("b", newest=NOW + 29 * HOUR), checked=GOOD)
    assert life.look(later, NOW + 30 * HOUR) == []


def test_recoveries_that_come_within_the_hour_are_one_message() -> None:
    life = Life()
    life.look(facts(*(failing(f"f{number}") for number in range(5)), healthy()), NOW)
    for minutes in range(0, 60, 15):
        well = [healthy(f"f{number}") for number in range(minutes // 15 + 1)]
        bad = [failing(f"f{number}") for number in range(minutes // 15 + 1, 5)]
        assert life.look(facts(*well, *bad, healthy()), NOW + HOUR + minutes * HOUR / 60) == []
    assert life.look(facts(*well, *bad, healthy()), NOW + 2 * HOUR) == ["4 feeds answer again"]
    assert life.sent[-1][1].body.splitlines()[-1] == "1 feed still fails: veille status says why."


def test_one_that_comes_back_before_its_end_was_told_is_the_same_trouble() -> None:
    life = Life()
    low, ample = facts(free=999), facts(free=5_000)
    assert life.look(low, NOW) == ["the disk is nearly full, 999B left"]
    for half_hours in range(1, 47):
        assert life.look(ample if half_hours % 2 else low, NOW + half_hours * HOUR / 2) == []
    assert life.look(low, NOW + 30 * HOUR) == []
    assert life.lasting() == {Trouble.DISK}


def test_a_silent_feed_that_begins_to_fail_has_not_recovered() -> None:
    life = Life()
    life.look(facts(silent("a")), NOW)
    assert life.look(facts(failing("a", since=NOW)), NOW + HOUR) == []
    assert life.look(facts(healthy("a")), NOW + 2 * HOUR) == []
    assert life.look(facts(healthy("a")), NOW + 3 * HOUR) == ["a brings something new again"]


def test_nobody_hears_more_of_a_feed_that_was_turned_off() -> None:
    life = Life()
    life.look(facts(silent("a")), NOW)
    off = replace(silent("a"), feed=Feed("a", "https://a.test/rss", enabled=False))
    assert life.look(facts(off), NOW + 30 * HOUR) == []
    assert life.look(facts(), NOW + 60 * HOUR) == []


def test_a_time_when_the_service_was_off_makes_no_feed_silent_or_failing() -> None:
    well = answering(healthy("a", newest=NOW - 3 * DAY), NOW - 3 * DAY)
    broken = answering(failing("b", since=NOW - 3 * DAY), NOW - 3 * DAY + HOUR)
    assert Life().look(facts(well, broken), NOW) == []


def test_a_time_when_the_service_was_off_is_told_in_those_words_and_not_as_a_list_of_gaps() -> None:
    life = Life()
    missed = [
        healthy(f"f{number}", gaps=(Gap(f"f{number}", NOW - 3 * DAY + number * HOUR / 60, NOW - HOUR, "none known"),))
        for number in range(30)
    ]
    assert life.look(facts(*missed, with_gap("z")), NOW) == ["30 feeds were not read for 3 days"]
    assert life.sent[0][1].body.splitlines() == [
        "Between 11-20 12:29 and 11-23 11:00 veille was off, or had no network.",
        "What 30 feeds published then, and no longer listed afterwards, is missing.",
        "Nothing is to be done, unless it comes again: journalctl -u veille.service says when the service ran.",
        "z: between 11-23 10:00 and 11-23 11:00: no entry was known",
    ]


def test_feeds_that_are_asked_once_a_day_make_no_time_when_the_service_was_off() -> None:
    gap = (Gap("", NOW - 26 * HOUR, NOW - HOUR, "none known"),)
    daily = [healthy(f"f{number}", gaps=gap) for number in range(3)]
    slow = [replace(one, state=replace(one.state, interval=DAY)) for one in daily if one.state is not None]
    assert Life().look(facts(*slow), NOW) == ["entries of 3 feeds may be missing"]


def test_gaps_wait_an_hour_for_others_and_are_told_once_each() -> None:
    life = Life()
    first = with_gap("a", end=NOW)
    both = facts(first, with_gap("b", end=NOW + HOUR / 2))
    assert life.look(facts(first, healthy("b")), NOW) == []
    assert life.look(both, NOW + HOUR) == ["entries of 2 feeds may be missing"]
    assert [life.look(both, NOW + hours * HOUR) for hours in (2, 20, 30, 60)] == [[], [], [], []]
    assert life.lasting() == set()
    again = replace(first, gaps=(*with_gap("a", end=NOW + 70 * HOUR).gaps, *first.gaps))
    assert life.look(facts(again), NOW + 71 * HOUR) == ["entries of a may be missing"]


def test_a_gap_soon_after_another_is_told_with_the_next_message_a_day_later() -> None:
    life = Life()
    first = with_gap("a", end=NOW)
    life.look(facts(first), NOW + HOUR)
    more = replace(first, gaps=(*with_gap("a", end=NOW + 2 * HOUR).gaps, *first.gaps))
    assert life.look(facts(more), NOW + 4 * HOUR) == []
    assert life.look(facts(more), NOW + HOUR + DAY) == ["entries of a may be missing"]
    assert life.sent[-1][1].body.splitlines()[0] == "a: between 11-23 13:00 and 11-23 14:00: no entry was known"
    assert life.look(facts(more), NOW + 3 * DAY) == []


def test_gaps_of_long_ago_are_no_news_to_a_service_that_begins_to_tell() -> None:
    assert Life().look(facts(with_gap("a", end=NOW - 30 * HOUR)), NOW) == []


def test_an_outage_of_everything_is_one_message_that_says_where_to_look() -> None:
    life = Life()
    dead = [
        failing(f"f{number}", since=NOW - 1.5 * HOUR * (number % 17), error="name not found") for number in range(1000)
    ]
    assert life.look(facts(*dead), NOW) == ["no feed has answered since 11-22 12:00"]
    assert life.sent[0][1].body.splitlines() == [
        "1000 feeds fail, none of them with an answer: name not found.",
        "Is this machine's network up, and its name server? veille doctor --network looks.",
    ]
    assert life.look(facts(*dead), NOW + 40 * DAY) == []


def test_feeds_whose_servers_answer_are_no_outage_of_the_network() -> None:
    dead = [failing(f"f{number}") for number in range(5)]
    answered = [replace(one, state=replace(one.state, last_status=503)) for one in dead if one.state is not None]
    assert Life().look(facts(*answered), NOW) == ["5 feeds have failed, the first since 11-21 12:00"]


def test_what_is_over_before_it_could_be_told_is_told_all_the_same() -> None:
    life = Life()
    dead = [failing(f"f{number}", error="name not found") for number in range(3)]
    assert life.look(facts(*dead), NOW, reaches=False) == []
    well = facts(*(healthy(f"f{number}") for number in range(3)))
    assert life.look(well, NOW + HOUR) == ["3 feeds failed for 2 days, and answer again"]
    assert life.sent[0][1].body.splitlines()[0] == "f0: failing from 11-21 12:00 to 11-23 13:00"
    assert life.look(well, NOW + 30 * HOUR) == []


def test_of_a_silence_that_is_over_before_it_could_be_told_nobody_hears() -> None:
    life = Life()
    life.look(facts(silent("a")), NOW, reaches=False)
    assert life.look(facts(healthy("a")), NOW + HOUR) == []


def test_who_is_told_only_now_hears_of_what_lasts_and_of_nothing_that_is_over() -> None:
    life = Life()
    life.look(facts(failing("a"), failing("b"), healthy()), NOW, is_anybody_told=False)
    life.look(facts(healthy("a"), failing("b"), healthy()), NOW + HOUR, is_anybody_told=False)
    assert life.look(facts(healthy("a"), failing("b"), healthy()), NOW + 2 * HOUR) == ["b has failed since 11-21 12:00"]


def test_what_comes_up_after_a_message_stands_in_the_next_a_day_later() -> None:
    life = Life()
    assert life.look(facts(silent("a"), healthy("b")), NOW) == ["a has brought nothing new since 11-20 12:00"]
    both = facts(silent("a"), silent("b"))
    assert life.look(both, NOW + HOUR) == []
    assert life.look(both, NOW + 23 * HOUR) == []
    assert life.look(both, NOW + DAY) == ["b has brought nothing new since 11-20 12:00"]


def test_a_feed_that_stays_as_it_is_is_told_once_and_a_low_disk_again_after_a_week() -> None:
    life = Life()
    bad = facts(silent("a"), free=1)
    sent = [life.look(bad, NOW + day * DAY) for day in range(9)]
    assert [len(titles) for titles in sent] == [2, 0, 0, 0, 0, 0, 0, 1, 0]
    assert sent[7] == ["the disk is nearly full, 1B left"]


def test_what_could_not_be_sent_is_sent_later() -> None:
    life = Life()
    assert life.look(facts(silent("a")), NOW, reaches=False) == []
    assert life.look(facts(silent("a")), NOW + HOUR) == ["a has brought nothing new since 11-20 12:00"]


def test_a_disk_near_the_mark_does_not_come_and_go() -> None:
    life = Life()
    assert life.look(facts(free=999), NOW) == ["the disk is nearly full, 999B left"]
    assert life.look(facts(free=1_050), NOW + HOUR) == []
    assert life.lasting() == {Trouble.DISK}
    assert life.look(facts(free=None), NOW + HOUR) == []
    assert life.lasting() == {Trouble.DISK}
    assert life.look(facts(free=1_100), NOW + 2 * HOUR) == []
    assert life.look(facts(free=1_100), NOW + 3 * HOUR) == ["there is room on the disk again"]


def test_a_clock_that_was_years_ahead_does_not_silence_it_for_years() -> None:
    life = Life()
    life.look(facts(with_gap("a", end=NOW + 400 * DAY), free=1), NOW + 400 * DAY + HOUR)
    ahead = with_gap("a", end=NOW + 400 * DAY).gaps
    well = facts(healthy("a", gaps=ahead), free=5_000)
    life.look(well, NOW)
    assert life.look(well, NOW + HOUR) == ["there is room on the disk again"]
    now = replace(with_gap("a", end=NOW + 2 * HOUR), gaps=(*ahead, *with_gap("a", end=NOW + 2 * HOUR).gaps))
    titles = ["entries of a may be missing", "the disk is nearly full, 1B left"]
    assert life.look(facts(now, free=1), NOW + 3 * HOUR) == titles


def test_an_end_that_was_noticed_by_a_clock_ahead_is_told_by_the_one_that_is_right() -> None:
    life = Life()
    life.look(facts(free=1), NOW)
    life.look(facts(free=5_000), NOW + 400 * DAY)
    assert life.look(facts(free=5_000), NOW + HOUR) == ["there is room on the disk again"]


def test_a_feed_that_answers_once_in_between_still_fails() -> None:
    life = Life()
    assert life.look(facts(failing("a"), healthy()), NOW) == ["a has failed since 11-21 12:00"]
    assert life.look(facts(healthy("a"), healthy()), NOW + HOUR / 2) == []
    anew = answering(failing("a", since=NOW + HOUR * 0.6), NOW + HOUR * 0.7)
    assert [life.look(facts(anew, healthy()), NOW + hours * HOUR) for hours in (1, 3, 30)] == [[], [], []]
    assert life.lasting() == {Trouble.FAILING}


states = st.tuples(
    st.lists(st.sampled_from(["ok", "silent", "failing", "gap"]), min_size=4, max_size=4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([HOUR / 60, HOUR / 2, HOUR, 5 * HOUR, 30 * HOUR]),
)


@settings(deadline=None)
@given(st.lists(states, max_size=30))
def test_whatever_happens_a_kind_is_told_once_a_day_what_lasts_within_a_day_and_only_the_end_of_what_was_told(
    script: list[tuple[list[str], bool, bool, bool, timedelta]],
) -> None:
    life, now = Life(), NOW
    gaps: list[tuple[Gap, ...]] = [()] * 4

    def feed(number: int, kind: str) -> Vitals:
        name = f"f{number}"
        made = {
            "ok": healthy(name, newest=now),
            "silent": silent(name, newest=now - 9 * DAY),
            "failing": failing(name, since=now - 2 * DAY),
        }.get(kind, healthy(name, newest=now))
        return replace(answering(made, now), gaps=gaps[number])

    def situation(kinds: list[str], is_full: bool, is_damaged: bool) -> Facts:
        feeds = [feed(number, kind) for number, kind in enumerate(kinds)]
        return facts(*feeds, free=1 if is_full else 9_000, checked=BAD if is_damaged else GOOD)

    kinds, is_full, is_damaged = ["ok"] * 4, False, False
    for kinds, is_full, is_damaged, reaches, step in script:
        now += step
        for number, kind in enumerate(kinds):
            if kind == "gap":
                gaps[number] = (Gap(f"f{number}", now - HOUR, now, "none known"), *gaps[number])
        life.look(situation(kinds, is_full, is_damaged), now, reaches=reaches)
    for _ in range(27):  # then it stays as it is, and whoever is told can be reached
        now += HOUR
        life.look(situation(kinds, is_full, is_damaged), now)

    assert all(alert.told for alert in life.known.values() if alert.over is None)
    assert all(alert.over_told for alert in life.known.values() if alert.over is not None)
    assert (Trouble.DISK in life.lasting(), Trouble.DAMAGE in life.lasting()) == (is_full, is_damaged)
    last: dict[str, datetime] = {}
    open_ones: set[tuple[Trouble, str]] = set()
    for at, message in life.sent:
        assert at - last.get(message.kind, NOW - DAY) >= DAY
        last[message.kind] = at
        for alert in message.alerts:
            key = alert.trouble, alert.subject
            if message.kind == "recovery":
                assert key in open_ones
                open_ones.remove(key)
            elif alert.over is None:
                open_ones.add(key)


def test_the_day_in_a_message_says_the_worst_first_and_its_sums_agree() -> None:
    unusual = healthy("much", volume=Volume(mean=5, sigma=1, last=25))
    bad = facts(silent("a"), failing("b"), unusual, free=500, checked=BAD)
    message = digest(bad, NOW, "host", time)
    assert message.title == "veille on host: 72 articles, 5 things to look at"
    lines = message.body.splitlines()
    assert lines[0] == "1 of 3 feeds failing: b"
    assert "1 of 3 feeds with more or less new than usual: much 25 (usually 5)" in lines
    assert "525 entries seen = 510 archived + 15 unchanged" in lines


def test_a_good_day_is_a_short_message() -> None:
    message = digest(facts(healthy(), checked=GOOD), NOW, "host", time)
    assert message.title == "veille on host: 24 articles, all is well"
    assert len(message.body.splitlines()) <= 6


def test_no_feed_forges_a_line_of_a_message() -> None:
    forged = failing("b", error="bad\nveille on host: all is well\x1b[2J")
    life = Life()
    life.look(facts(healthy(), forged), NOW)
    ((_, message),) = life.sent
    assert len(message.body.splitlines()) == 2
    assert "\x1b" not in message.body


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("robots.txt of https://user:secret@news.test/a/secret?key=secret answers 500", "https://news.test/… answers"),
        ("redirects to http://news.test:8080/secret", "redirects to http://news.test:8080/…"),
        ("asked at https://news.test", "asked at https://news.test"),
        ("neither http nor https: ftp://user:se/cret@news.test/", "https: ftp://…"),
        ("https://[2001:db8::1]/secret refused", "https://[2001:db8::1]/… refused"),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_an_error_shows_no_more_of_an_address_than_its_host(said: str, shown: str) -> None:
    assert shown in plain(said)
    assert "secret" not in plain(said)
    assert "cret" not in plain(said)
