"""Says every error as an RFC 9457 problem: what went wrong and what to do, in Indonesian, with a stable English code.

A capability declares its own kinds beside its router (`Kind("roster-locked", 409, "Jadwal terkunci", "…")`) and raises
`Problem(kind)`; what every API has is here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.failures import is_infrastructure
from shared.faults import Fault, fault_of

MEDIA_TYPE: Final = "application/problem+json"
_MOST_FAULTS: Final = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: stable code, HTTP status, what went wrong, what to do; seconds after which to try again."""

    code: str
    status: int
    title: str
    detail: str
    retry_after_s: int | None = None


class Problem(Exception):
    """Raised by a handler to answer with a problem; `detail` and `faults` say what is wrong in this case."""

    def __init__(self, kind: Kind, *faults: Fault, detail: str | None = None) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.faults = faults
        self.detail = detail


_AGAIN: Final = "Tidak ada yang berubah; coba lagi sebentar lagi."

UNAUTHENTICATED: Final = Kind("unauthenticated", 401, "Belum masuk", "Sertakan header Hadir-Actor dan Hadir-Role yang sah.")
FORBIDDEN: Final = Kind("forbidden", 403, "Tidak berwenang", "Peran Anda tidak mempunyai hak ini; mintalah kepada admin BKD.")
OUT_OF_REACH: Final = Kind(
    "out-of-reach", 403, "Di luar jangkauan peran Anda", "Anda hanya dapat melihat diri sendiri atau unit kerja Anda.")
NOT_FOUND: Final = Kind("not-found", 404, "Alamat tidak ada", "Periksa alamatnya; daftar alamat ada di /docs.")
UNKNOWN: Final = Kind("unknown", 404, "Tidak ditemukan", "Tidak ada data dengan id ini; periksa id-nya.")
METHOD_NOT_ALLOWED: Final = Kind(
    "method-not-allowed", 405, "Metode tidak didukung", "Periksa metode HTTP; daftar alamat ada di /docs.")
INVALID_REQUEST: Final = Kind(
    "invalid-request", 422, "Permintaan belum benar", "Perbaiki bidang yang disebut dalam errors, lalu kirim ulang.")
MALFORMED_BODY: Final = Kind("malformed-json", 400, "Bukan JSON yang sah", "Perbaiki isi permintaan, lalu kirim ulang.")
TOO_LARGE: Final = Kind("body-too-large", 413, "Permintaan terlalu besar", "Kirim lebih sedikit sekaligus.")
KEY_MISSING: Final = Kind(
    "idempotency-key-missing", 400, "Kunci pengulangan belum ada",
    "Sertakan header Idempotency-Key berisi UUID baru; pakai lagi yang sama bila mengirim ulang.")
KEY_REUSED: Final = Kind(
    "idempotency-key-reused", 409, "Kunci sudah dipakai",
    "Idempotency-Key ini sudah dipakai untuk permintaan lain. Untuk permintaan baru, buat kunci baru.")
IN_PROGRESS: Final = Kind(
    "command-in-progress", 409, "Masih dikerjakan",
    "Permintaan dengan Idempotency-Key ini masih dikerjakan; kirim ulang dengan kunci yang sama.", retry_after_s=2)
REFUSED: Final = Kind("refused", 422, "Tidak dapat dilaksanakan", "Permintaan ini bertentangan dengan data yang ada.")
DATABASE_AWAY: Final = Kind("database-unavailable", 503, "Basis data sedang terganggu", _AGAIN, retry_after_s=5)
INTERNAL: Final = Kind("internal-error", 500, "Kesalahan pada server", "Ini kesalahan kami. Coba lagi, lalu hubungi admin.")

GENERAL: Final[Mapping[str, Kind]] = {
    kind.code: kind
    for kind in (
        UNAUTHENTICATED, FORBIDDEN, OUT_OF_REACH, NOT_FOUND, UNKNOWN, METHOD_NOT_ALLOWED, INVALID_REQUEST, MALFORMED_BODY,
        TOO_LARGE, KEY_MISSING, KEY_REUSED, IN_PROGRESS, REFUSED, DATABASE_AWAY, INTERNAL,
    )
}
"""Kinds that every API has."""

