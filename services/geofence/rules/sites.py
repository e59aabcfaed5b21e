"""Decides which places an employee may check in from at a moment, compiled so that a batch is judged at once.

A site holds for its org units and its employees while it is valid; an office that moved has two rows, each with
its dates. Everything is kept in arrays by the site's number, with fences prepared once per (site, version).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import cos, inf, pi, radians, sin, sqrt
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from services.geofence.rules.shapes import shape_of

SiteKind: TypeAlias = Literal["office", "activity", "region"]
Floats: TypeAlias = NDArray[np.float64]
Indexes: TypeAlias = NDArray[np.intp]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AccuracyRule:
    """How far a site trusts the accuracy that a phone reports (metres, radius of 68 % confidence).

    `cap_m`: at most so much of the reported accuracy counts for the employee (domain.md §4.1: accept if
    distance − min(accuracy, cap) ≤ radius). `max_m`: a coarser fix says nothing, the answer is unsure.
    `outside_factor`: outside only beyond so many times the reported accuracy. At 2.5, and with errors as phones
    report them (accuracy = 1.51 σ), somebody who is inside is called outside less than once in 1,000 times even if
    the fence is as small as a point: exp(-(2.5 × 1.51)² / 2) = 0.0008; on a straight edge once in 12,000 times.
    """

    cap_m: float
    max_m: float
    outside_factor: float = 2.5


DEFAULT_ACCURACY: Final[Mapping[SiteKind, AccuracyRule]] = {
    "office": AccuracyRule(cap_m=30.0, max_m=100.0),
    "activity": AccuracyRule(cap_m=30.0, max_m=100.0),
    "region": AccuracyRule(cap_m=100.0, max_m=2_000.0),
}
"""What holds where a site names no rule of its own: defaults of ours, not of any regulation."""


@dataclass(frozen=True, slots=True)
class Site:
    """One office, activity site or region with those who may use it.

    `valid_from` counts, `valid_to` does not (half-open); None is open. A region with neither org units nor
    employees holds for everybody who has no region of their own.
    """

    site_id: UUID
    version: int
    kind: SiteKind
    geometry: Mapping[str, Any]
    radius_m: float | None = None
    org_unit_ids: tuple[UUID, ...] = ()
    employee_ids: tuple[UUID, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    accuracy: AccuracyRule | None = None

    @property
    def for_everybody(self) -> bool:
        """True of the region that holds where no other does."""
        return self.kind == "region" and not self.org_unit_ids and not self.employee_ids


@dataclass(frozen=True, slots=True)
class Fence:
    """A site's shape made ready: a centre and radius, or a prepared polygon on a plane in metres around it.

    The plane is longitude and latitude scaled by the ellipsoid's radii at the centre, so edges stay straight as
    RFC 7946 wants them. Lengths on it are wrong by the change of scale within the fence: less than 0.03 % for an
    office of 20 km, less than 0.2 % for a region of 100 km at Indonesia's latitudes. No point of a polygon is farther
    than `extent_m` from the centre (0 for a round fence).
    """

    longitude: float
    latitude: float
    metres_per_lon: float
    metres_per_lat: float
    polygon: BaseGeometry | None
    extent_m: float = 0.0


_WGS84: Final = Geod(ellps="WGS84")
_EXTENT_SLACK: Final = 1.01
"""An edge is straight in degrees and so may bulge a little beyond the geodesic between its corners."""
_WGS84_A: Final = 6_378_137.0
_WGS84_E2: Final = 0.006_694_379_990_141_317


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Metres per degree of longitude and of latitude on the WGS84 ellipsoid at a latitude in degrees."""
    phi = radians(latitude)
    squeezed = 1.0 - _WGS84_E2 * sin(phi) ** 2
    normal = _WGS84_A / sqrt(squeezed)
    meridian = _WGS84_A * (1.0 - _WGS84_E2) / squeezed**1.5
    return normal * cos(phi) * pi / 180.0, meridian * pi / 180.0


def fence_of(geometry: Mapping[str, Any]) -> Fence:
    """Make a checked geometry ready for judging."""
    shape = shape_of(geometry)
    if shape.geom_type == "Point":
        longitude, latitude = (float(value) for value in shapely.get_coordinates(shape)[0])
        return Fence(longitude, latitude, *metres_per_degree(latitude), None)
    west, south, east, north = shape.bounds
    longitude, latitude = (west + east) / 2, (south + north) / 2
    per_lon, per_lat = metres_per_degree(latitude)
    polygon = shapely.transform(shape, lambda c: (c - (longitude, latitude)) * (per_lon, per_lat))
    shapely.prepare(polygon)
    corners = shapely.get_coordinates(shape)
    extent = _WGS84.inv(corners[:, 0], corners[:, 1], np.full(len(corners), longitude), np.full(len(corners), latitude))[2].max()
    return Fence(longitude, latitude, per_lon, per_lat, polygon, float(extent) * _EXTENT_SLACK)


