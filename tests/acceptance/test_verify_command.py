"""``veille verify``, with ``--repair`` and ``--rebuild``, and ``show --revisions``, as a user meets them.

Most run the command's own ``main`` in this process, which takes a tenth of the time of a process of its own.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from articles import NOON, digest, make_article
from command import messages, veille
from crawling import Bench
from holdings import make_holdings

from service.__main__ import main
from service.newsroom import Newsroom
from storage.archive import Archive
from storage.database import open_database
from storage.lock import DirectoryLock
from storage.model import FeedState, Poll
from storage.rebuild import full_text_hash


@dataclass
class Done:
    """What the command came to: exit code, standard output, and the lines on standard error."""

    code: int
    out: str
    messages: list[str]


Command = Callable[..., Done]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("VEILLE_"):
            monkeypatch.delenv(name)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["veille", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, printed.out, printed.err.splitlines())

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A sound archive where the command looks for one."""
    directory = tmp_path / "data"
    directory.mkdir()
    with closing(open_database(f"sqlite:///{directory / 'veille.db'}")) as store:
        make_holdings(directory, store)
    return directory


def open_file(data: Path) -> Path:
    (file,) = data.glob("articles/*/*.jsonl")
    return file


def lose_a_line(data: Path) -> int:
    """Returns where it was, and what is said of it."""
    file = open_file(data)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:1] + lines[2:]))
    return len(lines[0])


def test_a_sound_archive_exits_with_0(command: Command, data: Path) -> None:
    done = command("verify")
    assert (done.code, done.out) == (0, "")
    assert done.messages == ["10 records, all sound"]


def test_damage_is_listed_with_path_and_byte_and_exits_with_12(command: Command, data: Path) -> None:
    at = lose_a_line(data)
    path = open_file(data).relative_to(data).as_posix()
    done = command("verify")
    assert done.code == 12
    what = f"1452 bytes are missing here: {digest('g')} revision 1 is gone"
    assert done.out.splitlines() == [f"{path}:{at}: {what}"]
    assert done.messages == ["1 damaged; nothing was changed"]
    as_json = command("verify", "--json")
    assert as_json.code == 12
    assert [json.loads(line) for line in as_json.out.splitlines()] == [
        {"path": path, "offset": at, "damage": what},
        {"records": 10, "damaged": 1},
    ]
    repaired = command("verify", "--repair")
    assert (repaired.code, repaired.out) == (12, done.out)
    assert repaired.messages[-1] == "1 damaged; it could not be mended"


def test_repair_says_what_it_did_and_exits_with_0_where_all_is_sound_then(command: Command, data: Path) -> None:
    with open_file(data).open("ab") as stream:
        stream.write(b'{"torn')
    (data / "manifest.jsonl").unlink()
    done = command("verify", "--repair")
    assert (done.code, done.out) == (0, "")
    (aside,) = data.glob("articles/*/*.torn")
    said = done.messages
    assert f"what was no whole record was set aside in {aside.relative_to(data)}" in said
    assert sum("in manifest.jsonl was made anew" in line for line in said) == 2
    assert said[-1] == "10 records, all sound"
    again = command("verify", "--repair", "--json")
    assert again.out.splitlines() == ['{"records":10,"damaged":0}']


def test_rebuild_accepts_what_is_lost_and_says_so(command: Command, data: Path) -> None:
    lose_a_line(data)
    done = command("verify", "--rebuild")
    assert (done.code, done.out) == (0, "")
    assert done.messages[-4:] == [
        "the database has learnt 9 records from the files again",
        "forgotten, for no file holds them any more: 1 record",
        "failed, for the record is lost: 1 entry; what the feed still lists is fetched again",
        "9 records, all sound",
    ]
    as_json = [json.loads(line) for line in command("verify", "--rebuild", "--json").out.splitlines()]
    assert as_json == [
        {"done": "the database has learnt 9 records from the files again"},
        {"records": 9, "damaged": 0},
    ]


@pytest.mark.parametrize("option", ["--repair", "--rebuild"])
def test_a_lost_database_is_made_again_from_the_files(command: Command, data: Path, option: str) -> None:
    for path in data.glob("veille.db*"):
        path.unlink()
    done = command("verify", option)
    assert done.code == 0
    assert done.messages[-1] == "10 records, all sound"


def test_a_database_that_is_none_is_damage_until_it_is_repaired(command: Command, data: Path) -> None:
    for path in data.glob("veille.db-*"):
        path.unlink()
    (data / "veille.db").write_bytes(b"no database at all" * 1000)
    done = command("verify")
    assert done.code == 12
    assert done.out.startswith("the database: ")
    assert "not a database" in done.out
    assert done.messages == ["1 damaged; nothing was changed"]


