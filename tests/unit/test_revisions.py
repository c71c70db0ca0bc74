"""Revisions: a new one only where a reader would read something else, and what changed told in words."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from articles import NOON, digest
from holdings import new_store
from hypothesis import given
from hypothesis import strategies as st

from service.archiving import Archived, Archivist
from service.articles.compose import Draft
from service.articles.page import Metadata
from service.articles.paragraphs import Learned
from service.articles.revisions import Change, Op, differences, same_but_for_typography, shortened
from service.offload import OneThread
from service.reading import Ended
from storage.archive import Archive
from storage.database import Database
from storage.forms import forms_of
from storage.model import (
    Entry,
    ExtractorFacts,
    Feed,
    FeedState,
    HttpFacts,
    NewEntry,
    Outcome,
    PendingEntry,
    Poll,
    Rights,
    Scope,
)

TITLE = "L'armée a dit: «12 morts» - un bilan provisoire"
TEXT = (
    "Le ministère l'a annoncé mardi: \"12 morts\" et 27 blessés, soit plus qu'en 2025.",
    "Près de la moitié - selon l'hôpital - sont des élèves.",
)

# -- what is the same --------------------------------------------------------------------------------------------------

ALIKE = {
    "'": "’‘ʼ′",
    '"': "“”„«»",
    "-": "–—‑−",
    " ": ("\u00a0", "\u202f", "  ", "\n", "\u2009"),
}
INVISIBLE = "\u00ad\u200b\u200c\u2060\ufeff"
LETTERS = "aàâceéèêioôuùxyzAÉZ0127"
texts = st.lists(st.text(f"{LETTERS}'\"- .,", min_size=1, max_size=30), min_size=1, max_size=4)


@st.composite
def set_anew(draw: st.DrawFn, text: str) -> str:
    """``text`` in other typography: each character perhaps as another of its kind, invisible ones strewn in."""
    pieces = []
    for character in unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD", "NFKD"])), text):
        others = ALIKE.get(character, ())
        pieces.append(draw(st.sampled_from([character, *others])))
        pieces.append(draw(st.sampled_from(["", "", "", *INVISIBLE])))
    return "".join(pieces)


@given(st.data())
def test_a_text_set_anew_says_the_same(data: st.DataObject) -> None:
    text = data.draw(texts)
    assert same_but_for_typography(text, data.draw(set_anew("\n".join(text))).split("\n"))


@given(st.data())
def test_a_letter_a_digit_an_accent_or_its_case_changed_says_something_else(data: st.DataObject) -> None:
    text = "\n".join(data.draw(texts)) + "x"
    at = data.draw(st.sampled_from([n for n, character in enumerate(text) if character in LETTERS]))
    other = data.draw(st.sampled_from([letter for letter in LETTERS if letter != text[at]]))
    changed = data.draw(set_anew(text[:at] + other + text[at + 1 :]))
    assert not same_but_for_typography(text.split("\n"), changed.split("\n"))
    assert same_but_for_typography(text.split("\n"), data.draw(set_anew(text)).split("\n"))


# -- what becomes of it in the archive ---------------------------------------------------------------------------------


def draft_of(number: int, *, title: str | None = TITLE, paragraphs: tuple[str, ...] = TEXT) -> Draft:
    """What was read of the only page, for entry version ``number``."""
    entry = Entry("k", digest("page"), f"hash {number}", guid="g", url="https://news.test/page")
    feed = Feed("rfi-fr", "https://news.test/rss")
    return Draft(
        pending=PendingEntry(number, feed.name, feed.url, number, entry, NOON),
        feed=feed,
        paragraphs=paragraphs,
        forms=forms_of(paragraphs),
        text_source="page",
        metadata=Metadata(title=title),
        summary=None,
        extractor=ExtractorFacts("trafilatura", "2"),
        rights=Rights(),
        http=HttpFacts(),
        url=entry.url,
        fetched=NOON,
    )


Archive_ = Callable[..., list[Archived | Ended]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Two versions of one entry wait."""
    with closing(new_store(tmp_path)) as database:
        versions = [NewEntry(draft_of(number).pending.entry, version=number) for number in (1, 2)]
        state = FeedState("rfi-fr", "https://news.test/rss")
        database.commit_poll(Poll("rfi-fr", NOON, state, entries=tuple(versions)))
        yield database


