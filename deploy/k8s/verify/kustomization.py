"""What `kustomize build` makes of a folder, for the part of kustomize that these manifests keep to; the rest is refused.

Kept to: `namespace`, `resources`, `components`, `labels` (without selectors), `images`, and `patches` as lists of
JSON-patch operations with a target. Strategic merges, generators and plugins are refused by name, so what this reads is
read as kustomize reads it (a test compares the two where kustomize is installed).
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

Manifest: TypeAlias = dict[str, Any]

_FIELDS: Final = {"apiVersion", "kind", "namespace", "resources", "components", "labels", "images", "patches"}
_APIS: Final = {"Kustomization": "kustomize.config.k8s.io/v1beta1", "Component": "kustomize.config.k8s.io/v1alpha1"}
_CLUSTER_WIDE: Final = {
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "ClusterSecretStore",
    "StorageClass",
}


class Unbuildable(Exception):
    """The folder cannot be built, or not by this reader; the text names the file and the reason."""


def build(folder: Path) -> list[Manifest]:
    """Every object of an overlay, as `kustomize build FOLDER` prints them, in the order in which they were read."""
    return _accumulate(folder, [], "Kustomization")


def _accumulate(folder: Path, found: list[Manifest], kind: str) -> list[Manifest]:
    file, kustomization = _read(folder, kind)
    for entry in kustomization.get("resources", ()):
        path = folder / entry
        if path.is_dir():
            _add(found, _accumulate(path, [], "Kustomization"), path)
        elif path.is_file():
            _add(found, _documents(path), path)
        else:
            raise Unbuildable(f"{file}: there is no {entry}.")
    for entry in kustomization.get("components", ()):
        if not (folder / entry).is_dir():
            raise Unbuildable(f"{file}: there is no component {entry}.")
        _accumulate(folder / entry, found, "Component")
    for patch in kustomization.get("patches", ()):
        _patch(found, patch, file)
    if namespace := kustomization.get("namespace"):
        for manifest in found:
            _move(manifest, namespace)
    for entry in kustomization.get("labels", ()):
        _label(found, entry, file)
    for image in kustomization.get("images", ()):
        _retag(found, image, file)
    return found


def _read(folder: Path, kind: str) -> tuple[Path, dict[str, Any]]:
    file = folder / "kustomization.yaml"
    try:
        kustomization = yaml.safe_load(file.read_text())
    except OSError as error:
        raise Unbuildable(f"{file}: {error.strerror}.") from error
    if kustomization.get("kind") != kind or kustomization.get("apiVersion") != _APIS[kind]:
        raise Unbuildable(f"{file}: must be a {kind} of {_APIS[kind]}.")
    if unknown := set(kustomization) - _FIELDS:
        raise Unbuildable(f"{file}: {', '.join(sorted(unknown))} is more of kustomize than is used and checked here.")
    return file, kustomization


def _documents(path: Path) -> list[Manifest]:
    try:
        return [document for document in yaml.safe_load_all(path.read_text()) if document]
    except yaml.YAMLError as error:
        raise Unbuildable(f"{path}: {error}") from error


def _identity(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["apiVersion"].rpartition("/")[0], manifest["kind"], manifest["metadata"]["name"]


def _add(found: list[Manifest], more: list[Manifest], path: Path) -> None:
    for manifest in more:
        if not all(key in manifest for key in ("apiVersion", "kind", "metadata")):
            raise Unbuildable(f"{path}: a document without apiVersion, kind or metadata.")
        if _identity(manifest) in {_identity(other) for other in found}:
            raise Unbuildable(f"{path}: {manifest['kind']} {manifest['metadata']['name']} is declared twice.")
        found.append(manifest)


def _move(manifest: Manifest, namespace: str) -> None:
    if manifest["kind"] == "Namespace":
        manifest["metadata"]["name"] = namespace
    elif manifest["kind"] not in _CLUSTER_WIDE:
        manifest["metadata"]["namespace"] = namespace


def _label(found: list[Manifest], entry: Mapping[str, Any], file: Path) -> None:
    if set(entry) - {"pairs", "includeTemplates"}:
        raise Unbuildable(f"{file}: labels may have pairs and includeTemplates only; selectors never change.")
    for manifest in found:
        manifest["metadata"].setdefault("labels", {}).update(entry["pairs"])
        template = manifest.get("spec", {}).get("template", {}) if _has_pods(manifest) else {}
        if entry.get("includeTemplates") and template:
            template.setdefault("metadata", {}).setdefault("labels", {}).update(entry["pairs"])


def _has_pods(manifest: Manifest) -> bool:
    return manifest["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}


def of(objects: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """The objects of these kinds."""
    return [manifest for manifest in objects if manifest["kind"] in kinds]


def names(objects: Sequence[Manifest], kind: str) -> set[str]:
    """Names of the objects of a kind."""
    return {manifest["metadata"]["name"] for manifest in of(objects, kind)}


def containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Every container of a built-in workload, init containers included."""
    if _has_pods(manifest):
        pod = manifest["spec"]["template"]["spec"]
        yield from (*pod.get("initContainers", ()), *pod["containers"])


