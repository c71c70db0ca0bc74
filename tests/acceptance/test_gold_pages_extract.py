"""The text taken from real pages is as near to what people took from them as the best extractor's, repeats removed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

import pytest
from articles import digest
from gold import GoldPage, gold_pages, token_f1

from service.archiving import names
from service.articles.compose import Draft, compose
from service.articles.dates import parse_date
from service.articles.extract import extract_page
from service.articles.page import Metadata, Page
from service.articles.paragraphs import filter_article
from storage.forms import forms_of
from storage.model import Article, Entry, Feed, HttpFacts, PendingEntry, Rights, Scope
from storage.rebuild import full_paragraphs

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Score:
    """How near a page's text comes to the gold: as it is extracted, and under the default scope."""

    kind: str
    full: float
    kept: float
    is_rebuilt: bool


@pytest.fixture(scope="module")
def scores(shared_data: Path) -> list[Score]:
    return [score(page) for kind in LEAST for page in gold_pages(shared_data, kind)]


LEAST = {"full-human": (87, 0.954), "full-curated": (107, 0.958)}
"""Pages of each kind, and the mean F1 that the extractor alone reaches."""


@pytest.mark.shared
def test_text_comes_as_near_to_gold_as_the_extractor_alone_and_no_less_near_where_repeats_are_removed(
    scores: list[Score], record_property: Callable[[str, object], None]
) -> None:
    for kind, (pages, least) in LEAST.items():
        full, kept = means([score for score in scores if score.kind == kind], pages, kind, record_property)
        assert full >= least
        assert kept >= full
    full, kept = means(scores, sum(pages for pages, _ in LEAST.values()), "both kinds", record_property)
    assert kept >= full


def means(
    scores: list[Score], pages: int, kind: str, record_property: Callable[[str, object], None]
) -> tuple[float, float]:
    assert len(scores) == pages
    full, kept = mean(score.full for score in scores), mean(score.kept for score in scores)
    record_property("measured", f"{kind}, {pages} pages: F1 {full:.5f} off, {kept:.5f} under the default scope")
    return full, kept


@pytest.mark.shared
def test_every_gold_page_is_rebuilt_exactly_from_its_record(scores: list[Score]) -> None:
    assert len(scores) == 194
    assert all(score.is_rebuilt for score in scores)


def score(page: GoldPage) -> Score:
    extracted = extract_page(page.body, url=page.url, content_type="text/html", now=NOW)
    draft = draft_of(page, extracted)
    off, default = (record(draft, scope) for scope in (Scope.OFF, Scope.BOILERPLATE))
    assert off.text == "\n".join(extracted.paragraphs)
    return Score(
        page.kind,
        token_f1(off.text, page.gold),
        token_f1(default.text, page.gold),
        full_paragraphs(default, nothing_else) == list(extracted.paragraphs),
    )


def record(draft: Draft, scope: Scope) -> Article:
    article_id, paragraphs = draft.pending.entry.article_id, draft.paragraphs
    filtered = filter_article(paragraphs, article_id=article_id, revision=1, scope=scope, names=names(draft))
    return compose(draft, filtered, revision=1, also_in=(), archived=NOW)


def draft_of(page: GoldPage, extracted: Page) -> Draft:
    entry = Entry(page.url, digest(page.url), digest(page.url), url=page.url)
    return Draft(
        pending=PendingEntry(1, "feed", "https://feeds.example/rss", 1, entry, NOW),
        feed=Feed("feed", "https://feeds.example/rss"),
        paragraphs=extracted.paragraphs,
        forms=forms_of(extracted.paragraphs),
        text_source="page",
        metadata=extracted.metadata,
        summary=None,
        extractor=extracted.extractor,
        rights=Rights(),
        http=HttpFacts(),
        url=page.url,
        fetched=NOW,
    )


def nothing_else(article_id: str, revision: int) -> Article:
    raise AssertionError(f"{article_id} revision {revision}: a page alone refers to itself only")


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
    assert right["title"] >= 16
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
