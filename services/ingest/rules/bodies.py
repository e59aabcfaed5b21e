"""What a request body may say: the client's side of a check-in and of a work report, field by field.

Numbers must be numbers, times must be ISO 8601 with a zone, and an unknown field is refused: a misspelt
`accuracy_m` that is silently dropped could cost a person money.
"""

import datetime as dt
import re
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from shared.events import Mark

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _iso_time(value: Any) -> Any:
    # pydantic alone would also take 1700000000 and "2026-01-05" for times
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise PydanticCustomError("not_a_time", "must be an ISO 8601 time with zone")
    return value


def _iso_date(value: Any) -> Any:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("not_a_date", "must be a date YYYY-MM-DD")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:  # PostgreSQL cannot store it
        raise PydanticCustomError("nul_character", "must not contain NUL")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_iso_time)]
Date = Annotated[dt.date, BeforeValidator(_iso_date)]
Words = Annotated[str, Field(max_length=500), AfterValidator(_no_nul)]
Label = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
Link = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_no_nul)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Degrees = Annotated[float, Strict(), Field(allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceBody(_Body):
    """Bukti: di mana foto disimpan dan SHA-256-nya; foto itu sendiri tidak dikirim ke sini."""

    reference: Annotated[str, Field(min_length=1, max_length=500, description="Alamat atau nomor berkas"),
                         AfterValidator(_no_nul)]
    sha256: Annotated[Sha256, Field(description="SHA-256 berkas, 64 huruf heksadesimal kecil")]


class CheckInBody(_Body):
    """Satu tanda hadir. Posisi: `latitude` dan `longitude`, atau `map_link`."""

    check_in_id: Annotated[UUID, Field(description="UUID buatan aplikasi; pakai lagi yang sama bila mengirim ulang")]
    employee_id: Annotated[UUID, Field(description="Id pegawai di Hadir (bukan NIP)")]
    mark: Annotated[Mark, Field(description="in = masuk, break = istirahat, out = pulang")]
    captured_at: Annotated[Time, Field(description="Waktu di perangkat, ISO 8601 dengan zona")]
    latitude: Annotated[Degrees | None, Field(ge=-90, le=90, description="Lintang, derajat WGS84")] = None
    longitude: Annotated[Degrees | None, Field(ge=-180, le=180, description="Bujur, derajat WGS84")] = None
    accuracy_m: Annotated[
        Degrees | None, Field(ge=0, le=10_000_000, description="Ketelitian posisi menurut perangkat, meter")
    ] = None
    map_link: Annotated[Link | None, Field(description="Tautan Google Maps atau geo: yang memuat koordinat")] = None
    device_id: Annotated[Label, Field(description="Id perangkat")]
    source_app: Annotated[Label, Field(description="Aplikasi pengirim")]
    mock: Annotated[bool, Strict(), Field(description="Perangkat melaporkan lokasi tiruan")] = False
    evidence: EvidenceBody | None = None
    reason: Annotated[Words | None, Field(description="Alasan berada di tempat lain")] = None
    org_unit_id: Annotated[UUID | None, Field(description="Unit kerja menurut aplikasi; dicocokkan")] = None


class WorkReportBody(_Body):
    """Satu laporan kinerja harian: keterangan bahwa laporan ada, bukan isinya."""

    report_id: Annotated[UUID, Field(description="UUID buatan aplikasi; pakai lagi yang sama bila mengirim ulang")]
    employee_id: Annotated[UUID, Field(description="Id pegawai di Hadir (bukan NIP)")]
    work_date: Annotated[Date, Field(description="Tanggal kerja yang dilaporkan")]
    submitted_at: Annotated[Time, Field(description="Waktu di perangkat, ISO 8601 dengan zona")]
    reference: Annotated[Words | None, Field(description="Alamat atau nomor berkas laporan")] = None
    sha256: Annotated[Sha256 | None, Field(description="SHA-256 berkas laporan")] = None
    org_unit_id: Annotated[UUID | None, Field(description="Unit kerja menurut aplikasi; dicocokkan")] = None
