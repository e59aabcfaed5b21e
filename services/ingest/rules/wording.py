"""Says in Indonesian what is wrong with a field, where ingest's bodies have more to say than `shared.faults`."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

from services.ingest.rules.map_link import LinkFault
from shared import faults
from shared.faults import Fault, Wording, plain

_KINDS: Final[Mapping[str, Wording]] = {
    "enum": plain("not-allowed", "Harus in, break, atau out."),
    "not_a_time": plain("not-a-time", "Harus waktu ISO 8601 dengan zona, misalnya 2026-01-05T07:28:10+07:00."),
    "not_a_date": plain("not-a-date", "Harus tanggal TTTT-BB-HH, misalnya 2026-01-05."),
    "date_from_datetime_parsing": plain("not-a-date", "Bukan tanggal yang ada di kalender."),
    "string_pattern_mismatch": plain("wrong-pattern", "Harus 64 huruf heksadesimal kecil (SHA-256)."),
    "nul_character": plain("nul-character", "Tidak boleh memuat karakter NUL (\\u0000)."),
}

_LINKS: Final[Mapping[LinkFault, tuple[str, str]]] = {
    "short": (
        "map-link-short",
        ("Tautan pendek tidak memuat koordinat dan tidak dibuka oleh server. Buka tautan itu di peramban, tekan lama "
         "titiknya di Google Maps sampai muncul angka lintang dan bujur, lalu salin alamat lengkap yang memuat "
         "koordinat (…@-6.17,106.82…)."),
    ),
    "foreign": ("map-link-foreign", "Hanya tautan Google Maps atau geo: yang diterima."),
    "no-coordinates": (
        "map-link-without-coordinates",
        ("Tautan ini tidak memuat koordinat. Tekan lama titiknya di Google Maps sampai muncul angka lintang dan "
         "bujur, lalu salin alamat lengkap yang memuat koordinat (…@-6.17,106.82…)."),
    ),
    "out-of-range": ("out-of-range", "Koordinat dalam tautan di luar batas lintang ±90 dan bujur ±180."),
}


def fault_of(error: ErrorDetails) -> Fault:
    """One of pydantic's errors as a fault; what was sent is never repeated, only the field's name."""
    return faults.fault_of(error, _KINDS)


def map_link_fault(fault: LinkFault) -> Fault:
    """Why a map link holds no usable position, and how to copy one that does."""
    code, detail = _LINKS[fault]
    return Fault("map_link", code, detail)
