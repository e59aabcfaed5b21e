"""Whatever is sent, the answer is a problem that names what is wrong, and never a failure of ours."""

import asyncio
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
import pytest

from tests.pages import ROOT
from tests.poison import VALUES, dumped, forbids, places, with_poison

CheckIn = Callable[..., dict[str, Any]]

PATHS = ("/v1/check-ins", "/v1/check-ins:batch", "/v1/work-reports")
JSON = {"Content-Type": "application/json"}
OPENAPI: Any = orjson.loads((ROOT / "docs/openapi.json").read_bytes())

POISON = {
    "nothing": b"",
    "spaces": b"   \n",
    "cut off": b'{"check_in_id":"8c7f',
    "NaN": b'{"latitude":NaN}',
    "Infinity": b'{"latitude":-Infinity}',
    "beyond all bounds": b'{"latitude":1e400}',
    "a huge integer": b'{"latitude":' + b"9" * 5000 + b"}",
    "a lone surrogate": b'{"device_id":"\\udfff"}',
    "a lone surrogate as a key": b'{"\\ud800":1}',
    "NUL": b'{"device_id":"\\u0000","a\\u0000b":1}',
    "not UTF-8": b'{"device_id":"\xc3\x28"}',
    "UTF-16": '{"device_id":"x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a bomb of arrays": b"[" * 100_000,
    "a bomb of objects": b'{"a":' * 20_000,
    "a closed bomb": b'{"a":' * 900 + b"1" + b"}" * 900,
    "a bomb in a field": b'{"evidence":' + b"[" * 200 + b"]" * 200 + b"}",
    "a bomb in a batch": b'{"check_ins":[' + b"[" * 20 + b"]" * 20 + b"]}",
    "doubled keys": b'{"latitude":1,"latitude":2}',
    "doubled key of a batch": b'{"check_ins":[],"check_ins":[{}]}',
    "null": b"null",
    "a text": b'"x"',
    "a number": b"1",
    "a list": b"[{}]",
    "an empty object": b"{}",
    "a batch of nothing": b'{"check_ins":[]}',
    "a batch of null": b'{"check_ins":null}',
    "a batch that is a text": b'{"check_ins":"x"}',
    "a batch with more": b'{"check_ins":[{}],"mode":"fast"}',
    "many unknown keys": orjson.dumps({f"k{n}": n for n in range(5000)}),
    "a long key": orjson.dumps({"k" * 100_000: 1}),
    "many items": orjson.dumps({"check_ins": [1] * 501}),
    "two documents": b"{}{}",
    "a form": b"check_in_id=1&latitude=2",
}


@pytest.mark.parametrize("path", PATHS)
async def test_poison_is_answered_with_a_problem_and_the_next_request_is_served(
    shared_ingest: Any, a_check_in: CheckIn, path: str
) -> None:
    async with shared_ingest.client() as client:
        for name, body in POISON.items():
            answer = await client.post(path, content=body, headers=JSON)
            problem = answer.json()
            assert 400 <= answer.status_code < 500, name
            assert answer.headers["content-type"] == "application/problem+json", name
            assert {"type", "title", "status", "detail", "code"} <= problem.keys(), name
            assert problem["errors"], name
        assert (await client.post("/v1/check-ins", json=a_check_in())).status_code == 202


@pytest.mark.parametrize("path", ["/v1/check-ins", "/v1/work-reports"])
async def test_what_the_document_forbids_of_any_field_is_refused_and_nothing_makes_the_server_fail(
    shared_ingest: Any, employees: list[UUID], now: Callable[..., str], path: str
) -> None:
    operation = OPENAPI["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    whole = max((example["value"] for example in operation["examples"].values()), key=len)
    refused = 0
    async with shared_ingest.client() as client:
        for at in places(whole):
            for name, value in VALUES.items():
                fresh = {key: str(uuid4()) for key in whole if key in ("check_in_id", "report_id")}
                stamps = {key: now() for key in whole if key in ("captured_at", "submitted_at")}
                body = with_poison({**whole, **fresh, **stamps, "employee_id": str(employees[0])}, at, value)
                answer = await client.post(path, content=dumped(body), headers=JSON)
                assert answer.status_code < 500, (at, name)
                if forbids(operation["schema"], OPENAPI["components"]["schemas"], body):
                    refused += 1
                    assert answer.status_code >= 400, (at, name, answer.text)
                    assert answer.json()["errors"], (at, name)
        assert (await client.post("/v1/check-ins", content=b"{}", headers=JSON)).status_code == 422
    assert refused > 100


@pytest.mark.parametrize("path", PATHS)
async def test_a_query_is_refused_since_no_address_here_has_one(shared_ingest: Any, a_check_in: CheckIn, path: str) -> None:
    async with shared_ingest.client() as client:
        answer = await client.post(f"{path}?dry_run=true", json=a_check_in())

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("dry_run", "unknown-parameter")]


