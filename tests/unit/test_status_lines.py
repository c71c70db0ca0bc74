"""What ``veille status`` says of a situation: what is wrong first, in words, within the columns there are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from watching import DAY, HOUR, NOW, failing, healthy, silent

from service.cli import health
from service.cli.context import Context
from service.cli.health_json import as_json
from service.cli.health_page import page
from service.cli.health_table import ASCII, BLOCKS, sparkline, table
from service.cli.situation import Situation
from service.settings import Settings
from service.vitals import Counts, Vitals, Volume
from storage.model import Alert, Gap, Health, Ledger, Note, Outcome, Trouble
from storage.usage import Usage

ROOM = Usage(articles=10**9, raw=5 * 10**9, database=10**9, free=200 * 10**9, per_day=10**8)
RUNNING = Note("service", NOW - 9 * DAY, True, "veille 0.1.0, process 812, 45 feeds")


def situation(*feeds: Vitals, notes: Sequence[Note] = (), **changes: object) -> Situation:
    """As it is where the service runs and all is well, but for what is given."""
    quiet = Situation(
        NOW,
        Settings(),
        feeds or (healthy(),),
        reasons={},
        notes={note.topic: note for note in notes},
        alerts=(),
        usage=ROOM,
        process=812,
    )
    return replace(quiet, **changes)


def told(moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    return f"{moment:{form} %Z}" if moment else ""


def wrong(*feeds: Vitals, **changes: object) -> list[str]:
    return health.wrong(situation(*feeds, **changes), told)


def head(*feeds: Vitals, **changes: object) -> list[str]:
    """The parts of the first line."""
    return health.summary(situation(*feeds, **changes), told).split("; ")


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_where_all_is_well_nothing_is_wrong() -> None:
    assert wrong(notes=[RUNNING, Note("verify", NOW, True, "9 records, all sound")]) == []
    assert head(notes=[RUNNING, Note("verify", NOW - DAY, True, "9 records, all sound")]) == [
        "1 feed, none failing",
        "archive sound when checked 2026-11-22 12:00 UTC",
        "200GB of disk left, enough for 5 years at this rate",
        "veille runs (process 812)",
    ]


def test_what_is_wrong_stands_first_in_the_first_line() -> None:
    damaged = Note("verify", NOW - DAY, False, "3 damaged: articles/date=2026-11-01/w-0001.jsonl:0: not JSON")
    refused = Note("reload", NOW, False, "reload refused at 12:00: feeds.toml:3: no url; the old ones stay")
    gap = Gap("b", NOW - 2 * HOUR, NOW - HOUR, "no entry was known")
    said = head(failing("a"), silent("b", newest=NOW - 3 * DAY), healthy("c", gaps=(gap,)), notes=[damaged, refused])
    assert said == [
        "archive 3 damaged when checked 2026-11-22 12:00 UTC",
        "1 of 3 feeds failing, 1 silent",
        "a reload was refused",
        "1 gap in 7 days",
        "200GB of disk left, enough for 5 years at this rate",
        "veille runs (process 812)",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"last_error": "answers 404", "last_status": 404}, "veille feeds discover https://a.test/ finds the site's"),
        ({"last_error": "answers 403", "last_status": 403}, "VEILLE_CONTACT"),
        ({"last_error": "certificate not valid: expired"}, "only certificates of the public authorities are taken"),
        ({"last_error": "name servers do not answer"}, "/etc/resolv.conf"),
        ({"last_error": "larger than 10MB", "last_status": 200}, "VEILLE_MAX_BYTES is the limit"),
        ({"last_error": "this is an HTML page, not a feed", "last_status": 200}, "veille feeds discover"),
        ({"last_error": "the document is empty", "last_status": 200}, "veille feeds test a shows each step"),
        ({"last_error": "address refused: a.test is 10.0.0.1 port 80"}, "VEILLE_ALLOWED_NETWORKS"),
    ],
)
def test_what_can_be_done_about_a_failing_feed_is_told(changes: dict[str, object], said: str) -> None:
    one = failing("a")
    assert one.state is not None
    (line,) = wrong(replace(one, state=replace(one.state, **changes)))
    assert line.startswith(f"a: {changes['last_error']}; failing since 2026-11-21 12:00 UTC; ")
    assert said in line


@pytest.mark.parametrize(("error", "status"), [("answers 503", 503), ("answers 429", 429), ("timed out", None)])
def test_where_waiting_is_all_there_is_to_do_nothing_is_advised(error: str, status: int | None) -> None:
    one = failing("a")
    assert one.state is not None
    state = replace(one.state, last_error=error, last_status=status, due_reason="4h after the last poll: failing")
    (line,) = wrong(replace(one, state=state))
    assert line == f"a: {error}; failing since 2026-11-21 12:00 UTC; 4h after the last poll: failing"


def test_feeds_that_fail_alike_are_told_of_together() -> None:
    feeds = [failing(f"feed-{number:02}", error="name servers do not answer") for number in range(45)]
    (line,) = wrong(*feeds)
    assert line.startswith("45 feeds fail alike: name servers do not answer; the first of them since 2026-11-21 12:00")
    assert "feed-00" in line
    assert "feed-09 and 35 more" in line
    assert line.endswith("see /etc/resolv.conf")


def test_gaps_count_as_wrong_for_a_week_and_are_told_of_for_ever() -> None:
    new, old = (Gap("rfi-fr", at - HOUR, at, "no entry was known") for at in (NOW - 6 * DAY, NOW - 8 * DAY))
    seen = situation(healthy(gaps=(new, old)))
    assert [line for line in health.wrong(seen, told) if line.startswith("gap")] == [
        "gap: rfi-fr, 2026-11-17 11:00 UTC to 2026-11-17 12:00 UTC: no entry was known"
    ]
    books = list(health.books(seen, told))
    assert books[0] == "gap: rfi-fr, 2026-11-15 11:00 UTC to 2026-11-15 12:00 UTC: no entry was known"
    assert books[1] == "2 gaps in all (--json lists them)"


def test_unusual_volume_is_told_of_unless_more_is_known() -> None:
    few = Volume(mean=40.0, sigma=5.0, last=2)
    assert wrong(healthy("a", volume=few)) == ["a: 2 new entries in 24 h, usually 30 to 50"]
    assert wrong(healthy("a", volume=replace(few, last=33))) == []
    assert not any("usually 30" in line for line in wrong(silent("a"), replace(silent("b"), volume=few)))
    assert not any("usually 30" in line for line in wrong(replace(failing("a"), volume=few)))


def test_feeds_that_nobody_comes_to_are_told_of_once() -> None:
    feeds = []
    for number in range(12):
        one = healthy(f"feed-{number:02}", volume=Volume(40.0, 5.0, 0))
        assert one.state is not None
        feeds.append(replace(one, state=replace(one.state, next_due=NOW - DAY - number * HOUR)))
    (line,) = wrong(*feeds, process=None)
    assert line.startswith("due, but nobody polls while veille does not run: feed-11, feed-10, ")
    assert "feed-02 and 2 more; the first since 2026-11-22 01:00 UTC; veille crawl" in line
    (line,) = wrong(*feeds)
    assert line.startswith("due, but nobody has come to them yet although veille runs: ")
    assert "12 feeds long due" in head(*feeds)
    assert wrong(healthy(), process=None) == [], "a timer's crawl is due in an hour"


def test_a_feed_that_is_gone_is_waited_for_by_nobody() -> None:
    one = failing("a", error="answers 410")
    assert one.state is not None
    state = replace(one.state, health=Health.GONE, next_due=NOW - 90 * DAY, last_status=410)
    (line,) = wrong(replace(one, state=state))
    assert line.startswith("a: answers 410; failing since ")


@pytest.mark.parametrize(
    ("notes", "said", "lines"),
    [
        ([RUNNING], "veille has ended without a word", 1),
        ([RUNNING, Note("pulse", NOW - 9 * HOUR, True, "the writer writes")], "veille has ended without a word", 1),
        ([RUNNING, Note("pulse", NOW - timedelta(seconds=40), True, "")], "veille was alive at", 0),
        ([replace(RUNNING, at=NOW - DAY, text="stopped as asked")], "veille does not run now", 0),
        (
            [replace(RUNNING, at=NOW, text="stopped as asked"), Note("pulse", NOW - timedelta(seconds=9), True, "")],
            "veille does not run now",
            0,
        ),
        ([Note("service", NOW - DAY, False, "ended: disk full")], "veille has ended on an error", 1),
        ([], "veille does not run now", 0),
    ],
)
def test_whether_the_service_runs_and_how_it_ended(notes: list[Note], said: str, lines: int) -> None:
    seen = situation(notes=notes, process=None)
    assert any(part.startswith(said) for part in health.summary(seen, told).split("; ")), health.summary(seen, told)
    assert len(health.wrong(seen, told)) == lines


def test_a_refused_reload_is_past_once_the_service_was_started_anew() -> None:
    refused = Note("reload", NOW - DAY, False, "reload refused")
    assert wrong(notes=[RUNNING, refused]) == ["reload, 2026-11-22 12:00 UTC: reload refused"]
    assert wrong(notes=[replace(RUNNING, at=NOW - HOUR), refused]) == []


def test_any_other_note_that_is_bad_is_told_of_too() -> None:
    clock = Note("clock", NOW, False, "set back by 3h\x1b[2J")
    assert wrong(notes=[clock]) == ["clock, 2026-11-23 12:00 UTC: set back by 3h\\x1b[2J"]
    assert "1 other trouble of the service's own" in head(notes=[clock])
    unreached = Note("notify", NOW, False, "ntfy://… could not be reached")
    assert wrong(notes=[unreached])[0].startswith("messages, 2026-11-23 12:00 UTC: ntfy://")
    assert "somebody could not be told" in head(notes=[unreached])


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (replace(ROOM, free=10**8), "disk: 100MB left, less than VEILLE_MIN_FREE=1GB: make room"),
        (replace(ROOM, free=10**9 + 1), "disk: full in 10 days at the present rate, 100MB a day: make room"),
        (replace(ROOM, per_day=None), None),
        (None, None),
    ],
)
def test_a_disk_that_is_soon_full_is_wrong(room: Usage | None, said: str | None) -> None:
    assert wrong(usage=room) == ([said] if said else [])
    assert any(part.startswith("only ") for part in head(usage=room)) is (said is not None)


# -- what there is -----------------------------------------------------------------------------------------------------


def test_sums_and_reasons_and_those_who_were_told_are_in_the_books() -> None:
    reasons = {("failed", f"reason {number}\n"): 100 - number for number in range(15)}
    alerts = [
        Alert(Trouble.SILENT, "a", "", NOW - DAY, told=NOW - HOUR),
        Alert(Trouble.DISK, "", "", NOW - DAY, told=NOW - 2 * DAY),
    ]
    books = list(health.books(situation(healthy("a"), healthy("b"), reasons=reasons, alerts=alerts), told))
    assert books[:2] == [
        "trouble: a silent since 2026-11-22 12:00 UTC, told 2026-11-23 11:00 UTC",
        "trouble: disk since 2026-11-22 12:00 UTC, nobody told yet",
    ]
    assert books[2] == "100 failed: reason 0\\n"
    assert "and 5 more reasons (--json lists all)" in books
    assert "350 entries seen = 0 pending + 340 archived + 10 unchanged + 0 skipped + 0 failed + 0 gone" in books
    assert "7GB on disk: articles 1GB, raw copies 5GB, database 1GB; grows by 100MB a day" in books


ledgers = st.dictionaries(st.sampled_from(list(Outcome)), st.integers(0, 10**6))


@given(st.lists(ledgers, max_size=5))
def test_the_sums_always_add_up(counts: list[dict[Outcome, int]]) -> None:
    feeds = [healthy(f"feed-{number}", ledger=Ledger(some)) for number, some in enumerate(counts)]
    *lines, total = as_json(situation(*feeds))
    assert total["total"]["seen"] == sum(count for outcome, count in total["total"].items() if outcome != "seen")
    by_feed = [line["entries"] for line in lines if "feed" in line] if feeds else [total["total"]]
    for outcome, count in total["total"].items():
        assert count == sum(sums[outcome] for sums in by_feed)


def test_every_line_of_json_has_its_keys_and_their_types_whatever_is_known() -> None:
    every = [healthy("a"), failing("b"), silent("c"), healthy("new", state=None), healthy("gone", feed=None)]
    lines = [line for line in as_json(situation(*every)) if "feed" in line]
    assert len(lines) == len(every)
    assert all(list(line) == list(lines[0]) for line in lines)
    for key in lines[0]:
        kinds = {type(line[key]) for line in lines if line[key] is not None}
        assert len({bool if kind is bool else str if issubclass(kind, str) else kind for kind in kinds}) <= 1, key
    assert [line["health"] for line in lines] == ["ok", "failing", "ok", "new", "ok"]


# -- how it looks ------------------------------------------------------------------------------------------------------

names = st.text("abc-1", min_size=1, max_size=60)
counts = st.builds(Counts, st.integers(0, 99_999), st.integers(0, 99_999))


@settings(max_examples=30)
@given(st.lists(st.builds(healthy, names, day=counts, week=counts), min_size=1, max_size=3), st.integers(60, 200))
def test_the_table_is_never_wider_than_the_terminal(feeds: list[Vitals], width: int) -> None:
    lines = table(situation(*feeds), told, width=width, encoding="utf-8")
    assert len(lines) == len(feeds) + 1
    assert max(line.cell_len for line in lines) <= width


@pytest.mark.parametrize("width", [80, 100])
def test_at_80_columns_the_whole_week_is_seen(width: int) -> None:
    busy = healthy("rfi-francais-afrique", day=Counts(1_030, 998), week=Counts(7_020, 6_800))
    heading, line = table(situation(busy), told, width=width, encoding="utf-8")
    assert heading.plain.endswith("week")
    assert line.plain.startswith("rfi-fran")
    assert line.plain.endswith("█" * (14 if width == 100 else 7))
    assert "1030/998" in line.plain
    assert "7020/6800" in line.plain


def test_feeds_that_do_not_fit_are_counted() -> None:
    lines = table(situation(*[healthy(f"f{n}") for n in range(9)]), told, width=80, encoding="utf-8", rows=4)
    assert len(lines) == 6
    assert lines[-1].plain == "and 5 more feeds"


def test_a_success_of_last_year_has_its_year() -> None:
    one = healthy()
    assert one.state is not None
    old = replace(one, state=replace(one.state, last_success=NOW - 400 * DAY))
    assert "2025-10-19" in table(situation(old), told, width=80, encoding="utf-8")[1].plain
    assert "11-23 12:00" in table(situation(one), told, width=80, encoding="utf-8")[1].plain


def test_without_block_characters_plain_ones_stand_for_them() -> None:
    lines = table(situation(healthy("a-feed-of-a-very-long-name" * 4)), told, width=80, encoding="ascii")
    assert all(line.plain.isascii() for line in lines)
    assert lines[1].plain.endswith("#######")


@given(st.lists(st.integers(0, 10**6), min_size=28, max_size=28), st.sampled_from([7, 14, 28]))
def test_only_nothing_at_all_is_the_lowest_block_and_the_most_is_the_highest(values: list[int], blocks: int) -> None:
    for marks in (BLOCKS, ASCII):
        line = sparkline(values, marks, blocks=blocks)
        each = 28 // blocks
        sums = [sum(values[place : place + each]) for place in range(0, 28, each)]
        assert len(line) == blocks
        assert [mark == marks[0] for mark in line] == [value == 0 for value in sums]
        assert not any(sums) or line[sums.index(max(sums))] == marks[-1]


class Terminal(Context):
    """A context whose output is a terminal of this size."""

    def __init__(self, width: int, height: int, *, quiet: bool = False) -> None:
        super().__init__(data=Path("data"), quiet=quiet)
        self.__dict__["settings"] = Settings()
        self.__dict__["out"] = Console(width=width, height=height, force_terminal=True)


@pytest.mark.parametrize("height", [16, 24, 50])
def test_a_display_is_no_higher_than_its_terminal(height: int) -> None:
    feeds = [failing(f"f{n}", error=f"answers {500 + n}") for n in range(9)] + [healthy(f"g{n}") for n in range(40)]
    lines = page(Terminal(80, height), situation(*feeds), height=height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= 80
    said = "\n".join(line.plain for line in lines)
    assert "9 of 49 feeds failing" in said
    assert "f0: answers 500" in said


def test_on_a_terminal_long_lines_go_on_in_the_next_and_every_line_is_there() -> None:
    feeds = [failing(f"f{n}", error=f"answers {500 + n} " + "at length " * 12) for n in range(9)]
    lines = [line.plain for line in page(Terminal(80, 24), situation(*feeds))]
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("f") and ": answers" in line for line in lines) == 9
    assert sum(line.startswith("  ") and "at length" in line for line in lines) >= 9


def test_quiet_is_only_what_is_wrong() -> None:
    assert page(Terminal(80, 24, quiet=True), situation(healthy())) == []
    assert [line.plain for line in page(Terminal(300, 24, quiet=True), situation(failing("a"), healthy("b")))] == wrong(
        failing("a"), healthy("b")
    )
