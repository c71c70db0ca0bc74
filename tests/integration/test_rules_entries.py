"""Rules 22 to 29, as a whole crawl shows them: in the ledger, in the archive, in what is asked for."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command import messages, veille
from crawling import Bench

from service.archiving import TWIN
from service.articles.workers import Workers
from service.feeds.decide import ALIAS
from service.net.transport import GuardedTransport
from service.newsroom import Newsroom, Site, Status
from storage.model import Poll

RSS, ATOM, JSON = "application/rss+xml", "application/atom+xml", "application/feed+json"


@pytest.fixture
def room() -> Iterator[Newsroom]:
    with Newsroom(sites=2, stories=0) as room:
        yield room


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def item(guid: str | None = None, link: str | None = None, title: str = "A title", text: str = "", **more: str) -> str:
    fields = {"title": title, "link": link, "description": text} | more
    written = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value)
    return f"<item>{f'<guid>{guid}</guid>' if guid else ''}{written}</item>"


def rss(*items: str, title: str = "News") -> str:
    return f"<rss version='2.0'><channel><title>{title}</title>{''.join(items)}</channel></rss>"


def page(words: str) -> str:
    text = f"{words} The council of the valley met on Tuesday to hear of it. " * 6
    return f"<html lang=en><head><title>{words}</title></head><body><article><p>{text}</p></article></body></html>"


def watch(bench: Bench, *, content: str = "page", **feeds: str) -> None:
    """Make these the catalogue: feeds by name."""
    tables = [f'[[feed]]\nname = "{name}"\nurl = "{url}"\ncontent = "{content}"\n' for name, url in feeds.items()]
    bench.feeds_file.write_text("\n".join(tables), encoding="utf-8")


def rows(bench: Bench, query: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(bench.data / "veille.db")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def ledger(bench: Bench) -> list[tuple[str, str, str]]:
    """Feed, guid and outcome of each entry version, in the order they were listed."""
    return rows(bench, "SELECT feed, guid, outcome FROM entries ORDER BY number")


def polls(bench: Bench) -> dict[str, Poll]:
    return {event.feed: event for event in bench.events if isinstance(event, Poll)}


# -- 22: which entry it is ---------------------------------------------------------------------------------------------


def based(kind: str, base: str, link: str) -> str:
    if kind == ATOM:
        entry = f"<entry><id>story-1</id><title>t</title><link href='{link}'/></entry>"
        return f"<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{base}'><title>c</title>{entry}</feed>"
    entry = f"<item><guid>story-1</guid><title>t</title><link>{link}</link></item>"
    return f"<rss version='2.0' xml:base='{base}'><channel><title>c</title>{entry}</channel></rss>"


@pytest.mark.parametrize("kind", [RSS, ATOM])
def test_rule_22_a_guid_is_the_one_written_and_not_what_the_base_makes_of_it(
    bench: Bench, room: Newsroom, kind: str
) -> None:
    link = room.serve("/story", page("Once"))
    for base in ("http://old.example/", "https://new.example/fr/"):
        watch(bench, f=room.serve("/feed.xml", based(kind, base, link), kind))
        bench.crawl()
    assert rows(bench, "SELECT key, guid, outcome FROM entries") == [("story-1", "story-1", "archived")]
    assert [record["guid"] for record in bench.records()] == ["story-1"]


def test_rule_22_a_guid_without_a_link_is_no_other_article_on_another_base(bench: Bench, room: Newsroom) -> None:
    text = "<description>Words of an entry without a link.</description>"
    for base in ("http://127.77.0.1:9/", "https://127.77.0.1:9/fr/"):
        body = based(RSS, base, "").replace("<link></link>", text)
        watch(bench, f=room.serve("/feed.xml", body, RSS))
        bench.crawl()
    assert rows(bench, "SELECT key, url, outcome FROM entries") == [("story-1", None, "archived")]
    assert [record["guid"] for record in bench.records()] == ["story-1"]


def test_rule_22_without_a_guid_the_link_is_the_entry_and_without_both_its_words(bench: Bench, room: Newsroom) -> None:
    link = room.serve("/story?id=7", page("By its link"))
    room.serve("/story?id=7&utm_source=rss", page("By its link"))
    words = item(title="By its words", text="<p>These are all the words there are.</p>")
    for number, tracking in enumerate(("", "&amp;utm_source=rss")):
        body = rss(item(link=link + tracking, title="By its link"), words, title=f"News {number}")
        watch(bench, f=room.serve("/feed.xml", body, RSS))
        bench.crawl()
    assert polls(bench)["f"].listed == 2
    assert ledger(bench) == [("f", None, "archived")] * 2
    assert {record["title"] for record in bench.records()} == {"By its link", "By its words"}
    other = item(title="By its words", text="<p>These are other words than those before.</p>")
    watch(bench, f=room.serve("/feed.xml", rss(item(link=link, title="By its link"), other), RSS))
    bench.crawl()
    assert len(bench.records()) == 3


def test_rule_22_one_guid_given_to_several_pages_is_as_many_entries_in_whatever_order(
    bench: Bench, room: Newsroom
) -> None:
    links = [room.serve(f"/story/{n}", page(f"Story {n}")) for n in range(3)]
    items = [item("same", link, title="Bulletin") for link in links]
    for order in (items, items[::-1]):
        watch(bench, f=room.serve("/feed.xml", rss(*order), RSS))
        bench.crawl()
    assert sorted(record["url"] for record in bench.records()) == links
    assert ledger(bench) == [("f", "same", "archived")] * 3


def test_rule_22_a_guid_that_comes_to_be_used_twice_hides_no_article(bench: Bench, room: Newsroom) -> None:
    old, new = (room.serve(f"/story/{name}", page(f"The {name} story")) for name in ("old", "new"))
    for links in ([old], [new, old], [new]):
        items = [item("same", link, title="Bulletin") for link in links]
        watch(bench, f=room.serve("/feed.xml", rss(*items), RSS))
        bench.crawl()
    assert [record["url"] for record in bench.records()] == [old, new]
    assert {outcome for _, _, outcome in ledger(bench)} == {"archived", "unchanged"}


def test_rule_22_one_guid_on_entries_alike_but_for_their_text_is_told_apart_by_the_order(
    bench: Bench, room: Newsroom
) -> None:
    texts = [f"<p>Bulletin number {n} of the day, with words of its own.</p>" for n in range(3)]
    for title in ("News", "News of today"):
        body = rss(*(item("same", title="Bulletin", text=text) for text in texts), title=title)
        watch(bench, f=room.serve("/feed.xml", body, RSS))
        bench.crawl()
    assert [f"<p>{record['text']}</p>" for record in bench.records()] == texts
    assert ledger(bench) == [("f", "same", "archived")] * 3


# -- 23: no feed claims another's entries ------------------------------------------------------------------------------


def hostile(victim: Site, own: Site, room: Newsroom) -> str:
    """A feed that lists another's guids, its links, and both, and the guid of an entry without a link."""
    items = []
    for number in range(3):
        link = f"{victim.base_url}/story/{number}"
        spam = room.serve(f"/spam/{number}", page(f"Spam {number}"), site=own)
        items += [
            item(f"guid-{number}", spam, title=f"Spam {number}"),
            item(f"other-{number}", link, title=f"Not what {number} says", text="Nor is this."),
        ]
    items.append(item("guid-3", f"{victim.base_url}/story/3", title="Story 3"))
    items.append(item("guid-4", title="Bulletin", text="What somebody else says without a page."))
    return room.serve("/hostile.xml", rss(*items), RSS, site=own)


