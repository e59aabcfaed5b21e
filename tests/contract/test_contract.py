"""The contract with other systems: it says what the code says, judges agree that it is valid, and no release is broken."""

import copy
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import jsonschema
import orjson
import pytest
from pydantic import create_model
from ruamel.yaml import YAML

from services.contract import asyncapi, files
from services.contract.compatibility import breaks, topic_breaks
from services.contract.registry import Registry
from services.contract.schemas import facts_of, schema_of
from shared.envelope import Envelope
from shared.events import Event, TppMonthChanged
from shared.refusal import Refusal
from shared.topics import DAY_ASSESSED, TOPICS, TPP_MONTH, VIOLATION, Topic
from tests import outside
from tests.outside import apicurio

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / files.FOLDER
SAMPLES = ROOT / files.SAMPLES
SPECIFICATION = json.loads((CONTRACT / "asyncapi-3.0.0.schema.json").read_bytes())


def described() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(CONTRACT / "asyncapi.yaml")
    return read


def test_the_files_say_what_the_code_says_and_no_release_is_broken() -> None:
    assert files.faults(TOPICS, ROOT) == []


def faults_of(document: dict[str, Any]) -> list[str]:
    """What AsyncAPI's own schema has against a document, and references that lead nowhere."""
    found = [f"{fault.json_path}: {fault.message}" for fault in jsonschema.Draft7Validator(SPECIFICATION).iter_errors(document)]
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        here: Any = document
        for step in reference.split("/"):
            here = here.get(step) if isinstance(here, dict) else None
        if here is None:
            found.append(f"#/{reference} leads nowhere")
    return found


def test_the_asyncapi_file_is_valid_by_asyncapis_own_schema() -> None:
    assert faults_of(described()) == []


def test_a_spoilt_asyncapi_file_is_not_valid() -> None:
    spoilt = described()
    spoilt["operations"][f"{TPP_MONTH.name}.send"]["action"] = "emit"
    lost = described()
    del lost["components"]["messages"][TPP_MONTH.name]

    assert any("operations" in fault and TPP_MONTH.name in fault for fault in faults_of(spoilt))
    assert faults_of(lost) == [f"#/components/messages/{TPP_MONTH.name} leads nowhere"]


def test_asyncapis_own_parser_takes_the_file_and_refuses_a_spoilt_one(tmp_path: Path) -> None:
    folder = outside.npm_folder(CONTRACT)
    node = outside.program("node")

    assert f"{len(TOPICS)} channels" in outside.run([node, "parse.mjs", str(CONTRACT / "asyncapi.yaml")], folder)
    (tmp_path / "spoilt.yaml").write_text((CONTRACT / "asyncapi.yaml").read_text().replace("action: send", "action: emit", 1))
    with pytest.raises(AssertionError, match="action"):
        outside.run([node, "parse.mjs", str(tmp_path / "spoilt.yaml")], folder)


