"""One bad answer, whatever it holds, must not stop what comes beside it or after it."""

import json
from pathlib import Path

from crawling import Bench

from service.newsroom import Newsroom, Status
from service.oneshot import FailOn
from storage.model import Outcome


def item(guid: str, link: str, title: str = "t", **more: str) -> str:
    rest = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    return f"<item><guid isPermaLink='false'>{guid}</guid><link>{link}</link><title>{title}</title>{rest}</item>"


def rss(*items: str) -> str:
    return f"<rss version='2.0'><channel><title>c</title>{''.join(items)}</channel></rss>"


def watch(bench: Bench, room: Newsroom, feeds: dict[str, str], *, content: str = "page") -> None:
    """Serve feeds by name, and make them the catalogue."""
    tables = []
    for name, text in feeds.items():
        kind = "application/feed+json" if text.startswith("{") else "application/rss+xml"
        url = room.serve(f"/{name}.xml", text, content_type=kind)
        tables.append(f'[[feed]]\nname = "{name}"\nurl = "{url}"\ncontent = "{content}"\n')
    bench.feeds_file.write_text("\n".join(tables), encoding="utf-8")


def test_a_retry_after_past_all_bounds_fails_its_feed_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=2, stories=1) as room:
        bad = room.sites[0].feeds[0]
        room.fault(bad.url, Status(404, retry_after="Mon, 01 Jan 2026 00:00:00 +999999999999999999"))
        crawled = bench.crawl(room)
    assert [state.name for state in crawled.failing] == [bad.name]
    assert len(bench.records()) == 2


def test_a_date_that_no_record_can_hold_costs_nothing_but_itself(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=0) as room:
        data = '{"@type": "NewsArticle", "headline": "h", "datePublished": "2026-11-23T10:00:00Z[\\ud800]"}'
        words = "<p>" + "Some words of a story that is long enough. " * 20 + "</p>"
        page = f"<html><head><script type='application/ld+json'>{data}</script></head><body><article>{words}"
        urls = [room.serve("/a", page), room.serve("/b", f"<html><body><article>{words.replace('Some', 'Other')}")]
        watch(bench, room, {"f": rss(*(item(url, url) for url in urls))})
        bench.crawl()
    assert len(bench.records()) == 2


def test_plain_text_of_a_feed_is_not_read_as_markup(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "Generics such as List<b> and <script> are explained.\n\nSecond paragraph.\n\nThird paragraph."
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "c", "items": [{"id": "1", "content_text": text}]}
    with Newsroom(sites=1, stories=0) as room:
        watch(bench, room, {"f": json.dumps(feed)}, content="feed")
        bench.crawl()
    (record,) = bench.records()
    assert record["text"].split("\n") == text.split("\n\n")


def test_a_description_is_read_where_the_content_is_but_an_image(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=0) as room:
        one = item("1", "http://127.0.0.1/x", description="The whole text stands here.")
        space = "http://purl.org/rss/1.0/modules/content/"
        content = f"<content:encoded xmlns:content='{space}'>&lt;img src='a'&gt;</content:encoded>"
        watch(bench, room, {"f": rss(one.replace("</item>", f"{content}</item>"))}, content="feed")
        bench.crawl()
    (record,) = bench.records()
    assert record["text"] == "The whole text stands here."


def test_a_feed_that_carries_only_a_teaser_does_not_keep_the_page_from_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        watch(bench, room, {"a": rss(item("1", story.url, description="teaser")), "b": rss(item("9", story.url))})
        first = bench.feeds_file.read_text(encoding="utf-8").replace('content = "page"', 'content = "feed"', 1)
        bench.feeds_file.write_text(first, encoding="utf-8")
        crawled = bench.crawl()
    records = bench.records()
    assert [(record["feed"], record["text_source"]) for record in records] == [("a", "feed"), ("b", "page")]
    assert records[0]["id"] == records[1]["id"]
    assert crawled.tally.new_entries == crawled.tally.archived == 2


def test_entries_with_one_link_and_one_title_but_texts_of_their_own_stay_apart(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=0) as room:
        show = room.serve("/show", "<html><body><p>All episodes</p>")
        episodes = [item(str(n), show, "Journal de 8h", description=f"Episode {n} of the day.") for n in range(5)]
        watch(bench, room, {"f": rss(*episodes)})
        bench.crawl()
    assert {record["text"] for record in bench.records()} == {f"Episode {n} of the day." for n in range(5)}


def test_all_that_is_due_is_settled_by_one_crawl(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=1) as room:
        (story,) = room.stories()
        room.robots("User-agent: *\nDisallow: /fr/afrique\nDisallow: " + story.path + "\n")
        watch(bench, room, {name: rss(item(name, story.url)) for name in ("a", "b", "c")})
        crawled = bench.crawl()
        assert crawled.exit_code(FailOn.ANY) == 0
    assert crawled.tally.ended == {Outcome.SKIPPED: 3}


def test_what_headers_reserve_is_kept_where_the_page_itself_cannot_be_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=1, stories=0) as room:
        url = room.serve("/x.pdf", b"%PDF-1.4", content_type="application/pdf", headers={"X-Robots-Tag": "noarchive"})
        watch(bench, room, {"f": rss(item("1", url, description="What the feed says of it."))})
        bench.crawl()
    (record,) = bench.records()
    assert record["text_source"] == "feed"
    assert record["rights"]["noarchive"] is True
    assert record["rights"]["robots_allowed"] is True
    assert record["http"]["status"] == 200


def test_a_file_that_is_not_ours_is_never_overwritten(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.data.mkdir()
    (bench.data / "README.md").write_text("# my project, about veille\n", encoding="utf-8")
    with Newsroom(sites=1, stories=1) as room:
        bench.crawl(room)
    assert (bench.data / "README.md").read_text(encoding="utf-8") == "# my project, about veille\n"
