"""What every figure is a multiple of: ``trafilatura.extract`` over a world's pages, without network or archive.

    python bench/bare.py WORLD PROCESSES

Prints JSON: for each page of the world the CPU seconds it took and the text, null where there is none; the wall seconds
of all. Pages are read from the world's file beforehand, one by one, so that memory is the extraction's alone; several
processes share the pages out among themselves as they go.
"""

import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from trafilatura import extract


def main() -> None:
    """Extract, and print."""
    directory, processes = Path(sys.argv[1]), int(sys.argv[2])
    pages = json.loads((directory / "pages.json").read_bytes())
    following, began = multiprocessing.Value("i", 0), time.monotonic()
    if processes == 1:
        results = work(directory, pages, following)
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), keep, (following,)) as pool:
            parts = [pool.submit(work, directory, pages) for _ in range(processes)]
            results = {number: result for part in parts for number, result in part.result().items()}
    wall = time.monotonic() - began
    cpu, texts = zip(*(results[number] for number in range(len(pages))), strict=True)
    print(json.dumps({"cpu": cpu, "texts": texts, "wall": wall}))


KEPT: "list[Synchronized[int]]" = []


def keep(following: "Synchronized[int]") -> None:
    """Have this process know the counter, which can only be inherited."""
    KEPT.append(following)


def work(
    directory: Path, pages: list[dict[str, Any]], following: "Synchronized[int] | None" = None
) -> dict[int, tuple[float, str | None]]:
    """Extract whichever page is next, until there is none; CPU seconds and texts by the page's number."""
    counter = following or KEPT[0]
    results: dict[int, tuple[float, str | None]] = {}
    file = os.open(directory / "bodies", os.O_RDONLY)
    while True:
        with counter.get_lock():
            number = counter.value
            counter.value += 1
        if number >= len(pages):
            return results
        body = os.pread(file, pages[number]["length"], pages[number]["offset"])
        assert len(body) == pages[number]["length"]
        before = time.process_time()
        text = extract(body, output_format="json", with_metadata=True, include_comments=False)
        results[number] = time.process_time() - before, text


if __name__ == "__main__":
    main()
