"""Describes the API for those who write apps: schemas, answers and invented examples."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import AwareDatetime, BaseModel, Field
from pydantic.json_schema import models_json_schema

from services.ingest.rules.bodies import CheckInBody, WorkReportBody
from shared.web.problems import FieldError, ProblemBody

_REF: Final = "#/components/schemas/{model}"


class CheckInReceipt(BaseModel):
    """Tanda terima. Pengiriman ulang yang sama mendapat tanda terima yang sama persis."""

    check_in_id: UUID
    received_at: Annotated[AwareDatetime, Field(description="Waktu server saat pertama kali diterima, UTC")]


class WorkReportReceipt(BaseModel):
    """Tanda terima laporan kinerja harian."""

    report_id: UUID
    received_at: AwareDatetime


class BatchResult(BaseModel):
    """Hasil satu butir: 202 dengan `received_at`, atau masalah dengan `code` dan `errors`."""

    index: int
    status: int
    check_in_id: UUID | None = None
    received_at: AwareDatetime | None = None
    replayed: bool = False
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: list[FieldError] = []


class BatchResults(BaseModel):
    """Hasil tiap butir, dalam urutan kiriman."""

    results: list[BatchResult]


class CheckInBatch(BaseModel):
    """1 sampai 500 tanda hadir."""

    check_ins: Annotated[list[CheckInBody], Field(min_length=1, max_length=500)]


EXAMPLE_CHECK_IN: Final[dict[str, Any]] = {
    "check_in_id": "8c7f2a52-6d0f-4a54-9a0e-6e7e1f0b5c11",
    "employee_id": "2f1d7c1e-0b57-4c0e-8f39-1f0a4f6f7a01",
    "mark": "in",
    "captured_at": "2026-01-05T07:24:10+07:00",
    "latitude": -3.79565,
    "longitude": 102.2595,
    "accuracy_m": 12.5,
    "device_id": "contoh-perangkat-1",
    "source_app": "contoh-presensi",
    "mock": False,
    "evidence": {"reference": "foto/2026/01/05/contoh.jpg", "sha256": "0" * 64},
}
_FROM_LINK: Final = {
    **{name: value for name, value in EXAMPLE_CHECK_IN.items() if name not in ("latitude", "longitude", "accuracy_m")},
    "map_link": "https://www.google.com/maps/@-3.79565,102.2595,17z",
    "reason": "Rapat di kecamatan",
}
EXAMPLE_WORK_REPORT: Final[dict[str, Any]] = {
    "report_id": "6a0f5b0e-7f83-4c3b-9f86-0d7f3f5f2b21",
    "employee_id": "2f1d7c1e-0b57-4c0e-8f39-1f0a4f6f7a01",
    "work_date": "2026-01-05",
    "submitted_at": "2026-01-05T16:20:00+07:00",
    "reference": "laporan/2026/01/05/contoh.pdf",
    "sha256": "1" * 64,
}


def _body(model: str, **examples: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {
        "schema": {"$ref": _REF.format(model=model)},
        "examples": {name: {"value": value} for name, value in examples.items()},
    }}}}


def _answers(first: int, model: type[BaseModel], description: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    words = {
        400: "Bukan JSON yang sah, atau kunci ganda", 408: "Isi terlalu lambat tiba", 409: "Id sudah dipakai untuk isi lain",
        413: "Terlalu besar", 415: "Bukan application/json", 422: "Ada bidang yang salah; lihat errors",
        503: "Belum diterima; kirim ulang dengan id yang sama sesudah Retry-After",
    }
    problem = {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemBody")}}}
    answers: dict[int | str, dict[str, Any]] = {first: {"model": model, "description": description}}
    for status in statuses:
        answers[status] = {"description": words[status], "content": problem}
    if first == 202:
        answers[first]["headers"] = {"Hadir-Replayed": {
            "schema": {"type": "string", "enum": ["true"]}, "description": "Ada bila id ini sudah pernah diterima"}}
    answers[503]["headers"] = {"Retry-After": {
        "schema": {"type": "integer"}, "description": "Detik sampai boleh dikirim ulang"}}
    return answers


RECORD_CHECK_IN: Final[dict[str, Any]] = {
    "status_code": 202,
    "tags": ["tanda hadir"],
    "summary": "Catat tanda hadir",
    "responses": _answers(202, CheckInReceipt, "Diterima dan tersimpan", 400, 408, 409, 413, 415, 422, 503),
    "openapi_extra": _body("CheckInBody", posisi_perangkat=EXAMPLE_CHECK_IN, tautan_peta=_FROM_LINK),
}
RECORD_CHECK_INS: Final[dict[str, Any]] = {
    "status_code": 207,
    "tags": ["tanda hadir"],
    "summary": "Catat banyak tanda hadir",
    "responses": _answers(207, BatchResults, "Hasil tiap butir", 400, 408, 413, 415, 422, 503),
    "openapi_extra": _body("CheckInBatch", dua_butir={"check_ins": [EXAMPLE_CHECK_IN, _FROM_LINK | {
        "check_in_id": "c0b6a3c5-2d5a-4f3c-8b0e-5f6a7d8e9f10"}]}),
}
SUBMIT_WORK_REPORT: Final[dict[str, Any]] = {
    "status_code": 202,
    "tags": ["laporan kinerja"],
    "summary": "Catat laporan kinerja harian",
    "responses": _answers(202, WorkReportReceipt, "Diterima dan tersimpan", 400, 408, 409, 413, 415, 422, 503),
    "openapi_extra": _body("WorkReportBody", laporan=EXAMPLE_WORK_REPORT),
}


def describe(app: FastAPI) -> None:
    """Adds the bodies, which the handlers read themselves, to the app's OpenAPI document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, bodies = models_json_schema(
                [(model, "validation") for model in (CheckInBody, CheckInBatch, WorkReportBody, ProblemBody)],
                ref_template=_REF,
            )
            schema.setdefault("components", {}).setdefault("schemas", {}).update(bodies["$defs"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way FastAPI documents for extending it
