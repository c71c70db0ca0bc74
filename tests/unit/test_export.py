"""The files of an export: where records go, when a file begins, and what is left where writing fails."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from articles import NOON, make_article

from service.cli.rescope import _ended_by_sigterm
from storage.card import outdated, write_card
from storage.errors import StorageError
from storage.export import CLAIM, open_export
from storage.export_card import Exported
from storage.model import Article, Scope
from storage.ranks import open_ranks
from storage.records import encode

DAY = timedelta(days=1)
EXPORTED = Exported(Scope.ALL, 2, 0, 5, 3)


def below(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


def write(
    directory: Path, articles: list[Article], *, segment_bytes: int = 2**20, exported: Exported = EXPORTED
) -> None:
    with open_export(directory, segment_bytes=segment_bytes) as files:
        for article in articles:
            files.write(article)
        files.finish(exported)


def test_records_stand_by_the_utc_day_of_archiving_and_long_files_are_followed_by_the_next(tmp_path: Path) -> None:
    articles = [make_article(str(number), archived=NOON + (number // 3) * DAY) for number in range(6)]
    length = len(encode(articles[0]))
    write(tmp_path / "out", articles, segment_bytes=2 * length)
    assert below(tmp_path / "out") == [
        "README.md",
        "articles/date=2026-11-23/part-0001.jsonl",
        "articles/date=2026-11-23/part-0002.jsonl",
        "articles/date=2026-11-24/part-0001.jsonl",
        "articles/date=2026-11-24/part-0002.jsonl",
        "schema.json",
    ]
    files = sorted((tmp_path / "out").glob("articles/*/*"))
    assert b"".join(file.read_bytes() for file in files) == b"".join(map(encode, articles))
    assert files[0].stat().st_size == 2 * length


def test_a_record_longer_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "out", [make_article("a"), make_article("b")], segment_bytes=10)
    assert len(list((tmp_path / "out").glob("articles/*/*"))) == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_written_is_removed_where_writing_fails(tmp_path: Path, is_there: bool) -> None:
    out = tmp_path / "some" / "out"
    if is_there:
        out.mkdir(parents=True)

    def write_in_part() -> None:
        with open_export(out) as files:
            for number in range(3):
                files.write(make_article("a", archived=NOON + number * DAY))
            assert len(below(out)) == 4
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_in_part()
    assert list(tmp_path.rglob("*")) == ([out.parent, out] if is_there else [])


def test_what_is_not_complete_is_hidden_and_has_no_card(tmp_path: Path) -> None:
    with open_export(tmp_path / "out") as files:
        files.write(make_article("a"))
        files.write(make_article("b", archived=NOON + DAY))
        assert below(tmp_path / "out") == [
            CLAIM,
            "articles/date=2026-11-23/part-0001.jsonl",
            "articles/date=2026-11-24/.part-0001.jsonl.tmp",
        ]
        files.finish(EXPORTED)
    assert "README.md" in below(tmp_path / "out")


def test_what_cannot_be_written_is_a_storage_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"), open_export(tmp_path / "file" / "out"):
        pass
    assert below(tmp_path) == ["file"]


def test_the_card_says_what_was_done_until_the_directory_is_an_archive(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, [make_article("a")], exported=Exported(Scope.BOILERPLATE, 1, 3, 7, 4))
    card = (out / "README.md").read_text(encoding="utf-8")
    for words in ("1 record of format", "scope `boilerplate`", "7 articles", "4 days", "left out, 3 in all"):
        assert words in card
    assert "manifest" not in card
    assert list(outdated(out)) == ["README.md"]  # by an archive's measure
    assert write_card(out) == ["README.md"]
    assert outdated(out) == {}
    assert "# News articles, archived by veille" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("scope", Scope)
def test_a_card_of_each_scope_says_its_rule(tmp_path: Path, scope: Scope) -> None:
    write(tmp_path / scope, [], exported=Exported(scope, 0, 0, 5, 3))
    card = (tmp_path / scope / "README.md").read_text(encoding="utf-8")
    assert f"scope `{scope}`" in card
    assert "left out" not in card


def test_scratch_is_removed_however_its_use_ends(tmp_path: Path) -> None:
    with open_ranks(tmp_path):
        assert list(tmp_path.iterdir()) != []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt), open_ranks(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match="no scratch"), open_ranks(tmp_path / "missing"):
        pass


def test_sigterm_ends_a_verb_so_that_all_is_removed(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def write_in_part() -> None:
        with _ended_by_sigterm(), open_export(tmp_path / "out") as files:
            files.write(make_article("a"))
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        write_in_part()
    assert ended.value.code == 143
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


def test_of_two_exports_into_one_directory_the_second_is_refused_and_touches_nothing(tmp_path: Path) -> None:
    with open_export(tmp_path / "out") as first:
        first.write(make_article("a"))
        with pytest.raises(StorageError, match="another export is being written into"), open_export(tmp_path / "out"):
            pass
        first.write(make_article("b"))
        first.finish(EXPORTED)
    assert below(tmp_path / "out") == ["README.md", "articles/date=2026-11-23/part-0001.jsonl", "schema.json"]
    (file,) = (tmp_path / "out").glob("articles/*/*")
    assert file.read_bytes() == encode(make_article("a")) + encode(make_article("b"))
