"""The text taken from real pages is as near to what people took from them as the best extractor's, repeats removed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

import pytest
from gold import GoldPage, gold_pages, token_f1

from service.articles.dates import parse_date
from service.articles.extract import extract_page
from service.articles.page import Metadata
from service.articles.paragraphs import filter_article
from storage.model import Scope

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.slow  # test_real_pages says the same of the whole service
@pytest.mark.shared
@pytest.mark.parametrize(("kind", "pages", "least"), [("full-human", 87, 0.954), ("full-curated", 107, 0.958)])
def test_text_comes_as_near_to_gold_as_the_extractor_alone(
    shared_data: Path, kind: str, pages: int, least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = [scores_of(page) for page in gold_pages(shared_data, kind)]
    full, kept = (mean(column) for column in zip(*scores, strict=True))
    with capsys.disabled():
        print(f"\n{kind}: F1 {full:.4f}, {kept:.4f} without repeated paragraphs, {len(scores)} pages")  # noqa: T201
    assert len(scores) == pages
    assert full >= least
    assert kept >= least


def scores_of(page: GoldPage) -> tuple[float, float]:
    extracted = extract_page(page.body, url=page.url, content_type="text/html", now=NOW)
    filtered = filter_article(
        extracted.paragraphs,
        article_id="0" * 32,
        revision=1,
        scope=Scope.BOILERPLATE,
        names={extracted.metadata.publisher or ""},
    )
    return (
        token_f1("\n".join(extracted.paragraphs), page.gold),
        token_f1("\n".join(filtered.kept), page.gold),
    )


@pytest.mark.shared
def test_titles_days_and_authors_agree_with_the_facts_people_noted(shared_data: Path) -> None:
    right = {"title": 0, "date_published": 0, "author": 0}
    noted = dict.fromkeys(right, 0)
    for page in gold_pages(shared_data, "facts"):
        facts = json.loads(page.gold)
        found = extract_page(page.body, url=page.url, now=NOW).metadata
        for name in right:
            if facts.get(name):
                noted[name] += 1
                right[name] += agrees(name, found, facts[name])
    # Trafilatura's own metadata: 16 titles, 13 days, 8 authors.
    assert right["title"] >= 14
    assert right["date_published"] >= 15
    assert right["author"] >= 13


def agrees(name: str, found: Metadata, noted: str) -> bool:
    match name:
        case "title":
            return " ".join((found.title or "").split()) == " ".join(noted.split())
        case "author":
            return any(author.casefold() in noted.casefold() for author in found.authors)
        case _:
            stamp = parse_date(noted, now=NOW)
            assert stamp
            return found.published is not None and abs(found.published - stamp.moment) <= timedelta(hours=26)
