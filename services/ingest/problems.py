"""Says a refusal as an RFC 9457 problem: what went wrong and what to do, in Indonesian, with a stable code."""

from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from services.ingest.rules.refusals import Refusal, RefusalCode
from shared import metrics

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    title: str
    detail: str
    retry_after_s: int | None = None


_AGAIN: Final = "Kirim ulang dengan id yang sama; pengiriman ganda tidak dihitung dua kali."

KINDS: Final[dict[RefusalCode, _Kind]] = {
    "invalid-body": _Kind(422, "Isi permintaan belum benar", "Perbaiki bidang yang disebut dalam errors, lalu kirim ulang."),
    "malformed-json": _Kind(400, "Bukan JSON yang sah", "Perbaiki JSON di tempat yang disebut dalam errors."),
    "duplicate-key": _Kind(400, "Kunci JSON ganda", "Hapus salah satu dari kunci yang disebut dalam errors."),
    "unknown-employee": _Kind(422, "Pegawai tidak dikenal", "Minta admin BKD mengimpor data pegawai, lalu kirim ulang."),
    "inactive-employee": _Kind(422, "Pegawai tidak aktif", "Hubungi admin BKD bila status ini keliru."),
    "captured-in-future": _Kind(422, "Jam perangkat terlalu cepat", "Setel jam perangkat ke otomatis, lalu tandai hadir lagi."),
    "org-unit-mismatch": _Kind(422, "Unit kerja tidak cocok", "Perbarui data pegawai di aplikasi, atau kirim tanpa org_unit_id."),
    "id-conflict": _Kind(409, "Id sudah dipakai", "Id ini sudah dipakai untuk isi yang lain. Untuk pernyataan baru, buat UUID baru."),
    "batch-size": _Kind(422, "Jumlah butir tidak sesuai", "Kirim 1 sampai 500 butir dalam check_ins."),
    "body-too-large": _Kind(413, "Permintaan terlalu besar", "Kirim lebih sedikit butir per permintaan; foto tidak dikirim ke sini."),
    "body-too-slow": _Kind(408, "Permintaan terlalu lambat", f"Isi permintaan tidak tiba pada waktunya. {_AGAIN}"),
    "unsupported-media-type": _Kind(415, "Jenis isi tidak didukung", "Kirim Content-Type: application/json, tanpa Content-Encoding."),
    "not-found": _Kind(404, "Alamat tidak ada", "Periksa alamatnya; daftar alamat ada di /docs."),
    "method-not-allowed": _Kind(405, "Metode tidak didukung", "Periksa metode HTTP; daftar alamat ada di /docs."),
    "overloaded": _Kind(503, "Sedang terlalu ramai", f"Antrean penuh. {_AGAIN}", retry_after_s=2),
    "kafka-unavailable": _Kind(503, "Penyimpanan kejadian sedang terganggu", f"Belum diterima. {_AGAIN}", retry_after_s=5),
    "database-unavailable": _Kind(503, "Basis data sedang terganggu", f"Belum diterima. {_AGAIN}", retry_after_s=5),
    "not-confirmed": _Kind(503, "Belum terkonfirmasi", f"Belum pasti diterima. {_AGAIN}", retry_after_s=5),
    "internal-error": _Kind(500, "Kesalahan pada server", f"Ini kesalahan kami. {_AGAIN}"),
}
"""Status and words of every code."""

_BY_STATUS: Final[dict[int, RefusalCode]] = {404: "not-found", 405: "method-not-allowed"}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return KINDS[refusal.code].status


def problem(refusal: Refusal) -> dict[str, Any]:
    """The members of the problem document; a single fault's sentence is also the detail."""
    kind = KINDS[refusal.code]
    detail = kind.detail
    if len(refusal.faults) == 1:
        fault = refusal.faults[0]
        detail = f"{fault.field}: {fault.detail}" if fault.field else fault.detail
    members: dict[str, Any] = {
        "type": f"https://hadir.example/problems/{refusal.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": refusal.code,
    }
    if refusal.faults:
        members["errors"] = [
            {"field": fault.field, "code": fault.code, "detail": fault.detail} for fault in refusal.faults
        ]
    return members


def refuse(refusal: Refusal) -> Response:
    """The response for a whole request that is refused; counted as such."""
    metrics.INGEST_REFUSED.labels(refusal.code).inc()
    return respond(refusal)


def respond(refusal: Refusal, extra: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Response:
    """The response for a refusal; `extra` are further members, such as the results of a batch."""
    kind = KINDS[refusal.code]
    headers = dict(headers or {})
    if kind.retry_after_s is not None:
        headers["Retry-After"] = str(kind.retry_after_s)
    return Response(orjson.dumps(problem(refusal) | (extra or {})), kind.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every error of the framework a problem too."""

    async def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code, "internal-error")
        return respond(Refusal(code), headers=dict(error.headers or {}))

    async def of_bug(_: Request, __: Exception) -> Response:
        return respond(Refusal("internal-error"))

    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_bug)
