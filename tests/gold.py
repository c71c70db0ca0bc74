"""Pages with a known text, and how near an extracted text comes to it."""

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


def token_f1(text: str, gold: str) -> float:
    """Harmonic mean of precision and recall over the words of two texts, in any order, repetitions counted."""
    found, wanted = _words(text), _words(gold)
    common = (found & wanted).total()
    return 2 * common / (found.total() + wanted.total()) if common else 0.0


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


@dataclass(frozen=True)
class GoldPage:
    """A stored page, and where its gold is."""

    url: str
    kind: str
    page_path: Path
    gold_path: Path

    @cached_property
    def body(self) -> bytes:
        return gzip.decompress(self.page_path.read_bytes())

    @cached_property
    def gold(self) -> str:
        return self.gold_path.read_text("utf-8")


def gold_pages(shared_data: Path, kind: str) -> Iterator[GoldPage]:
    """Pages whose gold is of a kind: ``full-human``, ``full-curated``, ``facts`` …; those without a URL get one."""
    with (shared_data / "pages" / "index.tsv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["gold_type"] == kind:
                yield GoldPage(
                    row["url"] or f"https://page.example/{row['sha256_html']}",
                    kind,
                    shared_data / row["path"],
                    shared_data / row["gold_path"],
                )


def every_page(shared_data: Path) -> Iterator[Path]:
    """The stored pages, with gold or without, gzipped."""
    with (shared_data / "pages" / "index.tsv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield shared_data / row["path"]
