from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feeds.identity import (
    LONGEST_KEY,
    article_id,
    article_id_without_link,
    content_hash,
    entry_key,
    identify,
    own_page,
)
from storage.model import Entry


def entry(
    guid: str | None = None, url: str | None = None, title: str | None = None, content: str | None = None
) -> Entry:
    return Entry(key="", article_id="", content_hash="", guid=guid, url=url, title=title, content=content)


def keys(*entries: Entry) -> list[str]:
    return [e.key for e in identify(entries, feed="rfi-fr", site="https://rfi.example/fr/")]


def test_an_article_id_is_32_hex_digits_of_the_url_key() -> None:
    one = article_id("https://RFI.example:443/fr/a?utm_source=rss#top")
    assert one == article_id("https://rfi.example/fr/a")
    assert one != article_id("https://rfi.example/fr/b")
    assert len(one) == 32
    assert int(one, 16) >= 0


def test_without_a_link_an_article_belongs_to_its_feed() -> None:
    assert article_id_without_link("a", "1") != article_id_without_link("b", "1")
    assert article_id_without_link("a", "1") != article_id_without_link("a", "2")


def test_the_key_is_the_guid_else_the_link_else_the_text() -> None:
    assert entry_key(" tag:x,1 ", "https://a.example/1", "T", "C") == " tag:x,1 "
    assert entry_key(None, "https://A.example/1?utm_medium=rss", "T", "C") == "https://a.example/1"
    by_text = entry_key(None, None, "T", "C")
    assert by_text == entry_key(None, None, "T", " <p>C</p> ")
    assert by_text != entry_key(None, None, "T", "D")


def test_a_monstrous_guid_is_known_by_its_hash() -> None:
    assert len(entry_key("g" * (LONGEST_KEY + 1), None, None, None)) == 32
    assert len(entry_key("g" * LONGEST_KEY, None, None, None)) == LONGEST_KEY


def test_white_space_markup_and_tracking_change_no_content_hash() -> None:
    one = content_hash("A title", "https://a.example/1", "A  summary\n", "<p>Some text</p>")
    assert one == content_hash(" A title", "https://a.example/1?xtor=RSS-1", "A summary", '<p class="x">Some\ntext</p>')


def test_tags_inside_a_line_part_no_words_and_those_between_lines_do() -> None:
    plain = content_hash("T", None, None, "the models, GAN and VAE. They")
    linked = '<p>the <em>models</em>, <a href="/gan">GAN</a> and <A HREF="/vae">VAE</A>.<!-- more --> They</p>'
    assert content_hash("T", None, None, linked) == plain
    apart = content_hash("T", None, None, "12 morts")
    for tag in ("<br>", "</p><p>", "</td><td>", "<img src=x>", "</li>\n<li>", "<aside>", "<sup-x>"):
        assert content_hash("T", None, None, f"12{tag}morts") == apart, tag
    assert content_hash("T", None, None, "12<b></b>morts") != apart


@pytest.mark.parametrize(
    "other",
    [
        ("B title", "https://a.example/1", "S", "12 morts"),
        ("A title", "https://a.example/2", "S", "12 morts"),
        ("A title", "https://a.example/1", "T", "12 morts"),
        ("A title", "https://a.example/1", "S", "27 morts"),
        ("A title", "https://a.example/1", None, "S 12 morts"),
    ],
)
def test_title_link_summary_and_content_each_count(other: tuple[str | None, ...]) -> None:
    assert content_hash("A title", "https://a.example/1", "S", "12 morts") != content_hash(*other)


def test_dates_never_count_in_the_content_hash() -> None:
    (one,) = identify([entry("1", "https://a.example/1", "T")], feed="f", site=None)
    (other,) = identify([replace(entry("1", "https://a.example/1", "T"), published_raw="x")], feed="f", site=None)
    assert one.content_hash == other.content_hash


def test_two_feeds_that_link_one_page_share_its_article_and_no_key() -> None:
    (one,) = identify([entry("1", "https://a.example/1", "T")], feed="a", site=None)
    (other,) = identify([entry("2", "https://a.example/1?utm_source=b", "T")], feed="b", site=None)
    assert one.article_id == other.article_id
    assert one.key != other.key


