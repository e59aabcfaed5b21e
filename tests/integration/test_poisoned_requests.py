"""Each operation of each API gets the corpus of poison in path, query and body: never a failure of ours, and what its document
forbids is refused with a problem. (A value that is odd and lawful, such as a name of emoji, may be taken.)

The operations are those of the OpenAPI documents, so a new route is tried from its first day on. Ingest has tests of its
own (`ingest/test_refusing.py`), since its bodies are read by hand.
"""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson
import pytest
from fastapi import FastAPI

from services.preview.serving import geofence_app, schedule_app
from shared.database import open_pool
from shared.lanes import Lanes
from shared.settings import Settings
from shared.web.app import Context
from tests.calling import acting, keyed, serving
from tests.integration.schedule.office import MONDAY, Office
from tests.poison import BODIES, FILES, TEXTS, VALUES, dumped, forbids, places, with_poison

Operation = dict[str, Any]
PARTS = 6

APPS: dict[Any, Callable[[Context], FastAPI]] = {
    "geofence": geofence_app,
    "schedule": schedule_app,
    "payroll": import_module("services.payroll.api").create_app,
    "reports": import_module("services.reports.api").create_app,
}
DOCUMENTS = {
    name: make(Context(Settings(), None if name == "reports" else name, lambda _error: None)).openapi() for name, make in APPS.items()
}
OPERATIONS = [
    pytest.param(service, path, method, operation, id=f"{service}-{operation['operationId']}")
    for service, document in DOCUMENTS.items()
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
]
DATES = {"from": str(MONDAY), "until": str(MONDAY + dt.timedelta(days=1))}
SPAN = {"from": str(MONDAY), "to": str(MONDAY), "date": str(MONDAY), "mark": "in", "place": "x", "letter": "SK 1"}
FENCE = {"type": "FeatureCollection", "features": [{
    "type": "Feature", "geometry": {"type": "Point", "coordinates": [102.2656789, -3.7951234]},
    "properties": {"code": "A", "kind": "office", "radius_m": 100, "org_units": ["OPD-1"], "from": str(MONDAY)},
}]}  # fmt: skip


@pytest.fixture(scope="module")
def office(module_database: str) -> Office:
    """One person in one unit, so that what asks for them finds something."""

    async def make() -> Office:
        pool = await open_pool(module_database, "schedule")
        made = Office(Lanes(pool, "schedule"))
        await made.set_up()
        await made.work_off()
        await pool.close()
        return made

    return asyncio.run(make())


