"""What `make verify-k8s-live` sends to a real API server, as far as it can be told without one."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.k8s.verify import apiserver
from deploy.k8s.verify.__main__ import OVERLAYS
from deploy.k8s.verify.kustomization import build
from deploy.k8s.verify.live import Manifest, planted, pods_of

PROVINCE: list[Manifest] = list(build(OVERLAYS / "province"))


def test_a_pod_of_every_deployment_and_job_is_put_to_the_test() -> None:
    owners = {m["metadata"]["name"] for m in PROVINCE if m["kind"] in {"Deployment", "Job", "CronJob"}}
    assert {pod["metadata"]["name"].removesuffix("-x") for pod in pods_of(PROVINCE)} == owners
    assert all(pod["metadata"]["namespace"] and pod["spec"]["containers"] for pod in pods_of(PROVINCE))


def test_every_planted_error_is_one_change_and_leaves_the_overlay_as_it_was() -> None:
    before = json.dumps(PROVINCE, sort_keys=True, default=str)
    wrong = {what: manifest for what, manifest, _ in planted(PROVINCE)}
    assert len(wrong) == 6
    assert "replicaz" in wrong["a Deployment with a misspelt field"]["spec"]
    assert wrong["a pod on the host's network"]["spec"]["hostNetwork"]
    rooted: Any = wrong["a pod that may run as root"]["spec"]
    assert "runAsNonRoot" not in json.dumps(rooted)
    assert json.dumps(PROVINCE, sort_keys=True, default=str) == before


def test_kubernetes_own_module_file_becomes_that_of_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given.mod"
    given.write_text(
        "// generated\n\nmodule k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n"
    )
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho '{json.dumps({'GoMod': str(given), 'Dir': str(tmp_path)})}'\n")
    go.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(go))
    made = apiserver._go_mod()
    assert made.count("module ") == 1
    assert f"\tk8s.io/api => k8s.io/api v0.{apiserver.VERSION.partition('.')[2]}" in made
    assert made.rstrip().endswith(f"require k8s.io/kubernetes v{apiserver.VERSION}")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("HADIR_CACHE", str(tmp_path))
    with pytest.raises(Exception, match="Go builds the API server"):
        apiserver.built()
