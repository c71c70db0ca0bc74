"""The books, once all is over: every story published stands in the archive once, and every entry has its outcome."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from command import veille

from storage.segments import records


def complaints(directory: Path, data: Path, published: Collection[str], *, gaps: bool = False) -> Iterator[str]:
    """What is wrong with an archive; nothing, where all of ``published`` is in it, once, and nothing else.

    Args:
        directory: Where the catalogue is.
        data: The data directory; no process holds it any more.
        published: The addresses of all stories there ever were.
        gaps: Whether polls may have missed something, as far as they could tell.
    """
    copies, wanted = Counter(article.url for _, article in records(data)), set(published)
    for what, urls in (
        ("lost", wanted - copies.keys()),
        ("there, but not published", copies.keys() - wanted),
        ("there more than once", {url for url, count in copies.items() if count > 1}),
    ):
        if urls:
            yield f"{len(urls)} {what}, such as {min(map(str, urls))}"
    yield from _ledger(directory, data, len(wanted), gaps=gaps)
    verified = veille(directory, "--data", data, "verify", within=900)
    if verified.returncode:
        yield f"verify ends with {verified.returncode}: {verified.stdout[-500:]}{verified.stderr[-500:]}"


def status(directory: Path, data: Path) -> list[dict[str, object]]:
    """What ``veille --json status`` says."""
    done = veille(directory, "--data", data, "--json", "status")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _ledger(directory: Path, data: Path, published: int, *, gaps: bool) -> Iterator[str]:
    lines = status(directory, data)
    for line in lines:
        if "gap" in line and not gaps:
            yield f"a gap of {line['gap']}: {line['reason']}"
    for name, sums in [(line.get("feed", "all"), line.get("entries", line.get("total"))) for line in lines]:
        if isinstance(sums, dict):
            seen, *outcomes = sums.values()
            if seen != sum(outcomes):
                yield f"{name}: {seen} entries seen, and {outcomes} are not as many"
            if sums["pending"] or sums["failed"] or sums["gone"] or sums["skipped"]:
                yield f"{name}: not all archived: {sums}"
    totals = [line["total"] for line in lines if "total" in line]
    if not (len(totals) == 1 and isinstance(totals[0], dict) and totals[0]["archived"] == published):
        yield f"{published} published, and the ledger has {totals}"
