"""What is wrong with one field of a request, and the Indonesian sentence for every kind of fault that pydantic finds."""

import errno
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from pydantic_core import ErrorDetails

_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field: its path ("evidence.sha256"; "" is the whole body), a code, a sentence."""

    field: str
    code: str
    detail: str


Wording: TypeAlias = Callable[[Mapping[str, Any]], tuple[str, str]]
"""Makes (code, sentence) from the context of one of pydantic's errors."""


def plain(code: str, sentence: str) -> Wording:
    """The wording whose sentence is a format of the error's context."""
    return lambda context: (code, sentence.format(**context))


def _choices(context: Mapping[str, Any]) -> tuple[str, str]:
    return "not-allowed", f"Harus {str(context.get('expected', '')).replace(' or ', ' atau ')}."


def _bound(sentence: str, name: str) -> Wording:
    def told(context: Mapping[str, Any]) -> tuple[str, str]:
        value = context.get(name)
        return "out-of-range", sentence.format(int(value) if isinstance(value, float) and value.is_integer() else value)

    return told


def _value_error(context: Mapping[str, Any]) -> tuple[str, str]:
    return "invalid", str(context.get("error") or "Isinya tidak dapat diterima.")


_TIME: Final = plain("not-a-time", "Harus waktu ISO 8601 dengan zona, misalnya 2026-01-05T07:28:10+07:00.")
_NO_TIME: Final = plain("not-a-time", "Bukan waktu yang ada di kalender.")
_DATE: Final = plain("not-a-date", "Harus tanggal TTTT-BB-HH, misalnya 2026-01-05.")
_NO_DATE: Final = plain("not-a-date", "Bukan tanggal yang ada di kalender.")
_WHOLE: Final = plain("wrong-type", "Harus berupa bilangan bulat.")
_OBJECT: Final = plain("wrong-type", "Harus berupa objek JSON.")

WORDINGS: Final[Mapping[str, Wording]] = {
    "missing": plain("missing", "Wajib diisi."),
    "extra_forbidden": plain("unknown-field", "Tidak dikenal. Periksa ejaannya atau hapus."),
    "json_invalid": plain("malformed-json", "Tidak dapat dibaca sebagai JSON."),
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": plain("wrong-type", "Harus berupa daftar."),
    "tuple_type": plain("wrong-type", "Harus berupa daftar."),
    "float_type": plain("wrong-type", "Harus berupa angka, tanpa tanda kutip."),
    "float_parsing": plain("wrong-type", "Harus berupa angka."),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": plain("wrong-type", "Harus true atau false."),
    "bool_parsing": plain("wrong-type", "Harus true atau false."),
    "string_unicode": plain("wrong-type", "Harus berupa teks UTF-8 yang sah."),
    "string_type": plain("wrong-type", "Harus berupa teks."),
    "greater_than_equal": _bound("Paling sedikit {}.", "ge"),
    "greater_than": _bound("Harus lebih dari {}.", "gt"),
    "less_than_equal": _bound("Paling banyak {}.", "le"),
    "less_than": _bound("Harus kurang dari {}.", "lt"),
    "finite_number": plain("out-of-range", "Harus bilangan biasa, bukan NaN atau tak hingga."),
    "enum": _choices,
    "literal_error": _choices,
    "uuid_parsing": plain("not-a-uuid", "Harus UUID, misalnya 8c7f2a52-6d0f-4a54-9a0e-6e7e1f0b5c11."),
    "uuid_type": plain("not-a-uuid", "Harus UUID dalam teks."),
    "datetime_type": _TIME,
    "datetime_parsing": _NO_TIME,
    "datetime_from_date_parsing": _NO_TIME,
    "datetime_object_invalid": _NO_TIME,
    "timezone_aware": plain("zone-missing", "Tambahkan zona waktu, misalnya +07:00 (WIB), +08:00 (WITA), +09:00 (WIT)."),
    "date_type": _DATE,
    "date_parsing": _NO_DATE,
    "date_from_datetime_parsing": _NO_DATE,
    "date_from_datetime_inexact": _DATE,
    "string_too_short": plain("too-short", "Tidak boleh kosong."),
    "string_too_long": plain("too-long", "Paling panjang {max_length} huruf."),
    "string_pattern_mismatch": plain("wrong-pattern", "Bentuknya tidak sesuai; lihat contoh di /docs."),
    "too_short": plain("too-short", "Paling sedikit {min_length} butir."),
    "too_long": plain("too-long", "Paling banyak {max_length} butir."),
    "value_error": _value_error,
}
"""Wordings by pydantic's type of error."""

