"""Sketches: near texts are found, distant ones seldom, the estimate is close, no machine sees it otherwise."""

import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.sketches import FEWEST, NEAR, WORTH_READING, Sketch, estimate, shingles, similarity, sketch

FRENCH = (
    "Le ministère de la Santé a annoncé mardi que l'épidémie avait fait 12 morts et 27 blessés dans le nord du pays, "
    "où les routes restent coupées par les pluies depuis dimanche."
)
CHINESE = (
    "卫生部周二宣布，北部地区的疫情已造成12人死亡、27人受伤，自周日以来道路因降雨而中断，政府已派出救援队伍前往当地。"
)
THAI = "กระทรวงสาธารณสุขประกาศเมื่อวันอังคารว่า การระบาดทำให้มีผู้เสียชีวิต 12 คน และบาดเจ็บ 27 คน ในภาคเหนือของประเทศ"
KHMER = "រដ្ឋាភិបាលបានប្រកាសនៅថ្ងៃអង្គារថា មានមនុស្សស្លាប់ ១២ នាក់ និងរបួស ២៧ នាក់ នៅភាគខាងជើងនៃប្រទេស"
ARABIC = (
    "أعلنت وزارة الصحة يوم الثلاثاء أن الوباء أودى بحياة 12 شخصا وأصاب 27 آخرين في شمال البلاد، "
    "حيث لا تزال الطرق مقطوعة بسبب الأمطار منذ يوم الأحد، وقالت إن فرق الإنقاذ في طريقها إلى هناك."
)
HINDI = (
    "स्वास्थ्य मंत्रालय ने मंगलवार को घोषणा की कि देश के उत्तर में महामारी से 12 लोगों की मौत हो गई और 27 घायल हो गए, "
    "जहाँ रविवार से बारिश के कारण सड़कें बंद हैं।"
)


def sketched(text: str) -> Sketch:
    found = sketch(text)
    assert found is not None
    return found


def are_candidates(one: str, other: str) -> bool:
    return not set(sketched(one).bands).isdisjoint(sketched(other).bands)


