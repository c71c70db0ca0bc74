"""A record: one line of JSON, the same in both directions, and as its schema says."""

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from articles import NOON, digest, make_article
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.card import dataset_card, write_card
from storage.errors import CorruptArchiveError, SchemaError, StorageError
from storage.model import AlsoNear, Article, Near, Removal
from storage.records import KEYS, RULES, decode, encode, json_schema
from storage.shapes import shapes

KEYS_IN_ORDER = tuple(
    """schema id revision url requested_url canonical_url feed feed_url guid also_in title description
    authors publisher section tags image language language_source published published_source published_raw modified
    first_seen fetched archived text text_source paragraphs removed near also_near text_hash normaliser
    accessible_for_free license rights http raw extractor warnings""".split()  # noqa: SIM905  easier to compare
)

VALIDATOR = jsonschema.Draft202012Validator(
    json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def _values(cls: type, name: str, annotation: Any) -> st.SearchStrategy[Any]:
    """Whatever the schema allows in a field."""
    rule = RULES[cls][name]
    if rule.among:
        return st.sampled_from(rule.among) | (st.none() if type(None) in get_args(annotation) else st.nothing())
    if rule.pattern:
        return st.binary(min_size=16, max_size=16).map(bytes.hex)
    kinds = {
        str: st.text(st.characters(exclude_categories=["Cs"])),
        int: st.integers(min_value=rule.least or 0, max_value=2**63 - 1),
        float: st.floats(0, 1),
        bool: st.booleans(),
        type(None): st.none(),
        datetime: st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))])).filter(
            lambda time: 1 < time.year < 9999  # in UTC it must still be a year of four digits
        ),
    }
    if annotation in kinds:
        return kinds[annotation]
    if is_dataclass(annotation):
        return _instances(annotation)
    arguments = get_args(annotation)
    if annotation == tuple[arguments]:
        return st.lists(_values(cls, name, arguments[0]), max_size=3).map(tuple)
    return st.one_of(*(kinds[argument] for argument in arguments))


def _instances(cls: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: _values(cls, field.name, hints[field.name]) for field in fields(cls)})


@settings(max_examples=60, deadline=None)
@given(_instances(Article))
def test_every_article_comes_back_from_its_line_and_validates(article: Article) -> None:
    line = encode(article)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == article
    assert encode(decode(line)) == line
    VALIDATOR.validate(json.loads(line))


def test_the_keys_stand_in_the_order_of_the_record_with_the_format_first() -> None:
    assert tuple(json.loads(encode(make_article()))) == KEYS_IN_ORDER


def test_times_are_written_in_utc_with_z_whatever_zone_they_came_in() -> None:
    paris = datetime(2026, 11, 23, 13, tzinfo=timezone(timedelta(hours=1)))
    record = json.loads(encode(make_article(published=paris, modified=NOON + timedelta(microseconds=5))))
    assert record["published"] == "2026-11-23T12:00:00Z"
    assert record["modified"] == "2026-11-23T12:00:00.000005Z"


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(TypeError):
        encode(make_article(published=datetime(2026, 11, 23)))  # noqa: DTZ001  that is the point


def test_numbers_and_text_are_written_as_json_has_them() -> None:
    near = AlsoNear(digest("other"), 1, 0.875)
    line = encode(make_article(also_near=(near,), title="«Ça»\u2028 — 中文 🦊\n"))
    assert b'"similarity":0.875' in line
    assert "«Ça»\u2028 — 中文 🦊\\n".encode() in line
    assert decode(line).title == "«Ça»\u2028 — 中文 🦊\n"


def test_every_key_has_its_rule_and_no_rule_is_stale() -> None:
    for cls, rules in RULES.items():
        assert set(rules) == {field.name for field in fields(cls)}
    parts = {shape.type for shape in shapes(Article).values() if is_dataclass(shape.type)}
    assert set(RULES) == {Article, *parts}
    assert set(KEYS) == set(RULES[Article])


def _with(**changes: Any) -> bytes:
    return json.dumps(json.loads(encode(make_article())) | changes).encode()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "not JSON"),
        (b"\0" * 40, "not JSON"),
        (b'{"schema": "veille.article/1"', "not JSON"),
        (b'{"title": "\xff"}', "not JSON"),
        (b"[]", "expected an object, found a list"),
        (b"{}", "'id' is missing"),
        (_with(colour="red"), "'colour' is unknown"),
        (_with(schema=1), "schema: expected a string, found 1"),
        (_with(id="A" * 32), "id: expected"),
        (_with(revision=0), "revision: expected 1 or more, found 0"),
        (_with(revision=True), "revision: expected a whole number, found True"),
        (_with(feed=None), "feed: expected a string, found null"),
        (_with(authors="Ann"), "authors: expected a list"),
        (_with(authors=["Ann", 7]), "authors[1]: expected a string, found 7"),
        (_with(published="2026-11-23"), "published: expected a time in UTC"),
        (_with(published="2026-11-23T12:00:00+01:00"), "published: expected a time in UTC"),
        (_with(published="2026-13-23T12:00:00Z"), "published: expected a time in UTC"),
        (_with(published="٢٠٢٦-11-23T12:00:00Z"), "published: expected a time in UTC"),
        (_with(text_source="paper"), "text_source: expected one of page, feed"),
        (_with(rights=None), "rights: expected an object, found null"),
        (_with(http={"status": 200}), "http: 'etag' is missing"),
        (_with(removed=[{}]), "removed[0]: 'position' is missing"),
        (_with(removed=[{"position": "2"} | dict.fromkeys(["reason", "id", "revision", "at", "hash"])]),
         "removed[0].position: expected a whole number, found '2'"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_and_where_it_departs_is_said(line: bytes, complaint: str) -> None:
    with pytest.raises(CorruptArchiveError) as caught:
        decode(line)
    assert complaint in str(caught.value)
    if "not JSON" not in complaint:
        assert not VALIDATOR.is_valid(json.loads(line))


@pytest.mark.parametrize("changes", [{"revision": 1.0}, {"id": "a" * 32 + "\n"}])
def test_what_a_lax_validator_lets_through_is_refused_all_the_same(changes: dict[str, Any]) -> None:
    with pytest.raises(CorruptArchiveError, match=f"{next(iter(changes))}: expected"):
        decode(_with(**changes))


def test_a_record_of_another_format_is_told_from_a_broken_one() -> None:
    with pytest.raises(SchemaError, match=r"veille\.article/2"):
        decode(b'{"schema": "veille.article/2", "body": 1}')


def test_a_similarity_written_as_a_whole_number_is_still_a_number() -> None:
    article = decode(_with(also_near=[{"id": digest("x"), "revision": 1, "similarity": 1}]))
    assert repr(article.also_near[0].similarity) == "1.0"


def test_the_schema_is_a_valid_one_and_leaves_nothing_open() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())

    def objects(schema: Any) -> Any:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for inner in schema.values():
                yield from objects(inner)

    found = list(objects(json_schema()))
    assert len(found) == len(RULES)
    for schema in found:
        assert schema["required"] == list(schema["properties"])
        assert schema["additionalProperties"] is False
        assert all(value["description"] for value in schema["properties"].values())