@pytest.mark.parametrize(
    "link",
    [
        "mailto:desk@rfi.example",
        "https://rfi.example/",
        "https://rfi.example/fr/",
        "https://rfi.example/fr/?utm_source=rss",
    ],
)
def test_a_link_that_leads_to_no_page_of_its_own_does_not_identify(link: str) -> None:
    (found,) = identify([entry("1", link, "T")], feed="f", site="https://rfi.example/fr/")
    assert found.url is None
    assert found.article_id == article_id_without_link("f", "1")


def test_the_channels_own_link_is_no_entrys_page() -> None:
    link = "https://show.example/podcast/the-daily"
    assert own_page([entry("1", link, "One")], site=link) == [False]
    assert own_page([entry("1", link, "One")], site="https://show.example/") == [True]


def test_episodes_that_share_one_link_stay_apart() -> None:
    episodes = [entry(f"ep-{n}", "https://show.example/podcast", f"Episode {n}") for n in range(131)]
    found = identify(episodes, feed="podcast", site="https://show.example/")
    assert {e.url for e in found} == {None}
    assert len({e.article_id for e in found}) == len({e.key for e in found}) == 131


def test_episodes_without_guid_that_share_one_link_stay_apart() -> None:
    episodes = [entry(None, "https://show.example/podcast", f"Episode {n}") for n in range(3)]
    assert len({e.article_id for e in identify(episodes, feed="f", site=None)}) == 3


def test_one_article_listed_under_two_guids_keeps_its_link() -> None:
    found = identify(
        [entry("1", "https://a.example/x", "Same"), entry("2", "https://a.example/x", "Same")], feed="f", site=None
    )
    assert [e.url for e in found] == ["https://a.example/x"] * 2
    assert found[0].article_id == found[1].article_id


def test_the_hash_of_an_entry_does_not_depend_on_its_neighbours() -> None:
    alone = identify([entry("1", "https://a.example/x", "One")], feed="f", site=None)
    crowd = identify(
        [entry("1", "https://a.example/x", "One"), entry("2", "https://a.example/x", "Two")], feed="f", site=None
    )
    assert alone[0].url is not None
    assert crowd[0].url is None
    assert (alone[0].key, alone[0].content_hash) == (crowd[0].key, crowd[0].content_hash)


def test_a_guid_that_repeats_is_told_apart_by_link_then_by_title_then_by_ordinal() -> None:
    by_link = [entry("0", f"https://a.example/{n}", "T") for n in "ab"]
    assert len(set(keys(*by_link))) == 2
    assert keys(*by_link) == keys(*reversed(by_link))[::-1]
    by_title = [entry("0", None, "One"), entry("0", None, "Two")]
    assert keys(*by_title) == keys(*reversed(by_title))[::-1]
    assert keys(entry("0", None, "T"), entry("0", None, "T")) == ["0", "0 #2"]


def test_a_guid_that_looks_like_an_ordinal_collides_with_none() -> None:
    assert len(set(keys(entry("1 #2"), entry("1"), entry("1"), entry("1 #3")))) == 4


ENTRIES = st.lists(
    st.builds(
        entry,
        guid=st.none() | st.sampled_from(["1", "2", "1 #2", "https://a.example/1"]),
        url=st.none() | st.sampled_from(["https://a.example/", "https://a.example/1", "https://a.example/2", "data:x"]),
        title=st.none() | st.sampled_from(["One", "Two"]),
        content=st.none() | st.sampled_from(["<p>x</p>", "y"]),
    ),
    max_size=12,
)


@given(ENTRIES, st.none() | st.sampled_from(["https://a.example/", "https://a.example/2", "not a URL"]))
def test_every_entry_of_a_document_has_a_key_of_its_own(entries: list[Entry], site: str | None) -> None:
    found = identify(entries, feed="f", site=site)
    assert len({e.key for e in found}) == len(entries)
    assert [e.guid for e in found] == [e.guid for e in entries]
    for one in found:
        assert one.article_id == (article_id(one.url) if one.url else article_id_without_link("f", one.key))
