"""Real pages with gold texts, crawled from the newsroom: as good as the extractor alone, through the whole service."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from crawling import Bench
from gold import token_f1

from service.newsroom import Newsroom
from service.reading import Ended
from storage.model import Outcome

HUMAN, CURATED = 0.954, 0.958
"""What trafilatura reached by itself: mean token F1 on 87 pages annotated by people, and on 107 curated ones."""


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(300)
def test_real_pages_are_archived_once_each_as_well_as_the_extractor_alone_reads_them(
    shared_data: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with (shared_data / "pages" / "index.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    bench = Bench(tmp_path, workers=2)
    with Newsroom(sites=1, stories=0) as room:
        base = room.sites[0].base_url
        items = []
        for number, row in enumerate(rows):
            path = f"/real/{number}"
            room.serve(path, gzip.decompress((shared_data / row["path"]).read_bytes()), content_type="text/html")
            items.append(
                f"<item><guid>{number}</guid><title>{escape(row['url'])}</title><link>{base}{path}</link></item>"
            )
        feed = f"<rss version='2.0'><channel><title>real</title><link>{base}/</link>{''.join(items)}</channel></rss>"
        room.serve("/real.xml", feed.encode(), content_type="application/rss+xml")
        bench.feeds_file.write_text(f'[[feed]]\nname = "real"\nurl = "{base}/real.xml"\n', encoding="utf-8")
        crawled = bench.crawl()
        requested = [request.path for request in room.page_requests()]
    assert len(requested) == len(set(requested)) == len(rows), "every page is asked for once"

    records = {int(record["guid"]): record for record in bench.records()}
    assert len(records) == len(bench.records()) == crawled.tally.archived
    without = [event for event in bench.events if isinstance(event, Ended)]
    assert all(event.resolution and event.resolution.outcome is Outcome.FAILED for event in without), without
    assert len(records) + len(without) == crawled.tally.new_entries == len(rows)

    means = {}
    for kind in ("full-human", "full-curated"):
        scores = [
            token_f1(records[number]["text"] if number in records else "", gold(shared_data, row))
            for number, row in enumerate(rows)
            if row["gold_type"] == kind
        ]
        means[kind] = sum(scores) / len(scores)
    measured = ", ".join(f"{kind} {mean:.4f}" for kind, mean in means.items())
    record_property("measured", f"{len(records)} of {len(rows)} real pages archived, mean token F1: {measured}")
    assert means["full-human"] >= HUMAN
    assert means["full-curated"] >= CURATED


def gold(shared_data: Path, row: dict[str, str]) -> str:
    return (shared_data / row["gold_path"]).read_text(encoding="utf-8")
