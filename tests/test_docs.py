"""What is written is true: every command, setting, exit code and reading recipe that the documents name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import exposed
import pytest

from service.cli import veille
from service.logs import LIBRARY, UNCAUGHT
from service.settings import PREFIX, SECRETS, Settings, example
from storage.card import READING, keys_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHIVE = (ROOT / "docs" / "archive.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")])


def test_env_example_lists_every_setting_with_its_default_and_help() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example()
    assert all(field.description for field in Settings.model_fields.values())


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands(veille, "veille"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_in_a_document_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    shown = re.findall(r"^ {4}(?:\S*/)?veille (.+?)(?:\s+#.*)?$|`veille ([^`]+)`", text, flags=re.MULTILINE)
    for in_block, inline in shown:
        words = (in_block or inline).split()
        while words and words[0].startswith("-"):
            words = words[2:] if words[0] in {"--data", "--feeds", "--env-file", "--color"} else words[1:]
        if not words:
            continue
        command: click.Command = veille
        while words and isinstance(command, click.Group):
            name = words.pop(0).split("|")[0].rstrip(",.;…")
            assert name in command.commands, f"{document.name}: veille {in_block or inline}"
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0].rstrip(",.;") in options, f"{document.name}: {word} of {command.name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_in_a_document_exists(document: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", document.read_text(encoding="utf-8")))
    assert named <= known


def test_every_verb_stands_in_the_readme() -> None:
    missing = [path for path in COMMANDS if path.count(" ") == 1 and path not in README and "feeds" not in path]
    assert missing == []


def test_the_exit_codes_in_the_readme_are_those_of_the_help() -> None:
    told = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(", ")}
    assert veille.epilog is not None
    assert told == {int(code) for code in re.findall(r"\d+", veille.epilog)}


def test_the_readme_s_test_command_is_the_one_that_ci_runs() -> None:
    assert "make test" in README
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_make_target_is_explained_and_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert set(phony[1].split()) == explained
    assert {"install", "crawl", "demo", "test", "test-power", "check", "bench", "lock", "clean"} <= explained


def test_every_document_has_the_ways_to_read_the_archive_that_are_tested() -> None:
    """``tests/acceptance/test_readers.py`` runs those of the dataset card."""
    for document in (README, ARCHIVE):
        blocks = re.findall(r"```python\n.*?```", document, re.DOTALL)
        assert "\n".join(blocks) == READING.replace("DIR", "data")


def test_the_keys_of_a_record_are_explained_in_the_words_of_its_definition() -> None:
    assert keys_table() in ARCHIVE


def test_every_metric_is_explained_in_the_words_it_is_exposed_with() -> None:
    assert exposed.table() in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def test_every_event_of_the_log_is_explained_and_its_words_never_vary() -> None:
    said: set[str] = {LIBRARY, UNCAUGHT}
    for path in (ROOT / "service").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                continue
            if ast.unparse(call.func.value) not in {"log", "structlog.get_logger()"} or call.func.attr == "log":
                continue
            event = call.args[0]
            words = [event.body, event.orelse] if isinstance(event, ast.IfExp) else [event]
            constant = [word.value for word in words if isinstance(word, ast.Constant)]
            assert len(constant) == len(words) or ast.unparse(event) == "UNCAUGHT", f"{path}: {ast.unparse(call)}"
            said.update(map(str, constant))
    section = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").split("## What it says")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \| ", section, flags=re.MULTILINE)
    assert {event for row in rows for event in re.findall(r"`([^`]+)`", row)} == said


def test_every_rule_of_the_network_has_tests_of_its_number() -> None:
    text = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")
    rules = [int(number) for number in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)]
    assert rules == list(range(1, 36))
    names = [name for path in ROOT.glob("tests/*/test_*.py") for name in _RULE.findall(path.read_text("utf-8"))]
    assert sorted({int(name) for name in names}) == rules


_RULE = re.compile(r"^(?:async )?def test_rule_(\d\d)_", re.MULTILINE)


def test_documents_speak_of_the_project_alone() -> None:
    tracked = [*DOCUMENTS, *ROOT.glob("*.toml"), ROOT / "requirements.lock", ROOT / "Makefile", ROOT / ".ci" / "run"]
    for path in tracked:
        text = path.read_text(encoding="utf-8")
        assert str(ROOT.parent) + "/" not in text, path
        assert not re.search(r"pypi\.org|pythonhosted|registry\.npmjs", text), path
