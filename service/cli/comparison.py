"""What ``veille dedup --dry-run`` says: a table for people, JSON Lines for machines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.cli.context import Context

if TYPE_CHECKING:
    from service.comparing import Amount, Comparison, Example, Tally

_LONGEST = 100
"""Characters of an example that are shown."""


def print_comparison(
    context: Context, comparison: "Comparison", articles: "tuple[Mapping[str, int], int]", scope: str
) -> None:
    """Print what is removed now and what the scope would remove, by feed and in all, and a few examples."""
    by_feed, in_all = articles
    rows = [(name, comparison.feeds[name], by_feed[name]) for name in sorted(comparison.feeds)]
    total = comparison.total, in_all
    if context.json:
        for name, tally, count in rows:
            context.emit({"feed": name, **_as_json(tally, count, scope)})
        for example in comparison.examples():
            context.emit(_example_as_json(example))
        context.emit({"total": _as_json(*total, scope)})
        return
    _print_table(context, [*rows, ("in all", *total)], scope)
    context.say(
        f"under {scope}: applied over all of it, as an export would be, for every feed; days are those of publication"
    )
    for example in comparison.examples():
        context.emit(_example_line(example))


def _print_table(context: Context, rows: "list[tuple[str, Tally, int]]", scope: str) -> None:
    from rich.table import Table

    from service.comparing import REASONS

    table = Table(box=None, pad_edge=False)
    table.add_column("feed", no_wrap=True)
    removed = (f"removed {when} (% of characters)" for when in ("now", f"under {scope}"))
    for heading in ("articles", "versions", "paragraphs", *removed):
        table.add_column(heading, justify="right", no_wrap=True)
    for reason in REASONS:
        table.add_column(reason, justify="right", no_wrap=True)
    for name, tally, articles in rows:
        table.add_row(
            name,
            str(articles),
            str(tally.records),
            str(tally.whole.paragraphs),
            _sum(tally, tally.now),
            _sum(tally, tally.then),
            *(_change(tally.now[reason], tally.then[reason]) for reason in REASONS),
        )
    context.out.print(table)


def _sum(tally: "Tally", amounts: "dict[str, Amount]") -> str:
    """``120 (3.1%)``: paragraphs, and which part of all characters they are."""
    return f"{sum(one.paragraphs for one in amounts.values())} ({tally.share(amounts):.1%})"


def _change(now: "Amount", then: "Amount") -> str:
    return f"{now.paragraphs} → {then.paragraphs}"


def _example_line(example: "Example") -> str:
    from service.logs import printable

    text = printable(example.text)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"{example.removal.reason}: {example.feed} {example.id[:8]} paragraph {example.removal.position}: {text}"


def _as_json(tally: "Tally", articles: int, scope: str) -> dict[str, Any]:
    return {
        "articles": articles,
        "records": tally.records,
        "paragraphs": tally.whole.paragraphs,
        "characters": tally.whole.characters,
        "now": _amounts(tally, tally.now),
        "scope": scope,
        "then": _amounts(tally, tally.then),
    }


def _amounts(tally: "Tally", amounts: "dict[str, Amount]") -> dict[str, Any]:
    by_reason = {reason: {**_amount(one), "share": tally.share({reason: one})} for reason, one in amounts.items()}
    return {**by_reason, "share": tally.share(amounts)}


def _amount(one: "Amount") -> dict[str, int]:
    return {"paragraphs": one.paragraphs, "characters": one.characters}


def _example_as_json(example: "Example") -> dict[str, Any]:
    """A removal as the record would have it, and where it would be."""
    removal = example.removal
    return {
        "example": removal.reason,
        "feed": example.feed,
        "id": example.id,
        "revision": example.revision,
        "position": removal.position,
        "text": example.text[:_LONGEST],
        "stands_in": {"id": removal.id, "revision": removal.revision, "at": removal.at},
    }
