"""The duplicate filter over whole archives: what goes, what stays, that all of it comes back, and that it says why."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from press import DAY, Press, Story

from service.archiving import Archived
from service.articles.paragraphs import Learned
from storage import fingerprints, repair, tables
from storage.archive import Archive
from storage.contents import readable_records
from storage.database import open_database
from storage.fingerprints import exact, fingerprint, fold
from storage.model import Article, Near, Recurrence, Removal, Scope, Standing
from storage.paragraphs import EDGE
from storage.rebuild import full_paragraphs
from storage.sketches import similarity
from storage.verify import verify

Open = Callable[..., Press]

P1, P2, P3, P4 = (
    "Ce proche partenaire de Moscou est un important fournisseur d'énergie pour les pays occidentaux.",
    "Cette visite intervient alors que la Russie est confrontée à une incursion sur son territoire depuis le 6 août.",
    "Quand Bakou a reconquis par la force le Haut-Karabakh, la Russie n'est pas intervenue, ce que dénonce l'Arménie.",
    "Il faut remonter à 2018 pour se souvenir de la dernière visite de Vladimir Poutine chez cet allié stratégique.",
)
N1, N2 = (
    "Les deux présidents se sont entretenus pendant trois heures mardi, sans conférence de presse à l'issue.",
    "Un accord sur le transit du gaz doit être signé avant la fin de l'année, selon la présidence azerbaïdjanaise.",
)
ABOUT = "Abonnez-vous à notre lettre d'information pour recevoir chaque matin l'essentiel de l'actualité."
APP = "Téléchargez l'application"


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Open]:
    """Opens archives, each in a directory of its own."""
    opened: list[Press] = []

    def open_one(**how: object) -> Press:
        opened.append(Press(tmp_path / str(len(opened)), **how))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for one in opened:
        assert list(verify(one.directory, one.store, patience=0)) == []
        one.close()


def kept(article: Article) -> list[str]:
    return article.text.split("\n") if article.text else []


def story(number: int, *ending: str, feed: str = "rfi") -> Story:
    """A story of its own, four paragraphs long, and what it ends with."""
    rng = random.Random(number)
    words = ["".join(rng.choices("bcdfglmnprstv", k=2)) + rng.choice("aeiou") for _ in range(80)]
    own = [" ".join(words[start : start + 20]).capitalize() + "." for start in range(0, 80, 20)]
    return Story(f"story-{number}", [*own, *ending], feed)


# -- the cases it started from -----------------------------------------------------------------------------------------


def archived_seed(press: Press) -> tuple[Article, Article, Article]:
    seed = press.one("seed", P1, P2, P3, P4, "rfi", P2, P3, P4, "rfi")
    follow_up = press.one("follow-up", N1, P2, P3, N2, "rfi")
    update = press.one("update", P1, P2.replace("6 août", "7 août"), N2)
    for article, length in ((seed, 9), (follow_up, 5), (update, 3)):
        assert len(press.full(article)) == article.paragraphs == length
    return seed, follow_up, update


def test_under_the_default_scope_the_seed_loses_its_repeats_and_the_follow_up_keeps_its_background(press: Open) -> None:
    seed, follow_up, update = archived_seed(press())
    assert kept(seed) == [P1, P2, P3, P4, "rfi"]
    assert [(removal.position, removal.reason, removal.at) for removal in seed.removed] == [
        *((5, "repeat", 1), (6, "repeat", 2), (7, "repeat", 3), (8, "repeat", 4))
    ]
    assert kept(follow_up) == [N1, P2, P3, N2, "rfi"]
    assert follow_up.removed == update.removed == ()


def test_under_scope_all_the_follow_up_refers_to_the_seed(press: Open) -> None:
    seed, follow_up, update = archived_seed(press(scope=Scope.ALL))
    assert kept(seed) == [P1, P2, P3, P4, "rfi"]
    assert kept(follow_up) == [N1, N2]
    assert follow_up.removed == tuple(
        Removal(position, "known", seed.id, 1, at, exact(text).hex())
        for position, at, text in ((1, 1, P2), (2, 2, P3), (4, 4, "rfi"))
    )
    assert [(removal.position, removal.id, removal.at) for removal in update.removed] == [
        (0, seed.id, 0),
        (2, follow_up.id, 3),
    ]


@pytest.mark.parametrize("scope", Scope)
def test_a_new_death_toll_is_never_removed(press: Open, scope: Scope) -> None:
    desk = press(scope=scope)
    toll = "L'explosion survenue lundi dans le centre de la capitale a fait {} morts, selon un bilan des secours."
    for number, dead in enumerate((12, 12, 12, 12, 12, 12, 12, 27)):
        article = desk.one(f"story-{number}", N1.replace("trois", str(number)), toll.format(dead))
        desk.next_day()
    assert toll.format(27) in kept(article)
    assert desk.full(article)[1] == toll.format(27)


def test_an_updated_article_keeps_what_its_own_earlier_revision_says(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    desk.one("seed", P1, P2, P3)
    second = desk.one("seed", P1, P2.replace("6 août", "7 août"), P3)
    assert (second.revision, second.removed, second.near) == (2, (), ())


def test_off_removes_nothing_and_article_looks_no_further(press: Open) -> None:
    for scope, of_seed in ((Scope.OFF, 0), (Scope.ARTICLE, 4)):
        seed, follow_up, _ = archived_seed(press(scope=scope))
        assert (len(seed.removed), len(follow_up.removed)) == (of_seed, 0)


def test_what_a_feed_is_set_to_goes_before_what_all_are(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    desk.one("first", P1, P2)
    assert len(desk.print(Story("second", [N1, P1, P1]))[0].removed) == 2
    assert desk.print(Story("third", [N2, P1, P1], "dw", dedup=Scope.OFF))[0].removed == ()
    (repeat,) = desk.print(Story("fourth", [N2, P2, P2], "dw", dedup=Scope.ARTICLE))[0].removed
    assert repeat.reason == "repeat"


# -- learned boilerplate -----------------------------------------------------------------------------------------------


def lines_of(desk: Press, count: int, *ending: str, a_day: int = 2, feed: str = "rfi") -> list[Article]:
    """``count`` stories of a feed that end alike, some a day."""
    articles = []
    for number in range(count):
        articles += desk.print(story(number, *ending, feed=feed))
        if number % a_day == a_day - 1:
            desk.next_day()
    return articles


def test_a_line_is_boilerplate_once_five_articles_on_three_days_have_ended_with_it(press: Open) -> None:
    articles = lines_of(press(), 8, ABOUT)
    assert [len(article.removed) for article in articles] == [0, 0, 0, 0, 0, 1, 1, 1]
    (removal,) = articles[-1].removed
    assert (removal.reason, removal.id, removal.revision, removal.at) == ("boilerplate", articles[0].id, 1, 4)


def test_five_articles_on_two_days_are_not_enough(press: Open) -> None:
    assert [len(article.removed) for article in lines_of(press(), 7, ABOUT, a_day=4)] == [0] * 7


def test_the_thresholds_are_settings(press: Open) -> None:
    articles = lines_of(press(learned=Learned(articles=2, days=1)), 4, ABOUT, a_day=9)
    assert [len(article.removed) for article in articles] == [0, 0, 1, 1]


def test_boilerplate_of_one_feed_is_none_of_another_s(press: Open) -> None:
    desk = press()
    lines_of(desk, 8, ABOUT)
    assert desk.print(story(100, ABOUT, feed="elsewhere"))[0].removed == ()


def test_in_the_middle_of_an_article_it_stays(press: Open) -> None:
    desk = press()
    lines_of(desk, 8, ABOUT)
    first, second = story(200).paragraphs * 2, story(201).paragraphs * 2
    (article,) = desk.print(Story("long", [f"{t} un" for t in first] + [ABOUT] + [f"{t} deux" for t in second]))
    assert article.removed == ()


def test_a_short_line_goes_only_where_all_behind_it_goes_too(press: Open) -> None:
    desk = press()
    articles = lines_of(desk, 8, APP, ABOUT)
    assert [removal.position for removal in articles[-1].removed] == [4, 5]
    answered = desk.print(story(300, APP, "Non, a-t-il répondu, avant de raccrocher au nez de notre correspondant."))[0]
    assert answered.removed == ()


def test_a_line_that_announces_goes_only_with_what_it_announces(press: Open) -> None:
    desk = press()
    heading = "À lire aussi sur le même sujet dans nos pages consacrées à l'actualité internationale :"
    articles = lines_of(desk, 8, heading, ABOUT)
    assert [removal.position for removal in articles[-1].removed] == [4, 5]
    announced = desk.print(story(300, heading, "Un tout autre article, que voici, et que nul n'avait encore annoncé."))
    assert announced[0].removed == ()


def test_an_article_of_nothing_but_boilerplate_keeps_it(press: Open) -> None:
    desk = press()
    for number in range(8):
        article = desk.one(f"podcast-{number}", ABOUT, ABOUT)
        desk.next_day()
    assert kept(article) == [ABOUT]
    assert [removal.reason for removal in article.removed] == ["repeat"]


def test_later_revisions_of_one_article_do_not_make_boilerplate(press: Open) -> None:
    desk = press()
    for number in range(8):
        desk.one("live", f"{N1} Mise à jour numéro {number}.", ABOUT)
        desk.next_day()
    assert desk.one("other", N1, ABOUT).removed == ()


def test_an_earlier_revision_of_its_own_does_not_make_an_article_s_line_boilerplate(press: Open) -> None:
    desk = press()
    lines_of(desk, 4, ABOUT)
    assert desk.print(story(50, ABOUT))[0].removed == ()
    assert desk.one("story-50", N1, ABOUT).removed == ()
    assert len(desk.print(story(51, ABOUT))[0].removed) == 1


def test_a_clock_that_was_wrong_for_a_while_does_not_stop_the_learning(press: Open) -> None:
    desk = press()
    desk.now += 300 * DAY
    desk.print(story(0, ABOUT))
    desk.now -= 300 * DAY
    assert [len(article.removed) for article in lines_of(desk, 8, ABOUT, a_day=1)][-2:] == [1, 1]


def test_a_short_line_of_an_interview_and_an_item_of_a_list_stay_under_every_scope(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    lines = [
        "Oui.",
        "- Draws 300 W, which costs an estimated 10p per hour in use.",
        "Zum Tarif bei einem Anbieter, 10 GB für 5 Euro",
    ]
    desk.one("first", P1, *lines)
    assert kept(desk.one("second", P1, *lines)) == lines


def test_under_all_a_reprint_may_be_left_without_text(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    first = desk.one("first", P1, P2)
    second = desk.one("second", P1, P2)
    assert (second.text, [removal.id for removal in second.removed]) == ("", [first.id, first.id])
    assert desk.full(second) == [P1, P2]


def test_what_comes_again_of_a_paragraph_that_went_goes_for_the_same_reason(press: Open) -> None:
    desk = press()
    articles = lines_of(desk, 8, ABOUT)
    (twice,) = desk.print(story(60, ABOUT, ABOUT))
    assert [(removal.reason, removal.id, removal.at) for removal in twice.removed] == [
        ("boilerplate", articles[0].id, 4)
    ] * 2


def test_a_note_refers_to_where_the_first_spelling_was_kept(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    first = desk.one("first", P1)
    assert desk.one("second", P1, N1, P1.upper()).near == (Near(2, first.id, 1, 0),)


def test_a_short_line_of_another_article_is_not_noted(press: Open) -> None:
    desk = press()
    desk.one("first", P1, "Lire aussi")
    assert desk.one("second", N1, "LIRE AUSSI").near == ()


def test_a_repeat_at_the_edge_does_not_keep_a_short_line_behind_it(press: Open) -> None:
    desk = press()
    lines_of(desk, 8, APP, ABOUT)
    own = story(70).paragraphs
    (article,) = desk.print(Story("bridged", [*own, APP, own[0]]))
    assert [removal.position for removal in article.removed] == [4, 5]


def test_head_and_tail_are_five_paragraphs(press: Open) -> None:
    for behind, gone in ((EDGE - 1, 1), (EDGE, 0)):
        desk = press()
        ending = [f"{text} {behind}" for text in story(900, *story(901).paragraphs).paragraphs[:behind]]
        last = []
        for number in range(8):
            above = [*story(number).paragraphs, *story(number + 500).paragraphs]
            paragraphs = [*above, ABOUT, *(f"{text} {number}." for text in ending)]
            last = desk.print(Story(f"{number}", paragraphs))
            desk.next_day()
        assert len(last[0].removed) == gone


def test_a_long_copy_in_other_typography_is_compared_in_no_time(press: Open) -> None:
    desk = press()
    text = [f"L'article numéro {number} n'est pas comme les autres articles de cette page." for number in range(6000)]
    desk.one("first", *text)
    started = time.process_time()
    copy = desk.one("copy", *(line.replace("'", "’") for line in text))
    assert len(copy.near) == 6000
    assert time.process_time() - started < 4


# -- notes, accidents --------------------------------------------------------------------------------------------------


def test_another_spelling_elsewhere_is_noted_and_stays(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    first = desk.one("first", P1, P2)
    second = desk.one("second", N1, P1.upper(), P2.upper())
    assert second.removed == ()
    assert second.near == (Near(1, first.id, 1, 0), Near(2, first.id, 1, 1))
    third = desk.one("third", N2, P1.upper())
    assert [(removal.id, removal.at) for removal in third.removed] == [(second.id, 1)]


@pytest.mark.parametrize("scope", Scope)
def test_a_forced_hash_accident_removes_no_text_and_notes_none(
    press: Open, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "_digest", lambda _: bytes(16))
    fingerprints._remembered.cache_clear()
    desk = Press(press().directory / "accident", scope=scope)
    with closing(desk):
        texts = [[P1, P2], [P3, P4], [N1, N2], [P2.upper(), P4.upper()]]
        articles = [desk.one(str(number), *some) for number, some in enumerate(texts)]
        assert [kept(article) for article in articles] == texts
        assert [article.near for article in articles] == [()] * 4
    fingerprints._remembered.cache_clear()


def test_half_an_accident_removes_none_either(press: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fingerprints._digest
    monkeypatch.setattr(fingerprints, "_digest", lambda form: bytes(8) + whole(form)[8:])
    fingerprints._remembered.cache_clear()
    desk = Press(press().directory / "accident", scope=Scope.ALL)
    with closing(desk):
        articles = [desk.one(str(number), text) for number, text in enumerate((P1, P2, P3, P4))]
        assert [kept(article) for article in articles] == [[P1], [P2], [P3], [P4]]
    fingerprints._remembered.cache_clear()


def test_a_text_that_cannot_be_read_any_more_is_no_reason_to_remove_one(tmp_path: Path) -> None:
    with closing(Press(tmp_path, scope=Scope.ALL)) as desk:
        desk.one("first", P1, P2)
        (file,) = tmp_path.glob("articles/*/*.jsonl")
        file.write_bytes(file.read_bytes().replace(b"proche partenaire", b"PROCHE PARTENAIRE"))
        assert [removal.at for removal in desk.one("second", N1, P1, P2).removed] == [1]


# -- near articles -----------------------------------------------------------------------------------------------------


def test_a_reprint_is_named_with_its_exact_similarity_and_keeps_its_text(press: Open) -> None:
    desk = press()
    original = desk.print(story(1, P1, P2, P3, P4))[0]
    reprint = desk.print(replace(story(1, P1, P2, P3, N1), name="reprint", feed="elsewhere"))[0]
    (near,) = reprint.also_near
    assert (near.id, near.revision) == (original.id, 1)
    assert near.similarity == similarity(original.text, reprint.text)
    assert 0.5 <= near.similarity < 1
    assert reprint.removed == ()


def test_an_edited_copy_that_shares_no_paragraph_is_named_too_in_the_same_batch_and_after_a_restart(
    press: Open,
) -> None:
    desk = press()
    edited = [f"{text} (AFP)" for text in story(1, P1, P2, P3, P4).paragraphs]
    original, copy = desk.print(story(1, P1, P2, P3, P4), Story("copy", edited))
    assert [near.id for near in copy.also_near] == [original.id]
    desk.next_day()
    desk.reopen()
    later = desk.print(Story("later", [f"{text} (Reuters)" for text in story(1, P1, P2, P3, P4).paragraphs]))[0]
    assert original.id in [near.id for near in later.also_near]


def test_an_article_is_near_to_no_revision_of_its_own_and_to_no_stranger(press: Open) -> None:
    desk = press()
    desk.print(story(1, P1, P2))
    assert desk.print(story(1, P1, P3))[0].also_near == ()
    assert desk.print(Story("stranger", [N1, N2, P4]))[0].also_near == ()


def test_boilerplate_alone_makes_no_neighbours(press: Open) -> None:
    assert {article.also_near for article in lines_of(press(), 8, APP, ABOUT)} == {()}


# -- the index is what the records say ---------------------------------------------------------------------------------

LINES = st.sampled_from([P1, P2, P3, P4, N1, N2, ABOUT, APP, "rfi", "Oui.", P1.upper(), P2.replace(" ", "\u00a0", 1)])
STORIES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.lists(LINES, min_size=1, max_size=9), st.sampled_from(["rfi", "dw"])),
    min_size=1,
    max_size=10,
)
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def print_all(desk: Press, stories: list[tuple[str, list[str], str]]) -> None:
    """Archive stories, two a batch, a batch a day; of texts that came before under the same name, nothing new comes."""
    for start in range(0, len(stories), 2):
        desk.print(*(Story(name, lines, feed) for name, lines, feed in stories[start : start + 2]))
        desk.next_day()


def records(desk: Press) -> list[Article]:
    return [article for _, article in desk.archive.records()]


@SLOW
@given(STORIES, st.sampled_from(Scope))
def test_everything_comes_back_no_reference_points_to_what_is_gone_and_a_replay_writes_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, stories: list[tuple[str, list[str], str]], scope: Scope
) -> None:
    lines = []
    for _ in range(2):
        with closing(Press(tmp_path_factory.mktemp("press"), scope=scope, learned=Learned(2, 2))) as desk:
            print_all(desk, stories)
            by_name = {(article.id, article.revision): article for article in records(desk)}
            for article in by_name.values():
                full = full_paragraphs(article, lambda id_, revision, of=by_name: of[id_, revision])
                for removal in article.removed:
                    other = by_name[removal.id, removal.revision]
                    assert removal.at not in {gone.position for gone in other.removed}
                    assert exact(full[removal.position]).hex() == removal.hash
                    assert (removal.id, removal.revision) == (article.id, article.revision) or removal.id != article.id
                assert {near.id for near in article.also_near}.isdisjoint({article.id})
            lines.append(b"".join(path.read_bytes() for path in sorted(desk.directory.glob("articles/*/*.jsonl"))))
            assert list(verify(desk.directory, desk.store, patience=0)) == []
    assert lines[0] == lines[1]


@SLOW
@given(STORIES, st.sampled_from(Scope))
def test_the_index_says_what_counting_the_records_says_and_so_does_one_made_again(
    tmp_path_factory: pytest.TempPathFactory, stories: list[tuple[str, list[str], str]], scope: Scope
) -> None:
    with closing(Press(tmp_path_factory.mktemp("press"), scope=scope, learned=Learned(2, 2))) as desk:
        print_all(desk, stories)
        texts = {line for _, some, _ in stories for line in some}
        counted = {text: counted_by_hand(desk, text) for text in texts}
        assert {text: indexed(desk, text) for text in texts} == counted
        desk.store.index_texts(readable_records(desk.directory))
        assert {text: indexed(desk, text) for text in texts} == counted


TABLES = (tables.articles, tables.paragraphs, tables.spellings, tables.repeats, tables.bands)


def rows(desk: Press) -> dict[str, list[tuple[object, ...]]]:
    """Everything that is derived from the records, as it stands in the database."""
    with desk.store._reading() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)  # type: ignore[arg-type]
            for table in TABLES
        }


def various(desk: Press) -> None:
    """Everything the index can hold: repeats, boilerplate, known texts, spellings, revisions, feeds and days."""
    lines_of(desk, 8, APP, ABOUT)
    archived_seed(desk)
    desk.print(Story("seed", [P1, P2.upper(), P3], "dw"), Story("other", [P1.upper(), P4, ABOUT], "dw"))
    desk.next_day()
    desk.one("seed", P1, P4, N1)


@pytest.mark.parametrize("scope", Scope)
def test_a_database_that_learns_from_the_files_again_is_the_same_to_the_row(tmp_path: Path, scope: Scope) -> None:
    with closing(Press(tmp_path, scope=scope)) as desk:
        various(desk)
        before = rows(desk)
        assert all(before.values())
        assert list(repair.rebuild(desk.directory, desk.store, desk.now))
        assert rows(desk) == before


def test_a_lost_database_comes_to_the_same_index_by_adopting_the_records(tmp_path: Path) -> None:
    with closing(Press(tmp_path, scope=Scope.ALL)) as desk:
        various(desk)
        before = rows(desk)
    for path in tmp_path.glob("veille.db*"):
        path.unlink()
    with closing(Press(tmp_path, scope=Scope.ALL, now=desk.now)) as again:
        assert rows(again) == before


def test_a_database_older_than_its_files_comes_to_the_same_index(tmp_path: Path) -> None:
    with closing(Press(tmp_path)) as desk:
        lines_of(desk, 3, ABOUT)
        with closing(sqlite3.connect(tmp_path / "veille.db")) as database:
            database.execute("VACUUM INTO ?", (str(tmp_path / "old.db"),))
        for number in range(10, 18):
            desk.print(story(number, ABOUT))
            desk.next_day()
            desk.archive.seal(desk.now)
        before = rows(desk)
        desk.store.close()
    for path in tmp_path.glob("veille.db*"):
        path.unlink()
    (tmp_path / "old.db").rename(tmp_path / "veille.db")
    with closing(open_database(f"sqlite:///{tmp_path / 'veille.db'}")) as store:
        Archive.open(tmp_path, store, desk.now).close()
        desk.store = store
        after = rows(desk)
    for table in ("paragraphs", "spellings", "repeats", "bands"):
        assert len(after[table]) == len(before[table])
    counted = [sorted(row[5:] for row in some["repeats"]) for some in (before, after)]
    assert counted[0] == counted[1]


def test_verify_tells_of_an_index_that_has_other_paragraphs(tmp_path: Path) -> None:
    with closing(Press(tmp_path)) as desk:
        article = desk.one("first", P1, P2)
        with desk.store._writing() as connection:
            connection.execute(tables.articles.update().values(paragraph_keys=b"12345678"))
        (damage,) = verify(desk.directory, desk.store, patience=0)
        assert damage.what == f"the index of texts has other paragraphs of {article.id} revision 1 than stand here"
        list(repair.repair(desk.directory, desk.store, desk.now))
        assert list(verify(desk.directory, desk.store, patience=0)) == []


def test_verify_tells_of_a_removed_paragraph_s_hash_that_is_another_s(tmp_path: Path) -> None:
    with closing(Press(tmp_path)) as desk:
        seed = archived_seed(desk)[0]
        (file,) = tmp_path.glob("articles/*/*.jsonl")
        wrong = seed.removed[0].hash[::-1].encode()
        file.write_bytes(file.read_bytes().replace(seed.removed[0].hash.encode(), wrong))
        (damage,) = verify(desk.directory, desk.store, patience=0)
        assert damage.what == "the hash of its removed paragraph 5 is that of another text"


def test_a_lost_table_has_the_index_made_again_at_the_next_start(tmp_path: Path) -> None:
    with closing(Press(tmp_path, scope=Scope.ALL)) as desk:
        various(desk)
        before = rows(desk)
        with desk.store._writing() as connection:
            tables.repeats.drop(connection)
        assert list(desk.store.mend()) == ["the table repeats is missing"]
        desk.reopen()
        assert rows(desk) == before


def indexed(desk: Press, text: str) -> tuple[Standing | None, frozenset[Recurrence]]:
    index = desk.store.paragraphs([fingerprint(text)], [])
    return index.find(fingerprint(text)), frozenset(index.recurrences(fingerprint(text)))


def counted_by_hand(desk: Press, text: str) -> tuple[Standing | None, frozenset[Recurrence]]:
    """Where a text stands first, and how often it came, by reading everything."""
    first, articles = None, {}
    for article in records(desk):
        full = desk.full(article)
        places = [at for at, other in enumerate(full) if exact(other) == exact(text)]
        gone = {removal.position for removal in article.removed}
        if places and first is None and places[0] not in gone:
            first = Standing(article.id, article.revision, places[0])
        if places and article.id not in articles:
            head, tail = min(places) < EDGE, max(places) >= len(full) - EDGE
            articles[article.id] = (article.feed, article.archived.astimezone(UTC).toordinal(), head, tail)
    if len(articles) < 2:
        return first, frozenset()
    return first, frozenset(
        Recurrence(
            feed,
            len(some := [one for one in articles.values() if one[0] == feed]),
            len({day for _, day, _, _ in some}),
            max(day for _, day, _, _ in some),
            sum(head for *_, head, _ in some),
            sum(tail for *_, tail in some),
        )
        for feed in {feed for feed, *_ in articles.values()}
    )


def test_equal_exact_fingerprints_have_equal_folds() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        text = "".join(
            chr(rng.choice((rng.randrange(32, 0x250), rng.randrange(0x300, 0x370), 0xA0, 0x2009))) for _ in range(12)
        )
        for other in (text.replace(" ", "\u00a0"), text.replace(" ", "  "), f" {text} "):
            if exact(other) == exact(text):
                assert fold(other) == fold(text)


def test_an_archive_of_an_earlier_program_is_indexed_when_it_is_opened(press: Open) -> None:
    desk = press(scope=Scope.ALL)
    desk.one("first", P1, P2)
    desk.store.index_texts([])
    assert desk.store.is_indexed()
    with desk.store._writing() as connection:
        from storage.texts import forget_indexing

        forget_indexing(connection)
    assert not desk.store.is_indexed()
    desk.reopen()
    assert desk.store.is_indexed()
    assert isinstance(desk.archive, Archive)
    assert len(desk.one("second", N1, P1).removed) == 1
    assert isinstance(desk.results[0], Archived)