# -- the same everywhere -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last", "signature"),
    [
        (FRENCH, -8578912363906774443, 8171592018729305668, "58911577e3126737bc50f79e9a9eaf6d"),
        (KHMER, 1677493368106274368, 4083943167011892701, "49443115e70e2858b5b24699d904abeb"),
    ],
)
def test_a_sketch_is_what_it_was_when_the_first_was_stored(text: str, first: int, last: int, signature: str) -> None:
    found = sketched(text)
    assert (found.bands[0], found.bands[-1], found.signature[:16].hex()) == (first, last, signature)


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_another_process_makes_the_same_sketch(seed: str) -> None:
    program = "import sys; from storage.sketches import sketch; print(sketch(sys.stdin.buffer.read().decode()))"
    told = subprocess.run(
        [sys.executable, "-c", program],
        input=FRENCH.encode(),
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.decode().strip() == str(sketched(FRENCH))


def test_a_sketch_has_20_signed_64_bit_numbers_and_128_bytes() -> None:
    texts = [text_of(words_of(random.Random(number), 40)) for number in range(50)]
    bands = [band for text in texts for band in sketched(text).bands]
    assert {len(sketched(text).bands) for text in texts} == {20}
    assert {len(sketched(text).signature) for text in texts} == {128}
    assert all(-(2**63) <= band < 2**63 for band in bands)
    assert min(bands) < 0 < max(bands)
    assert len(set(bands)) == len(bands)


# -- how many are found ------------------------------------------------------------------------------------------------


def words_of(chance: random.Random, count: int) -> list[str]:
    return [f"w{chance.getrandbits(48):x}" for _ in range(count)]


def text_of(some: list[str]) -> str:
    return " ".join(some)


def pairs(jaccard: float, count: int = 400) -> list[tuple[str, str]]:
    """Pairs of texts that begin alike, of 60 to 800 words, with about that similarity."""
    chance = random.Random(f"{jaccard}")
    made = []
    for _ in range(count):
        length = chance.randint(60, 800)
        alike = 2 + round(2 * (length - 2) * jaccard / (1 + jaccard))
        start = words_of(chance, alike)
        one, other = (text_of(start + words_of(chance, length - alike)) for _ in range(2))
        assert similarity(one, other) == pytest.approx(jaccard, abs=0.02)
        made.append((one, other))
    return made


@pytest.mark.parametrize(
    ("jaccard", "is_enough"),
    [
        (0.7, lambda share: share >= 0.98),
        (0.5, lambda share: share >= 0.85),
        (0.1, lambda share: share <= 0.05),
        (0.0, lambda share: share == 0),
    ],
)
def test_near_texts_share_a_band_and_distant_ones_seldom(jaccard: float, is_enough: Callable[[float], bool]) -> None:
    assert is_enough(statistics.mean(are_candidates(one, other) for one, other in pairs(jaccard)))


@pytest.mark.parametrize("jaccard", [0.0, 0.1, 0.4, 0.5, 0.7, 0.9])
def test_the_estimate_is_close(jaccard: float) -> None:
    errors = [
        estimate(sketched(one).signature, sketched(other).signature) - similarity(one, other)
        for one, other in pairs(jaccard)
    ]
    assert abs(statistics.mean(errors)) < 0.01
    assert statistics.pstdev(errors) < 0.05
    assert max(map(abs, errors)) < 0.2


def test_few_near_texts_are_left_unread() -> None:
    read = [estimate(sketched(one).signature, sketched(other).signature) for one, other in pairs(NEAR)]
    assert statistics.mean(guess >= WORTH_READING for guess in read) >= 0.95


# -- the figures -------------------------------------------------------------------------------------------------------


def test_bytes_that_agree_by_chance_are_taken_off_the_estimate() -> None:
    half = bytes(64) + b"\1" * 64
    assert estimate(bytes(128), half) == pytest.approx((0.5 - 1 / 256) / (1 - 1 / 256))
    assert estimate(bytes(128), b"\1" * 128) == 0.0
    assert estimate(half, half) == 1.0


@pytest.mark.parametrize("other", [b"", bytes(127), bytes(129)])
def test_what_is_no_signature_is_not_compared(other: bytes) -> None:
    with pytest.raises(ValueError, match="128 bytes"):
        estimate(bytes(128), other)
    with pytest.raises(ValueError, match="128 bytes"):
        estimate(other, other)


@given(st.text(), st.text())
def test_the_similarity_is_that_of_the_3_grams_either_way_round(one: str, other: str) -> None:
    union = shingles(one) | shingles(other)
    expected = round(len(shingles(one) & shingles(other)) / len(union), 3) if union else 0.0
    assert similarity(one, other) == similarity(other, one) == expected


def test_the_similarity_has_three_digits() -> None:
    assert similarity("a b c d", "a b c e") == 0.333
    assert similarity("a b c", "a b c") == 1.0
    assert similarity("a b c", "c b a") == 0.0


# -- what matters in a text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [FRENCH, CHINESE, THAI, KHMER, ARABIC, HINDI])
def test_a_text_of_any_script_is_like_itself_and_like_itself_with_a_word_more(text: str) -> None:
    assert similarity(text, text) == 1.0
    assert sketch(text) == sketch(text)
    assert estimate(sketched(text).signature, sketched(text).signature) == 1.0
    longer = f"AFP {text}"
    assert NEAR < similarity(text, longer) < 1
    assert are_candidates(text, longer)


@pytest.mark.parametrize(
    ("one", "other"),
    [(one, other) for one in (FRENCH, CHINESE, THAI, ARABIC) for other in (KHMER, HINDI, FRENCH) if one != other],
)
def test_texts_of_different_languages_have_nothing_in_common(one: str, other: str) -> None:
    assert similarity(one, other) == 0.0


@pytest.mark.parametrize(
    "other",
    [
        FRENCH.upper(),
        FRENCH.replace("'", "’").replace(",", " —").replace(".", "…"),
        FRENCH.replace(" ", "\u00a0").replace(", ", ",\n\n"),
        FRENCH.replace("épidémie", "épi\u00addé\u200bmie"),
        FRENCH.replace("é", "e\u0301"),
        f"« {FRENCH} »",
    ],
)
def test_case_punctuation_white_space_and_the_invisible_do_not_matter(other: str) -> None:
    assert other != FRENCH
    assert sketch(other) == sketch(FRENCH)
    assert similarity(FRENCH, other) == 1.0


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (FRENCH, "12", "13"),
        (FRENCH, "Santé", "Sante"),
        (CHINESE, "12", "13"),
        (CHINESE, "北", "南"),
        (THAI, "27", "28"),
        (KHMER, "១២", "១៣"),
        (ARABIC, "شمال", "جنوب"),
        (HINDI, "उत्तर", "दक्षिण"),
    ],
)
def test_a_digit_an_accent_or_a_word_matters(text: str, old: str, new: str) -> None:
    changed = text.replace(old, new)
    assert NEAR < similarity(text, changed) < 1
    assert sketch(changed) != sketch(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｈ２００ ｶﾞｽ 予想", "h200 ガス 予想"),
        ("\u0390", "\u03aa\u0301"),
        ("كتـــاب", "كتاب"),
        ("STRASSE", "straße"),
    ],
)
def test_letters_that_read_the_same_are_the_same(one: str, other: str) -> None:
    around = "a b {} c d"
    assert similarity(around.format(one), around.format(other)) == 1.0


def test_words_are_taken_by_threes_and_unspaced_characters_too() -> None:
    assert shingles("L'été, 12 morts.") == {"l été 12", "été 12 morts"}
    assert shingles("新农民，好") == {"新 农 民", "农 民 好"}
    assert shingles("un deux") == frozenset()


def test_a_short_text_has_no_sketch() -> None:
    some = words_of(random.Random(1), FEWEST + 2)
    assert sketch(text_of(some)) is not None
    assert sketch(text_of(some[1:])) is None
    assert sketch(text_of(some[:3] * 100)) is None
    assert sketch("") is None


def test_half_a_character_is_none() -> None:
    coeng = "\u17d2"
    assert coeng in KHMER
    assert sketch(KHMER.replace(coeng, f"{coeng}\ud800")) == sketch(KHMER)


@given(st.text(st.characters(codec=None, categories=["Cs", "L", "N", "M", "Zs"]), min_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    shingles(text)
    sketch(text)
