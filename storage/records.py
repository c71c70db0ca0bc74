"""Article ↔ one line of JSON. Owns the format version, what each key means, and the JSON Schema. Pure.

The keys and their types are those of ``storage.model.Article``; ``RULES`` adds what types cannot say.
"""

from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson

from storage.errors import CorruptArchiveError, SchemaError
from storage.model import (
    RECORD_SCHEMA,
    AlsoNear,
    Article,
    ExtractorFacts,
    HttpFacts,
    Near,
    RawRef,
    Removal,
    Rights,
)
from storage.shapes import TIME, Rule, Rules, Shape, ShapeError, dump, loader, shapes

HEX = "^[0-9a-f]{32}$"
"""blake2b-128 in hex."""

RULES: Rules = {
    Article: {
        "schema": Rule("Format version of this record.", among=(RECORD_SCHEMA,)),
        "id": Rule("The article's id: the same for all its revisions.", pattern=HEX),
        "revision": Rule("Counts the archived versions of the article, from 1.", least=1),
        "url": Rule("Where the page was found, after redirects."),
        "requested_url": Rule("The link as the feed gave it."),
        "canonical_url": Rule("The address the page gives itself, where it stays on its site."),
        "feed": Rule("Name of the feed the article came from."),
        "feed_url": Rule("That feed's URL."),
        "guid": Rule("The entry's guid or atom:id, as written."),
        "also_in": Rule("Names of other feeds that had listed the article by then."),
        "title": Rule("Headline."),
        "description": Rule("Summary or standfirst, plain text."),
        "authors": Rule("Who wrote it, one name each."),
        "publisher": Rule("Who published it."),
        "section": Rule("The publisher's section."),
        "tags": Rule("The publisher's keywords."),
        "image": Rule("URL of the lead image."),
        "language": Rule("BCP 47."),
        "language_source": Rule("Who said so.", among=("page", "feed", "catalogue")),
        "published": Rule("When it was published."),
        "published_source": Rule("Who said so.", among=("feed", "page")),
        "published_raw": Rule("The publication date as written, zone and all."),
        "modified": Rule("When it was last changed, by its own account."),
        "first_seen": Rule("When a feed first listed this version."),
        "fetched": Rule("When its page was fetched."),
        "archived": Rule("When this record was written."),
        "text": Rule("The paragraphs kept, one a line."),
        "text_source": Rule("Where the text was read.", among=("page", "feed")),
        "paragraphs": Rule("How many paragraphs the full article has, those removed included.", least=0),
        "removed": Rule("The paragraphs taken out of the text, and where the same text stands."),
        "near": Rule("Paragraphs kept although they equal another but for case, quotes, dashes and the like."),
        "also_near": Rule("Other articles with much the same text."),
        "text_hash": Rule("blake2b-128 of the full text: all paragraphs, joined by line feeds, UTF-8.", pattern=HEX),
        "normaliser": Rule("Version of the rules by which paragraphs were compared.", least=0),
        "accessible_for_free": Rule("Whether the page says that all of it can be read without paying."),
        "license": Rule("The licence the page or feed names."),
        "rights": Rule("What robots.txt, headers and the page say about keeping and using the article."),
        "http": Rule("The answer the text was read from."),
        "raw": Rule("Where the raw copy lies."),
        "extractor": Rule("What read the text out of the page."),
        "warnings": Rule("What was odd, in words."),
    },
    Removal: {
        "position": Rule("Which paragraph of the full article, counted from 0.", least=0),
        "reason": Rule("Why it was taken out.", among=("repeat", "boilerplate", "known")),
        "id": Rule("The article in which the same text stands.", pattern=HEX),
        "revision": Rule("Its revision.", least=1),
        "at": Rule("Position in that article's full text, from 0.", least=0),
        "hash": Rule("Fingerprint of the paragraph.", pattern=HEX),
    },
    Near: {
        "position": Rule("Which paragraph of the full article, counted from 0.", least=0),
        "id": Rule("The article in which the other paragraph stands.", pattern=HEX),
        "revision": Rule("Its revision.", least=1),
        "at": Rule("Position in that article's full text, from 0.", least=0),
    },
    AlsoNear: {
        "id": Rule("The other article.", pattern=HEX),
        "revision": Rule("Its revision.", least=1),
        "similarity": Rule("From 0, nothing in common, to 1.", least=0),
    },
    Rights: {
        "robots_allowed": Rule("Whether robots.txt allowed the page; null: it was not asked."),
        "noarchive": Rule("The page or a header says noarchive."),
        "noai": Rule("The page or a header says noai."),
        "tdm_reservation": Rule("Whether text and data mining is reserved; null: nothing was said."),
        "content_signal": Rule("Content-Signal as written; Content-Usage with its name before it."),
    },
    HttpFacts: {
        "status": Rule("Status code."),
        "etag": Rule("ETag, as sent."),
        "last_modified": Rule("Last-Modified, as sent."),
        "content_type": Rule("Content-Type, as sent."),
        "charset": Rule("The encoding the page was decoded with."),
        "bytes": Rule("Length of the body, decompressed.", least=0),
    },
    RawRef: {
        "file": Rule("WARC file, below the data directory."),
        "offset": Rule("Where the record begins, in bytes.", least=0),
        "digest": Rule("Digest of the payload."),
    },
    ExtractorFacts: {
        "name": Rule("Its name; feed where the feed's own content was taken."),
        "version": Rule("Its version."),
        "fallback": Rule("What it fell back on, where the first attempt gave too little."),
    },
}
"""What each key of a record means, and what its values look like beyond their type."""

