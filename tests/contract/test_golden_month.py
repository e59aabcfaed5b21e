"""The golden month as committed: every record is what the contract promises, and what other systems make of it adds up."""

import gzip
import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from services.contract.asyncapi import key_schema
from services.contract.files import FOLDER
from services.contract.schemas import schema_of
from shared.topics import DEDUCTION, DISCIPLINE, TOPICS, TPP_MONTH, VIOLATION

MONTH: Final = Path(__file__).parents[2] / FOLDER / "golden-month"
FILES: Final = sorted((MONTH / "records").glob("*.jsonl.gz"))


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress((MONTH / "records" / f"{name}.jsonl.gz").read_bytes()).splitlines()]


@pytest.mark.parametrize("name", [path.name.removesuffix(".jsonl.gz") for path in FILES])
def test_every_record_is_valid_by_the_schemas_of_key_and_value(name: str) -> None:
    [topic] = [topic for topic in TOPICS if topic.name == name]
    value = jsonschema.Draft202012Validator(schema_of(topic), format_checker=jsonschema.FormatChecker())
    key = jsonschema.Draft202012Validator(key_schema(topic))

    for record in records(name):
        value.validate(record["value"])
        key.validate(record["key"])
        assert record["headers"]["ce_type"] == topic.ce_type


def test_versions_on_uncompacted_topics_have_no_holes() -> None:
    last: dict[str, int] = {}
    for record in records(VIOLATION.name):
        value = record["value"]
        assert value["version"] == last.get(value["violation_id"], 0) + 1
        last[value["violation_id"]] = value["version"]
    assert max(last.values()) > 1


def test_the_ledger_of_each_month_sums_to_its_last_total_and_a_closed_month_says_so() -> None:
    totals: dict[str, dict[str, Any]] = {record["key"]: record["value"] for record in records(TPP_MONTH.name)}
    ledger: dict[str, int] = dict.fromkeys(totals, 0)
    for record in records(DEDUCTION.name):
        ledger[f"{record['value']['employee_id']}|{record['value']['month']}"] += record["value"]["amount"]

    assert ledger == {key: (value["amount"] or 0) + value["supplementary"] for key, value in totals.items()}
    assert sorted(value["amount"] or 0 for key, value in totals.items() if key.endswith("2026-02")) == [0, 60_000, 157_500]
    assert {value["state"] for key, value in totals.items() if key.endswith("2026-02")} == {"CLOSED"}


def test_it_has_a_record_of_every_topic_or_says_why_not() -> None:
    told = (MONTH / "README.md").read_text()
    reasons = dict(re.findall(r"^\| `(hadir\.[^`]+)` \| (\S.*\S) \|$", told, re.MULTILINE))
    there = {path.name.removesuffix(".jsonl.gz") for path in FILES}

    assert there.isdisjoint(reasons)
    assert there | reasons.keys() == {topic.name for topic in TOPICS}
    assert all(records(name) for name in there)


def test_a_warning_is_proposed_and_taken_back_when_leave_comes_late() -> None:
    steps = [(record["value"]["step"], record["value"]["action"], record["value"]["version"]) for record in records(DISCIPLINE.name)]

    assert steps == [("ORAL_WARNING", "proposed", 1), ("ORAL_WARNING", "withdrawn", 2)]


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 500_000
