import contextlib
import gzip
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseError
from service.feeds.document import Document
from service.feeds.parse import MAX_ENTRIES, MAX_INFLATED, parse_document
from storage.model import Entry

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "https://feeds.example/fr/rss.xml"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:cc="http://web.resource.org/cc/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns:creativeCommons="http://backend.userland.com/creativeCommonsRssModule"'
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)


def parse(body: str | bytes, content_type: str | None = None, language: str | None = None) -> Document:
    body = body if isinstance(body, bytes) else body.encode()
    return parse_document(body, feed="f", url=URL, content_type=content_type, now=NOW, language=language)


def rss(items: str = "", channel: str = "<title>Feed</title><link>https://news.example/fr/</link>") -> str:
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{channel}{items}</channel></rss>'


def atom(entries: str = "", head: str = "<title>Feed</title>", base: str = "") -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {base}>{head}{entries}</feed>'


def item(markup: str) -> Entry:
    (entry,) = parse(rss(f"<item>{markup}</item>")).entries
    return entry


# -- documents ---------------------------------------------------------------------------------------------------------


def test_a_feed_says_what_it_is() -> None:
    channel = "<title>RFI &amp; co</title><link>/fr/</link><language>fr_fr</language>"
    document = parse(rss(channel=channel))
    assert document == Document("rss20", (), title="RFI & co", link="https://feeds.example/fr/", language="fr-FR")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the document is empty"),
        (b"\xef\xbb\xbf \n\t", "the document is empty"),
        (b"<!DOCTYPE html><html><body><item>x</item></body></html>", "this is an HTML page, not a feed"),
        (b"<!-- x -->\n<HTML><head><title>404</title></head></HTML>", "this is an HTML page, not a feed"),
        (b'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:a="http://www.w3.org/2005/Atom"/>', "HTML page"),
        (b"Service unavailable", "neither XML nor JSON"),
        (b"/etc/passwd", "neither XML nor JSON"),
        (b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', "<opml> is not a feed"),
        (b'<urlset xmlns:a="http://www.w3.org/2005/Atom"/>', "<urlset> is not a feed"),
        (b'<rss version="2.0"><channel><title>Cut o', "cut off before its first entry"),
        (b"\x1f\x8b broken", "broken gzip"),
    ],
)
def test_what_is_no_feed_is_refused_in_one_line(body: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=re.escape(message)) as raised:
        parse(body)
    assert "\n" not in str(raised.value)


def test_a_feed_cut_off_in_an_entry_yields_those_before_it_and_says_so() -> None:
    document = parse(rss("<item><guid>1</guid></item><item><title>Half a</title><guid>2</guid></item>")[:-45])
    assert [entry.guid for entry in document.entries] == ["1"]
    assert document.malformed is not None
    assert document.malformed.startswith("line 1")
    with pytest.raises(ParseError, match="cut off"):
        parse(rss("<item><title>Half a</title><guid>2</guid></item>")[:-45])


def test_a_feed_cut_off_between_entries_yields_all_of_them() -> None:
    document = parse(rss("<item><guid>1</guid></item><item><guid>2</guid></item>").removesuffix("</channel></rss>"))
    assert [entry.guid for entry in document.entries] == ["1", "2"]
    assert document.malformed is not None


def test_a_sloppy_feed_yields_all_its_entries() -> None:
    document = parse(rss("<item><title>&nbsp;A & B</title></item><item><guid>2</guid></item>"))
    assert [entry.title for entry in document.entries] == ["A & B", None]
    assert document.malformed is not None


@pytest.mark.parametrize("content_type", [None, "text/xml", "text/html", "text/plain; charset=utf-8", "nonsense"])
def test_the_wrong_media_type_does_not_make_a_feed_malformed(content_type: str | None) -> None:
    document = parse(rss("<item><title>Été à Nîmes</title></item>"), content_type)
    assert document.malformed is None
    assert document.entries[0].title == "Été à Nîmes"


def test_a_blank_line_before_the_declaration_does_not_make_a_feed_malformed() -> None:
    assert parse("\n\n" + rss()).malformed is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_declared_encoding_is_read(encoding: str) -> None:
    body = rss("<item><title>Été</title></item>").replace("?>", f' encoding="{encoding.removesuffix("-sig")}"?>', 1)
    assert parse(body.encode(encoding)).entries[0].title == "Été"


def test_the_charset_of_the_header_counts_before_the_documents() -> None:
    body = rss("<item><title>Привет</title></item>").replace("?>", ' encoding="iso-8859-1"?>', 1)
    assert parse(body.encode("koi8-r"), "application/rss+xml; charset=koi8-r").entries[0].title == "Привет"


