"""Rule packs as plain dicts, read from the policy file's own text; `extends` copies the other pack's keys."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def read_packs(path: Path) -> dict[str, dict[str, Any]]:
    """All packs of a file by name, inherited keys filled in."""
    raw: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(path.read_text())

    def whole(name: str) -> dict[str, Any]:
        own = dict(raw[name])
        parent = own.pop("extends", None)
        return own if parent is None else whole(parent) | own

    return {name: whole(name) for name in raw}
