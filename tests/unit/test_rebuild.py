"""Removed paragraphs put back: the full article, proven by its hash."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from articles import digest, make_article
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import CorruptArchiveError
from storage.model import Article, Removal
from storage.rebuild import full_paragraphs, full_text_hash

Archive = dict[tuple[str, int], Article]


def record(name: str, full: Sequence[str], references: dict[int, tuple[str, int, int]], revision: int = 1) -> Article:
    """The record of an article whose paragraphs at these positions stand elsewhere: name, revision, position."""
    removed = tuple(
        Removal(position, "repeat" if other == name else "known", digest(other), of, at, digest(full[position]))
        for position, (other, of, at) in references.items()
    )
    kept = [paragraph for position, paragraph in enumerate(full) if position not in references]
    return make_article(
        name,
        revision,
        text="\n".join(kept),
        paragraphs=len(full),
        removed=removed,
        text_hash=full_text_hash(full),
    )


def rebuild(article: Article, *others: Article) -> list[str]:
    """Rebuilt with these articles to refer to; asking for the article itself fails."""
    archive = {(other.id, other.revision): other for other in others}
    return full_paragraphs(article, lambda id_, revision: archive[id_, revision])


def test_repeats_inside_an_article_are_put_back() -> None:
    full = ["P1", "P2", "P3", "P4", "rfi", "P2", "P3", "P4", "rfi"]
    article = record("a", full, {n + 4: ("a", 1, n) for n in (1, 2, 3, 4)})
    assert article.text == "P1\nP2\nP3\nP4\nrfi"
    assert rebuild(article) == full


def test_the_hash_is_blake2b_128_of_the_lines_in_utf_8() -> None:
    assert full_text_hash(["Ça", "中文"]) == digest("Ça\n中文")
    assert full_text_hash([]) == digest("")


def test_an_article_without_paragraphs_rebuilds_to_none() -> None:
    assert rebuild(record("a", [], {})) == []


def test_an_article_of_which_nothing_was_kept_rebuilds_from_the_others() -> None:
    keeper = record("keeper", ["x", "y"], {})
    assert rebuild(record("a", ["y", "x"], {0: ("keeper", 1, 1), 1: ("keeper", 1, 0)}), keeper) == ["y", "x"]


def test_only_the_revision_referred_to_is_asked_for() -> None:
    first, second = record("keeper", ["old"], {}), record("keeper", ["new"], {}, revision=2)
    assert rebuild(record("a", ["old"], {0: ("keeper", 1, 0)}), first, second) == ["old"]
    earlier = record("a", ["kept before"], {})
    later = record("a", ["kept before", "new"], {0: ("a", 1, 0)}, revision=2)
    assert rebuild(later, earlier) == ["kept before", "new"]


def test_a_reference_to_a_paragraph_that_was_itself_removed_is_followed_however_far() -> None:
    chain = [record("n0", ["text"], {})]
    chain += [record(f"n{n}", ["text"], {0: (f"n{n - 1}", 1, 0)}) for n in range(1, 3000)]
    assert rebuild(chain[-1], *chain[:-1]) == ["text"]


def test_each_article_referred_to_is_read_once() -> None:
    keeper = record("keeper", ["x", "y"], {})
    asked = []

    def find(id_: str, revision: int) -> Article:
        asked.append((id_, revision))
        return keeper

    full_paragraphs(record("a", ["x", "y", "x"], {n: ("keeper", 1, n % 2) for n in range(3)}), find)
    assert asked == [(keeper.id, 1)]


@given(st.data())
def test_whatever_is_removed_can_be_put_back(data: st.DataObject) -> None:
    """Articles one after another, each paragraph kept or removed in favour of any equal one that came before it."""
    places: dict[str, list[tuple[str, int, int]]] = {}
    archive: Archive = {}
    for number in range(data.draw(st.integers(1, 5))):
        name = f"n{number}"
        full = data.draw(st.lists(st.sampled_from(["p", "q", "r\u2028r", "s"]), max_size=6))
        references = {}
        for position, paragraph in enumerate(full):
            known = places.setdefault(paragraph, [])
            if known and data.draw(st.booleans()):
                references[position] = data.draw(st.sampled_from(known))
            known.append((name, 1, position))
        article = record(name, full, references)
        assert rebuild(article, *archive.values()) == full
        archive[article.id, 1] = article


FULL = ["x", "y", "x"]
SOUND = record("a", FULL, {2: ("a", 1, 0)})


@pytest.mark.parametrize(
    ("damaged", "complaint"),
    [
        (replace(SOUND, text="x\nz"), "does not rebuild to its text_hash"),
        (replace(SOUND, text_hash=digest("other")), "does not rebuild to its text_hash"),
        (replace(SOUND, text="x"), "has 3 paragraphs, but keeps 1 and removes 1"),
        (replace(SOUND, text=""), "has 3 paragraphs, but keeps 0 and removes 1"),
        (replace(SOUND, paragraphs=10**12), "paragraphs, but keeps 2 and removes 1"),
        (replace(SOUND, paragraphs=4, removed=SOUND.removed * 2), "has 4 paragraphs, but keeps 2 and removes 1"),
        (replace(SOUND, removed=(replace(SOUND.removed[0], position=3),)), "removes 1, up to number 3"),
        (replace(SOUND, removed=(replace(SOUND.removed[0], at=1),)), "does not rebuild to its text_hash"),
        (replace(SOUND, removed=(replace(SOUND.removed[0], at=9),)), "refers to paragraph 9 of"),
        (replace(SOUND, removed=(replace(SOUND.removed[0], at=2),)), "paragraph 2 refers in a circle"),
    ],
)
def test_what_does_not_add_up_is_corrupt_and_why_is_said(damaged: Article, complaint: str) -> None:
    with pytest.raises(CorruptArchiveError) as caught:
        rebuild(damaged)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith(f"{SOUND.id} revision 1")


def test_two_articles_that_refer_to_each_other_are_a_circle() -> None:
    one = record("one", ["x"], {0: ("two", 1, 0)})
    two = record("two", ["x"], {0: ("one", 1, 0)})
    with pytest.raises(CorruptArchiveError, match="in a circle"):
        rebuild(one, two)