def _retag(found: list[Manifest], image: Mapping[str, str], file: Path) -> None:
    if set(image) - {"name", "newName", "newTag", "digest"}:
        raise Unbuildable(f"{file}: an image may have name, newName, newTag, digest.")
    for manifest in found:
        for container in containers(manifest):
            name, _, _ = re.fullmatch(r"([^@]+?)(?:(:)([^:/@]+))?(?:@.*)?", container["image"]).groups()  # type: ignore[union-attr]
            if name == image["name"]:
                ending = (
                    f"@{image['digest']}" if "digest" in image else f":{image['newTag']}" if "newTag" in image else ""
                )
                container["image"] = image.get("newName", name) + ending


def _patch(found: list[Manifest], entry: Mapping[str, Any], file: Path) -> None:
    if set(entry) != {"target", "patch"} or set(entry["target"]) - {"kind", "name", "group", "labelSelector"}:
        raise Unbuildable(f"{file}: a patch has a target (kind, name, group, labelSelector) and JSON-patch operations.")
    operations = yaml.safe_load(entry["patch"])
    if not isinstance(operations, list):
        raise Unbuildable(f"{file}: a patch is a list of JSON-patch operations here, never a strategic merge.")
    chosen = [manifest for manifest in found if _is_target(manifest, entry["target"])]
    if not chosen:
        raise Unbuildable(f"{file}: no object is the target {entry['target']}.")
    for manifest in chosen:
        for operation in operations:
            try:
                _apply(manifest, copy.deepcopy(operation))
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise Unbuildable(
                    f"{file}: {operation['op']} {operation['path']} does not fit {manifest['kind']}"
                    f" {manifest['metadata']['name']} ({error!r})."
                ) from error


def _is_target(manifest: Manifest, target: Mapping[str, str]) -> bool:
    group, kind, name = _identity(manifest)
    labels = manifest["metadata"].get("labels", {})
    wanted = [part.partition("=") for part in target["labelSelector"].split(",")] if "labelSelector" in target else []
    return (
        ("kind" not in target or bool(re.fullmatch(target["kind"], kind)))
        and ("name" not in target or bool(re.fullmatch(target["name"], name)))
        and target.get("group", group) == group
        and all(labels.get(key) == value for key, _, value in wanted)
    )


def _apply(manifest: Manifest, operation: Mapping[str, Any]) -> None:
    """One operation of RFC 6902 on an object, in place: add, replace or remove."""
    first, *parts = operation["path"].split("/")
    if first or not parts:
        raise ValueError("a path begins with /")
    *way, last = (part.replace("~1", "/").replace("~0", "~") for part in parts)
    place: Any = manifest
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    _OPERATIONS[operation["op"]](place, last, operation.get("value"))


def _insert(place: Any, last: str, value: Any) -> None:
    if isinstance(place, list):
        place.insert(len(place) if last == "-" else int(last), value)
    else:
        place[last] = value


def _replace(place: Any, last: str, value: Any) -> None:
    key = int(last) if isinstance(place, list) else last
    _ = place[key]  # what is replaced must be there
    place[key] = value


def _remove(place: Any, last: str, _value: Any) -> None:
    del place[int(last) if isinstance(place, list) else last]


_OPERATIONS: Final[Mapping[str, Callable[[Any, str, Any], None]]] = {
    "add": _insert,
    "replace": _replace,
    "remove": _remove,
}