KEYS = ("schema", *(field.name for field in fields(Article) if field.name != "schema"))
"""The keys in the order of the record: the format version first, so that a reader knows at once."""

_load = loader(Article, RULES)


def encode(article: Article) -> bytes:
    """The article as one line of JSON, UTF-8, line feed included. Equal articles give equal bytes."""
    return dump({key: getattr(article, key) for key in KEYS}) + b"\n"


def decode(line: bytes) -> Article:
    """The article of a line, with or without its line feed.

    Raises:
        SchemaError: the record is of another format version.
        CorruptArchiveError: the line is no record; the message says where it departs from one.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise CorruptArchiveError(f"not JSON: {error}") from None
    if isinstance(record, dict) and isinstance(schema := record.get("schema"), str) and schema != RECORD_SCHEMA:
        raise SchemaError(f"a record of format {schema}, where this program reads {RECORD_SCHEMA}")
    try:
        return _load(record)
    except ShapeError as error:
        raise CorruptArchiveError(f"not a record: {error}") from None


def line_digest(line: bytes) -> bytes:
    """blake2b-128 of a line, line feed included: shows that no byte of it is another."""
    return blake2b(line, digest_size=16).digest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record: what ``encode`` writes validates, and nothing with other keys does."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{RECORD_SCHEMA.replace('.', ':').replace('/', ':')}",
        "title": RECORD_SCHEMA,
        "description": "One version of one article. Every key is always there; null means not known.",
        "examples": [_example(Article, KEYS)],
        **_object(Article, KEYS),
    }


def _example(cls: type, keys: tuple[str, ...]) -> dict[str, Any]:
    """A record without a null or an empty list: who learns types from values can learn them all from this one."""
    of = shapes(cls)
    return {key: _sample(of[key], RULES[cls][key]) for key in keys}


def _sample(shape: Shape, rule: Rule) -> Any:
    if is_dataclass(shape.type):
        value: Any = _example(shape.type, tuple(shapes(shape.type)))
    elif rule.among:
        value = rule.among[0]
    else:
        value = _SAMPLES[shape.type] if rule.pattern is None else "0123456789abcdef" * 2
    return [value] if shape.repeated else value


_SAMPLES: dict[type, Any] = {str: "text", int: 1, float: 0.5, bool: True, datetime: "2026-11-23T12:00:00Z"}


def _object(cls: type, keys: tuple[str, ...]) -> dict[str, Any]:
    of = shapes(cls)
    return {
        "type": "object",
        "properties": {
            key: {"description": RULES[cls][key].means, **_schema(of[key], RULES[cls][key])} for key in keys
        },
        "required": list(keys),
        "additionalProperties": False,
    }


def _schema(shape: Shape, rule: Rule) -> dict[str, Any]:
    if shape.repeated:
        return {"type": "array", "items": _schema(Shape(shape.type), Rule(""))}
    if is_dataclass(shape.type):
        return _object(shape.type, tuple(shapes(shape.type)))
    schema: dict[str, Any] = dict(_SCALARS[shape.type])
    if rule.pattern is not None:
        schema["pattern"] = rule.pattern
    if rule.least is not None:
        schema["minimum"] = rule.least
    if rule.among is not None:
        schema["enum"] = list(rule.among)
    if shape.optional:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema


_SCALARS: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time", "pattern": TIME},
}
