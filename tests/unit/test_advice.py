"""What a person is told to do about a feed that fails: the cases that need another network than loopback."""

import pytest

from service.cli.advice import format_name, in_one_line, what_to_do
from service.cli.cures import plain
from service.cli.probed import in_words
from service.errors import BlockedError, FetchError
from service.net.response import Exchange
from service.probing import Probe, RobotsSaid, Stage, Step
from storage.model import Feed


def failed(stage: Stage, error: FetchError) -> Probe:
    return Probe(Feed("mine", "https://a.example/rss"), stage=stage, error=error)


@pytest.mark.parametrize(
    ("stage", "error", "advice"),
    [
        (Stage.CONNECTION, "certificate not valid: certificate has expired", "only certificates of the public"),
        (Stage.CONNECTION, "name not found", "is the host spelled right?"),
        (Stage.CONNECTION, "name servers do not answer", "see /etc/resolv.conf"),
        (Stage.REDIRECT, "redirect from https to http refused", "give the feed that one"),
        (
            Stage.ADDRESS,
            "address refused: a.example is fd00::1 port 443",
            "[fd00::1]:443 among VEILLE_ALLOWED_NETWORKS opens",
        ),
    ],
)
def test_what_is_known_to_help_is_told(stage: Stage, error: str, advice: str) -> None:
    probe = failed(stage, BlockedError(error) if "refused" in error else FetchError(error))
    assert advice in (what_to_do(probe) or "")
    assert in_one_line(probe) == f"{stage}: {error}; {what_to_do(probe)}"
    assert in_words(probe, verbose=False)[-2:] == [f"failed ({stage}): {error}", f"what to do: {what_to_do(probe)}"]


def test_where_nothing_is_known_to_help_nothing_is_told() -> None:
    probe = failed(Stage.REDIRECT, FetchError("more than 5 redirects"))
    assert in_words(probe, verbose=False)[-1] == "failed (redirect): more than 5 redirects"


def test_a_public_address_needs_no_setting() -> None:
    step = Step("https://a.example/rss?page=1", RobotsSaid(True, "no robots.txt", obeyed=True, status=404))
    step.exchange = Exchange(step.url, ((b"Host", b"a.example"),), "203.0.113.7 port 443")
    probe = failed(Stage.CONNECTION, FetchError("timed out after 60 s"))
    probe.steps.append(step)
    assert in_words(probe, verbose=False)[1:6] == [
        "  robots.txt: no robots.txt (it answers 404)",
        "  connected to: 203.0.113.7 port 443, public, a web port",
        "  > GET /rss?page=1 HTTP/1.1",
        "  > Host: a.example",
        "  < no answer",
    ]


def test_a_line_is_no_longer_than_of_use_and_cannot_move_the_cursor() -> None:
    assert plain("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert len(plain("x" * 10_000)) == 500


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("rss20", "RSS 2.0"),
        ("rss091u", "RSS 0.91"),
        ("atom10", "Atom 1.0"),
        ("json11", "JSON Feed 1.1"),
        ("cdf", "CDF"),
    ],
)
def test_a_format_has_a_name_for_people(version: str, name: str) -> None:
    assert format_name(version) == name


def test_where_the_site_leads_inward_nobody_is_told_how_to_let_it() -> None:
    probe = failed(Stage.ADDRESS, BlockedError("address refused: 10.0.0.1 port 80"))
    assert "VEILLE_ALLOWED_NETWORKS" in (what_to_do(probe) or "")
    probe.steps[:] = [Step("http://a.example/"), Step("http://10.0.0.1/")]
    assert "VEILLE_ALLOWED_NETWORKS" not in (what_to_do(probe) or "")
