"""What ``docs/dedup.md`` says: its recipe puts everything back, its numbers are the program's."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from press import Press, Story

from service.articles import paragraphs
from service.articles.paragraphs import Learned, filter_article
from service.nearness import MOST
from service.settings import Settings
from storage.model import Article, Scope
from storage.occurrences import KEY
from storage.paragraphs import EDGE
from storage.sketches import _BANDS, _MINIMA, _ROWS, FEWEST, NEAR

TEXT = (Path(__file__).parents[2] / "docs" / "dedup.md").read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())
LONG = "Le gouvernement a annoncé mardi un plan de soutien aux agriculteurs touchés par la sécheresse, numéro {}."
NUMBERS = ["no", "one", "two", "three", "four", "five"]
ABOUT = "Abonnez-vous à notre lettre d'information pour recevoir chaque matin l'essentiel de l'actualité."


@pytest.fixture(params=[Scope.BOILERPLATE, Scope.ALL])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Press]:
    """An archive of several days, sealed but for the last, with removals of each reason."""
    with closing(Press(tmp_path / "data", scope=request.param)) as desk:
        for number in range(8):
            own = [LONG.format(number), "rfi", LONG.format(number), "« D'ici\u2028là »", LONG.format(number - 1), "rfi"]
            desk.print(Story(f"story-{number}", [*own, ABOUT]))
            desk.next_day()
        desk.print(Story("story-3", [LONG.format(3), LONG.format(5), ABOUT]), Story("nothing-new", [ABOUT]))
        desk.archive.seal(desk.now)
        yield desk


def test_its_recipe_rebuilds_every_record_from_the_lines_alone(desk: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    (recipe,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(desk.directory.parent)
    found: dict[str, Any] = {}
    exec(recipe, found)
    full: Callable[[dict[str, Any]], str] = found["full"]
    archived: list[Article] = [article for _, article in desk.archive.records()]
    reasons = {removal.reason for article in archived for removal in article.removed}
    assert reasons == {"repeat", "boilerplate", *(["known"] if desk.scope is Scope.ALL else [])}
    assert list(desk.directory.glob("articles/*/*.jsonl"))
    assert list(desk.directory.glob("articles/*/*.jsonl.gz"))
    assert len(found["articles"]) == len(archived) == 10
    for article in archived:
        text = full(found["articles"][article.id, article.revision])
        assert text == "\n".join(desk.full(article))
        assert blake2b(text.encode(), digest_size=16).hexdigest() == article.text_hash


@pytest.mark.parametrize(
    "said",
    [
        f"it has more than {paragraphs._SHORT} characters",
        f"it has more than {paragraphs._SENTENCE} characters, and at least {100 * paragraphs._WORDS:.0f} % of them are",
        f"at no more than {NUMBERS[paragraphs._PLACES]} separate places. At {NUMBERS[paragraphs._PLACES + 1]} or more",
        f"without the {100 * paragraphs._WORDS:.0f} % and the {NUMBERS[paragraphs._PLACES]} places",
        f"The {100 * paragraphs._WORDS:.0f} % and the {NUMBERS[paragraphs._PLACES]} places came last",
        f"at least {Learned().articles} articles of this feed among the first {EDGE} paragraphs",
        f"archived on at least {Learned().days} UTC days",
        f"the index finds by its first {KEY} bytes",
        f"From {NEAR} on it is named",
        f"fewer than {FEWEST} distinct 3-grams",
        f"up to {NUMBERS[MOST]} articles",
        f"{_MINIMA} minima of the 3-grams' hashes, in {_BANDS} bands of {_ROWS}",
        "Under `boilerplate`, an article of which nothing would be left",
    ],
)
def test_it_says_what_the_program_has(said: str) -> None:
    assert said in PLAIN


def test_what_it_says_of_sentences_items_and_words_is_what_the_filter_does() -> None:
    ends, item = (
        re.search(pattern, PLAIN)
        for pattern in (
            r"marks of the living scripts \((.+?) and others\)",
            r"row of a table: (.+?) and a",
        )
    )
    assert ends
    assert item
    short, long = "x" * paragraphs._SHORT, f"{'x' * 19} " * 5
    assert not paragraphs._is_prose(short + "x")
    assert not paragraphs._is_prose(short[1:] + ".")
    for mark in re.findall("`(.)`", ends[1]):
        assert paragraphs._is_prose(short + mark)
        assert all(paragraphs._is_prose(short + mark + closer) for closer in "«»“”’)]」")
    for begins in (*(f"{mark} " for mark in re.findall("`(.)`", item[1])), "|"):
        assert not paragraphs._is_prose(begins + short + ".")
    assert not paragraphs._is_prose(long)
    assert paragraphs._is_prose(long + "x")
    assert paragraphs._is_prose("{" * 8 + long[8:] + "x")
    assert not paragraphs._is_prose("{" * 9 + long[9:] + "x")


def test_a_page_with_its_article_twice_is_one_place_whatever_short_lines_part_it() -> None:
    assert "is one place, whatever short lines part its second copy" in PLAIN

    def removed(short_lines: int) -> int:
        parts = [[LONG.format(number), *(["Oui."] if number < short_lines else [])] for number in range(5)]
        article = [line for part in parts for line in part]
        return len(filter_article(article * 2, article_id="0", revision=1, scope=Scope.ARTICLE, names=()).removed)

    assert [removed(0), removed(1), removed(4)] == [5, 5, 5]


def test_its_tables_agree_with_each_other() -> None:
    rows = [[cell.strip("* ") for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
    corpora = next(index for index, row in enumerate(rows) if row[0] == "corpus")
    scopes = {row[0]: row for row in rows if len(row) == 9 and row[-1].startswith("0 of")}
    columns = {"article": 4, "boilerplate": 5, "all": 6}
    every = next(row for row in rows if row[0] == "all" and len(row) == 10)
    for scope, column in columns.items():
        assert sum(map(int, scopes[scope][1:4])) == int(every[column])
        assert sum(int(row[column]) for row in rows[corpora + 2 : rows.index(every)]) == int(every[column])
    judged = {row[0].strip("`"): sum(map(int, row[1:4])) for row in rows if len(row) == 5 and row[1].isdecimal()}
    shown = {"repeat": ("boilerplate", 1), "boilerplate": ("boilerplate", 2), "known": ("all", 3)}
    assert judged == {reason: int(scopes[scope][column]) for reason, (scope, column) in shown.items()}
    assert f"All {sum(judged.values())} removals" in PLAIN


def test_the_settings_start_with_what_the_filter_has() -> None:
    fields = Settings.model_fields
    assert Learned(fields["boilerplate_articles"].default, fields["boilerplate_days"].default) == Learned()
    assert fields["dedup"].default is Scope.BOILERPLATE
