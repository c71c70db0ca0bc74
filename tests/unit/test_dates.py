from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feeds.dates import EARLIEST, LATEST_AHEAD, parse_date

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 24 Nov 2026 08:30:00 +0100", "2026-11-24T07:30:00"),
        ("Tue, 24 Nov 2026 08:30:00 GMT", "2026-11-24T08:30:00"),
        ("24 Nov 26 08:30 EST", "2026-11-24T13:30:00"),
        ("Tue, 24 Nov 2026 08:30:00 -0500 (EST)", "2026-11-24T13:30:00"),
        ("2026-11-24T08:30:00Z", "2026-11-24T08:30:00"),
        ("2026-11-24T08:30:00.25+05:30", "2026-11-24T03:00:00.250000"),
        ("2026-11-24t08:30:00z", "2026-11-24T08:30:00"),
        ("20261124T083000Z", "2026-11-24T08:30:00"),
        ("2026-11-24 08:30", "2026-11-24T08:30:00"),
        ("2026-11-24", "2026-11-24T00:00:00"),
        ("2026-11-23T24:00:00Z", "2026-11-24T00:00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
        ("Tue Nov 24 08:30:00 CET 2026", "2026-11-24T07:30:00"),
        ("November 24, 2026 8:30 PM", "2026-11-24T20:30:00"),
        ("2026/11/24 08:30:00", "2026-11-24T08:30:00"),
    ],
)
def test_dates_as_the_standards_write_them_are_read(text: str, expected: str) -> None:
    assert parse_date(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tue, 24 Nov 2026 08:30:00 CET", "2026-11-24T07:30:00"),
        ("Fri, 24 Jul 2026 08:30:00 CEST", "2026-07-24T06:30:00"),
        ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05"),
        ("Fri, 24 Jul 2026 08:30:00 +0200 CEST", "2026-07-24T06:30:00"),
    ],
)
def test_a_named_zone_counts_by_its_offset(text: str, expected: str) -> None:
    assert parse_date(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mer, 16 nov 2022 00:38:15 +0100", "2022-11-15T23:38:15"),
        ("mardi 24 février 2026 à 18h05", "2026-02-24T18:05:00"),
        ("1er août 2026", "2026-08-01T00:00:00"),
        ("Seg, 24 Set 2018 19:18:49 -0300", "2018-09-24T22:18:49"),
        ("24 de octubre de 2026 08:30", "2026-10-24T08:30:00"),
        ("Do, 24 Dez 2025 08:30:00 +0100", "2025-12-24T07:30:00"),
        ("12 мая 2026 10:00 MSK", "2026-05-12T07:00:00"),
        ("Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T17:00:00"),
    ],
)
def test_month_names_of_other_languages_are_read(text: str, expected: str) -> None:
    assert parse_date(text, NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026",
        "2026-13-01T00:00:00Z",
        "2026-06-31T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "Tue, 24 Nov 2026 08:30:00 XYZT",  # a zone nobody knows
        "Tue, 24 Nov 2026 08:30:00 IST",  # India, Israel or Ireland
        "Tue, 24 Nov 2026 08:30:00 +3000",
        "Tue, 24 Lis 2026 08:30:00 GMT",  # November in Polish, October in Croatian
        "2026-11-24T08:30:00Z" * 10,
    ],
)
def test_what_cannot_mean_one_moment_is_none(text: str | None) -> None:
    assert parse_date(text, NOW) is None


def test_numeric_dates_are_read_where_the_day_is_clear() -> None:
    assert parse_date("28/07/2022 04:35", NOW) == datetime(2022, 7, 28, 4, 35, tzinfo=UTC)
    assert parse_date("07/28/2022", NOW) == datetime(2022, 7, 28, tzinfo=UTC)
    assert parse_date("03/04/2022", NOW) is None
    assert parse_date("03/04/2022", NOW, "en-US") is None
    assert parse_date("03/04/2022", NOW, "fr-FR") == datetime(2022, 4, 3, tzinfo=UTC)


def test_dates_before_1995_or_over_a_day_ahead_are_refused() -> None:
    assert parse_date("Thu, 01 Jan 1970 00:00:00 GMT", NOW) is None
    assert parse_date("1994-12-31T23:59:59Z", NOW) is None
    assert parse_date("1995-01-01T00:00:00Z", NOW) == EARLIEST
    assert parse_date((NOW + timedelta(hours=24)).isoformat(), NOW) == NOW + timedelta(hours=24)
    assert parse_date((NOW + timedelta(hours=24, seconds=1)).isoformat(), NOW) is None


@given(
    st.datetimes(EARLIEST.replace(tzinfo=None, day=2), NOW.replace(tzinfo=None)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["%Y-%m-%dT%H:%M:%S", "%a, %d %b %Y %H:%M:%S ", "%d-%b-%Y %H:%M:%S", "%b %d, %Y %H:%M:%S "]),
)
def test_a_date_written_with_its_offset_is_read_back(moment: datetime, offset: int, shape: str) -> None:
    moment = moment.replace(microsecond=0)
    sign = "-" if offset < 0 else "+"
    written = moment.strftime(shape) + f"{sign}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    assert parse_date(written, NOW) == (moment - timedelta(minutes=offset)).replace(tzinfo=UTC)


@given(st.text(max_size=100) | st.from_regex(r"[0-9A-Za-z:+/., -]{0,40}", fullmatch=True))
def test_no_text_raises_or_leaves_the_range(text: str) -> None:
    moment = parse_date(text, NOW)
    assert moment is None or (EARLIEST <= moment <= NOW + LATEST_AHEAD and moment.tzinfo is UTC)
