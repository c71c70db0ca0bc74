"""Rules 30 to 34 of docs/network.md, through the whole service: on the wire, in the archive, in the ledger."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crawling import Bench
from newsstand import Clock, item, ledger, mount, page, paths, reasons, rss, watch

from service import app
from service.net.rules import MAX_BYTES
from service.newsroom import Fault, Newsroom, Redirect, Reset, Status, Truncate
from service.reading import Ended
from storage.model import Outcome, Poll

ROBOTS = "/robots.txt"
NOT_FOR_US = "User-agent: *\nDisallow: /private\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(app, "now", clock)
    return clock


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def by_path(bench: Bench) -> dict[str, dict[str, Any]]:
    """The records, by the path that was asked for."""
    records = {"/" + record["requested_url"].split("/", 3)[3]: record for record in bench.records()}
    assert len(records) == len(bench.records())
    return records


# -- 30: robots.txt ----------------------------------------------------------------------------------------------------


def test_rule_30_robots_txt_is_asked_for_once_a_day_by_all_processes_together(clock: Clock, bench: Bench) -> None:
    with Newsroom(sites=1, stories=1) as room:
        room.robots("User-agent: *\nAllow: /\n")
        asked = []
        for hours in (0, 11.9, 11.9, 0.4):
            clock.forward(hours=hours)
            bench.crawl(room)
            asked.append(paths(room).count(ROBOTS))
            room.publish(1)
    assert asked == [1, 1, 1, 2]
    assert len(bench.records()) == 4


@pytest.mark.parametrize("status", [404, 403])
def test_rule_30_a_robots_txt_that_is_refused_or_not_there_allows_everything(bench: Bench, status: int) -> None:
    with Newsroom(sites=1, stories=1) as room:
        room.fault(ROBOTS, Status(status))
        bench.crawl(room)
    assert [record["rights"]["robots_allowed"] for record in bench.records()] == [True]


@pytest.mark.parametrize("fault", [Status(503), Reset()])
def test_rule_30_nothing_is_asked_of_a_site_whose_robots_txt_cannot_be_had(
    clock: Clock, bench: Bench, fault: Fault
) -> None:
    with Newsroom(sites=2, stories=1) as room:
        _, far = room.sites
        links = [room.serve(path, page(path), site=far) for path in ("/a", "/b")]
        mount(bench, room, {"f": rss(*(item(link, link) for link in links))})
        room.fault(far.base_url + ROBOTS, fault)
        bench.crawl()
        assert [(request.site, request.path) for request in room.requests if request.site == far.name] == [
            (far.name, ROBOTS)
        ]
        assert ledger(bench) == {Outcome.PENDING: 2}
        assert all("robots.txt cannot be had" in reason for _, reason in reasons(bench))
        room.heal()
        clock.forward(minutes=16)
        bench.crawl(poll_all=False)
    assert ledger(bench) == {Outcome.ARCHIVED: 2}


def test_rule_30_the_last_good_rules_stand_in_for_30_days_and_no_longer(clock: Clock, bench: Bench) -> None:
    with Newsroom(sites=2, stories=0) as room:
        _, far = room.sites
        feed: list[str] = []

        def publish(number: int) -> None:
            feed.extend(
                item(link, link)
                for link in (
                    room.serve(f"{folder}/{number}", page(f"{folder} {number}"), site=far)
                    for folder in ("/open", "/private")
                )
            )
            mount(bench, room, {"f": rss(*feed)})

        room.robots(NOT_FOR_US)
        publish(1)
        bench.crawl()
        room.fault(far.base_url + ROBOTS, Status(503))
        clock.forward(days=29)
        publish(2)
        bench.crawl()
        clock.forward(days=2)
        publish(3)
        bench.crawl()
        asked = [request.path for request in room.requests if request.site == far.name]
    assert asked == [ROBOTS, "/open/1", ROBOTS, "/open/2", ROBOTS]
    assert ledger(bench) == {Outcome.ARCHIVED: 2, Outcome.SKIPPED: 2, Outcome.PENDING: 2}


@pytest.mark.parametrize(("redirects", "asked"), [(5, False), (6, True)])
def test_rule_30_five_redirects_of_robots_txt_are_followed(bench: Bench, redirects: int, asked: bool) -> None:
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/private/x", page("x"))
        mount(bench, room, {"f": rss(item("1", link))})
        stops = [ROBOTS, *(f"/hop{n}" for n in range(1, redirects))]
        for here, there in zip(stops, [*stops[1:], "/rules.txt"], strict=True):
            room.fault(here, Redirect(there))
        room.serve("/rules.txt", NOT_FOR_US, "text/plain")
        bench.crawl()
        assert ("/private/x" in paths(room)) == asked


def test_rule_30_a_rule_is_obeyed_at_the_end_of_500_kib_and_a_longer_file_is_still_read(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        links = [room.serve(path, page(path)) for path in ("/private/x", "/open/x")]
        mount(bench, room, {"f": rss(*(item(link, link) for link in links))})
        filler, rule = "# nothing here\n" * 1_400_000, "\nDisallow: /private\n"  # over the limit for any other body
        text = f"User-agent: *\n{filler}"[: MAX_BYTES - len(rule)] + rule
        assert len(text) == 500 * 1024
        room.robots(text + filler)
        bench.crawl()
        assert [path for path in paths(room) if path.endswith("/x")] == ["/open/x"]


def test_rule_30_robots_txt_is_asked_before_each_hop_of_a_redirect(bench: Bench) -> None:
    with Newsroom(sites=3, stories=0) as room:
        near, far, free = room.sites
        room.robots(NOT_FOR_US, site=far)
        end = room.serve("/private/x", page("The end"), site=far)
        middle = room.serve("/middle", b"", site=free)
        room.fault(middle, Redirect(end))
        start = room.serve("/start", b"")
        room.fault(start, Redirect(middle))
        mount(bench, room, {"f": rss(item("1", start), item("2", room.serve("/other", page("Another"))))})
        bench.crawl()
        asked = [(request.site, request.path) for request in room.requests]
    hops = [(near.name, "/start"), (free.name, ROBOTS), (free.name, "/middle"), (far.name, ROBOTS)]
    assert [each for each in asked if each in hops] == hops
    assert (far.name, "/private/x") not in asked
    assert [record["requested_url"].rsplit("/")[-1] for record in bench.records()] == ["other"]
    assert reasons(bench) == {("skipped", "forbidden by robots.txt"): 1}


def test_rule_30_a_feed_is_polled_against_robots_txt_only_if_the_user_says_so(bench: Bench) -> None:
    with Newsroom(sites=2, stories=0) as room:
        near, far = room.sites
        room.robots("User-agent: *\nDisallow: /*.xml$\n")
        urls = mount(bench, room, {"f": rss(item("1", room.serve("/page", page("A page"))))})
        moved = room.serve("/moved", b"", site=far)  # allowed, but it leads to what is not
        room.fault(moved, Redirect(urls["f"]))
        watch(bench, {**urls, "g": moved})
        bench.crawl()
        assert [path for path in paths(room) if path.endswith(".xml")] == []
        errors = [event.error or "" for event in bench.events if isinstance(event, Poll)]
        assert len(errors) == 2
        assert all("forbidden by robots.txt" in error and "obey_robots = false" in error for error in errors)
        watch(bench, urls, obey_robots="false")
        bench.crawl()
        assert [path for path in paths(room) if path.endswith(".xml")] == ["/f.xml"]
    assert ledger(bench) == {Outcome.ARCHIVED: 1}
    assert near.base_url in bench.records()[0]["url"]


def test_rule_30_a_feeds_leave_to_pass_robots_txt_is_not_its_pages_leave(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        room.robots("User-agent: *\nDisallow: /\n")
        mount(bench, room, {"f": rss(item("1", room.serve("/page", page("A page"))))}, obey_robots="false")
        bench.crawl()
        assert "/page" not in paths(room)
    assert ledger(bench) == {Outcome.SKIPPED: 1}


# -- 31: what publishers reserve ---------------------------------------------------------------------------------------

SIGNALS: list[tuple[str, dict[str, str], str, object]] = [
    ("<meta name=robots content='index, noarchive'>", {}, "noarchive", True),
    ("", {"X-Robots-Tag": "noarchive"}, "noarchive", True),
    ("<meta name=robots content=noai>", {}, "noai", True),
    ("", {"X-Robots-Tag": "noai, noimageai"}, "noai", True),
    ("<meta name=tdm-reservation content=1>", {}, "tdm_reservation", True),
    ("", {"TDM-Reservation": "1"}, "tdm_reservation", True),
    ("", {"TDM-Reservation": "0"}, "tdm_reservation", False),
    ("", {"Content-Signal": "ai-train=no"}, "content_signal", "ai-train=no"),
]
RESERVED = {"noarchive": "noarchive", "tdm_reservation": "tdm-reservation"}
NOTHING_SAID = {
    "robots_allowed": True,
    "noarchive": False,
    "noai": False,
    "tdm_reservation": None,
    "content_signal": None,
}


def mount_signals(bench: Bench, room: Newsroom) -> None:
    """A page for each signal, and one without any."""
    links = [room.serve(f"/{n}", page(f"Page {n}", head=s[0]), headers=s[1]) for n, s in enumerate(SIGNALS)]
    links.append(room.serve("/plain", page("A plain page")))
    mount(bench, room, {"f": rss(*(item(link, link) for link in links))})


def test_rule_31_each_signal_stands_in_its_record_and_in_no_other(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        mount_signals(bench, room)
        bench.crawl()
    rights = {path: record["rights"] for path, record in by_path(bench).items()}
    said = {path: {key: value for key, value in rights[path].items() if key in NOTHING_SAID} for path in rights}
    expected = {f"/{n}": NOTHING_SAID | {field: value} for n, (_, _, field, value) in enumerate(SIGNALS)}
    assert said == expected | {"/plain": NOTHING_SAID}


def test_rule_31_skip_leaves_out_what_is_reserved_and_the_ledger_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tdm_policy="skip")
    reserved = {f"/{n}": RESERVED[s[2]] for n, s in enumerate(SIGNALS) if s[3] is True and s[2] in RESERVED}
    with Newsroom(sites=1, stories=0) as room:
        mount_signals(bench, room)
        bench.crawl()
        everything = {f"/{n}" for n in range(len(SIGNALS))} | {"/plain"}
    assert by_path(bench).keys() == everything - reserved.keys()
    ends = [event for event in bench.events if isinstance(event, Ended) and event.resolution]
    why = {"/" + str(event.pending.entry.url).rsplit("/")[-1]: event.resolution.reason for event in ends}
    assert why == {path: f"the page says {word}" for path, word in reserved.items()}
    assert ledger(bench) == {Outcome.SKIPPED: len(reserved), Outcome.ARCHIVED: len(everything) - len(reserved)}
    assert reasons(bench) == {
        ("skipped", f"the page says {word}"): list(reserved.values()).count(word) for word in RESERVED.values()
    }


@pytest.mark.parametrize(("policy", "archived"), [("record", True), ("skip", False)])
def test_rule_31_a_page_without_text_is_heard_all_the_same(tmp_path: Path, policy: str, archived: bool) -> None:
    bench = Bench(tmp_path, tdm_policy=policy)
    head = "<meta name=robots content=noarchive><meta name=tdm-reservation content=1>"
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/x", f"<html><head>{head}</head><body><div id=root></div><script>write()</script></body>")
        mount(bench, room, {"f": rss(item("1", link, description="What the feed says."))})
        bench.crawl()
    records = bench.records()
    assert [(r["text_source"], r["rights"]["noarchive"], r["rights"]["tdm_reservation"]) for r in records] == (
        [("feed", True, True)] if archived else []
    )
    assert ledger(bench) == {Outcome.ARCHIVED if archived else Outcome.SKIPPED: 1}


def test_rule_31_what_robots_txt_says_is_recorded_where_it_forbids_the_page_too(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        room.robots(f"{NOT_FOR_US}Content-Signal: search=yes, ai-train=no\n")
        links = [room.serve(path, page(path)) for path in ("/private/x", "/open/x")]
        mount(bench, room, {"f": rss(*(item(link, link, description="What the feed says.") for link in links))})
        bench.crawl()
        assert "/private/x" not in paths(room)
    found = by_path(bench)
    assert {path: record["text_source"] for path, record in found.items()} == {"/open/x": "page", "/private/x": "feed"}
    assert {path: record["rights"]["robots_allowed"] for path, record in found.items()} == {
        "/open/x": True,
        "/private/x": False,
    }
    assert {record["rights"]["content_signal"] for record in found.values()} == {"search=yes, ai-train=no"}
    assert found["/private/x"]["warnings"] == ["page: forbidden by robots.txt"]


def test_rule_31_a_licence_is_recorded_from_the_page_else_from_the_feed(bench: Bench) -> None:
    by, sa = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-sa/4.0/"
    with Newsroom(sites=1, stories=0) as room:
        says = room.serve("/says", page("Says", head=f"<link rel=license href='{by}'>"))
        silent = room.serve("/silent", page("Silent"))
        link = f"<link xmlns='http://www.w3.org/2005/Atom' rel='license' href='{sa}'/>"
        mount(bench, room, {"f": rss(item("1", says), item("2", silent)).replace("</item>", f"{link}</item>")})
        bench.crawl()
    assert {path: record["license"] for path, record in by_path(bench).items()} == {"/says": by, "/silent": sa}


# -- 32: addresses -----------------------------------------------------------------------------------------------------


def test_rule_32_requested_final_and_canonical_address_are_all_kept(bench: Bench) -> None:
    with Newsroom(sites=2, stories=0) as room:
        near, far = room.sites
        final = room.serve("/final?id=7", page("Final", head="<link rel=canonical href='/canonical'>"), site=far)
        start = room.serve("/start", b"")
        room.fault(start, Redirect("/between"))
        room.fault(near.base_url + "/between", Redirect(final))
        requested = f"{start}?utm_source=rss#top"
        room.fault("/start?utm_source=rss", Redirect("/between"))
        mount(bench, room, {"f": rss(item("1", requested))})
        bench.crawl()
        assert "/canonical" not in paths(room)
    (record,) = bench.records()
    assert record["requested_url"] == requested
    assert record["url"] == final
    assert record["canonical_url"] == f"{far.base_url}/canonical"


def test_rule_32_a_canonical_address_elsewhere_or_the_home_page_does_not_count(bench: Bench) -> None:
    with Newsroom(sites=2, stories=0) as room:
        near, far = room.sites
        said = {
            "/away": f"{far.base_url}/story",
            "/lookalike": f"http://{near.base_url.removeprefix('http://')}.example.org/story",
            "/home": near.base_url + "/",
            "/language": "/fr/",
            "/own": "/own-story",
        }
        links = [
            room.serve(path, page(path, head=f"<link rel=canonical href='{canonical}'>"))
            for path, canonical in said.items()
        ]
        mount(bench, room, {"f": rss(*(item(link, link) for link in links))})
        bench.crawl()
    found = {path: record["canonical_url"] for path, record in by_path(bench).items()}
    assert found == dict.fromkeys(said) | {"/own": f"{near.base_url}/own-story"}


# -- 33: pages that cannot be had --------------------------------------------------------------------------------------

FAILING: dict[str, Fault] = {
    "/404": Status(404),
    "/410": Status(410),
    "/403": Status(403),
    "/503": Status(503),
    "/cut": Truncate(100),
    "/404/no-text": Status(404),
    "/403/no-text": Status(403),
}


class Walk:
    """Crawls, goes to the next time something is due, and crawls again, until nothing waits: what came of it."""

    def __init__(self, directory: Path) -> None:
        self.bench, clock = Bench(directory), Clock()
        self.tries: dict[str, list[timedelta]] = {path: [] for path in FAILING}
        """When each page was asked for, from the first time on."""
        self.waited_for: dict[str, set[str]] = {path: set() for path in FAILING}
        """Why it was put off."""
        with pytest.MonkeyPatch.context() as patch, Newsroom(sites=1, stories=0) as room:
            patch.setattr(app, "now", clock)
            for path, fault in FAILING.items():
                room.serve(path, page(path))
                room.fault(room.sites[0].base_url + path, fault)
            more = {path: {} if "no-text" in path else {"description": f"{path} in the feed."} for path in FAILING}
            mount(self.bench, room, {"f": rss(*(item(p, room.sites[0].base_url + p, p, **more[p]) for p in FAILING))})
            start, due = clock.time, {clock.time}
            while due and len(self.tries["/503"]) < 50:
                clock.time = min(due)
                self.bench.crawl(poll_all=False)
                due -= {clock.time}
                for event in self.bench.events:
                    if isinstance(event, Ended) and event.retry:
                        due.add(event.retry.at)
                        self.waited_for["/" + str(event.pending.entry.url).split("/", 3)[3]].add(event.retry.reason)
                for path in paths(room):
                    if path in FAILING:
                        self.tries[path].append(clock.time - start)
                room.clear_log()
            self.records = by_path(self.bench)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    return Walk(tmp_path_factory.mktemp("walk"))


@pytest.mark.parametrize("path", ["/404", "/410", "/404/no-text"])
def test_rule_33_a_missing_page_is_final_after_three_tries_over_48_hours(walk: Walk, path: str) -> None:
    assert walk.tries[path] == [timedelta(0), timedelta(hours=24), timedelta(hours=48)]


@pytest.mark.parametrize("path", ["/503", "/cut"])
def test_rule_33_servers_and_networks_are_tried_ever_more_rarely_for_seven_days(walk: Walk, path: str) -> None:
    tries = walk.tries[path]
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(hours=1) < timedelta(hours=12) < pauses[-1]
    assert tries[-2] < timedelta(days=7) <= tries[-1] < timedelta(days=8)


@pytest.mark.parametrize("path", ["/403", "/403/no-text"])
def test_rule_33_a_refusal_is_recorded_and_tried_twice_more(walk: Walk, path: str) -> None:
    assert len(walk.tries[path]) == 3
    assert walk.waited_for[path] == {"answers 403"}


@pytest.mark.parametrize("path", [path for path in FAILING if "no-text" not in path])
def test_rule_33_the_feeds_own_text_is_archived_where_no_page_can_be_had(walk: Walk, path: str) -> None:
    record = walk.records[path]
    assert record["text_source"] == "feed"
    assert record["text"] == f"{path} in the feed."
    assert record["warnings"][0].startswith("page: ")
    assert record["http"]["status"] is None


def test_rule_33_the_ledger_tells_a_page_that_is_gone_from_one_that_was_refused(walk: Walk) -> None:
    assert ledger(walk.bench) == {Outcome.ARCHIVED: 5, Outcome.GONE: 1, Outcome.FAILED: 1}
    assert reasons(walk.bench) == {("gone", "answers 404"): 1, ("failed", "answers 403"): 1}


def test_rule_33_a_page_that_comes_back_is_archived_from_the_page(clock: Clock, bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/page", page("A page"))
        room.fault(link, Status(404))
        mount(bench, room, {"f": rss(item("1", link, description="What the feed says."))})
        bench.crawl()
        clock.forward(hours=24)
        room.heal()
        bench.crawl(poll_all=False)
    assert [record["text_source"] for record in bench.records()] == ["page"]


# -- 34: one address, many spellings -----------------------------------------------------------------------------------


def test_rule_34_tracking_parameters_and_fragments_make_no_second_article_and_others_do(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        base = room.sites[0].base_url
        same = ["/s?id=1&utm_source=rss#comments", "/s?at_medium=x&id=1", "/./s?id=1&fbclid=y", "/s?id=1&xtor=RSS-1#a"]
        others = ["/s?id=2", "/s?id=1&page=2", "/s?page=2&id=1", "/s?q=id&id=1"]
        for path in [*same, *others]:
            asked = path.split("#")[0].replace("/./", "/")
            name = "The same" if path in same else path
            room.serve(asked, page(name))
        items = [item(path, base + path, "t") for path in (*same, *others)]
        mount(bench, room, {"f": rss(*items)})
        bench.crawl()
        assert sorted(path for path in paths(room) if path.startswith("/s")) == sorted([same[0].split("#")[0], *others])
    assert by_path(bench).keys() == {same[0], *others}
    assert ledger(bench) == {Outcome.ARCHIVED: 5, Outcome.UNCHANGED: 3}


def test_rule_34_another_feeds_spelling_of_an_address_is_a_sighting_not_an_article(bench: Bench) -> None:
    with Newsroom(sites=1, stories=0) as room:
        link = room.serve("/s", page("A page"))
        mount(bench, room, {"a": rss(item("1", f"{link}?utm_campaign=a"))})
        room.serve("/s?utm_campaign=a", page("A page"))
        bench.crawl()
        mount(bench, room, {"a": rss(item("1", f"{link}?utm_campaign=a")), "b": rss(item("1", f"{link}?utm_id=b#x"))})
        room.clear_log()
        bench.crawl()
        assert [path for path in paths(room) if path.startswith("/s")] == []
    (record,) = bench.records()
    assert record["requested_url"] == f"{link}?utm_campaign=a"
    assert ledger(bench) == {Outcome.ARCHIVED: 1, Outcome.UNCHANGED: 1}