def publish(victim: Site, room: Newsroom) -> tuple[str, list[str]]:
    links = [room.serve(f"/story/{n}", page(f"Story {n}"), site=victim) for n in range(4)]
    items = [item(f"guid-{n}", link, title=f"Story {n}") for n, link in enumerate(links)]
    items.append(item("guid-4", title="Bulletin", text="What the publisher says without a page."))
    return room.serve("/victim.xml", rss(*items), RSS, site=victim), links


@pytest.mark.parametrize("order", ["hostile first", "hostile last", "at once"])
def test_rule_23_a_feed_with_anothers_guids_and_links_suppresses_none_of_its_articles(
    bench: Bench, room: Newsroom, order: str
) -> None:
    victim, own = room.sites
    bad = hostile(victim, own, room)
    good, links = publish(victim, room)
    feeds = {"a": bad, "b": good} if order == "hostile first" else {"b": good, "c": bad}
    name, url = next(iter(feeds.items()))
    if order != "at once":
        watch(bench, **{name: url})
        bench.crawl()
    watch(bench, **feeds)
    bench.crawl()
    texts = {record["url"]: record["text"] for record in bench.records() if record["revision"] == 1}
    assert {url: text.split(" The council")[0] for url, text in texts.items() if url in links} == {
        link: f"Story {n}" for n, link in enumerate(links)
    }
    bulletins = {record["feed"]: record["text"] for record in bench.records() if record["guid"] == "guid-4"}
    assert bulletins.pop("b") == "What the publisher says without a page."
    assert list(bulletins.values()) == ["What somebody else says without a page."]
    assert {record["revision"] for record in bench.records()} == {1}
    assert len(bench.records()) == len(links) + 3 + 2, "each story once, and what the hostile feed has of its own"
    outcomes = [outcome for feed, _, outcome in ledger(bench) if feed == "b"]
    assert len(outcomes) == 5
    assert set(outcomes) <= {"archived", "unchanged"}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["hostile first", "hostile last"])
