"""Other people's readers, each with the words the documents give it, read all of an archive and every value in it."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from articles import NOON, digest, make_article

from storage.archive import Archive
from storage.card import write_card
from storage.database import open_database
from storage.model import AlsoNear, Article, ExtractorFacts, HttpFacts, Near, RawRef, Rights
from storage.segments import segments

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
READERS = ("datasets", "duckdb", "pandas", "polars", "pyarrow")
TIMES = {name for name, hint in get_type_hints(Article).items() if datetime in (hint, *get_args(hint))}


# -- the archives ------------------------------------------------------------------------------------------------------


def nothing(name: str) -> Article:
    """An article of which nothing is known that need not be."""
    unknown = {key: None for key, hint in get_type_hints(Article).items() if type(None) in get_args(hint)}
    return make_article(name, **unknown, authors=(), text="", paragraphs=0, removed=(), http=HttpFacts())


def everything(name: str, **changes: Any) -> Article:
    """An article of which all is known."""
    full = make_article(
        name,
        title="12 morts, 27 blessés",
        description='two\nlines, a tab\t, "quotes" and \\ a slash \u2028',
        publisher="123",
        section="true",
        tags=("null", "1e3", ""),
        also_in=("rfi-en", "rfi-ar"),
        modified=NOON + timedelta(microseconds=1),
        canonical_url=f"https://news.test/{name}?a=1&b=%20#c",
        image="https://news.test/i.jpg",
        near=(Near(0, digest("other"), 1, 3), Near(1, digest("other"), 2, 2**40)),
        also_near=(AlsoNear(digest("other"), 2, 0.1234567890123456), AlsoNear(digest("third"), 1, 1.0)),
        accessible_for_free=False,
        license="https://creativecommons.org/licenses/by/4.0/",
        rights=Rights(True, True, False, False, "ai-train=no"),
        http=HttpFacts(200, '"e"', "Mon, 23 Nov 2026 12:00:00 GMT", "text/html", "utf-8", 2**40),
        raw=RawRef("raw/date=2026-11-23/w-0001.warc.gz", 2**40, "sha256:00"),
        extractor=ExtractorFacts("trafilatura", "2.3.1", "fallback"),
        warnings=("odd",),
    )
    return replace(full, **changes)


def lookalike(name: str) -> Article:
    """An article whose strings look like times."""
    return everything(name, title="2026-11-23", published_raw="2026-11-23T13:00:00+01:00")


SCRIPTS = {
    "ru": "Президент подписал указ\nВторой абзац",
    "ar": "قال الرئيس إن الميزانية أُقرت\nالفقرة الثانية",
    "he": "הנשיא חתם",
    "zh-Hans": "总统签署了预算\n第二段",
    "hi": "राष्ट्रपति ने हस्ताक्षर किए",
    "vi": "Tổng thống đã ký ngân sách",
    "fr": "«\u202fÇa\u202f», dit-il \u2014 e\u0301 🦊 \U0001f468\u200d\U0001f469\u200d\U0001f467 \x1f\x7f\ufeff",
}


def write(directory: Path, days: list[list[Article]], *, sealed: int, segment_bytes: int = 2**28) -> None:
    """An archive of these days, the first ``sealed`` of them sealed."""
    directory.mkdir(exist_ok=True)
    write_card(directory)
    with closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as store:
        for number, articles in enumerate(days):
            now = NOON + number * DAY
            with closing(Archive.open(directory, store, now, segment_bytes=segment_bytes)) as archive:
                for some in (articles[start : start + 10] for start in range(0, len(articles), 10)):
                    archive.commit(some, [], now)
                if number + 1 == sealed:
                    archive.seal(now + DAY)


def mixed() -> list[list[Article]]:
    """Days whose columns are null from end to end beside days in which no value is."""
    scripts = [everything(language, language=language, text=text) for language, text in SCRIPTS.items()]
    long = [everything(f"long {number}", text=str(number) * 1_500_000) for number in (1, 2, 3)]
    return [
        [nothing(f"first {number}") for number in range(40)],
        [
            *scripts,
            *long,
            nothing("between"),
            make_article("early", published=datetime(1969, 7, 20, 20, 17, tzinfo=UTC)),
        ],
        [nothing(f"later {number}") for number in range(40)],
        [nothing(f"last {number}") for number in range(20)],
        [(lookalike if number % 2 else everything)(f"full {number}") for number in range(40)],
        [nothing("today")],
    ]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of archives, whole and damaged."""
    root = tmp_path_factory.mktemp("archives")
    write(root / "mixed", mixed(), sealed=3, segment_bytes=30_000)
    write(root / "sealed", mixed()[:2], sealed=2)
    write(root / "plain", [[nothing("one"), everything("two"), lookalike("three")]], sealed=0)
    write(root / "lookalikes", [[lookalike("one"), lookalike("two")]], sealed=0)
    with closing(open_database(f"sqlite:///{root / 'mixed/veille.db'}")) as store:
        members = [len(sealed.members) for sealed in store.sealed_files().values()]
    assert len(members) > 3
    assert max(members) > 1
    leave_behind(root / "mixed")
    for name, damage in DAMAGES.items():
        write(
            root / name,
            [[nothing("one")], [everything(str(number)) for number in range(30)]],
            sealed=1 + (name != "unfinished"),
        )
        damage(max((root / name).glob("articles/*/*")))
    return root


