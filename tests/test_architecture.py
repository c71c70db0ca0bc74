"""The rules that keep the code apart: who may import what, what stays pure, what loads late."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import service
import storage

PACKAGES = Path(service.__file__).parent, Path(storage.__file__).parent
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
HEAVY = {
    "trafilatura",
    "httpx",
    "sqlalchemy",
    "feedparser",
    "apscheduler",
    "pydantic",
    "lxml",
    "alembic",
    "rich",
    "asyncio",
}


def name_of(path: Path) -> str:
    root = next(package for package in PACKAGES if path.is_relative_to(package))
    return ".".join((root.name, *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def importers(library: str) -> set[str]:
    return {name_of(path) for path in MODULES if any(module.split(".")[0] == library for module in imports(path))}


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("httpx", "service.net"),
        ("httpcore", "service.net"),
        ("feedparser", "service.feeds"),
        ("trafilatura", "service.articles"),
        ("sqlalchemy", "storage"),
        ("alembic", "storage"),
        ("warcio", "storage"),
        ("rensa", "storage.sketches"),
        ("h11", "service.monitoring"),
        ("apprise", "service.apprising"),
        ("rich", "service.cli"),
        ("click", "service"),
    ],
)
def test_a_library_is_imported_in_its_home_only(library: str, home: str) -> None:
    found = importers(library)
    assert found, f"nothing imports {library} any more: drop the dependency and this line"
    assert all(name == home or name.startswith(home + ".") for name in found), found


def test_only_the_daemon_imports_apscheduler() -> None:
    assert importers("apscheduler") == {"service.daemon"}


def test_only_metrics_and_gauges_know_of_prometheus() -> None:
    assert importers("prometheus_client") == {"service.metrics", "service.gauges"}


def test_what_answers_while_the_service_hangs_knows_nothing_of_the_service() -> None:
    (path,) = (path for path in MODULES if name_of(path) == "service.monitoring")
    ours = {module for module in imports(path) if module.split(".")[0] in {"service", "storage"}}
    assert ours == {"service.errors", "service.logs", "service.metrics", "service.settings", "service.units"}


PURE = sorted(
    path
    for path in MODULES
    if (name := name_of(path)).startswith(("service.feeds", "service.articles"))
    or name
    in {
        "service.net.urls",
        "service.units",
        "service.messages",
        "service.troubles",
        "service.wording",
        "service.digest",
        "storage.records",
        "storage.model",
        "storage.rebuild",
        "storage.fingerprints",
        "storage.forms",
        "storage.occurrences",
        "storage.paragraphs",
        "storage.sketches",
        "storage.tokens",
        "service.nearness",
        "service.stats.charts",
        "service.stats.page",
    }
    if name not in {f"service.articles.{module}" for module in ("workers", "worker", "channel", "pool")}
)
IMPURE_MODULES = {
    "os",
    "time",
    "socket",
    "subprocess",
    "random",
    "shutil",
    "tempfile",
    "pathlib",
    "asyncio",
    "threading",
}
IMPURE_CALLS = {"open", "input", "print"}
IMPURE_METHODS = {"now", "utcnow", "today", "getenv", "read_text", "write_text"}


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_a_pure_module_uses_no_clock_no_files_and_no_sockets(path: Path) -> None:
    assert not IMPURE_MODULES & {module.split(".")[0] for module in imports(path)}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            assert not (isinstance(called, ast.Name) and called.id in IMPURE_CALLS), ast.unparse(node)
            assert not (isinstance(called, ast.Attribute) and called.attr in IMPURE_METHODS), ast.unparse(node)


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == {"service.settings"}


def test_no_module_is_long() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    # word lists of the newsroom are data, not code
    excepted = {"storage.model"}  # every value of the program, each documented
    assert {name for name, n in lengths.items() if n > 320 and ".words" not in name} == excepted


def test_every_package_has_a_docstring_and_every_module_too() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def loaded_by(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy() -> None:
    code = "from service.cli import veille\nveille.main(['--help'], standalone_mode=False)"
    assert loaded_by(code) & HEAVY == set()


def test_the_main_process_never_loads_extractor_feed_parser_or_apprise() -> None:
    late = {"trafilatura", "feedparser", "lxml", "apprise"}
    assert loaded_by("import service.app, service.daemon, service.telling") & late == set()


def test_a_crawl_loads_only_what_its_settings_ask_for() -> None:
    late = {"alembic", "warcio", "tomlkit", "prometheus_client", "apscheduler"}
    assert loaded_by("import service.oneshot, service.catalogues") & late == set()


def test_a_look_at_the_archive_loads_nothing_that_fetches_or_reads() -> None:
    code = "import service.cli.status, service.cli.health_page, service.cli.health_json"
    assert loaded_by(code) & {"httpx", "trafilatura", "feedparser", "apscheduler", "warcio", "multiprocessing"} == set()
