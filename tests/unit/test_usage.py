"""What an archive takes of the disk, and for how long the rest will do."""

from datetime import timedelta
from pathlib import Path

from watching import DAY, NOW

from storage.usage import usage


def put(directory: Path, part: str, days_ago: int, size: int) -> None:
    folder = directory / part / f"date={(NOW - days_ago * DAY).date()}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "w-0001").write_bytes(bytes(size))


def test_the_rate_is_that_of_the_last_full_days_with_the_databases_share(tmp_path: Path) -> None:
    put(tmp_path, "articles", 0, 999_424)  # today is not over
    for days_ago in range(1, 11):
        put(tmp_path, "articles", days_ago, 40_960)
        put(tmp_path, "raw", days_ago, 81_920)
    (tmp_path / "veille.db").write_bytes(bytes(1_114_112))
    found = usage(tmp_path, NOW)
    files = 999_424 + 10 * 122_880
    assert (found.articles, found.raw, found.database) == (999_424 + 409_600, 819_200, 1_114_112)
    assert found.per_day == 122_880 * (1 + 1_114_112 / files)
    assert found.days_left == found.free / found.per_day


def test_an_archive_without_a_full_day_has_no_rate(tmp_path: Path) -> None:
    assert usage(tmp_path, NOW).per_day is None
    put(tmp_path, "articles", 0, 4_096)
    (tmp_path / "articles" / "date=other").mkdir()
    found = usage(tmp_path, NOW)
    assert (found.articles, found.per_day, found.days_left) == (4_096, None, None)
    assert usage(tmp_path, NOW + timedelta(days=1)).per_day is None, "the first day brought what the feeds had listed"
    later = usage(tmp_path, NOW + timedelta(days=2))
    assert (later.per_day, later.days_left) == (0.0, None)


def test_a_first_day_is_no_day_like_the_others(tmp_path: Path) -> None:
    for days_ago, size in ((3, 999_424), (2, 8_192), (1, 4_096)):
        put(tmp_path, "raw", days_ago, size)
    assert usage(tmp_path, NOW).per_day == 6_144


def test_a_day_that_a_clock_was_ahead_by_counts_as_bytes_but_not_for_the_rate(tmp_path: Path) -> None:
    put(tmp_path, "articles", -400, 4_096)
    assert usage(tmp_path, NOW).per_day is None
    for days_ago in (2, 1):
        put(tmp_path, "articles", days_ago, 4_096)
    found = usage(tmp_path, NOW)
    assert (found.articles, found.per_day) == (12_288, 4_096)


def test_what_is_no_day_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "articles", 1, 4_096)
    (tmp_path / "articles" / "date=2026-01-01").write_bytes(b"a file")
    (tmp_path / "articles" / "date=2026-02-30").mkdir()
    assert usage(tmp_path, NOW).articles == 4_096
    assert usage(tmp_path / "articles", NOW).total == 0
