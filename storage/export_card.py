"""The README.md of an export, a dataset card: which scope was applied, and what follows for who reads it."""

from dataclasses import dataclass
from pathlib import Path

from storage.card import READING, keys_table, schema_file, with_front
from storage.durable import replace_file
from storage.model import RECORD_SCHEMA, Scope
from storage.words import count


@dataclass(frozen=True, slots=True)
class Exported:
    """What a card has to tell of an export."""

    scope: Scope
    records: int
    left_out: int
    """What of the archive could not be read: records, and files of them."""
    articles: int
    """From how many articles of a feed on, at head or tail,"""
    days: int
    """and days on which they were published, a paragraph was its boilerplate."""


def write_export_card(directory: Path, exported: Exported) -> None:
    """Write README.md and schema.json of an export, in which they are not there yet. Raises OSError."""
    replace_file(directory / "schema.json", schema_file())
    replace_file(directory / "README.md", _export_card(exported).encode())


def _export_card(exported: Exported) -> str:
    text = _EXPORT_TEXT.format(
        schema=RECORD_SCHEMA,
        scope=exported.scope,
        rule=_SCOPES[exported.scope].format(articles=exported.articles, days=exported.days),
        records=count(exported.records, "record"),
        lost=_LOST.format(lost=exported.left_out) if exported.left_out else "",
        keys=keys_table(),
        reading=READING,
    )
    return with_front("exported", text)


_SCOPES = {
    Scope.OFF: "nothing is removed: `text` is the full text",
    Scope.ARTICLE: "what an article repeats of itself is removed, unless it may be meant; the first of it stays",
    Scope.BOILERPLATE: "what an article repeats of itself is removed, unless it may be meant, and what stood at the\n"
    "head, or at the tail, of {articles} articles of its feed or more, published on {days} days or more",
    Scope.ALL: "every sentence stands in one article only; short lines, headings, items of lists and the like may\n"
    "stand in several, unless they are the feed's name or its boilerplate",
}
_LOST = """
It is not all of the archive: records and files of it that could not be read are left out, {lost} in all. There
`veille verify` says more.
"""
_EXPORT_TEXT = """
# News articles, exported from an archive made by veille

{records} of format `{schema}`, one line of JSON per article version: UTF-8, every key in every line, null where a value
is not known. Times are RFC 3339, UTC. No two lines have both `id` and `revision` in common.

This is an export with scope `{scope}`: {rule}.
It was applied over all of the archive: of the records that hold a paragraph the one published first keeps it, whatever
was archived first, and an article's own other versions never count. Removed paragraphs put back at their positions in
`removed` give the full text, whose hash is `text_hash`; each stands in the `text` of a record of this export.
`also_near` names articles of a lower rank: published first, then by id. `raw` speaks of the archive's own files.
{lost}
| file | what it is |
|------|------------|
| `articles/date=…/part-….jsonl` | what was archived on a UTC day, in that order; a new file from 256 MB on |
| `schema.json` | the JSON Schema of a line, with an example in which no value is null |

## The keys of a record

{keys}

## Reading it

{reading}

`DIR` is this directory. The texts belong to their authors and publishers. `rights` and `license` hold what they say
about using them; reading them in an export gives no right to publish them.
"""
