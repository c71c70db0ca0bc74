"""What reading one page costs beside bare extraction: the same pages, in turn, in one process.

    python bench/extraction.py PAGES [--rounds 3]

PAGES is a folder of HTML files, gzipped or not, looked through with all that is in it. ``bare`` is
``trafilatura.extract`` with metadata, as JSON; ``veille`` is ``extract_page``: text and metadata. What stands in for
parts of trafilatura is in place during our own calls alone. Which of the two comes first changes from page to page.
"""

import argparse
import gzip
import logging
import resource
import statistics
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import trafilatura
from options import folder, positive, run_main

from service.articles.extract import extract_page, reset_caches
from service.errors import ExtractError

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CACHES_EMPTIED_AFTER = 50
"""Pages; trafilatura remembers words of those before, and so do we."""


def main() -> None:
    """Measure, and print a line a round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", type=folder, help="a folder of HTML files, gzipped or not")
    parser.add_argument("--rounds", type=positive, default=3, help="how often; %(default)s by default")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    try:
        pages = [read(path) for path in sorted(options.pages.rglob("*.html*")) if path.is_file()]
    except ValueError as error:
        parser.error(str(error))
    if not any(pages):
        parser.error(f"there is no page in {options.pages}")
    pages = [page for page in pages if page]
    for body in pages[:3]:
        bare(body)
        ours(body)
    ratios = [measure(pages, number) for number in range(options.rounds)]
    print(f"veille / bare: median {statistics.median(ratios):.3f} of {len(ratios)} rounds over {len(pages)} pages")
    print(f"peak memory of both and all pages: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def read(path: Path) -> bytes:
    """A page, without its gzip. Raises ValueError."""
    body = path.read_bytes()
    try:
        return gzip.decompress(body) if path.suffix == ".gz" else body
    except (OSError, EOFError, zlib.error):
        raise ValueError(f"{path} is no whole gzip file") from None


def measure(pages: list[bytes], number: int) -> float:
    """One round; the ratio of the two CPU times."""
    spent = {bare: 0.0, ours: 0.0}
    for index, body in enumerate(pages):
        if index % CACHES_EMPTIED_AFTER == 0:
            reset_caches()
        for extract in (bare, ours) if (index + number) % 2 else (ours, bare):
            start = time.process_time()
            extract(body)
            spent[extract] += time.process_time() - start
    each = {extract: seconds / len(pages) * 1_000 for extract, seconds in spent.items()}
    print(f"bare {each[bare]:.2f} ms a page, veille {each[ours]:.2f}, ratio {each[ours] / each[bare]:.3f}", flush=True)
    return each[ours] / each[bare]


def bare(body: bytes) -> None:
    """The extractor alone."""
    trafilatura.extract(body, output_format="json", with_metadata=True, include_comments=False)


def ours(body: bytes) -> None:
    """The service's reading of a page."""
    with suppress(ExtractError):
        extract_page(body, url="https://page.example/a-story", now=NOW)


if __name__ == "__main__":
    run_main(main)
