"""The HTTP APIs are the ones in docs/openapi-*.json, and every route keeps to the pattern of docs/api.md."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from shared.roles import RIGHTS
from shared.settings import Settings
from shared.topics import SERVICES
from shared.web.actors import verbs_of
from shared.web.app import Context
from tests.calling import acting, refused

DOCS = Path(__file__).parents[2] / "docs"
APIS = [*(service for service in SERVICES if service != "ingest"), "reports"]


@cache
def app_of(service: Any) -> FastAPI:
    create_app: Callable[[Context], FastAPI] = import_module(f"services.{service}.api").create_app
    return create_app(Context(Settings(), None if service == "reports" else service, lambda _error: None))


def operations() -> Iterator[Any]:
    for service in APIS:
        for path, methods in app_of(service).openapi()["paths"].items():
            for method, operation in methods.items():
                yield pytest.param(path, method, operation, id=f"{service}-{operation.get('operationId', path)}")


OPERATIONS = list(operations())


@pytest.mark.parametrize("service", APIS)
def test_the_committed_description_is_the_one_that_is_served(service: Any) -> None:
    served = orjson.loads(orjson.dumps(app_of(service).openapi()))

    assert served == orjson.loads((DOCS / f"openapi-{service}.json").read_bytes()), "run: make openapi"


@pytest.mark.parametrize("service", APIS)
def test_every_route_asks_for_one_verb_of_the_table_and_has_an_operation_of_its_own(service: Any) -> None:
    routers = import_module(f"services.{service}.api").ROUTERS
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) == sum(len(methods) for methods in app_of(service).openapi()["paths"].values())
    for route in routes:
        asked = verbs_of(route)
        assert len(asked) == 1, f"{route.path} must ask for exactly one verb: Annotated[Actor, asks(...)]"
        assert asked[0][0] in RIGHTS
    ids = [route.operation_id for route in routes]
    assert all(ids), "every route needs an operation_id"
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_tells_its_roles_and_its_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z]+[A-Za-z]+", operation["operationId"])
    assert operation["summary"]
    assert operation["description"]
    assert operation["x-hadir-roles"]
    for status in ("400", "401", "403", "404", "422", "503"):
        assert "application/problem+json" in operation["responses"][status]["content"], status
    assert path.startswith("/v1/")
    assert method in {"get", "post", "put", "delete"}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_lists_are_paged_and_commands_have_a_key_and_a_reason(path: str, method: str, operation: dict[str, Any]) -> None:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    assert {"hadir-actor", "hadir-role", "hadir-units"} <= parameters
    assert not {"offset", "page"} & parameters
    if operation["operationId"].startswith("list"):
        assert method == "get"
        assert {"after", "limit"} <= parameters, path
    if method != "get":
        assert "idempotency-key" in parameters
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        named = body.get("$ref", "").rpartition("/")[2]
        schemas = {name: schema for service in APIS for name, schema in app_of(service).openapi()["components"]["schemas"].items()}
        assert "reason" in parameters or "reason" in schemas[named]["required"], "a command says why"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
async def test_every_operation_refuses_a_query_parameter_that_it_does_not_have(path: str, method: str, operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", ())
    named = {one["name"]: "2026-02-02" for one in parameters if one["in"] == "query"}
    role = operation["x-hadir-roles"][0]
    address = re.sub(r"\{\w+\}", str(uuid4()), path)
    app = next(app_of(service) for service in APIS if operation in app_of(service).openapi()["paths"].get(path, {}).values())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        headers = acting(role, uuid4(), units=(uuid4(),))
        wrong = await client.request(method, address, params={**named, "cursor": "garbage"}, headers=headers)
        twice = httpx.QueryParams([(name, "x") for name in named for _ in range(2)])
        repeated = await client.request(method, address, params=twice, headers=headers) if twice else None
        stranger = await client.request(method, address, params={"cursor": "garbage"})

    assert refused(wrong) == (422, "invalid-request")
    assert [(one["field"], one["code"]) for one in wrong.json()["errors"]] == [("cursor", "unknown-parameter")]
    assert all(name in wrong.json()["detail"] for name in named)
    assert refused(stranger) == (401, "unauthenticated"), "who may not ask is told nothing else"
    single = [one["name"] for one in parameters if one["in"] == "query" and "array" not in str(one["schema"])]
    if repeated is not None and single:
        assert [(one["field"], one["code"]) for one in repeated.json()["errors"]] == [(name, "repeated-parameter") for name in single]
