"""Would an API server with strict field validation take this object? Unknown kinds, versions and fields are faults."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource

from deploy.k8s.verify.kustomization import Manifest

KUBERNETES: Final = "1.37.0"
SCHEMAS: Final = Path(__file__).parents[1] / "schemas"
_BUILT_IN: Final = {
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "",
}


def faults(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the shape of one object, each as a sentence that names object and field."""
    kind, api = manifest["kind"], manifest["apiVersion"]
    name = f"{kind} {manifest['metadata'].get('name')}"
    group = api.rpartition("/")[0]
    validator = _built_in(api, kind) if group in _BUILT_IN else _custom(api, kind)
    if validator is None:
        yield f"{name}: there is no {kind} in {api} ({_known(group)})."
        return
    for error in sorted(validator.iter_errors(manifest), key=lambda error: error.json_path):
        told = _deepest(error)
        yield f"{name}: {told.json_path.removeprefix('$.')}: {told.message[:300]}"


def _deepest(error: ValidationError) -> ValidationError:
    """Of the branches of an anyOf, the fault that tells most."""
    return best_match([error]) or error


def _known(group: str) -> str:
    if group in _BUILT_IN:
        return f"of Kubernetes {KUBERNETES}"
    kinds = sorted(path.stem.replace("_", " of ") for path in (SCHEMAS / group).glob("*.json"))
    return f"known: {', '.join(kinds)}" if kinds else f"deploy/k8s/schemas has nothing of {group}"


@cache
def _custom(api: str, kind: str) -> Draft202012Validator | None:
    group, _, version = api.partition("/")
    path = SCHEMAS / group / f"{kind.lower()}_{version}.json"
    return Draft202012Validator(json.loads(path.read_text())) if path.is_file() else None


@cache
def _built_in(api: str, kind: str) -> Draft202012Validator | None:
    # The files are named by the first part of the group, as in rbac-v1 for rbac.authorization.k8s.io/v1.
    group, _, version = api.rpartition("/")
    parts = [kind.lower(), *([group.partition(".")[0]] if group else []), version]
    path = _folder() / f"{'-'.join(parts)}.json"
    if not path.is_file():
        return None
    schema = json.loads(path.read_text())
    return Draft202012Validator(schema, registry=_definitions().with_resource("", Resource.from_contents(schema)))


def _folder() -> Any:
    return files("kubernetes_validate").joinpath(f"kubernetes-json-schema/v{KUBERNETES}-local-strict")


@cache
def _definitions() -> Registry[Any]:
    definitions = Resource.from_contents(json.loads((_folder() / "_definitions.json").read_text()))
    empty: Registry[Any] = Registry()
    return definitions @ empty