def test_the_schema_s_example_is_a_record_that_shows_the_type_of_every_value() -> None:
    (example,) = json_schema()["examples"]
    VALIDATOR.validate(example)
    assert tuple(example) == KEYS_IN_ORDER
    assert json.loads(encode(decode(json.dumps(example).encode()))) == example

    def values(value: Any) -> Any:
        yield value
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from values(inner)

    assert not [value for value in values(example) if value is None or value == []]


def test_null_is_allowed_only_where_a_value_may_be_unknown() -> None:
    record = json.loads(encode(make_article()))
    may_be_null = {key for key in record if VALIDATOR.is_valid(record | {key: None})}
    hints = get_type_hints(Article)
    assert may_be_null == {name for name, hint in hints.items() if type(None) in get_args(hint)}
    assert {"title", "published", "published_source"} <= may_be_null


# -- the dataset card --------------------------------------------------------------------------------------------------


def test_the_card_and_the_schema_are_written_once_and_then_left_alone(tmp_path: Path) -> None:
    write_card(tmp_path)
    assert json.loads((tmp_path / "schema.json").read_text()) == json_schema()
    assert (tmp_path / "README.md").read_text() == dataset_card()
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert set(before) == {"README.md", "schema.json"}
    write_card(tmp_path)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == before


def test_a_card_and_a_schema_that_are_out_of_date_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(dataset_card().replace("one", "another"))
    (tmp_path / "schema.json").write_text(json.dumps({**json_schema(), "examples": []}, indent=2))
    write_card(tmp_path)
    assert (tmp_path / "README.md").read_text() == dataset_card()
    assert json.loads((tmp_path / "schema.json").read_text()) == json_schema()


def test_what_somebody_else_wrote_under_these_names_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My archive\n")
    (tmp_path / "schema.json").write_text("{}\n")
    write_card(tmp_path)
    assert [(tmp_path / name).read_text() for name in ("README.md", "schema.json")] == ["# My archive\n", "{}\n"]


def test_a_card_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"README\.md cannot be written"):
        write_card(tmp_path / "not there")


def _archive_with_null_columns(directory: Path) -> list[Article]:
    """Three files: in the first, everything that may be null or empty is."""
    hints = get_type_hints(Article)
    nothing = {name: None for name, hint in hints.items() if type(None) in get_args(hint)}
    empty = make_article("empty", **nothing, authors=(), text="", paragraphs=0, removed=())
    near = (Near(0, digest("other"), 1, 3),)
    full = make_article("full", near=near, also_near=(AlsoNear(digest("other"), 2, 0.5),), tags=("a", "b"))
    full = replace(full, modified=NOON + timedelta(microseconds=1), description="two\nlines", warnings=("odd",))
    days = {"2026-11-21": [empty] * 3, "2026-11-22": [full, empty], "2026-11-23": [full]}
    for day, articles in days.items():
        (directory / f"articles/date={day}").mkdir(parents=True)
        (directory / f"articles/date={day}/w-0001.jsonl").write_bytes(b"".join(map(encode, articles)))
    (directory / "articles/date=2026-11-23/w-0001.torn").write_bytes(b'{"schema": "veille.art')
    write_card(directory)
    return [article for articles in days.values() for article in articles]


def test_datasets_reads_the_archive_whole_with_every_column_of_its_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    archive = tmp_path / "archive"
    articles = _archive_with_null_columns(archive)
    rows = datasets.load_dataset(str(archive), split="train", cache_dir=str(tmp_path / "cache"))
    assert tuple(rows.column_names) == KEYS_IN_ORDER
    assert rows.features["published"] == datasets.Value("timestamp[us, tz=UTC]")
    assert rows.features["also_near"] == datasets.List(
        {"id": datasets.Value("string"), "revision": datasets.Value("int64"), "similarity": datasets.Value("float64")}
    )
    assert rows["id"][:] == [article.id for article in articles]
    assert rows["text"][:] == [article.text for article in articles]
    assert rows["modified"][:] == [article.modified for article in articles]
    assert rows[5]["removed"] == [{name: getattr(articles[5].removed[0], name) for name in Removal.__slots__}]