async def test_no_damage_to_a_check_in_makes_the_server_fail(shared_ingest: Any, a_check_in: CheckIn) -> None:
    chance = random.Random(20260105)
    async with shared_ingest.client() as client:
        for _ in range(300):
            body = bytearray(orjson.dumps(a_check_in()))
            for _ in range(chance.randint(1, 6)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            answer = await client.post("/v1/check-ins", content=bytes(body), headers=JSON)
            assert answer.status_code < 500, bytes(body)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"latitude": 91}, "latitude"),
        ({"captured_at": "9999-12-31T23:59:59+07:00"}, "captured_at"),
        ({"captured_at": "2026-01-05T07:24:10"}, "captured_at"),
        ({"employee_id": "00000000-0000-4000-8000-000000000000"}, "employee_id"),
        ({"org_unit_id": "00000000-0000-4000-8000-000000000000"}, "org_unit_id"),
        ({"map_link": "https://maps.app.goo.gl/abc"}, "map_link"),
        ({"mark": "siang"}, "mark"),
    ],
)
async def test_a_wrong_field_is_named(shared_ingest: Any, a_check_in: CheckIn, fields: dict[str, Any], field: str) -> None:
    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins", json=a_check_in(**fields))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_body_of_one_mebibyte_is_refused_before_it_is_read(shared_ingest: Any) -> None:
    address = urlsplit(shared_ingest.url)
    for path in PATHS:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {2**20}\r\n\r\n".encode()
        )

        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)

        assert answer.startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_a_body_that_grows_beyond_the_limit_is_refused_on_the_way(shared_ingest: Any) -> None:
    async def endless() -> Any:
        for _ in range(64):
            yield b'"' + b"x" * 65_536

    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins", content=endless(), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "262.144 byte" in answer.json()["detail"], "who is refused learns how much may be sent"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
async def test_other_kinds_of_content_are_refused(shared_ingest: Any, headers: dict[str, str]) -> None:
    async with shared_ingest.client() as client:
        answer = await client.post("/v1/check-ins", content=b"{}", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_unknown_addresses_and_methods_are_problems_too(shared_ingest: Any) -> None:
    async with shared_ingest.client() as client:
        nowhere = await client.post("/v1/checkins", json={})
        wrong = await client.get("/v1/check-ins")

    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not-found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method-not-allowed")
    assert wrong.headers["allow"] == "POST"
    assert wrong.headers["content-type"] == "application/problem+json"


async def test_the_api_describes_itself(shared_ingest: Any) -> None:
    async with shared_ingest.client() as client:
        document = (await client.get("/openapi.json")).json()
        page = await client.get("/docs")
        assets = [await client.get(address) for address in re.findall(r'(?:src|href)="([^"]+)"', page.text)]
        metrics = (await client.get("/metrics")).text

    assert page.status_code == 200
    assert "://" not in page.text, "the page works where there is no internet"
    assert len(assets) >= 2
    assert {asset.status_code for asset in assets} == {200}
    operations = {path: item["post"] for path, item in document["paths"].items()}
    assert operations.keys() == set(PATHS)
    assert {operation["operationId"] for operation in operations.values()} == {
        "recordCheckIn", "recordCheckIns", "submitWorkReport"
    }  # fmt: skip
    for operation in operations.values():
        assert {"400", "413", "415", "422", "503"} <= operation["responses"].keys()
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert reference.rpartition("/")[2] in document["components"]["schemas"]
    assert "hadir_ingest_refused_total" in metrics
