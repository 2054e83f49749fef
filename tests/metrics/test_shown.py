"""The dashboard, the alerts and the page about metrics speak of what is told, and all that is told is spoken of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from metrics.promql import KNOWN, labels_of, read

from adapter.metrics import table
from adapter.settings import Settings

Json = dict[str, Any]
ROOM = Path(__file__).parents[2] / "adapter" / "metrics"
DASHBOARD: Json = json.loads((ROOM / "grafana.json").read_text())
PAGE = (ROOM / "README.md").read_text()
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
ALERTS: list[Json] = [
    rule for group in yaml.safe_load((ROOM / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
NOT_SHOWN = {"process_virtual_memory_bytes"}
"""It says little of a process that maps its files."""


def title(panel: Json) -> str:
    return str(panel["title"])


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        pytest.param("sum by (decision) (rate(coaching_adapter_lines_decided_total[5m]))", [], id="good"),
        pytest.param("coaching_adapter_dead_letters > 0", [], id="a gauge"),
        pytest.param("rate(coaching_adapter_lines_total[5m])", ["no metric coaching_adapter_lines_total"], id="name"),
        pytest.param(
            'rate(coaching_adapter_lines_decided_total{claim="x"}[5m])',
            ["coaching_adapter_lines_decided_total has no label claim"],
            id="label",
        ),
        pytest.param(
            'rate(coaching_adapter_lines_decided_total{job="x", decision="APPROVE"}[5m])',
            ["coaching_adapter_lines_decided_total: no decision is APPROVE"],
            id="word",
        ),
        pytest.param(
            "sum by (rule) (rate(coaching_adapter_lines_decided_total[5m]))",
            ["coaching_adapter_lines_decided_total has no label rule"],
            id="grouped by another label",
        ),
        pytest.param("rat(coaching_adapter_dead_letters)", ["no function rat"], id="function"),
        pytest.param(
            "coaching_adapter_lines_decided_total",
            ["coaching_adapter_lines_decided_total is a counter, so it is told by its rate"],
            id="a counter without rate",
        ),
        pytest.param(
            "rate(coaching_adapter_dead_letters[5m])",
            ["coaching_adapter_dead_letters is a gauge, so it is not told by its rate"],
            id="the rate of a gauge",
        ),
        pytest.param("coaching_adapter_stage_seconds", ["no metric coaching_adapter_stage_seconds"], id="a histogram"),
    ],
)
def test_the_reader_finds_faults(expression: str, faults: list[str]) -> None:
    assert read(expression).faults == faults


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_a_panel_speaks_of_what_is_told(panel: Json) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        found = read(target["expr"])
        assert found.faults == []
        assert found.metrics
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        of_all = {label for name in found.metrics for label in labels_of(KNOWN[name])}
        assert named <= (found.labels or of_all), "a legend names what comes out"
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_everything_that_is_told_is_shown() -> None:
    shown = {name for panel in PANELS for target in panel["targets"] for name in read(target["expr"]).metrics}
    assert KNOWN.keys() - shown == NOT_SHOWN
    assert shown <= KNOWN.keys()


def test_panels_have_ids_of_their_own_and_lie_beside_each_other() -> None:
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for each in DASHBOARD["panels"]:
        place = each["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, each["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_variables_are_made_of_what_is_told() -> None:
    made = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"(?<!by )\$\{?([a-z]+)", json.dumps(PANELS)))
    assert used == made.keys()
    assert made["job"]["definition"] == f"label_values({table.BUILD.name}, job)"


# --- alerts


@pytest.mark.parametrize("rule", ALERTS, ids=lambda each: str(each["alert"]))
def test_an_alert_speaks_of_what_is_told_and_says_what_to_do(rule: Json) -> None:
    found = read(rule["expr"])
    assert found.faults == []
    assert found.metrics
    assert re.search(r" (>|<|==) ", rule["expr"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]
    assert f"`{rule['alert']}`" in PAGE


# --- the page


@pytest.mark.parametrize("metric", table.TABLE, ids=lambda each: each.name)
def test_the_page_lists_every_metric_as_it_is(metric: table.Metric) -> None:
    labels = ", ".join(f"`{each}`" for each in metric.labels)
    assert f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |" in PAGE


def test_the_page_lists_no_other_metric() -> None:
    listed = re.findall(r"^\| `(coaching_adapter_\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(each.name for each in table.TABLE)


@pytest.mark.parametrize("label", table.LABELS)
def test_the_page_lists_the_words_of_every_label(label: str) -> None:
    (row,) = re.findall(rf"^\| `{label}` \| (.*) \|$", PAGE, re.MULTILINE)
    words = table.LABELS[label]
    if words is not None:
        assert re.findall(r"`([^`]+)`", row) == list(words)


def test_the_page_names_every_setting() -> None:
    named = {f"ADAPTER_{each.upper()}" for each in Settings.model_fields if each.startswith(("metrics_", "traces_"))}
    assert named == set(re.findall(r"ADAPTER_(?:METRICS|TRACES)_[A-Z]+", PAGE))


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_scrape_config_is_one(block: str) -> None:
    for job in yaml.safe_load(block)["scrape_configs"]:
        assert job.get("metrics_path", "/metrics") == "/metrics"
        assert all(re.fullmatch(r"[\w.-]+:\d+", each) for group in job["static_configs"] for each in group["targets"])
