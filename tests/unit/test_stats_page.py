"""The page of figures: one file that needs nothing else, adds up, and shows any text without obeying it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from history import FEEDS, SIGN_OFF, make_history
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from service.stats.charts import MOST_BARS, Series, bar_chart, calendar, ceiling, sparkline
from service.stats.page import render
from service.stats.report import Passage, Report, by_day, by_feed, gather, legible, share, total
from storage.errors import StorageError
from storage.model import Article, Intake, Recurrence, Repeated, Standing

STANDING = Standing("5" * 32, 2, 7)
DAY = date(2026, 11, 23)
HOSTILE = (
    "<script>alert(1)</script> \" onload='x' ]]> --> </title></style></svg> &amp; \x00\x1b[2J\u202e\ud800 {{x}} %s"
)


def intakes() -> list[Intake]:
    counted: dict[tuple[str, date], Counter[str]] = {}
    for article in make_history(days=20):
        counts = counted.setdefault((article.feed, article.archived.date()), Counter())
        counts.update(articles=1, paragraphs=article.paragraphs)
        counts.update(removal.reason for removal in article.removed)
    names = ("articles", "paragraphs", "repeat", "boilerplate", "known")
    return [Intake(*key, *(counts[name] for name in names)) for key, counts in sorted(counted.items())]


def passage(text: str | None, **changes: str | None) -> Passage:
    plain = Passage(STANDING, text, "A title", "https://news.test/a?b=1&c=2", "fr")
    return replace(plain, **changes)  # type: ignore[arg-type]


def report(*passages: Passage, feed: str = "rfi-fr", some: list[Intake] | None = None) -> Report:
    return Report(
        intakes() if some is None else some,
        [(Recurrence(feed, 214, 61, 1, 3, 211), one) for one in passages],
        [(Repeated(STANDING, 300, 4, 60), one) for one in passages],
        least_articles=5,
        least_days=3,
    )


def parsed(page: str) -> etree._Element:
    """The page, read as XML; a browser reads the very same elements."""
    root = etree.fromstring(page.encode())
    browser = html.document_fromstring(page)
    assert Counter(element.tag for element in browser.iter()) == Counter(element.tag for element in root.iter())
    return root


def words(element: etree._Element) -> str:
    return "".join(element.itertext())


# -- what it needs, and what it may not do -----------------------------------------------------------------------------


def test_the_page_needs_no_other_file_and_no_script() -> None:
    root = parsed(render(report(passage("A paragraph.")), made="now"))
    tags = {element.tag for element in root.iter()}
    assert not tags & {"script", "link", "img", "image", "iframe", "object", "embed", "use", "base", "form", "audio"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name == "href" or not re.search(r"(?i)https?:|//|url\(|javascript", value), (name, value)
            assert not name.startswith("on")
            assert name not in {"src", "srcset", "data", "action", "background"}
            assert (name == "href") <= (element.tag == "a")
    assert not re.search(r"url\(|@import|https?:", words(root.find(".//style")))
    assert root.find(".//meta[@http-equiv]").get("content") == "default-src 'none'; style-src 'unsafe-inline'"


def test_hostile_text_stands_on_the_page_as_text_wherever_it_comes_from() -> None:
    plain = parsed(render(report(passage("A paragraph.")), made="now"))
    bad = passage(HOSTILE, title=HOSTILE, url="https://news.test/\"><script>'&amp;", language='fr" onload="x')
    some = [replace(one, feed=HOSTILE) if one.feed == "rfi-fr" else one for one in intakes()]
    page = render(report(bad, feed=HOSTILE, some=some), made=HOSTILE, feeds=[HOSTILE])
    root = parsed(page)
    assert {element.tag for element in root.iter()} == {element.tag for element in plain.iter()}
    assert {link.get("href") for link in root.iter("a")} == {bad.url}
    assert {name for element in root.iter() for name in element.attrib} <= {
        name for element in plain.iter() for name in element.attrib
    }
    assert "\\x00\\x1b[2J\\u202e\\ud800" in words(root)
    assert words(root).count("<script>alert(1)</script>") >= 8
    assert not set(page) & {chr(code) for code in range(32) if chr(code) != "\n"}
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", " https://a.test/", "//a.test", "https://a.test/\u202e", "", None],
)
def test_only_an_address_of_the_web_becomes_a_link(url: str | None) -> None:
    root = parsed(render(report(passage("A paragraph.", url=url)), made="now"))
    assert root.findall(".//a") == []


def test_an_article_s_address_becomes_a_link_that_tells_nobody_where_it_was_followed() -> None:
    root = parsed(render(report(passage("A paragraph.")), made="now"))
    links = root.findall(".//a")
    assert {link.get("href") for link in links} == {"https://news.test/a?b=1&c=2"}
    assert {link.get("rel") for link in links} == {"noreferrer noopener nofollow"}
    assert {link.text for link in links} == {"A title"}


# -- what it says ------------------------------------------------------------------------------------------------------


def bars(figure: etree._Element) -> Iterator[tuple[str, str, float]]:
    """What a chart shows: period, class of the bar, its share of the height."""
    for group in figure.findall(".//svg/g"):
        for rect in group.findall("rect"):
            yield group.find("title").text.split(":")[0], rect.get("class"), float(rect.get("height")) / 100


def test_the_bars_of_both_charts_add_up_to_the_figures() -> None:
    given_ = report(passage("A paragraph."))
    articles, paragraphs = parsed(render(given_, made="now")).findall(".//figure")
    ranked = list(by_feed(given_.intakes))
    top = ceiling(max(sums.articles for sums in by_day(given_.intakes).values()))
    shown = {(day, ranked[int(style[1:])]): round(top * height, 2) for day, style, height in bars(articles)}
    assert shown == {(one.day.isoformat(), one.feed): one.articles for one in given_.intakes}
    top = ceiling(max(sums.paragraphs for sums in by_day(given_.intakes).values()))
    drawn = {(day, style): round(top * height, 1) for day, style, height in bars(paragraphs)}
    styles = {"s5": "repeat", "s1": "boilerplate", "s4": "known", "s6": "kept"}
    figures = {
        (day.isoformat(), style): getattr(sums, name)
        for day, sums in by_day(given_.intakes).items()
        for style, name in styles.items()
    }
    assert drawn == {key: value for key, value in figures.items() if value}


def test_each_chart_is_told_in_words_and_listed_in_a_table() -> None:
    given_ = report()
    root = parsed(render(given_, made="now"))
    sums = total(given_.intakes)
    for figure in root.findall(".//figure"):
        assert figure.find(".//svg").get("role") == "img"
        assert words(figure.find(".//svg/title")) == words(figure.find("figcaption"))
    paragraphs = root.findall(".//figure")[1]
    assert f"kept {sums.kept:,}" in words(paragraphs.find(".//desc"))
    rows = [[words(cell) for cell in row] for row in paragraphs.findall(".//tbody/tr")]
    assert [row[0] for row in rows] == [day.isoformat() for day in by_day(given_.intakes)]
    columns = [sum(int(row[place].replace(",", "")) for row in rows) for place in range(1, 5)]
    assert columns == [sums.repeat, sums.boilerplate, sums.known, sums.kept]
    assert {cell.get("scope") for cell in root.iter("th")} == {"col", "row"}
    assert {words(one.find("title")) for one in root.findall(".//svg[@class='spark']")} == {
        f"{feed}: article versions by day" for feed in FEEDS
    }


def test_totals_and_learned_lines_stand_there_with_where_to_find_them() -> None:
    given_ = report(passage("A paragraph."), passage(None, title=None, url=None))
    page = render(given_, made="2026-11-23 13:00 CET", feeds=["rfi-fr", "rfi-ar"])
    text = words(parsed(page))
    assert "Made 2026-11-23 13:00 CET by veille. Days are UTC days of archiving. Only of rfi-fr, rfi-ar." in text
    assert f"Article versions{total(given_.intakes).articles:,}" in text
    assert "A paragraph.rfi-fr214613211A title" + "5" * 32 + " revision 2, position 7" in text
    assert "A paragraph.300460A title" in text
    assert text.count("its record cannot be read") == 2


@pytest.mark.parametrize(("feed", "language"), FEEDS.items())
def test_a_text_stands_in_its_own_language_and_direction(feed: str, language: str) -> None:
    root = parsed(render(report(passage(SIGN_OFF[feed], language=language)), made="now"))
    said = root.findall(".//tbody//th[@class='said']")
    assert [(words(one), one.get("lang"), one.get("dir")) for one in said] == [(SIGN_OFF[feed], language, "auto")] * 2
    assert root.get("lang") == "en"


def test_an_archive_without_records_has_a_page_that_says_so() -> None:
    root = parsed(render(report(some=[]), made="now"))
    assert "Nothing has been archived yet." in words(root)
    assert root.find(".//svg") is None


def test_a_page_made_before_all_paragraphs_are_counted_says_so() -> None:
    assert "not all counted" not in render(report(), made="now")
    assert "not all counted" in render(replace(report(), is_complete=False), made="now")


def test_many_feeds_share_the_last_colour() -> None:
    some = [Intake(f"feed-{n:02}", DAY, 20 - n, 1, 0, 0, 0) for n in range(12)]
    figure = parsed(render(report(some=some), made="now")).find(".//figure")
    legend = [words(item) for item in figure.findall(".//li")]
    assert legend == [*(f"feed-{n:02} {20 - n}" for n in range(6)), f"6 other feeds {sum(range(9, 15))}"]
    assert "1 other feed" not in render(report(some=some[:7]), made="now")


# -- charts ------------------------------------------------------------------------------------------------------------


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(0, 40_000), st.data())
def test_periods_hold_every_day_once_and_are_few(first: date, length: int, data: st.DataObject) -> None:
    last = first + timedelta(min(length, (date(2150, 1, 1) - first).days))
    found = calendar(first, last)
    assert len(found.starts) <= MOST_BARS or found.step == "year"
    assert list(found.starts) == sorted(set(found.starts))
    days = data.draw(st.dictionaries(st.dates(first, last), st.integers(0, 99)))
    sums = found.sums(days.items())
    ends = [*found.starts[1:], last + timedelta(1)]
    for start, end, value in zip(found.starts, ends, sums, strict=True):
        assert value == sum(count for day, count in days.items() if start <= day < end)
    assert sum(sums) == sum(days.values())
    assert len({found.label(start) for start in found.starts}) == len(found.starts)


@pytest.mark.parametrize(
    ("days", "step", "first"),
    [(92, "day", "2026-11-25"), (93, "week", "2026-11-23"), (700, "month", "2026-11"), (5000, "quarter", "2026-10")],
)
def test_longer_times_are_drawn_in_longer_periods(days: int, step: str, first: str) -> None:
    found = calendar(date(2026, 11, 25), date(2026, 11, 25) + timedelta(days - 1))
    assert (found.step, found.label(found.starts[0])) == (step, first)


@given(st.integers(0, 10**9))
def test_the_scale_ends_at_a_round_and_even_number_that_is_not_far_above(value: int) -> None:
    top = ceiling(value)
    assert max(value, 1) <= top <= max(2 * value, 2)
    assert top % 2 == 0
    assert len(str(top).rstrip("0")) == 1


def test_bars_stand_on_each_other_and_end_at_the_top() -> None:
    chart = bar_chart("T", "things", ["a", "b"], [Series("x", "s0", [1, 0]), Series("y", "s1", [3, 2])], heading="h")
    boxes = re.findall(r'<rect class="(s.)" x="(\d+)" y="([\d.]+)" width="8" height="([\d.]+)"/>', chart)
    assert boxes == [
        ("s0", "1", "75.0000", "25.0000"),
        ("s1", "1", "0.0000", "75.0000"),
        ("s1", "11", "50.0000", "50.0000"),
    ]
    assert "<title>a: x 1, y 3</title>" in chart
    assert 'd="M1 100V0.0000h8V100M21 100V50.0000h8V100"' in sparkline("T", [2, 0, 1])


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_text_is_shown_in_one_line_with_what_could_move_the_cursor_escaped() -> None:
    assert legible("a\u00a0: b\r\n\tc\x1b[31m\u2028d\u202e") == "a : b c\\x1b[31m d\\u202e"
    assert legible("ក\u200bខ می\u200cخواهم co\u00adop") == "ក\u200bខ می\u200cخواهم co\u00adop"
    assert (share(1, 3), share(0, 5), share(0, 0)) == ("33.3 %", "0.0 %", "–")


class _Figures:
    def intake(self, *_: object) -> list[Intake]:
        return intakes()

    def boilerplate(self, *_: object) -> list[tuple[Recurrence, Standing]]:
        return [(Recurrence("rfi-fr", 5, 3, 1, 5, 0), STANDING)]

    def most_repeated(self, *_: object) -> list[Repeated]:
        return [Repeated(STANDING, 5, 1, 3)]

    def is_indexed(self) -> bool:
        return True


def test_a_paragraph_whose_record_cannot_be_read_is_none_and_no_error() -> None:
    def find(article_id: str, revision: int) -> Article:
        raise StorageError("the file cannot be read")

    found = gather(_Figures(), find, least_articles=5, least_days=3, top=1)  # type: ignore[arg-type]
    assert [one for _, one in (*found.boilerplate, *found.repeated)] == [Passage(STANDING, None)] * 2
