"""The alerts: sound, tested, each with a page that helps, and the same in Kubernetes as in the file."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.queries import unknown_labels, unknown_metrics
from deploy.prometheus.__main__ import files, rule_files, rule_object
from services.local.prometheus import fetch_tools
from services.local.supervisor import COMMANDS, WATCHERS
from shared.settings import Settings
from tests.pages import missing_command, named_commands

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
TESTS = ROOT / "deploy" / "prometheus" / "tests"
RULES: list[dict[str, Any]] = [rule for group in rule_object()["spec"]["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


def without_runbook(rules: list[dict[str, Any]]) -> list[str]:
    """A sentence for each alert whose page is missing or not linked."""
    return [
        f"The alert {rule['alert']} has no runbook: write docs/runbooks/{rule['alert']}.md and name it in runbook_url."
        for rule in rules
        if not (RUNBOOKS / f"{rule['alert']}.md").is_file()
        or rule.get("annotations", {}).get("runbook_url") != f"https://hadir.example/runbooks/{rule['alert']}.md"
    ]


def test_promtool_finds_the_rules_sound_and_their_tests_pass() -> None:
    tool = str(fetch_tools().promtool)
    for arguments in (["check", "rules", *map(str, rule_files())], ["test", "rules", *map(str, TESTS.glob("*_test.yml"))]):
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_seen_to_fire_in_a_test() -> None:
    fired = {
        case["alertname"]
        for path in TESTS.glob("*_test.yml") for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"] if case["exp_alerts"]
    }  # fmt: skip

    assert {rule["alert"] for rule in ALERTS} - fired == set()


def test_every_alert_has_a_runbook_of_its_own() -> None:
    assert without_runbook(ALERTS) == []


def test_an_alert_without_a_runbook_is_named() -> None:
    assert without_runbook([{"alert": "HadirNew", "annotations": {}}]) == [
        "The alert HadirNew has no runbook: write docs/runbooks/HadirNew.md and name it in runbook_url."
    ]


def test_every_runbook_belongs_to_an_alert_and_the_index_names_all() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}

    assert pages == {rule["alert"] for rule in ALERTS}
    assert set(re.findall(r"\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())) == pages


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_how_urgent_it_is(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("Hadir")
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_only_for_what_exists(rule: dict[str, Any]) -> None:
    recorded = {other["record"] for other in RULES if "record" in other}

    assert unknown_metrics(rule["expr"]) - recorded == set()
    told = " ".join(rule.get("annotations", {}).values()).replace("{{ $labels.", "{{")
    assert unknown_labels(rule["expr"], told) == set()


def test_recording_rules_are_named_level_metric_operation() -> None:
    assert all(re.fullmatch(r"\w+:\w+:\w+", rule["record"]) for rule in RULES if "record" in rule)


def test_what_kubernetes_gets_of_rules_and_dashboards_is_made_from_them() -> None:
    assert {path: path.read_text() for path in files()} == files(), "run `make dashboards` and commit what it wrote"


@pytest.mark.parametrize(("page", "line"), named_commands(RUNBOOKS.glob("*.md")))
def test_every_command_that_a_runbook_names_exists(page: str, line: str) -> None:
    assert missing_command(line) is None, f"{page} names {missing_command(line)!r}, which does not exist"


def test_commands_that_do_not_exist_would_be_found() -> None:
    assert missing_command("hadir verify equilibrium") == "hadir verify equilibrium"
    assert missing_command("hadir run --backwards") == "hadir run --backwards"
    assert missing_command("make everything-well") == "make everything-well"


def test_every_deployment_that_a_runbook_names_is_in_the_manifests() -> None:
    manifests = "\n".join(path.read_text() for path in (ROOT / "deploy" / "k8s").rglob("*.yaml"))
    named = {name for path in RUNBOOKS.glob("*.md") for name in re.findall(r"deploy/(hadir-\w+)", path.read_text())}

    assert named
    assert {name for name in named if f"name: {name}\n" not in manifests} == set()


def test_the_configuration_for_outside_is_sound_and_scrapes_every_process_by_its_port() -> None:
    file = ROOT / "deploy" / "prometheus" / "prometheus.yml"
    done = subprocess.run([fetch_tools().promtool, "check", "config", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in yaml.safe_load(file.read_text())["scrape_configs"]}
    ports = {name.replace("_", "-"): Settings.model_fields[f"{name}_port"].default for name in (*COMMANDS, *WATCHERS)}
    assert scraped == {name: [f"{name}:{port}"] for name, port in ports.items()}


def test_grafana_finds_the_dashboards_by_its_own_documents() -> None:
    provider = yaml.safe_load((ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "hadir.yaml").read_text())["providers"][0]
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["grafana"]

    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert f"./deploy/grafana/json:{provider['options']['path']}:ro" in composed["volumes"]
    maps = list(yaml.safe_load_all((ROOT / "deploy" / "k8s" / "components" / "monitoring" / "dashboards.yaml").read_text()))
    assert {item["metadata"]["labels"]["grafana_dashboard"] for item in maps} == {"1"}
    assert len(maps) == 6
