"""Turns CustomResourceDefinitions into the strict JSON schemas beside it: `python -m deploy.k8s.verify.vendor CRD.yaml ...`."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

SCHEMAS: Final = Path(__file__).parents[1] / "schemas"

_TOLD: Final = ("description", "example", "examples", "title", "default", "externalDocs")
"""Prose, which is most of a CRD's bytes and decides nothing."""


class Loader(yaml.SafeLoader):
    """YAML as Go's libraries read it: a bare `=` is text."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def strict(schema: Any, *, top: bool = False) -> Any:
    """The schema of an object as an API server with strict field validation applies it: unknown fields are errors."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        # A pattern applies to the text only, as in the API server.
        return {
            "anyOf": [{"type": "integer"}, {"type": "string", **{k: schema[k] for k in ("pattern",) if k in schema}}]
        }
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            kept[key] = {name: strict(inner) for name, inner in value.items()}
        elif key not in _TOLD and not key.startswith("x-kubernetes"):
            kept[key] = strict(value)
    if schema.get("nullable"):
        kept["type"] = [kept.pop("type"), "null"]
        kept.pop("nullable")
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if "properties" in kept and not open_ended and "type" in kept:
        kept["additionalProperties"] = False
    if top:
        kept["properties"] |= {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
        }
        kept["required"] = sorted({*kept.get("required", ()), "apiVersion", "kind", "metadata"})
        # Its status is the operator's to write.
        kept["properties"].pop("status", None)
    return kept


def write(crd: Path) -> list[Path]:
    """Writes one file per served version of the CRDs in a YAML file; returns their paths."""
    written = []
    for document in yaml.load_all(crd.read_text(), Loader):
        spec = document["spec"]
        for version in spec["versions"]:
            if version["served"] and not version.get("deprecated"):
                folder = SCHEMAS / spec["group"]
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{spec['names']['kind'].lower()}_{version['name']}.json"
                schema = strict(version["schema"]["openAPIV3Schema"], top=True)
                path.write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")
                written.append(path)
    return written


def main(arguments: list[str]) -> int:
    """Writes the schemas of the named files and says which."""
    for argument in arguments:
        for path in write(Path(argument)):
            sys.stdout.write(f"{path.relative_to(SCHEMAS)}  {path.stat().st_size // 1024} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
