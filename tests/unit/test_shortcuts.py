"""Reading pages with less work changes nothing: what stands in for trafilatura's parts gives what they give."""

import gzip
import re
import runpy
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trafilatura
from gold import every_page, gold_pages
from justext.core import ParagraphMaker as JustextMaker
from justext.core import classify_paragraphs, revise_paragraph_classification
from lxml.etree import fromstring
from lxml.html import HtmlElement
from trafilatura import core, external, readability_lxml, utils, xpaths
from trafilatura.metadata import extract_author
from trafilatura.settings import BASIC_CLEAN_XPATH, Extractor

from service.articles import bylines, selectors, shortcuts
from service.articles.extract import reset_caches
from service.articles.rescue import ParagraphMaker

SEEDS = (*range(30), 157, 237)
URL = "https://www.site.example/une-histoire"
SENTENCE = "Le président est arrivé à Bakou dimanche soir, où l'attendait une délégation du gouvernement. "
PARTS = [
    (core, "copy"),
    (core, "_prepare_tree"),
    (core, "_extract_and_compare"),
    (core, "html2txt"),
    (external, "justext_rescue"),
    (external, "ParagraphMaker"),
    (external, "ReadabilityDocument"),
    (readability_lxml, "fragment_fromstring"),
    (utils, "HTML_PARSER"),
    (import_module("trafilatura.baseline"), "BASIC_CLEAN_XPATH"),
]
LISTS = {
    "OVERALL_DISCARD_XPATH": selectors.overall_discard,
    "RAW_TREE_PRUNE_XPATH": selectors.raw_prune,
    "REMOVE_COMMENTS_AND_LISTS_XPATH": selectors.comments_and_lists,
    "BODY_XPATH": selectors.body,
    "AUTHOR_XPATHS": bylines.author,
    "AUTHOR_DISCARD_XPATHS": bylines.author_discard,
}

TAGS = (
    *("div", "section", "article", "main", "p", "span", "a", "ul", "li", "aside", "footer", "table", "tr", "td", "br"),
    *("h1", "h2", "form", "iframe", "script", "style", "svg", "title", "noscript", "textarea", "blockquote", "author"),
    *("strong", "details", "nav", "figure", "time", "rel", "video"),
)
WORDS = (
    *("content", "post", "entry", "story", "text", "article-body", "Comments", "comment-list", "commentary", "cookie"),
    *("cookie-banner", "OneTrust", "footer", "share-", "sidebar", "nav", "hidden", "reply-1", "author", "Byline"),
    *("author-name", "teaser", "mvp-post-add-box", "infinite-scroll", "elementor-share-buttons", "menu", "ad-break"),
    *("Main-Content", "Page-content", "title", "date", "x", "akismet", "widget", "main", "byl", "Figure", "header"),
)
NAMES = ("class", "id", "role", "itemprop", "style", "data-component", "rel", "aria-hidden", "data-testid")
VALUES = ("article", "articleBody", "Navigation", "display: none", "true", "AuthorCard", "author name", "")
TEXTS = (
    "",
    "",
    " ",
    "\n",
    "mot",
    "un, deux, trois",
    SENTENCE,
    SENTENCE * 3,
    SENTENCE * 9,
    "a  b\nc",
    "©",
    "&lt;b&gt; x",
)


def made_up(seed: int) -> str:
    """A page of any elements in any order, with the words in their attributes that trafilatura looks for."""
    chance = Random(seed)

    def element(depth: int) -> str:
        tag = chance.choice(TAGS)
        said = "".join(f' {name}="{value(name)}"' for name in chance.sample(NAMES, chance.randrange(4)))
        inside = "".join(element(depth - 1) for _ in range(chance.randrange(5))) if depth else ""
        return f"<{tag}{said}>{chance.choice(TEXTS)}{inside}</{tag}>{chance.choice(TEXTS)}"

    def value(name: str) -> str:
        words = " ".join(chance.choices(WORDS, k=chance.randrange(1, 4)))
        return words if name in ("class", "id") else chance.choice((*VALUES, words))

    body = "".join(element(chance.randrange(5)) for _ in range(chance.randrange(1, 7)))
    return f"<!doctype html><html><head><title>t</title></head><body>{body}</body></html>"


def text_of(page: str | bytes) -> str | None:
    text: str | None = trafilatura.extract(page, include_comments=False, url=URL)
    return text


def tree_of(page: str | bytes) -> HtmlElement:
    tree = trafilatura.load_html(page)
    assert tree is not None
    return tree


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_the_stand_ins_know_the_trafilatura_that_is_installed() -> None:
    assert trafilatura.__version__ == shortcuts.KNOWN, (
        "after an update all of this module has to hold, then KNOWN is set to the new version"
    )


