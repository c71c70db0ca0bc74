"""``veille stats``: its figures are the archive's own, and whatever cannot be read or written is told in one line."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from command import messages, start, veille
from history import FEEDS, SIGN_OFF, archive_history, full_text, make_history
from holdings import new_store
from lxml import etree

HISTORY = make_history(days=20)
ONLY = ("--feed", "rfi-km")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an archive in ``data``; no test changes it."""
    directory = tmp_path_factory.mktemp("stats")
    archive_history(directory / "data", HISTORY)
    return directory


def json_lines(home: Path, *words: str) -> list[dict[str, Any]]:
    done = veille(home, "--json", *words)
    assert (done.returncode, messages(done)) == (0, [])
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_json_lines_add_up_to_what_status_says_is_archived(home: Path) -> None:
    found = json_lines(home, "stats")
    archived = json_lines(home, "status")[-1]["total"]["archived"]
    total = found[-1]["total"]
    days = [line for line in found if "day" in line]
    assert sum(line["articles"] for line in days) == total["articles"] == archived == len(HISTORY)
    assert sum(line["paragraphs"] for line in days) == total["paragraphs"] == sum(one.paragraphs for one in HISTORY)
    reasons = Counter(removal.reason for article in HISTORY for removal in article.removed)
    assert total["removed"] == reasons
    assert {reason: sum(line["removed"][reason] for line in days) for reason in reasons} == reasons
    counted = Counter((article.archived.date().isoformat(), article.feed) for article in HISTORY)
    assert {(line["day"], line["feed"]): line["articles"] for line in days} == counted
    assert found[-1]["complete"] is True


def test_repeated_paragraphs_stand_where_it_says(home: Path) -> None:
    found = json_lines(home, "stats", "--top", "3")
    learned = [line for line in found if "boilerplate" in line]
    repeated = [line for line in found if "repeated" in line]
    assert Counter(line["feed"] for line in learned) == dict.fromkeys(FEEDS, 3)
    assert len(repeated) == 3
    assert set(SIGN_OFF.values()) <= {line["boilerplate"] for line in learned}
    assert repeated[0]["repeated"] in SIGN_OFF.values()
    by_place = {(article.id, article.revision): full_text(article, HISTORY) for article in HISTORY}
    for line in (*learned, *repeated):
        text = line["boilerplate"] if "boilerplate" in line else line["repeated"]
        assert by_place[line["id"], line["revision"]][line["at"]] == text
    shown = veille(home, "show", repeated[0]["id"])
    assert repeated[0]["repeated"] in shown.stdout.splitlines()


def test_people_are_told_totals_feeds_days_and_what_comes_again(home: Path) -> None:
    done = veille(home, "stats", "--days", "3", "--top", "2")
    assert (done.returncode, messages(done)) == (0, [])
    lines = done.stdout.splitlines()
    assert (
        lines[0]
        == f"{len(HISTORY)} article versions archived, {sum(one.paragraphs for one in HISTORY)} paragraphs in them"
    )
    removed = sum(len(article.removed) for article in HISTORY)
    share = 100 * removed / sum(article.paragraphs for article in HISTORY)
    assert lines[1].startswith(f"{removed} removed ({share:.1f} %): ")
    per_feed = Counter(article.feed for article in HISTORY)
    rows = [line.split() for line in lines]
    assert {row[0]: int(row[1]) for row in rows if row and row[0] in FEEDS} == per_feed
    days = [row[0] for row in rows if row and row[0].startswith("2026-")]
    assert days == ["2026-12-10", "2026-12-11", "2026-12-12"]
    place = lines.index(f"rfi-ar: {SIGN_OFF['rfi-ar']}")
    (said,) = [line for line in json_lines(home, "stats") if line.get("boilerplate") == SIGN_OFF["rfi-ar"]]
    assert lines[place + 1] == (
        f"    stood in {said['articles']} articles on {said['days']} days; head 0, tail {said['tail']}; "
        f"veille show {said['id']}, revision {said['revision']}, position {said['at']}"
    )


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_of_it_is_no_error(home: Path) -> None:
    process = start(home, "stats")
    assert process.stdout is not None
    assert process.stdout.read(1) == str(len(HISTORY))[0]
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait(60)) == ("", 0)
    process.stderr.close()


