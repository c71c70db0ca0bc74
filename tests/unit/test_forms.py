"""What is made of a text beside it, in another process, is what would be made of it here."""

import pickle
from collections.abc import Sequence
from dataclasses import replace

from articles import digest, make_article
from hypothesis import given
from hypothesis import strategies as st

from service.articles.paragraphs import filter_article
from storage.fingerprints import Fingerprint, exact, fold
from storage.forms import forms_of, pack_texts, unpack_texts
from storage.model import Article, Scope
from storage.paragraphs import Paragraphs, Rows
from storage.rebuild import full_text_hash
from storage.sketches import sketch

LONG = "Le gouvernement a annoncé mardi un plan de soutien aux agriculteurs touchés par la sécheresse."
WORDS = [f"mot{number}" for number in range(18)]

lines = st.one_of(
    st.sampled_from(["rfi", "RFI", LONG, LONG.upper(), LONG.replace(" ", "  "), "« Oui »", "“Oui”"]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join),
    st.text(st.characters(exclude_categories=["Cs", "Zl", "Zp", "Cc"]), min_size=1, max_size=60),
)
texts = st.lists(lines, min_size=1, max_size=12)


@given(texts)
def test_forms_are_those_of_the_text_and_come_through_a_pipe_unchanged(paragraphs: Sequence[str]) -> None:
    forms = forms_of(paragraphs)
    assert [(text.exact, text.fold) for text in forms.texts] == [(exact(one), fold(one)) for one in paragraphs]
    assert forms.sketch == sketch("\n".join(paragraphs))
    assert forms.hash == full_text_hash(paragraphs)
    assert pickle.loads(pickle.dumps(forms)) == forms
    assert unpack_texts(pack_texts(forms.texts)) == forms.texts


def test_forms_take_little_more_of_the_pipe_than_their_bytes() -> None:
    paragraphs = [f"{LONG} {number}" for number in range(100)]
    assert len(pickle.dumps(forms_of(paragraphs))) < 32 * 100 + 500


@given(texts, st.sampled_from(Scope))
def test_the_filter_and_the_index_come_to_the_same_with_and_without_forms(
    paragraphs: Sequence[str], scope: Scope
) -> None:
    forms = forms_of(paragraphs)
    record = _record(paragraphs, scope)
    assert _record(paragraphs, scope, forms.texts) == record
    plain, given_forms = Paragraphs(Rows(), 1), Paragraphs(Rows(), 1)
    for revision in (1, 2):
        plain.add(_revision(record, revision))
        given_forms.add(_revision(record, revision), forms=forms)
    assert given_forms.changes == plain.changes


def _record(paragraphs: Sequence[str], scope: Scope, prints: Sequence[Fingerprint] | None = None) -> Article:
    filtered = filter_article(
        paragraphs, article_id=digest("story"), revision=1, scope=scope, names={"RFI"}, texts=prints
    )
    return make_article(
        text="\n".join(filtered.kept),
        removed=filtered.removed,
        near=filtered.near,
        paragraphs=len(paragraphs),
        text_hash=full_text_hash(paragraphs),
    )


def _revision(article: Article, revision: int) -> Article:
    return replace(article, revision=revision)
