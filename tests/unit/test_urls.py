import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.net import urls

NOT_OF_THE_WEB = {
    "non-special:opaque  ?hi": "how spaces at the end of an opaque path are written has changed since",
    "non-special:opaque \t\t  \t#hi": "how spaces at the end of an opaque path are written has changed since",
    "non-special:opaque\t\t  \r #hi": "how spaces at the end of an opaque path are written has changed since",
    "foo://host/ !\"$%&'()*+,-./:;<=>@[\\]^_`{|}~": "whether ^ is escaped in a path has changed since",
    "wss://host/ !\"$%&'()*+,-./:;<=>@[\\]^_`{|}~": "whether ^ is escaped in a path has changed since",
    "#": "fails without a base; a link always has one, and so about:blank stands for none here",
}
"""Vectors that do not hold, and why that harms nobody who asks for http and https only."""


@pytest.mark.shared
def test_rule_34_the_vectors_of_the_url_standard_hold_but_for_the_explained_ones(shared_data: Path) -> None:
    path = shared_data / "suites" / "url" / "whatwg_urltestdata.dev.jsonl"
    vectors = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    held, different = Counter[str](), set()
    for vector in vectors:
        wanted = None if vector.get("failure") else vector["href"]
        try:
            found = urls.join(vector["base"] or "about:blank", vector["input"])
        except ValueError:
            found = None
        if found != wanted:
            different.add(vector["input"])
        elif wanted is None:
            held["refused"] += 1
        else:
            held["web" if urls.is_http(wanted) else "other"] += 1
    assert different == NOT_OF_THE_WEB.keys()
    assert not any(text.startswith("http") for text in different)
    assert held == {"web": 121, "other": 185, "refused": 146}
    assert held.total() + len(different) == len(vectors) == 458


@pytest.mark.parametrize("text", ["", "/fr/", "example.org", "http://", "http://a b/", "http://x/\ud800", "//a/b"])
def test_what_is_no_absolute_url_is_refused(text: str) -> None:
    assert not urls.is_http(text)
    for function in (urls.key, urls.host, urls.origin, urls.is_home, urls.request_url):
        with pytest.raises(ValueError, match="not a URL"):
            function(text)


def test_only_http_and_https_are_http() -> None:
    assert urls.is_http("HTTPS://Example.org")
    assert not any(map(urls.is_http, ["ftp://a/b", "mailto:a@b", "urn:x:y", "javascript:1", "file:///etc/passwd"]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://WWW.Example.ORG:80", "http://www.example.org/"),
        ("https://example.org/a/./b/../c", "https://example.org/a/c"),
        ("https://exämple.org/", "https://xn--exmple-cua.org/"),
        ("https://example.org/a#comments", "https://example.org/a"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
        ("https://example.org/a?", "https://example.org/a"),
        ("https://example.org/a?utm_source=rss&id=1&UTM_Medium=x", "https://example.org/a?id=1"),
        ("https://www.rfi.fr/fr/a?xtor=RSS-1&at_medium=custom7", "https://www.rfi.fr/fr/a"),
        ("https://www.dw.com/a-1?maca=fr-rss-fr-all-1-rdf", "https://www.dw.com/a-1"),
        ("https://example.org/a?fbclid=1&gclid=2&b=&a=1&a=2", "https://example.org/a?b=&a=1&a=2"),
    ],
)
def test_two_spellings_of_one_address_have_one_key(one: str, other: str) -> None:
    assert urls.key(one) == urls.key(other) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "https://example.org/a/"),
        ("https://example.org/?a=1&b=2", "https://example.org/?b=2&a=1"),
        ("https://example.org/?q=x", "https://example.org/"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://example.org/%7Ea", "https://example.org/~a"),
        ("https://example.org:8443/", "https://example.org/"),
        ("https://example.org/?attention=1", "https://example.org/"),
        ("https://example.org/?id=utm_source", "https://example.org/"),
    ],
)
def test_what_may_be_two_pages_has_two_keys(one: str, other: str) -> None:
    assert urls.key(one) != urls.key(other)


@given(
    st.lists(st.sampled_from(["utm_a=1", "id=7", "a", "b=%20", "", "xtor=2", "at_x", "q=é"]), max_size=6),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_a_key_is_its_own_key_and_keeps_what_is_no_tracking_in_order(parameters: list[str], path: str) -> None:
    key = urls.key(f"https://example.org/{path.replace('?', '')}?{'&'.join(parameters)}")
    assert urls.key(key) == key
    if "#" not in path:
        kept = [p.replace("é", "%C3%A9") for p in parameters if p not in ("utm_a=1", "xtor=2", "at_x")]
        assert key.partition("?")[2] == "&".join(kept)


def test_rule_21_a_host_has_its_port_only_where_it_is_unusual() -> None:
    assert urls.host("https://Example.org:443/a") == urls.host("http://example.org:80/b") == "example.org"
    assert urls.host("http://example.org:443/") == "example.org:443"
    assert urls.host("http://[::1]:8080/") == "[::1]:8080"
    assert urls.host("http://example.org./a") == "example.org"
    assert urls.host("http://example.org.:8080/a") == "example.org:8080"
    assert urls.origin("HTTPS://Example.org:443/a?b#c") == "https://example.org"
    assert urls.origin("http://example.org:8080/") == "http://example.org:8080"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.rfi.fr/a", "http://rfi.fr:8080/b", True),
        ("https://a.bbc.co.uk/", "https://b.bbc.co.uk/", True),
        ("https://a.co.uk/", "https://b.co.uk/", False),
        ("https://a.github.io/", "https://b.github.io/", False),
        ("http://127.0.0.1:1/", "http://127.0.0.1:2/", True),
        ("http://127.0.0.1/", "http://127.0.0.2/", False),
        ("http://10.0.0.1/", "http://11.0.0.1/", False),
        ("http://localhost/", "http://localhost:8000/", True),
        ("https://rfi.fr./", "https://www.rfi.fr/", True),
    ],
)
def test_a_site_is_the_registrable_domain(one: str, other: str, same: bool) -> None:
    assert urls.same_site(one, other) is same


def test_a_home_page_has_no_path_or_only_a_language() -> None:
    homes = ["https://a.org", "https://a.org/", "https://a.org/fr", "https://a.org/fr/", "https://a.org/pt-br/"]
    pages = [
        "https://a.org/?p=1",
        "https://a.org/rss",
        "https://a.org/fr/afrique/",
        "https://a.org/a",
        "https://a.org/1",
    ]
    assert all(map(urls.is_home, [*homes, "https://a.org/index.html", "https://a.org/#top"]))
    assert not any(map(urls.is_home, pages))


def test_a_link_is_joined_as_browsers_do() -> None:
    assert urls.join("https://a.org/b/c?d", "../e f?g#h") == "https://a.org/e%20f?g#h"
    assert urls.join("https://a.org/b/", " //x.org\n") == "https://x.org/"
    assert urls.join("https://a.org/b/", "\\c\\d") == "https://a.org/c/d"
    with pytest.raises(ValueError, match="no link"):
        urls.join("https://a.org/", "http://[")


def test_a_request_url_keeps_its_parameters_and_loses_secrets_and_fragment() -> None:
    assert urls.request_url("HTTPS://u:p@A.org/b?utm_source=c#d") == "https://a.org/b?utm_source=c"