_SHARE: Final = plain("not-a-share", 'Harus persen dalam tanda kutip, misalnya "75" atau "33.33".')
OF_YAML: Final[Mapping[str, Wording]] = {
    "percent_not_text": _SHARE, "percent_not_decimal": _SHARE, "percent_negative": _SHARE,
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), plain("wrong-type", "Harus berupa pasangan kunci dan nilai.")),
}
"""Wordings for files that people write."""

_NOTHING: Final[Mapping[str, Wording]] = {}


def fault_of(error: ErrorDetails, own: Mapping[str, Wording] = _NOTHING, *, leave_out: int = 0) -> Fault:
    """One of pydantic's errors as a fault; what was sent is never repeated, only the field's name.

    `own` wordings go before the general ones; `leave_out` parts at the beginning of the field's path are not named.
    A validator of ours that raises ValueError does so with a sentence for people.
    """
    field = ".".join(str(part) for part in error["loc"][leave_out:])[:_LONGEST_NAME]
    wording = own.get(error["type"]) or WORDINGS.get(error["type"])
    code, detail = wording(error.get("ctx", {})) if wording else ("invalid", "Isinya tidak dapat diterima.")
    return Fault(field, code, detail)


_OS_ERRORS: Final[Mapping[type[OSError], str]] = {
    FileNotFoundError: "berkas tidak ada; periksa nama dan foldernya", IsADirectoryError: "ini folder, bukan berkas; sebutkan berkasnya",
    PermissionError: "berkas tidak boleh dibaca; mintalah izinnya",
}


OF_THE_MACHINE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO, errno.ENOSPC, errno.ESTALE})
"""What a machine has run out of, or cannot do at the moment: no word about the file that was to be opened."""


def unreadable(error: OSError) -> str:
    """Why a file cannot be read, and what to do. Raises the error itself where the file is not to blame: it may be read later."""
    if error.errno in OF_THE_MACHINE:
        raise error
    known = (told for kind, told in _OS_ERRORS.items() if isinstance(error, kind))
    return next(known, "berkas tidak dapat dibaca; salin lagi dari aslinya")


def too_large(at_most: int) -> Fault:
    """A body of more than so many bytes."""
    told = f"{at_most:,}".replace(",", ".")
    return Fault("", "body-too-large", f"Isi paling besar {told} byte: kirim lebih sedikit sekaligus; foto tidak dikirim ke sini.")


_BEFORE_NUMBER: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*-?$')
_NO_NUMBER: Final = re.compile(r"NaN|Infinity|[0-9]")


def fault_of_json(error: orjson.JSONDecodeError) -> Fault:
    """Why something is not JSON: the field whose number is none (NaN, Infinity, 1e400), else the place where reading ended."""
    begun = max(0, error.pos - 2 * _LONGEST_NAME)  # a body may be large, and whoever sends such ones should not cost much
    named = _BEFORE_NUMBER.search(error.doc[begun : error.pos])
    if named is not None and _NO_NUMBER.match(error.doc, error.pos):
        return Fault(named[1][:_LONGEST_NAME], "malformed-json", "Harus bilangan biasa, bukan NaN, tak hingga, atau di luar batas.")
    return Fault("", "malformed-json", f"Tidak dapat dibaca di baris {error.lineno}, kolom {error.colno}: periksa kurung, koma, dan "
                                       "tanda kutip di situ; NaN, Infinity, dan teks yang bukan UTF-8 sah tidak diterima.")