def test_under_another_version_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shortcuts.__file__
    monkeypatch.setattr(trafilatura, "__version__", "2.99")
    monkeypatch.delattr(external, "justext_rescue")
    under_another = runpy.run_path(shortcuts.__file__)
    assert under_another["_STAND_INS"] == under_another["_LISTS"] == []
    assert under_another["may_name_author"](tree_of("<html><body><p>a</p><p>b</p></body></html>"))
    assert len(shortcuts._STAND_INS) == len(PARTS)


def every_part() -> list[Any]:
    return [getattr(module, name) for module, name in PARTS] + [
        each for name in LISTS for each in getattr(xpaths, name)
    ]


def test_trafilatura_is_itself_outside_of_the_block_however_it_is_left() -> None:
    before = every_part()
    with shortcuts.shortcuts():
        inside = every_part()
    assert not any(one is other for one, other in zip(inside[: len(PARTS)], before, strict=False))
    with pytest.raises(ZeroDivisionError), shortcuts.shortcuts():
        raise ZeroDivisionError
    assert all(one is other for one, other in zip(every_part(), before, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_page_reads_otherwise_with_the_stand_ins(seed: int) -> None:
    page = made_up(seed)
    alone = text_of(page)
    with shortcuts.shortcuts():
        assert text_of(page) == alone


@pytest.mark.shared
def test_thirty_real_pages_read_alike_with_the_stand_ins(shared_data: Path) -> None:
    reads_alike([page.body for page in list(gold_pages(shared_data, "full-human"))[:30]])


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(300)
def test_every_real_page_reads_alike_with_the_stand_ins(shared_data: Path) -> None:
    bodies = [gzip.decompress(path.read_bytes()) for path in every_page(shared_data)]
    assert len(bodies) == 563
    reads_alike(bodies)


def reads_alike(bodies: list[bytes]) -> None:
    for body in bodies:
        tree = trafilatura.load_html(body)
        if tree is None:
            continue
        alone = text_of(body), extract_author(tree)
        assert shortcuts.may_name_author(tree) or alone[1] is None
        with shortcuts.shortcuts():
            assert (text_of(body), extract_author(tree)) == alone


# -- the parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_elements_are_selected_as_by_xpath(seed: int) -> None:
    selects_alike(made_up(seed))


@pytest.mark.parametrize(
    "element",
    [
        "<p><rel>me</rel>un mot</p>",
        *(
            f"<div {one}='{first}' {other}='{second}'>un mot</div>"
            for one, other in (("class", "id"), ("id", "class"), ("style", "id"), ("id", "style"))
            for first, second in (("x", "cookie"), ("cookie", "x"), ("x", "reply-1"), ("reply-1", "x"), ("x", "footer"))
        ),
        "<div style='x' id='hidden'>un mot</div>",
        "<div id='x' style='hidden'>un mot</div>",
        "<div class='footer' id='x'>un mot</div>",
    ],
)
def test_of_several_attributes_the_one_counts_that_xpath_takes(element: str) -> None:
    """``re:test(@id|@class, …)`` looks at whichever of the two stands first."""
    selects_alike(f"<html><body><p>a</p>{element}<p>b</p></body></html>")


def selects_alike(page: str) -> None:
    tree = tree_of(page)
    for name, make in LISTS.items():
        expressions = getattr(xpaths, name)
        for expression, select in zip(expressions, make(expressions), strict=True):
            wanted, found = list(expression(tree)), list(select(tree))
            assert found[:1] == wanted[:1], name
            assert name == "BODY_XPATH" or found == wanted, name  # of a body the first alone is asked for
    assert selectors.basic_clean(BASIC_CLEAN_XPATH)(tree) == BASIC_CLEAN_XPATH(tree)
    if any(expression(tree) for expression in xpaths.AUTHOR_XPATHS):
        assert shortcuts.may_name_author(tree)


@pytest.mark.parametrize("limit", [0, 10, 200, 1_000, 10**9])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_opinion_is_given_up_only_where_it_has_no_more_text_than_the_limit(limit: int, seed: int) -> None:
    page = made_up(seed)
    whole = readability_text(readability_lxml.Document(tree_of(page)))
    with shortcuts.shortcuts():
        found = readability_text(shortcuts._Opinion(shortcuts._Rival(tree_of(page), limit)))
    assert found == whole or (found == "" and len(whole) <= limit)


def readability_text(document: Any) -> str:
    try:
        summary = utils.fromstring_bytes(document.summary())
    except AssertionError:  # a page that is all noise: trafilatura goes without
        return ""
    return utils.trim(summary.text_content()) if summary is not None else ""


def test_a_second_opinion_that_cannot_win_is_given_up() -> None:
    page = f"<html><body><div>{'<p>' + SENTENCE + '</p>'}</div><script>{'x' * 9_999}</script></body></html>"
    with shortcuts.shortcuts():
        assert shortcuts._Opinion(shortcuts._Rival(tree_of(page), len(SENTENCE))).summary() == "<div/>"
        assert SENTENCE.strip() in shortcuts._Opinion(shortcuts._Rival(tree_of(page), len(SENTENCE) - 2)).summary()


@pytest.mark.parametrize(
    "added",
    [
        '<iframe src="https://www.youtube.com/embed/x"></iframe>' * 3,
        *(f"<{raw}><b>un mot</b></{raw}>" for raw in ("xmp", "noembed", "noframes")),
        "<plaintext>",
    ],
)
def test_what_is_longer_once_written_out_is_not_given_up_for_its_length(added: str) -> None:
    page = f"<html><body><div><p>{SENTENCE * 3}</p>{added}<p>{SENTENCE * 3}</p></div></body></html>"
    whole = readability_text(readability_lxml.Document(tree_of(page)))
    shown = utils.trim(tree_of(page).text_content())
    assert len(whole) > len(shown), "it has grown"
    with shortcuts.shortcuts():
        assert readability_text(shortcuts._Opinion(shortcuts._Rival(tree_of(page), len(whole) - 1))) == whole


def test_a_script_that_says_what_the_page_shows_takes_nothing_from_it() -> None:
    page = "<html><body><p>deux mots</p><script>deux mots</script><style>trois</style><p>trois</p></body></html>"
    assert shortcuts._most_text(tree_of(page)) == len("deux mots trois")
    assert shortcuts._most_text(tree_of(page.replace("<p>trois</p>", "<p>quatre</p>"))) == len("deux mots quatre")


@pytest.mark.parametrize("focus", ["balanced", "precision", "recall"])
@pytest.mark.parametrize("length", [0, 1, 120, 250, 400, 501, 3000])
@pytest.mark.parametrize(
    "inside",
    [
        "<p>un</p>",
        "<p/>",
        "<div>un</div>",
        "<head>un</head><p>un</p>",
        "<p>un</p><table/>",
        "<p>un</p><table/><table/>",
    ],
)
def test_no_text_up_to_the_limit_is_preferred(inside: str, length: int, focus: str) -> None:
    options = Extractor(precision=focus == "precision", recall=focus == "recall")
    body, rival = fromstring(f"<body>{inside}</body>"), tree_of("<html><body><h2>un titre</h2></body></html>")
    limit = shortcuts._limit(body, length, options)
    for other in {*range(0, limit, 7), limit}:
        assert not external._prefer_readability(body, rival, "un", length, other, options), other
    if inside == "<p>un</p>" and focus == "balanced":
        assert external._prefer_readability(body, rival, "un", length, limit + 1, options), (
            "it is no lower than need be"
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_paragraphs_are_made_and_rated_as_by_justext(seed: int) -> None:
    page = made_up(seed)

    def rated(maker: Any) -> list[tuple[str, str, int, str]]:
        paragraphs = maker.make_paragraphs(tree_of(page))
        classify_paragraphs(paragraphs, frozenset({"le", "est", "à", "une", "du", "un"}), 50, 150, 0.1, 0.2, 0.25, True)
        revise_paragraph_classification(paragraphs, 150)
        return [(each.text, each.dom_path, each.chars_count_in_links, each.class_type) for each in paragraphs]

    assert rated(ParagraphMaker) == rated(JustextMaker)


def test_the_tree_that_is_not_copied_is_the_one_that_was_given() -> None:
    tree, options = tree_of(f"<html><body><p>{SENTENCE * 9}</p></body></html>"), Extractor()
    whole = deepcopy(tree)
    assert text_of(tree) == text_of(whole)
    with shortcuts.shortcuts():
        assert core.copy(tree) is tree
        assert core.copy(options) is not options


# -- what is remembered ------------------------------------------------------------------------------------------------


def test_what_was_found_in_attributes_is_remembered_within_bounds() -> None:
    found = selectors.Found(re.compile("a"))
    assert all(found[f"a{number}"] for number in range(2 * selectors._REMEMBERED))
    assert len(found) <= selectors._REMEMBERED
    assert found["b" * 10**6] is False
    assert max(map(len, found)) <= selectors._LONGEST
    reset_caches()
    assert not found