def sample(schema: Any, components: Any) -> Any:
    """A content that a schema allows, with all its fields."""
    if "$ref" in schema:
        return sample(components[schema["$ref"].rpartition("/")[2]], components)
    for word in ("const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema or "oneOf" in schema:
        return sample(next(s for s in schema.get("anyOf") or schema["oneOf"] if s.get("type") != "null"), components)
    match schema.get("type"):
        case "object":
            return {name: sample(one, components) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"], components)] if "items" in schema else []
        case "integer" | "number":
            return int(schema.get("minimum", 1))
        case "boolean":
            return False
        case "string":
            known = {"date": str(MONDAY), "uuid": str(uuid4()), "date-time": f"{MONDAY}T07:00:00+07:00", "time": "07:00:00"}
            return known.get(schema.get("format", ""), "2026-02" if "pattern" in schema else "x")
    return {}


def bodies_of(operation: Operation, components: Any, office: Office) -> list[Any]:
    """Good contents for an operation, one per kind where kinds differ."""
    [content, *_] = operation["requestBody"]["content"].values()
    if content["schema"].get("format") == "binary":
        return []
    made = sample(content["schema"], components)
    match operation["operationId"]:
        case "importSites":
            return [FENCE]
        case "recordCorrection" | "makeRequest":
            kinds = components["NewRequest"]["properties"]["kind"]["enum"]
            known = {"employee_id": str(office.employee), "org_unit_id": None, "reason": "SK 1"}
            return [{**made, **known, "kind": kind, "body": SPAN, **({"correction_id": str(uuid4())} if "correction_id" in made else {})}
                    for kind in kinds]  # fmt: skip
    return [made]


def forbids_text(schema: Any, components: Any, text: bytes) -> bool:
    """Whether a document's schema says no to a parameter, which comes as text whatever its type."""
    try:
        value: Any = text.decode()
    except UnicodeDecodeError:
        return False
    kinds = {one.get("type") for one in schema.get("anyOf", [schema])}
    if kinds & {"integer", "number", "boolean", "array"}:
        with contextlib.suppress(ValueError):
            value = json.loads(value.lower())
        return "array" not in kinds and not isinstance(value, (bool, int, float))
    return forbids(schema, components, value)


def forbids_body(schema: Any, components: Any, raw: bytes) -> bool:
    """Whether it says no to a whole body."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return True
    return forbids(schema, components, content)


def requests_of(path: str, method: str, operation: Operation, components: Any, office: Office) -> Iterator[tuple[bool, dict[str, Any]]]:
    """What is asked, and whether it must be refused: each parameter poisoned in turn, then the body."""
    known = {
        "employee_id": str(office.employee), "org_unit_id": str(office.unit), "month": "2026-02", "date": str(MONDAY), "step": "reprimand",
        **DATES, "reason": "SK 1", "on": str(MONDAY), "dry_run": "true",
    }  # fmt: skip
    parameters = [one for one in operation.get("parameters", ()) if one["in"] in ("path", "query")]

    def url(of: str = "", poison: bytes = b"") -> str:
        filled = {one["name"]: known.get(one["name"], str(uuid4())).encode() for one in parameters if one.get("required")}
        filled |= {of: poison} if of else {}
        where = path.format(**{one["name"]: quote(filled[one["name"]], safe="") for one in parameters if one["in"] == "path"})
        query = "&".join(f"{one['name']}={quote(filled[one['name']], safe='')}" for one in parameters
                         if one["in"] == "query" and one["name"] in filled)  # fmt: skip
        return f"{where}?{query}"

    body: dict[str, Any] = {}
    schema: Any = {}
    contents: list[Any] = []
    if "requestBody" in operation:
        contents = bodies_of(operation, components, office)
        [media, *others] = operation["requestBody"]["content"]
        schema = operation["requestBody"]["content"][media]["schema"]
        body = {"headers": {"Content-Type": media}, "content": orjson.dumps(contents[0]) if contents else b"nip;nama\n1;x\n"}
        for file in FILES.values() if not contents else ():
            for kind in (media, *others, "application/json"):
                yield False, {"url": url(), "headers": {"Content-Type": kind}, "content": file}
    yield False, {"url": url(), **body}
    for parameter in parameters:
        for poison in TEXTS.values():
            if parameter["in"] == "query" or (poison and b"/" not in poison):
                yield forbids_text(parameter["schema"], components, poison), {"url": url(parameter["name"], poison), **body}
    for raw in BODIES.values() if body else ():
        yield bool(contents) and forbids_body(schema, components, raw), {"url": url(), **body, "content": raw}
    for number, content in enumerate(contents):
        for at in places(content):
            # The first gets all there is; of the other kinds each a part, in what is their own.
            if number == 0 or at[0] == "body":
                for value in list(VALUES.values())[number % PARTS :: 1 if number == 0 else PARTS]:
                    poisoned = with_poison(content, at, value)
                    yield forbids(schema, components, poisoned), {"url": url(), **body, "content": dumped(poisoned)}


@pytest.mark.parametrize(("service", "path", "method", "operation"), OPERATIONS)
async def test_poison_in_a_request_is_answered_with_a_problem(
    service: Any, path: str, method: str, operation: Operation, office: Office, module_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No unit that a poisoned file names will ever be published: nothing to wait for, once for each value.
    monkeypatch.setattr("services.geofence.api.sites._PATIENCE_S", 0.0)
    role = "bkd" if "bkd" in operation["x-hadir-roles"] else operation["x-hadir-roles"][0]
    units = (office.unit,) if role in ("unit_officer", "supervisor") else ()
    components = DOCUMENTS[service]["components"]["schemas"]
    wrong: list[str] = []
    asked = 0
    must_refuse = 0
    async with serving(APPS[service], None if service == "reports" else service, module_database) as client:
        for forbidden, request in requests_of(path, method, operation, components, office):
            headers = acting(role, units=units) | keyed() | request.pop("headers", {})
            asked += 1
            must_refuse += forbidden
            try:
                answer = await client.request(method, headers=headers, **request)
            except Exception as error:  # noqa: BLE001 - what a server would answer with 500
                told, said = f"{type(error).__name__}: {error}", ""
            else:
                told, said = str(answer.status_code), answer.headers.get("content-type", "")
                if (answer.status_code < 400 and not forbidden) or (400 <= answer.status_code < 500 and said == "application/problem+json"):
                    continue
            wrong.append(f"{told} {said} for {request['url'][:300]} {request.get('content', b'')[:300]!r}")
        assert (await client.get("/readyz")).status_code in (200, 503)
    assert asked
    assert must_refuse or "requestBody" not in operation, "the document forbids nothing at all"
    assert not wrong, f"{len(wrong)} of {asked} requests: " + "\n".join(wrong[:10])


async def test_after_all_that_the_person_is_who_they_were(office: Office, module_database: str) -> None:
    async with serving(schedule_app, "schedule", module_database) as client:
        answer = await client.get(f"/v1/employees/{office.employee}", headers=acting("bkd"))
    assert answer.status_code == 200
    assert answer.json()["nip"] == office.nip