def leave_behind(directory: Path) -> None:
    """What crashes leave, and what else lies in a data directory."""
    day = directory / "articles/date=2026-11-28"
    (file,) = day.iterdir()
    file.with_suffix(".torn").write_bytes(b'{"schema": "veille.art')
    file.with_suffix(".gz.tmp").write_bytes(gzip.compress(b"{}\n")[:-3])
    raw = directory / "raw/date=2026-11-23"
    raw.mkdir(parents=True)
    (raw / file.with_suffix(".warc.gz").name).write_bytes(gzip.compress(b"WARC/1.1\r\n"))
    (directory / "veille.lock").write_text("1\n")


def cut(file: Path) -> None:
    """The end of the last gzip member is missing."""
    file.write_bytes(file.read_bytes()[:-10])


def lose_a_member(file: Path) -> None:
    """Whole members, but one of them is missing."""
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[:10])) + gzip.compress(b"".join(lines[10:20])))


def flip(file: Path) -> None:
    """A bit of the checksum is another: what the member unfolds to is not what was packed."""
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def leave_unfinished(file: Path) -> None:
    """The line being written stands there in part."""
    with file.open("ab") as stream:
        stream.write(b'{"schema": "veille.article/1", "id": "01')


DAMAGES: dict[str, Callable[[Path], None]] = {
    "cut": cut,
    "lost": lose_a_member,
    "flipped": flip,
    "unfinished": leave_unfinished,
}


# -- the readers -------------------------------------------------------------------------------------------------------


HARNESS = """
import json, os, sys
from datetime import UTC, datetime
reader, snippet, out, *directories = sys.argv[1:]
def plain(value):
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return str(value)
def rows(articles):
    match reader:
        case "datasets": return articles.to_list()
        case "duckdb": return [dict(zip(articles.columns, row)) for row in articles.fetchall()]
        case "pandas": return articles.astype(object).where(articles.notna(), None).to_dict("records")
        case "polars": return articles.to_dicts()
        case "pyarrow": return articles.to_pylist()
found = {}
for directory in directories:
    names = {}
    try:
        exec(snippet.replace("DIR", directory), names)
        found[directory] = rows(names["articles"])
    except Exception as error:
        found[directory] = f"{type(error).__name__}: {error}"
with open(out, "w") as file:
    json.dump(found, file, default=plain)
"""


def snippets(document: Path) -> dict[str, str]:
    """The document's ways to read an archive, by reader."""
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    return {name: block for block in blocks for name in READERS if re.search(rf"\b(import|from) .*\b{name}\b", block)}