def test_one_feed_can_be_looked_at_alone(home: Path) -> None:
    found = json_lines(home, "stats", *ONLY)
    assert {line["feed"] for line in found if "feed" in line} == {"rfi-km"}
    assert found[-1]["total"]["articles"] == sum(article.feed == "rfi-km" for article in HISTORY)


def test_a_feed_that_nobody_knows_is_a_usage_error_with_the_nearest_name(home: Path) -> None:
    done = veille(home, "stats", "--feed", "rfi-ffr")
    assert done.returncode == 2
    assert messages(done)[-1] == 'Error: no feed is named rfi-ffr; did you mean "rfi-fr"?'
    far = veille(home, "stats", "--feed", "zzzzzzzz")
    assert messages(far)[-1] == "Error: no feed is named zzzzzzzz; see: veille feeds list"


def test_the_page_is_written_whole_and_has_the_same_figures(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "stats.html"
    file.write_text("before")
    done = veille(home, "stats", "--html", file, timezone="Africa/Nairobi")
    assert (done.returncode, done.stdout, messages(done)) == (0, "", [f"wrote {file}"])
    root = etree.fromstring(file.read_bytes())
    text = "".join(root.itertext())
    assert f"Article versions{len(HISTORY):,}" in text
    assert " EAT by veille. Days are UTC days of archiving." in text
    assert all(sign_off in text for sign_off in SIGN_OFF.values())
    assert [path.name for path in tmp_path.iterdir()] == ["stats.html"]


@pytest.mark.slow
def test_a_page_that_cannot_be_written_is_told_in_one_line_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    folder = veille(home, "stats", "--html", tmp_path)
    assert folder.returncode == 2
    assert messages(folder)[-1] == f"Error: {tmp_path} is no file that a page can be written to"
    assert veille(home, "stats", "--html", "/dev/null").returncode == 2
    missing = veille(home, "stats", "--html", tmp_path / "no" / "stats.html")
    assert missing.returncode == 74
    assert messages(missing) == [f"veille: {tmp_path}/no/stats.html: cannot be written: No such file or directory"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_record_that_is_lost_is_named_and_the_figures_stand(tmp_path: Path) -> None:
    archive_history(tmp_path / "data", HISTORY)
    for file in (tmp_path / "data" / "articles").rglob("*.jsonl"):
        file.unlink()
    done = veille(tmp_path, "stats", "--top", "1")
    assert (done.returncode, messages(done)) == (0, [])
    assert done.stdout.count("(its record cannot be read; veille verify says why)") == 4
    found = json_lines(tmp_path, "stats", "--top", "1")
    assert {line["repeated"] for line in found if "repeated" in line} == {None}
    assert found[-1]["total"]["articles"] == len(HISTORY)


@pytest.mark.slow
def test_an_archive_without_records_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    new_store(tmp_path / "data").close()
    done = veille(tmp_path, "stats", "--html", "stats.html")
    assert (done.returncode, done.stdout) == (0, "")
    assert messages(done)[0] == "no articles archived yet"
    assert "Nothing has been archived yet." in (tmp_path / "stats.html").read_text("utf-8")
    (total,) = [json.loads(line) for line in veille(tmp_path, "--json", "stats").stdout.splitlines()]
    assert total["total"] == {"articles": 0, "paragraphs": 0, "removed": {"repeat": 0, "boilerplate": 0, "known": 0}}


@pytest.mark.slow
def test_where_there_is_no_archive_it_says_so_as_status_does(tmp_path: Path) -> None:
    done, status = veille(tmp_path, "stats", "--html", "stats.html"), veille(tmp_path, "status")
    assert done.returncode == status.returncode == 10
    assert done.stderr == status.stderr
    assert list(tmp_path.iterdir()) == []