class Listed(NamedTuple):
    """Numbers of sites by row: those of row r are the `size[r]` ones of `number` from `first[r]` on."""

    first: Indexes
    size: Indexes
    number: Indexes

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> "Listed":
        """From the numbers of each row."""
        size = np.array([len(numbers) for numbers in lists], dtype=np.intp)
        flat = np.array([number for numbers in lists for number in numbers], dtype=np.intp)
        return cls(np.cumsum(size) - size, size, flat)

    def pairs(self, rows: Indexes) -> tuple[Indexes, Indexes]:
        """Position in `rows` and number of a site listed there, for every such pair."""
        if not self.number.size:
            return self.number, self.number
        size = self.size[rows]
        position = np.repeat(np.arange(rows.size), size)
        nth = np.arange(position.size) - np.repeat(np.cumsum(size) - size, size)
        return position, self.number[self.first[rows][position] + nth]


class Holders:
    """Which places and regions who may use; row 0 is whoever holds none."""

    def __init__(self, places: Mapping[UUID, Sequence[int]], regions: Mapping[UUID, Sequence[int]]) -> None:
        """From numbers of sites by org unit, or by employee."""
        held_by = places.keys() | regions.keys()
        # By the id's integer: to hash and compare UUID objects costs more than all the rest.
        self._row = {one.int: row for row, one in enumerate(held_by, 1)}
        self.places = Listed.of([(), *(places.get(one, ()) for one in held_by)])
        self.regions = Listed.of([(), *(regions.get(one, ()) for one in held_by)])

    def rows(self, ids: Sequence[UUID | None]) -> Indexes:
        """The row of each; one that is unknown or None has none."""
        if not self._row:
            return np.zeros(len(ids), dtype=np.intp)
        find = self._row.get
        return np.array([find(one.int, 0) if one is not None else 0 for one in ids], dtype=np.intp)


class Catalogue:
    """All sites of a province, compiled; never changed after it was made."""

    def __init__(self, sites: Iterable[Site], fences: Mapping[tuple[UUID, int], Fence] | None = None) -> None:
        """Compile the sites; `fences` from an earlier catalogue spare the shapes that did not change."""
        self.sites: tuple[Site, ...] = tuple(sorted(sites, key=lambda site: site.site_id))
        kept = fences or {}
        self.fences: dict[tuple[UUID, int], Fence] = {
            (site.site_id, site.version): kept.get((site.site_id, site.version)) or fence_of(site.geometry)
            for site in self.sites
        }
        ready = [self.fences[site.site_id, site.version] for site in self.sites]
        # One more than there are sites: number -1 is no site and has no id.
        self.ids = np.array([*(site.site_id for site in self.sites), None], dtype=object)
        self.longitude = np.array([fence.longitude for fence in ready], dtype=np.float64)
        self.latitude = np.array([fence.latitude for fence in ready], dtype=np.float64)
        self.metres_per_lon = np.array([fence.metres_per_lon for fence in ready], dtype=np.float64)
        self.metres_per_lat = np.array([fence.metres_per_lat for fence in ready], dtype=np.float64)
        self.polygon = np.empty(len(ready), dtype=object)
        self.polygon[:] = [fence.polygon for fence in ready]
        self.is_polygon: Flags = np.array([fence.polygon is not None for fence in ready], dtype=np.bool_)
        self.extent = np.array([fence.extent_m for fence in ready], dtype=np.float64)
        self.radius = np.array([site.radius_m or 0.0 for site in self.sites], dtype=np.float64)
        self.is_activity: Flags = np.array([site.kind == "activity" for site in self.sites], dtype=np.bool_)
        self.valid_from = np.array([_stamp(site.valid_from, -inf) for site in self.sites], dtype=np.float64)
        self.valid_to = np.array([_stamp(site.valid_to, inf) for site in self.sites], dtype=np.float64)
        self.is_dated: Flags = np.isfinite(self.valid_from) | np.isfinite(self.valid_to)
        rules = [site.accuracy or DEFAULT_ACCURACY[site.kind] for site in self.sites]
        self.cap = np.array([rule.cap_m for rule in rules], dtype=np.float64)
        self.max_accuracy = np.array([rule.max_m for rule in rules], dtype=np.float64)
        self.outside_factor = np.array([rule.outside_factor for rule in rules], dtype=np.float64)
        places = [number for number, site in enumerate(self.sites) if site.kind != "region"]
        regions = [number for number, site in enumerate(self.sites) if site.kind == "region"]
        self.units = Holders(*(_by_id((n, self.sites[n].org_unit_ids) for n in some) for some in (places, regions)))
        self.employees = Holders(*(_by_id((n, self.sites[n].employee_ids) for n in some) for some in (places, regions)))
        self.default_regions = np.array([n for n in regions if self.sites[n].for_everybody], dtype=np.intp)


def _by_id(sites: Iterable[tuple[int, Sequence[UUID]]]) -> dict[UUID, list[int]]:
    """Site numbers by who may use them."""
    found: dict[UUID, list[int]] = {}
    for number, ids in sites:
        for held_by in ids:
            found.setdefault(held_by, []).append(number)
    return found


def _stamp(moment: datetime | None, absent: float) -> float:
    return absent if moment is None else moment.timestamp()


@lru_cache(maxsize=1)
def empty_catalogue() -> Catalogue:
    """The catalogue of a province without sites: every verdict is unsure."""
    return Catalogue(())