@pytest.fixture
def archive(tmp_path: Path, store: Database) -> Iterator[Archive_]:
    """Archives drafts as one batch."""
    files, thread = Archive.open(tmp_path, store, NOON), OneThread("storage")
    archivist = Archivist(store, files, thread, scope=Scope.BOILERPLATE, learned=Learned(), clock=lambda: NOON)
    yield lambda *drafts: asyncio.run(archivist.archive(drafts))
    thread.close()
    files.close()


RETYPESET = {
    "in NFD": (unicodedata.normalize("NFD", TITLE), tuple(unicodedata.normalize("NFD", text) for text in TEXT)),
    "with typographer's quotes": (
        "L’armée a dit : « 12 morts » – un bilan provisoire",
        tuple(text.replace("'", "’").replace(' "', " “").replace('" ', "” ").replace(" - ", " — ") for text in TEXT),
    ),
    "with soft hyphens": (TITLE.replace("provi", "pro\u00advi"), (TEXT[0].replace("minis", "mi\u00adnis"), TEXT[1])),
    "with a German's guillemets": (TITLE.replace("«", "»").replace("12 morts»", "12 morts«"), TEXT),
    "in one paragraph": (TITLE, (" \u200b".join(TEXT),)),
    "under another title's quotes alone": (TITLE.replace("'", "’"), TEXT),
}
EDITED = {
    "a digit": (TITLE, (TEXT[0].replace("27", "28"), TEXT[1])),
    "a digit of the title": (TITLE.replace("12", "13"), TEXT),
    "case": (TITLE, (TEXT[0].replace("ministère", "Ministère"), TEXT[1])),
    "an accent": (TITLE, (TEXT[0].replace("Le ministère", "Le ministere"), TEXT[1])),
    "the title's case alone": (TITLE.replace("bilan", "Bilan"), TEXT),
    "a comma": (TITLE, (TEXT[0].replace(", soit", " soit"), TEXT[1])),
    "no title": (None, TEXT),
}


@pytest.mark.parametrize("at_once", [False, True], ids=["in a later batch", "in the same batch"])
@pytest.mark.parametrize(("title", "paragraphs"), RETYPESET.values(), ids=RETYPESET)
def test_a_page_set_anew_is_unchanged_and_says_why(
    store: Database, archive: Archive_, title: str, paragraphs: tuple[str, ...], at_once: bool
) -> None:
    drafts = draft_of(1), draft_of(2, title=title, paragraphs=paragraphs)
    _, ended = archive(*drafts) if at_once else archive(drafts[0]) + archive(drafts[1])
    assert isinstance(ended, Ended)
    assert ended.resolution is not None
    assert ended.resolution.reason == "same words as revision 1: only encoding or typography differs"
    assert store.ledger()["rfi-fr"].counts == {Outcome.ARCHIVED: 1, Outcome.UNCHANGED: 1}


@pytest.mark.parametrize(("title", "paragraphs"), EDITED.values(), ids=EDITED)
def test_what_an_editor_changes_is_a_new_revision(
    store: Database, archive: Archive_, title: str | None, paragraphs: tuple[str, ...]
) -> None:
    archive(draft_of(1))
    (second,) = archive(draft_of(2, title=title, paragraphs=paragraphs))
    assert isinstance(second, Archived)
    assert second.article.revision == 2
    assert second.article.warnings == ()


def test_the_number_of_a_revision_that_was_lost_is_not_given_again(store: Database, archive: Archive_) -> None:
    archive(draft_of(1))
    store.reindex([], NOON, may_forget=True)
    archived, again = archive(draft_of(2), draft_of(1, title="Something else"))
    assert isinstance(archived, Archived)
    assert isinstance(again, Archived)
    assert (archived.article.revision, again.article.revision) == (2, 3)


