"""The duplicate filter: what goes can be put back, and nothing goes that says something else."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.articles.paragraphs import Filtered, filter_article
from storage import fingerprints
from storage.fingerprints import exact, fold, fold_form
from storage.model import Near, Removal, Scope

ID = "5" * 32
SEED = Path(__file__).parents[1] / "fixtures" / "seed" / "article.expected.json"
LONG = "Le gouvernement a annoncé mardi un plan de soutien aux agriculteurs touchés par la sécheresse."


def filtered(lines: Sequence[str], scope: Scope = Scope.BOILERPLATE, names: Sequence[str] = ()) -> Filtered:
    return filter_article(lines, article_id=ID, revision=3, scope=scope, names=names)


def put_back(result: Filtered, total: int) -> list[str]:
    kept = iter(result.kept)
    removed = {removal.position: removal.at for removal in result.removed}
    full: list[str] = []
    for position in range(total):
        full.append(full[removed[position]] if position in removed else next(kept))
    assert next(kept, None) is None
    return full


# -- the seed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RFI", "rfi", " Rfi "])
def test_the_seed_keeps_its_five_lines_and_points_to_them_from_the_four_removed(name: str) -> None:
    lines = json.loads(SEED.read_text("utf-8"))["lines"]
    result = filtered(lines, names=[name])
    assert result.kept == tuple(lines[:5])
    assert result.removed == tuple(
        Removal(position, "repeat", ID, 3, position - 4, exact(lines[position]).hex()) for position in (5, 6, 7, 8)
    )
    assert put_back(result, 9) == lines


def test_the_seed_keeps_its_second_name_where_nobody_is_called_so() -> None:
    lines = json.loads(SEED.read_text("utf-8"))["lines"]
    result = filtered(lines, names=["Le Monde"])
    assert result.kept == (*lines[:5], "rfi")


# -- what goes ---------------------------------------------------------------------------------------------------------


def test_every_repeat_points_to_the_first() -> None:
    result = filtered([LONG, "Autre chose.", LONG, LONG])
    assert [(removal.position, removal.at) for removal in result.removed] == [(2, 0), (3, 0)]


@pytest.mark.parametrize("scope", [Scope.ARTICLE, Scope.BOILERPLATE, Scope.ALL])
def test_every_scope_but_off_looks_inside_the_article(scope: Scope) -> None:
    assert filtered([LONG, LONG], scope).kept == (LONG,)


def test_scope_off_removes_nothing_and_still_notes_what_is_near() -> None:
    result = filtered([LONG, LONG, LONG.upper()], Scope.OFF)
    assert result.kept == (LONG, LONG, LONG.upper())
    assert result.removed == ()
    assert result.near == (Near(2, ID, 3, 0),)


@pytest.mark.parametrize(("length", "kept"), [(40, 2), (41, 1)])
def test_a_repeated_line_goes_from_41_characters_on(length: int, kept: int) -> None:
    line = "x" * (length - 1) + "."
    assert len(filtered([line, line]).kept) == kept


def test_a_repeated_short_answer_stays() -> None:
    interview = ["Avez-vous signé ?", "Oui.", "Sans lire ?", "Oui."]
    result = filtered(interview, names=["RFI"])
    assert result.kept == tuple(interview)
    assert result.near == ()


@pytest.mark.parametrize(
    "line",
    [
        "- Draws 300 W, which costs an estimated 10p per hour in use.",  # an item of a list
        "— The Nigerian Senate (@NGRSenate) on October 9, 2018, at noon.",  # a signature
        "Zum Tarif bei einem anderen Anbieter, 10 GB und 100 Minuten für 5,99 Euro",  # a link: no sentence
        "err: 48AB2E51FA7F0000:error:80000002:system library:file_open:No such file:providers/implementations.c:267",
        "{'status': 404, 'entries': [12, 24, 36], 'zscore': [7.44, 6.82], 'alerts': [True, True, False], 'next': None}",
    ],
)
def test_a_line_that_is_meant_again_stays(line: str) -> None:
    assert filtered([line, LONG, line]).kept == (line, LONG, line)


@pytest.mark.parametrize(
    "line",
    [
        "Der Minister sagte: »Wir werden morgen aufbrechen und nicht mehr wiederkehren.«",
        "外交部发言人表示，双方已经就停火问题达成协议，会议将在北京举行，各国代表将出席，并发表联合声明，共同推动和平进程。",
        "រដ្ឋាភិបាលបានប្រកាសថាមានមនុស្សស្លាប់ ១២ នាក់នៅភ្នំពេញកាលពីម្សិលមិញ។",
        "นายกรัฐมนตรีกล่าวว่าเขาอยู่ใกล้ชายแดนเมื่อวานนี้และจะเดินทางกลับกรุงเทพในวันพรุ่งนี้เพื่อประชุมคณะรัฐมนตรีเรื่องน้ำท่วม",
    ],
)
def test_prose_goes_when_it_comes_again_in_any_script(line: str) -> None:
    assert filtered([line, LONG, line]).kept == (line, LONG)


def test_an_article_that_repeats_itself_at_three_places_means_it() -> None:
    other = [f"La réponse numéro {number} est bien différente de toutes les autres réponses." for number in "abc"]
    form = [LONG, other[0], LONG, other[1], LONG, other[2], LONG]
    assert filtered(form).kept == tuple(form)
    assert filtered(form[:-1]).kept == (LONG, *other)
    named = filtered(["rfi", *form, "rfi"], names=["RFI"])
    assert [removal.position for removal in named.removed] == [8]


def test_a_block_is_one_place_however_often_it_comes() -> None:
    block = [LONG, LONG.replace("mardi", "lundi"), "rfi"]
    assert filtered(block * 5, names=["RFI"]).kept == tuple(block)


# -- what stays --------------------------------------------------------------------------------------------------------

DIFFERENT = [
    (
        "L'explosion survenue lundi dans la capitale a fait 12 morts selon les secours.",
        "L'explosion survenue lundi dans la capitale a fait 27 morts selon les secours.",
    ),
    (
        "Il a été tué par un pêcheur qui avait longtemps vécu dans la région, dit la police.",
        "Il a été tué par un pécheur qui avait longtemps vécu dans la région, dit la police.",
    ),
    ("قال الوزير إن الهجوم أسفر عن مقتل ١٢ شخصا في العاصمة", "قال الوزير إن الهجوم أسفر عن مقتل ٢٧ شخصا في العاصمة"),
    ("كتب الصحفي المعروف مقالا طويلا عن الحرب في البلاد", "كُتب الصحفي المعروف مقالا طويلا عن الحرب في البلاد"),
    ("सरकार ने कल नई दिल्ली में किसानों के लिए योजना की घोषणा की", "सरकार ने कल नई दिल्ली में किसानो के लिए योजना की घोषणा की"),
    ("उसने कहा कि वह कल बाज़ार में नई किताब लेने जाएगा", "उसने कहा कि वह काल बाज़ार में नई किताब लेने जाएगा"),
    ("นายกรัฐมนตรีกล่าวว่าเขาอยู่ใกล้ชายแดนเมื่อวานนี้", "นายกรัฐมนตรีกล่าวว่าเขาอยู่ไกลชายแดนเมื่อวานนี้"),
    ("เขากล่าวว่าข้าวใหม่ราคาดีมากในตลาดของเมืองนี้", "เขากล่าวว่าขาวใหม่ราคาดีมากในตลาดของเมืองนี้"),
    ("រដ្ឋាភិបាលបានប្រកាសថាមានមនុស្សស្លាប់ ១២ នាក់នៅភ្នំពេញ", "រដ្ឋាភិបាលបានប្រកាសថាមានមនុស្សស្លាប់ ២៧ នាក់នៅភ្នំពេញ"),
    ("គាត់បាននិយាយថាការប្រជុំនឹងធ្វើនៅថ្ងៃស្អែក", "គាត់បាននិយាយថាការប្រជុំនឹងធ្វើនៅថ្ងៃសុក្រ"),
    (
        "外交部发言人表示，双方已经就停火问题达成协议，会议将在北京举行，各国代表将出席。",
        "外交部发言人表示，双方未经就停火问题达成协议，会议将在北京举行，各国代表将出席。",
    ),
    (
        "The therapist spoke for an hour about what had happened.",
        "The the rapist spoke for an hour about what had happened.",
    ),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_of_different_meaning_are_neither_removed_nor_near(one: str, other: str) -> None:
    assert exact(one) != exact(other)
    assert fold(one) != fold(other)
    result = filtered([one, other], names=[one, other])
    assert result.kept == (one, other)
    assert result.near == ()


NEAR = [
    ("« Nous partirons demain », a dit le ministre.", "«\u00a0Nous partirons demain\u00a0», a dit le ministre."),
    ("Que faire ? Rien, dit-il : tout est fini !", "Que faire? Rien, dit-il: tout est fini!"),
    ("« Nous partirons demain », a dit le ministre.", '"Nous partirons demain", a dit le ministre.'),
    ("L’accord n’est pas signé – dit-il", "L'accord n'est pas signé - dit-il"),
    ("VLADIMIR POUTINE EN AZERBAÏDJAN", "Vladimir Poutine en Azerbaïdjan"),
    ("Fußball in der Straße", "FUSSBALL IN DER STRASSE"),
    ("الســـلام عليكم جميعا", "السلام عليكم جميعا"),
    ("gouverne\u00adment de tran\u00adsition", "gouvernement de transition"),
    ("zero\u200bwidth \ufeffspaces", "zerowidth spaces"),
    ("Ｆｕｌｌ ｗｉｄｔｈ １２", "full width 12"),
]


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_texts_that_differ_in_typography_stay_and_are_noted(one: str, other: str) -> None:
    assert fold_form(one) == fold_form(other)
    result = filtered([one, "Entre les deux.", other], names=[one])
    assert result.kept == (one, "Entre les deux.", other)
    assert result.near == (Near(2, ID, 3, 0),)


@pytest.mark.parametrize(
    "other", [LONG.replace(" ", "\u00a0", 1), LONG.replace(" ", "  ", 1), unicodedata.normalize("NFD", LONG)]
)
def test_what_putting_back_the_first_would_not_restore_stays(other: str) -> None:
    assert exact(LONG) == exact(other)
    result = filtered([LONG, other, other])
    assert result.kept == (LONG, other)
    assert [(removal.position, removal.at) for removal in result.removed] == [(2, 1)]
    assert result.near == (Near(1, ID, 3, 0),)


def test_a_hash_accident_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "_digest", lambda _: bytes(16))
    one, other = DIFFERENT[0]
    assert exact(one) == exact(other)
    assert filtered([one, other]) == Filtered((one, other), (), ())


# -- properties --------------------------------------------------------------------------------------------------------

LINES = st.lists(
    st.one_of(
        st.sampled_from([LONG, LONG.upper(), LONG.replace(" ", "\u00a0"), "rfi", "RFI", "Oui.", "oui."]),
        st.text(min_size=1).filter(lambda text: "\n" not in text),
    ),
    max_size=25,
)


@given(LINES, st.sampled_from(Scope), st.lists(st.sampled_from(["rfi", "Oui.", LONG]), max_size=2))
def test_putting_back_what_was_removed_gives_the_article_exactly(
    lines: list[str], scope: Scope, names: list[str]
) -> None:
    assert put_back(filtered(lines, scope, names), len(lines)) == lines


@given(LINES)
def test_filtering_twice_gives_the_same_and_filtering_the_kept_removes_no_more(lines: list[str]) -> None:
    result = filtered(lines)
    assert filtered(lines) == result
    assert filtered(result.kept).removed == ()


@given(LINES)
def test_a_removal_points_to_a_kept_paragraph_with_its_hash(lines: list[str]) -> None:
    result = filtered(lines, names=["rfi"])
    gone = {removal.position for removal in result.removed}
    for removal in result.removed:
        assert removal.at < removal.position
        assert removal.at not in gone
        assert removal.hash == exact(lines[removal.at]).hex()
    assert gone.isdisjoint(note.position for note in result.near)


@given(st.text())
def test_equal_exact_forms_have_equal_folds(text: str) -> None:
    spaced = unicodedata.normalize("NFD", text).replace(" ", "\u2003 ")
    if exact(spaced) == exact(text):
        assert fold(spaced) == fold(text)


def test_fingerprints_of_this_normaliser_never_change() -> None:
    assert fingerprints.NORMALISER == 1
    assert exact("Ça  va\u00a0?").hex() == "c0fe039949fc877cffce287b2a846ff4"
    assert fold("Ça  va\u00a0?").hex() == "a1a75d8c539b5563028d3a80ec69ab06"
