"""The archive under another scope: free of the order of arrival, complete in itself, and nothing lost."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from articles import NOON, digest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rescoped import (
    DAY,
    LEARNED,
    NAMES,
    Story,
    contents,
    export,
    exported,
    make_archive,
    rescope,
    seed,
)

from service import rescoping
from service.articles.paragraphs import Learned
from service.rescoping import Rescoped
from storage.errors import CorruptArchiveError
from storage.fingerprints import exact_form, fold_form
from storage.model import Article, Near, Scope
from storage.paragraphs import EDGE
from storage.rebuild import full_paragraphs, kept_paragraphs

LONG = "Le gouvernement a annoncé mardi un plan de soutien aux agriculteurs touchés par la sécheresse."
OTHER = "Au moins 12 morts dans l'accident de mardi, selon les secours arrivés sur place dans la nuit."
CHROME = "Recevez toute l'actualité internationale directement dans votre boîte de réception, chaque matin."
LINES = (
    LONG,
    LONG.upper(),
    LONG.replace(" ", "\u00a0", 1),
    OTHER,
    OTHER.replace("12", "27"),
    CHROME,
    CHROME,
    "rfi",
    "RFI",
    "Oui.",
)


# -- a second filter, that looks at all articles at once ---------------------------------------------------------------


def rank(story: Story) -> tuple[bool, datetime, str, int]:
    return story.published is None, story.published or NOON, *story.key


def day(story: Story) -> int:
    return (story.published or story.archived).toordinal()


def must_stay(story: Story, position: int, stories: Sequence[Story], scope: Scope) -> bool:
    """Whether no rule lets a paragraph go: by brute force over all stories."""
    by_rank = sorted(stories, key=rank)
    text = story.paragraphs[position]
    others = [one for one in by_rank if one.name != story.name and text in one.paragraphs]
    if scope is Scope.OFF or (text not in story.paragraphs[:position] and not (others and scope is not Scope.ARTICLE)):
        return True
    if scope is Scope.BOILERPLATE and text not in story.paragraphs[:position]:
        return not is_boilerplate(story, position, by_rank, LEARNED)
    is_line = len(text) <= 40 and fold_form(text) not in NAMES
    return is_line and not is_boilerplate(story, position, by_rank, LEARNED)


def must_go(story: Story, position: int, stories: Sequence[Story], scope: Scope) -> bool:
    """Whether a rule takes a paragraph for certain: a sentence that an article of a lower rank has to the letter."""
    by_rank = sorted(stories, key=rank)
    text = story.paragraphs[position]
    is_sentence = len(text) > 40 and text.endswith(".")
    first = next(one for one in by_rank if holds(one, text))
    spelling = next(line for line in first.paragraphs if exact_form(line) == exact_form(text))
    if first.name == story.name or spelling != text or not is_sentence:
        return False
    return scope is Scope.ALL


def holds(story: Story, text: str) -> bool:
    return any(exact_form(line) == exact_form(text) for line in story.paragraphs)


def is_boilerplate(story: Story, position: int, by_rank: Sequence[Story], learned: Learned) -> bool:
    text, total = story.paragraphs[position], len(story.paragraphs)
    first_versions = {one.name: one for one in reversed(by_rank) if holds(one, text)}
    own = [one for one in first_versions.values() if one.feed == story.feed]
    if len({day(one) for one in own}) < learned.days or len(first_versions) < 2:
        return False
    heads = sum(holds(replace(one, paragraphs=one.paragraphs[:EDGE]), text) for one in own)
    tails = sum(holds(replace(one, paragraphs=one.paragraphs[-EDGE:]), text) for one in own)
    at_head, at_tail = position < EDGE, position >= total - EDGE
    return (at_head and heads >= learned.articles) or (at_tail and tails >= learned.articles)


# -- archives ----------------------------------------------------------------------------------------------------------


@st.composite
def archives(draw: st.DrawFn) -> list[Story]:
    """A few articles, some in several versions, of two feeds, over a few days, whose paragraphs are often the same."""
    stories: list[Story] = []
    for number in range(draw(st.integers(1, 6))):
        for revision in range(1, draw(st.integers(1, 2)) + 1):
            own = [
                f"Paragraphe {place} du numéro {number}, dont le texte ne revient dans aucun autre." for place in "ab"
            ]
            lines = draw(st.lists(st.sampled_from([*LINES, *own]), max_size=7))
            stories.append(
                Story(
                    str(number),
                    tuple(lines),
                    revision,
                    feed=draw(st.sampled_from(["rfi-fr", "rfi-en"])),
                    published=draw(st.none() | st.integers(0, 3).map(lambda days: NOON - days * DAY)),
                    archived=NOON + draw(st.integers(0, 2)) * DAY + timedelta(minutes=draw(st.integers(0, 9))),
                )
            )
    return stories


MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # hundreds of archives, each synced often
SCOPES = st.sampled_from(Scope)
slow = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])


def result(article: Article) -> tuple[object, ...]:
    return article.text, article.removed, article.near, article.also_near


@pytest.mark.slow
@given(st.data(), archives(), SCOPES, SCOPES)
@slow
def test_the_order_of_arrival_changes_no_byte(
    data: st.DataObject, stories: list[Story], before: Scope, scope: Scope
) -> None:
    again = data.draw(st.permutations(stories))
    with TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(folder)
        for name, order in (("one", stories), ("two", again)):
            make_archive(root / name, order, before)
            assert export(root / name, root / f"{name}-out", scope) == []
        assert contents(root / "one-out") == contents(root / "two-out")


@pytest.mark.slow
@given(st.data(), archives(), SCOPES)
@slow
def test_other_stamps_on_the_same_days_change_no_text(data: st.DataObject, stories: list[Story], scope: Scope) -> None:
    minutes = st.integers(0, 600).map(lambda number: timedelta(minutes=number))
    again = [
        replace(story, archived=story.archived.replace(hour=13) + data.draw(minutes))
        for story in data.draw(st.permutations(stories))
    ]
    with TemporaryDirectory(dir=MEMORY) as folder:
        root = Path(folder)
        found = []
        for name, order in (("one", stories), ("two", again)):
            make_archive(root / name, order)
            export(root / name, root / f"{name}-out", scope)
            found.append({key: result(article) for key, article in exported(root / f"{name}-out").items()})
        assert found[0] == found[1]


@given(archives(), SCOPES, SCOPES)
@slow
def test_an_export_keeps_what_the_rules_say_and_rebuilds_from_itself(
    stories: list[Story], before: Scope, scope: Scope
) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        make_archive(Path(folder) / "data", stories, before)
        export(Path(folder) / "data", Path(folder) / "out", scope)
        records = exported(Path(folder) / "out")
    assert records.keys() == {story.key for story in stories}
    for story in stories:
        article = records[story.key]
        gone = {removal.position for removal in article.removed}
        for position in range(len(story.paragraphs)):
            assert not (position in gone and must_stay(story, position, stories, scope))
            assert position in gone or not must_go(story, position, stories, scope)
        assert full_paragraphs(article, lambda *key: records[key]) == list(story.paragraphs)
        for removal in article.removed:
            keeper = kept_paragraphs(records[removal.id, removal.revision])
            assert keeper[removal.at] == story.paragraphs[removal.position]
        for near in article.near:
            other = kept_paragraphs(records[near.id, near.revision])[near.at]
            assert other != story.paragraphs[near.position]
            assert fold_form(other) == fold_form(story.paragraphs[near.position])


# -- cases -------------------------------------------------------------------------------------------------------------


def texts(root: Path, stories: Sequence[Story], scope: Scope, **more: object) -> dict[str, list[str]]:
    """What an export keeps of each story, by its name; of the newest revision."""
    make_archive(root / "data", stories, Scope.ARTICLE)
    assert export(root / "data", root / "out", scope, **more) == []
    records = exported(root / "out")
    return {story.name: records[story.key].text.split("\n") for story in stories}


@pytest.mark.parametrize("scope", Scope)
def test_the_seed_and_its_follow_up(tmp_path: Path, scope: Scope) -> None:
    p1, p2, p3, p4, rfi, *again = seed()
    n1, n2 = LONG, OTHER
    stories = [  # the later one came first
        Story("follow-up", (n1, p2, p3, n2, rfi), published=NOON),
        Story("seed", (p1, p2, p3, p4, rfi, *again), published=NOON - DAY),
    ]
    assert texts(tmp_path, stories, scope, learned=Learned()) == {
        "seed": [p1, p2, p3, p4, rfi, *(again if scope is Scope.OFF else ())],
        "follow-up": [n1, n2] if scope is Scope.ALL else [n1, p2, p3, n2, rfi],
    }


@pytest.mark.parametrize("scope", Scope)
def test_another_number_is_another_text(tmp_path: Path, scope: Scope) -> None:
    later = OTHER.replace("12", "27")
    stories = [Story("first", (OTHER, LONG)), Story("second", (later, CHROME), published=NOON + DAY)]
    assert texts(tmp_path, stories, scope) == {"first": [OTHER, LONG], "second": [later, CHROME]}
    assert all(article.near == () for article in exported(tmp_path / "out").values())


@pytest.mark.parametrize("scope", Scope)
def test_boilerplate_goes_from_the_first_article_on_but_for_the_one_that_keeps_it(tmp_path: Path, scope: Scope) -> None:
    stories = [
        Story(str(number), (f"{number}: {LONG}", CHROME), published=NOON + number * DAY, archived=NOON + number * DAY)
        for number in range(6)
    ]
    found = texts(tmp_path, stories, scope, learned=Learned())
    goes = scope in {Scope.BOILERPLATE, Scope.ALL}
    assert [CHROME in found[str(number)] for number in range(6)] == [True, *[not goes] * 5]
    reasons = {removal.reason for article in exported(tmp_path / "out").values() for removal in article.removed}
    assert reasons == ({"boilerplate"} if goes else set())


@pytest.mark.parametrize(("days", "goes"), [(2, False), (3, True)])
def test_days_count_as_they_are_where_nobody_has_dated_the_articles(tmp_path: Path, days: int, goes: bool) -> None:
    """By rank such articles are in the order of their ids, and their days come in any."""
    names = sorted(map(str, range(6)), key=digest, reverse=True)
    stories = [
        Story(name, (f"{name}: {LONG}", CHROME), published=None, archived=NOON + min(number, days - 1) * DAY)
        for number, name in enumerate(names)
    ]
    stories.append(replace(stories[0], revision=2, archived=NOON + 9 * DAY))
    found = texts(tmp_path, stories, Scope.BOILERPLATE, learned=Learned())
    assert sum(CHROME in lines for lines in found.values()) == (1 if goes else 6)


def test_own_versions_are_no_duplicates_whichever_comes_first(tmp_path: Path) -> None:
    stories = [
        Story("a", (LONG, OTHER), revision=1, published=NOON + DAY),
        Story("a", (LONG, CHROME), revision=2, published=NOON),
        Story("b", (LONG, CHROME), published=NOON + 2 * DAY),
    ]
    make_archive(tmp_path / "data", stories)
    export(tmp_path / "data", tmp_path / "out", Scope.ALL)
    records = exported(tmp_path / "out")
    assert [records[digest("a"), revision].removed for revision in (1, 2)] == [(), ()]
    assert [(gone.id, gone.revision) for gone in records[digest("b"), 1].removed] == [(digest("a"), 2)] * 2


@pytest.mark.parametrize("scope", Scope)
def test_another_spelling_is_noted_in_every_version_that_has_it_first(tmp_path: Path, scope: Scope) -> None:
    stories = [
        Story("later", (LONG.upper(),), published=NOON + 2 * DAY),
        Story("a", (CHROME, LONG.upper()), revision=1, published=NOON + DAY),
        Story("a", (CHROME, OTHER, LONG.upper()), revision=2, published=NOON + DAY),
        Story("first", (OTHER, LONG), published=NOON),
    ]
    make_archive(tmp_path / "data", stories)
    export(tmp_path / "data", tmp_path / "out", scope)
    records = exported(tmp_path / "out")
    first = digest("first"), 1, 1
    assert records[digest("first"), 1].near == records[digest("later"), 1].near == ()
    assert records[digest("a"), 1].near == (Near(1, *first),)
    assert records[digest("a"), 2].near == (Near(2, *first),)


def test_scope_off_gives_every_full_text(tmp_path: Path) -> None:
    stories = [Story(str(number), (*seed(), LONG), published=NOON + number * DAY) for number in range(4)]
    make_archive(tmp_path / "data", stories, Scope.ALL)
    export(tmp_path / "data", tmp_path / "out", Scope.OFF)
    for story in stories:
        article = exported(tmp_path / "out")[story.key]
        assert article.text.split("\n") == list(story.paragraphs)
        assert article.removed == ()


def test_nothing_but_the_filter_s_work_is_another(tmp_path: Path) -> None:
    make_archive(tmp_path / "data", [Story("a", (LONG, OTHER, LONG)), Story("b", (LONG, LONG.upper(), CHROME))])
    seen: list[Rescoped] = []
    rescope(tmp_path / "data", Scope.OFF, seen.append)
    assert len(seen) == 2
    for one in seen:
        assert one.after != one.before
        was = replace(
            one.after,
            text=one.before.text,
            removed=one.before.removed,
            near=one.before.near,
            also_near=one.before.also_near,
        )
        assert was == one.before


# -- sealed, growing, damaged ------------------------------------------------------------------------------------------


def days_of_stories() -> list[Story]:
    """Three days, of which each refers to the day before; the last is a story that stands alone."""
    shared = [f"{number}: {LONG}" for number in range(4)]
    stories = [
        Story(f"{number}", (f"Seul {number}. {OTHER}", *shared[: number + 1]), archived=NOON + number * DAY)
        for number in range(3)
    ]
    return [*stories, Story("alone", (CHROME,), archived=NOON + 2 * DAY + timedelta(minutes=1))]


def test_a_sealed_archive_gives_the_same_as_a_plain_one(tmp_path: Path) -> None:
    make_archive(tmp_path / "plain", days_of_stories())
    make_archive(tmp_path / "sealed", days_of_stories(), sealed=NOON + 5 * DAY)
    assert len(list((tmp_path / "sealed").glob("articles/*/*.gz"))) == 3
    for name in ("plain", "sealed"):
        assert export(tmp_path / name, tmp_path / f"{name}-out", Scope.ALL) == []
    assert contents(tmp_path / "plain-out") == contents(tmp_path / "sealed-out")


def test_a_damaged_line_is_left_out_with_what_cannot_do_without_it_and_told(tmp_path: Path) -> None:
    make_archive(tmp_path / "data", days_of_stories())
    first, second, third = sorted((tmp_path / "data").glob("articles/*/*.jsonl"))
    line = second.read_bytes()
    second.write_bytes(line.replace(b"Seul 1", b"Seul 9"))
    left_out = export(tmp_path / "data", tmp_path / "out", Scope.ALL)
    assert [what.split(": ")[0] for what in left_out] == [f"{second.relative_to(tmp_path / 'data')}, byte 0"]
    assert "does not rebuild to its text_hash" in left_out[0]
    assert exported(tmp_path / "out").keys() == {story.key for story in days_of_stories() if story.name != "1"}
    second.write_bytes(b"{" + line[1:].replace(b'"', b"'"))
    left_out = export(tmp_path / "data", tmp_path / "again", Scope.ALL)
    places = [str(file.relative_to(tmp_path / "data")) for file in (second, third)]
    assert [what.split(": ")[0] for what in left_out] == [f"{place}, byte 0" for place in places]
    records = exported(tmp_path / "again")
    assert set(records) == {(digest("0"), 1), (digest("alone"), 1)}
    assert first.exists()


def test_of_a_missing_file_one_line_is_said(tmp_path: Path) -> None:
    make_archive(tmp_path / "data", days_of_stories())
    *_, last = sorted((tmp_path / "data").glob("articles/*/*.jsonl"))
    last.unlink()
    left_out = export(tmp_path / "data", tmp_path / "out", Scope.ALL)
    assert left_out == [f"{last.relative_to(tmp_path / 'data')}: the file is missing"]
    assert len(exported(tmp_path / "out")) == 2


def test_what_is_damaged_while_it_is_read_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_archive(tmp_path / "data", days_of_stories())
    *_, last = (tmp_path / "data").glob("articles/*/*.jsonl")

    def damage(_: Rescoped) -> None:
        for file in (tmp_path / "data").glob("articles/*/*.jsonl"):
            file.write_bytes(b"{}\n")

    monkeypatch.setattr(rescoping, "BATCH", 1)
    with pytest.raises(CorruptArchiveError):
        rescope(tmp_path / "data", Scope.ALL, damage)
    assert last.read_bytes() == b"{}\n"
