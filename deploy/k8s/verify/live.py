"""`make verify-k8s-live`: a real API server takes every overlay, field by field, and refuses what it should refuse.

Server-side apply with strict field validation; CRDs with their CEL rules; each pod as its Deployment or Job would make it,
admitted under the namespace's own pod security. Other folders may be named, as with verify-k8s. Exit code 1 on any fault.
"""

import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.k8s.verify.__main__ import OVERLAYS
from deploy.k8s.verify.apiserver import VERSION, built, running
from deploy.k8s.verify.crds import definitions
from deploy.k8s.verify.kustomization import Unbuildable, build
from services.local.process import LocalError

_APPLY: Final = {"fieldManager": "verify", "force": "true", "fieldValidation": "Strict"}
_ESTABLISHED_WITHIN_S: Final = 60

Manifest = Mapping[str, Any]


class Cluster:
    """The API server as `kubectl apply` would use it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._places: dict[tuple[str, str], tuple[str, bool]] = {}

    def apply(self, manifest: Manifest) -> str | None:
        """Server-side apply with strict validation; what the server says against it, or None."""
        return self._refusal(self._client.patch(
            self._path(manifest), params=_APPLY, content=json.dumps(manifest),
            headers={"Content-Type": "application/apply-patch+yaml"},
        ))  # fmt: skip

    def admit(self, pod: Manifest) -> str | None:
        """Whether a pod would be admitted, without keeping it; what the server says against it, or None."""
        path = self._path(pod).rpartition("/")[0]
        return self._refusal(self._client.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=dict(pod)))

    def forget_places(self) -> None:
        """Kinds may have been added."""
        self._places.clear()

    def knows(self, manifest: Manifest) -> bool:
        """Whether the server serves this kind yet."""
        try:
            self._path(manifest)
        except KeyError:
            return False
        return True

    def _refusal(self, answer: httpx.Response) -> str | None:
        return None if answer.is_success else f"{answer.status_code} {answer.json().get('message', answer.text)}"

    def _path(self, manifest: Manifest) -> str:
        api, kind, meta = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        root = f"/apis/{api}" if "/" in api else f"/api/{api}"
        if (api, kind) not in self._places:
            told = self._client.get(root)
            for resource in told.json()["resources"] if told.is_success else ():
                if "/" not in resource["name"]:
                    self._places[api, resource["kind"]] = (resource["name"], resource["namespaced"])
        plural, namespaced = self._places[api, kind]
        within = f"/namespaces/{meta.get('namespace', 'default')}" if namespaced else ""
        return f"{root}{within}/{plural}/{meta['name']}"


def pods_of(manifests: list[Manifest]) -> Iterator[Manifest]:
    """A pod of each Deployment, Job and CronJob, as its controller would make it."""
    for manifest in manifests:
        spec = manifest.get("spec") or {}
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if manifest["kind"] in {"Deployment", "Job", "CronJob"}:
            template = spec["template"]
            meta = {**template.get("metadata", {}), "name": f"{manifest['metadata']['name']}-x"}
            # A Job's pods are made with what the Job leaves to its controller.
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": meta | {"namespace": manifest["metadata"]["namespace"]},
                   "spec": template["spec"]}  # fmt: skip


def faults_of(cluster: Cluster, manifests: list[Manifest]) -> list[str]:
    """What the API server has against an overlay."""
    first = sorted(manifests, key=lambda found: found["kind"] != "Namespace")
    against = [(f"{manifest['kind']} {manifest['metadata']['name']}", cluster.apply(manifest)) for manifest in first]
    against += [(f"pod of {pod['metadata']['name'].removesuffix('-x')}", cluster.admit(pod)) for pod in pods_of(manifests)]
    return [f"{what}: {refusal}" for what, refusal in against if refusal]


def planted(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, bool]]:
    """Errors that must be refused: what is wrong, the object, and whether it is a pod to be admitted."""
    for kind, path in (("Deployment", ("spec", "replicaz")), ("KafkaTopic", ("spec", "partitionz")), ("ScaledObject", ("spec", "trigerz"))):
        found = next((manifest for manifest in manifests if manifest["kind"] == kind), None)
        if found is not None:
            wrong = copy.deepcopy(dict(found))
            wrong[path[0]][path[1]] = 3
            yield f"a {kind} with a misspelt field", wrong, False
    pod = next(pods_of(manifests))
    for what, spoil in _SPOILT.items():
        spoilt = copy.deepcopy(dict(pod))
        spoil(spoilt["spec"])
        yield what, spoilt, True


def _as_root(spec: dict[str, Any]) -> None:
    for place in (spec, *spec["containers"]):
        place.get("securityContext", {}).pop("runAsNonRoot", None)


def _privileged(spec: dict[str, Any]) -> None:
    spec["containers"][0].setdefault("securityContext", {})["privileged"] = True


def _on_the_host(spec: dict[str, Any]) -> None:
    spec["hostNetwork"] = True


_SPOILT: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "a pod that may run as root": _as_root,
    "a privileged container": _privileged,
    "a pod on the host's network": _on_the_host,
}


def main(arguments: list[str]) -> int:
    """Applies the named overlays, or all of this folder, and plants errors in each; 1 when something is not as it should be."""
    overlays = [Path(argument) for argument in arguments] or sorted(path for path in OVERLAYS.iterdir() if path.is_dir())
    failed = False
    with ThreadPoolExecutor(1) as beside:  # fetching waits for the network while building waits for processors
        fetched = beside.submit(definitions)
        built()
        crds = fetched.result()
    with tempfile.TemporaryDirectory(prefix="hadir-live-") as folder, running(Path(folder)) as server:
        cluster = Cluster(server.client)
        sys.stdout.write(f"kube-apiserver {VERSION} answers\n")
        for definition in crds:
            if refusal := cluster.apply(definition):
                raise LocalError(f"{definition['metadata']['name']}: {refusal}")
        _await_kinds(cluster, crds)
        sys.stdout.write(f"{len(crds)} definitions of custom resources are served\n")
        for overlay in overlays:
            manifests: list[Manifest] = list(build(overlay))
            faults = faults_of(cluster, manifests)
            refused = 0
            for what, wrong, is_pod in planted(manifests):
                if (cluster.admit if is_pod else cluster.apply)(wrong) is None:
                    faults.append(f"{what} was taken")
                else:
                    refused += 1
            failed = failed or bool(faults)
            sys.stdout.write(f"{overlay.name}: {len(manifests)} objects and {sum(1 for _ in pods_of(manifests))} pods taken, "
                             f"{refused} planted errors refused, {len(faults) or 'no'} faults\n")  # fmt: skip
            sys.stdout.writelines(f"  {fault}\n" for fault in faults)
            sys.stdout.flush()
    return int(failed)


def _await_kinds(cluster: Cluster, crds: list[dict[str, Any]]) -> None:
    deadline = time.monotonic() + _ESTABLISHED_WITHIN_S
    while True:
        cluster.forget_places()
        missing = [
            crd["metadata"]["name"] for crd in crds
            if not cluster.knows({
                "apiVersion": f"{crd['spec']['group']}/{next(v['name'] for v in crd['spec']['versions'] if v['storage'])}",
                "kind": crd["spec"]["names"]["kind"], "metadata": {"name": "x"},
            })
        ]  # fmt: skip
        if not missing:
            return
        if time.monotonic() > deadline:
            raise LocalError(f"The API server does not serve {', '.join(missing)} after {_ESTABLISHED_WITHIN_S} s.")
        time.sleep(0.2)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (LocalError, Unbuildable) as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(1)
