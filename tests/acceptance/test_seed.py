"""The case it all started from: an article whose paragraphs stand twice, from its page to ``show --full``."""

import json
from pathlib import Path

from command import messages, veille

from service.newsroom import Newsroom

SEED = Path(__file__).resolve().parents[1] / "fixtures" / "seed"


def test_the_article_is_archived_without_its_repeats_and_shown_with_them_again(tmp_path: Path) -> None:
    expected = json.loads((SEED / "article.expected.json").read_text(encoding="utf-8"))
    with Newsroom(sites=1, stories=0) as room:
        url = room.serve("/fr/europe/azerbaidjan", (SEED / "article.html").read_bytes())
        item = f"<item><guid>1</guid><link>{url}</link></item>"
        feed = f"<rss version='2.0'><channel><title>RFI</title>{item}</channel></rss>"
        feed_url = room.serve("/fr/rss", feed, content_type="application/rss+xml")
        (tmp_path / "feeds.toml").write_text(f'[[feed]]\nname = "rfi-fr"\nurl = "{feed_url}"\n', encoding="utf-8")
        crawled = veille(tmp_path, "crawl")
    assert crawled.stdout == "1 feed polled (0 not modified), 1 article archived, 4 repeated paragraphs removed\n"
    record = json.loads(veille(tmp_path, "show", url, "--json").stdout)
    p1, p2, p3, p4, name, *repeats = expected["lines"]
    assert repeats == [p2, p3, p4, name]
    assert record["text"].split("\n") == [p1, p2, p3, p4, name]
    assert [(removal["position"], removal["at"]) for removal in record["removed"]] == [(5, 1), (6, 2), (7, 3), (8, 4)]
    full = veille(tmp_path, "show", record["id"], "--full")
    assert full.stdout.splitlines() == expected["lines"]
    assert messages(full) == []
    said = json.loads(veille(tmp_path, "show", record["id"], "--full", "--json").stdout)
    assert said == {"id": record["id"], "revision": 1, "full_text": "\n".join(expected["lines"])}
