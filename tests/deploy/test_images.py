"""What is for machines with Docker agrees with the rest: commands, settings, ports, and an image that needs no root."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.k8s.verify.__main__ import OVERLAYS
from deploy.k8s.verify.kustomization import build
from shared.settings import Settings
from shared.topics import SERVICES

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
SERVICES_OF_COMPOSE: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


APIS = ("geofence-api", "schedule-api", "payroll-api", "reports-api")


@pytest.mark.parametrize("service", [*SERVICES, *APIS])
def test_compose_starts_a_service_as_kubernetes_does(service: str) -> None:
    [deployment] = [
        item for item in build(OVERLAYS / "province") if item["kind"] == "Deployment" and item["metadata"]["name"] == f"hadir-{service}"
    ]  # fmt: skip
    pod = deployment["spec"]["template"]["spec"]
    composed = SERVICES_OF_COMPOSE[service]

    assert composed["command"] == pod["containers"][0]["command"]
    assert composed["stop_grace_period"] == f"{pod['terminationGracePeriodSeconds']}s"
    assert composed["user"] == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    port = Settings.model_fields[f"{service.replace('-', '_')}_port"].default
    assert composed["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_compose_sets_what_processes_read_and_waits_for_what_there_is() -> None:
    for name, service in SERVICES_OF_COMPOSE.items():
        names = {key for key in service.get("environment", {}) if key.startswith("HADIR_")}
        assert {key.removeprefix("HADIR_").lower() for key in names} <= set(Settings.model_fields), name
        assert set(service.get("depends_on", ())) <= set(SERVICES_OF_COMPOSE), name


def test_what_cannot_be_tried_here_says_so() -> None:
    assert "Not tried where this is developed" in (ROOT / "compose.yaml").read_text()
    assert "Not built where this is developed" in CONTAINERFILE


def test_the_image_runs_without_root_and_from_locked_packages() -> None:
    stages = CONTAINERFILE.split("\nFROM ")

    assert len(stages) == 3
    assert re.search(r"^USER 10001:10001$", stages[-1], re.MULTILINE)
    installs = [
        line for line in CONTAINERFILE.splitlines() if re.search(r"pip install", line) and "--no-deps" not in line
    ]
    assert installs
    assert all("--require-hashes" in line or "--constraint requirements.lock" in line for line in installs)


def test_the_image_gets_only_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        part for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE) for part in line.split()
    }

    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
