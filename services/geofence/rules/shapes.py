"""Decides whether a drawn fence can be judged by, and repairs it when there is only one way to read it.

A fence is GeoJSON (RFC 7946: longitude first, edges straight in longitude and latitude): a Point with a radius,
a Polygon or a MultiPolygon, holes included. A crossing that a slip of the hand made is repaired; a drawing
whose repair would change what it covers is refused, since the missing corner would hold honest people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

MAX_AREA_CHANGE: Final = 0.05
"""Largest share of the drawn area that a repair may add or remove; a default of ours, no regulation has one."""


class BadGeometry(Exception):
    """The drawing cannot be a fence; the message is Indonesian and says why and what to do."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A geometry fit to judge by, as GeoJSON, and what had to be repaired (Indonesian, for the person)."""

    geometry: dict[str, Any]
    repairs: tuple[str, ...] = ()


def read_geometry(geometry: object) -> Drawn:
    """Check a GeoJSON geometry and repair it if its meaning is beyond doubt.

    Raises `BadGeometry` with an Indonesian sentence.
    """
    if not isinstance(geometry, Mapping):
        raise BadGeometry("geometri tidak ada; isi dengan Point, Polygon atau MultiPolygon")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        longitude, latitude = _position(coordinates)
        return Drawn({"type": "Point", "coordinates": [longitude, latitude]})
    if kind == "Polygon":
        parts: list[object] = [coordinates]
    elif kind == "MultiPolygon":
        parts = list(_list(coordinates, "MultiPolygon tidak berisi poligon"))
    else:
        raise BadGeometry(f"jenis geometri {kind!s:.40} bukan pagar; gunakan Point, Polygon atau MultiPolygon")
    repairs: list[str] = []
    polygons = [_polygon(part, repairs) for part in parts]
    shape = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    return Drawn(shapely.geometry.mapping(_made_valid(shape, repairs)), tuple(repairs))


def shape_of(geometry: Mapping[str, Any]) -> BaseGeometry:
    """Shapely geometry of a checked GeoJSON geometry, in degrees."""
    return shapely.geometry.shape(dict(geometry))


def _list(value: object, otherwise: str) -> Sequence[object]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or not value:
        raise BadGeometry(otherwise)
    return value


def _position(value: object) -> tuple[float, float]:
    numbers = _list(value, "sebuah titik harus ditulis [bujur, lintang]")
    if len(numbers) < 2:
        raise BadGeometry("sebuah titik harus ditulis [bujur, lintang]")
    longitude, latitude = _number(numbers[0]), _number(numbers[1])
    if not -90 <= latitude <= 90 and -90 <= longitude <= 90 and -180 <= latitude <= 180:
        raise BadGeometry(
            f"lintang {latitude} di luar -90..90; tampaknya bujur dan lintang tertukar, GeoJSON menulis bujur lebih dahulu"
        )
    if not -180 <= longitude <= 180:
        raise BadGeometry(f"bujur {longitude} di luar -180..180")
    if not -90 <= latitude <= 90:
        raise BadGeometry(f"lintang {latitude} di luar -90..90")
    return longitude, latitude


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise BadGeometry("koordinat harus berupa angka")
    return float(value)


def _polygon(value: object, repairs: list[str]) -> Polygon:
    rings = [_ring(ring, repairs) for ring in _list(value, "poligon tidak mempunyai cincin")]
    return Polygon(rings[0], rings[1:])


def _ring(value: object, repairs: list[str]) -> list[tuple[float, float]]:
    ring = [_position(point) for point in _list(value, "cincin poligon harus berupa daftar titik")]
    if len(set(ring)) < 3:
        raise BadGeometry("cincin poligon membutuhkan sedikitnya tiga titik yang berbeda")
    if ring[0] != ring[-1]:
        ring.append(ring[0])
        repairs.append("cincin yang belum tertutup telah ditutup")
    return ring


def _made_valid(shape: BaseGeometry, repairs: list[str]) -> BaseGeometry:
    if shape.is_valid:
        if shape.area == 0:
            raise BadGeometry("poligon tidak mempunyai luas")
        return shape
    reason = _reason(shape)
    # "structure" joins overlapping parts; the default method would make a hole where they overlap.
    repaired = _only_polygons(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    if repaired.is_empty or repaired.area == 0:
        raise BadGeometry(f"poligon tidak sah ({reason}) dan setelah diperbaiki tidak mempunyai luas; gambar ulang")
    change = abs(repaired.area - shape.area) / max(repaired.area, shape.area)
    if change > MAX_AREA_CHANGE:
        raise BadGeometry(
            f"poligon tidak sah ({reason}); perbaikan akan mengubah luasnya {change:.0%}, maka gambar ulang "
            "(periksa urutan titik sudut)"
        )
    repairs.append(f"poligon tidak sah ({reason}) telah diperbaiki, luas berubah {change:.1%}")
    return repaired


def _reason(shape: BaseGeometry) -> str:
    """GEOS's explanation without the place, in Indonesian where it is one of the common ones."""
    explained = shapely.is_valid_reason(shape).split("[")[0].strip()
    return {
        "Self-intersection": "garisnya memotong dirinya sendiri",
        "Ring Self-intersection": "cincinnya menyentuh dirinya sendiri",
        "Hole lies outside shell": "lubang berada di luar poligon",
        "Holes are nested": "lubang berada di dalam lubang",
        "Nested shells": "poligon bertumpuk di dalam poligon lain",
        "Interior is disconnected": "lubang memutus bagian dalam",
        "Duplicate Rings": "cincin ganda",
    }.get(explained, explained)


def _only_polygons(shape: BaseGeometry) -> BaseGeometry:
    """Polygonal parts of a repaired shape; make_valid leaves spikes behind as lines, which cover nothing."""
    parts = [part for part in shapely.get_parts(shape, return_index=False) if part.geom_type in {"Polygon", "MultiPolygon"}]
    polygons = [polygon for part in parts for polygon in shapely.get_parts(part)]
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
