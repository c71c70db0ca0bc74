"""The data directory's README.md, a dataset card, and schema.json: made from the record's one definition.

With the card, ``datasets.load_dataset(DIRECTORY)`` knows every column's type and need not guess it from early rows,
which may all be null.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.durable import replace_file
from storage.errors import StorageError
from storage.model import RECORD_SCHEMA, Article
from storage.records import KEYS, RULES, json_schema
from storage.shapes import Shape, shapes

PATTERNS = ("articles/**/*.jsonl", "articles/**/*.jsonl.gz")
"""The files of records, as globs below the data directory."""

READING = """
```python
from datasets import load_dataset

afresh = {"download_mode": "force_redownload", "verification_mode": "no_checks"}
articles = load_dataset("DIR", split="train", **afresh)  # its cache knows only the first look
```
```python
import duckdb

types = "SELECT column_name, column_type FROM (DESCRIBE SELECT unnest(examples[1]) FROM 'DIR/schema.json')"
articles = duckdb.read_json("DIR/articles/*/*.jsonl*", columns=dict(duckdb.sql(types).fetchall()))
duckdb.sql("SELECT feed, count(*) FROM articles GROUP BY feed")
```
```python
import glob, pandas

files = sorted(glob.glob("DIR/articles/*/*.jsonl*"))
articles = pandas.concat(pandas.read_json(file, lines=True, dtype=False, precise_float=True) for file in files)
```
```python
import json, polars

schema = polars.DataFrame(json.load(open("DIR/schema.json"))["examples"]).schema
articles = polars.scan_ndjson("DIR/articles/*/*.jsonl*", schema=schema).collect()
```
```python
import glob, json, pyarrow, pyarrow.dataset, pyarrow.json

schema = pyarrow.Table.from_pylist(json.load(open("DIR/schema.json"))["examples"]).schema
lines = pyarrow.dataset.JsonFileFormat(read_options=pyarrow.json.ReadOptions(block_size=16 << 20))
articles = pyarrow.dataset.dataset(sorted(glob.glob("DIR/articles/*/*.jsonl*")), schema, format=lines).to_table()
```
""".strip()
"""How five readers read all of an archive, each value as it was written. Every document that tells has these words."""


def write_card(directory: Path) -> list[str]:
    """Write README.md and schema.json where they are not there, or are ours and not as they should be.

    Returns the names of those written.

    A file of that name that somebody else wrote stays as it is.

    Raises:
        StorageError: they cannot be read or written.
    """
    written = list(outdated(directory))
    for name in written:
        try:
            replace_file(directory / name, _wanted()[name])
        except OSError as error:
            raise StorageError(f"{directory / name} cannot be written") from error
    return written


def outdated(directory: Path) -> dict[str, str]:
    """Which of the two ``write_card`` would write, and what is wrong with each.

    Raises:
        StorageError: they cannot be read.
    """
    wrong = {}
    for name, wanted in _wanted().items():
        try:
            found = (directory / name).read_bytes()
        except FileNotFoundError:
            wrong[name] = "it is missing"
        except OSError as error:
            raise StorageError(f"{directory / name} cannot be read") from error
        else:
            if found != wanted and any(mark in found for mark in _MARKS):
                wrong[name] = "it is not as it was written, or of another version of the program"
    return wrong


def _wanted() -> dict[str, bytes]:
    return {"README.md": dataset_card().encode(), "schema.json": schema_file()}


def schema_file() -> bytes:
    """What schema.json holds."""
    return (json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n").encode()


_EXPORTED = b'pretty_name: "News articles exported by veille"'
_MARKS = (
    b'pretty_name: "News articles archived by veille"',
    _EXPORTED,  # where articles are archived beside them, it is none any more
    b'"$id": "urn:veille:article',
)
"""What stands in every version of the files we write, and hardly in any other."""


def is_export(directory: Path) -> bool:
    """Whether a directory calls itself an export, made for others to read."""
    try:
        return _EXPORTED in (directory / "README.md").read_bytes()
    except OSError:
        return False


def dataset_card() -> str:
    """The dataset card: YAML for machines, then what the keys mean, for people."""
    text = _TEXT.format(schema=RECORD_SCHEMA, keys=keys_table(), reading=READING)
    return with_front("archived", text)


def with_front(done: str, text: str) -> str:
    """A dataset card: the YAML for machines, and this text. ``done``: whether articles are archived or exported."""
    front = {
        "pretty_name": f"News articles {done} by veille",
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": list(PATTERNS)}]}],
        "dataset_info": {"features": _features(Article, KEYS)},
    }
    return f"---\n{_yaml(front)}---\n{text}"


_TEXT = """
# News articles, archived by veille

