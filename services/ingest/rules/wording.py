"""Says in Indonesian what is wrong with a field; knows every kind of fault that the bodies can have."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

from services.ingest.rules.map_link import LinkFault
from services.ingest.rules.refusals import Fault

_LONGEST_NAME: Final = 100


def _plain(code: str, sentence: str) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    return lambda context: (code, sentence.format(**context))


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]]] = {
    "missing": _plain("missing", "Wajib diisi."),
    "extra_forbidden": _plain("unknown-field", "Tidak dikenal. Periksa ejaannya atau hapus."),
    "model_type": _plain("wrong-type", "Harus berupa objek JSON."),
    "float_type": _plain("wrong-type", "Harus berupa angka, tanpa tanda kutip."),
    "bool_type": _plain("wrong-type", "Harus true atau false."),
    "string_type": _plain("wrong-type", "Harus berupa teks."),
    "greater_than_equal": _plain("out-of-range", "Paling sedikit {ge:.0f}."),
    "less_than_equal": _plain("out-of-range", "Paling banyak {le:.0f}."),
    "finite_number": _plain("out-of-range", "Harus bilangan biasa, bukan NaN atau tak hingga."),
    "enum": _plain("not-allowed", "Harus in, break, atau out."),
    "uuid_parsing": _plain("not-a-uuid", "Harus UUID, misalnya 8c7f2a52-6d0f-4a54-9a0e-6e7e1f0b5c11."),
    "uuid_type": _plain("not-a-uuid", "Harus UUID dalam teks."),
    "not_a_time": _plain("not-a-time", "Harus waktu ISO 8601 dengan zona, misalnya 2026-01-05T07:28:10+07:00."),
    "datetime_parsing": _plain("not-a-time", "Bukan waktu yang ada di kalender."),
    "datetime_from_date_parsing": _plain("not-a-time", "Bukan waktu yang ada di kalender."),
    "datetime_object_invalid": _plain("not-a-time", "Bukan waktu yang ada di kalender."),
    "timezone_aware": _plain("zone-missing", "Tambahkan zona waktu, misalnya +07:00 (WIB), +08:00 (WITA), +09:00 (WIT)."),
    "not_a_date": _plain("not-a-date", "Harus tanggal TTTT-BB-HH, misalnya 2026-01-05."),
    "date_from_datetime_parsing": _plain("not-a-date", "Bukan tanggal yang ada di kalender."),
    "date_parsing": _plain("not-a-date", "Bukan tanggal yang ada di kalender."),
    "string_too_short": _plain("too-short", "Tidak boleh kosong."),
    "string_too_long": _plain("too-long", "Paling panjang {max_length} huruf."),
    "string_pattern_mismatch": _plain("wrong-pattern", "Harus 64 huruf heksadesimal kecil (SHA-256)."),
    "nul_character": _plain("nul-character", "Tidak boleh memuat karakter NUL (\\u0000)."),
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
    field = ".".join(str(part) for part in error["loc"])[:_LONGEST_NAME]
    wording = _KINDS.get(error["type"])
    code, detail = wording(error.get("ctx", {})) if wording else ("invalid", "Isinya tidak dapat diterima.")
    return Fault(field, code, detail)


def map_link_fault(fault: LinkFault) -> Fault:
    """Why a map link holds no usable position, and how to copy one that does."""
    code, detail = _LINKS[fault]
    return Fault("map_link", code, detail)
