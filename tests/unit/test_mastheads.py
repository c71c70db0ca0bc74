"""What feeds and sites call themselves: the same of a draft and of the record made from it."""

from articles import make_article

from service.mastheads import Mastheads, names_of
from storage.model import Feed, FeedState

URL = "https://www.rfi.fr/fr/afrique/story"


def test_names_are_those_of_feed_publisher_site_and_the_first_words_of_the_title() -> None:
    found = names_of("rfi-fr", URL, ("Radio France", None), "RFI Monde - Toute l'actualité")
    assert found == {"rfi-fr", "rfi", "Radio France", "RFI Monde - Toute l'actualité", "RFI Monde"}


def test_nothing_known_gives_no_name_but_the_feed_s() -> None:
    assert names_of("monde", "", (), None) == {"monde"}
    assert names_of("monde", "http://localhost:80/", (), "") == {"monde"}


def test_a_site_is_called_as_in_its_address_whatever_stands_around_its_name() -> None:
    for url in ("https://www.bbc.co.uk/news", "https://bbc.com/", "https://feeds.news.bbc.co.uk:8080/rss"):
        assert "bbc" in names_of("x", url, (), None)
        assert not {"co", "www", "news"} & names_of("x", url, (), None)
    assert names_of("x", "http://127.0.0.1:8000/rss", (), None) == {"x"}
    assert names_of("x", "http://[::1]/rss", (), None) == {"x"}


def test_a_record_and_its_feed_give_the_names_that_the_draft_gave() -> None:
    feed = Feed("rfi-fr", "https://feeds.example.org/rss", publisher="RFI")
    states = {"rfi-fr": FeedState("rfi-fr", feed.url, title="RFI Monde - Toute l'actualité")}
    article = make_article("a", url=URL, publisher="Radio France", feed="rfi-fr")
    assert Mastheads((feed,), states).of(article) == names_of(
        "rfi-fr", URL, ("RFI", "Radio France"), "RFI Monde - Toute l'actualité"
    )


def test_a_record_without_a_page_or_a_feed_in_the_catalogue_gives_what_it_has() -> None:
    article = make_article("a", url=None, publisher=None, feed="old-feed", feed_url="https://feeds.paper.example/rss")
    assert Mastheads((), {}).of(article) == {"old-feed", "old", "paper"}
