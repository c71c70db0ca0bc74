"""The data directory's README.md, a dataset card, and schema.json: made from the record's one definition.

With the card, ``datasets.load_dataset(DIRECTORY)`` knows every column's type and need not guess it from early rows,
which may all be null.
"""

import json
import re
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


def write_card(directory: Path) -> None:
    """Write README.md and schema.json where they are not there, or are ours and not as they should be.

    A file of that name that somebody else wrote stays as it is.

    Raises:
        StorageError: they cannot be written.
    """
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    for name, text in (("README.md", dataset_card()), ("schema.json", schema)):
        path, content = directory / name, text.encode()
        try:
            if not path.exists() or _is_outdated(path.read_bytes(), content):
                replace_file(path, content)
        except OSError as error:
            raise StorageError(f"{path} cannot be written") from error


def _is_outdated(found: bytes, wanted: bytes) -> bool:
    return found != wanted and any(mark in found for mark in _MARKS)


_MARKS = (b'pretty_name: "News articles archived by veille"', b'"$id": "urn:veille:article')
"""What stands in every version of the files we write, and hardly in any other."""


def dataset_card() -> str:
    """The dataset card: YAML for machines, then what the keys mean, for people."""
    front = {
        "pretty_name": "News articles archived by veille",
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": list(PATTERNS)}]}],
        "dataset_info": {"features": _features(Article, KEYS)},
    }
    rows = "\n".join(_row(key) for key in KEYS)
    return f"---\n{_yaml(front)}---\n{_TEXT.format(schema=RECORD_SCHEMA, rows=rows)}"


_TEXT = """
# News articles, archived by veille

One line of JSON per article version (`{schema}`), in `articles/date=…/*.jsonl`, or `*.jsonl.gz` where the day is over:
complete lines only, UTF-8, every key in every line, null where a value is not known. Times are RFC 3339, UTC.
`schema.json` is the JSON Schema of a line, `manifest.jsonl` has the SHA-256 of every file of a day that is over.

An article's later versions have the same `id` and a higher `revision`. Paragraphs that stand elsewhere already are
taken out of `text`; put back at their positions in `removed`, they give the full text, whose hash is `text_hash`.

| key | type | meaning |
|-----|------|---------|
{rows}

## Reading it

```python
import datasets, duckdb, pandas, pathlib

datasets.load_dataset("DIR", split="train")
duckdb.sql("SELECT feed, count(*) FROM read_json('DIR/articles/**/*.jsonl*') GROUP BY feed")
pandas.concat(pandas.read_json(file, lines=True) for file in sorted(pathlib.Path("DIR").glob("articles/**/*.jsonl*")))
```

`datasets` and `duckdb` guess types: where all of a file's `published_raw` look like ISO times they are taken for times,
and lose the zone they were written with. `published` is the same moment in UTC, whichever way it is read.

## The pages themselves

Where raw copies are kept, `raw/date=…/*.warc.gz` are WARC/1.1 files (ISO 28500) of what came over the wire: pages and
feed documents, a gzip member a record. `raw` in a line says in which file and at which byte the `response` record of
its page begins, and the SHA-256 of its body, in its content encoding. `warcio check` proves the digests, `pywb` replays
the pages.

The texts belong to their authors and publishers. `rights` and `license` hold what they say about using them; reading
them in an archive gives no right to publish them.
"""


def _row(key: str) -> str:
    shape, rule = shapes(Article)[key], RULES[Article][key]
    word = "object" if is_dataclass(shape.type) else _WORDS[shape.type]
    kind = f"list of {word}s" if shape.repeated else f"{word} or null" if shape.optional else word
    values = f" One of {', '.join(f'`{value}`' for value in rule.among)}." if rule.among else ""
    return f"| `{key}` | {kind} | {rule.means}{values} |"


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
