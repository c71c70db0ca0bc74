"""What a page says of itself: each field from the most trusted source that has it, and never a guess passed as fact."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.articles.dates import parse_date
from service.articles.extract import extract_page
from service.articles.head import Head
from service.articles.jsonld import JsonLd
from service.articles.languages import normalise_language
from service.articles.metadata import read_metadata, read_moment
from service.articles.names import person_names
from service.articles.page import Metadata
from service.articles.rights import read_reserved

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "https://www.example.org/monde/une-histoire?id=7"
SEED = Path(__file__).parents[1] / "fixtures" / "seed"
TEXT = "<p>Le président est arrivé à Bakou dimanche soir, où l'attendait une délégation.</p>" * 3


class NoLooks:
    def title(self) -> str | None:
        return None

    def authors(self) -> str | None:
        return None

    def day(self) -> str | None:
        return None


class Looks(NoLooks):
    def title(self) -> str | None:
        return "Le titre à l'œil"

    def authors(self) -> str | None:
        return "Ana Ruiz; Li Wei"

    def day(self) -> str | None:
        return "2024-05-03"


def described(
    node: Any = None, looks: NoLooks | None = None, headers: Mapping[str, str] | None = None, **head: Any
) -> Metadata:
    scripts = [] if node is None else [json.dumps(node)]
    filled = Head(json_ld=scripts, **{"meta": {}, "links": {}, **head})
    return read_metadata(filled, looks=looks or NoLooks(), url=URL, headers=headers or {}, now=NOW)[0]


def article(**properties: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "NewsArticle", **properties}


def from_html(head: str, body: str = TEXT) -> Metadata:
    html = f"<!doctype html><html lang=fr><head>{head}</head><body><article>{body}</article></body></html>"
    return extract_page(html.encode(), url=URL, now=NOW).metadata


# -- whole pages -------------------------------------------------------------------------------------------------------


def test_the_seed_page_gives_its_metadata() -> None:
    expected = json.loads((SEED / "article.expected.json").read_text("utf-8"))
    found = extract_page((SEED / "article.html").read_bytes(), url=expected["url"], now=NOW).metadata
    for name, value in expected["metadata"].items():
        written = getattr(found, name)
        if isinstance(written, datetime):
            written = written.isoformat()
        assert (list(written) if isinstance(written, tuple) else written) == value, name


def test_a_bare_page_is_read_by_its_looks() -> None:
    found = from_html(
        "<title>Une histoire de Bakou | Le Site</title>",
        '<h1>Une histoire de Bakou</h1><p class="author">Par Ana Ruiz</p>'
        f'<time datetime="2024-05-03">3 mai</time>{TEXT}',
    )
    assert found.title == "Une histoire de Bakou"
    assert found.authors == ("Ana Ruiz",)
    assert found.published == datetime(2024, 5, 3, tzinfo=UTC)
    assert found.published_raw == "2024-05-03"


def test_a_page_that_says_nothing_is_told_nothing() -> None:
    assert described() == Metadata()


# -- trust -------------------------------------------------------------------------------------------------------------


def test_json_ld_comes_before_open_graph_before_looks() -> None:
    meta = {
        "og:title": ["Titre OG"],
        "og:description": ["Chapeau OG"],
        "author": ["Marie Curie"],
        "article:published_time": ["2024-05-01T10:00:00Z"],
        "article:section": ["Section OG"],
    }
    node = article(
        headline="Titre JSON",
        description="Chapeau JSON",
        author={"@type": "Person", "name": "Jean Jaurès"},
        datePublished="2024-05-02T10:00:00+02:00",
        articleSection="Section JSON",
    )
    first, second, third = (
        described(node, Looks(), meta=meta),
        described(None, Looks(), meta=meta),
        described(None, Looks()),
    )
    assert [first.title, second.title, third.title] == ["Titre JSON", "Titre OG", "Le titre à l'œil"]
    assert [first.authors, second.authors] == [("Jean Jaurès",), ("Marie Curie",)]
    assert third.authors == ("Ana Ruiz", "Li Wei")
    assert [first.published_raw, second.published_raw, third.published_raw] == [
        "2024-05-02T10:00:00+02:00",
        "2024-05-01T10:00:00Z",
        "2024-05-03",
    ]
    assert [first.description, second.description, third.description] == ["Chapeau JSON", "Chapeau OG", None]
    assert [first.section, second.section] == ["Section JSON", "Section OG"]


def test_each_field_falls_back_by_itself() -> None:
    found = described(article(headline="Titre JSON"), meta={"og:description": ["Chapeau OG"], "og:title": ["Titre OG"]})
    assert (found.title, found.description) == ("Titre JSON", "Chapeau OG")


@pytest.mark.parametrize(
    ("title", "headings", "site", "clean"),
    [
        ("Un titre - RFI", [], "RFI", "Un titre"),
        ("Un titre | rfi", [], "RFI", "Un titre"),
        ("Un titre : le bilan", [], "RFI", "Un titre : le bilan"),
        ("Un titre assez long | Journal en ligne", ["Un titre assez long"], None, "Un titre assez long"),
        (
            "日本の首都で会議が開かれた：朝日新聞デジタル",
            ["日本の首都で会議が開かれた"],
            None,
            "日本の首都で会議が開かれた",
        ),
        ("Un titre assez longuet", ["Un titre assez long"], None, "Un titre assez longuet"),
        ("Guerre - et paix", ["Guerre"], None, "Guerre - et paix"),
        ("L&#039;accord &amp; <em>la paix</em>", [], None, "L'accord & la paix"),
    ],
)
def test_a_title_loses_what_the_template_adds(title: str, headings: list[str], site: str | None, clean: str) -> None:
    meta = {"og:title": [title]} | ({"og:site_name": [site]} if site else {})
    assert described(meta=meta, headings=headings).title == clean


@pytest.mark.parametrize(
    ("title", "headings", "taken"),
    [
        ("Un titre assez long et", ["Un titre assez long et encore plus"], "Un titre assez long et encore plus"),
        ("Travail", ["Nous voulons plus de Travail"], "Nous voulons plus de Travail"),
        ("Travail", ["Nous voulons plus de Travaille"], "Travail"),
        ("Travail", ["Travail"], "Travail"),
        ("Un autre titre que celui", ["Un titre assez long et encore plus"], "Un autre titre que celui"),
        ("Un titre assez long et", ["Un titre assez long et encore plus", "Ailleurs"], "Un titre assez long et"),
        ("Le titre assez long", ["Vu d'ici : Le titre assez long"], "Le titre assez long"),
    ],
)
def test_a_title_cut_short_is_taken_in_full_from_the_only_heading(title: str, headings: list[str], taken: str) -> None:
    assert described(meta={"og:title": [title]}, headings=headings).title == taken


def test_the_sites_name_is_not_taken_for_the_title() -> None:
    assert described(None, Looks(), meta={"og:title": ["RFI"], "og:site_name": ["RFI"]}).title == "Le titre à l'œil"


# -- JSON-LD -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ana Ruiz", ("Ana Ruiz",)),
        ({"name": "Ana Ruiz"}, ("Ana Ruiz",)),
        ([{"@type": "Person", "name": "Ana Ruiz"}, "Li Wei", {"name": ["Bo Lind"]}], ("Ana Ruiz", "Li Wei", "Bo Lind")),
        ({"name": "https://www.facebook.com/ana"}, ()),
        ([{"name": "Ana Ruiz"}, {"name": "ana ruiz"}], ("Ana Ruiz",)),
        ([{"name": "Ana Ruiz"}, {"@type": "Organization", "name": "RFI"}], ("Ana Ruiz",)),
        ({"@type": "Organization", "name": "RFI"}, ("RFI",)),
        (None, ()),
        (7, ()),
        ({"name": {"first": "Ana"}}, ()),
        ([[["Ana"]]], ()),
    ],
)
def test_authors_come_in_every_shape(author: Any, names: tuple[str, ...]) -> None:
    assert described(article(author=author, publisher={"name": "RFI"})).authors == names


@pytest.mark.parametrize(
    "wrap",
    [
        lambda node: node,
        lambda node: [{"@type": "WebSite", "name": "S"}, node],
        lambda node: {"@context": "https://schema.org", "@graph": [{"@type": "Organization", "name": "S"}, node]},
        lambda node: [[{"@graph": {"@type": "WebPage", "name": "P", "mainEntity": node}}]],
        lambda node: {**node, "@type": ["Article", "ReportageNewsArticle"]},
        lambda node: {**node, "@type": "http://schema.org/BlogPosting"},
    ],
)
def test_the_article_is_found_wherever_it_stands(wrap: Any) -> None:
    assert described(wrap(article(headline="Le bon titre"))).title == "Le bon titre"


def test_the_articles_of_a_list_are_not_the_pages_own() -> None:
    items = {"@type": "ItemList", "itemListElement": [article(headline="Autre", datePublished="2024-01-01T00:00:00Z")]}
    assert described(items) == Metadata()


def test_among_several_articles_the_one_of_this_address_counts() -> None:
    nodes = [article(headline="Autre", url="https://www.example.org/autre"), article(headline="Ici", url=URL)]
    assert described(nodes).title == "Ici"


@pytest.mark.parametrize(
    "address",
    [
        URL.replace("https://www.", "http://"),
        URL.removeprefix("https:"),
        URL.removeprefix("https://www.example.org"),
        f"{URL}&utm_source=rss#article",
        "#article",
        "https://www.example.org/",
        "_:b0",
        "urn:article:12",
        "",
    ],
)
def test_an_article_is_the_pages_own_whatever_way_its_address_is_written(address: str) -> None:
    assert described(article(headline="Ici", url=address)).title == "Ici"


@pytest.mark.parametrize("address", ["/autre", "https://example.org/autre", "//www.example.org/autre", f"{URL}&page=2"])
def test_an_article_of_another_address_is_not_the_pages_own(address: str) -> None:
    assert described(article(headline="Autre", url=address)).title is None
    assert described([article(headline="Autre", url=address), article(headline="Ici")]).title == "Ici"


def test_references_within_the_page_are_followed() -> None:
    graph = [
        article(headline="T", author={"@id": "#ana"}, publisher={"@id": "#site"}),
        {"@type": "Person", "@id": "#ana", "name": "Ana Ruiz"},
        {"@type": "Organization", "@id": "#site", "name": "Le Site"},
    ]
    found = described({"@graph": graph})
    assert (found.authors, found.publisher) == (("Ana Ruiz",), "Le Site")


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"@type": "NewsArticle", "headline": "T"} -->',
        '//<![CDATA[\n{"@type": "NewsArticle", "headline": "T"}\n//]]>',
        '{"@type": "NewsArticle", "headline": "T"};',
        '{"@type": "NewsArticle", "headline": "T", "articleBody": "a\tb\nc"}',
        '{"@type": "NewsArticle", "headline": "T", "n": 1%s}' % ("0" * 5000),
    ],
)
def test_json_ld_with_common_faults_is_read(script: str) -> None:
    assert by_scripts([script]).title == "T"


def by_scripts(scripts: list[str]) -> Metadata:
    return read_metadata(Head(json_ld=scripts), looks=NoLooks(), url=URL, headers={}, now=NOW)[0]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "{",
        '{"@type": "NewsArticle", "headline": "T"',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"@type":"NewsArticle","author":' + '{"name":' * 500 + "1" + "}" * 501,
        '{"@type": "NewsArticle", "headline": "' + "x" * 2_000_000 + '"}',
        '[{"@type":"Thing"}' + ',{"@graph":[' * 200 + "]}" * 200 + "]",
        "[" + ",".join(['{"@type":"NewsArticle"}'] * 40_000) + "]",
        '{"@type": "NewsArticle", "headline": "T", "headline": ' + '"\\' * 300_000,
        '"NewsArticle"',
        "null",
        '{"@type": {"@type": []}, "@graph": 3}',
    ],
)
def test_broken_json_ld_costs_nothing_and_says_nothing(script: str) -> None:
    start = time.process_time()
    assert by_scripts([script] * 5).title is None
    assert time.process_time() - start < 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["NewsArticle", "#a", URL]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["@type", "@graph", "@id", "author", "name", "url", "image", "keywords", "publisher", "license"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_no_json_ld_makes_the_reading_fail(value: Any) -> None:
    found = described([value, article(headline=value, author=value, keywords=value, isAccessibleForFree=value)])
    assert all(isinstance(author, str) and author for author in found.authors)
    JsonLd([json.dumps(value)]).strings("name")


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "meta", "tags"),
    [
        (["Russie", "Bakou, la ville"], {}, ("Russie", "Bakou, la ville")),
        ("Russie, Bakou,, Russie", {}, ("Russie", "Bakou")),
        ([{"@type": "DefinedTerm", "name": "Russie"}, "Bakou"], {}, ("Russie", "Bakou")),
        (None, {"article:tag": ["Russie", "Bakou, la ville"], "keywords": ["x"]}, ("Russie", "Bakou, la ville")),
        (None, {"keywords": ["Russie, Bakou"]}, ("Russie", "Bakou")),
        (None, {"keywords": ["روسيا، باكو"]}, ("روسيا", "باكو")),
    ],
)
def test_tags_come_as_lists_or_in_one_string(keywords: Any, meta: dict[str, list[str]], tags: tuple[str, ...]) -> None:
    assert described(article(keywords=keywords), meta=meta).tags == tags


@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("https://s.example.org/a.jpg", "https://s.example.org/a.jpg"),
        ({"@type": "ImageObject", "url": "/a.jpg"}, "https://www.example.org/a.jpg"),
        (
            [{"@id": "#x"}, {"contentUrl": "//s.example.org/a.jpg"}],
            "https://www.example.org/monde/une-histoire?id=7#x",
        ),
        ("data:image/png;base64,AAAA", "https://og.example/b.jpg"),
        (None, "https://og.example/b.jpg"),
    ],
)
def test_an_image_is_an_absolute_address(image: Any, address: str) -> None:
    assert described(article(image=image), meta={"og:image": ["https://og.example/b.jpg"]}).image == address


@pytest.mark.parametrize(
    ("canonical", "og_url", "found"),
    [
        ("https://www.example.org/monde/une-histoire", None, "https://www.example.org/monde/une-histoire"),
        ("/monde/une-histoire", None, "https://www.example.org/monde/une-histoire"),
        ("https://m.example.org/x", None, "https://m.example.org/x"),
        ("https://other.example/x", None, None),
        ("https://www.example.org/", None, None),
        ("https://www.example.org/fr/", None, None),
        ("https://other.example/x", "https://www.example.org/y", "https://www.example.org/y"),
        (None, "https://www.example.org/y", "https://www.example.org/y"),
        ("javascript:void(0)", None, None),
        ("http://[broken", None, None),
    ],
)
def test_a_canonical_address_stays_on_the_site_and_is_no_home_page(
    canonical: str | None, og_url: str | None, found: str | None
) -> None:
    links = {"canonical": [canonical]} if canonical else {}
    meta = {"og:url": [og_url]} if og_url else {}
    assert described(links=links, meta=meta).canonical_url == found


@pytest.mark.parametrize(
    ("value", "meta", "free"),
    [
        (True, {}, True),
        (False, {}, False),
        ("False", {}, False),
        ("https://schema.org/True", {}, True),
        ("perhaps", {}, None),
        (None, {"article:content_tier": ["locked"]}, False),
        (None, {"article:content_tier": ["free"]}, True),
        (None, {"article:content_tier": ["metered"]}, None),
        (None, {}, None),
    ],
)
def test_a_paywall_is_told(value: Any, meta: dict[str, list[str]], free: bool | None) -> None:
    assert described(article(isAccessibleForFree=value), meta=meta).accessible_for_free is free


def test_a_licence_is_an_address_where_there_is_one() -> None:
    by = "https://creativecommons.org/licenses/by/4.0/"
    assert described(article(license=by)).license == by
    assert described(article(license={"@type": "CreativeWork", "name": "CC BY", "url": by})).license == by
    assert described(links={"license": ["#here", by]}).license == by
    assert from_html("<title>T</title>", f'{TEXT}<a rel="license" href="{by}">CC BY 4.0</a>').license == by


@pytest.mark.parametrize(
    ("node", "lang", "meta", "found"),
    [
        ({"inLanguage": "pt-br"}, "en", {}, "pt-BR"),
        ({"inLanguage": {"@type": "Language", "name": "French", "alternateName": "fr"}}, None, {}, "fr"),
        ({}, "fr_FR", {"og:locale": ["en_US"]}, "fr-FR"),
        ({}, "{{lang}}", {"og:locale": ["ha_NG"]}, "ha-NG"),
        ({}, None, {"content-language": ["sw, en"]}, "sw"),
        ({}, None, {}, None),
    ],
)
def test_a_language_is_that_of_the_page(node: Any, lang: str | None, meta: dict[str, list[str]], found: str) -> None:
    assert described(article(**node), language=lang, meta=meta).language == found


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("fr", "fr"),
        ("FR_fr", "fr-FR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("zh_CHS", "zh-Hans"),
        ("es-419", "es-419"),
        ("sr-Latn", "sr-Latn"),
        ("de-CH-1996", "de-CH-1996"),
        ("iw", "he"),
        ("fr_FR.UTF-8", "fr-FR"),
        ("en, fr", "en"),
        (" ff ", "ff"),
        ("khm", "khm"),
        ("", None),
        ("und", None),
        ("français", None),
        ("english", None),
        ("x", None),
        ("{{ lang }}", None),
        ("fr-", None),
        ("f\nr", None),
    ],
)
def test_language_tags_become_bcp_47_or_nothing(written: str, tag: str | None) -> None:
    assert normalise_language(written) == tag


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ana Ruiz, Li Wei and Bo Lind; Reuters", ("Ana Ruiz", "Li Wei", "Bo Lind", "Reuters")),
        ("Par Jean Dupont et Marie Curie", ("Jean Dupont", "Marie Curie")),
        ("José Ortega y Gasset", ("José Ortega y Gasset",)),
        ("Martin Luther King, Jr.", ("Martin Luther King, Jr.",)),
        ("Ana Ruiz | Le Site", ("Ana Ruiz", "Le Site")),
        ("Byron Katie", ("Byron Katie",)),
        ("AFP", ("AFP",)),
        ("https://facebook.com/ana", ()),
        ("@ana", ()),
        ("ana@example.org", ()),
        ("x" * 500, ()),
        ("  ", ()),
        ("王小明", ("王小明",)),
    ],
)
def test_bylines_part_into_names(byline: str, names: tuple[str, ...]) -> None:
    assert person_names([byline]) == names


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "moment", "zoned", "timed"),
    [
        ("2024-05-03T14:00:00+02:00", "2024-05-03T12:00:00", True, True),
        ("2024-05-03T14:00:00.123Z", "2024-05-03T14:00:00", True, True),
        ("2024-05-03T14:00:00-0430", "2024-05-03T18:30:00", True, True),
        ("2024-05-03T14:00Z", "2024-05-03T14:00:00", True, True),
        ("2024-05-03 14:00:00 +0800", "2024-05-03T06:00:00", True, True),
        ("2024-05-03T14:00:00", "2024-05-03T14:00:00", False, True),
        ("2024/05/03 14:00", "2024-05-03T14:00:00", False, True),
        ("2024-05-03", "2024-05-03T00:00:00", False, False),
        ("20240503", "2024-05-03T00:00:00", False, False),
        ("Fri, 03 May 2024 14:00:00 +0200", "2024-05-03T12:00:00", True, True),
        ("Fri, 3 May 2024 14:00:00 EST", "2024-05-03T19:00:00", True, True),
        ("Fri, 3 May 2024 14:00:00 CEST", "2024-05-03T12:00:00", True, True),
        ("Fri May 03 2024 14:00:00 GMT+0200 (Central European Summer Time)", "2024-05-03T12:00:00", True, True),
        ("May 3, 2024 2:05 PM", "2024-05-03T14:05:00", False, True),
        ("May 3rd, 2024 at 12:05 am", "2024-05-03T00:05:00", False, True),
        ("3 May 2024", "2024-05-03T00:00:00", False, False),
        ("1714737600", "2024-05-03T12:00:00", True, True),
        ("1714737600000", "2024-05-03T12:00:00", True, True),
        ("2026-11-02T11:59:59Z", "2026-11-02T11:59:59", True, True),
        ("1995-01-01T00:00:00Z", "1995-01-01T00:00:00", True, True),
    ],
)
def test_dates_are_read_with_what_they_say_of_time_and_zone(raw: str, moment: str, zoned: bool, timed: bool) -> None:
    stamp = parse_date(f" {raw}\n", now=NOW)
    assert stamp
    assert stamp.moment == datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert (stamp.raw, stamp.zoned, stamp.timed) == (raw, zoned, timed)


@pytest.mark.parametrize(
    "raw",
    [
        *("", "hier", "03/04/2024", "2024-13-01", "2024-02-30", "2024-05-03T25:00:00Z", "3 Floréal 2024", "2024"),
        *("1994-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-11-02T12:00:01Z", "2024-05-03T14:00:00+99:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-05-03 " * 50, "9" * 13, "\ud800", "Mon, 0"),
    ],
)
def test_what_is_no_date_or_an_impossible_one_is_none(raw: str) -> None:
    assert parse_date(raw, now=NOW) is None


@given(st.text(max_size=40) | st.from_regex(r"[0-9TZ:+\-. ,A-Za-z]{0,40}", fullmatch=True))
def test_no_string_makes_the_date_reader_fail(raw: str) -> None:
    stamp = parse_date(raw, now=NOW)
    assert stamp is None or stamp.moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("stated", "shown", "raw"),
    [
        (["2024-05-03", "2024-05-03T14:00:00+02:00"], [], "2024-05-03T14:00:00+02:00"),
        (["2024-05-03"], ["2024-05-03T14:00:00"], "2024-05-03T14:00:00"),
        (["2024-05-03T14:00:00"], ["2024-05-03T14:00:00+09:00"], "2024-05-03T14:00:00+09:00"),
        (["2024-05-03"], ["2021-01-01T00:00:00Z"], "2024-05-03"),
        (["2024-05-03T14:00:00Z", "2024-05-03T15:00:00+02:00"], [], "2024-05-03T14:00:00Z"),
        (["1970-01-01T00:00:00Z", "2024-05-03"], [], "2024-05-03"),
        (["bientôt"], ["2024-05-03T14:00:00Z"], None),
    ],
)
def test_a_vague_date_is_made_exact_by_another_of_the_same_day(
    stated: list[str], shown: list[str], raw: str | None
) -> None:
    stamp = read_moment(stated, shown, now=NOW)
    assert (stamp.raw if stamp else None) == raw


@pytest.mark.parametrize(
    ("raw", "warnings"),
    [("2024-05-03", ("published: no zone",)), ("2024-05-03T14:00", ("published: no zone",)), ("2024-05-03T14:00Z", ())],
)
def test_an_assumed_zone_is_warned_of(raw: str, warnings: tuple[str, ...]) -> None:
    head = Head(meta={"article:published_time": [raw]})
    assert read_metadata(head, looks=NoLooks(), url=URL, headers={}, now=NOW)[1] == warnings


def test_a_changed_date_is_that_of_the_change() -> None:
    found = described(article(datePublished="2024-05-03T14:00:00Z", dateModified="2024-05-04T08:00:00+02:00"))
    assert found.modified == datetime(2024, 5, 4, 6, tzinfo=UTC)
    assert described(article(datePublished="2024-05-03T14:00:00Z")).modified is None


# -- rights ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "headers", "noarchive", "noai", "tdm"),
    [
        ({}, {}, False, False, None),
        ({"robots": ["index, NOARCHIVE"]}, {}, True, False, None),
        ({"robots": ["noai", "noimageai"]}, {}, False, True, None),
        ({"robots": ["max-snippet:-1, max-image-preview:large"]}, {}, False, False, None),
        ({}, {"x-robots-tag": "noarchive, noai"}, True, True, None),
        ({}, {"x-robots-tag": "max-snippet: 20, noai"}, False, True, None),
        ({}, {"x-robots-tag": "noai, somebot: noarchive, nofollow"}, False, True, None),
        ({}, {"x-robots-tag": "somebot: noarchive"}, False, False, None),
        ({}, {"x-robots-tag": "somebot: nofollow\nnoarchive"}, True, False, None),
        ({}, {"x-robots-tag": "Veille: noarchive, noai"}, True, True, None),
        ({}, {"x-robots-tag": "somebot: noarchive, veille: noai"}, False, True, None),
        ({"veille": ["noai"]}, {}, False, True, None),
        ({}, {"tdm-reservation": "1\n1"}, False, False, True),
        ({}, {"tdm-reservation": "0, 1"}, False, False, True),
        ({}, {"tdm-reservation": "1"}, False, False, True),
        ({"tdm-reservation": ["0"]}, {}, False, False, False),
        ({"tdm-reservation": ["1"]}, {"tdm-reservation": "0"}, False, False, True),
        ({"tdm-reservation": ["maybe"]}, {}, False, False, None),
    ],
)
def test_reservations_are_read_where_they_speak_to_everyone(
    meta: dict[str, list[str]], headers: dict[str, str], noarchive: bool, noai: bool, tdm: bool | None
) -> None:
    reserved = read_reserved(meta, headers)
    assert (reserved.noarchive, reserved.noai, reserved.tdm_reservation) == (noarchive, noai, tdm)


def test_header_names_are_read_in_any_case() -> None:
    html = f"<html><body><article>{TEXT}</article></body></html>".encode()
    found = extract_page(html, url=URL, headers={"X-Robots-Tag": "noarchive", "TDM-Reservation": "1"}, now=NOW)
    assert (found.metadata.noarchive, found.metadata.tdm_reservation) == (True, True)
