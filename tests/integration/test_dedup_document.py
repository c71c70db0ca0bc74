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
from service.articles.paragraphs import Learned
from service.nearness import MOST
from service.settings import Settings
from storage.model import Article, Scope
from storage.paragraphs import EDGE, KEY
from storage.sketches import FEWEST, NEAR

TEXT = (Path(__file__).parents[2] / "docs" / "dedup.md").read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())
LONG = "Le gouvernement a annoncé mardi un plan de soutien aux agriculteurs touchés par la sécheresse, numéro {}."
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
        f"it has more than {paragraphs._SENTENCE}, or ends a sentence",
        f"at least {Learned().articles} articles of this feed among the first {EDGE} paragraphs",
        f"archived on at least {Learned().days} UTC days",
        f"the index finds by its first {KEY} bytes",
        f"From {NEAR} on it is named",
        f"fewer than {FEWEST} distinct 3-grams",
        f"up to {['no', 'one', 'two', 'three', 'four', 'five'][MOST]} articles",
        "Under `boilerplate`, an article of which nothing would be left",
    ],
)
def test_it_says_what_the_program_has(said: str) -> None:
    assert said in PLAIN


def test_the_settings_start_with_what_the_filter_has() -> None:
    fields = Settings.model_fields
    assert Learned(fields["boilerplate_articles"].default, fields["boilerplate_days"].default) == Learned()
    assert fields["dedup"].default is Scope.BOILERPLATE
