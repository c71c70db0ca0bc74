"""What comes with veille for Prometheus and Grafana: it loads, and asks for nothing that is not there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from exposed import samples

from service.cli import veille

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus-alerts.yaml"
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
PROMTOOL = shutil.which("promtool")
KNOWN = samples() | {"up": set()}
OF_THE_SCRAPE = {"instance", "job"}

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], f"{target['expr']} {target['legendFormat']}") for target in panel["targets"])
    yield from ((note["name"], note["expr"]) for note in DASHBOARD["annotations"]["list"])
    yield from (
        (variable["name"], variable["query"]["query"])
        for variable in DASHBOARD["templating"]["list"]
        if variable["type"] == "query"
    )


EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in rules()] + list(dashboard_expressions())


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_an_expression_names_only_metrics_and_labels_that_are_exposed(where: str, expression: str) -> None:
    bare = re.sub(r'"[^"]*"', "", expression)
    named = set(re.findall(r"\b(?:veille|process|python|go)_\w+|\bup\b", bare))
    assert named, expression
    assert named <= KNOWN.keys()
    labels = set(re.findall(r"(\w+)\s*=", re.sub(r"[<>=!]=", "", " ".join(re.findall(r"\{([^{}]*)\}", bare)))))
    labels |= {word for words in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare) for word in re.findall(r"\w+", words)}
    labels |= set(re.findall(r"\{\{(\w+)\}\}", bare))
    assert labels <= OF_THE_SCRAPE.union(*(KNOWN[name] for name in named)), where


def test_every_label_an_annotation_names_is_one_its_alert_has() -> None:
    for rule in rules():
        named = {label for text in rule["annotations"].values() for label in re.findall(r"\$labels\.(\w+)", text)}
        metrics = set(re.findall(r"\bveille_\w+|\bup\b", rule["expr"]))
        assert named, rule["alert"]
        assert named <= OF_THE_SCRAPE.union(*(KNOWN[name] for name in metrics)), rule["alert"]


def test_every_alert_says_how_bad_it_is_and_what_to_do_and_why_it_is_raised_then() -> None:
    text = RULES.read_text(encoding="utf-8")
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 10
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.search(rf"^ +# .*\.\n +- alert: {rule['alert']}$", text, re.MULTILINE), rule["alert"]


def test_every_command_that_an_alert_advises_exists() -> None:
    told = " ".join(text for rule in rules() for text in rule["annotations"].values())
    advised = re.findall(r"\bveille (\w+)(?: (show|test|list)\b)?", told)
    verbs = {(verb, noun) for verb, noun in advised if verb not in {"on", "would"}}
    assert {"feeds", "status", "verify", "doctor"} <= {verb for verb, _ in verbs}
    for verb, noun in verbs:
        command = veille.commands[verb]
        assert not noun or (isinstance(command, click.Group) and noun in command.commands)


def test_every_trouble_the_work_names_has_an_alert() -> None:
    asked = {name for rule in rules() for name in re.findall(r"veille_\w+|\bup\b", rule["expr"])}
    assert {
        "up",
        "veille_healthy",
        "veille_ready",
        "veille_scheduler_lag_seconds_bucket",
        "veille_feed_failing_since_timestamp_seconds",
        "veille_feed_silent",
        "veille_feed_gaps_total",
        "veille_disk_time_left_seconds",
        "veille_archive_damaged",
        "veille_config_last_reload_successful",
        "veille_articles_archived_total",
    } <= asked


def test_the_dashboard_can_be_imported_anywhere() -> None:
    assert DASHBOARD["uid"] == "veille"
    assert DASHBOARD["schemaVersion"] >= 36
    assert "id" not in DASHBOARD
    source = {"type": "prometheus", "uid": "${datasource}"}
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
        assert all('instance="$instance"' in target["expr"] for target in panel["targets"]), panel["title"]


def test_the_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


# -- with promtool -----------------------------------------------------------------------------------------------------


def promtool(*words: object) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", RULES)


@needs_promtool
def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    values = {"$instance": "a", "$__rate_interval": "5m"}
    groups = []
    for number, (_, expression) in enumerate(
        (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
    ):
        for variable, value in values.items():
            expression = expression.replace(variable, value)
        groups.append({"record": f"panel:{number}", "expr": expression})
    recorded = tmp_path / "panels.yaml"
    recorded.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": groups}]}), encoding="utf-8")
    promtool("check", "rules", recorded)


CASES: dict[str, tuple[dict[str, str], int, int]] = {
    "VeilleDown": ({'up{job="veille"}': "1x9 0x30"}, 14, 16),
    "VeilleHangs": ({"veille_healthy": "1x9 0x30"}, 14, 16),
    "VeilleNotReady": ({"veille_ready": "1x9 0x30"}, 19, 21),
    "VeilleRestarts": ({"veille_start_timestamp_seconds": "0 0 60 120 180 240x60"}, 4, 6),
    "VeilleLate": (
        {
            'veille_scheduler_lag_seconds_bucket{le="5.0"}': "0+60x60 3600x60",
            'veille_scheduler_lag_seconds_bucket{le="10.0"}': "0+60x120",
            'veille_scheduler_lag_seconds_bucket{le="+Inf"}': "0+60x120",
        },
        75,
        90,
    ),
    "VeilleFiguresStale": ({"veille_figures_timestamp_seconds": "0+60x30 1800x60"}, 49, 52),
    "VeilleReloadRefused": ({"veille_config_last_reload_successful": "1x9 0x30"}, 19, 21),
    "VeilleFeedFailing": ({'veille_feed_failing_since_timestamp_seconds{feed="x"}': "-85800x30"}, 9, 11),
    "VeilleMostFeedsFail": (
        {
            'veille_feed_failing{feed="x"}': "1x100",
            'veille_feed_failing{feed="y"}': "0x20 1x80",
            'veille_feed_failing{feed="z"}': "0x100",
        },
        50,
        52,
    ),
    "VeilleFeedSilent": ({'veille_feed_silent{feed="x"}': "0x9 1x100"}, 69, 71),
    "VeilleGap": ({'veille_feed_gaps_total{feed="x"}': "3x20 4x60"}, 20, 22),
    "VeilleNothingArchived": (
        {"veille_articles_archived_total": "7x60", "veille_start_timestamp_seconds": "-85800x60"},
        20,
        22,
    ),
    "VeilleDiskFillsUp": ({"veille_disk_time_left_seconds": "1300000x9 1200000x90"}, 69, 71),
    "VeilleDiskFull": ({"veille_disk_time_left_seconds": "200000x9 172000x90"}, 24, 26),
    "VeilleDamage": ({"veille_archive_damaged": "0x9 1x30"}, 9, 10),
    "VeilleVerifyOverdue": ({"veille_verify_last_timestamp_seconds": "-1295400x30"}, 9, 11),
}
"""For each alert, series with a value a minute, the last minute at which it is not raised, and one at which it is."""


@needs_promtool
def test_every_alert_comes_when_it_should_and_not_before(tmp_path: Path) -> None:
    assert CASES.keys() == {rule["alert"] for rule in rules()}
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": "{}", "value": raised}],
                }
                for minute, raised in ((quiet, 0), (loud, 1))
            ],
        }
        for alert, (series, quiet, loud) in CASES.items()
    ]
    written = tmp_path / "test.yaml"
    together = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    written.write_text(yaml.safe_dump(together), encoding="utf-8")
    promtool("test", "rules", written)
