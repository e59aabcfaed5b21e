"""JSON Schema of policy files, made from the model, so that editors know every key, its meaning and its default."""

from typing import Any

from shared.policy.model import Policy


def policy_file_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a file: a mapping of names to policies, each of which may extend another."""
    policy = Policy.model_json_schema(mode="validation")
    definitions = policy.pop("$defs", {})
    policy["properties"] = {
        "extends": {"type": "string", "description": "name of the policy whose keys are inherited; own keys replace them"},
        **policy["properties"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hadir policy file",
        "description": "Rule packs by name. Percents are quoted exact decimals of the policy's base.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/Policy"},
        "$defs": {**definitions, "Policy": policy},
    }