@pytest.mark.parametrize("option", ["--repair", "--rebuild"])
def test_without_an_archive_there_is_nothing_to_repair(tmp_path: Path, command: Command, option: str) -> None:
    done = command("verify", option)
    assert done.code == 10
    assert len(done.messages) == 1
    assert list(tmp_path.iterdir()) == []


def test_while_a_service_runs_nothing_is_repaired_but_all_is_verified(command: Command, data: Path) -> None:
    with DirectoryLock(data):
        for option in ("--repair", "--rebuild"):
            done = command("verify", option)
            assert done.code == 75
            assert done.messages == [
                f"veille: the data directory data is held by process {os.getpid()}: wait until that ends, or stop it"
            ]
        assert command("verify").code == 0


def test_the_installed_command_lists_damage_and_exits_with_12(tmp_path: Path, data: Path) -> None:
    lose_a_line(data)
    done = veille(tmp_path, "verify")
    assert done.returncode == 12
    assert len(done.stdout.splitlines()) == 1
    assert messages(done) == ["1 damaged; nothing was changed"]


def test_after_a_rebuild_the_crawl_goes_on_and_archives_nothing_twice(tmp_path: Path, command: Command) -> None:
    bench = Bench(tmp_path)
    with Newsroom(sites=2, stories=3) as room:
        bench.crawl(room)
        assert command("verify", "--rebuild").messages[-1] == "6 records, all sound"
        room.publish(1)
        crawled = bench.crawl(room)
    assert crawled.tally.archived == 1
    assert command("verify").messages == ["7 records, all sound"]
    assert len({record["id"] for record in bench.records()}) == 7


# -- show --revisions --------------------------------------------------------------------------------------------------


@pytest.fixture
def revised(tmp_path: Path) -> Path:
    """An archive with one article in three revisions."""
    data = tmp_path / "data"
    data.mkdir()
    texts = (
        ["Le budget de 481 millions a été voté hier soir.", "La séance a duré sept heures et s'est tenue à huis clos."],
        ["Le budget de 490 millions a été voté hier soir.", "La séance a duré sept heures et s'est tenue à huis clos."],
        ["Le budget de 490 millions a été voté.", "La séance a duré sept heures.", "Chacun a pu parler."],
    )
    with closing(open_database(f"sqlite:///{data / 'veille.db'}")) as store:
        store.commit_poll(Poll("rfi-fr", NOON, FeedState("rfi-fr", "u")))
        archive = Archive.open(data, store, NOON)
        for number, text in enumerate(texts, 1):
            changes = {"text": "\n".join(text), "paragraphs": len(text), "removed": (), "title": f"Budget {number}"}
            archive.commit([make_article("b", number, text_hash=full_text_hash(text), **changes)], [], NOON)
        archive.close()
    return data


def test_revisions_come_oldest_first_with_the_words_that_changed(command: Command, revised: Path) -> None:
    done = command("show", digest("b")[:8], "--revisions")
    assert done.code == 0
    name = digest("b")
    assert done.out.splitlines() == [
        f"{name} revision 1, archived 2026-11-23 12:00 UTC: Budget 1",
        f"{name} revision 2, archived 2026-11-23 12:00 UTC: Budget 2",
        "Le budget de [-481-]{+490+} millions a été voté hier soir …",
        f"{name} revision 3, archived 2026-11-23 12:00 UTC: Budget 3",
        "Le budget de 490 millions a été voté[- hier soir-].",
        "La séance a duré sept heures[- et s'est tenue à huis clos-]{+.+}",
        "{+Chacun a pu parler+}.",
    ]


def test_revisions_as_json_hold_every_change(command: Command, revised: Path) -> None:
    done = command("show", digest("b"), "--revisions", "--json")
    first, second, third = (json.loads(line) for line in done.out.splitlines())
    assert [one["revision"] for one in (first, second, third)] == [1, 2, 3]
    assert (first["title"], first["archived"], first["changes"]) == ("Budget 1", "2026-11-23T12:00:00Z", [])
    assert second["changes"][:3] == [
        {"op": "keep", "text": "Le budget de "},
        {"op": "remove", "text": "481"},
        {"op": "add", "text": "490"},
    ]
    after = "".join(change["text"] for change in third["changes"] if change["op"] != "remove")
    assert after.endswith("heures.\nChacun a pu parler.")


def test_changes_are_coloured_on_a_terminal_unless_no_color_is_asked_for(
    command: Command, revised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--color", "always", "show", digest("b"), "--revisions")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = command(*words).out
    assert "\x1b[32m490\x1b[0m" in coloured
    assert "{+" not in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = command(*words).out
    assert "{+490+}" in plain
    assert "\x1b" not in plain