def test_gzip_that_no_header_told_of_is_inflated() -> None:
    body = rss("<item><guid>1</guid></item>").encode()
    assert len(parse(gzip.compress(body)).entries) == 1
    assert len(parse(gzip.compress(body[:200]) + gzip.compress(body[200:])).entries) == 1
    assert len(parse(gzip.compress(body) + b"garbage").entries) == 1


def test_a_gzip_bomb_is_refused() -> None:
    with pytest.raises(ParseError, match="more than 20 MB"):
        parse(gzip.compress(b" " * (MAX_INFLATED + 1)))


def unfolding(size: int, uses: int, quotes: str = '"') -> str:
    doctype = f"<!DOCTYPE rss [\n<!ENTITY a {quotes}{'a' * size}{quotes}>\n]>"
    return rss(f"<item><description>{'&a;' * uses}</description></item>").replace("?>", f"?>\n{doctype}\n", 1)


@pytest.mark.parametrize(
    "body",
    [
        unfolding(100_000, 200),  # too much for expat: read by the lenient parser, which has no bounds
        unfolding(1_000_000, 5),  # within expat's bounds
        '{"title": "t", "items": [{"id": "1", "content_text": "' + "&" * 1_000_000 + '"}]}',  # as HTML: &amp;
        atom("<entry><id>i</id></entry>" * 2_000, f"<title>t</title><author><name>{'n' * 3_000}</name></author>"),
    ],
)
def test_rule_29_a_document_that_unfolds_to_many_times_its_size_is_refused(body: str) -> None:
    with pytest.raises(ParseError, match=r"^its entries unfold to \d+ characters, out of a document of \d+ bytes$"):
        parse(body)


def test_rule_29_an_entity_used_as_entities_are_is_read() -> None:
    document = parse(unfolding(1_000, 900))
    assert len(document.entries[0].summary or "") == 900_000


def test_the_name_of_what_is_no_feed_is_cut() -> None:
    with pytest.raises(ParseError, match=r"^this is XML, but <a{40}> is not a feed$"):
        parse(b"<" + b"a" * 40_000 + b"/>")


def test_half_emoji_in_one_title_do_not_cost_the_whole_feed() -> None:
    document = parse(rss("<item><title>a &#55357;&#56832; b</title></item><item><title>two</title></item>"))
    assert [entry.title for entry in document.entries] == [
        "a \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} b",
        "two",
    ]


def test_entries_beyond_the_limit_are_counted() -> None:
    document = parse(rss("<item/>" * (MAX_ENTRIES + 3)))
    assert (len(document.entries), document.dropped) == (MAX_ENTRIES, 3)


def test_external_entities_are_never_read() -> None:
    document = parse(
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<rss version="2.0"><channel><item><title>a&x;b</title></item></channel></rss>'
    )
    assert "root:" not in (document.entries[0].title or "")


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", timedelta(hours=6)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><ttl>30</ttl>", timedelta(hours=1)),
        ("<ttl>soon</ttl><sy:updatePeriod>never</sy:updatePeriod>", None),
        ("<ttl>0</ttl><sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", None),
        ("", None),
    ],
)
def test_ttl_is_the_longest_of_the_documents_wishes(channel: str, expected: timedelta | None) -> None:
    assert parse(rss(channel=channel)).ttl == expected


def test_all_skipped_hours_and_days_are_read() -> None:
    document = parse(
        rss(
            channel="<skipHours><hour>0</hour><hour> 3 </hour><hour>24</hour><hour>x</hour><hour>99</hour></skipHours>"
            "<skipDays><day>Sunday</day><day>monday</day><day>Caturday</day></skipDays>"
        )
    )
    assert (document.skip_hours, document.skip_days) == ((0, 3), (0, 6))


# -- entries -----------------------------------------------------------------------------------------------------------


def test_a_full_rss_item_is_read() -> None:
    entry = item(
        "<title>L&amp;#8217;&lt;b&gt;eau&lt;/b&gt;</title><link>https://news.example/fr/1</link>"
        '<guid isPermaLink="false">tag:1</guid><pubDate>Tue, 24 Nov 2026 08:30:00 CET</pubDate>'
        "<description>In &lt;i&gt;short&lt;/i&gt;</description>"
        "<content:encoded><![CDATA[<p>Text</p><script>x</script>]]></content:encoded>"
        "<dc:creator>Ada</dc:creator><dc:creator>Ben</dc:creator><category>Monde</category><category>Eau</category>"
        "<dc:language>fr-CA</dc:language>"
        '<media:content url="/1.jpg" medium="image"/><media:thumbnail url="/small.jpg"/>'
        "<creativeCommons:license>https://creativecommons.org/licenses/by/4.0/</creativeCommons:license>"
    )
    assert (entry.key, entry.guid, entry.url) == ("tag:1", "tag:1", "https://news.example/fr/1")
    assert (entry.title, entry.summary) == ("L\N{RIGHT SINGLE QUOTATION MARK}eau", "In <i>short</i>")
    assert entry.content == "<p>Text</p><script>x</script>"
    assert entry.published == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
    assert entry.published_raw == "Tue, 24 Nov 2026 08:30:00 CET"
    assert entry.modified is None
    assert (entry.authors, entry.tags, entry.language) == (("Ada", "Ben"), ("Monde", "Eau"), "fr-CA")
    assert entry.image == "https://feeds.example/1.jpg"
    assert entry.license == "https://creativecommons.org/licenses/by/4.0/"


