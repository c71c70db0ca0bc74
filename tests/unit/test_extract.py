"""From bytes to paragraphs: the right encoding, the whole text, a clear line where there is none."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trafilatura
from gold import gold_pages
from hypothesis import given
from hypothesis import strategies as st

from service.articles import extract
from service.articles.charsets import decode
from service.articles.extract import extract_page, reset_caches
from service.articles.fragment import extract_fragment
from service.articles.lines import one_line, split_lines
from service.articles.page import Page
from service.errors import ExtractError

NOW = datetime(2026, 11, 1, tzinfo=UTC)
URL = "https://www.site.example/monde/une-histoire"
SEED = Path(__file__).parents[1] / "fixtures" / "seed"
SENTENCES = [
    "Le président est arrivé à Bakou dimanche soir, où l'attendait une délégation du gouvernement.",
    "Cette visite intervient alors que les négociations, engagées en été, n'ont pas encore abouti.",
    "« Nous avons beaucoup à nous dire », a déclaré le ministre des Affaires étrangères à la presse.",
]


def page(*paragraphs: str, head: str = "<title>Une histoire</title>", charset: str = "utf-8") -> bytes:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs or SENTENCES)
    html = f"<!doctype html><html lang=fr><head>{head}</head><body><article>{body}</article></body></html>"
    return html.encode(charset)


def read(body: bytes, **arguments: str | None) -> Page:
    return extract_page(body, url=URL, now=NOW, **arguments)  # type: ignore[arg-type]


# -- the seed ----------------------------------------------------------------------------------------------------------


def test_the_seed_page_gives_its_nine_lines() -> None:
    expected = json.loads((SEED / "article.expected.json").read_text("utf-8"))
    found = extract_page((SEED / "article.html").read_bytes(), url=expected["url"], content_type="text/html", now=NOW)
    assert list(found.paragraphs) == expected["lines"]
    assert found.charset == "utf-8"
    assert found.warnings == ()
    assert (found.extractor.name, found.extractor.version) == ("trafilatura", trafilatura.__version__)


# -- the text ----------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_the_text_is_that_of_the_extractor_alone_but_for_the_headline(shared_data: Path) -> None:
    for gold_page in list(gold_pages(shared_data, "full-curated"))[:25]:
        alone = trafilatura.extract(gold_page.body, include_comments=False, url=gold_page.url)
        found = extract_page(gold_page.body, url=gold_page.url, now=NOW)
        lines = split_lines(alone or "")
        assert found.paragraphs == (lines[1:] if lines[0] == found.metadata.title else lines)


def test_a_first_line_that_is_the_title_again_is_left_to_the_title() -> None:
    body = page(*SENTENCES).replace(b"<article>", b"<article><h1>Une histoire</h1>")
    found = read(body)
    assert found.metadata.title == "Une histoire"
    assert found.paragraphs == tuple(SENTENCES)


def test_a_page_of_nothing_but_its_title_keeps_it() -> None:
    assert read(page("Une histoire")).paragraphs == ("Une histoire",)


def test_the_same_page_read_ten_times_gives_the_same_text() -> None:
    body = page(*SENTENCES, *SENTENCES)
    first = read(body)
    assert len(first.paragraphs) == 6
    for _ in range(9):
        assert read(body) == first
    reset_caches()
    assert read(body) == first


def test_what_other_systems_take_for_a_line_break_is_none() -> None:
    found = read(page(SENTENCES[0].replace(", ", "\u2028") + "\x0b\x85fin", *SENTENCES[1:]))
    assert len(found.paragraphs) == 3
    assert all(len(paragraph.splitlines()) == 1 for paragraph in found.paragraphs)


# -- no text -----------------------------------------------------------------------------------------------------------

SCRIPTED = b"""<!doctype html><html><head><title>App</title></head><body>%s<div id=root></div>
<script src=/app.js></script></body></html>"""


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", "text/html", "the page is empty"),
        (b" \n ", None, "the page is empty"),
        (b"%PDF-1.7 ...", "text/html", "the page is application/pdf, not HTML"),
        (b"whatever", "application/pdf", "the page is application/pdf, not HTML"),
        (b"\x89PNG\r\n\x1a\n....", None, "the page is image/png, not HTML"),
        (b"PK\x03\x04....", "application/octet-stream", "the page is application/zip, not HTML"),
        (b"\0\0\0\x20ftypisom", "video/mp4", "the page is video/mp4, not HTML"),
        (b'{"message": "not found"}', "text/html", "the page is application/json, not HTML"),
        (b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>", "text/xml", "the page is text/xml, not HTML"),
        (b"just words", "text/plain; charset=utf-8", "the page is text/plain, not HTML"),
        (b"just words", "x/" + "y" * 10_000, f"the page is x/{'y' * 78}, not HTML"),
        (b"<!doctype html><html><body></body></html>", "text/html", "no text found on the page"),
        (SCRIPTED % b"", "text/html", "no text found on the page"),
        (SCRIPTED % b"Loading...", "text/html", "no text found on the page"),
        (SCRIPTED % b"<noscript>You need to enable JavaScript to run this app.</noscript>", None, "no text found"),
    ],
)
def test_a_page_without_text_is_refused_in_one_line(body: bytes, content_type: str | None, message: str) -> None:
    with pytest.raises(ExtractError) as caught:
        read(body, content_type=content_type)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content_type", [None, "", "text/html", "application/xhtml+xml", "text/plain", "text/xml"])
def test_html_is_read_under_every_type_servers_give_it(content_type: str | None) -> None:
    assert read(page(), content_type=content_type).paragraphs == tuple(SENTENCES)


def test_whatever_the_extractor_raises_becomes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(extract.trafilatura, "extract", fail)
    with pytest.raises(ExtractError, match=r"^the page cannot be read: first line second line$"):
        read(page())


@given(st.binary(max_size=400), st.sampled_from([b"", b"<html><p>", b"\xff\xfe", b"<meta charset=utf-16>", b"<!--"]))
def test_any_bytes_end_in_a_page_or_an_extract_error(noise: bytes, start: bytes) -> None:
    try:
        found = read(start + noise)
    except ExtractError:
        return
    assert all(line and line == line.strip() and "\n" not in line for line in found.paragraphs)


# -- encodings ---------------------------------------------------------------------------------------------------------

ARABIC = "وصل الرئيس إلى العاصمة مساء الأحد حيث كان في استقباله وفد من الحكومة"
CHINESE = "总统周日晚间抵达首都，政府代表团在机场迎接。"


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "meta", "charset"),
    [
        (SENTENCES[0], "utf-8", "utf-8", "", "utf-8"),
        (SENTENCES[0], "utf-8", None, "", "utf-8"),
        (SENTENCES[0], "cp1252", "ISO-8859-1", "", "windows-1252"),
        ("« L’œuf – 5 € »", "cp1252", "latin1", "", "windows-1252"),
        (SENTENCES[0], "cp1252", None, '<meta charset="windows-1252">', "windows-1252"),
        (
            SENTENCES[0],
            "iso8859-15",
            None,
            "<meta http-equiv=content-type content='text/html; charset=ISO-8859-15'>",
            0,
        ),
        (ARABIC, "cp1256", "windows-1256", "", "windows-1256"),
        (CHINESE, "gb18030", "gb2312", "", "gbk"),
        (CHINESE, "gb18030", None, "<meta charset=gbk>", "gbk"),
        ("東京で会議が開かれた。", "cp932", "Shift_JIS", "", "shift_jis"),
        ("東京で会議が開かれた。", "iso2022_jp", "iso-2022-jp", "", "iso-2022-jp"),
        ("회의가 서울에서 열렸다.", "cp949", "euc-kr", "", "euc-kr"),
        (CHINESE, "utf-16", None, "", "utf-16le"),
        (CHINESE, "utf-8-sig", "gb2312", "", "utf-8"),
        (SENTENCES[0], "utf-8", None, "<meta charset=utf-16>", "utf-8"),
    ],
)
def test_a_true_declaration_is_believed(
    text: str, encoding: str, declared: str | None, meta: str, charset: str | int
) -> None:
    decoded = decode(f"<html>{meta}<p>{text}</p>".encode(encoding), declared)
    assert decoded.text == f"<html>{meta}<p>{text}</p>"
    assert decoded.charset == (charset or "iso-8859-15")
    assert decoded.warning is None


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "meta", "lie"),
    [
        (SENTENCES[0], "utf-8", "iso-8859-1", "", "windows-1252"),
        (CHINESE, "utf-8", "gb2312", "", "gbk"),
        (SENTENCES[0], "utf-8", None, "<meta charset=windows-1252>", "windows-1252"),
        (SENTENCES[0] * 3, "cp1252", "utf-8", "<meta charset=iso-8859-1>", "utf-8"),
        (CHINESE * 20, "gb18030", "utf-8", "", "utf-8"),
    ],
)
def test_a_lying_declaration_is_found_out_and_named(
    text: str, encoding: str, declared: str | None, meta: str, lie: str
) -> None:
    decoded = decode(f"<html>{meta}<p>{text}</p>".encode(encoding), declared)
    assert text in decoded.text
    assert decoded.warning == f"charset: declared {lie}, is {decoded.charset}"


def test_a_lie_is_recorded_with_the_page() -> None:
    found = read(page(), content_type="text/html; charset=ISO-8859-1")
    assert found.paragraphs == tuple(SENTENCES)
    assert found.charset == "utf-8"
    assert found.warnings == ("charset: declared windows-1252, is utf-8",)


def test_one_broken_character_does_not_spoil_the_others() -> None:
    decoded = decode(SENTENCES[0].encode() * 20 + b" \xe9 fin", "utf-8")
    assert decoded.charset == "utf-8"
    assert SENTENCES[0] in decoded.text
    assert decoded.warning == "charset: 1 characters unreadable as utf-8"


@pytest.mark.parametrize("label", ["rot13", "hex", "utf-7", "unicode_escape", "no-such", "", "zlib", "\0", "é" * 500])
def test_a_label_that_no_page_may_have_is_ignored(label: str) -> None:
    assert decode(page(), label).text == page().decode()


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "big5", "iso-2022-jp", "utf-16", "windows-1252"]))
def test_decoding_never_fails(body: bytes, declared: str | None) -> None:
    decoded = decode(body, declared)
    decoded.text.encode("utf-8", "surrogatepass")
    assert decoded.charset == decoded.charset.lower()


# -- the feed's own text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragment", "paragraphs"),
    [
        ("<p>Un <b>mot</b>, <a href='/x'>un lien</a>.</p><p>Deux</p>", ["Un mot, un lien.", "Deux"]),
        ("re<em>constr</em>uire", ["reconstruire"]),
        ("un<br>deux<br/><br />trois", ["un", "deux", "trois"]),
        ("<ul><li>un<li>deux</ul>suite", ["un", "deux", "suite"]),
        ("<table><tr><td>a<td>b<tr><td>c</table>", ["a b", "c"]),
        ("<div>un<div>deux</div>trois</div>", ["un", "deux", "trois"]),
        ("<p>a</p><script>var x = 1;</script><style>p{}</style><!-- rien --><p>b</p>", ["a", "b"]),
        ("<p>une\n  ligne\n  coupée</p>", ["une ligne coupée"]),
        ("<pre>un\n  deux</pre>", ["un", "deux"]),
        ("<p>&nbsp;</p><p>AT&amp;T &lt;3</p>", ["AT&T <3"]),
        ("<figure><img src=x alt=y><figcaption>Photo : AFP</figcaption></figure>", ["Photo : AFP"]),
        ("Texte nu, sans balise.\n\nSecond &amp; dernier.", ["Texte nu, sans balise.", "Second & dernier."]),
        ("si a<b, alors", ["si a<b, alors"]),
        ("1 < 2 <p>3 > 2</p>", ["1 < 2", "3 > 2"]),
        ("<p>un\u2028seul\x00</p>", ["un seul"]),
        ("<p>مرحبا <b>بالعالم</b></p>", ["مرحبا بالعالم"]),
        ("", []),
        ("<p> </p>", []),
    ],
)
def test_a_fragment_keeps_every_word_and_parts_at_blocks(fragment: str, paragraphs: list[str]) -> None:
    assert list(extract_fragment(fragment, url=URL)) == paragraphs


def test_a_deeply_nested_fragment_keeps_its_words() -> None:
    assert extract_fragment("a" + "<div>" * 1000 + "b" + "</div>" * 1000 + "c", url=URL) == ("a", "b", "c")


WORDS = st.text(st.characters(categories=["L", "N"], exclude_characters="ſ"), min_size=1, max_size=8)
TAGS = st.sampled_from(["p", "div", "b", "span", "li", "blockquote", "em", "h2", "section"])


@given(st.lists(st.tuples(TAGS, WORDS), min_size=1, max_size=12))
def test_no_fragment_loses_or_changes_a_word(elements: list[tuple[str, str]]) -> None:
    fragment = " ".join(f"<{tag}>{word}</{tag}>" for tag, word in elements)
    found = " ".join(extract_fragment(fragment, url=URL)).split()
    assert found == [word for _, word in elements]


@given(st.text())
def test_any_fragment_gives_lines(fragment: str) -> None:
    for line in extract_fragment(fragment, url=URL):
        assert line
        assert line == line.strip()
        assert len(line.splitlines()) == 1


# -- lines -------------------------------------------------------------------------------------------------------------


@given(st.text(st.characters()))
def test_lines_are_single_never_empty_and_can_be_written(text: str) -> None:
    for line in split_lines(text):
        assert line.strip() == line != ""
        assert line.splitlines() == [line]
        line.encode("utf-8")
    assert len(one_line(text).splitlines()) <= 1


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    assert split_lines("a\ud800b") == ("a\ufffdb",)


def test_what_a_page_reserves_is_heard_though_the_rest_of_it_cannot_be_read() -> None:
    head = '<meta name=robots content="noarchive, noai"><meta name=tdm-reservation content=1>'
    page = f"<html><head>{head}</head><body><div>&#1;</div><h2>&#11;a</h2></body></html>"
    with pytest.raises(ExtractError) as caught:
        extract_page(page.encode(), url="https://news.test/", now=datetime(2026, 11, 24, tzinfo=UTC))
    assert caught.value.reserved is not None
    assert caught.value.reserved.noarchive
    assert caught.value.reserved.tdm_reservation
