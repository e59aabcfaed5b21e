"""`python -m deploy.prometheus`: writes what Kubernetes gets of dashboards and rules (part of `make dashboards`)."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.grafana.__main__ import files as dashboards
from shared.topics import DEDUCTION, TOPICS

RULES: Final = Path(__file__).parent / "rules"
COMPONENT: Final = Path(__file__).parents[1] / "k8s" / "components" / "monitoring"
MONITOR: Final = Path(__file__).parents[1] / "k8s" / "base" / "monitor"

_HEAD: Final = (
    "# Made by `make dashboards` from deploy/prometheus/rules.\n"
    "# The label that your Prometheus selects rules by belongs into the overlay.\n"
)


def rule_files() -> list[Path]:
    """The files with rules, as Prometheus reads them."""
    return sorted(RULES.glob("*.yml"))


def rule_object() -> dict[str, Any]:
    """The PrometheusRule with all groups of all files."""
    groups = [group for path in rule_files() for group in yaml.safe_load(path.read_text())["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "hadir"},
        "spec": {"groups": groups},
    }


def config_maps() -> list[dict[str, Any]]:
    """A ConfigMap for each dashboard, labelled as Grafana's sidecar looks for them."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"hadir-dashboard-{path.stem.removeprefix('hadir-')}",
                "labels": {"grafana_dashboard": "1"},
                "annotations": {"grafana_folder": "Hadir"},
            },
            "data": {path.name: content},
        }
        for path, content in dashboards().items()
    ]


def monitor_user() -> dict[str, Any]:
    """The KafkaUser of services/monitor: it asks every topic how far it goes, and reads only ledger entries, to compare them."""
    rights = [
        {
            "resource": {"type": "topic", "name": topic.name, "patternType": "literal"},
            "operations": ["Describe", "Read"] if topic is DEDUCTION else ["Describe"],
        }
        for topic in TOPICS
    ]
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": {"name": "hadir-monitor", "labels": {"strimzi.io/cluster": "hadir"}},
        "spec": {"authentication": {"type": "scram-sha-512"}, "authorization": {"type": "simple", "acls": rights}},
    }


def files() -> Mapping[Path, str]:
    """Every generated file with its content."""
    return {
        COMPONENT / "rules.yaml": _HEAD + _yaml([rule_object()]),
        MONITOR / "user.yaml": "# Made by `make topics` from shared/topics.py.\n" + _yaml([monitor_user()]),
        COMPONENT / "dashboards.yaml": "# Made by `make dashboards` from deploy/grafana.\n" + _yaml(config_maps()),
    }


def _yaml(objects: list[dict[str, Any]]) -> str:
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that a change of a dashboard is read as one."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def main() -> int:
    """Write what differs."""
    for path, content in files().items():
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            sys.stdout.write(f"wrote {path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