@pytest.fixture(scope="module")
def found(archives: Path) -> dict[str, dict[str, Any]]:
    """What each reader finds in each archive: its rows, or how it fails."""
    home = archives.parent / "home"
    home.mkdir()
    offline = {"HF_HOME": str(home), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HOME": str(home)}
    directories = sorted(str(path) for path in archives.iterdir())
    results = {}
    ways = snippets(archives / "mixed" / "README.md")
    assert set(ways) == set(READERS)
    for reader, snippet in ways.items():
        out = home / f"{reader}.json"
        done = subprocess.run(
            [sys.executable, "-c", HARNESS, reader, snippet, out, *directories],
            env=os.environ | offline,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rows = json.loads(out.read_text())
        results[reader] = {Path(directory).name: value for directory, value in rows.items()}
    return results


def test_datasets_sees_what_has_come_since_it_last_looked(tmp_path: Path) -> None:
    data = tmp_path / "data"
    stories = [nothing(f"story {number}") for number in range(5)]
    program = snippets(Path(__file__).parents[2] / "README.md")["datasets"] + "\nprint(len(articles))"
    home = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    counts = []
    for some in (stories[:2], stories[2:]):
        write(data, [some], sealed=0)
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=os.environ | home,
            capture_output=True,
            text=True,
            check=True,
        )
        counts.append(done.stdout.split()[-1])
    assert counts == ["2", "5"]


def truth(directory: Path) -> list[dict[str, Any]]:
    """Every line of an archive, by Python's own means."""
    lines = []
    for file in segments(directory):
        plain = directory / file
        content = (
            plain.read_bytes() if plain.exists() else gzip.decompress(plain.with_name(f"{plain.name}.gz").read_bytes())
        )
        lines += [json.loads(line) for line in content.split(b"\n") if line]
    return lines


def settled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Times as moments, and in an order of their own; only the record's own keys."""

    def value(key: str, found: Any) -> Any:
        return datetime.fromisoformat(found) if key in TIMES and found is not None else found

    rows = [{key: value(key, row[key]) for key in row if key != "date"} for row in rows]
    return sorted(rows, key=lambda row: (row["id"], row["revision"]))


@pytest.mark.parametrize("name", ["mixed", "sealed", "plain"])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_finds_every_record_with_every_value_as_it_was_written(
    archives: Path, found: dict[str, dict[str, Any]], reader: str, name: str
) -> None:
    rows = found[reader][name]
    assert not isinstance(rows, str), rows
    expected = settled(truth(archives / name))
    assert len(rows) == len(expected)
    for row, record in zip(settled(rows), expected, strict=True):
        assert row == record


@pytest.mark.parametrize("reader", READERS)
def test_a_string_stays_a_string_although_all_of_a_file_look_like_times_but_for_datasets(
    archives: Path, found: dict[str, dict[str, Any]], reader: str
) -> None:
    strings = [(record["title"], record["published_raw"]) for record in found[reader]["lookalikes"]]
    as_written = [("2026-11-23", "2026-11-23T13:00:00+01:00")] * 2
    assert strings == (as_written if reader != "datasets" else [("2026-11-23 00:00:00", "2026-11-23 12:00:00")] * 2)
    records = settled(truth(archives / "lookalikes"))
    for row, record in zip(settled(found[reader]["lookalikes"]), records, strict=True):
        assert row | {"title": "", "published_raw": ""} == record | {"title": "", "published_raw": ""}


@pytest.mark.parametrize("reader", READERS)
def test_a_sealed_file_that_was_cut_short_or_changed_fails_to_be_read_but_for_a_bit_by_duckdb(
    found: dict[str, dict[str, Any]], reader: str
) -> None:
    assert isinstance(found[reader]["cut"], str)
    assert isinstance(found[reader]["flipped"], str) == (reader != "duckdb")


@pytest.mark.parametrize("reader", READERS)
def test_a_lost_gzip_member_shows_against_the_manifest_and_to_no_reader(
    archives: Path, found: dict[str, dict[str, Any]], reader: str
) -> None:
    line = json.loads((archives / "lost/manifest.jsonl").read_bytes().splitlines()[-1])
    content = (archives / "lost" / line["path"]).read_bytes()
    assert len(found[reader]["lost"]) == 1 + 20 < 1 + line["records"]
    assert hashlib.sha256(content).hexdigest() != line["sha256"]
    assert len(content) != line["bytes"]


@pytest.mark.parametrize("reader", READERS)
def test_a_line_that_is_being_written_fails_to_be_read(found: dict[str, dict[str, Any]], reader: str) -> None:
    assert isinstance(found[reader]["unfinished"], str)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_manifest_is_checked_without_this_program_by_the_words_of_the_card(archives: Path) -> None:
    (command,) = re.findall(r"^ {4}(jq .*)$", (archives / "mixed/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    for name, is_sound in (("mixed", True), ("sealed", True), ("lost", False), ("flipped", False)):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=archives / name, capture_output=True, check=False
        )
        assert (done.returncode == 0) == is_sound, done


def test_duckdb_counts_by_one_column_in_the_words_of_the_documents(archives: Path) -> None:
    import duckdb

    text = (Path(__file__).resolve().parents[2] / "docs/archive.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"^`(SELECT .*)`\.$", text, re.MULTILINE)
    expected = Counter(record["feed"] for record in truth(archives / "mixed"))
    assert duckdb.sql(query.replace("'data/", f"'{archives / 'mixed'}/")).fetchall() == list(expected.items())
