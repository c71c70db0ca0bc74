"""``veille dedup`` and ``veille export`` as a person runs them: beside a service, over damage, on a full disk."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from articles import NOON, digest
from command import VEILLE, environment, messages, veille
from rescoped import DAY, Story, contents, exported, make_archive, seed

from storage.card import READING
from storage.lock import DirectoryLock
from storage.model import Scope

DAMAGE, STORAGE, NO_ARCHIVE, USAGE = 12, 74, 10, 2
CHROME = "Recevez toute l'actualité internationale directement dans votre boîte de réception, chaque matin."


def stories() -> Sequence[Story]:
    """The seed, its follow-up, which came first, and a week of articles that end in the same words."""
    p1, p2, p3, p4, rfi, *again = seed()
    week = [
        Story(f"day {n}", (f"Jour {n}. {p1[:90]} {n}", CHROME), published=NOON + n * DAY, archived=NOON + n * DAY)
        for n in range(7)
    ]
    follow_up = Story("follow-up", (f"N1 {p1[::-1]}", p2, p3, f"N2 {p1[::-1]}", rfi), archived=NOON)
    first = Story("seed", (p1, p2, p3, p4, rfi, *again), published=NOON - DAY, archived=NOON + timedelta(minutes=1))
    return [follow_up, first, *week]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_archive(tmp_path / "data", stories(), Scope.ARTICLE, sealed=NOON + 3 * DAY)
    return tmp_path / "data"


def test_an_export_is_the_archive_under_one_scope_beside_whoever_holds_it(tmp_path: Path, data: Path) -> None:
    p1, p2, p3, p4, rfi, *_ = seed()
    before = contents(data)
    with DirectoryLock(data):
        done = veille(tmp_path, "export", "--scope", "all", "out")
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = messages(done)
    assert line.startswith("9 records, ")
    records = exported(tmp_path / "out")
    assert records[digest("seed"), 1].text.split("\n") == [p1, p2, p3, p4, rfi]
    assert records[digest("follow-up"), 1].text.split("\n") == [f"N1 {p1[::-1]}", f"N2 {p1[::-1]}"]
    assert sum(CHROME in article.text for article in records.values()) == 1
    again = veille(tmp_path, "--json", "export", "out-2", "--scope", "all")
    assert json.loads(again.stdout)["records"] == 9
    assert contents(tmp_path / "out") == contents(tmp_path / "out-2")
    changed = {name for name, content in contents(data).items() if before.get(name) != content}
    assert changed <= {"veille.lock", "veille.db-shm", "veille.db-wal"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out", "out-2"]


def test_dedup_says_by_feed_what_a_scope_would_remove_and_shows_some(tmp_path: Path, data: Path) -> None:
    before = {name: content for name, content in contents(data).items() if "articles/" in name}
    done = veille(tmp_path, "dedup", "--scope", "boilerplate", "--dry-run")
    assert done.returncode == 0
    assert "as an export would be" in " ".join(messages(done))
    heading, feed, total, *examples = done.stdout.splitlines()
    assert "removed under boilerplate (% of characters)" in heading
    assert feed.split()[:4] == ["rfi-fr", "9", "9", "28"]
    assert total.split()[:5] == ["in", "all", "9", "9", "28"]
    assert "0 → 6" in feed
    assert sum(line.startswith("boilerplate: rfi-fr ") for line in examples) == 1
    assert all(len(line) < 160 for line in examples)
    *_, last = veille(tmp_path, "dedup", "--scope", "all", "--dry-run", "--json").stdout.splitlines()
    sums = json.loads(last)["total"]
    assert (sums["articles"], sums["records"], sums["scope"]) == (9, 9, "all")
    assert [sums["then"][reason]["paragraphs"] for reason in ("repeat", "boilerplate", "known")] == [4, 6, 3]
    assert [sums["now"][reason]["paragraphs"] for reason in ("repeat", "boilerplate", "known")] == [4, 0, 0]
    assert sums["then"]["boilerplate"]["characters"] == 6 * len(CHROME)
    assert sums["then"]["boilerplate"]["share"] == pytest.approx(6 * len(CHROME) / sums["characters"])
    assert {name: content for name, content in contents(data).items() if "articles/" in name} == before


@pytest.mark.slow
def test_an_export_is_told_from_an_archive_and_left_alone(tmp_path: Path, data: Path) -> None:
    assert veille(tmp_path, "export", "--scope", "all", "out").returncode == 0
    before = contents(tmp_path / "out")
    for words in (("verify",), ("verify", "--repair"), ("verify", "--rebuild"), ("status",)):
        done = veille(tmp_path, "--data", "out", *words)
        assert done.returncode == NO_ARCHIVE, words
        assert messages(done) == ["out is an export, complete in itself: no archive that veille keeps"]
    assert contents(tmp_path / "out") == before


def test_usage_is_said_in_one_line(tmp_path: Path, data: Path) -> None:
    wet = veille(tmp_path, "dedup", "--scope", "all")
    assert wet.returncode == USAGE
    assert "never rewritten" in messages(wet)[-1]
    assert "veille export" in messages(wet)[-1]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for words, complaint in (
        (("--scope", "all", "full"), "is not empty"),
        (("--scope", "all", "data/out"), "inside the archive"),
        (("--scope", "most", "out"), "'most' is not one of"),
        (("out",), "Missing option '--scope'"),
    ):
        done = veille(tmp_path, "export", *words)
        assert done.returncode == USAGE, words
        assert complaint in " ".join(messages(done))
    assert not (tmp_path / "out").exists()


def test_without_an_archive_both_end_with_ten_and_make_nothing(tmp_path: Path) -> None:
    for words in (("dedup", "--dry-run", "--scope", "all"), ("export", "--scope", "all", "out")):
        done = veille(tmp_path, *words)
        assert done.returncode == NO_ARCHIVE
        assert len(messages(done)) == 1
    assert list(tmp_path.iterdir()) == []


def test_damage_is_told_with_its_place_and_the_rest_goes_on(tmp_path: Path, data: Path) -> None:
    last = max(data.glob("articles/*/*.jsonl"))
    last.write_bytes(last.read_bytes().replace(b"Jour 6", b"Jour 9"))
    for words in (("dedup", "--dry-run", "-q"), ("export", "out")):
        done = veille(tmp_path, *words, "--scope", "all")
        assert done.returncode == DAMAGE
        told = messages(done)[0]
        assert told.startswith(f"left out: {last.relative_to(data)}, byte 0: {digest('day 6')} revision 1 ")
    assert messages(done)[-1].endswith("; 1 left out")
    assert len(exported(tmp_path / "out")) == 8
    assert "left out, 1 in all" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_may_grow_no_further_ends_with_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    long = [Story(str(number), (f"{number} " + "très long " * 30_000,)) for number in range(10)]
    make_archive(tmp_path / "data", long)
    done = subprocess.run(
        [VEILLE, "export", "--scope", "all", "out"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)),
    )
    assert done.returncode == STORAGE
    (line,) = messages(done)
    assert "part-0001.jsonl cannot be written" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


HARNESS = """
import json, sys
snippet, reader = sys.argv[1:]
names = {}
exec(snippet, names)
articles = names["articles"]
rows = articles.to_list() if reader == "datasets" else [dict(zip(articles.columns, row)) for row in articles.fetchall()]
print(json.dumps({f"{row['id']} {row['revision']}": [row["text"], row["removed"], row["near"]] for row in rows}))
"""


@pytest.mark.parametrize("reader", ["datasets", "duckdb"])
def test_others_read_an_export_by_the_words_for_an_archive(tmp_path: Path, data: Path, reader: str) -> None:
    assert veille(tmp_path, "export", "--scope", "all", "out").returncode == 0
    assert READING in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    (snippet,) = [block for block in READING.split("```python\n") if reader in block]
    home = {"HF_HOME": str(tmp_path), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)}
    program = snippet.partition("```")[0].replace("DIR", str(tmp_path / "out"))
    done = subprocess.run(
        [sys.executable, "-c", HARNESS, program, reader],
        env=environment() | home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for file in (tmp_path / "out").glob("articles/*/*") for line in file.read_text("utf-8").splitlines()]
    records = map(json.loads, lines)
    expected = {f"{row['id']} {row['revision']}": [row["text"], row["removed"], row["near"]] for row in records}
    assert json.loads(done.stdout.splitlines()[-1]) == expected