def test_a_full_atom_entry_is_read() -> None:
    document = parse(
        atom(
            "<entry><id>tag:1</id><title type='html'>A &amp;lt;b&amp;gt; c</title>"
            '<link rel="enclosure" type="image/png" href="/1.png"/><link rel="license" href="https://cc.example/by"/>'
            '<link href="1.html"/><published>2026-11-23T08:30:00Z</published><updated>2026-11-24T08:30:00Z</updated>'
            '<summary>In short</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>T</p></div>'
            '</content><category term="m" label="Monde"/></entry>',
            head="<title>Feed</title><author><name>Desk</name></author>",
            base='xml:lang="sw" xml:base="https://news.example/sw/"',
        )
    )
    (entry,) = document.entries
    assert (document.version, entry.url) == ("atom10", "https://news.example/sw/1.html")
    assert (entry.title, entry.summary, entry.content) == ("A <b> c", "In short", "<p>T</p>")
    assert (entry.published, entry.modified) == (
        datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
        datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
    )
    assert (entry.authors, entry.tags, entry.language) == (("Desk",), ("Monde",), "sw")
    assert (entry.image, entry.license) == ("https://news.example/1.png", "https://cc.example/by")


def test_an_atom_entry_that_was_only_updated_has_no_date_of_publication() -> None:
    (entry,) = parse(atom("<entry><id>1</id><updated>2026-11-24T08:30:00Z</updated></entry>")).entries
    assert (entry.published, entry.published_raw) == (None, None)
    assert entry.modified == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def test_the_date_of_publication_is_no_date_of_change() -> None:
    entry = item("<pubDate>Tue, 24 Nov 2026 08:30:00 GMT</pubDate>")
    assert (entry.published, entry.modified) == (datetime(2026, 11, 24, 8, 30, tzinfo=UTC), None)


def test_an_rss_items_dublin_core_date_is_its_publication() -> None:
    entry = item("<dc:date>2026-11-24T08:30:00+01:00</dc:date>")
    assert (entry.published, entry.published_raw, entry.modified) == (
        datetime(2026, 11, 24, 7, 30, tzinfo=UTC),
        "2026-11-24T08:30:00+01:00",
        None,
    )


def test_an_unreadable_date_is_kept_raw_and_never_becomes_now() -> None:
    entry = item("<pubDate>il y a deux heures</pubDate>")
    assert (entry.published, entry.published_raw) == (None, "il y a deux heures")


def test_the_catalogues_language_settles_which_number_is_the_day() -> None:
    body = rss("<item><pubDate>03/04/2026 10:00</pubDate></item>")
    assert parse(body).entries[0].published is None
    assert parse(body, language="fr").entries[0].published == datetime(2026, 4, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("base", "guid"),
    [
        ('xml:base="https://a.example/"', "/1"),
        ('xml:base="https://b.example/deep/"', "/1"),
        ("", "/1"),
        ('xml:base="https://a.example/"', "urn:uuid:1"),
    ],
)
def test_an_id_is_kept_as_written_whatever_the_base(base: str, guid: str) -> None:
    (entry,) = parse(atom(f"<entry><id> {guid} </id><title>T</title></entry>", base=base)).entries
    assert (entry.guid, entry.key) == (guid, guid)


def test_a_guid_is_a_link_only_where_it_is_a_permalink() -> None:
    assert item("<guid>https://news.example/fr/1</guid>").url == "https://news.example/fr/1"
    assert item('<guid isPermaLink="false">https://news.example/fr/1</guid>').url is None
    assert item("<guid>12345</guid>").url is None
    (entry,) = parse(atom("<entry><id>https://news.example/fr/1</id></entry>")).entries
    assert entry.url is None


def test_the_original_link_counts_before_the_feed_servers() -> None:
    entry = item(
        "<link>https://feedproxy.example/~r/1</link><feedburner:origLink>https://news.example/fr/1</feedburner:origLink>"
    )
    assert entry.url == "https://news.example/fr/1"


