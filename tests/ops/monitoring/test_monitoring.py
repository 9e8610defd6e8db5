"""Dashboards and alert rules ask for metrics that exist, by labels and values that they have; each alert has a runbook."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from ops.stack.plan import SERVICES
from shared import metrics
from shared.meters import INSTRUMENTS, Bounded, Meter
from tests.conftest import ROOT

HERE = ROOT / "ops" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((HERE / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
BOARDS = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (HERE / "dashboards").glob("*.json")
}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

QUERIES = {f"alert {rule['alert']}": rule["expr"] for rule in RULES} | {
    f"{name}: {panel['title']} ({target['refId']})": target["expr"]
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel["targets"]
}
OF_EVERYBODY = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""What Prometheus and its client library count by themselves."""
GIVEN = {"job", "instance", "le"}
"""Labels that Prometheus adds."""

assert metrics.__doc__  # importing it declares every metric
SAMPLES: dict[str, Meter] = {sample: meter for meter in INSTRUMENTS.values() for sample in meter.samples()}


def selectors(expression: Any) -> Iterator[Any]:
    """Every metric that a query reads, as Prometheus' own grammar finds them."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        inner = getattr(expression, name, None)
        if inner is not None:
            yield from selectors(inner)
    for inner in getattr(expression, "args", None) or ():
        yield from selectors(inner)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_reads_metrics_that_exist_by_labels_that_they_have(name: str) -> None:
    found = list(selectors(promql_parser.parse(QUERIES[name])))
    assert found
    grouped = {label for by in re.findall(r"\bby \(([^)]*)\)", QUERIES[name]) for label in by.split(", ")}
    known: set[str] = set()
    for selector in found:
        if selector.name in OF_EVERYBODY:
            known |= GIVEN
            continue
        assert selector.name in SAMPLES, f"no metric is called {selector.name}"
        meter = SAMPLES[selector.name]
        known |= {*meter.labels, *GIVEN}
        for matcher in selector.matchers.matchers:
            assert matcher.name in {*meter.labels, *GIVEN}
            bound = meter.labels.get(matcher.name)
            if bound is not None and not isinstance(bound, Bounded):
                assert set(matcher.value.split("|")) <= set(bound), matcher
    assert grouped <= known


def test_every_metric_is_shown_somewhere() -> None:
    read = {selector.name for query in QUERIES.values() for selector in selectors(promql_parser.parse(query))}
    unseen = [meter.name for meter in INSTRUMENTS.values() if not read & {*meter.samples()}]
    assert unseen == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_has_a_runbook(rule: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")

    assert rule["annotations"]["runbook"] == f"docs/how-to/alerts.md#{rule['alert'].lower()}"
    assert re.search(rf"^## {rule['alert']}\n\n\S", page, re.MULTILINE)
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["labels"]["severity"] in {"page", "look"}


def test_every_runbook_has_its_alert() -> None:
    page = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_prometheus_asks_every_api_and_every_worker_where_compose_runs_them() -> None:
    asked = yaml.safe_load((HERE / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {target for job in asked for one in job["static_configs"] for target in one["targets"]}

    ports = {kind: COMPOSE["services"][f"dunning-{kind}"]["environment"] for kind in ("api", "worker")}
    assert targets == {
        *(f"{service}-api:{ports['api']['RELANCE_PORT']}" for service in SERVICES),
        *(f"{service}-worker:{ports['worker']['RELANCE_WORKER_PORT']}" for service in SERVICES),
    }
    assert all(job["authorization"]["credentials_file"] == "/run/secrets/metrics_token" for job in asked)


def test_the_profile_mounts_files_that_are_there_and_starts_only_when_asked() -> None:
    for name in ("prometheus", "grafana"):
        one = COMPOSE["services"][name]
        assert one["profiles"] == ["monitoring"]
        assert all(port.startswith("127.0.0.1:") for port in one["ports"])
        mounted = [volume.split(":")[0] for volume in one["volumes"] if volume.startswith("./")]
        assert mounted
        assert all((ROOT / path).exists() for path in mounted)
    assert COMPOSE["secrets"]["metrics_token"] == {"environment": "RELANCE_METRICS_TOKEN"}


def test_dashboards_have_ids_of_their_own_and_panels_that_do_not_overlap() -> None:
    assert set(BOARDS) == {"overview", "webhooks", "dunning", "workers"}
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    for board in BOARDS.values():
        cells = [
            (x, y)
            for panel in board["panels"]
            for at in [panel["gridPos"]]
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24


def test_prometheus_own_tool_finds_nothing_wrong() -> None:
    """Where it is installed; the grammar above holds everywhere."""
    tool = shutil.which("promtool")
    if tool is not None:
        ran = subprocess.run(
            [tool, "check", "rules", str(HERE / "alerts.yml")], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
