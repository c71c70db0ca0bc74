"""Durations and sizes as people write them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.units import (
    Address,
    TimeOfDay,
    format_days,
    format_duration,
    format_size,
    parse_address,
    parse_duration,
    parse_size,
    parse_time_of_day,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(weeks=1)),
        ("250ms", timedelta(milliseconds=250)),
        ("0.5s", timedelta(milliseconds=500)),
        ("1h30m", timedelta(minutes=90)),
        (" 1 H 30 m ", timedelta(minutes=90)),
        ("0", timedelta(0)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_read_as_people_write_them(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "m", "-5m", "5 minutes", "1h30", "5x", "٣m", "1..5h", "nan s", "1e3s", "h1"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write 45s"):
        parse_duration(text)


def test_a_duration_without_unit_is_refused_with_the_units_to_choose_from() -> None:
    with pytest.raises(ValueError, match='"15" has no unit: write 15s, 15m, 15h or 15d'):
        parse_duration("15")


@pytest.mark.parametrize("text", ["999999999999d", "9" * 400 + "s"])
def test_a_duration_longer_than_any_clock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is too long a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "0s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(minutes=15), "15m"),
        (timedelta(days=2), "2d"),
        (timedelta(milliseconds=500), "0.5s"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (-timedelta(minutes=5), "-5m"),
    ],
)
def test_durations_are_written_shortly(duration: timedelta, expected: str) -> None:
    assert format_duration(duration) == expected


@given(st.timedeltas(min_value=timedelta(0)))
def test_a_written_duration_reads_back_as_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10MB", 10_000_000),
        ("10 mb", 10_000_000),
        ("500KiB", 512_000),
        ("500kB", 500_000),
        ("1.5GiB", 1_610_612_736),
        ("2TB", 2 * 10**12),
        ("512", 512),
        ("512B", 512),
        ("0", 0),
    ],
)
def test_sizes_read_in_powers_of_1000_or_of_1024(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "10M", "10XB", "1,5MB", "ten"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size: write 500kB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0B"),
        (999, "999B"),
        (1_000, "1kB"),
        (1_234, "1.2kB"),
        (999_949, "999.9kB"),
        (999_950, "1MB"),
        (10_000_000, "10MB"),
        (10**15, "1000TB"),
    ],
)
def test_sizes_are_written_for_people(size: int, expected: str) -> None:
    assert format_size(size) == expected


@given(st.integers(min_value=0, max_value=10**15))
def test_a_written_size_reads_back_within_its_rounding(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) <= size // 20


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("08:00", TimeOfDay(8, 0)),
        ("8:05", TimeOfDay(8, 5)),
        ("Sun 03:00", TimeOfDay(3, 0, "sun")),
        ("sunday 23:59", TimeOfDay(23, 59, "sun")),
    ],
)
def test_a_time_of_day_comes_daily_or_on_a_day_of_the_week(text: str, time: TimeOfDay) -> None:
    assert parse_time_of_day(text) == time
    assert parse_time_of_day(str(time)) == time


@pytest.mark.parametrize("text", ["", "8", "24:00", "8:60", "0 8 * * *", "someday 8:00", "tomorrow"])
def test_what_is_no_time_of_day_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="write 08:00 or sun 03:00"):
        parse_time_of_day(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", Address("127.0.0.1", 9464)),
        (":9464", Address("127.0.0.1", 9464)),
        ("0.0.0.0:9464", Address("0.0.0.0", 9464)),
        ("[::1]:9464", Address("::1", 9464)),
    ],
)
def test_an_address_to_listen_on_is_loopback_unless_told(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", ":²"])
def test_what_is_no_address_to_listen_on_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="write 9464"):
        parse_address(text)


@pytest.mark.parametrize(
    ("days", "text"), [(0.2, "0 days"), (1.4, "1 day"), (200, "200 days"), (800, "2 years"), (9e9, "over 50 years")]
)
def test_how_long_something_lasts_is_said_as_people_would(days: float, text: str) -> None:
    assert format_days(days) == text


PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("text", "now", "last"),
    [
        ("08:00", "2026-11-23T07:00+01:00", "2026-11-22T08:00+01:00"),
        ("08:00", "2026-11-23T08:00+01:00", "2026-11-23T08:00+01:00"),
        ("sun 03:00", "2026-11-23T07:00+01:00", "2026-11-22T03:00+01:00"),
        ("sun 03:00", "2026-11-22T02:00+01:00", "2026-11-15T03:00+01:00"),
        ("02:30", "2026-10-25T02:45+01:00", "2026-10-25T02:30+02:00"),
        ("02:30", "2026-10-25T02:35+02:00", "2026-10-25T02:30+02:00"),
    ],
)
def test_a_time_of_day_knows_when_it_came_last_and_a_doubled_hour_counts_once(text: str, now: str, last: str) -> None:
    moment = parse_time_of_day(text).last(datetime.fromisoformat(now), PARIS)
    assert moment == datetime.fromisoformat(last)
