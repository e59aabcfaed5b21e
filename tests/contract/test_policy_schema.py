"""The committed JSON Schema of policy files is the one that the code makes, and it knows what the checker knows."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from shared.policy.schema import policy_file_schema

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "policy.schema.json"
EXAMPLES = ROOT / "services" / "schedule" / "policies" / "golden-policies.yaml"
_REGULATION = re.compile(
    r"\b(PP|Perpres|Permen\w*|PMK|ANRI|Bapanas|Perbup|Pergub|Keppres|BKN|SE)\b|\brow \d+|\bdomain\b|Rejang Lebong|Ngawi|Kalsel"
)


def committed() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA.read_text())
    return schema


def test_the_committed_schema_is_the_one_that_the_code_makes() -> None:
    assert committed() == policy_file_schema(), "run: hadir policy schema > docs/policy.schema.json"


def test_every_key_of_a_pack_has_a_source_or_says_what_its_default_is() -> None:
    schema = committed()
    for name, key in schema["$defs"]["Policy"]["properties"].items():
        says = "default" in key["description"].lower() or "default" in key or _REGULATION.search(key["description"])
        assert says or name == "extends", f"{name}: name its article, or say what the default is"


def test_the_examples_fit_the_schema() -> None:
    packs = YAML(typ="safe", pure=True).load(EXAMPLES.read_text())

    jsonschema.validate(packs, committed())


@pytest.mark.parametrize(
    "pack",
    [
        {"tk_dya": "3"}, {"tk_day": 3}, {"tk_day": "1/2"}, {"base": "salary"}, {"marks": ["lunch"]},
        {"tl": [{"code": "A", "min": 1, "pct": "1"}]},
    ],
)
def test_an_editor_refuses_what_the_checker_refuses(pack: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"P": pack}, committed())
