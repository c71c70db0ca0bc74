"""The catalogue: feeds.toml read, and edited without losing a comment."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import SettingsError
from service.feeds.catalogue import add_feed, add_feeds, format_catalogue, parse_catalogue, remove_feed, set_enabled
from service.feeds.fields import check_language, host_name, make_name
from storage.model import Content, Feed, Scope

TEXT = """\
# My feeds.

# -- Africa --

# the French one
[[feed]]
name = "rfi-fr"   # do not rename
url = "https://www.rfi.fr/fr/rss"
language = "fr"

# the Hausa one
# [[feed]] is what a feed starts with
[[feed]]
name = "rfi-ha"
url = "https://www.rfi.fr/ha/rss"
enabled = true  # see below

# -- elsewhere --

[[feed]]
url = "https://news.example/rss"
name = 'last'
tags = [
  "a",  # first
  "[[feed]]",
]
# the end
"""


def _problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_catalogue(text)
    return str(caught.value).splitlines()


def _feed(rest: str, name: str = "x") -> str:
    return f'[[feed]]\nname = "{name}"\nurl = "https://{name}.example/"\n{rest}\n'


# -- reading -----------------------------------------------------------------------------------------------------------


def test_every_key_of_a_feed_is_read() -> None:
    text = """
        [[feed]]
        name = "rfi-fr"
        url = "https://www.rfi.fr/fr/rss"
        language = "fr"
        publisher = "RFI"
        interval = "1h30m"
        enabled = false
        dedup = "all"
        content = "feed"
        obey_robots = false
        tags = ["africa", "radio", "africa"]
        """
    assert parse_catalogue(text) == (
        Feed(
            name="rfi-fr",
            url="https://www.rfi.fr/fr/rss",
            language="fr",
            publisher="RFI",
            interval=timedelta(minutes=90),
            enabled=False,
            dedup=Scope.ALL,
            content=Content.FEED,
            obey_robots=False,
            tags=("africa", "radio"),
        ),
    )


def test_feeds_come_in_the_order_they_stand_in() -> None:
    assert [feed.name for feed in parse_catalogue(TEXT)] == ["rfi-fr", "rfi-ha", "last"]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n"])
def test_a_catalogue_may_be_empty(text: str) -> None:
    assert parse_catalogue(text) == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('languege = "fr"', 'unknown key "languege"; did you mean "language"?'),
        ('colour = "red"', 'unknown key "colour"'),
        ('language = "french"', 'language: "french" is not a BCP 47 language tag such as "fr", "pt-BR"'),
        ('language = "fr_FR"', 'language: "fr_FR" is not a BCP 47 language tag: write "fr-FR"'),
        ("language = 3", "language: expected a string in quotes, found the number 3"),
        ('publisher = " "', "publisher: an empty string says nothing"),
        ('publisher = "a\\nb"', "publisher: it holds a line break or a control character"),
        ('interval = "soon"', 'interval: "soon" is not a duration: write 45s, 15m, 2h, 1h30m or 1d'),
        ('interval = "30"', 'interval: "30" has no unit: write 30s, 30m, 30h or 30d'),
        ("interval = 30", 'interval: expected a duration in quotes such as "30m", found the number 30'),
        ('interval = "0"', "interval: a feed cannot be polled without a pause"),
        ('enabled = "no"', 'enabled: expected true or false, found "no"'),
        ("enabled = 0", "enabled: expected true or false, found the number 0"),
        (
            'dedup = "some"',
            'dedup: expected one of "off", "article", "boilerplate", "all", found "some"',
        ),
        ("content = true", 'content: expected one of "page", "feed", found true'),
        ("obey_robots = 2026-11-23", "obey_robots: expected true or false, found a date or time"),
        ('tags = "a"', 'tags: expected an array of strings such as ["africa", "sport"]'),
        ("tags = [1]", 'tags: expected an array of strings such as ["africa", "sport"]'),
    ],
)
def test_a_wrong_value_is_named_with_its_line(line: str, problem: str) -> None:
    assert _problems(_feed("# so far good\n" + line)) == [f'feeds.toml:5: feed "x": {problem}']


@pytest.mark.parametrize("name", ["RFI", "rfi fr", "-rfi", "rfi_fr", "rfi/fr", "é", "../x", "x" * 65])
def test_a_name_is_a_slug(name: str) -> None:
    [problem] = _problems(f'[[feed]]\nname = "{name}"\nurl = "https://a.example/"\n')
    assert problem.startswith(f'feeds.toml:2: feed "{name}": name: "{name}" is no name')


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://a.example/rss", "is not an http or https address"),
        ("www.rfi.fr/fr/rss", "is not an http or https address"),
        ("file:///etc/passwd", "is not an http or https address"),
        ("https://", "is not an http or https address"),
        ("https://[::1/rss", "is not an address"),
        ("https://a.example:99999/", "is not an address"),
        ("https://a.example/my feed", "holds a character that no address can"),
        ("https://me:secret@a.example/", "holds a user name or password"),
    ],
)
def test_a_url_is_an_http_address_without_secrets(url: str, reason: str) -> None:
    [problem] = _problems(f'[[feed]]\nname = "x"\nurl = "{url}"\n')
    assert problem.startswith('feeds.toml:3: feed "x": url: ')
    assert reason in problem
    assert "secret" not in problem


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = """\
feed_url = "x"
[[feed]]
name = "a"
url = "https://a.example/rss"