_BY_STATUS: Final = {400: "malformed-json", 404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


_UNSTORABLE: Final = frozenset({"22000", "22003", "22007", "22008", "22021", "22P02", "22P05"})
"""SQLSTATEs with which PostgreSQL, or asyncpg before it, refuses a value: not encodable, out of range, no date, NUL, no UTF-8."""


class FieldError(BaseModel):
    """Satu kesalahan: bidang ("" = seluruh isi), kode tetap, dan kalimat untuk orang."""

    field: str
    code: str
    detail: str


class ProblemBody(BaseModel):
    """Masalah menurut RFC 9457; `code` tetap dan boleh diandalkan program."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] = []


_WORDS: Final = {
    400: "Tidak dapat dibaca, atau tanpa Idempotency-Key", 401: "Belum masuk", 403: "Tidak berwenang", 404: "Tidak ditemukan",
    409: "Bertentangan dengan permintaan atau keadaan lain", 413: "Terlalu besar", 422: "Ada bidang yang salah; lihat errors",
    503: "Sedang terganggu; coba lagi sesudah Retry-After",
}

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}}
    for status, words in _WORDS.items()
}
"""The problems that any route of an API may answer with, for its description."""


def document(kind: Kind, faults: Sequence[Fault] = (), detail: str | None = None) -> dict[str, Any]:
    """The members of the problem document; a single fault's sentence is also the detail unless one is given."""
    if detail is None and len(faults) == 1:
        fault = faults[0]
        detail = f"{fault.field}: {fault.detail}" if fault.field else fault.detail
    members: dict[str, Any] = {
        "type": f"https://hadir.example/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.detail,
        "code": kind.code,
    }
    if faults:
        members["errors"] = [{"field": fault.field, "code": fault.code, "detail": fault.detail} for fault in faults]
    return members


def respond(
    kind: Kind, faults: Sequence[Fault] = (), *, detail: str | None = None, extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The response for a problem; `extra` are further members, such as the results of a batch."""
    sent = dict(headers or {})
    if kind.retry_after_s is not None:
        sent["Retry-After"] = str(kind.retry_after_s)
    if kind.status == 401:
        sent["WWW-Authenticate"] = "Hadir"
    content = orjson.dumps(document(kind, faults, detail) | dict(extra or {}), option=orjson.OPT_UTC_Z)
    return Response(content, kind.status, sent, MEDIA_TYPE)


def install(
    app: FastAPI, kinds: Mapping[str, Kind] = GENERAL, *, refusals: Collection[type[Exception]] = ()
) -> None:
    """Makes every error of the framework, the database and the service a problem too.

    `kinds` by code, those of the framework's errors among them. `refusals`: exceptions of the service whose text is a
    sentence for people; they are answered as `refused`.
    """

    async def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return respond(kinds[_BY_STATUS.get(error.status_code, "internal-error")], headers=error.headers)

    async def of_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return respond(error.kind, error.faults, detail=error.detail)

    async def of_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = error.errors()
        kind = MALFORMED_BODY if any(one["type"] == "json_invalid" for one in found) else INVALID_REQUEST
        # The first part of the path is where the field stands (query, path, body): the name alone is clear enough.
        return respond(kind, [fault_of(one, leave_out=1) for one in found[:_MOST_FAULTS]])

    async def of_refusal(_: Request, error: Exception) -> Response:
        return respond(REFUSED, detail=str(error))

    async def of_database(_: Request, error: Exception) -> Response:
        if is_infrastructure(error):
            return respond(DATABASE_AWAY)
        if getattr(error, "sqlstate", None) in _UNSTORABLE:
            return respond(INVALID_REQUEST, detail="Ada isi yang tidak dapat disimpan: karakter NUL, teks rusak, atau angka di luar batas.")
        raise error

    async def of_bug(_: Request, __: Exception) -> Response:
        return respond(kinds["internal-error"])

    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(RequestValidationError, of_validation)
    for kind_of_error in (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        app.add_exception_handler(kind_of_error, of_database)
    for refusal in refusals:
        app.add_exception_handler(refusal, of_refusal)
    app.add_exception_handler(Exception, of_bug)