def test_the_headers_told_are_those_that_are_written() -> None:
    written = Envelope(uuid4(), "type", "/hadir/payroll", datetime.now(UTC), "subject", uuid4(), uuid4()).header_texts()

    assert written.keys() == asyncapi.HEADERS.keys()
    told = described()["components"]["messageTraits"]["cloudEvents"]["headers"]
    jsonschema.Draft7Validator(told).validate(written)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_golden_sample_and_one_with_fields_of_tomorrow_are_valid_by_the_schema_of_its_topic(topic: Topic[Event]) -> None:
    schema = json.loads((CONTRACT / "schemas" / f"{topic.name}.json").read_bytes())
    sample = json.loads((SAMPLES / f"{topic.name}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

    judge.validate(sample)
    judge.validate({**sample, "a_field_of_tomorrow": {"of": "any kind"}})
    with pytest.raises(jsonschema.ValidationError):
        judge.validate({name: value for name, value in sample.items() if name != schema["required"][0]})


Change = tuple[Topic[Any], list[tuple[str, Any]], str]
GONE = object()
BREAKING: dict[str, Change] = {
    "a removed field that all had": (
        TPP_MONTH, [("properties.amount", GONE), ("required.-amount", GONE)],
        "field `amount`: records from now on never have it; readers of release v1 count on it",
    ),
    "a removed optional field": (
        TPP_MONTH, [("properties.supplementary", GONE)], "field `supplementary`: records from now on never have it",
    ),
    "a renamed field": (
        TPP_MONTH, [("properties.amount", GONE), ("required.-amount", GONE), ("properties.rupiah", {"type": "integer"})],
        "field `amount`: records from now on never have it",
    ),
    "a field that may be absent now": (
        TPP_MONTH, [("required.-raw_percent", GONE)], "field `raw_percent`: records from now on may lack it",
    ),
    "a new field that all must have": (
        TPP_MONTH, [("properties.base", {"type": "string"}), ("required.+base", GONE)],
        "field `base`: records of release v1 may lack it; readers from now on need it",
    ),
    "an optional field that became required": (
        TPP_MONTH, [("required.+supplementary", GONE)], "field `supplementary`: records of release v1 may lack it",
    ),
    "a widened type": (
        TPP_MONTH, [("properties.days_final.type", "number")],
        "field `days_final`: records from now on may hold number; readers of release v1 take only integer",
    ),
    "a type that became another": (
        TPP_MONTH, [("properties.percent", {"type": "number"})], "field `percent`: records from now on may hold number",
    ),
    "a field that may be null now": (
        TPP_MONTH, [("properties.days_final", {"anyOf": [{"type": "integer"}, {"type": "null"}]})],
        "field `days_final`: records from now on may hold null; readers of release v1 take only integer",
    ),
    "a field that may no longer be null": (
        TPP_MONTH, [("properties.amount", {"type": "integer"})], "field `amount`: records of release v1 may hold null; readers from now on",
    ),
    "a value more of an enumeration": (
        TPP_MONTH, [("properties.state.enum", ["OPEN", "CLOSED", "REOPENED"])],
        "field `state`: records from now on may hold 'OPEN' or 'CLOSED' or 'REOPENED'; readers of release v1 take only 'OPEN' or 'CLOSED'",
    ),
    "a value less of an enumeration": (
        TPP_MONTH, [("properties.state.enum", ["OPEN"])], "field `state`: records of release v1 may hold 'OPEN' or 'CLOSED'",
    ),
    "an enumeration that became open": (
        TPP_MONTH, [("properties.state", {"type": "string"})], "field `state`: records from now on may hold string",
    ),
    "a higher limit": (
        TPP_MONTH, [("properties.percent.maxLength", 200)], "field `percent`: records from now on may hold string .*maxLength 200",
    ),
    "a lower limit": (
        TPP_MONTH, [("properties.percent.maxLength", 10)], "field `percent`: records of release v1 may hold string .*maxLength 100",
    ),
    "another pattern": (TPP_MONTH, [("properties.month.pattern", "^[0-9]{6}$")], "field `month`: records from now on may hold"),
    "another format": (TPP_MONTH, [("properties.employee_id.format", "uri")], "field `employee_id`: records from now on may hold"),
    "a default that means something else": (
        TPP_MONTH, [("properties.supplementary.default", 1)],
        "field `supplementary`: of a record that lacks it meant 0 and would mean 1",
    ),
    "a closed schema": (TPP_MONTH, [("additionalProperties", False)], "the value: readers from now on refuse fields that they do not know"),
    "a removed field of a part": (
        DAY_ASSESSED, [("$defs.Finding.properties.minutes", GONE)],
        r"field `findings\[\]\.minutes`: records from now on never have it",
    ),
    "a new kind in a part": (
        VIOLATION, [("$defs.FindingKind.enum", ["LATE", "ASLEEP"])], "field `kind`: records from now on may hold 'LATE' or 'ASLEEP'",
    ),
    "items of another type": (
        DAY_ASSESSED, [("properties.evidence.items", {"type": "integer"})], r"field `evidence\[\]`: records from now on may hold integer",
    ),
}  # fmt: skip


def changed(schema: dict[str, Any], edits: list[tuple[str, Any]]) -> dict[str, Any]:
    """The schema with some places set, removed (GONE), or a name taken from (-) or put to (+) `required`."""
    result = copy.deepcopy(schema)
    for place, value in edits:
        *path, last = place.split(".")
        here: Any = result
        for step in path:
            here = here[step]
        if isinstance(here, list):
            here.append(last[1:]) if last[0] == "+" else here.remove(last[1:])
        elif value is GONE:
            del here[last]
        else:
            here[last] = value
    return result


@pytest.mark.parametrize("what", BREAKING)
def test_a_change_that_breaks_readers_or_records_of_a_release_is_named(what: str) -> None:
    topic, edits, expected = BREAKING[what]
    old = schema_of(topic)

    found = breaks("v1", old, changed(old, edits))

    assert any(re.match(expected, fault) for fault in found), found


HARMLESS: dict[str, list[tuple[str, Any]]] = {
    "nothing": [],
    "an optional field": [("properties.note", {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None})],
    "an optional field of a part": [("$defs.Finding.properties.article", {"default": "", "type": "string"})],
    "other words": [("description", "Said better."), ("properties.version.description", "counts from 1")],
    "a part under another name": [
        ("$defs.Discovery", schema_of(DAY_ASSESSED)["$defs"]["Finding"]),
        ("properties.findings.items", {"$ref": "#/$defs/Discovery"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", HARMLESS)
def test_a_change_that_breaks_nobody_passes(what: str) -> None:
    old = schema_of(DAY_ASSESSED)

    assert breaks("v1", old, changed(old, HARMLESS[what])) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (None, "is gone, but release v1 promised it"),
        (replace(VIOLATION, partitions=48), "has partitions 48, but release v1 promised 24"),
        (replace(VIOLATION, key="violation_id"), "has the key 'violation_id', but release v1 promised 'employee_id'"),
        (replace(VIOLATION, compacted=True, retention=None), "has compacted True, but release v1 promised False"),
        (replace(VIOLATION, retention=timedelta(days=30)), "is kept 30 days, but release v1 promised 400"),
    ],
)
def test_a_topic_that_no_longer_keeps_what_it_promised_is_named(other: Topic[Any] | None, expected: str) -> None:
    found = topic_breaks("v1", facts_of(VIOLATION), facts_of(other) if other else None)

    assert any(fault.startswith(expected) for fault in found), found


def test_a_topic_may_be_kept_longer() -> None:
    assert topic_breaks("v1", facts_of(VIOLATION), facts_of(replace(VIOLATION, retention=None))) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The files of the contract in a folder of its own."""
    shutil.copytree(CONTRACT, tmp_path / files.FOLDER, ignore=shutil.ignore_patterns("node_modules", "golden-month"))
    shutil.copytree(SAMPLES, tmp_path / files.SAMPLES)
    files.write(TOPICS, tmp_path)
    return tmp_path


def with_event(event: type[Event]) -> tuple[Topic[Any], ...]:
    return tuple(replace(topic, event=event) if topic is TPP_MONTH else topic for topic in TOPICS)


def test_an_incompatible_change_of_an_event_fails_the_check_with_topic_field_and_remedy(repository: Path) -> None:
    class Reopened(TppMonthChanged):
        state: Literal["OPEN", "CLOSED", "REOPENED"]  # type: ignore[assignment]  # which is what the check is for

    worse = Reopened
    files.write(with_event(worse), repository)

    [fault] = files.faults(with_event(worse), repository)

    assert fault.startswith("hadir.tpp.month.v1, field `state`: records from now on may hold")
    assert fault.endswith("Take it back, or publish a new topic hadir.tpp.month.v2 beside this one.")
    with pytest.raises(Refusal, match=r"hadir\.tpp\.month\.v1, field `state`"):
        files.release(with_event(worse), repository, "v99")


def test_every_release_counts_not_only_the_last(repository: Path) -> None:
    """Each of two steps may look harmless to the one before; the first readers still have to take the last records."""
    first = create_model("TppMonthChanged", __base__=TppMonthChanged, note=(str, ""))
    files.release(with_event(first), repository, "v98")
    (repository / files.FOLDER / "released" / "v99").mkdir()
    for file in (repository / files.FOLDER / "released" / "v1").iterdir():
        shutil.copy(file, repository / files.FOLDER / "released" / "v99")
    files.write(TOPICS, repository)

    [fault] = files.faults(TOPICS, repository)

    assert fault.startswith("hadir.tpp.month.v1, field `note`: records from now on never have it; readers of release v98")


def test_a_stale_file_is_named_with_the_command_that_mends_it(repository: Path) -> None:
    (repository / files.FOLDER / "schemas" / f"{VIOLATION.name}.json").write_text("{}")

    assert files.faults(TOPICS, repository) == [
        f"deploy/contract/schemas/{VIOLATION.name}.json does not say what the code says: run `hadir contract write` and commit it."
    ]


def test_a_topic_declared_with_two_owners_fails_the_check_with_both_names() -> None:
    doubled = (*TOPICS, replace(TPP_MONTH, owner="schedule"))

    with pytest.raises(Refusal, match=r"Topic hadir\.tpp\.month\.v1 has two owners, payroll and schedule"):
        files.faults(doubled, ROOT)


def test_a_topic_without_a_sample_is_told_where_to_put_one() -> None:
    with pytest.raises(Refusal, match=r"hadir\.new\.v1 has no golden sample: put .* into tests/contract/samples/hadir\.new\.v1\.json"):
        files.faults((*TOPICS, replace(TPP_MONTH, name="hadir.new.v1")), ROOT)


def test_another_folder_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"is no checkout of Hadir, tests/contract/samples is missing: go to one, or name it with --root"):
        files.faults(TOPICS, tmp_path)


def test_a_release_is_never_changed(repository: Path) -> None:
    with pytest.raises(Refusal, match="Release v1 exists"):
        files.release(TOPICS, repository, "v1")
    with pytest.raises(Refusal, match="is no name for a release"):
        files.release(TOPICS, repository, "../v3")


def registry(answers: dict[tuple[str, str], tuple[int, Any]]) -> tuple[Registry, list[str]]:
    """A registry that answers as told, and what it was asked."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        status, body = answers.get((request.method, request.url.path.rpartition("/")[2]), (200, {}))
        return httpx.Response(status, json=body)

    return Registry("http://registry.example/apis/ccompat/v7/", httpx.Client(transport=httpx.MockTransport(answer))), asked


def test_an_incompatible_schema_that_a_registry_refuses_is_a_sentence_with_the_subject() -> None:
    refusing, _ = registry({("GET", "versions"): (200, [1]), ("POST", "versions"): (409, {"message": "incompatible"})})

    with pytest.raises(Refusal, match=r"refuses hadir\.tpp\.month\.v1-value as incompatible with what it has: .*incompatible"):
        refusing.publish([TPP_MONTH])


def test_a_schema_that_the_registry_has_already_is_no_news() -> None:
    knowing, asked = registry({("GET", "versions"): (200, [1])})

    assert knowing.publish([TPP_MONTH]) == []
    assert [line for line in asked if line.startswith("PUT")] == []


def test_a_registry_that_does_not_answer_is_told_with_its_address() -> None:
    with (
        Registry("http://127.0.0.1:1") as away,
        pytest.raises(Refusal, match=r"No registry answers at http://127\.0\.0\.1:1 .*/apis/ccompat/v7"),
    ):
        away.publish([TPP_MONTH])


@pytest.fixture
def real_registry(tmp_path: Path) -> Iterator[str]:
    """Address of a registry: the one that HADIR_TEST_REGISTRY names, else Apicurio started for the test."""
    if given := os.environ.get("HADIR_TEST_REGISTRY"):
        yield given
        return
    with apicurio.running(tmp_path) as url:
        yield url


@pytest.mark.timeout(600)
def test_a_real_registry_takes_all_topics_and_optional_fields_and_refuses_what_the_check_refuses(real_registry: str) -> None:
    class Noted(TppMonthChanged):
        note: str | None = None

    class Reopened(Noted):
        state: Literal["OPEN", "CLOSED", "REOPENED"]  # type: ignore[assignment]  # which is what it shall refuse

    name = f"hadir.try-{uuid4().hex}.v1"
    fresh = [replace(topic, name=f"{name}.{topic.name}") for topic in TOPICS]
    mine = replace(TPP_MONTH, name=name)

    with Registry(real_registry) as real:
        assert len(real.publish(fresh)) == len(TOPICS)
        assert real.publish(fresh) == []
        assert real.publish([mine]) == [f"{name}-value: version 1 published, level FORWARD_TRANSITIVE"]
        assert real.publish([replace(mine, event=Noted)]) == [f"{name}-value: version 2 published, level FORWARD_TRANSITIVE"]
        with pytest.raises(Refusal, match=f"refuses {name}-value as incompatible with what it has: .*/properties/state"):
            real.publish([replace(mine, event=Reopened)])


def test_sample_records_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "topics.md").read_text()

    for topic in TOPICS:
        block = re.search(rf"## `{re.escape(topic.name)}`\n.*?```json\n(.*?)```", page, re.DOTALL)
        assert block is not None
        assert orjson.loads(block[1]) == orjson.loads((SAMPLES / f"{topic.name}.json").read_bytes())
