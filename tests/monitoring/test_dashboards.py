"""The dashboards: made from code, readable, linked, and asking for nothing that nobody tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.__main__ import DASHBOARDS, FOLDER, files
from deploy.grafana.queries import fit, selected, unknown_labels, unknown_metrics
from shared import metrics

ROOT = Path(__file__).parents[2]
def stored() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield dashboard["title"], panel


PANELS = list(stored())


def expressions() -> list[tuple[str, str]]:
    return [(f"{title} / {panel['title']}", target["expr"]) for title, panel in PANELS for target in panel["targets"]]


def test_the_json_is_what_the_code_makes() -> None:
    assert {path: path.read_text() for path in FOLDER.glob("*.json")} == files(), "run `make dashboards` and commit what it wrote"


def test_there_are_the_six_dashboards_each_with_its_own_fixed_uid() -> None:
    assert [dashboard.uid for dashboard in DASHBOARDS] == [
        "hadir-pagi-ini", "hadir-keadilan", "hadir-pipeline", "hadir-wfo-wfa", "hadir-tpp", "hadir-kafka-postgres",
    ]  # fmt: skip


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=[f"{d}-{p['title']}" for d, p in PANELS])
def test_every_panel_says_what_it_shows_and_in_which_unit(dashboard: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]


def test_no_two_panels_of_a_dashboard_overlap_or_have_the_same_name() -> None:
    for path in FOLDER.glob("*.json"):
        places: set[tuple[int, int]] = set()
        panels = json.loads(path.read_text())["panels"]
        named = [panel["title"] for panel in panels]
        for panel in panels:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert at["x"] + at["w"] <= 24
            assert not places & cells, f"{path.name}: {panel['title']}"
            places |= cells
        assert len(named) == len(set(named))


def test_every_dashboard_takes_its_data_source_from_a_variable() -> None:
    for path in FOLDER.glob("*.json"):
        dashboard = json.loads(path.read_text())
        assert [v["name"] for v in dashboard["templating"]["list"] if v["type"] == "datasource"] == ["datasource"]
        assert dashboard["timezone"] == "Asia/Jakarta"
        for uid in re.findall(r'"uid": "([^"]*)"', path.read_text()):
            assert uid in (dashboard["uid"], "${datasource}")


@pytest.mark.parametrize(("panel", "expression"), expressions(), ids=lambda value: value[:60])
def test_every_query_parses_and_asks_only_for_what_exists(panel: str, expression: str) -> None:
    assert not unknown_metrics(expression), (
        f"the panel {panel!r} asks for {', '.join(sorted(unknown_metrics(expression)))}, which shared/metrics.py does not declare"
    )


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=[f"{d}-{p['title']}" for d, p in PANELS])
def test_every_query_tells_series_apart_by_labels_that_they_have(dashboard: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        unknown = unknown_labels(target["expr"], target["legendFormat"])
        assert not unknown, f"the panel {dashboard} / {panel['title']} asks for labels that nobody tells, {unknown}: {target['expr']}"


@pytest.mark.parametrize(("expression", "legend", "unknown"), [
    ("sum by (opd) (hadir_opd_days)", "{{opd}}", set()),
    ("sum by (unit) (hadir_opd_days)", "", {"unit"}),
    ("sum(hadir_opd_days{place='WFO'})", "", {"place"}),
    ("hadir_opd_days", "{{unit}}", {"unit"}),
    ("sum by (opd) (hadir_opd_days) / on (org_unit) hadir_opd_marks", "", {"org_unit"}),
    ("histogram_quantile(0.95, sum by (le) (rate(hadir_accepted_to_assessed_seconds_bucket[1m])))", "", set()),
])  # fmt: skip
def test_a_label_that_was_renamed_is_found(expression: str, legend: str, unknown: set[str]) -> None:
    assert unknown_labels(expression, legend) == unknown


@pytest.mark.parametrize(("panel", "expression"), expressions(), ids=lambda value: value[:60])
def test_every_rate_is_taken_over_the_interval_that_grafana_chooses(panel: str, expression: str) -> None:
    assert all(window == "$__rate_interval" for window in re.findall(r"\brate\([^\[]*\[([^\]]+)\]", expression)), panel


@pytest.mark.parametrize(("panel", "expression"), expressions(), ids=lambda value: value[:60])
def test_counters_are_only_asked_for_their_growth_and_gauges_never(panel: str, expression: str) -> None:
    kinds = metrics.series()
    grown = set(re.findall(r"\b(?:rate|increase)\(\s*(\w+)", fit(expression)))
    counted = {name for name in selected(expression) if kinds.get(name) in ("counter", "histogram")}
    assert grown == counted, panel


@pytest.mark.parametrize(("panel", "expression"), expressions(), ids=lambda value: value[:60])
def test_where_nothing_is_known_a_panel_says_so_and_makes_up_no_value(panel: str, expression: str) -> None:
    assert set(re.findall(r"\bvector\(([^)]*)\)", expression)) <= {"0"}, f"{panel} shows a value when there is none"


def test_every_counter_ends_in_total_and_every_name_is_ours() -> None:
    for name, kind in metrics.series().items():
        assert name.startswith("hadir_")
        assert name.endswith("_total") == (kind == "counter")


def test_a_panel_whose_metric_was_renamed_is_named_in_the_failure() -> None:
    renamed = "sum(rate(hadir_ingest_taken_in_total[$__rate_interval]))"

    with pytest.raises(AssertionError, match=r"the panel 'Pagi ini / x' asks for hadir_ingest_taken_in_total, which"):
        test_every_query_parses_and_asks_only_for_what_exists("Pagi ini / x", renamed)


def test_every_link_of_a_panel_leads_to_a_runbook_that_exists() -> None:
    linked = {link["url"].removeprefix("${runbooks}/") for _, panel in PANELS for link in panel.get("links") or ()}

    assert linked
    assert {page for page in linked if not (ROOT / "docs" / "runbooks" / page).is_file()} == set()