@pytest.mark.parametrize("theirs", ["What somebody else says of it.", ""])
def test_rule_23_where_the_page_cannot_be_had_each_feed_speaks_for_itself(
    bench: Bench, room: Newsroom, order: str, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, own = room.sites
    link = room.serve("/story", page("The story"), site=victim)
    ours = "What the publisher says of it."
    feeds = {
        "b": room.serve("/victim.xml", rss(item("guid", link, text=ours)), RSS, site=own),
        "a" if order == "hostile first" else "c": room.serve(
            "/hostile.xml", rss(item("guid", link, text=theirs)), RSS, site=own
        ),
    }
    room.fault(link, Status(404))
    watch(bench, **dict(sorted(feeds.items())))  # of one host, so that they are polled in this order
    for days in range(3):
        monkeypatch.setattr("service.app.now", partial(_later, timedelta(days=days, minutes=days)))
        assert bench.records() == []
        bench.crawl()
    assert [record["text"] for record in bench.records() if record["feed"] == "b"] == [ours]
    ended = {feed: outcome for feed, _, outcome in ledger(bench)}
    assert (ended.pop("b"), *ended.values()) == ("archived", "archived" if theirs else "gone")
    room.heal()
    edited = rss(item("guid", link, text=ours, title="A better title"))
    room.serve("/victim.xml", edited, RSS, site=own)
    monkeypatch.setattr("service.app.now", partial(_later, timedelta(days=4)))
    bench.crawl()
    assert bench.records()[-1]["text"].startswith("The story")


def test_rule_23_what_another_feed_says_of_a_page_does_not_stand_for_the_page(bench: Bench, room: Newsroom) -> None:
    victim, own = room.sites
    link = room.serve("/story", page("The story"), site=victim)
    theirs = rss(item("1", link, text="What somebody else says of it."))
    watch(bench, content="feed", a=room.serve("/a.xml", theirs, RSS, site=own))
    bench.crawl()
    of_others = bench.feeds_file.read_text(encoding="utf-8")
    watch(bench, b=room.serve("/b.xml", rss(item("1", link)), RSS, site=victim))
    bench.feeds_file.write_text(of_others + bench.feeds_file.read_text(encoding="utf-8"), encoding="utf-8")
    bench.crawl()
    assert [(record["feed"], record["text_source"]) for record in bench.records()] == [("a", "feed"), ("b", "page")]


def test_rule_23_a_link_that_another_feed_has_spoilt_delays_no_article(bench: Bench, room: Newsroom) -> None:
    victim, own = room.sites
    link = room.serve("/story", page("The story"), site=victim)
    room.serve("/story?utm_source=..%2F..%2Fetc", "no", site=victim, status=403)
    watch(
        bench,
        a=room.serve("/a.xml", rss(item("1", f"{link}?utm_source=..%2F..%2Fetc")), RSS, site=own),
        b=room.serve("/b.xml", rss(item("1", link)), RSS, site=own),
    )
    bench.crawl()
    assert [record["feed"] for record in bench.records()] == ["b"]


def _later(by: timedelta) -> datetime:
    return datetime.now(UTC) + by


@pytest.mark.parametrize("at_once", [True, False])
def test_rule_23_two_feeds_that_link_one_page_have_one_article_and_both_sightings(
    bench: Bench, room: Newsroom, at_once: bool
) -> None:
    one, two = room.sites
    link = room.serve("/story", page("The story"), site=one)
    room.serve("/story?utm_medium=rss", page("The story"), site=one)
    feeds = {
        "one": room.serve("/one.xml", rss(item("1", link)), RSS, site=one),
        "two": room.serve("/two.xml", rss(item("2", f"{link}?utm_medium=rss#top")), RSS, site=two),
    }
    if not at_once:
        watch(bench, one=feeds["one"])
        bench.crawl()
    watch(bench, **feeds)
    bench.crawl()
    (record,) = bench.records()
    sightings = rows(bench, "SELECT feed, article_id, outcome, reason FROM entries ORDER BY outcome")
    archived, (other,) = record["feed"], {"one", "two"} - {record["feed"]}
    assert sightings == [
        (archived, record["id"], "archived", None),
        (other, record["id"], "unchanged", f"archived from {archived}"),
    ]
    assert len(room.page_requests()) == 1
    if at_once:
        assert {record["feed"], *record["also_in"]} == {"one", "two"}


# -- 24: new guids for old articles ------------------------------------------------------------------------------------


def test_rule_24_new_guids_for_known_links_are_aliases(bench: Bench, room: Newsroom) -> None:
    links = [room.serve(f"/story/{n}", page(f"Story {n}")) for n in range(3)]
    for scheme in ("http", "https"):
        items = [item(f"{scheme}://news.example/?p={n}", link) for n, link in enumerate(links)]
        watch(bench, f=room.serve("/feed.xml", rss(*items), RSS))
        bench.crawl()
    assert len(bench.records()) == len(room.page_requests()) == 3
    aliases = rows(bench, "SELECT guid, outcome, reason FROM entries WHERE guid LIKE 'https:%'")
    assert aliases == [(f"https://news.example/?p={n}", "unchanged", ALIAS) for n in range(3)]
    assert polls(bench)["f"].gap is None


def test_rule_24_a_new_guid_with_an_edited_text_is_a_revision_of_the_same_article(bench: Bench, room: Newsroom) -> None:
    for guid, words in (("old", "As it was"), ("new", "As it is now")):
        link = room.serve("/story", page(words))
        watch(bench, f=room.serve("/feed.xml", rss(item(guid, link, title=words)), RSS))
        bench.crawl()
    first, second = bench.records()
    assert (first["id"], first["revision"], second["revision"]) == (second["id"], 1, 2)


def test_rule_24_a_site_that_moves_to_https_keeps_its_articles(
    bench: Bench, room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = GuardedTransport.request

    def without_tls(url: str, *more: Any) -> Any:  # as if the newsroom spoke it: all else believes that it does
        return request(url.replace("https:", "http:", 1), *more)

    monkeypatch.setattr(GuardedTransport, "request", staticmethod(without_tls))
    link = room.serve("/story", page("The story"))
    moved = link.replace("http:", "https:")
    for guid in (link, moved):
        watch(bench, f=room.serve("/feed.xml", rss(item(guid, guid)), RSS))
        bench.crawl()
    (record,) = bench.records()
    assert rows(bench, "SELECT guid, article_id, outcome, reason FROM entries") == [
        (link, record["id"], "archived", None),
        (moved, record["id"], "unchanged", TWIN),
    ]
    room.serve("/story", page("The story, corrected"))
    room.serve("/feed.xml", rss(item(moved, moved, title="Corrected")), RSS)
    bench.crawl()
    assert [(line["id"], line["revision"], line["url"]) for line in bench.records()[1:]] == [(record["id"], 2, moved)]


# -- 25: what is a change ----------------------------------------------------------------------------------------------

NOVEMBER = datetime(2025, 11, 21, 9, tzinfo=UTC)


def dated(links: list[str], days: list[int], titles: list[str] | None = None) -> str:
    titles = titles or [f"Story {n}" for n in range(len(links))]
    return rss(
        *(
            item(f"g{n}", link, title=titles[n], pubDate=format_datetime(NOVEMBER + timedelta(days=days[n])))
            for n, link in enumerate(links)
        )
    )


@pytest.mark.parametrize(("moved", "warned"), [(2, False), (3, True), (4, True)])
def test_rule_25_new_dates_make_no_revision_and_a_warning_where_most_have_one(
    bench: Bench, room: Newsroom, moved: int, warned: bool
) -> None:
    links = [room.serve(f"/story/{n}", page(f"Story {n}")) for n in range(4)]
    watch(bench, f=room.serve("/feed.xml", dated(links, [0] * 4), RSS))
    bench.crawl()
    room.clear_log()
    room.serve("/feed.xml", dated(links, [1] * moved + [0] * (4 - moved)), RSS)
    crawled = bench.crawl()
    poll = polls(bench)["f"]
    assert (poll.status, len(poll.seen), poll.entries) == (200, 4, ())
    assert room.page_requests() == []
    assert len(bench.records()) == 4
    assert crawled.tally.new_entries == 0
    said = f"{moved} of 4 known entries carry other dates than before; that alone makes no revision"
    assert poll.warnings == ((said,) if warned else ())


def test_rule_25_other_words_are_a_revision_though_the_date_is_the_same(bench: Bench, room: Newsroom) -> None:
    links = [room.serve(f"/story/{n}", page(f"Story {n}")) for n in range(2)]
    watch(bench, f=room.serve("/feed.xml", dated(links, [0, 0]), RSS))
    bench.crawl()
    room.serve("/story/1", page("Story 1, corrected"))
    room.serve("/feed.xml", dated(links, [0, 0], ["Story 0", "Story 1, corrected"]), RSS)
    bench.crawl()
    assert [(record["url"], record["revision"]) for record in bench.records()[2:]] == [(links[1], 2)]


# -- 26: dates ---------------------------------------------------------------------------------------------------------

DATES = {
    "Fri, 21 Nov 2025 10:00:00 CET": "2025-11-21T09:00:00Z",
    "Fri, 18 Jul 2025 10:00:00 CEST": "2025-07-18T08:00:00Z",
    "ven., 21 novembre 2025 10:00:00 +0100": "2025-11-21T09:00:00Z",
    "jeudi 14 août 2025 08:30:00 GMT": "2025-08-14T08:30:00Z",
    "mer., 05 févr. 2025 06:00:00 +0100": "2025-02-05T05:00:00Z",
    "Sun, 01 Jan 1995 00:00:00 GMT": "1995-01-01T00:00:00Z",
    "Sat, 31 Dec 1994 23:59:59 GMT": None,
    "Thu, 01 Jan 1970 00:00:00 GMT": None,
    "Mon, 01 Jan 2199 00:00:00 GMT": None,
    "the day before yesterday": None,
}


def test_rule_26_dates_are_kept_as_written_and_as_read_with_their_source(bench: Bench, room: Newsroom) -> None:
    ahead = {
        format_datetime(moment): moment.strftime("%Y-%m-%dT%H:%M:%SZ") if kept else None
        for hours, kept in ((23, True), (25, False))
        for moment in [datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)]
    }
    expected = DATES | ahead
    items = [item(raw, text=f"<p>Words of entry {n}.</p>", pubDate=raw) for n, raw in enumerate(expected)]
    bare = item("none", text="<p>Words of an entry without a date.</p>")
    watch(bench, f=room.serve("/feed.xml", rss(*items, bare), RSS))
    bench.crawl()
    found = {record["guid"]: record for record in bench.records()}
    assert {raw: found[raw]["published"] for raw in expected} == expected
    assert {raw: found[raw]["published_raw"] for raw in expected} == {raw: raw for raw in expected}
    sources = {raw: found[raw]["published_source"] for raw in expected}
    assert sources == {raw: "feed" if read else None for raw, read in expected.items()}
    assert [found["none"][name] for name in ("published", "published_raw", "published_source")] == [None] * 3
    assert {record["modified"] for record in found.values()} == {None}, "a date of publication is none of change"


def test_rule_26_a_change_is_dated_only_where_the_feed_says_so(bench: Bench, room: Newsroom) -> None:
    def entry(name: str, dates: str) -> str:
        return f"<entry><id>{name}</id><title>{name}</title><content>Words of {name}.</content>{dates}</entry>"

    published, updated = "<published>2025-11-21T09:00:00Z</published>", "<updated>2025-11-22T10:00:00+01:00</updated>"
    entries = entry("published", published) + entry("updated", updated) + entry("both", published + updated)
    feed = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>c</title>{entries}</feed>"
    watch(bench, f=room.serve("/feed.xml", feed, ATOM))
    bench.crawl()
    assert {record["guid"]: (record["published"], record["modified"]) for record in bench.records()} == {
        "published": ("2025-11-21T09:00:00Z", None),
        "updated": (None, "2025-11-22T09:00:00Z"),
        "both": ("2025-11-21T09:00:00Z", "2025-11-22T09:00:00Z"),
    }


# -- 27: how many ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RSS, JSON])
def test_rule_27_two_thousand_entries_are_taken_and_the_rest_is_told(tmp_path: Path, room: Newsroom, kind: str) -> None:
    site = room.sites[0]
    room.robots("User-agent: *\nDisallow: /story/\n", site)  # all of them end without a page
    links = [f"{site.base_url}/story/{n}" for n in range(2_003)]
    if kind == RSS:
        body = rss(*(item(str(n), link, title=f"Story {n}") for n, link in enumerate(links)))
    else:
        items = [{"id": str(n), "url": link, "title": f"Story {n}"} for n, link in enumerate(links)]
        body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": items})
    bench = Bench(tmp_path)
    watch(bench, f=room.serve("/feed", body, kind))
    done = veille(tmp_path, "--feeds", bench.feeds_file, "crawl")
    said = "3 entries beyond the limit for one document were left out"
    assert f"feed f: {said}" in messages(done)
    assert rows(bench, "SELECT listed, dropped, added FROM polls") == [(2_000, 3, 2_000)]
    assert rows(bench, "SELECT outcome, count(*) FROM entries GROUP BY outcome") == [("skipped", 2_000)]
    assert "2000 skipped" in done.stdout


# -- 28: bodies that are no XML ----------------------------------------------------------------------------------------


def test_rule_28_a_body_that_reads_like_a_path_or_an_address_opens_nothing(
    tmp_path: Path, bench: Bench, room: Newsroom
) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text(rss(item("secret", text="<p>Nobody outside may make us read this.</p>")), encoding="utf-8")
    bait = room.serve("/bait.xml", secret.read_bytes(), RSS)
    bodies = ["/etc/passwd", str(secret), f"{secret}\n", f"file://{secret}", bait]
    feeds = {f"f{n}": room.serve(f"/feed/{n}", body, RSS) for n, body in enumerate(bodies)}
    watch(bench, **feeds)
    bench.crawl()
    assert {name: poll.error for name, poll in polls(bench).items()} == dict.fromkeys(
        feeds, "this is neither XML nor JSON, so not a feed"
    )
    assert "/bait.xml" not in [request.path for request in room.requests]
    assert bench.records() == []


def test_rule_28_an_entity_of_a_document_opens_nothing(tmp_path: Path, bench: Bench, room: Newsroom) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Nobody outside may make us read this.", encoding="utf-8")
    bait = room.serve("/bait.txt", "Nor this.")
    types = f'<!DOCTYPE rss SYSTEM "{bait}" [<!ENTITY a SYSTEM "file://{secret}"><!ENTITY b SYSTEM "{bait}">]>'
    body = types + rss(item("1&a;", title="t", text="<p>Words that stand there. &a; &b;</p>"))
    body = body.replace("<guid>", "<guid isPermaLink='false'>").replace("<channel>", "<channel xml:base='http://x/'>")
    watch(bench, f=room.serve("/feed.xml", body, RSS))
    bench.crawl()
    (record,) = bench.records()
    assert record["text"].startswith("Words that stand there.")
    assert record["guid"].startswith("1")
    assert "Nobody" not in json.dumps(record)
    assert "/bait.txt" not in [request.path for request in room.requests]


def test_rule_28_a_json_feed_is_archived_with_all_it_says(bench: Bench, room: Newsroom) -> None:
    link = room.serve("/story", page("From the page"))
    whole = {
        "id": 7,
        "title": "By the feed alone",
        "content_html": "<p>First paragraph of the entry.</p><p>Second paragraph of the entry.</p>",
        "summary": "In short.",
        "date_published": "2025-11-21T10:00:00+01:00",
        "date_modified": "2025-11-22T10:00:00+01:00",
        "authors": [{"name": "Ada"}, {"name": "Ben"}],
        "tags": ["bridge", "winter"],
        "language": "fr-CA",
        "image": "/media/7.jpg",
    }
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "language": "en",
        "items": [whole, {"id": "linked", "url": "/story", "content_text": "A teaser."}],
    }
    url = room.serve("/feed.json", json.dumps(feed), JSON)
    watch(bench, f=url)
    bench.crawl()
    records = {record["guid"]: record for record in bench.records()}
    assert (records["linked"]["url"], records["linked"]["text_source"]) == (link, "page")
    assert records["linked"]["text"].startswith("From the page")
    expected = {
        "title": "By the feed alone",
        "text": "First paragraph of the entry.\nSecond paragraph of the entry.",
        "text_source": "feed",
        "description": "In short.",
        "published": "2025-11-21T09:00:00Z",
        "published_raw": "2025-11-21T10:00:00+01:00",
        "modified": "2025-11-22T09:00:00Z",
        "authors": ["Ada", "Ben"],
        "tags": ["bridge", "winter"],
        "language": "fr-CA",
        "language_source": "feed",
        "image": url.replace("/feed.json", "/media/7.jpg"),
    }
    assert {name: records["7"][name] for name in expected} == expected
    bench.crawl()
    assert polls(bench)["f"].status == 304
    assert len(bench.records()) == 2


# -- 29: where documents are parsed ------------------------------------------------------------------------------------


def test_rule_29_a_parse_that_is_killed_is_its_feeds_failure_and_the_next_one_works(
    bench: Bench, room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.app.Workers", partial(Workers, parse_seconds=1.0))
    attributes = " ".join(f"a{n}='x'" for n in range(60_000))
    slow = rss(f"<item {attributes}><guid>1</guid></item>")
    feeds = {"a": room.serve("/a.xml", slow, RSS)}
    for name in ("b", "c"):
        link = room.serve(f"/story/{name}", page(f"Story {name}"))
        feeds[name] = room.serve(f"/{name}.xml", rss(item(name, link)), RSS)
    watch(bench, **feeds)
    crawled = bench.crawl()
    assert {name: poll.error for name, poll in polls(bench).items()} == {
        "a": "gave no answer within 1 s",
        "b": None,
        "c": None,
    }
    assert sorted(record["feed"] for record in bench.records()) == ["b", "c"]
    assert [(state.name, state.last_error) for state in crawled.failing] == [("a", "gave no answer within 1 s")]
    assert rows(bench, "SELECT error FROM polls WHERE feed = 'a'") == [("gave no answer within 1 s",)]
