"""The container files: what they name exists, what they run works, and no right is given that is not needed."""

import json
import re
import runpy
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli import veille
from service.daemon import DRAIN
from service.settings import PREFIX, SECRETS, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICE: dict[str, Any] = COMPOSE["services"]["veille"]
KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}{s.upper()}_FILE" for s in SECRETS}


def said(instruction: str) -> list[str]:
    """What stands after an instruction of the Containerfile, each time it is given."""
    return re.findall(rf"^\s*{instruction}\s+(.+)$", CONTAINERFILE, re.MULTILINE)


def test_what_is_copied_from_the_checkout_is_there() -> None:
    sources = [word for line in said("COPY") if "--from" not in line for word in shlex.split(line)[:-1]]
    assert {"service", "storage", "requirements.lock", "pyproject.toml"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sent[1] == "*"  # all else stays where it is, secrets too
    assert {line[1:] for line in sent if line.startswith("!")} == set(sources)


def test_what_pip_installs_has_a_hash_or_is_the_wheel_just_built() -> None:
    installs = [
        step for run in said("RUN") for step in run.split("&&") if "pip install" in step and "--dry-run" not in step
    ]
    assert len(installs) == 2
    assert all("--require-hashes" in step or ("--no-deps" in step and "dist/" in step) for step in installs)


def test_the_part_of_the_lock_that_is_needed_keeps_its_hashes() -> None:
    needed = runpy.run_path(str(DEPLOY / "needed.py"))["needed"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    names = ("lxml_html_clean", "Feedparser", "veille")
    items = [{"metadata": {"name": name}, "is_direct": name == "veille"} for name in names]
    part = needed(json.dumps({"install": items}), lock)
    assert re.findall(r"^(\S+)==", part, re.MULTILINE) == ["feedparser", "lxml-html-clean"]
    assert part.count("--hash=sha256:") >= 2
    assert all(line in lock.splitlines() for line in part.splitlines())
    items.append({"metadata": {"name": "stranger"}, "is_direct": False})
    with pytest.raises(SystemExit, match="not in the lock: stranger"):
        needed(json.dumps({"install": items}), lock)


def test_every_setting_the_container_files_name_exists() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", CONTAINERFILE)) | set(SERVICE["environment"])
    assert named <= KNOWN


def test_it_runs_a_verb_that_exists_as_a_user_without_rights() -> None:
    (entry,), *_ = [json.loads(line) for line in said("ENTRYPOINT")]
    (verb,) = json.loads(said("CMD")[-1])
    assert entry == "veille"
    assert verb in veille.commands
    assert said("USER") == ["veille"]
    assert CONTAINERFILE.index("USER veille") < CONTAINERFILE.index("ENTRYPOINT")


def test_a_stop_is_a_sigterm_with_time_to_drain() -> None:
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > DRAIN


def test_compose_builds_this_file_and_keeps_the_archive_in_a_volume() -> None:
    build = SERVICE["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    volumes = dict(volume.split(":") for volume in SERVICE["volumes"])
    assert set(volumes) == set(COMPOSE["volumes"])
    data = dict(re.findall(r"(VEILLE_\w+)=(\S+)", CONTAINERFILE))["VEILLE_DATA_DIR"]
    assert list(volumes.values()) == [data] == said("VOLUME")


def test_compose_takes_every_right_away() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICE["security_opt"]
    assert [mount.split(":")[0] for mount in SERVICE["tmpfs"]] == ["/tmp"]
    assert not SERVICE.keys() & {"ports", "privileged", "cap_add", "network_mode", "user"}


def test_every_secret_comes_from_a_file() -> None:
    assert set(SERVICE["secrets"]) == set(COMPOSE["secrets"]) == set(SECRETS)
    names = {f"{PREFIX}{secret.upper()}_FILE": f"/run/secrets/{secret}" for secret in SECRETS}
    assert {key: value for key, value in SERVICE["environment"].items() if key.endswith("_FILE")} == names


@contextmanager
def health(status: int) -> Iterator[str]:
    """A server that answers /healthz with ``status``, and all else with 404; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def checks(address: str) -> int:
    """Run the health check as the container does, but at ``address``; returns its exit code."""
    program, *words = json.loads(
        CONTAINERFILE[CONTAINERFILE.index("CMD [", CONTAINERFILE.index("HEALTHCHECK")) + 4 :].splitlines()[0]
    )
    assert program == "python"
    bound = dict(re.findall(r"(VEILLE_\w+)=(\S+)", CONTAINERFILE))["VEILLE_METRICS_BIND"]
    assert bound in words[-1]
    words[-1] = words[-1].replace(bound, address)
    proxied = {"http_proxy": "http://127.0.0.1:9"}  # a proxy of the host's is not asked
    return subprocess.run(
        [sys.executable, *words], env=proxied, capture_output=True, timeout=20, check=False
    ).returncode


def test_the_health_check_tells_a_live_service_from_a_sick_or_dead_one() -> None:
    with health(200) as address:
        assert checks(address) == 0
    assert checks(address) == 1
    with health(503) as sick:
        assert checks(sick) == 1
