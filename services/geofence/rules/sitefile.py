"""Decides what a GeoJSON file of sites says: every feature read, every mistake told at once, in Indonesian.

One Feature is one site. Properties: `code` (its lasting name), `name`, `kind` office | activity | region, `radius_m` (Point
only), `org_units` (codes or ids), `employees` (NIPs or ids), `valid_from`, `valid_to` (a moment with its zone, or a
date: from its first, to its last minute), `timezone` (for dates; default: the org unit's), `letter` (activity),
`accuracy_cap_m`, `max_accuracy_m`, `outside_factor`. Lists may be one text with ";" or "," between the names.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from typing import Any, Final

from services.geofence.rules.shapes import BadGeometry, read_geometry
from services.geofence.rules.sites import SiteKind
from shared.zones import is_zone

PROPERTIES: Final = (
    "code", "name", "kind", "radius_m", "org_units", "employees", "valid_from", "valid_to", "timezone", "letter",
    "accuracy_cap_m", "max_accuracy_m", "outside_factor",
)  # fmt: skip
KINDS: Final[Mapping[str, SiteKind]] = {
    "office": "office", "kantor": "office", "activity": "activity", "kegiatan": "activity",
    "region": "region", "wilayah": "region",
}  # fmt: skip
LARGEST_RADIUS_M: Final[Mapping[SiteKind, float]] = {"office": 50_000.0, "activity": 50_000.0, "region": 1_000_000.0}
_YEARS: Final = range(2000, 2101)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or worth a warning): feature number from 1 (0: the whole file), property, what to do."""

    feature: int
    property: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One feature as written, names and dates not yet looked up."""

    feature: int
    code: str
    name: str
    kind: SiteKind
    geometry: Mapping[str, Any]
    radius_m: float | None
    org_units: tuple[str, ...]
    employees: tuple[str, ...]
    valid_from: date | datetime | None
    valid_to: date | datetime | None
    timezone: str | None
    letter: str | None
    accuracy_cap_m: float | None
    max_accuracy_m: float | None
    outside_factor: float | None


@dataclass(slots=True)
class SiteFile:
    """What was read: sound features, errors, warnings (repairs are among these)."""

    features: int = 0
    drafts: list[Draft] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_site_file(document: object) -> SiteFile:
    """Read a parsed GeoJSON document; mistakes are in `errors`, never raised."""
    read = SiteFile()
    if not isinstance(document, Mapping) or document.get("type") != "FeatureCollection":
        read.errors.append(Problem(0, None, 'isi berkas harus GeoJSON dengan "type": "FeatureCollection"'))
        return read
    features = document.get("features")
    if not isinstance(features, list) or not features:
        read.errors.append(Problem(0, "features", "tidak ada fitur; satu situs ditulis sebagai satu Feature"))
        return read
    if "crs" in document and "CRS84" not in str(document["crs"]) and "4326" not in str(document["crs"]):
        read.errors.append(Problem(0, "crs", "koordinat harus WGS84 (EPSG:4326); ekspor ulang dengan CRS itu"))
    read.features = len(features)
    first_use: dict[str, int] = {}
    for number, feature in enumerate(features, start=1):
        draft = _Feature(number, feature, read).draft()
        if draft is None:
            continue
        if draft.code in first_use:
            told = f"kode {draft.code} sudah dipakai fitur {first_use[draft.code]}; satu situs satu kode"
            read.errors.append(Problem(number, "code", told))
            continue
        first_use[draft.code] = number
        read.drafts.append(draft)
    return read


class _Feature:
    """Reads one feature and notes what is wrong with it."""

    def __init__(self, number: int, feature: object, read: SiteFile) -> None:
        self._number = number
        self._read = read
        self._feature = feature
        found = feature.get("properties") if isinstance(feature, Mapping) else None
        self._properties: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    def draft(self) -> Draft | None:
        """The feature as a draft; None when it has errors."""
        before = len(self._read.errors)
        if not isinstance(self._feature, Mapping) or self._feature.get("type") != "Feature":
            self._wrong(None, 'setiap fitur harus ditulis sebagai {"type": "Feature", ...}')
            return None
        self._unknown_properties()
        kind = self._kind()
        geometry = self._geometry()
        code = self._text("code", 100, needed=True) or ""
        draft = Draft(
            feature=self._number,
            code=code,
            name=self._text("name", 500) or code,
            kind=kind or "office",
            geometry=geometry or {},
            radius_m=self._radius(kind, geometry),
            org_units=self._names("org_units"),
            employees=self._names("employees"),
            valid_from=self._moment("valid_from"),
            valid_to=self._moment("valid_to"),
            timezone=self._timezone(),
            letter=self._text("letter", 500),
            accuracy_cap_m=self._float("accuracy_cap_m", 0, 1_000),
            max_accuracy_m=self._float("max_accuracy_m", 1, 4_999),
            outside_factor=self._float("outside_factor", 1, 10),
        )
        if kind is not None:
            self._agree(draft)
        return draft if len(self._read.errors) == before else None

    def _agree(self, draft: Draft) -> None:
        """What the properties of a kind must have together."""
        held = self._properties.get("org_units") or self._properties.get("employees")
        if draft.kind == "office" and not held:
            self._wrong("org_units", "kantor harus menyebut unit kerja (org_units) atau pegawai (employees)")
        if draft.kind == "activity":
            if not held:
                self._wrong("employees", "kegiatan harus menyebut peserta (employees atau org_units)")
            if not draft.letter:
                self._wrong("letter", "kegiatan harus menyebut nomor surat")
            for name, moment in (("valid_from", draft.valid_from), ("valid_to", draft.valid_to)):
                if moment is None and self._properties.get(name) is None:
                    self._wrong(name, "kegiatan harus mempunyai waktu mulai dan selesai")

    def _unknown_properties(self) -> None:
        for name in self._properties:
            if name not in PROPERTIES:
                near = difflib.get_close_matches(str(name).lower(), PROPERTIES, n=1, cutoff=0.8)
                if near:
                    self._wrong(str(name)[:60], f"properti tidak dikenal; mungkin maksudnya {near[0]}")
                else:
                    self._warn(str(name)[:60], "properti tidak dikenal dan diabaikan")

    def _kind(self) -> SiteKind | None:
        word = self._text("kind", 20, needed=True)
        kind = KINDS.get(word.lower()) if word else None
        if word and kind is None:
            self._wrong("kind", f"jenis {word} tidak dikenal; gunakan office, activity atau region")
        return kind

    def _geometry(self) -> dict[str, Any] | None:
        assert isinstance(self._feature, Mapping)
        try:
            drawn = read_geometry(self._feature.get("geometry"))
        except BadGeometry as error:
            self._wrong("geometry", str(error))
            return None
        for repair in drawn.repairs:
            self._warn("geometry", repair)
        return drawn.geometry

    def _radius(self, kind: SiteKind | None, geometry: Mapping[str, Any] | None) -> float | None:
        round_fence = geometry is not None and geometry["type"] == "Point"
        if geometry is not None and not round_fence and self._properties.get("radius_m") is not None:
            self._wrong("radius_m", "radius hanya untuk Point; hapus radius_m atau gambar lingkaran sebagai Point")
            return None
        radius = self._float("radius_m", 1, LARGEST_RADIUS_M[kind or "office"])
        if round_fence and self._properties.get("radius_m") is None:
            self._wrong("radius_m", "Point harus mempunyai radius_m dalam meter")
        return radius

    def _text(self, name: str, longest: int, *, needed: bool = False) -> str | None:
        value = self._properties.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if needed:
                self._wrong(name, "wajib diisi")
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or "\x00" in value:
            self._wrong(name, "harus berupa teks")
            return None
        if len(value.strip()) > longest:
            self._wrong(name, f"paling panjang {longest} huruf")
            return None
        return value.strip()

    def _float(self, name: str, low: float, high: float) -> float | None:
        value = self._properties.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            self._wrong(name, "harus berupa angka")
            return None
        if not low <= value <= high:
            self._wrong(name, f"harus antara {low:g} dan {high:g}")
            return None
        return float(value)

    def _names(self, name: str) -> tuple[str, ...]:
        value = self._properties.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            value = value.replace(";", ",").split(",")
        if not isinstance(value, Sequence) or not all(isinstance(item, (str, int)) for item in value):
            self._wrong(name, "harus berupa daftar teks")
            return ()
        return tuple(dict.fromkeys(stripped for item in value if (stripped := str(item).strip())))

    def _moment(self, name: str) -> date | datetime | None:
        text = self._text(name, 40)
        if text is None:
            return None
        try:
            moment = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        except ValueError:
            self._wrong(name, f"{text} bukan tanggal; tulis misalnya 2026-02-01 atau 2026-02-01T07:00:00+07:00")
            return None
        if isinstance(moment, datetime) and moment.tzinfo is None:
            self._wrong(name, f"{text} tidak menyebut zona; tambahkan misalnya +07:00, atau tulis tanggal saja")
            return None
        if moment.year not in _YEARS:
            self._wrong(name, f"tahun {moment.year} di luar {_YEARS.start}-{_YEARS.stop - 1}")
            return None
        return moment

    def _timezone(self) -> str | None:
        name = self._text("timezone", 60)
        if name is None:
            return None
        if not is_zone(name):
            self._wrong("timezone", f"zona {name} tidak dikenal; gunakan Asia/Jakarta, Asia/Makassar atau Asia/Jayapura")
            return None
        return name

    def _wrong(self, name: str | None, text: str) -> None:
        self._read.errors.append(Problem(self._number, name, text))

    def _warn(self, name: str | None, text: str) -> None:
        self._read.warnings.append(Problem(self._number, name, text))
