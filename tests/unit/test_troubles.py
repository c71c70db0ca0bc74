"""What somebody is told of, and how often."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from watching import DAY, HOUR, NOW, failing, healthy, silent, with_gap

from service.digest import digest
from service.troubles import Facts, Message, messages, notice
from service.vitals import Vitals, Volume
from storage.model import Alert, Feed, Note, Trouble

GOOD, BAD = Note("verify", NOW - DAY, True, "12 records, all sound"), Note("verify", NOW - DAY, False, "1 damaged: x")


def time(moment: datetime) -> str:
    return f"{moment:%m-%d %H:%M}"


def facts(*vitals: Vitals, free: int | None = 5_000, checked: Note | None = None) -> Facts:
    return Facts(vitals, free, min_free=1_000, checked=checked)


class Life:
    """What a service remembers and sends, look by look."""

    def __init__(self) -> None:
        self.known: dict[tuple[Trouble, str], Alert] = {}
        self.sent: list[tuple[datetime, Message]] = []

    def look(self, facts: Facts, at: datetime, *, reaches: bool = True) -> list[str]:
        """Look once; returns the titles of what was sent."""
        self._save(notice(self.known.values(), facts, at, time))
        due = messages(list(self.known.values()), facts, at, "host", time)
        if not reaches:
            return []
        for message in due:
            self._save(message.alerts)
            self.sent.append((at, message))
        return [message.title.removeprefix("veille on host: ") for message in due]

    def _save(self, changed: Sequence[Alert]) -> None:
        self.known |= {(alert.trouble, alert.subject): alert for alert in changed}


def test_every_trouble_is_told_in_words_of_its_own() -> None:
    life = Life()
    bad = facts(healthy("ok"), silent("a"), failing("b"), with_gap("c"), free=500, checked=BAD)
    assert life.look(bad, NOW) == [
        "a is silent",
        "b fails for a day",
        "entries of c may be missing",
        "the disk is nearly full",
        "the archive is damaged",
    ]
    bodies = [message.body.splitlines()[0] for _, message in life.sent]
    assert bodies[0] == "a: nothing new since 11-20 12:00; usually something every 1h"
    assert bodies[1] == "b: fails since 11-21 12:00: answers 500"
    assert "may be missing: no entry was known" in bodies[2]
    assert bodies[3] == "500B left, less than the 1kB of VEILLE_MIN_FREE"
    assert bodies[4] == "1 damaged: x"


def test_recovery_is_told_of_what_was_told_and_of_nothing_else() -> None:
    life = Life()
    life.look(facts(silent("a"), failing("b", since=NOW - HOUR)), NOW)
    well = facts(healthy("a", newest=NOW + HOUR), healthy("b"), checked=GOOD)
    assert life.look(well, NOW + HOUR) == ["a is no longer silent"]
    later = facts(healthy("a", newest=NOW + 29 * HOUR), healthy("b", newest=NOW + 29 * HOUR), checked=GOOD)
    assert life.look(later, NOW + 30 * HOUR) == []


def test_a_silent_feed_that_begins_to_fail_has_not_recovered() -> None:
    life = Life()
    life.look(facts(silent("a")), NOW)
    assert life.look(facts(failing("a", since=NOW)), NOW + HOUR) == []
    assert life.look(facts(healthy("a")), NOW + 2 * HOUR) == ["a is no longer silent"]


def test_nobody_hears_more_of_a_feed_that_was_turned_off() -> None:
    life = Life()
    life.look(facts(silent("a")), NOW)
    off = replace(silent("a"), feed=Feed("a", "https://a.test/rss", enabled=False))
    assert life.look(facts(off), NOW + 30 * HOUR) == []
    assert life.look(facts(), NOW + 60 * HOUR) == []


def test_a_time_when_the_service_was_off_makes_no_feed_silent_or_failing() -> None:
    well = healthy("a", newest=NOW - 3 * DAY)
    assert well.state is not None
    before = replace(well.state, last_success=NOW - 3 * DAY, last_polled=NOW - 3 * DAY)
    broken = failing("b", since=NOW - 3 * DAY)
    assert broken.state is not None
    failed = replace(broken.state, last_polled=NOW - 3 * DAY + HOUR)
    assert Life().look(facts(replace(well, state=before), replace(broken, state=failed)), NOW) == []


def test_an_outage_of_everything_is_one_message_that_says_where_to_look() -> None:
    life = Life()
    assert life.look(facts(*(failing(f"f{number}") for number in range(1000))), NOW) == ["no feed can be reached"]
    ((_, message),) = life.sent
    assert "network" in message.body
    assert len(message.body.splitlines()) == 22
    assert "980 more" in message.body


def test_what_comes_up_after_a_message_stands_in_the_next_a_day_later() -> None:
    life = Life()
    assert life.look(facts(silent("a"), healthy("b")), NOW) == ["a is silent"]
    both = facts(silent("a"), silent("b"))
    assert life.look(both, NOW + HOUR) == []
    assert life.look(both, NOW + 23 * HOUR) == []
    assert life.look(both, NOW + DAY) == ["b is silent"]


def test_a_trouble_that_lasts_is_told_once() -> None:
    life = Life()
    assert [life.look(facts(silent("a")), NOW + day * DAY) for day in range(5)] == [["a is silent"], [], [], [], []]


def test_what_could_not_be_sent_is_sent_later() -> None:
    life = Life()
    assert life.look(facts(silent("a")), NOW, reaches=False) == []
    assert life.look(facts(silent("a")), NOW + HOUR) == ["a is silent"]


def test_a_disk_near_the_mark_does_not_come_and_go() -> None:
    life = Life()
    assert life.look(facts(free=999), NOW) == ["the disk is nearly full"]
    assert life.look(facts(free=1_050), NOW + HOUR) == []
    assert life.look(facts(free=None), NOW + HOUR) == []
    assert life.look(facts(free=1_100), NOW + 2 * HOUR) == ["there is room on the disk again"]


def test_a_clock_that_was_years_ahead_does_not_silence_it_for_years() -> None:
    life = Life()
    life.look(facts(free=1), NOW + 400 * DAY)
    life.look(facts(free=5_000), NOW)
    assert life.look(facts(free=1), NOW + HOUR) == ["the disk is nearly full"]


states = st.tuples(
    st.lists(st.sampled_from(["ok", "silent", "failing", "gap"]), min_size=3, max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 30),
)


@given(st.lists(states, max_size=40))
def test_of_each_kind_at_most_one_message_goes_out_in_a_day_whatever_happens(script: list[object]) -> None:
    life, now = Life(), NOW
    for kinds, is_full, is_damaged, reaches, hours in script:  # type: ignore[misc]
        now += hours * HOUR
        feeds = [
            {
                "ok": healthy(f"f{number}", newest=now),
                "silent": silent(f"f{number}", newest=now - 9 * DAY),
                "failing": failing(f"f{number}", since=now - 2 * DAY),
                "gap": replace(with_gap(f"f{number}", end=now), newest=now),
            }[kind]
            for number, kind in enumerate(kinds)
        ]
        life.look(
            facts(*feeds, free=1 if is_full else 9_000, checked=BAD if is_damaged else GOOD), now, reaches=reaches
        )
    last: dict[object, datetime] = {}
    for at, message in life.sent:
        kind = "recovery" if message.alerts[0].over else message.alerts[0].trouble
        assert at - last.get(kind, NOW - DAY) >= DAY
        last[kind] = at
        assert all(alert.told is not None for alert in message.alerts)


def test_the_day_in_a_message_says_the_worst_first_and_its_sums_agree() -> None:
    unusual = healthy("much", volume=Volume(mean=5, sigma=1, last=25))
    bad = facts(silent("a"), failing("b"), unusual, free=500, checked=BAD)
    message = digest(bad, NOW, "host", time)
    assert message.title == "veille on host: 72 articles, 5 to look at"
    lines = message.body.splitlines()
    assert lines[0] == "1 of 3 feeds failing: b"
    assert "1 of 3 feeds more or less than usual: much" in lines
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