def test_the_archive_is_read_only_where_the_hash_differs(archive: Archive_, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = Archive.read
    monkeypatch.setattr(Archive, "read", lambda self, place: (reads.append(place), read(self, place))[1])
    archive(draft_of(1))
    archive(draft_of(2))
    archive(draft_of(2, title=TITLE.replace("'", "’")))
    archive(draft_of(2, title="Another headline"))
    assert reads == []
    archive(draft_of(2, title="Another headline", paragraphs=TEXT[:1]))
    assert len(reads) == 1


def test_removed_paragraphs_are_put_back_before_texts_are_compared(store: Database, archive: Archive_) -> None:
    long = "Une phrase assez longue pour être retirée quand elle revient une seconde fois."
    (first,) = archive(draft_of(1, paragraphs=(*TEXT, long, long)))
    assert isinstance(first, Archived)
    assert first.article.removed
    (second,) = archive(draft_of(2, paragraphs=(*TEXT, long, long.replace(" ", "\u00a0"))))
    assert isinstance(second, Ended)


def test_a_revision_that_cannot_be_read_keeps_no_newer_one_out(tmp_path: Path, archive: Archive_) -> None:
    archive(draft_of(1))
    (file,) = tmp_path.glob("articles/**/*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"12 morts", b"13 morts"))
    (second,) = archive(draft_of(2, paragraphs=(*TEXT, "Neuf.")))
    assert isinstance(second, Archived)
    (warning,) = second.article.warnings
    assert warning.startswith("revision 1 could not be read for comparison: ")


# -- what changed ------------------------------------------------------------------------------------------------------

any_texts = st.lists(st.text("ab é1.\u0e01\u0e31\u65b0\u17d2", min_size=1, max_size=12), max_size=5)


@given(any_texts, any_texts)
def test_what_is_kept_and_removed_is_the_earlier_text_what_is_kept_and_added_the_later(
    before: list[str], after: list[str]
) -> None:
    changes = differences(before, after)
    assert "".join(change.text for change in changes if change.op is not Op.ADD) == "\n".join(before)
    assert "".join(change.text for change in changes if change.op is not Op.REMOVE) == "\n".join(after)
    assert all(change.text for change in changes)
    assert all(one.op != other.op for one, other in pairwise(changes))


@given(any_texts)
def test_equal_texts_have_no_differences(text: list[str]) -> None:
    assert all(change.op is Op.KEEP for change in differences(text, text))


def marked(before: str, after: str) -> str:
    signs = {Op.KEEP: "%s", Op.REMOVE: "[-%s-]", Op.ADD: "{+%s+}"}
    return "".join(signs[change.op] % change.text for change in differences(before.split("\n"), after.split("\n")))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("12 morts, hier.", "27 morts, hier.", "[-12-]{+27+} morts, hier."),
        ("un mot de trop ici", "un mot ici", "un mot [-de trop -]ici"),
        ("a b c d", "a x y d", "a [-b c-]{+x y+} d"),
        ("un\ntrois", "un\ndeux\ntrois", "un{+\ndeux+}\ntrois"),
        ("l'été dernier", "l'hiver dernier", "l'[-été-]{+hiver+} dernier"),
        ("政府宣布支持农民的计划", "政府昨天宣布支持渔民的计划", "政府{+昨天+}宣布支持[-农-]{+渔+}民的计划"),
        ("ช่วยเหลือเกษตรกรแล้ว", "ช่วยเหลือชาวนาแล้ว", "ช่วยเหลือ[-เกษตรกร-]{+ชาวนา+}แล้ว"),
        ("ភាសាខ្មែរល្អ", "ភាសាថៃល្អ", "ភាសា[-ខ្មែរ-]{+ថៃ+}ល្អ"),
        ("한국어 뉴스", "한국어 소식", "한국어 [-뉴스-]{+소식+}"),
        ("समाचार आज", "समाचार कल", "समाचार [-आज-]{+कल+}"),
    ],
)
def test_changes_are_told_by_words_and_where_no_spaces_part_them_by_letters(
    before: str, after: str, expected: str
) -> None:
    assert marked(before, after) == expected


def test_a_long_stretch_that_is_kept_is_cut_to_a_few_words_around_the_changes() -> None:
    before = [" ".join(f"w{n}" for n in range(40))]
    after = [before[0].replace("w10 ", "new ").replace("w30", "other")]
    text = "".join(change.text for change in shortened(differences(before, after), context=3))
    assert text == "… w7 w8 w9 w10new w11 w12 w13 … w27 w28 w29 w30other w31 w32 w33 …"


def test_long_texts_that_repeat_themselves_are_compared_in_a_moment() -> None:
    before = ["政府宣布了一项支持农民的新计划。" * 700]
    after = [before[0].replace("农", "渔") + "完"]
    changes = differences(before, after)
    assert changes[0] == Change(Op.KEEP, "政府宣布了一项支持")
    assert len(changes) <= 4


def test_a_change_in_the_middle_of_a_long_text_is_told_by_its_words() -> None:
    middle = "政府宣布了一项支持农民的新计划。" * 300
    changes = differences([middle + "旧" + middle], [middle + "新的" + middle])
    assert changes == (
        Change(Op.KEEP, middle),
        Change(Op.REMOVE, "旧"),
        Change(Op.ADD, "新的"),
        Change(Op.KEEP, middle),
    )
