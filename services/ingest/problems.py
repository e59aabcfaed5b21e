"""Says a refusal of ingest as a problem (`shared.web.problems`), each with its words for people."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Response

from services.ingest.rules.refusals import Refusal
from shared import metrics
from shared.web import problems
from shared.web.problems import Kind

_AGAIN: Final = "Kirim ulang dengan id yang sama; pengiriman ganda tidak dihitung dua kali."

KINDS: Final[Mapping[str, Kind]] = {kind.code: kind for kind in (
    Kind("invalid-body", 422, "Isi permintaan belum benar", "Perbaiki bidang yang disebut dalam errors, lalu kirim ulang."),
    Kind("malformed-json", 400, "Bukan JSON yang sah", "Perbaiki JSON di tempat yang disebut dalam errors."),
    Kind("duplicate-key", 400, "Kunci JSON ganda", "Hapus salah satu dari kunci yang disebut dalam errors."),
    Kind("unknown-employee", 422, "Pegawai tidak dikenal", "Minta admin BKD mengimpor data pegawai, lalu kirim ulang."),
    Kind("inactive-employee", 422, "Pegawai tidak aktif", "Hubungi admin BKD bila status ini keliru."),
    Kind("captured-in-future", 422, "Jam perangkat terlalu cepat", "Setel jam perangkat ke otomatis, lalu tandai hadir lagi."),
    Kind("org-unit-mismatch", 422, "Unit kerja tidak cocok", "Perbarui data pegawai di aplikasi, atau kirim tanpa org_unit_id."),
    Kind("id-conflict", 409, "Id sudah dipakai", "Id ini sudah dipakai untuk isi yang lain. Untuk pernyataan baru, buat UUID baru."),
    Kind("batch-size", 422, "Jumlah butir tidak sesuai", "Kirim 1 sampai 500 butir dalam check_ins."),
    Kind("body-too-large", 413, "Permintaan terlalu besar", "Kirim lebih sedikit butir per permintaan; foto tidak dikirim ke sini."),
    Kind("body-too-slow", 408, "Permintaan terlalu lambat", f"Isi permintaan tidak tiba pada waktunya. {_AGAIN}"),
    Kind("unsupported-media-type", 415, "Jenis isi tidak didukung", "Kirim Content-Type: application/json, tanpa Content-Encoding."),
    Kind("not-found", 404, "Alamat tidak ada", "Periksa alamatnya; daftar alamat ada di /docs."),
    Kind("method-not-allowed", 405, "Metode tidak didukung", "Periksa metode HTTP; daftar alamat ada di /docs."),
    Kind("overloaded", 503, "Sedang terlalu ramai", f"Antrean penuh. {_AGAIN}", retry_after_s=2),
    Kind("kafka-unavailable", 503, "Penyimpanan kejadian sedang terganggu", f"Belum diterima. {_AGAIN}", retry_after_s=5),
    Kind("database-unavailable", 503, "Basis data sedang terganggu", f"Belum diterima. {_AGAIN}", retry_after_s=5),
    Kind("not-confirmed", 503, "Belum terkonfirmasi", f"Belum pasti diterima. {_AGAIN}", retry_after_s=5),
    Kind("internal-error", 500, "Kesalahan pada server", f"Ini kesalahan kami. {_AGAIN}"),
)}
"""Status and words of every `RefusalCode`."""

metrics.start_at_zero([(metrics.INGEST_REFUSED, (KINDS,))])


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return KINDS[refusal.code].status


def problem(refusal: Refusal) -> dict[str, Any]:
    """The members of the problem document; a single fault's sentence is also the detail."""
    return problems.document(KINDS[refusal.code], refusal.faults)


def refuse(refusal: Refusal) -> Response:
    """The response for a whole request that is refused; counted as such."""
    metrics.INGEST_REFUSED.labels(refusal.code).inc()
    return respond(refusal)


def respond(refusal: Refusal, extra: dict[str, Any] | None = None) -> Response:
    """The response for a refusal; `extra` are further members, such as the results of a batch."""
    return problems.respond(KINDS[refusal.code], refusal.faults, extra=extra)


def install(app: FastAPI) -> None:
    """Makes every error of the framework a problem too."""
    problems.install(app, KINDS)