One line of JSON per article version (`{schema}`): UTF-8, every key in every line, null where a value is not known.
Times are RFC 3339, UTC.

An article's later versions have the same `id` and a higher `revision`; no two lines have both in common. Paragraphs
that stand elsewhere already are taken out of `text`; put back at their positions in `removed`, they give the full text,
whose hash is `text_hash`.

| file | what it is |
|------|------------|
| `articles/date=…/*.jsonl` | what was archived on a UTC day; grows line by line until the day is over |
| `articles/date=…/*.jsonl.gz` | the same, sealed: complete, compressed (gzip of several members), never changed again |
| `raw/date=…/*.warc.gz` | what came over the wire, as WARC, where that is kept: `raw` in a record says where |
| `manifest.jsonl` | a line for each sealed file of articles and raw copies: `path`, `records`, `bytes`, `sha256` … |
| `schema.json` | the JSON Schema of a line, with an example in which no value is null |
| `veille.db`, `veille.lock` | what the archiver remembers of feeds and files; no reader needs it |

Anything else beside them (`*.torn`, `*.tmp`) is what a crash left of unfinished work; nothing in it counts.

## The keys of a record

{keys}

## Reading it

{reading}

`DIR` is this directory. Each has every record and every value as it was written, but for this: `datasets` and `duckdb`
make times of the times, the others leave them strings; `datasets` takes `published_raw` for times too, where all of a
file look like ISO times, and loses the zone they were written with (`published` is the same moment); `pandas` writes
null as NaN; `duckdb` adds a column `date`, out of the path.

A sealed file that was cut short makes all of them fail, unless the cut is between two gzip members. That, and any
other change, shows against the manifest:

    jq -r '.sha256 + "  " + .path' manifest.jsonl | sha256sum --check

A file that is being written may end in the middle of a line, and for a moment a sealed file and the plain one it was
made from are both there: read again, or keep one of each `id` and `revision`.

## The pages themselves

Where raw copies are kept, `raw/date=…/*.warc.gz` are WARC/1.1 files (ISO 28500) of what came over the wire: pages and
feed documents, a gzip member a record. `raw` in a line says in which file and at which byte the `response` record of
its page begins, and the SHA-256 of its body, in its content encoding. `warcio check` proves the digests, `pywb` replays
the pages.

The texts belong to their authors and publishers. `rights` and `license` hold what they say about using them; reading
them in an archive gives no right to publish them.
"""


def keys_table() -> str:
    """What each key of a record means, as a table in Markdown; those inside it follow the key that holds them."""
    return "\n".join(("| key | type | meaning |", "|-----|------|---------|", *_rows(Article, KEYS, "")))


def _rows(cls: type, keys: tuple[str, ...], path: str) -> Iterator[str]:
    for key in keys:
        shape, rule = shapes(cls)[key], RULES[cls][key]
        is_object = is_dataclass(shape.type)
        word = "object" if is_object else _WORDS[shape.type]
        kind = f"list of {word}s" if shape.repeated else f"{word} or null" if shape.optional else word
        values = f" One of {', '.join(f'`{value}`' for value in rule.among)}." if rule.among else ""
        yield f"| `{path}{key}` | {kind} | {rule.means}{values} |"
        if is_object:
            yield from _rows(shape.type, tuple(shapes(shape.type)), f"{path}{key}{'[]' if shape.repeated else ''}.")


_WORDS: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", datetime: "time"}
_ARROW: dict[type, str] = {
    str: "string",
    int: "int64",
    float: "float64",
    bool: "bool",
    datetime: "timestamp[us, tz=UTC]",
}


def _features(cls: type, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The columns as ``datasets`` writes them in a card."""
    of = shapes(cls)
    return [{"name": key, **_feature(of[key])} for key in keys]


def _feature(shape: Shape) -> dict[str, Any]:
    if is_dataclass(shape.type):
        inner = _features(shape.type, tuple(shapes(shape.type)))
        return {"list": inner} if shape.repeated else {"struct": inner}
    return {"list": _ARROW[shape.type]} if shape.repeated else {"dtype": _ARROW[shape.type]}


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _yaml(value: Any, indent: str = "") -> str:
    """Dicts, lists and strings as block YAML; a string that is more than a word is quoted as JSON does, which is YAML.

    Keys are written as they are, and none of ours is a word that YAML reads otherwise.
    """
    match value:
        case dict():
            return "".join(f"{indent}{key}:{_below(inner, indent)}" for key, inner in value.items())
        case list():
            items = (_yaml(inner, f"{indent}  ") for inner in value)
            return "".join(f"{indent}- {item.lstrip(' ')}" for item in items)
        case _:
            return f"{value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)}\n"


def _below(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return f" {_yaml(value)}"
    return f"\n{_yaml(value, f'{indent}  ')}"
