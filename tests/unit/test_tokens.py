"""Words in any script: nothing is lost between them, marks stay with their letters, and the fast way cuts alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.tokens import only_words, words

SPACED = " \n\"'.ab1é\u0301\u00ad\u200d😀\U00010400"
UNSPACED = "\u0e01\u0e31\u0e40\u65b0、ー\u1780\u17d2\u17b6\u1004\u103a\u1039\u1a20\u1a60"
any_text = st.text(st.one_of(st.characters(), st.sampled_from(SPACED + UNSPACED)), max_size=30)


@given(st.text())
def test_no_character_is_lost_between_the_words(text: str) -> None:
    assert "".join(words(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("กี่", ["กี่"]),
        ("ស្ត្រី", ["ស្ត្រី"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("a  b\n\nc", ["a", "  ", "b", "\n", "\n", "c"]),
        ("co\u00adopère", ["co\u00adopère"]),
    ],
)
def test_a_mark_stays_with_its_letter(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@settings(max_examples=300)
@given(any_text)
def test_the_words_alone_are_those_pieces_that_begin_in_a_letter_or_digit(text: str) -> None:
    assert only_words(text) == [piece for piece in words(text) if piece[0].isalnum()]


def test_both_ways_take_every_character_of_the_basic_plane_for_the_same() -> None:
    for code in range(0x10000):
        text = f"a{chr(code)}b"
        assert only_words(text) == [piece for piece in words(text) if piece[0].isalnum()], hex(code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("« 12 morts », l'armée dit-elle.", ["12", "morts", "l", "armée", "dit", "elle"]),
        ("政府宣布，12人", ["政", "府", "宣", "布", "12", "人"]),
        ("ស្ត្រី។", ["ស្ត្រី"]),
        ("بيان، أمس", ["بيان", "أمس"]),
        ("समाचार आज।", ["समाचार", "आज"]),
        ("bravo 🎉 hier", ["bravo", "hier"]),
        ("… — !", []),
        ("", []),
    ],
)
def test_what_is_not_a_word_is_left_out(text: str, expected: list[str]) -> None:
    assert only_words(text) == expected