def test_the_first_alternate_page_of_an_entry_is_its_link() -> None:
    (entry,) = parse(
        atom(
            '<entry><id>1</id><link rel="alternate" type="application/json" href="/1.json"/>'
            '<link rel="self" href="/1.atom"/><link rel="alternate" href="/1"/><link href="/en/1"/></entry>'
        )
    ).entries
    assert entry.url == "https://feeds.example/1"


def test_podcast_episodes_that_all_link_home_have_no_page_of_their_own() -> None:
    link = "<link>https://news.example/fr/</link>"
    episodes = "".join(
        f'<item><title>Episode {n}</title>{link}<guid isPermaLink="false">{n}</guid></item>' for n in range(3)
    )
    entries = parse(rss(episodes)).entries
    assert {entry.url for entry in entries} == {None}
    assert len({entry.article_id for entry in entries}) == 3


def test_a_caption_is_no_content() -> None:
    entry = item(
        '<description>What happened, in a sentence.</description><media:content url="https://a.example/1.jpg">'
        "<media:description>Protesters</media:description></media:content>"
    )
    assert (entry.summary, entry.content) == ("What happened, in a sentence.", None)


def test_content_given_twice_is_kept_once() -> None:
    entry = item("<content:encoded>&lt;p&gt;Text&lt;/p&gt;</content:encoded>")
    assert (entry.summary, entry.content) == (None, "<p>Text</p>")


def test_attributes_on_plain_elements_break_nothing() -> None:
    (entry,) = parse(
        rss(
            '<item><title x="y">T</title><links a="b"/><link>https://news.example/fr/1</link><tags a="b"/>'
            '<authors a="b"/><guid x="y">1</guid><published a="b"/><media_content q="d"/></item>',
            channel='<ttl z="1">6</ttl><language q="x">fr</language>',
        )
    ).entries
    assert (entry.title, entry.guid) == ("T", "1")


def test_a_title_keeps_what_only_looks_like_markup() -> None:
    assert item("<title>Vector&lt;int&gt; &amp;amp; 1 &lt; 2</title>").title == "Vector<int> & 1 < 2"
    assert item("<title>One&lt;br/&gt;two &lt;em class='x'&gt;th&lt;/em&gt;ree</title>").title == "One two three"


def test_every_entry_has_an_identity() -> None:
    entries = parse(rss("<item/><item/><item><title>T</title></item>")).entries
    assert len({entry.key for entry in entries}) == 3
    for entry in entries:
        assert re.fullmatch("[0-9a-f]{32}", entry.article_id)
        assert re.fullmatch("[0-9a-f]{32}", entry.content_hash)


# -- anything at all ---------------------------------------------------------------------------------------------------

SAMPLE = rss(
    "<item><title>L&#8217;&lt;b&gt;x</title><link>/1</link><guid>1</guid><pubDate>24 Nov 2026</pubDate>"
    '<content:encoded><![CDATA[<p>Text</p>]]></content:encoded><media:content url="/1.jpg" type="image/x"/></item>'
).encode()
CHUNKS = st.sampled_from(
    b"""< </ ]]> <item> </item> &#55357; &#x110000; \xff <!-- <![CDATA[ <entry/xml:base="::"> <html> </rss>
    <link/href="http://["> &nbsp;""".split()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 40), CHUNKS | st.binary(max_size=4)), max_size=4))
def test_a_damaged_feed_raises_nothing_but_parse_error(damages: list[tuple[int, int, bytes]]) -> None:
    body = SAMPLE
    for start, length, chunk in damages:
        body = body[:start] + chunk + body[start + length :]
    with contextlib.suppress(ParseError):
        for entry in parse(body).entries:
            assert repr(entry).encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.none() | st.text(max_size=20))
def test_no_bytes_raise_anything_but_parse_error(body: bytes, content_type: str | None) -> None:
    with pytest.raises(ParseError):
        parse(body, content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"<!---->" * 50_000,
        b"<?x?>" * 50_000,
        b"\x1f\x8b" * 100_000,
        gzip.compress(b"") * 20_000,
        rss("<item><title>" + "&lt;" * 100_000 + "</title></item>").encode(),
        rss("<item><title>" + "&amp;" * 100_000 + "</title></item>").encode(),
        rss("<item><guid>1</guid><title>x</title></item>" * MAX_ENTRIES).encode(),
        rss("<item><pubDate>" + "1 " * 100_000 + "</pubDate></item>").encode(),
    ],
    ids=["comments", "instructions", "gzip heads", "gzip members", "less-than", "ampersands", "one guid", "date"],
)
def test_what_is_done_here_takes_linear_time(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(ParseError):
        parse(body)
    assert time.process_time() - started < 5