[[feed]]
name = "a"
url = "HTTPS://A.example/rss#top"
enabled = "yes"

[[feed]]
language = "fr"

[settings]
name = 1
"""
    assert _problems(text) == [
        'feeds.toml:1: unknown key "feed_url"; only [[feed]] stands here; did you mean "feed"?',
        'feeds.toml:7: feed "a": the name stands twice (first at line 3)',
        'feeds.toml:8: feed "a": the url stands twice (first at line 4)',
        'feeds.toml:9: feed "a": enabled: expected true or false, found "yes"',
        "feeds.toml:11: feed number 3: name is missing",
        "feeds.toml:11: feed number 3: url is missing",
        'feeds.toml:14: unknown key "settings"; only [[feed]] stands here',
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[[feed]]\nname = rfi\nurl = "u"', "2:8"),
        ('[[feed]]\nname = "rfi', "2"),
        ('[[feed]]\nname = "a"\nname = "b"\n', "3:11"),
        ("[[feed]]\nurl = [\n", "3"),
        ("<opml/>", "1:1"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, place: str) -> None:
    [problem] = _problems(text)
    assert problem.startswith(f"feeds.toml:{place}")
    assert ": not TOML: " in problem


@pytest.mark.parametrize("text", ['\n[feed]\nname = "a"', "\nfeed = 3", "\nfeed = [1]"])
def test_feeds_that_are_no_array_of_tables_are_told_what_to_write(text: str) -> None:
    assert _problems(text) == ["feeds.toml:2: feeds stand under [[feed]], in two pairs of brackets, each under its own"]


def test_feeds_in_the_plural_are_told_the_right_word() -> None:
    assert _problems('[[feeds]]\nname = "a"') == [
        'feeds.toml:1: unknown key "feeds"; only [[feed]] stands here; did you mean "feed"?'
    ]


def test_lines_are_right_among_strings_and_comments_that_look_like_toml() -> None:
    text = '''\
[[feed]]
name = "a"
url = "https://a.example/#[[feed]]"
publisher = """\\
  [[feed]] \\
  name = 'x' \\
  """  # [[feed]]
tags = [
    "x",
    'name = "y"', # "
]

[[ "feed" ]]
"name" = "B"
'url' = "https://b.example/"
'''
    assert [problem.split(": name:")[0] for problem in _problems(text)] == ['feeds.toml:14: feed "B"']


def test_feeds_in_an_inline_array_are_read_and_their_problems_told_without_lines() -> None:
    text = 'feed = [{name = "a", url = "https://a.example/"}, {name = "a", url = "https://b.example/"}]'
    assert _problems(text) == ['feeds.toml: feed "a": the name stands twice (first feed "a")']
    assert [feed.name for feed in parse_catalogue('feed = [{name = "a", url = "https://a.example/"}]')] == ["a"]


@pytest.mark.parametrize(
    "tag", ["fr", "pt-BR", "zh-Hans", "zh-Hant-TW", "es-419", "man", "sl-rozaj", "de-1996", "en-x-a"]
)
def test_language_tags_of_every_shape_are_taken(tag: str) -> None:
    assert check_language(tag) == tag


@pytest.mark.parametrize("tag", ["", "f", "français", "fr-", "-fr", "fr--FR", "pt-BRA1", "en us"])
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="is not a BCP 47 language tag"):
        check_language(tag)


# -- editing -----------------------------------------------------------------------------------------------------------


def test_adding_leaves_everything_else_to_the_letter() -> None:
    feed = Feed("new", "https://new.example/", "pt-BR", 'O "Jornal" ação', interval=timedelta(minutes=30), tags=("a",))
    text = add_feed(TEXT, feed)
    assert text == TEXT + (
        '\n[[feed]]\nname = "new"\nurl = "https://new.example/"\nlanguage = "pt-BR"\n'
        'publisher = "O \\"Jornal\\" ação"\ninterval = "30m"\ntags = ["a"]\n'
    )
    assert parse_catalogue(text)[-1] == feed


def test_adding_to_nothing_starts_a_catalogue() -> None:
    assert add_feed("", Feed("a", "https://a.example/")) == '[[feed]]\nname = "a"\nurl = "https://a.example/"\n'


@pytest.mark.parametrize(
    "feed",
    [Feed("last", "https://new.example/"), Feed("new", "https://news.example/rss"), Feed("No", "https://n.example/")],
)
def test_what_may_not_stand_is_not_added(feed: Feed) -> None:
    with pytest.raises(SettingsError, match=r"twice|is no name"):
        add_feed(TEXT, feed)


def test_removing_takes_the_comment_right_above_and_no_other() -> None:
    text = remove_feed(TEXT, "rfi-ha")
    gone = {"# the Hausa one", "# [[feed]] is what a feed starts with", 'name = "rfi-ha"'}
    assert text == TEXT[: TEXT.index("# the Hausa one")] + TEXT[TEXT.index("# -- elsewhere") :]
    assert not any(line in text for line in gone)


def test_removing_the_last_feed_keeps_what_stands_after_it() -> None:
    text = remove_feed(TEXT, "last")
    assert text == TEXT[: TEXT.index('[[feed]]\nurl = "https://news')] + "# the end\n"


def test_a_catalogue_can_be_emptied_and_its_first_comment_stays() -> None:
    text = TEXT
    for name in ("rfi-fr", "rfi-ha", "last"):
        text = remove_feed(text, name)
    assert text.splitlines()[0] == "# My feeds."
    assert parse_catalogue(text) == ()
    assert remove_feed('# keep me\n[[feed]]\nname = "a"\nurl = "https://a.example/"', "a") == "# keep me\n"


def test_switching_off_and_on_changes_one_word() -> None:
    off = set_enabled(TEXT, "rfi-ha", False)
    assert off == TEXT.replace("enabled = true  # see below", "enabled = false  # see below")
    assert set_enabled(off, "rfi-ha", True) == TEXT


def test_switching_off_where_nothing_is_said_adds_a_line_to_the_feed() -> None:
    off = set_enabled(TEXT, "rfi-fr", False)
    assert off == TEXT.replace('language = "fr"\n', 'language = "fr"\nenabled = false\n')
    last = set_enabled(TEXT, "last", False)
    assert last == TEXT.replace("]\n# the end", "]\nenabled = false\n# the end")


def test_what_is_so_already_comes_back_as_it_was() -> None:
    assert set_enabled(TEXT, "rfi-ha", True) == TEXT
    assert set_enabled(TEXT, "rfi-fr", True) == TEXT


def test_a_windows_file_stays_one() -> None:
    windows = TEXT.replace("\n", "\r\n")
    for text in (
        add_feed(windows, Feed("new", "https://new.example/")),
        remove_feed(windows, "rfi-ha"),
        set_enabled(windows, "rfi-fr", False),
    ):
        assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize("edit", [remove_feed, lambda text, name: set_enabled(text, name, False)])
def test_an_unknown_feed_cannot_be_edited(edit: object) -> None:
    with pytest.raises(KeyError, match="rfi-xx"):
        edit(TEXT, "rfi-xx")  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [
        'feed = [{name = "a", url = "https://a.example/"}]',
        '[[feed]]\nname = "a"\nurl = "https://a.example/"\n"en\\u0061bled" = true\n',
    ],
)
def test_a_file_laid_out_beyond_our_reading_is_left_alone(text: str) -> None:
    with pytest.raises(SettingsError, match="edit it by hand"):
        set_enabled(text, "a", False)


def test_nothing_is_added_to_an_inline_array() -> None:
    with pytest.raises(SettingsError, match="edit it by hand"):
        add_feed('feed = [{name = "a", url = "https://a.example/"}]', Feed("b", "https://b.example/"))


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=20).filter(
    str.strip
)
_FEEDS = st.lists(
    st.builds(
        Feed,
        name=st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
        url=st.from_regex(r"https?://[a-z]{1,10}\.example/[a-z#&?='\\]{0,20}", fullmatch=True),
        language=st.sampled_from([None, "fr", "pt-BR"]),
        publisher=st.none() | _WORDS,
        interval=st.none() | st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
        enabled=st.booleans(),
        dedup=st.none() | st.sampled_from(Scope),
        content=st.sampled_from(Content),
        obey_robots=st.booleans(),
        tags=st.lists(_WORDS, max_size=3, unique=True).map(tuple),
    ),
    max_size=5,
    unique_by=(lambda feed: feed.name, lambda feed: feed.url.partition("#")[0]),
)


@given(_FEEDS)
def test_what_is_written_reads_back_as_the_same(feeds: list[Feed]) -> None:
    assert parse_catalogue(format_catalogue(feeds)) == tuple(feeds)


@settings(max_examples=40)
@given(_FEEDS, st.sampled_from(["", TEXT, TEXT.replace("\n", "\r\n"), TEXT.rstrip()]), st.data())
def test_feeds_can_be_added_switched_and_removed_in_any_text(
    feeds: list[Feed], start: str, data: st.DataObject
) -> None:
    text = add_feeds(start, [feed for feed in feeds if feed.name != "last"])
    names = [feed.name for feed in parse_catalogue(text)]
    comments = [line for line in start.splitlines() if line.startswith("# --")]
    for name in data.draw(st.permutations(names)):
        text = remove_feed(set_enabled(text, name, data.draw(st.booleans())), name)
        names.remove(name)
        assert [feed.name for feed in parse_catalogue(text)] == names
    assert [line for line in text.splitlines() if line.startswith("# --")] == comments


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (("RFI - Afrique : l'actualité",), "rfi-afrique-l-actualite"),
        (("新闻", "news-example"), "news-example"),
        ((None, "", "…"), "feed"),
        (("x" * 100,), "x" * 64),
    ],
)
def test_names_are_made_of_what_latin_letters_there_are(sources: tuple[str | None, ...], name: str) -> None:
    assert make_name(*sources) == name


@given(st.text(), st.sets(st.sampled_from(["feed", "feed-2", "a", "a-2", "x" * 64])))
def test_a_made_name_is_always_a_new_one_that_may_stand(source: str, taken: set[str]) -> None:
    name = make_name(source, taken=taken)
    assert name not in taken
    assert parse_catalogue(format_catalogue([Feed(name, "https://a.example/")]))[0].name == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.rfi.fr/fr/rss", "rfi.fr"),
        ("https://feeds.bbci.co.uk/x", "bbci.co.uk"),
        ("https://rss.com/x", "rss.com"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
    ],
)
def test_a_site_is_called_by_its_host(url: str, name: str) -> None:
    assert host_name(url) == name
